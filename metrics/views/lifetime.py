"""Pages of lifetimes: cohorts as a table of colours, the curve of tenures, lifetime value, the accounts behind a cell."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics import words
from metrics.filters import Select, filter_bar, read_filters
from metrics.lifetime_page import OPENED, PRESETS, VARIANTS, LifetimeFilter, accounts_behind, cohort_table, heat_chart, kept_chart, tenure_page, value_lines, variant_of
from metrics.views.chart_files import chart_file
from metrics.views.kept import kept_html, kept_panel

USUAL = "last_12_months"


def _context(request: SignedInRequest) -> dict[str, Any]:
    now = read_clock()
    filters = read_filters(request, now=now, usual=USUAL, presets=PRESETS)
    chosen = LifetimeFilter.read(request.GET.dict(), filters)
    sees_rows = request.user.role != Role.ANALYST
    return {"chosen": chosen, "filters": filters, "variants": VARIANTS, "opened": OPENED if sees_rows else (), "now": now}


def _panel(request: SignedInRequest) -> dict[str, Any]:
    """The context of a panel. Raises Http404 where a filter cannot be read; the page has said so."""
    context = _context(request)
    if context["filters"].faults:
        raise Http404
    return context


@login_required
@require_GET
def cohorts(request: SignedInRequest) -> HttpResponse:
    """The table of cohorts; the other panels load after it, its picture when it is opened."""
    context = _context(request)
    filters, chosen, shown = context["filters"], context["chosen"], context["chosen"].variant or VARIANTS[0]

    def build() -> dict[str, Any]:
        return {**context, "table": cohort_table(user=request.user, chosen=chosen, now=context["now"])}

    context["table"] = None
    if not filters.faults:
        context["table"] = kept_html(request, filters, "cohorts:table", "metrics/_cohort_table.html", build, more=chosen.variant)
        shown = variant_of(user=request.user, chosen=chosen)
    bar = filter_bar(filters, request.user, address=reverse("metrics:cohorts"), more=PRESETS)
    follows = Select("variant", _("What is followed"), shown, tuple((name, word[:1].upper() + word[1:]) for name, word in ((name, words.variant(name)) for name in VARIANTS)))
    context |= {"bar": bar, "first_select": follows}
    return render(request, "metrics/cohorts.html", context, status=400 if filters.faults else 200)


@login_required
@require_GET
@kept_panel
def picture(request: SignedInRequest) -> HttpResponseBase:
    """The table of cohorts as a picture, with its table of numbers and its files: drawn for those who open it, it takes longer than the page."""
    context = _panel(request)
    table = cohort_table(user=request.user, chosen=context["chosen"], now=context["now"])
    context["chart"] = heat_chart(table, opened=table.variant in context["opened"])
    return chart_file(request, [context["chart"]]) or render(request, "metrics/_chart.html", context)


@login_required
@require_GET
@kept_panel
def kept(request: SignedInRequest) -> HttpResponseBase:
    """The panel of customers and revenue that stay."""
    context = _panel(request)
    context["chart"] = kept_chart(user=request.user, chosen=context["chosen"], now=context["now"])
    return chart_file(request, [context["chart"]]) or render(request, "metrics/_cohorts_kept.html", context)


@login_required
@require_GET
@kept_panel
def tenure(request: SignedInRequest) -> HttpResponseBase:
    """The panel of tenures."""
    context = _panel(request)
    context["page"] = tenure_page(user=request.user, chosen=context["chosen"], now=context["now"])
    return chart_file(request, [context["page"].chart]) or render(request, "metrics/_tenure.html", context)


@login_required
@require_GET
@kept_panel
def value(request: SignedInRequest) -> HttpResponse:
    """The panel of lifetime value."""
    context = _panel(request)
    context["lines"] = value_lines(user=request.user, chosen=context["chosen"], now=context["now"])
    return render(request, "metrics/_lifetime_value.html", context)


@login_required
@require_GET
def accounts(request: SignedInRequest) -> HttpResponse:
    """The accounts behind a cell. Analysts see no rows."""
    if request.user.role == Role.ANALYST:
        raise Http404
    context = _panel(request)
    try:
        context["behind"] = accounts_behind(
            user=request.user, chosen=context["chosen"], cohort=request.GET.get("cohort", ""), cell=int(request.GET.get("cell", "")), now=context["now"]
        )
    except ValueError:
        raise Http404 from None
    behind = context["behind"]
    context["sides"] = [(_("Still there"), behind.counts[0], behind.there), (_("Not there"), behind.counts[1], behind.gone)]
    return render(request, "metrics/cohort_accounts.html", context)
