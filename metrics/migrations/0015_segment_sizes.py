"""How large each segment was on a day, and the ranges of accounts of the latest sweep."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Two new tables."""

    dependencies = [("accounts", "0020_segment_editing"), ("metrics", "0014_plan_features_and_known_facts")]
    operations = [
        migrations.CreateModel(
            name="SegmentRange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("reason", models.CharField(choices=[("rules", "rules changed"), ("daily", "daily")], max_length=5, verbose_name="reason")),
                ("rules_digest", models.CharField(max_length=64)),
                ("low", models.BigIntegerField(verbose_name="first account")),
                ("high", models.BigIntegerField(verbose_name="last account")),
                ("ordered_at", models.DateTimeField(verbose_name="ordered")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                ("looked_at", models.IntegerField(default=0, verbose_name="accounts")),
                ("moved", models.IntegerField(default=0, verbose_name="moved")),
            ],
            options={
                "verbose_name": "range of a segment sweep",
                "verbose_name_plural": "ranges of segment sweeps",
                "ordering": ["low"],
                "indexes": [models.Index(condition=Q(("done_at__isnull", True)), fields=["low"], name="segment_range_open")],
            },
        ),
        migrations.CreateModel(
            name="SegmentSize",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("accounts", models.IntegerField(verbose_name="accounts")),
                ("mrr_micros", models.BigIntegerField(help_text="Millionths of the reporting currency.", verbose_name="MRR")),
                (
                    "segment",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="sizes", to="accounts.segment", verbose_name="segment"),
                ),
            ],
            options={
                "verbose_name": "segment size",
                "verbose_name_plural": "segment sizes",
                "ordering": ["-day", "segment"],
                "constraints": [models.UniqueConstraint(fields=("day", "segment"), name="segment_size_once_a_day", nulls_distinct=False)],
            },
        ),
    ]
