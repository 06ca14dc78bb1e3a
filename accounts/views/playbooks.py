"""Playbooks: the list, the page of one, switching it on and off, its runs with their log."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import Playbook
from accounts.playbooks.telling import outline, say_audience, say_caps, say_summary, say_trigger, shown_name
from accounts.queries import playbooks as reading
from accounts.queries.clock import read_clock
from accounts.queries.playbooks import Entry
from accounts.queries.rule_matches import names_of_rows as names
from accounts.rules.telling import Names
from accounts.signed_in import SignedInRequest


def entry_or_404(request: SignedInRequest, key: str) -> Entry:
    """A playbook the reader may see. Raises Http404 for every other one."""
    entry = reading.entry_of(request.user, key, now=read_clock())
    if entry is None:
        raise Http404
    return entry


def writes(request: SignedInRequest) -> bool:
    """Whether the reader's role writes playbooks."""
    return Playbook.objects.changeable_by(request.user).exists()


def writer_or_403(request: SignedInRequest, key: str) -> Playbook:
    """A playbook the reader may change. Raises Http404 where it is not seen, PermissionDenied where it is only read."""
    row = Playbook.objects.visible_to(request.user).filter(key=key).first()
    if row is None:
        raise Http404
    if not Playbook.objects.changeable_by(request.user).filter(pk=row.pk).exists():
        raise PermissionDenied
    return row


@require_GET
@login_required
def playbooks(request: SignedInRequest) -> HttpResponse:
    """All playbooks: what each does in a sentence, whether it is switched on, what it did."""
    if request.user.role == "analyst":
        raise Http404
    known = names()
    entries = reading.playbooks(request.user, now=read_clock())
    rows: list[dict[str, Any]] = [{"entry": entry, "name": shown_name(entry.row), "says": say_summary(entry.row, entry.shown, known)} for entry in entries]
    order = {"active": 0, "paused": 1, "ready": 2, "draft": 3, "advice": 4}
    rows.sort(key=lambda row: order[row["entry"].state])
    return render(request, "accounts/playbooks.html", {"rows": rows, "writes": writes(request), "active": sum(entry.row.active for entry in entries)})


@require_GET
@login_required
def playbook(request: SignedInRequest, key: str) -> HttpResponse:
    """What a playbook does, step by step, with its versions; an older one by `?version=`."""
    entry = entry_or_404(request, key)
    versions = list(entry.row.versions.select_related("published_by").order_by("-number"))
    asked = request.GET.get("version", "")
    shown = next((version for version in versions if asked.isdecimal() and version.number == int(asked)), entry.shown)
    known = names()
    context = page_context(entry, known, here="steps") | {
        "shown": shown, "versions": versions, "steps": outline(shown.steps if shown else [], known), "advice": entry.row.steps if shown is None else [],
        "trigger": say_trigger(shown.trigger, known) if shown else "", "audience": say_audience(shown, known) if shown else "", "caps": say_caps(shown, known) if shown else [],
        "writes": writes(request), "may_start": request.user.role in {"admin", "manager", "csm"},
    }  # fmt: skip
    return render(request, "accounts/playbook.html", context)


def page_context(entry: Entry, known: Names, *, here: str) -> dict[str, Any]:
    """What every page of a playbook shows in its head."""
    return {"entry": entry, "playbook": entry.row, "name": shown_name(entry.row), "says": say_summary(entry.row, entry.shown, known), "here": here}


@require_GET
@login_required
def playbook_past(request: SignedInRequest, key: str) -> HttpResponse:
    """How often it would have started in the past year, and what it changed: both worked out by the metrics and loaded into the page."""
    entry = entry_or_404(request, key)
    return render(request, "accounts/playbook_past.html", page_context(entry, names(), here="past") | {"writes": writes(request)})
