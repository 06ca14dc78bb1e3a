"""The form that asks for a backtest."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy, ngettext

from metrics.backtest.question import HORIZON_DAYS, HORIZONS, Refused, question
from metrics.models import HealthModel


class _Days(forms.DateInput):
    input_type = "date"

    def format_value(self, value: Any) -> str | None:
        return value.isoformat() if isinstance(value, dt.date) else value


class BacktestForm(forms.Form):
    """Model, span, horizon; faults of the question stand at the form."""

    model = forms.ModelChoiceField(label=gettext_lazy("Health model"), queryset=HealthModel.objects.none(), required=False, empty_label=gettext_lazy("Those that score now"))
    start = forms.DateField(label=gettext_lazy("From"), widget=_Days)
    end = forms.DateField(label=gettext_lazy("Until (exclusive)"), widget=_Days)
    horizon_days = forms.TypedChoiceField(label=gettext_lazy("Left within"), coerce=int, initial=HORIZON_DAYS)

    def __init__(self, *args: Any, now: dt.datetime, **rest: Any):
        super().__init__(*args, **rest)
        self.now = now
        chosen: Any = self.fields["model"]
        chosen.queryset = HealthModel.objects.filter(components__weight__gt=0).distinct().order_by("position", "key", "-number")
        horizons: Any = self.fields["horizon_days"]
        horizons.choices = [(days, ngettext("%(days)s day", "%(days)s days", days) % {"days": days}) for days in HORIZONS]

    def clean(self) -> dict[str, Any]:
        """Asks whether the question makes sense."""
        data = super().clean() or {}
        if {"start", "end", "horizon_days"} <= data.keys():
            try:
                question(model=data.get("model"), start=data["start"], end=data["end"], horizon_days=data["horizon_days"], now=self.now).instants()
            except Refused as fault:
                self.add_error("end" if fault.key in {"span_too_short", "end_before_start", "too_long"} else None, str(fault))
        return data
