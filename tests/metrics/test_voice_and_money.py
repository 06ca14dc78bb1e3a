"""Score bands against money: the score before, the money after; sums that agree with the MRR bridge."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, Contact, Subscription
from metrics.kpis.engine import answer
from metrics.kpis.question import WrongQuestion
from metrics.models import HealthModel, HealthScore
from metrics.voice_and_money.bands import accounts_in, bands
from metrics.voice_and_money.page import money_page, monthly, question_at
from tests.metrics.health_facts import answer as answered

pytestmark = pytest.mark.django_db
DAY = dt.date(2025, 1, 1)
AT = dt.datetime.combine(DAY, dt.time(), tzinfo=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
MOMENT, YEAR = dt.timedelta(seconds=1), dt.timedelta(days=365)


def customer(number, amount=100, *, lost_after=None, owner=None, **fields):
    """An account that pays `amount` a month from before the date; it leaves so many days after it."""
    account = Account.objects.create(external_id=f"c{number}", name=f"C {number}", owner=owner, **fields)
    end = AT + dt.timedelta(days=lost_after) if lost_after is not None else None
    Subscription.objects.create(account=account, start=AT - dt.timedelta(days=400), end=end, amount=amount, currency="EUR")
    return account


def found(cast, kind="nps", now=NOW, day=DAY):
    return {band.band: band for band in bands(kind, question_at(day, now=now, user=cast.ada))}


def test_only_answers_before_the_date_make_the_band_and_only_money_after_it_counts(cast):
    account = customer(1, lost_after=30)
    answered(account, 10, at=AT - MOMENT)
    # the date itself and what came after it must not be known yet
    answered(account, 0, at=AT)
    answered(account, 0, at=AT + dt.timedelta(days=3))
    long_ago = customer(2)
    answered(long_ago, 10, at=AT - YEAR - MOMENT)
    gone_before = customer(3, lost_after=-10)
    answered(gone_before, 0, at=AT - dt.timedelta(days=20))
    late = customer(4, lost_after=500)
    answered(late, 10, at=AT - YEAR)
    told = found(cast)
    assert {name: (band.customers, band.churned) for name, band in told.items()} == {"detractor": (0, 0), "passive": (0, 0), "promoter": (2, 1), "silent": (1, 0)}


def test_the_same_date_asked_later_keeps_its_bands_whatever_was_answered_since(cast):
    account = customer(1)
    answered(account, 9, at=AT - dt.timedelta(days=5))
    before = {name: band.customers for name, band in found(cast, now=AT + dt.timedelta(days=10)).items()}
    answered(account, 1, at=AT + dt.timedelta(days=20))
    assert {name: band.customers for name, band in found(cast).items()} == before == {"detractor": 0, "passive": 0, "promoter": 1, "silent": 0}


def test_the_latest_answer_of_each_person_makes_the_mean_and_halves_go_up(cast):
    account = customer(1)
    ayse, bora = (Contact.objects.create(account=account, external_id=name, name=name, email=f"{name}@c.test") for name in ("ayse", "bora"))
    answered(account, 0, at=AT - dt.timedelta(days=60), contact=ayse)
    answered(account, 10, at=AT - dt.timedelta(days=30), contact=ayse)
    answered(account, 7, at=AT - dt.timedelta(days=40), contact=bora)
    told = found(cast)
    # 10 and 7 are 8.5, which is 9
    assert (told["promoter"].customers, told["promoter"].answers) == (1, 2)


def test_what_does_not_count_makes_no_band(cast):
    for number, fields in enumerate(({"is_suspect": True}, {"test": True}, {"respondent": "other"}, {"scale": (1, 10)})):
        answered(customer(number), 10, at=AT - MOMENT, **fields)
    assert found(cast)["silent"].customers == 4


def test_a_scale_whose_low_end_is_good_is_mirrored_for_satisfaction(cast):
    answered(customer(1), 1, kind="csat", at=AT - MOMENT, direction="low_good")
    assert found(cast, "csat")["satisfied"].customers == 1


def test_the_bands_add_up_to_the_bridge(cast):
    for number in range(6):
        account = customer(number, 100 + number, lost_after=60 if number % 3 == 0 else None)
        answered(account, (2, 7, 9)[number % 3], at=AT - MOMENT)
        if number == 4:
            Subscription.objects.create(account=account, start=AT + dt.timedelta(days=9), amount=50, currency="EUR")
    customer(9, 40)
    told = found(cast).values()
    parts = answer(name="mrr_movements", start="2025-01-01", end="2026-01-01", now=NOW)["parts"]
    sums = {name: sum(getattr(band, name) for band in told) for name in ("opening", "churned_mrr", "expansion", "contraction", "customers", "churned")}
    assert sums == {
        "opening": Decimal(parts["opening"]), "churned_mrr": Decimal(parts["churned"]), "expansion": Decimal(parts["expansion"]), "contraction": Decimal(parts["contraction"]),
        "customers": parts["customers_start"], "churned": parts["customers_churned"],
    }  # fmt: skip
    assert {band.band: (band.expanded, band.expansion) for band in told}["passive"] == (1, Decimal(50))


def test_health_is_the_band_of_the_day_before(cast):
    model = HealthModel.objects.first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT vefa_ensure_months('metrics_healthscore', %s, %s)", [DAY - dt.timedelta(days=31), DAY])
    account = customer(1)
    for day, band in ((DAY - dt.timedelta(days=1), "at_risk"), (DAY, "healthy"), (DAY - dt.timedelta(days=9), "watch")):
        HealthScore.objects.create(account=account, day=day, model=model, score=3000, band=band, confidence=100, raws=[], contributions=[], computed_at=AT)
    assert found(cast, "health")["at_risk"].customers == 1


def test_a_share_over_months_is_the_share_a_month_that_comes_to_it():
    assert monthly(Decimal("0.75"), Decimal(2)) == Decimal("0.5")
    assert (monthly(Decimal(0), Decimal(12)), monthly(Decimal(1), Decimal(12)), monthly(Decimal("0.5"), Decimal(0))) == (0, 1, None)


def test_too_few_customers_show_no_share_and_a_lifetime_value_stands_on_the_churn_of_the_band(cast):
    for number in range(8):
        answered(customer(number, lost_after=100 if number < 2 else None), 3, at=AT - MOMENT)
    answered(customer(20), 10, at=AT - MOMENT)
    page = money_page("nps", question_at(DAY, now=NOW, user=cast.ada), rows_url="/x/", query="q=1")
    lines = {line.band: line for line in page.lines}
    assert (lines["promoter"].few, lines["promoter"].churn.value, lines["promoter"].customers) == (True, "", 1)
    # 2 of 8 in 12 months (365 days of 30.4375): 1 - 0.75 ** (1 / 11.992) = 2.37 % a month; 100 / 0.0237
    assert (lines["detractor"].churn.value, lines["detractor"].churn.count, lines["detractor"].wide) == ("25%", 2, True)
    assert lines["detractor"].clv.number == pytest.approx(100 / (1 - 0.75 ** (30.4375 / 365)), rel=1e-9)


def test_a_day_that_is_not_over_is_refused(cast):
    with pytest.raises(WrongQuestion):
        question_at(dt.date(2026, 6, 2), now=NOW, user=cast.ada)


def test_the_accounts_of_a_cell_come_in_pages_in_the_readers_scope(cast):
    accounts = [customer(number, 100 + number, owner=cast.elif_ if number else cast.can) for number in range(3)]
    for account in accounts:
        answered(account, 9, at=AT - MOMENT)
    question = question_at(DAY, now=NOW, user=cast.elif_)
    first = accounts_in("nps", question, band="promoter", side="all", size=1)
    rest = accounts_in("nps", question, band="promoter", side="all", after=(first[0].opening, first[0].account_id))
    assert [row.account_id for row in [*first, *rest]] == [accounts[2].pk, accounts[1].pk]
    with pytest.raises(WrongQuestion):
        accounts_in("nps", question, band="healthy", side="all")


def test_the_page_is_kept_while_its_facts_stand_and_each_reader_has_a_head_of_their_own(client, cast):
    cache.clear()
    customer(1)
    address = reverse("metrics:voice_money")

    def statements(user):
        client.force_login(user)
        with CaptureQueriesContext(connection) as found:
            page = client.get(address)
        assert user.name in page.content.decode()
        return sum("banded" in query["sql"] for query in found)

    assert (statements(cast.ada), statements(cast.ada), statements(cast.vera)) == (1, 0, 1)
