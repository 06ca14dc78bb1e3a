"""Indexes that others make superfluous: each cost every move of an account and every event its time."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0034_past_plans"),
    ]

    operations = [
        migrations.AlterField(
            model_name="account",
            name="owner",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="accounts", to=settings.AUTH_USER_MODEL, verbose_name="owner"
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="segment",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="accounts",
                to="accounts.segment",
                verbose_name="segment",
            ),
        ),
        migrations.AlterField(
            model_name="accountevent",
            name="account",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="events", to="accounts.account", verbose_name="account"),
        ),
        migrations.AlterField(
            model_name="accountevent",
            name="batch",
            field=models.ForeignKey(
                blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="events", to="accounts.importbatch", verbose_name="import"
            ),
        ),
        migrations.AlterField(
            model_name="segmentmembership",
            name="segment",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="memberships", to="accounts.segment", verbose_name="segment"),
        ),
        migrations.AlterField(
            model_name="stagestay",
            name="stage",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="stays", to="accounts.lifecyclestage", verbose_name="stage"),
        ),
        # for patterns, which nobody looks for a key by
        migrations.RunSQL(
            "DROP INDEX IF EXISTS accounts_account_lifecycle_stage_id_ea3eaa3a_like; DROP INDEX IF EXISTS accounts_stagestay_left_for_id_646ddc07_like;", migrations.RunSQL.noop
        ),
    ]
