"""Addresses that get no mail: kept as a keyed hash, looked up for many at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings

from accounts.models import Suppression
from accounts.models.people import normalise_email

GLOBAL = "global"


def address_hmac(address: str) -> bytes:
    """The keyed hash of a normalised address; nobody can read addresses out of it without the installation's secret."""
    key = hashlib.sha256(b"vefa suppression " + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, normalise_email(address).encode(), hashlib.sha256).digest()


def survey_scope(key: str) -> str:
    """The scope of refusing one survey alone."""
    return f"survey:{key}"[:80]


def suppress(*, address: str, reason: str, scope: str = GLOBAL, source_ref: str = "") -> bool:
    """Stops mail to an address; true where it was not stopped before. Nothing happens for an empty address."""
    if not address:
        return False
    _row, made = Suppression.objects.get_or_create(address_hmac=address_hmac(address), scope=scope, defaults={"reason": reason, "source_ref": source_ref[:120]})
    return made


def suppressed_scopes(addresses: Iterable[str]) -> dict[str, set[str]]:
    """The scopes in which each of the addresses is stopped; addresses without any are left out."""
    by_hash: dict[bytes, list[str]] = {}
    for address in set(addresses):
        if address:
            by_hash.setdefault(address_hmac(address), []).append(address)
    found: dict[str, set[str]] = {}
    for stored, scope in Suppression.objects.filter(address_hmac__in=list(by_hash)).values_list("address_hmac", "scope"):
        for address in by_hash[bytes(stored)]:
            found.setdefault(address, set()).add(scope)
    return found
