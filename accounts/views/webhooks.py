"""Webhooks in the settings: which addresses are told what happens here, how it went, and sending it again.

Admins see all of them, leads those that act for themselves; everybody else finds nothing here.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions import webhooks as actions
from accounts.actions.webhook_calls import content_of
from accounts.actions.work_items import StaleVersion
from accounts.forms.webhooks import EndpointForm, ReplayForm
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.queries import webhooks as reading
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_PROGRAMMES
from accounts.signed_in import SignedInRequest


def _only_leads(request: SignedInRequest) -> None:
    if request.user.role not in WRITES_PROGRAMMES:
        raise Http404


def _endpoint(request: SignedInRequest, pk: int) -> WebhookEndpoint:
    _only_leads(request)
    return get_object_or_404(WebhookEndpoint.objects.visible_to(request.user).select_related("acts_for"), pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def webhooks(request: SignedInRequest) -> HttpResponse:
    """Those that go out and come in; a new one, whose secret is shown once."""
    _only_leads(request)
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.create_endpoint(fields=form.terms(), actor=request.user, now=read_clock())
            return render(request, "accounts/webhook_secret.html", {"endpoint": made})
        except ValidationError as fault:
            form.add_error(None, fault)
    context = {"form": form, "outgoing": reading.outgoing(request.user), "incoming": reading.incoming(request.user)}
    return render(request, "accounts/webhooks.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def webhook(request: SignedInRequest, pk: int) -> HttpResponse:
    """One of them: its terms, and the log of what was sent."""
    found = _endpoint(request, pk)
    if request.method == "GET":
        return _page(request, found)
    form = EndpointForm(request.POST)
    if form.is_valid():
        try:
            actions.change_endpoint(endpoint_id=pk, fields=form.terms(), actor=request.user, now=read_clock(), version=form.cleaned_data["version"])
            messages.success(request, _("The webhook is saved."))
            return redirect("accounts:webhook", pk)
        except ValidationError as fault:
            form.add_error(None, fault)
        except StaleVersion:
            form.add_error(None, _("Somebody changed it meanwhile. What you typed stands below; saving again puts it over theirs."))
            typed = request.POST.copy()
            typed["version"] = str(found.version)
            form.data = typed
            return _page(request, found, form=form, status=409)
    return _page(request, found, form=form, status=422)


def _page(request: SignedInRequest, found: WebhookEndpoint, *, form: EndpointForm | None = None, replay: ReplayForm | None = None, status: int = 200) -> HttpResponse:
    state, before = request.GET.get("status", ""), request.GET.get("before", "")
    state = state if state in WebhookDelivery.Status.values else ""
    page = reading.deliveries(found, status=state, before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None)
    shown = form or EndpointForm(initial={"url": found.url, "description": found.description, "kinds": found.kinds, "version": found.version})
    states = [(value, word, page.counts[value]) for value, word in WebhookDelivery.Status.choices]
    context: dict[str, Any] = {"endpoint": found, "form": shown, "replay": replay or ReplayForm(), "page": page, "states": states, "state": state, "now": read_clock()}
    return render(request, "accounts/webhook.html", context, status=status)


@login_required
@require_POST
@never_cache
def webhook_do(request: SignedInRequest, pk: int, do: str) -> HttpResponse:
    """Tries it, switches it on or off, gives it another secret, sends a stretch again, or removes it."""
    found, now = _endpoint(request, pk), read_clock()
    if do == "test":
        actions.send_test(endpoint_id=pk, now=now)
        messages.success(request, _("A test leaves within seconds; it will stand in the log."))
    elif do in {"on", "off"}:
        try:
            actions.change_endpoint(endpoint_id=pk, fields={"active": do == "on"}, actor=request.user, now=now)
        except ValidationError as fault:
            messages.error(request, " ".join(fault.messages))
    elif do == "rotate":
        return render(request, "accounts/webhook_secret.html", {"endpoint": actions.rotate_secret(endpoint_id=pk, actor=request.user, now=now), "rotated": True})
    elif do == "replay":
        form = ReplayForm(request.POST)
        if not form.is_valid():
            return _page(request, found, replay=form, status=422)
        try:
            count = actions.replay_since(endpoint_id=pk, since=form.cleaned_data["since"], until=None, delivered_too=form.cleaned_data["delivered_too"], now=now)
        except ValidationError as fault:
            form.add_error(None, fault)
            return _page(request, found, replay=form, status=422)
        messages.success(request, ngettext("%(count)d delivery will be sent.", "%(count)d deliveries will be sent.", count) % {"count": count})
    elif do == "remove":
        actions.remove_endpoint(endpoint_id=pk, actor=request.user, now=now)
        messages.success(request, _("The webhook is removed."))
        return redirect("accounts:webhooks")
    else:
        raise Http404
    return redirect("accounts:webhook", pk)


def _delivery(request: SignedInRequest, pk: int, delivery: int) -> WebhookDelivery:
    rows = _endpoint(request, pk).deliveries.select_related("endpoint", "event__account", "event__contact")
    return get_object_or_404(rows, pk=delivery)


@login_required
@require_GET
@never_cache
def webhook_delivery(request: SignedInRequest, pk: int, delivery: int) -> HttpResponse:
    """One delivery: its body and every attempt."""
    row = _delivery(request, pk, delivery)
    body = json.dumps(content_of(row), indent=2, ensure_ascii=False) if row.event_id is None or row.event is not None else ""
    return render(request, "accounts/webhook_delivery.html", {"endpoint": row.endpoint, "delivery": row, "attempts": row.attempts.all()[:50], "body": body})


@login_required
@require_POST
def webhook_again(request: SignedInRequest, pk: int, delivery: int) -> HttpResponse:
    """Sends one once more."""
    row = _delivery(request, pk, delivery)
    actions.replay_deliveries(ids=[row.pk], now=read_clock())
    messages.success(request, ngettext("%(count)d delivery will be sent.", "%(count)d deliveries will be sent.", 1) % {"count": 1})
    return redirect("accounts:webhook_delivery", pk, delivery)
