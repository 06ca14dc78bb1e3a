"""What a playbook may say: every fault is named with its place, and what is accepted only goes forward."""

import datetime as dt
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.playbooks import END, Known, PlaybookFaults, Step, check, decide, is_held_out, parse, words_for
from accounts.playbooks.plan import Caps

EVENT = {"kind": "event", "event": "payment.failed"}
WORK = {"key": "call", "kind": "work", "title": "Call {name|them}"}
KNOWN = Known(stages=["onboarding"], segments=["vip"], people=["elif@kervan.example"], surveys=["nps"], touchpoints=["after-help"], rule_rows={"segment": ["vip"]})


def faults(steps=None, **rest):
    """Places that are wrong."""
    return [fault.path for fault in check(**({"trigger": EVENT, "steps": steps if steps is not None else [WORK], "known": KNOWN} | rest))]


def step(**keys):
    """The places that are wrong in one step."""
    return [path.removeprefix("steps.0.") for path in faults([{"key": "a"} | keys])]


@pytest.mark.parametrize(
    ("trigger", "place"),
    [
        (None, "trigger"),
        ({}, "trigger"),
        ({"kind": "moon"}, "trigger.kind"),
        ({"kind": "event", "event": "payment.lost"}, "trigger.event"),
        ({"kind": "event", "event": "payment.failed", "where": {"colour": "red"}}, "trigger.where.colour"),
        ({"kind": "event", "event": "payment.failed", "where": {"attempt": []}}, "trigger.where.attempt"),
        ({"kind": "event", "event": "payment.failed", "when": {}}, "trigger.when"),
        ({"kind": "segment", "move": "join", "segment": "vip"}, "trigger.move"),
        ({"kind": "segment", "move": "enter", "segment": "gone"}, "trigger.segment"),
        ({"kind": "band", "to": []}, "trigger.to"),
        ({"kind": "band", "to": ["red"]}, "trigger.to"),
        ({"kind": "date", "field": "birthday", "days": 1}, "trigger.field"),
        ({"kind": "date", "field": "renews_on", "days": -9999}, "trigger.days"),
        ({"kind": "stage", "stage": "gone"}, "trigger.stage"),
        ({"kind": "stage", "stage": "onboarding", "idle_days": "14"}, "trigger.idle_days"),
        ({"kind": "answer", "survey_kind": "nps", "group": "angry"}, "trigger.group"),
    ],
)
def test_a_trigger_that_can_never_fire_is_refused_at_its_place(trigger, place):
    assert faults(trigger=trigger) == [place]


def test_triggers_of_every_kind_are_read_with_their_defaults():
    read = lambda trigger: dict(parse(trigger=trigger, steps=[WORK], known=KNOWN).trigger)  # noqa: E731
    assert read({"kind": "event", "event": "payment.failed", "where": {"hard_decline": False, "attempt": [1, 2]}})["where"] == {"hard_decline": False, "attempt": [1, 2]}
    assert read({"kind": "stage", "stage": "onboarding"}) == {"kind": "stage", "stage": "onboarding", "idle_days": 0}
    assert read({"kind": "answer", "survey_kind": "nps", "group": "detractor"})["group"] == ["detractor"]
    assert read({"kind": "date", "field": "attributes.kick_off", "days": 3}) == {"kind": "date", "field": "attributes.kick_off", "days": 3}
    assert read({"kind": "manual"}) == {"kind": "manual"}


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"kind": "dance"}, "kind"),
        ({"kind": "work", "title": ""}, "title"),
        ({"kind": "work", "title": "Call {phone}"}, "title"),
        ({"kind": "work", "title": "x", "assignee": "gone@kervan.example"}, "assignee"),
        ({"kind": "work", "title": "x", "priority": 1}, "priority"),
        ({"kind": "mail", "subject": "Hi", "body": {"en": "Dear {nme}"}}, "body.en"),
        ({"kind": "mail", "subject": "Hi {ticket}", "body": "x"}, "subject"),
        ({"kind": "mail", "subject": {}, "body": "x"}, "subject"),
        ({"kind": "mail", "subject": "x", "body": "x", "to": "boss"}, "to"),
        ({"kind": "survey", "survey": "csat"}, "survey"),
        ({"kind": "field", "field": "excluded", "value": True}, "field"),
        ({"kind": "field", "field": "lifecycle_stage", "value": "gone"}, "value"),
        ({"kind": "tag", "add": ["x", ""]}, "add.1"),
        ({"kind": "webhook", "url": "ftp://example.com"}, "url"),
        ({"kind": "webhook", "url": "https://user:word@example.com/"}, "url"),
        ({"kind": "wait", "days": 0}, "days"),
        ({"kind": "wait", "event": "survey.answered"}, "longest_days"),
        ({"kind": "wait", "until": {"field": "due_on"}}, "until.field"),
        ({"kind": "branch", "branches": [], "otherwise": END}, "branches"),
        ({"kind": "branch", "branches": [{"when": {"all": [{"field": "shoe_size", "op": "gte", "value": 1}]}, "go": END}], "otherwise": END}, "branches.0.when.all.0.field"),
        ({"kind": "branch", "branches": [{"when": {"event": "nothing.happened"}, "go": END}], "otherwise": END}, "branches.0.when.event"),
        ({"kind": "branch", "branches": [{"when": {"all": []}, "go": END}]}, "otherwise"),
        ({"kind": "stop", "title": "Enough", "reason": "x"}, "reason"),
    ],
)
def test_a_step_that_cannot_be_done_is_refused_at_its_place(keys, place):
    assert step(**keys) == [place]


def test_a_wait_without_length_and_a_survey_without_name_are_refused():
    assert faults([{"key": "a", "kind": "wait"}]) == ["steps.0"]
    assert faults([{"key": "a", "kind": "survey"}]) == ["steps.0"]


def test_a_jump_backwards_to_itself_or_to_nowhere_is_refused_with_the_step_named():
    found = check(
        trigger=EVENT,
        steps=[WORK, {"key": "again", "kind": "wait", "days": 1, "next": "call"}, {"key": "me", "kind": "wait", "days": 1, "next": "me"}, WORK | {"key": "on", "next": "nowhere"}],
    )
    assert [(fault.path, fault.message.split("”")[0] + "”") for fault in found] == [
        ("steps.1.next", "“call”"), ("steps.2.next", "“me”"), ("steps.3.next", "There is no step “nowhere”"),
    ]  # fmt: skip


def test_two_steps_of_one_key_no_steps_and_too_many_are_refused():
    assert faults([WORK, WORK]) == ["steps.1.key"]
    assert faults([]) == ["steps"]
    assert faults([WORK | {"key": f"s{number}"} for number in range(61)]) == ["steps"]


def test_caps_exits_audience_and_the_share_held_out_are_checked():
    assert faults(caps={"per_account": 0, "hours": 3}) == ["caps.hours", "caps.per_account"]
    assert faults(exits=[{"event": "payment.recovered", "rule": {"all": []}}, {"event": "x.y"}]) == ["exits.0", "exits.1.event"]
    assert faults(audience={"all": [{"field": "segment", "op": "eq", "value": "gone"}]}) == ["audience.all.0.value"]
    assert faults(hold_out_percent=95) == ["hold_out_percent"]
    assert parse(trigger=EVENT, steps=[WORK]).caps == Caps(per_account=1, days=30, per_day=None, at_once=1)


def test_faults_are_raised_together():
    with pytest.raises(PlaybookFaults) as caught:
        parse(trigger={"kind": "moon"}, steps=[{"key": "a", "kind": "dance"}], hold_out_percent=-1)
    assert [fault.path for fault in caught.value.faults] == ["trigger.kind", "steps.0.kind", "hold_out_percent"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 400) | st.text(max_size=8) | st.sampled_from(["a", "b", "end", "event", "wait", "work", "branch", "payment.failed"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["kind", "key", "next", "event", "where", "days", "branches", "when", "go", "otherwise", "if", "all"]), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_handed_in_is_either_read_or_refused_with_places(trigger, steps, audience, exits, caps):
    found = check(trigger=trigger, steps=steps, audience=audience, exits=exits, caps=caps)
    assert all(fault.path and fault.message for fault in found)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["wait", "branch", "work", "stop"]), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=9))
def test_what_is_accepted_ends(shape):
    steps = []
    for place, (kind, one, two) in enumerate(shape):
        named = lambda target: f"s{target}" if target < len(shape) else END  # noqa: E731
        rest = {
            "wait": {"days": 1, "next": named(one)},
            "branch": {"branches": [{"when": {"all": []}, "go": named(one)}], "otherwise": named(two)},
            "work": {"title": "x", "next": named(two)},
            "stop": {},
        }[kind]
        steps.append({"key": f"s{place}", "kind": kind, **rest})
    try:
        plan = parse(trigger=EVENT, steps=json.loads(json.dumps(steps)))
    except PlaybookFaults:
        return
    for step in plan.steps:
        assert all(plan.position(target) > plan.position(step.key) for target in step.goes_to())


class Facts:
    """What is known of an account, by hand."""

    def __init__(self, fits=False, happened=False, instant=None):
        self._fits, self._happened, self._instant = fits, happened, instant

    def fits(self, rule):
        return self._fits

    def happened(self, event, *, since, step_since):
        return self._happened

    def instant_of(self, field, days):
        return self._instant


T0 = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)


def on(day, hours=0):
    """An instant after the beginning."""
    return T0 + dt.timedelta(days=day, hours=hours)


def read(**keys):
    """The first of two steps."""
    return parse(trigger=EVENT, steps=[{"key": "a"} | keys, {"key": "b", "kind": "stop"}]).steps[0]


def test_a_wait_ends_by_time_by_an_event_or_at_its_longest():
    plain, event = read(kind="wait", days=2, hours=3), read(kind="wait", event="survey.answered", longest_days=3, otherwise="end")
    assert decide(plain, Facts(), since=T0, now=on(2)).due_at == on(2, 3)
    assert decide(plain, Facts(), since=T0, now=on(2, 3)).going == "b"
    assert decide(event, Facts(), since=T0, now=on(1)).due_at == on(3)
    assert decide(event, Facts(happened=True), since=T0, now=on(1)).going == "b"
    assert decide(event, Facts(), since=T0, now=on(3)) .going == "end"  # fmt: skip


def test_a_wait_for_a_date_follows_the_date_and_is_skipped_without_one():
    step = read(kind="wait", until={"field": "renews_on", "days": -30})
    assert decide(step, Facts(instant=on(10)), since=T0, now=T0).what == "wait"
    assert decide(step, Facts(instant=on(-1)), since=T0, now=T0).going == "b"
    assert (decide(step, Facts(), since=T0, now=T0).what, decide(step, Facts(), since=T0, now=T0).reason) == ("skip", "no_date")
    assert decide(step, Facts(instant=on(900)), since=T0, now=on(366)).what == "go"


def test_a_branch_is_decided_at_once_or_within_its_longest_wait():
    at_once = read(kind="branch", branches=[{"when": {"all": []}, "go": "b"}], otherwise="end")
    waits = read(kind="branch", branches=[{"when": {"event": "payment.recovered"}, "go": "b"}], otherwise="end", longest_days=5)
    assert decide(at_once, Facts(fits=True), since=T0, now=T0).going == "b"
    assert decide(at_once, Facts(), since=T0, now=T0).going == "end"
    assert decide(waits, Facts(), since=T0, now=T0).due_at == on(5)
    assert decide(waits, Facts(), since=T0, now=on(5)).reason == "otherwise"


def test_a_step_whose_condition_is_not_met_is_skipped():
    step = read(kind="work", title="x", **{"if": {"all": [{"field": "mrr", "op": "gte", "value": "1000"}]}})
    assert decide(step, Facts(fits=False), since=T0, now=T0).reason == "condition"
    assert decide(step, Facts(fits=True), since=T0, now=T0).what == "act"


def test_texts_are_chosen_by_language_and_the_held_out_stay_the_same():
    assert [words_for({"en": "Hello", "tr": "Merhaba"}, code) for code in ("tr", "tr-TR", "de", "")] == ["Merhaba", "Merhaba", "Hello", "Hello"]
    held = {account for account in range(1, 20_001) if is_held_out("save", account, 10)}
    assert held <= {account for account in range(1, 20_001) if is_held_out("save", account, 20)}
    assert 0.09 < len(held) / 20_000 < 0.11
    assert is_held_out("save", 7, 10) == (int(hashlib.md5(b"save:7", usedforsecurity=False).hexdigest()[:7], 16) % 10_000 < 1000)
    assert isinstance(read(kind="stop"), Step)
