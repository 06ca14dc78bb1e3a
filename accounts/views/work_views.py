"""Saved views of My work: one's own and those colleagues share. A view keeps what is asked, never rows."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms.saved_views import SavedViewForm
from accounts.forms.work import read_filter
from accounts.queries.saved_views import views_of
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
from accounts.views.named_views import edit_named, save_named
from accounts.views.work import asked_of

PAGE = "work"


def _address(query: str) -> str:
    return reverse("accounts:work") + (f"?{query}" if query else "")


@login_required
@require_GET
def work_views(request: SignedInRequest) -> HttpResponse:
    """The menu of views, loaded when it is opened, with a form that keeps the list the reader stands in."""
    if request.user.role == Role.ANALYST:
        raise Http404
    asked = read_filter(asked_of(request), request.user)
    context: dict[str, Any] = {
        "views": [{"view": view, "url": _address(view.query), "mine": view.owner_id == request.user.pk} for view in views_of(request.user, PAGE)],
        "form": SavedViewForm(may_share=request.user.role in WRITES_ACCOUNTS), "query": asked.query().lstrip("?"), "fragment": "accounts/_work_views.html",
        "next": reverse("accounts:work"),
    }  # fmt: skip
    return render(request, context["fragment"] if request.htmx else "accounts/work_form.html", context)


@login_required
@require_POST
def work_view_save(request: SignedInRequest) -> HttpResponse:
    """Keeps the list as it stands under a name."""
    query = read_filter(QueryDict(request.POST.get("query", "")[:1000]), request.user).query().lstrip("?")
    return save_named(request, page=PAGE, query=query, back=_address(query))


@login_required
@require_http_methods(["GET", "POST"])
def work_view_edit(request: SignedInRequest, view_id: int) -> HttpResponse:
    """Renames, shares or removes one of one's own views."""
    return edit_named(request, view_id, page=PAGE, address=_address)
