"""Views under the common filters: what cannot be read is answered once, the same way everywhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts.models import User
from accounts.queries.clock import read_clock
from metrics.filters import Filters, filter_bar, read_filters

View = Callable[..., HttpResponseBase]


def filtered(usual: str = "last_month") -> Callable[[View], View]:
    """The view gets the filters of the address as its second argument; a fault is a page (or fragment) of 400 that names the field.

    Stands under `login_required`. `usual` is the preset where the address names none.
    """

    def wrap(view: View) -> View:
        @wraps(view)
        def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            chosen = read_filters(request, now=read_clock(), usual=usual)
            if chosen.faults:
                return refused(request, chosen)
            return view(request, chosen, *args, **kwargs)

        return read

    return wrap


def refused(request: HttpRequest, chosen: Filters) -> HttpResponse:
    """The page that names what could not be read; a fragment gets the sentences alone."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse("; ".join(chosen.faults.values()), status=400, content_type="text/plain; charset=utf-8")
    return render(request, "metrics/filter_fault.html", {"bar": filter_bar(chosen, cast(User, request.user), address=request.path)}, status=400)
