"""The planner: reads what happened, decides whom to ask, and stores every decision with its reason.

A unique constraint is the idempotency, and one lock over all planners keeps fatigue true. Where
several touchpoints want one person, the first by priority has the person.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import record_event
from accounts.models import Contact
from surveys.actions.candidates import Candidate, Mark, Programme, next_batch, programme_of, programmes, published_versions
from surveys.actions.facts import Facts, Memory
from surveys.actions.storing import invitation_of, row_of, store
from surveys.actions.withdrawing import withdraw_reopened
from surveys.eligibility import Decision, Rule
from surveys.models import Invitation, Survey, Touchpoint


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
    with transaction.atomic():
        take_planner_lock()
        withdraw_reopened(as_of=as_of)
    for programme in programmes():
        if not programme.event_kind and not full:
            continue
        mark: Mark | None = None
        while True:
            with transaction.atomic(), _uncollected():
                take_planner_lock()
                batch, mark = next_batch(programme, as_of=as_of, full=full, after=mark)
                if batch:
                    facts = Facts(batch, as_of=as_of)
                    made.update(store(row_of(candidate, facts.decide(candidate), facts.language(candidate), as_of) for candidate in batch))
            if mark is None:
                break
    return made


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles while a batch is decided: all its objects are in use, and looking through them again and again takes a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def rehearse(*, as_of: dt.datetime, touchpoint: str | None = None, memory: Memory | None = None) -> Iterator[tuple[Candidate, Decision, Facts]]:
    """What `plan()` would decide for events and rounds not decided yet, in its order; writes nothing."""
    memory = memory or Memory()
    for programme in programmes():
        mark: Mark | None = None
        while True:
            batch, mark = next_batch(programme, as_of=as_of, full=True, after=mark)
            if batch:
                facts = Facts(batch, as_of=as_of, carried=memory)
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
        row = invitation_of(row_of(candidate, decision, facts.language(candidate), now))
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
    rule = Rule(salt=f"request:{survey.key}", survey_kind=survey.kind, published=version is not None, activated_at=now)
    return Programme(rule=rule, survey_key=survey.key, version_id=version.pk if version else None)
