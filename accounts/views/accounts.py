"""The list of accounts, its export, and the page of one account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Account, User
from accounts.models.snapshots import Band
from accounts.money import from_micros
from accounts.queries import account_page
from accounts.queries import accounts as listing
from accounts.queries.accounts import AccountFilter
from accounts.queries.clock import read_clock
from accounts.queries.rule_matches import names_of_rows
from accounts.queries.saved_views import views_of
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.rules import sentence
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from accounts.wording import segment_name, stage_name


def account_or_404(user: User, account_id: int) -> Account:
    """An account the user may see. Raises Http404 for every other one."""
    account = listing.visible_account(user, account_id)
    if account is None:
        raise Http404
    return account


@require_GET
@login_required
def account_list(request: SignedInRequest) -> HttpResponse:
    """The accounts the reader may see, filtered and ordered by the address; further rows as a fragment."""
    return list_page(request, AccountFilter.read(request.GET, read_clock()))


def list_page(request: SignedInRequest, chosen: AccountFilter, *, form: Any = None, status: int = 200) -> HttpResponse:
    """The list under a filter; with `form` the builder of its conditions stands open."""
    page = listing.page(request.user, chosen, request.GET.get("after", ""))
    context: dict[str, Any] = {"chosen": chosen, "page": page, "address": list_address(chosen), "more": _more(chosen, page.after), "columns": _columns(chosen)}
    if request.htmx and "after" in request.GET:
        return render(request, "accounts/_list_rows.html", context)
    numbers = listing.segment_numbers(request.user, chosen)
    asked = chosen.asked
    context |= {
        "tabs": [(tab, list_address(chosen, segment=tab.segment.key if tab.segment else listing.NO_SEGMENT)) for tab in numbers or listing.segment_tabs()],
        "numbered": numbers is not None,
        "all_address": list_address(chosen, segment=""),
        "all_accounts": sum(tab.accounts for tab in numbers or ()),
        "all_mrr": sum(tab.mrr_micros for tab in numbers or ()),
        "found": listing.count(request.user, chosen),
        "owners": list(listing.owners(request.user)),
        "bands": Band.choices,
        "export": f"{reverse('accounts:export')}?{chosen.query()}",
        "reset": list_address(AccountFilter(sort=chosen.sort, cols=chosen.cols)),
        "without_rule": list_address(chosen, rule=""),
        "continued": bool(request.GET.get("after")),
        "rule_sentence": sentence(asked.rule, names_of_rows()) if asked else "",
        "builder": form["rule"] if form is not None else None,
        "choosable": _choosable(chosen),
        "views": views_of(request.user, "accounts"),
        "may_share": request.user.role in WRITES_ACCOUNTS,
        "may_save": request.user.role != Role.ANALYST,
    }
    response = render(request, "accounts/list.html", context, status=status)
    if request.htmx and form is None:
        # the address stays as short as what was chosen
        response["HX-Push-Url"] = context["address"]
    return response


def list_address(chosen: AccountFilter, **changes: str) -> str:
    """The address of the list under a filter with some parts changed."""
    query = chosen.query(**changes)
    return reverse("accounts:list") + (f"?{query}" if query else "")


def _more(chosen: AccountFilter, after: str) -> str:
    address = list_address(chosen)
    return f"{address}{'&' if '?' in address else '?'}{listing.urlencode({'after': after})}" if after else ""


def column_names() -> dict[str, str]:
    """What the columns of the table are called."""
    return {
        "health": _("Health"), "mrr": _("MRR"), "stake": _("At stake"), "nps": "NPS", "csat": "CSAT", "tickets": _("Tickets"), "touch": _("Last touch"),
        "renewal": _("Renewal"), "owner": _("Owner"), "stage": _("Stage"), "plan": _("Plan"), "country": _("Country"), "potential": _("Potential a month"),
        "risk": _("Churn risk"), "use": _("Use, 28 days"), "seen": _("Last seen"), "payments": _("Failed payments"), "signed_up": _("Signed up"), "tags": _("Tags"),
    }  # fmt: skip


_NUMBERS = frozenset({"mrr", "stake", "nps", "csat", "tickets", "potential", "risk", "use", "payments"})


def _columns(chosen: AccountFilter) -> list[dict[str, str]]:
    """The columns from the name on; for those that order the list the address of a press on them and what a screen reader says of it."""
    names, columns = {"name": _("Account"), **column_names()}, []
    for key in ("name", *chosen.columns):
        column = {"key": key, "text": names[key], "class": "n" if key in _NUMBERS else "", "address": "", "sort": ""}
        if key in listing.ORDERS:
            order, current = listing.ORDERS[key], chosen.sort.removeprefix("-") == key
            turned = current and not chosen.sort.startswith("-")
            descending = order.descending != chosen.sort.startswith("-")
            column |= {"address": list_address(chosen, sort=f"-{key}" if turned else key), "sort": ("descending" if descending else "ascending") if current else ""}
        columns.append(column)
    return columns


def _choosable(chosen: AccountFilter) -> list[tuple[str, str, bool]]:
    names = column_names()
    return [(key, names[key], key in chosen.columns) for key in listing.COLUMNS]


@require_GET
@login_required
def export(request: SignedInRequest) -> StreamingHttpResponse:
    """The filtered list as CSV, each row once, safe to open in a spreadsheet."""
    chosen = AccountFilter.read(request.GET, read_clock())
    currency = settings.REPORTING_CURRENCY
    header = [
        _("External id"), _("Account"), _("Segment"), _("Plan"), _("Stage"), _("Country"), _("Owner"), _("Health"), _("Health 28 days before"), _("Band"),
        _("MRR, %(currency)s") % {"currency": currency}, _("At stake, %(currency)s") % {"currency": currency}, _("Last NPS"), _("CSAT, 90 days"),
        _("Open tickets"), _("Last touch"), _("Renewal"),
    ]  # fmt: skip
    rows = (
        [
            row.account.external_id, row.account.name, segment_name(row.segment), row.account.plan, stage_name(row.account.lifecycle_stage), row.account.country,
            str(row.owner or ""), _score(row.health), _score(row.health_before), row.get_band_display(), from_micros(row.mrr_micros), from_micros(row.stake_micros),
            row.nps, row.csat_mean, row.open_tickets, row.last_touch_at and row.last_touch_at.isoformat(timespec="seconds"), row.renews_on,
        ]
        for row in listing.everything(request.user, chosen)
    )  # fmt: skip
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="accounts-{timezone.localdate(read_clock()):%Y-%m-%d}.csv"'
    return response


def _score(hundredths: int | None) -> float | None:
    return None if hundredths is None else hundredths / 100


@require_GET
@login_required
def account(request: SignedInRequest, account_id: int) -> HttpResponse:
    """One account: the vital numbers at once, panels of every app loaded side by side."""
    return account_shell(request, account_or_404(request.user, account_id), only="")


def account_shell(request: SignedInRequest, found: Account, *, only: str, status: int = 200, **context: Any) -> HttpResponse:
    """The page around the panels: all of them, or only one under its own address."""
    now = read_clock()
    return render(
        request,
        "accounts/account.html",
        {
            "account": found,
            "snapshot": found.snapshot,
            "cover": account_page.cover_of(found, now),
            "counts": account_page.counts(found, request.user),
            "only": only,
            "may_write": request.user.role in WRITES_ACCOUNTS,
            "yearly_micros": found.snapshot.mrr_micros * 12,
            **context,
        },
        status=status,
    )
