"""Page-shaped reads of lifetimes: the cohort table, the curve of tenures, lifetime value, and the accounts behind a cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, User
from metrics import words
from metrics.charts import Cell as ChartCell
from metrics.charts import Chart, Series, heat_map, lines
from metrics.dashboards import scope_of, shown
from metrics.filters import PRESETS as COMMON_PRESETS
from metrics.filters import Filters, days_compared
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.cohorts import cohort_accounts
from metrics.kpis.engine import answer, ask
from metrics.kpis.question import add_months

VARIANTS = ("active_at_period_end", "mrr_at_period_end", "bought_in_period", "retained_at_day_n")
PRESETS = (*COMMON_PRESETS, "last_24_months", "last_36_months")
MOST_COLUMNS = 36
# the variants whose cells open their accounts
OPENED = ("active_at_period_end", "bought_in_period")
# steps of colour: the shares at which the next darker one begins, in percent
STEPS = (10, 25, 40, 55, 65, 75, 85, 90, 95)
MOST_ACCOUNTS = 500


@dataclass(frozen=True)
class LifetimeFilter:
    """What the reader chose: the filters of all dashboards and what is followed. The address bar says all of it."""

    filters: Filters
    variant: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], filters: Filters) -> LifetimeFilter:
        """The choices of an address; an unknown variant is left out."""
        return cls(filters, given.get("variant", "") if given.get("variant") in VARIANTS else "")

    def query(self, **more: Any) -> str:
        """The query string of these choices, with more."""
        return self.filters.query(**{"variant": self.variant, **more})

    def months_since(self, now: dt.datetime) -> int:
        """How many months have begun after that of the period's first day: so many columns have something to tell, 1 to 36."""
        today, first = now.astimezone(self.filters.period.zone).date(), self.filters.period.first
        return min(MOST_COLUMNS, max(1, 12 * (today.year - first.year) + today.month - first.month))


@dataclass
class Cell:
    """One cell: percent, its step of colour, what it says in full, where it leads."""

    percent: str
    step: int
    told: str
    query: str = ""
    share: Decimal = Decimal(0)


@dataclass
class CohortTable:
    """The table of cohorts: its rows newest last, None where a cell is not over."""

    variant: str
    columns: list[str]
    rows: list[tuple[dt.date, str, list[Cell | None]]]
    average: list[Cell | None]
    # the weighted average of the cohorts of the period compared with
    before: list[Cell | None]
    value: str
    interval: tuple[str, str] | None
    accounts: int
    cohorts: int
    mixed: bool
    missing: list[str] = field(default_factory=list)


def _cell(share: str | None, told: str, query: str = "") -> Cell | None:
    if share is None:
        return None
    percent = Decimal(share) * 100
    return Cell(wording.number(percent.quantize(Decimal(1))), sum(percent >= step for step in STEPS), told, query, Decimal(share))


def variant_of(*, user: User, chosen: LifetimeFilter) -> str:
    """What the table follows: what was chosen, else what suits the business of the accounts."""
    return chosen.variant or ask(**chosen.filters.question(name="cohort_retention", accounts=scope_of(user))).variant


def cohort_table(*, user: User, chosen: LifetimeFilter, now: dt.datetime) -> CohortTable:
    """Cohorts by month with a cell for every month after, and the weighted average of each column."""
    columns, scope = chosen.months_since(now), scope_of(user)
    asked: dict[str, Any] = {"name": "cohort_retention", "variant": chosen.variant or None, "accounts": scope, "params": {"periods": str(columns)}}
    figure = answer(**chosen.filters.question(**asked))
    variant = figure["variant"]
    days = days_compared(chosen.filters.period, chosen.filters.compare)
    then = answer(**chosen.filters.question(**asked, start=days[0].isoformat(), end=days[1].isoformat())) if days else None
    # the address of a cell, without which one: a table of years has more than a thousand
    address = chosen.query(variant=variant) if variant in OPENED else ""
    rows = []
    for row in figure["rows"]:
        cells = []
        for place, (active, share) in enumerate(zip(row["active"], row["cells"], strict=True)):
            told = "" if active is None else _told(variant, active, row["size"])
            cells.append(_cell(share, told, f"{address}&cohort={row['cohort']}&cell={place}" if address else ""))
        size = shown(CATALOGUE["mrr"], "standard", row["size"]) if variant == "mrr_at_period_end" else wording.number(row["size"])
        rows.append((dt.date.fromisoformat(row["cohort"] + "-01"), size, cells))
    kpi, interval = CATALOGUE["cohort_retention"], figure["interval_95"]
    return CohortTable(
        variant=variant,
        columns=[_("day %(number)s") % {"number": 30}] if variant == "retained_at_day_n" else [str(month) for month in range(columns + 1)],
        rows=rows,
        average=[_cell(share, _("weighted mean")) for share in figure["average"]],
        before=[_cell(share, _("weighted mean")) for share in then["average"]] if then and then["rows"] else [],
        value=shown(kpi, variant, figure["value"]),
        interval=(shown(kpi, variant, interval[0]), shown(kpi, variant, interval[1])) if interval else None,
        accounts=figure["parts"]["accounts"],
        cohorts=figure["parts"]["cohorts"],
        mixed="mixed_business_models" in figure["flags"],
        missing=figure["missing"],
    )


def heat_chart(table: CohortTable, *, opened: bool) -> Chart:
    """The table of cohorts as a picture: a colour and a percent a cell, each with its accounts."""
    address = reverse("metrics:cohort_accounts")
    cells = [row for _month, _size, row in table.rows]
    return heat_map(
        name="cohorts", title=words.variant(table.variant).capitalize(), columns=table.columns, rows=[wording.month(month) for month, _size, _cells in table.rows],
        values=[[None if cell is None else cell.share for cell in row] for row in cells],
        hrefs=[[f"{address}?{cell.query}" if cell and cell.query and opened else "" for cell in row] for row in cells], head=_("Came in"),
        column_title=_("Months after"), empty=_("Nobody came in these months."),
    )  # fmt: skip


def kept_chart(*, user: User, chosen: LifetimeFilter, now: dt.datetime) -> Chart:
    """How many customers and how much of their first MRR stay, month by month, over all cohorts that have the month; subscription accounts."""
    asked: dict[str, Any] = {"name": "cohort_retention", "accounts": scope_of(user), "params": {"periods": str(chosen.months_since(now))}}
    found = {
        variant: answer(**chosen.filters.question(**asked, variant=variant))
        for variant in ("active_at_period_end", "mrr_at_period_end")
    }  # fmt: skip
    customers, money = found["active_at_period_end"], found["mrr_at_period_end"]
    shares = [[None if share is None else Decimal(share) for share in figure["average"]] for figure in (customers, money)]
    chart = lines(
        name="kept", title=_("Customers and first MRR, by months since they came"), steps=[str(month) for month in range(len(shares[0]))],
        unit="fraction", head=_("Months after"), zero=True,
        series=[Series(_("Customers"), shares[0]), Series(_("First MRR"), shares[1])], empty=_("Nobody came in these months."),
        note=_("Weighted over the cohorts that have the month; above 100 % those who stay pay more than was lost."),
    )  # fmt: skip
    counts = [sum(row["size"] for row in customers["rows"] if row["active"][place] is not None) for place in range(len(shares[0]))]
    rows = tuple((*row, ChartCell(wording.number(count), count)) for row, count in zip(chart.rows, counts, strict=True))
    return replace(chart, columns=(*chart.columns, _("Accounts counted")), rows=rows)


def _told(variant: str, active: Any, size: Any) -> str:
    if variant == "mrr_at_period_end":
        money = CATALOGUE["mrr"]
        return _("%(now)s of %(then)s") % {"now": shown(money, "standard", active), "then": shown(money, "standard", size)}
    return _("%(active)s of %(size)s accounts") % {"active": wording.number(active), "size": wording.number(size)}


@dataclass
class TenurePage:
    """The survival of tenures: the curve with its band, and what it says."""

    subjects: int
    ended: int
    censored: int
    chart: Chart
    median: str
    horizons: list[tuple[int, str, str]]


# from so many months on the curve is told every third month
_LONG = 48


def tenure_page(*, user: User, chosen: LifetimeFilter, now: dt.datetime) -> TenurePage:
    """How long customers stay: all tenures, the running ones censored."""
    asked = chosen.filters.question(name="tenure_survival", accounts=scope_of(user))
    figures = [(months, answer(**asked, params={"horizon_months": str(months)})) for months in (12, 24, 36)]
    figure = figures[0][1]
    steps = [(Decimal(time), Decimal(level)) for time, level in figure["curve"]]
    longest = max([Decimal(12), *(time for time, _level in steps)])
    kpi = CATALOGUE["tenure_survival"]
    return TenurePage(
        subjects=figure["parts"]["subjects"], ended=figure["parts"]["ended"], censored=figure["parts"]["censored"],
        chart=_curve(figure, steps, longest),
        median="" if figure["median"] is None else wording.number(Decimal(figure["median"]).quantize(Decimal("0.1"))),
        horizons=[(months, shown(kpi, "kaplan_meier", each["value"]), _between(kpi, each)) for months, each in figures if each["value"] is not None and months <= longest],
    )  # fmt: skip


def _between(kpi: Any, figure: dict[str, Any]) -> str:
    edges = figure["interval_95"]
    return "" if not edges else _("%(low)s to %(high)s") % {"low": shown(kpi, "kaplan_meier", edges[0]), "high": shown(kpi, "kaplan_meier", edges[1])}


def _curve(figure: dict[str, Any], steps: list[tuple[Decimal, Decimal]], longest: Decimal) -> Chart:
    """S at the end of each month (or every third), with Greenwood's band where there is one."""
    edges = [(Decimal(time), low, high) for time, low, high in figure["band"]]
    months = list(range(0, int(longest) + 1, 1 if longest <= _LONG else 3))
    levels: list[Decimal] = []
    lows: list[Decimal | None] = []
    highs: list[Decimal | None] = []
    for month in months:
        levels.append(next((level for time, level in reversed(steps) if time <= month), Decimal(1)))
        low, high = next(((low, high) for time, low, high in reversed(edges) if time <= month), (None, None))
        lows.append(None if low is None else Decimal(low))
        highs.append(None if high is None else Decimal(high))
    chart = lines(
        name="survival", title=_("Share of customers that is still there, by months since they came"), steps=[str(month) for month in months],
        series=[Series(_("Still there"), levels, lows=lows, highs=highs)], unit="fraction", head=_("Months"), zero=True, note=_("The band is the interval of 95 percent."),
    )  # fmt: skip
    told = [
        ("" if low is None or high is None else _("%(low)s to %(high)s") % {"low": wording.percent(low, 1), "high": wording.percent(high, 1)})
        for low, high in zip(lows, highs, strict=True)
    ]
    rows = tuple((*row, ChartCell(text or wording.DASH, text)) for row, text in zip(chart.rows, told, strict=True))
    return replace(chart, columns=(*chart.columns, _("Interval (95 percent)")), rows=rows)


@dataclass
class ValueLine:
    """Lifetime value by one variant: the figure and what it was made of."""

    variant: str
    value: str
    parts: list[tuple[str, str]]
    revenue: bool


_VALUES = ("arpa_margin_over_churn", "survival_rmst", "retention_discount", "value_x_lifespan")
_MONEY_PARTS = frozenset({"arpa", "order_value"})
_SHARE_PARTS = frozenset({"margin", "churn", "retention", "discount_rate"})


def value_lines(*, user: User, chosen: LifetimeFilter, now: dt.datetime) -> list[ValueLine]:
    """Lifetime value in the variants that have a value, each with its parts."""
    lines = []
    for variant in _VALUES:
        figure = answer(**chosen.filters.question(name="clv", variant=variant, accounts=scope_of(user)))
        if figure["value"] is None:
            continue
        parts = [(name, _part(name, value)) for name, value in figure["parts"].items() if value is not None]
        lines.append(ValueLine(variant, shown(CATALOGUE["clv"], variant, figure["value"]), parts, "revenue_not_profit" in figure["flags"]))
    return lines


def _part(name: str, value: str) -> str:
    if name in _MONEY_PARTS:
        return shown(CATALOGUE["mrr"], "standard", value)
    if name in _SHARE_PARTS:
        return wording.percent(Decimal(value), 2)
    return wording.number(Decimal(value).quantize(Decimal("0.1")))


@dataclass
class CohortAccounts:
    """The accounts behind a cell: those that were there, and those that were not."""

    cohort: dt.date
    cell: int
    there: list[Account]
    gone: list[Account]
    counts: tuple[int, int]


def accounts_behind(*, user: User, chosen: LifetimeFilter, cohort: str, cell: int, now: dt.datetime) -> CohortAccounts:
    """Who stands behind a cell (at most 500 names a side). Raises ValueError for a cohort or a cell that does not exist."""
    month = dt.date.fromisoformat(f"{cohort}-01")
    if not 0 <= cell <= MOST_COLUMNS:
        raise ValueError("no such cell")
    variant = chosen.variant if chosen.variant in OPENED else OPENED[0]
    question = ask(
        name="cohort_retention", variant=variant, start=month.isoformat(), end=add_months(month, 1).isoformat(), filters=chosen.filters.filters, now=now, accounts=scope_of(user)
    )
    found = cohort_accounts(question, cell)
    visible = Account.objects.visible_to(user).select_related("owner", "segment")
    sides = [list(visible.filter(pk__in=[pk for pk, there in found if there is side]).order_by("name_sort", "pk")[:MOST_ACCOUNTS]) for side in (True, False)]
    counts = sum(there for _pk, there in found), sum(not there for _pk, there in found)
    return CohortAccounts(month, cell, sides[0], sides[1], counts)
