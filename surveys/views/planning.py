"""The planner's pages: the dry run (who would be asked, and why not) and the ledger of all decisions."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.roles import READS_PROGRAMMES
from surveys.models import Invitation, Touchpoint
from surveys.queries.decisions import PERIODS, USUAL_PERIOD, LedgerFilter, ledger
from surveys.queries.dry_run import PlanLine
from surveys.queries.plan_page import MOST, plan_page
from surveys.views.plan_wording import DECISIONS, REASONS, detail, local_time, reason_word
from surveys.views.tabs import tabs_for
from surveys.wording import shipped_name

# how far from now a dry run may look; beyond, nothing is known
_LOOK_AHEAD, _LOOK_BACK = dt.timedelta(days=366), dt.timedelta(days=366)


def reader(request: HttpRequest) -> User:
    """Who asks. Raises Http404 for those who see no decisions."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    if request.user.role not in READS_PROGRAMMES:
        raise Http404
    return request.user


def touchpoint_names() -> dict[str, str]:
    """Every touchpoint's name by its key; "" is a direct request."""
    return {**{row.key: shipped_name(row) for row in Touchpoint.objects.order_by("id")}, "": _("asked for directly")}


def _moment(text: str, now: dt.datetime) -> tuple[dt.datetime, str]:
    """The instant asked for, in the reader's zone where it names none, and what was wrong with it."""
    if not text:
        return now, ""
    try:
        # a plus that came as a space out of the address
        found = dt.datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text and text.count(" ") == 1 else text.strip())
    except ValueError:
        return now, _("“%(text)s” is no day and time; this is the dry run of now.") % {"text": text[:40]}
    if found.tzinfo is None:
        found = timezone.make_aware(found)
    if not now - _LOOK_BACK <= found <= now + _LOOK_AHEAD:
        return now, _("A dry run looks at most a year from now; this is the one of now.")
    return found.astimezone(dt.UTC), ""


@login_required
@require_GET
def dry_run(request: HttpRequest, key: str = "") -> HttpResponse:
    """Who would be asked at an instant, who waits and who is not asked; nothing is written, no mail and no link is made."""
    user, names = reader(request), touchpoint_names()
    touchpoint = key or request.GET.get("touchpoint", "")
    if key:
        get_object_or_404(Touchpoint, key=key)
    touchpoint = touchpoint if touchpoint in names else ""
    decision = request.GET.get("decision", "") if request.GET.get("decision") in DECISIONS else ""
    reason = request.GET.get("reason", "") if request.GET.get("reason") in REASONS else ""
    now = read_clock().replace(microsecond=0)
    as_of, problem = _moment(request.GET.get("as_of", ""), now)
    found = plan_page(user, as_of=as_of, touchpoint=touchpoint, decision=decision, reason=reason, mark=request.GET.get("after", ""))
    asked = {"as_of": as_of.isoformat(), "touchpoint": touchpoint, "decision": decision, "reason": reason}
    context = {
        "found": found,
        "rows": [_row(line, names) for line in found.lines],
        "totals": [
            {
                "word": word,
                "count": found.by_decision.get(value, 0),
                "href": f"?{urlencode({**asked, 'decision': value, 'reason': ''})}",
                "value": value,
                "reasons": [
                    {"word": reason_word(name), "count": count, "href": f"?{urlencode({**asked, 'decision': value, 'reason': name})}"}
                    for (of, name), count in found.by_reason.most_common()
                    if of == value and value != "send"
                ],
            }
            for value, word in DECISIONS.items()
        ],
        "as_of": as_of,
        "as_of_field": timezone.localtime(as_of).strftime("%Y-%m-%dT%H:%M"),
        "problem": problem,
        "touchpoint": touchpoint,
        "decision": decision,
        "reason": reason,
        "touchpoints": [(value, name) for value, name in names.items() if value],
        "decisions": DECISIONS.items(),
        "reasons": sorted(((value, str(word)) for value, word in REASONS.items()), key=lambda pair: pair[1]),
        "most": MOST,
        "next": f"?{urlencode({**asked, 'after': found.mark})}" if found.mark else "",
        "tabs": tabs_for(user, "surveys:decisions"),
    }
    return render(request, "surveys/dry_run.html", context)


def _row(line: PlanLine, names: dict[str, str]) -> dict[str, Any]:
    return {
        "line": line,
        "touchpoint": names.get(line.touchpoint, line.touchpoint),
        "word": DECISIONS[line.decision],
        "reason": reason_word(line.reason),
        "detail": detail(line.reason, line.evidence),
        "local": local_time(line.due_at, line.zone),
        "preview": _preview(line) if line.decision != "skip" else "",
    }


def _preview(line: PlanLine) -> str:
    """The mail as this contact will see it; empty where nothing shows it."""
    if line.version_id is None or not line.language:
        return ""
    try:
        page = reverse("surveys:preview", args=[line.version_id, line.language, "mail"])
    except NoReverseMatch:
        return ""
    return f"{page}?contact={line.contact_id}" if line.contact_id else page


@login_required
@require_GET
def decisions(request: HttpRequest) -> HttpResponse:
    """The ledger: every decision, sent or not, with the rule that made it, its value and its limit."""
    user, names = reader(request), touchpoint_names()
    asked = request.GET
    days = int(asked["days"]) if asked.get("days", "").isascii() and asked.get("days", "").isdigit() and int(asked["days"]) in PERIODS else USUAL_PERIOD
    touchpoint = asked.get("touchpoint", "")
    chosen = LedgerFilter(
        touchpoint=touchpoint if touchpoint == "direct" or touchpoint in names else "",
        status=asked.get("status", "") if asked.get("status") in Invitation.Status.values else "",
        reason=asked.get("reason", "") if asked.get("reason") in Invitation.SkipReason.values else "",
        days=days,
        account=asked.get("account", "").strip()[:100],
    )
    found = ledger(user, chosen, mark=asked.get("after", ""), now=read_clock())
    for row in found.rows:
        row.rule = reason_word(row.skip_reason) if row.skip_reason else reason_word(row.decision.get("waits_for", ""))
        row.detail = detail(row.skip_reason or row.decision.get("waits_for", ""), row.decision)
        row.touchpoint_name = names.get(row.touchpoint.key if row.touchpoint else "", "")
    values = {"touchpoint": chosen.touchpoint, "status": chosen.status, "reason": chosen.reason, "days": str(days), "account": chosen.account}
    context = {
        "found": found,
        "chosen": chosen,
        "reasons": Invitation.SkipReason.choices,
        "statuses": Invitation.Status.choices,
        "periods": [(count, ngettext("Last %(count)s day", "Last %(count)s days", count) % {"count": count} if count else _("All of the time")) for count in PERIODS],
        "touchpoints": [*((value, name) for value, name in names.items() if value), ("direct", names[""])],
        "next": f"?{urlencode({**values, 'after': found.mark})}" if found.mark else "",
        "tabs": tabs_for(user, "surveys:decisions"),
    }
    return render(request, "surveys/decisions.html", context)
