"""Rules, length and goals of lifecycle stages, and the stays of accounts in them."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.models.segments

# where an account is today it has been since the log says so, else since it became known
FOUND = """
INSERT INTO accounts_stagestay (account_id, stage_id, valid_from, reason, goals_met, standing, created_at)
SELECT a.id, a.lifecycle_stage_id, coalesce(
    (SELECT e.occurred_at FROM accounts_accountevent e WHERE e.account_id = a.id AND e.kind = 'stage.changed' AND e.payload->>'stage' = a.lifecycle_stage_id
     ORDER BY e.occurred_at DESC LIMIT 1), a.created_at), 'known', '{}', '', now()
FROM accounts_account a WHERE a.lifecycle_stage_id IS NOT NULL
"""


class Migration(migrations.Migration):
    """Additive; the stays begin with where accounts are."""

    dependencies = [("accounts", "0018_plans")]

    operations = [
        migrations.AddField("lifecyclestage", "start_rule", models.JSONField(blank=True, null=True, verbose_name="start rule")),
        migrations.AddField("lifecyclestage", "end_rule", models.JSONField(blank=True, null=True, verbose_name="end rule")),
        migrations.AddField(
            "lifecyclestage",
            "next_stage",
            models.ForeignKey(
                blank=True,
                help_text="Where accounts go whose end rule is met.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="accounts.lifecyclestage",
                verbose_name="leads to",
            ),
        ),
        migrations.AddField("lifecyclestage", "expected_days", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="expected length in days")),
        migrations.AddField("lifecyclestage", "goals", models.JSONField(blank=True, default=list, verbose_name="goals")),
        migrations.AddField(
            "lifecyclestage",
            "is_leaving",
            models.BooleanField(default=False, help_text="On their way out, or gone: nobody here is successful or stuck.", verbose_name="customers leave here"),
        ),
        migrations.AddField("lifecyclestage", "version", models.PositiveIntegerField(default=1, editable=False)),
        migrations.AddConstraint(
            "lifecyclestage",
            models.CheckConstraint(condition=models.Q(("expected_days__isnull", True), ("expected_days__gte", 1), _connector="OR"), name="stage_takes_a_day"),
        ),
        migrations.AddConstraint(
            "lifecyclestage",
            models.CheckConstraint(
                condition=models.Q(("next_stage__isnull", True), models.Q(("next_stage", models.F("key")), _negated=True), _connector="OR"), name="stage_leads_elsewhere"
            ),
        ),
        migrations.CreateModel(
            name="StageStay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateTimeField(verbose_name="from")),
                ("valid_to", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                (
                    "reason",
                    models.CharField(
                        choices=[("rule", "by rule"), ("hand", "by hand"), ("import", "by import"), ("api", "by the API"), ("known", "as it was found")],
                        default="known",
                        max_length=6,
                        verbose_name="reason",
                    ),
                ),
                ("batch_id", models.UUIDField(blank=True, editable=False, null=True)),
                ("held", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, editable=False, null=True, size=None)),
                ("goals_met", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, size=None, verbose_name="goals met")),
                (
                    "standing",
                    models.CharField(
                        blank=True,
                        choices=[("successful", "Successful"), ("on_track", "On track"), ("struggling", "Struggling"), ("stuck", "Stuck")],
                        default="",
                        max_length=10,
                        verbose_name="standing",
                    ),
                ),
                ("turns_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="stage_stays", to="accounts.account", verbose_name="account")),
                (
                    "left_for",
                    models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.lifecyclestage", verbose_name="left for"),
                ),
                (
                    "set_by",
                    models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="set by"),
                ),
                ("stage", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="stays", to="accounts.lifecyclestage", verbose_name="stage")),
            ],
            options={
                "verbose_name": "stay in a stage",
                "verbose_name_plural": "stays in stages",
                "ordering": ["-valid_from", "-id"],
                "indexes": [
                    models.Index(condition=models.Q(("valid_to__isnull", True)), fields=["stage", "standing", "valid_from", "account"], name="stay_by_standing"),
                    models.Index(condition=models.Q(("valid_to__isnull", False)), fields=["stage", "valid_to"], name="stay_by_end"),
                    models.Index(condition=models.Q(("turns_at__isnull", False), ("valid_to__isnull", True)), fields=["turns_at"], name="stay_by_turn"),
                    models.Index(condition=models.Q(("batch_id__isnull", False)), fields=["batch_id"], name="stay_by_batch"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"), name="stay_ends_after_start"
                    ),
                    models.UniqueConstraint(condition=models.Q(("valid_to__isnull", True)), fields=("account",), include=("stage",), name="stay_one_open"),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("account", "="),
                            (accounts.models.segments.TstzRange("valid_from", "valid_to", django.contrib.postgres.fields.ranges.RangeBoundary()), "&&"),
                        ],
                        name="stay_no_overlap",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FOUND, migrations.RunSQL.noop),
    ]
