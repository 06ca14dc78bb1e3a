"""The plans that accounts had before, kept by the database whoever changes them."""

import django.db.models.deletion
from django.db import migrations, models

# the instant is that of the row where it tells a newer one, so that whoever writes with an instant of his own is believed; a clock that
# went back never makes two stretches overlap. The undo of an import takes back what the change had left
RULES = """
CREATE FUNCTION vefa_keep_past_plan() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := (SELECT max(p.valid_to) FROM accounts_pastplan p WHERE p.account_id = OLD.id);
BEGIN
    IF current_setting('vefa.correction', true) = 'on' THEN
        DELETE FROM accounts_pastplan p WHERE p.account_id = OLD.id AND p.valid_to = since AND p.plan = NEW.plan;
    ELSIF OLD.plan <> '' THEN
        INSERT INTO accounts_pastplan (account_id, plan, valid_from, valid_to)
        VALUES (OLD.id, OLD.plan, since, greatest(since, CASE WHEN NEW.updated_at > OLD.updated_at THEN NEW.updated_at ELSE now() END))
        ON CONFLICT (account_id, valid_to) DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER account_keeps_past_plan AFTER UPDATE OF plan ON accounts_account
    FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan) EXECUTE FUNCTION vefa_keep_past_plan();
"""
RULES_BACK = "DROP TRIGGER account_keeps_past_plan ON accounts_account; DROP FUNCTION vefa_keep_past_plan();"


class Migration(migrations.Migration):
    """A table and its trigger."""

    dependencies = [("accounts", "0033_playbook_events")]

    operations = [
        migrations.CreateModel(
            name="PastPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("plan", models.CharField(max_length=120, verbose_name="plan")),
                ("valid_from", models.DateTimeField(blank=True, null=True, verbose_name="from")),
                ("valid_to", models.DateTimeField(verbose_name="until")),
                (
                    "account",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="past_plans", to="accounts.account", verbose_name="account"),
                ),
            ],
            options={
                "verbose_name": "past plan",
                "verbose_name_plural": "past plans",
                "indexes": [models.Index(fields=["valid_to"], name="past_plan_by_end")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "valid_to"), name="past_plan_once"),
                    models.CheckConstraint(condition=models.Q(("valid_from__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"), name="past_plan_in_order"),
                ],
            },
        ),
        migrations.RunSQL(RULES, RULES_BACK),
    ]
