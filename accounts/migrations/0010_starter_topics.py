"""The topics every installation starts with, in both languages."""

from django.db import migrations

from accounts.text.starter_topics import STARTER_TOPICS


def add(apps, schema_editor):
    """Adds what is missing; what is there stays as it is."""
    topic = apps.get_model("accounts", "Topic")
    for entry in STARTER_TOPICS:
        topic.objects.get_or_create(key=entry.key, defaults={"name": entry.name, "name_tr": entry.name_tr, "query_en": entry.query_en, "query_tr": entry.query_tr})


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0009_reading_texts")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
