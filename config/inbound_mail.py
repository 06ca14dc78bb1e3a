"""Mail that comes in for tickets, by calls of mail providers or through a pipe of a mail server: kept whole first, then placed.

A provider's call is brought back into the form of RFC 5322 before it is kept, so that everything after it
knows one form only. Nothing here calls anybody: what a provider holds back to be fetched stays there, and
a person is told so.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email
import json
import re
from collections.abc import Mapping
from email import policy
from email.message import EmailMessage
from typing import Any

from anymail.exceptions import AnymailConfigurationError, AnymailError, AnymailWebhookValidationFailure
from anymail.inbound import AnymailInboundMessage
from anymail.webhooks.amazon_ses import AmazonSESBaseWebhookView, AmazonSESInboundWebhookView
from anymail.webhooks.brevo import BrevoInboundWebhookView
from anymail.webhooks.mailersend import MailerSendInboundWebhookView
from anymail.webhooks.mailgun import MailgunInboundWebhookView
from anymail.webhooks.mailjet import MailjetInboundWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postal import PostalInboundWebhookView
from anymail.webhooks.postmark import PostmarkInboundWebhookView
from anymail.webhooks.sendgrid import SendGridInboundWebhookView
from anymail.webhooks.sparkpost import SparkPostInboundWebhookView
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation, ValidationError
from django.db import transaction
from django.http import HttpRequest

from accounts.actions.inbound_events import NewInbound, Worked, body_digest, waiting, work_on
from accounts.models import InboundEvent
from config.mail_providers import Provider, Unreadable, WrongSecret, confirmation, ignored_call, reader_of
from tickets.actions.incoming_mail import Placed, keep_unsorted, place
from tickets.incoming import IncomingMail, read_mail
from tickets.models import UnsortedMessage

SOURCE = "mail:"
PIPE = f"{SOURCE}pipe"
KIND = "mail"
# of one mail, whatever way it comes
MOST_BYTES = 30 * 1024 * 1024
# SpamAssassin's own mark; counted where a provider gives points and no verdict
SPAM_POINTS = 5.0
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_FAULTS = (ImproperlyConfigured, AnymailError, LookupError, TypeError, AttributeError, ValueError, AssertionError, RecursionError)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_ADDRESS = re.compile(r"[^\s<>\"',;:()]+@[^\s<>\"',;:()]+")


class _AmazonSES(AmazonSESInboundWebhookView):
    """Reads mails out of Amazon's notifications without its client library."""

    def __init__(self, **kwargs: Any):
        self.auto_confirm_enabled = False
        super(AmazonSESBaseWebhookView, self).__init__(**kwargs)

    def fetch_s3_chunks(self, bucket_name: str, object_key: str) -> Any:
        """Mails that lie in a bucket are not fetched."""
        raise ValueError(f"the mail lies in the bucket {bucket_name} under {object_key}")


class _Brevo(BrevoInboundWebhookView):
    """Reads Brevo's calls; attachments, which it wants to be fetched with a key of its API, stay there."""

    def __init__(self, **kwargs: Any):
        super().__init__(**{"api_key": "not-asked-for", **kwargs})

    def _fetch_attachment(self, attachment: Mapping[str, Any]) -> Any:
        name = str(attachment.get("Name") or "file")
        text = f"{name} ({attachment.get('ContentLength', '?')} bytes) was not sent with the mail. It can be fetched at Brevo."
        return AnymailInboundMessage.construct_attachment(content_type="text/plain", content=text.encode(), filename=f"{name}.at-brevo.txt")


INBOUND: dict[str, Provider] = {
    "amazon_ses": Provider(_AmazonSES, content_types=frozenset({"text/plain", "application/json"})),
    "brevo": Provider(_Brevo),
    "mailersend": Provider(MailerSendInboundWebhookView, "MAILERSEND_INBOUND_SECRET", "inbound_secret"),
    "mailgun": Provider(MailgunInboundWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY", "webhook_signing_key", _FORMS),
    "mailjet": Provider(MailjetInboundWebhookView),
    # its signature holds for one address, which is that of the reports
    "mandrill": Provider(MandrillCombinedWebhookView, "MANDRILL_INBOUND_KEY", "webhook_key", frozenset({"application/x-www-form-urlencoded"})),
    "postal": Provider(PostalInboundWebhookView, "POSTAL_WEBHOOK_KEY", "webhook_key"),
    "postmark": Provider(PostmarkInboundWebhookView),
    "sendgrid": Provider(SendGridInboundWebhookView, content_types=_FORMS),
    "sparkpost": Provider(SparkPostInboundWebhookView),
}


def read_call(name: str, provider: Provider, request: HttpRequest, *, parsed: Any) -> list[NewInbound]:
    """The mails of a call, ready to be kept. Raises WrongSecret, Unreadable.

    A mail that cannot be read is kept as it came, for a person; a call that is no mail is kept to be ignored.
    """
    reader = reader_of(provider)
    try:
        reader.run_validators(request)
    except AnymailWebhookValidationFailure as refusal:
        raise WrongSecret(name) from refusal
    except (SuspiciousOperation, *_FAULTS) as fault:
        raise Unreadable(name) from fault
    if name == "amazon_ses" and parsed.get("Type") == "SubscriptionConfirmation":
        return [confirmation(parsed)]
    try:
        events = reader.parse_events(request)
        if any(getattr(event, "message", None) is None for event in events):
            return [ignored_call(name, parsed, "no mail in it")]
        return [_kept(name, event) for event in events] or [ignored_call(name, parsed, "no mail in it")]
    except AnymailConfigurationError:
        return [ignored_call(name, parsed, "a report, and no mail: its address is the one without inbound/")]
    except _FAULTS as fault:
        body = {"parsed": parsed, "fault": f"{type(fault).__name__}: {fault}"[:300]}
        return [NewInbound(source=f"{SOURCE}{name}", external_id=f"body:{body_digest(parsed).hex()}", kind=KIND, body=parsed, payload={"unreadable": body})]


def _kept(name: str, event: Any) -> NewInbound:
    """A mail of anymail's, in the form of RFC 5322."""
    message = event.message
    raw = message.as_bytes(policy=policy.default.clone(refold_source="none", linesep="\r\n"))
    spam = message.spam_detected
    if spam is None:
        try:
            spam = float(message.spam_score) >= SPAM_POINTS
        except (TypeError, ValueError):
            spam = False
    return kept_mail(raw, source=f"{SOURCE}{name}", envelope_sender=message.envelope_sender, envelope_recipient=message.envelope_recipient, spam=bool(spam))


def kept_mail(raw: bytes, *, source: str, envelope_sender: str | None = None, envelope_recipient: str | None = None, spam: bool = False) -> NewInbound:
    """A mail of RFC 5322, ready to be kept: known by its Message-ID and sender, without one by its bytes. What is over the limit is cut off."""
    cut = len(raw) > MOST_BYTES
    envelope = {"envelope_sender": envelope_sender, "envelope_recipient": envelope_recipient, "spam": spam, "cut": cut}
    raw = raw[:MOST_BYTES]
    # the heads alone tell which mail it is; the rest is read when it is placed
    head = _HEAD_END.split(raw, maxsplit=1)[0]
    try:
        mail = read_mail(email.message_from_bytes(head, EmailMessage, policy=policy.default), raw=raw)
        identity, sender = mail.identity, mail.sender
    except _FAULTS:
        identity, sender = body_digest(raw).hex(), ""
    # the same mail to two of our addresses differs in its envelope: the identity alone tells
    payload = {"rfc822": base64.b64encode(raw).decode("ascii"), "sender": sender, **envelope}
    return NewInbound(source=source, external_id=identity, kind=KIND, body=identity, payload=payload)


def _mail_of(payload: Mapping[str, Any]) -> IncomingMail | None:
    """The mail in our form; None where it cannot be read at all."""
    try:
        raw = base64.b64decode(payload["rfc822"])
        message = email.message_from_bytes(raw, EmailMessage, policy=policy.default)
        return read_mail(
            message, raw=raw, envelope_sender=payload.get("envelope_sender"), envelope_recipient=payload.get("envelope_recipient"), spam=bool(payload.get("spam")),
            cut=bool(payload.get("cut")),
        )  # fmt: skip
    except (*_FAULTS, binascii.Error):
        return None


def handle_mail(*, event_id: int, again: bool = False) -> str:
    """Places one kept mail; returns the status of its event ("" where there was nothing to do). May be called any number of times."""
    return work_on(event_id=event_id, handle=_handle, again=again)


def sweep_mails(*, now: dt.datetime) -> int:
    """Places what still waits; returns how many were done."""
    return sum(handle_mail(event_id=pk) == InboundEvent.Status.DONE for pk in waiting(source_prefix=SOURCE, now=now, limit=100))


def _handle(row: InboundEvent) -> Worked:
    """What became of it. The bytes go once all of the mail stands elsewhere; of one that does not fit they stay."""
    if "placed" in row.payload:
        return Worked("nothing to do")
    unreadable = row.payload.get("unreadable")
    mail = None if unreadable else _mail_of(row.payload)
    if mail is None:
        placed = keep_unsorted(_guessed(row), UnsortedMessage.Why.UNREADABLE, source=row.source, now=row.received_at, note=str((unreadable or {}).get("fault", "")))
        return Worked(placed.note)
    placed = _placed(mail, row)
    if placed.why not in {UnsortedMessage.Why.TOO_LARGE, UnsortedMessage.Why.UNREADABLE}:
        InboundEvent.objects.filter(pk=row.pk).update(payload={"placed": placed.note, "sender": mail.sender, "digest": mail.digest})
    return Worked(placed.note)


def _placed(mail: IncomingMail, row: InboundEvent) -> Placed:
    """The mail, placed; one that a ticket refuses waits for a person."""
    try:
        with transaction.atomic():
            return place(mail=mail, source=row.source, now=row.received_at)
    except ValidationError as refusal:
        return keep_unsorted(mail, UnsortedMessage.Why.UNPLACED, source=row.source, now=row.received_at, note="; ".join(refusal.messages)[:300])


def _guessed(row: InboundEvent) -> IncomingMail:
    """What a person needs of a call that could not be read: who seems to have sent it, what about, and the call itself."""
    parsed = (row.payload.get("unreadable") or {}).get("parsed") or {}
    found = {key.lower(): value for key, value in _flat(parsed)}
    sender = next((match.group() for key in ("from", "sender", "source") if (match := _ADDRESS.search(found.get(key, "")))), "")
    text = (
        json.dumps(parsed, ensure_ascii=False, indent=1, default=str) if parsed else base64.b64decode(row.payload.get("rfc822", "")).decode("utf-8", "replace").replace("\x00", "")
    )
    return IncomingMail(sender=sender.lower()[:320], subject=found.get("subject", "")[:500], text=text, digest=row.external_id.rpartition(":")[2])


def _raw_text(row: InboundEvent) -> str:
    return base64.b64decode(row.payload.get("rfc822", "")).decode("utf-8", "replace").replace("\x00", "")


def _flat(value: Any, depth: int = 0) -> list[tuple[str, str]]:
    """The texts of nested objects by their last name, outer ones first; of a notification, what it wraps too."""
    if isinstance(value, str) and value.startswith("{") and depth < 5:
        try:
            value = json.loads(value)
        except ValueError:
            return []
    if not isinstance(value, dict) or depth > 5:
        return []
    texts = [(key, entry) for key, entry in value.items() if isinstance(entry, str)]
    inner = [pair for entry in value.values() if isinstance(entry, dict) or (isinstance(entry, str) and entry.startswith("{")) for pair in _flat(entry, depth + 1)]
    return [*inner, *texts]
