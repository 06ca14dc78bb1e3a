"""Calls of senders of webhooks, signed as they sign."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import uuid
from typing import Any

from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.actions.incoming_hooks import new_secret
from accounts.models import IncomingHook

# one for all calls: loading the middleware takes longer than a call
CLIENT = Client(enforce_csrf_checks=True)


def make_hook(user: Any, name: str = "desk", **more: Any) -> IncomingHook:
    """An active hook with a fresh secret."""
    return IncomingHook.objects.create(name=name, acts_for=user, **{"secret": new_secret(), **more})


def standard(secret: str, body: bytes, *, number: str = "", at: dt.datetime | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    number, at = number or f"msg_{uuid.uuid4().hex}", at or timezone.now()
    return {"webhook-id": number, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": Webhook(secret).sign(number, at, body.decode())}


def send(
    hook: IncomingHook,
    body: Any,
    *,
    number: str = "",
    at: dt.datetime | None = None,
    headers: dict[str, str] | None = None,
    address: str = "",
    content_type: str = "application/json",
) -> Any:
    """Posts a body as the hook's sender would; `headers` replace the proof."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if headers is None:
        if hook.proof == IncomingHook.Proof.STANDARD:
            headers = standard(hook.secret, raw, number=number, at=at)
        elif hook.proof == IncomingHook.Proof.HMAC:
            headers = {hook.header: hmac_hex(hook.secret, raw)}
        else:
            headers = {hook.header: hook.secret}
    return CLIENT.post(address or f"/hooks/in/generic/{hook.name}/", raw, content_type=content_type, headers=headers)


def hmac_hex(secret: str, raw: bytes, *, digest: Any = hashlib.sha256) -> str:
    """In hex."""
    return hmac.new(secret.encode(), raw, digest).hexdigest()


def hmac_base64(secret: str, raw: bytes, *, digest: Any = hashlib.sha256) -> str:
    """In base64."""
    return base64.b64encode(hmac.new(secret.encode(), raw, digest).digest()).decode()
