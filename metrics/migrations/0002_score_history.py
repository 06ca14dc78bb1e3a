"""The partitioned history of health scores, and the shipped model."""

from django.db import migrations
from django.utils import timezone

HISTORY = """
CREATE TABLE metrics_healthscore (
    account_id bigint NOT NULL,
    day date NOT NULL,
    model_id bigint NOT NULL,
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 10000),
    band varchar(8) NOT NULL,
    confidence smallint NOT NULL CHECK (confidence BETWEEN 0 AND 100),
    raws double precision[] NOT NULL,
    contributions smallint[] NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, day)
) PARTITION BY RANGE (day);
"""

# input, worst, best, weight, without data, fresh for days
COMPONENTS = [
    ("usage_trend", -0.5, 0.1, 30, "leave_out", None),
    ("last_nps", 0, 10, 20, "leave_out", 365),
    ("csat_90d", 1, 5, 15, "leave_out", None),
    ("severe_tickets", 3, 0, 15, "leave_out", None),
    ("days_to_renewal", 0, 90, 10, "leave_out", None),
    ("failed_payments", 2, 0, 10, "leave_out", None),
]


def add(apps, schema_editor):
    """Adds the shipped model, active."""
    model, component = apps.get_model("metrics", "HealthModel"), apps.get_model("metrics", "HealthComponent")
    shipped, made = model.objects.get_or_create(key="standard", number=1, defaults={"name": "Standard", "activated_at": timezone.now()})
    if made:
        for position, (source, worst, best, weight, missing, fresh) in enumerate(COMPONENTS, start=1):
            component.objects.create(model=shipped, position=position, source=source, worst=worst, best=best, weight=weight, missing=missing, fresh_days=fresh)


class Migration(migrations.Migration):
    """Schema by SQL, then data."""

    dependencies = [("metrics", "0001_initial"), ("accounts", "0002_database_rules")]
    operations = [
        migrations.RunSQL(HISTORY, "DROP TABLE metrics_healthscore"),
        migrations.RunPython(add, migrations.RunPython.noop),
    ]
