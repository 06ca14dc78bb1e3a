"""Sending surveys over real SMTP: at most once whatever dies, and never against a rule of the last moment."""

import datetime as dt
import io
import json
import re
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from accounts.actions.suppressions import suppress
from accounts.models import Account, AccountEvent, Contact, Installation, MailBucket, OutgoingMail, Suppression
from surveys.actions.dispatch import expire, queue_due, send_queued
from surveys.actions.letters import write_letter
from surveys.actions.planning import plan
from surveys.actions.unknowns import drop_unknown, resend_unknown
from surveys.models import Invitation, Survey, SurveyLink, Touchpoint
from surveys.queries import plan_lines
from surveys.queries.links import texts_of
from surveys.tokens import token_digest
from tests.surveys.making import NOW, Sink, activate, happens, planned, solved

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(cast):
    activate()
    Touchpoint.objects.filter(event_kind="").update(activated_at=None)
    return cast


def send(sink, *, as_of=NOW, worker="w", **rest):
    with sink.session() as session:
        return send_queued(as_of=as_of, now=as_of, worker=worker, session=session, **rest)


def link_in(message, letter="s"):
    return re.search(rf"http\S+/{letter}/([\w-]+)", message.get_body(("plain",)).get_content())[1]


def test_a_due_survey_leaves_once_in_the_contacts_language(ready):
    invitation = planned(ready.selin, rated_object="4760")
    assert queue_due(as_of=NOW, now=NOW) == {"send": 1}
    with Sink() as sink:
        assert send(sink) == {"sent": 1}
        assert send(sink) == {}
        ((address, message),) = sink.kept
    assert address == "selin@bogazici.test"
    assert message["Subject"] == "Nasıldı, söyler misiniz?"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert message.get_content_type() == "multipart/alternative"
    for body in (text, html):
        assert "Genel olarak aldığınız destekten ne kadar memnun kaldınız?" in body
        assert body.count("?v=") == 5
        assert "Selin Aydın" in body
    assert "<script" not in html
    assert "<form" not in html
    assert re.findall(r"(?:src|url\(|<link)", html) == []
    invitation.refresh_from_db()
    assert invitation.status == "sent"
    assert AccountEvent.objects.get(kind="survey.sent").payload == {"invitation": str(invitation.pk), "survey": "csat", "survey_kind": "csat", "touchpoint": "ticket-solved"}


def test_the_headers_let_a_mail_program_unsubscribe(ready):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink)
        message = sink.kept[0][1]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    refusal = re.fullmatch(r"<http://[^/]+/u/([\w-]{43})>", message["List-Unsubscribe"].strip())[1]
    assert SurveyLink.objects.get(token_hash=token_digest(refusal)).kind == "unsubscribe"
    assert message["Message-ID"].startswith(f"<{invitation.pk}.1@")
    assert message["X-CS-Invitation"] == str(invitation.pk)
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    raw = message.as_bytes()
    assert max(len(line) for line in raw.splitlines()) <= 998


def test_no_token_is_kept_anywhere(ready):
    planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink)
        token = link_in(sink.kept[0][1])
    row = OutgoingMail.objects.get()
    assert token not in row.body_text
    assert "/s/•••?v=1" in row.body_text
    assert SurveyLink.objects.filter(token_hash=token_digest(token), kind="invite").count() == 1


def test_what_customers_wrote_is_escaped_and_stays_out_of_headers(ready):
    Account.objects.filter(pk=ready.boga.pk).update(name="<script>alert(1)</script>")
    Contact.objects.filter(pk=ready.selin.pk).update(name="Eve\r\nBcc: all@x.test")
    planned(ready.selin, survey="nps", touchpoint="relationship-nps")
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        send(sink)
        message = sink.kept[0][1]
    assert message["Bcc"] is None
    html = message.get_body(("html",)).get_content()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("died_after", ["claimed", "prepared", "delivered"])
def test_a_worker_that_dies_leaves_one_mail_at_most_and_an_unknown_for_a_person(ready, died_after):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)

    class Killed(BaseException):
        pass

    def die(step):
        if step == died_after:
            raise Killed

    with Sink() as sink:
        with pytest.raises(Killed):
            send(sink, after_step=die)
        assert send(sink, worker="another") == {}
        OutgoingMail.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
        assert expire(now=NOW) == 1
        queue_due(as_of=NOW, now=NOW)
        plan(as_of=NOW)
        assert send(sink, worker="another") == {}
        assert len(sink.kept) == (1 if died_after == "delivered" else 0)
    invitation.refresh_from_db()
    assert invitation.status == "unknown"


def test_after_the_end_of_the_body_a_cut_is_unknown_and_never_tried_again(ready):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink(cut="after") as sink:
        assert send(sink) == {"unknown": 1}
        sink.cut = ""
        assert send(sink, as_of=NOW + dt.timedelta(hours=5)) == {}
        assert len(sink.kept) == 1
    invitation.refresh_from_db()
    assert invitation.status == "unknown"
    # the token may have arrived, so it still works
    assert SurveyLink.objects.filter(invitation=invitation, kind="invite").count() == 1


def test_a_person_sends_an_unknown_again_or_drops_it(ready):
    one, two = planned(ready.selin), planned(ready.harry)
    queue_due(as_of=NOW, now=NOW)
    with Sink(cut="after") as sink:
        send(sink)
    resend_unknown(invitation_id=one.pk, now=NOW)
    drop_unknown(invitation_id=two.pk, now=NOW)
    with Sink() as sink:
        assert send(sink) == {"sent": 1}
        assert [address for address, _message in sink.kept] == ["selin@bogazici.test"]
    statuses = dict(Invitation.objects.values_list("contact__external_id", "status"))
    assert statuses == {"selin": "sent", "harry": "failed"}


def test_a_busy_server_means_later_and_the_token_of_the_failed_try_is_gone(ready):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink(rcpt="450 later") as sink:
        assert send(sink) == {"retry": 1}
        assert SurveyLink.objects.count() == 0
        sink.rcpt = ""
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        # the server asked us to slow down: its domain rests a moment
        assert send(sink) == {"later": 1}
        MailBucket.objects.update(backs_off_until=timezone.now())
        OutgoingMail.objects.update(next_attempt_at=timezone.now())
        assert send(sink) == {"sent": 1}
    invitation.refresh_from_db()
    assert invitation.status == "sent"
    assert OutgoingMail.objects.get().attempt >= 2


def test_an_address_that_does_not_exist_is_never_written_to_again(ready):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    with Sink(rcpt="550 no such user") as sink:
        assert send(sink) == {"failed": 1}
    invitation.refresh_from_db()
    ready.selin.refresh_from_db()
    assert (invitation.status, ready.selin.bounced_at is not None) == ("failed", True)
    assert Suppression.objects.get().reason == "hard_bounce"
    solved(ready.selin, ticket=99)
    plan(as_of=NOW)
    assert Invitation.objects.get(event__isnull=False).skip_reason == "suppressed"


def test_the_stop_switch_stops_queueing_and_sending(ready):
    planned(ready.selin)
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False})
    assert queue_due(as_of=NOW, now=NOW) == {}
    Installation.objects.update(sending_enabled=True)
    queue_due(as_of=NOW, now=NOW)
    Installation.objects.update(sending_enabled=False)
    with Sink() as sink:
        assert send(sink) == {"stopped": 1}
        assert sink.kept == []
        assert SurveyLink.objects.count() == 0
        Installation.objects.update(sending_enabled=True)
        assert send(sink) == {"sent": 1}


def test_the_stop_switch_holds_between_two_mails_of_a_batch(ready):
    planned(ready.selin)
    planned(ready.harry)
    Installation.current()
    queue_due(as_of=NOW, now=NOW)

    def stop(step):
        if step == "delivered":
            Installation.objects.update(sending_enabled=False)
            # looked at before each mail, at a high rate every quarter of a second
            time.sleep(0.3)

    with Sink() as sink:
        assert send(sink, after_step=stop) == {"sent": 1, "stopped": 1}
        assert len(sink.kept) == 1
    assert OutgoingMail.objects.filter(status="queued").count() == 1


@pytest.mark.parametrize("moment", ["queued", "prepared"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cast: Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True), "no_consent"),
        (lambda cast: suppress(address="selin@bogazici.test", reason="complaint"), "suppressed"),
    ],
)
def test_a_refusal_in_the_last_moment_stops_the_mail(ready, moment, change, reason):
    invitation = planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)

    def refuse(step):
        if step == moment:
            change(ready)

    if moment == "queued":
        change(ready)
    with Sink() as sink:
        assert send(sink, after_step=refuse) == {"skip": 1}
        assert sink.kept == []
    invitation.refresh_from_db()
    assert (invitation.status, invitation.skip_reason) == ("skipped", reason)
    assert OutgoingMail.objects.get().status == "aborted"
    assert SurveyLink.objects.count() == 0


def test_what_waits_in_the_outbox_keeps_to_the_hours_of_the_contact(ready):
    planned(ready.selin)
    queue_due(as_of=NOW, now=NOW)
    night = NOW.replace(hour=20)
    with Sink() as sink:
        assert send(sink, as_of=night) == {"hold": 1}
        assert sink.kept == []
        assert OutgoingMail.objects.get().next_attempt_at == dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC)
        late = NOW + dt.timedelta(days=5)
        OutgoingMail.objects.update(next_attempt_at=NOW)
        assert send(sink, as_of=late) == {"skip": 1}
    assert Invitation.objects.get().skip_reason == "stale"


def test_a_reopened_ticket_cancels_the_survey_that_waits(ready):
    solved(ready.selin)
    plan(as_of=NOW)
    happens(ready.selin, "ticket.reopened", at=NOW + dt.timedelta(hours=3), ticket=4760)
    assert queue_due(as_of=NOW + dt.timedelta(days=1), now=NOW) == {"skip": 1}
    assert Invitation.objects.get().skip_reason == "reopened"


def test_four_senders_send_each_survey_once(ready):
    Installation.objects.update_or_create(pk=1, defaults={"rate_per_second": 1000})
    for number in range(60):
        account = Account.objects.create(external_id=f"a{number}", name=f"A {number}")
        planned(Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@x.test"))
    queue_due(as_of=NOW, now=NOW)
    with Sink() as sink:
        start = threading.Barrier(4)

        def run(name):
            start.wait()
            send(sink, worker=name)
            connections.close_all()

        threads = [threading.Thread(target=run, args=(f"w{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        addresses = [address for address, _message in sink.kept]
    assert len(addresses) == len(set(addresses)) == 60
    assert Invitation.objects.filter(status="sent").count() == 60


def test_what_the_dry_run_names_is_what_is_sent(ready, settings):
    zones = ["Asia/Tokyo", "America/New_York", "Europe/Istanbul", "Australia/Sydney", "America/Los_Angeles", ""]
    for number in range(60):
        account = Account.objects.create(external_id=f"a{number}", name=f"A {number}", time_zone=zones[number % 6])
        contact = Contact.objects.create(external_id=f"c{number}", account=account, email=f"c{number}@x.test", opted_out=number % 7 == 0)
        happens(contact, "subscription.cancelled" if number % 2 else "onboarding.completed", at=NOW - dt.timedelta(hours=number))
    plan(as_of=NOW - dt.timedelta(hours=30))
    as_of = NOW + dt.timedelta(hours=4)
    named = {line["contact"] for line in plan_lines(as_of=as_of) if line["decision"] == "send"}
    out = io.StringIO()
    with Sink() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_CONFIGURED, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", sink.port
        call_command("send-due", "--as-of", as_of.isoformat(), stdout=out)
        sent = {address.split("@")[0] for address, _message in sink.kept}
    assert sent == named
    assert len(sent) > 5
    assert json.loads(out.getvalue())["sent"] == len(sent)


def test_imported_events_send_nothing(ready):
    for number in range(10):
        happens(ready.selin, "trial.ended", origin="import", key=str(number))
    plan(as_of=NOW)
    queue_due(as_of=NOW + dt.timedelta(days=2), now=NOW)
    assert (OutgoingMail.objects.count(), Invitation.objects.count()) == (0, 0)


def test_every_shipped_survey_writes_a_letter_in_both_languages(ready):
    for key in ("nps", "csat", "ces", "exit"):
        for contact in (ready.selin, ready.harry):
            planned(contact, survey=key, touchpoint=None, wave=key)
    Contact.objects.update(surveyable_from=None)
    Invitation.objects.update(status="queued")
    for invitation in Invitation.objects.all():
        OutgoingMail.objects.create(kind="survey", subject_type="invitation", subject_id=str(invitation.pk), to_address=invitation.contact.email, next_attempt_at=NOW)
    for mail in OutgoingMail.objects.all():
        invitation = Invitation.objects.get(pk=mail.subject_id)
        letter = write_letter(invitation, texts_of(invitation.survey_version_id), mail=mail, token="T" * 43, refusal="R" * 43, now=NOW)
        html = letter.message.get_body(("html",)).get_content()
        version = invitation.survey_version
        assert html.count(f"/s/{'T' * 43}?v=") == version.scale_max - version.scale_min + 1
        assert "VEFASLOT" not in html
        assert "{" not in letter.message.get_body(("plain",)).get_content()
        assert len(html.encode()) < 60_000
        assert f'lang="{invitation.language}"' in html
    assert Survey.objects.count() == 4
