"""Pages of playbooks: who sees and writes them, a draft that two people edit, a trial that changes nothing, runs with their log."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions.playbook_versions import activate, open_draft
from accounts.models import AccountEvent, OutgoingMail, Playbook, PlaybookRun, PlaybookStepLog, WorkItem
from tests.accounts.playbook_ground import T0, at, make_playbook

pytestmark = pytest.mark.django_db
CALL = {"key": "call", "kind": "work", "title": "Call {name|them}"}
WAIT = {"key": "week", "kind": "wait", "days": 7}
MAIL = {"key": "write", "kind": "mail", "subject": {"en": "Hello", "tr": "Merhaba {first_name}"}, "body": {"en": "Text", "tr": "Metin"}}
# what the form of a draft sends besides its steps
HEAD = {
    "name": "Save", "description": "Keeps them.", "kind": "event", "event": "payment.failed", "where": "hard_decline: false", "per_account": "1", "cap_days": "30", "at_once": "1",
    "hold_out_percent": "10", "survey_kind": "nps", "move": "enter",
}  # fmt: skip
STEPS = {
    "step": ["s0", "s1"], "s0-kind": "work", "s0-key": "call", "s0-title_en": "Call", "s0-title_tr": "Arayın", "s0-type": "risk", "s0-priority": "high", "s0-due_days": "2",
    "s0-assignee": "owner", "s1-kind": "wait", "s1-key": "week", "s1-mode": "time", "s1-days": "7",
}  # fmt: skip


@pytest.fixture
def book(db):
    return make_playbook("save", steps=[CALL, WAIT, MAIL])


@pytest.fixture
def draft(book, cast):
    return open_draft(playbook_id=book.pk, actor=cast.ada, now=T0)


def running(book, account, **rest):
    """A run that did its first step and waits."""
    run = PlaybookRun.objects.create(
        playbook=book, version=book.versions.get(number=1), account=account, started_at=T0, step="week", step_since=T0, due_at=at(7), occasion="event:1", **rest
    )
    PlaybookStepLog.objects.create(run=run, account=account, step="call", kind="work", outcome="done", begun_at=T0, at=T0)
    return run


PAGES = ["playbooks", "playbook", "playbook_runs", "playbook_matches", "playbook_try", "playbook_past"]


def address(name):
    return reverse(f"accounts:{name}", args=[] if name == "playbooks" else ["save"])


@pytest.mark.parametrize("name", PAGES)
def test_each_page_opens_for_who_reads_customers_and_for_nobody_else(client, cast, book, name):
    assert client.get(address(name)).headers["Location"].startswith("/login/")
    for user, status in ((cast.ada, 200), (cast.can, 200), (cast.vera, 200), (cast.ana, 404)):
        client.force_login(user)
        assert client.get(address(name)).status_code == status, user


@pytest.mark.parametrize(("name", "status"), [("playbook_draft", 403), ("playbook_publish", 403), ("playbook_activate", 403), ("playbook_pause", 403), ("playbook_discard", 403)])
def test_who_does_not_lead_changes_nothing(client, cast, book, name, status):
    before = list(Playbook.objects.values())
    assert client.post(reverse(f"accounts:{name}", args=["save"])).status_code == 302
    client.force_login(cast.elif_)
    assert client.post(reverse(f"accounts:{name}", args=["save"])).status_code == status
    assert client.get(reverse(f"accounts:{name}", args=["save"])).status_code == 405
    assert list(Playbook.objects.values()) == before


def test_a_draft_is_written_by_plain_inputs_published_and_switched_on(client, cast, draft):
    client.force_login(cast.mert)
    page = client.post("/playbooks/save/edit/", {**HEAD, **STEPS, "version": draft.version})
    assert page.headers["Location"] == "/playbooks/save/edit/"
    draft.refresh_from_db()
    assert draft.trigger == {"kind": "event", "event": "payment.failed", "where": {"hard_decline": False}}
    assert [step["key"] for step in draft.steps] == ["call", "week"]
    assert draft.steps[0] | {"title": ""} == {"key": "call", "kind": "work", "title": "", "type": "risk", "priority": "high", "assignee": "owner", "due_days": 2}
    client.post("/playbooks/save/publish/", {"version": draft.version})
    draft.refresh_from_db()
    assert (draft.published_at is not None, draft.published_by, Playbook.objects.get(key="save").number) == (True, cast.mert, 2)
    client.post("/playbooks/save/pause/")
    assert not Playbook.objects.get(key="save").active
    client.post("/playbooks/save/activate/", {"old": "1"})
    row = Playbook.objects.get(key="save")
    assert row.active
    assert (row.activated_at - row.matches_since).days == 30, "those it fits already are taken too"


def test_steps_are_added_moved_and_removed_without_losing_what_was_typed(client, cast, draft):
    client.force_login(cast.ada)
    sent = {**HEAD, **STEPS, "version": draft.version, "s0-title_en": "Typed, not saved"}
    moved = client.post("/playbooks/save/edit/", {**sent, "do": "down:s0"}).content.decode()
    assert moved.index('value="s1"') < moved.index('value="s0"')
    assert "Typed, not saved" in moved
    added = client.post("/playbooks/save/edit/", {**sent, "do": "add:mail"}).content.decode()
    assert 'name="s2-kind" value="mail"' in added
    removed = client.post("/playbooks/save/edit/", {**sent, "do": "remove:s1"}).content.decode()
    assert 'name="s1-kind"' not in removed
    draft.refresh_from_db()
    assert draft.version == 1, "nothing was saved"


def test_a_fault_is_named_at_its_step_and_keeps_the_draft_from_being_published(client, cast, draft):
    client.force_login(cast.ada)
    wrong = {**HEAD, **STEPS, "version": draft.version, "s0-title_en": "Call {nobody}", "s0-next": "week", "s1-days": "0"}
    client.post("/playbooks/save/edit/", wrong)
    page = client.get("/playbooks/save/edit/").content.decode()
    assert "{nobody} is no placeholder" in page
    assert "A wait has a length." in page
    draft.refresh_from_db()
    client.post("/playbooks/save/publish/", {"version": draft.version})
    draft.refresh_from_db()
    assert draft.published_at is None


def test_of_two_people_who_save_one_draft_the_second_is_asked(client, cast, draft):
    client.force_login(cast.ada)
    client.post("/playbooks/save/edit/", {**HEAD, **STEPS, "version": draft.version})
    second = client.post("/playbooks/save/edit/", {**HEAD, **STEPS, "version": draft.version, "name": "Mine"})
    assert second.status_code == 409
    assert "Mine" in second.content.decode()
    assert Playbook.objects.get(key="save").name == "Save"
    draft.refresh_from_db()
    again = client.post("/playbooks/save/edit/", {**HEAD, **STEPS, "version": draft.version, "name": "Mine"})
    assert (again.status_code, Playbook.objects.get(key="save").name) == (302, "Mine")


def test_a_playbook_is_begun_with_the_steps_of_another(client, cast, book):
    client.force_login(cast.ada)
    assert client.post("/playbooks/new/", {"name": "Şirket kurtarma", "copy": "save"}).headers["Location"] == "/playbooks/sirket-kurtarma/edit/"
    assert Playbook.objects.get(key="sirket-kurtarma").versions.get().steps == [CALL, WAIT, MAIL]
    client.force_login(cast.elif_)
    assert client.post("/playbooks/new/", {"name": "Mine"}).status_code == 403
    assert not Playbook.objects.filter(name="Mine").exists()


def test_a_trial_says_what_would_happen_and_does_nothing(client, cast, book):
    client.force_login(cast.elif_)
    counts = (WorkItem.objects.count(), OutgoingMail.objects.count(), AccountEvent.objects.count(), PlaybookRun.objects.count())
    page = client.get(f"/playbooks/save/try/?account={cast.boga.pk}").content.decode()
    assert "It would start here." in page
    assert "Call Selin Aydın, for Elif Yıldız" in page
    assert "day 7" in page
    assert "Merhaba Selin" in page, "the letter stands there as she would get it"
    assert counts == (WorkItem.objects.count(), OutgoingMail.objects.count(), AccountEvent.objects.count(), PlaybookRun.objects.count())
    assert client.get(f"/playbooks/save/try/?account={cast.north.pk}").status_code == 404, "another book"
    cast.selin.opted_out = True
    cast.selin.save()
    running(book, cast.boga)
    page = client.get(f"/playbooks/save/try/?account={cast.boga.pk}").content.decode()
    assert "the person wants no mails" in page
    assert "it runs there already" in page


def test_a_run_shows_its_log_to_who_sees_the_account(client, cast, book):
    run = running(book, cast.boga)
    client.force_login(cast.elif_)
    page = client.get(f"/playbooks/runs/{run.pk}/").content.decode()
    assert "Wait 7 days" in page
    assert 'data-outcome="done"' in page
    assert "Boğaziçi" in client.get("/playbooks/save/runs/").content.decode()
    client.force_login(cast.can)
    assert client.get(f"/playbooks/runs/{run.pk}/").status_code == 404
    assert "Boğaziçi" not in client.get("/playbooks/save/runs/").content.decode()


def test_a_step_is_left_out_with_its_reason_and_brought_back(client, cast, book):
    run = running(book, cast.boga)
    drop, restore = f"/playbooks/runs/{run.pk}/steps/write/drop/", f"/playbooks/runs/{run.pk}/steps/write/restore/"
    client.force_login(cast.elif_)
    assert client.post(drop, {"reason": ""}).status_code == 422
    assert not PlaybookStepLog.objects.filter(step="write").exists()
    client.post(drop, {"reason": "spoke already"})
    row = PlaybookStepLog.objects.get(step="write")
    assert (row.outcome, row.reason, row.actor) == ("dropped", "spoke already", cast.elif_)
    client.post(restore)
    assert not PlaybookStepLog.objects.filter(step="write").exists()
    client.force_login(cast.can)
    assert client.post(drop, {"reason": "no"}).status_code == 404
    client.force_login(cast.vera)
    assert client.post(drop, {"reason": "no"}).status_code == 403
    assert not PlaybookStepLog.objects.filter(step="write").exists()


def test_a_run_is_stopped_with_its_reason(client, cast, book):
    run = running(book, cast.boga)
    client.force_login(cast.elif_)
    assert client.post(f"/playbooks/runs/{run.pk}/stop/", {"reason": ""}).status_code == 422
    client.post(f"/playbooks/runs/{run.pk}/stop/", {"reason": "they renewed"})
    run.refresh_from_db()
    assert (run.status, run.end_reason) == ("stopped", "they renewed")


def test_the_panel_of_an_account_starts_one_by_hand_and_says_why_not(client, cast, book):
    client.force_login(cast.elif_)
    assert "No playbook has run here" in client.get(f"/accounts/{cast.boga.pk}/playbooks/").content.decode()
    client.post(f"/accounts/{cast.boga.pk}/playbooks/start/", {"playbook": "save"})
    run = PlaybookRun.objects.get()
    assert (run.started_by, run.account) == (cast.elif_, cast.boga)
    again = client.post(f"/accounts/{cast.boga.pk}/playbooks/start/", {"playbook": "save"}, follow=True)
    assert "it runs there already" in again.content.decode()
    client.force_login(cast.can)
    assert client.post(f"/accounts/{cast.boga.pk}/playbooks/start/", {"playbook": "save"}).status_code == 404
    client.force_login(cast.vera)
    assert client.post(f"/accounts/{cast.boga.pk}/playbooks/start/", {"playbook": "save"}).status_code == 403
    assert PlaybookRun.objects.count() == 1


def test_who_it_fits_now_is_counted_in_the_readers_book(client, cast):
    Playbook.objects.create(key="signed", name="Signed")
    version = Playbook.objects.get(key="signed").versions.create(number=1, trigger={"kind": "date", "field": "signed_up_at", "days": 7}, steps=[CALL], published_at=T0)
    for account in (cast.boga, cast.north):
        account.signed_up_at = timezone.now() - dt.timedelta(days=10)
        account.save()
    client.force_login(cast.elif_)
    page = client.get("/playbooks/signed/matches/").content.decode()
    assert "1 account" in page
    assert "Boğaziçi" in page
    assert "Northgate" not in page
    activate(playbook_id=version.playbook_id, old_matches=False, actor=cast.ada, now=T0)
    PlaybookRun.objects.create(playbook=version.playbook, version=version, account=cast.boga, started_at=T0, occasion=f"signed_up_at:{cast.boga.signed_up_at.date()}")
    assert "It fits nobody now" in client.get("/playbooks/signed/matches/").content.decode()
