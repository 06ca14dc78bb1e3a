"""The forecast: the next 90 days as a calendar, by touchpoint, and the people of one day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import wording
from accounts.queries.clock import read_clock
from surveys.queries.forecast import DAYS, NAMED, Forecast, forecast
from surveys.views.plan_wording import local_time, reason_word
from surveys.views.planning import reader, touchpoint_names
from surveys.views.tabs import tabs_for

_DAY = dt.timedelta(days=1)
# steps of shade of the calendar
_SHADES = 5


@login_required
@require_GET
def forecast_page(request: HttpRequest) -> HttpResponse:
    """How many mails leave on which day, what answers to expect, and what is held back by which rule."""
    user, names, now = reader(request), touchpoint_names(), read_clock()
    found = forecast(user, now=now)
    days = [found.first + offset * _DAY for offset in range(DAYS)]
    totals = {day: _total(found, day) for day in days}
    chosen = _chosen(request.GET.get("day", ""), days, totals)
    context = {
        "found": found,
        "weeks": _weeks(days, totals, found, chosen),
        "weekdays": [days[0] - (days[0].isoweekday() - 1) * _DAY + offset * _DAY for offset in range(7)],
        "lines": _lines(found, names),
        "held": _reasons(found.held_back, names),
        "moved": [one for one in _reasons(found.moved, names) if one["code"] == "daily_cap"],
        "usual": [{"name": names.get(key, key), "week": round(count)} for key, count in sorted(found.usual.items(), key=lambda item: -item[1])],
        "sum": sum(totals.values()),
        "reminders": sum(found.reminders.values()),
        "answers": round(sum((found.expected(day) for day in days), Decimal(0))) if any(found.rates.values()) else None,
        "first": days[0],
        "last": days[-1],
        "chosen": chosen,
        "people": [
            {"account_id": account_id, "account": account, "contact": contact, "touchpoint": names.get(key, key), "local": local_time(due, zone), "zone": zone, "stored": stored}
            for account_id, account, contact, key, due, zone, stored in sorted(found.people.get(chosen, []), key=lambda one: one[4]) if chosen
        ] if chosen else [],
        "of_day": _of_day(found, names, chosen) if chosen else [],
        "named": NAMED,
        "chosen_total": totals.get(chosen, 0) if chosen else 0,
        "tabs": tabs_for(user, "surveys:forecast"),
    }  # fmt: skip
    return render(request, "surveys/forecast.html", context)


def _total(found: Forecast, day: dt.date) -> int:
    return sum(count for counts in (found.planned, found.foreseen) for (when, _key), count in counts.items() if when == day)


def _chosen(text: str, days: list[dt.date], totals: dict[dt.date, int]) -> dt.date | None:
    """The day asked for, else the first on which something leaves."""
    try:
        asked = dt.date.fromisoformat(text)
    except ValueError:
        asked = None
    return asked if asked in totals else next((day for day in days if totals[day]), None)


def _weeks(days: list[dt.date], totals: dict[dt.date, int], found: Forecast, chosen: dt.date | None) -> list[dict[str, Any]]:
    """The days as weeks from Monday; cells outside the 90 days are empty."""
    most = max(totals.values(), default=0)
    monday = days[0] - (days[0].isoweekday() - 1) * _DAY
    weeks = []
    while monday <= days[-1]:
        cells: list[dict[str, Any]] = []
        for offset in range(7):
            day = monday + offset * _DAY
            count = totals.get(day)
            reminded = sum(number for (when, _key), number in found.reminders.items() if when == day)
            shade = 0 if not count else max(1, -(-count * _SHADES // most))
            cells.append({"day": day, "name": wording.day(day), "count": count, "shade": shade, "reminders": reminded, "chosen": day == chosen})
        weeks.append({"monday": monday, "cells": cells, "sum": sum(cell["count"] or 0 for cell in cells)})
        monday += 7 * _DAY
    return weeks


def _lines(found: Forecast, names: dict[str, str]) -> list[dict[str, Any]]:
    """One line a touchpoint: stored, foreseen, reminders, expected answers."""
    keys = {key for counts in (found.planned, found.foreseen, found.reminders) for _day, key in counts}
    lines: list[dict[str, Any]] = []
    for key in keys:
        planned, foreseen, reminded = (sum(count for (_when, of), count in counts.items() if of == key) for counts in (found.planned, found.foreseen, found.reminders))
        rate = found.rates.get(key, Decimal(0))
        lines.append(
            {
                "key": key, "name": names.get(key, key), "planned": planned, "foreseen": foreseen, "reminders": reminded, "rate": rate or None,
                "answers": round((planned + foreseen) * rate) if rate else None, "mails": planned + foreseen,
            }
        )  # fmt: skip
    lines.sort(key=lambda line: (-line["mails"], line["name"]))
    most = max((line["mails"] for line in lines), default=0)
    for line in lines:
        line["width"] = round(100 * line["mails"] / most, 1) if most else 0
    return lines


def _reasons(counts: Any, names: dict[str, str]) -> list[dict[str, Any]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"key": key, "name": names.get(key, key), "code": reason, "reason": reason_word(reason), "count": count} for (key, reason), count in ordered]


def _of_day(found: Forecast, names: dict[str, str], day: dt.date) -> list[tuple[str, int]]:
    """How many mails of what leave on a day; reminders last."""
    keys = {key for counts in (found.planned, found.foreseen) for when, key in counts if when == day}
    told = sorted(((names.get(key, key), found.mails(day, key)) for key in keys), key=lambda pair: -pair[1])
    reminded = sum(count for (when, _key), count in found.reminders.items() if when == day)
    return [*told, (_("Reminders"), reminded)] if reminded else told
