"""Indexes of the list of accounts: by health, by renewal, by MRR."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes only; the table is small when an installation first gets them."""

    dependencies = [("accounts", "0004_worklist_indexes")]

    operations = [
        migrations.AddIndex(model_name="accountsnapshot", index=models.Index(fields=["health", "account"], name="snapshot_by_health")),
        migrations.AddIndex(model_name="accountsnapshot", index=models.Index(fields=["renews_on", "account"], name="snapshot_by_renewal")),
        migrations.AddIndex(model_name="accountsnapshot", index=models.Index(fields=["-mrr_micros", "-account"], name="snapshot_by_mrr")),
    ]
