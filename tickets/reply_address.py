"""The address by which a mail finds its ticket: `support+t123-kx4…@host`. Pure.

The sign behind the number is a keyed hash of it, so that nobody gets into a ticket by counting. It is
the same for everybody on the ticket, lasts as long as the ticket, and survives mail programs that
change the case of addresses.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

SIGN_LENGTH = 12
# RFC 5321 gives the part before the @ 64 letters: what stands there itself, `+t`, up to ten digits, `-`, the sign
LONGEST_LOCAL_PART = 64 - len("+t-") - 10 - SIGN_LENGTH
_TAG = re.compile(r"t([1-9][0-9]{0,9})-([a-z2-7]{12})")


def key_of(secret: str) -> bytes:
    """The key of signs, from an installation's secret; it opens nothing else."""
    return hashlib.sha256(b"vefa ticket address " + secret.encode()).digest()


def sign_of(ticket_id: int, *, key: bytes) -> str:
    """The sign of a ticket: 60 bits in letters that have no case to lose."""
    digest = hmac.digest(key, f"ticket {ticket_id}".encode(), "sha256")
    return base64.b32encode(digest).decode("ascii")[:SIGN_LENGTH].lower()


def address_of(ticket_id: int, *, base: str, key: bytes) -> str:
    """The ticket's address below the address of tickets; "" where there is none."""
    local, at, host = base.strip().rpartition("@")
    return f"{local}+t{ticket_id}-{sign_of(ticket_id, key=key)}@{host}" if at and local and host else ""


def ticket_in(address: str, *, base: str, keys: Sequence[bytes]) -> int | None:
    """The ticket whose address this is; None for another address, and for a sign that is not right."""
    tag = _tag_of(address, base)
    found = _TAG.fullmatch(tag) if tag else None
    if found is None:
        return None
    number, sign = int(found.group(1)), found.group(2)
    # every key is tried, so that the time tells nothing
    right = [hmac.compare_digest(sign, sign_of(number, key=key)) for key in keys]
    return number if any(right) else None


def is_ours(address: str, *, base: str) -> bool:
    """Whether an address is the address of tickets, plain or with anything behind a plus: mail *from* it came from here."""
    return _tag_of(address, base) is not None


def _tag_of(address: str, base: str) -> str | None:
    """What stands behind the plus, in lower case ("" for the plain address); None for another address."""
    local, _at, host = address.strip().lower().rpartition("@")
    own_local, at, own_host = base.strip().lower().rpartition("@")
    if not at or host != own_host:
        return None
    if local == own_local:
        return ""
    return local[len(own_local) + 1 :] if local.startswith(f"{own_local}+") else None
