"""Whom a touchpoint might ask: the people of events that have no decision yet, and the turns of a rhythm.

There is no cursor. What has no invitation row of the touchpoint yet is a candidate, in the order of
time; imported events are not read at all, so that a hundred thousand of them leave no trace here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import Contact
from surveys.decent_hours import WORKING_HOURS, Window
from surveys.eligibility import CLOCK_SKEW, Rule
from surveys.models import SurveyVersion, Touchpoint
from surveys.spreading import hash_share, weekday_shift

BATCH = 10_000
RECENT = dt.timedelta(minutes=15)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY, _NO_TIME = dt.timedelta(days=1), dt.timedelta(0)
# a backlog is worked off beside the ordinary load of a day, but never slower than this
CATCH_UP_AT_LEAST = 20
# a turn that nobody looked at for so many whole days is a backlog; a day may pass between two sweeps
_LATE_DAYS = 2

Mark = tuple[Any, int]


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A touchpoint (or a direct request) with the survey version it sends."""

    rule: Rule
    survey_key: str
    touchpoint_id: int | None = None
    key: str = ""
    event_kind: str = ""
    version_id: int | None = None
    priority: int = 50
    audience: str = Touchpoint.Audience.REQUESTER
    every_days: int = 0
    ended_at: dt.datetime | None = None


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One contact to decide about; without a contact, the account had nobody to ask."""

    programme: Programme
    account_id: int
    contact_id: int | None
    occurred_at: dt.datetime
    period: str
    event_id: int | None = None
    wave: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    names_contact: bool = False
    extra_delay: dt.timedelta = dt.timedelta(0)
    catch_up_cap: int | None = None
    # the invitation that is looked at again; its own row is no ask
    invitation_id: str | None = None

    @property
    def about(self) -> str:
        """The ticket it asks about, as text; empty for none."""
        ticket = self.payload.get("ticket") if self.payload else None
        return "" if ticket is None else str(ticket)

    @property
    def asks_about_since(self) -> dt.datetime:
        """Since when an earlier survey about the same ticket makes this one superfluous: a ticket solved anew may be asked about anew."""
        resolution = self.payload.get("resolution") if self.payload and self.event_id is not None else None
        return self.occurred_at if isinstance(resolution, int) and resolution > 1 else EPOCH


def programme_of(touchpoint: Touchpoint, version: SurveyVersion | None) -> Programme:
    """The rules of a touchpoint in the terms of the pure module."""
    rule = Rule(
        salt=touchpoint.key,
        survey_kind=touchpoint.survey.kind,
        touchpoint=touchpoint.pk,
        published=version is not None,
        delay=dt.timedelta(minutes=touchpoint.delay_minutes),
        valid_for=dt.timedelta(hours=touchpoint.valid_hours),
        window=Window(touchpoint.window_from, touchpoint.window_until, frozenset(touchpoint.weekdays) or WORKING_HOURS.weekdays),
        respects_holidays=touchpoint.respects_holidays,
        sampling=Decimal(touchpoint.sampling),
        cool_down=dt.timedelta(days=touchpoint.cool_down_days),
        own_gap=dt.timedelta(days=touchpoint.gap_days),
        daily_cap=touchpoint.daily_cap,
        segments=frozenset(segment.pk for segment in touchpoint.segments.all()),
        conditions=touchpoint.conditions,
        activated_at=touchpoint.activated_at,
        paused=touchpoint.paused_at is not None,
        ended=touchpoint.ended_at is not None,
        link_life=dt.timedelta(days=touchpoint.link_days),
        reminder_after=dt.timedelta(days=touchpoint.reminder_after_days) if touchpoint.reminder_after_days else None,
    )
    return Programme(
        rule=rule,
        survey_key=touchpoint.survey.key,
        touchpoint_id=touchpoint.pk,
        key=touchpoint.key,
        event_kind=touchpoint.event_kind,
        version_id=version.pk if version else None,
        priority=touchpoint.priority,
        audience=touchpoint.audience,
        every_days=touchpoint.every_days or 0,
        ended_at=touchpoint.ended_at,
    )


def published_versions(survey_ids: Iterable[int]) -> dict[int, SurveyVersion]:
    """The newest published version of each survey."""
    rows = SurveyVersion.objects.filter(survey_id__in=set(survey_ids), published_at__isnull=False).order_by("survey_id", "number")
    return {version.survey_id: version for version in rows}


def programmes() -> list[Programme]:
    """All touchpoints as programmes, in the order in which they may have a person: by priority, what just happened before a rhythm."""
    touchpoints = list(Touchpoint.objects.select_related("survey").prefetch_related("segments").order_by("id"))
    versions = published_versions(row.survey_id for row in touchpoints)
    found = [programme_of(row, versions.get(row.survey_id)) for row in touchpoints]
    return sorted(found, key=lambda programme: (programme.priority, not programme.event_kind))


def next_batch(programme: Programme, *, as_of: dt.datetime, full: bool, after: Mark | None) -> tuple[list[Candidate], Mark | None]:
    """The next candidates of a touchpoint and the mark to go on from; the mark is None after the last."""
    if programme.rule.activated_at is None:
        return [], None
    if not programme.event_kind:
        return _rounds(programme, as_of, after)
    return _events(programme, as_of, full, after)


# ── events ──────────────────────────────────────────────────────────────────

_EVENTS = """
SELECT e.id, e.account_id, e.contact_id, e.occurred_at, e.payload
FROM accounts_accountevent e
WHERE e.kind = %(kind)s AND e.origin <> 'import' AND e.occurred_at <= %(until)s AND e.recorded_at >= %(activated)s
  AND (e.recorded_at >= %(recent)s {whole})
  AND (e.occurred_at, e.id) > (%(after_at)s, %(after_id)s)
  AND NOT EXISTS (SELECT 1 FROM surveys_invitation i WHERE i.touchpoint_id = %(touchpoint)s AND i.event_id = e.id)
ORDER BY e.occurred_at, e.id LIMIT %(limit)s
"""

# the person who decides comes first; whoever cannot be written to only when nobody else is there
_MAIN = """
SELECT DISTINCT ON (account_id) account_id, id FROM accounts_contact WHERE account_id = ANY(%s)
ORDER BY account_id, (email = '' OR opted_out OR bounced_at IS NOT NULL), imported_unconfirmed,
         array_position(ARRAY['champion', 'sponsor', 'user', 'billing', ''], role::text), id
"""


def _events(programme: Programme, as_of: dt.datetime, full: bool, after: Mark | None) -> tuple[list[Candidate], Mark | None]:
    """The people of events not decided about; what happened after a touchpoint's end is none of its business."""
    after_at, after_id = after or (dt.datetime(1, 1, 2, tzinfo=dt.UTC), 0)
    whole = "OR e.occurred_at > %(since)s" if full else ""
    until = as_of + CLOCK_SKEW
    values: dict[str, Any] = {
        "kind": programme.event_kind, "until": min(until, programme.ended_at) if programme.ended_at else until, "activated": programme.rule.activated_at,
        "recent": as_of - RECENT, "since": as_of - programme.rule.valid_for, "after_at": after_at, "after_id": after_id, "touchpoint": programme.touchpoint_id,
        "limit": BATCH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS.format(whole=whole), values)
        events = cursor.fetchall()
    if not events:
        return [], None
    mark = (events[-1][3], events[-1][0]) if len(events) == BATCH else None
    return _fairly(programme, list(people_of(programme, events))), mark


def _fairly(programme: Programme, candidates: list[Candidate], *, capped: bool = False) -> list[Candidate]:
    """Where not all of them can be asked today: whose turn it is before a backlog, of that what ends first, and among equals a lot decides."""
    if programme.rule.daily_cap is None and not capped:
        return candidates

    def place(candidate: Candidate) -> tuple[Any, ...]:
        contact = candidate.contact_id or 0
        since = candidate.occurred_at if candidate.catch_up_cap is not None else EPOCH
        return candidate.catch_up_cap is not None, since, hash_share(programme.rule.salt, contact, candidate.period), contact

    return sorted(candidates, key=place)


def people_of(programme: Programme, events: list[tuple[Any, ...]]) -> Iterator[Candidate]:
    """Whom each event (id, account, contact, occurred, payload) speaks of, by the touchpoint's audience.

    One candidate without contact where nobody is there.
    """
    accounts = sorted({row[1] for row in events})
    everybody: dict[int, list[int]] = {}
    main: dict[int, int] = {}
    if programme.audience == Touchpoint.Audience.EVERYBODY:
        for contact, account in Contact.objects.filter(account_id__in=accounts).order_by("id").values_list("id", "account_id"):
            everybody.setdefault(account, []).append(contact)
    else:
        with connection.cursor() as cursor:
            cursor.execute(_MAIN, [accounts])
            main = dict(cursor.fetchall())
    for event_id, account_id, contact_id, occurred_at, payload in events:
        body = json.loads(payload) if isinstance(payload, str) else payload
        if programme.audience == Touchpoint.Audience.EVERYBODY:
            asked: list[int | None] = [*everybody.get(account_id, [])] or [None]
        elif programme.audience == Touchpoint.Audience.REQUESTER and contact_id is not None:
            asked = [contact_id]
        elif programme.audience == Touchpoint.Audience.REQUESTER and programme.event_kind.startswith("ticket."):
            # nobody but who asked for help can say how it was
            asked = [None]
        else:
            asked = [main.get(account_id)]
        for person in asked:
            yield Candidate(
                programme=programme, account_id=account_id, contact_id=person, occurred_at=occurred_at, period=f"{occurred_at:%Y-%m}",
                event_id=event_id, payload=body, names_contact=person is not None and person == contact_id,
            )  # fmt: skip


# ── rhythms ─────────────────────────────────────────────────────────────────

# the turn of each contact: a day of the round given by a hash, as `spreading.phase`; worked out once a row
PHASE = "('x' || substr(md5(%(salt)s || ':' || c.id), 1, 7))::bit(28)::int %% %(every)s"
# The sum keeps the touchpoint out of the choice of an index: of one that nobody was asked for yet, statistics that are a
# wave old know no row, and each contact would be looked for among all rows of the touchpoint.
_ROUNDS = f"""
SELECT c.id, c.account_id, {PHASE} AS phase
FROM accounts_contact c
WHERE c.id > %(after_id)s AND {PHASE} = ANY(%(phases)s)
  AND NOT EXISTS (SELECT 1 FROM surveys_invitation i WHERE i.contact_id = c.id AND i.touchpoint_id + 0 = %(touchpoint)s AND i.event_id + 0 IS NULL
                  AND i.wave = (floor((%(today)s - {PHASE})::numeric / %(every)s)::int)::text)
ORDER BY c.id LIMIT %(limit)s
"""


def _rounds(programme: Programme, as_of: dt.datetime, after: Mark | None) -> tuple[list[Candidate], Mark | None]:
    """Contacts whose turn in a recurring touchpoint came lately enough, and not before it was activated."""
    rule, every = programme.rule, programme.every_days
    assert rule.activated_at is not None
    if rule.ended:
        return [], None
    today = (as_of - EPOCH).days
    first = max(-(-(max(as_of - rule.valid_for, rule.activated_at) - EPOCH) // _DAY), today - every + 1)
    values: dict[str, Any] = {
        "every": every, "salt": rule.salt, "today": today, "phases": [day % every for day in range(first, today + 1)],
        "after_id": after[1] if after else 0, "touchpoint": programme.touchpoint_id, "limit": BATCH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ROUNDS, values)
        rows = cursor.fetchall()
    found = list(turns(programme, ((contact_id, account_id, today - (today - phase) % every) for contact_id, account_id, phase in rows)))
    late = [candidate for candidate in found if as_of - candidate.occurred_at - candidate.extra_delay >= _LATE_DAYS * _DAY]
    if len(late) > CATCH_UP_AT_LEAST:
        rate = _rate(programme)
        for candidate in late:
            candidate.catch_up_cap = rate
        found = _fairly(programme, found, capped=True)
    else:
        found = _fairly(programme, found)
    return found, ((None, rows[-1][0]) if len(rows) == BATCH else None)


def turns(programme: Programme, rows: Iterable[tuple[int, int, int]]) -> Iterator[Candidate]:
    """The candidates of turns: (contact, account, day counted from 1970)."""
    salt, weekdays = programme.rule.salt, programme.rule.window.weekdays
    days: dict[int, tuple[dt.datetime, str, bool]] = {}
    for contact_id, account_id, day in rows:
        if day not in days:
            starts = EPOCH + day * _DAY
            days[day] = starts, str(day // programme.every_days), starts.isoweekday() in weekdays
        starts, number, opens = days[day]
        shift = _NO_TIME if opens else weekday_shift(salt, contact_id, starts.date(), weekdays)
        yield Candidate(programme=programme, account_id=account_id, contact_id=contact_id, occurred_at=starts, period=number, wave=number, extra_delay=shift)


def _rate(programme: Programme) -> int:
    """How full a day may get by a backlog: twice what the rhythm asks on an ordinary day with a window."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_contact")
        contacts = cursor.fetchone()[0]
    return max(CATCH_UP_AT_LEAST, -(-2 * 7 * contacts // (programme.every_days * max(1, len(programme.rule.window.weekdays)))))
