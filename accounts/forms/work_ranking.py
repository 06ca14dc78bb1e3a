"""The form of what each kind of work is thought to save and to take."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import WorkAssumption


class AssumptionForm(forms.Form):
    """One type's row: percent saved, minutes, and the version its reader saw."""

    saves = forms.DecimalField(label=_("Saves, percent"), min_value=0, max_value=100, max_digits=5, decimal_places=2, widget=forms.NumberInput(attrs={"step": "0.5"}))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=5, max_value=2400, widget=forms.NumberInput(attrs={"step": "5"}))
    closes_itself = forms.BooleanField(label=_("Closes by itself"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: Any, row: WorkAssumption, **kwargs: Any):
        percent = (row.saves * 100).normalize()
        kwargs |= {"prefix": row.type, "initial": {"saves": f"{percent:f}", "minutes": row.minutes, "closes_itself": row.closes_itself, "version": row.version}}
        super().__init__(*args, **kwargs)
        self.row = row

    @property
    def values(self) -> dict[str, Any]:
        """What the action takes."""
        data = self.cleaned_data
        saves = (data["saves"] / Decimal(100)).quantize(Decimal("0.0001"))
        return {"type": self.row.type, "saves": saves, "minutes": data["minutes"], "closes_itself": data["closes_itself"], "version": data["version"]}
