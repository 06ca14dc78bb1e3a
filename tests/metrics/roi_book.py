"""A small book for the tests of the ROI studio: two who pay, one who left for the price, a year of costs."""

from __future__ import annotations

import datetime as dt

from accounts.models import Account, CostEntry, Subscription
from surveys.models import Response, Survey

# the studio then looks at July 2023 to June 2024
NOW = dt.datetime(2024, 7, 5, 12, tzinfo=dt.UTC)


def day(text):
    """A midnight."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def fill(cast):
    """Boğaziçi (Elif's) pays 150, Northgate (Can's) 50; Gone (Elif's) paid 100 until May and said why."""
    cast.gone = Account.objects.create(external_id="gone", name="Gone Ltd", owner=cast.elif_, currency="EUR")
    for account, amount, end in ((cast.boga, 150, None), (cast.north, 50, None), (cast.gone, 100, "2024-05-20")):
        Subscription.objects.create(account=account, start=day("2023-01-10"), end=day(end) if end else None, amount=amount, currency="EUR", end_reason="price" if end else "")
    # 1,200 a year is 100 a month
    for category, amount in (("team", 1200), ("tools", 240), ("training", 600)):
        CostEntry.objects.create(category=category, amount=amount, currency="EUR", start=dt.date(2023, 7, 1), end=dt.date(2024, 7, 1))
    exit_survey = Survey.objects.get_or_create(key="exit", defaults={"name": "Exit", "kind": "exit"})[0]
    Response.objects.create(
        survey=exit_survey,
        kind="exit",
        account=cast.gone,
        answered_at=day("2024-05-22"),
        invited_at=day("2024-05-21"),
        score=2,
        scale_min=1,
        scale_max=5,
        reasons=["price", "support"],
    )
    return cast
