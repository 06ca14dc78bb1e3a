"""Keys of the API: made, found, used, revoked. The secret is never stored, only its SHA-256."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiKey, User
from accounts.scopes import check_scopes

DAYS_AT_MOST = 365
USED_EVERY = dt.timedelta(minutes=1)
_LETTERS = string.ascii_letters + string.digits
_PREFIX, _SECRET = 8, 43
_TOKEN = re.compile(rf"csk_([A-Za-z0-9]{{{_PREFIX}}})_([A-Za-z0-9]{{{_SECRET}}})")
# compared against where no key has the prefix, so that both ways take the same time
_NOBODY = bytes(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def create_key(*, user: User, scopes: Iterable[str], now: dt.datetime, name: str = "", days: int = DAYS_AT_MOST) -> tuple[ApiKey, str]:
    """A key that acts for the user, and its token, which cannot be read again later.

    Raises UnknownScope, and ValueError for no scope at all, a life of no days or one of over a year.
    """
    if not 1 <= days <= DAYS_AT_MOST:
        raise ValueError(f"a key lives 1 to {DAYS_AT_MOST} days")
    wanted = check_scopes(scopes)
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(_PREFIX))
    token = f"csk_{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(_SECRET))}"
    with transaction.atomic():
        key = ApiKey.objects.create(user=user, name=name[:80], prefix=prefix, digest=_digest(token), scopes=wanted, expires_at=now + dt.timedelta(days=days))
    return key, token


def find_key(*, token: str, now: dt.datetime) -> ApiKey | None:
    """The living key of a token, with its user; None for one that is unknown, revoked, over, or of a user who is not active."""
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    key = ApiKey.objects.select_related("user").filter(prefix=parts[1]).first()
    matches = hmac.compare_digest(bytes(key.digest) if key else _NOBODY, _digest(token))
    if key is None or not matches or key.revoked_at is not None or key.expires_at <= now or not key.user.is_active:
        return None
    return key


def note_use(*, key: ApiKey, now: dt.datetime) -> None:
    """Writes down that the key was used, once a minute at most."""
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        unused = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - USED_EVERY)
        ApiKey.objects.filter(unused, pk=key.pk).update(last_used_at=now)


def revoke_key(*, key: ApiKey, now: dt.datetime) -> bool:
    """Ends a key at once; True where it was alive."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now))
