"""The rules that the four named segments start with: whoever never wrote one of his own gets these, and may change them.

Amounts are units of the reporting currency a month. The first rule that matches takes the account.
"""

from django.db import migrations

CUSTOMER = {"field": "churned", "op": "eq", "value": False}
RULES = {
    # what would hurt most to lose
    "vip": {"all": [CUSTOMER, {"field": "mrr", "op": "gte", "value": "2500"}]},
    # good revenue that is to be kept
    "core": {"all": [CUSTOMER, {"field": "mrr", "op": "gte", "value": "500"}]},
    # small today, could be large, and is neither leaving nor likely to
    "potential": {
        "all": [
            CUSTOMER,
            {"field": "revenue_potential", "op": "gte", "value": "1500"},
            {"field": "stage", "op": "neq", "value": "cancelling"},
            {"any": [{"field": "churn_risk", "op": "lt", "value": "0.5"}, {"field": "churn_risk", "op": "is_empty"}]},
        ]
    },
    # every other customer; who is no customer yet is in no segment
    "non_core": {"all": [CUSTOMER, {"field": "stage", "op": "not_in", "value": ["prospect", "trial"]}]},
}


def add(apps, schema_editor):
    """Fills in what is empty."""
    segment = apps.get_model("accounts", "Segment")
    for key, rule in RULES.items():
        segment.objects.filter(key=key, rule__isnull=True).update(rule=rule)


class Migration(migrations.Migration):
    """Data only."""

    dependencies = [("accounts", "0022_work_ranks")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
