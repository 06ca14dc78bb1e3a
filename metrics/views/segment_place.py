"""One account and its segment: why it is there, what each rule says of it, and an override by hand with its reason and end."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, Segment
from accounts.queries.clock import read_clock
from accounts.queries.rule_matches import explain_many, names_of_rows
from accounts.rules import RuleFault
from accounts.signed_in import SignedInRequest
from metrics.actions.segment_overrides import clear_override, override_segment
from metrics.actions.segment_rules import Refused
from metrics.segments import standing
from metrics.segments.preview import place_of
from metrics.segments.reading import read_rule
from metrics.views.segment_preview import today_of


def _why(account: Account, now: dt.datetime) -> list[dict[str, Any]]:
    """Each segment with a rule in order, its conditions and the account's own values."""
    told, names = [], names_of_rows()
    for segment in Segment.objects.exclude(rule=None).order_by("position", "pk"):
        try:
            reasons = explain_many(read_rule(segment.rule), [account.pk], now=now, today=today_of(now), names=names).get(account.pk, [])
        except RuleFault:
            reasons = []
        told.append({"segment": segment, "reasons": reasons})
    return told


def _place(request: SignedInRequest, account: Account, *, refused: Refused | None = None, status: int = 200) -> HttpResponse:
    now = read_clock()
    fragment = request.htmx
    stretch = standing.stretch_of(account, now=now)
    stands = stretch is not None and stretch.is_override and (stretch.override_until is None or stretch.override_until > now)
    place = place_of(account.pk, None, now=now)
    context: dict[str, Any] = {
        "account": account, "stretch": stretch, "stands": stands, "segments": Segment.objects.order_by("position", "pk"), "refused": refused, "typed": request.POST,
        "may_write": Account.objects.changeable_by(request.user).filter(pk=account.pk).exists(), "target_id": place.target_id if place else None, "until": _last_day(stretch),
    }  # fmt: skip
    if not fragment:
        context |= {"why": _why(account, now), "history": standing.history_of(account)}
    return render(request, "metrics/_segment_place.html" if fragment else "metrics/segment_place.html", context, status=status)


def _last_day(stretch: Any) -> dt.date | None:
    """The last day of an override whose end is the first moment after it."""
    if stretch is None or stretch.override_until is None:
        return None
    return (stretch.override_until - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()


@require_GET
@login_required
def place(request: SignedInRequest, account_id: int) -> HttpResponse:
    """The account's segment and why; as a fragment without the conditions."""
    return _place(request, get_object_or_404(Account.objects.visible_to(request.user).select_related("segment"), pk=account_id))


@require_POST
@login_required
def override(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Holds the account in a segment over the rules."""
    account = get_object_or_404(Account.objects.changeable_by(request.user).select_related("segment"), pk=account_id)
    now, chosen = read_clock(), request.POST.get("segment", "")
    try:
        override_segment(
            account_id=account.pk, segment=Segment.objects.filter(key=chosen).first(), reason=request.POST.get("reason", "").replace("\x00", ""),
            until=_end_of(request.POST.get("until", "").strip(), now), author=request.user, now=now,
        )  # fmt: skip
    except Refused as refused:
        return _place(request, account, refused=refused, status=422)
    return _done(request, account.pk, _("The segment stands until somebody takes it back or its day is over."))


@require_POST
@login_required
def clear(request: SignedInRequest, account_id: int) -> HttpResponse:
    """Gives the account back to the rules."""
    account = get_object_or_404(Account.objects.changeable_by(request.user), pk=account_id)
    cleared = clear_override(account_id=account.pk, author=request.user, now=read_clock())
    return _done(request, account.pk, _("The rules place this account again.") if cleared else _("Nothing held it any more."))


def _end_of(text: str, now: dt.datetime) -> dt.datetime | None:
    """The first moment after a day of the organisation's zone; nothing is for ever. Raises Refused."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not today_of(now) <= day <= today_of(now) + dt.timedelta(days=3660):
        raise Refused("until", _("Choose a day that lies ahead."))
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))


def _done(request: SignedInRequest, account_id: int, said: str) -> HttpResponse:
    account = Account.objects.select_related("segment").get(pk=account_id)
    if request.htmx:
        return _place(request, account)
    messages.success(request, said)
    return redirect(account.get_absolute_url())
