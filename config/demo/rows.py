"""The company as rows of the import kinds: accounts, contacts, subscriptions, money, costs. Pure."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from config.demo.company import Company, Customer, months_later
from config.demo.words import NOTES

Row = dict[str, Any]


def at(day: dt.date, hour: int = 9, minute: int = 0) -> str:
    """An instant as the files write it."""
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC).isoformat()


def stage_of(customer: Customer, today: dt.date) -> str:
    """The lifecycle stage a customer is in today."""
    if customer.churned:
        return "churned"
    if today < customer.trial_until:
        return "trial"
    if customer.onboarded is None:
        return "onboarding"
    if (today - customer.onboarded).days < 120:
        return "adoption"
    return "established"


def accounts(company: Company) -> Iterator[Row]:
    """One row a customer."""
    for customer in company.customers:
        term = customer.terms[-1] if customer.terms else None
        yield {
            "external_id": customer.key,
            "name": customer.name,
            "domain": f"{customer.key}.example",
            "owner_email": customer.owner,
            "segment": customer.segment,
            "lifecycle_stage": stage_of(customer, company.today),
            "plan": term.plan if term else "Trial",
            "industry": customer.industry,
            "country": customer.country,
            "time_zone": customer.zone,
            "language": customer.language,
            "currency": customer.currency,
            "revenue_potential": customer.potential or "",
            "signed_up_at": at(customer.signed_up),
            "trial_started_at": at(customer.signed_up),
            "trial_ended_at": at(customer.trial_until) if customer.trial_until <= company.today else "",
            "churned_at": at(customer.churned) if customer.churned else "",
            "churn_reason": customer.churn_reason,
            "seats": term.seats if term else "",
            "vehicles": int(term.seats * 1.6) if term else "",
        }


def contacts(company: Company) -> Iterator[Row]:
    """The people; a champion who left refuses mail, as an address that is gone would."""
    for customer in company.customers:
        for person in customer.contacts:
            gone = person["role"] == "champion" and customer.champion_left is not None and customer.champion_left <= company.today
            yield {
                **person,
                "account": customer.key,
                "time_zone": customer.zone,
                "country": customer.country,
                "opted_out": "true" if gone else "false",
                "consent_at": at(customer.signed_up),
            }


def subscriptions(company: Company) -> Iterator[Row]:
    """One span a term; a yearly term pays twelve months less a sixth."""
    for customer in company.customers:
        for index, term in enumerate(customer.terms, start=1):
            left = term.end is not None and term.end == customer.churned
            yield {
                "external_id": f"{customer.key}-s{index}",
                "account": customer.key,
                "subscription": f"{customer.key}-plan",
                "start": at(term.start, 0),
                "end": at(term.end, 0) if term.end else "",
                "product": f"Kervan {term.plan}",
                "kind": "plan",
                "quantity": term.seats,
                "amount": term.price * 10 if term.yearly else term.price,
                "currency": customer.currency,
                "interval": "year" if term.yearly else "month",
                "cancelled_at": at(max(term.end - dt.timedelta(days=21), term.start), 11) if left and term.end else "",
                "end_reason": customer.churn_reason if left else "",
                "voluntary": ("false" if customer.churn_reason == "payment" else "true") if left else "",
                "status": "cancelled" if left else "active",
            }


def transactions(company: Company, seed: int) -> Iterator[Row]:
    """Invoices: monthly or yearly; some first attempts fail, most of those are paid a few days later."""
    dice = random.Random(f"invoices {seed}")
    for customer in company.customers:
        for index, term in enumerate(customer.terms):
            day, number = max(term.start, company.first_day), 0
            while day < (term.end or company.today) and day < company.today:
                invoice = f"{customer.key}-i{index}-{number}"
                amount = term.seats * term.price * (10 if term.yearly else 1)
                row = {"account": customer.key, "amount": amount, "currency": customer.currency, "kind": "invoice", "invoice": invoice}
                trouble = 0.3 if customer.churn_reason == "payment" and customer.churned and (customer.churned - day).days < 70 else 0.025
                if dice.random() < trouble:
                    hard = dice.random() < 0.2
                    yield {
                        **row,
                        "external_id": f"{invoice}-1",
                        "occurred_at": at(day, 6),
                        "status": "failed",
                        "attempt": 1,
                        "failure_code": "card_expired" if hard else "insufficient_funds",
                        "hard_decline": "true" if hard else "false",
                    }
                    retry = day + dt.timedelta(days=dice.randint(2, 6))
                    if dice.random() < 0.75 and retry < company.today:
                        yield {**row, "external_id": f"{invoice}-2", "occurred_at": at(retry, 6), "status": "succeeded", "attempt": 2, "failure_code": "", "hard_decline": ""}
                else:
                    yield {**row, "external_id": f"{invoice}-1", "occurred_at": at(day, 6), "status": "succeeded", "attempt": 1, "failure_code": "", "hard_decline": ""}
                day, number = months_later(day, 12 if term.yearly else 1), number + 1


def costs(company: Company, months: int) -> Iterator[Row]:
    """What the programme costs a month, growing with the book."""
    monthly = (
        ("team", 21_000, "Customer success team"),
        ("tools", 1_900, "Licences"),
        ("onboarding", 3_200, "Onboarding workshops"),
        ("training", 1_100, "Webinars"),
        ("marketing", 1_400, "Customer newsletter"),
        ("support", 12_500, "Support team"),
        ("quality", 1_700, "Quality reviews"),
    )
    for index in range(months):
        start = months_later(company.first_day, index)
        for category, amount, text in monthly:
            yield {
                "external_id": f"cost-{category}-{start:%Y-%m}",
                "category": category,
                "amount": round(amount * (1 + index * 0.012)),
                "currency": "EUR",
                "start": start.isoformat(),
                "description": text,
            }


def events(company: Company, seed: int) -> Iterator[Row]:
    """Steps of the journey and touches by the CSMs."""
    dice = random.Random(f"events {seed}")
    for customer in company.customers:
        if customer.trial_until <= company.today:
            converted = "true" if customer.terms else "false"
            yield {"account": customer.key, "kind": "trial.ended", "occurred_at": at(customer.trial_until), "dedupe_key": "trial", "payload": f'{{"converted": {converted}}}'}
        if customer.onboarded and customer.terms and (not customer.churned or customer.onboarded < customer.churned):
            yield {
                "account": customer.key,
                "kind": "onboarding.completed",
                "occurred_at": at(customer.onboarded),
                "dedupe_key": "onboarding",
                "payload": f'{{"days": {(customer.onboarded - customer.trial_until).days}}}',
            }
        rhythm = {"vip": 18, "core": 40, "potential": 34, "non_core": 95}.get(customer.segment, 60)
        day = max(customer.signed_up, company.first_day) + dt.timedelta(days=dice.randint(3, rhythm))
        while day < (customer.churned or company.today):
            if day.weekday() < 5:
                channel, minutes = dice.choices((("call", 18), ("meeting", 45), ("mail", 8)), weights=(45, 15, 40))[0]
                yield {
                    "account": customer.key,
                    "kind": "touch.logged",
                    "occurred_at": at(day, dice.randint(8, 15), dice.choice((0, 10, 20, 40))),
                    "dedupe_key": f"touch-{day}",
                    "payload": f'{{"channel": "{channel}", "minutes": {minutes + dice.randint(-4, 15)}}}',
                }
            day += dt.timedelta(days=dice.randint(rhythm // 2 + 1, rhythm * 3 // 2))


def notes(company: Company, seed: int) -> Iterator[tuple[str, str, str, bool]]:
    """(account, author, text, pinned) for a third of the customers."""
    dice = random.Random(f"notes {seed}")
    for customer in company.customers:
        if dice.random() < 0.35:
            yield customer.key, customer.owner, dice.choice(NOTES), dice.random() < 0.3
