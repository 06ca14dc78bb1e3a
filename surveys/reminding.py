"""Whether and when a survey that was sent and not answered is brought to mind again. Pure.

A reminder is no ask of its own: it counts for no limit but the gap between reminders, and nobody gets
a second one for the same survey.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surveys.decent_hours import first_decent_instant, zone_of
from surveys.eligibility import Company, Decision, Person, Rule, refusal_of_person
from surveys.fatigue import USUAL, Limits


@dataclass(slots=True, kw_only=True)
class Outstanding:
    """An invitation that may need a reminder. `reminders` are the instants at which the person was reminded of any survey."""

    status: str
    sent_at: dt.datetime | None
    reminded_at: dt.datetime | None = None
    # an answer of any sort is there, also one held back as automatic
    answered: bool = False
    bounced: bool = False
    complained: bool = False
    # it asks about a ticket that was opened again since
    reopened: bool = False
    reminders: Sequence[dt.datetime] = ()


def decide_reminder(*, rule: Rule, invitation: Outstanding, person: Person, company: Company, as_of: dt.datetime, limits: Limits = USUAL) -> Decision:
    """`send` now, `hold` until `due_at`, or `skip`: no_reminder, not_sent, reminded, answered, reopened, suppressed, no_consent, no_address,
    ended, paused, account_churned, stale (the link ends before), quiet, reminder_gap.

    A hold for the gap between reminders names the instant at which it is over.
    """
    ends = invitation.sent_at + rule.link_life if invitation.sent_at else None

    def skip(reason: str, value: Any = None, limit: Any = None) -> Decision:
        return Decision(outcome="skip", reason=reason, valid_until=ends, evidence={"rule": reason, "value": value, "limit": limit, "as_of": as_of.isoformat()})

    if rule.reminder_after is None:
        return skip("no_reminder")
    if invitation.status != "sent" or invitation.sent_at is None or ends is None:
        return skip("not_sent", invitation.status)
    if invitation.reminded_at is not None:
        return skip("reminded", invitation.reminded_at.isoformat(), 1)
    if invitation.answered:
        return skip("answered")
    if invitation.reopened:
        return skip("reopened")
    if rule.ended or rule.paused:
        return skip("ended" if rule.ended else "paused")
    if invitation.bounced or invitation.complained:
        return skip("suppressed")
    unreachable = refusal_of_person(person)
    if unreachable:
        return skip(str(unreachable))
    if company.churned and rule.survey_kind != "exit":
        return skip("account_churned")
    earliest, waits_for = max(invitation.sent_at + rule.reminder_after, as_of), "delay"
    rested = max((at + limits.reminder_gap for at in invitation.reminders), default=earliest)
    if rested > earliest:
        earliest, waits_for = rested, "reminder_gap"
    zone = zone_of(person.time_zone, company.time_zone, company.organisation_time_zone)
    due = first_decent_instant(earliest, zone=zone, window=rule.window, days_off=person.days_off)
    if due is None:
        return skip("quiet")
    if due >= ends:
        return skip("reminder_gap" if waits_for == "reminder_gap" else "stale", due.isoformat(), ends.isoformat())
    if due <= as_of:
        waits_for = "eligible"
    elif earliest == as_of:
        waits_for = "quiet_hours"
    evidence = {"rule": "eligible", "waits_for": waits_for, "value": due.isoformat(), "limit": ends.isoformat(), "as_of": as_of.isoformat(), "zone": zone.key}
    return Decision(outcome="send" if due <= as_of else "hold", reason=waits_for, due_at=due, valid_until=ends, evidence=evidence)
