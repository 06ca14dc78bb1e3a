"""Outgoing webhooks: addresses, what each is to be told, and the trigger that says so in the transaction of the event."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

RULES = """
-- what happened and who is to be told of it are written together, whoever writes the event. Imports tell of the past: nobody waits for that
CREATE FUNCTION vefa_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM accounts_webhookendpoint WHERE active) THEN
        INSERT INTO accounts_webhookdelivery (endpoint_id, event_id, kind, status, tries, replays, next_attempt_at, answer)
        SELECT w.id, e.id, e.kind, 'waiting', 0, 0, statement_timestamp(), ''
        FROM come e JOIN accounts_webhookendpoint w ON w.active AND (w.kinds = '{}' OR e.kind = ANY (w.kinds))
        WHERE e.origin <> 'import'
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER webhook_deliveries AFTER INSERT ON accounts_accountevent
    REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_webhook_deliveries();
"""
RULES_BACK = "DROP TRIGGER webhook_deliveries ON accounts_accountevent; DROP FUNCTION vefa_webhook_deliveries();"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0031_import_runs"),
    ]

    operations = [
        migrations.AlterField(
            model_name="incominghook",
            name="proof",
            field=models.CharField(
                choices=[
                    ("standard", "Standard Webhooks signature"),
                    ("stripe", "signature of Stripe"),
                    ("hmac", "HMAC of the body in a header"),
                    ("bearer", "secret in a header"),
                ],
                default="standard",
                max_length=8,
                verbose_name="proof",
            ),
        ),
        migrations.AlterField(
            model_name="outsideobject",
            name="kind",
            field=models.CharField(choices=[("account", "account"), ("contact", "contact"), ("ticket", "ticket"), ("billing", "billing")], max_length=7, verbose_name="kind"),
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                (
                    "status",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("delivered", "delivered"), ("failed", "failed"), ("dropped", "not sent")],
                        default="waiting",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("replays", models.PositiveSmallIntegerField(default=0, verbose_name="replays")),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True, verbose_name="next attempt")),
                ("answer", models.CharField(blank=True, default="", max_length=40, verbose_name="answer")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="created")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="delivered")),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="accounts.accountevent",
                        verbose_name="event",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery of a webhook",
                "verbose_name_plural": "deliveries of webhooks",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="WebhookAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("delivered", models.BooleanField(verbose_name="delivered")),
                ("answer", models.CharField(max_length=40, verbose_name="answer")),
                ("milliseconds", models.PositiveIntegerField(verbose_name="milliseconds")),
                (
                    "delivery",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="accounts.webhookdelivery", verbose_name="delivery of a webhook"),
                ),
            ],
            options={
                "verbose_name": "attempt of a delivery",
                "verbose_name_plural": "attempts of deliveries",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(max_length=500, verbose_name="address")),
                ("description", models.CharField(blank=True, default="", max_length=200, verbose_name="description")),
                (
                    "kinds",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, help_text="Empty: every kind.", size=None, verbose_name="events"
                    ),
                ),
                ("secret", models.CharField(max_length=200, verbose_name="secret")),
                ("previous_secret", models.CharField(blank=True, default="", max_length=200, verbose_name="secret before")),
                ("previous_until", models.DateTimeField(blank=True, null=True, verbose_name="secret before, until")),
                ("active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "off_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("hand", "switched off by hand"),
                            ("gone", "it answered that it is gone for good (410)"),
                            ("failing", "it has failed for five days"),
                            ("owner", "the person it acts for has left"),
                        ],
                        default="",
                        max_length=7,
                        verbose_name="off because",
                    ),
                ),
                ("off_at", models.DateTimeField(blank=True, null=True, verbose_name="off since")),
                ("failing_since", models.DateTimeField(blank=True, null=True, verbose_name="failing since")),
                ("last_success_at", models.DateTimeField(blank=True, null=True, verbose_name="last delivered")),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                ("acts_for", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, verbose_name="acts for")),
            ],
            options={
                "verbose_name": "outgoing webhook",
                "verbose_name_plural": "outgoing webhooks",
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="webhookdelivery",
            name="endpoint",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="accounts.webhookendpoint", verbose_name="webhook"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(condition=models.Q(("status", "waiting")), fields=["endpoint", "next_attempt_at"], name="webhook_due"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["endpoint", "-id"], name="webhook_log"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="webhook_by_age"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(fields=("endpoint", "event"), name="webhook_once_an_event"),
        ),
        migrations.RunSQL(RULES, RULES_BACK),
    ]
