"""What is read for many figures at once is what each would read for itself, for random histories."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Account, LedgerRange, Subscription, Transaction
from metrics.formulas.survival import Step, kaplan_meier
from metrics.kpis import return_on_experience
from metrics.kpis.changes import Losses, histories, losses, losses_of
from metrics.kpis.cohorts import _revenue
from metrics.kpis.dimensions import fetch
from metrics.kpis.earning import earners, earning_ranges
from metrics.kpis.engine import answer, ask
from metrics.kpis.lifetime_value import closed_months
from metrics.kpis.readings import one_reading
from metrics.kpis.return_on_experience import lost_and_kept, lost_in, months_of
from metrics.kpis.revenue import MICROS
from metrics.kpis.shoppers import lapsed, shoppers
from metrics.kpis.tenure import tenures
from tests.metrics.test_ledger import NOW, ZONE, customer, instants, put, rates

RANDOM = settings(
    max_examples=12, deadline=None, phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
PERIOD = {"start": "2024-02-10", "end": "2024-12-10", "now": NOW}


def plain(rows):
    """The curve step by step in decimals, as the definition says it."""
    counts = {}
    for time, ended, censored in rows:
        held = counts.setdefault(time, [0, 0])
        held[0], held[1] = held[0] + ended, held[1] + censored
    at_risk, level, hazard, steps = sum(ended + censored for ended, censored in counts.values()), Decimal(1), Decimal(0), []
    for time, (ended, censored) in sorted(counts.items()):
        if ended:
            level *= Decimal(at_risk - ended) / at_risk
            hazard += Decimal(ended) / (at_risk * (at_risk - ended)) if at_risk > ended else 0
            steps.append(Step(time, level, hazard))
        at_risk -= ended + censored
    return steps


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 3), st.integers(0, 3)), max_size=60), st.sampled_from([1, 1000, Decimal("30.4375")]))
def test_a_curve_in_whole_numbers_is_the_one_in_decimals(rows, per):
    per, tiny = Decimal(per), Decimal("1e-20")
    slow, curve = plain([(Decimal(time) / per, ended, censored) for time, ended, censored in rows]), kaplan_meier(rows, per=per)
    assert [step.time for step in curve.steps] == [step.time for step in slow]
    assert all(abs(mine.survival - step.survival) < tiny and abs(mine.hazard_variance - step.hazard_variance) < tiny for mine, step in zip(curve.steps, slow, strict=True))
    assert curve.median == next((step.time for step in slow if step.survival <= Decimal("0.500000000001")), None)
    for horizon in [Decimal(0), *(step.time for step in slow[::7]), Decimal(10**12) / per]:
        area, since, level = Decimal(0), Decimal(0), Decimal(1)
        for step in slow:
            if step.time >= horizon:
                break
            area, since, level = area + level * (step.time - since), step.time, step.survival
        assert curve.mean_within(horizon) == pytest.approx(area + level * (horizon - since), rel=Decimal("1e-20"), abs=tiny)
        assert curve.at(horizon) == pytest.approx(next((step.survival for step in reversed(slow) if step.time <= horizon), Decimal(1)), abs=tiny)


@pytest.mark.django_db
@RANDOM
@given(customers=st.lists(customer, min_size=1, max_size=6), stored_rates=rates, by=st.sampled_from([None, "segment", "plan"]), segment=st.sampled_from([None, "vip"]))
def test_losses_by_month_from_the_ledger_and_of_whole_periods_are_those_of_the_spans(customers, stored_rates, by, segment):
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key), pytest.MonkeyPatch.context() as patch:
        put(customers, stored_rates)
        question = ask(name="cx_roi", segment=segment, **PERIOD)
        months = months_of(question)
        told, left = lost_in(question, by, months), lost_and_kept(question)
        patch.setattr(return_on_experience, "with_bridges", lambda questions, *_how, **_more: list(questions))
        assert lost_in(question, by, months) == told
        # one account alone, by the movements between the edges of each month
        alone = {pk: lost_in(replace(question, scope=(pk,)), None, months).get(None, []) for pk in Account.objects.values_list("pk", flat=True)}
        assert left[0] == sorted(pk for pk, counts in alone.items() if any(gone for gone, _start in counts))
        if segment is None:
            with_earners, values = earners(question, None, model="subscription")
            there = {pk for pk, earns in fetch(f"{with_earners} SELECT account_id, earns FROM earners", values) if any(months[-1][1] in stretch for stretch in earns)}
            assert left[1] == sorted(there - set(left[0]))
        transaction.set_rollback(True)


@pytest.mark.django_db
@RANDOM
@given(customers=st.lists(customer, min_size=1, max_size=6), stored_rates=rates, segment=st.sampled_from([None, "vip"]), model=st.sampled_from([None, "subscription"]))
def test_losses_summed_up_by_the_database_are_those_of_the_log(customers, stored_rates, segment, model):
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key):
        put(customers, stored_rates)
        question = ask(name="customers_lost", segment=segment, **PERIOD)
        told, log = losses_of(question, None, model=model)[None], losses(histories(question, None, model=model)).get(None) or Losses()
        assert (told.churn_events, told.events, told.lost, told.lost_mrr) == (log.churn_events, log.events, log.lost, log.lost_mrr)
        assert told.involuntary == log.involuntary
        transaction.set_rollback(True)


@pytest.mark.django_db
@RANDOM
@given(customers=st.lists(customer, min_size=1, max_size=6), stored_rates=rates, by=st.sampled_from([None, "plan"]), periods=st.integers(0, 14))
def test_cells_of_money_are_those_that_every_span_has_at_every_end_of_a_month(customers, stored_rates, by, periods):
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key):
        put(customers, stored_rates)
        question = ask(name="cohort_retention", variant="mrr_at_period_end", **PERIOD)
        with_earners, values = earners(question, by)
        cells = ", ".join(f"sum(worth) FILTER (WHERE earns @> ((month + interval '{cell + 1} months') AT TIME ZONE %(zone)s))" for cell in range(periods + 1))
        rows = fetch(
            f"""{with_earners}, spans AS (
                SELECT e.key, date_trunc('month', e.first_at AT TIME ZONE %(zone)s) AS month, {earning_ranges(question.params)} AS earns,
                       s.mrr_micros * CASE WHEN s.currency = 'EUR' THEN 1 ELSE (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = s.currency
                           AND (x.day::timestamp AT TIME ZONE %(zone)s) <= e.first_at ORDER BY x.day DESC LIMIT 1) END AS worth
                FROM earners e JOIN accounts_subscription s ON s.account_id = e.account_id WHERE s.mrr_micros > 0 AND s.start < %(known)s)
            SELECT key, month, {cells} FROM spans WHERE (month AT TIME ZONE %(zone)s) >= %(t0)s AND (month AT TIME ZONE %(zone)s) < %(t1)s GROUP BY 1, 2""",
            values,
        )
        told = {(key, row[0]): row[3] for key, found in _revenue(question, by, periods).items() for row in found}
        assert told == {(key, month.date()): [(cell or Decimal(0)) / MICROS for cell in cells] for key, month, *cells in rows}
        transaction.set_rollback(True)


@pytest.mark.django_db
@RANDOM
@given(customers=st.lists(customer, min_size=1, max_size=6), gap_days=st.sampled_from([0, 30]))
def test_a_tenure_ends_at_the_first_long_gap(customers, gap_days):
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key):
        put(customers, [])
        question = ask(name="tenure_survival", params={"gap_days": str(gap_days)}, **PERIOD)
        with_earners, values = earners(question, None)
        expected = []
        for account, earns in fetch(f"{with_earners} SELECT account_id, earns FROM earners ORDER BY 1", values):
            stretches = [(stretch.lower, stretch.upper) for stretch in earns if stretch.lower < question.until]
            end = None
            for place, (_begin, stop) in enumerate(stretches):
                end = stop
                following = stretches[place + 1][0] if place + 1 < len(stretches) else None
                if following is not None and following.astimezone(ZONE).replace(tzinfo=None) - stop.astimezone(ZONE).replace(tzinfo=None) > dt.timedelta(days=gap_days):
                    break
            if stretches:
                ended = end is not None and end < question.until
                expected.append((account, stretches[0][0], end if ended else question.until, ended))
        assert tenures(question) == expected
        transaction.set_rollback(True)


ORDERS = st.lists(
    st.tuples(st.integers(0, 3), instants, st.sampled_from(["paid", "paid", "paid", "failed", "refunded"]), st.sampled_from([0, 5, 10]), st.none() | instants), max_size=25
)  # fmt: skip


@pytest.mark.django_db
@RANDOM
@given(orders=ORDERS, by=st.sampled_from([None, "plan"]))
def test_customers_gone_quiet_in_many_months_are_those_of_each_month(orders, by):
    with transaction.atomic(), override_settings(ORGANISATION_TIME_ZONE=ZONE.key):
        shops = [Account.objects.create(external_id=f"s{number}", name="x", plan="Pro" if number % 2 else "", excluded=number == 3) for number in range(4)]
        for number, at, status, refunded, refunded_at in orders:
            Transaction.objects.create(
                account=shops[number], kind="order", status=status, amount=10, currency="EUR", occurred_at=at, refunded_amount=refunded or None, refunded_at=refunded_at if refunded else None
            )  # fmt: skip
        question = ask(name="clv", variant="value_x_lifespan", **PERIOD)
        months = closed_months(question, 8)
        for told, (start, end) in zip(lapsed(question, by, months), months, strict=True):
            each = shoppers(question.between(start, end), by, everybody=True)
            assert told == {key: (shop.churned, shop.customers_start) for key, shop in each.items() if shop.customers_start}
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_within_one_reading_equal_questions_are_read_once_and_others_anew(cast):
    Subscription.objects.create(account=cast.boga, start="2024-01-05T00:00Z", end="2024-06-15T00:00Z", amount=100, currency="EUR", end_reason="price")
    LedgerRange.objects.all().delete()
    asked = {"name": "tenure_survival", **PERIOD}

    def statements(**more):
        with CaptureQueriesContext(connection) as found:
            told = answer(**{**asked, **more})
        return sum("lasting" in query["sql"] for query in found), told

    apart = statements(params={"horizon_months": "24"})[1]
    assert statements()[0] == statements()[0] == 1, "nothing is kept outside"
    with one_reading():
        assert statements()[0] == 1
        assert statements(params={"horizon_months": "24"}) == (0, apart)
        assert statements(params={"gap_days": "0"})[0] == 1
        assert statements(params={"pause": "keeps"})[0] == 1
        assert statements(accounts=[cast.north.pk])[0] == 1
        assert statements(end="2024-05-01")[0] == 1
    assert statements()[0] == 1
