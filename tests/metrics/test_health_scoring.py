"""The arithmetic of a score: exact sums, inclusive edges, and the same in SQL and Python."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.scoring import Model, Part, Side, band_of, costs, explain_change, points, quotient, score
from metrics.sql.health import score_stages

SOURCES = (
    "usage_trend", "last_nps", "csat_90d", "severe_tickets", "days_to_renewal", "failed_payments", "days_since_seen", "active_days", "days_since_touch", "pulse", "adoption", "seat_use",
)  # fmt: skip


def ratios(low, high):
    """Inputs are ratios of counts: none lies nearer to 0 than a millionth, where PostgreSQL would speak of an underflow."""
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 6))


VALUES = {
    "usage_trend": ratios(-1, 50),
    "last_nps": st.integers(0, 10).map(float),
    "csat_90d": ratios(1, 5),
    "severe_tickets": st.integers(0, 12).map(float),
    "days_to_renewal": st.integers(0, 800).map(float),
    "failed_payments": st.integers(0, 9).map(float),
    "days_since_seen": st.integers(0, 400).map(float),
    "active_days": st.integers(0, 28).map(float),
    "days_since_touch": st.integers(0, 900).map(float),
    "pulse": st.integers(1, 5).map(float),
    "adoption": ratios(0, 100),
    "seat_use": ratios(0, 400),
}


@st.composite
def models(draw):
    chosen = draw(st.permutations(SOURCES).map(lambda order: order[: draw(st.integers(1, 6))]))
    parts = []
    for source in chosen:
        worst, best = draw(st.lists(st.floats(-1000, 1000, allow_nan=False, width=32), min_size=2, max_size=2, unique=True))
        parts.append(Part(source=source, worst=worst, best=best, weight=draw(st.integers(0, 32767)), missing=draw(st.sampled_from(["leave_out", "neutral", "zero"]))))
    watch = draw(st.integers(0, 99))
    return Model(parts=tuple(parts), watch_from=watch, healthy_from=draw(st.integers(watch + 1, 100)))


@st.composite
def scored_inputs(draw):
    model = draw(models())
    return model, tuple(draw(st.none() | VALUES[part.source]) for part in model.parts)


@given(scored_inputs())
def test_the_contributions_sum_to_the_score_exactly(case):
    model, raws = case
    result = score(model, raws)
    if result is None:
        return
    given_parts = [value for value in result.contributions if value is not None]
    assert sum(given_parts) == result.score
    assert 0 <= result.score <= 10_000
    assert all(value >= 0 for value in given_parts)
    assert sum(value for value in result.shares if value is not None) == 10_000
    weights = sum(part.weight for part, value in zip(model.parts, result.points, strict=True) if value is not None)
    for part, value, contribution in zip(model.parts, result.points, result.contributions, strict=True):
        assert (value is None) == (contribution is None)
        if value is not None:
            assert abs(contribution - part.weight * value / weights) <= 1


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=scored_inputs())
def test_the_database_computes_the_same_score_as_the_formula(db, case):
    model, raws = case
    columns = ", ".join(f"%s::float8 AS x{n}" for n in range(len(raws)))
    rows = f"(SELECT 1 AS account_id, true AS may_score, '{{}}'::jsonb AS no_score_why, {columns})"
    statement = score_stages(model, rows, carried="account_id, ", elsewhere="true", raws=[f"i.x{n}" for n in range(len(raws))]) if sum(p.weight for p in model.parts) else None
    expected = score(model, raws)
    if statement is None:
        assert expected is None
        return
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("%(", "%%("), raws)
        _account, points_, band, confidence, stored, contributions, _why = cursor.fetchone()
    if expected is None:
        assert points_ is None
        return
    assert (points_, band, confidence) == (expected.score, expected.band, expected.confidence)
    assert tuple(contributions) == expected.contributions
    assert tuple(stored) == raws


@given(scored_inputs(), scored_inputs())
def test_the_explanation_sums_to_the_change_exactly(old, new):
    first, second = score(*old), score(*new)
    changes = explain_change(Side(1, *old), Side(2, *new))
    assert sum(change.delta for change in changes) == (second.score if second else 0) - (first.score if first else 0)
    for change in changes:
        assert change.data + change.weights + change.membership == change.delta


@given(models(), st.data())
def test_under_one_version_nothing_is_due_to_weights(model, data):
    sides = [Side(7, model, tuple(data.draw(st.none() | VALUES[part.source]) for part in model.parts)) for _ in range(2)]
    assert all(change.weights == 0 for change in explain_change(*sides))


def test_a_part_is_linear_between_worst_and_best_and_clamped():
    assert [points(value, 0, 10) for value in (-3, 0, 2.5, 10, 11)] == [0, 0, 2500, 10000, 10000]
    assert [points(value, 3, 0) for value in (4, 3, 1.5, 0)] == [0, 0, 5000, 10000]


def test_halves_are_rounded_up():
    assert [quotient(total, 2) for total in (0, 1, 2, 3)] == [0, 1, 1, 2]


@pytest.mark.parametrize(("value", "band"), [(10000, "healthy"), (7500, "healthy"), (7499, "watch"), (5000, "watch"), (4999, "at_risk"), (0, "at_risk")])
def test_the_lower_edges_belong_to_the_better_band(value, band):
    assert band_of(value, healthy_from=75, watch_from=50) == band


def test_missing_data_is_left_out_neutral_or_zero():
    def model(policy):
        return Model(parts=(Part("last_nps", 0, 10, 60), Part("csat_90d", 1, 5, 40, missing=policy)))

    assert score(model("leave_out"), [8.0, None]).score == 8000
    assert score(model("neutral"), [8.0, None]).score == (60 * 80 + 40 * 50)
    assert score(model("zero"), [8.0, None]).score == 60 * 80
    assert score(model("zero"), [8.0, None]).confidence == 60


def test_the_costliest_complaint_comes_first_and_a_rise_in_use_is_none():
    model = Model(parts=(Part("usage_trend", -0.5, 0.5, 50), Part("last_nps", 0, 10, 20), Part("failed_payments", 2, 0, 30)))
    assert costs(model, [0.1, 4.0, 1.0]) == [("failed_payments", 1500), ("last_nps", 1200)]
