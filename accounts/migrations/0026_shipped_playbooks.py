"""The playbooks every installation starts with: published, and off until somebody switches them on."""

from django.db import migrations
from django.utils import timezone

from accounts.playbooks import parse
from accounts.playbooks.shipped import SHIPPED


def add(apps, schema_editor):
    """Adds what is missing; what is there stays as it is."""
    playbook, version = apps.get_model("accounts", "Playbook"), apps.get_model("accounts", "PlaybookVersion")
    now = timezone.now()
    for entry in SHIPPED:
        trigger, steps = dict(entry.trigger), list(entry.steps)
        row, is_new = playbook.objects.get_or_create(key=entry.key, defaults={"name": entry.name, "description": entry.description, "trigger": trigger, "steps": steps})
        if not is_new:
            continue
        plan = parse(trigger=trigger, steps=steps, audience=entry.audience, exits=list(entry.exits), caps=dict(entry.caps), hold_out_percent=entry.hold_out_percent)
        version.objects.create(
            playbook=row, number=1, trigger=trigger, audience=entry.audience, steps=steps, exits=list(entry.exits), caps=dict(entry.caps), hold_out_percent=entry.hold_out_percent,
            includes_churned=entry.includes_churned, outline=plan.outline(), published_at=now,
        )  # fmt: skip


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0025_sandbox")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
