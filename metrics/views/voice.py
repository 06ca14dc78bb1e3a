"""The voice dashboard with its panels, who is silent, and voice against money with the accounts behind each cell."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics import words
from metrics.charts import Chart
from metrics.filters import Filters, filter_bar, read_filters
from metrics.funnels.page import group_names
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.question import WrongQuestion
from metrics.views.chart_files import chart_file
from metrics.views.kept import kept_html, kept_panel
from metrics.voice.listening import loop, movers, silent_accounts, silent_groups
from metrics.voice.scores import BREAKDOWNS, SCORES, score_panel
from metrics.voice_and_money.bands import KINDS, SIDES, bands_of
from metrics.voice_and_money.page import KIND_NAMES, accounts_page, charts_of, default_day, money_page, question_at

USUAL = "last_quarter"
PANELS = (*SCORES, "topics", "loop", "silent")


def _reads_voice(request: SignedInRequest) -> None:
    """What surveys say is no part of a support agent's work, as on the pages of surveys."""
    if request.user.role == Role.AGENT:
        raise Http404


def _views(here: str, filters: Filters) -> list[tuple[str, str, bool]]:
    query = filters.query()
    addresses = (("answers", _("Answers"), reverse("metrics:voice")), ("money", _("Voice and money"), reverse("metrics:voice_money")))
    # the two pages have different usual periods, so only what narrows goes along
    kept = urlencode([(name, getattr(filters, name)) for name in ("segment", "owner", "plan", "country") if getattr(filters, name)])
    return [(word, f"{address}{f'?{query if name == here else kept}' if (query if name == here else kept) else ''}", name == here) for name, word, address in addresses]


@login_required
@require_GET
def voice(request: SignedInRequest) -> HttpResponse:
    """The dashboard: filters and the places of its panels, which load one by one."""
    _reads_voice(request)
    filters = read_filters(request, now=read_clock(), usual=USUAL)
    by = request.GET.get("by", "")
    by = by if by in BREAKDOWNS else BREAKDOWNS[0]
    address = reverse("metrics:voice")
    kept = "" if by == BREAKDOWNS[0] else by
    context = {
        "filters": filters,
        "bar": filter_bar(filters, request.user, address=address, keep={"by": kept}),
        "views": _views("answers", filters),
        "panels": [(_panel_name(name), f"{reverse('metrics:voice_panel', args=[name])}?{filters.query(by=kept)}") for name in PANELS],
        "breakdowns": [(words.dimension(each), f"{address}?{filters.query(by='' if each == BREAKDOWNS[0] else each)}", each == by) for each in BREAKDOWNS],
    }
    return render(request, "metrics/voice.html", context, status=400 if filters.faults else 200)


def _panel_name(name: str) -> str:
    if name in SCORES:
        return str(CATALOGUE[name].title)
    return {"topics": _("Topics that move"), "loop": _("Closing the loop"), "silent": _("Who is silent")}[name]


@login_required
@require_GET
@kept_panel
def voice_panel(request: SignedInRequest, name: str) -> HttpResponseBase:
    """One panel as a fragment, and its charts as files."""
    _reads_voice(request)
    filters = read_filters(request, now=read_clock(), usual=USUAL)
    if name not in PANELS or filters.faults:
        raise Http404
    by = request.GET.get("by", "")
    by = by if by in BREAKDOWNS else BREAKDOWNS[0]
    context: dict[str, Any] = {"name": name, "filters": filters, "by": by, "sees_rows": request.user.role != Role.ANALYST}
    charts: list[Chart] = []
    if name in SCORES:
        panel = score_panel(name, filters, by=by, user=request.user)
        context, charts = {**context, "panel": panel}, [panel.months, panel.spread]
    elif name == "topics":
        context["movers"] = movers(request.user, filters)
    elif name == "loop":
        found = loop(request.user, filters)
        context, charts = {**context, "loop": found}, [found.months]
    else:
        groups = silent_groups(request.user, filters)
        context |= {"groups": groups, "silent": sum(group.silent for group in groups), "customers": sum(group.customers for group in groups)}
    file = chart_file(request, charts)
    if file is not None:
        return file
    return render(request, f"metrics/_voice_{'score' if name in SCORES else name}.html", context)


@login_required
@require_GET
def voice_silent(request: SignedInRequest) -> HttpResponse:
    """The silent customers; analysts see figures alone."""
    _reads_voice(request)
    filters = read_filters(request, now=read_clock(), usual=USUAL)
    if request.user.role == Role.ANALYST or filters.faults:
        raise Http404
    unasked, segment = request.GET.get("asked") == "never", request.GET.get("of")
    rows, mark = silent_accounts(request.user, filters, segment=segment, unasked=unasked, after=request.GET.get("after", ""))
    place = {**({"of": segment} if segment is not None else {}), **({"asked": "never"} if unasked else {})}
    query = filters.query()
    context = {
        "rows": rows,
        "unasked": unasked,
        "group": "" if segment is None else group_names("segment", []).get(segment, _("without a segment")),
        "back": reverse("metrics:voice") + f"?{query}",
        "next": f"?{query}&{urlencode({**place, 'after': mark})}" if mark else "",
        "first": f"?{query}&{urlencode(place)}" if request.GET.get("after") else "",
    }
    return render(request, "metrics/voice_silent.html", context)


def _money_choice(request: SignedInRequest, now: dt.datetime) -> tuple[str, dt.date, str]:
    """The kind of score and the date of an address; and what is wrong with the date."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    kind, usual, text = request.GET.get("kind", ""), default_day(now, zone), request.GET.get("on", "").strip()
    kind = kind if kind in KINDS else KINDS[0]
    if not text:
        return kind, usual, ""
    try:
        day = dt.date.fromisoformat(text)
        if not dt.date(2000, 1, 1) <= day < dt.date(2200, 1, 1):
            raise ValueError
    except ValueError:
        return kind, usual, _("“%(given)s” is no day between 2000 and 2199 (YYYY-MM-DD).") % {"given": text}
    return kind, day, ""


@login_required
@require_GET
def voice_money(request: SignedInRequest) -> HttpResponseBase:
    """Bands of scores at a date against the money after it."""
    _reads_voice(request)
    now = read_clock()
    filters = read_filters(request, now=now, usual=USUAL)
    kind, day, fault = _money_choice(request, now)
    narrowed = {name: getattr(filters, name) for name in ("segment", "owner", "plan", "country") if getattr(filters, name)}
    query = urlencode({"kind": kind, "on": day.isoformat(), **narrowed})

    def build() -> dict[str, Any]:
        rows_url = "" if request.user.role == Role.ANALYST else reverse("metrics:voice_money_accounts")
        page = money_page(kind, question_at(day, now=now, user=request.user, filters=filters.filters), rows_url=rows_url, query=query)
        return {"page": page, "kind": kind, "charts": charts_of(page)}

    part = ""
    if not fault and not filters.faults:
        try:
            file = chart_file(request, build()["charts"]) if request.GET.get("export") else None
            if file is not None:
                return file
            part = kept_html(request, filters, "voice:money", "metrics/_voice_money.html", build, more=query)
        except WrongQuestion as wrong:
            fault = str(wrong)
    address = reverse("metrics:voice_money")
    context = {
        "part": part,
        "fault": fault,
        "kind": kind,
        "day": request.GET.get("on") or day.isoformat(),
        "filters": filters,
        "bar": filter_bar(filters, request.user, address=address, without_compare=True),
        "views": _views("money", filters),
        "kinds": [(KIND_NAMES[each], f"{address}?{urlencode({'kind': each, 'on': day.isoformat(), **narrowed})}", each == kind) for each in KINDS],
        "clear": address,
    }
    return render(request, "metrics/voice_money.html", context, status=400 if fault or filters.faults else 200)


@login_required
@require_GET
def voice_money_accounts(request: SignedInRequest) -> HttpResponse:
    """The accounts behind a cell, with what they paid before and after; analysts see figures alone."""
    _reads_voice(request)
    now = read_clock()
    filters = read_filters(request, now=now, usual=USUAL)
    kind, day, fault = _money_choice(request, now)
    band, side = request.GET.get("band", ""), request.GET.get("side", "all")
    if request.user.role == Role.ANALYST or fault or filters.faults or band not in bands_of(kind) or side not in SIDES:
        raise Http404
    try:
        question = question_at(day, now=now, user=request.user, filters=filters.filters)
    except WrongQuestion:
        raise Http404 from None
    page = accounts_page(kind, question, band=band, side=side, after=request.GET.get("after", ""), user=request.user)
    narrowed = {name: getattr(filters, name) for name in ("segment", "owner", "plan", "country") if getattr(filters, name)}
    here = {"kind": kind, "on": day.isoformat(), **narrowed}
    place = {**here, "band": band, "side": side}
    context = {
        "page": page,
        "kind": KIND_NAMES[kind],
        "day": day,
        "until": question.until,
        "back": f"{reverse('metrics:voice_money')}?{urlencode(here)}",
        "next": f"?{urlencode({**place, 'after': page.after})}" if page.after else "",
        "first": f"?{urlencode(place)}" if request.GET.get("after") else "",
    }
    return render(request, "metrics/voice_money_accounts.html", context)
