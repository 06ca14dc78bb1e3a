"""Saved views of My work: one's own and those colleagues share. A view keeps what is asked, never rows."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.saved_views import TooManyViews, remove_view, rename_view, save_view
from accounts.forms.saved_views import SavedViewForm
from accounts.forms.work import read_filter
from accounts.queries.saved_views import own_views, readable, views_of
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
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
    if request.user.role == Role.ANALYST:
        raise PermissionDenied
    query = read_filter(QueryDict(request.POST.get("query", "")[:1000]), request.user).query().lstrip("?")
    form = SavedViewForm(request.POST, may_share=request.user.role in WRITES_ACCOUNTS)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 80 characters."))
        return redirect(_address(query))
    try:
        view = save_view(owner=request.user, page=PAGE, name=form.cleaned_data["name"], query=readable(query), shared=form.cleaned_data.get("shared", False))
    except TooManyViews:
        messages.error(request, _("You keep 100 views of this list already: remove one first."))
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(_address(query))


@login_required
@require_http_methods(["GET", "POST"])
def work_view_edit(request: SignedInRequest, view_id: int) -> HttpResponse:
    """Renames, shares or removes one of one's own views."""
    view = get_object_or_404(own_views(request.user).filter(page=PAGE), pk=view_id)
    form = SavedViewForm(request.POST or None, may_share=request.user.role in WRITES_ACCOUNTS, initial={"name": view.name, "shared": view.shared})
    if request.method == "POST" and request.POST.get("do") == "remove":
        remove_view(view=view)
        messages.success(request, _("The view “%(name)s” is removed.") % {"name": view.name})
        return redirect("accounts:work")
    if request.method == "POST" and form.is_valid():
        try:
            rename_view(view=view, name=form.cleaned_data["name"], shared=form.cleaned_data.get("shared", False))
        except IntegrityError:
            form.add_error("name", _("You have another view of this name."))
        else:
            return redirect(_address(view.query))
    return render(request, "accounts/work_view.html", {"view": view, "form": form, "address": _address(view.query)}, status=422 if form.errors else 200)
