"""The pure side of the ROI studio: by hand, by law, and by chance with a seed."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.formulas.monte_carlo import BETA, CONSTANT, STUDENT, TRIANGLE, Distribution, of_share, simulate
from metrics.formulas.returns import CUMULATIVE, SIMPLE, WITH_CHURN, gain
from metrics.formulas.roi import COSTS, LATEST_MONTH, VARIANTS, Plan, break_even, range_of, tornado

# 50 a month and customer; 15 a month and 100 once
PLAN = Plan(arpa=Decimal(100), margin=Decimal("0.5"), churn=Decimal("0.5"), lost=Decimal(3), cost_team=Decimal(10), cost_tools=Decimal(5), one_off_cost=Decimal(100))

money = st.decimals(0, 10_000, places=2)
shares = st.decimals(0, 1, places=4)
plans = st.builds(Plan, arpa=money, margin=shares, churn=shares, lost=st.decimals(0, 50, places=2), cost_team=money, cost_programme=money, one_off_cost=money)


def test_net_by_hand():
    # three months: 3, 6 and 1 + 1.5 + 1.75 customer months; twice 50 each; cost 3 x 15 + 100
    assert [PLAN.net(variant, k=2, months=3) for variant in VARIANTS] == [300 - 145, 600 - 145, 425 - 145]
    line = PLAN.line(SIMPLE, k=2, months=3)
    assert (line.gain, line.cost, line.net, line.roi, line.multiple) == (300, 145, 155, Decimal(155) / 145, Decimal(300) / 145)
    assert (PLAN.clv, PLAN.loss(SIMPLE, 12), break_even(PLAN, SIMPLE, 3)) == (100, 3 * 50 * 12, Decimal(145) / 150)


def test_what_is_not_known_is_not_made_up():
    no_churn = PLAN.with_value("churn", None)
    assert (no_churn.net(WITH_CHURN, k=1, months=12), no_churn.payback(WITH_CHURN, k=1), no_churn.clv) == (None, None, None)
    assert no_churn.net(CUMULATIVE, k=1, months=2) == 3 * 50 - 130
    no_rate = PLAN.with_value("cost_marketing", None)
    assert (no_rate.cost_per_month, no_rate.cost(12), no_rate.net(SIMPLE, k=9, months=12)) == (None, None, None)
    assert break_even(PLAN.with_value("arpa", Decimal(0)), SIMPLE, 12) is None
    assert tornado(no_churn, WITH_CHURN, k=1, months=12, ranges=[]) == []


@settings(max_examples=150, deadline=None)
@given(plans, st.sampled_from(VARIANTS), st.integers(1, 40), st.integers(1, 30), st.integers(1, 60))
def test_more_kept_and_more_margin_never_bring_less(plan, variant, k, more, months):
    assert plan.net(variant, k=k + more, months=months) >= plan.net(variant, k=k, months=months)
    richer = plan.with_value("margin", min(Decimal(1), plan.margin + Decimal("0.1")))
    assert richer.net(variant, k=k, months=months) >= plan.net(variant, k=k, months=months)
    assert plan.gain(variant, k=k, months=months) == gain(variant, k=k, months=months, worth=plan.worth, churn=plan.churn)
    assert plan.gain(SIMPLE, k=k, months=months) <= plan.gain(WITH_CHURN, k=k, months=months) + Decimal("1e-9") <= plan.gain(CUMULATIVE, k=k, months=months) + Decimal("2e-9")


@settings(max_examples=60, deadline=None)
@given(plans, st.sampled_from(VARIANTS), st.integers(1, 20))
def test_the_pay_back_month_is_the_first_without_a_loss(plan, variant, k):
    found = plan.payback(variant, k=k)
    nets = [plan.net(variant, k=k, months=months) for months in range(1, 61)]
    first = next((month for month, net in enumerate(nets, 1) if net >= 0), None)
    assert found == first if first is not None else found is None or 60 < found <= LATEST_MONTH


@settings(max_examples=80, deadline=None)
@given(plans, st.sampled_from(VARIANTS), st.integers(1, 20), st.integers(1, 60))
def test_the_tornado_stands_on_the_point_value_and_orders_by_width(plan, variant, k, months):
    point = plan.net(variant, k=k, months=months)
    ranges = [(name, range_of(plan.value(name), spread=Decimal("0.2"), most=Decimal(1) if name in {"margin", "churn"} else None)) for name in ("arpa", "margin", "churn", *COSTS)]
    found = tornado(plan, variant, k=k, months=months, ranges=[*ranges, ("k", range_of(Decimal(k), spread=Decimal("0.2")))])
    assert all(min(swing.net_low, swing.net_high) <= point + Decimal("1e-6") and point <= max(swing.net_low, swing.net_high) + Decimal("1e-6") for swing in found)
    assert [swing.width for swing in found] == sorted((swing.width for swing in found), reverse=True)
    nothing = tornado(plan, variant, k=k, months=months, ranges=[("arpa", range_of(plan.arpa, spread=Decimal(0)))])
    assert (nothing[0].net_low, nothing[0].net_high) == (point, point)


def test_ranges_keep_to_what_is_possible_and_say_when_they_are_measured():
    margin = range_of(Decimal("0.9"), spread=Decimal("0.2"), most=Decimal(1))
    assert (margin.low, margin.high, margin.measured) == (Decimal("0.72"), 1, False)
    measured = range_of(Decimal(100), spread=Decimal("0.2"), interval=(Decimal(-5), Decimal(130)))
    assert (measured.low, measured.high, measured.measured) == (0, 130, True)
    # a figure that lies outside its interval is never left out
    assert range_of(Decimal("0.5"), spread=Decimal(0), interval=(Decimal("0.1"), Decimal("0.4"))).high == Decimal("0.5")


def point(plan: Plan, k: int) -> dict[str, Distribution]:
    values = {name: plan.value(name) for name in ("arpa", "margin", "churn", *COSTS, "one_off_cost")}
    return {**{name: Distribution(CONSTANT, float(value)) for name, value in values.items()}, "k": Distribution(CONSTANT, k)}


@settings(max_examples=40, deadline=None)
@given(plans, st.sampled_from(VARIANTS), st.integers(1, 20), st.integers(1, 60))
def test_without_spread_every_draw_is_the_point_value(plan, variant, k, months):
    found = simulate(point(plan, k), variant, months=months, seed=7, draws=50)
    expected = float(plan.net(variant, k=k, months=months))
    assert found.net == pytest.approx((expected,) * 3, rel=1e-9, abs=1e-6)
    assert len(found.bars) == 1
    roi = plan.line(variant, k=k, months=months).roi
    assert (found.roi is None) == (roi is None)


UNSURE = {
    **point(PLAN, 5), "arpa": Distribution(STUDENT, 100.0, 10.0, 30), "churn": of_share(0.02, 800), "margin": Distribution(TRIANGLE, 0.5, 0.4, 0.6),
    "cost_team": Distribution(TRIANGLE, 3000.0, 2400.0, 3600.0),
}  # fmt: skip


def test_the_same_seed_is_the_same_answer_and_another_one_is_not():
    first, again, other = (simulate(UNSURE, WITH_CHURN, months=36, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.net != other.net
    assert first.net == pytest.approx(other.net, rel=0.05), "ten thousand draws agree on what matters"
    assert sum(count for _left, _right, count in first.bars) == first.draws == 10_000
    assert first.net[0] < first.net[1] < first.net[2]


def test_changing_one_input_leaves_the_draws_of_the_others():
    base = simulate(UNSURE, SIMPLE, months=12, seed=3)
    dearer = simulate({**UNSURE, "one_off_cost": Distribution(CONSTANT, 1100.0)}, SIMPLE, months=12, seed=3)
    assert [low - high for low, high in zip(base.net, dearer.net, strict=True)] == pytest.approx([1000.0] * 3)


def test_ten_thousand_draws_over_ten_years_take_well_under_a_second():
    begin = time.process_time()
    simulate(UNSURE, WITH_CHURN, months=120, seed=1)
    assert time.process_time() - begin < 0.6


def test_a_measured_share_is_a_beta_around_it():
    churn = of_share(0.05, 400)
    assert (churn.kind, churn.first, churn.second) == (BETA, 20.5, 380.5)
    assert of_share(0.05, 0).kind == CONSTANT
    sure = simulate({**point(PLAN, 5), "churn": of_share(0.05, 1_000_000)}, WITH_CHURN, months=24, seed=1)
    exact = PLAN.with_value("churn", Decimal("0.05")).net(WITH_CHURN, k=5, months=24)
    assert sure.net[1] == pytest.approx(float(exact), rel=0.01)
