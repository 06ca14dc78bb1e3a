"""What was imported: one batch with what came of it, the way back, saved profiles, empty files to begin with."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.models import ImportProfile
from accounts.queries.clock import read_clock
from accounts.signed_in import SignedInRequest
from config.import_runs import listing, wording, working
from config.imports import KINDS
from config.tasks import imports as work_off
from config.views.imports import lead


@login_required
@require_GET
@never_cache
def batch(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """One file that was loaded: numbers, warnings, faults of rows that were left out."""
    row = get_object_or_404(listing.batches_of(lead(request)).select_related("run"), pk=pk)
    context = {"row": row, "kind": wording.kind_name(row.kind), "warnings": wording.warnings_in_words(row.warnings), "run": row.run if row.run and row.run.faults else None}
    return render(request, "config/import_batch.html", context)


@login_required
@require_POST
def take_back(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Looks what taking it back would change; done from there, when somebody says so."""
    user = lead(request)
    row = get_object_or_404(listing.batches_of(user), pk=pk)
    if row.undone_at:
        messages.info(request, _("It was taken back already."))
        return redirect("import_batch", row.pk)
    run = working.ask_to_take_back(batch=row, user=user, now=read_clock())
    work_off.delay_on_commit()  # type: ignore[attr-defined]
    return redirect("import_run", run.pk)


@login_required
@require_POST
def forget_profile(request: SignedInRequest, pk: int) -> HttpResponse:
    """Deletes a saved profile; what was imported with it stays."""
    profile = get_object_or_404(ImportProfile.objects.filter(kind__in=listing.kinds_of(lead(request))), pk=pk)
    name = profile.name
    profile.delete()
    messages.success(request, _("“%(name)s” is deleted; what was imported with it stays.") % {"name": name})
    return redirect("imports")


@login_required
@require_GET
def template(request: SignedInRequest, kind: str) -> HttpResponse:
    """An empty file with our columns of a kind."""
    if kind not in listing.kinds_of(lead(request)):
        raise Http404
    line = ",".join(column.name for column in KINDS[kind].columns) + "\n"
    return HttpResponse(line, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{kind}.csv"'})
