"""What providers report moves mails, people and invitations to one end state, in whatever order it comes."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.actions.suppressions import suppressed_scopes
from accounts.models import AccountEvent, Contact, InboundEvent, OutgoingMail, SoftBounce, Suppression
from config.mail_reports import sweep_reports
from surveys.models import Invitation
from tests.config.provider_calls import MAILGUN_KEY, SECRET, brevo, call, mailgun, postmark, ses
from tests.shared_data import SHARED
from tests.surveys.making import link_to, planned

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
EXAMPLES = SHARED / "data" / "webhooks_email" / "anymail_examples.json"


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET], "MAILGUN_WEBHOOK_SIGNING_KEY": MAILGUN_KEY, "POSTAL_WEBHOOK_KEY": "", "AMAZON_SES_AUTO_CONFIRM_SNS_SUBSCRIPTIONS": False}


def sent(contact, *, minutes_ago=60, status="sent", survey="csat", touchpoint="ticket-solved", **fields):
    """An invitation and its mail, which left an hour ago (or of which nobody knows)."""
    at = NOW - dt.timedelta(minutes=minutes_ago)
    known = status == "sent"
    invitation = planned(contact, survey=survey, touchpoint=touchpoint, at=at, status=status, sent_at=at if known else None, wave=f"w{minutes_ago}")
    link_to(invitation, now=at)
    mail = OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(invitation.pk), account=contact.account, contact=contact, to_address=contact.email, status=status, attempt=1,
        next_attempt_at=at, sent_at=at if known else None, message_id=f"<{invitation.pk}.1@vefa.test>" if known else "", **fields,
    )  # fmt: skip
    return invitation, mail


def own(invitation):
    return f"<{invitation.pk}.1@vefa.test>"


def test_a_hard_bounce_marks_mail_invitation_and_person_and_is_told_once(cast):
    invitation, mail = sent(cast.selin)
    for number in (1, 2):
        call("postmark", postmark("HardBounce", cast.selin.email, NOW, number=number, metadata={"invitation": str(invitation.pk)}))
    mail.refresh_from_db()
    invitation.refresh_from_db()
    assert (mail.status, invitation.status, invitation.bounced_at) == ("bounced", "sent", NOW)
    assert Contact.objects.get(pk=cast.selin.pk).bounced_at == NOW
    event = AccountEvent.objects.get(kind="mail.bounced")
    assert (event.account_id, event.contact_id, event.payload) == (cast.boga.pk, cast.selin.pk, {"mail": str(mail.pk), "hard": True, "provider": "postmark"})
    assert Suppression.objects.get().reason == "hard_bounce"


def test_a_complaint_stands_above_everything_else(cast):
    invitation, mail = sent(cast.selin)
    call("brevo", brevo("hard_bounce", cast.selin.email, NOW, message_id=own(invitation)))
    call("brevo", brevo("spam", cast.selin.email, NOW + dt.timedelta(seconds=1), message_id=own(invitation)))
    call("brevo", brevo("unsubscribe", cast.selin.email, NOW, message_id=own(invitation)))
    mail.refresh_from_db()
    assert (mail.status, Suppression.objects.get().reason) == ("complained", "complaint")
    assert AccountEvent.objects.filter(kind="mail.complained").count() == 1
    assert Invitation.objects.get().complained_at is not None


def test_a_delivery_settles_what_was_uncertain(cast):
    invitation, mail = sent(cast.selin, status="unknown")
    call("mailgun", mailgun("delivered", cast.selin.email, NOW, message_id=own(invitation).strip("<>")))
    mail.refresh_from_db()
    invitation.refresh_from_db()
    assert (mail.status, invitation.status) == ("sent", "sent")
    assert invitation.sent_at == NOW - dt.timedelta(minutes=60)
    assert AccountEvent.objects.filter(kind="survey.sent").count() == 1


def test_a_delivery_of_somebody_elses_mail_settles_nothing(cast):
    _invitation, mail = sent(cast.selin, status="unknown")
    call("mailgun", mailgun("delivered", cast.selin.email, NOW))
    mail.refresh_from_db()
    assert mail.status == "unknown"


def test_ids_of_a_mail_to_another_person_are_not_believed(cast):
    invitation, mail = sent(cast.selin)
    call("brevo", brevo("hard_bounce", cast.harry.email, NOW, message_id=own(invitation)))
    mail.refresh_from_db()
    assert mail.status == "sent"
    assert Contact.objects.get(pk=cast.selin.pk).bounced_at is None
    assert suppressed_scopes([cast.selin.email, cast.harry.email]) == {cast.harry.email: {"global"}}


def test_without_an_id_of_ours_the_newest_mail_to_the_address_is_meant(cast):
    _older, first = sent(cast.selin, minutes_ago=5000)
    _newer, second = sent(cast.selin, minutes_ago=60)
    _later, third = sent(cast.selin, minutes_ago=-600)
    call("amazon_ses", ses("Bounce", [cast.selin.email], NOW))
    assert list(OutgoingMail.objects.order_by("sent_at").values_list("pk", "status")) == [(first.pk, "sent"), (second.pk, "bounced"), (third.pk, "sent")]


def test_our_header_is_found_wherever_the_provider_puts_it(cast):
    older, mail = sent(cast.selin, minutes_ago=5000)
    sent(cast.selin, minutes_ago=60)
    call("amazon_ses", ses("Complaint", [cast.selin.email], NOW, headers=[{"name": "X-CS-Invitation", "value": str(older.pk)}]))
    mail.refresh_from_db()
    assert mail.status == "complained"


def test_a_mail_that_is_being_sent_this_moment_is_looked_at_again(cast):
    invitation, mail = sent(cast.selin)
    OutgoingMail.objects.filter(pk=mail.pk).update(status="sending")
    call("brevo", brevo("hard_bounce", cast.selin.email, NOW, message_id=own(invitation)))
    assert InboundEvent.objects.get().status == "new"
    assert suppressed_scopes([cast.selin.email])
    OutgoingMail.objects.filter(pk=mail.pk).update(status="sent")
    assert sweep_reports(now=timezone.now() + dt.timedelta(minutes=2)) == 1
    mail.refresh_from_db()
    assert mail.status == "bounced"


def test_three_soft_bounces_in_a_month_pause_an_address_for_a_month(cast):
    days = [NOW - dt.timedelta(days=days) for days in (29, 10, 0)]
    for day in days[:2]:
        call("brevo", brevo("soft_bounce", cast.selin.email, day, message_id=f"<{day:%j}@relay.example>"))
    assert (SoftBounce.objects.count(), Suppression.objects.count()) == (2, 0)
    # the same mail again counts once
    call("brevo", brevo("soft_bounce", cast.selin.email, days[1] + dt.timedelta(hours=1), message_id=f"<{days[1]:%j}@relay.example>"))
    assert (SoftBounce.objects.count(), Suppression.objects.count()) == (2, 0)
    call("brevo", brevo("soft_bounce", cast.selin.email, days[2], message_id="<third@relay.example>"))
    row = Suppression.objects.get()
    assert (row.reason, row.until) == ("soft_bounces", NOW + dt.timedelta(days=30))
    assert suppressed_scopes([cast.selin.email])
    assert not suppressed_scopes([cast.selin.email], as_of=NOW + dt.timedelta(days=30))
    assert Contact.objects.get(pk=cast.selin.pk).bounced_at is None


def test_three_soft_bounces_over_more_than_a_month_pause_nobody(cast):
    for days in (61, 31, 0):
        call("brevo", brevo("soft_bounce", cast.selin.email, NOW - dt.timedelta(days=days), message_id=f"<{days}@relay.example>"))
    assert (SoftBounce.objects.count(), Suppression.objects.count()) == (3, 0)


def state():
    """Everything that reports move, without ids and instants of receipt."""
    return (
        list(OutgoingMail.objects.order_by("pk").values_list("status", "sent_at")),
        list(Invitation.objects.order_by("pk").values_list("status", "sent_at", "bounced_at", "complained_at")),
        list(Contact.objects.order_by("pk").values_list("bounced_at", "opted_out")),
        sorted((bytes(row.address_hmac).hex(), row.scope, row.reason, row.until) for row in Suppression.objects.all()),
        sorted(SoftBounce.objects.values_list("source_ref", "occurred_at")),
        sorted(AccountEvent.objects.values_list("kind", "subject_id")),
        sorted(InboundEvent.objects.values_list("source", "external_id", "status")),
    )


def test_every_order_and_repetition_of_the_same_reports_ends_in_the_same_state(cast):
    first, _mail = sent(cast.selin, status="unknown")
    second, _mail = sent(cast.harry)
    selin, harry = cast.selin.email, cast.harry.email
    calls = [
        ("mailgun", mailgun("delivered", selin, NOW - dt.timedelta(minutes=20), token="d", message_id=own(first))),
        ("mailgun", mailgun("failed", selin, NOW - dt.timedelta(minutes=19), token="f", severity="permanent", message_id=own(first))),
        ("postmark", postmark("HardBounce", selin, NOW - dt.timedelta(minutes=17), metadata={"invitation": str(first.pk)})),
        ("brevo", brevo("spam", harry, NOW - dt.timedelta(minutes=20), message_id=own(second))),
        ("brevo", brevo("hard_bounce", harry, NOW - dt.timedelta(minutes=18), message_id=own(second))),
        *[("brevo", brevo("soft_bounce", harry, NOW - dt.timedelta(days=day), message_id=f"<{day}@relay.example>")) for day in (1, 2, 3, 4)],
    ]
    dice = random.Random(4)
    seen = []
    orders = [calls, calls[::-1], *[dice.sample(calls, len(calls)) for _ in range(12)]]
    for order in orders:
        point = transaction.savepoint()
        for provider, body in itertools.chain(order, dice.sample(order, 4)):
            assert call(provider, body).status_code in {200, 202}
        seen.append(state())
        transaction.savepoint_rollback(point)
    for found in seen[1:]:
        assert found == seen[0]
    assert [row[0] for row in seen[0][0]].count("bounced") == 1


def wrapped(example):
    """An example as its provider would post it; the file holds some without their envelope."""
    payload, provider = example["payload"], example["provider"]
    if provider == "amazon_ses" and "Type" not in payload:
        return {"Type": "Notification", "MessageId": f"{example['case']}", "Timestamp": "2026-01-01T00:00:00Z", "Message": json.dumps(payload)}
    if provider == "mailgun":
        return mailgun("opened", "recipient@example.com", NOW, token=example["case"])
    return payload


EXPECTED = {
    ("amazon_ses", "bounce_event"): "hard_bounce", ("amazon_ses", "complaint_event"): "complaint", ("amazon_ses", "delivery_event"): "delivered",
    ("brevo", "hard_bounce"): "hard_bounce", ("brevo", "soft_bounce_event"): "soft_bounce", ("brevo", "spam"): "complaint", ("brevo", "complaint"): "complaint",
    ("brevo", "unsubscribe"): "unsubscribe", ("brevo", "delivered_event"): "delivered", ("brevo", "invalid_email"): "hard_bounce", ("brevo", "blocked"): "soft_bounce",
    ("brevo", "deferred_event"): "other", ("mailjet", "bounce_event"): "hard_bounce", ("mailjet", "spam_event"): "complaint", ("mailjet", "unsub_event"): "unsubscribe",
    ("mailjet", "bounced_greylist_event"): "other", ("mandrill", "hard_bounce_event"): "hard_bounce", ("mandrill", "send_event"): "other",
    ("postal", "delivered_event"): "delivered", ("postal", "bounce_event"): "hard_bounce", ("postal", "deferred_event"): "other",
    ("postmark", "bounce_event"): "hard_bounce", ("postmark", "spam_event"): "complaint", ("postmark", "unsubscribe"): "unsubscribe", ("postmark", "resubscribe"): "other",
    ("postmark", "delivered_event"): "delivered", ("sendgrid", "bounce_event"): "hard_bounce", ("sendgrid", "dropped_invalid_event"): "hard_bounce",
    ("sendgrid", "dropped_unsubscribed_event"): "unsubscribe", ("sendgrid", "deferred_event"): "other", ("sendgrid", "delivered_event"): "delivered",
}  # fmt: skip


@pytest.mark.skipif(not EXAMPLES.is_file(), reason="the providers' example payloads are not here")
def test_all_example_payloads_of_eight_providers_are_taken_and_understood():
    examples = json.loads(EXAMPLES.read_text())
    assert len(examples) == 73
    for example in examples:
        before = set(InboundEvent.objects.values_list("pk", flat=True))
        answer = call(example["provider"], wrapped(example))
        if (example["provider"], example["case"]) == ("sendgrid", "compatibility_message_id_from_smtp_id"):
            # the same event id as another example, with another body
            assert answer.status_code == 409
            continue
        assert answer.status_code in {200, 202}, example
        kinds = set(InboundEvent.objects.exclude(pk__in=before).values_list("kind", flat=True))
        wanted = EXPECTED.get((example["provider"], example["case"]))
        assert wanted is None or kinds == {wanted}, (example["provider"], example["case"], kinds)
        assert call(example["provider"], wrapped(example)).status_code == 200
    assert not InboundEvent.objects.filter(status__in=["new", "failed"]).exists()
    assert InboundEvent.objects.values("source").distinct().count() == 8
