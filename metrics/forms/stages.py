"""The form of a stage: its name and length, its two rules, and its goals, each a name and a rule."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.rules import RuleField
from accounts.models import LifecycleStage
from accounts.stage_rules import MOST_GOALS, StageFault
from accounts.wording import goal_name, stage_name


class StageForm(forms.Form):
    """A goal stands in fields `goal_0_name`, `goal_0_rule`, `goal_0_key`, `goal_0_remove`; the last row is for a further one."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    key = forms.CharField(label=gettext_lazy("Key"), max_length=40, help_text=gettext_lazy("What imports and the API call it; it cannot be changed later."))
    position = forms.IntegerField(label=gettext_lazy("Position"), min_value=1, max_value=30_000, help_text=gettext_lazy("The way goes from lower to higher numbers."))
    expected_days = forms.IntegerField(
        label=gettext_lazy("Expected length in days"), min_value=1, max_value=3660, required=False, help_text=gettext_lazy("Who is longer here without all goals met is stuck.")
    )
    next_stage = forms.ChoiceField(label=gettext_lazy("Leads to"), required=False, help_text=gettext_lazy("Where accounts go whose end rule is met."))
    is_leaving = forms.BooleanField(
        label=gettext_lazy("Customers leave here"), required=False, help_text=gettext_lazy("On their way out, or gone: nobody here is successful or stuck.")
    )
    start_rule = RuleField(label=gettext_lazy("Start rule"), required=False)
    end_rule = RuleField(label=gettext_lazy("End rule"), required=False, without=("stage",))

    def __init__(self, data: Any = None, *, stage: LifecycleStage | None = None) -> None:
        initial: dict[str, Any] = {}
        goals = list(stage.goals) if stage else []
        if stage is not None:
            initial = {name: getattr(stage, name) for name in ("name", "position", "expected_days", "is_leaving", "start_rule", "end_rule")}
            initial |= {"key": stage.key, "next_stage": stage.next_stage_id or "", "name": stage_name(stage)}
            for number, goal in enumerate(goals):
                initial |= {f"goal_{number}_key": goal["key"], f"goal_{number}_name": goal_name(goal["name"]), f"goal_{number}_rule": goal["rule"]}
        super().__init__(data, initial=initial)
        self.stage = stage
        if stage is not None:
            del self.fields["key"]
        others = LifecycleStage.objects.exclude(pk=stage.pk if stage else "")
        self.fields["next_stage"].choices = [("", _("nowhere by itself")), *((other.key, stage_name(other)) for other in others)]  # type: ignore[attr-defined]
        given = sum(1 for number in range(MOST_GOALS) if data is not None and f"goal_{number}_name" in data)
        self.goal_count = given or min(len(goals) + 1, MOST_GOALS)
        for number in range(self.goal_count):
            self.fields[f"goal_{number}_name"] = forms.CharField(label=_("Goal %(number)s") % {"number": number + 1}, max_length=120, required=False)
            self.fields[f"goal_{number}_key"] = forms.CharField(widget=forms.HiddenInput, max_length=40, required=False)
            self.fields[f"goal_{number}_rule"] = RuleField(label=_("It is met when"), required=False)
            self.fields[f"goal_{number}_remove"] = forms.BooleanField(label=_("Take this goal away"), required=False)

    @property
    def goals(self) -> list[dict[str, Any]]:
        """The rows of the goals, with their bound fields."""
        return [
            {
                "number": number + 1, "name": self[f"goal_{number}_name"], "key": self[f"goal_{number}_key"], "rule": self[f"goal_{number}_rule"],
                "remove": self[f"goal_{number}_remove"], "is_new": not self[f"goal_{number}_key"].value(),
                "opened": bool(self[f"goal_{number}_name"].value() or self[f"goal_{number}_name"].errors or self[f"goal_{number}_rule"].errors),
            }
            for number in range(self.goal_count)
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A goal without name and rule is none; with only one of them it is a fault."""
        data = super().clean() or {}
        for number in range(self.goal_count):
            name, rule = data.get(f"goal_{number}_name", ""), data.get(f"goal_{number}_rule")
            if data.get(f"goal_{number}_remove") or self.errors.get(f"goal_{number}_rule"):
                continue
            if rule and not name:
                self.add_error(f"goal_{number}_name", _("Give the goal a name."))
            if name and not rule:
                self.add_error(f"goal_{number}_rule", _("Give the goal a condition."))
        return data

    def made(self) -> LifecycleStage:
        """The stage as the form says; call it when the form is valid."""
        data = self.cleaned_data
        stage = LifecycleStage.objects.get(pk=self.stage.pk) if self.stage else LifecycleStage(key=data["key"])
        for name in ("position", "expected_days", "is_leaving", "start_rule", "end_rule"):
            setattr(stage, name, data[name])
        # a shipped name that stands in the reader's language is not a new one
        if not self.stage or data["name"] != stage_name(self.stage):
            stage.name = data["name"]
        stage.next_stage_id = data["next_stage"] or None
        known = {goal["key"]: goal["name"] for goal in stage.goals}

        def named(number: int) -> str:
            # a shipped name that stands in the reader's language is not a new one
            given, stored = data[f"goal_{number}_name"], known.get(data[f"goal_{number}_key"], "")
            return stored if stored and given == goal_name(stored) else given

        stage.goals = [
            {
                "key": data[f"goal_{number}_key"] if data[f"goal_{number}_key"] in known else f"g{uuid.uuid4().hex[:8]}",
                "name": named(number),
                "rule": data[f"goal_{number}_rule"],
            }
            for number in self.kept()
        ]
        return stage

    def kept(self) -> list[int]:
        """The rows that hold a goal."""
        data = self.cleaned_data
        return [number for number in range(self.goal_count) if data[f"goal_{number}_name"] and not data[f"goal_{number}_remove"]]

    def blame(self, fault: StageFault) -> None:
        """Puts a fault of the stage at its field."""
        place = fault.field
        if place.startswith("goals."):
            _goals, number, part = place.split(".")
            place = f"goal_{self.kept()[int(number)]}_{part}"
        field = self.fields.get(place)
        if isinstance(field, RuleField) and fault.path:
            field.faults = {fault.path: str(fault)}
        self.add_error(place if field else None, str(fault))
