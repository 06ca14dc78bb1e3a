"""Fragments kept while the facts behind them stand, some minutes at the most: by reader or whole base, filters, language and day.

Never needed: the cache may be gone.
"""

from __future__ import annotations

import functools
import hashlib
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from metrics.actions.cached import cached, keep
from metrics.actions.figure_stamps import EVERYTHING, stamp_of
from metrics.filters import Filters
from metrics.kpis.readings import one_reading
from metrics.views.chart_files import chart_file

# the age at which a fragment falls though nothing changed: figures of a running period grow with the clock
SECONDS = 300
# part of every key: raise it when the fragments change
VERSION = 4
# panels whose figures go by the minute
LIVE = frozenset({"today"})
Given = ParamSpec("Given")


def kept_fragment(
    request: HttpRequest, chosen: Filters, name: str, template: str, build: Callable[[], dict[str, Any]], *, more: str = "", facts: Iterable[str] = EVERYTHING
) -> HttpResponseBase:  # fmt: skip
    """A fragment from the cache, else built and kept; `build` gives its context, with `charts` where it has some.

    It falls as soon as any of the `facts` changes (groups of `metrics.actions.figure_stamps`).

    An address with `?export=` gets the file of one of its charts, made anew. `more` tells apart what the filters do not.
    """
    if request.GET.get("export"):
        context = build()
        return chart_file(request, context.get("charts", ())) or HttpResponse(status=404)
    return HttpResponse(kept_html(request, chosen, name, template, build, more=more, facts=facts))


def kept_html(
    request: HttpRequest, chosen: Filters, name: str, template: str, build: Callable[[], dict[str, Any]], *, more: str = "", facts: Iterable[str] = EVERYTHING
) -> SafeString:  # fmt: skip
    """The same as markup, for a page that has the fragment inside from the beginning."""
    key = _key(request, chosen, name, more, stamp_of(facts))
    html: SafeString | None = cached(key)
    if html is None:
        with one_reading():
            html = render_to_string(template, {"chosen": chosen, **build()}, request)
        # the cache keeps the kind of a text with it: one that is no markup would be shown escaped
        keep(key, html, SECONDS)
    return html


def kept_panel(view: Callable[Given, HttpResponseBase]) -> Callable[Given, HttpResponseBase]:
    """Keeps the fragments of a view by address, reader and day until a fact changes; files and refusals are made anew.

    For panels that only read, have no form and say nothing of the reader but what the role and the book tell.
    """

    @functools.wraps(view)
    def panel(*args: Given.args, **kwargs: Given.kwargs) -> HttpResponseBase:
        request = args[0]
        assert isinstance(request, HttpRequest)
        if request.GET.get("export") or kwargs.get("name") in LIVE:
            return view(*args, **kwargs)
        today = read_clock().astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date().isoformat()
        key = _hashed(request, [request.get_full_path(), str(bool(request.headers.get("HX-Request"))), today, stamp_of(EVERYTHING)])
        html = cached(key)
        if html is not None:
            return HttpResponse(html)
        with one_reading():
            response = view(*args, **kwargs)
        if response.status_code == 200 and isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html"):
            keep(key, response.content.decode(), SECONDS)
        return response

    return panel


def _key(request: HttpRequest, chosen: Filters, name: str, more: str, stamp: str) -> str:
    return _hashed(request, [name, chosen.key, more, stamp])


def _hashed(request: HttpRequest, parts: list[str]) -> str:
    user = request.user
    assert isinstance(user, User)
    # who sees everything shares; analysts share figures without rows; everybody else has a book of their own
    who = user.role if user.role in {Role.ADMIN, Role.VIEWER, Role.ANALYST} else f"{user.role}:{user.pk}"
    whole = [str(VERSION), connection.settings_dict["NAME"], who, translation.get_language() or "", user.time_zone or "", *parts]
    return f"dashboard:{hashlib.sha256(chr(0).join(whole).encode()).hexdigest()}"
