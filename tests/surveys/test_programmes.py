"""Programmes live, change and end: approval by another person, proposals, history, and what an end takes back."""

import datetime as dt
import threading

import pytest
from django.db import DatabaseError, connection, connections

from accounts.models import Installation, OutgoingMail
from surveys.actions.planning import plan
from surveys.actions.programme_changes import NothingProposed, approve_change, change_programme, drop_change, make_programme, pending_proposals
from surveys.actions.programme_values import plain_values
from surveys.actions.programmes import ApprovalNeeded, NothingPublished, OwnApproval, StaleProgramme, take_step
from surveys.models import Invitation, ProgrammeStep, Survey, SurveyLink, Touchpoint
from surveys.programme_forms import empty_values
from surveys.programme_state import WrongStep
from tests.surveys.making import LONG_AGO, NOW, happens, link_to, planned

pytestmark = pytest.mark.django_db


def values(**other):
    return empty_values(Survey.objects.get(key="csat")) | {"name": "After a milestone", "event_kind": "usage.milestone"} | other


def step(row, name, actor, now=NOW, **other):
    return take_step(step=name, touchpoint_id=row.pk, actor=actor, now=now, version=row.version, **other)


def stored(row):
    return Touchpoint.objects.filter(pk=row.pk).values().get(), list(row.steps.values_list("action", flat=True))


@pytest.fixture
def draft(cast):
    return make_programme(values=values(), actor=cast.mert, now=NOW)


def test_a_new_programme_is_a_draft_of_its_author(cast, draft):
    assert (draft.state, draft.author, draft.key) == ("draft", cast.mert, "after-a-milestone")
    assert make_programme(values=values(), actor=cast.mert, now=NOW).key == "after-a-milestone-2"
    assert make_programme(values=values(name="Çağrı İşi"), actor=cast.mert, now=NOW).key == "cagri-isi"
    assert make_programme(values=values(name="new"), actor=cast.mert, now=NOW).key == "new-2"
    assert [one.action for one in draft.steps.all()] == ["made"]


def test_another_person_approves_and_it_goes_live_from_that_instant(cast, draft):
    row = step(draft, "hand_in", cast.mert)
    assert (row.state, row.submitted_by) == ("review", cast.mert)
    row = step(row, "approve", cast.ada, NOW + dt.timedelta(hours=1))
    assert (row.state, row.approved_by, row.activated_at) == ("active", cast.ada, NOW + dt.timedelta(hours=1))
    assert list(row.steps.order_by("id").values_list("action", "actor__name")) == [("made", "Mert Lider"), ("handed_in", "Mert Lider"), ("approved", "Ada Admin")]


def test_nobody_approves_the_own_programme_and_nothing_changes(cast, draft):
    row = step(draft, "hand_in", cast.ada)
    before = stored(row)
    for own in (cast.mert, cast.ada):
        with pytest.raises(OwnApproval):
            step(row, "approve", own)
    assert stored(row) == before


def test_with_approval_on_nothing_goes_live_directly_and_with_it_off_it_does(cast, draft):
    before = stored(draft)
    with pytest.raises(ApprovalNeeded):
        step(draft, "activate", cast.ada)
    assert stored(draft) == before
    Installation.objects.update_or_create(pk=1, defaults={"approval_needed": False})
    assert step(draft, "activate", cast.mert).state == "active"
    other = step(make_programme(values=values(), actor=cast.mert, now=NOW), "hand_in", cast.mert)
    assert step(other, "approve", cast.mert).state == "active"


def test_events_before_the_approval_never_trigger(cast, draft):
    happens(cast.selin, "usage.milestone", at=NOW - dt.timedelta(hours=1))
    row = step(step(draft, "hand_in", cast.mert), "approve", cast.ada)
    happens(cast.selin, "usage.milestone", at=NOW + dt.timedelta(hours=1))
    plan(as_of=NOW + dt.timedelta(hours=2))
    rows = Invitation.objects.filter(touchpoint=row)
    assert [one.event.occurred_at for one in rows if one.status == "planned"] == [NOW + dt.timedelta(hours=1)]
    assert set(rows.exclude(status="planned").values_list("skip_reason", flat=True)) <= {"not_active"}


def test_a_survey_without_a_published_version_does_not_go_in(cast):
    survey = Survey.objects.create(key="new", name="New", kind="csat")
    row = make_programme(values=values(survey=survey.key), actor=cast.mert, now=NOW)
    with pytest.raises(NothingPublished):
        step(row, "hand_in", cast.mert)
    assert Touchpoint.objects.get(pk=row.pk).state == "draft"


def test_a_step_that_does_not_lead_on_changes_nothing(cast, draft):
    before = stored(draft)
    for wrong in ("pause", "resume", "approve", "send_back"):
        with pytest.raises(WrongStep):
            step(draft, wrong, cast.ada)
    assert stored(draft) == before


def test_a_step_on_an_old_version_changes_nothing(cast, draft):
    step(draft, "hand_in", cast.mert)
    before = stored(draft)
    with pytest.raises(StaleProgramme):
        take_step(step="approve", touchpoint_id=draft.pk, actor=cast.ada, now=NOW, version=1)
    assert stored(draft) == before


def test_paused_and_resumed_it_keeps_its_activation(cast):
    row = Touchpoint.objects.get(key="ticket-solved")
    since = row.activated_at
    row = step(row, "pause", cast.mert)
    assert (row.state, row.activated_at) == ("paused", since)
    assert step(row, "resume", cast.mert).state == "active"


def test_shipped_programmes_are_active_and_approved_from_the_beginning(db):
    assert {one.state for one in Touchpoint.objects.all()} == {"active"}


# ── the end ─────────────────────────────────────────────────────────────────


def test_the_end_takes_back_what_is_planned_or_queued_and_revokes_open_links(cast):
    row = Touchpoint.objects.get(key="ticket-solved")
    waiting = planned(cast.selin)
    queued = planned(cast.harry, status="queued", wave="q")
    mail = OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(queued.pk), account=cast.north, contact=cast.harry, to_address="h@x.test", next_attempt_at=NOW
    )
    leaving = planned(cast.harry, status="queued", wave="l")
    held = OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(leaving.pk), account=cast.north, contact=cast.harry, to_address="h@x.test", next_attempt_at=NOW, status="sending"
    )
    sent, answered = planned(cast.selin, status="sent", wave="s"), planned(cast.selin, status="answered", wave="a", answered_at=NOW)
    link_to(sent, now=NOW)
    link_to(sent, kind="unsubscribe", now=NOW)
    link_to(answered, now=NOW)
    elsewhere = planned(cast.selin, touchpoint="trial-ended", wave="e")
    row = step(row, "end", cast.mert)
    assert row.state == "ended"
    for one, (status, reason) in {waiting: ("skipped", "ended"), queued: ("skipped", "ended"), leaving: ("queued", ""), elsewhere: ("planned", "")}.items():
        one.refresh_from_db()
        assert (one.status, one.skip_reason) == (status, reason)
    mail.refresh_from_db()
    held.refresh_from_db()
    assert (mail.status, mail.reason, held.status) == ("aborted", "ended", "sending")
    assert list(SurveyLink.objects.filter(revoked_at=NOW).values_list("invitation_id", "kind")) == [(sent.pk, "invite")]
    for again in ("resume", "pause", "end", "activate", "approve", "hand_in"):
        with pytest.raises(WrongStep):
            step(row, again, cast.ada)


# ── changes ─────────────────────────────────────────────────────────────────


def change(row, actor, now=NOW, **other):
    return change_programme(touchpoint_id=row.pk, values=plain_values(row) | other, actor=actor, now=now, version=row.version)


def test_in_draft_everything_holds_at_once_with_before_and_after(cast, draft):
    made = change(draft, cast.ada, survey="nps", segments=["vip"], sampling="0.5")
    assert made.proposed == {}
    assert made.applied == {"survey": ["csat", "nps"], "segments": [[], ["vip"]], "sampling": ["1", "0.5"]}
    row = Touchpoint.objects.get(pk=draft.pk)
    assert (row.survey.key, [one.key for one in row.segments.all()], float(row.sampling), row.version) == ("nps", ["vip"], 0.5, 2)
    assert row.steps.first().changes == made.applied


def test_a_change_in_review_takes_it_back_to_draft(cast, draft):
    row = change(step(draft, "hand_in", cast.mert), cast.ada, survey="nps").touchpoint
    assert (row.state, row.survey.key) == ("draft", "nps")


def test_nothing_changed_is_no_step(cast, draft):
    before = stored(draft)
    assert change(draft, cast.mert).applied == {}
    assert stored(draft) == before


def test_on_a_running_programme_only_what_asks_fewer_holds_at_once(cast):
    row = Touchpoint.objects.get(key="ticket-solved")
    made = change(row, cast.mert, sampling="0.5", survey="nps", delay_minutes=60)
    assert made.applied == {"sampling": ["1", "0.5"]}
    assert made.proposed == {"survey": ["csat", "nps"], "delay_minutes": [1440, 60]}
    row = Touchpoint.objects.get(pk=row.pk)
    assert (float(row.sampling), row.survey.key, row.delay_minutes, row.state) == (0.5, "csat", 1440, "active")
    assert pending_proposals([row.pk])[row.pk].actor == cast.mert


def test_a_proposal_is_approved_by_another_person_and_then_holds(cast):
    row = Touchpoint.objects.get(key="ticket-solved")
    since = row.activated_at
    row = change(row, cast.mert, survey="nps").touchpoint
    with pytest.raises(OwnApproval):
        approve_change(touchpoint_id=row.pk, actor=cast.mert, now=NOW, version=row.version)
    assert Touchpoint.objects.get(pk=row.pk).survey.key == "csat"
    row = approve_change(touchpoint_id=row.pk, actor=cast.ada, now=NOW, version=row.version)
    assert (row.survey.key, row.activated_at, pending_proposals([row.pk])) == ("nps", since, {})
    with pytest.raises(NothingProposed):
        approve_change(touchpoint_id=row.pk, actor=cast.ada, now=NOW, version=row.version)


def test_another_occasion_begins_anew_when_it_is_approved(cast):
    row = change(Touchpoint.objects.get(key="ticket-solved"), cast.mert, event_kind="ticket.opened", conditions={}).touchpoint
    later = NOW + dt.timedelta(days=400)
    assert approve_change(touchpoint_id=row.pk, actor=cast.ada, now=later, version=row.version).activated_at == later


def test_a_dropped_proposal_leaves_the_programme_as_it_is(cast):
    row = change(Touchpoint.objects.get(key="ticket-solved"), cast.mert, survey="nps").touchpoint
    row = drop_change(touchpoint_id=row.pk, actor=cast.ada, now=NOW, version=row.version, note="not now")
    assert (row.survey.key, pending_proposals([row.pk]), row.steps.first().note) == ("csat", {}, "not now")


def test_a_proposal_on_ground_that_moved_is_not_applied(cast):
    row = change(Touchpoint.objects.get(key="ticket-solved"), cast.mert, survey="nps").touchpoint
    Touchpoint.objects.filter(pk=row.pk).update(survey=Survey.objects.get(key="ces"))
    with pytest.raises(StaleProgramme):
        approve_change(touchpoint_id=row.pk, actor=cast.ada, now=NOW, version=row.version)
    assert Touchpoint.objects.get(pk=row.pk).survey.key == "ces"


def test_without_approval_every_change_holds_at_once(cast):
    Installation.objects.update_or_create(pk=1, defaults={"approval_needed": False})
    made = change(Touchpoint.objects.get(key="ticket-solved"), cast.mert, survey="nps")
    assert (made.touchpoint.survey.key, made.proposed) == ("nps", {})


def test_steps_cannot_be_rewritten(draft):
    with pytest.raises(DatabaseError):
        ProgrammeStep.objects.filter(touchpoint=draft).update(note="other")


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_once_the_second_is_told(cast):
    """Both read version 1; one of them holds the row while the other asks for it."""
    row = make_programme(values=values(), actor=cast.mert, now=LONG_AGO)
    barrier, outcomes = threading.Barrier(2), []

    def save(name):
        try:
            barrier.wait()
            change_programme(touchpoint_id=row.pk, values=values(name=name), actor=cast.mert, now=NOW, version=row.version)
            outcomes.append("saved")
        except StaleProgramme as error:
            outcomes.append(error.touchpoint.name)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=[name]) for name in ("One", "Two")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    kept = Touchpoint.objects.get(pk=row.pk)
    assert sorted(outcomes) == sorted(["saved", kept.name])
    assert (kept.version, kept.steps.filter(action="changed").count()) == (2, 1)
    assert connection.is_usable()
