"""The filter builder of the list of accounts and its saved views: what is asked becomes an address, and an address gets a name."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions.saved_views import TooManyViews, remove_view, rename_view, save_view
from accounts.forms.rules import RuleField
from accounts.forms.saved_views import SavedViewForm
from accounts.queries.accounts import LONGEST_RULE, AccountFilter, chosen_columns, read_rule_text, short_json
from accounts.queries.clock import read_clock
from accounts.queries.saved_views import own_views, readable
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import list_address, list_page

PAGE = "accounts"


class FilterForm(forms.Form):
    """The conditions of the list."""

    rule = RuleField(required=False)

    def clean_rule(self) -> str:
        """The rule as it stands in an address. Refuses one that is too long for that."""
        found = self.cleaned_data["rule"]
        text = short_json(found) if found else ""
        if len(text) > LONGEST_RULE:
            raise forms.ValidationError(_("These are too many conditions for a list. Make a segment of them."))
        return read_rule_text(text)[0]


def _toolbar(request: SignedInRequest) -> AccountFilter:
    """The filters beside the rule: those of the toolbar as they stand, else those of the address."""
    given = request.POST if request.htmx else QueryDict(request.POST.get("query", ""))
    return AccountFilter.read(given, read_clock())


@require_http_methods(["GET", "POST"])
@login_required
def account_filter(request: SignedInRequest) -> HttpResponse:
    """The builder of the list's conditions; takes them and shows the list under them. Stores nothing."""
    if request.method == "GET":
        chosen = AccountFilter.read(request.GET, read_clock())
        form = FilterForm(initial={"rule": chosen.asked.rule.json if chosen.asked else None})
        if request.htmx:
            return render(request, "accounts/_list_conditions.html", {"chosen": chosen, "builder": form["rule"], "without_rule": list_address(chosen, rule="")})
        return list_page(request, chosen, form=form)
    form, chosen = FilterForm(request.POST), _toolbar(request)
    if not form.is_valid():
        # what was typed stays; the list below is the one from before
        return list_page(request, chosen, form=form, status=422)
    address = list_address(chosen, rule=form.cleaned_data["rule"])
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


@require_POST
@login_required
def account_columns(request: SignedInRequest) -> HttpResponse:
    """Shows the list with the columns that were ticked; they are part of the address."""
    chosen = AccountFilter.read(QueryDict(request.POST.get("query", "")), read_clock())
    return redirect(list_address(chosen, cols=chosen_columns(request.POST.getlist("cols"))))


@require_POST
@login_required
def view_save(request: SignedInRequest) -> HttpResponse:
    """Keeps the list as it stands under a name."""
    if request.user.role == Role.ANALYST:
        raise PermissionDenied
    chosen = AccountFilter.read(QueryDict(request.POST.get("query", "")), read_clock())
    form = SavedViewForm(request.POST, may_share=request.user.role in WRITES_ACCOUNTS)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 80 characters."))
        return redirect(list_address(chosen))
    try:
        view = save_view(owner=request.user, page=PAGE, name=form.cleaned_data["name"], query=readable(chosen.query()), shared=form.cleaned_data.get("shared", False))
    except TooManyViews:
        messages.error(request, _("You keep 100 views of this list already: remove one first."))
    else:
        messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(list_address(chosen))


@require_http_methods(["GET", "POST"])
@login_required
def view_edit(request: SignedInRequest, view_id: int) -> HttpResponse:
    """Renames, shares or removes one of one's own views."""
    view = get_object_or_404(own_views(request.user).filter(page=PAGE), pk=view_id)
    may_share = request.user.role in WRITES_ACCOUNTS
    form = SavedViewForm(request.POST or None, may_share=may_share, initial={"name": view.name, "shared": view.shared})
    if request.method == "POST" and request.POST.get("do") == "remove":
        remove_view(view=view)
        messages.success(request, _("The view “%(name)s” is removed.") % {"name": view.name})
        return redirect(reverse("accounts:list"))
    if request.method == "POST" and form.is_valid():
        try:
            rename_view(view=view, name=form.cleaned_data["name"], shared=form.cleaned_data.get("shared", False))
        except IntegrityError:
            form.add_error("name", _("You have another view of this name."))
        else:
            return redirect(f"{reverse('accounts:list')}?{view.query}")
    context = {"view": view, "form": form, "address": f"{reverse('accounts:list')}?{view.query}"}
    return render(request, "accounts/saved_view.html", context, status=422 if form.errors else 200)
