"""Absences and who covers them."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions.covers import CoverRefused, end_cover, set_cover
from accounts.forms.covers import CoverForm
from accounts.models import Cover, User
from accounts.queries.clock import read_clock
from accounts.roles import WRITES_ACCOUNTS, Role
from accounts.signed_in import SignedInRequest

MOST = 100


def _in_reach(user: User) -> QuerySet[Cover]:
    """The covers a person may see: an admin all, a lead those of the team, everybody the own, on either side."""
    covers = Cover.objects.select_related("absent", "substitute")
    if user.role == Role.ADMIN:
        return covers
    mine = Q(absent=user) | Q(substitute=user)
    return covers.filter(mine | Q(absent__team_id=user.team_id)) if user.role == Role.MANAGER and user.team_id else covers.filter(mine)


def _endable(user: User, cover: Cover) -> bool:
    """Whoever may tell of an absence may end it; a substitute alone may not."""
    return user.role == Role.ADMIN or cover.absent_id == user.pk or (user.role == Role.MANAGER and user.team_id is not None and cover.absent.team_id == user.team_id)


@login_required
@require_http_methods(["GET", "POST"])
def covers(request: SignedInRequest) -> HttpResponse:
    """Present and coming absences, and a new one."""
    user = request.user
    if user.role not in WRITES_ACCOUNTS:
        raise Http404
    now = read_clock()
    form = CoverForm(request.POST if request.method == "POST" else None, user=user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = set_cover(now=now, **form.values)
            except CoverRefused as fault:
                form.refuse(fault)
            else:
                messages.success(request, _("%(who)s covers for %(absent)s.") % {"who": made.substitute.name, "absent": made.absent.name})
                return redirect("accounts:covers")
    rows = [
        {"cover": row, "running": row.starts_at <= now, "last": timezone.localtime(row.ends_at - dt.timedelta(seconds=1)).date(), "endable": _endable(user, row)}
        for row in _in_reach(user).filter(ends_at__gt=now).order_by("starts_at", "pk")[:MOST]
    ]
    return render(request, "accounts/covers.html", {"form": form, "rows": rows}, status=status)


@login_required
@require_POST
def cover_end(request: SignedInRequest, cover_id: int) -> HttpResponse:
    """Ends a cover: the person is back."""
    if request.user.role not in WRITES_ACCOUNTS:
        raise Http404
    cover = get_object_or_404(_in_reach(request.user), pk=cover_id)
    if not _endable(request.user, cover):
        raise Http404
    end_cover(cover=cover, now=read_clock())
    messages.success(request, _("%(absent)s is back; the book is open to nobody else any more.") % {"absent": cover.absent.name})
    return redirect("accounts:covers")
