"""The rows every installation starts with: lifecycle stages and the four named segments."""

from django.db import migrations

STAGES = [
    ("prospect", "Prospect"),
    ("trial", "Trial"),
    ("onboarding", "Onboarding"),
    ("adoption", "Adoption"),
    ("established", "Established"),
    ("renewal", "Renewal"),
    ("cancelling", "Cancelling"),
    ("churned", "Churned"),
]
SEGMENTS = [("vip", "VIP", "0.40"), ("core", "Core", "0.35"), ("potential", "Potential", "0.15"), ("non_core", "Non-core", "0.10")]


def add(apps, schema_editor):
    """Adds what is missing."""
    stage, segment = apps.get_model("accounts", "LifecycleStage"), apps.get_model("accounts", "Segment")
    for position, (key, name) in enumerate(STAGES, start=1):
        stage.objects.get_or_create(key=key, defaults={"name": name, "position": position * 10})
    for position, (key, name, share) in enumerate(SEGMENTS, start=1):
        segment.objects.get_or_create(key=key, defaults={"name": name, "position": position * 10, "effort_share": share})


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0002_database_rules")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
