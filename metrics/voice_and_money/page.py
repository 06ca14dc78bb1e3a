"""Page-shaped reads of voice and money: each band with its shares and intervals, and the accounts behind a cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import wording
from accounts.models import Account, User
from metrics.charts import Cell, Chart, Step, ranking
from metrics.dashboards import scope_of
from metrics.formulas.intervals import mean_interval
from metrics.formulas.lifetime_value import over_churn
from metrics.formulas.numbers import ratio
from metrics.kpis.assumptions import margin
from metrics.kpis.engine import ask
from metrics.kpis.question import Question, WrongQuestion, add_months
from metrics.voice_and_money.bands import ANSWER_DAYS, HEALTH, HEALTH_DAYS, SILENT, BandMoney, accounts_in, bands
from surveys.scoring import wilson_interval

PAGE = 50
# fewer customers than this say nothing as a share
FEWEST = 5
# a reader is told that the interval is wide below this many
WIDE_BELOW = 30
MONTHS = 12
DAYS_A_MONTH = Decimal("30.4375")

KIND_NAMES: dict[str, Any] = {
    "nps": gettext_lazy("Would recommend us (NPS)"),
    "csat": gettext_lazy("Satisfied (CSAT)"),
    "ces": gettext_lazy("Effort (CES)"),
    HEALTH: gettext_lazy("Health"),
}
BAND_NAMES: dict[str, Any] = {
    "detractor": gettext_lazy("Detractors"),
    "passive": gettext_lazy("Passives"),
    "promoter": gettext_lazy("Promoters"),
    "dissatisfied": gettext_lazy("Dissatisfied"),
    "neutral": gettext_lazy("Neutral"),
    "satisfied": gettext_lazy("Satisfied"),
    "hard": gettext_lazy("Hard"),
    "easy": gettext_lazy("Easy"),
    "at_risk": gettext_lazy("At risk"),
    "watch": gettext_lazy("Watch"),
    "healthy": gettext_lazy("Healthy"),
    SILENT: gettext_lazy("Without a score"),
}
EDGES: dict[str, Any] = {
    "detractor": gettext_lazy("0 to 6"),
    "passive": gettext_lazy("7 and 8"),
    "promoter": gettext_lazy("9 and 10"),
    "dissatisfied": gettext_lazy("1 and 2"),
    "neutral": gettext_lazy("in the middle"),
    "satisfied": gettext_lazy("4 and 5"),
    "hard": gettext_lazy("1 to 3"),
    "easy": gettext_lazy("5 to 7"),
}
TONES = {
    "detractor": "risk", "dissatisfied": "risk", "hard": "risk", "at_risk": "risk", "passive": "watch", "neutral": "watch", "watch": "watch",
    "promoter": "good", "satisfied": "good", "easy": "good", "healthy": "good",
}  # fmt: skip


def default_day(now: dt.datetime, zone: dt.tzinfo) -> dt.date:
    """The first day of the month a year ago: the latest whose twelve months are nearly over."""
    return add_months(now.astimezone(zone).date().replace(day=1), -MONTHS)


def question_at(
    day: dt.date, *, now: dt.datetime, user: User, segment: str | None = None, filters: Mapping[str, Any] | None = None
) -> Question:  # fmt: skip
    """The question whose start is the date of the scores and whose end is that of the money. Raises WrongQuestion for a day that is not over."""
    question = ask(
        name="mrr_movements", start=day.isoformat(), end=add_months(day, MONTHS).isoformat(), now=now, segment=segment or None, filters=filters, accounts=scope_of(user)
    )  # fmt: skip
    if question.start >= now:
        raise WrongQuestion(_("The date must lie in the past: the money is counted after it."))
    return question


@dataclass(frozen=True)
class Amount:
    """A figure with its interval as people read them, what it counts, and the address of the accounts; empty where too few."""

    value: str
    interval: str = ""
    count: int = 0
    href: str = ""
    # as plain numbers, for the chart
    number: float | None = None
    edges: tuple[float, float] | None = None


@dataclass(frozen=True)
class BandLine:
    """One band as the page shows it."""

    band: str
    name: str
    edges: str
    tone: str
    customers: int
    href: str
    answers: int
    few: bool
    wide: bool
    mrr: str
    arpa: Amount
    churn: Amount
    lost_mrr: str
    expansion: Amount
    contraction: Amount
    kept: Amount
    clv: Amount


@dataclass
class MoneyPage:
    """The bands of one kind at a date; `until` is where the money was looked at, `whole_year` whether the twelve months are over."""

    kind: str
    name: str
    day: dt.date
    until: dt.date
    whole_year: bool
    months: str
    lines: list[BandLine]
    customers: int
    with_score: int
    missing: list[str]
    is_revenue: bool
    rule: str


def money_page(kind: str, question: Question, *, rows_url: str = "", query: str = "") -> MoneyPage:
    """Every band of a kind with its figures; `rows_url` empty for those who see no rows. Raises WrongQuestion."""
    found = bands(kind, question)
    share, flags = margin(question)
    months = Decimal((question.until - question.start).total_seconds()) / 86400 / DAYS_A_MONTH
    day = question.start.astimezone(question.zone).date()
    lines = [_line(band, months=months, share=share, rows_url=rows_url, query=query) for band in found]
    return MoneyPage(
        kind=kind, name=str(KIND_NAMES[kind]), day=day, until=question.until.astimezone(question.zone).date(), whole_year=not question.partial,
        months=wording.number(months.quantize(Decimal("0.1"))), lines=lines, customers=sum(band.customers for band in found),
        with_score=sum(band.customers for band in found if band.band != SILENT), missing=sorted({name for band in found for name in band.missing}), is_revenue=bool(flags),
        rule=rule_of(kind),
    )  # fmt: skip


def rule_of(kind: str) -> str:
    """How an account gets its band, in a sentence."""
    if kind == HEALTH:
        return _("The band of an account is that of its latest health score of the %(days)s days before the date.") % {"days": HEALTH_DAYS}
    return _(
        "The band of an account is the mean, rounded to a whole score, of the latest answer of each of its people in the %(days)s days before the date. "
        "What was answered on the date or after it does not count."
    ) % {"days": ANSWER_DAYS}


def _line(band: BandMoney, *, months: Decimal, share: Decimal, rows_url: str, query: str) -> BandLine:
    few = band.customers < FEWEST

    def href(side: str, count: int) -> str:
        return f"{rows_url}?{query}&band={band.band}&side={side}" if rows_url and count else ""

    arpa = ratio(band.opening, band.customers)
    return BandLine(
        band=band.band, name=str(BAND_NAMES[band.band]), edges=str(EDGES.get(band.band, "")), tone=TONES.get(band.band, ""), customers=band.customers,
        href=href("all", band.customers), answers=band.answers, few=few, wide=not few and band.customers < WIDE_BELOW, mrr=_money(band.opening),
        arpa=_arpa(band, arpa), churn=_churn(band, href("churned", band.churned)), lost_mrr=_money(band.churned_mrr),
        expansion=_part(band.expansion, band.opening, band.expanded, href("expanded", band.expanded), few=few),
        contraction=_part(band.contraction, band.opening, band.contracted, href("contracted", band.contracted), few=few),
        kept=_part(band.opening - band.churned_mrr - band.contraction + band.expansion, band.opening, band.customers - band.churned, "", few=few),
        clv=_clv(band, arpa, months=months, share=share),
    )  # fmt: skip


def _money(amount: Decimal | None) -> str:
    return "–" if amount is None else wording.money(int(amount * 1_000_000), settings.REPORTING_CURRENCY)


def _between(low: str, high: str) -> str:
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def _arpa(band: BandMoney, arpa: Decimal | None) -> Amount:
    if band.customers < FEWEST or arpa is None:
        return Amount("", count=band.customers)
    edges = mean_interval(count=band.customers, total=band.opening, squares=band.squares)
    return Amount(_money(arpa), "" if edges is None else _between(*(_money(max(edge, Decimal(0))) for edge in edges)), band.customers)


def _churn(band: BandMoney, href: str) -> Amount:
    share, edges = ratio(band.churned, band.customers), wilson_interval(band.churned, band.customers)
    if band.customers < FEWEST or share is None or edges is None:
        return Amount("", count=band.churned, href=href)
    low, high = edges
    return Amount(
        wording.percent(share, 1), _between(wording.percent(low, 1), wording.percent(high, 1)), band.churned, href, float(share), (float(low), float(high))
    )  # fmt: skip


def _part(amount: Decimal, whole: Decimal, count: int, href: str, *, few: bool) -> Amount:
    share = ratio(amount, whole)
    return Amount("" if few or share is None else wording.percent(share, 1), _money(amount), count, href, None if few or share is None else float(share))


def monthly(share: Decimal, months: Decimal) -> Decimal | None:
    """The share lost each month that comes to this share over so many months; None over no time."""
    if months <= 0:
        return None
    return 1 - (1 - share) ** (1 / months) if share < 1 else Decimal(1)


def _clv(band: BandMoney, arpa: Decimal | None, *, months: Decimal, share: Decimal) -> Amount:
    """ARPA x margin / monthly churn, its interval from that of the churn; none where nobody left."""
    churn, edges = ratio(band.churned, band.customers), wilson_interval(band.churned, band.customers)
    if band.customers < FEWEST or churn is None or edges is None:
        return Amount("")
    value, low, high = (over_churn(arpa=arpa, churn=monthly(each, months), margin=share) for each in (churn, edges[1], edges[0]))
    if value is None:
        return Amount(_("nobody left"), "" if low is None else _("at least %(low)s") % {"low": _money(low)})
    return Amount(_money(value), _between(_money(low), _money(high)) if high is not None else _("at least %(low)s") % {"low": _money(low)}, number=float(value))


@dataclass(frozen=True)
class AccountLine:
    """One account of a band: its score, and what it paid at the date and at the end."""

    account: Account
    score: str
    opening: int
    closing: int


@dataclass(frozen=True)
class AccountPage:
    """Some accounts of a cell, and the mark behind which the next begin ("" at the end)."""

    title: str
    rows: list[AccountLine]
    after: str


SIDE_NAMES: dict[str, Any] = {
    "all": gettext_lazy("All customers"),
    "churned": gettext_lazy("Left"),
    "expanded": gettext_lazy("Pay more"),
    "contracted": gettext_lazy("Pay less"),
}


def accounts_page(kind: str, question: Question, *, band: str, side: str, after: str, user: User) -> AccountPage:
    """The accounts behind a cell, the largest first, fifty a page by key. Raises WrongQuestion."""
    found = list(accounts_in(kind, question, band=band, side=side, after=_mark(after), size=PAGE + 1))
    more, found = len(found) > PAGE, found[:PAGE]
    known = {row.pk: row for row in Account.objects.visible_to(user).filter(pk__in=[row.account_id for row in found]).select_related("segment", "owner")}
    rows = [AccountLine(known[row.account_id], _score(kind, row.score), row.opening, row.closing) for row in found if row.account_id in known]
    title = _("%(band)s: %(side)s") % {"band": BAND_NAMES[band], "side": SIDE_NAMES[side]}
    return AccountPage(title, rows, f"{found[-1].opening}~{found[-1].account_id}" if more else "")


def _score(kind: str, score: int | None) -> str:
    return "–" if score is None else wording.points(score) if kind == HEALTH else str(score)


def _mark(after: str) -> tuple[int, int] | None:
    opening, _sign, pk = after.partition("~")
    return (int(opening), int(pk)) if all(part.isascii() and part.isdecimal() and len(part) < 19 for part in (opening, pk)) else None


def charts_of(page: MoneyPage) -> list[Chart]:
    """Churn and lifetime value, band under band, each in the tone of its band; bands of too few customers are left out."""
    lost = [
        Step(line.name, line.churn.number, line.churn.href, tone=line.tone or "mid", more=_("%(part)s of %(whole)s") % _counted(line.churn.count, line.customers))
        for line in page.lines
    ]  # fmt: skip
    worth = [Step(line.name, line.clv.number, tone=line.tone or "mid") for line in page.lines]
    churned = ranking(
        name="churn-by-band", title=_("Customers lost after the date, by band"), steps=lost, unit="fraction", head=_("Band"), of=_("Churn"),
        empty=_("No band has five customers and lost one."),
    )  # fmt: skip
    valued = ranking(
        name="value-by-band", title=_("Lifetime value, by band"), steps=worth, unit="money", head=_("Band"), of=_("Lifetime value"),
        empty=_("No band has five customers and lost one."),
    )  # fmt: skip
    return [_with_interval(churned, [line.churn for line in page.lines], page), _with_interval(valued, [line.clv for line in page.lines], page)]


def _counted(part: int, whole: int) -> dict[str, str]:
    return {"part": wording.number(part), "whole": wording.number(whole)}


def _with_interval(chart: Chart, cells: list[Amount], page: MoneyPage) -> Chart:
    """The chart, its table with the interval and the customers of each band."""
    rows = tuple(
        (*row, Cell(cell.interval or wording.DASH, cell.interval), Cell(wording.number(line.customers), line.customers))
        for row, cell, line in zip(chart.rows, cells, page.lines, strict=True)
    )
    return replace(chart, columns=(*chart.columns, _("Interval (95 percent)"), _("Customers")), rows=rows)
