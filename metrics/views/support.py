"""The pages of the support lead: the dashboard with its panels, the rows behind a figure, the export of customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import wording
from accounts.models import Segment, User
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from metrics import words
from metrics.charts import Chart
from metrics.filters import Filters, Select, filter_bar, unknown_values
from metrics.kpis.question import WrongQuestion
from metrics.support import panels
from metrics.support.agents import agents
from metrics.support.customers import customers, exported
from metrics.support.desk import Desk, today_of
from metrics.support.filters import BREAKDOWNS, COUNTED, DIMENSIONS, NONE, SORTS, USUAL, SupportFilter
from metrics.support.naming import without
from metrics.support.rows import UnknownFigure, rows_page
from metrics.support.today import today
from metrics.views.chart_files import chart_file
from metrics.views.kept import kept_panel
from tickets.models import Ticket
from tickets.models.tickets import Channel, Severity
from tickets.querysets import WORKS_TICKETS

PANELS: dict[str, Callable[[Desk], dict[str, Any]]] = {
    "today": lambda desk: {"queue": today(desk)},
    "clocks": panels.clocks,
    "backlog": panels.backlog,
    "volume": panels.volume,
    "quality": panels.quality,
    "promises": panels.promises,
    "agents": agents,
    "customers": customers,
}


# filters of the account, with the words and choices of all dashboards
OF_ACCOUNTS = ("owner", "plan", "country")
COMMON = ("segment", *OF_ACCOUNTS)


def desk_of(request: SignedInRequest) -> Desk:
    """The reader's desk with the choices of the address."""
    now = read_clock()
    day, zone = today_of(now)
    chosen = SupportFilter.read(request.GET.dict(), today=day, zone=zone)
    unknown = unknown_values(request.user, {name: getattr(chosen, name) for name in COMMON})
    return Desk(request.user, replace(chosen, faults={**chosen.faults, **unknown}), now)


def _panels(desk: Desk) -> list[str]:
    return [name for name in PANELS if name != "customers" or desk.sees_money]


@login_required
@require_GET
def support(request: SignedInRequest) -> HttpResponse:
    """The dashboard: filters and the places of its panels, which load one by one; none where a filter cannot be read."""
    desk = desk_of(request)
    chosen, query = desk.chosen, desk.chosen.query()
    common = Filters(
        chosen.period, desk.now, chosen.compare, **{name: getattr(chosen, name) for name in COMMON}, usual=USUAL, faults=chosen.faults, typed=chosen.typed
    )  # fmt: skip
    clock = (("calendar", _("Times by the calendar")), ("business", _("Times by business hours")))
    context = {
        "panels": [(name, f"{reverse('metrics:support_panel', args=[name])}{f'?{query}' if query else ''}") for name in _panels(desk)],
        "bar": filter_bar(common, desk.user, address=reverse("metrics:support"), keep={"account": "" if chosen.account is None else str(chosen.account)}, more=COUNTED),
        "selects": [Select(name, word, value, tuple(choices)) for name, word, value, choices in _selects(desk) if name not in COMMON],
        "clock": Select("clock", _("Clock"), chosen.clock, clock),
        "desk": desk,
        "chosen": chosen,
        "scoped": desk.scope is not None,
        "can_open": desk.user.role in WORKS_TICKETS,
    }
    return render(request, "metrics/support.html", context, status=400 if chosen.faults else 200)


def _selects(desk: Desk) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """The filters: name, word, what is chosen, choices. Values in use, at most 200 of each."""
    tickets = Ticket.objects.filter(merged_into__isnull=True)
    if desk.scope is not None:
        tickets = tickets.filter(account__in=desk.scope)
    people = User.objects.filter(is_active=True, role__in=WORKS_TICKETS).annotate(key=F("email")).order_by("name", "pk").values_list("key", "name")[:200]
    choices: dict[str, list[tuple[str, str]]] = {
        "group": [(value, value) for value in tickets.exclude(group="").order_by("group").values_list("group", flat=True).distinct()[:200]],
        "agent": [(email, name or email) for email, name in people],
        "channel": [(key, str(label)) for key, label in Channel.choices],
        "segment": [(row.key, wording.segment_name(row)) for row in Segment.objects.all()],
        "category": [(value, value) for value in tickets.exclude(category="").order_by("category").values_list("category", flat=True).distinct()[:200]],
        "severity": [(str(value), f"{value} {label}") for value, label in reversed(Severity.choices)],
    }
    # of accounts: the choices of all dashboards
    common = Filters(desk.chosen.period, desk.now, owner=desk.chosen.owner, plan=desk.chosen.plan, country=desk.chosen.country)
    choices |= {select.name: list(select.choices) for select in filter_bar(common, desk.user, address="").selects if select.name in OF_ACCOUNTS}
    found = []
    for name in DIMENSIONS:
        value = getattr(desk.chosen, name)
        if name != "channel" and name not in OF_ACCOUNTS:
            choices[name].append((NONE, without(name)))
        if value and value not in {key for key, _word in choices[name]}:
            choices[name].append((value, value))
        found.append((name, words.dimension(name), value, choices[name]))
    return found


@login_required
@require_GET
@kept_panel
def support_panel(request: SignedInRequest, name: str) -> HttpResponseBase:
    """One panel as a fragment, and its chart as a file. Unknown names, and money for agents, do not exist."""
    desk = desk_of(request)
    if name not in _panels(desk) or desk.chosen.faults:
        raise Http404
    try:
        found = PANELS[name](desk)
    except WrongQuestion as wrong:
        return render(request, "metrics/_support_fault.html", {"fault": str(wrong)}, status=422)
    file = chart_file(request, [found["chart"]] if isinstance(found.get("chart"), Chart) else [])
    if file is not None:
        return file
    address = reverse("metrics:support_panel", args=[name])
    context = {
        **found,
        "name": name,
        "desk": desk,
        "chosen": desk.chosen,
        "breakdowns": [(words.dimension(by), f"{address}?{desk.chosen.query(by=by)}", by == desk.chosen.by) for by in BREAKDOWNS],
        "sorts": {sort: f"{address}?{desk.chosen.query(sort=sort)}" for sort in SORTS},
        "export": f"{reverse('metrics:support_customers_csv')}?{desk.chosen.query()}" if desk.sees_rows else "",
    }
    return render(request, f"metrics/_support_{name}.html", context)


@login_required
@require_GET
def support_tickets(request: SignedInRequest) -> HttpResponse:
    """The rows behind a figure. Those who see figures alone find nothing here, nor do agents what customers pay."""
    desk = desk_of(request)
    if not desk.sees_rows or desk.chosen.faults:
        raise Http404
    figure = request.GET.get("figure", "")
    try:
        week = dt.date.fromisoformat(request.GET.get("week", ""))
    except ValueError:
        week = None
    fault, page = "", None
    try:
        page = rows_page(desk, figure, after=request.GET.get("after", ""), week=week)
    except UnknownFigure:
        raise Http404 from None
    except WrongQuestion as wrong:
        fault = str(wrong)
    extra = {"figure": figure, **({"week": week.isoformat()} if week else {})}
    context = {
        "page": page,
        "fault": fault,
        "chosen": desk.chosen,
        "back": f"{reverse('metrics:support')}?{desk.chosen.query(account=None)}",
        "narrowed": [
            (words.dimension(name), dict(choices).get(value, value)) for name, _word, value, choices in _selects(desk) if value
        ] + ([(_("Account"), _account_name(desk))] if desk.chosen.account is not None else []),
        "next": f"?{desk.chosen.query(extra={**extra, 'after': page.next_after})}" if page and page.next_after else "",
        "first": f"?{desk.chosen.query(extra=extra)}" if request.GET.get("after") else "",
    }  # fmt: skip
    return render(request, "metrics/support_tickets.html", context, status=400 if fault else 200)


def _account_name(desk: Desk) -> str:
    found = Ticket.objects.visible_to(desk.user).filter(account=desk.chosen.account).values_list("account__name", flat=True).first()
    return found or str(desk.chosen.account)


@login_required
@require_GET
def support_customers_csv(request: SignedInRequest) -> StreamingHttpResponse:
    """All customers with their shares as CSV; not for agents (money) and analysts (rows)."""
    desk = desk_of(request)
    if not (desk.sees_rows and desk.sees_money) or desk.chosen.faults:
        raise Http404
    head, rows = exported(desk)
    response = StreamingHttpResponse(csv_lines(head, rows, get_language() or "en"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="support-customers-{timezone.localdate(read_clock()):%Y-%m-%d}.csv"'
    return response
