"""Programmes: the overview, and leading one on by a step (in place with script, by page without)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.collation import search_key
from accounts.models import Installation, User
from accounts.queries.clock import read_clock
from accounts.roles import READS_PROGRAMMES, WRITES_PROGRAMMES, Role
from surveys.actions.programme_changes import NothingProposed, approve_change, drop_change
from surveys.actions.programmes import ApprovalNeeded, NothingPublished, OwnApproval, StaleProgramme, take_step
from surveys.models import Touchpoint
from surveys.programme_state import STEPS, WrongStep
from surveys.programme_words import phrases
from surveys.queries.programmes import Programme, journey_gaps, programme_rows
from surveys.views.programme_wording import Names, sentence_text, state_icon, state_word
from surveys.views.tabs import tabs_for
from surveys.wording import shipped_name

# what waits for somebody stands first, what is over last
_ORDER = ("review", "active", "paused", "draft", "ended")
REFUSALS = (WrongStep, StaleProgramme, OwnApproval, ApprovalNeeded, NothingPublished, NothingProposed)


def reader(request: HttpRequest) -> User:
    """Who asks; the views that use it are behind a login. Raises PermissionDenied for a stranger."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def address(name: str, *candidates: Any) -> str:
    """The address of a page that another part brings, by the first argument (or tuple of them) it takes; empty while it is not there."""
    for candidate in candidates:
        try:
            return reverse(name, args=candidate if isinstance(candidate, tuple) else [candidate])
        except NoReverseMatch:
            continue
    return ""


def shown(entry: Programme, names: Names) -> dict[str, Any]:
    """A programme as its row shows it."""
    row = entry.row
    return {
        "entry": entry, "row": row, "name": shipped_name(row), "survey_name": shipped_name(row.survey), "sentence": sentence_text(row, names), "state": row.state,
        "state_word": state_word(row.state), "state_icon": state_icon(row.state), "results": address("surveys:results", row.survey.key),
    }  # fmt: skip


@login_required
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """All programmes as sentences, with what came of them in 90 days and what comes next; and moments nobody asks about."""
    user, now = reader(request), read_clock()
    if user.role not in READS_PROGRAMMES | {Role.ANALYST}:
        raise Http404
    names = Names.read()
    entries = [shown(entry, names) for entry in programme_rows(user, now=now)]
    entries.sort(key=lambda entry: _ORDER.index(entry["state"]))
    writes = user.role in WRITES_PROGRAMMES
    words = phrases(get_language())
    context = {
        "entries": [entry for entry in entries if entry["state"] != "ended"],
        "ended": [entry for entry in entries if entry["state"] == "ended"],
        "counts": [(state_word(state), count) for state in _ORDER if (count := sum(entry["state"] == state for entry in entries))],
        "gaps": [{**gap, "moment": words.capital(words.at_once[gap["kind"]]), "survey_name": names.surveys.get(gap["survey"], "")} for gap in journey_gaps(now=now)]
        if writes
        else [],
        "tabs": tabs_for(user, "surveys:overview"),
        "installation": Installation.current(),
        "may_switch": user.role == Role.ADMIN,
        "writes": writes,
        "reads": user.role in READS_PROGRAMMES,
    }
    return render(request, "surveys/overview.html", context)


def programme_for(user: User, key: str, *, writing: bool = False) -> Touchpoint:
    """The programme of a key. Raises Http404 out of sight, PermissionDenied for those who only read."""
    row = get_object_or_404(Touchpoint.objects.visible_to(user).select_related("survey", "author", "submitted_by", "approved_by").prefetch_related("segments"), key=key)
    if writing and not Touchpoint.objects.changeable_by(user).filter(pk=row.pk).exists():
        raise PermissionDenied
    return row


def seen_version(request: HttpRequest) -> int:
    """The version that the page showed when it was pressed; 0, which none has, where it says none."""
    text = request.POST.get("version") or request.GET.get("version") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def refusal_text(error: Exception) -> str:
    """Why nothing was changed, and what may be done about it."""
    if isinstance(error, StaleProgramme):
        return _("Somebody else changed “%(name)s” in the meantime. Look at it as it is now, then try again.") % {"name": shipped_name(error.touchpoint)}
    if isinstance(error, WrongStep):
        return _("That does not lead on from here: the programme is %(state)s.") % {"state": state_word(error.state)}
    if isinstance(error, OwnApproval):
        return _("A second person has to approve: neither who wrote it nor who handed it in.")
    if isinstance(error, ApprovalNeeded):
        return _("Programmes go live through review: hand it in, and another person approves.")
    if isinstance(error, NothingPublished):
        return _("The survey has no published version yet: publish one first.")
    return _("No change waits for approval any more.")


def _done_text(step: str, name: str) -> str:
    said = {
        "hand_in": _("“%(name)s” waits for approval."), "send_back": _("“%(name)s” is a draft again."), "approve": _("“%(name)s” asks from now on."),
        "activate": _("“%(name)s” asks from now on."), "pause": _("“%(name)s” is paused."), "resume": _("“%(name)s” asks again."), "end": _("“%(name)s” has ended."),
    }  # fmt: skip
    return said[step] % {"name": name}


def _answer(request: HttpRequest, row: Touchpoint, *, text: str, refused: bool = False, undo: str = "") -> HttpResponse:
    """After a step: with script the row as it stands and a toast; a taken-back one draws the page again; else back to where it was pressed."""
    home = "surveys:programme" if request.POST.get("from") == "page" else "surveys:overview"
    by_script = "HX-Request" in request.headers
    if not by_script or "undo" in request.GET:
        (messages.error if refused else messages.success)(request, text)
        if by_script:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return redirect(home, row.key) if home == "surveys:programme" else redirect(home)
    entry = next(iter(programme_rows(reader(request), now=read_clock(), key=row.key)))
    context = {"item": shown(entry, Names.read()), "writes": True, "reads": True}
    response = render(request, "surveys/_programme_row.html", context, status=409 if refused else 200)
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "undo": undo}})
    return response


@login_required
@require_POST
def step(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """Hands in, sends back, approves, activates, pauses, resumes or ends a programme."""
    user = reader(request)
    row = programme_for(user, key, writing=True)
    if step not in STEPS:
        raise Http404
    if step == "end" and search_key(request.POST.get("name", "")) != search_key(shipped_name(row)):
        return _answer(request, row, text=_("Nothing was ended: the name does not match."), refused=True)
    try:
        row = take_step(step=step, touchpoint_id=row.pk, actor=user, now=read_clock(), version=seen_version(request), note=request.POST.get("note", "").strip())
    except REFUSALS as error:
        return _answer(request, row, text=refusal_text(error), refused=True)
    back = {"pause": "resume", "resume": "pause"}.get(step)
    undo = f"{reverse('surveys:programme_step', args=[row.key, back])}?version={row.version}&undo=1" if back else ""
    return _answer(request, row, text=_done_text(step, shipped_name(row)), undo=undo)


@login_required
@require_POST
def decide_change(request: HttpRequest, key: str, answer: str) -> HttpResponse:
    """Approves the proposed change of a running programme, or drops it."""
    user = reader(request)
    row = programme_for(user, key, writing=True)
    if answer not in {"approve", "drop"}:
        raise Http404
    try:
        if answer == "approve":
            approve_change(touchpoint_id=row.pk, actor=user, now=read_clock(), version=seen_version(request))
        else:
            drop_change(touchpoint_id=row.pk, actor=user, now=read_clock(), version=seen_version(request), note=request.POST.get("note", "").strip())
    except REFUSALS as error:
        messages.error(request, refusal_text(error))
    else:
        messages.success(request, _("The change holds from now on.") if answer == "approve" else _("The change was dropped; the programme goes on as it is."))
    return redirect("surveys:programme", row.key)
