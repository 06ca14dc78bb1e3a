"""What to fill: customers by what their missing facts leave unjudged, with the kinds that are missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.roles import SEES_EVERYTHING
from metrics.actions.cached import cached, keep
from metrics.models import KnownFacts
from metrics.usage.completeness import HOW, KINDS, NAMES, Completeness, completeness_of

PAGE, COUNT_LIMIT = 50, 1000
# what is stored changes once an hour
SECONDS = 300
NO_OWNER, MINE = "none", "me"
KEYS = tuple(kind.key for kind in KINDS)


@dataclass(frozen=True)
class GapFilter:
    """What the address asks for; unknown values are left out."""

    kind: str = ""
    owner: str = ""
    segment: str = ""

    @classmethod
    def read(cls, query: dict[str, str]) -> GapFilter:
        """From the address."""
        kind, owner = query.get("kind", ""), query.get("owner", "")
        known = owner in {MINE, NO_OWNER} or (owner.isdecimal() and len(owner) < 19)
        return cls(kind=kind if kind in KEYS else "", owner=owner if known else "", segment=query.get("segment", "").replace("\x00", "")[:60])

    def query(self, after: str = "", **changes: str) -> str:
        """The address of this filter with some parts changed."""
        changed = replace(self, **changes)
        parts = {"kind": changed.kind, "owner": changed.owner, "segment": changed.segment, "after": after}
        return urlencode({name: value for name, value in parts.items() if value})

    @property
    def narrows(self) -> bool:
        """Whether anything is chosen."""
        return bool(self.kind or self.owner or self.segment)


@dataclass(frozen=True)
class Row:
    """One customer: as it was stored, and as it is at this moment (None: complete by now, or gone)."""

    stored: KnownFacts
    now: Completeness | None

    @property
    def is_filled(self) -> bool:
        """Whether nothing is missing any more."""
        return self.now is None or not self.now.gaps


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next ones begin ("" at the end)."""

    rows: list[Row]
    after: str


@dataclass(frozen=True)
class KindTotal:
    """One kind over all customers the reader sees: how many lack it, and their yearly revenue."""

    key: str
    name: str
    how: str
    weight: int
    accounts: int
    yearly_micros: int


def filtered(user: User, chosen: GapFilter) -> QuerySet[KnownFacts]:
    """The rows with gaps that the user may see under a filter, unordered."""
    rows = KnownFacts.objects.visible_to(user).filter(completeness__lt=100)
    if chosen.kind:
        rows = rows.filter(gaps__contains=[chosen.kind])
    if chosen.owner:
        whose = {MINE: Q(account__owner_id=user.pk), NO_OWNER: Q(account__owner_id__isnull=True)}
        rows = rows.filter(whose[chosen.owner] if chosen.owner in whose else Q(account__owner_id=int(chosen.owner)))
    return rows.filter(account__segment__key=chosen.segment) if chosen.segment else rows


def page(user: User, chosen: GapFilter, *, after: str, now: dt.datetime) -> Page:
    """Rows behind a key by what filling them settles, each looked at afresh."""
    rows = filtered(user, chosen).select_related("account", "account__owner", "account__segment", "account__snapshot")
    worth, found, account = after.partition("~")
    if found and worth.isdecimal() and account.isdecimal() and len(worth) < 19 and len(account) < 19:
        rows = rows.filter(settles_micros__lte=int(worth)).filter(Q(settles_micros__lt=int(worth)) | Q(account_id__gt=int(account)))
    stored = list(rows.order_by("-settles_micros", "account_id")[: PAGE + 1])
    more, stored = len(stored) > PAGE, stored[:PAGE]
    fresh = completeness_of(account_ids=[row.account_id for row in stored], now=now) if stored else {}
    return Page([Row(row, fresh.get(row.account_id)) for row in stored], f"{stored[-1].settles_micros}~{stored[-1].account_id}" if more else "")


def count(user: User, chosen: GapFilter) -> int:
    """How many rows the filter keeps; stops at 1001."""
    return filtered(user, chosen).order_by()[: COUNT_LIMIT + 1].count()


def totals(user: User) -> list[KindTotal]:
    """Every kind with how many customers lack it and their yearly revenue, what settles most first; one statement, kept for five minutes."""
    key = f"gaps:{connection.settings_dict['NAME']}:{user.role if user.role in SEES_EVERYTHING else user.pk}"
    row = cached(key)
    if row is None:
        row = _totals(user)
        keep(key, row, SECONDS)
    found = [KindTotal(kind.key, str(NAMES[kind.key]), str(HOW[kind.key]), kind.weight, row[2 * n], int(row[2 * n + 1])) for n, kind in enumerate(KINDS)]
    return sorted(found, key=lambda one: -one.yearly_micros * one.weight)


def _totals(user: User) -> tuple[Any, ...]:
    inner, values = KnownFacts.objects.visible_to(user).filter(completeness__lt=100).order_by().values("account_id").query.sql_with_params()
    columns = ", ".join(f"count(*) FILTER (WHERE '{key}' = ANY(k.gaps)), coalesce(sum(12 * s.mrr_micros) FILTER (WHERE '{key}' = ANY(k.gaps)), 0)" for key in KEYS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM metrics_knownfacts k JOIN accounts_accountsnapshot s ON s.account_id = k.account_id WHERE k.account_id IN ({inner})", values)
        return cursor.fetchone()
