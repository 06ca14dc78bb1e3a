"""What several tests of metrics begin with."""

import datetime as dt

import pytest

from tests.metrics.health_facts import NOW, answer, days, failed_payment, subscription, ticket, usage


@pytest.fixture
def facts(cast):
    """Boğaziçi has a bit of everything, Northgate only a bad answer."""
    usage(cast.boga, before=100, after=80)
    answer(cast.boga, 4)
    answer(cast.boga, 3, kind="csat")
    answer(cast.boga, 4, kind="csat", at=NOW - days(20))
    ticket(cast.boga, opened=NOW - days(9), severity=3)
    ticket(cast.boga, opened=NOW - days(9), severity=2)
    failed_payment(cast.boga, at=NOW - days(30))
    subscription(cast.boga, start=dt.datetime(2025, 4, 1, tzinfo=dt.UTC), amount=1200)
    answer(cast.north, 0)
    return cast
