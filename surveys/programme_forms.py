"""What people fill in on the page of a programme, and of the settings of surveys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.collation import search_key
from accounts.models import Installation
from accounts.wording import segment_name
from surveys.models import Survey, Touchpoint
from surveys.programme_checks import faults
from surveys.programme_words import OCCASIONS, WORKING_DAYS, condition_keys, largest_unit, phrases

CONDITIONS = 3
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
# what a condition may say for a value that is true or false, folded
_TRUTH = {**dict.fromkeys(("true", "yes", "1", "evet", "dogru"), True), **dict.fromkeys(("false", "no", "0", "hayir", "yanlis"), False)}


def _number(label: Any, *, least: int, most: int, required: bool = True, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required, help_text=help_text)


class ProgrammeForm(forms.Form):
    """The parts of a programme's sentence. `values()` are plain values as `actions.programme_values` spells them."""

    name = forms.CharField(label=_("Name"), max_length=120)
    event_kind = forms.ChoiceField(label=_("Occasion"), required=False)
    every_days = _number(_("Every how many days"), least=1, most=3650, required=False)
    delay_value = _number(_("Delay"), least=0, most=9999, required=False)
    delay_unit = forms.ChoiceField(label=_("Unit of the delay"), required=False)
    audience = forms.ChoiceField(label=_("Who is asked"))
    survey = forms.ChoiceField(label=_("Survey"))
    weekdays = forms.MultipleChoiceField(label=_("Weekdays"), required=False, widget=forms.CheckboxSelectMultiple)
    window_from = forms.TimeField(label=_("Window opens"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    window_until = forms.TimeField(label=_("Window closes"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    respects_holidays = forms.BooleanField(label=_("Not on public holidays of the contact's country"), required=False)
    segments = forms.MultipleChoiceField(label=_("Segments"), required=False, widget=forms.CheckboxSelectMultiple)
    sampling_percent = forms.DecimalField(label=_("Sample in percent"), min_value=0, max_value=100, decimal_places=2)
    daily_cap = _number(_("At most a day"), least=1, most=1_000_000, required=False)
    cool_down_days = _number(_("Days since any other survey"), least=0, most=365)
    gap_days = _number(_("Days since this very survey"), least=0, most=3650)
    reminder_after_days = _number(_("Days until the reminder"), least=1, most=60, required=False)
    valid_value = _number(_("Worth asking for"), least=1, most=9999)
    valid_unit = forms.ChoiceField(label=_("Unit of the time it is worth asking"))
    link_days = _number(_("Days that the link lives"), least=1, most=365)
    priority = _number(_("Rank"), least=1, most=100)

    def __init__(self, *args: Any, surveys: Sequence[tuple[str, str]], segments: Sequence[Any], **kwargs: Any):
        super().__init__(*args, **kwargs)
        words = phrases(get_language())
        kind = self._event_kind(args[0] if args else kwargs.get("data"))
        chosen = [("", _("(no event: a rhythm of days)"))] + [(key, words.moments[key]) for key in dict.fromkeys((*OCCASIONS, *filter(None, [kind])))]
        self._choose("event_kind", chosen)
        self._choose("survey", surveys)
        group = kind.partition(".")[0] or "rhythm"
        self._choose("audience", [(key, words.audiences.get(f"{key}:{group}", words.audiences[key])) for key in Touchpoint.Audience.values])
        self._choose("weekdays", [(str(number), name) for number, name in enumerate(words.day_names, 1)])
        self._choose("segments", [(segment.key, segment_name(segment)) for segment in segments])
        for name, units in (("delay_unit", ("minute", "hour", "day")), ("valid_unit", ("hour", "day"))):
            self._choose(name, [(unit, words.units[unit]) for unit in units])
        keys = [("", _("(no condition)"))] + [(key, words.labels[key]) for key in condition_keys(kind)]
        for number in range(CONDITIONS):
            self.fields[f"condition_key_{number}"] = forms.ChoiceField(label=_("Condition %(number)s") % {"number": number + 1}, choices=keys, required=False)
            self.fields[f"condition_value_{number}"] = forms.CharField(label=_("Value of condition %(number)s") % {"number": number + 1}, max_length=200, required=False)

    def _event_kind(self, data: Mapping[str, Any] | None) -> str:
        found = str((data if data is not None else self.initial).get("event_kind", ""))
        return found if found in phrases("en").moments else ""

    def _choose(self, name: str, choices: Sequence[Any]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What goes together; see `programme_checks.faults`."""
        data = super().clean() or {}
        for number in range(CONDITIONS):
            if data.get(f"condition_key_{number}") and not data.get(f"condition_value_{number}", "").strip():
                self.add_error(f"condition_value_{number}", _("Say which value is wanted."))
        if not self.errors:
            for name, message in faults(self.values()).items():
                self.add_error(name, message)
        return data

    def values(self) -> dict[str, Any]:
        """The plain values of all fields; only after the fields themselves are valid."""
        data = self.cleaned_data
        event = data["event_kind"]
        days = sorted(int(day) for day in data["weekdays"])
        return {
            "name": data["name"].strip(), "survey": data["survey"], "event_kind": event, "every_days": None if event else data["every_days"],
            "delay_minutes": (data["delay_value"] or 0) * _MINUTES[data["delay_unit"] or "hour"] if event else 0,
            "valid_hours": data["valid_value"] * _MINUTES[data["valid_unit"]] // 60, "audience": data["audience"], "conditions": self._conditions(),
            "segments": sorted(data["segments"]), "sampling": f"{(data['sampling_percent'] / 100).normalize():f}", "window_from": f"{data['window_from']:%H:%M}",
            "window_until": f"{data['window_until']:%H:%M}", "weekdays": days or list(WORKING_DAYS), "respects_holidays": data["respects_holidays"],
            "cool_down_days": data["cool_down_days"], "gap_days": data["gap_days"], "daily_cap": data["daily_cap"], "reminder_after_days": data["reminder_after_days"],
            "link_days": data["link_days"], "priority": data["priority"],
        }  # fmt: skip

    def _conditions(self) -> dict[str, Any]:
        pairs = [(self.cleaned_data.get(f"condition_key_{number}", ""), self.cleaned_data.get(f"condition_value_{number}", "")) for number in range(CONDITIONS)]
        return {key: read_condition(key, text) for key, text in pairs if key and text.strip()}


def read_condition(key: str, text: str) -> Any:
    """The value that a condition names: yes or no, a number or a word; several with commas between mean any of them."""
    yes_no = key in phrases("en").yes_no
    found: list[Any] = []
    for word in (part.strip() for part in text.split(",")):
        if yes_no and search_key(word) in _TRUTH:
            found.append(_TRUTH[search_key(word)])
        elif word.removeprefix("-").isascii() and word.removeprefix("-").isdigit() and len(word) < 10:
            found.append(int(word))
        elif word:
            found.append(word)
    return found[0] if len(found) == 1 else found


def write_condition(value: Any) -> str:
    """The value as somebody would type it; yes and no in the reader's language."""
    truth = phrases(get_language()).truth
    return ", ".join(truth[one] if isinstance(one, bool) else str(one) for one in (value if isinstance(value, list) else [value]))


def initial_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as the fields show them."""
    unit, size = largest_unit(values["delay_minutes"] or 60)
    valid_unit, valid_size = ("day", 24) if values["valid_hours"] % 24 == 0 else ("hour", 1)
    shown = {name: values[name] for name in ProgrammeForm.base_fields if name in values}
    shown |= {
        "delay_value": values["delay_minutes"] // size, "delay_unit": unit, "valid_value": values["valid_hours"] // valid_size, "valid_unit": valid_unit,
        "sampling_percent": (Decimal(values["sampling"]) * 100).normalize(), "weekdays": [str(day) for day in values["weekdays"] or WORKING_DAYS],
        "window_from": dt.time.fromisoformat(values["window_from"]), "window_until": dt.time.fromisoformat(values["window_until"]),
    }  # fmt: skip
    shown["sampling_percent"] = f"{shown['sampling_percent']:f}"
    for number, (key, value) in enumerate(sorted(values["conditions"].items())[:CONDITIONS]):
        shown[f"condition_key_{number}"], shown[f"condition_value_{number}"] = key, write_condition(value)
    return shown


class SurveySettingsForm(forms.ModelForm):
    """What holds for all surveys of the installation."""

    class Meta:
        model = Installation
        fields = [
            "approval_needed", "contact_gap_days", "nps_gap_days", "account_days", "account_people", "account_share", "reminder_gap_days",
            "rate_per_second", "rate_per_day", "many_at_once", "postal_address",
        ]  # fmt: skip
        labels = {
            "approval_needed": _("Programmes need a second person's approval"), "contact_gap_days": _("Days between two surveys to one person"),
            "nps_gap_days": _("Days between two NPS surveys to one person"), "account_days": _("Days that the limit per account looks at"),
            "account_people": _("People of one account asked in that time, at least"), "account_share": _("… or this share of its contacts, where that is more"),
            "reminder_gap_days": _("Days between two reminders to one person"), "rate_per_second": _("Mails a second"), "rate_per_day": _("Mails a day"),
            "many_at_once": _("Due at once that waits for a person"), "postal_address": _("Postal address in mails"),
        }  # fmt: skip
        help_texts = {
            "approval_needed": _("Off: who sets a programme up may let it go live alone."),
            "contact_gap_days": _("Over all programmes. A programme may ask for more, never for less."),
            "nps_gap_days": _("NPS asks about the whole relationship; asked too often it measures impatience."),
            "account_days": _("The last so many days count."),
            "account_people": _("Small accounts: so many may be asked."),
            "account_share": _("Large accounts: 0.2 means every fifth contact."),
            "reminder_gap_days": _("Over all programmes; one reminder an invitation in any case."),
            "rate_per_second": _("Stay below what your mail server takes; 10 is safe for most."),
            "rate_per_day": _("Empty: no limit. What is left goes out the next day."),
            "many_at_once": _("More mails due at once than this wait until a person lets them go. So does three times the daily mean of four weeks, if that is 50 or more."),
            "postal_address": _("Stands at the foot of every mail; the law asks for it in many countries."),
        }  # fmt: skip
        widgets = {"postal_address": forms.Textarea(attrs={"rows": 2})}

    # [least, most] of the numbers
    LIMITS: Mapping[str, tuple[float, float]] = {
        "contact_gap_days": (1, 365), "nps_gap_days": (1, 730), "account_days": (1, 90), "account_people": (1, 1000), "account_share": (0, 1), "reminder_gap_days": (1, 365),
        "rate_per_second": (0.1, 1000), "rate_per_day": (1, 10_000_000), "many_at_once": (1, 1_000_000),
    }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name, (least, most) in self.LIMITS.items():
            self.fields[name].widget.attrs |= {"min": least, "max": most}

    def clean(self) -> dict[str, Any]:
        """Numbers within their limits."""
        data = super().clean() or {}
        for name, (least, most) in self.LIMITS.items():
            value = data.get(name)
            if value is not None and not least <= value <= most:
                self.add_error(name, _("Between %(least)s and %(most)s.") % {"least": least, "most": most})
        return data


def survey_choices(names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Surveys that a programme may ask, by name in the reader's language."""
    return sorted(((key, name) for key, name in names.items()), key=lambda pair: pair[1])


def empty_values(survey: Survey | None) -> dict[str, Any]:
    """What a new programme says before anybody touches it: the CSAT of whoever it concerns, a day after a solved ticket."""
    return {
        "name": "", "survey": survey.key if survey else "", "event_kind": "ticket.solved", "every_days": None, "delay_minutes": 1440, "valid_hours": 96, "audience": "requester",
        "conditions": {}, "segments": [], "sampling": "1", "window_from": "09:00", "window_until": "18:00", "weekdays": list(WORKING_DAYS), "respects_holidays": True,
        "cool_down_days": 30, "gap_days": 0, "daily_cap": None, "reminder_after_days": None, "link_days": 30, "priority": 50,
    }  # fmt: skip
