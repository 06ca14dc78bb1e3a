"""Taking back that a run was stopped: it goes on where it stood, with all that the stop had taken back, and does no step twice."""

import datetime as dt

import pytest

from accounts.actions.playbook_runs import stop_run
from accounts.actions.playbook_undo import TooLate, resume_run
from accounts.models import AccountEvent, OutgoingMail, PlaybookRun, PlaybookStepLog, WorkItem
from tests.accounts.playbook_ground import CALL, at, happens, make_playbook, story, work_off

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = {"key": "write", "kind": "mail", "subject": "Hello", "body": "Text"}
ASK = {"key": "ask", "kind": "survey", "survey": "nps"}
WAIT = {"key": "rest", "kind": "wait", "days": 3}
LAST = CALL | {"key": "last"}
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def run(cast):
    make_playbook(steps=[CALL, MAIL, ASK, WAIT, LAST])
    happens(cast.boga, when=at(hours=1))
    work_off(at(hours=2))
    return PlaybookRun.objects.get()


def standing():
    """All that a stop may change."""
    return (
        list(PlaybookStepLog.objects.order_by("pk").values_list("step", "outcome", "reason")),
        list(OutgoingMail.objects.values_list("pk", "status", "reason")),
        list(WorkItem.objects.values_list("pk", "status", "outcome")),
        list(PlaybookRun.objects.values_list("status", "step", "step_since", "end_reason", "ended_at")),
    )


def test_a_stop_that_is_taken_back_leaves_the_run_as_it_stood_and_no_step_comes_twice(cast, run):
    before = standing()
    stop_run(run_id=run.pk, now=at(1), actor=cast.elif_, reason="done")
    assert list(OutgoingMail.objects.values_list("status", flat=True)) == ["aborted"]
    assert list(WorkItem.objects.values_list("status", flat=True)) == ["dropped"]
    resume_run(run_id=run.pk, actor=cast.elif_, now=at(1) + 9 * MINUTE)
    assert standing() == before
    work_off(at(1, 1))
    work_off(at(4))
    assert story(run) == [("call", "done", ""), ("write", "done", ""), ("ask", "waiting", ""), ("rest", "done", "time"), ("last", "done", "")]
    assert (OutgoingMail.objects.count(), WorkItem.objects.count()) == (1, 2)
    assert list(AccountEvent.objects.filter(kind__startswith="playbook.").order_by("pk").values_list("kind", flat=True)) == [
        "playbook.started", "playbook.ended", "playbook.resumed", "playbook.ended",
    ]  # fmt: skip
    # what a person typed stands in the run, not in the log of the account
    assert [event.payload["reason"] for event in AccountEvent.objects.filter(kind="playbook.ended").order_by("pk")] == ["by_hand", "done"]


def test_what_left_before_the_stop_does_not_leave_again(cast, run):
    OutgoingMail.objects.update(status="sent")
    stop_run(run_id=run.pk, now=at(1), actor=cast.elif_)
    resume_run(run_id=run.pk, actor=cast.elif_, now=at(1))
    work_off(at(1, 1))
    assert list(OutgoingMail.objects.values_list("status", flat=True)) == ["sent"]


def test_too_late_is_refused_and_changes_nothing(cast, run):
    stop_run(run_id=run.pk, now=at(1), actor=cast.elif_)
    stopped = standing()
    for now, make in ((at(1) + 11 * MINUTE, None), (at(1) - MINUTE, None), (at(1), "another")):
        if make:
            PlaybookRun.objects.create(playbook=run.playbook, version=run.version, account=run.account, started_at=at(1), occasion="event:9", step="rest")
            stopped = standing()
        with pytest.raises(TooLate):
            resume_run(run_id=run.pk, actor=cast.elif_, now=now)
        assert standing() == stopped


def test_what_ended_by_itself_is_not_taken_back(cast, run):
    stop_run(run_id=run.pk, now=at(1), reason="churned")
    with pytest.raises(TooLate):
        resume_run(run_id=run.pk, actor=cast.elif_, now=at(1))
    assert AccountEvent.objects.get(kind="playbook.ended").payload["reason"] == "churned"


def test_the_page_of_a_run_stops_it_and_takes_that_back(client, cast, run):
    stop, resume = f"/playbooks/runs/{run.pk}/stop/", f"/playbooks/runs/{run.pk}/resume/"
    assert client.post(resume).headers["Location"].startswith("/login/")
    client.force_login(cast.elif_)
    page = client.post(stop, {"reason": "spoke yesterday"}, follow=True).content.decode()
    # the toast, and the page itself
    assert page.count(f'action="{resume}"') == 2
    for user, status in ((cast.can, 404), (cast.vera, 403)):
        client.force_login(user)
        assert client.post(resume).status_code == status
    assert PlaybookRun.objects.get().status == "stopped"
    client.force_login(cast.elif_)
    assert client.post(resume, headers={"HX-Request": "true"}).headers["HX-Redirect"] == f"/playbooks/runs/{run.pk}/"
    assert PlaybookRun.objects.get().status == "running"
    assert "can no longer be taken back" in client.post(resume, follow=True).content.decode()
