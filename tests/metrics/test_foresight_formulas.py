"""AUC with its interval, lift, bands, lead, calibration, weights: against scikit-learn, scipy and by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import brier_score_loss, roc_auc_score

from metrics.formulas.calibration import brier, calibration_error, fit_sigmoid, reliability, sigmoid
from metrics.formulas.discrimination import alarm, auc, lead_days, midranks, spread, tenths
from metrics.formulas.risk_columns import FeatureTable, encode, learn_columns, tells_outcome
from metrics.formulas.risk_fitting import CANDIDATES, choose, fit_margin, fit_model
from metrics.formulas.risk_model import BOOSTING, RiskModel, UnreadableModel, digest, margins, tree_json
from metrics.formulas.weighing import fit_weights, score_rows, whole_weights
from metrics.scoring import Model, Part, has_evidence, score

ROWS = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60)


def arrays(rows):
    return np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows], dtype=bool)


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_auc_is_that_of_scikit_learn_and_null_over_one_kind(rows):
    risk, left = arrays(rows)
    found = auc(risk, left)
    if left.all() or not left.any():
        assert (found.value, found.low, found.high) == (None, None, None)
        return
    assert found.value == pytest.approx(roc_auc_score(left, risk), abs=1e-12)
    assert auc(-risk, left).value == pytest.approx(1 - found.value, abs=1e-12)
    if found.low is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_the_interval_is_delongs_by_his_own_formula():
    risk, left = np.array([1, 2, 2, 3, 5, 4, 6, 2, 7, 1.5]), np.array([0, 0, 1, 0, 1, 0, 1, 0, 1, 0], dtype=bool)
    x, y = risk[left], risk[~left]
    above = np.array([np.mean([(a > b) + (a == b) / 2 for b in y]) for a in x])
    below = np.array([np.mean([(a > b) + (a == b) / 2 for a in x]) for b in y])
    variance = above.var(ddof=1) / x.size + below.var(ddof=1) / y.size
    found = auc(risk, left)
    assert found.value == pytest.approx(above.mean())
    assert found.value - found.low == pytest.approx(1.959963984540054 * variance**0.5)


def test_the_same_rows_twice_are_no_more_evidence_when_they_belong_to_the_same_accounts():
    dice = np.random.default_rng(3)
    risk, left = dice.normal(size=80), dice.random(80) < 0.3
    risk = risk + left
    once, twice = auc(risk, left), auc(np.tile(risk, 2), np.tile(left, 2), np.tile(np.arange(80), 2))
    assert twice.value == pytest.approx(once.value)
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.03)
    naive = auc(np.tile(risk, 2), np.tile(left, 2))
    assert naive.high - naive.low < 0.8 * (once.high - once.low)


@given(ROWS)
@settings(max_examples=100, deadline=None)
def test_tenths_lose_nobody_and_do_not_depend_on_the_order_of_rows(rows):
    risk, left = arrays(rows)
    found = tenths(risk, left)
    assert sum(each.rows for each in found) == len(rows)
    assert sum(each.left for each in found) == pytest.approx(left.sum())
    assert [each.left for each in tenths(risk[::-1], left[::-1])] == pytest.approx([each.left for each in found])
    if left.any():
        assert sum(each.lift * each.rows for each in found) == pytest.approx(len(rows))


def test_an_alarm_has_precision_and_recall_and_null_over_nothing():
    found = alarm(np.array([1, 1, 0, 0], dtype=bool), np.array([1, 0, 1, 1], dtype=bool))
    assert (found.rows, found.left, found.precision, found.recall) == (2, 1, 0.5, pytest.approx(1 / 3))
    assert alarm(np.zeros(2, dtype=bool), np.ones(2, dtype=bool)).precision is None
    assert alarm(np.ones(2, dtype=bool), np.zeros(2, dtype=bool)).recall is None


def test_the_lead_is_that_of_the_last_unbroken_alarm():
    looks = [(0, True), (30, False), (60, True), (90, True)]
    assert lead_days(looks, 100) == 40
    assert lead_days([*looks, (95, False)], 100) is None
    assert lead_days([(100, True)], 100) is None
    assert spread([10, 20, 40]) == {"count": 3, "median": 20, "quarter": 15, "three_quarters": 30}
    assert midranks(np.array([5, 1, 5])).tolist() == [2.5, 1, 2.5]


def test_calibration_is_that_of_scikit_learn():
    dice = np.random.default_rng(1)
    told = dice.random(1000)
    came = dice.random(1000) < told
    bins = reliability(told, came)
    share, mean = calibration_curve(came, told, n_bins=10, strategy="quantile")
    assert [each.came for each in bins] == pytest.approx(list(share), abs=0.011)
    assert [each.told for each in bins] == pytest.approx(list(mean), abs=0.011)
    assert brier(told, came) == pytest.approx(brier_score_loss(came, told))
    assert calibration_error(bins) < 0.05
    assert all(each.low <= each.came <= each.high for each in bins)


def test_a_sigmoid_is_found_again_and_stays_finite_where_the_kinds_part():
    dice = np.random.default_rng(2)
    x = dice.normal(size=20_000)
    came = dice.random(20_000) < sigmoid(2 * x - 1)
    assert fit_sigmoid(x, came) == (pytest.approx(2, abs=0.1), pytest.approx(-1, abs=0.1))
    slope, offset = fit_sigmoid(np.array([0.0, 1.0, 2.0, 3.0]), np.array([False, False, True, True]))
    assert 0 < slope < 100
    assert np.isfinite(offset)


PARTS = (Part("usage_trend", -0.5, 0.1, 30), Part("last_nps", 0, 10, 20, "neutral"), Part("severe_tickets", 3, 0, 15), Part("csat_90d", 1, 5, 15, "zero"))


@given(st.lists(st.tuples(*[st.one_of(st.none(), st.floats(-2, 12)) for _ in PARTS], st.booleans(), st.booleans()), min_size=1, max_size=20), st.booleans())
@settings(max_examples=150, deadline=None)
def test_rows_score_to_the_bit_as_one_account_does(rows, leaves_out):
    model = Model(tuple(Part(part.source, part.worst, part.best, part.weight) for part in PARTS) if leaves_out else PARTS)
    raws = [row[:4] for row in rows]
    may, known = np.array([row[4] for row in rows]), np.array([row[5] for row in rows])
    found = score_rows(model, np.array([[np.nan if raw is None else raw for raw in row] for row in raws]), may_score=may, known_elsewhere=known).score
    for row, value, allowed, elsewhere in zip(raws, found.tolist(), may, known, strict=True):
        one = score(model, row) if allowed and has_evidence(model, row, known_elsewhere=bool(elsewhere)) else None
        assert value == (-1 if one is None else one.score)


def test_known_weights_are_found_again_and_never_negative():
    dice = np.random.default_rng(5)
    lost = dice.random((20_000, 3))
    left = dice.random(20_000) < sigmoid(-3 + lost @ np.array([3.0, 1.0, -2.0]))
    lost[::4, 1] = np.nan
    _intercept, weights = fit_weights(lost, left)
    assert weights[0] == pytest.approx(3, abs=0.25)
    assert weights[1] == pytest.approx(1, abs=0.25)
    assert weights[2] == 0


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=8).filter(lambda weights: sum(weights) > 1e-3))
def test_whole_weights_sum_to_a_hundred(weights):
    found = whole_weights(weights)
    assert sum(found) == 100
    assert all(abs(each - 100 * weight / sum(weights)) < 1 for each, weight in zip(found, weights, strict=True))


def test_weights_of_nothing_are_refused():
    with pytest.raises(ValueError, match="not all 0"):
        whole_weights([0, 0])


def table(rows=1500, seed=0):
    dice = np.random.default_rng(seed)
    days, plan = dice.exponential(200, rows), dice.choice(["monthly", "yearly"], rows)
    risk = -1 - days / 300 + 2 * (plan == "monthly")
    days[::7] = np.nan
    made = FeatureTable(rows, {"days": days, "flat": np.ones(rows)}, {"plan": plan.astype(object), "city": dice.choice(["a", "b", "c"], rows).astype(object)})
    return made, dice.random(rows) < sigmoid(risk)


def test_stored_trees_and_weights_give_the_probabilities_of_scikit_learn():
    made, left = table()
    matrix, _feature = encode(learn_columns(made), made)
    boosted = HistGradientBoostingClassifier(max_iter=20, max_depth=3, random_state=0).fit(matrix, left)
    stored = json.loads(json.dumps({"bias": float(np.ravel(boosted._baseline_prediction)[0]), "trees": [tree_json(stage[0].nodes) for stage in boosted._predictors]}))
    assert margins(BOOSTING, stored, matrix) == pytest.approx(boosted.decision_function(matrix), abs=1e-9)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_the_effects_of_the_features_sum_to_the_log_odds(candidate):
    made, left = table()
    columns = learn_columns(made)
    matrix, _feature = encode(columns, made)
    fitted = fit_margin(candidate, matrix, left)
    model = RiskModel(columns, candidate.algorithm, fitted, 1.3, 0.2)
    sums, odds = model.effects(made).sum(axis=1), 1.3 * margins(candidate.algorithm, fitted, matrix)
    # what is left is the same for everybody: the average account
    assert np.ptp(odds - sums) < 1e-6


def test_a_model_comes_back_as_it_was_written_or_not_at_all():
    made, left = table()
    model = fit_model(made, left, np.arange(made.rows), choose(made, left, np.arange(made.rows)))
    text = model.dump()
    again = RiskModel.load(text, digest(text))
    assert again.probabilities(made) == pytest.approx(model.probabilities(made), abs=0)
    with pytest.raises(UnreadableModel):
        RiskModel.load(text.replace('"plan"', '"Plan"'), digest(text))
    other = json.dumps({"format": "another"})
    with pytest.raises(UnreadableModel):
        RiskModel.load(other, digest(other))


def test_columns_cut_what_lies_far_out_and_leave_out_what_does_not_vary():
    made, _left = table()
    columns = learn_columns(made)
    assert [column["name"] for column in columns] == ["days", "city", "plan"]
    far = FeatureTable(2, {"days": np.array([1e9, np.nan])}, {"plan": np.array(["unheard of", ""], dtype=object)})
    matrix, feature = encode(columns, far)
    assert np.abs(matrix).max() <= 3
    assert matrix[0, feature == 2].sum() == 0
    assert matrix[1, feature == 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "says"),
    [("Churn", True), ("churn_flag", True), ("Cancellation Reason", True), ("left_on", True), ("ayrıldı", True), ("channel", False), ("leftover", False), ("Contract", False)],
)
def test_attributes_that_name_the_outcome_are_known_by_name(name, says):
    assert tells_outcome(name) is says
