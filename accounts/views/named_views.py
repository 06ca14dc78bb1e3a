"""Saving a list as it stands under a name, and changing that name: the same for every list that keeps views."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts.actions.saved_views import TooManyViews, remove_view, rename_view, save_view
from accounts.forms.saved_views import SavedViewForm
from accounts.queries.saved_views import own_views, readable
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest


def save_named(request: SignedInRequest, *, page: str, query: str, back: str) -> HttpResponse:
    """Keeps what is asked of a list under the name in the form, and leads back to it. Analysts see no rows, so they keep no lists."""
    if request.user.role == Role.ANALYST:
        raise PermissionDenied
    form = SavedViewForm(request.POST, may_share=request.user.role in WRITES_ACCOUNTS)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 80 characters."))
        return redirect(back)
    try:
        view = save_view(owner=request.user, page=page, name=form.cleaned_data["name"], query=readable(query), shared=form.cleaned_data.get("shared", False))
    except TooManyViews:
        messages.error(request, _("You keep 100 views of this list already: remove one first."))
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(back)


def edit_named(request: SignedInRequest, view_id: int, *, page: str, address: Callable[[str], str]) -> HttpResponse:
    """Renames, shares or removes one of one's own views; `address` gives the list's for a query, "" for none."""
    view = get_object_or_404(own_views(request.user).filter(page=page), pk=view_id)
    form = SavedViewForm(request.POST or None, may_share=request.user.role in WRITES_ACCOUNTS, initial={"name": view.name, "shared": view.shared})
    if request.method == "POST" and request.POST.get("do") == "remove":
        remove_view(view=view)
        messages.success(request, _("The view “%(name)s” is removed.") % {"name": view.name})
        return redirect(address(""))
    if request.method == "POST" and form.is_valid():
        try:
            rename_view(view=view, name=form.cleaned_data["name"], shared=form.cleaned_data.get("shared", False))
        except IntegrityError:
            form.add_error("name", _("You have another view of this name."))
        else:
            return redirect(address(view.query))
    context = {"view": view, "form": form, "address": address(view.query), "list_address": address("")}
    return render(request, "accounts/saved_view.html", context, status=422 if form.errors else 200)
