"""Working on what mail providers reported: the mail and its address in accounts, the invitation in surveys, in one transaction."""

from __future__ import annotations

import datetime as dt

from accounts.actions.bounces import apply_report
from accounts.actions.inbound_events import Worked, waiting, work_on
from accounts.actions.suppressions import is_erased
from accounts.mail_reports import MailReport
from accounts.models import InboundEvent
from config.mail_providers import SOURCE
from surveys.actions.mail_reports import follow_report


def handle_report(*, event_id: int, again: bool = False) -> str:
    """Works on one kept event; returns its status after it ("" where there was nothing to do). May be called any number of times."""
    return work_on(event_id=event_id, handle=_handle, again=again)


def sweep_reports(*, now: dt.datetime) -> int:
    """Works on what still waits; returns how many were done."""
    return sum(handle_report(event_id=pk) == InboundEvent.Status.DONE for pk in waiting(source_prefix=SOURCE, now=now))


def _handle(row: InboundEvent) -> Worked:
    stored = row.payload.get("report")
    if stored is None:
        return Worked("nothing to do")
    report = MailReport.from_dict(stored)
    # what happened cannot have happened after we heard of it
    occurred_at = min(row.occurred_at or row.received_at, row.received_at)
    applied = apply_report(report=report, occurred_at=occurred_at, source_ref=f"{report.provider}:{row.external_id}"[:120])
    follow_report(applied=applied, occurred_at=occurred_at)
    if not applied.in_flight and is_erased(report.recipient):
        # late news of somebody who was forgotten
        InboundEvent.objects.filter(pk=row.pk).update(payload={"erased": True})
    return Worked("its mail is being sent: once more in a minute" if applied.in_flight else applied.note, later=applied.in_flight)
