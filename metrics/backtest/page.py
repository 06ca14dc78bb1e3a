"""The page of a backtest: its figures as charts and rows in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from metrics.charts import Chart, Series, bars, lines
from metrics.explained import source_name
from metrics.models import BacktestRun

REFUSED: dict[str, Any] = {
    "one_date": lambda: _("The span holds a single date. Weights and calibration are learnt on earlier dates and tested on later ones: choose a longer span."),
    "several_models": lambda: _("Several models score by segment. Choose one of them to be proposed weights for it."),
    "too_few": lambda: _("Too few accounts left to learn from and to test on."),
    "nothing_tells": lambda: _("No part tells who leaves: the fit gives every one of them nothing."),
}


def why_refused(part: dict[str, Any]) -> str:
    """Why a part of the figures is missing, in words; empty where it is there."""
    told = REFUSED.get(part.get("refused", ""))
    if told is None:
        return ""
    if part["refused"] == "too_few" and "needed" in part:
        return _("Weights need %(needed)s accounts that left on the earlier dates and %(tested)s on the later ones; there are %(have)s and %(later)s.") % {
            "needed": part["needed"][0], "tested": part["needed"][1], "have": part["learnt_churned"], "later": part["tested_churned"],
        }  # fmt: skip
    return told()


@dataclass(frozen=True)
class Page:
    """A finished backtest as the page shows it."""

    charts: dict[str, Chart]
    verdict: str
    sentence: str
    weights: list[dict[str, Any]]
    weights_why: str
    calibration_why: str
    better: str


def verdict_of(found: dict[str, Any]) -> str:
    """What an AUC with its interval says, as a key: good, some, nothing, wrong, unknown."""
    if found.get("value") is None or found.get("low") is None:
        return "unknown"
    if found["low"] > 0.5:
        return "good" if found["value"] >= 0.7 else "some"
    return "wrong" if found["high"] < 0.5 else "nothing"


def sentence_of(found: dict[str, Any]) -> str:
    """The same in a sentence."""
    if found.get("value") is None:
        return _("Nobody left, or everybody did: nothing can be told apart.")
    share = {"share": wording.percent(found["value"], 0)}
    told = _("Of a customer who left and one who stayed the score put the right one lower in %(share)s of all pairs; a coin reaches 50 %%.") % share
    verdict = verdict_of(found)
    if verdict == "nothing":
        return told + " " + _("The interval holds the coin: it told nothing.")
    if verdict == "wrong":
        return told + " " + _("The whole interval lies below the coin: it pointed the wrong way.")
    return told


def _day(text: str) -> str:
    return wording.month(dt.date.fromisoformat(text))


def calibration_chart(bins: list[dict[str, Any]], *, empty: str = "") -> Chart:
    """What was told beside what came, a pair of bars a bin."""
    steps = [_("%(low)s–%(high)s of 10") % {"low": place, "high": place + 1} if len(bins) == 10 else str(place + 1) for place in range(len(bins))]
    rows = ngettext("%(count)s row in each bin.", "%(count)s rows in each bin.", bins[0]["rows"]) % {"count": wording.number(bins[0]["rows"])} if bins else ""
    return bars(
        name="calibration", title=_("Told and come"), steps=steps, unit="fraction", head=_("Bin"), empty=empty, note=rows,
        series=[Series(_("Told"), [each["told"] for each in bins], tone="quiet"), Series(_("Came"), [each["came"] for each in bins], tone="accent", hatched=False)],
        description=_("Rows by what was told, the least likely first: the share that was told, and the share that left."),
    )  # fmt: skip


def lift_chart(tenths: list[dict[str, Any]]) -> Chart:
    """How many times the usual share left, by tenths, the riskiest first."""
    return bars(
        name="lift", title=_("Lift by tenth"), steps=[str(each["decile"]) for each in tenths], unit="ratio", head=_("Tenth, the riskiest first"),
        series=[Series(_("Times the usual share"), [None if each["lift"] is None else round(each["lift"], 2) for each in tenths])],
        description=_("The riskiest tenth stands first. 1 is what drawing lots would find."), note=_("1 is what drawing lots would find."),
    )  # fmt: skip


def page_of(row: BacktestRun) -> Page:
    """The page of a finished run."""
    figures = row.figures
    dates = figures["by_date"]
    charts = {
        "by_date": lines(
            name="by-date", title=_("AUC by date"), steps=[_day(each["date"]) for each in dates], unit="number", head=_("Date"),
            series=[Series(_("AUC"), [None if each["auc"] is None else round(each["auc"], 3) for each in dates])], note=_("0.5 is a coin. Dates on which nobody left have none."),
            description=_("How well the score of each date told who left within the horizon."),
        ),
        "lift": lift_chart(figures["deciles"]),
        "bands": bars(
            name="bands", title=_("Who left, by band"), steps=[wording.band_name(each["band"]) for each in figures["bands"]], unit="fraction", head=_("Band"),
            series=[
                Series(_("Share that left"), [each["precision"] for each in figures["bands"]]),
                Series(_("Share of all who left"), [each["recall"] for each in figures["bands"]], tone="quiet"),
            ],
            description=_("For each band the share of its rows that left, and its share of all that left."),
        ),
        "calibration": calibration_chart(figures["calibration"].get("bins", []), empty=why_refused(figures["calibration"])),
    }  # fmt: skip
    proposal = figures["weights"]
    weights = [{**each, "name": source_name(each["component"])} for each in proposal.get("components", [])]
    alone = {each["component"]: each for each in figures["components"]}
    for each in weights:
        each["alone"] = alone.get(each["component"], {})
    return Page(
        charts=charts, verdict=verdict_of(figures["auc"]), sentence=sentence_of(figures["auc"]), weights=weights, weights_why=why_refused(proposal),
        calibration_why=why_refused(figures["calibration"]), better=_better(proposal),
    )  # fmt: skip


def _better(proposal: dict[str, Any]) -> str:
    """Whether the proposed weights told better on later dates, in a sentence."""
    if "auc_proposed" not in proposal:
        return ""
    now, then = proposal["auc_now"], proposal["auc_proposed"]
    if now["value"] is None or then["value"] is None:
        return ""
    values = {"now": wording.number(round(now["value"], 3)), "then": wording.number(round(then["value"], 3))}
    if then["low"] is not None and then["low"] > now["value"]:
        return _("On later dates the proposed weights reach %(then)s, the present ones %(now)s: better by more than chance.") % values
    if then["value"] > now["value"]:
        return _("On later dates the proposed weights reach %(then)s, the present ones %(now)s: the difference may be chance.") % values
    return _("On later dates the proposed weights reach %(then)s, the present ones %(now)s: no reason to change them.") % values
