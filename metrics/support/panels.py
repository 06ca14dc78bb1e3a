"""The panels of the support page over a period: clocks, promises, backlog and flow, volume, quality. Each asks for itself."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.drawing import delta
from metrics import words
from metrics.charts import Chart, Series, bars, lines
from metrics.kpis.figure import Figure
from metrics.kpis.promises import kept_together, promises_kept
from metrics.kpis.question import add_months
from metrics.kpis.support_contacts import aht, fcr
from metrics.kpis.support_load import ats, created_by_day, flow_between, ticket_backlog, ticket_volume
from metrics.kpis.support_times import first_response_time, resolution_time
from metrics.kpis.voice import SUPPORT, csat
from metrics.support.desk import Desk, Span, Tile, today_of
from metrics.support.filters import NONE
from metrics.support.naming import names_of
from metrics.support.weeks import mondays, week_of, weeks
from surveys.periods import chosen as chosen_days

# fewer than this say too little to show a change
FEW = 20
GROUPS = 12


def tickets(count: int) -> str:
    """So many tickets."""
    return ngettext("%(count)s ticket", "%(count)s tickets", count) % {"count": wording.number(count)}


def between(figure: Figure, shown: Any) -> str:
    """The 95 % interval in words; empty where there is none."""
    if figure.value is None or figure.interval is None:
        return ""
    return str(_("interval %(low)s to %(high)s") % {"low": shown(figure.interval[0]), "high": shown(figure.interval[1])})


def _edges(figure: Figure) -> str:
    """The edges of the interval of a time; a dash where there is none."""
    if figure.interval is None:
        return "–"
    return str(_("%(low)s to %(high)s") % {"low": wording.duration(figure.interval[0]), "high": wording.duration(figure.interval[1])})


def change(now: Decimal | None, then: Decimal | None, good: str, *, share: bool = False, few: bool = False) -> SafeString:
    """An arrow with the change against the period before: percent, of shares percentage points; nothing for few."""
    if now is None or then is None or few or (not share and not then):
        return SafeString("")
    moved = (now - then) * 100 if share else (now - then) / then * 100
    return format_html("{}<span>{}</span>", delta(round(moved, 1 if share else 0), good), _("points") if share else "%")


def _percent(value: Decimal | None) -> str:
    return wording.percent(value, 1)


def _two(value: Decimal | None) -> str:
    return wording.number(None if value is None else value.quantize(Decimal("0.01")))


def _before(text: str, count: int) -> str:
    return _("before: %(value)s of %(count)s") % {"value": text, "count": wording.number(count)}


def _spans(desk: Desk) -> list[Span | None]:
    return [desk.span, desk.span_before]


def clocks(desk: Desk) -> dict[str, Any]:
    """First response and resolution: median first, with how many, nine of ten, and what waits; and promises kept."""
    clock = desk.chosen.clock
    tiles = []
    replies = [first_response_time(desk.question("first_response_time", span=span, clock=clock), None)[None] if span else None for span in _spans(desk)]
    resolved = [resolution_time(desk.question("resolution_time", "full", span=span, clock=clock), None)[None] if span else None for span in _spans(desk)]
    for kpi, title, figure, found in (("first_response_time", _("First response"), "first_response", replies), ("resolution_time", _("Resolution"), "resolution", resolved)):
        now, then = found[0], found[1]
        assert now is not None
        parts = now.parts
        notes = [(_("nine of ten within %(time)s") % {"time": wording.duration(parts["p90"])}, "")] if parts["count"] else []
        if parts.get("reopened"):
            notes.append((_("%(count)s of them were reopened before") % {"count": wording.number(parts["reopened"])}, desk.link("resolution_reopened")))
        tiles.append(
            Tile(
                title=title, value=words.seconds(parts["median"]), href=desk.link(figure) if parts["count"] else "", count=tickets(parts["count"]), notes=tuple(notes), kpi=kpi,
                change=change(parts["median"], then.parts["median"], "down", few=min(parts["count"], then.parts["count"]) < FEW) if then else "",
                before=_before(wording.duration(then.parts["median"]), then.parts["count"]) if then else "",
            )
        )  # fmt: skip
    waiting = replies[0].parts if replies[0] else {}
    aged = waiting["unanswered"] > 0
    tiles.insert(
        1,
        Tile(
            title=_("Unanswered at the end"), value=wording.number(waiting["unanswered"]), href=desk.link("unanswered") if aged else "", count=tickets(waiting["unanswered"]),
            notes=((_("half of them wait longer than %(time)s") % {"time": wording.duration(waiting["unanswered_median_age"])}, ""),
                   (_("the oldest %(time)s") % {"time": wording.duration(waiting["unanswered_oldest_age"])}, "")) if aged else (),
            before=_before_count(replies[1].parts["unanswered"]) if replies[1] else "", kpi="first_response_time",
        ),
    )  # fmt: skip
    return {"tiles": tiles, "business": clock == "business"}


def _before_count(count: int) -> str:
    return _("before: %(count)s") % {"count": wording.number(count)}


@dataclass(frozen=True)
class Kept:
    """Promises kept by one group: first reply and resolution, each as share with its counts and their rows."""

    name: str
    reply: Tile
    resolution: Tile


def promises(desk: Desk) -> dict[str, Any]:
    """The share of promises kept, of all and by group, agent or segment."""
    by = desk.chosen.by
    asked = {"first_reply": desk.question("first_response_time"), "resolution": desk.question("resolution_time", "full")}
    groups = {target: promises_kept(question, target, by) for target, question in asked.items()}
    # every promise is in one group
    whole = {target: kept_together(found.values()) for target, found in groups.items()}
    before = {
        target: promises_kept(desk.question(question.kpi, question.variant, span=desk.span_before), target, None)[None] if desk.span_before else None
        for target, question in asked.items()
    }
    keys = {key for found in groups.values() for key, figure in found.items() if figure.denominator}
    names = names_of(by, keys)
    rows = [
        Kept(names[key], *(_kept(desk, target, groups[target].get(key) or Figure(None, 0, 0), None, **{by: key or NONE}) for target in asked))
        for key in sorted(keys, key=lambda key: (key is None, names[key].casefold()))
    ]
    return {"tiles": [_kept(desk, target, whole[target], before[target]) for target in asked], "rows": rows[:200], "by": by, "by_name": words.dimension(by)}


def _kept(desk: Desk, target: str, now: Figure, then: Figure | None, **narrowed: str) -> Tile:
    kept, count = int(now.numerator or 0), int(now.denominator or 0)
    return Tile(
        title=_("First replies as promised") if target == "first_reply" else _("Resolutions as promised"), value=_percent(now.value),
        href=desk.link(f"kept_{target}", **narrowed) if kept else "", count=_("%(kept)s kept of %(count)s") % {"kept": wording.number(kept), "count": wording.number(count)},
        count_href=desk.link(f"promises_{target}", **narrowed) if count else "", notes=((between(now, _percent), ""),) if count else (),
        change=change(now.value, then.value, "up", share=True, few=min(count, int(then.denominator or 0)) < FEW) if then else "",
        before=_before(_percent(then.value), int(then.denominator or 0)) if then else "", few=count < FEW,
    )  # fmt: skip


def backlog(desk: Desk) -> dict[str, Any]:
    """Open and too old at the end of the period, and the flow of twelve weeks."""
    now, then = (ticket_backlog(desk.question("ticket_backlog", span=span), None)[None].parts if span else None for span in _spans(desk))
    assert now is not None
    tiles = [
        Tile(
            title=_("Open at the end"), value=wording.number(now["open"]), href=desk.link("backlog_open") if now["open"] else "", count=tickets(now["open"]), kpi="ticket_backlog",
            notes=((_("the oldest %(time)s") % {"time": wording.duration(now["oldest_age"])}, ""),) if now["open"] else (),
            change=change(Decimal(now["open"]), Decimal(then["open"]), "down", few=then["open"] < FEW) if then else "", before=_before_count(then["open"]) if then else "",
        ),
        Tile(
            title=_("Older than the target"), value=wording.number(now["older"]), href=desk.link("backlog_older") if now["older"] else "",
            count=_("%(share)s of %(count)s open") % {"share": _percent(now["share"]), "count": wording.number(now["open"])},
            count_href=desk.link("backlog_open") if now["open"] else "",
            before=_before(wording.number(then["older"]), then["open"]) if then else "", kpi="ticket_backlog",
        ),
    ]  # fmt: skip
    flow = flow_weeks(desk)
    return {"tiles": tiles, "weeks": list(reversed(flow)), "chart": _drawn_flow(flow)}


@dataclass(frozen=True)
class Week:
    """The flow of one week: name of the part, its number and the address of its rows."""

    monday: dt.date
    running: bool
    opening: int
    parts: list[tuple[str, int, str]]
    closing: int
    closing_href: str


def flow_weeks(desk: Desk) -> list[Week]:
    """opening + new + reopened - resolved - cancelled = closing, for each of the last twelve weeks; one statement."""
    days = mondays(desk.now)
    edges = [int(week_of(monday)[0].timestamp()) for monday in days] + [int(week_of(days[-1])[1].timestamp())]
    flows = flow_between(desk.question("ticket_backlog", "flow", span=weeks(desk.now)), edges)
    told = []
    for monday, flow in zip(days, flows, strict=True):
        counts = {name: getattr(flow, name) for name in ("new", "reopened", "resolved", "cancelled", "closing")}
        href = {name: desk.link(f"flow_{name}", extra={"week": monday.isoformat()}) if count else "" for name, count in counts.items()}
        closing = counts.pop("closing")
        told.append(Week(monday, monday == days[-1], flow.opening, [(name, count, href[name]) for name, count in counts.items()], closing, href["closing"]))
    return told


def _drawn_flow(flow: list[Week]) -> Chart:
    """What came and went by week, and what was open at its end; each opens its tickets where one figure is one list."""
    steps = [wording.short_day(week.monday) for week in flow]
    counts = [{name: count for name, count, _href in week.parts} for week in flow]
    running = [place for place, week in enumerate(flow) if week.running]
    if not any(any(each.values()) for each in counts) and not any(week.closing for week in flow):
        steps, counts, flow = [], [], []
    return lines(
        name="flow", title=_("Tickets that came and went, and the open ones, by week"), steps=steps, unit="count", head=_("Week of"), zero=True, partial=running,
        series=[
            Series(_("Came"), [each["new"] + each["reopened"] for each in counts]),
            Series(_("Went"), [each["resolved"] + each["cancelled"] for each in counts]),
            Series(_("Open at the end of the week"), [week.closing for week in flow], [week.closing_href for week in flow], tone="quiet"),
        ],
        empty=_("Nothing came or went in twelve weeks."),
    )  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One value of a breakdown by count."""

    name: str
    count: int
    share: Decimal | None
    width: float
    href: str


def volume(desk: Desk) -> dict[str, Any]:
    """Tickets created: all, by category, by channel, over time."""
    asked = desk.question("ticket_volume")
    now = ticket_volume(asked, None)[None].parts
    then = ticket_volume(desk.question("ticket_volume", span=desk.span_before), None)[None].parts if desk.span_before else None
    tile = Tile(
        title=_("Created"), value=wording.number(now["tickets"]), href=desk.link("volume") if now["tickets"] else "", kpi="ticket_volume",
        count=ngettext("from %(count)s account", "from %(count)s accounts", now["accounts"]) % {"count": wording.number(now["accounts"])},
        change=change(Decimal(now["tickets"]), Decimal(then["tickets"]), "none", few=then["tickets"] < FEW) if then else "", before=_before_count(then["tickets"]) if then else "",
    )  # fmt: skip
    return {
        "tiles": [tile],
        "categories": _breakdown(desk, "category", now["tickets"]),
        "channels": _breakdown(desk, "channel", now["tickets"]),
        **_by_time(desk),
    }


def _breakdown(desk: Desk, by: str, total: int) -> list[Part]:
    groups = ticket_volume(desk.question("ticket_volume"), by)
    names = names_of(by, groups)
    ordered = sorted(groups.items(), key=lambda item: (-item[1].parts["tickets"], names[item[0]]))
    most = ordered[0][1].parts["tickets"] if ordered else 1
    parts = []
    for key, figure in ordered[:GROUPS]:
        count = figure.parts["tickets"]
        parts.append(Part(names[key], count, Decimal(count) / total if total else None, 100 * count / most, desk.link("volume", **{by: key or NONE})))
    rest = sum(figure.parts["tickets"] for _key, figure in ordered[GROUPS:])
    if rest:
        parts.append(Part(_("%(count)s others") % {"count": wording.number(len(ordered) - GROUPS)}, rest, Decimal(rest) / total, 100 * rest / most, ""))
    return parts


# the longest periods drawn by day, by week and by month; what is longer is drawn by quarter: at most 122 bars in twenty years
_STEPS = ((92, "day"), (732, "week"), (3660, "month"))


def _step_of(day: dt.date, step: str) -> tuple[dt.date, dt.date]:
    """The day, calendar week, month or quarter that a day lies in, half-open."""
    if step in {"day", "week"}:
        first = day - dt.timedelta(days=day.weekday() if step == "week" else 0)
        return first, first + dt.timedelta(days=7 if step == "week" else 1)
    months = 3 if step == "quarter" else 1
    first = day.replace(month=day.month - (day.month - 1) % months, day=1)
    return first, add_months(first, months)


def _by_time(desk: Desk) -> dict[str, Any]:
    """Tickets created in steps as long as the period asks for, up to today; the first and the last end with the period."""
    period, (today, zone) = desk.chosen.period, today_of(desk.now)
    step = next((step for most, step in _STEPS if period.days <= most), "quarter")
    counts: Counter[dt.date] = Counter()
    for day, count in created_by_day(desk.question("ticket_volume")).items():
        counts[max(_step_of(day, step)[0], period.first)] += count
    steps: list[tuple[dt.date, dt.date, int, str]] = []
    day = period.first
    while day < min(period.after, max(today + dt.timedelta(days=1), period.first)):
        following = _step_of(day, step)[1]
        last = min(following, period.after) - dt.timedelta(days=1)
        href = desk.link("volume", period=chosen_days(day, last, zone=zone)) if counts[day] else ""
        steps.append((day, last, counts[day], href))
        day = following
    shown = steps if any(counts.values()) else []
    title, head, label = {
        "day": (_("Tickets created, by day"), _("Day"), wording.short_day),
        "week": (_("Tickets created, by week"), _("Week of"), wording.short_day),
        "month": (_("Tickets created, by month"), _("Month"), wording.month),
        "quarter": (_("Tickets created, by quarter"), _("Quarter"), wording.quarter),
    }[step]
    running = [place for place, (_first, last, _count, _href) in enumerate(shown) if last >= today]
    created_tickets = Series(_("Tickets"), [count for _first, _last, count, _href in shown], [href for *_rest, href in shown])
    chart = bars(
        name="created", title=title, steps=[label(first) for first, *_rest in shown], series=[created_tickets], unit="count", head=head, partial=running,
        empty=_("No tickets in this period."),
    )  # fmt: skip
    return {"days": list(reversed(steps)), "chart": chart}


def quality(desk: Desk) -> dict[str, Any]:
    """First contact resolution, ratings, severity; and handle time by channel."""
    tiles = [_fcr(desk), _csat(desk), _ats(desk)]
    handled = aht(desk.question("aht"), None)[None]
    before = aht(desk.question("aht", span=desk.span_before), None)[None] if desk.span_before else None
    count, given_up = int(handled.denominator or 0), handled.parts["abandoned"]
    tiles.append(
        Tile(
            title=_("Handle time"), value=words.seconds(handled.value), href=desk.link("handled") if count else "", kpi="aht",
            count=ngettext("mean of %(count)s contact", "mean of %(count)s contacts", count) % {"count": wording.number(count)},
            notes=((_("%(count)s given up by the customer") % {"count": wording.number(given_up)}, desk.link("abandoned")),) if given_up else (),
            change=change(handled.value, before.value, "down", few=min(count, int(before.denominator or 0)) < FEW) if before else "",
            before=_before(wording.duration(before.value), int(before.denominator or 0)) if before else "",
        )
    )  # fmt: skip
    groups = aht(desk.question("aht"), "channel")
    names = names_of("channel", groups)
    channels = [
        (names[key], words.seconds(figure.value), int(figure.denominator or 0), desk.link("handled", channel=key or NONE), _edges(figure))
        for key, figure in sorted(groups.items(), key=lambda item: names[item[0]])
        if figure.denominator
    ]
    return {"tiles": tiles, "channels": channels}


def _fcr(desk: Desk) -> Tile:
    now = fcr(desk.question("fcr"), None)[None]
    then = fcr(desk.question("fcr", span=desk.span_before), None)[None] if desk.span_before else None
    count = int(now.denominator or 0)
    notes = [(between(now, _percent), "")] if count else []
    if now.parts["unsettled"]:
        notes.append((_("%(count)s may still change") % {"count": wording.number(now.parts["unsettled"])}, ""))
    return Tile(
        title=_("Solved at first contact"), value=_percent(now.value), href=desk.link("first_contact") if now.numerator else "",
        count=_("%(part)s of %(count)s issues") % {"part": wording.number(int(now.numerator or 0)), "count": wording.number(count)},
        count_href=desk.link("issues") if count else "", notes=tuple(notes), kpi="fcr",
        change=change(now.value, then.value, "up", share=True, few=min(count, int(then.denominator or 0)) < FEW) if then else "",
        before=_before(_percent(then.value), int(then.denominator or 0)) if then else "",
    )  # fmt: skip


def _csat(desk: Desk) -> Tile:
    now = csat(desk.question("csat"), None, only=SUPPORT)[None]
    then = csat(desk.question("csat", span=desk.span_before), None, only=SUPPORT)[None] if desk.span_before else None
    count = int(now.denominator or 0)
    return Tile(
        title=_("Satisfied with support"), value=_percent(now.value), href=desk.link("satisfied") if now.numerator else "",
        count=_("%(part)s of %(count)s ratings") % {"part": wording.number(int(now.numerator or 0)), "count": wording.number(count)},
        count_href=desk.link("rated") if count else "", notes=((between(now, _percent), ""),) if count else (), kpi="csat",
        change=change(now.value, then.value, "up", share=True, few=min(count, int(then.denominator or 0)) < FEW) if then else "",
        before=_before(_percent(then.value), int(then.denominator or 0)) if then else "",
    )  # fmt: skip


def _ats(desk: Desk) -> Tile:
    now = ats(desk.question("ats"), None)[None]
    then = ats(desk.question("ats", span=desk.span_before), None)[None] if desk.span_before else None
    count, unset = int(now.denominator or 0), now.parts["unset"]
    notes = [
        (f"{level} {words.SEVERITIES[str(level)]}: {wording.number(now.parts[f'level_{level}'])}", desk.link(f"severity_{level}"))
        for level in (4, 3, 2, 1)
        if now.parts[f"level_{level}"]
    ]
    if unset:
        notes.append((_("%(count)s without severity") % {"count": wording.number(unset)}, desk.link("severity_unset")))
    return Tile(
        title=_("Mean severity"), value=_two(now.value), href=desk.link("severity_set") if count else "", count=tickets(count), notes=tuple(notes), kpi="ats",
        change=change(now.value, then.value, "down", few=min(count, int(then.denominator or 0)) < FEW) if then else "",
        before=_before(_two(then.value), int(then.denominator or 0)) if then else "",
    )  # fmt: skip
