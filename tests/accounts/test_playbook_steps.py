"""Runs over a clock that is moved by hand: every kind of step, what ends a run early, and workers that die."""

import datetime as dt

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions import playbook_steps
from accounts.actions.playbook_runs import NoSuchStep, RunEnded, StepOver, drop_step, stop_run
from accounts.actions.playbook_steps import claim_runs, run_due
from accounts.actions.playbook_sweeps import start_due
from accounts.actions.suppressions import suppress
from accounts.models import Account, AccountEvent, AccountSnapshot, Contact, OutgoingMail, PlaybookRun, PlaybookStepLog, Subscription, WorkItem
from tests.accounts.playbook_ground import CALL, add_version, at, happens, make_playbook, story, work_off

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = {"key": "write", "kind": "mail", "subject": {"en": "{account}", "tr": "{first_name|Merhaba}, {account}"}, "body": {"en": "Hello {name|there}", "tr": "Merhaba {first_name}"}}
HIGH_MRR = {"all": [{"field": "mrr", "op": "gte", "value": "1000"}]}


def begin(account, *steps, **parts):
    """A run at its first round."""
    playbook = make_playbook(steps=steps, **parts)
    happens(account, when=at(hours=1))
    work_off(at(hours=2))
    return PlaybookRun.objects.get(playbook=playbook)


def test_work_is_opened_for_the_owner_with_the_playbook_beside_it(cast):
    run = begin(cast.boga, CALL | {"priority": "high", "due_days": 3, "type": "risk"})
    item = WorkItem.objects.get()
    assert (item.owner, item.title, item.priority, item.due_at, item.type, item.reason, item.playbook_run_id) == (
        cast.elif_, "Call Selin Aydın", 1, at(3, 2), "risk", "save:call", run.pk,
    )  # fmt: skip
    assert story(run) == [("call", "done", "")]
    assert (run.status, run.end_reason, run.ended_at, run.position) == ("done", "done", at(hours=2), 1)
    assert AccountEvent.objects.filter(kind="work.opened").count() == 1


def test_work_that_is_open_already_is_not_opened_twice_and_who_has_left_gets_none(cast):
    begin(cast.boga, CALL | {"assignee": "can@vefa.test", "reason": "money"}, CALL | {"key": "again", "reason": "money"})
    run = PlaybookRun.objects.get()
    assert story(run) == [("call", "done", ""), ("again", "skipped", "open_already")]
    assert WorkItem.objects.get().owner == cast.can
    cast.can.is_active = False
    cast.can.save()
    other = make_playbook("other", steps=[CALL | {"assignee": "can@vefa.test"}])
    happens(cast.boga, when=at(1))
    work_off(at(1, 1))
    assert story(PlaybookRun.objects.get(playbook=other)) == [("call", "done", "assignee_gone")]
    assert WorkItem.objects.get(reason="other:call").owner == cast.elif_


def test_a_mail_waits_in_the_outbox_in_the_readers_language(cast):
    run = begin(cast.boga, MAIL)
    mail = OutgoingMail.objects.get()
    assert (mail.kind, mail.to_address, mail.language, mail.mail_subject, mail.body_text) == (
        "playbook",
        "selin@bogazici.test",
        "tr",
        "Selin, Boğaziçi Lojistik A.Ş.",
        "Merhaba Selin",
    )
    assert (mail.subject_id, mail.status, mail.next_attempt_at) == (f"{run.pk}:write", "queued", at(hours=2))
    assert mail.reply_to.endswith("<elif@vefa.test>")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"opted_out": True}, "refused"),
        ({"email": ""}, "no_address"),
        ({"bounced_at": at()}, "bounced"),
        ({"external_id": "erased-1"}, "no_contact"),
    ],
)
def test_who_may_not_be_written_to_gets_no_mail_and_the_reason_is_logged(cast, change, reason):
    Contact.objects.filter(pk=cast.selin.pk).update(**change)
    run = begin(cast.boga, MAIL, CALL)
    assert story(run) == [("write", "skipped", reason), ("call", "done", "")]
    assert OutgoingMail.objects.count() == 0


def test_suppressed_addresses_get_nothing_a_gap_is_kept_and_transactional_mails_pass_a_refusal(cast):
    run = begin(cast.boga, MAIL, MAIL | {"key": "more"}, MAIL | {"key": "invoice", "transactional": True})
    assert story(run) == [("write", "done", ""), ("more", "skipped", "gap"), ("invoice", "done", "")]
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    suppress(address="harry@northgate.test", reason="complaint")
    playbook = make_playbook("next", steps=[MAIL | {"transactional": True}])
    for account in (cast.boga, cast.north):
        happens(account, when=at(3))
    work_off(at(3, 1))
    assert [story(row) for row in PlaybookRun.objects.filter(playbook=playbook).order_by("account__external_id")] == [[("write", "done", "")], [("write", "skipped", "suppressed")]]


def test_fields_and_tags_change_as_a_person_would_change_them(cast):
    Account.objects.filter(pk=cast.boga.pk).update(tags=["old", "kept"], attributes={"seats": 4})
    run = begin(
        cast.boga, {"key": "a", "kind": "field", "field": "lifecycle_stage", "value": "onboarding"}, {"key": "b", "kind": "field", "field": "attributes.tier", "value": "gold"},
        {"key": "c", "kind": "field", "field": "owner", "value": "can@vefa.test"}, {"key": "d", "kind": "tag", "add": ["new", "kept"], "remove": ["old"]},
        {"key": "e", "kind": "field", "field": "lifecycle_stage", "value": "onboarding"},
    )  # fmt: skip
    cast.boga.refresh_from_db()
    assert (cast.boga.lifecycle_stage_id, cast.boga.attributes, cast.boga.owner, cast.boga.tags) == ("onboarding", {"seats": 4, "tier": "gold"}, cast.can, ["kept", "new"])
    assert [line[1:] for line in story(run)] == [("done", "")] * 4 + [("done", "same_already")]
    assert AccountEvent.objects.filter(account=cast.boga, kind__in=["stage.changed", "owner.changed"]).count() == 2


def test_a_wait_lasts_and_a_condition_that_is_not_met_skips(cast):
    run = begin(cast.boga, {"key": "rest", "kind": "wait", "days": 2}, CALL | {"if": HIGH_MRR}, CALL | {"key": "last"})
    assert (story(run), run.due_at, run.step) == ([("rest", "waiting", "")], at(2, 2), "rest")
    work_off(at(2, 1))
    assert story(run) == [("rest", "waiting", "")]
    work_off(at(2, 2))
    assert story(run) == [("rest", "done", "time"), ("call", "skipped", "condition"), ("last", "done", "")]


def test_a_wait_for_an_event_ends_with_it_and_goes_elsewhere_without(cast):
    steps = (
        {"key": "paid", "kind": "wait", "event": "payment.recovered", "longest_days": 5, "otherwise": "call"},
        {"key": "thanks", "kind": "tag", "add": ["paid"], "next": "end"},
        CALL,
    )
    run = begin(cast.boga, *steps)
    happens(cast.boga, "payment.recovered", at(1))
    work_off(at(1, 1))
    assert story(run) == [("paid", "done", "event"), ("thanks", "done", "")]
    other = make_playbook("other", steps=steps)
    happens(cast.north, when=at(1, 2))
    work_off(at(1, 3))
    work_off(at(6, 3))
    assert story(PlaybookRun.objects.get(playbook=other, account=cast.north)) == [("paid", "done", "longest_wait"), ("call", "done", "")]


def test_a_branch_takes_the_first_that_fits_within_its_longest_wait(cast):
    branch = {
        "key": "which", "kind": "branch", "longest_days": 4, "otherwise": "last",
        "branches": [{"when": HIGH_MRR, "go": "call"}, {"when": {"event": "survey.answered", "where": {"group": "promoter"}}, "go": "end"}],
    }  # fmt: skip
    run = begin(cast.boga, branch, CALL | {"next": "end"}, {"key": "last", "kind": "tag", "add": ["quiet"]})
    happens(cast.boga, "survey.answered", at(1), payload={"response": 1, "survey_kind": "nps", "group": "passive"})
    work_off(at(1, 1))
    assert story(run) == [("which", "waiting", "")]
    AccountSnapshot.objects.filter(account=cast.boga).update(mrr_micros=2_000_000_000)
    work_off(at(1, 3))
    assert story(run) == [("which", "done", "branch_1"), ("call", "done", "")]
    assert PlaybookStepLog.objects.get(run=run, step="which").detail == {"go": "call"}
    other = make_playbook("other", steps=[branch, CALL | {"next": "end"}, {"key": "last", "kind": "tag", "add": ["silent"]}])
    happens(cast.north, when=at(1))
    work_off(at(1, 4))
    work_off(at(6))
    assert story(PlaybookRun.objects.get(playbook=other, account=cast.north)) == [("which", "done", "otherwise"), ("last", "done", "")]


def test_what_ends_a_run_takes_back_what_has_not_left_and_closes_its_work(cast):
    run = begin(
        cast.boga,
        CALL,
        CALL | {"key": "kept", "keep_on_exit": True},
        MAIL,
        {"key": "rest", "kind": "wait", "days": 9},
        CALL | {"key": "late"},
        exits=[{"event": "payment.recovered"}],
    )
    happens(cast.boga, "payment.recovered", at(1))
    work_off(at(1, 1))
    run.refresh_from_db()
    assert (run.status, run.end_reason, run.ended_at, run.due_at) == ("stopped", "exit_1", at(1, 1), None)
    assert story(run) == [("call", "done", ""), ("kept", "done", ""), ("write", "skipped", "ended:exit_1"), ("rest", "skipped", "ended:exit_1")]
    assert sorted(WorkItem.objects.values_list("reason", "status", "outcome")) == [("save:call", "done", "over:payment"), ("save:kept", "open", "")]
    assert list(OutgoingMail.objects.values_list("status", "reason")) == [("aborted", "playbook_ended")]
    work_off(at(20))
    assert len(story(run)) == 4


def test_a_customer_who_leaves_and_a_rule_that_fits_end_a_run(cast):
    lost = begin(cast.boga, {"key": "rest", "kind": "wait", "days": 60}, CALL)
    Account.objects.filter(pk=cast.boga.pk).update(churned_at=at(2))
    happens(cast.boga, "account.churned", at(2))
    ruled = make_playbook("ruled", steps=[{"key": "rest", "kind": "wait", "days": 60}, CALL], exits=[{"rule": HIGH_MRR}])
    happens(cast.north, when=at(2))
    work_off(at(2, 1))
    AccountSnapshot.objects.filter(account=cast.north).update(mrr_micros=2_000_000_000)
    work_off(at(3, 2))
    lost.refresh_from_db()
    assert (lost.status, lost.end_reason) == ("stopped", "churned")
    assert PlaybookRun.objects.get(playbook=ruled, account=cast.north).end_reason == "exit_1"


def test_a_person_drops_steps_and_stops_runs_and_it_is_recorded(cast):
    run = begin(cast.boga, {"key": "rest", "kind": "wait", "days": 9}, CALL, CALL | {"key": "last"})
    drop_step(run_id=run.pk, step="call", actor=cast.elif_, now=at(1), reason="Spoke yesterday")
    drop_step(run_id=run.pk, step="rest", actor=cast.elif_, now=at(1))
    for step, refusal in (("rest", StepOver), ("nowhere", NoSuchStep)):
        with pytest.raises(refusal):
            drop_step(run_id=run.pk, step=step, actor=cast.elif_, now=at(1))
    work_off(at(1))
    assert story(run) == [("rest", "dropped", ""), ("call", "dropped", "Spoke yesterday"), ("last", "done", "")]
    assert PlaybookStepLog.objects.get(step="call").actor == cast.elif_
    with pytest.raises(RunEnded):
        stop_run(run_id=run.pk, now=at(2), actor=cast.elif_)
    assert WorkItem.objects.count() == 1


def test_running_runs_keep_their_version(cast):
    run = begin(cast.boga, {"key": "rest", "kind": "wait", "days": 2}, CALL)
    add_version(run.playbook, now=at(1), trigger=run.version.trigger, steps=[{"key": "rest", "kind": "stop"}])
    work_off(at(2, 2))
    assert story(run) == [("rest", "done", "time"), ("call", "done", "")]


class Killed(BaseException):
    """The worker's process is gone."""


def test_a_worker_that_dies_does_no_step_twice_and_another_goes_on(cast, monkeypatch):
    playbook = make_playbook(steps=[CALL, MAIL, {"key": "tagged", "kind": "tag", "add": ["seen"]}])
    happens(cast.boga, when=at(hours=1))
    start_due(now=at(hours=2), full=True)
    perform, done = playbook_steps.perform, []

    def dying(step, run, *, now):
        effect = perform(step, run, now=now)
        done.append(step.key)
        if len(done) == 2:
            raise Killed
        return effect

    monkeypatch.setattr(playbook_steps, "perform", dying)
    with pytest.raises(Killed):
        run_due(now=at(hours=2), worker="first")
    monkeypatch.setattr(playbook_steps, "perform", perform)
    run = PlaybookRun.objects.get(playbook=playbook)
    assert (story(run), OutgoingMail.objects.count(), run.step) == ([("call", "done", "")], 0, "write")
    assert run_due(now=at(hours=2), worker="second").total() == 0
    run_due(now=at(hours=3), worker="second")
    assert story(run) == [("call", "done", ""), ("write", "done", ""), ("tagged", "done", "")]
    assert (WorkItem.objects.count(), OutgoingMail.objects.count()) == (1, 1)


def test_a_claim_belongs_to_one_worker_and_is_refused_inside_a_transaction(cast):
    make_playbook(steps=[CALL])
    for account in (cast.boga, cast.north):
        happens(account, when=at(hours=1))
    start_due(now=at(hours=2), full=True)
    first = claim_runs(worker="a", now=at(hours=2), limit=1)
    second = claim_runs(worker="b", now=at(hours=2), limit=5)
    assert (len(first), len(second), set(first) & set(second)) == (1, 1, set())
    assert claim_runs(worker="c", now=at(hours=2), limit=5) == []
    assert sorted(claim_runs(worker="c", now=at(hours=3), limit=5)) == sorted(first + second)
    with transaction.atomic(), pytest.raises(RuntimeError):
        claim_runs(worker="d", now=at(hours=9), limit=1)


def test_a_step_that_cannot_be_done_fails_alone(cast, monkeypatch):
    def broken(step, run, *, now):
        Subscription.objects.create(account=run.account, start=now, product="x")
        raise ValueError

    monkeypatch.setattr(playbook_steps, "perform", broken)
    run = begin(cast.boga, CALL, {"key": "rest", "kind": "wait", "days": 1})
    assert story(run) == [("call", "failed", "ValueError"), ("rest", "waiting", "")]
    assert Subscription.objects.count() == 0


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_whatever_dies_when_every_step_is_done_once(cast, monkeypatch, deaths, hours):
    PlaybookStepLog.objects.all().delete()
    WorkItem.objects.all().delete()
    PlaybookRun.objects.all().delete()
    playbook = make_playbook(f"k{dt.datetime.now(dt.UTC).timestamp()}".replace(".", ""), steps=[CALL | {"key": f"s{n}", "title": f"Step {n}"} for n in range(4)])
    happens(cast.boga, when=at(hours=1))
    start_due(now=at(hours=2), full=True, playbook_id=playbook.pk)
    perform, fate = playbook_steps.perform, iter(deaths)

    def dying(step, run, *, now):
        effect = perform(step, run, now=now)
        if next(fate, False):
            raise Killed
        return effect

    with monkeypatch.context() as patched:
        patched.setattr(playbook_steps, "perform", dying)
        clock = 2
        for gap in [*hours, *([1] * 9)]:
            try:
                run_due(now=at(hours=clock), worker="w")
            except Killed:
                pass
            clock += gap
    run = PlaybookRun.objects.get(playbook=playbook)
    assert (run.status, story(run)) == ("done", [(f"s{n}", "done", "") for n in range(4)])
    assert WorkItem.objects.filter(playbook_run=run).count() == 4
