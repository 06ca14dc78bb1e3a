"""What the database itself holds true: partitions of usage, append-only events, the snapshot's copies."""

from django.db import migrations

USAGE = """
CREATE TABLE accounts_usageday (
    account_id bigint NOT NULL,
    feature_id bigint NOT NULL,
    day date NOT NULL,
    count integer NOT NULL CHECK (count >= 0),
    users integer CHECK (users >= 0),
    seconds integer CHECK (seconds >= 0),
    errors integer CHECK (errors >= 0),
    PRIMARY KEY (account_id, feature_id, day) INCLUDE (count)
) PARTITION BY RANGE (day);

-- makes the monthly partitions of a table for a span of days; harmless where they exist
CREATE FUNCTION vefa_ensure_months(parent text, first date, last date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', first)::date;
    made integer := 0;
    child text;
BEGIN
    IF last < first OR last > first + 36600 THEN
        RAISE EXCEPTION 'cannot make months from % to %', first, last;
    END IF;
    WHILE month <= last LOOP
        child := parent || '_' || to_char(month, 'YYYYMM');
        IF to_regclass(child) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('vefa_ensure_months'));
            EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                           child, parent, month, (month + interval '1 month')::date);
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;
"""
USAGE_BACK = "DROP TABLE accounts_usageday; DROP FUNCTION vefa_ensure_months(text, date, date);"

APPEND_ONLY = """
-- the undo of an import and an erasure by law say SET LOCAL vefa.correction = 'on'; nothing else may
CREATE FUNCTION vefa_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('vefa.correction', true) = 'on' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON accounts_accountevent
    FOR EACH ROW EXECUTE FUNCTION vefa_refuse_change();
"""
APPEND_ONLY_BACK = "DROP TRIGGER event_append_only ON accounts_accountevent; DROP FUNCTION vefa_refuse_change();"

SNAPSHOT = """
CREATE FUNCTION vefa_snapshot_of_new_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_accountsnapshot (account_id, owner_id, segment_id, band, mrr_micros, stake_micros, csat_count,
                                          open_tickets, severe_tickets, failed_payments, why)
    SELECT id, owner_id, segment_id, '', 0, 0, 0, 0, 0, 0, '{}'::jsonb FROM added
    ON CONFLICT (account_id) DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER account_has_snapshot AFTER INSERT ON accounts_account
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION vefa_snapshot_of_new_account();

CREATE FUNCTION vefa_copies_follow_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts_accountsnapshot s SET owner_id = n.owner_id, segment_id = n.segment_id
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE s.account_id = n.id AND (n.owner_id IS DISTINCT FROM o.owner_id OR n.segment_id IS DISTINCT FROM o.segment_id);
    UPDATE accounts_workitem w SET segment_id = n.segment_id
    FROM fresh n JOIN stale o ON o.id = n.id
    WHERE w.account_id = n.id AND w.status IN ('open', 'snoozed') AND n.segment_id IS DISTINCT FROM o.segment_id;
    RETURN NULL;
END $$;
CREATE TRIGGER account_copies_follow AFTER UPDATE ON accounts_account
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION vefa_copies_follow_account();

CREATE FUNCTION vefa_work_item_segment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.segment_id := (SELECT segment_id FROM accounts_account WHERE id = NEW.account_id);
    RETURN NEW;
END $$;
CREATE TRIGGER work_item_segment BEFORE INSERT ON accounts_workitem
    FOR EACH ROW EXECUTE FUNCTION vefa_work_item_segment();
ALTER TABLE accounts_accountsnapshot SET (fillfactor = 70);
ALTER TABLE accounts_outgoingmail SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
"""
SNAPSHOT_BACK = """
DROP TRIGGER work_item_segment ON accounts_workitem; DROP FUNCTION vefa_work_item_segment();
DROP TRIGGER account_copies_follow ON accounts_account; DROP FUNCTION vefa_copies_follow_account();
DROP TRIGGER account_has_snapshot ON accounts_account; DROP FUNCTION vefa_snapshot_of_new_account();
"""


class Migration(migrations.Migration):
    """Plain SQL, reversible."""

    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(USAGE, USAGE_BACK),
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
        migrations.RunSQL(SNAPSHOT, SNAPSHOT_BACK),
    ]
