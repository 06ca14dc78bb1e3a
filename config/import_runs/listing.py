"""Reads for the pages of imports: who sees which, the history, one import in words."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from accounts.importing.books import KEPT_TO_BOOKS
from accounts.models import ImportBatch, ImportFile, ImportProfile, ImportRun, User
from accounts.roles import Role
from config.import_runs import wording
from config.import_runs.working import progress_key
from config.imports import KINDS, find_profile
from metrics.actions.cached import cached

PAGE = 30
OPEN = 20
FAULTS_SHOWN = 100


def kinds_of(user: User) -> list[str]:
    """The kinds a user may import: a lead those whose rows can be kept to the own books."""
    return [kind for kind in KINDS if user.role == Role.ADMIN or kind in KEPT_TO_BOOKS]


def runs_of(user: User) -> QuerySet[ImportRun]:
    """The runs a user may look at and go on with: the own ones, admins all."""
    # faults can be long; a page that asks how far it is needs none
    runs = ImportRun.objects.select_related("made_by", "batch").defer("first_faults")
    return runs if user.role == Role.ADMIN else runs.filter(made_by=user)


def batches_of(user: User) -> QuerySet[ImportBatch]:
    """The imports a user may look at and take back: the own ones, admins all, those by command among them."""
    batches = ImportBatch.objects.select_related("actor")
    return batches if user.role == Role.ADMIN else batches.filter(actor=user)


def history(user: User, *, before: str = "") -> dict[str, Any]:
    """One page of what was loaded, the newest first, and where the next one begins."""
    batches = batches_of(user).order_by("-loaded_at", "id")
    instant, _sign, key = before.partition("_")
    try:
        at, pk = dt.datetime.fromisoformat(instant), uuid.UUID(key)
        batches = batches.filter(loaded_at__lte=at).exclude(loaded_at=at, pk__lte=pk)
    except ValueError:
        pass
    rows = list(batches[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return {"rows": [{"row": row, "kind": wording.kind_name(row.kind)} for row in rows[:PAGE]], "older": f"{last.loaded_at.isoformat()}_{last.pk}" if last else ""}


def open_runs(user: User) -> list[dict[str, Any]]:
    """What was begun and is not done, the newest first."""
    runs = runs_of(user).exclude(state=ImportRun.State.DONE).order_by("-created_at", "id")[:OPEN]
    names: dict[uuid.UUID, list[str]] = {}
    for run, name in ImportFile.objects.filter(run__in=[run.pk for run in runs]).order_by("id").values_list("run", "name"):
        names.setdefault(run, []).append(name)
    return [{"row": run, "name": names.get(run.pk, [run.batch.file_name if run.batch else ""])[0], "files": len(names.get(run.pk, [])), "kind": name_of(run)} for run in runs]


def name_of(run: ImportRun) -> str:
    """What a run brings, in words: its kind, or the title of its bundle."""
    if run.bundle:
        return wording.profile_name(run.profile)
    return wording.kind_name(run.kind) if run.kind else ""


def told(run: ImportRun) -> dict[str, Any]:
    """What a look or the work found: numbers by file, warnings in words, the first faults; of a taking back what it changes."""
    files = [{**each, "kind_name": wording.kind_name(str(each["kind"]))} for each in run.summary.get("files", [])]
    loadable = sum(int(each["created"]) + int(each["changed"]) for each in files)
    unchanged = sum(int(each["unchanged"]) for each in files)
    tables = [(table_name(str(name)), removed, restored) for name, removed, restored in run.summary.get("tables", [])]
    return {
        "files": files, "loadable": loadable, "good": loadable + unchanged, "warnings": wording.warnings_in_words(run.summary.get("warnings", {})),
        "faults": run.first_faults[:FAULTS_SHOWN], "tables": tables,
    }  # fmt: skip


def table_name(table: str) -> str:
    """What the rows of a table are, in words."""
    return next((str(model._meta.verbose_name_plural) for model in apps.get_models() if model._meta.db_table == table), table)


def progress(run: ImportRun) -> dict[str, Any] | None:
    """How far a run is: rows read of how many, rows a second, seconds left; None where nothing is known."""
    said = cached(progress_key(run))
    if not isinstance(said, dict) or not said.get("of"):
        return None
    rate = said["done"] / said["seconds"] if said["seconds"] > 0 else 0
    return {**said, "rate": int(rate), "left": int((said["of"] - said["done"]) / rate) + 1 if rate and said["done"] < said["of"] else 0}


def profile_for(*, header: list[str], kinds: list[str], asked: str) -> ImportProfile | None:
    """The saved profile that was asked for, else one that was made with a file of the very same columns."""
    saved = ImportProfile.objects.filter(kind__in=kinds)
    if asked:
        return saved.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else None
    return saved.filter(header=header).order_by("-updated_at").first()


def bundle_files(run: ImportRun) -> dict[str, list[str]]:
    """Of the files a profile reads: those that are there, those that are needed and those that may be missing; and files that it does not know."""
    profile = find_profile(run.profile)
    given = set(run.files.values_list("name", flat=True))
    looked = {str(step["file"]) for load in profile.loads for step in load.steps if "file" in step}
    needed = list(dict.fromkeys(load.file for load in profile.loads if load.rows is None and not load.optional))
    known = list(dict.fromkeys([*needed, *(load.file for load in profile.loads if load.rows is None), *sorted(looked)]))
    return {
        "there": [name for name in known if name in given], "missing": [name for name in needed if name not in given],
        "maybe": [name for name in known if name not in given and name not in needed], "strange": sorted(given - set(known)),
    }  # fmt: skip
