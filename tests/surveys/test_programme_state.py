"""The life of a programme: every pair of state and step, and which changes need a second person."""

import itertools

import pytest

from surveys.programme_state import STATES, STEPS, WrongStep, after, needs_approval, new_occasion, steps_from

# the whole table, by hand; what is not here is refused
ALLOWED = {
    ("draft", "hand_in"): "review",
    ("draft", "activate"): "active",
    ("draft", "end"): "ended",
    ("review", "send_back"): "draft",
    ("review", "approve"): "active",
    ("review", "activate"): "active",
    ("review", "end"): "ended",
    ("active", "pause"): "paused",
    ("active", "end"): "ended",
    ("paused", "resume"): "active",
    ("paused", "end"): "ended",
}


@pytest.mark.parametrize(("state", "step"), itertools.product(STATES, [*STEPS, "nonsense"]))
def test_every_step_leads_where_the_table_says_and_nowhere_else(state, step):
    if (state, step) in ALLOWED:
        assert after(step, state) == ALLOWED[state, step]
        assert step in steps_from(state)
    else:
        with pytest.raises(WrongStep):
            after(step, state)
        assert step not in steps_from(state)


def test_nothing_leads_out_of_the_end():
    assert steps_from("ended") == ()


@pytest.mark.parametrize(
    ("field", "before", "now", "needed"),
    [
        ("name", "a", "b", False),
        ("priority", 50, 1, False),
        ("link_days", 14, 30, False),
        ("cool_down_days", 30, 60, False),
        ("cool_down_days", 30, 10, True),
        ("gap_days", 0, 90, False),
        ("gap_days", 90, 0, True),
        ("sampling", 1, 0.5, False),
        ("sampling", 0.5, 1, True),
        ("daily_cap", None, 100, False),
        ("daily_cap", 100, 50, False),
        ("daily_cap", 100, None, True),
        ("daily_cap", 100, 200, True),
        ("reminder_after_days", 4, None, False),
        ("reminder_after_days", None, 4, True),
        ("reminder_after_days", 4, 3, True),
        ("survey", "csat", "nps", True),
        ("event_kind", "ticket.solved", "ticket.opened", True),
        ("audience", "main", "everybody", True),
        ("conditions", {}, {"person_replied": True}, True),
        ("segments", [], ["vip"], True),
        ("window_from", "09:00", "08:00", True),
        ("weekdays", [1], [1, 2], True),
        ("delay_minutes", 60, 61, True),
        ("valid_hours", 72, 96, True),
        ("survey", "csat", "csat", False),
    ],
)
def test_what_can_only_ask_fewer_people_needs_nobody_else(field, before, now, needed):
    assert needs_approval(field, before, now) is needed


def test_only_another_occasion_begins_anew():
    assert new_occasion({"event_kind": ["a", "b"]})
    assert new_occasion({"every_days": [90, 180]})
    assert not new_occasion({"survey": ["a", "b"], "delay_minutes": [1, 2]})
