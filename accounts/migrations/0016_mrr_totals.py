"""Sums of the month ledger over all accounts, kept by the database: a report of the whole company reads months, not accounts."""

from django.db import migrations

# Every change of the ledger appends what it adds up to, negative where rows go, in its own transaction: the sum of all rows of a
# month, currency and kind is true for every reader, and writers never wait for one another. `build_months` merges what piled up.
TOTALS = """
CREATE TABLE accounts_mrrtotal (
    month integer NOT NULL,
    currency varchar(3) NOT NULL,
    kind smallint NOT NULL,
    delta_micros numeric(38, 0) NOT NULL,
    accounts bigint NOT NULL
);

CREATE FUNCTION vefa_mrr_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM accounts_mrrtotal;
        RETURN NULL;
    END IF;
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        INSERT INTO accounts_mrrtotal (month, currency, kind, delta_micros, accounts)
        SELECT month, currency, kind, -sum(delta_micros), -count(*) FROM gone GROUP BY 1, 2, 3;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO accounts_mrrtotal (month, currency, kind, delta_micros, accounts)
        SELECT month, currency, kind, sum(delta_micros), count(*) FROM come GROUP BY 1, 2, 3;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER mrr_totals_come AFTER INSERT ON accounts_mrrmonth REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_mrr_totals();
CREATE TRIGGER mrr_totals_gone AFTER DELETE ON accounts_mrrmonth REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vefa_mrr_totals();
CREATE TRIGGER mrr_totals_changed AFTER UPDATE ON accounts_mrrmonth REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION vefa_mrr_totals();
CREATE TRIGGER mrr_totals_emptied AFTER TRUNCATE ON accounts_mrrmonth FOR EACH STATEMENT EXECUTE FUNCTION vefa_mrr_totals();

-- the triggers hold writers off until this is committed
INSERT INTO accounts_mrrtotal (month, currency, kind, delta_micros, accounts)
SELECT month, currency, kind, sum(delta_micros), count(*) FROM accounts_mrrmonth GROUP BY 1, 2, 3;
"""
TOTALS_BACK = """
DROP TRIGGER mrr_totals_come ON accounts_mrrmonth;
DROP TRIGGER mrr_totals_gone ON accounts_mrrmonth;
DROP TRIGGER mrr_totals_changed ON accounts_mrrmonth;
DROP TRIGGER mrr_totals_emptied ON accounts_mrrmonth;
DROP FUNCTION vefa_mrr_totals();
DROP TABLE accounts_mrrtotal;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_month_ledger"),
    ]

    operations = [
        migrations.RunSQL(TOTALS, TOTALS_BACK),
    ]
