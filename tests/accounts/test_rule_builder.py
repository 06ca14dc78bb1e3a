"""The rule builder: what its inputs make, what its buttons change, where its faults stand."""

from __future__ import annotations

import pytest
from django import forms
from django.http import QueryDict
from django.utils import translation

from accounts.forms.rules import RuleField
from accounts.rules import parse
from accounts.rules.draft import from_inputs, from_json, to_json

RULE = {
    "all": [
        {"field": "mrr", "op": "gte", "value": "1000.5"},
        {"any": [{"field": "segment", "op": "in", "value": ["vip", "core"]}, {"not": {"field": "churn_risk", "op": "lt", "value": "0.25"}}]},
        {"contacts": {"share": "0.5"}, "where": {"any": [{"field": "job_title", "op": "in", "value": ["CEO", "CFO"]}, {"field": "age", "op": "between", "value": ["30", "40"]}]}},
        {"usage": {"measure": "count", "feature": "reports", "days": "28", "per": "day"}, "op": "gte", "value": "10"},
        {"field": "renews_on", "op": "in_next_days", "value": "90"},
        {"field": "attributes.seats", "op": "gt", "value": "9"},
        {"field": "excluded", "op": "eq", "value": "false"},
        {"field": "plan", "op": "is_empty"},
    ]
}


def press(client, sent, name="rule"):
    return client.post(f"/rules/builder/?name={name}", sent.urlencode(), content_type="application/x-www-form-urlencoded")


class Form(forms.Form):
    rule = RuleField(without=["segment"])


class Optional(forms.Form):
    rule = RuleField(required=False)


def inputs(node, name="rule"):
    """What a browser sends of a builder that shows this tree."""
    sent = QueryDict(mutable=True)

    def put(node):
        sent.appendlist(f"{name}.node", f"{node.number}:{'group' if node.group else 'condition'}")
        for part in ("join", "field", "op", "attribute", "quantifier", "share", "measure", "feature", "days", "per", "event", "payload", "held"):
            sent[f"{name}.{node.number}.{part}"] = getattr(node, part)
        sent.setlist(f"{name}.{node.number}.value", node.values)
        for child in node.children:
            put(child)

    put(node)
    return sent


@pytest.mark.parametrize("sign", [".", ","])
def test_a_rule_comes_back_from_the_builder_as_it_went_in(sign):
    sent = inputs(from_json(RULE, sign))
    back = to_json(from_inputs(sent.getlist, "rule"), sign)
    assert back == RULE
    parse(back)


@pytest.mark.parametrize(
    ("language", "typed", "meant"), [("en", "1,000.5", "1000.5"), ("tr", "1.000,5", "1000.5"), ("tr", "1.000", "1000"), ("en", "1.5", "1.5"), ("tr", "2,5", "2.5")]
)
def test_numbers_are_read_as_the_reader_writes_them(db, language, typed, meant):
    sent = inputs(from_json({"all": [{"field": "mrr", "op": "gte", "value": "1"}]}))
    sent["rule.0.0.value"] = typed
    with translation.override(language):
        form = Form(sent)
        assert form.is_valid(), form.errors
    assert form.cleaned_data["rule"] == {"all": [{"field": "mrr", "op": "gte", "value": meant}]}


def test_every_fault_stands_at_its_condition_and_what_was_typed_stays(db):
    sent = inputs(from_json({"all": [{"field": "mrr", "op": "gte", "value": "1"}, {"any": [{"field": "health", "op": "lt", "value": "2"}]}]}))
    sent["rule.0.0.value"], sent["rule.0.1.0.value"] = "a lot", "170"
    form = Form(sent)
    assert not form.is_valid()
    assert form.fields["rule"].faults == {"all.0.value": "Expected a number.", "all.1.any.0.value": "Expected a number from 0 to 100."}
    page = str(form["rule"])
    assert 'value="a lot"' in page
    first, second = page.index("Expected a number."), page.index("Expected a number from 0 to 100.")
    assert page.index('id="rule-0-0-value1"') < first < page.index('id="rule-0-1-0-value1"') < second


def test_a_field_that_may_not_be_asked_about_is_refused_even_when_it_is_sent(db):
    form = Form(inputs(from_json({"all": [{"field": "segment", "op": "in", "value": ["vip"]}]})))
    assert not form.is_valid()
    assert list(form.fields["rule"].faults) == ["all.0.field"]
    assert '<option value="segment"' not in str(Form()["rule"])


def test_a_rule_without_a_condition_is_nothing(db):
    empty = inputs(from_json({"all": []}))
    assert Form(empty).errors["rule"] == ["Add at least one condition."]
    form = Optional(empty)
    assert form.is_valid()
    assert form.cleaned_data["rule"] is None


def test_without_script_a_button_of_the_builder_brings_the_form_back_changed(db):
    sent = inputs(from_json({"all": [{"field": "plan", "op": "is_empty"}]}))
    sent["rule.do"] = "add:0"
    form = Form(sent)
    assert not form.is_valid()
    assert form.errors.as_data()["rule"][0].code == "editing"
    assert 'value="0.1:condition"' in str(form["rule"])


def test_the_builders_address_changes_the_tree_and_stores_nothing(client, cast):
    sent = inputs(from_json({"all": [{"field": "plan", "op": "contains", "value": "<b>pro"}]}))
    sent["rule.do"] = "group:0"
    assert press(client, sent).status_code == 302
    client.force_login(cast.elif_)
    page = press(client, sent).content.decode()
    assert 'value="0.1:group"' in page
    assert "&lt;b&gt;pro" in page
    sent["rule.do"] = "remove:0.0"
    assert "plan contains" not in press(client, sent).content.decode()
    assert client.get("/rules/builder/").status_code == 405
    assert press(client, sent, "%3Cx").status_code == 400
