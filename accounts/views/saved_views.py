"""The filter builder of the list of accounts and its saved views: what is asked becomes an address, and an address gets a name."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.rules import RuleField
from accounts.queries.accounts import LONGEST_RULE, AccountFilter, chosen_columns, read_rule_text, short_json
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import list_address, list_page
from accounts.views.named_views import edit_named, save_named

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
    chosen = AccountFilter.read(QueryDict(request.POST.get("query", "")), read_clock())
    return save_named(request, page=PAGE, query=chosen.query(), back=list_address(chosen))


def _address(query: str) -> str:
    return reverse("accounts:list") + (f"?{query}" if query else "")


@require_http_methods(["GET", "POST"])
@login_required
def view_edit(request: SignedInRequest, view_id: int) -> HttpResponse:
    """Renames, shares or removes one of one's own views."""
    return edit_named(request, view_id, page=PAGE, address=_address)
