"""Metrics: the overview and its cards."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.http import require_GET

from accounts.models import User
from metrics.dashboards import bands_by_segment, card, names_of_cards
from metrics.kpis.catalogue import CATALOGUE

CARD_SECONDS = 300


def _reader(request: HttpRequest) -> User:
    """The signed-in reader; `login_required` has seen to it."""
    return cast(User, request.user)


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The overview: cards load one by one, so that a slow figure never holds up the page."""
    return render(request, "metrics/overview.html", {"cards": [CATALOGUE[name] for name in names_of_cards()], "segments": bands_by_segment(_reader(request))})


@login_required
@require_GET
def kpi_card(request: HttpRequest, name: str) -> HttpResponse:
    """One card; kept for five minutes a reader."""
    if name not in CATALOGUE:
        raise Http404
    user = _reader(request)
    key = f"card:{connection.settings_dict['NAME']}:{name}:{user.pk}:{user.role}:{translation.get_language()}"
    html = _kept(key)
    if html is None:
        html = render(request, "metrics/_card.html", {"card": card(name, user=user, now=timezone.now())}).content.decode()
        _keep(key, html)
    return HttpResponse(html)


def _kept(key: str) -> str | None:
    """What the cache has; nothing where it cannot be reached, since a card must not need it."""
    try:
        return cache.get(key)
    except Exception:  # any fault of any cache client means the same: not kept
        return None


def _keep(key: str, html: str) -> None:
    try:
        cache.set(key, html, CARD_SECONDS)
    except Exception:  # noqa: S110 - see _kept
        pass
