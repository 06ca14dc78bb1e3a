"""Rules about what happened: counted in a window that ends now, by kind and payload; whoever writes such an event has the account looked at."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.stages import check_stage
from accounts.forms.rules import RuleField
from accounts.models import AccountDirty, LifecycleStage, Segment
from accounts.queries.rule_matches import explain, matching, read_rule
from accounts.rules import RuleFault, fields_of, moves_with_time, parse, refuse_fields, sentence
from accounts.rules.draft import from_inputs, from_json, to_json
from accounts.stage_rules import StageFault
from tests.accounts.test_rule_builder import inputs, press

NOW = dt.datetime(2027, 3, 10, 9, 0, tzinfo=dt.UTC)
TODAY = dt.date(2027, 3, 10)


def asks(kind, days, op="happened", times=None, **payload):
    return {"all": [{"event": {"kind": kind, "days": days, **payload}, "op": op} | ({} if times is None else {"value": times})]}


def fits(rule):
    return set(matching(read_rule(rule), now=NOW, today=TODAY))


def happened(account, kind, at, **payload):
    record_events([NewEvent(account_id=account.pk, kind=kind, occurred_at=at, origin="api", payload=payload)])


def failed(account, days_ago, **payload):
    happened(account, "payment.failed", NOW - dt.timedelta(days=days_ago), **payload)


def test_it_happened_at_least_so_often_within_the_last_days(cast):
    failed(cast.boga, 1)
    failed(cast.boga, 20)
    failed(cast.north, 31)
    assert fits(asks("payment.failed", 30)) == {cast.boga.pk}
    assert fits(asks("payment.failed", 30, times=2)) == {cast.boga.pk}
    assert fits(asks("payment.failed", 19, times="2")) == set()
    assert fits(asks("payment.failed", 60, times=1)) == {cast.boga.pk, cast.north.pk}
    assert fits(asks("payment.failed", 30, "not_happened")) == {cast.north.pk}
    assert fits({"not": asks("payment.failed", 60)}) == fits(asks("payment.recovered", 9)) == set()


def test_the_window_begins_with_a_day_of_the_organisation_and_ends_now(cast, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    happened(cast.boga, "touch.logged", dt.datetime(2027, 3, 2, 20, 59, tzinfo=dt.UTC))
    happened(cast.north, "touch.logged", dt.datetime(2027, 3, 2, 21, 0, tzinfo=dt.UTC))
    assert fits(asks("touch.logged", 7)) == {cast.north.pk}
    assert fits(asks("touch.logged", 8)) == {cast.boga.pk, cast.north.pk}
    happened(cast.boga, "note.added", NOW)
    happened(cast.north, "note.added", NOW + dt.timedelta(seconds=1))
    assert fits(asks("note.added", 1)) == {cast.boga.pk}


def test_what_the_payload_holds_is_compared_as_text_number_or_yes_and_no(cast):
    failed(cast.boga, 1, attempt=2, hard_decline=True, failure_code="card_expired", amount="12.50")
    failed(cast.north, 1, attempt=3, hard_decline=False)
    assert fits(asks("payment.failed", 7, key="hard_decline", value=True)) == fits(asks("payment.failed", 7, key="hard_decline", value="true")) == {cast.boga.pk}
    assert fits(asks("payment.failed", 7, key="attempt", value="2.0")) == {cast.boga.pk}
    assert fits(asks("payment.failed", 7, key="amount", value="12.5")) == {cast.boga.pk}
    assert fits(asks("payment.failed", 7, key="failure_code", value="card_expired")) == {cast.boga.pk}
    assert fits(asks("payment.failed", 7, "not_happened", key="failure_code", value="x' OR true --")) == {cast.boga.pk, cast.north.pk}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (asks("payment.guessed", 7), "event.kind"),
        (asks("", 7), "event.kind"),
        (asks("payment.failed", 0), "event.days"),
        (asks("payment.failed", 4000), "event.days"),
        (asks("payment.failed", 7, key="agent", value="1"), "event.key"),
        (asks("payment.failed", 7, key="attempt"), "event.value"),
        (asks("payment.failed", 7, value="2"), "event.value"),
        (asks("payment.failed", 7, times="0"), "value"),
        (asks("payment.failed", 7, "not_happened", times="2"), "value"),
        (asks("payment.failed", 7, "gte", times="2"), "op"),
        (asks("payment.failed", 7, sql="1"), "event"),
        (asks("health.band_changed", 7, key="causes", value="x"), "event.key"),
        ({"all": [{"contacts": "any", "where": asks("payment.failed", 7)}]}, "where.all.0"),
    ],
)
def test_what_cannot_be_asked_of_events_is_refused_at_its_place(rule, path):
    with pytest.raises(RuleFault) as fault:
        parse(rule)
    assert fault.value.path.startswith("all.0")
    assert fault.value.path.endswith(f".{path}")


def test_it_is_told_in_words_with_how_often_it_was(cast):
    failed(cast.boga, 1, hard_decline=True)
    rule = read_rule(asks("payment.failed", 30, times=2, key="hard_decline", value=True))
    assert sentence(rule) == "at least 2 times within the last 30 days: a payment fails (hard decline: yes)"
    assert [tuple(reason)[1:] for reason in explain(rule, cast.boga.pk, now=NOW, today=TODAY)] == [("1", False, "all.0")]
    assert sentence(parse(asks("ticket.opened", 1, "not_happened"))) == "not within the last 1 day: a ticket is opened"
    assert fields_of(rule) == {"event", "event.payment.failed"}
    assert moves_with_time(rule)


def test_no_segment_and_no_stage_asks_for_its_own_changes(db):
    with pytest.raises(RuleFault) as fault:
        refuse_fields(parse(asks("segment.changed", 7)), {"segment"})
    assert fault.value.path == "all.0.event.kind"
    refuse_fields(parse(asks("stage.changed", 7)), {"segment"})
    stage = LifecycleStage.objects.order_by("position").first()
    for field in ("start_rule", "end_rule"):
        edited = LifecycleStage(**{column.attname: getattr(stage, column.attname) for column in stage._meta.concrete_fields} | {"start_rule": None, "end_rule": None, "goals": []})
        setattr(edited, field, asks("stage.changed", 7))
        with pytest.raises(StageFault) as refused:
            check_stage(edited)
        assert (refused.value.field, refused.value.path) == (field, "all.0.event.kind")


def test_an_event_marks_its_account_where_a_rule_asks_for_its_kind(cast):
    AccountDirty.objects.all().delete()
    happened(cast.boga, "note.added", NOW)
    assert not AccountDirty.objects.exists()
    Segment.objects.filter(key="core").update(rule=asks("note.added", 7))
    happened(cast.boga, "note.added", NOW)
    happened(cast.north, "work.done", NOW, work_item=1, type="risk")
    assert list(AccountDirty.objects.values_list("account_id", "reason")) == [(cast.boga.pk, "event")]
    stage = LifecycleStage.objects.order_by("position").first()
    LifecycleStage.objects.filter(pk=stage.pk).update(goals=[{"key": "g", "name": "G", "rule": {"any": [asks("work.done", 7)]}}])
    happened(cast.north, "work.done", NOW, work_item=2, type="risk")
    assert set(AccountDirty.objects.values_list("account_id", flat=True)) == {cast.boga.pk, cast.north.pk}


def test_the_builder_takes_and_shows_it(client, cast):
    rule = {
        "all": [
            {"event": {"kind": "payment.failed", "days": "30", "key": "hard_decline", "value": "true"}, "op": "happened", "value": "2"},
            {"event": {"kind": "ticket.opened", "days": "7"}, "op": "not_happened"},
        ]
    }
    client.force_login(cast.ada)
    sent = inputs(from_json(rule))
    assert to_json(from_inputs(sent.getlist, "rule")) == rule
    shown = press(client, sent).content.decode()
    assert "at least 2 times within the last 30 days: a payment fails (hard decline: yes) and not within the last 7 days: a ticket is opened" in shown
    assert '<option value="hard_decline" selected>' in shown
    # another event has other keys: what the first held is gone
    sent["rule.0.0.event"] = "usage.milestone"
    assert to_json(from_inputs(sent.getlist, "rule"))["all"][0]["event"] == {"kind": "usage.milestone", "days": "30"}
    sent["rule.0.0.event"] = ""
    field = RuleField()
    with pytest.raises(ValidationError):
        field.clean(field.widget.value_from_datadict(sent, {}, "rule"))
    assert list(field.faults) == ["all.0.event.kind"]
    assert '"segment.changed"' not in client.post("/rules/builder/?name=rule&without=segment", sent.urlencode(), content_type="application/x-www-form-urlencoded").content.decode()
