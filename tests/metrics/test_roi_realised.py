"""Planned against realised: ended work by what it was expected to save when it was opened, against who stayed for 90 days after it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.models import Account, Segment, Subscription, WorkAssumption, WorkItem
from metrics.models import HealthModel
from metrics.roi.live import Basis
from metrics.roi.realised import realised
from tests.metrics.health_facts import days

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)
# the last closed month is October: work that ended until 2 August, 90 days before 1 November
OPENED, CLOSED = dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC), dt.datetime(2026, 5, 20, 9, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _ground(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"
    cache.clear()
    WorkAssumption.objects.update_or_create(type="risk", defaults={"saves": Decimal("0.25"), "minutes": 60})


def customer(name, mrr, *, ends=None, **fields):
    account = Account.objects.create(name=name, external_id=name, **fields)
    Subscription.objects.create(account=account, start=OPENED - days(200), end=ends, amount=mrr, currency="EUR")
    rebuild_ledger(account_ids=[account.pk])
    return account


def worked(account, *, health, status="done", opened=OPENED, closed=CLOSED, type="risk", reason="health"):
    item = WorkItem.objects.create(account=account, type=type, reason=reason, due_at=opened, status=status, closed_at=closed)
    WorkItem.objects.filter(pk=item.pk).update(created_at=opened)
    if health is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT vefa_ensure_months('metrics_healthscore', %s, %s)", [opened.date(), opened.date()])
            cursor.execute(
                "INSERT INTO metrics_healthscore (account_id, day, model_id, score, band, confidence, raws, contributions, computed_at) "
                "VALUES (%s, %s, %s, %s, 'at_risk', 100, '{}', '{}', %s) ON CONFLICT DO NOTHING",
                [account.pk, opened.date(), HealthModel.objects.first().pk, health, opened],
            )


def looked(**more):
    return realised(**{"basis": Basis(), "scope": None, "now": NOW, **more})


def test_a_loss_that_did_not_come_is_realised_and_one_that_came_takes_it_away():
    worked(customer("kept", 100), health=4000)
    worked(customer("lost", 50, ends=CLOSED + days(89)), health=2000)
    worked(customer("later", 10, ends=CLOSED + days(91)), health=5000)
    done = looked().done
    assert (done.accounts, done.known, done.stayed) == (3, 3, 2)
    assert done.yearly == 12 * 160
    # 1,200 x 0.6 + 600 x 0.8 + 120 x 0.5, of which a quarter was planned to be avoided
    assert (done.expected, done.planned) == (720 + 480 + 60, Decimal(1260) / 4)
    assert (done.gone, done.realised) == (600, 660)
    low, high = done.stayed_interval
    assert low < done.stayed_share == Decimal(2) / 3 < high
    assert done.realised_interval is None


def test_the_interval_is_students_over_accounts():
    for number in range(5):
        worked(customer(f"a{number}", 100, ends=CLOSED + days(5) if number == 0 else None), health=5000)
    done = looked().done
    # four accounts avoided 600, one lost 600 more than expected: mean 360, deviation 536.66, t(4) 2.776
    assert done.realised == 1800
    low, high = (float(edge) for edge in done.realised_interval)
    assert (low, high) == (pytest.approx(5 * (360 - 2.7764 * 536.656 / 5**0.5), rel=1e-3), pytest.approx(5 * (360 + 2.7764 * 536.656 / 5**0.5), rel=1e-3))


def test_a_smaller_subscription_is_a_partial_loss_and_growth_none():
    account = customer("shrunk", 100, ends=CLOSED + days(3))
    Subscription.objects.create(account=account, start=CLOSED + days(3), amount=30, currency="EUR")
    rebuild_ledger(account_ids=[account.pk])
    worked(account, health=5000)
    done = looked().done
    assert (done.gone, done.stayed) == (840, 1)


def test_each_account_counts_once_and_done_before_dropped():
    twice = customer("twice", 100)
    worked(twice, health=5000, status="dropped", reason="a")
    worked(twice, health=5000, reason="b")
    worked(twice, health=5000, reason="c", opened=OPENED + days(1))
    worked(customer("dropped", 10), health=5000, status="dropped")
    worked(customer("open", 10), health=5000, status="open", closed=None)
    worked(customer("other", 10), health=5000, type="activity")
    found = looked()
    assert (found.done.accounts, found.dropped.accounts) == (1, 1)


def test_what_was_not_known_at_the_opening_is_counted_apart():
    worked(customer("scoreless", 100), health=None)
    worked(Account.objects.create(name="free", external_id="free"), health=5000)
    done = looked().done
    assert (done.accounts, done.unknown, done.known, done.stayed_share) == (2, 2, 0, None)


def test_the_days_are_those_whose_90_days_are_over_and_the_scope_narrows():
    vip = Segment.objects.get(key="vip")
    inside = customer("inside", 100, segment=vip)
    worked(inside, health=5000, closed=dt.datetime(2026, 8, 2, 23, 59, tzinfo=dt.UTC))
    worked(customer("late", 100), health=5000, closed=dt.datetime(2026, 8, 3, tzinfo=dt.UTC))
    worked(customer("early", 100), health=5000, closed=dt.datetime(2025, 8, 2, tzinfo=dt.UTC))
    found = looked()
    assert (found.first, found.last, found.done.accounts) == (dt.date(2025, 8, 3), dt.date(2026, 8, 2), 1)
    assert looked(basis=Basis(segment="vip")).done.accounts == 1
    assert looked(basis=Basis(segment="core")).done.accounts == 0
    assert looked(scope=[inside.pk]).done.accounts == 1
    assert looked(scope=[]).done.accounts == 0


def test_the_fragment_tells_the_own_book_and_says_when_there_is_nothing(client, cast):
    address = reverse("metrics:roi_realised")
    client.force_login(cast.ada)
    assert "No work to look back on yet" in client.get(address).content.decode()
    now = timezone.now()
    Subscription.objects.create(account=cast.north, start=now - days(500), amount=77, currency="EUR")
    rebuild_ledger(account_ids=[cast.north.pk])
    worked(cast.north, health=5000, opened=now - days(190), closed=now - days(180))
    cache.clear()
    assert "924" in client.get(address).content.decode()
    client.force_login(cast.elif_)
    assert "924" not in client.get(address).content.decode()
    client.logout()
    assert client.get(address).headers["Location"].startswith("/login/")
