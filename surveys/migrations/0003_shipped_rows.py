"""The rows every installation starts with: four surveys in two languages, seven touchpoints."""

from django.db import migrations
from django.utils import timezone

from ._shipped import SURVEYS, TOUCHPOINTS


def add(apps, schema_editor):
    """Adds what is missing; what is there stays as it is."""
    survey_model, version_model, text_model = (apps.get_model("surveys", name) for name in ("Survey", "SurveyVersion", "SurveyText"))
    touchpoint_model = apps.get_model("surveys", "Touchpoint")
    now = timezone.now()
    for entry in SURVEYS:
        survey, _made = survey_model.objects.get_or_create(key=entry["key"], defaults={"name": entry["name"], "kind": entry["kind"]})
        low, high = entry["scale"]
        version, made = version_model.objects.get_or_create(
            survey=survey, number=1, defaults={"scale_min": low, "scale_max": high, "low_score": entry["low_score"], "reasons": entry["reasons"]}
        )
        if not made:
            continue
        for language, words in entry["texts"].items():
            text_model.objects.create(version=version, language=language, **words)
        version.published_at = now
        version.save(update_fields=["published_at"])
    for entry in TOUCHPOINTS:
        fields = {name: value for name, value in entry.items() if name not in {"key", "survey"}}
        touchpoint_model.objects.get_or_create(
            key=entry["key"],
            defaults={**fields, "survey": survey_model.objects.get(key=entry["survey"]), "weekdays": [1, 2, 3, 4, 5], "activated_at": now},
        )


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("surveys", "0002_frozen_and_append_only")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
