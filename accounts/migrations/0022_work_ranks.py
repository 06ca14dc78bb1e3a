"""The rank of work, the name in its identity, calls on renewals, changes of many items."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RULES = """
-- the rank of work: expected loss avoided an hour, in millionths. Numeric, so that no product leaves 64 bits on the way
CREATE FUNCTION vefa_work_rank(mrr bigint, risk numeric, health integer, saves numeric, minutes integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(round(720.0 * greatest(mrr, 0) * coalesce(risk, 1 - health / 10000.0, 0) * coalesce(saves, 0) / greatest(coalesce(minutes, 60), 1)), 4611686018427387903)::bigint
$$;

CREATE OR REPLACE FUNCTION vefa_work_item_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT s.segment_id, vefa_work_rank(s.mrr_micros, s.churn_risk, s.health, t.saves, t.minutes) INTO NEW.segment_id, NEW.rank_micros
    FROM accounts_accountsnapshot s LEFT JOIN accounts_workassumption t ON t.type = NEW.type WHERE s.account_id = NEW.account_id;
    NEW.rank_micros := coalesce(NEW.rank_micros, 0);
    RETURN NEW;
END $$;

-- stake and rank of open work follow the snapshot, whoever writes it. EXECUTE: planned for the rows of this very statement, one or fifty thousand
CREATE FUNCTION vefa_work_follows_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'UPDATE accounts_workitem w SET stake_micros = r.stake_micros, rank_micros = r.rank
        FROM (SELECT o.id, n.stake_micros, vefa_work_rank(n.mrr_micros, n.churn_risk, n.health, t.saves, t.minutes) AS rank
              FROM fresh n JOIN accounts_workitem o ON o.account_id = n.account_id AND o.status IN (''open'', ''snoozed'')
              LEFT JOIN accounts_workassumption t ON t.type = o.type) r
        WHERE w.id = r.id AND (w.stake_micros <> r.stake_micros OR w.rank_micros <> r.rank)';
    RETURN NULL;
END $$;
CREATE TRIGGER work_follows_snapshot AFTER UPDATE ON accounts_accountsnapshot
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION vefa_work_follows_snapshot();
"""
RULES_BACK = """
DROP TRIGGER work_follows_snapshot ON accounts_accountsnapshot; DROP FUNCTION vefa_work_follows_snapshot();
CREATE OR REPLACE FUNCTION vefa_work_item_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.segment_id := (SELECT segment_id FROM accounts_account WHERE id = NEW.account_id);
    RETURN NEW;
END $$;
DROP FUNCTION vefa_work_rank(bigint, numeric, integer, numeric, integer);
"""
# share of an expected loss that the work saves, and minutes it takes: assumptions to begin with
ASSUMPTIONS = [
    ("risk", "0.25", 60),
    ("renewal", "0.30", 60),
    ("close_loop", "0.15", 20),
    ("lifecycle", "0.10", 30),
    ("objective", "0.10", 45),
    ("expansion", "0.05", 45),
    ("activity", "0.05", 20),
]


def add(apps, schema_editor):
    """Adds what is missing; the sweep ranks what is open already."""
    assumption = apps.get_model("accounts", "WorkAssumption")
    for kind, saves, minutes in ASSUMPTIONS:
        assumption.objects.get_or_create(type=kind, defaults={"saves": saves, "minutes": minutes})


class Migration(migrations.Migration):
    """Columns, rules of the database, the assumptions to begin with."""

    dependencies = [
        ("accounts", "0021_playbook_versions_and_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="RenewalCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("call", models.CharField(choices=[("renew", "Renews"), ("watch", "Watch"), ("at_risk", "At risk"), ("lost", "Lost")], max_length=8, verbose_name="call")),
                ("amount_micros", models.BigIntegerField(default=0, verbose_name="expected a year, millionths")),
                ("renews_on", models.DateField(verbose_name="renewal")),
                ("expected_on", models.DateField(verbose_name="expected on")),
                ("note", models.CharField(blank=True, default="", max_length=300, verbose_name="note")),
                ("current", models.BooleanField(default=True, verbose_name="latest")),
                ("made_at", models.DateTimeField(verbose_name="made")),
            ],
            options={
                "verbose_name": "renewal call",
                "verbose_name_plural": "renewal calls",
                "ordering": ["-made_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="WorkAssumption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("risk", "Risk"),
                            ("lifecycle", "Lifecycle"),
                            ("expansion", "Expansion"),
                            ("objective", "Objective"),
                            ("activity", "Activity"),
                            ("close_loop", "Close the loop"),
                            ("renewal", "Renewal"),
                        ],
                        max_length=10,
                        unique=True,
                        verbose_name="type",
                    ),
                ),
                (
                    "saves",
                    models.DecimalField(
                        decimal_places=4,
                        help_text="From 0 to 1.",
                        max_digits=5,
                        validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)],
                        verbose_name="share of the loss saved",
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(2400)], verbose_name="expected minutes"
                    ),
                ),
                ("changed_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="changed")),
                ("ranked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="ranks follow since")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                "verbose_name": "assumption about work",
                "verbose_name_plural": "assumptions about work",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="WorkBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("do", models.CharField(max_length=8, verbose_name="what")),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                ("total", models.PositiveIntegerField(default=0, verbose_name="rows")),
                ("changed", models.PositiveIntegerField(default=0, verbose_name="changed")),
                ("stale", models.PositiveIntegerField(default=0, verbose_name="left as they were")),
                ("state", models.CharField(choices=[("running", "running"), ("done", "done")], default="running", max_length=8, verbose_name="state")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
            ],
            options={
                "verbose_name": "change of many work items",
                "verbose_name_plural": "changes of many work items",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="WorkBatchRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(verbose_name="version seen")),
                ("state", models.PositiveSmallIntegerField(choices=[(0, "waiting"), (1, "changed"), (2, "left as it was")], default=0, verbose_name="state")),
                ("before", models.JSONField(blank=True, null=True, verbose_name="before")),
            ],
            options={
                "verbose_name": "row of a change",
                "verbose_name_plural": "rows of a change",
            },
        ),
        migrations.RemoveConstraint(
            model_name="workitem",
            name="work_once_while_open",
        ),
        migrations.RemoveIndex(
            model_name="workitem",
            name="work_by_segment",
        ),
        migrations.RemoveIndex(
            model_name="workitem",
            name="work_by_owner",
        ),
        migrations.AddField(
            model_name="workitem",
            name="closes_itself",
            field=models.BooleanField(
                db_default=True, default=True, help_text="Closed when what opened it no longer holds; not again once somebody opened it again.", verbose_name="closes on recovery"
            ),
        ),
        migrations.AddField(
            model_name="workitem",
            name="name",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Tells apart work of one type and reason; part of the identity.", max_length=80, verbose_name="name"
            ),
        ),
        migrations.AddField(
            model_name="workitem",
            name="rank_micros",
            field=models.BigIntegerField(
                db_default=0, default=0, editable=False, help_text="Yearly revenue x risk x share saved / expected hours.", verbose_name="expected loss avoided an hour, millionths"
            ),
        ),
        migrations.AddField(
            model_name="workitem",
            name="with_support_since",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="with support since"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["owner", "-rank_micros", "id"], include=("due_at", "segment", "stake_micros"), name="work_by_owner"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["-rank_micros", "id"], include=("due_at", "owner", "segment"), name="work_by_rank"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["segment", "-rank_micros", "id"], include=("due_at", "stake_micros"), name="work_by_segment"),
        ),
        migrations.AddConstraint(
            model_name="workitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["open", "snoozed"])),
                fields=("account", "type", "reason", "name"),
                name="work_once_while_open",
                violation_error_message="The account has this work open already.",
            ),
        ),
        migrations.AddField(
            model_name="renewalcall",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="renewal_calls", to="accounts.account", verbose_name="account"),
        ),
        migrations.AddField(
            model_name="renewalcall",
            name="made_by",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="by"),
        ),
        migrations.AddField(
            model_name="workassumption",
            name="changed_by",
            field=models.ForeignKey(
                blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="changed by"
            ),
        ),
        migrations.AddField(
            model_name="workbatch",
            name="undoes",
            field=models.OneToOneField(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="undone_by", to="accounts.workbatch", verbose_name="takes back"
            ),
        ),
        migrations.AddField(
            model_name="workbatch",
            name="user",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="person"),
        ),
        migrations.AddField(
            model_name="workbatchrow",
            name="batch",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="accounts.workbatch", verbose_name="batch"),
        ),
        migrations.AddField(
            model_name="workbatchrow",
            name="work_item",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.workitem", verbose_name="work item"),
        ),
        migrations.AddIndex(
            model_name="renewalcall",
            index=models.Index(fields=["account", "-made_at", "-id"], name="renewal_calls_by_account"),
        ),
        migrations.AddConstraint(
            model_name="renewalcall",
            constraint=models.UniqueConstraint(condition=models.Q(("current", True)), fields=("account",), name="renewal_one_current_call"),
        ),
        migrations.AddConstraint(
            model_name="renewalcall",
            constraint=models.CheckConstraint(condition=models.Q(("amount_micros__gte", 0)), name="renewal_amount_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="workassumption",
            constraint=models.CheckConstraint(condition=models.Q(("saves__gte", 0), ("saves__lte", 1)), name="work_saves_is_share"),
        ),
        migrations.AddConstraint(
            model_name="workassumption",
            constraint=models.CheckConstraint(condition=models.Q(("minutes__gte", 5)), name="work_takes_some_minutes"),
        ),
        migrations.AddIndex(
            model_name="workbatch",
            index=models.Index(condition=models.Q(("state", "running")), fields=["id"], name="work_batches_running"),
        ),
        migrations.AddIndex(
            model_name="workbatchrow",
            index=models.Index(condition=models.Q(("state", 0)), fields=["batch", "id"], name="work_batch_waiting"),
        ),
        migrations.AddConstraint(
            model_name="workbatchrow",
            constraint=models.UniqueConstraint(fields=("batch", "work_item"), name="work_batch_row_once"),
        ),
        migrations.RunSQL(RULES, RULES_BACK),
        migrations.RunPython(add, migrations.RunPython.noop),
    ]
