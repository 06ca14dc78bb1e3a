"""What a score promises, over random models and inputs: its direction, what missing data may do to it, that shares of a change add up."""

from hypothesis import assume, given
from hypothesis import strategies as st

from metrics.models import HealthComponent
from metrics.scoring import NEUTRAL_POINTS, Model, Side, explain_change, quotient, score
from tests.metrics.test_health_scoring import SOURCES, VALUES, models, scored_inputs

FORCED = {"leave_out": None, "neutral": NEUTRAL_POINTS, "zero": 0}


def test_every_input_there_is_takes_part_in_these_tests():
    assert set(SOURCES) == set(HealthComponent.Source.values) == set(VALUES)


@given(scored_inputs(), st.data())
def test_a_better_input_never_lowers_the_score_and_a_worse_one_never_raises_it(case, data):
    model, raws = case
    place = data.draw(st.integers(0, len(raws) - 1))
    assume(raws[place] is not None)
    part = model.parts[place]
    other = data.draw(VALUES[part.source])
    moved = (*raws[:place], other, *raws[place + 1 :])
    before, after = score(model, raws), score(model, moved)
    assume(before is not None)
    towards_best = (other - raws[place]) * (1 if part.best > part.worst else -1)
    if towards_best >= 0:
        assert after.score >= before.score
        assert after.points[place] >= before.points[place]
    if towards_best <= 0:
        assert after.score <= before.score
    # and nothing but that part earns other points
    assert [earned for n, earned in enumerate(after.points) if n != place] == [earned for n, earned in enumerate(before.points) if n != place]


@given(scored_inputs())
def test_missing_data_counts_for_what_the_policy_says_and_for_nothing_else(case):
    model, raws = case
    told = score(model, raws)
    counted = [(part.weight, earned if raw is not None else FORCED[part.missing]) for part, raw, earned in zip(model.parts, raws, told.points if told else raws, strict=True)]
    counted = [(weight, earned) for weight, earned in counted if earned is not None]
    weights = sum(weight for weight, _earned in counted)
    if told is None:
        assert weights == 0
        return
    assert told.score == quotient(sum(weight * earned for weight, earned in counted), weights)
    # a score lies between the worst and the best of what counts, so no gap takes it outside
    assert min(earned for weight, earned in counted if weight) <= told.score <= max(earned for weight, earned in counted if weight)


@given(scored_inputs(), st.data())
def test_an_input_that_goes_missing_moves_the_score_as_its_policy_allows(case, data):
    model, raws = case
    place = data.draw(st.integers(0, len(raws) - 1))
    assume(raws[place] is not None)
    before, after = score(model, raws), score(model, (*raws[:place], None, *raws[place + 1 :]))
    assume(before is not None)
    policy, earned = model.parts[place].missing, before.points[place]
    if policy == "leave_out":
        rest = Model(parts=(*model.parts[:place], *model.parts[place + 1 :]), healthy_from=model.healthy_from, watch_from=model.watch_from)
        without = score(rest, (*raws[:place], *raws[place + 1 :]))
        # as if the part were no part of the model
        assert (after and after.score) == (without and without.score)
    elif earned >= FORCED[policy]:
        assert after.score <= before.score
    else:
        assert after.score >= before.score
    if after is not None:
        assert after.confidence <= before.confidence


@given(models(), st.data())
def test_what_data_and_membership_did_is_all_of_a_change_under_one_version(model, data):
    sides = [Side(3, model, tuple(data.draw(st.none() | VALUES[part.source]) for part in model.parts)) for _turn in range(2)]
    first, second = (score(side.model, side.raws) for side in sides)
    changes = explain_change(*sides)
    assert sum(change.data + change.membership for change in changes) == (second.score if second else 0) - (first.score if first else 0)
    assert {change.source for change in changes} == {part.source for part in model.parts}
    if sides[0] == sides[1]:
        assert all(change.delta == 0 for change in changes)
