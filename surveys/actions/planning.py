"""The planner: reads what happened, decides whom to ask, and stores every decision with its reason.

There is no cursor. It asks for events that have no invitation row of their touchpoint yet; a unique
constraint is the idempotency, and one lock over all planners keeps fatigue true. Imported events
are not read at all, so that a hundred thousand of them leave no trace here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import record_event
from accounts.models import Contact
from surveys.actions.facts import Asked, Candidate, Facts, Programme, programme_of, programmes, published_versions
from surveys.decent_hours import WORKING_HOURS
from surveys.eligibility import CLOCK_SKEW, Decision, Rule, weekday_shift
from surveys.models import Invitation, Survey, Touchpoint

BATCH = 500
RECENT = dt.timedelta(minutes=15)
_BIGINT = 2**63


def take_planner_lock() -> None:
    """One planner at a time, until the transaction ends; whoever decides about fatigue takes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('surveys.planner'))")


def plan(*, as_of: dt.datetime, full: bool = True) -> Counter[str]:
    """Stores the decisions that are due at `as_of`; running it again stores nothing new.

    A quick run looks at events recorded in the last 15 minutes, a full one at the whole time in which
    an event is worth asking about, and at recurring touchpoints. Returns counts by decision.
    """
    made: Counter[str] = Counter()
    for programme in programmes():
        if not programme.event_kind and not full:
            continue
        mark: tuple[Any, int] | None = None
        while True:
            with transaction.atomic():
                take_planner_lock()
                batch, mark = _next_batch(programme, as_of=as_of, full=full, after=mark)
                if batch:
                    facts = Facts(batch, as_of=as_of)
                    rows = [_invitation(candidate, facts.decide(candidate), facts, as_of) for candidate in batch]
                    Invitation.objects.bulk_create(rows, ignore_conflicts=True)
                    made.update(row.status for row in rows)
            if mark is None:
                break
    return made


def forecast(*, as_of: dt.datetime, touchpoint: str | None = None) -> Iterator[tuple[Candidate, Decision, Facts]]:
    """What `plan()` would decide for events and rounds not decided yet, in its order; writes nothing."""
    carried: list[Asked] = []
    for programme in programmes():
        mark: tuple[Any, int] | None = None
        while True:
            batch, mark = _next_batch(programme, as_of=as_of, full=True, after=mark)
            if batch:
                facts = Facts(batch, as_of=as_of, carried=carried)
                for candidate in batch:
                    decision = facts.decide(candidate)
                    if touchpoint in (None, programme.key):
                        yield candidate, decision, facts
            if mark is None:
                break


def request_invitation(
    *,
    contact: Contact,
    now: dt.datetime,
    survey: Survey | None = None,
    touchpoint: Touchpoint | None = None,
    key: str = "",
    ticket: int | str | None = None,
    agent_id: int | None = None,
    actor_id: int | None = None,
    origin: str = "api",
) -> tuple[Invitation, Decision]:
    """Asks one contact now, subject to all rules; what was decided is stored and returned.

    Names a survey, or a touchpoint whose rules then hold (but for its event and its delay). The same
    `key` again returns the first invitation. Raises ValueError unless exactly one of both is named.
    """
    if (survey is None) == (touchpoint is None):
        raise ValueError("Name either a survey or a touchpoint.")
    programme = _direct_programme(survey, touchpoint, now)
    wave = f"request:{key}"[:80] if key else f"request:{now.timestamp():.6f}"
    payload: dict[str, Any] = {} if ticket is None else {"ticket": ticket}
    if agent_id is not None:
        payload["agent"] = agent_id
    candidate = Candidate(
        programme=programme, account_id=contact.account_id, contact_id=contact.pk, occurred_at=now, period=wave, wave=wave, payload=payload, names_contact=origin != "import"
    )
    with transaction.atomic():
        take_planner_lock()
        known = Invitation.objects.filter(touchpoint=touchpoint, event=None, contact=contact, wave=wave).first()
        if known is not None:
            outcome = "skip" if known.status == Invitation.Status.SKIPPED else "send" if known.not_before and known.not_before <= now else "hold"
            return known, Decision(outcome=outcome, reason=known.skip_reason, due_at=known.not_before, valid_until=known.valid_until, evidence=known.decision)
        facts = Facts([candidate], as_of=now)
        decision = facts.decide(candidate)
        row = _invitation(candidate, decision, facts, now)
        row.save(force_insert=True)
        asked = survey or (touchpoint.survey if touchpoint else None)
        record_event(
            account_id=contact.account_id, contact_id=contact.pk, kind="survey.requested", occurred_at=now, origin=origin, actor_id=actor_id,
            subject_type="invitation", subject_id=str(row.pk),
            payload={"invitation": str(row.pk), "survey": asked.key if asked else "", "touchpoint": programme.key},
        )  # fmt: skip
    return row, decision


def _direct_programme(survey: Survey | None, touchpoint: Touchpoint | None, now: dt.datetime) -> Programme:
    if touchpoint is not None:
        found = programme_of(touchpoint, published_versions([touchpoint.survey_id]).get(touchpoint.survey_id))
        return replace(found, rule=replace(found.rule, delay=dt.timedelta(0), conditions={}), event_kind="")
    assert survey is not None
    version = published_versions([survey.pk]).get(survey.pk)
    rule = Rule(salt=f"request:{survey.key}", survey_kind=survey.kind, published=version is not None, window=WORKING_HOURS, activated_at=now)
    return Programme(rule=rule, survey_key=survey.key, version_id=version.pk if version else None)


def _invitation(candidate: Candidate, decision: Decision, facts: Facts, as_of: dt.datetime) -> Invitation:
    """The row that stores a decision."""
    ticket, agent = candidate.payload.get("ticket"), candidate.payload.get("agent")
    return Invitation(
        touchpoint_id=candidate.programme.touchpoint_id,
        survey_version_id=candidate.programme.version_id,
        account_id=candidate.account_id,
        contact_id=candidate.contact_id,
        event_id=candidate.event_id,
        wave=candidate.wave,
        status=Invitation.Status.SKIPPED if decision.is_skip else Invitation.Status.PLANNED,
        skip_reason=decision.reason if decision.is_skip else "",
        decision=dict(decision.evidence),
        ticket_id=_whole(ticket),
        rated_object="" if ticket is None else str(ticket)[:200],
        agent_id=_whole(agent),
        language=facts.language(candidate)[:10],
        decided_at=as_of,
        not_before=decision.due_at,
        valid_until=decision.valid_until,
    )


def _whole(value: Any) -> int | None:
    """The value where it is a whole number that a bigint holds (payloads come from outside)."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _BIGINT else None


# ── candidates ──────────────────────────────────────────────────────────────

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

# the turn of each contact: a day of the round given by a hash, as `eligibility.phase`
_ROUNDS = """
SELECT c.id, c.account_id, r.number, r.number * %(every)s + p.phase AS day
FROM accounts_contact c
CROSS JOIN LATERAL (SELECT ('x' || substr(md5(%(salt)s || ':' || c.id), 1, 7))::bit(28)::int %% %(every)s AS phase) p
CROSS JOIN LATERAL (SELECT floor((%(today)s - p.phase)::numeric / %(every)s)::int AS number) r
WHERE c.id > %(after_id)s AND r.number * %(every)s + p.phase >= %(first_day)s
  AND NOT EXISTS (SELECT 1 FROM surveys_invitation i WHERE i.touchpoint_id = %(touchpoint)s AND i.contact_id = c.id AND i.event_id IS NULL AND i.wave = r.number::text)
ORDER BY c.id LIMIT %(limit)s
"""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _next_batch(programme: Programme, *, as_of: dt.datetime, full: bool, after: tuple[Any, int] | None) -> tuple[list[Candidate], tuple[Any, int] | None]:
    """The next candidates of a touchpoint and the mark to go on from; the mark is None after the last."""
    if programme.rule.activated_at is None:
        return [], None
    if not programme.event_kind:
        return _rounds(programme, as_of, after)
    after_at, after_id = after or (dt.datetime(1, 1, 2, tzinfo=dt.UTC), 0)
    whole = "OR e.occurred_at > %(since)s" if full else ""
    values = {
        "kind": programme.event_kind, "until": as_of + CLOCK_SKEW, "activated": programme.rule.activated_at, "recent": as_of - RECENT,
        "since": as_of - programme.rule.valid_for, "after_at": after_at, "after_id": after_id, "touchpoint": programme.touchpoint_id, "limit": BATCH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS.format(whole=whole), values)
        events = cursor.fetchall()
    if not events:
        return [], None
    mark = (events[-1][3], events[-1][0]) if len(events) == BATCH else None
    return list(_people_of(programme, events)), mark


def _people_of(programme: Programme, events: list[tuple[Any, ...]]) -> Iterator[Candidate]:
    """Whom each event speaks of, by the touchpoint's audience; one candidate without contact where nobody is there."""
    audience = Touchpoint.objects.values_list("audience", flat=True).get(key=programme.key)
    accounts = sorted({row[1] for row in events})
    everybody: dict[int, list[int]] = {}
    main: dict[int, int] = {}
    if audience == Touchpoint.Audience.EVERYBODY:
        for contact, account in Contact.objects.filter(account_id__in=accounts).order_by("id").values_list("id", "account_id"):
            everybody.setdefault(account, []).append(contact)
    else:
        with connection.cursor() as cursor:
            cursor.execute(_MAIN, [accounts])
            main = dict(cursor.fetchall())
    for event_id, account_id, contact_id, occurred_at, payload in events:
        body = json.loads(payload) if isinstance(payload, str) else payload
        if audience == Touchpoint.Audience.EVERYBODY:
            asked: list[int | None] = [*everybody.get(account_id, [])] or [None]
        elif audience == Touchpoint.Audience.REQUESTER and contact_id is not None:
            asked = [contact_id]
        else:
            asked = [main.get(account_id)]
        for person in asked:
            yield Candidate(
                programme=programme, account_id=account_id, contact_id=person, occurred_at=occurred_at, period=f"{occurred_at:%Y-%m}",
                event_id=event_id, payload=body, names_contact=person is not None and person == contact_id,
            )  # fmt: skip


def _rounds(programme: Programme, as_of: dt.datetime, after: tuple[Any, int] | None) -> tuple[list[Candidate], tuple[Any, int] | None]:
    """Contacts whose turn in a recurring touchpoint came lately enough, and not before it was activated."""
    rule = programme.rule
    assert rule.activated_at is not None
    every = Touchpoint.objects.values_list("every_days", flat=True).get(key=programme.key)
    first = max(as_of - rule.valid_for, rule.activated_at) - _EPOCH
    values = {
        "every": every, "salt": rule.salt, "today": (as_of - _EPOCH).days, "first_day": -(-first // dt.timedelta(days=1)),
        "after_id": after[1] if after else 0, "touchpoint": programme.touchpoint_id, "limit": BATCH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ROUNDS, values)
        rows = cursor.fetchall()
    found = []
    for contact_id, account_id, number, day in rows:
        starts = _EPOCH + dt.timedelta(days=day)
        shift = weekday_shift(rule.salt, contact_id, starts.date(), rule.window.weekdays)
        found.append(
            Candidate(
                programme=programme, account_id=account_id, contact_id=contact_id, occurred_at=starts, period=str(number), wave=str(number), extra_delay=shift
            )
        )  # fmt: skip
    return found, ((None, rows[-1][0]) if len(rows) == BATCH else None)
