"""The form of a call on a renewal."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.actions.renewal_calls import CallRefused, permitted_calls
from accounts.models import RenewalCall
from accounts.money import from_micros, to_micros

REFUSALS = {
    "no_renewal": _("This account has no renewal ahead."),
    "watch": _("At 90 days or less a renewal is called: renews, at risk or lost."),
    "amount": _("An amount is not negative."),
}


class CallForm(forms.Form):
    """Renews, watch, at risk or lost; what is expected a year, when, and why."""

    call = forms.ChoiceField(label=_("Call"), choices=(), widget=forms.RadioSelect)
    amount = forms.DecimalField(label=_("Expected a year"), min_value=0, max_digits=15, decimal_places=2)
    expected_on = forms.DateField(label=_("Expected on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    note = forms.CharField(label=_("Note"), max_length=300, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, renews_on: dt.date, today: dt.date, due_micros: int, current: RenewalCall | None, currency: str, **kwargs: Any):
        permitted = permitted_calls(renews_on=renews_on, today=today)
        before = current.call if current is not None and current.call in permitted else None
        initial = {
            "call": before, "amount": f"{from_micros(current.amount_micros if current and before != 'lost' else due_micros):.2f}",
            "expected_on": current.expected_on if current else renews_on, "seen": current.pk if current else 0,
        }  # fmt: skip
        super().__init__(*args, **{"initial": initial, **kwargs})
        call: Any = self.fields["call"]
        call.choices = [(value, label) for value, label in RenewalCall.Call.choices if value in permitted]
        if "watch" not in permitted:
            call.error_messages = {**call.error_messages, "invalid_choice": REFUSALS["watch"]}
        self.fields["amount"].label = _("Expected a year, %(currency)s") % {"currency": currency}

    def refuse(self, fault: CallRefused) -> None:
        """Says a refusal of the action at its field."""
        self.add_error(fault.field, REFUSALS[fault.why])

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        return {"call": data["call"], "amount_micros": to_micros(data["amount"]), "expected_on": data["expected_on"], "note": data["note"].strip(), "seen": data["seen"]}
