"""The pages of surveys for those who work here: who sees what, and that only a POST changes anything."""

import datetime as dt

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Installation, OutgoingMail, WorkItem
from surveys.models import Invitation, Response, Survey
from tests.surveys.making import link_to, planned
from tests.surveys.pressing import press

pytestmark = pytest.mark.django_db
PAGES = [("surveys:overview", []), ("surveys:decisions", []), ("surveys:unknown", []), ("surveys:results", ["nps"]), ("surveys:results", ["exit"])]


@pytest.fixture
def answered(cast):
    """Selin said 3 with words; Harry's invitation was skipped; one of Selin's mails is uncertain."""
    now = timezone.now()
    invitation = planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent", sent_at=now)
    press(Client(), link_to(invitation, now=now), 3, comment="Çok yavaş <b>bu</b>")
    planned(cast.harry, at=now, status="skipped", skip_reason="fatigue_contact", decision={"rule": "fatigue_contact", "value": "2026-03-01", "limit": "1 in 30 days"})
    uncertain = planned(cast.selin, at=now, status="unknown", wave="uncertain")
    OutgoingMail.objects.create(
        kind="survey",
        subject_type="invitation",
        subject_id=str(uncertain.pk),
        account=cast.boga,
        contact=cast.selin,
        to_address="selin@bogazici.test",
        status="unknown",
        next_attempt_at=now,
    )
    cast.uncertain = uncertain
    return cast


@pytest.mark.parametrize(("name", "args"), PAGES)
def test_strangers_are_sent_to_the_login(client, name, args):
    page = client.get(reverse(name, args=args))
    assert page.status_code == 302
    assert page["Location"].startswith("/login/")


@pytest.mark.parametrize(("name", "args"), PAGES)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_page_opens_for_admins_and_the_owner(client, answered, name, args, language):
    for user in (answered.ada, answered.elif_, answered.mert, answered.vera):
        user.language = language
        user.save()
        client.force_login(user)
        assert client.get(reverse(name, args=args)).status_code == 200


def test_analysts_see_figures_and_no_rows(client, answered):
    client.force_login(answered.ana)
    assert client.get(reverse("surveys:overview")).status_code == 200
    page = client.get(reverse("surveys:results", args=["nps"])).content.decode()
    assert "Çok yavaş" not in page
    assert "Selin" not in page
    for name in ("surveys:decisions", "surveys:unknown"):
        assert client.get(reverse(name)).status_code == 404
    assert client.get(reverse("surveys:account_panel", args=[answered.boga.pk])).status_code == 404


def test_a_csm_sees_the_answers_of_the_own_book_alone(client, answered):
    client.force_login(answered.elif_)
    page = client.get(reverse("surveys:results", args=["nps"])).content.decode()
    assert "Çok yavaş &lt;b&gt;bu&lt;/b&gt;" in page
    assert "Boğaziçi" in page
    client.force_login(answered.can)
    other = client.get(reverse("surveys:results", args=["nps"])).content.decode()
    assert "Çok yavaş" not in other
    ledger = client.get(reverse("surveys:decisions")).content.decode()
    assert "Harry Hill" in ledger
    assert "Selin" not in ledger


def test_an_unknown_survey_is_404(client, answered):
    client.force_login(answered.ada)
    assert client.get(reverse("surveys:results", args=["nope"])).status_code == 404


def test_the_ledger_filters_and_pages_without_gaps(client, answered):
    now = timezone.now()
    for number in range(120):
        planned(answered.selin, at=now - dt.timedelta(minutes=number // 3), status="skipped", skip_reason="stale", wave=f"w{number}")
    client.force_login(answered.ada)
    seen, mark = [], ""
    for _ in range(5):
        response = client.get(reverse("surveys:decisions"), {"reason": "stale", "after": mark})
        seen += [row.pk for row in response.context["found"].rows]
        mark = response.context["found"].mark
        if not mark:
            break
    assert len(seen) == len(set(seen)) == 120
    assert client.get(reverse("surveys:decisions"), {"after": "nonsense~x", "reason": "nonsense"}).status_code == 200


def test_pages_ask_a_bounded_number_of_questions(client, answered, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(40):
        invitation = planned(answered.selin, survey="nps", touchpoint=None, at=now, status="answered", wave=f"n{number}")
        Response.objects.create(
            survey=Survey.objects.get(key="nps"),
            kind="nps",
            invitation=invitation,
            account=answered.boga,
            contact=answered.selin,
            answered_at=now,
            score=number % 11,
            scale_min=0,
            scale_max=10,
        )
    client.force_login(answered.ada)
    for name, args, most in (("surveys:overview", [], 40), ("surveys:results", ["nps"], 22), ("surveys:decisions", [], 18), ("surveys:account_panel", [answered.boga.pk], 14)):
        with django_assert_max_num_queries(most):
            assert client.get(reverse(name, args=args)).status_code == 200


def test_the_panel_shows_answers_what_comes_next_and_who_was_never_asked(client, answered):
    answered.boga.contacts.create(external_id="new", email="new@bogazici.test", name="Yeni Kişi")
    planned(answered.selin, at=timezone.now(), wave="next")
    client.force_login(answered.elif_)
    page = client.get(reverse("surveys:account_panel", args=[answered.boga.pk])).content.decode()
    assert "Çok yavaş" in page
    assert "Selin Aydın (Satisfaction (CSAT)" in page
    assert "Never asked:" in page
    assert "Yeni Kişi" in page


def test_the_panel_of_another_book_is_404_and_a_stranger_logs_in(client, answered):
    address = reverse("surveys:account_panel", args=[answered.boga.pk])
    assert client.get(address).status_code == 302
    client.force_login(answered.can)
    assert client.get(address).status_code == 404


def test_a_person_resends_or_drops_what_is_uncertain(client, answered):
    client.force_login(answered.elif_)
    assert "Selin Aydın" in client.get(reverse("surveys:unknown")).content.decode()
    assert client.get(reverse("surveys:resend", args=[answered.uncertain.pk])).status_code == 405
    assert client.post(reverse("surveys:resend", args=[answered.uncertain.pk])).status_code == 302
    answered.uncertain.refresh_from_db()
    assert answered.uncertain.status == "queued"
    assert client.post(reverse("surveys:drop", args=[answered.uncertain.pk])).status_code == 302
    answered.uncertain.refresh_from_db()
    assert answered.uncertain.status == "queued"


@pytest.mark.parametrize(("who", "status"), [("can", 404), ("vera", 403), ("ana", 404)])
def test_others_cannot_decide_and_nothing_changes(client, answered, who, status):
    client.force_login(getattr(answered, who))
    suspect = Response.objects.get()
    Response.objects.update(is_suspect=True)
    for address in (
        reverse("surveys:resend", args=[answered.uncertain.pk]),
        reverse("surveys:drop", args=[answered.uncertain.pk]),
        reverse("surveys:confirm", args=[suspect.pk]),
    ):
        assert client.post(address).status_code == status
    answered.uncertain.refresh_from_db()
    assert answered.uncertain.status == "unknown"
    assert Response.objects.get().is_suspect
    assert client.post(reverse("surveys:sending"), {"enabled": "0"}).status_code == 403
    assert Installation.current().sending_enabled


def test_a_person_confirms_a_suspect_answer_and_it_counts(client, cast):
    now = timezone.now()
    token = link_to(planned(cast.selin, survey="nps", touchpoint="relationship-nps", at=now, status="sent"), now=now)
    press(client, token, 2, website="filled")
    assert WorkItem.objects.count() == 0
    client.force_login(cast.elif_)
    row = Response.objects.get()
    assert client.post(reverse("surveys:confirm", args=[row.pk])).status_code == 302
    assert (Response.objects.counted().get().score, WorkItem.objects.get().owner) == (2, cast.elif_)
    assert Invitation.objects.get().status == "answered"


def test_the_stop_switch_is_for_admins(client, cast):
    client.force_login(cast.mert)
    assert client.post(reverse("surveys:sending"), {"enabled": "0"}).status_code == 403
    client.force_login(cast.ada)
    client.post(reverse("surveys:sending"), {"enabled": "0", "note": "moving servers"})
    assert (Installation.current().sending_enabled, Installation.current().sending_note) == (False, "moving servers")
    assert "moving servers" in client.get(reverse("surveys:overview")).content.decode()
    client.post(reverse("surveys:sending"), {"enabled": "1"})
    assert Installation.current().sending_enabled


@pytest.mark.parametrize(
    "model",
    [
        "survey",
        "surveyversion",
        "touchpoint",
        "invitation",
        "surveylink",
        "response",
        "responserevision",
        "programmestep",
        "sendinghold",
        "loopdeadline",
        "loopcase",
        "pendingfollowup",
        "announcement",
    ],
)
def test_the_admin_lists_and_opens_every_model(client, answered, model):
    client.force_login(answered.ada)
    assert client.get(reverse(f"admin:surveys_{model}_changelist"), {"q": "selin"}).status_code == 200
    row = apps.get_model("surveys", model).objects.first()
    if row is not None:
        assert client.get(reverse(f"admin:surveys_{model}_change", args=[row.pk])).status_code == 200
    if model in {"invitation", "surveylink", "response", "responserevision"}:
        assert client.get(reverse(f"admin:surveys_{model}_add")).status_code == 403
