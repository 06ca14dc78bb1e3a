"""The panels of an account's page. Asked for by HTMX each is a fragment; opened by its address, the page around it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts import timeline as wording_of_events
from accounts.actions.notes import add_note
from accounts.charts import step_chart
from accounts.forms.notes import NoteForm
from accounts.models import Account
from accounts.queries import account_page
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS
from accounts.signed_in import SignedInRequest
from accounts.views.accounts import account_or_404, account_shell

# a little more than two years, so that the same month two years ago is inside
CHART_DAYS = 731


def _panel(request: SignedInRequest, account: Account, name: str, status: int = 200, **context: Any) -> HttpResponse:
    context = {"account": account, "may_write": request.user.role in WRITES_ACCOUNTS, **context}
    if request.htmx:
        return render(request, f"accounts/_account_{name}.html", context, status=status)
    return account_shell(request, account, only=name, status=status, panel=f"accounts/_account_{name}.html", **context)


@require_GET
@login_required
def timeline(request: SignedInRequest, account_id: int) -> HttpResponse:
    """What happened, newest first, by day; filtered by group; older events behind a key."""
    account = account_or_404(request.user, account_id)
    group = request.GET.get("group", "")
    group = group if group in wording_of_events.GROUPS else ""
    before = request.GET.get("before", "")
    # beside the other panels the newest few are enough
    size = account_page.FIRST_EVENTS if request.htmx and not before else account_page.EVENTS
    found = account_page.stretch(account, request.user, group=group, before=before, zone=timezone.get_current_timezone(), size=size)
    context: dict[str, Any] = {
        "stretch": found,
        "group": group,
        "groups": {key: name for key, (name, _kinds) in wording_of_events.GROUPS.items()},
        "today": timezone.localdate(read_clock()),
    }
    if request.htmx and before:
        return render(request, "accounts/_account_timeline_days.html", {"account": account, **context})
    return _panel(request, account, "timeline", **context, continued=bool(before))


@require_GET
@login_required
def contacts(request: SignedInRequest, account_id: int) -> HttpResponse:
    """The people at the account: role, language, whether they may be asked."""
    account = account_or_404(request.user, account_id)
    people, more = account_page.contacts(account, request.user)
    return _panel(request, account, "contacts", people=people, more=more, now=read_clock())


@require_GET
@login_required
def money(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Subscriptions, and MRR over two years as steps with a table beside."""
    account = account_or_404(request.user, account_id)
    until = read_clock()
    since = until - dt.timedelta(days=CHART_DAYS)
    charts = []
    for currency, steps in account_page.balances(account, request.user, since=since, until=until).items():
        chart = step_chart([(step.since, step.balance_micros) for step in steps], since=since, until=until, currency=currency)
        charts.append({"currency": currency, "chart": chart, "steps": list(reversed(steps))})
    return _panel(request, account, "money", charts=charts, spans=account_page.spans(account, request.user), now=until)


@require_GET
@login_required
def work(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Open, sleeping and lately closed work of the account."""
    account = account_or_404(request.user, account_id)
    return _panel(request, account, "work", items=account_page.work(account, request.user), now=read_clock())


@login_required
@require_http_methods(["GET", "POST"])
def notes(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Notes, pinned ones first; a post writes another one."""
    account = account_or_404(request.user, account_id)
    form = NoteForm(request.POST or None)
    if request.method == "POST":
        if not Account.objects.changeable_by(request.user).filter(pk=account.pk).exists():
            raise PermissionDenied
        if form.is_valid():
            add_note(account_id=account.pk, author=request.user, body=form.cleaned_data["body"], pinned=form.cleaned_data["pinned"], now=read_clock())
            if not request.htmx:
                return redirect("accounts:notes", account.pk)
            form = NoteForm()
    return _panel(request, account, "notes", status=422 if form.errors else 200, notes=account_page.notes(account, request.user), form=form)
