"""How work is ranked: the assumptions behind it, and why one item stands above another."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts import wording
from accounts.actions.work_items import StaleVersion
from accounts.actions.work_ranks import change_assumption
from accounts.forms.work import read_filter
from accounts.forms.work_ranking import AssumptionForm
from accounts.models import User, WorkAssumption
from accounts.queries.clock import read_clock
from accounts.queries.effort import Effort, over_budget
from accounts.queries.work_compare import FACTORS, Compared, Ranked, assumptions, compare, ranked, two_items
from accounts.queries.work_filter import reader_of
from accounts.roles import Role
from accounts.views.work import asked_of, reader_days, spent
from accounts.views.work_actions import home, pairs_of
from accounts.views.work_rows import group_names, money, say_time

CHANGES = frozenset({Role.ADMIN, Role.MANAGER})


@login_required
@require_http_methods(["GET", "POST"])
def work_ranking(request: HttpRequest) -> HttpResponse:
    """What each kind of work is thought to save and to take; admins and leads change it, whoever has work reads it."""
    user: User = request.user  # type: ignore[assignment]
    if user.role == Role.ANALYST:
        raise Http404
    writes = user.role in CHANGES
    if request.method == "POST" and not writes:
        raise PermissionDenied
    rows = list(WorkAssumption.objects.select_related("changed_by"))
    forms = [AssumptionForm(request.POST if request.method == "POST" else None, row=row) for row in rows]
    conflict = False
    # every form is looked at, so that each fault stands at its field
    faulty = [form for form in forms if request.method == "POST" and not form.is_valid()]
    if request.method == "POST" and not faulty:
        try:
            with transaction.atomic():
                for form in forms:
                    change_assumption(actor=user, now=read_clock(), **form.values)
        except StaleVersion:
            conflict = True
            rows = list(WorkAssumption.objects.select_related("changed_by"))
        else:
            messages.success(request, _("Saved. The order of open work follows within a minute."))
            return redirect("accounts:work_ranking")
    status = 409 if conflict else 422 if request.method == "POST" else 200
    context: dict[str, Any] = {"lines": list(zip(rows, forms, strict=True)), "writes": writes, "conflict": conflict}
    return render(request, "accounts/work_ranking.html", context, status=status)


@login_required
@require_GET
def work_compare(request: HttpRequest) -> HttpResponse:
    """Why one of two chosen items stands above the other, in words and part by part."""
    user: User = request.user  # type: ignore[assignment]
    items = two_items(user, list(pairs_of(request.GET.getlist("w")))[:2])
    if len(items) != 2:
        raise Http404
    now = read_clock()
    days, reader = reader_days(now), reader_of(user, now=now)
    over = over_budget(spent(read_filter(asked_of(request), user), reader, days, now))
    assumed = assumptions()
    found = compare(*(ranked(item, days=days, over=over, assumptions=assumed) for item in items))
    context: dict[str, Any] = {"found": found, "words": say(found, over), "lines": _lines(found, over), "next": home(request), "fragment": "accounts/_work_compare.html"}
    return render(request, context["fragment"] if request.htmx else "accounts/work_form.html", context)  # type: ignore[attr-defined]


def say(found: Compared, over: dict[int, Effort]) -> str:
    """What decides, in one or two sentences."""
    upper, lower = found.upper, found.lower
    names = group_names()
    told: dict[str, Any] = {
        "upper": upper.item.account.name, "lower": lower.item.account.name, "group": names[upper.group], "other": names[lower.group],
        "hour": money(upper.hour), "less": money(lower.hour),
    }  # fmt: skip
    if found.decided_by == "group":
        return _("%(upper)s stands above because of its date: “%(group)s” comes before “%(other)s”.") % told
    if found.decided_by == "budget":
        told["segment"] = wording.segment_name(over[lower.item.segment_id or 0])
        return _("%(lower)s stands below because %(segment)s has used more of this month's hours than planned.") % told
    if found.decided_by == "age":
        return _("An hour saves as much at both; %(upper)s was opened first.") % told
    why = {
        "yearly": _("Most of that is its yearly revenue."), "risk": _("Most of that is its risk."), "saves": _("Most of that is how much this kind of work saves."),
        "minutes": _("Most of that is how little time this kind of work takes."),
    }  # fmt: skip
    return _("An hour on %(upper)s is expected to save %(hour)s, one on %(lower)s %(less)s.") % told + " " + why[found.most]


def _lines(found: Compared, over: dict[int, Effort]) -> list[dict[str, Any]]:
    names = group_names()
    heads = {
        "group": _("Date"), "budget": _("Hours of the segment"), "yearly": _("Yearly revenue"), "risk": _("Risk"), "saves": _("Share saved"), "minutes": _("Expected time"),
        "hour": _("An hour saves"),
    }  # fmt: skip

    def cell(each: Ranked, name: str) -> str:
        if name == "group":
            return f"{names[each.group]}, {wording.exact(timezone.localtime(each.due_at).date())}"
        if name == "budget":
            return _("over plan") if each.sunk else _("within plan")
        if name == "risk":
            if each.risk is None:
                return _("not known")
            return (_("%(share)s (from health)") if each.by_health else _("%(share)s (churn risk)")) % {"share": wording.percent(each.risk)}
        if name == "saves":
            return wording.percent(each.saves)
        return say_time(each.minutes) if name == "minutes" else money(each.yearly if name == "yearly" else each.hour)

    rows = ("group", *(["budget"] if over else []), *FACTORS, "hour")
    return [{"head": heads[name], "upper": cell(found.upper, name), "lower": cell(found.lower, name), "decides": name in {found.decided_by, found.most}} for name in rows]
