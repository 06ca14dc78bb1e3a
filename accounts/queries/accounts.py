"""The list of accounts: filters from the address, pages by key, numbers of the segments.

Every order has an index (`snapshot_by_*`, `account_by_name`); a page never counts what lies behind it. Under a rule a page
looks at a bounded number of rows and says where it stopped (`rule_scans`).
"""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Q, QuerySet, Sum
from django.http import QueryDict
from django.utils.http import urlencode
from redis import RedisError

from accounts.collation import search_key
from accounts.models import Account, AccountSnapshot, Segment, User
from accounts.models.snapshots import Band
from accounts.queries.rule_scans import SCAN, STEPS, Asked, Counted, count_under
from accounts.roles import SEES_EVERYTHING, Role
from accounts.rules import RuleFault, parse

PAGE = 50
COUNT_LIMIT = 1000
# numbers of the segments for those who see every account; others are counted each time, within their books
NUMBERS_SECONDS = 60
# letters of a rule in an address; longer ones belong into a segment
LONGEST_RULE = 3000


@dataclass(frozen=True)
class Order:
    """One order of the list: its column, whether large values and large keys come first."""

    column: str
    descending: bool = False
    key_descending: bool = False

    def reversed(self) -> Order:
        """The same index, read from its other end. Missing values stay last."""
        return Order(self.column, not self.descending, not self.key_descending)


ORDERS = {
    "stake": Order("stake_micros", descending=True),
    "mrr": Order("mrr_micros", descending=True, key_descending=True),
    "name": Order("account__name_sort"),
    "health": Order("health"),
    "renewal": Order("renews_on"),
}
_MAY_BE_MISSING = frozenset({"health", "renews_on"})
STATES = ("current", "churned", "all")
# columns of the table in their order, the account's name before them; the first ones are shown unless others are chosen
USUAL_COLUMNS = ("health", "mrr", "stake", "nps", "csat", "tickets", "touch", "renewal", "owner")
MORE_COLUMNS = ("stage", "plan", "country", "potential", "risk", "use", "seen", "payments", "signed_up", "tags")
COLUMNS = USUAL_COLUMNS + MORE_COLUMNS
NO_SEGMENT, NO_OWNER, MINE = "none", "none", "me"


@dataclass(frozen=True)
class AccountFilter:
    """What the address asks for; unknown values are left out, so that an old link still opens."""

    segment: str = ""
    owner: str = ""
    band: str = ""
    state: str = "current"
    text: str = ""
    sort: str = "stake"
    # a rule as short JSON, at the instant it is asked at; one that cannot be read any more is left out and told
    rule: str = ""
    now: dt.datetime | None = None
    fault: str = ""
    # keys of COLUMNS with commas; empty for the usual ones
    cols: str = ""

    @classmethod
    def read(cls, query: QueryDict, now: dt.datetime | None = None) -> AccountFilter:
        """From the address. Without `now` no rule is read."""
        rule, fault = read_rule_text(query.get("rule", "")) if now is not None else ("", "")
        owner, band, state, sort = query.get("owner", ""), query.get("band", ""), query.get("state", ""), query.get("sort", "")
        return cls(
            segment=query.get("segment", "")[:60],
            owner=owner if owner in {MINE, NO_OWNER} or (owner.isdecimal() and len(owner) < 19) else "",
            band=band if band in Band.values or band == "none" else "",
            state=state if state in STATES else "current",
            text=" ".join(query.get("q", "").replace("\x00", "").split())[:100],
            sort=sort if sort.removeprefix("-") in ORDERS else "stake",
            rule=rule,
            now=now,
            fault=fault,
            cols=chosen_columns(query.getlist("cols")),
        )

    def query(self, **changes: Any) -> str:
        """The address of this filter with some parts changed; what is usual is left out."""
        changed = replace(self, **changes)
        parts = {"segment": changed.segment, "owner": changed.owner, "band": changed.band, "q": changed.text, "rule": changed.rule, "cols": changed.cols}
        parts["state"] = "" if changed.state == "current" else changed.state
        parts["sort"] = "" if changed.sort == "stake" else changed.sort
        return urlencode({key: value for key, value in parts.items() if value})

    @property
    def order(self) -> Order:
        """The order of the rows; a minus before its name reads it from the other end."""
        order = ORDERS[self.sort.removeprefix("-")]
        return order.reversed() if self.sort.startswith("-") else order

    @property
    def narrows(self) -> bool:
        """Whether anything but the order is chosen."""
        return bool(self.segment or self.owner or self.band or self.text or self.rule or self.state != "current")

    @property
    def asked(self) -> Asked | None:
        """The rule with its instant; None without one."""
        if not self.rule or self.now is None:
            return None
        return Asked(parse(json.loads(self.rule)), self.now, self.now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to show, in their order."""
        return tuple(self.cols.split(",")) if self.cols else USUAL_COLUMNS


def chosen_columns(given: list[str]) -> str:
    """Columns out of an address or a form, in the table's order; empty for the usual ones."""
    wanted = {key for entry in given for key in entry.split(",")}
    keys = tuple(key for key in COLUMNS if key in wanted)
    return "" if not keys or keys == USUAL_COLUMNS else ",".join(keys)


def short_json(rule: Any) -> str:
    """A rule as it stands in an address."""
    return json.dumps(rule, ensure_ascii=False, separators=(",", ":"))


def read_rule_text(text: str) -> tuple[str, str]:
    """A rule in an address as short JSON and what is wrong with it: one of the two is empty, both for nothing asked."""
    if not text:
        return "", ""
    try:
        found = json.loads(text[: LONGEST_RULE + 1])
        if not parse(found).is_empty:
            return short_json(found), ""
    except RuleFault as fault:
        return "", f"{fault.path}: {fault.message}"
    except (ValueError, RecursionError):
        return "", "JSON"
    return "", ""


def filtered(user: User, chosen: AccountFilter, *, with_segment: bool = True, with_rule: bool = True) -> QuerySet[AccountSnapshot]:
    """The rows of the list that the user may see, unordered."""
    rows = AccountSnapshot.objects.visible_to(user)
    if chosen.state == "current":
        rows = rows.filter(account__churned_at__isnull=True)
    elif chosen.state == "churned":
        rows = rows.filter(account__churned_at__isnull=False)
    if chosen.owner:
        whose = {MINE: Q(owner_id=user.pk), NO_OWNER: Q(owner_id__isnull=True)}
        rows = rows.filter(whose[chosen.owner] if chosen.owner in whose else Q(owner_id=int(chosen.owner)))
    if chosen.band:
        rows = rows.filter(band="" if chosen.band == "none" else chosen.band)
    if chosen.text:
        rows = rows.filter(account__name_search__contains=search_key(chosen.text))
    if with_segment and chosen.segment:
        rows = rows.filter(segment__isnull=True) if chosen.segment == NO_SEGMENT else rows.filter(segment__key=chosen.segment)
    asked = chosen.asked if with_rule else None
    return rows.filter(asked.condition()) if asked else rows


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next ones begin ("" at the end). `looked_at`: rows a rule was asked of when it stopped before the page was full."""

    rows: list[AccountSnapshot]
    after: str
    looked_at: int = 0


def page(user: User, chosen: AccountFilter, after: str = "", size: int = PAGE) -> Page:
    """The rows behind a key (from the start without one or with one that makes no sense).

    A key is the value of the order and the account's id: rows that come or go do not shift a page.
    """
    if asked := chosen.asked:
        return _page_under_rule(user, chosen, asked, after, size)
    rows = list(_after(user, chosen, after, size + 1))
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, _key(rows[-1].pk, _value(rows[-1], chosen.order)) if more else "")


def _page_under_rule(user: User, chosen: AccountFilter, asked: Asked, after: str, size: int) -> Page:
    found: list[tuple[int, Any]] = []
    looked_at = 0
    for step in STEPS:
        candidates = list(_after(user, chosen, after, step, keys_alone=True))
        fitting = asked.among([pk for pk, _value in candidates])
        found += [row for row in candidates if row[0] in fitting]
        looked_at += len(candidates)
        after = _key(*candidates[-1]) if len(candidates) == step else ""
        if len(found) > size or not after:
            break
    if len(found) > size:
        after, looked_at = _key(*found[size - 1]), 0
    whole = AccountSnapshot.objects.select_related(*_SHOWN).in_bulk([pk for pk, _value in found[:size]])
    return Page([whole[pk] for pk, _value in found[:size] if pk in whole], after, looked_at if after else 0)


def _value(row: AccountSnapshot, order: Order) -> Any:
    return row.account.name_sort if order.column == "account__name_sort" else getattr(row, order.column)


def _key(pk: int, value: Any) -> str:
    return f"{pk}~" + ("" if value is None else f"={value}")


def _parse(after: str, order: Order) -> tuple[int, Any] | None:
    number, found, text = after.partition("~")
    if not found or not number.isdecimal() or len(number) > 18:
        return None
    if not text:
        return int(number), None
    try:
        if order.column == "account__name_sort":
            return int(number), text[1:].replace("\x00", "")
        if order.column == "renews_on":
            return int(number), dt.date.fromisoformat(text[1:])
        value = int(text[1:])
        return (int(number), value) if abs(value) < 2**63 else None
    except ValueError:
        return None


# what a row of the table shows beside the snapshot itself
_SHOWN = ("account", "account__lifecycle_stage", "segment", "owner")


def _after(user: User, chosen: AccountFilter, after: str, wanted: int, *, keys_alone: bool = False) -> list[Any]:
    """Rows with a value first, then those without; each stretch is one read of the index.

    `keys_alone`: accounts with the value of the order, as far as the rule was not asked yet.
    """
    order, key = chosen.order, _parse(after, chosen.order)
    rows: Any = filtered(user, chosen, with_rule=not keys_alone)
    rows = rows.values_list("pk", order.column) if keys_alone else rows.select_related(*_SHOWN)
    ahead, beyond = ("lt", "lte") if order.descending else ("gt", "gte"), "lt" if order.key_descending else "gt"
    by_key = "-account_id" if order.key_descending else "account_id"
    found: list[Any] = []
    if key is None or key[1] is not None:
        stretch = rows.filter(**{f"{order.column}__isnull": False})
        if key is not None:
            # the first condition bounds the index, the second one settles equal values
            stretch = stretch.filter(**{f"{order.column}__{ahead[1]}": key[1]}).filter(Q(**{f"{order.column}__{ahead[0]}": key[1]}) | Q(**{f"account_id__{beyond}": key[0]}))
        found = list(stretch.order_by(f"{'-' if order.descending else ''}{order.column}", by_key)[:wanted])
        key = None
    if len(found) < wanted and order.column in _MAY_BE_MISSING:
        rest = rows.filter(**{f"{order.column}__isnull": True})
        if key is not None:
            rest = rest.filter(**{f"account_id__{beyond}": key[0]})
        found += list(rest.order_by(by_key)[: wanted - len(found)])
    return found


def count(user: User, chosen: AccountFilter) -> Counted:
    """How many rows the filter keeps; stops at COUNT_LIMIT + 1."""
    if chosen.asked:
        return count_under(filtered(user, chosen, with_rule=False), chosen.asked, COUNT_LIMIT)
    return Counted(filtered(user, chosen).order_by()[: COUNT_LIMIT + 1].count(), complete=True)


@dataclass(frozen=True)
class SegmentNumbers:
    """One tab: a segment (None for accounts without one), its accounts and their MRR in millionths."""

    segment: Segment | None
    accounts: int
    mrr_micros: int


def segment_numbers(user: User, chosen: AccountFilter) -> list[SegmentNumbers] | None:
    """Accounts and MRR by segment under the other filters, in the order of the segments; empty ones too.

    None under a rule that would have to be asked of more rows than a page may look at.
    """
    narrowed = replace(chosen, segment="", sort="stake", cols="")
    if chosen.rule and filtered(user, narrowed, with_rule=False).order_by()[: SCAN + 1].count() > SCAN:
        return None
    key = f"account-tabs:{narrowed.query()}"
    shared = user.role in SEES_EVERYTHING and narrowed.owner != MINE
    sums = _remembered(key) if shared else None
    if sums is None:
        grouped = filtered(user, narrowed, with_segment=False).values_list("segment_id").annotate(Count("pk"), Sum("mrr_micros")).order_by()
        sums = {str(segment or ""): (accounts, int(mrr or 0)) for segment, accounts, mrr in grouped}
        if shared:
            _remember(key, sums)
    tabs = [SegmentNumbers(segment, *sums.get(str(segment.pk), (0, 0))) for segment in Segment.objects.all()]
    if "" in sums:
        tabs.append(SegmentNumbers(None, *sums[""]))
    return tabs


def segment_tabs() -> list[SegmentNumbers]:
    """The tabs without numbers, for a rule that is too far-reaching to be counted by segment."""
    return [SegmentNumbers(segment, 0, 0) for segment in Segment.objects.all()]


def _remembered(key: str) -> dict[str, Any] | None:
    # a cache that is down makes the page slower, never wrong
    try:
        return cache.get(key)
    except RedisError:
        return None


def _remember(key: str, sums: dict[str, Any]) -> None:
    try:
        cache.set(key, sums, NUMBERS_SECONDS)
    except RedisError:
        pass


def owners(user: User) -> QuerySet[User]:
    """People whose accounts the user may see, to choose from; at most 200."""
    people = User.objects.filter(is_active=True, role__in=[Role.CSM, Role.MANAGER, Role.ADMIN])
    if user.role not in SEES_EVERYTHING:
        people = people.filter(Q(pk=user.pk) | Q(team_id=user.team_id, team__isnull=False) | Q(absences__substitute=user.pk)).distinct()
    return people.order_by("name", "id")[:200]


def everything(user: User, chosen: AccountFilter) -> Iterator[AccountSnapshot]:
    """All rows of the filter for an export, page by page, each account once."""
    after = ""
    while True:
        part = page(user, chosen, after, 1000)
        yield from part.rows
        after = part.after
        if not after:
            return


def visible_account(user: User, account_id: int) -> Account | None:
    """An account with all that the head of its page shows, or None where the user may not see it."""
    return Account.objects.visible_to(user).select_related("snapshot", "segment", "owner", "lifecycle_stage", "parent").filter(pk=account_id).first()
