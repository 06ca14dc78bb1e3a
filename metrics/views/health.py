"""Health explained, on the account page: the parts of the score and why it changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Account
from accounts.queries.clock import read_clock
from metrics.churn_risk.listing import risk_context
from metrics.explained import DAYS_BACK, explain, explain_since, latest, models_by_id, score_at
from metrics.health.replayed import replayed
from metrics.usage.completeness import completeness_of


@login_required
@require_GET
def account_panel(request: HttpRequest, account_id: int) -> HttpResponse:
    """The fragment, or a page around it where no script asks.

    `?since=YYYY-MM-DD` moves the day the change is told from (28 days back), `?day=YYYY-MM-DD` replays the stored score of that day.
    """
    account = get_object_or_404(Account.objects.visible_to(request.user).select_related("snapshot"), pk=account_id)  # type: ignore[arg-type]
    row = latest(account.pk)
    context = {
        "account": account,
        "snapshot": account.snapshot,
        "panel_id": "health",
        **risk_context(account.pk),
        "told": completeness_of(account_ids=[account.pk], now=read_clock()).get(account.pk),
    }
    if row is not None:
        since = score_at(account.pk, _day(request, "since") or row.day - dt.timedelta(days=DAYS_BACK))
        models = models_by_id({row.model_id, since.model_id} if since else {row.model_id})
        context["health"] = explain(row, models[row.model_id])
        context["days_back"] = [row.day - dt.timedelta(days=days) for days in (7, 28, 91, 182)]
        if since is not None and since.day < row.day:
            context["change"] = explain_since(row, models[row.model_id], since, models[since.model_id])
        if "day" in request.GET:
            context |= _replayed(request, account.pk)
    return render(request, "metrics/_health_panel.html" if request.htmx else "metrics/account_panel.html", context)  # type: ignore[attr-defined]


def _replayed(request: HttpRequest, account_id: int) -> dict[str, Any]:
    """What the panel shows of the day that is asked for; a day that is none, or without a score, is told."""
    day = _day(request, "day")
    if day is None:
        return {"replay_fault": _("Expected a day, as in 2027-01-31.")}
    found = replayed(account_id=account_id, day=day, now=read_clock())
    return {"asked_day": day.isoformat(), "replayed": found, "replay_fault": "" if found else _("No score is stored for this day.")}


def _day(request: HttpRequest, name: str) -> dt.date | None:
    """The day asked for; None where it is none."""
    try:
        return parse_date(request.GET.get(name, ""))
    except ValueError:
        return None
