"""Where accounts belong on their way, how they do there, and which stages are refused: facts of the pure rules."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.stage_rules import Holding, Stage, StageFault, check, destination, holding, read_stage, standing, turns_at

DAY = dt.timedelta(days=1)
SINCE = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
GOAL = {"key": "g1", "name": "Seen", "rule": {"all": [{"field": "last_seen_on", "op": "is_not_empty"}]}}


def row(key, *, start=None, end=None, leads_to=None, days=None, goals=(), leaving=False):
    return read_stage(
        SimpleNamespace(key=key, start_rule=start, end_rule=end, next_stage_id=leads_to, expected_days=days, goals=[GOAL | {"key": f"g{n}"} for n in goals], is_leaving=leaving)
    )


def asks(*stages):
    return {"all": [{"field": "stage", "op": "in", "value": list(stages)}]}


PAID = {"all": [{"field": "mrr", "op": "gt", "value": "0"}]}
WAY = (row("trial"), row("onboarding", leads_to="adoption", end=PAID), row("adoption"), row("renewal", leads_to="adoption", end=PAID), row("gone", leaving=True, end=PAID))


def holds(*starts, ends=()):
    return Holding(lambda key, _here: key in starts, frozenset(ends))


@pytest.mark.parametrize(
    ("here", "rules", "there"),
    [
        (None, holds(), None),
        (None, holds("trial", "adoption"), "adoption"),  # the furthest whose rule holds
        ("trial", holds("onboarding"), "onboarding"),
        ("adoption", holds("trial", "onboarding"), "adoption"),  # never back
        ("onboarding", holds(ends=["onboarding"]), "adoption"),  # what ended leads on
        ("onboarding", holds("renewal", ends=["onboarding"]), "renewal"),  # a rule ahead before the lead
        ("renewal", holds(ends=["renewal"]), "adoption"),  # the lead may go back
        ("trial", holds("renewal", ends=["renewal"]), "trial"),  # what has ended is not entered
        ("gone", holds("trial", "adoption"), "gone"),  # left for good, until its end rule holds
        ("gone", holds("trial", "adoption", ends=["gone"]), "adoption"),
        ("renewal", holds("gone"), "gone"),
    ],
)
def test_rules_lead_forward_and_back_only_where_a_stage_ends(here, rules, there):
    assert destination(WAY, here, rules) == there


def test_what_held_when_a_person_moved_the_account_waits_and_what_comes_anew_does_not():
    rules = holds("adoption", "renewal")
    waiting = holding(WAY, "trial", rules)
    assert waiting == {"adoption", "renewal"}
    assert destination(WAY, "trial", rules, waiting) == "trial"
    assert destination(WAY, "trial", holds("adoption"), {"renewal"}) == "adoption"
    assert destination(WAY, "onboarding", holds(ends=["onboarding"]), {"onboarding"}) == "onboarding"


@given(
    here=st.sampled_from([None, *(stage.key for stage in WAY)]),
    table=st.dictionaries(st.tuples(st.sampled_from([stage.key for stage in WAY]), st.sampled_from([None, *(stage.key for stage in WAY)])), st.booleans()),
    ends=st.sets(st.sampled_from(["onboarding", "renewal", "gone"])),
)
def test_from_where_the_rules_bring_an_account_nothing_moves_it(here, table, ends):
    # start rules may say anything by stage, even what `check` refuses: a way still ends where nothing moves
    rules = Holding(lambda key, at: table.get((key, at), False), ends)
    there = destination(WAY, here, rules)
    assert destination(WAY, there, rules) == there


@pytest.mark.parametrize(
    ("days", "met", "at_risk", "said"),
    [
        (0, 0, False, "on_track"), (9.9, 0, False, "on_track"), (10, 0, False, "struggling"), (10, 1, False, "on_track"), (20, 1, False, "struggling"), (29.9, 2, False, "on_track"),
        (30, 2, False, "stuck"), (400, 3, False, "successful"), (1, 3, True, "successful"), (1, 0, True, "struggling"), (31, 0, True, "stuck"),
    ],
)  # fmt: skip
def test_standing_follows_goals_time_and_health(days, met, at_risk, said):
    stage = row("onboarding", days=30, goals=(1, 2, 3))
    assert standing(stage, since=SINCE, now=SINCE + days * DAY, met=met, at_risk=at_risk) == said


def test_without_goals_a_stage_is_only_ever_left_and_without_a_length_it_takes_its_time():
    assert standing(row("x", days=30), since=SINCE, now=SINCE + 30 * DAY, met=0, at_risk=False) == "stuck"
    assert standing(row("x", days=30), since=SINCE, now=SINCE + 29 * DAY, met=0, at_risk=False) == "on_track"
    assert standing(row("x", goals=(1,)), since=SINCE, now=SINCE + 900 * DAY, met=0, at_risk=False) == "on_track"
    assert standing(row("x", days=1, leaving=True), since=SINCE, now=SINCE + 900 * DAY, met=0, at_risk=True) == ""


@given(days=st.integers(1, 400), goals=st.integers(0, 12), met=st.integers(0, 12), gone=st.integers(0, 500 * 86_400_000_000))
def test_between_its_turns_time_changes_no_standing(days, goals, met, gone):
    stage, now = row("x", days=days, goals=range(goals)), SINCE + dt.timedelta(microseconds=gone)
    turn = turns_at(stage, since=SINCE, now=now)
    before = standing(stage, since=SINCE, now=now, met=min(met, goals), at_risk=False)
    last = turn - dt.timedelta(microseconds=1) if turn else now + 1000 * DAY
    assert standing(stage, since=SINCE, now=last, met=min(met, goals), at_risk=False) == before


@pytest.mark.parametrize(
    ("stages", "field"),
    [
        ([row("a", start=asks("a"))], "start_rule"),
        ([row("a", start={"not": {"all": [{"field": "stage", "op": "eq", "value": "a"}]}})], "start_rule"),
        ([row("a", start=asks("b")), row("b", start=asks("a"))], "start_rule"),
        ([row("a", start=asks("b")), row("b", start=asks("c")), row("c", start=asks("a"))], "start_rule"),
        ([row("a", end=asks("b")), row("b")], "end_rule"),
        ([row("a", leads_to="b"), row("b")], "end_rule"),
        ([row("a", leads_to="b", end=PAID), row("b", leads_to="a", end=PAID)], "next_stage"),
        ([row("a", leads_to="b", end=PAID), row("b", leaving=True)], "next_stage"),
    ],
)
def test_circles_are_refused_with_their_field(stages, field):
    with pytest.raises(StageFault) as refused:
        check(stages, "a")
    assert refused.value.field == field


def test_stages_that_ask_for_those_before_them_are_let_through():
    check([row("a"), row("b", start=asks("a")), row("c", start=asks("a", "b"), end=PAID, leads_to="b")], "c")


def test_a_rule_that_cannot_be_read_any_more_holds_for_nobody_and_is_told():
    stage = row("a", start={"all": [{"field": "moon", "op": "eq", "value": "1"}]})
    assert isinstance(stage, Stage)
    assert stage.start is None
    assert "start_rule" in stage.faults
