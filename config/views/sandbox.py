"""The sandbox's page: copies are asked for, the clock is moved on, and every day inside is looked at."""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from typing import Any

import psycopg
from csp.decorators import csp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Sandbox, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from config.sandbox import clock, diary, place, working
from config.sandbox.form import ChoiceForm, DaysForm
from config.services import inbox, sandbox_web
from config.tasks import sandbox as work_off
from config.views.inbox import LETTER, framed

STEPS = (1, 7, 30)
# newest mails on the page; the days have them all
MAILS = 20


def _lead(request: SignedInRequest) -> User:
    """Raises Http404 for everybody but admins and managers, and inside a sandbox, which has none of its own."""
    if request.user.role not in {Role.ADMIN, Role.MANAGER} or settings.SANDBOX:
        raise Http404
    return request.user


def _may_look(user: User, row: Sandbox) -> bool:
    """The copies are of the accounts its maker sees: the maker and admins look."""
    return user.role == Role.ADMIN or (row.made_by_id is not None and row.made_by_id == user.pk)


def _mine(request: SignedInRequest) -> Sandbox:
    row = working.current()
    if row is None or not _may_look(_lead(request), row):
        raise Http404
    return row


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def page(request: SignedInRequest) -> HttpResponse:
    """The sandbox there is with its days, or the form for one."""
    user, row = _lead(request), working.current()
    if request.method == "POST":
        form = ChoiceForm(request.POST)
        if form.is_valid():
            try:
                working.ask(**form.cleaned_data, user=user, now=read_clock())
            except working.Refused as fault:
                # somebody else was faster: the page shows theirs
                messages.error(request, str(fault))
            else:
                work_off.delay_on_commit()  # type: ignore[attr-defined]
            return redirect("sandbox")
        return render(request, "config/sandbox.html", {"form": form, "row": None, "mine": False}, status=400)
    if row is None:
        return render(request, "config/sandbox.html", {"form": ChoiceForm(), "row": None, "mine": False})
    mine = _may_look(user, row)
    now = read_clock()
    # a clock that nobody moves goes on by itself
    stands = row.reached_at if row.state == Sandbox.State.MOVING else max(row.reached_at, clock.stands_at(now) or row.reached_at)
    context = {
        "row": row, "mine": mine, "steps": STEPS, "address": place.address(), "served": sandbox_web.is_served(settings.VEFA_DATA), "stands": stands,
        "busy": row.state in {"making", "moving", "ending"}, "days": _days(row, stands) if mine else [], "mails": _mails(row) if mine else [],
    }  # fmt: skip
    if row.target_at and row.state == Sandbox.State.MOVING:
        context["hours"], context["hours_done"] = _hours(row.target_at - row.began_at), _hours(row.reached_at - row.began_at)
    return render(request, "config/_sandbox_state.html" if request.htmx else "config/sandbox.html", context)


def _hours(span: dt.timedelta) -> int:
    return int(span.total_seconds() // 3600)


def _can_be_read(row: Sandbox) -> bool:
    return row.state in {Sandbox.State.READY, Sandbox.State.MOVING, Sandbox.State.FAILED} and row.accounts > 0


def _mails(row: Sandbox) -> list[dict[str, Any]]:
    try:
        return diary.mails(since=row.began_at, limit=MAILS) if _can_be_read(row) else []
    except psycopg.OperationalError:
        return []


def _days(row: Sandbox, stands: dt.datetime) -> list[dict[str, object]]:
    if not _can_be_read(row):
        return []
    try:
        found = diary.days(since=row.began_at, until=stands)
    except psycopg.OperationalError:
        # it is gone or cannot be reached; the state says more
        return []
    return [
        {
            "day": each.day, "mails": sum(each.mails.values()), "steps": sum(each.steps.values()), "skipped": each.steps["skipped"],
            "answers": each.counted("answers"), "work": each.counted("work"), "bands": each.counted("bands"), "moves": each.counted("moves"), "money": each.counted("money"),
        }
        for each in found
    ]  # fmt: skip


@login_required
@require_safe
@never_cache
def day(request: SignedInRequest, day: dt.date) -> HttpResponse:
    """One day inside, opened."""
    row = _mine(request)
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    stands = max(row.reached_at, clock.stands_at(read_clock()) or row.reached_at)
    if not row.began_at.astimezone(zone).date() <= day <= stands.astimezone(zone).date():
        raise Http404
    try:
        found = diary.opened(day=day, since=row.began_at)
    except psycopg.OperationalError:
        raise Http404 from None
    return render(request, "config/sandbox_day.html", {"row": row, "day": day, "found": found, "most": diary.MOST})


def _caught(request: SignedInRequest, mail: uuid.UUID) -> inbox.OpenedMail:
    """A mail that the sandbox's catcher kept. Raises Http404."""
    _mine(request)
    try:
        found = inbox.opened(place.data_folder(), inbox.key_of(place.data_folder(), diary.message_id(mail=mail)))
    except psycopg.OperationalError:
        raise Http404 from None
    if found is None:
        raise Http404
    return found


@login_required
@require_safe
@never_cache
def mail(request: SignedInRequest, mail: uuid.UUID) -> HttpResponse:
    """One mail that left inside, as its reader sees it; its links lead into the sandbox."""
    found = _caught(request, mail)
    return render(request, "config/sandbox_mail.html", {"mail": found, "pk": mail, "address": place.address(), "served": sandbox_web.is_served(settings.VEFA_DATA)})


@login_required
@require_safe
@never_cache
@xframe_options_sameorigin  # type: ignore[arg-type]
@csp(LETTER)  # type: ignore[arg-type]
def mail_html(request: SignedInRequest, mail: uuid.UUID) -> HttpResponse:
    """Its HTML, for the frame of its page."""
    return framed(_caught(request, mail).html)


@login_required
@require_POST
def advance(request: SignedInRequest) -> HttpResponse:
    """Moves the clock on by days."""
    _mine(request)
    form = DaysForm(request.POST)
    if form.is_valid():
        days = form.cleaned_data["days"]
        try:
            working.move_on(days=days, now=read_clock())
            work_off.delay_on_commit()  # type: ignore[attr-defined]
            messages.success(request, ngettext("The clock moves on by %(days)s day.", "The clock moves on by %(days)s days.", days) % {"days": days})
        except working.Refused as fault:
            messages.error(request, str(fault))
    else:
        messages.error(request, " ".join(str(fault) for fault in form.errors["days"]))
    return redirect("sandbox")


@login_required
@require_POST
def stop(request: SignedInRequest) -> HttpResponse:
    """Lets the clock stand."""
    _mine(request)
    working.stop()
    messages.success(request, _("The clock stands after the hour it is in."))
    return redirect("sandbox")


@login_required
@require_POST
def end(request: SignedInRequest) -> HttpResponse:
    """Removes the sandbox."""
    _mine(request)
    working.end()
    work_off.delay_on_commit()  # type: ignore[attr-defined]
    messages.success(request, _("The sandbox is being removed."))
    return redirect("sandbox")
