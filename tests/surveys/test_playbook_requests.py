"""A playbook asks for a survey; surveys decide under their own rules and say what they decided."""

import pytest

from accounts.models import Contact, PlaybookRun, PlaybookStepLog
from surveys.actions.playbook_requests import ask_for_playbooks
from surveys.models import Invitation
from tests.accounts.playbook_ground import at, happens, make_playbook, story, work_off

pytestmark = pytest.mark.django_db(transaction=True)


def begin(account, *steps, key="exit"):
    """A run after its first round."""
    playbook = make_playbook(key, steps=steps)
    happens(account, when=at(hours=1))
    work_off(at(hours=2))
    return PlaybookRun.objects.get(playbook=playbook, account=account)


def test_a_survey_step_becomes_an_invitation_once(cast):
    run = begin(cast.boga, {"key": "ask", "kind": "survey", "survey": "nps"})
    assert (run.status, story(run)) == ("done", [("ask", "waiting", "")])
    assert dict(ask_for_playbooks(now=at(hours=3))) == {"done": 1}
    invitation = Invitation.objects.get()
    assert (invitation.contact, invitation.wave) == (cast.selin, f"request:playbook:{run.pk}:ask")
    row = PlaybookStepLog.objects.get(run=run)
    assert (row.outcome, row.subject_type, row.subject_id) == ("done", "invitation", str(invitation.pk))
    assert ask_for_playbooks(now=at(hours=4)).total() == 0
    # as after a worker that died before it wrote down what was decided
    PlaybookStepLog.objects.update(outcome="waiting", next_attempt_at=at(hours=3))
    ask_for_playbooks(now=at(hours=5))
    assert Invitation.objects.count() == 1


def test_fatigue_holds_for_playbooks_too_and_the_log_says_so(cast):
    begin(cast.boga, {"key": "ask", "kind": "survey", "survey": "nps"})
    ask_for_playbooks(now=at(hours=3))
    Invitation.objects.update(status="sent", sent_at=at(hours=3))
    again = begin(cast.boga, {"key": "ask", "kind": "survey", "survey": "nps"}, key="again")
    assert dict(ask_for_playbooks(now=at(1))) == {"skipped": 1}
    assert story(again)[0][1] == "skipped"
    assert story(again)[0][2]
    Contact.objects.filter(pk=cast.harry.pk).update(opted_out=True)
    refused = begin(cast.north, {"key": "ask", "kind": "survey", "survey": "nps"}, key="refused")
    ask_for_playbooks(now=at(1))
    assert story(refused)[0][1] == "skipped"


def test_a_survey_that_is_gone_and_a_run_that_was_stopped_ask_nobody(cast):
    gone = begin(cast.boga, {"key": "ask", "kind": "survey", "survey": "no-such"})
    stopped = begin(cast.north, {"key": "ask", "kind": "survey", "survey": "nps"}, key="stopped")
    PlaybookRun.objects.filter(pk=stopped.pk).update(status="stopped")
    ask_for_playbooks(now=at(1))
    assert (story(gone), story(stopped)) == ([("ask", "skipped", "survey_gone")], [("ask", "skipped", "playbook_ended")])
    assert not Invitation.objects.filter(account=cast.north).exists()
