"""Churn risk: the customers by what it may cost, and how far the model behind it can be trusted."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Segment
from accounts.queries.accounts import owners
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from metrics.actions.churn_models import current_model
from metrics.churn_risk.listing import RiskFilter, choices, count, page, told_of
from metrics.churn_risk.training import NEEDED
from metrics.churn_risk.wording import say_refusal
from metrics.models import ChurnModel
from metrics.views.chart_files import chart_file


@login_required
@require_GET
def churn_risk(request: SignedInRequest) -> HttpResponseBase:
    """The list (not for analysts, who see figures alone) beside validation and calibration; agents read neither."""
    user = request.user
    if user.role == Role.AGENT:
        raise PermissionDenied
    model = current_model()
    told = told_of(model) if model is not None else None
    if told is not None:
        answer = chart_file(request, told.charts.values())
        if answer is not None:
            return answer
    chosen = RiskFilter.read(request.GET.dict())
    last = ChurnModel.objects.order_by("-number").first()
    context: dict[str, Any] = {"told": told, "refusal": say_refusal(last.refusal) if last is not None else "", "needed": NEEDED, "chosen": chosen}
    if told is not None and user.role != Role.ANALYST:
        found = page(user, chosen, request.GET.get("after", ""))
        context |= {
            "page": found, "count": count(user, chosen), "segments": Segment.objects.all(), "owners": owners(user),
            "plans": choices(user, "plan"), "countries": choices(user, "country"),
            "next": chosen.query(after=found.after) if found.after else "", "first": chosen.query() if request.GET.get("after") else "",
            "by_risk": chosen.query(sort="risk"), "by_stake": chosen.query(sort="stake"),
        }  # fmt: skip
    return render(request, "metrics/churn_risk.html", context)
