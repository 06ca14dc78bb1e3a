"""The queue of renewals: who renews when, what is expected, and the calls that say so."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from redis.exceptions import RedisError

from accounts import wording
from accounts.actions.renewal_calls import CallRefused, call_renewal
from accounts.actions.work_items import StaleVersion
from accounts.forms.renewals import CallForm
from accounts.models import Account, RenewalCall, Segment, User
from accounts.queries.clock import read_clock
from accounts.queries.renewals import WINDOWS, Sums, history, page, sums
from accounts.queries.work_filter import Reader, reader_of
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest

READS = WRITES_ACCOUNTS | {Role.VIEWER}
# sums over many books are read again after this many seconds
KEPT_SECONDS = 120


def _reader(request: SignedInRequest, now: dt.datetime) -> Reader:
    """The reader's reach. Raises Http404 for those who see no book."""
    if request.user.role not in READS:
        raise Http404
    return reader_of(request.user, now=now)


def _today(now: dt.datetime) -> dt.date:
    return now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


def _owners(request: SignedInRequest, reader: Reader) -> tuple[tuple[int, ...] | None, str]:
    """Whose renewals are listed: everybody's within reach, or one person's."""
    asked = request.GET.get("owner", "")
    if asked == "me":
        return (reader.user_id,), asked
    if asked.isascii() and asked.isdecimal() and len(asked) < 10:
        return ((int(asked),) if reader.books is None or int(asked) in reader.books else ()), asked
    return reader.books, ""


@login_required
@require_GET
def renewals(request: SignedInRequest) -> HttpResponse:
    """One window of the queue, the nearest first."""
    now = read_clock()
    reader, today = _reader(request, now), _today(now)
    window = request.GET.get("window", "30") if request.GET.get("window") in WINDOWS else "30"
    call = request.GET.get("call", "") if request.GET.get("call") in {*RenewalCall.Call.values, "none"} else ""
    owners, owner = _owners(request, reader)
    found = page(window=window, owners=owners, today=today, call=call, after=request.GET.get("after", ""))
    segments = Segment.objects.in_bulk()
    people = User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk")

    def address(**changes: str) -> str:
        parts = {"window": "" if window == "30" else window, "call": call, "owner": owner} | changes
        return reverse("accounts:renewals") + "?" + urlencode({key: value for key, value in parts.items() if value})

    labels = {"30": _("Within 30 days"), "90": _("31 to 90 days"), "180": _("91 to 180 days")}
    context = {
        "rows": [{"row": row, "segment": segments.get(row.segment_id or 0), "days": (row.renews_on - today).days, "said": _said(row.call)} for row in found.rows],
        "windows": [{"url": address(window=name), "name": labels[name], "current": name == window} for name in WINDOWS], "window": window,
        "calls": [*RenewalCall.Call.choices, ("none", _("Not called yet"))], "call": call, "owner": owner, "writes": request.user.role in WRITES_ACCOUNTS,
        "owners": (people if reader.books is None else people.filter(pk__in=reader.books))[:500] if reader.books is None or len(reader.books) > 1 else [],
        "next_url": address(after=found.after) if found.after else "", "first_url": address() if request.GET.get("after") else "",
        "here": request.get_full_path(), "sums_url": reverse("accounts:renewals_sums") + (f"?owner={owner}" if owner else ""), "narrowed": bool(call or owner),
        "clear_url": address(call="", owner=""),
    }  # fmt: skip
    return render(request, "accounts/renewals.html", context)


def _said(call: str) -> str:
    return str(RenewalCall.Call(call).label) if call else ""


@login_required
@require_GET
def renewals_sums(request: SignedInRequest) -> HttpResponse:
    """Due against expected, window by window; loaded beside the queue."""
    now = read_clock()
    reader, today = _reader(request, now), _today(now)
    owners, owner = _owners(request, reader)
    key = _sums_key(today)
    kept = owners is None
    try:
        found = cache.get(key) if kept else None
    except RedisError:
        found = None
    if found is None:
        found = sums(owners=owners, today=today)
        try:
            if kept:
                cache.set(key, found, KEPT_SECONDS)
        except RedisError:
            kept = False
    columns = [[int(row[place]) for row in found] for place in range(1, len(Sums._fields))]  # type: ignore[arg-type]
    total = Sums("all", *(sum(column) for column in columns))
    labels = {"30": _("Within 30 days"), "90": _("31 to 90 days"), "180": _("91 to 180 days"), "all": _("180 days in all")}
    return render(request, "accounts/_renewals_sums.html", {"rows": [(labels[row.window], row) for row in (*found, total)], "kept": kept, "owner": owner})


@login_required
@require_http_methods(["GET", "POST"])
def renewal_call(request: SignedInRequest, account_id: int) -> HttpResponse:
    """The calls of one renewal, and a new one."""
    now = read_clock()
    if request.user.role not in READS:
        raise Http404
    account = get_object_or_404(Account.objects.visible_to(request.user).select_related("snapshot"), pk=account_id)
    writes = Account.objects.changeable_by(request.user).filter(pk=account_id).exists()
    if request.method == "POST" and not writes:
        raise PermissionDenied
    today, renews_on = _today(now), account.snapshot.renews_on
    if renews_on is None:
        raise Http404
    current = RenewalCall.objects.filter(account=account, current=True).select_related("made_by").first()
    due = 12 * account.snapshot.mrr_micros
    terms: dict[str, Any] = {"renews_on": renews_on, "today": today, "due_micros": due, "current": current, "currency": settings.REPORTING_CURRENCY}
    form = CallForm(request.POST if request.method == "POST" else None, **terms)
    status, conflict = 200, False
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = call_renewal(account_id=account_id, actor=request.user, now=now, today=today, **form.values)
            except CallRefused as fault:
                form.refuse(fault)
            except StaleVersion:
                status, conflict = 409, True
                # what was typed stays; sent again it is a call made after the other one was seen
                data = request.POST.copy()
                data["seen"] = str(current.pk if current else 0)
                form = CallForm(data, **terms)
            else:
                return _done(request, account, made)
    context = {
        "account": account, "form": form, "history": history(account_id), "due": due, "renews_on": renews_on, "days": (renews_on - today).days, "writes": writes,
        "conflict": conflict, "current": current, "next": reverse("accounts:renewals"), "fragment": "accounts/_renewal_call.html",
        "address": reverse("accounts:renewal_call", args=[account_id]),
    }  # fmt: skip
    response = render(request, context["fragment"] if request.htmx else "accounts/work_form.html", context, status=status)
    if request.htmx:
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _sums_key(today: dt.date) -> str:
    return f"renewal-sums:{today}"


def _done(request: SignedInRequest, account: Account, made: RenewalCall) -> HttpResponse:
    try:
        cache.delete(_sums_key(_today(made.made_at)))
    except RedisError:
        # then they are two minutes old at most
        pass
    text = _("%(name)s: called “%(call)s”, %(money)s a year") % {
        "name": account.name, "call": made.get_call_display(), "money": wording.money(made.amount_micros, settings.REPORTING_CURRENCY)
    }  # fmt: skip
    if not request.htmx:
        messages.success(request, text)
        return redirect("accounts:renewals")
    response = HttpResponse()
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "undo": ""}, "close-dialog": True, "renewals-changed": True})
    return response
