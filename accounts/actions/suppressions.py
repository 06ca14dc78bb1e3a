"""Addresses that get no mail: kept as a keyed hash, looked up for many at once, lifted by a person with a reason.

An address has one row a scope. Several reasons may meet in it, in any order and more than once: the
strongest stays, so that shuffled and repeated news of the same facts end in the same row.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Contact, SoftBounce, Suppression, User
from accounts.models.people import normalise_email

GLOBAL = "global"
Reason = Suppression.Reason
# later ones are stronger: what a person asked for stands above what a server said
STRENGTH = (Reason.SOFT_BOUNCES, Reason.MANUAL, Reason.HARD_BOUNCE, Reason.UNSUBSCRIBE, Reason.COMPLAINT, Reason.ERASED)
# what only a person who says so a second time may lift
GUARDED = (Reason.COMPLAINT, Reason.ERASED)
# so many soft bounces (one a mail) within so many days pause an address for as long
SOFT_BOUNCES = 3
SOFT_BOUNCE_DAYS = 30


class NotConfirmed(ValueError):
    """A complaint or an erasure is lifted only by somebody who confirms to know that it is one."""


def address_hmac(address: str) -> bytes:
    """The keyed hash of a normalised address; nobody can read addresses out of it without the installation's secret."""
    return _hashed(address, settings.SECRET_KEY)


def address_hashes(address: str) -> list[bytes]:
    """The hashes under which an address may be stored: by the secret of now first, then by earlier ones (`SECRET_KEY_FALLBACKS`)."""
    return [_hashed(address, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@functools.lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"vefa suppression " + secret.encode()).digest()


def _hashed(address: str, secret: str) -> bytes:
    return hmac.digest(_key(secret), normalise_email(address).encode(), "sha256")


def survey_scope(key: str) -> str:
    """The scope of refusing one survey alone."""
    return f"survey:{key}"[:80]


_SUPPRESS = """
INSERT INTO accounts_suppression AS s (address_hmac, scope, reason, source_ref, until, created_at)
VALUES (%(hash)s, %(scope)s, %(reason)s, %(source)s, %(until)s, statement_timestamp())
ON CONFLICT (address_hmac, scope) DO UPDATE SET reason = excluded.reason, source_ref = excluded.source_ref, until = excluded.until
WHERE array_position(%(order)s, excluded.reason::text) > array_position(%(order)s, s.reason::text)
   OR (excluded.reason = s.reason AND s.until IS NOT NULL AND (excluded.until IS NULL OR excluded.until > s.until))
RETURNING (xmax = 0)
"""


def suppress(*, address: str, reason: str, scope: str = GLOBAL, source_ref: str = "", until: dt.datetime | None = None) -> bool:
    """Stops mail to an address, for good or until an instant; true where it was not stopped before.

    A stronger reason takes the place of a weaker one, a longer pause that of a shorter one; nothing else
    changes a row. Nothing happens for an empty address.
    """
    if not address:
        return False
    values = {
        "hash": address_hmac(address), "scope": scope, "reason": str(reason), "source": source_ref[:120], "until": until, "order": [str(entry) for entry in STRENGTH],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, values)
        row = cursor.fetchone()
    return bool(row and row[0])


def suppressed_scopes(addresses: Iterable[str], *, as_of: dt.datetime | None = None) -> dict[str, set[str]]:
    """The scopes in which each of the addresses is stopped at `as_of` (None: now, by the database's clock); addresses without any are left out."""
    by_hash: dict[bytes, list[str]] = {}
    wanted = set(addresses) - {""}
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = _key(secret)
        for address in wanted:
            by_hash.setdefault(hmac.digest(key, normalise_email(address).encode(), "sha256"), []).append(address)
    found: dict[str, set[str]] = {}
    # one array's text instead of one parameter an address: a wave asks for thousands
    hashes = "{" + ",".join([f'"\\\\x{stored.hex()}"' for stored in by_hash]) + "}"
    rows = Suppression.objects.filter(holding(as_of)).extra(where=["address_hmac = ANY(%s::bytea[])"], params=[hashes])
    for stored, scope in rows.values_list("address_hmac", "scope"):
        for address in by_hash[bytes(stored)]:
            found.setdefault(address, set()).add(scope)
    return found


def holding(as_of: dt.datetime | None = None) -> Q:
    """Which suppressions hold at `as_of` (None: now)."""
    return Q(until__isnull=True) | Q(until__gt=as_of or Now())


def suppressions_of(address: str) -> list[Suppression]:
    """Everything that is stored about an address, also what no longer holds; the newest first."""
    return list(Suppression.objects.filter(address_hmac__in=address_hashes(address)).order_by("-created_at", "-pk")) if address else []


def is_erased(address: str) -> bool:
    """Whether the address belonged to somebody who was erased."""
    return Suppression.objects.filter(address_hmac__in=address_hashes(address), reason=Reason.ERASED).exists() if address else False


def note_soft_bounce(*, address: str, occurred_at: dt.datetime, source_ref: str) -> bool:
    """Notes that a mail could not be taken just now; true where that paused the address (or made its pause longer).

    One a source (a mail): the earliest instant that was told counts. The pause follows from all soft
    bounces of the address, so their order does not matter.
    """
    stored = address_hmac(address)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # two of them at once must see each other
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa soft bounces'), hashtext(%s))", [stored.hex()])
        row, made = SoftBounce.objects.get_or_create(source_ref=source_ref[:120], defaults={"address_hmac": stored, "occurred_at": occurred_at})
        if not made and occurred_at < row.occurred_at:
            SoftBounce.objects.filter(pk=row.pk).update(occurred_at=occurred_at)
        until = _pause_of(stored)
        if until is None:
            return False
        before = Suppression.objects.filter(address_hmac=stored, scope=GLOBAL).values_list("reason", "until").first()
        suppress(address=address, reason=Reason.SOFT_BOUNCES, source_ref="soft_bounces", until=until)
    return before is None or (before[0] == Reason.SOFT_BOUNCES and before[1] is not None and before[1] < until)


def _pause_of(stored: bytes) -> dt.datetime | None:
    """Until when the soft bounces of an address pause it: the end of the latest pause that three of them within a month began."""
    instants = list(SoftBounce.objects.filter(address_hmac=stored).order_by("-occurred_at").values_list("occurred_at", flat=True)[:500])
    month = dt.timedelta(days=SOFT_BOUNCE_DAYS)
    for newest, oldest in zip(instants, instants[SOFT_BOUNCES - 1 :], strict=False):
        if newest - oldest < month:
            return newest + month
    return None


def stop_by_hand(*, address: str, scope: str, note: str) -> bool:
    """Stops an address by hand; false where it is stopped in that scope already."""
    return suppress(address=address, reason=Reason.MANUAL, scope=scope, source_ref=note)


def lift(*, suppression_id: int, actor: User, reason: str, confirmed: bool, address: str = "") -> Suppression:
    """Lets an address get mail again; who did it, when and why stands in the log of the administration.

    With the address at hand the bounce of its contacts is forgotten too, so that they can be written to;
    a refusal that a contact gave stays. Raises DoesNotExist, NotConfirmed (a complaint or an erasure
    without `confirmed`), ValueError (no reason given).
    """
    if not reason.strip():
        raise ValueError("A reason is needed.")
    with transaction.atomic():
        row = Suppression.objects.select_for_update().get(pk=suppression_id)
        if row.reason in GUARDED and not confirmed:
            raise NotConfirmed
        LogEntry.objects.create(
            user_id=actor.pk, content_type=ContentType.objects.get_for_model(Suppression), object_id=str(row.pk), object_repr=f"{row.scope}: {row.reason}",
            action_flag=DELETION, change_message=reason.strip()[:500],
        )  # fmt: skip
        if row.reason == Reason.SOFT_BOUNCES:
            # or the next soft bounce would pause it at once
            SoftBounce.objects.filter(address_hmac=row.address_hmac).delete()
        if row.scope == GLOBAL and address and bytes(row.address_hmac) in address_hashes(address):
            Contact.objects.filter(email=normalise_email(address), bounced_at__isnull=False).update(bounced_at=None, version=F("version") + 1)
        Suppression.objects.filter(pk=row.pk).delete()
    return row
