"""Looking at a planned invitation again, with the facts of the moment it is about to leave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from surveys.actions.candidates import Candidate, Programme, programme_of
from surveys.actions.facts import QUEUED_AND_LATER, Facts, Memory
from surveys.eligibility import Decision, Rule
from surveys.models import Invitation

# what a reconsidered invitation needs with it, in one query
RELATED = ("touchpoint__survey", "survey_version__survey", "event")


def reconsider(
    invitations: Iterable[Invitation], *, as_of: dt.datetime, statuses: Sequence[str] = QUEUED_AND_LATER, carried: Memory | None = None
) -> list[tuple[Invitation, Candidate, Decision, Facts]]:
    """The decisions of now, in the order given; only surveys on their way or sent count as asks.

    Pass rows loaded with `select_related(*RELATED)`; a dry run passes its memory from batch to batch.
    """
    rows = list(invitations)
    candidates = candidates_of(rows)
    facts = Facts(candidates, as_of=as_of, statuses=statuses, carried=carried)
    return [(row, candidate, facts.decide(candidate), facts) for row, candidate in zip(rows, candidates, strict=True)]


def candidates_of(rows: Iterable[Invitation]) -> list[Candidate]:
    """The candidates that invitations once were."""
    found: list[Candidate] = []
    programmes: dict[tuple[int | None, int | None], Programme] = {}
    for row in rows:
        key = (row.touchpoint_id, row.survey_version_id)
        if key not in programmes:
            programmes[key] = _programme(row)
        found.append(_candidate(row, programmes[key]))
    return found


def _programme(row: Invitation) -> Programme:
    version = row.survey_version
    if row.touchpoint is not None:
        return programme_of(row.touchpoint, version)
    assert version is not None
    rule = Rule(salt=f"request:{version.survey.key}", survey_kind=version.survey.kind, activated_at=row.decided_at)
    return Programme(rule=rule, survey_key=version.survey.key, version_id=version.pk)


def _candidate(row: Invitation, programme: Programme) -> Candidate:
    """The candidate an invitation once was; what depends on its beginning is taken from what was stored."""
    rule, event = programme.rule, row.event
    began = event.occurred_at if event else row.decided_at
    if event is None:
        # a round or a request: it began its time of validity ago, and nothing but the window holds it now
        began = (row.valid_until or row.decided_at) - rule.valid_for
        programme = replace(programme, rule=replace(rule, delay=dt.timedelta(0), conditions={}, activated_at=began))
    return Candidate(
        programme=programme,
        account_id=row.account_id,
        contact_id=row.contact_id,
        occurred_at=began,
        period=f"{event.occurred_at:%Y-%m}" if event else row.wave,
        event_id=row.event_id,
        wave=row.wave,
        payload=event.payload if event else ({"ticket": row.rated_object} if row.rated_object else {}),
        names_contact=event is None or event.contact_id == row.contact_id,
        invitation_id=str(row.pk),
    )
