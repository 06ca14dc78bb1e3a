"""The ledger by month answers exactly what the spans answer, for random histories; and it is never behind."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.actions.month_build import build_months, is_whole, merge_totals
from accounts.actions.subscriptions import change_subscription, create_subscription
from accounts.models import Account, ChurnMonth, ExchangeRate, LedgerRange, MrrMonth, Segment, SegmentMembership, Subscription
from metrics.kpis.engine import WrongQuestion, answer
from metrics.ledger import statements
from metrics.ledger.trailing import trailing

pytestmark = pytest.mark.django_db
ZONE = zoneinfo.ZoneInfo("Europe/Istanbul")
NOW = dt.datetime(2024, 12, 15, 9, tzinfo=dt.UTC)
KPIS = (
    ("mrr", None), ("arr", None), ("arpa", None), ("mrr_movements", None), ("grr", None), ("nrr", None), ("quick_ratio", None), ("quick_ratio", "with_reactivation"),
    ("gross_mrr_churn", None), ("net_mrr_churn", "with_reactivation"), ("logo_churn", None), ("customers_lost", None), ("customer_retention_rate", None),
)  # fmt: skip
START, END = "2024-02-01", "2024-12-01"
BOUNDARIES = [dt.datetime(2024, month, 1, tzinfo=ZONE) for month in (2, 3, 4, 6, 10)]
# instants at, just around and between the ends of months, and close to one another
instants = st.one_of(
    st.sampled_from(BOUNDARIES),
    st.builds(lambda at, minutes: at + dt.timedelta(minutes=minutes), st.sampled_from(BOUNDARIES), st.sampled_from([-70, -40, -20, -1, 1, 30, 50, 80])),
    st.builds(lambda days, hours: dt.datetime(2023, 12, 20, 3, tzinfo=ZONE) + dt.timedelta(days=days, hours=hours), st.integers(0, 360), st.sampled_from([0, 1, 12])),
)
maybe = st.none() | instants


@st.composite
def span(draw):
    start = draw(instants)
    end = draw(st.none() | instants.filter(lambda at: at >= start))
    paused = draw(st.none() | st.tuples(instants, maybe))
    if paused and paused[1] is not None and paused[1] < paused[0]:
        paused = (paused[1], paused[0])
    return {
        "start": start, "end": end, "trial_until": draw(st.none() | st.none() | instants), "unpaid_at": draw(st.none() | st.none() | instants),
        "paused_from": paused[0] if paused else None, "paused_until": paused[1] if paused else None, "past_due_since": draw(st.none() | st.none() | instants),
        "status": draw(st.sampled_from(["active"] * 6 + ["trialing", "unpaid", "paused", "past_due"])), "amount": draw(st.sampled_from([0, 10, 10, 30, "12.34"])),
        "currency": draw(st.sampled_from(["EUR", "EUR", "EUR", "USD", "TRY"])), "voluntary": draw(st.sampled_from([None, None, True, False])),
        "end_reason": draw(st.sampled_from(["", "price", "payment_failure"])), "interval": draw(st.sampled_from(["month", "year"])),
    }  # fmt: skip


@pytest.fixture
def utc():
    return lambda *parts: dt.datetime(*parts, tzinfo=dt.UTC)


customer = st.fixed_dictionaries(
    {
        "spans": st.lists(span(), max_size=4), "excluded": st.sampled_from([False] * 8 + [True]), "plan": st.sampled_from(["", "Pro"]),
        "business_model": st.sampled_from(["subscription"] * 8 + ["ecommerce"]), "moves": st.lists(st.tuples(instants, st.sampled_from(["vip", "core", None])), max_size=3),
    }
)  # fmt: skip
rates = st.lists(
    st.tuples(st.sampled_from(["USD", "TRY"]), st.sampled_from(["2023-12-01", "2024-02-01", "2024-03-15", "2024-06-01"]), st.sampled_from(["0.9", "0.925", "0.03"])), max_size=4
)


def put(customers, stored_rates):
    segments = {segment.key: segment for segment in Segment.objects.all()}
    for currency, day, rate in {row[:2]: row for row in stored_rates}.values():
        ExchangeRate.objects.create(currency=currency, day=day, rate=Decimal(rate))
    for number, told in enumerate(customers):
        account = Account.objects.create(external_id=f"c{number}", name="x", excluded=told["excluded"], plan=told["plan"], business_model=told["business_model"])
        SegmentMembership.objects.filter(account=account).delete()
        for index, terms in enumerate(told["spans"]):
            Subscription.objects.create(account=account, external_id=f"{number}-{index}", **{**terms, "amount": Decimal(str(terms["amount"]))})
        moves = sorted(dict(told["moves"]).items())
        for place, (at, key) in enumerate(moves):
            if key is not None:
                until = moves[place + 1][0] if place + 1 < len(moves) else None
                SegmentMembership.objects.create(account=account, segment=segments[key], valid_from=at, valid_to=until)


def compare(interval, **more):
    """The series, and each of its pieces by the exact path (a single piece of no stored ledger)."""
    for name, variant in KPIS:
        asked = {"name": name, "variant": variant, **more}
        series = answer(**asked, start=START, end=END, interval=interval, now=NOW)["series"]
        stored = LedgerRange.objects.all()
        kept = list(stored)
        stored.delete()
        pieces = [answer(**{**asked, "start": piece["start"], "end": piece["end"]}, now=NOW) for piece in series]
        LedgerRange.objects.bulk_create(kept)
        for told, piece in zip(series, pieces, strict=True):
            assert {k: (v, piece[k]) for k, v in told.items() if v != piece[k]} == {}, (name, variant, more, interval, piece["start"])


def compare_cohorts(**more):
    """The cohorts of a period from the stored ledger, and from the spans."""
    asked = {"name": "cohort_retention", "variant": "active_at_period_end", "params": {"periods": "6"}, "start": "2024-01-15", "end": "2024-11-20", "now": NOW, **more}
    told, kept = answer(**asked), list(LedgerRange.objects.all())
    LedgerRange.objects.all().delete()
    assert answer(**asked) == told, more
    LedgerRange.objects.bulk_create(kept)


def compare_trailing(**more):
    """Retention over the trailing months, and each of its pieces by the exact path."""
    for name in ("nrr", "grr"):
        series = trailing(name=name, start="2024-05-01", end="2025-01-01", months=5, now=NOW, **more)["series"]
        kept = list(LedgerRange.objects.all())
        LedgerRange.objects.all().delete()
        pieces = [answer(name=name, start=piece["start"], end=piece["end"], now=NOW, **more) for piece in series]
        LedgerRange.objects.bulk_create(kept)
        assert [piece["end"] for piece in series][::7] == ["2024-06-01", "2025-01-01"]
        for told, piece in zip(series, pieces, strict=True):
            # a group of newcomers alone has nothing to retain: it may be left out
            for each in (told, piece):
                each["groups"] = [group for group in each.get("groups", ()) if group["denominator"] != "0"]
            assert {k: (v, piece[k]) for k, v in told.items() if v != piece[k]} == {}, (name, more, piece["start"])


ASKED = (
    {}, {"by": "segment"}, {"by": "plan"}, {"segment": "vip"}, {"filters": {"segment": ["vip", ""]}, "by": "segment"}, {"filters": {"plan": ""}, "segment": "core", "by": "plan"}, {"scope": 2},
)  # fmt: skip


@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    customers=st.lists(customer, min_size=1, max_size=6),
    stored_rates=rates,
    interval=st.sampled_from(["month", "quarter", "year"]),
    built=st.booleans(),
    one_currency=st.booleans(),
    how=st.sampled_from(ASKED),
)
def test_series_of_random_histories_are_those_of_the_exact_path(customers, stored_rates, interval, built, one_currency, how):
    more = dict(how)
    for terms in (terms for told in customers for terms in told["spans"] if one_currency):
        terms["currency"] = "EUR"
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key):
        put(customers, stored_rates)
        if built:
            build_months(now=NOW)
            assert is_whole()
        if more.pop("scope", None):
            more["accounts"] = list(Account.objects.order_by("pk").values_list("pk", flat=True)[:2])
        compare(interval, **more)
        compare_trailing(**more)
        compare_cohorts(**more)
        transaction.set_rollback(True)


def test_the_months_follow_every_change_in_its_transaction(utc):
    acme = Account.objects.create(external_id="acme", name="Acme")
    span = create_subscription(fields={"account": acme, "start": utc(2024, 2, 10), "amount": Decimal(50), "currency": "EUR"}, actor=None, now=NOW)
    build_months(now=NOW)
    rows = MrrMonth.objects.order_by("month").values_list("month", "delta_micros", "balance_micros", "kind")
    assert list(rows) == [(2024 * 12 + 1, 50_000_000, 50_000_000, MrrMonth.Kind.NEW)]
    change_subscription(span_id=span.pk, fields={"end": utc(2024, 5, 1), "end_reason": "price", "voluntary": False}, actor=None, now=NOW)
    # the first moment without service is the first of May
    assert list(rows.all())[1:] == [(2024 * 12 + 4, -50_000_000, 0, MrrMonth.Kind.CHURNED)]
    assert list(ChurnMonth.objects.values_list("month", "events", "involuntary")) == [(2024 * 12 + 4, 1, True)]
    assert answer(name="customers_lost", start="2024-05-01", end="2024-06-01", now=NOW)["parts"]["involuntary"] == 1


def test_a_build_goes_on_where_it_was_stopped_and_begins_again_for_another_zone(utc, settings):
    acme = Account.objects.create(external_id="acme", name="Acme")
    create_subscription(fields={"account": acme, "start": utc(2024, 3, 31, 22), "amount": Decimal(50), "currency": "EUR"}, actor=None, now=NOW)
    build_months(now=NOW)
    LedgerRange.objects.update(done_at=None)
    MrrMonth.objects.all().delete()
    assert not is_whole()
    assert build_months(now=NOW) == 1
    assert build_months(now=NOW) == 0
    assert MrrMonth.objects.get().month == 2024 * 12 + 2
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    # an hour past midnight there: already April
    assert not is_whole()
    assert build_months(now=NOW) == 1
    assert (MrrMonth.objects.get().month, LedgerRange.objects.values_list("zone", flat=True).distinct().get()) == (2024 * 12 + 3, "Europe/Istanbul")


@pytest.mark.parametrize(("more", "said"), [({"name": "mrr"}, "no trailing months"), ({"start": "2024-05-02"}, "begin and end with a month"), ({"months": 0}, "months=0")])
def test_trailing_months_that_make_no_sense_are_refused(more, said):
    with pytest.raises(WrongQuestion, match=said):
        trailing(**{"name": "nrr", "start": "2024-05-01", "end": "2024-08-01", "now": NOW, **more})


def totals():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_mrrtotal")
        (notes,) = cursor.fetchone()
        cursor.execute("SELECT month, currency, kind, sum(delta_micros), sum(accounts) FROM accounts_mrrtotal GROUP BY 1, 2, 3 HAVING sum(accounts) <> 0 ORDER BY 1, 2, 3")
        return notes, cursor.fetchall()


def test_the_totals_of_the_ledger_are_its_sums_whatever_is_written(utc, monkeypatch):
    acme = Account.objects.create(external_id="acme", name="Acme")
    shop = Account.objects.create(external_id="shop", name="Shop")
    span = create_subscription(fields={"account": acme, "start": utc(2024, 2, 10), "amount": Decimal(50), "currency": "EUR"}, actor=None, now=NOW)
    create_subscription(fields={"account": shop, "start": utc(2024, 2, 20), "amount": Decimal(30), "currency": "EUR"}, actor=None, now=NOW)
    february, may = 2024 * 12 + 1, 2024 * 12 + 4
    assert totals()[1] == [(february, "EUR", MrrMonth.Kind.NEW, 80_000_000, 2)]
    change_subscription(span_id=span.pk, fields={"end": utc(2024, 5, 1)}, actor=None, now=NOW)
    # rewritten rows are taken away and added again
    after = [(february, "EUR", MrrMonth.Kind.NEW, 80_000_000, 2), (may, "EUR", MrrMonth.Kind.CHURNED, -50_000_000, 1)]
    assert totals()[1] == after
    assert totals()[0] > len(after)
    monkeypatch.setattr("accounts.actions.month_build._NOTES", 2)
    merge_totals()
    assert totals() == (2, after)
    MrrMonth.objects.filter(account_id=shop.pk).update(delta_micros=10_000_000)
    assert totals()[1][0] == (february, "EUR", MrrMonth.Kind.NEW, 60_000_000, 2)
    MrrMonth.objects.all().delete()
    assert totals()[1] == []
    merge_totals()
    assert totals() == (0, [])


def test_who_is_excluded_is_taken_from_the_totals_at_once(utc):
    for name, amount in (("acme", 50), ("ours", 7)):
        account = Account.objects.create(external_id=name, name=name)
        create_subscription(fields={"account": account, "start": utc(2024, 2, 10), "amount": Decimal(amount), "currency": "EUR"}, actor=None, now=NOW)
    build_months(now=NOW)

    def opened():
        return [piece["parts"]["new"] for piece in answer(name="mrr_movements", start="2024-02-01", end="2024-05-01", interval="month", now=NOW)["series"]]

    assert opened() == ["57", "0", "0"]
    Account.objects.filter(external_id="ours").update(excluded=True)
    assert opened() == ["50", "0", "0"]


@pytest.mark.django_db(transaction=True)
def test_two_connections_answer_what_one_answers(utc, monkeypatch):
    for number in range(4):
        account = Account.objects.create(external_id=f"c{number}", name="x")
        terms = {"account": account, "start": utc(2024, 2, 10 + number), "end": utc(2024, 6 + number, 1), "amount": Decimal(10 + number), "currency": "EUR"}
        create_subscription(fields=terms, actor=None, now=NOW)

    def told():
        # the months from the spans first, then the stored ones
        LedgerRange.objects.all().delete()
        series = answer(name="mrr_movements", start="2024-02-01", end="2024-12-01", interval="month", now=NOW)["series"]
        build_months(now=NOW)
        return series, trailing(name="nrr", start="2024-05-01", end="2024-12-01", months=3, by="segment", now=NOW)["series"]

    alone, halves = told(), []
    monkeypatch.setattr(statements, "RANGE", 1)
    beside = statements._beside
    monkeypatch.setattr(statements, "_beside", lambda *asked: halves.append(beside(*asked)) or halves[-1])
    assert told() == alone
    assert any(halves)

    def refused(*_asked):
        raise OperationalError("no connection to be had")

    monkeypatch.setattr(statements, "_beside", refused)
    assert told() == alone
