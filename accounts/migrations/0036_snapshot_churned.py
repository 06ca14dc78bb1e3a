"""Whether an account has churned stands in its snapshot, too: lists that count thousands of accounts need not look up each."""

from django.db import migrations, models

FOLLOW = """
CREATE OR REPLACE FUNCTION vefa_snapshot_of_new_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_accountsnapshot (account_id, owner_id, segment_id, churned, band, mrr_micros, stake_micros, csat_count,
                                          open_tickets, severe_tickets, failed_payments, why)
    SELECT id, owner_id, segment_id, churned_at IS NOT NULL, '', 0, 0, 0, 0, 0, 0, '{}'::jsonb FROM added
    ON CONFLICT (account_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION vefa_copies_follow_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_accountsnapshot s SET owner_id = n.owner_id, segment_id = n.segment_id, churned = n.churned_at IS NOT NULL
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE s.account_id = n.id AND (n.owner_id IS DISTINCT FROM o.owner_id OR n.segment_id IS DISTINCT FROM o.segment_id
        OR (n.churned_at IS NULL) <> (o.churned_at IS NULL));
    UPDATE accounts_workitem w SET segment_id = n.segment_id
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE w.account_id = n.id AND w.status IN ('open', 'snoozed') AND n.segment_id IS DISTINCT FROM o.segment_id;
    RETURN NULL;
END $$;
UPDATE accounts_accountsnapshot s SET churned = true FROM accounts_account a WHERE a.id = s.account_id AND a.churned_at IS NOT NULL;
"""
BACK = """
CREATE OR REPLACE FUNCTION vefa_snapshot_of_new_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_accountsnapshot (account_id, owner_id, segment_id, band, mrr_micros, stake_micros, csat_count,
                                          open_tickets, severe_tickets, failed_payments, why)
    SELECT id, owner_id, segment_id, '', 0, 0, 0, 0, 0, 0, '{}'::jsonb FROM added
    ON CONFLICT (account_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION vefa_copies_follow_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_accountsnapshot s SET owner_id = n.owner_id, segment_id = n.segment_id
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE s.account_id = n.id AND (n.owner_id IS DISTINCT FROM o.owner_id OR n.segment_id IS DISTINCT FROM o.segment_id);
    UPDATE accounts_workitem w SET segment_id = n.segment_id
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE w.account_id = n.id AND w.status IN ('open', 'snoozed') AND n.segment_id IS DISTINCT FROM o.segment_id;
    RETURN NULL;
END $$;
"""
SHAPES = {
    "snapshot_by_owner": ["owner", "-stake_micros", "account"],
    "snapshot_by_segment": ["owner", "segment", "-stake_micros", "account"],
}


class Migration(migrations.Migration):
    """Two indexes are built anew with the column in them."""

    dependencies = [("accounts", "0035_spare_indexes")]

    operations = [
        migrations.AddField("accountsnapshot", "churned", models.BooleanField("Churned", default=False, db_default=False)),
        *(migrations.RemoveIndex("accountsnapshot", name) for name in SHAPES),
        *(migrations.AddIndex("accountsnapshot", models.Index(fields=fields, name=name, include=["health", "band", "churned"])) for name, fields in SHAPES.items()),
        migrations.RunSQL(FOLLOW, BACK),
    ]
