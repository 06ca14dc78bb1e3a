"""Writing a funnel: its name, its window, and up to eight steps in order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from metrics.funnels.page import kind_choices
from metrics.funnels.walks import Stage
from metrics.models import Funnel
from metrics.models.funnels import FEWEST_STEPS, MOST_STEPS, check_condition


class StepForm(forms.Form):
    """One step; an empty kind leaves it out."""

    kind = forms.ChoiceField(label=_("Event"), required=False)
    payload_key = forms.CharField(label=_("Only where"), required=False, max_length=40)
    payload_value = forms.CharField(label=_("is"), required=False, max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("no step")), *kind_choices()]

    def clean(self) -> dict[str, Any]:
        """A condition is whole and one that its event has."""
        values = super().clean() or self.cleaned_data
        key, value = (str(values.get(name, "")).replace("\x00", "").strip() for name in ("payload_key", "payload_value"))
        values |= {"payload_key": key, "payload_value": value}
        if values.get("kind"):
            check_condition(values["kind"], key, value)
        elif (key or value) and "kind" not in self.errors:
            raise ValidationError({"kind": _("Choose the event that this is said of.")})
        return values


class FunnelForm(forms.Form):
    """Name and window, with the steps as forms of their own beside it."""

    name = forms.CharField(label=_("Name"), max_length=120)
    window_days = forms.IntegerField(
        label=_("Window, days"), required=False, min_value=1, max_value=3650, help_text=_("From the first step; what comes later does not count. Empty: whenever.")
    )  # fmt: skip

    def __init__(self, data: Any = None, *, funnel: Funnel | None = None) -> None:
        known = list(funnel.steps.all()) if funnel else []
        super().__init__(data, initial={"name": funnel.name, "window_days": funnel.window_days} if funnel else {})
        started: list[dict[str, str]] = [{"kind": step.kind, "payload_key": step.payload_key, "payload_value": step.payload_value} for step in known]
        self.steps = [StepForm(data, prefix=f"step{place}", initial=started[place] if place < len(started) else {}) for place in range(MOST_STEPS)]

    def is_valid(self) -> bool:
        """Whether name, window and every step are, and there are enough steps."""
        # all of them, so that every fault shows at once
        fine = [form.is_valid() for form in self.steps]
        whole = super().is_valid() and all(fine)
        if all(fine) and len(self.stages) < FEWEST_STEPS:
            self.add_error(None, _("A funnel has two steps or more."))
            return False
        return whole

    @property
    def stages(self) -> list[Stage]:
        """The steps that were filled in, in order."""
        found = [form.cleaned_data for form in self.steps if form.cleaned_data.get("kind")]
        return [Stage(step["kind"], step["payload_key"], step["payload_value"]) for step in found]
