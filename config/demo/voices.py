"""Tickets and answers of the demo, with what people wrote in Turkish and English. Pure."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from config.demo import people, words
from config.demo.company import Company, Customer
from config.demo.rows import Row


def _instant(day: dt.date, dice: random.Random) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, dice.randint(6, 15), dice.randint(0, 59), tzinfo=dt.UTC)


def _score(dice: random.Random, mood: float, low: int, high: int) -> int:
    value = low + (high - low) * min(max(dice.gauss(0.22 + 0.78 * mood, 0.17), 0), 1)
    return int(min(max(round(value), low), high))


def _comment(dice: random.Random, band: str, customer: Customer, language: str) -> tuple[str, str]:
    """(comment, topic) in the writer's language; often nothing."""
    topics = words.VERBATIMS[band]
    topic = customer.pain if customer.pain in topics and dice.random() < 0.75 else dice.choice(sorted(topics))
    return (dice.choice(topics[topic][language]), topic) if dice.random() < 0.55 else ("", topic)


def relationship_answers(company: Company, seed: int) -> Iterator[Row]:
    """NPS every half-year of a contact, an exit survey of most who left, effort after onboarding."""
    dice = random.Random(f"voices {seed}")
    for customer in company.customers:
        until = customer.churned or company.today
        for person in customer.contacts:
            if person["role"] == "billing":
                continue
            day = max(customer.trial_until, company.first_day) + dt.timedelta(days=dice.randint(40, 200))
            while day < until:
                if person["role"] == "champion" and customer.champion_left and day >= customer.champion_left:
                    break
                yield from _answer(dice, company, customer, person, day, kind="nps", low=0, high=10, touchpoint="relationship-nps", rate=0.42)
                day += dt.timedelta(days=dice.randint(175, 190))
        if customer.onboarded and customer.onboarded > company.first_day and customer.terms and customer.contacts:
            yield from _answer(
                dice, company, customer, customer.contacts[0], customer.onboarded + dt.timedelta(days=2), kind="ces", low=1, high=7, touchpoint="onboarding-completed", rate=0.5
            )
        if customer.churned and customer.churned > company.first_day and customer.contacts and dice.random() < 0.5:
            person = dice.choice(customer.contacts)
            answered = _instant(customer.churned, dice) + dt.timedelta(hours=30)
            comment, topic = _comment(dice, "low", customer, person["language"])
            yield {
                "external_id": f"{customer.key}-exit", "kind": "exit", "account": customer.key, "contact_email": person["email"], "invited_at": (answered - dt.timedelta(hours=26)).isoformat(),
                "answered_at": answered.isoformat(), "score": _score(dice, 0.3, 1, 5), "scale_min": 1, "scale_max": 5, "comment": comment, "language": person["language"],
                "touchpoint": "subscription-cancelled", "reason": customer.churn_reason or topic, "ticket": "", "agent_email": "",
            }  # fmt: skip


def _answer(
    dice: random.Random, company: Company, customer: Customer, person: dict[str, str], day: dt.date, *, kind: str, low: int, high: int, touchpoint: str, rate: float
) -> Iterator[Row]:
    """An invitation with or without an answer; nothing of today or later."""
    invited = _instant(day, dice)
    mood = company.mood(customer, day)
    row: Row = {
        "external_id": f"{person['external_id']}-{kind}-{day}", "kind": kind, "account": customer.key, "contact_email": person["email"], "invited_at": invited.isoformat(),
        "answered_at": "", "score": "", "scale_min": low, "scale_max": high, "comment": "", "language": person["language"], "touchpoint": touchpoint, "reason": "", "ticket": "", "agent_email": "",
    }  # fmt: skip
    answered = invited + dt.timedelta(minutes=dice.randint(4, 3500))
    if dice.random() < rate and answered.date() < company.today:
        score = _score(dice, mood, low, high)
        share = (score - low) / (high - low)
        comment, topic = _comment(dice, "low" if share <= 0.6 else "middle" if share <= 0.8 else "high", customer, person["language"])
        row.update(answered_at=answered.isoformat(), score=score, comment=comment, reason=topic if share <= 0.6 else "")
    if invited.date() < company.today:
        yield row


def tickets(company: Company, seed: int) -> tuple[list[Row], list[Row], list[Row]]:
    """(tickets, their events with texts, CSAT answers)."""
    dice = random.Random(f"tickets {seed}")
    rows: list[Row] = []
    events: list[Row] = []
    answers: list[Row] = []
    for customer in company.customers:
        day = max(customer.trial_until, company.first_day) + dt.timedelta(days=dice.randint(1, 60))
        until = customer.churned or company.today
        number = 0
        while day < until and customer.contacts:
            number += 1
            _ticket(dice, company, customer, day, number, rows, events, answers)
            mood = company.mood(customer, day)
            day += dt.timedelta(days=max(2, int(dice.expovariate(1 / (26 + 95 * mood)))))
    return rows, events, answers


def _ticket(dice: random.Random, company: Company, customer: Customer, day: dt.date, number: int, rows: list[Row], events: list[Row], answers: list[Row]) -> None:
    key = f"{customer.key}-t{number}"
    mood = company.mood(customer, day)
    slow_times = 0 <= (day - company.bad_release).days < 45
    kinds = words.TICKETS[:2] if slow_times and dice.random() < 0.6 else words.TICKETS
    category, turkish, english, severity = dice.choice(kinds)
    troubled = customer.trouble_from is not None and day >= customer.trouble_from
    severity = min(4, max(1, severity + dice.choice((-1, 0, 0, 0, 1) if not troubled else (0, 1, 1, 2))))
    person = dice.choice(customer.contacts)
    language = person["language"]
    opened = _instant(day, dice)
    reply = opened + dt.timedelta(minutes=int(dice.lognormvariate(4.6 + (0.7 if slow_times else 0), 0.9)))
    # one in eight gets stuck for days
    stuck = 30 if troubled and dice.random() < 0.6 else 14 if dice.random() < 0.12 else 1
    solved = reply + dt.timedelta(minutes=int(stuck * dice.lognormvariate(6.4 + (0.8 if slow_times else 0), 1.1)))
    if (company.today - day).days <= 9 and dice.random() < 0.6:
        solved += dt.timedelta(days=20)
    now = dt.datetime(company.today.year, company.today.month, company.today.day, tzinfo=dt.UTC)
    agent = people.AGENTS[customer.language]
    status = "closed" if solved + dt.timedelta(days=5) < now else "solved" if solved < now else "open" if reply < now else "new"
    rows.append(
        {
            "external_id": key,
            "account": customer.key,
            "opened_at": opened.isoformat(),
            "contact_email": person["email"],
            "subject": turkish if language == "tr" else english,
            "category": category,
            "channel": dice.choices(("email", "web", "phone", "chat"), weights=(45, 30, 15, 10))[0],
            "severity": severity,
            "status": status,
            "created_by_kind": "customer",
            "assignee_email": agent if reply < now else "",
            "group": "Second level" if severity >= 3 else "First level",
            "location": "İzmir" if customer.language == "tr" else "Rotterdam",
            "first_replied_at": reply.isoformat() if reply < now else "",
            "solved_at": solved.isoformat() if solved < now else "",
            "closed_at": (solved + dt.timedelta(days=5)).isoformat() if status == "closed" else "",
            "replies": 2 if solved < now else 1 if reply < now else 0,
            "escalated": "true" if severity == 4 and dice.random() < 0.4 else "false",
        }
    )

    def event(suffix: str, moment: dt.datetime, kind: str, actor: str, kind_of_actor: str, value: str = "", body: str = "") -> None:
        if moment < now:
            events.append(
                {
                    "external_id": f"{key}-{suffix}",
                    "ticket": key,
                    "occurred_at": moment.isoformat(),
                    "kind": kind,
                    "actor_email": actor,
                    "actor_kind": kind_of_actor,
                    "value": value,
                    "body": body,
                }
            )

    event("e1", opened, "created", person["email"], "customer", body=turkish if language == "tr" else english)
    event("e2", reply, "public_reply", agent, "agent", body=dice.choice(words.FIRST_REPLIES[language]))
    event("e3", reply, "status", agent, "agent", value="open")
    event("e4", solved, "public_reply", agent, "agent", body=dice.choice(words.SOLUTIONS[language]))
    event("e5", solved, "status", agent, "agent", value="solved")
    if status == "closed":
        event("e6", solved + dt.timedelta(days=5), "status", agent, "agent", value="closed")
    answered = solved + dt.timedelta(hours=dice.randint(25, 60))
    if answered < now and dice.random() < 0.38:
        slow = (solved - opened).total_seconds() > 4 * 86400
        score = _score(dice, min(mood + 0.12, 0.98) - (0.3 if slow else 0), 1, 5)
        band = "low" if score <= 2 else "middle" if score == 3 else "high"
        comment, topic = _comment(dice, band, customer, language)
        answers.append(
            {
                "external_id": f"{key}-csat",
                "kind": "csat",
                "account": customer.key,
                "contact_email": person["email"],
                "invited_at": (solved + dt.timedelta(hours=24)).isoformat(),
                "answered_at": answered.isoformat(),
                "score": score,
                "scale_min": 1,
                "scale_max": 5,
                "comment": comment,
                "language": language,
                "touchpoint": "ticket-solved",
                "ticket": key,
                "agent_email": agent,
                "reason": topic if score <= 2 else "",
            }
        )
