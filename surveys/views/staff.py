"""Surveys for those who work here: decisions about single surveys and answers, the switch, an account's panel."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from surveys.actions.answers import OwnAnswer, confirm_response
from surveys.actions.sending import InDoubt, switch_sending
from surveys.actions.unknowns import NotUnknown, drop_unknown, resend_unknown
from surveys.models import Invitation, Response
from surveys.queries.rows import account_panel as panel_rows
from surveys.wording import shipped_name


def _reader(request: HttpRequest) -> User:
    """Who asks; the views that use it are behind a login."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _changeable_invitation(user: User, pk: uuid.UUID) -> Invitation:
    """The invitation, for deciding about it. Raises Http404 out of sight, PermissionDenied for those who only read."""
    row = get_object_or_404(Invitation.objects.visible_to(user), pk=pk)
    if not Invitation.objects.changeable_by(user).filter(pk=row.pk).exists():
        raise PermissionDenied
    return row


@login_required
@require_POST
def resend(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sends an uncertain survey again; its contact may get it twice."""
    row = _changeable_invitation(_reader(request), pk)
    try:
        resend_unknown(invitation_id=row.pk, now=read_clock())
    except NotUnknown:
        messages.info(request, _("It is no longer uncertain."))
    else:
        messages.success(request, _("It will be sent again within a minute."))
    return redirect("surveys:unknown")


@login_required
@require_POST
def drop(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Leaves an uncertain survey unsent."""
    row = _changeable_invitation(_reader(request), pk)
    try:
        drop_unknown(invitation_id=row.pk, now=read_clock())
    except NotUnknown:
        messages.info(request, _("It is no longer uncertain."))
    else:
        messages.success(request, _("It stays unsent."))
    return redirect("surveys:unknown")


@login_required
@require_POST
def confirm(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A person says that an answer held back as automatic is real."""
    user = _reader(request)
    row = get_object_or_404(Response.objects.visible_to(user).select_related("survey"), pk=pk)
    if not Response.objects.changeable_by(user).filter(pk=row.pk).exists():
        raise PermissionDenied
    try:
        confirm_response(response=row, actor=user, now=read_clock())
    except OwnAnswer:
        messages.error(request, _("It is about your own work: somebody else has to say that it counts."))
    else:
        messages.success(request, _("The answer counts from now on."))
    return redirect("surveys:results", row.survey.key)


@login_required
@require_POST
def sending(request: HttpRequest) -> HttpResponse:
    """The stop switch; for admins."""
    if _reader(request).role != Role.ADMIN:
        raise PermissionDenied
    enabled = request.POST.get("enabled") == "1"
    try:
        switch_sending(enabled=enabled, note=request.POST.get("note", ""))
    except InDoubt:
        messages.error(request, _("First say whether this is the installation or a copy of it."))
        return redirect("surveys:outbox")
    messages.success(request, _("Surveys are sent again.") if enabled else _("No survey leaves from now on."))
    return redirect("surveys:overview")


@login_required
@require_GET
def account_panel(request: HttpRequest, account_id: int) -> HttpResponse:
    """An account's panel: latest answers, what comes next, who was never asked."""
    user = _reader(request)
    if user.role == Role.ANALYST:
        raise Http404
    account = get_object_or_404(Account.objects.visible_to(user), pk=account_id)
    found = panel_rows(account, user)
    for row in found["answers"]:
        row.survey_name = shipped_name(row.survey)
    return render(request, "surveys/_account_panel.html", {"account": account, **found})
