"""The team dashboard: books, outcome, time and agents in parts, and the rows behind a figure of a person."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.dashboards.cards import against
from metrics.filters import filter_bar, read_filters
from metrics.kpis.entry import COMPONENTS
from metrics.kpis.question import WrongQuestion
from metrics.team.books import AHEAD_DAYS, add_outcome, carried, outcome_before, people_of
from metrics.team.page import ROWS, agent_lines, effort, lines_of, person_of, rows_of, teams_of, tell_outcome
from metrics.views.kept import kept_panel

USUAL = "last_12_months"
PANELS = ("books", "outcome", "effort", "agents")


def _panels(request: SignedInRequest) -> tuple[str, ...]:
    """Agents carry no book: they find their own performance."""
    return ("agents",) if request.user.role == Role.AGENT else PANELS


@login_required
@require_GET
def team(request: SignedInRequest) -> HttpResponse:
    """The dashboard: filters and the places of its panels, which load one by one."""
    filters = read_filters(request, now=read_clock(), usual=USUAL, usual_compare="none")
    names = {"books": _("Books and work"), "outcome": _("What became of the books"), "effort": _("Time against budget"), "agents": _("Agents")}
    query = filters.query()
    context = {
        "filters": filters,
        "bar": filter_bar(filters, request.user, address=reverse("metrics:team")),
        "panels": [(names[name], f"{reverse('metrics:team_panel', args=[name])}{f'?{query}' if query else ''}") for name in _panels(request)],
    }
    return render(request, "metrics/team.html", context, status=400 if filters.faults else 200)


@login_required
@require_GET
@kept_panel
def team_panel(request: SignedInRequest, name: str) -> HttpResponse:
    """One panel as a fragment."""
    filters = read_filters(request, now=read_clock(), usual=USUAL, usual_compare="none")
    if name not in _panels(request) or filters.faults:
        raise Http404
    user, sees_rows = request.user, request.user.role != Role.ANALYST
    context: dict[str, Any] = {"filters": filters, "sees_rows": sees_rows, "ahead": AHEAD_DAYS}
    if name == "agents":
        context |= {"agents": agent_lines(filters, user=user), "components": COMPONENTS}
        return render(request, "metrics/_team_agents.html", context)
    people = people_of(user, filters)
    books = carried(people, filters, user=user)
    before = None
    if name == "outcome":
        try:
            missing = add_outcome(books, people, filters, user=user)
            before, missing_before = outcome_before(people, filters, user=user)
        except WrongQuestion as wrong:
            return render(request, "metrics/_support_fault.html", {"fault": str(wrong)}, status=422)
        context |= {"missing": sorted({*missing, *missing_before}), "against": against(filters)}
    lines, teams = lines_of(people, books, filters, sees_rows=sees_rows, before=before), teams_of(people, books, before=before)
    for line in (*lines, *teams):
        tell_outcome(line, filters, sees_rows=sees_rows)
    context |= {"lines": lines, "teams": teams, "tables": [teams, lines] if teams else [lines], "effort": effort((*teams, *lines)) if name == "effort" else None}
    return render(request, f"metrics/_team_{name}.html", context)


@login_required
@require_GET
def team_rows(request: SignedInRequest) -> HttpResponse:
    """The rows behind a figure of a person; analysts see figures alone, and nobody a person outside the own reach."""
    filters = read_filters(request, now=read_clock(), usual=USUAL, usual_compare="none")
    figure = request.GET.get("figure", "")
    person = None if filters.faults else person_of(request.user, filters, request.GET.get("person", ""))
    if person is None or figure not in ROWS or request.user.role == Role.ANALYST:
        raise Http404
    rows, mark = rows_of(figure, person, filters, user=request.user, after=request.GET.get("after", ""))
    query, place = filters.query(), {"figure": figure, "person": str(person.pk)}
    context = {
        "rows": rows,
        "title": ROWS[figure],
        "figure": figure,
        "person": person,
        "filters": filters,
        "of_period": figure in {"touches", "done"},
        "back": f"{reverse('metrics:team')}{f'?{query}' if query else ''}",
        "next": f"?{query}&{urlencode({**place, 'after': mark})}" if mark else "",
        "first": f"?{query}&{urlencode(place)}" if request.GET.get("after") else "",
    }
    return render(request, "metrics/team_rows.html", context)
