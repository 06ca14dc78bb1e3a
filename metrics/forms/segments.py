"""The editor of a segment: what it is called, whom its rule takes, how much time it may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.rules import RuleField
from accounts.models import Segment


class SegmentForm(forms.Form):
    """A segment as people write it; the budget in percent."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(label=_("Description"), max_length=300, required=False, help_text=_("Who belongs here, and what is done for them."))
    effort = forms.DecimalField(
        label=_("Effort budget, percent"), required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2, localize=True,
        help_text=_("The share of the team’s logged time that these accounts should take."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "number"}),
    )  # fmt: skip
    rule = RuleField(label=_("Rule"), required=False, without={"segment"})

    def effort_share(self) -> Decimal | None:
        """The budget as a share, 0 to 1."""
        percent = self.cleaned_data["effort"]
        return None if percent is None else (percent / 100).quantize(Decimal("0.0001"))

    @property
    def goes_on(self) -> bool:
        """Whether nothing is wrong but that a button of the rule builder was pressed without script."""
        return any(error.code == "editing" for error in self.errors.as_data().get("rule", []))


def initial_of(segment: Segment | None) -> dict[str, Any]:
    """What the form opens with."""
    if segment is None:
        return {}
    share = segment.effort_share
    percent = None if share is None else (share * 100).normalize()
    return {
        "name": segment.name, "description": segment.description, "rule": segment.rule,
        "effort": None if percent is None else percent.quantize(Decimal(1)) if percent == percent.to_integral_value() else percent,
    }  # fmt: skip
