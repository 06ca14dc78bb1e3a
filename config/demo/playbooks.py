"""Playbooks of the demo: the shipped ones at work over the past year and a half, some of them switched on, and one to read."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from accounts.models import Account, Playbook, PlaybookRun, PlaybookStepLog, PlaybookVersion
from config.demo.company import Company
from config.demo.decisions import comebacks

# advice in order that nothing runs
TO_READ: dict[str, Any] = {
    "key": "close-the-loop",
    "name": "Close the loop",
    "description": "Somebody answered that they are unhappy.",
    "steps": [
        {"text": "Read the answer and the last tickets.", "due_days": 0},
        {"text": "Call within one working day; listen first.", "due_days": 1},
        {"text": "Write down what was agreed and by when.", "due_days": 1},
        {"text": "Tell them when it is done.", "due_days": 14},
    ],
}
SWITCHED_ON = ("onboarding", "renewal", "dunning", "card-refused", "offboarding", "detractor", "win-back")
# the way most runs took: a step, the day on which it was over, why
_WAYS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "onboarding": (
        ("welcome", 0, ""), ("kick-off", 0, ""), ("two-weeks", 14, "time"), ("started", 14, "branch_1"), ("second-half", 30, "time"), ("adopted", 30, "branch_1"),
        ("to-review", 45, "time"), ("review", 45, ""), ("to-end", 60, "time"), ("ask", 60, ""),
    ),
    "renewal": (("plan", 0, ""), ("to-90", 90, "date"), ("how", 90, "otherwise"), ("value", 90, ""), ("to-30", 150, "date"), ("offer", 150, ""), ("sign", 150, "")),
    "win-back": (("read", 0, ""), ("five-days", 5, "time"), ("news", 5, ""), ("listen", 26, "longest_wait"), ("last", 26, "")),
}  # fmt: skip


def switch_on(now: dt.datetime) -> None:
    """The playbook to read, and the shipped ones that this company uses; nothing of the past starts them."""
    Playbook.objects.get_or_create(key=TO_READ["key"], defaults=TO_READ)
    Playbook.objects.filter(key__in=SWITCHED_ON, versions__published_at__isnull=False).update(active=True, activated_at=now, matches_since=now)


def run_playbooks(company: Company, seed: int) -> int:
    """Playbooks at work: onboarding, renewals, calls to win back, each with the log of its steps; how many runs."""
    dice = random.Random(f"playbooks {seed}")
    versions = {version.playbook.key: version for version in PlaybookVersion.objects.select_related("playbook").filter(playbook__key__in=_WAYS, number=1)}
    ids = dict(Account.objects.values_list("external_id", "pk"))
    backs = {str(row["account"]): dt.date.fromisoformat(str(row["start"])[:10]) for row in comebacks(company, seed)}
    made: list[tuple[PlaybookRun, list[PlaybookStepLog]]] = []

    def run(key: str, account: str, day: dt.date) -> None:
        if day < company.today and key in versions:
            made.append(_run(versions[key], ids[account], day, company.today))

    for customer in company.customers:
        joined = customer.trial_until
        if customer.terms and joined > company.today - dt.timedelta(days=540) and dice.random() < 0.6:
            run("onboarding", customer.key, joined + dt.timedelta(days=1))
        if customer.terms and dice.random() < 0.25:
            day = company.today - dt.timedelta(days=dice.randint(30, 500))
            if day > joined and (not customer.churned or day + dt.timedelta(days=150) < customer.churned):
                run("renewal", customer.key, day)
        if customer.key in backs and dice.random() < 0.55:
            run("win-back", customer.key, backs[customer.key] - dt.timedelta(days=dice.randint(10, 40)))
    PlaybookRun.objects.bulk_create([row for row, _log in made])
    for row, log in made:
        for entry in log:
            entry.run = row
    PlaybookStepLog.objects.bulk_create([entry for _row, log in made for entry in log])
    return len(made)


def _run(version: PlaybookVersion, account_id: int, day: dt.date, today: dt.date) -> tuple[PlaybookRun, list[PlaybookStepLog]]:
    """One run with the rows of its log: through to the end, or waiting where it stands today."""
    way = _WAYS[version.playbook.key]
    begun = dt.datetime.combine(day, dt.time(9), dt.UTC)
    elapsed = (today - day).days
    over = elapsed > way[-1][1]
    row = PlaybookRun(
        playbook=version.playbook, version=version, account_id=account_id, status="done" if over else "running", steps=version.outline, started_at=begun,
        occasion=f"demo:{day}", ended_at=begun + dt.timedelta(days=way[-1][1]) if over else None, end_reason="done" if over else "", position=len(version.steps) if over else 0,
    )  # fmt: skip
    kinds = {step["key"]: (place, step["kind"]) for place, step in enumerate(version.steps)}
    log, before = [], 0
    for step, days, reason in way:
        place, kind = kinds[step]
        since, at = begun + dt.timedelta(days=before), begun + dt.timedelta(days=days)
        done = over or days < elapsed
        log.append(
            PlaybookStepLog(
                account_id=account_id, step=step, kind=kind, outcome="done" if done else "waiting", reason=reason if done else "", begun_at=since, at=at if done else since,
                next_attempt_at=None if done else at,
            )
        )  # fmt: skip
        if not done:
            row.step, row.step_since, row.due_at, row.position = step, since, at, place
            break
        before = days
    return row, log
