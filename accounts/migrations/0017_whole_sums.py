"""A sum of whole numbers that stays one: PostgreSQL's own goes to numeric and keeps a piece of memory for every group."""

from django.db import migrations

# an overflow is an error, as everywhere; for sums of one account, which fit, not of all of them, which may not
SUM = "CREATE AGGREGATE vefa_sum(bigint) (SFUNC = int8pl, STYPE = bigint, COMBINEFUNC = int8pl, PARALLEL = SAFE)"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0016_mrr_totals"),
    ]

    operations = [
        migrations.RunSQL(SUM, "DROP AGGREGATE vefa_sum(bigint)"),
    ]
