"""What starts a playbook, once, for whom, and how often at most."""

import datetime as dt
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions.playbook_sweeps import StartRefused, start_by_hand, start_due
from accounts.models import Account, AccountSnapshot, Playbook, PlaybookPass, PlaybookRun, PlaybookVersion
from accounts.playbooks import is_held_out
from tests.accounts.playbook_ground import CALL, FAILED, add_version, at, happens, make_playbook

pytestmark = pytest.mark.django_db


def runs(playbook):
    """(account, status) of its runs."""
    return sorted(PlaybookRun.objects.filter(playbook=playbook).values_list("account__external_id", "status"))


def passes(playbook):
    """(account, reason) of what started nothing."""
    return sorted(PlaybookPass.objects.filter(playbook=playbook).values_list("account__external_id", "reason"))


def test_an_event_starts_a_playbook_once_however_often_one_looks(cast):
    playbook = make_playbook()
    event = happens(cast.boga, when=at(hours=1), contact_id=cast.selin.pk)
    assert start_due(now=at(hours=2), full=True) == {"started": 1}
    assert start_due(now=at(hours=3), full=True)["started"] == 0
    run = PlaybookRun.objects.get(playbook=playbook)
    assert (run.event_id, run.occasion, run.contact_id, run.step, run.due_at) == (event.pk, f"event:{event.pk}", cast.selin.pk, "call", at(hours=2))


def test_what_happened_before_it_was_switched_on_or_was_imported_starts_nothing(cast):
    playbook = make_playbook()
    happens(cast.boga, when=at(hours=-1))
    happens(cast.north, when=at(hours=1), origin="import")
    start_due(now=at(hours=2), full=True)
    assert runs(playbook) == []


def test_old_matches_start_it_where_they_were_asked_for(cast):
    playbook = make_playbook(old=10)
    happens(cast.boga, when=at(-9), origin="import")
    happens(cast.north, when=at(-11))
    start_due(now=at(), full=True)
    assert runs(playbook) == [("boga", "running")]


def test_the_payload_decides(cast):
    playbook = make_playbook(trigger=FAILED | {"where": {"hard_decline": False, "attempt": [1, 2]}}, caps={"per_account": 9, "at_once": 9})
    for payload in ({"hard_decline": False, "attempt": 1}, {"hard_decline": True, "attempt": 1}, {"hard_decline": False, "attempt": 3}, {}):
        happens(cast.boga, when=at(hours=1), payload=payload)
    assert start_due(now=at(hours=2), full=True)["started"] == 1
    assert PlaybookRun.objects.get(playbook=playbook).event.payload == {"hard_decline": False, "attempt": 1}


@pytest.mark.parametrize(
    ("trigger", "kind", "fits", "does_not"),
    [
        ({"kind": "segment", "move": "enter", "segment": "vip"}, "segment.changed", {"segment": "vip"}, {"segment_before": "vip"}),
        ({"kind": "segment", "move": "leave", "segment": "vip"}, "segment.changed", {"segment_before": "vip"}, {"segment": "vip"}),
        ({"kind": "band", "to": ["at_risk", "watch"]}, "health.band_changed", {"band": "watch", "score": 50}, {"band": "healthy", "score": 90}),
        ({"kind": "answer", "survey_kind": "nps", "group": "detractor"}, "survey.answered", {"response": 1, "survey_kind": "nps", "group": "detractor"},
         {"response": 2, "survey_kind": "nps", "group": "detractor", "is_suspect": True}),
        ({"kind": "stage", "stage": "onboarding"}, "stage.changed", {"stage": "onboarding"}, {"stage": "adoption"}),
    ],
)  # fmt: skip
def test_moves_and_answers_are_events(cast, trigger, kind, fits, does_not):
    playbook = make_playbook(trigger=trigger)
    happens(cast.boga, kind, at(hours=1), payload=fits)
    happens(cast.north, kind, at(hours=1), payload=does_not)
    start_due(now=at(hours=2), full=True)
    assert runs(playbook) == [("boga", "running")]


def test_a_date_starts_it_on_its_day_and_up_to_a_week_late(cast):
    playbook = make_playbook(trigger={"kind": "date", "field": "renews_on", "days": -90})
    AccountSnapshot.objects.filter(account=cast.boga).update(renews_on=dt.date(2026, 3, 12) + dt.timedelta(days=90))
    AccountSnapshot.objects.filter(account=cast.north).update(renews_on=dt.date(2026, 3, 30) + dt.timedelta(days=90))
    start_due(now=at(9), full=True)
    assert runs(playbook) == []
    start_due(now=at(10), full=False)
    assert runs(playbook) == []
    start_due(now=at(12), full=True)
    start_due(now=at(13), full=True)
    assert runs(playbook) == [("boga", "running")]
    assert PlaybookRun.objects.get().occasion == "renews_on:2026-06-10"
    start_due(now=at(40), full=True)
    assert runs(playbook) == [("boga", "running")]


def test_days_of_attributes_and_instants_are_read_and_texts_that_are_no_days_stop_nobody(cast):
    kicked = make_playbook("kick", trigger={"kind": "date", "field": "attributes.kick_off", "days": 3})
    signed = make_playbook("sign", trigger={"kind": "date", "field": "signed_up_at", "days": 0})
    Account.objects.filter(pk=cast.boga.pk).update(attributes={"kick_off": "2026-03-04"}, signed_up_at=at(5, 13))
    Account.objects.filter(pk=cast.north.pk).update(attributes={"kick_off": "2026-02-31"})
    start_due(now=at(5), full=True)
    assert (runs(kicked), runs(signed)) == ([("boga", "running")], [("boga", "running")])


def test_idle_days_in_a_stage_start_it_once_a_stretch(cast):
    playbook = make_playbook(trigger={"kind": "stage", "stage": "onboarding", "idle_days": 14}, caps={"per_account": 9, "at_once": 9})
    Account.objects.filter(pk=cast.boga.pk).update(lifecycle_stage="onboarding")
    AccountSnapshot.objects.filter(account=cast.boga).update(last_seen_on=dt.date(2026, 2, 28))
    start_due(now=at(11), full=True)
    assert runs(playbook) == []
    for day in (12, 13, 15):
        start_due(now=at(day), full=True)
    assert [run.occasion for run in PlaybookRun.objects.all()] == ["idle:onboarding:2026-02-28"]
    AccountSnapshot.objects.filter(account=cast.boga).update(last_seen_on=dt.date(2026, 3, 10))
    start_due(now=at(24), full=True)
    assert PlaybookRun.objects.count() == 2


def test_churned_excluded_and_others_are_passed_over_with_the_reason(cast):
    playbook = make_playbook(audience={"all": [{"field": "country", "op": "eq", "value": "TR"}]})
    lost = Account.objects.create(external_id="lost", name="Lost", country="TR", churned_at=at(-5))
    test = Account.objects.create(external_id="test", name="Test", country="TR", excluded=True)
    for account in (cast.boga, cast.north, lost, test):
        happens(account, when=at(hours=1))
    start_due(now=at(hours=2), full=True)
    assert runs(playbook) == [("boga", "running")]
    assert passes(playbook) == [("lost", "churned"), ("north", "audience"), ("test", "excluded")]
    assert start_due(now=at(hours=3), full=True).total() == 0


def test_a_version_may_include_customers_who_left(cast):
    playbook = make_playbook(trigger={"kind": "event", "event": "account.churned"}, includes_churned=True)
    Account.objects.filter(pk=cast.boga.pk).update(churned_at=at(hours=1))
    happens(cast.boga, "account.churned", at(hours=1))
    start_due(now=at(hours=2), full=True)
    assert runs(playbook) == [("boga", "running")]


def test_caps_hold_and_say_why(cast):
    playbook = make_playbook(caps={"per_account": 2, "days": 30, "at_once": 1})
    for hour in (1, 2):
        happens(cast.boga, when=at(hours=hour))
    start_due(now=at(hours=3), full=True)
    assert (runs(playbook), passes(playbook)) == ([("boga", "running")], [("boga", "running")])
    PlaybookRun.objects.update(status="done")
    happens(cast.boga, when=at(5))
    start_due(now=at(6), full=True)
    PlaybookRun.objects.update(status="done")
    happens(cast.boga, when=at(7))
    start_due(now=at(8), full=True)
    assert passes(playbook) == [("boga", "cap"), ("boga", "running")]
    happens(cast.boga, when=at(31))
    start_due(now=at(31, 1), full=True)
    assert PlaybookRun.objects.count() == 3


def test_what_is_over_the_cap_of_a_day_waits_for_the_next(cast):
    playbook = make_playbook(caps={"per_day": 1})
    happens(cast.boga, when=at(hours=1))
    happens(cast.north, when=at(hours=2))
    start_due(now=at(hours=3), full=True)
    start_due(now=at(hours=4), full=True)
    assert (runs(playbook), passes(playbook)) == ([("boga", "running")], [])
    start_due(now=at(1), full=True)
    assert runs(playbook) == [("boga", "running"), ("north", "running")]


def test_the_held_out_are_recorded_do_nothing_and_stay_the_same(cast):
    playbook = make_playbook(hold_out_percent=50)
    accounts = [Account.objects.create(external_id=f"h{number}", name=f"H{number}") for number in range(12)]
    for account in accounts:
        happens(account, when=at(hours=1))
    counts = start_due(now=at(hours=2), full=True)
    held = {account.external_id for account in accounts if is_held_out("save", account.pk, 50)}
    assert {row.account.external_id for row in PlaybookRun.objects.filter(status="held_out").select_related("account")} == held
    assert counts["started"] + counts["held_out"] == 12
    assert not PlaybookRun.objects.filter(status="held_out", due_at__isnull=False).exists()
    assert playbook.runs.filter(status="held_out", ended_at=at(hours=2)).count() == len(held)


def test_a_person_starts_it_by_hand_within_its_audience_and_caps(cast):
    playbook = make_playbook(trigger={"kind": "manual"}, audience={"all": [{"field": "country", "op": "eq", "value": "TR"}]})
    run = start_by_hand(playbook_id=playbook.pk, account_id=cast.boga.pk, actor=cast.elif_, now=at(), contact=cast.selin, occasion="a")
    assert (run.status, run.started_by, run.contact, run.occasion) == ("running", cast.elif_, cast.selin, "manual:a")
    assert start_by_hand(playbook_id=playbook.pk, account_id=cast.boga.pk, actor=cast.elif_, now=at(1), occasion="a") == run
    for account, reason in ((cast.boga, "running"), (cast.north, "audience")):
        with pytest.raises(StartRefused, match=reason):
            start_by_hand(playbook_id=playbook.pk, account_id=account.pk, actor=cast.elif_, now=at(1))
    Playbook.objects.update(active=False)
    with pytest.raises(StartRefused, match="inactive"):
        start_by_hand(playbook_id=playbook.pk, account_id=cast.boga.pk, actor=cast.elif_, now=at(1))
    assert (PlaybookRun.objects.count(), PlaybookPass.objects.count()) == (1, 0)


def test_an_account_that_is_held_out_is_started_by_hand_only_anyway(cast):
    playbook = make_playbook(trigger={"kind": "manual"}, hold_out_percent=90)
    account = next(row for row in (Account.objects.create(external_id=f"h{n}", name="H") for n in range(40)) if is_held_out("save", row.pk, 90))
    with pytest.raises(StartRefused, match="held_out"):
        start_by_hand(playbook_id=playbook.pk, account_id=account.pk, actor=cast.elif_, now=at())
    assert PlaybookRun.objects.count() == 0
    assert start_by_hand(playbook_id=playbook.pk, account_id=account.pk, actor=cast.elif_, now=at(), anyway=True).status == "running"


def test_publishing_freezes_and_new_runs_follow_the_new_version_alone(cast):
    playbook = make_playbook(caps={"per_account": 9, "at_once": 9})
    happens(cast.boga, when=at(hours=1))
    start_due(now=at(hours=2), full=True)
    add_version(playbook, now=at(hours=3), trigger=FAILED, steps=[CALL | {"key": "write"}], caps={"per_account": 9, "at_once": 9})
    happens(cast.boga, when=at(hours=4))
    start_due(now=at(hours=5), full=True)
    assert [(run.version.number, run.step) for run in PlaybookRun.objects.order_by("pk")] == [(1, "call"), (2, "write")]
    for change in ({"steps": []}, {"hold_out_percent": 3}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PlaybookVersion.objects.filter(number=1).update(**change)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=14), st.integers(1, 3), st.integers(1, 20), st.integers(1, 2), st.none() | st.integers(1, 3))
def test_one_run_an_event_at_most_and_caps_are_never_exceeded(cast, moments, per_account, days, at_once, per_day):
    with transaction.atomic():
        accounts = [cast.boga, cast.north, Account.objects.create(external_id="third", name="Third")]
        playbook = make_playbook(caps={"per_account": per_account, "days": days, "at_once": at_once, "per_day": per_day})
        for day in sorted({day for _account, day in moments}):
            for number, (account, when) in enumerate(moments):
                if when == day:
                    happens(accounts[account], when=at(day, number / 10))
            start_due(now=at(day, 8), full=True, batch=2)
            start_due(now=at(day, 9), full=False)
            for account in accounts:
                assert PlaybookRun.objects.filter(playbook=playbook, account=account, status="running").count() <= at_once
            PlaybookRun.objects.filter(playbook=playbook, started_at__lte=at(day - 2, 10)).update(status="done")
        started = list(PlaybookRun.objects.filter(playbook=playbook).values_list("account_id", "event_id", "started_at"))
        assert len({event for _account, event, _at in started}) == len(started)
        for account, _event, first in started:
            assert sum(1 for other, _e, when in started if other == account and first <= when < first + dt.timedelta(days=days)) <= per_account
            if per_day:
                assert sum(1 for _a, _e, when in started if when.date() == first.date()) <= per_day
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_start_no_more_than_one(cast):
    playbook = make_playbook(caps={"per_account": 2, "at_once": 2, "per_day": 5})
    accounts = [Account.objects.create(external_id=f"w{number}", name=f"W{number}") for number in range(4)]
    for account in accounts:
        for hour in range(4):
            happens(account, when=at(hours=hour + 1))
    gate, faults = threading.Barrier(4), []

    def sweep():
        try:
            gate.wait(10)
            for _round in range(3):
                start_due(now=at(hours=6), full=True, batch=3)
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert PlaybookRun.objects.filter(playbook=playbook).count() == 5
    assert max(PlaybookRun.objects.filter(account=account).count() for account in accounts) == 2
