"""Follow-ups of unhappy answers wait for a moment, in a table of their own that stays small."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("surveys", "0008_answers_with_words")]

    operations = [
        migrations.CreateModel(
            name="PendingFollowUp",
            fields=[
                (
                    "response",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="pending_follow_up",
                        serialize=False,
                        to="surveys.response",
                        verbose_name="answer",
                    ),
                ),
                ("due_at", models.DateTimeField(db_index=True, verbose_name="due")),
            ],
            options={"verbose_name": "pending follow-up", "verbose_name_plural": "pending follow-ups"},
        ),
    ]
