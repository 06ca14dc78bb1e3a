"""Segments get a description and a version for their editor; the few memberships that turn by themselves are found by index."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Fields and partial indexes."""

    dependencies = [("accounts", "0019_lifecycle_stays")]
    operations = [
        migrations.AddField(
            model_name="segment",
            name="description",
            field=models.CharField(blank=True, default="", help_text="Who belongs here, and what is done for them.", max_length=300, verbose_name="description"),
        ),
        migrations.AddField(model_name="segment", name="version", field=models.PositiveIntegerField(default=1, editable=False)),
        migrations.AlterField(
            model_name="segment",
            name="rule",
            field=models.JSONField(blank=True, help_text="Empty: nobody enters by rule, only by hand, import or the API.", null=True, verbose_name="rule"),
        ),
        migrations.AddIndex(
            model_name="segmentmembership",
            index=models.Index(
                condition=Q(("is_override", True), ("override_until__isnull", False), ("valid_to__isnull", True)), fields=["override_until"], name="membership_override_ends"
            ),
        ),
        migrations.AddIndex(model_name="segmentmembership", index=models.Index(condition=Q(("valid_from__gt", F("created_at"))), fields=["valid_from"], name="membership_planned")),
    ]
