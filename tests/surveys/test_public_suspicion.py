"""What looks automatic is kept, marked and left out; it never locks the link."""

import datetime as dt
import re

import pytest
import redis
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent
from surveys.models import Invitation, PendingFollowUp, Response, ResponseRevision, SurveyLink
from surveys.views import traces
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import BROWSER, everything, nonce_of, press, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def customer():
    """A browser without cookies, with CSRF checked as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def sent(cast, now):
    """An NPS invitation that Selin got an hour ago, and its token."""
    hour_ago = now - dt.timedelta(hours=1)
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=hour_ago)
    return invitation, link_to(invitation, now=hour_ago)


def rendered_nonce(customer, token):
    return re.search(r'name="form_nonce" value="([^"]+)"', customer.get(f"/s/{token}").content.decode())[1]


SIGNS = {
    "too_fast": {"rendered": True},
    "trap_filled": {"website": "http://spam.test"},
    "cross_site": {"headers": {"sec-fetch-site": "cross-site", "origin": "null"}},
    "foreign_origin": {"headers": {"origin": "https://evil.test"}},
    "no_origin": {"headers": {}},
    "several_scores_fetched": {"look": ["?v=1", "?v=9"]},
    "hidden_link_fetched": {"look": ["?h=1"]},
    "just_delivered": {"delivered": dt.timedelta(seconds=29)},
}


@pytest.mark.parametrize("flag", SIGNS)
def test_what_looks_automatic_is_kept_left_out_and_does_not_lock_the_link(customer, sent, now, flag):
    fields = dict(SIGNS[flag])
    invitation, token = sent
    for query in fields.pop("look", []):
        customer.get(f"/s/{token}{query}")
    if delivered := fields.pop("delivered", None):
        Invitation.objects.update(sent_at=now - delivered)
    if fields.pop("rendered", False):
        fields["nonce"] = rendered_nonce(customer, token)
    assert press(customer, token, 1, **fields).status_code == 303
    row = Response.objects.get()
    assert (row.is_suspect, row.automation_flags) == (True, [flag])
    assert Response.objects.counted().count() == 0
    assert (PendingFollowUp.objects.count(), AccountEvent.objects.filter(kind="survey.answered").count()) == (0, 0)
    invitation.refresh_from_db()
    assert (invitation.status, SurveyLink.objects.get().first_answer_at) == ("sent", None)
    Invitation.objects.update(sent_at=now - dt.timedelta(hours=1))
    traces.forget(token)
    assert customer.get(f"/s/{token}").status_code == 200
    press(customer, token, 9)
    row.refresh_from_db()
    assert (row.score, row.is_suspect, row.automation_flags) == (9, False, [])
    assert Response.objects.counted().get().score == 9
    assert list(ResponseRevision.objects.order_by("id").values_list("score", "is_suspect")) == [(1, True), (9, False)]


@pytest.mark.parametrize(
    "headers",
    [BROWSER, {"origin": "null"}, {"origin": "http://testserver"}, {"origin": "http://testserver", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "same-origin"}],
)
def test_what_browsers_send_from_our_own_page_is_no_sign(customer, sent, headers):
    _invitation, token = sent
    press(customer, token, 9, headers=headers)
    assert Response.objects.get().automation_flags == []


def test_the_public_address_is_ours_behind_a_proxy_too(customer, sent, settings):
    _invitation, token = sent
    settings.PUBLIC_BASE_URL = "https://surveys.vefa.test"
    press(customer, token, 9, headers={"origin": "https://surveys.vefa.test"})
    assert Response.objects.get().automation_flags == []


def test_one_score_fetched_often_is_a_person_who_came_back(customer, sent):
    _invitation, token = sent
    for _ in range(3):
        customer.get(f"/s/{token}?v=9")
    press(customer, token, 9)
    assert Response.objects.counted().get().score == 9


@pytest.mark.parametrize(("query", "seconds"), [("?v=3", 31), ("?h=1", 61)])
def test_a_person_who_comes_after_the_scanner_counts(customer, sent, time_machine, now, query, seconds):
    _invitation, token = sent
    # the clock stands, however slow the machine: the window is counted from the last look
    time_machine.move_to(now, tick=False)
    customer.get(f"/s/{token}?v=1")
    customer.get(f"/s/{token}{query}")
    time_machine.move_to(now + dt.timedelta(seconds=seconds), tick=False)
    press(customer, token, 9)
    assert Response.objects.counted().get().score == 9


def test_a_suspect_press_after_an_answer_changes_nothing_that_counts(customer, sent):
    _invitation, token = sent
    press(customer, token, 9)
    press(customer, token, 0, website="x")
    assert Response.objects.counted().get().score == 9
    assert ResponseRevision.objects.count() == 2


def test_a_person_who_writes_after_a_suspect_score_makes_it_count(customer, sent):
    _invitation, token = sent
    press(customer, token, 2, website="x")
    tell(customer, token, comment="Really me.")
    assert Response.objects.counted().get().comment == "Really me."
    assert PendingFollowUp.objects.count() == 1


def test_whoever_presses_nothing_to_add_at_once_is_thanked(customer, sent):
    _invitation, token = sent
    press(customer, token, 9)
    nonce = re.search(r'name="form_nonce" value="([^"]+)"', customer.get(f"/s/{token}/done").content.decode())[1]
    answer = tell(customer, token, nonce=nonce, skip="1")
    assert answer["Location"] == f"/s/{token}/done?sent=1"
    assert "Teşekkür ederiz" in customer.get(answer["Location"]).content.decode()
    assert (Response.objects.get().state, Response.objects.counted().get().score) == ("partial", 9)


def test_a_suspect_answer_is_never_final(customer, sent, now):
    _invitation, token = sent
    press(customer, token, 2, website="x")
    Response.objects.update(answered_at=now - dt.timedelta(days=9))
    assert press(customer, token, 9).status_code == 303
    assert Response.objects.counted().get().score == 9


def test_fetches_leave_no_row_and_no_token_in_valkey(customer, sent):
    _invitation, token = sent
    before = everything()
    customer.get(f"/s/{token}?v=9")
    customer.get(f"/s/{token}?h=1")
    customer.get(f"/s/{token}?v=99")
    assert set(traces.fetched(token)) == {"9", "h"}
    assert token not in traces.trace_key(token)
    assert everything() == before


def test_a_valkey_that_does_not_answer_costs_the_signs_not_the_page(customer, sent, monkeypatch):
    _invitation, token = sent
    # a port nobody listens on
    monkeypatch.setattr(traces, "_valkey", lambda: redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2))
    assert customer.get(f"/s/{token}?v=9").status_code == 200
    monkeypatch.setattr(traces, "_rests_until", 0.0)
    assert press(customer, token, 9, nonce=nonce_of(token)).status_code == 303
    assert Response.objects.counted().get().score == 9
    monkeypatch.setattr(traces, "_rests_until", 0.0)
