"""What is wrong, or only odd, about a programme as it is written down. Pure but for translation.

`faults` are refused at their fields; `oddities` are said beside the sentence and refuse nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from surveys.programme_words import WORKING_DAYS, condition_keys


@dataclass(frozen=True, kw_only=True)
class Around:
    """What stands around a programme: its survey, the limits of the installation, and other programmes of the same event."""

    survey_kind: str = ""
    published: bool = True
    contact_gap_days: int = 0
    nps_gap_days: int = 0
    # (name, kind of survey) of active programmes that wait for the same event
    neighbours: Sequence[tuple[str, str]] = ()


def faults(values: Mapping[str, Any]) -> dict[str, str]:
    """Field to what is wrong with it; of plain values (`actions.programme_values`)."""
    found = {}
    if values["event_kind"] and values["every_days"] is not None:
        found["every_days"] = _("Name either an event or a rhythm in days.")
    if not values["event_kind"] and values["every_days"] is None:
        found["every_days"] = _("Say every how many days.")
    if values["window_from"] == values["window_until"]:
        found["window_until"] = _("The window is empty: it closes when it opens.")
    if values["event_kind"] and values["delay_minutes"] >= values["valid_hours"] * 60:
        found["valid_value"] = _("It would be too late before it is due: the delay is as long as that.")
    unknown = sorted(set(values["conditions"]) - set(condition_keys(values["event_kind"])))
    if unknown:
        found["condition_key_0"] = _("This event does not say: %(keys)s.") % {"keys": ", ".join(unknown)}
    return found


def oddities(values: Mapping[str, Any], around: Around) -> list[str]:
    """What somebody should look at before handing the programme in."""
    found = []
    if not around.published:
        found.append(_("The survey has no published version yet: nothing can be sent."))
    if Decimal(values["sampling"]) == 0:
        found.append(_("The sample is 0 %: nobody is asked."))
    reminder = values["reminder_after_days"]
    if reminder is not None and reminder >= values["link_days"]:
        found.append(_("The link is dead before the reminder leaves: let it live longer than %(days)s days.") % {"days": reminder})
    if _closed_hours(values["weekdays"], values["window_from"], values["window_until"]) > values["valid_hours"] - values["delay_minutes"] / 60:
        found.append(_("The window stays closed for longer than it is worth asking: some will be too late to be asked."))
    if values["window_until"] < values["window_from"]:
        found.append(_("The window runs past midnight: people are asked at night."))
    if _open_minutes(values["window_from"], values["window_until"]) < 60:
        found.append(_("The window is open for less than an hour a day."))
    if values["cool_down_days"] < around.contact_gap_days:
        limits = {"limit": around.contact_gap_days, "own": values["cool_down_days"]}
        found.append(_("The installation leaves %(limit)s days between two surveys to one person; the %(own)s days here change nothing.") % limits)
    if around.survey_kind == "nps" and values["every_days"] is not None and values["every_days"] < around.nps_gap_days:
        found.append(_("The installation leaves %(limit)s days between two NPS surveys to one person: every other round is dropped.") % {"limit": around.nps_gap_days})
    for name, kind in around.neighbours:
        if {kind, around.survey_kind} == {"nps", "csat"}:
            found.append(_("“%(name)s” asks about the same event, too: NPS and CSAT on one event get in each other's way.") % {"name": name})
        else:
            found.append(_("“%(name)s” asks about the same event, too: one person gets one of the two.") % {"name": name})
    return found


def _open_minutes(start: str, end: str) -> int:
    """How long the window is open a day; one that closes before it opens runs past midnight."""
    opens, closes = dt.time.fromisoformat(start), dt.time.fromisoformat(end)
    return (closes.hour * 60 + closes.minute - opens.hour * 60 - opens.minute) % 1440


def _closed_hours(weekdays: Sequence[int], start: str, end: str) -> float:
    """The longest time between two windows, in hours."""
    days = sorted(set(weekdays)) or list(WORKING_DAYS)
    most = max((after - day - 1) % 7 + 1 for day, after in zip(days, [*days[1:], days[0]], strict=True))
    return most * 24 - _open_minutes(start, end) / 60
