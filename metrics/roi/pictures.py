"""The charts of the studio: gain over time for each k, the tornado, the histogram of the draws."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from accounts import wording
from metrics.charts import Chart, Series, histogram, lines, tornado
from metrics.roi.inputs import amount
from metrics.roi.studio import Studio

_TONES = ("accent", "good", "watch", "mid", "quiet", "risk")


def gain_chart(studio: Studio, *, width: int) -> Chart:
    """What each k brings over time, beside what the programme costs."""
    longest = max(studio.choices.months)
    every = 1 if longest <= 24 else 3 if longest <= 48 else 6 if longest <= 144 else 12
    at = list(range(every, longest + 1, every))
    series = [
        Series(_("%(k)s more a month") % {"k": wording.number(k)}, [studio.plan.gain(studio.choices.variant, k=k, months=months) for months in at], tone=_TONES[place])
        for place, k in enumerate(studio.choices.ks)
    ]
    series.append(Series(_("Cost"), [studio.plan.cost(months) for months in at], tone="quiet"))
    return lines(
        name="roi-gain",
        title=_("Gain over time"),
        steps=[wording.number(months) for months in at],
        series=series,
        unit="money",
        head=_("Months"),
        zero=True,
        width=width,
    )


def tornado_chart(studio: Studio, *, width: int) -> Chart:
    """What each input moves of the net, the widest first."""
    steps = [(row.label, row.swing.net_low, row.swing.net_high, row.low, row.high) for row in studio.swings]
    return tornado(name="roi-tornado", title=_("What moves the net most"), base=studio.focus.net or Decimal(0), steps=steps, head=_("Input"), width=width)


def draws_chart(studio: Studio, *, width: int) -> Chart:
    """How the net of the draws lies."""
    bars = studio.outcome.bars if studio.outcome else []
    note = "" if not studio.outcome else _("%(chance)s of the draws are above 0.") % {"chance": wording.percent(studio.outcome.pays, 1)}
    return histogram(
        name="roi-draws", title=_("Net in all draws"), steps=[amount((left + right) / 2) for left, right, _count in bars], values=[count for _left, _right, count in bars],
        head=_("Net around"), of=_("Draws"), width=width, empty=_("An input is not known, so nothing can be drawn."), note=note,
    )  # fmt: skip


def charts(studio: Studio, *, width: int) -> list[Chart]:
    """All of them."""
    return [gain_chart(studio, width=width), tornado_chart(studio, width=width), draws_chart(studio, width=width)]
