"""The token of the link by which somebody refuses further mail: the number of the mail and a sign behind it. Pure.

Nothing is stored of it: the sign is a keyed hash, so that nobody gets to another mail's page by guessing. It is as
long as the tokens of surveys, whose address it shares.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Sequence

SIGN_BYTES = 16


def key_of(secret: str) -> bytes:
    """The key of signs, from an installation's secret; it opens nothing else."""
    return hashlib.sha256(b"vefa mail refusal " + secret.encode()).digest()


def _sign(mail_id: uuid.UUID, key: bytes) -> bytes:
    return hmac.digest(key, mail_id.bytes, "sha256")[:SIGN_BYTES]


def token_of(mail_id: uuid.UUID, *, key: bytes) -> str:
    """The token of a mail, 43 letters."""
    return base64.urlsafe_b64encode(mail_id.bytes + _sign(mail_id, key)).decode("ascii").rstrip("=")


def mail_of(token: str, *, keys: Sequence[bytes]) -> uuid.UUID | None:
    """The mail of a token; None for one that is none, or whose sign is not right."""
    if len(token) != 43:
        return None
    try:
        read = base64.urlsafe_b64decode(f"{token}=")
    except (ValueError, binascii.Error):
        return None
    found = uuid.UUID(bytes=read[:16])
    # every key is tried, so that the time tells nothing
    right = [hmac.compare_digest(read[16:], _sign(found, key)) for key in keys]
    return found if any(right) else None
