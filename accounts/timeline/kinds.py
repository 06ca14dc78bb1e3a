"""What the filter of a timeline offers, and the icon of every kind of event."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

# the kinds of each part of the filter
GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "touches": (gettext_lazy("Touches"), ("touch.logged", "note.added", "work.opened", "work.reopened", "work.handed_over", "work.came_back", "work.done")),
    "answers": (
        gettext_lazy("Answers"),
        (
            "survey.requested", "survey.sent", "survey.reminded", "survey.answered", "case.late", "case.closed", "contact.unsubscribed", "contact.erased",
            "mail.bounced", "mail.complained",
        ),
    ),
    "tickets": (gettext_lazy("Tickets"), ("ticket.opened", "ticket.solved", "ticket.reopened", "ticket.reopen_wanted", "ticket.sla_near", "ticket.sla_breached")),
    "money": (
        gettext_lazy("Money"),
        (
            "subscription.started", "subscription.changed", "subscription.cancelled", "subscription.ended", "subscription.renewal_due",
            "purchase.completed", "payment.failed", "payment.recovered",
        ),
    ),
    "life": (
        gettext_lazy("Life"),
        (
            "account.created", "account.churned", "account.reactivated", "trial.started", "trial.ended", "onboarding.completed",
            "health.band_changed", "segment.changed", "stage.changed", "owner.changed", "usage.milestone",
        ),
    ),
    "playbooks": (gettext_lazy("Playbooks"), ("playbook.started", "playbook.mailed", "playbook.ended", "playbook.resumed")),
}  # fmt: skip

ICONS = {
    "account.created": "building-2", "account.churned": "door-open", "account.reactivated": "heart-handshake", "trial.started": "hourglass",
    "trial.ended": "hourglass", "onboarding.completed": "graduation-cap", "purchase.completed": "shopping-cart", "subscription.started": "credit-card",
    "subscription.changed": "credit-card", "subscription.cancelled": "calendar-x", "subscription.ended": "calendar-x", "subscription.renewal_due": "calendar-clock",
    "payment.failed": "triangle-alert", "payment.recovered": "check", "ticket.opened": "ticket", "ticket.solved": "ticket-check", "ticket.reopened": "rotate-ccw",
    "ticket.sla_breached": "clock-alert", "ticket.sla_near": "clock", "ticket.reopen_wanted": "message-square-warning", "survey.requested": "mail",
    "survey.sent": "mail", "survey.reminded": "mail", "case.late": "clock-alert", "case.closed": "check", "survey.answered": "message-square-text",
    "segment.changed": "layers", "stage.changed": "signpost", "owner.changed": "user-round-cog", "touch.logged": "phone", "note.added": "square-pen",
    "health.band_changed": "activity", "work.opened": "list-plus", "work.done": "list-checks", "contact.unsubscribed": "bell-off", "mail.bounced": "mail-x",
    "usage.milestone": "flag", "work.reopened": "rotate-ccw", "work.handed_over": "ticket", "work.came_back": "rotate-ccw",
    "contact.erased": "user-x", "mail.complained": "mail-warning", "playbook.started": "workflow", "playbook.mailed": "mail", "playbook.ended": "flag",
    "playbook.resumed": "rotate-ccw",
}  # fmt: skip
TOUCH_ICONS = {"mail": "mail", "email": "mail", "review": "presentation", "meeting": "users", "visit": "map-pin", "chat": "message-circle", "training": "graduation-cap"}
