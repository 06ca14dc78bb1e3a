"""After an answer about a ticket: "shall we open it again?", asked once, told once, and by a person only."""

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent, Verbatim
from surveys.models import Invitation, Response
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import BROWSER, everything, nonce_of, press, tell

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def customer():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def ask(cast, now):
    """A survey that Selin got an hour ago, by default about ticket 4760, and its token."""

    def make(survey="csat", *, kind="invite", ticket=4760, **fields):
        about = {"ticket_id": ticket if isinstance(ticket, int) else None, "rated_object": str(ticket)} if ticket else {}
        invitation = planned(cast.selin, survey=survey, touchpoint="ticket-solved" if ticket else None, at=now, status="sent", sent_at=now - HOUR, language="en", **about, **fields)
        return link_to(invitation, now=now - HOUR, kind=kind)

    return make


def yes(customer, token, *, nonce="", **fields):
    return customer.post(f"/s/{token}/again", {"form_nonce": nonce or nonce_of(token), **fields}, headers=BROWSER)


def thanks(customer, token):
    return customer.get(f"/s/{token}/done?sent=1").content.decode()


def wishes():
    return list(AccountEvent.objects.filter(kind="ticket.reopen_wanted"))


def test_a_yes_is_told_once_with_the_ticket_and_takes_the_comment_along(customer, ask, cast):
    token = ask()
    press(customer, token, 2)
    tell(customer, token, comment="It is still broken.")
    assert "Should we open request #4760 again?" in thanks(customer, token)
    answer = yes(customer, token)
    assert (answer.status_code, answer["Location"]) == (303, f"/s/{token}/done?sent=1")
    [event] = wishes()
    row = Response.objects.get()
    assert (event.payload, event.account_id, event.contact_id) == ({"ticket": 4760, "response": str(row.pk)}, cast.boga.pk, cast.selin.pk)
    assert Verbatim.objects.get(source="answer", subject_id=str(row.pk)).text == "It is still broken."
    page = thanks(customer, token)
    assert "being opened again" in page
    assert "Should we open" not in page
    assert yes(customer, token).status_code == 303
    assert len(wishes()) == 1


def test_a_look_asks_and_changes_nothing(customer, ask):
    token = ask()
    press(customer, token, 3)
    before = everything()
    thanks(customer, token)
    look = customer.get(f"/s/{token}/again")
    assert (look.status_code, look["Location"]) == (302, f"/s/{token}/done")
    assert everything() == before


@pytest.mark.parametrize(
    "case",
    [
        {"score": 5}, {"survey": "nps", "score": 3}, {"ticket": None, "score": 1}, {"kind": "test", "score": 1}, {"score": 1, "press": {"respondent": "other"}},
        {"score": 1, "press": {"website": "x"}},
    ],
    ids=["best score", "another kind of survey", "no ticket", "a trial", "somebody else", "held back"],
)  # fmt: skip
def test_it_is_not_asked_and_a_yes_is_not_taken(customer, ask, case):
    token = ask(case.get("survey", "csat"), ticket=case.get("ticket", 4760), kind=case.get("kind", "invite"))
    press(customer, token, case["score"], **case.get("press", {}))
    assert "again?" not in thanks(customer, token)
    yes(customer, token)
    assert wishes() == []


def test_before_any_score_there_is_nothing_to_ask(customer, ask):
    token = ask()
    before = everything()
    assert yes(customer, token).status_code == 302
    assert everything() == before


@pytest.mark.parametrize("how", ["too_fast", "trap", "stale", "signed_in"])
def test_a_machine_and_one_of_us_open_nothing_and_are_told_to_press_again(customer, ask, cast, how):
    token = ask()
    press(customer, token, 1)
    fields = {"website": "http://spam.test"} if how == "trap" else {}
    nonce = {"too_fast": lambda: re.search(r'name="form_nonce" value="([^"]+)"', thanks(customer, token))[1], "stale": lambda: "forged"}.get(how, lambda: "")()
    if how == "signed_in":
        customer.force_login(cast.deniz)
    answer = yes(customer, token, nonce=nonce, **fields)
    assert answer.status_code == 400
    assert "please press once more" in answer.content.decode()
    assert wishes() == []


def test_a_ticket_of_another_system_goes_by_its_name(customer, ask):
    token = ask(ticket="ZD-77")
    press(customer, token, 4)
    assert "Should we open request #ZD-77 again?" in thanks(customer, token)
    yes(customer, token)
    assert wishes()[0].payload["ticket"] == "ZD-77"


def test_a_link_that_is_over_takes_no_yes(customer, ask):
    token = ask()
    press(customer, token, 1)
    Invitation.objects.get().links.update(revoked_at=timezone.now())
    assert yes(customer, token).status_code == 410
    assert customer.post("/s/unknown/again").status_code == 404
    assert wishes() == []
