"""Metrics: the overview in parts, and the cards of every dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.models import User
from metrics.dashboards.base import bands_by_segment, scores
from metrics.dashboards.cards import OVERVIEW, card
from metrics.dashboards.changes import changes
from metrics.dashboards.risks import risks
from metrics.filters import Filters, filter_bar
from metrics.kpis.catalogue import CATALOGUE
from metrics.views.filtered import filtered
from metrics.views.kept import kept_fragment


def reader_of(request: HttpRequest) -> User:
    """The signed-in reader; `login_required` has seen to it."""
    return cast(User, request.user)


def _health(user: User, chosen: Filters) -> dict[str, Any]:
    found = scores(user, chosen)
    return {"segments": bands_by_segment(user, chosen), "scores": found, "charts": [found.chart]}


PARTS: dict[str, Callable[[User, Filters], dict[str, Any]]] = {
    "risks": lambda user, chosen: {"risks": risks(user, chosen)},
    "health": _health,
    "changes": lambda user, chosen: {"changes": changes(user, chosen)},
}


def places(address: str, names: tuple[str, ...] | list[str], query: str) -> list[tuple[str, str]]:
    """The parts of a page with the addresses they load from."""
    return [(name, f"{reverse(address, args=[name])}{f'?{query}' if query else ''}") for name in names]


@login_required
@require_GET
@filtered()
def overview(request: HttpRequest, chosen: Filters) -> HttpResponse:
    """The overview: filters, and the places of its cards and parts, which load one by one."""
    query = chosen.query()
    context = {
        "bar": filter_bar(chosen, reader_of(request), address=reverse("metrics:overview")),
        "chosen": chosen,
        "cards": [(CATALOGUE[name], address) for name, address in places("metrics:card", OVERVIEW, query)],
        "parts": places("metrics:overview_part", list(PARTS), query),
    }
    return render(request, "metrics/overview.html", context)


@login_required
@require_GET
@filtered()
def overview_part(request: HttpRequest, chosen: Filters, name: str) -> HttpResponseBase:
    """One part of the overview as a fragment."""
    if name not in PARTS:
        raise Http404
    return kept_fragment(request, chosen, f"overview:{name}", f"metrics/_overview_{name}.html", lambda: PARTS[name](reader_of(request), chosen))


@login_required
@require_GET
@filtered()
def kpi_card(request: HttpRequest, chosen: Filters, name: str) -> HttpResponseBase:
    """One card as a fragment."""
    if name not in CATALOGUE:
        raise Http404
    return kept_fragment(request, chosen, f"card:{name}", "metrics/_card.html", lambda: {"card": card(name, user=reader_of(request), chosen=chosen)})
