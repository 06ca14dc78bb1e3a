"""The outbox page: who sees which mails, what a person may decide, holds, the switch, and the question whether this is a copy."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Installation, MailBucket, OutgoingMail
from surveys.models import Invitation, SendingHold, Touchpoint
from tests.surveys.making import planned

pytestmark = pytest.mark.django_db
PAGES = ("surveys:outbox", "surveys:unknown")


def mail_of(invitation, **fields):
    values = {"kind": "survey", "subject_type": "invitation", "subject_id": str(invitation.pk), "account": invitation.account, "contact": invitation.contact}
    return OutgoingMail.objects.create(**{**values, "to_address": invitation.contact.email, "next_attempt_at": timezone.now(), **fields})


@pytest.fixture
def stocked(cast):
    """Selin's survey is uncertain, her other one failed; one of Harry's waits."""
    now = timezone.now()
    cast.uncertain = mail_of(planned(cast.selin, at=now, status="unknown"), status="unknown", smtp_reply="SMTPServerDisconnected: closed", attempt=1)
    cast.failed = mail_of(planned(cast.selin, at=now, status="failed", wave="2"), status="failed", reason="gave_up", smtp_reply="450 try later", attempt=27)
    cast.waiting = mail_of(planned(cast.harry, at=now, status="queued", wave="3"), status="queued")
    return cast


def decide(client, do, *mails):
    return client.post(reverse("surveys:outbox_decide"), {"do": do, "mail": [str(mail.pk) for mail in mails], "next": reverse("surveys:unknown")})


def states(*mails):
    return [OutgoingMail.objects.get(pk=mail.pk).status for mail in mails]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_pages_open_for_those_who_read_programmes(client, stocked, name, language):
    for user in (stocked.ada, stocked.mert, stocked.elif_, stocked.vera):
        user.language = language
        user.save()
        client.force_login(user)
        assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_not_there_for_others(client, stocked, name):
    answer = client.get(reverse(name))
    assert (answer.status_code, answer["Location"].startswith("/login/")) == (302, True)
    for user in (stocked.ana, stocked.deniz):
        client.force_login(user)
        assert client.get(reverse(name)).status_code == 404


def test_the_outbox_shows_states_answers_and_reasons_of_the_own_book(client, stocked):
    client.force_login(stocked.elif_)
    page = client.get(reverse("surveys:outbox")).content.decode()
    assert "Selin Aydın" in page
    assert "450 try later" in page
    assert "given up after a day of tries" in page
    assert "Harry Hill" not in page
    client.force_login(stocked.can)
    page = client.get(reverse("surveys:outbox")).content.decode()
    assert "Harry Hill" in page
    assert "Selin" not in page


def test_filters_and_pages_leave_no_gaps(client, stocked):
    now = timezone.now()
    for number in range(120):
        mail_of(planned(stocked.selin, at=now, status="sent", wave=f"n{number}"), status="sent", sent_at=now)
    client.force_login(stocked.ada)
    seen, mark = [], ""
    while True:
        answer = client.get(reverse("surveys:outbox"), {"status": "sent", "after": mark})
        seen += [mail.pk for mail in answer.context["found"].rows]
        mark = answer.context["found"].mark
        if not mark:
            break
    assert len(seen) == len(set(seen)) == 120
    assert client.get(reverse("surveys:outbox"), {"status": "nonsense", "kind": "nonsense", "after": "x~y"}).status_code == 200
    assert {mail.status for mail in client.get(reverse("surveys:outbox"), {"status": "unknown"}).context["found"].rows} == {"unknown"}


def test_a_person_decides_about_many_at_once(client, stocked):
    client.force_login(stocked.elif_)
    answer = decide(client, "again", stocked.uncertain, stocked.failed)
    assert answer["Location"] == reverse("surveys:unknown")
    assert states(stocked.uncertain, stocked.failed) == ["queued", "queued"]
    assert set(Invitation.objects.filter(contact=stocked.selin).values_list("status", flat=True)) == {"queued"}
    decide(client, "drop", stocked.uncertain, stocked.failed)
    assert states(stocked.uncertain, stocked.failed) == ["aborted", "aborted"]
    assert set(Invitation.objects.filter(contact=stocked.selin).values_list("status", flat=True)) == {"failed"}


def test_one_button_decides_about_one_mail(client, stocked):
    client.force_login(stocked.elif_)
    client.post(reverse("surveys:outbox_decide"), {"do": f"drop:{stocked.uncertain.pk}", "mail": [str(stocked.failed.pk)]})
    assert states(stocked.uncertain, stocked.failed) == ["aborted", "failed"]


def test_what_has_changed_meanwhile_is_left_alone(client, stocked):
    client.force_login(stocked.elif_)
    OutgoingMail.objects.filter(pk=stocked.uncertain.pk).update(status="sent")
    decide(client, "again", stocked.uncertain, stocked.failed)
    assert states(stocked.uncertain, stocked.failed) == ["sent", "queued"]


def test_mails_of_other_books_are_not_there_and_nothing_changes(client, stocked):
    client.force_login(stocked.elif_)
    assert decide(client, "drop", stocked.uncertain, stocked.waiting).status_code == 404
    client.force_login(stocked.vera)
    assert decide(client, "drop", stocked.uncertain).status_code == 403
    client.logout()
    assert decide(client, "drop", stocked.uncertain).status_code == 302
    client.force_login(stocked.ada)
    assert decide(client, "burn", stocked.uncertain).status_code == 404
    assert client.post(reverse("surveys:outbox_decide"), {"do": "drop", "mail": ["x"]}).status_code == 404
    assert client.get(reverse("surveys:outbox_decide")).status_code == 405
    assert states(stocked.uncertain, stocked.failed, stocked.waiting) == ["unknown", "failed", "queued"]


def test_replies_are_decided_about_here_too(client, stocked):
    reply = OutgoingMail.objects.create(kind="reply", account=stocked.boga, to_address="x@y.test", status="failed", next_attempt_at=timezone.now())
    client.force_login(stocked.elif_)
    decide(client, "again", reply)
    assert states(reply) == ["queued"]


def test_the_uncertain_list_says_what_is_known(client, stocked):
    died = mail_of(planned(stocked.selin, at=timezone.now(), status="unknown", wave="4"), status="unknown", reason="lease_expired", attempt=1)
    client.force_login(stocked.elif_)
    page = client.get(reverse("surveys:unknown")).content.decode()
    assert "The server hung up after it had the mail" in page
    assert "The sender stopped before a link was made" in page
    assert f"&lt;{died.subject_id}.1@" in page
    OutgoingMail.objects.update(status="sent")
    assert "Nothing is uncertain" in client.get(reverse("surveys:unknown")).content.decode()


def test_a_hold_is_shown_everywhere_and_let_go_by_a_lead(client, stocked):
    hold = SendingHold.objects.create(touchpoint=Touchpoint.objects.get(key="ticket-solved"), reason="bounces", value="0.0612", limit="0.05", held_at=timezone.now())
    client.force_login(stocked.elif_)
    assert "Mails wait for a person" in client.get(reverse("surveys:decisions")).content.decode()
    page = client.get(reverse("surveys:outbox")).content.decode()
    assert "6.1" in page
    assert client.post(reverse("surveys:release", args=[hold.pk])).status_code == 403
    client.logout()
    assert client.post(reverse("surveys:release", args=[hold.pk])).status_code == 302
    hold.refresh_from_db()
    assert hold.released_at is None
    client.force_login(stocked.mert)
    assert client.post(reverse("surveys:release", args=[99])).status_code == 404
    assert client.post(reverse("surveys:release", args=[hold.pk])).status_code == 302
    hold.refresh_from_db()
    assert hold.released_by == stocked.mert
    page = client.get(reverse("surveys:outbox")).content.decode()
    assert "Mert Lider" in page
    assert "Mails wait for a person" not in page


def test_rates_and_todays_count_are_shown(client, stocked):
    now = timezone.now()
    MailBucket.objects.create(name="all", sent_today=7, day=now.date(), tokens=1)
    MailBucket.objects.create(name="domain:slow.test", backs_off_until=now + dt.timedelta(minutes=2), back_off_seconds=120)
    Installation.objects.update_or_create(pk=1, defaults={"rate_per_day": 500})
    client.force_login(stocked.ada)
    answer = client.get(reverse("surveys:outbox"))
    assert (answer.context["rates"].sent_today, answer.context["rates"].per_day) == (7, 500)
    assert "slow.test" in answer.content.decode()


def test_the_switch_cannot_be_turned_on_while_this_may_be_a_copy(client, stocked):
    Installation.objects.update_or_create(pk=1, defaults={"doubt": "url", "sending_enabled": False, "sending_note": "This may be a copy: url", "instance_url": "https://old.test"})
    client.force_login(stocked.ada)
    page = client.get(reverse("surveys:outbox")).content.decode()
    assert "https://old.test" in page
    assert "This is the installation; send from here" in page
    client.post(reverse("surveys:sending"), {"enabled": "1"})
    assert Installation.current().sending_enabled is False
    client.force_login(stocked.mert)
    assert client.post(reverse("surveys:confirm_place")).status_code == 403
    assert Installation.current().doubt == "url"
    client.force_login(stocked.ada)
    assert client.get(reverse("surveys:confirm_place")).status_code == 405
    assert client.post(reverse("surveys:confirm_place")).status_code == 302
    row = Installation.current()
    assert (row.doubt, row.sending_enabled) == ("", True)


def test_pages_ask_a_bounded_number_of_questions(client, stocked, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(60):
        mail_of(planned(stocked.selin, at=now, status="unknown", wave=f"n{number}"), status="unknown", reason="lease_expired")
    client.force_login(stocked.ada)
    for name, most in (("surveys:outbox", 32), ("surveys:unknown", 16)):
        with django_assert_max_num_queries(most):
            assert client.get(reverse(name)).status_code == 200
