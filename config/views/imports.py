"""Imports at pages, for admins and leads: a file or a bundle comes in, is looked at, and is loaded when somebody says so."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import ImportProfile, ImportRun, User
from accounts.queries.clock import read_clock
from accounts.roles import Role
from accounts.signed_in import SignedInRequest
from accounts.spreadsheet import csv_lines
from config.import_runs import listing, sniffing, uploads, wording, working
from config.import_runs.columns import Draft, kind_like
from config.import_runs.forms import BundleForm, UploadForm
from config.imports import KINDS
from config.tasks import imports as work_off

State, What = ImportRun.State, ImportRun.What


def lead(request: SignedInRequest) -> User:
    """Raises Http404 for everybody but admins and managers, and inside a sandbox, which gets its rows by copying."""
    if request.user.role not in working.MAY_IMPORT or settings.SANDBOX:
        raise Http404
    return request.user


def run_of(request: SignedInRequest, pk: uuid.UUID) -> ImportRun:
    """A run of the reader. Raises Http404."""
    return get_object_or_404(listing.runs_of(lead(request)), pk=pk)


# ── The page ─────────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def page(request: SignedInRequest) -> HttpResponse:
    """What came in, what is under way, and a file to bring; its upload."""
    user = lead(request)
    kinds = listing.kinds_of(user)
    form, bundle = UploadForm(kinds=kinds), BundleForm() if user.role == Role.ADMIN else None
    status = 200
    if request.method == "POST":
        given: UploadForm | BundleForm
        if bundle is not None and "bundle" in request.POST:
            given = bundle = BundleForm(request.POST, request.FILES)
        else:
            given = form = UploadForm(request.POST, request.FILES, kinds=kinds)
        if given.is_valid():
            try:
                run = _bundle_in(given, user) if isinstance(given, BundleForm) else _file_in(given, user, kinds)
                return redirect("import_run", run.pk)
            except uploads.Refused as fault:
                given.add_error("several" if isinstance(given, BundleForm) else "file", str(fault))
        status = 400
    context: dict[str, Any] = {
        "form": form, "bundle": bundle, "open": listing.open_runs(user), "history": listing.history(user, before=request.GET.get("before", "")), "paged": "before" in request.GET,
        "profiles": [{"row": each, "kind": wording.kind_name(each.kind)} for each in ImportProfile.objects.filter(kind__in=kinds).select_related("made_by")[:200]],
        "kinds": [{"name": name, "word": wording.kind_name(name), "columns": [(column.name, column.required) for column in KINDS[name].columns]} for name in kinds],
        "everything": user.role == Role.ADMIN,
    }  # fmt: skip
    return render(request, "config/imports.html", context, status=status)


@transaction.atomic
def _file_in(form: UploadForm, user: User, kinds: list[str]) -> ImportRun:
    """Keeps one uploaded file as a draft, read as well as it tells itself. Raises uploads.Refused."""
    file = form.cleaned_data["file"]
    run = ImportRun.objects.create(kind=form.cleaned_data["kind"], made_by=user, created_at=read_clock())
    told = uploads.take(run=run, name=file.name, size=file.size, chunks=file.chunks())
    text = sniffing.decoded(uploads.head_of(run), told.encoding)
    header, _rows = sniffing.sample(text, sniffing.delimiter_of(text))
    profile = listing.profile_for(header=header, kinds=[run.kind] if run.kind else kinds, asked=form.cleaned_data.get("profile", ""))
    run.rows = told.rows
    if profile is not None:
        run.kind, run.mapping, run.profile = profile.kind, profile.mapping, profile.name
    else:
        run.kind = run.kind or kind_like(header, {kind: KINDS[kind] for kind in kinds})
        run.mapping = {"encoding": told.encoding, "delimiter": sniffing.delimiter_of(text)}
    run.save()
    return run


@transaction.atomic
def _bundle_in(form: BundleForm, user: User) -> ImportRun:
    """Keeps the uploaded files of a bundle. Raises uploads.Refused."""
    run = ImportRun.objects.create(bundle=True, profile=form.cleaned_data["bundle"], made_by=user, created_at=read_clock())
    for file in form.cleaned_data["several"]:
        run.rows += uploads.take(run=run, name=file.name, size=file.size, chunks=file.chunks()).rows
    run.save(update_fields=["rows"])
    return run


# ── Columns ──────────────────────────────────────────────────────────────────


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def columns(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Which of their columns is which of ours, and how numbers and days are written; `act` checks it or saves it as a profile."""
    run = run_of(request, pk)
    if run.bundle or run.what != What.LOAD or run.state not in {State.DRAFT, State.CHECKED, State.FAILED}:
        return redirect("import_run", run.pk)
    kinds = listing.kinds_of(request.user)
    head = uploads.head_of(run)
    if not head:
        messages.error(request, _("The files of this import are gone. Upload them again."))
        return redirect("imports")
    draft = Draft.of_map(kind=KINDS[run.kind], given=run.mapping, head=head) if run.kind in KINDS else None
    status = 200
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind not in kinds:
            return render(request, "config/import_columns.html", _columns_context(run, draft, kinds), status=400)
        # where it only now is known what it holds, its columns are suggested first
        before = draft
        draft = Draft.of_map(kind=KINDS[kind], given=run.mapping, head=head) if before is None else Draft.of_post(kind=KINDS[kind], post=request.POST, head=head, before=before)
        profile = run.profile if kind == run.kind else ""
        if not ImportRun.objects.filter(pk=run.pk, state=run.state).update(kind=kind, mapping=draft.as_map(), profile=profile, state=State.DRAFT):
            return redirect("import_run", run.pk)
        run.kind, run.mapping, run.profile, run.state = kind, draft.as_map(), profile, State.DRAFT
        act = request.POST.get("act", "") if "columns" in request.POST else ""
        fine = act in {"check", "save"} and draft.check(letters_seen=request.POST.get("letters") == "on")
        if act == "check" and fine:
            working.ask(run=run, dry=True)
            work_off.delay_on_commit()  # type: ignore[attr-defined]
            return redirect("import_run", run.pk)
        if act == "save" and fine and (name := request.POST.get("save_as", "").strip()[:80]):
            ImportProfile.objects.update_or_create(
                kind=kind, name=name, defaults={"mapping": run.mapping, "header": draft.header, "made_by": request.user, "updated_at": read_clock()}
            )
            messages.success(request, _("Saved as “%(name)s”. Files with these columns are read like this from now on.") % {"name": name})
            return redirect("import_columns", run.pk)
        if act == "save" and fine:
            draft.faults["save_as"] = _("Give it a name.")
        status = 400 if act else 200
    context = _columns_context(run, draft, kinds)
    if draft is not None:
        context["typed"] = {name: request.POST.get(name, "") for name in ("save_as", "letters")}
    return render(request, "config/_import_columns.html" if request.htmx else "config/import_columns.html", context, status=status)


def _columns_context(run: ImportRun, draft: Draft | None, kinds: list[str]) -> dict[str, Any]:
    context: dict[str, Any] = {"run": run, "file": run.files.defer("content").first(), "kinds": [(kind, wording.kind_name(kind)) for kind in kinds], "draft": draft}
    if draft is None:
        return context
    constants = [*draft.constants, *[("", "")] * 3][:3]
    return context | {
        "encodings": wording.ENCODINGS.items(), "delimiters": wording.DELIMITERS.items(), "delimiter": "tab" if draft.delimiter == "\t" else draft.delimiter,
        "numbers": wording.NUMBERS.items(), "number": draft.number_form(), "own": wording.OWN.items() if draft.kind.keeps_unknown else (),
        "columns": [
            {
                "place": place, "name": name, "target": draft.targets[place], "cells": list(dict.fromkeys(sniffing.column(draft.rows[:50], place)))[:3],
                "days": [(form or "iso", wording.day_example(form or "iso")) for form in draft.day_choices(place)], "day": draft.day_format(place),
                "fault": draft.faults.get(f"c{place}", ""), "day_fault": draft.faults.get(f"d{place}", ""),
            }
            for place, name in enumerate(draft.header)
        ],
        "ours": [(column.name, column.required) for column in draft.kind.columns],
        "constants": [{"number": number, "name": name, "value": value, "fault": draft.faults.get(f"n{number}", "")} for number, (name, value) in enumerate(constants)],
        "seen": draft.rows[:5],
    }  # fmt: skip


# ── One import ───────────────────────────────────────────────────────────────


@login_required
@require_GET
@never_cache
def run(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """How far an import is and what was found; asked again by itself while it is at work."""
    row = run_of(request, pk)
    if row.state == State.DRAFT and not row.bundle:
        return redirect("import_columns", row.pk)
    busy = row.state in {State.WAITING, State.RUNNING}
    if request.htmx:
        if busy:
            return render(request, "config/_import_progress.html", {"run": row, "progress": listing.progress(row)})
        # it is over: the page is read anew
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    files = list(row.files.defer("content"))
    context = {
        "run": row,
        "busy": busy,
        "progress": listing.progress(row) if busy else None,
        "name": listing.name_of(row),
        "files": files,
        "told": listing.told(row),
        "shown": listing.FAULTS_SHOWN,
    }
    context["batches"] = list(row.batches.order_by("loaded_at", "id")) if row.state == State.DONE else []
    if row.bundle and row.state == State.DRAFT:
        context["bundle"] = listing.bundle_files(row)
    return render(request, "config/import_run.html", context)


@login_required
@require_POST
def check(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Has a bundle or a failed import looked at (again); nothing is written by that."""
    row = run_of(request, pk)
    if row.bundle and listing.bundle_files(row)["missing"]:
        messages.error(request, _("Files are missing that this profile needs."))
    elif working.ask(run=row, dry=True):
        work_off.delay_on_commit()  # type: ignore[attr-defined]
    return redirect("import_run", row.pk)


@login_required
@require_POST
def carry_out(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Does what was looked at: loads all rows, or the good ones alone where that was chosen, or takes a batch back."""
    row = run_of(request, pk)
    good_rows_only = row.what == What.LOAD and request.POST.get("rows") == "good"
    if row.state == State.CHECKED and (row.refused or (row.faults and not good_rows_only)):
        messages.error(request, _("Something stands in the way; it is listed below. Nothing was written."))
    elif working.ask(run=row, dry=False, good_rows_only=good_rows_only):
        work_off.delay_on_commit()  # type: ignore[attr-defined]
    return redirect("import_run", row.pk)


@login_required
@require_POST
def discard(request: SignedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Forgets an import that was not loaded, with its files."""
    row = run_of(request, pk)
    gone, _by_table = ImportRun.objects.filter(pk=row.pk, state__in=[State.DRAFT, State.CHECKED, State.FAILED]).delete()
    if not gone:
        messages.error(request, _("It is at work or done by now."))
        return redirect("import_run", row.pk)
    messages.success(request, _("Forgotten. Nothing of it was written."))
    return redirect("imports")


@login_required
@require_GET
@never_cache
def faults(request: SignedInRequest, pk: uuid.UUID) -> StreamingHttpResponse:
    """The faults of an import as a file for a spreadsheet."""
    row = run_of(request, pk)
    lines = csv_lines([_("File"), _("Row"), _("Column"), _("Reason")], row.first_faults, get_language() or "en")
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="faults.csv"'})
