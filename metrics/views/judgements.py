"""What people judge beside the score: pulse and override on the account page, and the list of signs that disagree."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import wording
from accounts.models import Account, User
from accounts.models.snapshots import Band
from accounts.queries.clock import read_clock
from accounts.roles import Role
from metrics.actions.health_models import rule_of
from metrics.actions.judgements import Refused, decide, end_override, give_pulse, override_health
from metrics.explained import latest, models_by_id, source_name
from metrics.health.judgements import PAGE, Clash, clashes, current_override, current_pulse, latest_decisions, missing_parts
from metrics.models import Disagreement, HealthOverride, Pulse

HISTORY = 5
MISSING_SHOWN = 3


def _reader(request: HttpRequest) -> User:
    return cast(User, request.user)


def _changeable(request: HttpRequest, account_id: int) -> Account:
    return get_object_or_404(Account.objects.changeable_by(_reader(request)), pk=account_id)


def pulse_words() -> list[tuple[int, str]]:
    """The five values in the reader's language, the best first."""
    return [(5, _("safe")), (4, _("good")), (3, _("uncertain")), (2, _("shaky")), (1, _("nearly lost"))]


def _panel(request: HttpRequest, account: Account, *, refused: Refused | None = None, status: int = 200) -> HttpResponse:
    now, user = read_clock(), _reader(request)
    row, missing = latest(account.pk), []
    if row is not None:
        missing = missing_parts(rule_of(models_by_id({row.model_id})[row.model_id]), row.raws)[:MISSING_SHOWN]
    words = dict(pulse_words())
    pulse = current_pulse(account.pk, now)
    context: dict[str, Any] = {
        "account": account, "pulse": pulse, "pulse_word": words.get(pulse.value, "") if pulse else "", "override": current_override(account.pk, now), "words": pulse_words(),
        "older": [(old, words[old.value]) for old in Pulse.objects.filter(account=account).select_related("author")[:HISTORY] if not pulse or old.pk != pulse.pk],
        "bands": Band.choices, "missing": [(source_name(source), wording.percent(share / 10_000)) for source, share in missing],
        "may_write": Account.objects.changeable_by(user).filter(pk=account.pk).exists(), "refused": refused, "typed": request.POST, "today": now,
    }  # fmt: skip
    template = "metrics/_judgements.html" if getattr(request, "htmx", False) else "metrics/judgements.html"
    return render(request, template, context, status=status)


@login_required
@require_GET
def judgements(request: HttpRequest, account_id: int) -> HttpResponse:
    """Pulse, override and what is not known, of one account."""
    return _panel(request, get_object_or_404(Account.objects.visible_to(_reader(request)), pk=account_id))


@login_required
@require_POST
def pulse(request: HttpRequest, account_id: int) -> HttpResponse:
    """A new pulse with its reason."""
    account = _changeable(request, account_id)
    value = request.POST.get("value", "")
    try:
        give_pulse(
            account_id=account.pk,
            value=int(value) if value.isdecimal() and len(value) < 4 else 0,
            reason=request.POST.get("reason", ""),
            author=_reader(request),
            now=read_clock(),
        )
    except Refused as refused:
        return _panel(request, account, refused=refused, status=422)
    return _done(request, account, _("The pulse is kept. It counts for 90 days."))


@login_required
@require_POST
def override(request: HttpRequest, account_id: int) -> HttpResponse:
    """A band beside the computed one, until the end of a day."""
    account, now = _changeable(request, account_id), read_clock()
    try:
        override_health(
            account_id=account.pk, band=request.POST.get("band", ""), reason=request.POST.get("override_reason", ""), until=_end_of(request.POST.get("until", ""), now),
            author=_reader(request), now=now,
        )  # fmt: skip
    except Refused as refused:
        return _panel(request, account, refused=Refused("override_reason" if refused.field == "reason" else refused.field, str(refused)), status=422)
    return _done(request, account, _("The override stands beside the score until its day."))


def _end_of(text: str, now: dt.datetime) -> dt.datetime:
    """The first moment after a day of the organisation's zone. Raises Refused."""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Refused("until", _("Choose a day."))
    if not now.date() - dt.timedelta(days=2) <= day <= now.date() + dt.timedelta(days=3660):
        raise Refused("until", _("Choose a day that lies ahead."))
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))


@login_required
@require_POST
def override_end(request: HttpRequest, account_id: int, pk: int) -> HttpResponse:
    """Takes an override back before its day."""
    account = _changeable(request, account_id)
    end_override(override=get_object_or_404(HealthOverride, pk=pk, account=account), now=read_clock())
    return _done(request, account, _("The override is taken back."))


def _done(request: HttpRequest, account: Account, said: str) -> HttpResponse:
    if getattr(request, "htmx", False):
        return _panel(request, account)
    messages.success(request, said)
    return redirect(account.get_absolute_url())


# ── Where two signs disagree ─────────────────────────────────────────────────


def _sign(clash: Clash) -> tuple[str, str]:
    """Both signs of a row in words."""
    if clash.kind == Disagreement.PULSE_SCORE:
        word = dict(pulse_words())[int(clash.first)]
        return _("Pulse %(value)s of 5, %(word)s") % {"value": clash.first, "word": word}, _("Health %(score)s, %(band)s") % {
            "score": wording.points(clash.snapshot.health), "band": wording.band_name(clash.second),
        }  # fmt: skip
    nps = _("NPS answer %(score)s of 10") % {"score": clash.second}
    if clash.kind == Disagreement.CSAT_NPS:
        return _("CSAT %(mean)s of 5 over %(count)s ratings") % {"mean": wording.number(clash.snapshot.csat_mean or 0), "count": clash.snapshot.csat_count}, nps
    return _("Use %(change)s in 28 days") % {"change": wording.percent(clash.snapshot.usage_trend or 0)}, nps


@login_required
@require_GET
def disagreements(request: HttpRequest) -> HttpResponse:
    """The undecided disagreements of one kind, and what was decided last. Analysts see no rows."""
    user = _reader(request)
    if user.role == Role.ANALYST:
        raise Http404
    kind = request.GET.get("kind", Disagreement.PULSE_SCORE.value)
    if kind not in Disagreement.values:
        raise Http404
    found = clashes(user=user, kind=kind, now=read_clock(), after=_after(request))
    rows = [{"clash": clash, "signs": _sign(clash), "id": f"{clash.snapshot.pk}"} for clash in found[:PAGE]]
    more = f"{found[PAGE - 1].snapshot.mrr_micros},{found[PAGE - 1].snapshot.pk}" if len(found) > PAGE else ""
    may_write = set(Account.objects.changeable_by(user).filter(pk__in=[clash.snapshot.pk for clash in found]).values_list("pk", flat=True))
    context = {
        "rows": rows, "kind": kind, "kinds": Disagreement.choices, "more": more, "may_write": may_write, "decisions": latest_decisions(user),
    }  # fmt: skip
    return render(request, "metrics/disagreements.html", context)


def _after(request: HttpRequest) -> tuple[int, int] | None:
    """The last row of the page before. Raises Http404 for anything else."""
    text = request.GET.get("after", "")
    if not text:
        return None
    mrr, _comma, pk = text.partition(",")
    if not (mrr.lstrip("-").isdecimal() and pk.isdecimal() and len(text) < 40):
        raise Http404
    return int(mrr), int(pk)


@login_required
@require_POST
def disagreement_decide(request: HttpRequest, account_id: int) -> HttpResponse:
    """Keeps which sign is trusted, as both stood when the person looked."""
    account, kind = _changeable(request, account_id), request.POST.get("kind", "")
    back = f"{reverse('metrics:disagreements')}?kind={kind}" if kind in Disagreement.values else reverse("metrics:disagreements")
    try:
        decide(
            account_id=account.pk, kind=kind, trusts=request.POST.get("trusts", ""), note=request.POST.get("note", ""), first=request.POST.get("first", "")[:40],
            second=request.POST.get("second", "")[:40], user=_reader(request), now=read_clock(),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, _("%(account)s: %(reason)s") % {"account": account.name, "reason": refused})
    else:
        messages.success(request, _("%(account)s is decided. It comes back when one of the signs changes, at the latest after 90 days.") % {"account": account.name})
    return redirect(back)
