"""Changing all work of a list at once: thousands of items in the background, with progress and a way back."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import wording
from accounts.actions.work_bulk import MOST_ROWS, UNDO, start_batch, start_undo
from accounts.forms.work import read_filter
from accounts.models import WorkBatch
from accounts.queries.clock import read_clock
from accounts.queries.work import pairs_in
from accounts.queries.work_filter import reader_of
from accounts.roles import WRITES_ACCOUNTS
from accounts.signed_in import SignedInRequest
from accounts.tasks import work_batch
from accounts.views.work import reader_days
from accounts.views.work_actions import ACTIONS, form_of


@login_required
@require_http_methods(["GET", "POST"])
def work_all(request: SignedInRequest) -> HttpResponse:
    """The form for all items of a list (its address says which), and the start of the change."""
    user = request.user
    if user.role not in WRITES_ACCOUNTS:
        raise PermissionDenied
    do = request.GET.get("do", "")
    asked = read_filter(request.GET, user)
    if do not in ACTIONS or asked.view == "risk" or asked.scope == "done":
        raise Http404
    now = read_clock()
    pairs = pairs_in(asked, reader_of(user, now=now), reader_days(now), most=MOST_ROWS)
    if not pairs:
        raise Http404
    form = form_of(do, user, timezone.localdate(now), request.POST if request.method == "POST" else None, None, [])
    if request.method == "POST" and form.is_valid():
        batch = start_batch(user=user, do=do, values=form.values, pairs=pairs, now=now)  # type: ignore[attr-defined]
        work_batch.delay_on_commit(batch.pk)  # type: ignore[attr-defined]
        return _progress(request, batch) if request.htmx else redirect("accounts:work_batch", batch.pk)
    count = wording.number(len(pairs))
    headings = {
        "done": _("Done: all %(count)s items of this list"), "drop": _("Drop all %(count)s items of this list"), "snooze": _("Snooze all %(count)s items of this list until"),
        "assign": _("Assign all %(count)s items of this list to"), "due": _("Move the date of all %(count)s items of this list"),
    }  # fmt: skip
    buttons = {"done": _("Done"), "drop": _("Drop"), "snooze": _("Snooze"), "assign": _("Assign"), "due": _("Move")}
    context: dict[str, Any] = {
        "form": form, "heading": headings[do] % {"count": count}, "button": buttons[do], "address": request.get_full_path(), "next": reverse("accounts:work") + asked.query(),
        "danger": do == "drop", "capped": len(pairs) == MOST_ROWS, "most": wording.number(MOST_ROWS), "fragment": "accounts/_work_all.html",
    }  # fmt: skip
    response = render(request, context["fragment"] if request.htmx else "accounts/work_form.html", context, status=422 if request.method == "POST" else 200)
    if request.htmx:
        response["HX-Retarget"], response["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def _own(request: SignedInRequest, batch_id: int) -> WorkBatch:
    return get_object_or_404(WorkBatch.objects.select_related("undone_by"), pk=batch_id, user=request.user)


def _progress(request: SignedInRequest, batch: WorkBatch) -> HttpResponse:
    dealt = batch.changed + batch.stale
    running = batch.state == WorkBatch.State.RUNNING
    words = _("%(done)s of %(all)s") % {"done": wording.number(dealt), "all": wording.number(batch.total)}
    if not running:
        changed = ngettext("%(count)s item changed.", "%(count)s items changed.", batch.changed)
        if batch.do == UNDO:
            changed = ngettext("%(count)s item taken back.", "%(count)s items taken back.", batch.changed)
        words = changed % {"count": wording.number(batch.changed)}
        if batch.stale:
            left = ngettext("%(count)s was changed by somebody else and left as it is.", "%(count)s were changed by somebody else and left as they are.", batch.stale)
            words += " " + left % {"count": wording.number(batch.stale)}
    context: dict[str, Any] = {
        "batch": batch, "running": running, "dealt": dealt, "words": words, "next": reverse("accounts:work"), "fragment": "accounts/_work_batch.html",
        "undoable": not running and batch.do != UNDO and batch.changed and not hasattr(batch, "undone_by"),
    }  # fmt: skip
    return render(request, context["fragment"] if request.htmx else "accounts/work_form.html", context)


@login_required
@require_GET
def batch_progress(request: SignedInRequest, batch_id: int) -> HttpResponse:
    """How far one's own batch has come; the dialog asks twice a second."""
    return _progress(request, _own(request, batch_id))


@login_required
@require_POST
def batch_undo(request: SignedInRequest, batch_id: int) -> HttpResponse:
    """Takes one's own batch back, row by row, unless somebody changed the row since."""
    batch = _own(request, batch_id)
    if batch.state != WorkBatch.State.DONE or batch.do == UNDO:
        raise Http404
    undo = start_undo(batch=batch, user=request.user, now=read_clock())
    work_batch.delay_on_commit(undo.pk)  # type: ignore[attr-defined]
    return _progress(request, undo) if request.htmx else redirect("accounts:work_batch", undo.pk)
