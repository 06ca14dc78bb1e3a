"""Surveys with their versions, and what one version says differently from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch

from accounts.models import User
from surveys.models import Survey, SurveyText, SurveyVersion


@dataclass(frozen=True)
class Difference:
    """One thing that a version says differently: where (language or empty, field) and both ways."""

    language: str
    field: str
    before: str
    after: str


def surveys_with_versions(user: User) -> list[dict[str, Any]]:
    """Every survey with its newest published version, its draft, and how many versions and programmes it has."""
    versions = SurveyVersion.objects.order_by("-number").prefetch_related(Prefetch("texts", queryset=SurveyText.objects.only("version_id", "language").order_by("language")))
    rows = Survey.objects.visible_to(user).annotate(programmes=Count("touchpoints", distinct=True)).prefetch_related(Prefetch("versions", queryset=versions))
    found = []
    for survey in rows:
        kept = list(survey.versions.all())
        published = next((version for version in kept if version.is_frozen), None)
        found.append({"survey": survey, "published": published, "draft": next((version for version in kept if not version.is_frozen), None), "count": len(kept)})
    return found


def published_before(version: SurveyVersion) -> SurveyVersion | None:
    """The published version that this one follows."""
    return SurveyVersion.objects.filter(survey_id=version.survey_id, published_at__isnull=False, number__lt=version.number).order_by("-number").first()


def differences(before: SurveyVersion, after: SurveyVersion) -> list[Difference]:
    """What the second version says differently, scale first, then language by language."""
    found = [
        Difference("", name, _words(getattr(before, name)), _words(getattr(after, name)))
        for name in ("scale_min", "scale_max", "direction", "look", "offered", "low_score")
        if getattr(before, name) != getattr(after, name)
    ]
    if before.reasons != after.reasons:
        found.append(Difference("", "reasons", ", ".join(entry["key"] for entry in before.reasons), ", ".join(entry["key"] for entry in after.reasons)))
    old, new = _texts(before), _texts(after)
    for language in sorted(set(old) | set(new)):
        was, now = old.get(language, {}), new.get(language, {})
        found += [Difference(language, name, was.get(name, ""), now.get(name, "")) for name in dict.fromkeys([*was, *now]) if was.get(name, "") != now.get(name, "")]
    return found


def _texts(version: SurveyVersion) -> dict[str, dict[str, str]]:
    """All words of a version by language: field (or field and key) -> words."""
    found: dict[str, dict[str, str]] = {}
    for text in version.texts.prefetch_related("segment_letters__segment"):
        words: dict[str, str] = {}
        for field in SurveyText._meta.concrete_fields:
            value = getattr(text, field.attname)
            if field.name in {"id", "version", "language"}:
                continue
            if isinstance(value, dict):
                words |= {f"{field.name}: {key}": str(label) for key, label in value.items()}
            else:
                words[field.name] = str(value)
        for letter in text.segment_letters.all():
            words[f"mail_subject: {letter.segment.name}"] = letter.mail_subject
            words[f"mail_body: {letter.segment.name}"] = letter.mail_body
        found[text.language] = {name: value for name, value in words.items() if value}
    return found


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
