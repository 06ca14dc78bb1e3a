"""Indexes of the worklist: everybody's work, sleeping and closed work, the last touch."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Indexes only; the tables are small when an installation first gets them."""

    dependencies = [
        ("accounts", "0003_shipped_rows"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accountevent",
            index=models.Index(condition=models.Q(("kind", "touch.logged")), fields=["account", "-occurred_at", "-id"], name="touch_by_account"),
        ),
        migrations.AddIndex(
            model_name="accountevent",
            index=models.Index(condition=models.Q(("kind", "touch.logged")), fields=["actor", "occurred_at"], name="touch_by_actor"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["segment", "-stake_micros", "id"], include=("due_at",), name="work_by_segment"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "open")), fields=["due_at", "id"], name="work_open_by_due"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status", "snoozed")), fields=["owner", "snoozed_until", "id"], name="work_asleep_by_owner"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status__in", ["done", "dropped"])), fields=["owner", "-closed_at", "-id"], name="work_closed_by_owner"),
        ),
        migrations.AddIndex(
            model_name="workitem",
            index=models.Index(condition=models.Q(("status__in", ["done", "dropped"])), fields=["-closed_at", "-id"], name="work_closed"),
        ),
    ]
