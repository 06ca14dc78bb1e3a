"""What happens to accounts, in words: each event after "when", and what its payload holds. Pure but for words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.words import code

# events that may start a playbook, end a wait, or be asked for by a rule; the order in which they are offered
EVENTS: dict[str, Any] = {
    "payment.failed": gettext_lazy("a payment fails"),
    "payment.recovered": gettext_lazy("a failed payment is made good"),
    "subscription.cancelled": gettext_lazy("notice is given"),
    "subscription.ended": gettext_lazy("paid service ends"),
    "subscription.started": gettext_lazy("a subscription begins"),
    "subscription.changed": gettext_lazy("a subscription changes"),
    "subscription.renewal_due": gettext_lazy("a renewal comes near"),
    "account.created": gettext_lazy("an account becomes known"),
    "account.churned": gettext_lazy("an account has left"),
    "account.reactivated": gettext_lazy("a lost account comes back"),
    "trial.started": gettext_lazy("a trial begins"),
    "trial.ended": gettext_lazy("a trial is over"),
    "onboarding.completed": gettext_lazy("onboarding is done"),
    "purchase.completed": gettext_lazy("a purchase is paid"),
    "survey.answered": gettext_lazy("a survey is answered"),
    "health.band_changed": gettext_lazy("health enters another band"),
    "segment.changed": gettext_lazy("an account changes its segment"),
    "stage.changed": gettext_lazy("an account enters another stage"),
    "owner.changed": gettext_lazy("an account gets another owner"),
    "usage.milestone": gettext_lazy("a milestone in the product is reached"),
    "ticket.opened": gettext_lazy("a ticket is opened"),
    "ticket.solved": gettext_lazy("a ticket is solved"),
    "ticket.reopened": gettext_lazy("a solved ticket is opened again"),
    "ticket.sla_breached": gettext_lazy("a promised time passes"),
    "touch.logged": gettext_lazy("somebody has spoken with the customer"),
    "work.done": gettext_lazy("work is done"),
    "contact.unsubscribed": gettext_lazy("a contact refuses surveys"),
    "mail.bounced": gettext_lazy("a mail bounces"),
    "mail.complained": gettext_lazy("a mail is reported as unwanted"),
}
# the payload's keys that may be asked for, in words
PAYLOAD: dict[str, Any] = {
    "attempt": gettext_lazy("attempt"), "hard_decline": gettext_lazy("hard decline"), "failure_code": gettext_lazy("failure code"), "reason": gettext_lazy("reason"),
    "voluntary": gettext_lazy("voluntary"), "converted": gettext_lazy("converted"), "plan": gettext_lazy("plan"), "feature": gettext_lazy("feature"),
    "survey_kind": gettext_lazy("survey"), "group": gettext_lazy("answer"), "survey": gettext_lazy("survey"), "segment": gettext_lazy("segment"), "stage": gettext_lazy("stage"),
    "days": gettext_lazy("days"), "severity": gettext_lazy("severity"), "band": gettext_lazy("band"),
}  # fmt: skip


def say_event(kind: str, where: Mapping[str, Any] | None = None) -> str:
    """An event with what its payload must hold: "a payment fails (attempt 1)"."""
    said = str(EVENTS.get(kind, kind))
    asked = ", ".join(f"{PAYLOAD.get(key, key)}: {say_value(value)}" for key, value in (where or {}).items())
    return f"{said} ({asked})" if asked else said


def say_value(value: Any) -> str:
    """A value of a payload: yes or no, several with commas, codes in words."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(say_value(entry) for entry in value)
    return code(value)
