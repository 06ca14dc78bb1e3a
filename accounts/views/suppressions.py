"""Addresses that get no mail, for admins: look one up, stop one, let one get mail again with a reason.

Only hashes are stored, so the list names nobody; an address is typed to be found. It travels in the body
of a POST, never in an address that logs would keep.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.suppressions import GLOBAL, GUARDED, NotConfirmed, lift, stop_by_hand, suppressions_of
from accounts.forms.suppressions import AddressForm, LiftForm, StopForm
from accounts.models import Suppression
from accounts.queries.clock import read_clock
from accounts.queries.suppressions import suppression_list
from accounts.roles import Role
from accounts.signed_in import SignedInRequest


def _only_admins(request: SignedInRequest) -> None:
    if request.user.role != Role.ADMIN:
        raise Http404


@require_GET
@login_required
@never_cache
def suppressions(request: SignedInRequest) -> HttpResponse:
    """The list, the newest first."""
    _only_admins(request)
    return _page(request)


@require_POST
@login_required
@never_cache
def suppression_find(request: SignedInRequest) -> HttpResponse:
    """What is stored about an address; changes nothing."""
    _only_admins(request)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return _page(request, find=form, status=400)
    return _page(request, find=form, address=form.cleaned_data["address"])


@require_POST
@login_required
def suppression_add(request: SignedInRequest) -> HttpResponse:
    """Stops all surveys to an address."""
    _only_admins(request)
    form = StopForm(request.POST)
    if not form.is_valid():
        return _page(request, stop=form, status=400)
    if stop_by_hand(address=form.cleaned_data["address"], scope=GLOBAL, note=form.cleaned_data["note"]):
        messages.success(request, _("The address gets no surveys from this moment."))
    else:
        messages.info(request, _("The address gets no surveys already."))
    return redirect("accounts:suppressions")


@require_POST
@login_required
def suppression_lift(request: SignedInRequest, pk: int) -> HttpResponse:
    """Lets an address get mail again."""
    _only_admins(request)
    form = LiftForm(request.POST)
    address = request.POST.get("address", "")
    if not form.is_valid():
        return _page(request, address=address, refused=(pk, _("Please say why.")), status=400)
    try:
        lift(suppression_id=pk, actor=request.user, reason=form.cleaned_data["reason"], confirmed=form.cleaned_data["confirmed"], address=form.cleaned_data["address"])
    except Suppression.DoesNotExist as gone:
        raise Http404 from gone
    except NotConfirmed:
        return _page(request, address=address, refused=(pk, _("Please tick the box: this person complained, or asked to be forgotten.")), status=400)
    messages.success(request, _("The address may get surveys again. What a contact refused themselves still holds."))
    return redirect("accounts:suppressions")


def _page(
    request: SignedInRequest, *, find: AddressForm | None = None, stop: StopForm | None = None, address: str = "", refused: tuple[int, str] | None = None, status: int = 200
) -> HttpResponse:
    reason = request.GET.get("reason", "")
    before = request.GET.get("before", "")
    now = read_clock()
    known = reason if reason in Suppression.Reason.values else ""
    found = [_as_found(row, refused) for row in suppressions_of(address)] if address else []
    context: dict[str, Any] = {
        "list": suppression_list(now=now, reason=known, before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None),
        "find": find or AddressForm(), "stop": stop or StopForm(), "address": address, "found": found, "looked": bool(address), "now": now, "reason": known,
        "reasons": Suppression.Reason.choices,
    }  # fmt: skip
    return render(request, "accounts/suppressions.html", context, status=status)


def _as_found(row: Suppression, refused: tuple[int, str] | None) -> dict[str, Any]:
    return {"row": row, "guarded": row.reason in GUARDED, "problem": refused[1] if refused and refused[0] == row.pk else ""}
