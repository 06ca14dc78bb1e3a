"""The forecast as a page shows it: mails by day and touchpoint, reminders, expected answers, and what is held back and why.

Worked out once for a reader's accounts and kept for ten minutes. A large base is looked at by a share
of its accounts; counts of what is foreseen are then scaled up, and the page says so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection

from accounts.models import Account, Installation, User
from accounts.querysets import account_scope
from surveys.actions.forecasting import MOST, Scope, foresee, share_of
from surveys.actions.reconsidering import RELATED
from surveys.actions.reminder_facts import reminders
from surveys.models import Invitation, Touchpoint

DAYS = 90
# people named of one day
NAMED = 100
_KEPT_SECONDS = 600
# a rate of fewer delivered mails says nothing; that of all touchpoints stands in
_ENOUGH = 20
_REMINDERS = 5000
_DAY = dt.timedelta(days=1)


@dataclass
class Forecast:
    """Counts by day of the organisation's zone and touchpoint key ("" is a direct request)."""

    as_of: dt.datetime
    first: dt.date
    share: int = 1
    planned: Counter[tuple[dt.date, str]] = field(default_factory=Counter)
    foreseen: Counter[tuple[dt.date, str]] = field(default_factory=Counter)
    reminders: Counter[tuple[dt.date, str]] = field(default_factory=Counter)
    # (touchpoint, reason) of what is foreseen and will not be sent, and of what is moved to a later day
    held_back: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    # the people of a day: (account id, account, contact, touchpoint, due, zone, whether it is stored)
    people: dict[dt.date, list[tuple[int, str, str, str, dt.datetime, str, bool]]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, Decimal] = field(default_factory=dict)
    # what chance brings: mails a week over the last four weeks
    usual: dict[str, Decimal] = field(default_factory=dict)

    def mails(self, day: dt.date, key: str) -> int:
        """How many first mails of a touchpoint leave on a day."""
        return self.planned[day, key] + self.foreseen[day, key]

    def expected(self, day: dt.date) -> Decimal:
        """How many answers the mails of a day bring, by the rates of the past."""
        return sum((count * self.rates.get(key, Decimal(0)) for (when, key), count in [*self.planned.items(), *self.foreseen.items()] if when == day), Decimal(0))


def forecast(user: User, *, now: dt.datetime) -> Forecast:
    """What the next 90 days bring for the accounts that the user sees."""
    seen = account_scope(user)
    accounts = None if seen is None else frozenset(Account.objects.visible_to(user).values_list("pk", flat=True)[: MOST + 1])
    key = f"surveys:forecast:{'all' if accounts is None else user.pk}:{_state()}"
    kept: Forecast | None = cache.get(key)
    # the past may have been set back, and a day is over at midnight
    if kept is not None and dt.timedelta(0) <= now - kept.as_of < dt.timedelta(seconds=_KEPT_SECONDS) and kept.first == _today(now):
        return kept
    found = work_out(now=now, accounts=accounts)
    cache.set(key, found, _KEPT_SECONDS)
    return found


def _state() -> str:
    """Changes whenever a programme is changed, activated, paused or ended, or a limit of the installation moves."""
    rows = Touchpoint.objects.order_by("pk").values_list("pk", "updated_at", "activated_at", "paused_at", "ended_at")
    limits = Installation.objects.values_list("updated_at").first()
    return hashlib.sha256(repr((connection.settings_dict["NAME"], list(rows), limits)).encode()).hexdigest()[:16]


def work_out(*, now: dt.datetime, accounts: frozenset[int] | None, days: int = DAYS) -> Forecast:
    """The forecast itself, for these accounts (None: all)."""
    share = share_of(now=now, days=days, contacts=_contacts(accounts))
    found = Forecast(as_of=now, first=_today(now), share=share, rates=_rates(now), usual=_usual(now))
    office = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    after = found.first + days * _DAY
    _count_planned(found, accounts, office, after)
    for candidate, decision, facts in foresee(now=now, days=days, scope=Scope(accounts=accounts, share=share)):
        key = candidate.programme.key
        if decision.due_at is None:
            found.held_back[key, decision.reason] += share
            continue
        if decision.reason in {"quiet_hours", "daily_cap"}:
            found.moved[key, decision.reason] += share
        day = decision.due_at.astimezone(office).date()
        if day >= after:
            continue
        found.foreseen[day, key] += share
        if len(found.people[day]) < NAMED:
            contact, account = facts.contacts.get(candidate.contact_id or 0), facts.accounts[candidate.account_id]
            name = (contact["name"] or contact["email"]) if contact else ""
            found.people[day].append((candidate.account_id, account["name"], name, key, decision.due_at, facts.zone(candidate), False))
    _count_reminders(found, accounts, office, after)
    return found


def _today(now: dt.datetime) -> dt.date:
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def _contacts(accounts: frozenset[int] | None) -> int:
    with connection.cursor() as cursor:
        if accounts is None:
            cursor.execute("SELECT count(*) FROM accounts_contact")
        else:
            cursor.execute("SELECT count(*) FROM accounts_contact WHERE account_id = ANY(%s)", [sorted(accounts)])
        return cursor.fetchone()[0]


_PLANNED = """
SELECT (greatest(i.not_before, %(now)s) AT TIME ZONE %(zone)s)::date AS day, coalesce(t.key, ''), count(*)
FROM surveys_invitation i LEFT JOIN surveys_touchpoint t ON t.id = i.touchpoint_id
WHERE i.status IN ('planned', 'queued') AND i.not_before < %(until)s AND (%(accounts)s::bigint[] IS NULL OR i.account_id = ANY(%(accounts)s::bigint[]))
GROUP BY 1, 2
"""


def _count_planned(found: Forecast, accounts: frozenset[int] | None, office: zoneinfo.ZoneInfo, after: dt.date) -> None:
    until = dt.datetime.combine(after, dt.time(), tzinfo=office)
    listed = sorted(accounts) if accounts is not None else None
    with connection.cursor() as cursor:
        cursor.execute(_PLANNED, {"now": found.as_of, "zone": office.key, "until": until, "accounts": listed})
        for day, key, count in cursor.fetchall():
            found.planned[day, key] += count
    rows = Invitation.objects.filter(status__in=["planned", "queued"], not_before__lt=until).select_related("account", "contact", "touchpoint").order_by("not_before", "id")
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    for row in rows[: 10 * NAMED]:
        assert row.not_before is not None
        day = max(row.not_before, found.as_of).astimezone(office).date()
        if len(found.people[day]) < NAMED:
            zone = (row.contact.time_zone if row.contact else "") or row.account.time_zone or office.key
            found.people[day].append((row.account_id, str(row.account), str(row.contact or ""), row.touchpoint.key if row.touchpoint else "", row.not_before, zone, True))


def _count_reminders(found: Forecast, accounts: frozenset[int] | None, office: zoneinfo.ZoneInfo, after: dt.date) -> None:
    """Reminders of what was sent, by their own rules; and of what will be sent, by the share that does not answer."""
    rows = Invitation.objects.filter(
        status=Invitation.Status.SENT, reminded_at=None, sent_at__gt=found.as_of - 120 * _DAY, touchpoint__reminder_after_days__gt=0, bounced_at=None, complained_at=None
    )
    if accounts is not None:
        rows = rows.filter(account__in=accounts)
    for row, decision, _facts in reminders(rows.select_related(*RELATED).order_by("sent_at", "id")[:_REMINDERS], as_of=found.as_of):
        if decision.due_at is not None and row.touchpoint is not None:
            day = decision.due_at.astimezone(office).date()
            if day < after:
                found.reminders[day, row.touchpoint.key] += 1
    reminding = Touchpoint.objects.filter(reminder_after_days__gt=0, paused_at=None, ended_at=None).values_list("key", "reminder_after_days")
    later = {key: (wait or 0) * _DAY for key, wait in reminding}
    silent: dict[tuple[dt.date, str], Decimal] = defaultdict(Decimal)
    for (day, key), count in [*found.planned.items(), *found.foreseen.items()]:
        if key in later and day + later[key] < after:
            silent[_weekday(day + later[key]), key] += count * (1 - found.rates.get(key, Decimal(0)))
    for (day, key), expected in silent.items():
        found.reminders[day, key] += round(expected)


def _weekday(day: dt.date) -> dt.date:
    """The day, or the Monday after it: nobody is reminded on a weekend."""
    return day + max(0, 8 - day.isoweekday()) * _DAY if day.isoweekday() > 5 else day


_RATES = """
SELECT t.key, count(*), count(i.answered_at) FROM surveys_touchpoint t JOIN surveys_invitation i ON i.touchpoint_id = t.id
WHERE i.decided_at > %s AND i.sent_at IS NOT NULL AND i.bounced_at IS NULL GROUP BY t.key
"""


def _rates(now: dt.datetime) -> dict[str, Decimal]:
    """Answered of delivered in the last half year, by touchpoint; where too few were delivered, that of all together."""
    with connection.cursor() as cursor:
        cursor.execute(_RATES, [now - 180 * _DAY])
        rows = cursor.fetchall()
    delivered, answered = sum(row[1] for row in rows), sum(row[2] for row in rows)
    over_all = Decimal(answered) / delivered if delivered >= _ENOUGH else Decimal(0)
    known = {key: Decimal(yes) / of for key, of, yes in rows if of >= _ENOUGH}
    return {key: known.get(key, over_all) for key in Touchpoint.objects.values_list("key", flat=True)} | {"": over_all}


def _usual(now: dt.datetime) -> dict[str, Decimal]:
    """Mails a week of the touchpoints that wait for what cannot be foreseen."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.key, count(*) FROM surveys_touchpoint t JOIN surveys_invitation i ON i.touchpoint_id = t.id AND i.decided_at > %s AND i.status <> 'skipped' "
            "WHERE t.event_kind NOT IN ('', 'subscription.renewal_due') AND t.activated_at IS NOT NULL AND t.ended_at IS NULL GROUP BY t.key",
            [now - 28 * _DAY],
        )
        return {key: Decimal(count) / 4 for key, count in cursor.fetchall()}


def as_json(found: Forecast, days: int = DAYS) -> dict[str, Any]:
    """The forecast as the API tells it: only days on which something leaves."""
    told = []
    for offset in range(days):
        day = found.first + offset * _DAY
        mails = {key: count for key in sorted({key for when, key in [*found.planned, *found.foreseen] if when == day}) if (count := found.mails(day, key))}
        reminded = sum(count for (when, _key), count in found.reminders.items() if when == day)
        if mails or reminded:
            told.append({"day": day, "mails": mails, "reminders": reminded, "expected_answers": round(found.expected(day), 1)})
    held = [{"touchpoint": key, "reason": reason, "count": count} for (key, reason), count in sorted(found.held_back.items(), key=lambda item: (-item[1], item[0]))]
    return {"as_of": found.as_of, "looks_at_one_account_in": found.share, "days": told, "held_back": held}
