"""The form of a draft of a health model: every input with its weight, its two ends, and what to do without data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Segment
from metrics.models import HealthComponent, HealthModel
from metrics.scoring import Model, Part

MOST_WEIGHT = 1000
Source = HealthComponent.Source
# the ends offered for an input that the model does not look at yet: worst, best, fresh days
USUAL: dict[str, tuple[float, float, int | None]] = {
    "usage_trend": (-0.5, 0.1, None), "last_nps": (0, 10, 365), "csat_90d": (1, 5, None), "severe_tickets": (3, 0, None), "days_to_renewal": (0, 90, None),
    "failed_payments": (2, 0, None), "days_since_seen": (30, 1, None), "active_days": (0, 20, None), "days_since_touch": (90, 14, None), "pulse": (1, 5, None),
    "adoption": (0, 75, None), "seat_use": (20, 80, None),
}  # fmt: skip


class HealthModelForm(forms.Form):
    """Field names end in the input's key: `weight_last_nps`. A weight of 0 leaves the input out."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    position = forms.IntegerField(
        label=gettext_lazy("Tried as number"), min_value=0, max_value=1000,
        help_text=gettext_lazy("Lower numbers first; the first model that is for the account's segment scores it."),
    )  # fmt: skip
    segments = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Segments"), queryset=Segment.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: every account."),
    )  # fmt: skip
    healthy_from = forms.IntegerField(label=gettext_lazy("Healthy from"), min_value=1, max_value=100, help_text=gettext_lazy("Points; this score is inside."))
    watch_from = forms.IntegerField(
        label=gettext_lazy("Watch from"), min_value=1, max_value=99, help_text=gettext_lazy("Points; this score is inside, below it an account is at risk.")
    )

    def __init__(self, *args: Any, sources: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = list(sources)
        self.fields["segments"].queryset = Segment.objects.order_by("position", "id")  # type: ignore[attr-defined]
        for source in self.sources:
            what = str(Source(source).label)
            self.fields[f"weight_{source}"] = forms.IntegerField(label=_("Weight of %(input)s") % {"input": what}, min_value=0, max_value=MOST_WEIGHT, required=False)
            self.fields[f"worst_{source}"] = forms.FloatField(label=_("Worst value of %(input)s") % {"input": what}, required=False)
            self.fields[f"best_{source}"] = forms.FloatField(label=_("Best value of %(input)s") % {"input": what}, required=False)
            self.fields[f"missing_{source}"] = forms.ChoiceField(label=_("%(input)s without data") % {"input": what}, choices=HealthComponent.Missing.choices, required=False)
            self.fields[f"fresh_{source}"] = forms.IntegerField(label=_("%(input)s is fresh for, days") % {"input": what}, min_value=1, max_value=3650, required=False)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table: one row an input, with its bound fields and their faults."""
        found = []
        for source in self.sources:
            cells = {name: self[f"{name}_{source}"] for name in ("weight", "worst", "best", "missing", "fresh")}
            found.append({"source": source, "name": Source(source).label, "cells": list(cells.values()), "errors": [error for cell in cells.values() for error in cell.errors]})
        return found

    def clean(self) -> dict[str, Any]:
        """Edges in order, two different ends for whatever counts, and something that counts."""
        data = super().clean() or {}
        healthy, watch = data.get("healthy_from"), data.get("watch_from")
        if healthy is not None and watch is not None and watch >= healthy:
            self.add_error("watch_from", _("Watch has to begin below healthy, which begins at %(healthy)s.") % {"healthy": healthy})
        total = 0
        for source in self.sources:
            weight = data.get(f"weight_{source}") or 0
            total += weight
            if not weight:
                continue
            worst, best = data.get(f"worst_{source}"), data.get(f"best_{source}")
            for name, value in (("worst", worst), ("best", best)):
                if value is None and f"{name}_{source}" not in self.errors:
                    self.add_error(f"{name}_{source}", _("A part that counts needs its worst and its best value."))
            if worst is not None and worst == best:
                self.add_error(f"best_{source}", _("Worst and best are the same: between them nothing could be told apart."))
        if not total and not any(f"weight_{source}" in self.errors for source in self.sources):
            self.add_error(f"weight_{self.sources[0]}", _("The weights sum to nothing: give at least one part a weight."))
        return data

    def components(self) -> list[dict[str, Any]]:
        """The components that count, in the order of the form. Only of a valid form."""
        data = self.cleaned_data
        return [
            {
                "source": source, "worst": data[f"worst_{source}"], "best": data[f"best_{source}"], "weight": data[f"weight_{source}"],
                "missing": data[f"missing_{source}"] or HealthComponent.Missing.LEAVE_OUT.value, "fresh_days": data[f"fresh_{source}"],
            }
            for source in self.sources
            if data[f"weight_{source}"]
        ]  # fmt: skip

    def rule(self) -> Model:
        """The arithmetic of the form. Only of a valid form."""
        return Model(parts=tuple(Part(**component) for component in self.components()), healthy_from=self.cleaned_data["healthy_from"], watch_from=self.cleaned_data["watch_from"])


def sources_of(model: HealthModel) -> list[str]:
    """All inputs: those of the model in its order, then the rest."""
    mine = [component.source for component in sorted(model.components.all(), key=lambda component: component.position)]
    return [*mine, *(source for source in Source.values if source not in mine)]


def initial_of(model: HealthModel) -> dict[str, Any]:
    """What the form shows of a stored version."""
    found: dict[str, Any] = {
        "name": model.name, "position": model.position, "segments": [segment.pk for segment in model.segments.all()],
        "healthy_from": model.healthy_from, "watch_from": model.watch_from,
    }  # fmt: skip
    stored = {component.source: component for component in model.components.all()}
    for source in Source.values:
        component = stored.get(source)
        worst, best, fresh = USUAL.get(source, (0, 1, None))
        found |= {
            f"weight_{source}": component.weight if component else 0, f"worst_{source}": _short(component.worst if component else worst),
            f"best_{source}": _short(component.best if component else best), f"missing_{source}": component.missing if component else HealthComponent.Missing.LEAVE_OUT.value,
            f"fresh_{source}": component.fresh_days if component else fresh,
        }  # fmt: skip
    return found


def _short(value: float) -> float | int:
    """3.0 as 3, for the field."""
    return int(value) if float(value).is_integer() else value
