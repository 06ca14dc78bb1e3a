"""The form of one step of a playbook: plain inputs by kind, and the JSON of the step they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.event_words import EVENTS
from accounts.forms.rules import RuleField
from accounts.playbooks.moments import DATES
from accounts.playbooks.plan import END
from accounts.playbooks.steps import MOST_BRANCHES
from accounts.playbooks.telling import FIELDS, KINDS, PEOPLE, WORK_TYPES

LANGUAGES = ("en", "tr")
ATTRIBUTE = "attributes."
Choices = Sequence[tuple[str, Any]]
_NOTHING = ("", _("(none)"))
_PRIORITIES = (("high", _("high")), ("normal", _("normal")), ("low", _("low")))
_WAITS = (("time", _("a time")), ("until", _("until a date")), ("event", _("until something happens")))
_SINCE = (("run", _("since the run began")), ("step", _("since this step")))
_WHENS = (("", _("(no branch)")), ("rule", _("the account fits a rule")), ("event", _("something happened")))


def events() -> list[tuple[str, Any]]:
    """The events that are offered."""
    return [_NOTHING, *EVENTS.items()]


def where_text(where: Mapping[str, Any] | None) -> str:
    """What a payload must hold as people type it: `reason: price, budget; hard_decline: true`."""
    return "; ".join(f"{key}: {', '.join(_typed(value) for value in (wanted if isinstance(wanted, list) else [wanted]))}" for key, wanted in (where or {}).items())


def _typed(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def where_json(text: str) -> dict[str, Any]:
    """The reverse. Whole numbers and true or false are read as such; several values make a list."""
    found: dict[str, Any] = {}
    for part in text.split(";"):
        key, _sign, given = part.partition(":")
        values = [_value(entry.strip()) for entry in given.split(",") if entry.strip()]
        if key.strip() and values:
            found[key.strip()] = values[0] if len(values) == 1 else values
    return found


def _value(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _whole(label: Any, low: int, high: int, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=low, max_value=high, required=False, **more)


class StepForm(forms.Form):
    """One step. `kind` decides which inputs there are; `targets` are the steps it may lead to (key, title)."""

    key = forms.CharField(label=_("Key"), max_length=40, required=False, help_text=_("Short and without spaces; other steps lead here by it."))

    def __init__(self, *args: Any, kind: str, targets: Choices, people: Choices, stages: Choices, arms: int = 1, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.kind, self.arms = kind, min(max(arms, 1), MOST_BRANCHES)
        self.targets: list[tuple[str, Any]] = [*targets, (END, _("the end"))]
        getattr(self, f"_{kind}", lambda *_args: None)(people, stages)
        if kind not in {"work", "mail", "wait", "branch", "stop"}:
            self.fields["title"] = forms.CharField(label=_("Called"), max_length=200, required=False)
        if kind not in {"branch", "stop"}:
            self.fields["next"] = forms.ChoiceField(label=_("Then"), choices=[("", _("the step below")), *self.targets], required=False)
        self.fields["if"] = RuleField(label=_("Only if"), required=False)

    def _work(self, people: Choices, _stages: Choices) -> None:
        for language in LANGUAGES:
            self.fields[f"title_{language}"] = forms.CharField(label=_now("What is to be done (%(language)s)") % {"language": language}, max_length=200, required=False)
        self.fields["type"] = forms.ChoiceField(label=_("Type"), choices=list(WORK_TYPES.items()))
        self.fields["priority"] = forms.ChoiceField(label=_("Priority"), choices=_PRIORITIES)
        self.fields["due_days"] = _whole(_("Due after, days"), 0, 365)
        self.fields["assignee"] = forms.ChoiceField(label=_("For"), choices=[("owner", _("the account's owner")), *people])
        self.fields["reason"] = forms.CharField(label=_("Reason"), max_length=80, required=False, help_text=_("An account has work of one type and reason open once."))
        self.fields["keep_on_exit"] = forms.BooleanField(label=_("stays open when the run ends early"), required=False)

    def _mail(self, _people: Choices, _stages: Choices) -> None:
        self.fields["to"] = forms.ChoiceField(label=_("To"), choices=list(PEOPLE.items()))
        self.fields["gap_days"] = _whole(_("Not within so many days of another playbook's mail"), 0, 90)
        self.fields["transactional"] = forms.BooleanField(label=_("about the contract: also to those who want no other mails"), required=False)
        self.fields["reply_to_owner"] = forms.BooleanField(label=_("answers go to the account's owner"), required=False)
        for language in LANGUAGES:
            told = {"language": language}
            self.fields[f"subject_{language}"] = forms.CharField(label=_now("Subject (%(language)s)") % told, max_length=200, required=False)
            self.fields[f"body_{language}"] = forms.CharField(label=_now("Text (%(language)s)") % told, max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 8}))

    def _survey(self, _people: Choices, _stages: Choices) -> None:
        self.fields["survey"] = forms.CharField(label=_("Survey"), max_length=80, required=False, help_text=_("Its key: nps, csat, ces, exit or your own."))
        self.fields["touchpoint"] = forms.CharField(label=_("or programme"), max_length=80, required=False, help_text=_("The key of a programme, in place of the survey."))
        self.fields["to"] = forms.ChoiceField(label=_("To"), choices=list(PEOPLE.items()))

    def _field(self, _people: Choices, _stages: Choices) -> None:
        self.fields["field"] = forms.ChoiceField(label=_("Field"), choices=[*FIELDS.items(), (ATTRIBUTE, _("an attribute"))])
        self.fields["attribute"] = forms.CharField(label=_("Attribute"), max_length=80, required=False, help_text=_("Its name, where the field is an attribute."))
        self.fields["value"] = forms.CharField(label=_("New value"), max_length=120, required=False, help_text=_("Of a stage its key, of an owner the address."))

    def _tag(self, _people: Choices, _stages: Choices) -> None:
        self.fields["add"] = forms.CharField(label=_("Add tags"), max_length=1000, required=False, help_text=_("Several with commas."))
        self.fields["remove"] = forms.CharField(label=_("Take tags away"), max_length=1000, required=False)

    def _webhook(self, _people: Choices, _stages: Choices) -> None:
        self.fields["url"] = forms.CharField(label=_("Address"), max_length=500, required=False, help_text=_("https://… gets a signed call."))

    def _wait(self, _people: Choices, _stages: Choices) -> None:
        self.fields["mode"] = forms.ChoiceField(label=_("Wait"), choices=_WAITS)
        self.fields["days"] = _whole(_("Days"), 0, 366)
        self.fields["hours"] = _whole(_("Hours"), 0, 744)
        self.fields["until_field"] = forms.CharField(label=_("Date"), max_length=91, required=False, widget=forms.Select(choices=[_NOTHING, *DATES.items()]))
        self.fields["until_days"] = _whole(_("Days from it"), -730, 730, help_text=_("Below 0: before it."))
        self.fields["event"] = forms.ChoiceField(label=_("Event"), choices=events(), required=False)
        self.fields["where"] = forms.CharField(label=_("With"), max_length=1000, required=False, help_text=_("As in: reason: price, budget; hard_decline: true"))
        self.fields["longest_days"] = _whole(_("At most, days"), 1, 366)
        self.fields["since"] = forms.ChoiceField(label=_("Counted"), choices=_SINCE, required=False)
        self.fields["otherwise"] = forms.ChoiceField(label=_("If it does not happen"), choices=[("", _("the step below")), *self.targets], required=False)

    def _branch(self, _people: Choices, _stages: Choices) -> None:
        for arm in range(self.arms):
            self.fields[f"when{arm}"] = forms.ChoiceField(label=_("If"), choices=_WHENS, required=False)
            self.fields[f"rule{arm}"] = RuleField(label=_("Rule"), required=False)
            self.fields[f"event{arm}"] = forms.ChoiceField(label=_("Event"), choices=events(), required=False)
            self.fields[f"where{arm}"] = forms.CharField(label=_("With"), max_length=1000, required=False, help_text=_("As in: reason: price, budget; hard_decline: true"))
            self.fields[f"since{arm}"] = forms.ChoiceField(label=_("Counted"), choices=_SINCE, required=False)
            self.fields[f"go{arm}"] = forms.ChoiceField(label=_("go to"), choices=[_NOTHING, *self.targets], required=False)
        self.fields["otherwise"] = forms.ChoiceField(label=_("Otherwise go to"), choices=self.targets, required=False)
        self.fields["longest_days"] = _whole(_("Wait at most, days"), 0, 366, help_text=_("0: decided at once."))

    @property
    def word(self) -> str:
        """What this kind of step is called."""
        return str(KINDS[self.kind])

    @property
    def arm_fields(self) -> list[list[forms.BoundField]]:
        """The inputs of a branch by arm."""
        names = ("when", "go", "rule", "event", "where", "since")
        return [[self[f"{name}{arm}"] for name in names] for arm in range(self.arms)] if self.kind == "branch" else []

    @property
    def letter_fields(self) -> list[list[forms.BoundField]]:
        """Subject and text of a mail by language."""
        return [[self[f"subject_{language}"], self[f"body_{language}"]] for language in LANGUAGES] if self.kind == "mail" else []

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """All other inputs but the condition, which is drawn folded."""
        apart = {"if"} | {field.name for group in (*self.arm_fields, *self.letter_fields) for field in group}
        return [self[name] for name in self.fields if name not in apart]

    # ── between inputs and JSON ──

    def json(self) -> dict[str, Any]:
        """The step of a form without faults of its own; what is missing is said by the checker."""
        data = self.cleaned_data
        made: dict[str, Any] = {"key": data["key"].strip(), "kind": self.kind}
        if self.kind != "stop":
            made |= getattr(self, f"_json_{self.kind}")(data)
        if data.get("title"):
            made["title"] = data["title"]
        if data.get("next"):
            made["next"] = data["next"]
        if data.get("if"):
            made["if"] = data["if"]
        return made

    def _json_work(self, data: Mapping[str, Any]) -> dict[str, Any]:
        made = {"title": _texts(data, "title"), "type": data["type"], "priority": data["priority"], "assignee": data["assignee"]}
        made |= {"due_days": 1 if data["due_days"] is None else data["due_days"]}
        return made | ({"reason": data["reason"]} if data["reason"] else {}) | ({"keep_on_exit": True} if data["keep_on_exit"] else {})

    def _json_mail(self, data: Mapping[str, Any]) -> dict[str, Any]:
        made = {"subject": _texts(data, "subject"), "body": _texts(data, "body"), "to": data["to"], "reply_to": "owner" if data["reply_to_owner"] else ""}
        return made | ({"transactional": True} if data["transactional"] else {}) | ({"gap_days": data["gap_days"]} if data["gap_days"] is not None else {})

    def _json_survey(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {name: data[name] for name in ("survey", "touchpoint") if data[name]} | {"to": data["to"]}

    def _json_field(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"field": ATTRIBUTE + data["attribute"] if data["field"] == ATTRIBUTE else data["field"], "value": data["value"]}

    def _json_tag(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {name: [tag.strip() for tag in data[name].split(",") if tag.strip()] for name in ("add", "remove") if data[name].strip()}

    def _json_webhook(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {"url": data["url"]}

    def _json_wait(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if data["mode"] == "until":
            return {"until": {"field": data["until_field"], "days": data["until_days"] or 0}}
        if data["mode"] == "event":
            made: dict[str, Any] = {"event": data["event"], "where": where_json(data["where"]), "since": data["since"] or "run"}
            made |= {"longest_days": data["longest_days"]} if data["longest_days"] else {}
            return made | ({"otherwise": data["otherwise"]} if data["otherwise"] else {})
        return {"days": data["days"] or 0, "hours": data["hours"] or 0}

    def _json_branch(self, data: Mapping[str, Any]) -> dict[str, Any]:
        arms = []
        for arm in range(self.arms):
            if data[f"when{arm}"] == "event":
                arms.append({"when": {"event": data[f"event{arm}"], "where": where_json(data[f"where{arm}"]), "since": data[f"since{arm}"] or "run"}, "go": data[f"go{arm}"]})
            elif data[f"when{arm}"] == "rule":
                arms.append({"when": data[f"rule{arm}"] or {"all": []}, "go": data[f"go{arm}"]})
        return {"branches": arms, "otherwise": data["otherwise"] or END, "longest_days": data["longest_days"] or 0}


def _texts(data: Mapping[str, Any], name: str) -> dict[str, str]:
    return {language: data[f"{name}_{language}"] for language in LANGUAGES if data[f"{name}_{language}"].strip()}


def initial_of(step: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the inputs for a step's JSON."""
    apart = {"where", "until", "branches", "add", "remove"}
    found: dict[str, Any] = {"due_days": 1, "priority": "normal", "reply_to_owner": True, **{key: value for key, value in step.items() if key not in apart}}
    for name in ("title", "subject", "body"):
        text = step.get(name)
        for language in LANGUAGES:
            found[f"{name}_{language}"] = text.get(language, "") if isinstance(text, Mapping) else (text or "") if language == "en" else ""
    kind = step.get("kind")
    if kind == "mail":
        found["reply_to_owner"] = step.get("reply_to", "owner") == "owner"
    if kind == "field" and str(step.get("field", "")).startswith(ATTRIBUTE):
        found |= {"field": ATTRIBUTE, "attribute": str(step["field"]).removeprefix(ATTRIBUTE)}
    for name in ("add", "remove"):
        found[name] = ", ".join(step.get(name) or [])
    if kind == "wait":
        found["mode"] = "event" if "event" in step else "until" if "until" in step else "time"
        found["where"] = where_text(step.get("where"))
        until = step.get("until")
        if isinstance(until, Mapping):
            found |= {"until_field": until.get("field"), "until_days": until.get("days")}
    for arm, branch in enumerate(step.get("branches") or []):
        when = branch.get("when") or {}
        found[f"go{arm}"] = branch.get("go")
        if "event" in when:
            found |= {f"when{arm}": "event", f"event{arm}": when["event"], f"where{arm}": where_text(when.get("where")), f"since{arm}": when.get("since", "run")}
        else:
            found |= {f"when{arm}": "rule", f"rule{arm}": when}
    return found
