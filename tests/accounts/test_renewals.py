"""Renewals are told once, sixty days before; snoozed work wakes when its time has come."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.actions.renewals import record_due_renewals
from accounts.actions.work_items import open_work_item, snooze_work_item
from accounts.models import AccountEvent, Subscription, WorkItem
from accounts.sentences import why
from accounts.tasks import tick

TODAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


def span(cast, start, end=None, **rest):
    midnight = [dt.datetime.combine(day, dt.time(), dt.UTC) if day else None for day in (start, end)]
    terms = {"account": cast.boga, "currency": "EUR", "amount": 1200, "interval": "year", "external_id": f"s{Subscription.objects.count()}"}
    return Subscription.objects.create(**{**terms, "start": midnight[0], "end": midnight[1], **rest})


def due(now=NOW, today=TODAY):
    record_due_renewals(now=now, today=today)
    return [(event.payload["renews_at"], event.payload["days"]) for event in AccountEvent.objects.filter(kind="subscription.renewal_due").order_by("pk")]


@pytest.mark.parametrize(
    ("start", "terms", "renewal"),
    [
        (dt.date(2025, 4, 1), {}, ("2026-04-01", 30)),
        (dt.date(2023, 5, 1), {}, ("2026-05-01", 60)),
        (dt.date(2023, 5, 2), {}, None),
        (dt.date(2023, 3, 1), {}, None),
        (dt.date(2023, 3, 2), {}, ("2026-03-02", 0)),
        (dt.date(2026, 3, 2), {}, None),
        (dt.date(2025, 11, 30), {"interval": "quarter"}, None),
        (dt.date(2025, 12, 31), {"interval": "quarter"}, ("2026-03-31", 29)),
        (dt.date(2025, 10, 10), {"interval": "half_year"}, ("2026-04-10", 39)),
        (dt.date(2024, 4, 10), {"interval": "month", "interval_count": 12}, ("2026-04-10", 39)),
        (dt.date(2025, 4, 1), {"interval": "month"}, None),
        (dt.date(2025, 4, 1), {"interval": "year", "interval_count": 2}, None),
        (dt.date(2024, 4, 1), {"interval": "year", "interval_count": 2}, ("2026-04-01", 30)),
        (dt.date(2025, 1, 15), {"end": dt.date(2026, 3, 12), "interval": "month"}, ("2026-03-12", 10)),
        (dt.date(2025, 1, 15), {"end": dt.date(2026, 7, 1)}, None),
        (dt.date(2024, 4, 1), {"end": dt.date(2026, 2, 28)}, None),
        (dt.date(2025, 4, 1), {"cancelled_at": NOW}, None),
        (dt.date(2025, 4, 1), {"status": "trialing"}, None),
        (dt.date(2025, 4, 1), {"amount": 0}, None),
    ],
)
def test_the_renewal_is_the_end_or_the_next_anniversary_of_long_terms(cast, start, terms, renewal):
    span(cast, start, **terms)
    assert due() == ([renewal] if renewal else [])


def test_a_renewal_is_told_once_and_the_next_one_again(cast):
    kept = span(cast, dt.date(2025, 4, 1))
    assert due() == due(NOW + dt.timedelta(days=1), TODAY + dt.timedelta(days=1)) == [("2026-04-01", 30)]
    event = AccountEvent.objects.get(kind="subscription.renewal_due")
    assert (event.origin, event.account, event.subject_id, event.payload["subscription"]) == ("app", cast.boga, str(kept.pk), kept.subscription)
    assert due(NOW.replace(year=2027), TODAY.replace(year=2027)) == [("2026-04-01", 30), ("2027-04-01", 30)]


def test_test_accounts_and_lost_customers_do_not_renew(cast):
    span(cast, dt.date(2025, 4, 1))
    span(cast, dt.date(2025, 4, 1), account=cast.north)
    cast.boga.excluded = True
    cast.boga.save()
    cast.north.churned_at = NOW - dt.timedelta(days=3)
    cast.north.save()
    assert due() == []


def test_a_tick_wakes_what_is_due_and_looks_for_renewals_once_an_hour(cast):
    now = timezone.now()
    item, _new = open_work_item(account_id=cast.boga.pk, type="risk", reason="x", why=why("all_well"), now=now, due_at=now)
    snooze_work_item(item_id=item.pk, until=now + dt.timedelta(hours=1), reason="", now=now)
    WorkItem.objects.update(snoozed_until=now - dt.timedelta(minutes=1))
    span(cast, now.date() - dt.timedelta(days=335))
    # the ledger of months is built a range at a time, from the first tick on
    assert tick() == {"woken": 1, "ranked": 0, "batches": 0, "recovered": 0, "renewals": 1, "ended": 0, "forgotten": 0, "months": 1}
    assert tick() == {"woken": 0, "ranked": 0, "batches": 0, "months": 0}
    item.refresh_from_db()
    assert item.status == "open"
