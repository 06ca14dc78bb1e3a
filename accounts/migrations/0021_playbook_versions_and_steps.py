"""Versions of playbooks, frozen by the database once published; runs with their log."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FROZEN = """
CREATE FUNCTION accounts_refuse_published_playbook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('vefa.correction', true) = 'on' OR OLD.published_at IS NULL THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'a published playbook version is frozen: make a new version' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER playbook_version_frozen BEFORE UPDATE OR DELETE ON accounts_playbookversion
    FOR EACH ROW EXECUTE FUNCTION accounts_refuse_published_playbook();
"""
FROZEN_BACK = """
DROP TRIGGER playbook_version_frozen ON accounts_playbookversion; DROP FUNCTION accounts_refuse_published_playbook();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0020_segment_editing"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlaybookPass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("occasion", models.CharField(max_length=120, verbose_name="occasion")),
                ("reason", models.CharField(max_length=20, verbose_name="reason")),
                ("at", models.DateTimeField(verbose_name="looked at")),
            ],
            options={
                "verbose_name": "occasion passed over",
                "verbose_name_plural": "occasions passed over",
            },
        ),
        migrations.CreateModel(
            name="PlaybookStepLog",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("step", models.CharField(max_length=40, verbose_name="step")),
                ("kind", models.CharField(max_length=10, verbose_name="kind")),
                (
                    "outcome",
                    models.CharField(
                        choices=[("done", "done"), ("skipped", "skipped"), ("waiting", "waiting"), ("dropped", "dropped"), ("failed", "failed")],
                        max_length=8,
                        verbose_name="outcome",
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=80, verbose_name="reason")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="detail")),
                ("subject_type", models.CharField(blank=True, default="", max_length=40, verbose_name="made")),
                ("subject_id", models.CharField(blank=True, default="", max_length=64, verbose_name="made, id")),
                ("attempt", models.PositiveSmallIntegerField(default=0, verbose_name="attempt")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="not before")),
                ("begun_at", models.DateTimeField(verbose_name="begun")),
                ("at", models.DateTimeField(verbose_name="at")),
            ],
            options={
                "verbose_name": "playbook step",
                "verbose_name_plural": "playbook steps",
                "ordering": ["run", "id"],
            },
        ),
        migrations.CreateModel(
            name="PlaybookVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                ("trigger", models.JSONField(default=dict, verbose_name="trigger")),
                ("audience", models.JSONField(blank=True, help_text="A rule; empty: every account.", null=True, verbose_name="audience")),
                ("steps", models.JSONField(default=list, verbose_name="steps")),
                ("exits", models.JSONField(blank=True, default=list, verbose_name="exit rules")),
                ("caps", models.JSONField(blank=True, default=dict, verbose_name="caps")),
                (
                    "hold_out_percent",
                    models.PositiveSmallIntegerField(default=0, help_text="So many of a hundred accounts are left alone, to measure the effect.", verbose_name="held out, percent"),
                ),
                ("includes_churned", models.BooleanField(default=False, verbose_name="includes customers who left")),
                ("includes_excluded", models.BooleanField(default=False, verbose_name="includes accounts that no figure counts")),
                ("outline", models.JSONField(default=list, editable=False)),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
            ],
            options={
                "verbose_name": "playbook version",
                "verbose_name_plural": "playbook versions",
                "ordering": ["playbook", "-number"],
            },
        ),
        migrations.AddField(
            model_name="playbook",
            name="activated_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="activated"),
        ),
        migrations.AddField(
            model_name="playbook",
            name="matches_since",
            field=models.DateTimeField(blank=True, null=True, verbose_name="matches since"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="contact",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="playbook_runs", to="accounts.contact", verbose_name="contact"
            ),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="due_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="next look"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="end_reason",
            field=models.CharField(blank=True, default="", max_length=40, verbose_name="why it ended"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="lease_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="occasion",
            field=models.CharField(blank=True, default="", max_length=120, verbose_name="occasion"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="started_by",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="started by"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="step",
            field=models.CharField(blank=True, default="", editable=False, max_length=40),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="step_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="worker",
            field=models.CharField(blank=True, default="", editable=False, max_length=80),
        ),
        migrations.AlterField(
            model_name="outgoingmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("survey", "survey"),
                    ("reminder", "reminder"),
                    ("news", "news of what was settled"),
                    ("test", "test"),
                    ("reply", "ticket reply"),
                    ("alert", "alert"),
                    ("auth", "account access"),
                    ("report", "weekly report"),
                    ("playbook", "playbook"),
                ],
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="playbookrun",
            name="status",
            field=models.CharField(
                choices=[("running", "running"), ("done", "done"), ("stopped", "stopped"), ("held_out", "held out")], default="running", max_length=8, verbose_name="status"
            ),
        ),
        migrations.AddConstraint(
            model_name="playbook",
            constraint=models.CheckConstraint(
                condition=models.Q(("activated_at__isnull", True), ("matches_since__isnull", False), _connector="OR"), name="playbook_activated_since"
            ),
        ),
        migrations.AddField(
            model_name="playbookpass",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="playbook_passes", to="accounts.account", verbose_name="account"),
        ),
        migrations.AddField(
            model_name="playbookpass",
            name="event",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.accountevent", verbose_name="event"),
        ),
        migrations.AddField(
            model_name="playbookpass",
            name="playbook",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="passes", to="accounts.playbook", verbose_name="playbook"),
        ),
        migrations.AddField(
            model_name="playbooksteplog",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="playbook_steps", to="accounts.account", verbose_name="account"),
        ),
        migrations.AddField(
            model_name="playbooksteplog",
            name="actor",
            field=models.ForeignKey(
                blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="by"
            ),
        ),
        migrations.AddField(
            model_name="playbooksteplog",
            name="run",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="log", to="accounts.playbookrun", verbose_name="run"),
        ),
        migrations.AddField(
            model_name="playbookversion",
            name="playbook",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="accounts.playbook", verbose_name="playbook"),
        ),
        migrations.AddField(
            model_name="playbookversion",
            name="published_by",
            field=models.ForeignKey(
                blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="published by"
            ),
        ),
        migrations.AddField(
            model_name="playbookpass",
            name="version",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="passes", to="accounts.playbookversion", verbose_name="version"),
        ),
        migrations.AddField(
            model_name="playbookrun",
            name="version",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="accounts.playbookversion", verbose_name="version"),
        ),
        migrations.AddIndex(
            model_name="playbookrun",
            index=models.Index(condition=models.Q(("due_at__isnull", False), ("status", "running")), fields=["due_at", "id"], name="playbook_run_due"),
        ),
        migrations.AddIndex(
            model_name="playbookrun",
            index=models.Index(fields=["playbook", "account", "-started_at"], name="playbook_run_by_account"),
        ),
        migrations.AddIndex(
            model_name="playbookrun",
            index=models.Index(fields=["account", "-started_at"], name="playbook_run_of_account"),
        ),
        migrations.AddIndex(
            model_name="playbookrun",
            index=models.Index(fields=["playbook", "-started_at", "-id"], name="playbook_run_by_start"),
        ),
        migrations.AddConstraint(
            model_name="playbookrun",
            constraint=models.UniqueConstraint(condition=models.Q(("occasion", ""), _negated=True), fields=("playbook", "account", "occasion"), name="playbook_once_an_occasion"),
        ),
        migrations.AddIndex(
            model_name="playbooksteplog",
            index=models.Index(condition=models.Q(("outcome", "waiting")), fields=["kind", "next_attempt_at"], name="playbook_step_open"),
        ),
        migrations.AddIndex(
            model_name="playbooksteplog",
            index=models.Index(fields=["account", "-at"], name="playbook_step_by_account"),
        ),
        migrations.AddConstraint(
            model_name="playbooksteplog",
            constraint=models.UniqueConstraint(fields=("run", "step"), name="playbook_step_once"),
        ),
        migrations.AddConstraint(
            model_name="playbookversion",
            constraint=models.UniqueConstraint(fields=("playbook", "number"), name="playbook_version_number_once"),
        ),
        migrations.AddConstraint(
            model_name="playbookversion",
            constraint=models.UniqueConstraint(condition=models.Q(("published_at__isnull", True)), fields=("playbook",), name="playbook_one_draft"),
        ),
        migrations.AddConstraint(
            model_name="playbookversion",
            constraint=models.CheckConstraint(condition=models.Q(("hold_out_percent__lte", 90)), name="playbook_hold_out_below_90"),
        ),
        migrations.AddIndex(
            model_name="playbookpass",
            index=models.Index(fields=["playbook", "-at", "-id"], name="playbook_pass_by_time"),
        ),
        migrations.AddIndex(
            model_name="playbookpass",
            index=models.Index(fields=["at"], name="playbook_pass_old"),
        ),
        migrations.AddConstraint(
            model_name="playbookpass",
            constraint=models.UniqueConstraint(fields=("playbook", "account", "occasion"), name="playbook_pass_once"),
        ),
        migrations.RunSQL(FROZEN, FROZEN_BACK),
    ]
