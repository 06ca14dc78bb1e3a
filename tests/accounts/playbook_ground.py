"""Making playbooks in tests: one call publishes and switches on; time is moved by hand."""

from __future__ import annotations

import datetime as dt

from accounts.actions.event_log import record_event
from accounts.actions.playbook_steps import run_due, wake
from accounts.actions.playbook_sweeps import start_due
from accounts.models import AccountEvent, Playbook, PlaybookRun, PlaybookStepLog, PlaybookVersion
from accounts.queries.playbook_plans import plan_of

T0 = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
FAILED = {"kind": "event", "event": "payment.failed"}
CALL = {"key": "call", "kind": "work", "title": "Call {name|them}"}


def at(days: float = 0, hours: float = 0) -> dt.datetime:
    """An instant after the playbook was switched on."""
    return T0 + dt.timedelta(days=days, hours=hours)


def make_playbook(key: str = "save", *, trigger=FAILED, steps=(CALL,), now: dt.datetime = T0, old: int = 0, **parts) -> Playbook:
    """A playbook that is published and on."""
    playbook = Playbook.objects.create(key=key, name=key.title(), active=True, activated_at=now, matches_since=now - dt.timedelta(days=old))
    add_version(playbook, trigger=trigger, steps=list(steps), now=now, **parts)
    return playbook


def add_version(playbook: Playbook, *, now: dt.datetime = T0, **parts) -> PlaybookVersion:
    """The next version, published."""
    version = PlaybookVersion(playbook=playbook, number=playbook.versions.count() + 1, published_at=now, **parts)
    version.outline = plan_of(version).outline()
    version.save()
    return version


def happens(account, kind: str = "payment.failed", when: dt.datetime = T0, **rest) -> AccountEvent:
    """An event that was recorded as it happened."""
    event = record_event(account_id=account.pk, kind=kind, occurred_at=when, origin=rest.pop("origin", "app"), **rest)
    assert event is not None
    # the database's clock wrote when it was recorded; the tests move theirs
    return event


def work_off(now: dt.datetime) -> None:
    """One round of the engine at an instant, without its network."""
    start_due(now=now, full=True)
    wake(now=now, within=dt.timedelta(hours=1))
    run_due(now=now, worker="test")


def story(run: PlaybookRun) -> list[tuple[str, str, str]]:
    """What became of each step: (step, outcome, reason) in order."""
    return list(PlaybookStepLog.objects.filter(run=run).order_by("pk").values_list("step", "outcome", "reason"))
