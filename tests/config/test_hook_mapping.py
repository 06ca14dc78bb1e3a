"""The language of maps: what it says of faults, and that no body makes it run away."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.hooks.mapping import BadMap, Fact, WrongBody, check_map, constant_part, event_id, label, occurred_at, read_facts
from config.hooks.shipped import shipped_map, shipped_names
from config.hooks.transforms import Unfit, html_to_text, instant

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "topic", "data", "item", "id", "detail", "freshdesk_webhook", "ticket_id", "conversation"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def read(fields, body, **more):
    given_map = {"rules": [{"kind": "event", "fields": fields, **more.pop("rule", {})}], **more}
    check_map(given_map)
    return read_facts(given_map, body)


def test_fields_are_found_put_together_and_defaulted():
    body = {"a": {"b": [{"c": " X "}, {"c": "y"}]}, "n": 4, "empty": "", "t": 1700000000, "html": "<p>Bir&amp;iki</p><script>alert(1)</script><br>üç"}
    [fact] = read(
        {
            "path": {"path": "a.b.0.c", "as": ["trim", "lower"]}, "first": {"first": ["empty", "missing", "a.b.1.c"]}, "joined": {"join": ["n", "empty", "a.b.1.c"], "with": "-"},
            "constant": {"value": "chat"}, "default": {"path": "missing", "default": 3}, "table": {"path": "n", "as": {"table": "words"}}, "unknown": {"path": "a.b.1.c", "as": {"table": "words"}},
            "cut": {"path": "html", "as": [{"after": "<p>"}, {"before": "&"}, {"most": 2}]}, "plain": {"path": "html", "as": "html"}, "missing": "nowhere.at.all",
            "at": {"path": "t", "as": {"instant": "iso|unix"}}, "hidden": {"path": "a.b.0.c", "as": "email"}, "is": {"path": "n", "as": {"is": "4"}}, "not": {"path": "n", "as": {"not": "4"}},
        },
        body, tables={"words": {"4": "four"}},
    )  # fmt: skip
    assert fact == Fact(
        "event",
        {"path": "x", "first": "y", "joined": "4-y", "constant": "chat", "default": 3, "table": "four", "cut": "Bi", "plain": "Bir&iki\n\nüç", "at": dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC),
         "is": True},
        {"unknown": "y"},
    )  # fmt: skip


def test_a_rule_with_each_makes_a_fact_of_every_entry_that_fits():
    body = {"number": 7, "notes": [{"id": 1, "ok": True}, {"id": 2}, "no object", {"id": 3, "ok": 1}]}
    facts = read({"id": "id", "number": "/number"}, body, rule={"each": "notes", "when": [{"path": "ok", "is": True}]})
    assert [fact.values for fact in facts] == [{"id": 1, "number": 7}]
    assert read({"id": "id"}, {"notes": "no list"}, rule={"each": "notes"}) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "the map: an object"),
        ({"rules": []}, "rules: a list"),
        ({"rules": [{"kind": "event", "fields": {"a": "b"}}], "script": "x"}, "script: there is no such part"),
        ({"rules": [{"kind": "event", "fields": {"a": "b"}, "when": [{"path": "x"}]}]}, "rules.0.when.0: one of"),
        ({"rules": [{"kind": "event", "fields": {"a": {"path": "b", "as": {"table": "none"}}}}]}, "rules.0.fields.a.as: there is no table 'none'"),
        ({"rules": [{"kind": "event", "fields": {"a": {"path": "b", "value": 1}}}]}, "rules.0.fields.a: one of path"),
        ({"rules": [{"kind": "event", "fields": {"a": {"first": [{"path": 3}]}}}]}, "rules.0.fields.a.first.0.path: a path"),
    ],
)
def test_a_map_that_cannot_be_used_says_where_and_why(wrong, said):
    with pytest.raises(BadMap) as fault:
        check_map(wrong)
    assert str(fault.value).startswith(said)


def test_a_body_that_does_not_fit_says_the_path_and_what_is_expected():
    for spec, said in (
        ({"path": "a.b", "as": {"instant": "iso"}}, "a.b: an instant is expected (iso)"),
        ({"path": "a.c", "as": "text"}, "a.c: a text or a number is expected"),
        ({"path": "a.none", "required": True}, "a.none: something is expected here, for field"),
    ):
        with pytest.raises(WrongBody) as fault:
            read({"field": spec}, {"a": {"b": "tomorrow", "c": [1]}})
        assert str(fault.value) == said


def test_instants_outside_of_any_calendar_are_refused():
    for text in ("9" * 30, "-1", "1e400", "nan", "0000-00-00", "2300-01-01", ""):
        with pytest.raises(Unfit):
            instant(text, "unix|unix_ms|iso|%d.%m.%Y")
    assert instant("31.12.2025", "iso|%d.%m.%Y") == dt.datetime(2025, 12, 31, tzinfo=dt.UTC)


def test_what_differs_between_two_deliveries_is_left_out():
    body = {"id": 1, "data": {"tries": 2, "x": 1}, "tries": 5}
    assert constant_part({"varies": ["tries", "data.tries", "no.such"]}, body) == {"id": 1, "data": {"x": 1}}


@pytest.mark.parametrize("name", shipped_names())
@settings(max_examples=60, deadline=None)
@given(body=JSON)
def test_a_shipped_map_answers_any_body_with_facts_or_a_fault_of_the_body(name, body):
    given_map = shipped_map(name)
    assert isinstance(event_id(given_map, body) + label(given_map, body), str)
    for ask in (read_facts, occurred_at):
        try:
            ask(given_map, body)
        except WrongBody:
            continue


def test_a_megabyte_of_html_is_read_in_a_moment():
    for text in ("<p " * 300_000, "&" * 1_000_000, "<div>" * 100_000 + "x"):
        begun = time.process_time()
        html_to_text(text)
        assert time.process_time() - begun < 3, text[:10]
