"""Page-shaped reads of closed months: the list of restatements, and a figure as first closed and as it is now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, Segment, User
from accounts.roles import Role
from metrics import words
from metrics.dashboards import shown
from metrics.formulas.numbers import decimal_text
from metrics.kpis.catalogue import CATALOGUE
from metrics.models import ClosedFigure, ClosedMonth, Restatement
from metrics.models.restatements import NO_SEGMENT
from metrics.months import FAMILIES

PAGE = 50
# closed months of one KPI shown at a time, and parts named in a line
MONTHS = 12
PARTS = 4
# parts that say the value once more
TOLD_ALREADY = frozenset({"rate"})
# of a reader who sees the whole base
SEES_ALL = frozenset({Role.ADMIN, Role.VIEWER, Role.ANALYST})


def may_see(user: User) -> bool:
    """Closed figures are about the whole base: whoever sees a part of it has no use for them, and no right to them."""
    return user.role in SEES_ALL


@dataclass(frozen=True)
class Wanted:
    """What is asked for; unknown values are none."""

    kpi: str = ""
    month: dt.date | None = None
    cause: str = ""
    segment: str = ""
    after: int | None = None

    @classmethod
    def read(cls, given: dict[str, str]) -> Wanted:
        """The choices of an address."""
        try:
            month = dt.date.fromisoformat(given.get("month", "")[:7] + "-01")
        except ValueError:
            month = None
        after = given.get("after", "")
        return cls(
            kpi=given["kpi"] if given.get("kpi") in FAMILIES else "", month=month, cause=given["cause"] if given.get("cause") in Restatement.Cause.values else "",
            segment=given.get("segment", "")[:60], after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None,
        )  # fmt: skip

    def query(self, after: int | None = None) -> str:
        """The same as an address."""
        given = {"kpi": self.kpi, "month": f"{self.month:%Y-%m}" if self.month else "", "cause": self.cause, "segment": self.segment, "after": after or ""}
        return urlencode({name: value for name, value in given.items() if value})

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen."""
        return not (self.kpi or self.month or self.cause or self.segment)


def chosen_rows(wanted: Wanted) -> QuerySet[Restatement]:
    """The restatements that fit, the newest first."""
    rows = Restatement.objects.select_related("actor", "batch").order_by("-pk")
    if wanted.kpi:
        rows = rows.filter(kpi=wanted.kpi)
    if wanted.month:
        rows = rows.filter(month=wanted.month)
    if wanted.cause:
        rows = rows.filter(cause=wanted.cause)
    if wanted.segment:
        rows = rows.filter(segment="" if wanted.segment == "all" else wanted.segment)
    return rows


@dataclass
class Line:
    """One restatement as the page shows it."""

    row: Restatement
    title: str
    who: str
    before: str
    after: str
    parts: list[tuple[str, str, str]]
    more: int
    account: Account | None
    also: list[str]


@dataclass
class Page:
    """One page of the list."""

    rows: list[Line]
    next_after: int | None


def title_of(kpi: str) -> str:
    """The KPI's title in the reader's language; its name for one that is no longer there."""
    return str(CATALOGUE[kpi].title) if kpi in CATALOGUE else kpi


def segment_names() -> dict[str, str]:
    """What the groups of closed figures are called."""
    return {"": _("Everybody"), NO_SEGMENT: _("No segment"), **{row.key: wording.segment_name(row) for row in Segment.objects.order_by("position")}}


def value_text(kpi: str, variant: str, value: Decimal | None) -> str:
    """A figure as people read it."""
    return shown(CATALOGUE[kpi], variant, decimal_text(value)) if kpi in CATALOGUE else wording.number(value)


def _number(value: Any) -> str:
    try:
        return "–" if value is None else wording.number(Decimal(str(value)))
    except ArithmeticError:
        return str(value)


def _place(name: str) -> tuple[int, str]:
    """What stands above and below the line comes first."""
    return ({"numerator": 0, "denominator": 1}.get(name, 2), name)


def _part(name: str) -> str:
    return {"numerator": _("Numerator"), "denominator": _("Denominator")}.get(name) or words.part(name)


def page_of(user: User, wanted: Wanted) -> Page:
    """Fifty restatements by key, with the accounts that the reader may open."""
    rows = chosen_rows(wanted)
    if wanted.after is not None:
        rows = rows.filter(pk__lt=wanted.after)
    found = list(rows[: PAGE + 1])
    names, known = segment_names(), {row.account_id for row in found if row.account_id}
    accounts = Account.objects.visible_to(user).in_bulk(known) if user.role != Role.ANALYST and known else {}
    lines = []
    for row in found[:PAGE]:
        parts = [(_part(name), _number(row.before.get(name)), _number(row.after[name])) for name in sorted(row.after, key=_place) if name not in TOLD_ALREADY]
        lines.append(
            Line(
                row, title_of(row.kpi), names.get(row.segment, row.segment), value_text(row.kpi, row.variant, row.before_value), value_text(row.kpi, row.variant, row.after_value),
                parts[:PARTS], max(0, len(parts) - PARTS), accounts.get(row.account_id) if row.account_id else None,
                [str(Restatement.Cause(kind).label) for kind in dict.fromkeys(told["cause"] for told in row.detail) if kind != row.cause and kind in Restatement.Cause.values],
            )
        )  # fmt: skip
    return Page(lines, lines[-1].row.pk if len(found) > PAGE else None)


def choices() -> dict[str, list[tuple[str, str]]]:
    """The filters with their choices: KPIs, closed months (the newest first), causes, segments."""
    bounds = ClosedMonth.objects.aggregate(first=Min("month"), last=Max("month"))
    months = ClosedMonth.objects.order_by("-month").values_list("month", flat=True)[:120] if bounds["first"] else []
    return {
        "kpi": sorted(((kpi, title_of(kpi)) for kpi in FAMILIES), key=lambda pair: pair[1]),
        "month": [(f"{month:%Y-%m}", wording.month(month)) for month in months],
        "cause": [(value, str(label)) for value, label in Restatement.Cause.choices],
        "segment": [(key or "all", name) for key, name in segment_names().items()],
    }


@dataclass
class Closed:
    """One closed month of a KPI: as it was first closed, and as it is now."""

    month: dt.date
    closed_at: dt.datetime
    first: str
    now: str
    restatements: int
    settles: bool

    @property
    def moved(self) -> bool:
        """Whether it was restated."""
        return self.restatements > 0


def closed_months(kpi: str, *, segment: str = "", start: dt.date | None = None, end: dt.date | None = None) -> list[Closed]:
    """The closed months of a KPI, the newest first, as first closed and now; at most a year of them.

    `start` and `end` (exclusive) bound the months. For pages of a KPI: closed figures are of its default variant,
    for everybody or one segment, whatever a single reader may see.
    """
    rows = ClosedFigure.objects.filter(kpi=kpi, segment=segment)
    if start:
        rows = rows.filter(month__gte=start)
    if end:
        rows = rows.filter(month__lt=end)
    return [
        Closed(
            row.month_id, row.closed_at, value_text(kpi, row.variant, row.first_value), value_text(kpi, row.variant, row.value), row.restatements,
            "settles_later" in row.flags,
        )
        for row in rows.order_by("-month_id")[:MONTHS]
    ]  # fmt: skip


def header() -> list[str]:
    """The first line of the file."""
    return [
        _("Seen"), _("Month"), _("KPI"), _("Variant"), _("Segment"), _("Before"), _("After"), _("Numerator before"), _("Numerator after"), _("Denominator before"),
        _("Denominator after"), _("Currency"), _("Cause"), _("Import"), _("By"), _("Account id"),
    ]  # fmt: skip


def exported(user: User, wanted: Wanted) -> Iterator[list[Any]]:
    """The rows of the file, in the order of the page; accounts by their external id where the reader sees rows."""
    rows = chosen_rows(wanted)
    sees_rows = user.role != Role.ANALYST
    names = (
        dict(Account.objects.visible_to(user).filter(pk__in=rows.exclude(account_id=None).order_by().values("account_id")).values_list("pk", "external_id")) if sees_rows else {}
    )
    for row in rows.iterator(500):
        money = row.kpi in CATALOGUE and CATALOGUE[row.kpi].unit_of(row.variant) == "money"
        yield [
            row.seen_at, f"{row.month:%Y-%m}", row.kpi, row.variant, row.segment, _cut(row.before_value), _cut(row.after_value),
            *(_cut(side.get(name)) for name in ("numerator", "denominator") for side in (row.before, row.after)),
            settings.REPORTING_CURRENCY if money else "", row.cause, row.batch.file_name if row.batch else "", row.actor.email if row.actor else "",
            names.get(row.account_id, "") if row.account_id else "",
        ]  # fmt: skip


def _cut(value: Decimal | str | None) -> Decimal | None:
    """As the figure was worked out, without trailing noughts."""
    text = decimal_text(None if value is None else Decimal(value))
    return None if text is None else Decimal(text)
