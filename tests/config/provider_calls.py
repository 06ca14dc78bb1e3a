"""Calls of mail providers as tests make them: our own small payloads in the providers' shapes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from django.test import Client

SECRET = "provider:a-long-shared-secret"
MAILGUN_KEY = "key-of-mailgun"


def basic(secret: str = SECRET) -> dict[str, str]:
    """The header of basic authentication."""
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


def call(provider: str, body: Any, *, headers: dict[str, str] | None = None, content_type: str = "application/json", secret: str = SECRET) -> Any:
    """Posts a body as this provider would."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    extra = dict(headers or {})
    if provider == "amazon_ses" and isinstance(body, dict):
        content_type = "text/plain; charset=UTF-8"
        extra |= {"x-amz-sns-message-type": body.get("Type", ""), "x-amz-sns-message-id": body.get("MessageId", "")}
    if provider == "mandrill" and not isinstance(body, (str, bytes)):
        data, content_type = urlencode({"mandrill_events": json.dumps(body)}), "application/x-www-form-urlencoded"
    return Client(enforce_csrf_checks=True).post(f"/hooks/in/email/{provider}/", data, content_type=content_type, headers={**(basic(secret) if secret else {}), **extra})


def seconds(at: dt.datetime) -> int:
    return int(at.timestamp())


def postmark(kind: str, address: str, at: dt.datetime, *, number: int = 1, message_id: str = "", metadata: dict[str, str] | None = None) -> dict[str, Any]:
    """Postmark: Bounce by its Type (HardBounce, SoftBounce, SpamComplaint …) or Delivery."""
    record = {"SpamComplaint": "SpamComplaint", "Delivery": "Delivery"}.get(kind, "Bounce")
    body = {"RecordType": record, "MessageID": message_id or "00000000-aaaa-4bbb-8ccc-000000000001", "Metadata": metadata or {}}
    if kind == "Delivery":
        return {**body, "Recipient": address, "DeliveredAt": at.isoformat(), "Details": "250 OK"}
    return {**body, "ID": number, "Type": kind, "Email": address, "BouncedAt": at.isoformat(), "Description": "as the server said"}


def brevo(event: str, address: str, at: dt.datetime, *, message_id: str = "<m@relay.example>") -> dict[str, Any]:
    """Brevo: hard_bounce, soft_bounce, spam, unsubscribe, delivered …"""
    return {"event": event, "email": address, "ts_epoch": seconds(at) * 1000, "message-id": message_id}


def mailgun(event: str, address: str, at: dt.datetime, *, token: str = "t1", message_id: str = "m@relay.example", key: str = MAILGUN_KEY, **data: Any) -> dict[str, Any]:  # noqa: S107
    """Mailgun: failed (with severity), complained, unsubscribed, delivered; signed."""
    stamp = str(seconds(at))
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "signature": {"timestamp": stamp, "token": token, "signature": signature},
        "event-data": {"event": event, "recipient": address, "timestamp": seconds(at), "message": {"headers": {"message-id": message_id}}, **data},
    }


def ses(kind: str, addresses: list[str], at: dt.datetime, *, number: str = "n-1", headers: list[dict[str, str]] | None = None, permanent: bool = True) -> dict[str, Any]:
    """Amazon SES inside a notification of SNS: Bounce, Complaint or Delivery."""
    mail = {"messageId": "0100-ses-own", "destination": addresses, "headers": headers or []}
    people = [{"emailAddress": address} for address in addresses]
    details: dict[str, Any] = {
        "Bounce": {"bounce": {"bounceType": "Permanent" if permanent else "Transient", "bounceSubType": "General", "bouncedRecipients": people}},
        "Complaint": {"complaint": {"complainedRecipients": people}},
        "Delivery": {"delivery": {"recipients": addresses}},
    }[kind]
    message = {"notificationType": kind, "mail": mail, **details}
    return {"Type": "Notification", "MessageId": number, "TopicArn": "arn:aws:sns:eu-west-1:1:mails", "Timestamp": at.isoformat(), "Message": json.dumps(message)}


def sendgrid(event: str, address: str, at: dt.datetime, *, number: str, **more: Any) -> dict[str, Any]:
    """One event of SendGrid; they come in lists."""
    return {"event": event, "email": address, "timestamp": seconds(at), "sg_event_id": number, "smtp-id": "<own@sendgrid.example>", **more}
