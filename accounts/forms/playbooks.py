"""The forms of a playbook: a new one, and its terms (what starts it, for whom, how often, what ends it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.forms.playbook_steps import events, where_json, where_text
from accounts.forms.rules import RuleField
from accounts.models import Playbook
from accounts.playbooks import MOST_HELD_OUT
from accounts.playbooks.moments import DATES, GROUPS, KINDS
from accounts.rules.catalogue import ATTRIBUTE

_MOVES = (("enter", _("enters")), ("leave", _("leaves")))
_BANDS = (("healthy", _("Healthy")), ("watch", _("Watch")), ("at_risk", _("At risk")))
_SURVEYS = (("nps", "NPS"), ("csat", "CSAT"), ("ces", "CES"), ("exit", _("exit survey")))
# exits by an event that the form offers; those by a rule are one more
MOST_EXIT_EVENTS = 4


class NewPlaybookForm(forms.Form):
    """A name, and what to begin with."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("One sentence."))
    copy = forms.ChoiceField(label=_("Begin with"), required=False)

    def __init__(self, *args: Any, playbooks: Sequence[tuple[str, str]], **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.fields["copy"].choices = [("", _("nothing")), *playbooks]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Makes the key from the name; a number tells those of one name apart."""
        data = super().clean() or {}
        stem = slugify(data.get("name", "").translate(str.maketrans("ıİğĞşŞçÇöÖüÜ", "iIgGsScCoOuU")))[:50] or "playbook"
        # the addresses of the pages stand where keys do
        taken = set(Playbook.objects.filter(key__startswith=stem).values_list("key", flat=True)) | {"new", "runs"}
        data["key"] = next(key for number in range(len(taken) + 1) if (key := f"{stem}-{number + 1}" if number else stem) not in taken)
        return data


class TermsForm(forms.Form):
    """Everything of a version but its steps. Inputs of a kind of trigger that is not chosen are ignored."""

    name = forms.CharField(label=_("Name"), max_length=120)
    description = forms.CharField(label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}), help_text=_("One sentence."))
    kind = forms.ChoiceField(label=_("It starts when"), choices=list(KINDS.items()))
    event = forms.ChoiceField(label=_("Event"), required=False)
    where = forms.CharField(label=_("With"), max_length=1000, required=False, help_text=_("As in: reason: price, budget; hard_decline: true"))
    move = forms.ChoiceField(label=_("An account"), choices=_MOVES, required=False)
    segment = forms.ChoiceField(label=_("Segment"), required=False)
    to = forms.MultipleChoiceField(label=_("Health enters"), choices=_BANDS, required=False, widget=forms.CheckboxSelectMultiple)
    date = forms.ChoiceField(label=_("Date"), required=False)
    attribute = forms.CharField(label=_("Attribute"), max_length=80, required=False, help_text=_("Its name, where the date is an attribute."))
    days = forms.IntegerField(label=_("Days from it"), min_value=-730, max_value=730, required=False, help_text=_("Below 0: before it."))
    survey_kind = forms.ChoiceField(label=_("Survey"), choices=_SURVEYS, required=False)
    group = forms.MultipleChoiceField(label=_("Answered as"), choices=list(GROUPS.items()), required=False, widget=forms.CheckboxSelectMultiple)
    stage = forms.ChoiceField(label=_("Stage"), required=False)
    idle_days = forms.IntegerField(label=_("Nobody seen for, days"), min_value=0, max_value=366, required=False, help_text=_("0: on entering the stage."))
    audience = RuleField(label=_("For accounts that fit"), required=False)
    includes_churned = forms.BooleanField(label=_("customers who left too"), required=False)
    includes_excluded = forms.BooleanField(label=_("accounts that no figure counts too"), required=False)
    per_account = forms.IntegerField(label=_("Times an account"), min_value=1, max_value=1000)
    cap_days = forms.IntegerField(label=_("within days"), min_value=1, max_value=730)
    at_once = forms.IntegerField(label=_("At one time an account"), min_value=1, max_value=100)
    per_day = forms.IntegerField(label=_("Starts a day, all accounts"), min_value=1, max_value=1_000_000, required=False)
    hold_out_percent = forms.IntegerField(
        label=_("Held out of a hundred accounts"), min_value=0, max_value=MOST_HELD_OUT, help_text=_("They are left alone, so that the effect can be measured.")
    )
    exit_rule = RuleField(label=_("Also ends when the account fits"), required=False)

    def __init__(self, *args: Any, segments: Sequence[tuple[str, Any]], stages: Sequence[tuple[str, Any]], **rest: Any) -> None:
        super().__init__(*args, **rest)
        nothing = ("", _("(none)"))
        choices = {"event": events(), "segment": [nothing, *segments], "stage": [nothing, *stages], "date": [nothing, *DATES.items(), (ATTRIBUTE, _("an attribute"))]}
        for name, options in choices.items():
            self.fields[name].choices = options  # type: ignore[attr-defined]
        for place in range(MOST_EXIT_EVENTS):
            self.fields[f"exit_event{place}"] = forms.ChoiceField(label=_("It ends early when"), choices=events(), required=False)
            self.fields[f"exit_where{place}"] = forms.CharField(label=_("With"), max_length=1000, required=False)

    def clean(self) -> dict[str, Any]:
        """What the chosen kind of trigger cannot do without is named at its input."""
        data = super().clean() or {}
        needed = {"event": "event", "segment": "segment", "band": "to", "date": "date", "stage": "stage"}.get(data.get("kind", ""))
        if needed and not data.get(needed) and needed not in self.errors:
            self.add_error(needed, _now("Choose one."))
        return data

    @property
    def exits(self) -> list[list[forms.BoundField]]:
        """The inputs of exits, by row."""
        return [[self[f"exit_event{place}"], self[f"exit_where{place}"]] for place in range(MOST_EXIT_EVENTS)]

    @property
    def trigger_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The inputs of each kind of trigger."""
        groups = {
            "event": ("event", "where"), "segment": ("move", "segment"), "band": ("to",), "date": ("date", "attribute", "days"), "answer": ("survey_kind", "group"),
            "stage": ("stage", "idle_days"),
        }  # fmt: skip
        return [(kind, [self[name] for name in names]) for kind, names in groups.items()]

    def terms(self) -> dict[str, Any]:
        """The terms of a valid form as a version keeps them."""
        data = self.cleaned_data
        caps: dict[str, Any] = {"per_account": data["per_account"], "days": data["cap_days"], "at_once": data["at_once"]}
        if data["per_day"]:
            caps["per_day"] = data["per_day"]
        exits: list[dict[str, Any]] = []
        for place in range(MOST_EXIT_EVENTS):
            if data[f"exit_event{place}"]:
                where = where_json(data[f"exit_where{place}"])
                exits.append({"event": data[f"exit_event{place}"], **({"where": where} if where else {})})
        if data["exit_rule"]:
            exits.append({"rule": data["exit_rule"]})
        return {
            "trigger": self._trigger(data), "audience": data["audience"], "exits": exits, "caps": caps, "hold_out_percent": data["hold_out_percent"],
            "includes_churned": data["includes_churned"], "includes_excluded": data["includes_excluded"],
        }  # fmt: skip

    def _trigger(self, data: Mapping[str, Any]) -> dict[str, Any]:
        kind = data["kind"]
        if kind == "event":
            where = where_json(data["where"])
            return {"kind": kind, "event": data["event"], **({"where": where} if where else {})}
        if kind == "segment":
            return {"kind": kind, "move": data["move"] or "enter", "segment": data["segment"]}
        if kind == "band":
            return {"kind": kind, "to": data["to"]}
        if kind == "date":
            return {"kind": kind, "field": ATTRIBUTE + data["attribute"] if data["date"] == ATTRIBUTE else data["date"], "days": data["days"] or 0}
        if kind == "answer":
            return {"kind": kind, "survey_kind": data["survey_kind"], "group": data["group"]}
        if kind == "stage":
            return {"kind": kind, "stage": data["stage"], "idle_days": data["idle_days"] or 0}
        return {"kind": "manual"}


def initial_of(version: Any, playbook: Playbook) -> dict[str, Any]:
    """What stands in the form for a version."""
    trigger, caps = dict(version.trigger), {"per_account": 1, "days": 30, "at_once": 1, **version.caps}
    found: dict[str, Any] = {
        "name": playbook.name, "description": playbook.description, "kind": trigger.get("kind", "manual"), "audience": version.audience,
        "per_account": caps["per_account"], "cap_days": caps["days"], "at_once": caps["at_once"], "per_day": caps.get("per_day"), "hold_out_percent": version.hold_out_percent,
        "includes_churned": version.includes_churned, "includes_excluded": version.includes_excluded, "where": where_text(trigger.get("where")), "survey_kind": "nps",
    }  # fmt: skip
    found |= {name: trigger[name] for name in ("event", "move", "segment", "to", "days", "survey_kind", "stage", "idle_days") if name in trigger}
    groups = trigger.get("group", [])
    found["group"] = [groups] if isinstance(groups, str) else groups
    field = str(trigger.get("field", ""))
    found |= {"date": ATTRIBUTE, "attribute": field.removeprefix(ATTRIBUTE)} if field.startswith(ATTRIBUTE) else {"date": field}
    by_event = [entry for entry in version.exits if "event" in entry]
    for place, entry in enumerate(by_event[:MOST_EXIT_EVENTS]):
        found |= {f"exit_event{place}": entry["event"], f"exit_where{place}": where_text(entry.get("where"))}
    found["exit_rule"] = next((entry["rule"] for entry in version.exits if "rule" in entry), None)
    return found
