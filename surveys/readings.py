"""The figures that answers on one scale give, with interval and change, in numbers and in words. Pure but for words.

Fewer than 5 answers say nothing and show no figure; below 30 the interval is wide and is marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import wording
from surveys.comparing import Change, mean_change, nps_change, share_change
from surveys.scoring import (
    Interval,
    Scale,
    ces_index,
    ces_index_groups,
    mean,
    nps,
    nps_groups,
    nps_interval,
    share,
    t_interval,
    wilson_interval,
)

FEW, WIDE = 5, 30
NAMES: dict[str, Any] = {
    "nps": gettext_lazy("NPS"),
    "top2_share": gettext_lazy("Satisfied, the two best scores"),
    "mean": gettext_lazy("Mean"),
    "agree_share": gettext_lazy("Easy, share of 5 to 7"),
    "index": gettext_lazy("Easy less hard"),
}
Counts = Mapping[int, int]


@dataclass(frozen=True)
class Reading:
    """One figure: its name (`nps`, `top2_share`, `mean`, `agree_share`, `index`), exact value, interval, answers, unit."""

    name: str
    unit: str
    value: Decimal | None
    interval: Interval | None
    answers: int
    highest: int

    @property
    def title(self) -> str:
        """The figure's name in the reader's language."""
        return str(NAMES[self.name])

    @property
    def few(self) -> bool:
        """Too few answers to show a figure at all."""
        return self.answers < FEW

    @property
    def wide(self) -> bool:
        """Few enough for the interval to be wide."""
        return FEW <= self.answers < WIDE

    @property
    def shown(self) -> str:
        """The value as people read it; a dash for too few."""
        return wording.DASH if self.few else self.write(self.value)

    @property
    def span(self) -> str:
        """The interval in words; empty for none."""
        if self.few or self.interval is None:
            return ""
        return _("%(low)s to %(high)s") % {"low": self.write(self.interval[0]), "high": self.write(self.interval[1])}

    def write(self, value: Decimal | None) -> str:
        """A value of this figure's unit: +31, 69.2 %, 4.1."""
        if value is None:
            return wording.DASH
        if self.unit == "points":
            return signed(value)
        if self.unit == "fraction":
            return wording.percent(value, 1)
        return wording.number(round(value, 2))

    def write_change(self, change: Change) -> str:
        """A difference: points, percentage points, or steps of the scale."""
        if self.unit == "fraction":
            return _("%(points)s pp") % {"points": signed(100 * change.difference, 1)}
        return signed(change.difference, 0 if self.unit == "points" else 2)


def signed(value: Decimal, places: int = 0) -> str:
    """A number with its sign, rounded half away from zero for display: +31, −4, 0."""
    exact = value.quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")
    text = wording.number(abs(exact))
    return text if not exact else f"+{text}" if exact > 0 else f"−{text}"


def upright(kind: str, counts: Counts, scale: Scale) -> dict[int, int]:
    """The valid counts; satisfaction with its good end low is mirrored, as its definition says."""
    valid = {score: count for score, count in counts.items() if scale.holds(score) and count}
    return {scale.low + scale.high - score: count for score, count in valid.items()} if kind == "csat" and not scale.high_good else valid


def names_of(kind: str, scale: Scale) -> tuple[str, ...]:
    """The figures that answers of a kind give on a scale; the first is the main one."""
    if kind == "nps" and scale in (Scale(0, 10), Scale(1, 10)):
        return ("nps",)
    if kind == "csat" and (scale.low, scale.high) == (1, 5):
        return ("top2_share", "mean")
    if kind == "ces" and scale == Scale(1, 7):
        return ("mean", "agree_share", "index")
    return ("mean",)


def reading(name: str, kind: str, counts: Counts, scale: Scale) -> Reading:
    """One figure over counts by score."""
    valid = upright(kind, counts, scale)
    answers = sum(valid.values())
    value: Decimal | None
    interval: Interval | None
    if name == "nps":
        groups = nps_groups(valid, scale)[:3]
        return Reading(name, "points", nps(*groups), nps_interval(*groups), answers, scale.high)
    if name == "index":
        value, interval = ces_index(valid), nps_interval(*ces_index_groups(valid))
        return Reading(name, "points", value, interval, answers, scale.high)
    if name in {"top2_share", "agree_share"}:
        part = _part(name, valid, scale)
        return Reading(name, "fraction", share(part, answers), wilson_interval(part, answers), answers, scale.high)
    return Reading(name, "scale", mean(valid), t_interval(valid), answers, scale.high)


def _part(name: str, valid: Counts, scale: Scale) -> int:
    least = scale.high - 1 if name == "top2_share" else 5
    return sum(count for score, count in valid.items() if score >= least)


def readings(kind: str, counts: Counts, scale: Scale) -> list[Reading]:
    """Every figure of a kind on a scale, side by side."""
    return [reading(name, kind, counts, scale) for name in names_of(kind, scale)]


def change_of(name: str, kind: str, now: Counts, before: Counts, scale: Scale) -> Change | None:
    """The change of a figure against before, with its significance; None where either side has too few answers."""
    ours, theirs = upright(kind, now, scale), upright(kind, before, scale)
    if min(sum(ours.values()), sum(theirs.values())) < FEW:
        return None
    if name == "nps":
        return nps_change(nps_groups(ours, scale)[:3], nps_groups(theirs, scale)[:3])
    if name == "index":
        return nps_change(ces_index_groups(ours), ces_index_groups(theirs))
    if name in {"top2_share", "agree_share"}:
        return share_change((_part(name, ours, scale), sum(ours.values())), (_part(name, theirs, scale), sum(theirs.values())))
    return mean_change(ours, theirs)


def verdict(change: Change) -> str:
    """Whether a change is more than chance, with its p."""
    p = _("p below %(p)s") % {"p": _exact(0.001)} if change.p < 0.001 else _("p %(p)s") % {"p": _exact(change.p)}
    return (_("more than chance, %(p)s") if change.significant else _("within chance, %(p)s")) % {"p": p}


def _exact(p: float) -> str:
    """A p with three places below a tenth, else with two."""
    return format_decimal(p, format="0.0##" if p < 0.1 else "0.0#", locale=wording.locale())
