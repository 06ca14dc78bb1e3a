"""Use and completeness of facts: the panel of an account, the list of what to fill, and what plans include."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Account, Segment, User
from accounts.queries.accounts import owners
from accounts.queries.clock import read_clock
from accounts.roles import Role
from metrics.actions.plan_features import choose_features
from metrics.usage import worklist
from metrics.usage.completeness import completeness_of
from metrics.usage.panel import use_panel
from metrics.usage.plans import MOST_FEATURES, plan_told, plans
from metrics.usage.worklist import GapFilter
from metrics.views.chart_files import chart_file

# whose lists of rows these are not
NO_ROWS = frozenset({Role.AGENT, Role.ANALYST})
WRITES_PLANS = frozenset({Role.ADMIN, Role.MANAGER})


def _reader(request: HttpRequest) -> User:
    return cast(User, request.user)


@login_required
@require_GET
def use(request: HttpRequest, account_id: int) -> HttpResponseBase:
    """What an account does with the product, and how complete the facts about it are: a fragment, or a page around it where no script asks."""
    account = get_object_or_404(Account.objects.visible_to(_reader(request)).select_related("snapshot"), pk=account_id)
    now = read_clock()
    panel = use_panel(account=account, as_of=now)
    answer = chart_file(request, [panel.chart])
    if answer is not None:
        return answer
    context = {"account": account, "use": panel, "told": completeness_of(account_ids=[account.pk], now=now).get(account.pk)}
    return render(request, "metrics/_use_panel.html" if getattr(request, "htmx", False) else "metrics/use.html", context)


@login_required
@require_GET
def gaps(request: HttpRequest) -> HttpResponse:
    """What to fill, ranked by what it settles."""
    user = _reader(request)
    if user.role in NO_ROWS:
        raise PermissionDenied
    chosen, after = GapFilter.read(request.GET.dict()), request.GET.get("after", "")
    found = worklist.page(user, chosen, after=after, now=read_clock())
    context: dict[str, Any] = {
        "chosen": chosen, "page": found, "count": worklist.count(user, chosen), "totals": [(one, chosen.query(kind=one.key)) for one in worklist.totals(user)],
        "all": chosen.query(kind=""), "next": chosen.query(after=found.after) if found.after else "", "first": chosen.query() if after else "",
        "segments": Segment.objects.all(), "owners": owners(user),
    }  # fmt: skip
    return render(request, "metrics/gaps.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def plan_features(request: HttpRequest) -> HttpResponse:
    """What each plan includes; leads and admins choose it, for whoever has the plan."""
    user = _reader(request)
    if request.method == "POST":
        if user.role not in WRITES_PLANS:
            raise PermissionDenied
        plan, numbers = request.POST.get("plan", "").replace("\x00", "")[:120], request.POST.getlist("feature")[:MOST_FEATURES]
        if plan_told(plan) is None:
            messages.error(request, _("No account has this plan any more."))
            return redirect("metrics:plan_features")
        choose_features(plan=plan, feature_ids=[int(number) for number in numbers if number.isdecimal() and len(number) < 19], actor=user, now=read_clock())
        messages.success(request, _("Saved. It counts from this moment on; days before keep what they had."))
        return redirect(f"{reverse('metrics:plan_features')}?{urlencode({'plan': plan})}")
    found = plans()
    asked = request.GET.get("plan", found[0].plan if found else "").replace("\x00", "")[:120]
    return render(request, "metrics/plan_features.html", {"plans": found, "told": plan_told(asked) if found else None, "writes": user.role in WRITES_PLANS})
