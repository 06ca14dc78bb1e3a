"""Mails for tickets through calls of providers and through the pipe: proven, kept before they are acknowledged, placed once."""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
from email import policy
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import Contact, InboundEvent, Installation, OutgoingMail
from config.environment import ROOT
from config.inbound_mail import INBOUND, sweep_mails
from tests.config.provider_calls import MAILGUN_KEY, SECRET, basic
from tests.shared_data import data_folder
from tests.tickets.letters import BASE, letter
from tests.tickets.test_background import smtp as mail_server  # noqa: F401 - a fixture
from tickets.actions import messages, tickets
from tickets.actions.dispatch import dispatch
from tickets.models import Attachment, Ticket, TicketMessage, UnsortedMessage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _configured(settings, db):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY, "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False}
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})


def call(provider: str, body: Any, *, secret: str = SECRET, content_type: str = "application/json", headers: dict[str, str] | None = None) -> Any:
    data = body if isinstance(body, (str, bytes, dict)) and content_type != "application/json" else body if isinstance(body, (str, bytes)) else json.dumps(body)
    rest = {} if content_type == "multipart/form-data" else {"content_type": content_type}
    return Client(enforce_csrf_checks=True).post(f"/hooks/in/email/{provider}/inbound/", data, headers={**(basic(secret) if secret else {}), **(headers or {})}, **rest)


def sns(message: dict[str, Any]) -> dict[str, Any]:
    body = {"Type": "Notification", "MessageId": "n-1", "TopicArn": "arn:x", "Message": json.dumps(message)}
    headers = {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "n-1"}
    return {"body": json.dumps(body), "content_type": "text/plain; charset=UTF-8", "headers": headers}


def examples(provider: str, kind: str = "inbound") -> list[dict[str, Any]]:
    known = json.loads((data_folder("webhooks_email") / "anymail_examples.json").read_text())
    return [entry["payload"] for entry in known if (entry["provider"], entry["kind"]) == (provider, kind)]


def mailgun(raw: bytes, **more: str) -> dict[str, Any]:
    stamp, token = str(int(timezone.now().timestamp())), "t1"
    signature = hmac.new(MAILGUN_KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"timestamp": stamp, "token": token, "signature": signature, "recipient": BASE, "sender": "selin@bogazici.test", "body-mime": raw.decode(), **more}


RAW = letter(files=(("ekran.png", b"\x89PNG\r\n\x1a\nabc"),)).as_bytes()
FULL = {
    "mailgun": lambda: {"body": mailgun(RAW), "content_type": "multipart/form-data"},
    "sendgrid": lambda: {"body": {"email": RAW.decode(), "envelope": json.dumps({"from": "selin@bogazici.test", "to": [BASE]})}, "content_type": "multipart/form-data"},
    "postal": lambda: {"body": {"id": 7, "mail_from": "selin@bogazici.test", "rcpt_to": BASE, "message": base64.b64encode(RAW).decode(), "base64": True}},
    "sparkpost": lambda: {
        "body": [{"msys": {"relay_message": {"protocol": "smtp", "msg_from": "a@b.test", "rcpt_to": BASE, "content": {"email_rfc822": RAW.decode(), "email_rfc822_is_base64": False}}}}]
    },
    "mandrill": lambda: {
        "body": "mandrill_events=" + quote(json.dumps([{"event": "inbound", "ts": 1, "msg": {"raw_msg": RAW.decode(), "email": BASE}}])),
        "content_type": "application/x-www-form-urlencoded",
    },
    "mailersend": lambda: {"body": {"type": "inbound.message", "data": {"id": "1", "raw": RAW.decode(), "sender": {"email": "a@b.test"}, "recipients": {"rcptTo": [{"email": BASE}]}}}},
    "amazon_ses": lambda: sns({
        "notificationType": "Received", "mail": {"source": "selin@bogazici.test", "messageId": "x", "timestamp": "2026-01-01T00:00:00Z"}, "content": base64.b64encode(RAW).decode(),
        "receipt": {"recipients": [BASE], "action": {"type": "SNS", "encoding": "BASE64"}, "spamVerdict": {"status": "PASS"}},
    }),
}  # fmt: skip


@pytest.mark.parametrize("provider", FULL)
def test_a_mail_opens_a_ticket_with_its_files_and_the_same_call_again_nothing(cast, provider):
    how = FULL[provider]()
    assert call(provider, **how).status_code == 202
    assert list(TicketMessage.objects.values_list("body", "contact", "mail_id")) == [("Merhaba, çalışmıyor.", cast.selin.pk, "mail-1@bogazici.test")]
    assert [bytes(row.content.data) for row in Attachment.objects.all()] == [b"\x89PNG\r\n\x1a\nabc"]
    event = InboundEvent.objects.get()
    assert (event.source, event.kind, event.status, event.note.split()[0]) == (f"mail:{provider}", "mail", "done", "opened")
    # all of it stands on the ticket: no second copy is kept
    assert "rfc822" not in event.payload
    assert call(provider, **how).status_code == 200
    assert TicketMessage.objects.count() == 1


@pytest.mark.parametrize(
    ("provider", "sender", "subject", "text"),
    [
        ("postmark", "from+test@example.org", "Test subject", "Test body plain"),
        ("mailjet", "from+test@example.org", "Test subject", "Test body plain"),
        ("brevo", "from@example.com", "Testing Brevo inbound", "This is a *test message*.\n\n- Sender"),
    ],
)
def test_recorded_calls_of_providers_are_read(cast, provider, sender, subject, text):
    payload = examples(provider)[0]
    Contact.objects.create(account=cast.boga, email=sender)
    assert call(provider, {"items": [payload]} if provider == "brevo" else payload).status_code == 202
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.contact.email, ticket.messages.get().body) == (subject, sender, text)


@pytest.mark.parametrize("name", ["postmark_inbound_test_payload.json", "postmark_inbound_test_payload_with_raw.json"])
def test_postmarks_own_test_calls_of_a_stranger_wait_for_a_person(name):
    body = (data_folder("webhooks_email") / name).read_text()
    assert call("postmark", body).status_code == 202
    row = UnsortedMessage.objects.get()
    assert (row.why, row.sender_address, row.sender_name, row.body) == ("stranger", "support@postmarkapp.com", "Postmarkapp Support", "This is a test text body.")
    assert [file["name"] for file in row.files] == ([] if "with_raw" in name else ["test.txt"])


def test_a_mail_that_lies_in_a_bucket_and_one_without_heads_are_shown_to_a_person():
    for number, payload in enumerate(examples("amazon_ses")[:2]):
        how = sns(payload)
        assert call("amazon_ses", **how).status_code == 202, number
    assert call("brevo", {"items": [examples("brevo")[1]]}).status_code == 202
    rows = list(UnsortedMessage.objects.order_by("pk").values_list("why", "sender_address", "headers"))
    assert [(why, sender) for why, sender, _headers in rows] == [("unreadable", "envelope-from@example.org"), ("unreadable", ""), ("unreadable", "")]
    assert "InboundEmailBucket" in rows[0][2]["X-Vefa-Note"]


def test_a_report_at_the_wrong_address_is_kept_and_opens_nothing():
    assert call("postmark", examples("postmark", "tracking")[0]).status_code == 202
    assert InboundEvent.objects.get().status == "ignored"
    assert not UnsortedMessage.objects.exists()


@pytest.mark.parametrize("provider", sorted(INBOUND))
def test_without_the_secret_nothing_is_taken(provider, settings):
    body: Any = {"body": [] if provider == "sparkpost" else {}, "content_type": "application/json"} if provider not in FULL else FULL[provider]()
    assert call(provider, secret="", **body).status_code == 401
    assert call(provider, secret="provider:wrong-but-long-enough", **body).status_code == 401
    settings.ANYMAIL = {"WEBHOOK_SECRET": []}
    assert call(provider, **body).status_code == 404
    assert not InboundEvent.objects.exists()


def test_a_wrong_signature_is_refused_beside_the_right_secret():
    assert call("mailgun", {**mailgun(RAW), "signature": "0" * 64}, content_type="multipart/form-data").status_code == 401
    assert not InboundEvent.objects.exists()


def test_what_is_no_mail_or_too_much_is_said():
    assert call("postmark", "{").status_code == 400
    assert call("postmark", "a=1", content_type="application/x-www-form-urlencoded").status_code == 415
    assert call("postmark", json.dumps({"x": "y" * 30 * 1024 * 1024})).status_code == 413
    assert call("nobody", {}).status_code == 404
    assert Client().get("/hooks/in/email/postmark/inbound/").status_code == 405
    assert Client().head("/hooks/in/email/postmark/inbound/").status_code == 200
    assert not InboundEvent.objects.exists()


def test_what_is_too_large_for_a_ticket_is_taken_whole_and_waits_for_a_person(cast):
    raw = letter(files=(("c.bin", b"c" * 11_000_000), ("a.bin", b"a"))).as_bytes()
    assert call("postal", {"id": 7, "mail_from": "selin@bogazici.test", "rcpt_to": BASE, "message": raw.decode()}).status_code == 202
    row = UnsortedMessage.objects.get()
    assert (row.why, row.contact, [file["name"] for file in row.files]) == ("too_large", cast.selin, ["a.bin"])
    # what did not fit is still here
    assert base64.b64decode(InboundEvent.objects.get().payload["rfc822"]) == raw


def test_what_was_kept_and_not_placed_is_taken_up_by_the_sweep(cast, monkeypatch):
    monkeypatch.setattr("config.inbound_mail.handle_mail", lambda **_: "")
    assert call("postal", **FULL["postal"]()).status_code == 202
    assert not Ticket.objects.exists()
    monkeypatch.undo()
    assert sweep_mails(now=timezone.now()) == 1
    assert sweep_mails(now=timezone.now()) == 0
    assert Ticket.objects.count() == 1


def pipe(raw: bytes, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`manage.py take-mail` as a mail server runs it, on the database of the tests."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    env = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": django_settings.SECRET_KEY, **environment}
    return subprocess.run([sys.executable, str(ROOT / "manage.py"), "take-mail", *arguments], input=raw, env=env, capture_output=True, check=False, timeout=60)


@pytest.mark.django_db(transaction=True)
def test_a_reply_leaves_and_its_answer_comes_back_through_the_pipe(cast, mail_server):  # noqa: F811
    inbox = mail_server()
    Installation.objects.update_or_create(pk=1, defaults={"ticket_address": BASE})
    ticket = tickets.open_ticket(account_id=cast.boga.pk, subject="Rota", contact_id=cast.selin.pk, channel="email", now=timezone.now())[0]
    messages.reply(ticket_id=ticket.pk, body="Hangi sürüm?", author=cast.deniz, now=timezone.now(), files=[("ekran görüntüsü.png", b"\x89PNG\r\n\x1a\nabc")])
    assert dispatch(clock=timezone.now) == {"sent": 1}
    [envelope] = inbox.letters
    ours = email.message_from_bytes(envelope.content, policy=policy.default)
    [file] = ours.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == ("ekran görüntüsü.png", "image/png", b"\x89PNG\r\n\x1a\nabc")
    answer = letter(
        "4.2\n\n5.05.2025 10:00 tarihinde Vefa yazdı:\n> Hangi sürüm?", to=str(ours["Reply-To"]), subject=f"Ynt: {ours['Subject']}", In_Reply_To=str(ours["Message-ID"])
    )
    done = pipe(b"From selin@bogazici.test Mon May  5 10:00:00 2025\n" + answer.as_bytes(policy=policy.default), "--sender", "selin@bogazici.test")
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    last = TicketMessage.objects.latest("pk")
    assert (last.ticket, last.body, last.quoted, last.contact) == (ticket, "4.2", "5.05.2025 10:00 tarihinde Vefa yazdı:\n> Hangi sürüm?", cast.selin)
    # nothing is ever sent back by itself
    assert OutgoingMail.objects.count() == 1


@pytest.mark.parametrize(("raw", "code"), [(b"", 65), (b"no head\n\nx", 65), (b"From: a@b.test\n\nx", 75)])
def test_the_pipe_says_what_the_mail_server_shall_do(monkeypatch, raw, code):
    def away(**_):
        raise OperationalError

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    monkeypatch.setattr("config.management.commands.take-mail.keep_inbound", away)
    with pytest.raises(CommandError) as refusal:
        call_command("take-mail")
    assert refusal.value.returncode == code
