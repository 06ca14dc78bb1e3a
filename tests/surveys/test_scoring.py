"""Groups, figures and intervals of NPS, CSAT and CES, against printed cases and against identities."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from surveys.scoring import (
    Scale,
    band,
    ces_agree_share,
    ces_index,
    ces_mean,
    csat_mean,
    csat_top2_share,
    group,
    is_low,
    mean,
    nps,
    nps_groups,
    nps_interval,
    share,
    split,
    t_975,
    t_interval,
    wilson_interval,
)  # fmt: skip

ELEVEN, FIVE, SEVEN = Scale(0, 10), Scale(1, 5), Scale(1, 7)
CASES = Path(settings.BASE_DIR).parent / "shared" / "metrics" / "cases.json"
counts_of_five = st.dictionaries(st.integers(1, 5), st.integers(0, 500), max_size=5)


def worked_cases(kpi):
    found = []

    def walk(node):
        if isinstance(node, dict):
            if node.get("kpi") == kpi and "input" in node:
                found.append(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(CASES.read_text()))
    return found


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0, "detractor"), (6, "detractor"), (7, "passive"), (8, "passive"), (9, "promoter"), (10, "promoter"), (11, "invalid"), (-1, "invalid"), (None, "invalid")],
)
def test_nps_groups_on_eleven_points(score, expected):
    assert group("nps", score, ELEVEN) == expected


def test_a_zero_is_invalid_on_the_scale_from_one():
    assert group("nps", 0, Scale(1, 10)) == "invalid"
    assert nps_groups({0: 4, 1: 1, 9: 2}, Scale(1, 10)) == (2, 0, 1, 4)


def test_bands_of_five_and_seven_points_and_of_low_is_good():
    assert [group("csat", score, FIVE) for score in range(1, 6)] == ["low", "low", "middle", "high", "high"]
    assert [group("ces", score, SEVEN) for score in range(1, 8)] == ["low", "low", "low", "middle", "high", "high", "high"]
    assert [group("ces", score, Scale(1, 5, high_good=False)) for score in range(1, 6)] == ["high", "high", "middle", "low", "low"]
    assert [band("nps", score, ELEVEN) for score in (3, 7, 9)] == ["low", "middle", "high"]


def test_low_scores_follow_the_threshold_and_the_direction():
    assert is_low(6, 6, ELEVEN)
    assert not is_low(7, 6, ELEVEN)
    assert not is_low(12, 6, ELEVEN)
    assert not is_low(3, None, ELEVEN)
    assert is_low(4, 4, Scale(1, 5, high_good=False))
    assert not is_low(3, 4, Scale(1, 5, high_good=False))


def test_nothing_gives_nothing():
    assert nps(0, 0, 0) is None
    assert nps_interval(0, 0, 0) is None
    assert share(0, 0) is None
    assert wilson_interval(0, 0) is None
    assert mean({}) is None
    assert t_interval({5: 1}) is None
    assert csat_top2_share({9: 3}) is None


def test_the_printed_nps_of_the_catalogue_and_its_interval():
    low, high = nps_interval(100, 80, 20)
    assert nps(100, 80, 20) == 40
    assert (f"{low:.8f}", f"{high:.8f}") == ("30.80678511", "49.19321489")


@pytest.mark.skipif(not CASES.exists(), reason="the worked cases lie beside the repository in development only")
def test_worked_cases_of_other_people():
    checked = 0
    for kpi in ("nps", "csat", "ces"):
        for case in worked_cases(kpi):
            given_, expected = case["input"], case["expected"]
            scores = {int(score): count for score, count in given_.get("score_counts", {}).items()}
            for score in given_.get("scores", []):
                scores[score] = scores.get(score, 0) + 1
            if case["variant"] == "nps_0_10" and "promoters" in given_:
                value = nps(given_["promoters"], given_["passives"], given_["detractors"])
            elif case["variant"] == "nps_0_10" and "scores" in given_:
                value = nps(*nps_groups(scores, ELEVEN)[:3])
            elif case["variant"] == "top2_share" and scores:
                value = csat_top2_share(scores)
            elif case["variant"] == "mean" and scores and kpi == "csat":
                value = csat_mean(scores)
            elif case["variant"] == "mean_7" and scores:
                value = ces_mean(scores)
            else:
                continue
            wanted = expected["csat"] if isinstance(expected, dict) else expected
            assert (value is None and wanted is None) or abs(float(value) - wanted) <= case["tolerance"] + 1e-12, case["id"]
            checked += 1
    assert checked >= 10


def test_effort_by_its_three_readings():
    answers = {1: 10, 4: 10, 5: 10, 6: 10, 7: 10, 9: 5}
    assert ces_mean(answers) == Decimal("4.6")
    assert ces_agree_share(answers) == Decimal("0.6")
    assert ces_index(answers) == 20


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, "12.7062047364"), (2, "4.3026527297"), (10, "2.2281388520"), (30, "2.0422724563"), (120, "1.9799304050"), (1000, "1.9623390808")]
)
def test_t_quantiles_of_the_printed_table(freedom, expected):
    assert abs(t_975(freedom) - Decimal(expected)) < Decimal("0.0000000005")


def test_t_quantiles_meet_where_the_method_changes():
    assert t_975(299) > t_975(300) > t_975(301) > Decimal("1.9599639845")
    assert abs((t_975(299) - t_975(300)) - (t_975(300) - t_975(301))) < Decimal("0.0000005")
    with pytest.raises(ValueError):
        t_975(0)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_an_nps_is_exact_and_inside_its_interval(promoters, passives, detractors):
    value, interval = nps(promoters, passives, detractors), nps_interval(promoters, passives, detractors)
    if not promoters + passives + detractors:
        assert value is None
        return
    exact = Fraction(100 * (promoters - detractors), promoters + passives + detractors)
    assert abs(Fraction(value) - exact) < Fraction(1, 10**20)
    assert Decimal(-100) <= interval[0] <= value + Decimal("1e-20")
    assert value - Decimal("1e-20") <= interval[1] <= Decimal(100)


@given(st.integers(1, 10_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_a_wilson_interval_holds_the_share_and_stays_within_nought_and_one(pair):
    part, whole = pair
    low, high = wilson_interval(part, whole)
    assert 0 <= low <= share(part, whole) + Decimal("1e-20")
    assert share(part, whole) - Decimal("1e-20") <= high <= 1


@given(counts_of_five)
def test_csat_splits_add_up(counts):
    valid, invalid = split({**counts, 9: 2}, FIVE)
    assert sum(valid.values()) == sum(counts.values())
    assert invalid == 2
    top, middle = csat_top2_share(counts), csat_mean(counts)
    if top is not None:
        assert 0 <= top <= 1
        assert 1 <= middle <= 5


@given(st.integers(1, 5), st.integers(2, 500))
def test_equal_answers_have_no_spread(score, count):
    low, high = t_interval({score: count})
    assert low == high == score
