"""An end that was planned is told when it comes, once, and by nobody else's hand."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.actions.ended_subscriptions import record_ended_subscriptions
from accounts.models import AccountDirty, AccountEvent, Subscription

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
pytestmark = pytest.mark.django_db


def span(cast, end, *, written=NOW - dt.timedelta(days=400), start=NOW - dt.timedelta(days=300), **terms):
    made = Subscription.objects.create(**{"account": cast.boga, "start": start, "end": end, "currency": "EUR", "amount": 10, **terms})
    Subscription.objects.filter(pk=made.pk).update(created_at=written)
    return made


def told():
    return list(AccountEvent.objects.filter(kind="subscription.ended").order_by("pk").values_list("subject_id", "occurred_at", "payload__reason"))


def test_an_end_is_told_when_it_has_come_and_once(cast):
    ended = span(cast, NOW - HOUR, end_reason="price")
    span(cast, NOW + HOUR, subscription="other")
    AccountDirty.objects.all().delete()
    assert record_ended_subscriptions(now=NOW) == 1
    assert record_ended_subscriptions(now=NOW) == 0
    assert told() == [(str(ended.pk), NOW - HOUR, "price")]
    assert set(AccountDirty.objects.values_list("account_id", flat=True)) == {cast.boga.pk}


def test_an_end_that_goes_on_in_the_next_span_is_none(cast):
    span(cast, NOW - HOUR, subscription="plan")
    span(cast, None, subscription="plan", start=NOW - HOUR)
    assert record_ended_subscriptions(now=NOW) == 0


@pytest.mark.parametrize(
    ("end", "written"),
    [
        (NOW - HOUR, NOW),  # written when it had passed: its writer tells it
        (NOW - dt.timedelta(days=31), NOW - dt.timedelta(days=90)),  # too long ago to be news
    ],
)
def test_old_ends_are_not_told_as_news(cast, end, written):
    span(cast, end, written=written)
    assert record_ended_subscriptions(now=NOW) == 0


def test_an_end_that_was_told_by_its_writer_is_not_told_again(cast):
    ended = span(cast, NOW - HOUR)
    AccountEvent.objects.create(
        account=cast.boga,
        kind="subscription.ended",
        occurred_at=NOW - HOUR,
        recorded_at=NOW,
        origin="import",
        subject_type="subscription",
        subject_id=str(ended.pk),
        dedupe_key="x",
    )
    assert record_ended_subscriptions(now=NOW) == 0
