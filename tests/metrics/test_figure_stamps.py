"""Kept fragments fall as soon as a fact behind them changes, and stay while only the product is used."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.actions.usage import put_usage
from accounts.models import Account, CostEntry, Subscription
from metrics.actions.figure_stamps import EVERYTHING, GROUPS, REVENUE_FACTS, stamp_of
from metrics.actions.recompute import recompute_all
from tests.metrics.health_facts import answer, ticket


@pytest.fixture
def emptied(transactional_db):
    """Partitioned tables are not managed by Django, so a transactional test empties them itself."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE metrics_healthscore, accounts_usageday")


def settled(groups=EVERYTHING):
    """The stamp after this session has told what it did, as it does by itself when it rests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
    return stamp_of(groups)


@pytest.mark.django_db
def test_every_table_of_a_group_is_there():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL", [[table for tables in GROUPS.values() for table in tables]])
        assert cursor.fetchall() == []
    with pytest.raises(KeyError):
        stamp_of(["weather"])


@pytest.mark.django_db(transaction=True)
def test_every_kind_of_fact_moves_its_own_stamp_and_use_moves_none(emptied, cast):
    now = timezone.now()

    def moved(change):
        before = {name: settled([name]) for name in GROUPS}
        change()
        return {name for name in GROUPS if settled([name]) != before[name]}

    assert moved(lambda: None) == set()
    assert moved(lambda: put_usage([(cast.boga.pk, "", now.date(), 1, None, None, None)])) == set()
    assert "voice" in moved(lambda: answer(cast.boga, 9, at=now))
    assert "tickets" in moved(lambda: ticket(cast.boga, opened=now))
    assert "money" in moved(lambda: CostEntry.objects.create(category="team", amount=1, currency="EUR", start=now.date()))
    assert "health" in moved(lambda: recompute_all(as_of=now, now=now))
    assert "customers" in moved(lambda: Account.objects.filter(pk=cast.boga.pk).update(plan="Pro"))


@pytest.mark.django_db(transaction=True)
def test_a_part_of_revenue_tells_of_a_new_subscription_at_once_and_stays_over_answers(client, cast):
    cache.clear()
    client.force_login(cast.ada)
    address = reverse("metrics:revenue_part", args=["bridge"])
    settled()
    empty = client.get(address).content
    answer(cast.boga, 9, at=timezone.now())
    settled()
    stamp = stamp_of(REVENUE_FACTS)
    assert client.get(address).content == empty
    Subscription.objects.create(account=cast.boga, start=timezone.now() - dt.timedelta(days=200), amount=100, currency="EUR")
    assert settled(REVENUE_FACTS) != stamp
    assert client.get(address).content != empty
