"""The closed vocabulary of the event log: every kind, and what its payload holds.

This file is the contract between the apps; `docs/events.md` is made from it. A payload holds ids,
codes and numbers, never a name, an address or a free text. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EventKind:
    """One kind: its key, what happened in words, and payload keys (required and optional)."""

    key: str
    meaning: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = field(default=())


_KINDS = (
    EventKind("account.created", "An account became known.", (), ("source",)),
    EventKind(
        "account.churned", "An account left for good.", (), ("reason", "reason_detail", "voluntary", "refund_amount", "preceding_upgrade", "preceding_downgrade", "is_reactivation")
    ),
    EventKind("account.reactivated", "A lost account came back.", (), ("reason",)),
    EventKind("trial.started", "A trial began.", (), ("plan", "ends_at")),
    EventKind("trial.ended", "A trial was over.", (), ("converted", "plan")),
    EventKind("onboarding.completed", "Onboarding is done.", (), ("milestones", "days")),
    EventKind("purchase.completed", "An order or one-time purchase was paid.", (), ("transaction", "amount", "currency")),
    EventKind("subscription.started", "A subscription began.", (), ("subscription", "product", "mrr", "currency")),
    EventKind("subscription.changed", "Terms of a subscription changed.", (), ("subscription", "product", "mrr_before", "mrr", "currency")),
    EventKind("subscription.cancelled", "Notice was given.", (), ("subscription", "product", "ends_at", "reason", "voluntary")),
    EventKind("subscription.ended", "Paid service ended.", (), ("subscription", "product", "reason", "voluntary")),
    EventKind("subscription.renewal_due", "A renewal comes near.", (), ("subscription", "renews_at", "days")),
    EventKind("payment.failed", "A payment failed.", (), ("transaction", "invoice", "attempt", "failure_code", "hard_decline", "amount", "currency")),
    EventKind("payment.recovered", "A failed payment was made good.", (), ("transaction", "invoice", "amount", "currency")),
    EventKind("ticket.opened", "A ticket was opened.", ("ticket",), ("severity", "channel", "category")),
    EventKind("ticket.solved", "A ticket was solved.", ("ticket", "resolution"), ("agent", "requester", "person_replied", "severity", "channel", "category", "group")),
    EventKind("ticket.reopened", "A solved ticket was opened again.", ("ticket",), ("resolution",)),
    EventKind("ticket.sla_near", "Three quarters of a promised time have passed.", ("ticket", "target"), ("due_at",)),
    EventKind("ticket.sla_breached", "A promised time passed.", ("ticket", "target"), ("seconds_over",)),
    EventKind("ticket.reopen_wanted", "The customer asked by a survey that a solved ticket be opened again.", ("ticket", "response"), ()),
    EventKind("survey.requested", "A survey was asked for by a person or by the API.", ("invitation",), ("survey", "touchpoint")),
    EventKind("survey.reminded", "A reminder of a survey left for the contact.", ("invitation",), ("survey", "survey_kind", "touchpoint")),
    EventKind("survey.sent", "A survey left for the contact.", ("invitation",), ("survey", "survey_kind", "touchpoint")),
    EventKind(
        "survey.answered",
        "A survey was answered.",
        ("response", "survey_kind"),
        ("survey", "score", "scale_min", "scale_max", "group", "ticket", "agent", "touchpoint", "invitation", "low", "reason", "call_me", "is_suspect"),
    ),
    EventKind("health.band_changed", "The health score entered another band.", ("band", "score"), ("band_before", "score_before", "model", "day", "causes")),
    EventKind("segment.changed", "The account moved to another segment.", (), ("segment", "segment_before", "reason", "override")),
    EventKind("stage.changed", "The account entered another lifecycle stage.", (), ("stage", "stage_before", "reason")),
    EventKind("owner.changed", "Another person is responsible.", (), ("owner", "owner_before")),
    EventKind("touch.logged", "Somebody spoke or wrote with the customer.", (), ("channel", "minutes", "work_item", "outcome")),
    EventKind("note.added", "A note was written.", (), ("note",)),
    EventKind("work.opened", "A work item was opened.", ("work_item", "type"), ("reason", "value", "source")),
    EventKind("work.reopened", "A closed work item was opened again.", ("work_item", "type"), ("reason",)),
    EventKind("work.done", "A work item was closed.", ("work_item", "type"), ("reason", "outcome", "value")),
    EventKind("work.handed_over", "A work item was handed over to support.", ("work_item", "type"), ("reason",)),
    EventKind("work.came_back", "A work item came back from support.", ("work_item", "type"), ("reason",)),
    EventKind("case.late", "The answer to an unhappy customer is late.", ("case",), ("response", "due_at", "owner")),
    EventKind("case.closed", "The loop of an unhappy answer was closed.", ("case", "resolution"), ("response", "in_time")),
    EventKind("contact.erased", "Everything personal about a contact was erased.", (), ("source",)),
    EventKind("mail.complained", "A mail was reported as unwanted.", (), ("mail", "provider")),
    EventKind("contact.unsubscribed", "A contact refused further surveys or mails.", (), ("scope", "survey")),
    EventKind("mail.bounced", "A mail could not be delivered.", (), ("mail", "hard", "provider")),
    EventKind("playbook.started", "A playbook began for the account.", ("playbook", "run"), ("version",)),
    EventKind("playbook.mailed", "A mail of a playbook left for the contact.", ("playbook", "run"), ("step", "mail")),
    EventKind("playbook.ended", "A run of a playbook ended.", ("playbook", "run"), ("reason",)),
    EventKind("playbook.resumed", "A run of a playbook that was stopped goes on.", ("playbook", "run"), ()),
    EventKind("usage.milestone", "A named step in the product was reached.", (), ("feature", "count")),
)

EVENT_KINDS: dict[str, EventKind] = {kind.key: kind for kind in _KINDS}


class UnknownEventKind(ValueError):
    """A kind that is not in the vocabulary."""


class WrongPayload(ValueError):
    """A payload that lacks a required key or holds one that its kind does not have."""


def check_payload(kind: str, payload: dict[str, object]) -> None:
    """Raises UnknownEventKind or WrongPayload unless the payload fits its kind."""
    if kind not in EVENT_KINDS:
        raise UnknownEventKind(f"“{kind}” is no event kind; allowed: {', '.join(sorted(EVENT_KINDS))}")
    entry = EVENT_KINDS[kind]
    missing = [key for key in entry.required if key not in payload]
    if missing:
        raise WrongPayload(f"{kind}: the payload lacks {', '.join(missing)}")
    unknown = sorted(set(payload) - set(entry.required) - set(entry.optional))
    if unknown:
        raise WrongPayload(f"{kind}: the payload cannot hold {', '.join(unknown)}; allowed: {', '.join(entry.required + entry.optional) or 'nothing'}")
