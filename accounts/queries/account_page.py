"""What the panels of an account's page show; each is one or two bounded reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts import timeline, wording
from accounts.models import Account, AccountEvent, Contact, Cover, LifecycleStage, Note, Playbook, Segment, Subscription, SubscriptionChange, User, WorkItem
from accounts.playbooks.telling import shown_name

EVENTS = 30
FIRST_EVENTS = 12
CONTACTS = 50
SPANS = 100
NOTES = 30
ITEMS = 50
MONTHS = 24


def cover_of(account: Account, now: dt.datetime) -> User | None:
    """Who covers for the owner at this moment."""
    if account.owner_id is None:
        return None
    cover = Cover.objects.filter(absent=account.owner_id, starts_at__lte=now, ends_at__gt=now).select_related("substitute").order_by("id").first()
    return cover.substitute if cover else None


@dataclass(frozen=True)
class Entry:
    """One line of the timeline with its event."""

    event: AccountEvent
    line: timeline.Line


@dataclass(frozen=True)
class Stretch:
    """Some of the timeline, newest first, by day; and the key behind which older events lie ("" at the end)."""

    days: list[tuple[dt.date, list[Entry]]]
    older: str


def stretch(account: Account, user: User, *, group: str = "", before: str = "", zone: dt.tzinfo | None = None, size: int = EVENTS) -> Stretch:
    """Events of an account the user may see, newest first. Days are cut in `zone`."""
    events = AccountEvent.objects.visible_to(user).filter(account=account).select_related("contact", "actor")
    if group in timeline.GROUPS:
        events = events.filter(kind__in=timeline.GROUPS[group][1])
    key = _moment_key(before)
    if key is not None:
        # the first condition bounds the index, the second one settles equal moments
        events = events.filter(occurred_at__lte=key[0]).filter(Q(occurred_at__lt=key[0]) | Q(id__lt=key[1]))
    rows = list(events.order_by("-occurred_at", "-id")[: size + 1])
    more, rows = len(rows) > size, rows[:size]
    names = _names(rows)
    days: list[tuple[dt.date, list[Entry]]] = []
    for row in rows:
        day = row.occurred_at.astimezone(zone).date()
        if not days or days[-1][0] != day:
            days.append((day, []))
        happening = timeline.Happening(
            kind=row.kind, payload=row.payload, occurred_at=row.occurred_at, contact=str(row.contact or ""), actor=str(row.actor or ""), origin=row.origin, **names
        )
        days[-1][1].append(Entry(row, timeline.line(happening)))
    older = f"{rows[-1].occurred_at.isoformat()}~{rows[-1].pk}" if more else ""
    return Stretch(days, older)


def _moment_key(text: str) -> tuple[dt.datetime, int] | None:
    moment, found, number = text.partition("~")
    if not found or not number.isdecimal() or len(number) > 18:
        return None
    try:
        # a plus sign in an address arrives as a blank
        read = dt.datetime.fromisoformat(moment.replace(" ", "+"))
    except ValueError:
        return None
    return (read, int(number)) if read.tzinfo else None


def _names(rows: list[AccountEvent]) -> dict[str, dict[str, str]]:
    """Names of what payloads point to, looked up only where something does."""
    names: dict[str, dict[str, str]] = {}
    kinds = {row.kind for row in rows}
    if "segment.changed" in kinds:
        segments = list(Segment.objects.all())
        names["segments"] = {str(key): wording.segment_name(segment) for segment in segments for key in (segment.pk, segment.key)}
    if "stage.changed" in kinds:
        names["stages"] = {stage.key: wording.stage_name(stage) for stage in LifecycleStage.objects.all()}
    if "owner.changed" in kinds:
        wanted = {row.payload.get(key) for row in rows if row.kind == "owner.changed" for key in ("owner", "owner_before")}
        people = User.objects.filter(pk__in=[number for number in wanted if isinstance(number, int)])
        names["people"] = {str(person.pk): person.name for person in people}
    if told := {str(row.payload.get("playbook")) for row in rows if row.kind.startswith("playbook.")}:
        names["playbooks"] = {playbook.key: shown_name(playbook) for playbook in Playbook.objects.filter(key__in=told)}
    return names


def contacts(account: Account, user: User) -> tuple[list[Contact], bool]:
    """The people at an account in the order of the alphabet, and whether there are more."""
    rows = list(Contact.objects.visible_to(user).filter(account=account).order_by("name_sort", "id")[: CONTACTS + 1])
    return rows[:CONTACTS], len(rows) > CONTACTS


def notes(account: Account, user: User) -> list[Note]:
    """The latest notes, pinned ones first."""
    return list(Note.objects.visible_to(user).filter(account=account).select_related("author").order_by("-pinned", "-created_at", "-id")[:NOTES])


def work(account: Account, user: User) -> list[WorkItem]:
    """Open and sleeping work of an account, what is due first on top, then what was closed lately."""
    rows = WorkItem.objects.visible_to(user).filter(account=account).select_related("owner", "contact")
    return [*rows.filter(status__in=["open", "snoozed"]).order_by("due_at", "id")[:ITEMS], *rows.filter(status__in=["done", "dropped"]).order_by("-closed_at", "-id")[:5]]


def spans(account: Account, user: User) -> list[Subscription]:
    """Spans of subscriptions, the latest first."""
    return list(Subscription.objects.visible_to(user).filter(account=account).order_by("-start", "-id")[:SPANS])


@dataclass(frozen=True)
class Balance:
    """The MRR of an account in one currency from an instant on, in millionths."""

    since: dt.datetime
    delta_micros: int
    balance_micros: int


def balances(account: Account, user: User, *, since: dt.datetime, until: dt.datetime) -> dict[str, list[Balance]]:
    """MRR over a stretch of time by currency, each with its state at the beginning; future changes stay out."""
    rows = SubscriptionChange.objects.visible_to(user).filter(account=account, occurred_at__lte=until).order_by("currency", "occurred_at")
    found: dict[str, list[Balance]] = {}
    for row in rows:
        steps = found.setdefault(row.currency, [])
        if row.occurred_at <= since:
            steps[:] = [Balance(since, 0, row.balance_micros)]
        else:
            steps.append(Balance(row.occurred_at, row.delta_micros, row.balance_micros))
    return {currency: steps for currency, steps in found.items() if any(step.balance_micros for step in steps)}


def counts(account: Account, user: User) -> dict[str, Any]:
    """Numbers for the tabs; each stops at 1,001."""
    limit = 1001
    return {
        "events": AccountEvent.objects.visible_to(user).filter(account=account).order_by()[:limit].count(),
        "contacts": Contact.objects.visible_to(user).filter(account=account).order_by()[:limit].count(),
    }
