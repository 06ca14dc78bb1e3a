"""Results in words and drawings: what the pages of results show of the figures that `queries.results` counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from surveys.comparing import share_change
from surveys.drawing import Bar, Spot, distribution, interval_line, whisker
from surveys.models import Touchpoint
from surveys.periods import PRESETS
from surveys.periods import chosen as chosen_days
from surveys.queries.results import Accounts, Asked, Group, Piece, ScaleGroup, hidden_keys
from surveys.queries.results_filter import ResultsFilter
from surveys.queries.results_overview import Line
from surveys.queries.results_rows import Show, tone_of
from surveys.readings import FEW, Reading, change_of, signed, verdict
from surveys.scoring import Interval, Scale, share
from surveys.weighting import Weighted
from surveys.wording import shipped_name

DIMENSION_NAMES = {
    "segment": gettext_lazy("Segment"), "touchpoint": gettext_lazy("Touchpoint"), "owner": gettext_lazy("Owner"), "language": gettext_lazy("Language"),
    "agent": gettext_lazy("Agent"),
}  # fmt: skip
# groups that are no unhappy, middle or happy answers but have a name of their own
_TONE_WORDS = {
    "nps": {"good": gettext_lazy("promoters"), "pass": gettext_lazy("passives"), "risk": gettext_lazy("detractors")},
    "": {"good": gettext_lazy("happy"), "pass": gettext_lazy("in between"), "risk": gettext_lazy("unhappy")},
}


@dataclass(frozen=True)
class Opens:
    """Where figures open their rows: the address, the choices that hold, the scale shown."""

    address: str
    chosen: ResultsFilter
    scale: str

    def to(self, what: str, **changes: Any) -> str:
        """The address of the rows of a figure, narrowed further by `changes`."""
        extra = {"what": what, **changes.pop("extra", {})}
        return f"{self.address}?{self.chosen.query(**{'scale': self.scale, 'extra': extra, **changes})}"


def scale_words(scale: Scale) -> str:
    """A scale as people speak of it."""
    words = _("scale %(low)s to %(high)s") % {"low": scale.low, "high": scale.high}
    return words if scale.high_good else _("%(scale)s, low is good") % {"scale": words}


def scale_tabs(groups: Mapping[str, ScaleGroup], shown: ScaleGroup, chosen: ResultsFilter, page: str) -> list[dict[str, Any]]:
    """The scales that were answered on; empty for one alone. They are never added up."""
    ordered = sorted((group for group in groups.values() if group.answers or group.name == shown.name), key=lambda group: -group.answers)
    if len(ordered) < 2:
        return []
    return [
        {"words": scale_words(group.scale), "answers": group.answers, "address": f"{page}?{chosen.query(scale=group.name)}", "here": group.name == shown.name} for group in ordered
    ]


def headlines(group: ScaleGroup) -> list[dict[str, Any]]:
    """Every figure of the scale with its interval, what it stands on, and its change against the period before."""
    found = []
    for reading in group.readings:
        change = change_of(reading.name, group.kind, group.now, group.before, group.scale)
        found.append(
            {
                "reading": reading,
                "title": reading.title,
                "change": reading.write_change(change) if change else "",
                "verdict": verdict(change) if change else _("too few answers before or now"),
            }
        )
    return found


def span(interval: Interval | None, write: Any) -> str:
    """An interval in words; empty for none."""
    return "" if interval is None else _("%(low)s to %(high)s") % {"low": write(interval[0]), "high": write(interval[1])}


def _weighted(found: Weighted | None, count: int) -> dict[str, Any]:
    few = found is None or count < FEW
    return {
        "value": wording.DASH if few or found is None else signed(found.value),
        "span": "" if few or found is None else span(found.interval, signed),
        "count": count,
        "effective": None if few or found is None else found.effective,
        "few": few,
    }


def account_figures(found: Accounts | None) -> dict[str, Any] | None:
    """NPS by account and by revenue; None for a survey that has none."""
    if found is None:
        return None
    return {"each": _weighted(found.each, found.answered), "revenue": _weighted(found.by_revenue, found.with_revenue), "without": found.answered - found.with_revenue}


def rate(now: Asked, before: Asked) -> dict[str, Any]:
    """The response rate, its interval and its change."""
    change = share_change((now.answered, now.delivered), (before.answered, before.delivered)) if before.delivered >= FEW and now.delivered >= FEW else None
    return {
        "value": wording.percent(now.rate, 1),
        "span": span(now.interval, lambda value: wording.percent(value, 1)),
        "change": _("%(points)s pp") % {"points": signed(100 * change.difference, 1)} if change else "",
        "verdict": verdict(change) if change else "",
    }


def asked_table(asked: Asked, opens: Opens | None) -> list[dict[str, Any]]:
    """From ask to answer, line by line: count, share of what, address of its rows."""
    lines = (
        (_("Sent"), "sent", asked.sent, None, ""),
        (_("Bounced"), "bounced", asked.bounced, asked.sent, _("of sent")),
        (_("Delivered"), "delivered", asked.delivered, asked.sent, _("of sent")),
        (_("Answered"), "answered", asked.answered, asked.delivered, _("of delivered")),
        (_("Score alone, no word after it"), "partial", asked.partial, asked.answered, _("of answered")),
        (_("No answer so far"), "unanswered", asked.unanswered, asked.delivered, _("of delivered")),
        (_("Reminded"), "reminded", asked.reminded, asked.delivered, _("of delivered")),
        (_("Answered after the reminder"), "after-reminder", asked.after_reminder, asked.reminded, _("of reminded")),
    )
    most = asked.sent or 1
    return [
        {
            "word": word, "count": count, "share": share(count, whole) if whole is not None else None, "of": of, "width": round(100 * count / most, 1),
            "href": opens.to(what, scale="") if opens and count else "",
        }
        for word, what, count, whole, of in lines
    ]  # fmt: skip


def bars(group: ScaleGroup, opens: Opens | None, *, hide: bool) -> list[dict[str, Any]]:
    """One line a score for the table beside the bars; all hidden where the whole is too few for the reader."""
    hide = hide and group.answers < FEW
    return [
        {
            "score": score,
            "count": None if hide else group.now.get(score, 0),
            "share": None if hide else share(group.now.get(score, 0), group.answers),
            "tone": tone_of(group.kind, score, group.scale),
            "href": opens.to(f"score-{score}") if opens and group.now.get(score) else "",
        }
        for score in range(group.scale.low, group.scale.high + 1)
    ]


def drawn_distribution(group: ScaleGroup, opens: Opens | None, *, hide: bool) -> Any:
    """The bars as a drawing; empty without answers, and for scales too long to draw. Counts too wide to stand side by side are told as shares."""
    if not group.answers or (hide and group.answers < FEW) or group.scale.high - group.scale.low > 20:
        return ""
    rows = bars(group, opens, hide=False)
    wide = max(row["count"] for row in rows) >= (100_000 if len(rows) < 6 else 1_000)
    drawn = [
        Bar(
            str(row["score"]), row["tone"], row["count"], wording.percent(row["share"]) if wide else wording.number(row["count"]), row["href"],
            ngettext("%(count)s answer of %(score)s", "%(count)s answers of %(score)s", row["count"]) % {"count": wording.number(row["count"]), "score": row["score"]},
        )
        for row in rows
    ]  # fmt: skip
    said = _("Distribution of %(count)s answers from %(low)s to %(high)s") % {"count": wording.number(group.answers), "low": group.scale.low, "high": group.scale.high}
    return distribution(drawn, said)


def spread(group: ScaleGroup, opens: Opens | None, *, hide: bool) -> list[dict[str, Any]]:
    """Promoters, passives, detractors (or happy, in between, unhappy) with share, count, address."""
    if hide and group.answers < FEW:
        return []
    words = _TONE_WORDS.get(group.kind, _TONE_WORDS[""])
    counts = dict.fromkeys(("risk", "pass", "good"), 0)
    for score, count in group.now.items():
        counts[tone_of(group.kind, score, group.scale)] += count
    return [
        {"tone": tone, "word": words[tone], "count": count, "share": share(count, group.answers), "href": opens.to(tone) if opens and count else ""}
        for tone, count in counts.items()
    ]


def _edges(reading: Reading, scale: Scale, values: Sequence[float]) -> list[tuple[float, str]]:
    """Round lines of the value's scale that hold all values, lowest first."""
    if reading.unit == "scale":
        return [(float(step), str(step)) for step in range(scale.low, scale.high + 1)]
    unit = 100 if reading.unit == "points" else 1
    step = unit / 5 if max(values) - min(values) > unit / 2 else unit / 10
    least, most = (min(values) // step) * step, -(-max(values) // step) * step
    least, most = max(least, -100 if unit == 100 else 0), min(most, unit)
    count = max(1, round((most - least) / step))
    return [(least + place * (most - least) / count, reading.write(_decimal(least + place * (most - least) / count))) for place in range(count + 1)]


def _decimal(value: float) -> Any:
    return Decimal(str(round(value, 6)))


def drawn_trend(pieces: Sequence[Piece], group: ScaleGroup) -> Any:
    """The main figure over time with the band of its interval; empty where no piece has enough answers."""
    known = [piece for piece in pieces if not piece.reading.few]
    if not known:
        return ""
    values = [float(edge) for piece in known for edge in (piece.reading.interval or (piece.reading.value or 0,) * 2)]
    spots = [_spot(piece) for piece in pieces]
    first, last = known[0].reading, known[-1].reading
    said = _("%(title)s over time, from %(first)s to %(last)s, with 95 %% interval") % {"title": first.title, "first": first.shown, "last": last.shown}
    return interval_line(spots, said, _edges(first, group.scale, values))


def _spot(piece: Piece) -> Spot:
    reading, label = piece.reading, wording.short_day(piece.first) if (piece.after - piece.first).days <= 7 else wording.month(piece.first)
    if reading.few or reading.value is None:
        return Spot(label, None, None, None)
    low, high = reading.interval or (reading.value, reading.value)
    return Spot(label, float(reading.value), float(low), float(high), reading.shown)


def trend_rows(pieces: Sequence[Piece], opens: Opens | None) -> list[dict[str, Any]]:
    """The trend as a table, newest first."""
    return [
        {
            "label": _("%(first)s to %(last)s") % {"first": wording.day(piece.first), "last": wording.day(piece.after - dt.timedelta(days=1))},
            "reading": piece.reading,
            "href": opens.to("answers", period=chosen_days(piece.first, piece.after - dt.timedelta(days=1), zone=opens.chosen.period.zone))
            if opens and piece.reading.answers
            else "",
        }
        for piece in reversed(pieces)
    ]


def value_name(dimension: str, key: str | None, names: Mapping[str, str]) -> str:
    """A value of a breakdown in words."""
    if key is None:
        nameless = {"segment": _("No segment"), "touchpoint": _("Direct requests"), "owner": _("Without owner"), "language": _("Language unknown"), "agent": _("No agent")}
        return nameless.get(dimension, _("without"))
    return wording.language_name(key) if dimension == "language" else names.get(key, key)


def names_for(dimension: str, chosen_rows: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Names of the values that the choices know."""
    if dimension == "segment":
        return {row.key: wording.segment_name(row) for row in chosen_rows["segments"]}
    if dimension == "touchpoint":
        return {row.key: shipped_name(row) for row in chosen_rows["touchpoints"]}
    if dimension == "agent":
        return {row.email: str(row) for row in chosen_rows["agents"]}
    return {str(row.pk): str(row) for row in chosen_rows["owners"]} if dimension == "owner" else {}


def group_rows(
    groups: Sequence[Group], shown: ScaleGroup, chosen: ResultsFilter, page: str, opens: Opens | None, *, hide: bool, names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The breakdown: figure, interval, response rate, where it opens. Readers of figures alone see no group under 5."""
    secret = hidden_keys(groups) if hide else set()
    known = [group.readings[0] for group in groups if not group.readings[0].few and group.key not in secret]
    least, most = _ends(known, shown.scale)
    rows = []
    for group in groups:
        main, told = group.readings[0], group.key not in secret
        value = {chosen.by: group.key or "none"}
        low, high = main.interval or (main.value, main.value)
        drawn = ""
        if told and not main.few and main.value is not None and low is not None and high is not None:
            drawn = whisker(float(low), float(high), float(main.value), least, most, _("interval %(span)s") % {"span": main.span})
        rows.append(
            {
                "name": value_name(chosen.by, group.key, names or {}),
                "told": told,
                "main": main,
                "second": group.readings[1] if len(group.readings) > 1 else None,
                "drawn": drawn,
                "rate": group.asked.rate if told else None,
                "sent": group.asked.sent if told else None,
                "address": f"{page}?{chosen.query(**value)}",
                "href": opens.to("answers", **value) if opens and main.answers else "",
            }
        )
    return rows


def _ends(readings: Sequence[Reading], scale: Scale) -> tuple[float, float]:
    if not readings or readings[0].unit == "scale":
        return float(scale.low), float(scale.high)
    return (-100.0, 100.0) if readings[0].unit == "points" else (0.0, 1.0)


def overview_lines(lines: Sequence[Line], chosen: ResultsFilter, *, hide: bool) -> list[dict[str, Any]]:
    """One line a survey and scale, each opening the survey's page with the same choices."""
    found = []
    for line in lines:
        page = reverse("surveys:results", args=[line.survey.key])
        for place, group in enumerate(line.scales or [None]):
            reading = group.readings[0] if group else None
            change = change_of(reading.name, group.kind, group.now, group.before, group.scale) if group and reading else None
            several = len(line.scales) > 1
            found.append(
                {
                    "name": shipped_name(line.survey),
                    "kind": line.survey.get_kind_display(),
                    "scale": scale_words(group.scale) if group else "",
                    "reading": reading,
                    "told": not (hide and reading is not None and reading.few),
                    "others": list(group.readings[1:]) if group else [],
                    "change": reading.write_change(change) if reading and change else "",
                    "verdict": verdict(change) if change else "",
                    "asked": line.asked if place == 0 else None,
                    "rate_span": span(line.asked.interval, lambda value: wording.percent(value, 1)),
                    "address": f"{page}?{replace(chosen, touchpoint='').query(scale=group.name if group and several else '')}",
                }
            )
    return found


_PERIODS: dict[str, Any] = {
    "30d": gettext_lazy("Last 30 days"), "90d": gettext_lazy("Last 90 days"), "180d": gettext_lazy("Last 180 days"), "365d": gettext_lazy("Last 365 days"),
    "month": gettext_lazy("This month"), "last_month": gettext_lazy("Last month"), "quarter": gettext_lazy("This quarter"), "last_quarter": gettext_lazy("Last quarter"),
    "year": gettext_lazy("This year"), "last_year": gettext_lazy("Last year"), "all": gettext_lazy("All time"),
}  # fmt: skip


def filters(choices: Mapping[str, Any]) -> dict[str, Any]:
    """What the filters show: the choices with their names, and the periods."""
    return {**choices, "touchpoint_names": [(row.key, shipped_name(row)) for row in choices["touchpoints"]], "periods": [(name, _PERIODS[name]) for name in PRESETS]}


def title_of(show: Show, kind: str) -> str:
    """What a page of rows holds."""
    if show.kind == "contacts":
        return _("Never asked in 12 months")
    if show.score is not None:
        return _("Answers of %(score)s") % {"score": show.score}
    words = _TONE_WORDS.get(kind, _TONE_WORDS[""])
    if show.name in words:
        return _("Answers: %(group)s") % {"group": words[show.name]}
    named = {
        "answers": _("Answers that count"), "invalid": _("Answers off the scale"), "sent": _("Sent"), "bounced": _("Bounced"), "delivered": _("Delivered"),
        "answered": _("Answered"),
        "partial": _("Score alone, no word after it"), "unanswered": _("No answer so far"), "reminded": _("Reminded"), "after-reminder": _("Answered after the reminder"),
    }  # fmt: skip
    return named[show.name]


def shown_rows(rows: Sequence[Any], show: Show, kind: str) -> Sequence[Any]:
    """Rows with what the page says of them."""
    if show.kind == "answers":
        for row in rows:
            row.tone = tone_of(kind, row.score, Scale(row.scale_min, row.scale_max, row.direction == "high_good"))
            row.asked_at = shipped_name(row.touchpoint) if isinstance(row.touchpoint, Touchpoint) else row.touchpoint_label
    return rows


def narrowed(chosen: ResultsFilter, choices: Mapping[str, Any]) -> list[str]:
    """The choices that hold, in words."""
    words = [_("%(first)s to %(last)s") % {"first": wording.day(chosen.period.first), "last": wording.day(chosen.period.last)}]
    for name in DIMENSION_NAMES:
        if value := getattr(chosen, name):
            words.append(_("my accounts") if value == "me" else value_name(name, None if value == "none" else value, names_for(name, choices)))
    if choices["account"] is not None:
        words.append(str(choices["account"]))
    return words
