"""A run of the recompute names the instant it is for, so that a killed one goes on with the same."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One column."""

    dependencies = [("metrics", "0002_score_history")]
    operations = [
        migrations.AddField("healthrun", "as_of", models.DateTimeField("as of", null=True)),
    ]
