"""The health of the whole base today: bands by segment, the distribution of scores, weighted by MRR."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from typing import Any

from django.db.models import Count, DecimalField, ExpressionWrapper, F, IntegerField, Q, QuerySet, Sum
from django.db.models.functions import Least
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import AccountSnapshot, User
from accounts.models.snapshots import Band
from accounts.roles import Role
from metrics.charts import Chart, Series, bars
from metrics.filters import NONE, Filters

_OF_SNAPSHOT = {"segment": "segment__key", "owner": "owner__email", "plan": "account__plan", "country": "account__country"}
_OF_ACCOUNT = {"segment": "account__snapshot__segment__key", "owner": "account__owner__email", "plan": "account__plan", "country": "account__country"}


def narrowed(rows: QuerySet[Any], chosen: Filters, paths: dict[str, str] = _OF_ACCOUNT) -> QuerySet[Any]:
    """Rows of accounts that lie within the dimensions chosen, as they are today; excluded accounts are out."""
    rows = rows.filter(account__excluded=False)
    for name in paths:
        value = getattr(chosen, name)
        if value == NONE:
            rows = rows.filter(**{paths[name]: ""}) if name in {"plan", "country"} else rows.filter(**{f"{paths[name]}__isnull": True})
        elif value:
            rows = rows.filter(**{paths[name]: value})
    return rows


def snapshots(user: User, chosen: Filters) -> QuerySet[AccountSnapshot]:
    """The accounts whose state a reader's figures are about: analysts all (figures alone), others what they see."""
    rows = AccountSnapshot.objects.all()
    if user.role != Role.ANALYST:
        rows = rows.filter(pk__in=AccountSnapshot.objects.visible_to(user).values("pk"))
    return narrowed(rows, chosen, _OF_SNAPSHOT)


@dataclass
class SegmentBands:
    """How the accounts of a segment lie over the bands: (band, accounts, start in percent, width in percent, address)."""

    key: str
    name: str
    accounts: int
    mrr_micros: int
    parts: list[tuple[str, int, float, float, str]]


def bands_by_segment(user: User, chosen: Filters) -> list[SegmentBands]:
    """One row a segment; one query."""
    rows = (
        snapshots(user, chosen).filter(health__isnull=False)
        .values("segment__key", "segment__name", "segment__position")
        .annotate(
            accounts=Count("pk"), mrr=Sum("mrr_micros"),
            healthy=Count("pk", filter=Q(band=Band.HEALTHY)), watch=Count("pk", filter=Q(band=Band.WATCH)), at_risk=Count("pk", filter=Q(band=Band.AT_RISK)),
        )
        .order_by("segment__position")
    )  # fmt: skip
    links = user.role != Role.ANALYST
    result = []
    row: dict[str, Any]
    for row in rows:  # type: ignore[assignment]
        parts: list[tuple[str, int, float, float, str]] = []
        left = 0.0
        for band in (Band.HEALTHY, Band.WATCH, Band.AT_RISK):
            width = 100 * row[band.value] / row["accounts"]
            if row[band.value]:
                address = f"{reverse('accounts:list')}?{urlencode({'segment': row['segment__key'] or NONE, 'band': band.value})}" if links else ""
                parts.append((band.value, row[band.value], round(left, 2), round(width, 2), address))
            left += width
        name = wording.segment_name(SimpleNamespace(key=row["segment__key"], name=row["segment__name"])) if row["segment__key"] else _("No segment")
        result.append(SegmentBands(row["segment__key"] or "", name, row["accounts"], row["mrr"] or 0, parts))
    return result


@dataclass(frozen=True)
class Scores:
    """The distribution of scores with the mean of accounts and the mean of their money; None without a score (or without money)."""

    chart: Chart
    accounts: int
    # who pays and has no score
    unscored: int
    mean: str
    weighted: str


def scores(user: User, chosen: Filters) -> Scores:
    """Accounts and their share of MRR by score in tens; two queries."""
    whole = snapshots(user, chosen)
    tenth = Least(ExpressionWrapper(F("health") / 1000, output_field=IntegerField()), 9)
    weight = ExpressionWrapper(F("health") * F("mrr_micros"), output_field=DecimalField())
    rows = (
        whole.filter(health__isnull=False).annotate(tenth=tenth).values("tenth").order_by("tenth")
        .annotate(accounts=Count("pk"), mrr=Sum("mrr_micros"), points=Sum("health"), weighted=Sum(weight))
    )  # fmt: skip
    found: dict[Any, Any] = {row["tenth"]: row for row in rows}
    unscored = whole.filter(health__isnull=True, mrr_micros__gt=0).count()
    accounts = sum(row["accounts"] for row in found.values())
    mrr = sum(row["mrr"] for row in found.values())
    steps = [f"{10 * place}–{10 * place + (9 if place < 9 else 10)}" for place in range(10)]
    counts = [found[place]["accounts"] if place in found else 0 for place in range(10)]
    shown: dict[str, Any] = {
        "name": "scores", "title": _("Scores of health"), "steps": steps, "head": _("Score"), "height": 210,
        "empty": _("No scores yet. They appear a minute after accounts, usage or answers come in."),
    }  # fmt: skip
    if mrr:
        of_accounts = [Decimal(count) / accounts for count in counts]
        of_money = [Decimal(found[place]["mrr"]) / mrr if place in found else 0 for place in range(10)]
        chart = bars(unit="fraction", series=[Series(_("Share of accounts"), of_accounts), Series(_("Share of MRR"), of_money, tone="good")], **shown)
    else:
        chart = bars(unit="count", series=[Series(_("Accounts"), counts)], **shown)
    return Scores(
        chart, accounts, unscored, _points(sum(row["points"] for row in found.values()), accounts), _points(sum(row["weighted"] for row in found.values()), mrr) if mrr else "–",
    )  # fmt: skip


def _points(total: int, over: int) -> str:
    """A mean of hundredths as whole points."""
    return str((Decimal(total) / over / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if over else "–"
