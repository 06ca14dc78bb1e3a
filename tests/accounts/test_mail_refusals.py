"""Refusing mails of playbooks by the link in one of them: one press is enough, it can be taken back, and what is about a contract still leaves."""

import re

import pytest
from django.test import Client

from accounts.actions.refusals import refusable_mail, refusal_page
from accounts.actions.suppressions import suppress
from accounts.models import AccountEvent, Contact, OutgoingMail, Suppression
from tests.accounts.playbook_ground import at, story
from tests.accounts.test_playbook_outward import begin, inbox, send  # noqa: F401 - a mail server
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db(transaction=True)
WRITE = {"key": "write", "kind": "mail", "subject": "About {account}", "body": {"en": "Hello {name}", "tr": "Merhaba {name}"}}
MORE = WRITE | {"key": "more", "gap_days": 0}
BILL = WRITE | {"key": "bill", "transactional": True}
DAY = {"key": "day", "kind": "wait", "days": 1}


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=True)


def link_in(letter):
    """The path of the page that the letter's header names; the footer names the same."""
    page = re.search(r"<(http[^>]+)>", letter["List-Unsubscribe"])[1]
    assert page in letter.get_content()
    return re.sub(r"^https?://[^/]+", "", page)


def test_the_mail_programs_press_stops_these_mails_at_once_but_not_what_is_about_the_contract(cast, inbox, customer):  # noqa: F811
    run = begin(cast.boga, WRITE, MORE, BILL)
    # the first leaves, then the person presses while the others wait
    OutgoingMail.objects.exclude(subject_id__endswith="write").update(status="withheld")
    send(at(hours=2))
    path = link_in(inbox[0])
    before = everything()
    assert customer.get(path).status_code == 200
    assert everything() == before, "a look writes nothing"
    answer = customer.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
    assert customer.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    [told] = AccountEvent.objects.filter(kind="contact.unsubscribed")
    assert (told.contact, told.payload) == (cast.selin, {"scope": "mails"})
    assert not Contact.objects.get(pk=cast.selin.pk).opted_out, "surveys were not refused"
    OutgoingMail.objects.filter(status="withheld").update(status="queued")
    assert send(at(hours=3)) == {"aborted": 1, "sent": 1}
    assert story(run) == [("write", "done", ""), ("more", "skipped", "refused"), ("bill", "done", "")]
    assert (inbox[1]["List-Unsubscribe"], "/u/" in inbox[1].get_content()) == (None, False)


def test_who_wants_nothing_at_all_gets_no_surveys_either_and_may_come_back(cast, inbox, customer):  # noqa: F811
    begin(cast.boga, WRITE)
    send(at(hours=2))
    path = link_in(inbox[0])
    page = customer.post(path, {"scope": "all", "lang": "tr"}).content.decode()
    assert '<html lang="tr"' in page
    assert 'value="all"' in page, "a way back"
    assert Contact.objects.get(pk=cast.selin.pk).opted_out
    assert customer.post(path, {"scope": "everything"}).status_code == 400
    customer.post(path, {"undo": "all"})
    contact = Contact.objects.get(pk=cast.selin.pk)
    assert (contact.opted_out, contact.consent_at is not None, Suppression.objects.count()) == (False, True, 0)
    # a complaint is stronger than a press
    customer.post(path, {"scope": "mails"})
    suppress(address="selin@bogazici.test", reason="complaint", scope="mails")
    assert customer.post(path, {"undo": "mails"}).status_code == 400
    assert Suppression.objects.get().reason == "complaint"


@pytest.mark.parametrize(("reason", "left"), [("unsubscribe", 1), ("complaint", 0), ("hard_bounce", 0)])
def test_a_mail_about_the_contract_stops_only_where_the_address_is_not_to_be_written_to(cast, inbox, reason, left):  # noqa: F811
    suppress(address="selin@bogazici.test", reason=reason)
    begin(cast.boga, BILL)
    send(at(hours=2))
    assert len(inbox) == left


def test_only_the_right_token_of_such_a_mail_opens_anything(cast, customer, settings):
    mail = OutgoingMail.objects.create(kind="playbook", account=cast.boga, contact=cast.selin, to_address="selin@bogazici.test", next_attempt_at=at())
    other = OutgoingMail.objects.create(kind="survey", account=cast.boga, contact=cast.selin, to_address="selin@bogazici.test", next_attempt_at=at())
    token = refusal_page(mail).rpartition("/")[2]
    assert len(token) == 43
    for wrong in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), refusal_page(other).rpartition("/")[2], "x" * 43):
        assert customer.get(f"/u/{wrong}").status_code == 404
        assert customer.post(f"/u/{wrong}", {"List-Unsubscribe": "One-Click"}).status_code == 404
    assert Suppression.objects.count() == 0
    # links outlive a change of the secret for as long as the old one is kept
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert refusable_mail(token) == mail
    settings.SECRET_KEY_FALLBACKS = []
    assert refusable_mail(token) is None
