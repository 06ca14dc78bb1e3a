"""One score on the voice dashboard: figure, change, months, groups, distribution; none without its count and interval."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import wording
from accounts.drawing import delta
from accounts.models import User
from accounts.roles import Role
from metrics import words
from metrics.charts import Cell, Chart, Series, histogram, lines
from metrics.dashboards import scope_of, shown
from metrics.filters import Filters
from metrics.funnels.page import group_names
from metrics.kpis.catalogue import CATALOGUE, Kpi
from metrics.kpis.engine import COMPUTE, answer, ask
from metrics.kpis.figure import Figure
from metrics.kpis.question import pieces
from metrics.voice.links import kpi_address
from surveys.comparing import Change, mean_change, nps_change, share_change
from surveys.models import Survey

SCORES = ("nps", "csat", "ces", "response_rate")
BREAKDOWNS = ("segment", "survey", "touchpoint", "language")
# as the results of surveys: below the first no figure, below the second the interval is called wide
FEW, WIDE_BELOW = 5, 30
MONTHS = 13
_NPS_GROUPS = ("detractors", "passives", "promoters")
_UNITS = {"points": "points", "fraction": "fraction", "scale": "scale"}
_SPREAD: dict[str, Any] = {
    "nps": gettext_lazy("Detractors, passives, promoters"),
    "csat": gettext_lazy("Answers by score"),
    "ces": gettext_lazy("Answers by score"),
    "response_rate": gettext_lazy("From sent to answered"),
}


@dataclass(frozen=True)
class Reading:
    """A figure as people read it, with what it counts; `value` is empty where too few answers say nothing."""

    value: str
    interval: str
    count: int
    few: bool
    wide: bool
    # exact numbers, for drawing
    number: Decimal | None = None
    edges: tuple[Decimal, Decimal] | None = None


@dataclass(frozen=True)
class GroupLine:
    """One group of a breakdown: its name, its reading, where it leads."""

    name: str
    reading: Reading
    href: str
    results: str = ""


@dataclass
class ScorePanel:
    """Everything one score shows. `change` compares with the period chosen; `by_chance` says that chance alone shows as much."""

    kpi: Kpi
    reading: Reading
    change: Any
    by_chance: bool
    before: str
    partial: bool
    settles: bool
    href: str
    rows_href: str
    months: Chart
    spread: Chart
    groups: list[GroupLine]
    hidden: int
    by: str


def reading_of(kpi: Kpi, figure: dict[str, Any]) -> Reading:
    """A figure of the engine as a reading."""
    count = int(Decimal(figure["denominator"] or 0))
    few = count < FEW
    if few or figure["value"] is None:
        return Reading("", "", count, few and count > 0, wide=False)
    edges = figure["interval_95"]
    variant = figure["variant"]
    told = "" if not edges else _("%(low)s to %(high)s") % {"low": shown(kpi, variant, edges[0]), "high": shown(kpi, variant, edges[1])}
    exact = (Decimal(edges[0]), Decimal(edges[1])) if edges else None
    return Reading(shown(kpi, variant, figure["value"]), told, count, few=False, wide=count < WIDE_BELOW, number=Decimal(figure["value"]), edges=exact)


def score_panel(name: str, filters: Filters, *, by: str, user: User) -> ScorePanel:
    """A score over the period with its months and groups. Raises WrongQuestion."""
    kpi, scope = CATALOGUE[name], scope_of(user)
    figure = answer(name=name, by=by, **filters.question(accounts=scope))
    asked_before = filters.question_before(accounts=scope)
    before = answer(name=name, **asked_before) if asked_before else None
    first, after = filters.months(MONTHS)
    series = _series(name, first, after, filters, scope)
    reading = reading_of(kpi, figure)
    change = _change(name, figure, before) if before else None
    before_reading = reading_of(kpi, before) if before else None
    compared = bool(change and before_reading and reading.value and before_reading.value)
    sees_rows = user.role != Role.ANALYST
    groups, hidden = _groups(kpi, figure["groups"], by, filters, sees_rows=sees_rows)
    return ScorePanel(
        kpi=kpi, reading=reading, change=_delta(kpi, figure["variant"], change) if compared and change else "", by_chance=bool(compared and change and not change.significant),
        before=before_reading.value if before_reading else "", partial=figure["partial"], settles="settles_later" in figure["flags"], href=kpi_address(name, filters),
        rows_href=kpi_address(name, filters, page="kpi_rows" if sees_rows else "kpi"),
        months=_months(kpi, series), spread=_spread(kpi, figure), groups=groups, hidden=hidden, by=by,
    )  # fmt: skip


def _series(name: str, first: str, after: str, filters: Filters, scope: list[int] | None) -> list[dict[str, Any]]:
    """The months of a score, each as `answer` has it: one statement for those made of answers, whose latest in a month is found month by month."""
    if name == "response_rate":
        return list(answer(name=name, **filters.question(start=first, end=after, interval="month", accounts=scope))["series"])
    question = ask(name=name, **filters.question(start=first, end=after, accounts=scope))
    found = COMPUTE[name](question, "month")
    series = []
    for start, end in pieces(question, "month"):
        figure = found.get(f"{start.astimezone(question.zone):%Y-%m}") or Figure(value=None, numerator=0, denominator=0)
        edges = None if figure.value is None or figure.interval is None else [str(edge) for edge in figure.interval]
        series.append(
            {
                "start": start.astimezone(question.zone).date().isoformat(), "variant": question.variant, "value": None if figure.value is None else str(figure.value),
                "denominator": str(figure.denominator or 0), "interval_95": edges, "partial": end > question.until,
            }
        )  # fmt: skip
    return series


def _delta(kpi: Kpi, variant: str, change: Change) -> Any:
    unit = kpi.unit_of(variant)
    return delta(round(change.difference * (100 if unit == "fraction" else 1), 0 if unit == "points" else 1), kpi.good_of(variant))


def _change(name: str, now: dict[str, Any], before: dict[str, Any]) -> Change | None:
    """Whether the figure differs from the one before by more than chance, by the tests of the results of surveys."""
    parts, then = now["parts"], before["parts"]
    if name == "nps":
        return nps_change(
            (parts["promoters"], parts["passives"], parts["detractors"]), (then["promoters"], then["passives"], then["detractors"])
        )  # fmt: skip
    if name == "ces":
        return mean_change(_by_score(parts), _by_score(then))
    sides = [(int(Decimal(figure["numerator"] or 0)), int(Decimal(figure["denominator"] or 0))) for figure in (now, before)]
    return share_change(sides[0], sides[1])


def _by_score(parts: dict[str, Any]) -> dict[int, int]:
    return {int(name[6:]): count for name, count in parts.items() if name.startswith("score_") and count}


def _months(kpi: Kpi, series: list[dict[str, Any]]) -> Chart:
    """The months as a line with the band of their intervals; months of too few answers are gaps, and their table says how many there were."""
    readings = [reading_of(kpi, piece) for piece in series]
    steps = [_month(piece["start"]) for piece in series]
    chart = lines(
        name=f"{kpi.name}-months", title=_("%(title)s by month") % {"title": kpi.title}, steps=steps, unit=_UNITS.get(kpi.unit_of(series[-1]["variant"]), "number"),
        series=[
            Series(str(kpi.title), [one.number for one in readings], lows=[one.edges[0] if one.edges else None for one in readings],
                   highs=[one.edges[1] if one.edges else None for one in readings])
        ],
        partial=[place for place, piece in enumerate(series) if piece["partial"]], height=220,
        note=_("The band is the interval of 95 percent; months of fewer than 5 are left out."),
        empty=_("No month has five answers yet."),
    )  # fmt: skip
    return with_counts(chart, readings)


def with_counts(chart: Chart, readings: list[Reading]) -> Chart:
    """The chart, its table with interval and count of each step beside the value."""
    rows = tuple(
        (*row, Cell(one.interval or wording.DASH, one.interval), Cell(wording.number(one.count), one.count)) for row, one in zip(chart.rows, readings, strict=True)
    )  # fmt: skip
    return replace(chart, columns=(*chart.columns, _("Interval (95 percent)"), _("Counted")), rows=rows)


def _month(text: str) -> str:
    return wording.month(dt.date.fromisoformat(text[:10]))


def _spread(kpi: Kpi, figure: dict[str, Any]) -> Chart:
    """How the answers lie: the groups of an NPS, the scores of the others, the way from sent to answered."""
    parts = figure["parts"]
    if kpi.name == "nps":
        pairs = [(words.part(name), parts[name]) for name in _NPS_GROUPS]
    elif kpi.name == "response_rate":
        pairs = [(words.part(name), parts[name]) for name in ("sent", "delivered", "completed")]
    else:
        pairs = [(score, count) for score, count in ((name[6:], value) for name, value in parts.items() if name.startswith("score_"))]
    return histogram(
        name=f"{kpi.name}-spread", title=str(_SPREAD[kpi.name]), steps=[label for label, _count in pairs], values=[count for _label, count in pairs], of=_("Answers"),
        head=_("Score"), height=220, empty=_("No answers in this period."),
    )  # fmt: skip


def _groups(kpi: Kpi, groups: list[dict[str, Any]], by: str, filters: Filters, *, sees_rows: bool) -> tuple[list[GroupLine], int]:
    """The groups by size, and how many are hidden: readers of figures alone see none of fewer than five answers, nor the one that would tell them."""
    sizes = {group["key"]: int(Decimal(group["denominator"] or 0)) for group in groups}
    secret: set[str | None] = set()
    if not sees_rows:
        secret = {key for key, size in sizes.items() if 0 < size < FEW}
        others = [key for key, size in sizes.items() if key not in secret and size]
        if others and 0 < sum(sizes[key] for key in secret) < FEW:
            secret.add(min(others, key=lambda key: sizes[key]))
    named = names_of(by, [key for key in sizes if key])
    lines_of = []
    for group in sorted(groups, key=lambda group: (-sizes[group["key"]], group["key"] or "")):
        key = group["key"]
        if key in secret or not sizes[key]:
            continue
        results = reverse("surveys:results", args=[key]) if by == "survey" and key and key in named else ""
        lines_of.append(
            GroupLine(
                named.get(key or "", key or _("without")),
                reading_of(kpi, group),
                kpi_address(kpi.name, filters, page="kpi_rows" if sees_rows else "kpi", only={by: key or ""}),
                results,
            )
        )
    return lines_of, len(secret)


def names_of(by: str, keys: list[str]) -> dict[str, str]:
    """What the groups of a breakdown are called."""
    return dict(Survey.objects.filter(key__in=keys).values_list("key", "name")) if by == "survey" else group_names(by, keys)
