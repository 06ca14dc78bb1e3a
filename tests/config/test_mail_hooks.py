"""What mail providers tell: proven, kept before it is acknowledged, once, and worked on at once."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from accounts.actions.suppressions import address_hmac, suppressed_scopes
from accounts.models import Contact, InboundEvent, Suppression
from config.mail_providers import PROVIDERS
from config.mail_reports import handle_report, sweep_reports
from tests.config.provider_calls import MAILGUN_KEY, SECRET, basic, brevo, call, mailgun, postmark, sendgrid, ses

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
SELIN = "selin@bogazici.test"


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY, "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False}


def rows():
    return list(InboundEvent.objects.order_by("pk").values_list("source", "kind", "status"))


def test_a_hard_bounce_is_kept_acknowledged_and_in_force(cast):
    answer = call("postmark", postmark("HardBounce", SELIN, NOW))
    assert answer.status_code == 202
    assert rows() == [("email:postmark", "hard_bounce", "done")]
    assert suppressed_scopes([SELIN]) == {SELIN: {"global"}}
    assert Contact.objects.get(pk=cast.selin.pk).bounced_at == NOW
    assert not answer.cookies


def test_the_same_event_again_is_known_and_another_body_under_its_id_is_a_conflict():
    body = postmark("HardBounce", SELIN, NOW)
    assert [call("postmark", body).status_code for _ in range(3)] == [202, 200, 200]
    assert call("postmark", {**body, "Email": "somebody@else.test"}).status_code == 409
    assert rows() == [("email:postmark", "hard_bounce", "done"), ("email:postmark", "hard_bounce", "conflict")]
    assert suppressed_scopes(["somebody@else.test"]) == {}


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_no_call_without_the_secret_is_taken(provider):
    body: object = [] if provider in {"sendgrid", "mandrill", "sparkpost", "mailjet"} else {"Type": "Notification", "MessageId": "1", "Message": "{}"}
    for secret in ("", "provider:wrong-but-long-enough", "provider:"):
        assert call(provider, body, secret=secret).status_code == 401
    assert InboundEvent.objects.count() == 0


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_without_any_secret_there_is_no_such_address(provider, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": []}
    assert call(provider, {}).status_code == 404
    assert Client().head(f"/hooks/in/email/{provider}/").status_code == 404
    assert InboundEvent.objects.count() == 0


def test_a_signature_alone_opens_its_provider_and_no_other(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [], "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY}
    assert call("mailgun", mailgun("failed", SELIN, NOW, severity="permanent"), secret="").status_code == 202
    assert call("mailgun", mailgun("failed", SELIN, NOW, severity="permanent", key="guessed", token="t2"), secret="").status_code == 401
    assert call("postmark", postmark("HardBounce", SELIN, NOW), secret="").status_code == 404
    assert rows() == [("email:mailgun", "hard_bounce", "done")]


def test_where_both_are_configured_both_are_demanded():
    good = mailgun("complained", SELIN, NOW)
    assert call("mailgun", good, secret="").status_code == 401
    assert call("mailgun", mailgun("complained", SELIN, NOW, key="guessed")).status_code == 401
    assert call("mailgun", good).status_code == 202


def test_two_secrets_hold_while_one_replaces_the_other(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET, "provider:the-newer-secret-of-two"]}
    assert call("brevo", brevo("spam", SELIN, NOW)).status_code == 202
    assert call("brevo", brevo("spam", SELIN, NOW), secret="provider:the-newer-secret-of-two").status_code == 200


def test_what_cannot_be_read_is_said_and_nothing_is_kept():
    deep = "[" * 21 + "]" * 21
    for body in ("{", "null", '"text"', deep, "[" * 100_000, b"\xff\xfe"):
        assert call("postmark", body).status_code == 400, body[:30]
    assert call("postmark", "a=1", content_type="application/x-www-form-urlencoded").status_code == 415
    assert call("postmark", json.dumps({"x": "y" * 1024 * 1024})).status_code == 413
    assert call("nobody", {}).status_code == 404
    assert Client().get("/hooks/in/email/postmark/").status_code == 405
    assert Client().head("/hooks/in/email/postmark/").status_code == 200
    assert InboundEvent.objects.count() == 0


def test_an_unknown_kind_and_an_unknown_shape_are_kept_and_ignored():
    assert call("postmark", {"RecordType": "Weather", "Recipient": SELIN}).status_code == 202
    assert call("mailjet", {"no": "event"}).status_code == 202
    assert call("brevo", brevo("opened", SELIN, NOW)).status_code == 202
    assert {status for _source, _kind, status in rows()} == {"ignored"}
    assert Suppression.objects.count() == 0


def test_letters_that_no_database_takes_do_not_break_the_intake():
    body = json.dumps({**postmark("HardBounce", SELIN, NOW), "Description": "a\x00b"}).replace("a\\u0000b", "a\\u0000b\\ud800")
    assert call("postmark", body).status_code == 202
    assert InboundEvent.objects.get().payload["raw"]["Description"] == "ab?"


def test_a_batch_is_kept_event_by_event():
    events = [
        sendgrid("bounce", SELIN, NOW, number="e1", type="bounce"),
        sendgrid("bounce", "harry@northgate.test", NOW, number="e2", type="blocked"),
        sendgrid("open", SELIN, NOW, number="e3"),
    ]
    assert call("sendgrid", events).status_code == 202
    assert rows() == [("email:sendgrid", "hard_bounce", "done"), ("email:sendgrid", "soft_bounce", "done"), ("email:sendgrid", "other", "ignored")]
    assert call("sendgrid", list(reversed(events))).status_code == 200
    assert call("sendgrid", [*events, sendgrid("spamreport", SELIN, NOW, number="e4")]).status_code == 202
    assert len(rows()) == 4


def test_one_notification_may_name_several_people(cast):
    assert call("amazon_ses", ses("Bounce", [SELIN, "harry@northgate.test"], NOW)).status_code == 202
    assert set(suppressed_scopes([SELIN, "harry@northgate.test"])) == {SELIN, "harry@northgate.test"}
    assert call("amazon_ses", ses("Bounce", [SELIN, "harry@northgate.test"], NOW)).status_code == 200


def test_amazon_is_asked_for_the_secret_and_its_link_is_kept_for_a_person_never_opened():
    body = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "c-1",
        "TopicArn": "arn:aws:sns:eu-west-1:1:mails",
        "Token": "x",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x",
    }
    refused = call("amazon_ses", body, secret="")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Basic realm="Vefa"')
    assert call("amazon_ses", body).status_code == 202
    row = InboundEvent.objects.get()
    assert (row.kind, row.status, row.payload["link"]) == ("subscription_confirmation", "ignored", body["SubscribeURL"])


def test_mandrill_sends_forms():
    event = {"event": "hard_bounce", "ts": int(NOW.timestamp()), "_id": "m1", "msg": {"email": SELIN, "_id": "m1"}}
    assert call("mandrill", [event]).status_code == 202
    assert rows() == [("email:mandrill", "hard_bounce", "done")]


def test_what_was_kept_and_not_worked_on_is_taken_up_by_the_sweep(monkeypatch, cast):
    monkeypatch.setattr("config.views.mail_hooks.handle_report", lambda **_: "")
    assert call("postmark", postmark("HardBounce", SELIN, NOW)).status_code == 202
    assert rows() == [("email:postmark", "hard_bounce", "new")]
    assert Suppression.objects.count() == 0
    assert sweep_reports(now=timezone.now()) == 1
    assert sweep_reports(now=timezone.now()) == 0
    assert Suppression.objects.get().reason == "hard_bounce"


def test_a_report_that_cannot_be_worked_on_is_noted_and_tried_later():
    now = timezone.now()
    row = InboundEvent.objects.create(
        source="email:postmark", external_id="x", kind="hard_bounce", received_at=now, body_sha256=b"x" * 32, payload={"report": {"kind": "hard_bounce"}}
    )
    assert handle_report(event_id=row.pk) == "failed"
    row.refresh_from_db()
    assert (row.status, row.attempts, row.note) == ("failed", 1, "TypeError")
    assert sweep_reports(now=now) == 0
    InboundEvent.objects.filter(pk=row.pk).update(payload={"report": {"kind": "hard_bounce", "provider": "postmark", "recipient": SELIN}})
    assert sweep_reports(now=now + dt.timedelta(minutes=2)) == 1
    assert Suppression.objects.get().address_hmac == address_hmac(SELIN)


@override_settings(SECURE_SSL_REDIRECT=False)
def test_the_secret_may_stand_in_no_other_place():
    body = postmark("HardBounce", SELIN, NOW)
    assert Client().post("/hooks/in/email/postmark/?secret=" + SECRET, json.dumps(body), content_type="application/json").status_code == 401
    assert Client().post("/hooks/in/email/postmark/", json.dumps(body), content_type="application/json", headers=basic()).status_code == 202
