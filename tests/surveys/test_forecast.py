"""The forecast of 90 days: rhythms and renewals as they will be decided, what is stored, reminders, answers to expect."""

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actions.renewals import record_due_renewals
from accounts.models import Account, Contact, Subscription
from surveys.actions import forecasting
from surveys.actions.planning import plan
from surveys.models import Invitation, Touchpoint
from surveys.queries.forecast import work_out
from tests.api_client import ApiClient
from tests.surveys.making import LONG_AGO, NOW, activate, happens, planned

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def quiet(cast):
    """Nothing is active."""
    cache.clear()
    Touchpoint.objects.update(activated_at=None)
    return cast


def people(count):
    accounts = Account.objects.bulk_create(
        [Account(external_id=f"a{number}", name=f"A {number}", time_zone=["Asia/Tokyo", "America/New_York", ""][number % 3]) for number in range(count)]
    )
    return Contact.objects.bulk_create([Contact(external_id=f"c{row.external_id}", account=row, email=f"{row.external_id}@x.test", opted_out=row.pk % 9 == 0) for row in accounts])


def test_a_rhythm_is_foreseen_as_it_is_then_planned(quiet):
    people(80)
    rhythm = Touchpoint.objects.get(event_kind="")
    Touchpoint.objects.filter(pk=rhythm.pk).update(activated_at=LONG_AGO, every_days=40, cool_down_days=30)
    start = NOW.replace(hour=0)
    found = work_out(now=start, accounts=None, days=30)
    before = Invitation.objects.count()
    for day in range(31):
        plan(as_of=start + day * DAY)
    made = Counter(at.date() for at in Invitation.objects.filter(status="planned").values_list("not_before", flat=True) if at.date() < start.date() + 30 * DAY)
    assert before == 0
    assert Counter({day: count for (day, _key), count in found.foreseen.items()}) == made
    assert sum(made.values()) > 40
    refused = Invitation.objects.filter(status="skipped", skip_reason="no_consent", decided_at__lt=start + 31 * DAY).count()
    assert found.held_back[rhythm.key, "no_consent"] == refused


def test_a_renewal_is_foreseen_on_the_day_on_which_it_will_be_told(quiet):
    Touchpoint.objects.filter(key="renewal-due").update(activated_at=LONG_AGO, delay_minutes=0)
    start = NOW - 365 * DAY + 100 * DAY
    Subscription.objects.create(
        external_id="s", account=quiet.boga, subscription="s", start=start, amount=1200, currency="EUR", interval="year", status="active", mrr_micros=100_000_000
    )
    found = work_out(now=NOW, accounts=None)
    ((day, key),) = [entry for entry, count in found.foreseen.items() if count]
    assert key == "renewal-due"
    # told 60 days before the anniversary, at a decent hour of the main contact
    told = NOW + 40 * DAY
    assert dt.timedelta(0) <= dt.datetime.combine(day, dt.time(), dt.UTC) - told.replace(hour=0) <= 3 * DAY
    assert [name for _id, name, *_rest in found.people[day]] == [quiet.boga.name]
    assert record_due_renewals(now=told, today=told.date()) == 1
    plan(as_of=told)
    assert [row.not_before.date() for row in Invitation.objects.all()] == [day]
    assert sum(work_out(now=NOW, accounts=frozenset({quiet.north.pk})).foreseen.values()) == 0


def test_what_is_stored_counts_on_its_day_and_reminders_and_answers_follow(quiet):
    activate(reminder_after_days=4, delay_minutes=0)
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    for number in range(20):
        planned(
            quiet.harry,
            at=NOW - 60 * DAY,
            status="answered" if number < 5 else "sent",
            sent_at=NOW - 60 * DAY,
            answered_at=NOW - 59 * DAY if number < 5 else None,
            wave=str(number),
        )
    planned(quiet.selin, at=NOW + 3 * DAY)
    out = planned(quiet.selin, at=NOW - DAY, status="sent", sent_at=NOW - DAY, wave="out")
    found = work_out(now=NOW, accounts=None)
    assert found.planned == {((NOW + 3 * DAY).date(), "ticket-solved"): 1}
    assert found.rates["ticket-solved"] == Decimal(5) / 21
    assert found.expected((NOW + 3 * DAY).date()) == Decimal(5) / 21
    # out since Monday: the fourth day is a Friday; the planned one of Friday is reminded of on Tuesday, by three in four
    assert found.reminders[(out.sent_at + 4 * DAY).date(), "ticket-solved"] == 1
    assert found.reminders[(NOW + 7 * DAY).date(), "ticket-solved"] == 1


def test_a_large_base_is_looked_at_by_a_share_and_scaled_up(quiet, monkeypatch):
    people(120)
    Touchpoint.objects.filter(event_kind="").update(activated_at=LONG_AGO, every_days=30)
    monkeypatch.setattr(forecasting, "MOST", 120)
    found = work_out(now=NOW, accounts=None)
    assert found.share == -(-(122 * 3) // 120)
    assert all(count % found.share == 0 for count in found.foreseen.values())


def test_the_statements_do_not_grow_with_the_base(quiet):
    Touchpoint.objects.filter(event_kind="").update(activated_at=LONG_AGO, every_days=30)
    counts = []
    for more in (80, 240):
        Contact.objects.filter(external_id__startswith="ca").delete()
        Account.objects.filter(external_id__startswith="a").delete()
        people(more)
        with CaptureQueriesContext(connection) as queries:
            work_out(now=NOW, accounts=None)
        counts.append(len(queries))
    # a rule that nobody meets asks nothing, so that a few statements come and go with who is drawn
    assert counts[1] <= counts[0] + 4 < 60


def test_the_page_shows_the_calendar_and_the_people_of_a_day(client, quiet):
    activate()
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    at = timezone.now() + 5 * DAY
    planned(quiet.selin, at=at)
    planned(quiet.harry, at=at)
    happens(quiet.selin, at=timezone.now())
    client.force_login(quiet.elif_)
    page = client.get(reverse("surveys:forecast"))
    text = page.content.decode()
    assert page.context["sum"] == 1
    assert "Selin Aydın" in text
    assert "Harry" not in text
    assert "the contact was asked recently" in text
    client.force_login(quiet.ada)
    assert client.get(reverse("surveys:forecast"), {"day": "nonsense"}).context["sum"] == 2


def test_the_page_without_anything_says_how_to_begin(client, quiet):
    client.force_login(quiet.ada)
    assert "Nothing is foreseen" in client.get(reverse("surveys:forecast")).content.decode()


def test_the_api_tells_the_same_for_the_accounts_in_scope(quiet):
    at = timezone.now() + 5 * DAY
    planned(quiet.selin, at=at)
    told = ApiClient(quiet.elif_).get("/touchpoints/forecast/").json()
    assert [(day["mails"], day["reminders"]) for day in told["days"]] == [({"ticket-solved": 1}, 0)]
    assert ApiClient(quiet.can).get("/touchpoints/forecast/").json()["days"] == []
    assert ApiClient(quiet.ana).get("/touchpoints/forecast/").json()["days"] == []
