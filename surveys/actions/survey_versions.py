"""Writing surveys: a survey with its brand, drafts of versions with their words, and publishing.

A published version is frozen, in the database too: a change is a new draft, copied from the newest
version. A survey has at most one draft. Every write carries the revision that its writer saw.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from copy import copy
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from accounts.actions.work_items import StaleVersion
from accounts.models import User
from accounts.placeholders import one_line
from surveys.brand import read_picture
from surveys.looks import Preset, offered_scores
from surveys.migrations._shipped import SURVEYS
from surveys.models import SegmentLetter, Survey, SurveyLogo, SurveyText, SurveyVersion
from surveys.version_rules import missing_words

Row = TypeVar("Row", Survey, SurveyVersion)
BRAND_FIELDS = ("name", "sender_name", "sender_address", "reply_to", "brand_color")
_COPIED_TEXT = [field.attname for field in SurveyText._meta.concrete_fields if field.attname not in {"id", "version_id"}]


class VersionIsFrozen(ValueError):
    """The version was published, so nothing of it changes any more."""


class NotReady(ValueError):
    """A draft lacks something; `faults` says what: (language or empty, field, message)."""

    def __init__(self, faults: list[tuple[str, str, str]]):
        super().__init__("The draft is not ready.")
        self.faults = faults


def create_survey(*, actor: User, key: str, name: str, preset: Preset) -> SurveyVersion:
    """A survey with its first draft, in the words that Vefa ships for its kind. Raises ValidationError where the key is taken."""
    shipped = next((entry for entry in SURVEYS if entry["kind"] == preset.kind), None)
    with transaction.atomic():
        survey = Survey(key=key, name=one_line(name), kind=preset.kind)
        survey.full_clean()
        survey.save()
        version = SurveyVersion(survey=survey, number=1, reasons=shipped["reasons"] if shipped else [], **scale_of_preset(preset))
        version.full_clean()
        version.save()
        same = shipped is not None and tuple(shipped["scale"]) == (preset.low, preset.high) and preset.high_good
        offered = {str(score) for score in offered_scores(preset.low, preset.high, preset.offered)}
        for language, words in (shipped["texts"] if shipped else {}).items():
            labels = {score: label for score, label in words["score_labels"].items() if score in offered} if same or preset.kind == "nps" else {}
            SurveyText.objects.create(version=version, language=language, **{**words, "score_labels": labels})
    return version


def scale_of_preset(preset: Preset) -> dict[str, Any]:
    """The fields of a version that a ready-made scale sets."""
    return {
        "scale_min": preset.low, "scale_max": preset.high, "direction": "high_good" if preset.high_good else "low_good", "offered": list(preset.offered), "look": "",
        "low_score": preset.low_score,
    }  # fmt: skip


def open_draft(*, survey_id: int, actor: User) -> SurveyVersion:
    """The draft of a survey: the one there is, else a copy of its newest version with all its words."""
    with transaction.atomic():
        survey = _changeable(Survey, survey_id, actor)
        newest = survey.versions.order_by("-number").first()
        if newest is None:
            raise Survey.DoesNotExist
        if not newest.is_frozen:
            return newest
        draft = copy(newest)
        draft.pk, draft.number, draft.published_at, draft.revision = None, newest.number + 1, None, 1
        draft._state.adding = True
        draft.save()
        for text in newest.texts.prefetch_related("segment_letters"):
            made = SurveyText.objects.create(version=draft, **{name: getattr(text, name) for name in _COPIED_TEXT})
            SegmentLetter.objects.bulk_create(
                [SegmentLetter(text=made, segment_id=letter.segment_id, mail_subject=letter.mail_subject, mail_body=letter.mail_body) for letter in text.segment_letters.all()]
            )
    return draft


def save_draft(*, version_id: int, actor: User, revision: int, fields: Mapping[str, Any], texts: Mapping[str, Mapping[str, Any]]) -> SurveyVersion:
    """Writes scale, reasons and texts of a draft; a language without any words is dropped.

    Raises StaleVersion, VersionIsFrozen, ValidationError (by field; of texts as `language:field`).
    """
    with transaction.atomic():
        version = _draft(version_id, actor, revision)
        for name, value in fields.items():
            setattr(version, name, value)
        version.full_clean(exclude=["survey"])
        version.revision += 1
        version.save()
        stored = {text.language: text for text in version.texts.all()}
        faults: dict[str, list[str]] = {}
        for language, words in texts.items():
            text = stored.get(language) or SurveyText(version=version, language=language)
            if not any(str(value).strip() for value in words.values() if not isinstance(value, dict)):
                if text.pk:
                    text.delete()
                continue
            for name, value in words.items():
                setattr(text, name, value)
            try:
                text.clean()
            except ValidationError as wrong:
                faults |= {f"{language}:{name}": messages for name, messages in wrong.message_dict.items()}
                continue
            text.save()
        if faults:
            raise ValidationError(faults)  # type: ignore[arg-type]
    return version


def save_letters(*, version_id: int, actor: User, revision: int, letters: Mapping[tuple[str, int], tuple[str, str]]) -> SurveyVersion:
    """Writes the mails for segments of a draft, by language and segment; an empty pair takes one away.

    Raises StaleVersion, VersionIsFrozen, ValidationError (by `language:segment:field`).
    """
    with transaction.atomic():
        version = _draft(version_id, actor, revision)
        texts = {text.language: text for text in version.texts.all()}
        faults: dict[str, list[str]] = {}
        for (language, segment_id), (subject, body) in letters.items():
            if language not in texts:
                continue
            if not subject.strip() and not body.strip():
                SegmentLetter.objects.filter(text=texts[language], segment_id=segment_id).delete()
                continue
            letter = SegmentLetter.objects.filter(text=texts[language], segment_id=segment_id).first() or SegmentLetter(text=texts[language], segment_id=segment_id)
            letter.mail_subject, letter.mail_body = subject, body
            try:
                letter.full_clean(validate_unique=False, validate_constraints=False)
            except ValidationError as wrong:
                faults |= {f"{language}:{segment_id}:{name}": messages for name, messages in wrong.message_dict.items()}
                continue
            letter.save()
        if faults:
            raise ValidationError(faults)  # type: ignore[arg-type]
        version.revision += 1
        version.save(update_fields=["revision"])
    return version


def discard_draft(*, version_id: int, actor: User, revision: int) -> bool:
    """Deletes a draft; a survey that never was more than it goes too. True where the survey is gone.

    Raises StaleVersion, VersionIsFrozen.
    """
    with transaction.atomic():
        version = _draft(version_id, actor, revision)
        survey = version.survey
        version.delete()
        if survey.versions.exists() or survey.touchpoints.exists() or survey.responses.exists():
            return False
        survey.delete()
    return True


def publish(*, version_id: int, actor: User, revision: int, now: dt.datetime) -> SurveyVersion:
    """Freezes a draft; from now on it is what new invitations ask. Raises StaleVersion, VersionIsFrozen, NotReady."""
    with transaction.atomic():
        version = _draft(version_id, actor, revision)
        faults = what_is_missing(version)
        if faults:
            raise NotReady(faults)
        version.published_at = now
        version.save(update_fields=["published_at"])
    return version


def what_is_missing(version: SurveyVersion) -> list[tuple[str, str, str]]:
    """What keeps a draft from being published: (language or empty, field, message)."""
    found: list[tuple[str, str, str]] = []
    try:
        version.clean()
    except ValidationError as wrong:
        found += [("", name, message) for name, messages in wrong.message_dict.items() for message in messages]
    texts = list(version.texts.prefetch_related("segment_letters"))
    if not texts:
        found.append(("", "texts", _("There are no texts yet.")))
    for text in texts:
        words = {name: getattr(text, name) for name in _COPIED_TEXT}
        faults = missing_words(
            words, kind=version.survey.kind, look=version.look, low=version.scale_min, high=version.scale_max, offered=version.offered, reasons=version.reasons,
        )  # fmt: skip
        try:
            text.clean()
        except ValidationError as wrong:
            faults |= wrong.message_dict
        for letter in text.segment_letters.all():
            if not letter.mail_subject.strip() or not letter.mail_body.strip():
                faults["segment_letters"] = [_("A mail for a segment needs subject and text.")]
        found += [(text.language, name, message) for name, messages in faults.items() for message in messages]
    return found


def save_brand(*, survey_id: int, actor: User, revision: int, fields: Mapping[str, str], logo: bytes | None = None, without_logo: bool = False) -> Survey:
    """Name, sender and brand of a survey; they hold for all its versions at once. Raises StaleVersion, ValidationError."""
    with transaction.atomic():
        survey = _changeable(Survey, survey_id, actor)
        if survey.revision != revision:
            raise StaleVersion
        for name in BRAND_FIELDS:
            if name in fields:
                setattr(survey, name, one_line(fields[name]))
        if without_logo:
            survey.logo_file, survey.logo_width, survey.logo_height = "", None, None
        if logo is not None:
            _keep_logo(survey, logo)
        survey.full_clean()
        survey.revision += 1
        survey.save()
    return survey


def _keep_logo(survey: Survey, content: bytes) -> None:
    """Stores the picture under its own digest, beside those that mails already show."""
    try:
        picture = read_picture(content)
    except ValidationError as wrong:
        raise ValidationError({"logo": wrong.messages}) from None
    file = f"{hashlib.sha256(content).hexdigest()[:32]}.{picture.extension}"
    SurveyLogo.objects.get_or_create(survey=survey, file=file, defaults={"media_type": picture.media_type, "content": content})
    survey.logo_file, (survey.logo_width, survey.logo_height) = file, picture.shown


def _changeable(model: type[Row], pk: int, actor: User) -> Row:
    """The row under a lock. Raises DoesNotExist where the actor may not change it."""
    rows: models.QuerySet[Row] = model._default_manager.changeable_by(actor)  # type: ignore[attr-defined]
    return rows.select_for_update(no_key=True).get(pk=pk)


def _draft(version_id: int, actor: User, revision: int) -> SurveyVersion:
    version = _changeable(SurveyVersion, version_id, actor)
    if version.is_frozen:
        raise VersionIsFrozen
    if version.revision != revision:
        raise StaleVersion
    return version
