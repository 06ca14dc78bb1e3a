"""The page behind “unsubscribe”: three choices, a way back, and being forgotten after being asked twice."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actions.suppressions import suppress, suppressed_scopes
from accounts.models import Contact, Erasure, OutgoingMail, Suppression
from surveys.models import SurveyLink
from surveys.tokens import token_digest
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import everything

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def refusal(cast):
    """The token of an NPS mail that Selin got an hour ago."""
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=NOW, status="sent", sent_at=NOW - dt.timedelta(hours=1))
    OutgoingMail.objects.create(
        kind="survey",
        subject_type="invitation",
        subject_id=str(invitation.pk),
        account=cast.boga,
        contact=cast.selin,
        to_address=cast.selin.email,
        status="sent",
        next_attempt_at=NOW,
    )
    link_to(invitation, now=NOW)
    return link_to(invitation, kind="unsubscribe", now=NOW)


def selin():
    return Contact.objects.get(external_id="selin")


def erase(customer, token, *, understood="1", nonce=None):
    nonce = nonce or re.search(r'name="form_nonce" value="([^"]+)"', customer.get(f"/u/{token}/erase").content.decode())[1]
    return customer.post(f"/u/{token}/erase", {"form_nonce": nonce, **({"understood": understood} if understood else {})})


def test_the_page_offers_three_choices_in_both_languages_and_changes_nothing(customer, refusal):
    before = everything()
    for language, words in (("en", ["Send me no surveys at all", "Only not this survey", "Erase everything about me"]), ("tr", ['lang="tr"'])):
        page = customer.get(f"/u/{refusal}?lang={language}").content.decode()
        assert all(word in page for word in words)
        assert len(page.encode()) < 50_000
        assert "<script" not in page
    explained = customer.get(f"/u/{refusal}/erase?lang=en")
    assert "cannot be undone" in explained.content.decode()
    assert customer.head(f"/u/{refusal}/erase").status_code == 200
    assert everything() == before
    assert not explained.cookies
    assert (explained["Referrer-Policy"], explained["Cache-Control"], explained["X-Robots-Tag"]) == ("no-referrer", "no-store", "noindex, nofollow")


@pytest.mark.parametrize(("scope", "held"), [("all", {"global"}), ("survey", {"survey:nps"})])
def test_a_wrong_press_is_taken_back_on_the_spot(customer, refusal, cast, scope, held):
    pressed = customer.post(f"/u/{refusal}", {"scope": scope, "lang": "en"})
    assert "Pressed by mistake" in pressed.content.decode()
    assert suppressed_scopes([cast.selin.email]) == {cast.selin.email: held}
    assert selin().opted_out == (scope == "all")
    back = customer.post(f"/u/{refusal}", {"undo": scope, "lang": "en"})
    assert "You get surveys from us again." in back.content.decode()
    assert suppressed_scopes([cast.selin.email]) == {}
    assert (selin().opted_out, selin().opted_out_at) == (False, None)
    assert customer.post(f"/u/{refusal}", {"undo": scope}).status_code == 400


def test_only_a_press_is_taken_back_never_a_complaint_or_a_refusal_given_elsewhere(customer, refusal, cast):
    suppress(address=cast.selin.email, reason="complaint")
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True, opted_out_at=NOW)
    page = customer.get(f"/u/{refusal}?lang=en").content.decode()
    assert "This holds already." in page
    assert "Pressed by mistake" not in page
    before = everything()
    assert customer.post(f"/u/{refusal}", {"undo": "all"}).status_code == 400
    assert everything() == before


def test_a_press_on_a_complaint_stays_a_complaint(customer, refusal, cast):
    suppress(address=cast.selin.email, reason="complaint")
    customer.post(f"/u/{refusal}", {"scope": "all"})
    assert Suppression.objects.get().reason == "complaint"
    assert customer.post(f"/u/{refusal}", {"undo": "all"}).status_code == 400


def test_a_choice_that_is_none_changes_nothing(customer, refusal):
    before = everything()
    assert customer.post(f"/u/{refusal}", {"scope": "everything-and-more"}).status_code == 400
    assert everything() == before


@pytest.mark.parametrize(("understood", "nonce"), [("", None), ("1", "forged"), ("yes", None)])
def test_nobody_is_erased_without_having_seen_the_page_and_ticked_its_box(customer, refusal, understood, nonce):
    before = everything()
    assert erase(customer, refusal, understood=understood, nonce=nonce).status_code == 400
    assert customer.post(f"/u/{refusal}/erase").status_code == 400
    assert everything() == before


def test_erased_means_erased_and_the_links_open_nothing_more(customer, refusal, cast):
    answer = erase(customer, refusal)
    assert answer.status_code == 200
    assert "Boğaziçi" not in answer.content.decode()
    assert (selin_by_key(cast).email, selin_by_key(cast).name) == ("", "")
    assert Erasure.objects.get().source == "link"
    assert suppressed_scopes(["selin@bogazici.test"]) == {"selin@bogazici.test": {"global"}}
    assert not SurveyLink.objects.filter(revoked_at=None).exists()
    before = everything()
    for again in (customer.get(f"/u/{refusal}"), customer.get(f"/u/{refusal}/erase"), customer.post(f"/u/{refusal}", {"undo": "all"}), customer.post(f"/u/{refusal}/erase")):
        assert again.status_code == 200
        assert "Selin" not in again.content.decode()
    assert customer.post(f"/u/{refusal}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert everything() == before


def selin_by_key(cast):
    return Contact.objects.get(pk=cast.selin.pk)


def test_a_link_that_was_taken_back_offers_nothing(customer, refusal):
    SurveyLink.objects.filter(token_hash=token_digest(refusal)).update(revoked_at=NOW)
    before = everything()
    assert customer.get(f"/u/{refusal}").status_code == 410
    assert customer.post(f"/u/{refusal}/erase", {"understood": "1"}).status_code == 410
    assert everything() == before


def test_an_unknown_token_erases_nobody_and_looks_like_any_other(customer, refusal):
    unknown = customer.get(f"/u/{'x' * 43}")
    for path in (f"/u/{'y' * 43}/erase", "/u/x/erase"):
        assert (customer.get(path).status_code, customer.get(path).content) == (404, unknown.content)
        assert customer.post(path, {"understood": "1"}).status_code == 404
    assert Erasure.objects.count() == 0
