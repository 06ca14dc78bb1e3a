"""Significance and weighting against printed examples, numbers worked by hand, and identities."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.comparing import mean_change, nps_change, share_change, t_tails, welch
from surveys.scoring import nps, nps_interval
from surveys.weighting import Stratum, account_nps, moments, poststratified_nps, weighted_nps

groups = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400)).filter(any)
shares = st.integers(1, 500).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))
counts = st.dictionaries(st.integers(1, 7), st.integers(1, 60), min_size=1, max_size=7).filter(lambda found: sum(found.values()) > 1)


def test_two_proportions_of_a_textbook():
    """351 of 605 non-smokers and 41 of 195 smokers: the pooled z of the Penn State course STAT 415 is 8.99."""
    change = share_change((351, 605), (41, 195))
    assert round(change.statistic, 2) == 8.99
    assert change.p < 1e-15


def test_two_proportions_by_hand():
    """45 of 100 and 30 of 100: pooled .375, z = .15 / sqrt(.375 * .625 * .02) = .15 / .0684653 = 2.19089."""
    change = share_change((45, 100), (30, 100))
    assert (change.difference, round(change.statistic, 5)) == (Decimal("0.15"), 2.19089)
    assert change.p == pytest.approx(0.02846, abs=1e-5)
    assert change.significant


def test_two_net_promoter_scores_by_hand():
    """+40 of 200 (v = .6 - .16 = .44) and +50 of 100 (v = .7 - .25 = .45): z = -10 / (100 sqrt(.0022 + .0045)) = -1.22169."""
    change = nps_change((100, 80, 20), (60, 30, 10))
    assert (change.difference, round(change.statistic, 5)) == (-10, -1.22169)
    assert change.p == pytest.approx(0.22182, abs=1e-4)
    assert not change.significant


@pytest.mark.parametrize(
    ("first", "second", "t", "freedom", "p"),
    [
        (("20.8", "7.9", 15), ("23.0", "3.8", 15), -2.49, 25.0, 0.021),
        (("20.6", "9.0", 10), ("22.1", "0.9", 20), -1.54, 9.9, 0.149),
        (("19.4", "1.4", 10), ("21.6", "17.1", 20), -2.21, 24.5, 0.036),
    ],
)
def test_welch_on_the_three_well_known_pairs_of_samples(first, second, t, freedom, p):
    """Means and variances are printed to one place, so the statistics are met within that rounding."""
    change = welch(Decimal(first[0]), Decimal(first[1]), first[2], Decimal(second[0]), Decimal(second[1]), second[2])
    assert change.statistic == pytest.approx(t, abs=0.02)
    assert change.freedom == pytest.approx(freedom, abs=0.15)
    assert change.p == pytest.approx(p, abs=0.008)


def test_welch_by_hand():
    """1,2,3 and 2,4,6: means 2 and 4, variances 1 and 4; t = -2 / sqrt(5/3) = -1.549193, freedom (5/3)^2 / (1/18 + 16/18) = 50/17."""
    change = mean_change({1: 1, 2: 1, 3: 1}, {2: 1, 4: 1, 6: 1})
    assert change.statistic == pytest.approx(-2 / math.sqrt(5 / 3), abs=1e-12)
    assert change.freedom == pytest.approx(50 / 17, abs=1e-12)


@pytest.mark.parametrize(("t", "freedom", "p"), [(12.7062047364, 1, 0.05), (2.2281388520, 10, 0.05), (2.7500, 30, 0.01), (1.2900, 100, 0.2), (1.9623390808, 1000, 0.05)])
def test_tails_of_the_printed_t_table(t, freedom, p):
    assert t_tails(t, freedom) == pytest.approx(p, abs=1e-4)


def test_with_one_degree_of_freedom_the_tails_are_those_of_cauchy():
    for t in (0.1, 1.0, 3.0, 50.0):
        assert t_tails(t, 1) == pytest.approx(1 - 2 / math.pi * math.atan(t), abs=1e-12)


def test_nothing_on_one_side_says_nothing():
    assert nps_change((0, 0, 0), (1, 1, 1)) is None
    assert share_change((0, 0), (1, 2)) is None
    assert mean_change({5: 1}, {5: 2}) is None


def test_sides_that_do_not_vary():
    assert nps_change((5, 0, 0), (9, 0, 0)).p == 1
    assert nps_change((5, 0, 0), (0, 0, 5)).p == 0
    assert mean_change({3: 5}, {4: 5}).significant


@given(groups, groups)
def test_a_change_of_nps_is_symmetric(now, before):
    there, back = nps_change(now, before), nps_change(before, now)
    assert there.difference == -back.difference
    assert there.p == back.p
    assert 0 <= there.p <= 1


@given(shares, shares)
def test_a_change_of_shares_is_symmetric(now, before):
    there, back = share_change(now, before), share_change(before, now)
    assert there.difference == -back.difference
    assert there.p == pytest.approx(back.p, rel=1e-12)


@given(counts, counts)
def test_a_change_of_means_is_symmetric(now, before):
    there, back = mean_change(now, before), mean_change(before, now)
    assert there.difference == -back.difference
    assert there.p == pytest.approx(back.p, abs=1e-12)
    assert 0 <= there.p <= 1


@given(groups)
def test_no_change_is_never_significant(same):
    assert not nps_change(same, same).significant


@given(groups, st.integers(1, 10**9))
def test_equal_weights_give_the_plain_nps_and_its_interval(found, weight):
    promoters, passives, detractors = found
    weighted = weighted_nps(moments([(weight, 1)] * promoters + [(weight, 0)] * passives + [(weight, -1)] * detractors))
    assert abs(weighted.value - nps(*found)) < Decimal("1e-18")
    assert all(abs(ours - plain) < Decimal("1e-10") for ours, plain in zip(weighted.interval, nps_interval(*found), strict=True))
    assert abs(weighted.effective - sum(found)) < Decimal("1e-12")


@given(st.lists(st.tuples(st.integers(1, 10**12), st.sampled_from([-1, 0, 1])), min_size=1, max_size=60))
def test_a_weighted_nps_lies_inside_its_interval_and_is_worth_no_more_than_its_units(pairs):
    weighted = weighted_nps(moments(pairs))
    assert -100 <= weighted.interval[0] <= weighted.value + Decimal("1e-18")
    assert weighted.value - Decimal("1e-18") <= weighted.interval[1] <= 100
    assert 1 - Decimal("1e-18") <= weighted.effective <= len(pairs) + Decimal("1e-12")


def test_revenue_weighting_by_hand():
    """Weights 6, 3, 1 on promoter, passive, detractor: (6 - 1) / 10 = 50; effective 100 / 46; variance (36 * .25 + 9 * .25 + 1 * 2.25) / 100 = .135."""
    weighted = weighted_nps(moments([(6, 1), (3, 0), (1, -1), (0, -1)]))
    assert (weighted.value, weighted.count) == (50, 3)
    assert round(weighted.effective, 6) == round(Decimal(100) / 46, 6)
    assert round(weighted.interval[0], 3) == round(Decimal(50 - 196 * math.sqrt(0.135)), 3)
    assert weighted.interval[1] == 100


def test_an_account_has_one_vote_by_hand():
    """Values 1, 1/2, -1: mean 1/6, variance (s2) = ((25/36) + (4/36) + (49/36)) / 2 = 78/72; half = 4.302653 * sqrt(78/216)."""
    found = account_nps(moments([(1, 1), (1, Decimal("0.5")), (1, -1)]))
    assert round(found.value, 6) == round(Decimal(100) / 6, 6)
    assert found.interval == (-100, 100)
    assert account_nps(moments([(1, 1)] * 4)).interval == (100, 100)
    assert account_nps(moments([])) is None


def test_post_stratification_by_hand():
    """VIP: 10 of 100 in the base, NPS 0 of 40. Core: 90 of 100, NPS +50 of 10. Pooled +10; weighted .1 * 0 + .9 * 50 = +45."""
    strata = [Stratum(10, 10, 20, 10), Stratum(90, 6, 3, 1), Stratum(25, 0, 0, 0)]
    found = poststratified_nps(strata)
    assert (found.value, found.strata) == (45, 2)
    assert found.covered == Decimal(100) / 125
    # .01 * .5 / 40 + .81 * (.7 - .25) / 10 = .000125 + .03645
    assert round(found.interval[0], 4) == round(Decimal(45 - 196 * math.sqrt(0.036575)), 4)
    assert poststratified_nps([Stratum(5, 0, 0, 0)]) is None
