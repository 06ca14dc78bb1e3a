"""How a call proves who sent it: a signature over the raw body, or a secret in a header. Always in constant time."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError
from stripe import SignatureVerificationError, WebhookSignature

from accounts.models import IncomingHook
from config.hooks.transforms import Unfit, instant

Proof = IncomingHook.Proof
TOLERANCE = dt.timedelta(seconds=300)
_SECONDS = re.compile(r"[0-9]{1,12}")
_DIGESTS = {20: hashlib.sha1, 32: hashlib.sha256}


def is_proven(hook: IncomingHook, *, headers: Mapping[str, str], body: bytes, signed_with: str = "", now: dt.datetime) -> bool:
    """Whether the call comes from whom the hook stands for, by its secret or by the one before."""
    keys = [secret for secret in (hook.secret, hook.previous_secret) if secret]
    if hook.proof == Proof.STRIPE:
        fits = [_stripe(secret, given=headers.get("Stripe-Signature", ""), body=body, now=now) for secret in keys]
        return any(fits)
    if hook.proof == Proof.STANDARD:
        return any(_standard(secret, headers=headers, body=body) for secret in keys)
    given = headers.get(hook.header, "") if hook.header else ""
    if not given:
        return False
    if hook.proof == Proof.BEARER:
        # every secret is compared, so that the time tells nothing of which
        sent = given.removeprefix("Bearer ").strip().encode("utf-8", "replace")
        fits = [hmac.compare_digest(sent, secret.encode()) for secret in keys]
        return any(fits)
    before = ""
    if signed_with:
        before = headers.get(signed_with, "")
        if not before or not _is_near(before, now):
            return False
    fits = [_hmac(secret, given=given, signed=before.encode("utf-8", "replace") + body) for secret in keys]
    return any(fits)


def _standard(secret: str, *, headers: Mapping[str, str], body: bytes) -> bool:
    """The signature of Standard Webhooks, within 300 seconds of the time it names. Only canonical spellings are looked at."""
    named = {name: headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    signatures = [word for word in named["webhook-signature"].split(" ") if word.startswith("v1,") and _decoded(word[3:])]
    if not _SECONDS.fullmatch(named["webhook-timestamp"]) or not signatures or len(signatures) > 10:
        return False
    try:
        Webhook(secret).verify(body, {**named, "webhook-signature": " ".join(signatures)}, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
        return False
    return True


def _stripe(secret: str, *, given: str, body: bytes, now: dt.datetime) -> bool:
    """The signature of Stripe, `t=…,v1=…`, within 300 seconds of the one time it names, before and after; several while they change over."""
    times = [value for name, _equals, value in (part.partition("=") for part in given.split(",")) if name == "t"]
    if len(given) > 2000 or len(times) != 1 or not _SECONDS.fullmatch(times[0]) or not _is_near(times[0], now):
        return False
    try:
        # no tolerance is named: theirs knows no time ahead, and no clock but the machine's
        return WebhookSignature.verify_header(body, given, secret)
    except (SignatureVerificationError, ValueError):
        return False


def _decoded(text: str) -> bytes:
    """Bytes of canonical base64; none for any other text."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def _hmac(secret: str, *, given: str, signed: bytes) -> bool:
    """HMAC with SHA-256 or SHA-1 (by its length), in hex or base64, with or without the name of the sum before it."""
    text = given.strip()
    name, equals, rest = text.partition("=")
    if equals and name.lower() in {"sha1", "sha256"}:
        text = rest
    try:
        sent = bytes.fromhex(text) if len(text) in {40, 64} else _decoded(text)
    except ValueError:
        sent = _decoded(text)
    digest = _DIGESTS.get(len(sent))
    if digest is None or (equals and name.lower() in {"sha1", "sha256"} and digest().name != name.lower()):
        return False
    return hmac.compare_digest(hmac.new(secret.encode(), signed, digest).digest(), sent)


def _is_near(text: str, now: dt.datetime) -> bool:
    try:
        return abs(instant(text, "unix|iso") - now) <= TOLERANCE
    except Unfit:
        return False
