"""The two indexes the worklist ranks by answer without the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes only; the table is small when an installation first gets them."""

    dependencies = [
        ("accounts", "0005_account_list_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="workitem",
            name="work_by_owner",
        ),
        migrations.RemoveIndex(
            model_name="workitem",
            name="work_by_owner_segment",
        ),
        migrations.RemoveIndex(
            model_name="workitem",
            name="work_by_stake",
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["owner", "-stake_micros", "id"], include=("due_at", "segment"), name="work_by_owner"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["-stake_micros", "id"], include=("due_at", "owner"), name="work_by_stake"),
        ),
    ]
