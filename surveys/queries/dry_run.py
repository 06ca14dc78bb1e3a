"""Reads of the dry run: what would be decided and what is decided already, one line a contact and touchpoint."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from surveys.actions.candidates import Candidate
from surveys.actions.facts import QUEUED_AND_LATER, Facts, Memory
from surveys.actions.planning import rehearse
from surveys.actions.reconsidering import RELATED, reconsider
from surveys.eligibility import Decision
from surveys.models import Invitation

# stored refusals this young are named again, so that the dry run is whole although a tick came first
_STORED_FOR = dt.timedelta(hours=24)
_WEIGHT = {"send": 3, "hold": 2, "skip": 1}
_BATCH = 500


def plan_lines(*, as_of: dt.datetime, touchpoint: str | None = None) -> list[dict[str, Any]]:
    """The dry run: `{contact, account, touchpoint, decision, reason, due_at}` with external ids; writes nothing.

    Names what a sending run at the same instant sends, what it leaves for later and what not at all:
    planned invitations looked at again, then new events and rounds. Of several decisions about one
    contact and touchpoint the strongest is shown. A direct request has the touchpoint "".
    """
    lines: dict[tuple[str | None, str, str], dict[str, Any]] = {}

    def keep(line: dict[str, Any]) -> None:
        key = (line["contact"], line["account"], line["touchpoint"])
        if key not in lines or _WEIGHT[line["decision"]] > _WEIGHT[lines[key]["decision"]]:
            lines[key] = line

    for line in _planned(as_of):
        if touchpoint in (None, line["touchpoint"]):
            keep(line)
    for candidate, decision, facts in rehearse(as_of=as_of, touchpoint=touchpoint):
        keep(_line(candidate, decision, facts))
    for line in _stored_refusals(as_of, touchpoint):
        keep(line)
    return list(lines.values())


def _line(candidate: Candidate, decision: Decision, facts: Facts) -> dict[str, Any]:
    contact = facts.contacts.get(candidate.contact_id or 0)
    return {
        "contact": contact["external_id"] if contact else None,
        "account": facts.accounts[candidate.account_id]["external_id"],
        "touchpoint": candidate.programme.key,
        "decision": decision.outcome,
        "reason": decision.reason,
        "due_at": decision.due_at.isoformat() if decision.due_at else None,
    }


def _planned(as_of: dt.datetime) -> Iterator[dict[str, Any]]:
    """Planned invitations in the order in which the dispatcher takes them."""
    last: tuple[dt.datetime, Any] | None = None
    memory = Memory()
    rows = Invitation.objects.filter(status=Invitation.Status.PLANNED).order_by("not_before", "id").select_related(*RELATED, "contact", "account")
    while True:
        batch = list(rows[:_BATCH] if last is None else rows.extra(where=["(not_before, surveys_invitation.id) > (%s, %s)"], params=list(last))[:_BATCH])
        due = [row for row in batch if row.not_before is not None and row.not_before <= as_of]
        for row, candidate, decision, facts in reconsider(due, as_of=as_of, statuses=QUEUED_AND_LATER, carried=memory):
            yield {**_line(candidate, decision, facts), "touchpoint": row.touchpoint.key if row.touchpoint else ""}
        for row in batch:
            if row.not_before is None or row.not_before > as_of:
                yield {
                    "contact": row.contact.external_id if row.contact else None, "account": row.account.external_id, "touchpoint": row.touchpoint.key if row.touchpoint else "",
                    "decision": "hold", "reason": "planned", "due_at": row.not_before.isoformat() if row.not_before else None,
                }  # fmt: skip
        if len(batch) < _BATCH:
            return
        last = (batch[-1].not_before, batch[-1].pk)


def _stored_refusals(as_of: dt.datetime, touchpoint: str | None) -> Iterator[dict[str, Any]]:
    rows = Invitation.objects.filter(status=Invitation.Status.SKIPPED, decided_at__gt=as_of - _STORED_FOR, decided_at__lte=as_of)
    if touchpoint is not None:
        rows = rows.filter(touchpoint__key=touchpoint)
    found = rows.values_list("contact__external_id", "account__external_id", "touchpoint__key", "skip_reason").order_by("decided_at", "id")
    for contact, account, key, reason in found.iterator(chunk_size=2000):
        yield {"contact": contact, "account": account, "touchpoint": key or "", "decision": "skip", "reason": reason, "due_at": None}
