"""Completeness and freshness of facts: what is missing, what is stale, what is not expected, and the list of what to fill."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, AccountSnapshot, Contact, Transaction
from metrics.actions.known_facts import keep_known_facts
from metrics.models import KnownFacts
from metrics.usage.completeness import KINDS, completeness_of
from metrics.usage.worklist import GapFilter, page, totals
from tests.metrics.health_facts import DAY, NOW, answer, days

pytestmark = pytest.mark.django_db


def snapshot(account, **values):
    AccountSnapshot.objects.filter(account=account).update(**values)


def states(account, now=NOW):
    return {kind.key: kind.state for kind in completeness_of(account_ids=[account.pk], now=now)[account.pk].kinds}


@pytest.fixture
def bare(cast):
    """Both customers without anything but their owners."""
    cache.clear()
    Contact.objects.update(role="", job_title="")
    return cast


def test_the_weights_sum_to_a_hundred():
    assert sum(kind.weight for kind in KINDS) == 100


def test_a_customer_of_whom_nothing_is_known_but_the_owner(bare):
    told = completeness_of(account_ids=[bare.boga.pk], now=NOW)[bare.boga.pk]
    assert told.percent == 10
    assert [kind.key for kind in told.gaps] == ["usage", "answers", "contacts", "revenue", "renewal", "touch"]
    assert told.settles_micros == 0


def test_fresh_to_the_day_of_its_limit_and_stale_after_it(bare):
    snapshot(bare.boga, last_seen_on=DAY - days(27), last_touch_at=NOW - days(90), mrr_micros=100_000_000, renews_on=DAY)
    answer(bare.boga, 8, at=NOW - days(365) - dt.timedelta(seconds=1))
    Contact.objects.filter(account=bare.boga).update(job_title="CTO")
    assert states(bare.boga) == {"usage": "fresh", "answers": "stale", "contacts": "fresh", "revenue": "fresh", "renewal": "fresh", "owner": "fresh", "touch": "fresh"}
    told = completeness_of(account_ids=[bare.boga.pk], now=NOW)[bare.boga.pk]
    # 20 of 100 parts of 1,200 a year are judged without an answer
    assert (told.percent, told.settles_micros) == (80, 240_000_000)
    snapshot(bare.boga, last_touch_at=NOW - days(90) - dt.timedelta(seconds=1), last_seen_on=DAY - days(29))
    assert {key for key, state in states(bare.boga).items() if state == "stale"} == {"usage", "answers", "touch"}


def test_what_cannot_be_is_not_expected(bare):
    # a monthly term rolls on
    snapshot(bare.boga, mrr_micros=100_000_000, renews_on=None)
    assert states(bare.boga)["renewal"] == "na"
    Account.objects.filter(pk=bare.north.pk).update(business_model="ecommerce")
    assert (states(bare.north)["renewal"], states(bare.north)["revenue"]) == ("na", "missing")
    Transaction.objects.create(account=bare.north, occurred_at=NOW - days(366), amount=10, currency="EUR", status="succeeded")
    assert states(bare.north)["revenue"] == "stale"
    Transaction.objects.create(account=bare.north, occurred_at=NOW - days(3), amount=10, currency="EUR", status="succeeded")
    assert states(bare.north)["revenue"] == "fresh"


def test_suspect_answers_and_tests_are_no_facts(bare):
    answer(bare.boga, 8, is_suspect=True)
    answer(bare.boga, 8, test=True)
    assert states(bare.boga)["answers"] == "missing"


def test_what_is_stored_is_what_is_worked_out_and_who_left_goes(bare):
    snapshot(bare.boga, mrr_micros=100_000_000, renews_on=DAY + days(9))
    assert sum(keep_known_facts(now=NOW)) == 2
    found = completeness_of(account_ids=[bare.boga.pk, bare.north.pk], now=NOW)
    for row in KnownFacts.objects.all():
        told = found[row.account_id]
        assert (row.completeness, row.gaps, row.settles_micros) == (told.percent, [kind.key for kind in told.gaps], told.settles_micros)
    assert sum(keep_known_facts(now=NOW + dt.timedelta(hours=1))) == 0
    Account.objects.filter(pk=bare.boga.pk).update(churned_at=NOW)
    Account.objects.filter(pk=bare.north.pk).update(owner=None)
    assert sum(keep_known_facts(now=NOW + dt.timedelta(hours=2))) == 2
    assert list(KnownFacts.objects.values_list("account_id", "completeness")) == [(bare.north.pk, 0)]


def test_what_settles_most_comes_first_and_the_pages_hold_everybody_once(bare):
    made = [Account.objects.create(name=f"Müşteri {number}", owner=bare.elif_) for number in range(60)]
    for number, account in enumerate(made):
        snapshot(account, mrr_micros=(number // 2) * 1_000_000)
    sum(keep_known_facts(now=NOW))
    first = page(bare.ada, GapFilter(), after="", now=NOW)
    second = page(bare.ada, GapFilter(), after=first.after, now=NOW)
    seen = [row.stored.account_id for row in (*first.rows, *second.rows)]
    assert (len(first.rows), len(seen), len(set(seen)), second.after) == (50, 62, 62, "")
    worth = [row.stored.settles_micros for row in (*first.rows, *second.rows)]
    assert worth == sorted(worth, reverse=True)
    assert {one.key: one.accounts for one in totals(bare.ada)}["usage"] == 62
    assert [row.stored.account_id for row in page(bare.ada, GapFilter(kind="owner"), after="", now=NOW).rows] == []


def test_a_row_that_was_filled_since_says_so(client, bare):
    sum(keep_known_facts(now=timezone.now()))
    today = timezone.localdate()
    snapshot(bare.boga, last_seen_on=today, last_touch_at=timezone.now(), mrr_micros=1_000_000, renews_on=today + days(9))
    answer(bare.boga, 8, at=timezone.now() - days(1))
    Contact.objects.filter(account=bare.boga).update(role="champion")
    client.force_login(bare.elif_)
    html = client.get(reverse("metrics:gaps")).content.decode()
    assert "filled by now" in html
    assert "Facts about this account: 100 of 100" in client.get(reverse("metrics:use", args=[bare.boga.pk])).content.decode()


def test_the_list_is_of_the_own_book(client, bare, django_assert_max_num_queries):
    sum(keep_known_facts(now=timezone.now()))
    address = reverse("metrics:gaps")
    client.force_login(bare.elif_)
    with django_assert_max_num_queries(22):
        html = client.get(address, {"kind": "usage", "owner": "me", "segment": "x\x00", "after": "no~key"}).content.decode()
    html = client.get(address).content.decode()
    assert bare.boga.name in html
    assert bare.north.name not in html
    for user in (bare.deniz, bare.ana):
        client.force_login(user)
        assert client.get(address).status_code == 403
    client.logout()
    assert client.get(address).headers["Location"].startswith("/login/")
