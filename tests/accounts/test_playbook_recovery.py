"""Work of playbooks that closes by itself when its cause is over, and only then; and what playbooks do in the account's timeline."""

import datetime as dt
from decimal import Decimal

import pytest

from accounts.actions.work_items import reopen_work_item
from accounts.actions.work_ranks import change_assumption
from accounts.actions.work_recovery import close_recovered, close_recovered_lately
from accounts.models import Account, AccountEvent, AccountSnapshot, Contact, PlaybookRun, WorkItem
from tests.accounts.playbook_ground import CALL, at, happens, make_playbook, work_off

pytestmark = pytest.mark.django_db(transaction=True)
WAIT = {"key": "rest", "kind": "wait", "days": 20}
IDLE = {"kind": "stage", "stage": "onboarding", "idle_days": 14}
RENEWAL = {"kind": "date", "field": "renews_on", "days": -30}
ANSWER = {"kind": "answer", "survey_kind": "nps", "group": ["detractor"]}


def opened(trigger, **parts):
    """The work of a playbook that has just begun, whatever it began by."""
    make_playbook(trigger=trigger, steps=parts.pop("steps", [CALL]), **parts)
    work_off(at(hours=2))
    return WorkItem.objects.get()


def outcome(item):
    """How the work ends when all is looked at two days later; empty while it is open."""
    close_recovered(now=at(2))
    item.refresh_from_db()
    return item.outcome if item.status == "done" else item.status


def snapshot(account, **fields):
    AccountSnapshot.objects.filter(account=account).update(**fields)


def idle(account):
    Account.objects.filter(pk=account.pk).update(lifecycle_stage_id="onboarding", signed_up_at=at(-14))


def test_work_about_a_payment_closes_when_that_invoice_is_paid(cast):
    happens(cast.boga, when=at(hours=1), payload={"invoice": "A"})
    item = opened({"kind": "event", "event": "payment.failed"})
    happens(cast.boga, "payment.recovered", at(1), payload={"invoice": "B"})
    assert outcome(item) == "open"
    happens(cast.boga, "payment.recovered", at(1), payload={"invoice": "A"})
    # the tick looks at accounts of which something became known
    assert close_recovered_lately(now=at(2), within=dt.timedelta(minutes=15)) == 1
    assert outcome(item) == "over:payment"
    assert AccountEvent.objects.get(kind="work.done").payload["outcome"] == "over:payment"
    reopen_work_item(item_id=item.pk, now=at(2), actor=cast.elif_)
    assert outcome(item) == "open", "a person has judged"


def test_work_about_a_renewal_closes_when_it_is_renewed_or_service_ended(cast):
    day = at(30).date()
    snapshot(cast.boga, renews_on=day)
    item = opened(RENEWAL)
    snapshot(cast.boga, renews_on=day + dt.timedelta(days=10))
    assert outcome(item) == "open", "its day was corrected"
    snapshot(cast.boga, renews_on=None)
    assert outcome(item) == "open", "the day is not known just now"
    happens(cast.boga, "subscription.ended", at(1))
    assert outcome(item) == "over:ended"
    WorkItem.objects.filter(pk=item.pk).update(status="open", closed_at=None, outcome="")
    snapshot(cast.boga, renews_on=day + dt.timedelta(days=365))
    assert outcome(item) == "over:renewed"


@pytest.mark.parametrize("cause", ["used", "touched", "stage"])
def test_work_about_silence_closes_when_the_account_is_used_touched_or_moves_on(cast, cause):
    idle(cast.boga)
    item = opened(IDLE)
    snapshot(cast.boga, last_seen_on=at(-1).date())
    happens(cast.boga, "touch.logged", at(-1), payload={"channel": "call", "minutes": 5})
    assert outcome(item) == "open", "that was before"
    if cause == "used":
        snapshot(cast.boga, last_seen_on=at(1).date())
    elif cause == "touched":
        happens(cast.boga, "touch.logged", at(1), payload={"channel": "call", "minutes": 5})
    else:
        Account.objects.filter(pk=cast.boga.pk).update(lifecycle_stage_id="adoption")
    assert outcome(item) == f"over:{cause}"


def test_work_about_an_answer_closes_when_the_same_person_is_happy(cast):
    other = Contact.objects.create(external_id="x", account=cast.boga, email="x@bogazici.test", name="Other")
    happens(cast.boga, "survey.answered", at(hours=1), contact_id=cast.selin.pk, payload={"response": "1", "survey_kind": "nps", "group": "detractor"})
    item = opened(ANSWER)
    happens(cast.boga, "survey.answered", at(1), contact_id=other.pk, payload={"response": "2", "survey_kind": "nps", "group": "promoter"})
    happens(cast.boga, "survey.answered", at(1), contact_id=cast.selin.pk, payload={"response": "3", "survey_kind": "nps", "group": "promoter", "is_suspect": True})
    happens(cast.boga, "survey.answered", at(1), contact_id=cast.selin.pk, payload={"response": "4", "survey_kind": "csat", "group": "high"})
    assert outcome(item) == "open"
    happens(cast.boga, "survey.answered", at(1), contact_id=cast.selin.pk, payload={"response": "5", "survey_kind": "nps", "group": "promoter"})
    assert outcome(item) == "over:answer"


def test_work_about_health_closes_in_a_better_band_unless_its_kind_is_left_out(cast):
    happens(cast.boga, "health.band_changed", at(hours=1), payload={"band": "at_risk", "score": 3000})
    snapshot(cast.boga, band="at_risk")
    item = opened({"kind": "band", "to": ["at_risk"]})
    assert outcome(item) == "open"
    snapshot(cast.boga, band="watch")
    change_assumption(type="activity", saves=Decimal("0.1"), minutes=30, closes_itself=False, actor=cast.ada, now=at(1))
    assert outcome(item) == "open"
    change_assumption(type="activity", saves=Decimal("0.1"), minutes=30, closes_itself=True, actor=cast.ada, now=at(1))
    assert outcome(item) == "recovered"


def test_a_run_that_ends_early_says_of_its_work_why_it_closed(cast):
    exits = [{"event": "payment.recovered"}, {"event": "subscription.ended"}]
    kept = CALL | {"key": "kept", "keep_on_exit": True}
    for account, kind in ((cast.boga, "payment.recovered"), (cast.north, "subscription.ended")):
        happens(account, when=at(hours=1))
        happens(account, kind, at(1))
    make_playbook(steps=[CALL, kept, WAIT], exits=exits)
    # what came before the run's own look ends it at its next one
    work_off(at(hours=2))
    work_off(at(1, 1))
    found = {(item.account, item.reason): (item.status, item.outcome) for item in WorkItem.objects.all()}
    assert found[cast.boga, "save:call"] == ("done", "over:payment")
    assert found[cast.north, "save:call"] == ("dropped", "over:playbook")
    assert found[cast.boga, "save:kept"] == found[cast.north, "save:kept"] == ("open", "")


def test_the_timeline_tells_what_playbooks_do_by_their_name_and_is_filtered_by_it(client, cast):
    happens(cast.boga, when=at(hours=1))
    make_playbook(steps=[CALL])
    work_off(at(hours=2))
    run = PlaybookRun.objects.get()
    told = list(AccountEvent.objects.filter(kind__startswith="playbook.").order_by("pk").values_list("kind", "payload"))
    assert told == [
        ("playbook.started", {"playbook": "save", "run": run.pk, "version": 1}), ("playbook.ended", {"playbook": "save", "run": run.pk, "reason": "done"}),
    ]  # fmt: skip
    client.force_login(cast.elif_)
    page = client.get(f"/accounts/{cast.boga.pk}/timeline/?group=playbooks").content.decode()
    assert "Playbook “Save” began" in page
    assert "all steps are through" in page
    assert "A payment failed" not in page
