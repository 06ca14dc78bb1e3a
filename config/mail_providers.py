"""Mail providers as `anymail` reads them: which there are, how a call proves where it comes from, what it says.

A provider is open when something can be checked: the shared secret (`EMAIL_WEBHOOK_SECRET`, as basic
authentication), the provider's own signature, or both; what is configured is demanded. Nothing here calls
anybody: Amazon's request to confirm a subscription is kept for a person.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anymail.exceptions import AnymailError, AnymailInsecureWebhookWarning, AnymailNotSupportedWarning, AnymailWebhookValidationFailure
from anymail.webhooks.amazon_ses import AmazonSESBaseWebhookView, AmazonSESTrackingWebhookView
from anymail.webhooks.base import AnymailBaseWebhookView, AnymailBasicAuthMixin
from anymail.webhooks.brevo import BrevoTrackingWebhookView
from anymail.webhooks.mailersend import MailerSendTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.mailjet import MailjetTrackingWebhookView
from anymail.webhooks.mailtrap import MailtrapTrackingWebhookView
from anymail.webhooks.mandrill import MandrillCombinedWebhookView
from anymail.webhooks.postal import PostalTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from anymail.webhooks.sparkpost import SparkPostTrackingWebhookView
from anymail.webhooks.unisender_go import UnisenderGoTrackingWebhookView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest

from accounts.actions.inbound_events import NewInbound, body_digest
from accounts.mail_reports import OTHER, MailReport, kind_of, message_ids_in, references_in
from accounts.models import InboundEvent

SOURCE = "email:"
CONFIRMATION = "subscription_confirmation"
_JSON = frozenset({"application/json"})


class WrongSecret(ValueError):
    """The call does not prove that it comes from the provider."""


class Unreadable(ValueError):
    """The body is not what the provider sends."""


class _AmazonSES(AmazonSESTrackingWebhookView):
    """Reads Amazon's notifications without its client library, which would only be needed to call out."""

    def __init__(self, **kwargs: Any):
        self.auto_confirm_enabled = False
        super(AmazonSESBaseWebhookView, self).__init__(**kwargs)


@dataclass(frozen=True)
class Provider:
    """One provider: anymail's reader, the setting of its signature key and the reader's own name of it, content types."""

    view: type[AnymailBaseWebhookView]
    setting: str = ""
    argument: str = ""
    content_types: frozenset[str] = _JSON


PROVIDERS: dict[str, Provider] = {
    # Amazon's notification service sends JSON as text
    "amazon_ses": Provider(_AmazonSES, content_types=frozenset({"text/plain", "application/json"})),
    "brevo": Provider(BrevoTrackingWebhookView),
    "mailersend": Provider(MailerSendTrackingWebhookView, "MAILERSEND_SIGNING_SECRET", "signing_secret"),
    "mailgun": Provider(MailgunTrackingWebhookView, "MAILGUN_WEBHOOK_SIGNING_KEY", "webhook_signing_key"),
    "mailjet": Provider(MailjetTrackingWebhookView),
    "mailtrap": Provider(MailtrapTrackingWebhookView, "MAILTRAP_TRACKING_SECRET"),
    "mandrill": Provider(MandrillCombinedWebhookView, "MANDRILL_WEBHOOK_KEY", "webhook_key", frozenset({"application/x-www-form-urlencoded"})),
    "postal": Provider(PostalTrackingWebhookView, "POSTAL_WEBHOOK_KEY", "webhook_key"),
    "postmark": Provider(PostmarkTrackingWebhookView),
    "resend": Provider(ResendTrackingWebhookView, "RESEND_SIGNING_SECRET"),
    "sendgrid": Provider(SendGridTrackingWebhookView, "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"),
    "sparkpost": Provider(SparkPostTrackingWebhookView),
    "unisender_go": Provider(UnisenderGoTrackingWebhookView, "UNISENDER_GO_API_KEY", "api_key"),
}


def open_provider(name: str, *, among: Mapping[str, Provider] = PROVIDERS) -> Provider | None:
    """The provider of this name where its calls can be checked; None otherwise, and for a name that is none."""
    provider = among.get(name)
    if provider is None or not (settings.ANYMAIL.get("WEBHOOK_SECRET") or settings.ANYMAIL.get(provider.setting)):
        return None
    return provider


def reader_of(provider: Provider) -> AnymailBaseWebhookView:
    """Anymail's reader. Where the provider's own key is not configured its signature is not asked for: then the shared secret is."""
    signed = bool(provider.setting and settings.ANYMAIL.get(provider.setting))
    arguments = {provider.argument: "not-asked-for"} if provider.argument and not signed else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnymailInsecureWebhookWarning)
        warnings.simplefilter("ignore", AnymailNotSupportedWarning)
        reader = provider.view(**arguments)
    if provider.argument and not signed:
        reader.validators = [AnymailBasicAuthMixin.validate_request]
    return reader


def read_call(name: str, provider: Provider, request: HttpRequest, *, parsed: Any) -> list[NewInbound]:
    """The events of a call, ready to be kept. Raises WrongSecret, Unreadable.

    What the provider's reader does not understand is kept as it is, to be ignored: providers repeat what is
    not taken, and invent new kinds of events.
    """
    reader = reader_of(provider)
    try:
        reader.run_validators(request)
    except AnymailWebhookValidationFailure as refusal:
        raise WrongSecret(name) from refusal
    except (SuspiciousOperation, ImproperlyConfigured, AnymailError, LookupError, TypeError, AttributeError, ValueError) as fault:
        raise Unreadable(name) from fault
    if name == "amazon_ses" and parsed.get("Type") == "SubscriptionConfirmation":
        return [confirmation(parsed)]
    try:
        events = reader.parse_events(request)
        return _numbered([_inbound(name, event) for event in events]) or [ignored_call(name, parsed, "no event in it")]
    except (ImproperlyConfigured, AnymailError, LookupError, TypeError, AttributeError, ValueError, AssertionError) as fault:
        return [ignored_call(name, parsed, f"not understood: {type(fault).__name__}")]


def _inbound(name: str, event: Any) -> NewInbound:
    """One event of anymail's as it is kept: what we make of it, and what the provider sent."""
    raw = event.esp_event
    body = dict(raw.items()) if hasattr(raw, "items") else raw
    inbound = event.event_type in {"inbound", "inbound_failed"}
    report = MailReport(
        kind=OTHER if inbound else kind_of(name, event_type=event.event_type, reject_reason=_value(event, "reject_reason"), mta_response=_value(event, "mta_response"), raw=body),
        provider=name,
        recipient=_value(event, "recipient") or "",
        own_id=str(_value(event, "message_id") or ""),
        references=references_in([body, _value(event, "message_id"), _value(event, "metadata")]),
        message_ids=message_ids_in([body, _value(event, "message_id")]),
        said=str(event.event_type),
    )
    occurred_at = event.timestamp if isinstance(event.timestamp, dt.datetime) else None
    if occurred_at is not None and occurred_at.tzinfo is None:
        occurred_at = occurred_at.replace(tzinfo=dt.UTC)
    # some providers count ids within a kind of event
    own = f"{event.event_type}:{event.event_id or body_digest([body, report.recipient]).hex()}"
    nothing = report.kind == OTHER
    return NewInbound(
        source=f"{SOURCE}{name}", external_id=own if len(own) <= 180 else hashlib.sha256(own.encode()).hexdigest(), kind=report.kind, body=body, occurred_at=occurred_at,
        payload={"report": report.as_dict(), "raw": body}, status=InboundEvent.Status.IGNORED if nothing else InboundEvent.Status.NEW, note=report.said if nothing else "",
    )  # fmt: skip


def _value(event: Any, name: str) -> Any:
    return getattr(event, name, None)


def _numbered(events: list[NewInbound]) -> list[NewInbound]:
    """Events of one call that share an id (one mail to several people) get a number behind it, in the order they stand."""
    seen: dict[str, int] = {}
    made = []
    for event in events:
        count = seen[event.external_id] = seen.get(event.external_id, 0) + 1
        made.append(event if count == 1 else NewInbound(**{**vars(event), "external_id": f"{event.external_id}/{count}"}))
    return made


def ignored_call(name: str, parsed: Any, why: str) -> NewInbound:
    """A call that says nothing to us, kept as it came."""
    return NewInbound(
        source=f"{SOURCE}{name}", external_id=f"body:{body_digest(parsed).hex()}", kind=OTHER, body=parsed, payload={"raw": parsed}, status=InboundEvent.Status.IGNORED, note=why,
    )  # fmt: skip


def confirmation(parsed: dict[str, Any]) -> NewInbound:
    """Amazon asks whether this address shall get a topic's news: kept with its link, which only a person opens."""
    link = str(parsed.get("SubscribeURL", ""))
    return NewInbound(
        source=f"{SOURCE}amazon_ses", external_id=str(parsed.get("MessageId") or body_digest(parsed).hex()), kind=CONFIRMATION, body=parsed,
        payload={"link": link, "topic": str(parsed.get("TopicArn", "")), "raw": parsed}, status=InboundEvent.Status.IGNORED, note="waits for a person to confirm",
    )  # fmt: skip
