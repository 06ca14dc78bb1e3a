"""What the shipped stages take: lengths and goals, and where customers leave. Rules that move accounts are left to whoever runs the place."""

from django.db import migrations


def _all(*conditions):
    return {"all": list(conditions)}


def _use(measure, days, value):
    return _all({"usage": {"measure": measure, "feature": "", "days": days, "per": "total"}, "op": "gte", "value": str(value)})


CHAMPION = _all({"contacts": "any", "where": _all({"field": "role", "op": "in", "value": ["champion"]})})
SPOKEN = _all({"field": "last_touch_at", "op": "within_last_days", "value": 30})
CALM = _all({"field": "severe_tickets", "op": "eq", "value": "0"})
HEALTHY = _all({"field": "band", "op": "in", "value": ["healthy"]})
GOALS = {
    "trial": (30, [("tried", "Tried on five days", _use("active_days", 28, 5)), ("champion", "A champion is known", CHAMPION)]),
    "onboarding": (
        45,
        [("weekly", "In use every week", _use("active_days", 28, 8)), ("people", "Three people use it", _use("users", 28, 3)), ("champion", "A champion is known", CHAMPION)],
    ),
    "adoption": (120, [("daily", "In use on most days", _use("active_days", 28, 15)), ("healthy", "Healthy", HEALTHY)]),
    "renewal": (90, [("spoken", "Spoken with in 30 days", SPOKEN), ("calm", "No severe ticket open", CALM), ("healthy", "Healthy", HEALTHY)]),
}
LEAVING = ("cancelling", "churned")


def add(apps, schema_editor):
    """Fills what nobody filled yet."""
    stages = apps.get_model("accounts", "LifecycleStage").objects
    for key, (days, goals) in GOALS.items():
        stages.filter(key=key, expected_days=None, goals=[]).update(expected_days=days, goals=[{"key": goal, "name": name, "rule": rule} for goal, name, rule in goals])
    stages.filter(key__in=LEAVING).update(is_leaving=True)


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0027_shipped_plan_templates")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
