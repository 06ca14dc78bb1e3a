"""What people type into the editor of surveys: a new survey, its brand, and a draft with its words in every language.

A draft may be unfinished, so hardly anything is required here; what would be wrong at any time (an
unknown placeholder, a scale its kind does not know) is refused when it is saved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.text import slugify
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment
from accounts.placeholders import check_placeholders
from surveys.actions.survey_versions import scale_of_preset
from surveys.brand import MOST_BYTES
from surveys.looks import PRESETS, Preset, offered_scores, presets_of
from surveys.models import Survey, SurveyText, SurveyVersion
from surveys.models.surveys import Look, SurveyKind
from surveys.version_rules import FILLED, PLAIN

KEPT = "kept"
BLANK_REASONS = 3
_BAND_WORDS = (("any", _("any score")), ("low", _("low scores")), ("high", _("high scores")))
_LONG = {"mail_body": 8, "question": 2, "reminder_body": 5}
# in the order of the page: what the mail says, what the page says, the reminder
TEXT_FIELDS = (
    "mail_subject", "mail_body", "question", "low_label", "high_label", "why_low", "why_middle", "why_high", "thanks", "reminder_subject", "reminder_body",
)  # fmt: skip


def language_name(code: str) -> str:
    """A language by its own name; the code where it is unknown."""
    try:
        name = get_language_info(code)["name_local"]
    except KeyError:
        return code
    return name[:1].upper() + name[1:]


class NewSurveyForm(forms.Form):
    """A survey that is not there yet. Key and kind stay as they are chosen."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autofocus": True}))
    key = forms.CharField(
        label=_("Key"), max_length=80, validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Small letters, digits and hyphens."))],
        help_text=_("How the API, exports and addresses name it. It never changes."),
    )  # fmt: skip
    preset = forms.ChoiceField(
        label=_("Kind and scale"),
        choices=[(label, [(preset.key, preset.name) for preset in presets_of(kind)]) for kind, label in SurveyKind.choices if presets_of(kind)],
        help_text=_("The kind never changes; the scale may, in a new version."),
    )

    def clean_key(self) -> str:
        """One that is free."""
        key = str(self.cleaned_data["key"])
        if Survey.objects.filter(key=key).exists():
            raise ValidationError(_now("There is a survey with this key."))
        return key

    def clean_preset(self) -> Preset:
        """The scale itself."""
        return next(preset for preset in PRESETS if preset.key == self.cleaned_data["preset"])


class BrandForm(forms.Form):
    """Name, sender and brand of a survey; valid for all its versions at once."""

    name = forms.CharField(label=_("Name"), max_length=120)
    sender_name = forms.CharField(label=_("Sender's name"), max_length=80, required=False)
    sender_address = forms.EmailField(label=_("Sender's address"), required=False, help_text=_("Your mail server must be allowed to send for it (SPF, DKIM)."))
    reply_to = forms.EmailField(label=_("Answers to the mail go to"), required=False)
    brand_color = forms.RegexField(
        label=_("Brand colour"),
        regex=r"^#[0-9a-fA-F]{6}$",
        required=False,
        error_messages={"invalid": _("Write the colour as # and six digits, #23408e say.")},
        widget=forms.TextInput(attrs={"placeholder": "#23408e", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Words on it turn black or white, links as dark as reading needs."),
    )
    logo = forms.FileField(
        label=_("Logo"), required=False, widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}), help_text=_("PNG, JPEG, GIF or WebP, up to 200 kB.")
    )
    without_logo = forms.BooleanField(label=_("Take the logo away"), required=False)
    revision = forms.IntegerField(widget=forms.HiddenInput)

    def clean_logo(self) -> bytes | None:
        """The bytes; a far too large file is not even read."""
        upload = self.cleaned_data.get("logo")
        if not upload:
            return None
        if upload.size > MOST_BYTES:
            raise ValidationError(_now("The picture has %(size)d kB; at most %(most)d kB.") % {"size": -(-upload.size // 1000), "most": MOST_BYTES // 1000})
        return bytes(upload.read())


class ScaleForm(forms.Form):
    """Scale, look and threshold of a draft."""

    preset = forms.ChoiceField(label=_("Scale"), widget=forms.RadioSelect)
    look = forms.ChoiceField(label=_("Shown as"), choices=[("", _("as is usual for the kind")), *Look.choices], required=False)
    low_score = forms.TypedChoiceField(label=_("Unhappy from"), coerce=int, empty_value=None, required=False, help_text=_("Such answers open a case."))

    def __init__(self, *args: Any, version: SurveyVersion, **kwargs: Any):
        self.version = version
        glad = version.direction == "high_good"
        choices = presets_of(version.survey.kind)
        fitting = next((preset for preset in choices if preset.fits(low=version.scale_min, high=version.scale_max, high_good=glad, offered=version.offered)), None)
        kwargs["initial"] = {"preset": fitting.key if fitting else KEPT, "look": version.look, "low_score": version.low_score, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        own = [] if fitting else [(KEPT, _now("as it is: %(low)s to %(high)s") % {"low": version.scale_min, "high": version.scale_max})]
        self.fields["preset"].choices = own + [(preset.key, preset.name) for preset in choices]  # type: ignore[attr-defined]
        self.fields["low_score"].choices = [("", _now("none"))] + [(score, str(score)) for score in range(11)]  # type: ignore[attr-defined]
        self._before = fitting

    def values(self) -> dict[str, Any]:
        """The fields of the version, as far as what was typed makes sense."""
        data = getattr(self, "cleaned_data", {})
        chosen = next((preset for preset in PRESETS if preset.key == data.get("preset") and preset.kind == self.version.survey.kind), None)
        kept = {name: getattr(self.version, name) for name in ("scale_min", "scale_max", "direction", "offered", "look", "low_score")}
        found = {**kept, **(scale_of_preset(chosen) if chosen and chosen is not self._before else {})}
        found["look"] = data.get("look", kept["look"])
        # a new scale brings its own threshold, unless another was chosen with it
        if chosen is self._before or data.get("low_score") != self.version.low_score:
            found["low_score"] = data.get("low_score")
        return found


class TextForm(forms.Form):
    """The words of a draft in one language."""

    def __init__(self, *args: Any, language: str, text: SurveyText | None, scores: list[int], **kwargs: Any):
        kwargs["initial"] = {name: getattr(text, name) for name in TEXT_FIELDS} if text else {}
        super().__init__(*args, **{**kwargs, "prefix": f"text-{language}"})
        self.language, self.text, self.scores = language, text, scores
        for name in TEXT_FIELDS:
            model: Any = SurveyText._meta.get_field(name)
            widget = forms.Textarea(attrs={"rows": _LONG[name], "lang": language}) if name in _LONG else forms.TextInput(attrs={"lang": language})
            label = model.verbose_name[:1].upper() + model.verbose_name[1:]
            self.fields[name] = forms.CharField(label=label, max_length=getattr(model, "max_length", None) or 5000, required=False, widget=widget)
        stored = text.score_labels if text else {}
        for score in scores:
            self.fields[f"score_{score}"] = forms.CharField(
                label=str(score), max_length=80, required=False, initial=stored.get(str(score), ""), widget=forms.TextInput(attrs={"lang": language})
            )

    @property
    def title(self) -> str:
        """The language by its own name."""
        return language_name(self.language)

    @property
    def score_fields(self) -> list[forms.BoundField]:
        """The words of single scores."""
        return [self[f"score_{score}"] for score in self.scores]

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        cuts = ((_now("The mail"), 0, 2), (_now("The question"), 2, 5), (_now("After the score"), 5, 9), (_now("The reminder"), 9, 11))
        return [(title, [self[name] for name in TEXT_FIELDS[start:end]]) for title, start, end in cuts]

    def clean(self) -> dict[str, Any]:
        """Only placeholders that somebody fills, each fault at its field."""
        data = super().clean() or {}
        names = [(name, True) for name in FILLED] + [(name, False) for name in PLAIN] + [(f"score_{score}", False) for score in self.scores]
        for name, filled in names:
            try:
                check_placeholders(data.get(name) or "", filled=filled)
            except ValidationError as wrong:
                self.add_error(name, wrong)
        return data

    def values(self, scores: list[int]) -> dict[str, Any]:
        """The fields of the text, with words for the scores of the scale chosen; reasons come from elsewhere."""
        data = getattr(self, "cleaned_data", {})
        # what was refused is kept as it was typed, so that a preview shows it
        raw = {name: str(data.get(name, self.data.get(self.add_prefix(name), ""))).replace("\r\n", "\n") for name in TEXT_FIELDS}
        raw["question"] = " ".join(raw["question"].split())
        stored = self.text.score_labels if self.text else {}
        labels = {str(score): data.get(f"score_{score}", "") if score in self.scores else stored.get(str(score), "") for score in scores}
        return {**raw, "score_labels": {score: label for score, label in labels.items() if label}}


class ReasonForm(forms.Form):
    """One reason: where it stands, for which answers, and its words."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    band = forms.ChoiceField(label=_("For"), choices=_BAND_WORDS, required=False)
    parent = forms.ChoiceField(label=_("Below"), required=False)

    def __init__(self, *args: Any, languages: list[str], tops: list[tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.languages = languages
        self.fields["parent"].choices = [("", "–"), *tops]  # type: ignore[attr-defined]
        for language in languages:
            self.fields[f"label_{language}"] = forms.CharField(label=language_name(language), max_length=120, required=False, widget=forms.TextInput(attrs={"lang": language}))

    @property
    def label_fields(self) -> list[forms.BoundField]:
        """The words, a field a language."""
        return [self[f"label_{language}"] for language in self.languages]

    def clean(self) -> dict[str, Any]:
        """Words without placeholders: nothing fills them."""
        data = super().clean() or {}
        for language in self.languages:
            try:
                check_placeholders(data.get(f"label_{language}") or "", filled=False)
            except ValidationError as wrong:
                self.add_error(f"label_{language}", wrong)
        return data


class _ReasonSet(forms.BaseFormSet):
    """Reasons in order. A new one gets its key from its first words."""

    def reasons(self) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
        """The list for the version, and the words by language and key."""
        entries: list[dict[str, str]] = []
        words: dict[str, dict[str, str]] = {}
        taken: set[str] = set()
        for form in self._in_order():
            data = form.cleaned_data
            labels = {name.removeprefix("label_"): value for name, value in data.items() if name.startswith("label_") and value}
            if data.get("DELETE") or not (data.get("key") or labels):
                continue
            parent = data.get("parent") or ""
            key = data.get("key") or _free_key(next(iter(labels.values())), parent, taken | {entry["key"] for entry in entries})
            taken.add(key)
            entries.append({"key": key, "band": data.get("band") or "any", **({"parent": parent} if parent and parent != key else {})})
            for language, label in labels.items():
                words.setdefault(language, {})[key] = label
        return _below_their_parents(entries), words

    def _in_order(self) -> list[Any]:
        forms_given = [form for form in self.forms if hasattr(form, "cleaned_data")]
        return sorted(forms_given, key=lambda form: (form.cleaned_data.get("ORDER") is None, form.cleaned_data.get("ORDER") or 0))


def _free_key(words: str, parent: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", slugify(words.replace("ı", "i"))).strip("_")[:32] or "reason"
    start = f"{parent}.{stem}" if parent and "." not in parent else stem
    key, number = start, 2
    while key in taken:
        key, number = f"{start}_{number}", number + 1
    return key


def _below_their_parents(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """First-level reasons in order, each followed by those below it; one whose parent is gone moves up."""
    tops = [entry for entry in entries if not entry.get("parent")]
    known = {entry["key"] for entry in tops}
    found: list[dict[str, str]] = []
    for top in tops:
        found += [top, *(entry for entry in entries if entry.get("parent") == top["key"])]
    return found + [{name: value for name, value in entry.items() if name != "parent"} for entry in entries if entry.get("parent") and entry["parent"] not in known]


class DraftForms:
    """All forms of a draft at once: its scale, its reasons, and its words in every language."""

    def __init__(self, version: SurveyVersion, data: Mapping[str, Any] | None = None):
        self.version = version
        stored = {text.language: text for text in version.texts.all()}
        self.languages = [code for code, _name in settings.LANGUAGES] + sorted(set(stored) - {code for code, _name in settings.LANGUAGES})
        self.scale = ScaleForm(data, prefix="scale", version=version)
        shown = offered_scores(version.scale_min, version.scale_max, version.offered)
        self.texts = [TextForm(data, language=language, text=stored.get(language), scores=shown) for language in self.languages]
        first = stored.get(self.languages[0]) or next(iter(stored.values()), None)
        labels = first.reason_labels if first else {}
        tops = [(entry["key"], labels.get(entry["key"]) or entry["key"]) for entry in version.reasons if not entry.get("parent")]
        make = forms.formset_factory(ReasonForm, formset=_ReasonSet, extra=BLANK_REASONS, can_order=True, can_delete=True, max_num=60)
        initial = [
            {**entry, **{f"label_{language}": text.reason_labels.get(entry["key"], "") for language, text in stored.items()}} for entry in version.reasons
        ]  # fmt: skip
        self.reasons: Any = make(data, prefix="reasons", initial=initial, form_kwargs={"languages": self.languages, "tops": tops})
        self._all: list[Any] = [self.scale, self.reasons, *self.texts]

    def is_valid(self) -> bool:
        """Whether nothing is wrong; every fault stands at its field."""
        return not [form for form in self._all if not form.is_valid()]

    def fields(self) -> dict[str, Any]:
        """The fields of the version."""
        return {**self.scale.values(), "reasons": self.reasons.reasons()[0]}

    def words(self) -> dict[str, dict[str, Any]]:
        """The fields of the texts by language."""
        fields = self.scale.values()
        scores = offered_scores(fields["scale_min"], fields["scale_max"], fields["offered"])
        labels = self.reasons.reasons()[1]
        return {form.language: {**form.values(scores), "reason_labels": labels.get(form.language, {})} for form in self.texts}

    def sketch(self) -> tuple[SurveyVersion, dict[str, SurveyText]]:
        """The draft as it stands in the form, saved nowhere; as far as what was typed makes sense."""
        self.is_valid()
        version = SurveyVersion(survey=self.version.survey, pk=self.version.pk, number=self.version.number, **self.fields())
        texts = {
            language: SurveyText(version=version, language=language, **words)
            for language, words in self.words().items()
            if any(str(value).strip() for value in words.values() if not isinstance(value, dict))
        }
        return version, texts

    def add_faults(self, wrong: ValidationError) -> None:
        """Puts faults that only saving found at their fields."""
        for name, found in wrong.message_dict.items():
            language, _colon, field = name.rpartition(":")
            form: Any = next((form for form in self.texts if form.language == language), self.scale)
            form.add_error(field if field in form.fields else ("preset" if form is self.scale and field in {"scale_max", "offered"} else None), found)


class LetterForm(forms.Form):
    """The mail of a draft for one segment in one language; both empty: the plain one is sent."""

    def __init__(self, *args: Any, language: str, segment: Segment, **kwargs: Any):
        super().__init__(*args, **{**kwargs, "prefix": f"letter-{language}-{segment.pk}"})
        self.language, self.segment = language, segment
        self.fields["mail_subject"] = forms.CharField(label=_("Subject of the mail"), max_length=200, required=False, widget=forms.TextInput(attrs={"lang": language}))
        self.fields["mail_body"] = forms.CharField(label=_("Text of the mail"), max_length=5000, required=False, widget=forms.Textarea(attrs={"rows": 6, "lang": language}))

    @property
    def title(self) -> str:
        """The language by its own name."""
        return language_name(self.language)

    def clean(self) -> dict[str, Any]:
        """Both or neither, and only placeholders that somebody fills."""
        data = super().clean() or {}
        for name in ("mail_subject", "mail_body"):
            try:
                check_placeholders(data.get(name) or "")
            except ValidationError as wrong:
                self.add_error(name, wrong)
        subject, body = bool((data.get("mail_subject") or "").strip()), bool((data.get("mail_body") or "").strip())
        if subject != body:
            self.add_error("mail_body" if subject else "mail_subject", _now("A mail for a segment needs subject and text."))
        return data
