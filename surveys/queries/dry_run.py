"""Reads of the dry run: what would be decided and what is decided already, one line a contact and touchpoint."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from surveys.actions.candidates import Candidate
from surveys.actions.facts import QUEUED_AND_LATER, Facts, Memory
from surveys.actions.planning import rehearse
from surveys.actions.reconsidering import RELATED, reconsider
from surveys.decent_hours import zone_of
from surveys.eligibility import Decision
from surveys.models import Invitation

# stored refusals this young are named again, so that the dry run is whole although a tick came first
_STORED_FOR = dt.timedelta(hours=24)
_WEIGHT = {"send": 3, "hold": 2, "skip": 1}
_BATCH = 500


@dataclass(slots=True, kw_only=True)
class PlanLine:
    """One decision. `zone` is the one by whose clock the contact is written to; a direct request has the touchpoint ""."""

    account_id: int
    account: str
    account_name: str
    contact_id: int | None
    contact: str | None
    contact_name: str
    touchpoint: str
    decision: str
    reason: str
    due_at: dt.datetime | None
    zone: str
    language: str = ""
    version_id: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def local_time(self) -> dt.datetime | None:
        """When it leaves, by the contact's clock."""
        return self.due_at.astimezone(zone_of(self.zone)) if self.due_at else None

    def fields(self) -> dict[str, Any]:
        """The line as the command prints it, with external ids."""
        return {
            "contact": self.contact, "account": self.account, "touchpoint": self.touchpoint, "decision": self.decision, "reason": self.reason,
            "due_at": self.due_at.isoformat() if self.due_at else None,
        }  # fmt: skip


def plan_lines(*, as_of: dt.datetime, touchpoint: str | None = None) -> list[dict[str, Any]]:
    """The dry run: `{contact, account, touchpoint, decision, reason, due_at}` with external ids; writes nothing."""
    return [line.fields() for line in dry_run(as_of=as_of, touchpoint=touchpoint)]


def dry_run(*, as_of: dt.datetime, touchpoint: str | None = None, most: int | None = None) -> list[PlanLine]:
    """What a run that sends at this instant sends, what it leaves for later and what not at all, the first `most` decisions.

    Planned invitations looked at again, then new events and rounds. Of several decisions about one
    contact and touchpoint the strongest is shown. Writes nothing and makes no links.
    """
    lines: dict[tuple[int | None, int, str], PlanLine] = {}
    for line in itertools.islice(_all(as_of, touchpoint), most):
        key = (line.contact_id, line.account_id, line.touchpoint)
        if key not in lines or _WEIGHT[line.decision] > _WEIGHT[lines[key].decision]:
            lines[key] = line
    return list(lines.values())


def _all(as_of: dt.datetime, touchpoint: str | None) -> Iterator[PlanLine]:
    for line in _planned(as_of):
        if touchpoint in (None, line.touchpoint):
            yield line
    for candidate, decision, facts in rehearse(as_of=as_of, touchpoint=touchpoint):
        yield line_of(candidate, decision, facts)
    yield from _stored_refusals(as_of, touchpoint)


def line_of(candidate: Candidate, decision: Decision, facts: Facts) -> PlanLine:
    """A decision on a candidate as a line."""
    contact, account = facts.contacts.get(candidate.contact_id or 0), facts.accounts[candidate.account_id]
    return PlanLine(
        account_id=candidate.account_id,
        account=account["external_id"],
        account_name=account["name"],
        contact_id=candidate.contact_id,
        contact=contact["external_id"] if contact else None,
        contact_name=(contact["name"] or contact["email"]) if contact else "",
        touchpoint=candidate.programme.key,
        decision=decision.outcome,
        reason=decision.reason,
        due_at=decision.due_at,
        zone=facts.zone(candidate),
        language=facts.language(candidate),
        version_id=candidate.programme.version_id,
        evidence=dict(decision.evidence),
    )


def _planned(as_of: dt.datetime) -> Iterator[PlanLine]:
    """Planned invitations in the order in which the dispatcher takes them."""
    last: tuple[dt.datetime, Any] | None = None
    memory = Memory()
    rows = Invitation.objects.filter(status=Invitation.Status.PLANNED).order_by("not_before", "id").select_related(*RELATED, "contact", "account")
    while True:
        batch = list(rows[:_BATCH] if last is None else rows.extra(where=["(not_before, surveys_invitation.id) > (%s, %s)"], params=list(last))[:_BATCH])
        due = [row for row in batch if row.not_before is not None and row.not_before <= as_of]
        for row, candidate, decision, facts in reconsider(due, as_of=as_of, statuses=QUEUED_AND_LATER, carried=memory):
            line = line_of(candidate, decision, facts)
            line.touchpoint, line.language = row.touchpoint.key if row.touchpoint else "", row.language
            yield line
        for row in batch:
            if row.not_before is None or row.not_before > as_of:
                yield _stored(row, "hold", "planned")
        if len(batch) < _BATCH:
            return
        last = (batch[-1].not_before, batch[-1].pk)


def _stored(row: Invitation, decision: str, reason: str) -> PlanLine:
    """A line of what is stored, as it stands."""
    contact, account = row.contact, row.account
    return PlanLine(
        account_id=row.account_id,
        account=account.external_id,
        account_name=account.name,
        contact_id=row.contact_id,
        contact=contact.external_id if contact else None,
        contact_name=str(contact) if contact else "",
        touchpoint=row.touchpoint.key if row.touchpoint else "",
        decision=decision,
        reason=reason,
        due_at=row.not_before if decision != "skip" else None,
        zone=zone_of(contact.time_zone if contact else "", account.time_zone, settings.ORGANISATION_TIME_ZONE).key,
        language=row.language,
        version_id=row.survey_version_id,
        evidence=dict(row.decision),
    )


def _stored_refusals(as_of: dt.datetime, touchpoint: str | None) -> Iterator[PlanLine]:
    rows = Invitation.objects.filter(status=Invitation.Status.SKIPPED, decided_at__gt=as_of - _STORED_FOR, decided_at__lte=as_of)
    if touchpoint is not None:
        rows = rows.filter(touchpoint__key=touchpoint)
    for row in rows.select_related("contact", "account", "touchpoint").order_by("decided_at", "id").iterator(chunk_size=2000):
        yield _stored(row, "skip", row.skip_reason)
