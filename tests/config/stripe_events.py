"""Events as Stripe sends them: the whole object each time, signed as Stripe signs."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import hmac
import itertools
import json
from typing import Any

from django.utils import timezone

from accounts.models import IncomingHook
from tests.config.hook_calls import CLIENT

# the first of March 2026, noon
BEGIN = int(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC).timestamp())
DAY = 86_400
_numbers = itertools.count(1)


def at(days: float) -> dt.datetime:
    """An instant so many days after the beginning."""
    return dt.datetime.fromtimestamp(BEGIN + int(days * DAY), dt.UTC)


def stripe_hook(user: Any, name: str = "stripe") -> IncomingHook:
    """An active hook for Stripe."""
    return IncomingHook.objects.create(name=name, acts_for=user, proof="stripe", secret="whsec_a_secret_of_stripe_0123456789")


def signed(secret: str, raw: bytes, *, seconds: int | None = None) -> str:
    """The header."""
    seconds = seconds or int(timezone.now().timestamp())
    return f"t={seconds},v1={hmac.new(secret.encode(), f'{seconds}.'.encode() + raw, hashlib.sha256).hexdigest()},v0=ignored"


def post(hook: IncomingHook, body: Any, *, header: str | None = None, address: str = "/hooks/in/stripe/") -> Any:
    """Posts an event."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CLIENT.post(address, raw, content_type="application/json", headers={"Stripe-Signature": signed(hook.secret, raw) if header is None else header})


def event(kind: str, found: dict[str, Any], days: float, *, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """An event so many days after the beginning."""
    data = {"object": copy.deepcopy(found), **({"previous_attributes": before} if before is not None else {})}
    return {"id": f"evt_{next(_numbers):06}", "object": "event", "type": kind, "created": BEGIN + int(days * DAY), "livemode": True, "pending_webhooks": 1, "data": data}


def customer(**more: Any) -> dict[str, Any]:
    """A customer."""
    return {"id": "cus_1", "object": "customer", "name": "Acme GmbH", "email": "billing@acme.test", "metadata": {}, "created": BEGIN, **more}


def item(amount: int, quantity: int = 1, *, name: str = "si_1", interval: str = "month", **price: Any) -> dict[str, Any]:
    """An item of a subscription; `amount` in cents."""
    terms = {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
    return {
        "id": name, "created": BEGIN, "quantity": quantity,
        "price": {"id": f"price_{amount}", "currency": "eur", "unit_amount": amount, "product": "prod_1", "nickname": "Pro", "recurring": terms, **price},
    }  # fmt: skip


def subscription(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A subscription."""
    return {
        "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active", "start_date": BEGIN, "created": BEGIN, "ended_at": None, "canceled_at": None,
        "cancel_at": None, "cancel_at_period_end": False, "trial_end": None, "pause_collection": None, "discount": None, "items": {"data": list(items)}, **more,
    }  # fmt: skip


def charge(name: str, days: float, *, amount: int = 2000, **more: Any) -> dict[str, Any]:
    """A charge that was paid."""
    return {
        "id": name, "object": "charge", "customer": "cus_1", "amount": amount, "amount_captured": amount, "captured": True, "amount_refunded": 0, "refunded": False, "currency": "eur",
        "status": "succeeded", "paid": True, "created": BEGIN + int(days * DAY), "invoice": "in_1", "payment_intent": "pi_1", "failure_code": None, "outcome": {}, **more,
    }  # fmt: skip


def failed(name: str, days: float, reason: str = "insufficient_funds", **more: Any) -> dict[str, Any]:
    """A charge that was declined."""
    return charge(
        name, days, **{"status": "failed", "paid": False, "captured": False, "amount_captured": 0, "failure_code": "card_declined", "outcome": {"reason": reason}, **more}
    )
