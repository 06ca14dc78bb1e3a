"""The work on imports: asked for at a page, done by a worker, taken up again by a sweep, never done twice.

What is written and what the run says of it stand in one transaction: a worker that dies leaves neither.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.importing.books import KEPT_TO_BOOKS, books_of
from accounts.importing.bundles import load_bundle
from accounts.importing.engine import load
from accounts.importing.faults import Rejection, UndoRefused, WrongMap
from accounts.importing.mapping import read_mapping
from accounts.importing.reader import CsvFile, Dialect, NumberedRow
from accounts.importing.undo import UnknownBatch, foresee_undo, undo_batch
from accounts.models import ImportBatch, ImportFile, ImportRun, User
from accounts.roles import Role
from config.import_runs.uploads import Refused, put_down
from config.imports import DERIVED, KINDS, find_profile, kind_named
from metrics.actions.cached import keep

State, What = ImportRun.State, ImportRun.What
MAY_IMPORT = frozenset({Role.ADMIN, Role.MANAGER})
logger = logging.getLogger(__name__)
# a run that nobody holds so long after it was taken has lost its worker
LOST_AFTER = dt.timedelta(minutes=1)
MOST_ATTEMPTS = 3
FAULTS_NAMED = 10_000
PROGRESS_SECONDS = 3600


# ── Asking ───────────────────────────────────────────────────────────────────


def ask(*, run: ImportRun, dry: bool, good_rows_only: bool = False) -> bool:
    """Puts a run into the queue; a look from a draft or after one, the work itself only after a look. False where it is elsewhere by now."""
    before = [State.DRAFT, State.CHECKED, State.FAILED] if dry else [State.CHECKED]
    waiting = ImportRun.objects.filter(pk=run.pk, state__in=before)
    return bool(waiting.update(state=State.WAITING, dry=dry, good_rows_only=good_rows_only, attempts=0, fault="", began_at=None, ended_at=None))


def ask_to_take_back(*, batch: ImportBatch, user: User, now: dt.datetime) -> ImportRun:
    """A run that looks what taking a batch back would change; an own one that is open already is that."""
    with transaction.atomic():
        ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        run = batch.undoings.filter(made_by=user).exclude(state=State.DONE).first()
        if run is None:
            return ImportRun.objects.create(what=What.UNDO, kind=batch.kind, batch=batch, state=State.WAITING, made_by=user, created_at=now)
        ask(run=run, dry=True)
        return run


# ── Working ──────────────────────────────────────────────────────────────────


def claim(*, now: dt.datetime) -> ImportRun | None:
    """The oldest run that waits or lost its worker, now running."""
    with transaction.atomic():
        lost = Q(state=State.RUNNING, began_at__lt=now - LOST_AFTER)
        # whoever is at work holds the row, so that a lost one is one that can be taken
        run = ImportRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(Q(state=State.WAITING) | lost).order_by("created_at", "id").first()
        if run is None:
            return None
        run.attempts += 1
        run.state, run.began_at = State.RUNNING, now
        if run.attempts > MOST_ATTEMPTS:
            run.state, run.ended_at, run.fault = State.FAILED, now, _in_their_language(run, _stopped)
        run.save(update_fields=["attempts", "state", "began_at", "ended_at", "fault"])
        return run


def _stopped() -> str:
    return _("The worker was stopped three times while it was at this. Try a smaller file, or load it by command.")


def _in_their_language(run: ImportRun, words: Callable[[], str]) -> str:
    with translation.override(run.made_by.language if run.made_by else None):
        return words()


def _still_allowed(row: ImportRun) -> User:
    """Whoever asked, who may have lost the right to since. Raises Refused."""
    user = row.made_by
    if user is None or not user.is_active or user.role not in MAY_IMPORT or (user.role != Role.ADMIN and not _of_a_lead(row, user)):
        raise Refused(_("Whoever asked for this may not do it any more."))
    return user


def _of_a_lead(row: ImportRun, user: User) -> bool:
    if row.what == What.UNDO:
        return row.batch is not None and row.batch.actor_id == user.pk
    return not row.bundle and row.kind in KEPT_TO_BOOKS


def work(*, run: ImportRun, now: dt.datetime) -> None:
    """Does a claimed run, in the language of whoever asked; what fails is kept and shown."""
    if run.state != State.RUNNING:
        return
    with translation.override(run.made_by.language if run.made_by else None):
        try:
            with transaction.atomic():
                row = ImportRun.objects.select_for_update(of=("self",)).select_related("made_by", "batch").get(pk=run.pk)
                if (row.state, row.attempts) == (State.RUNNING, run.attempts):
                    user, began = _still_allowed(row), time.monotonic()
                    _undo(row, now) if row.what == What.UNDO else _load(row, user, now)
                    row.ended_at = now + dt.timedelta(seconds=time.monotonic() - began)
                    row.save()
        except (Refused, WrongMap, UnknownBatch) as fault:
            _fail(run, str(fault), now)
        except Exception as fault:
            logger.exception("An import failed")
            _fail(run, _("It failed unforeseen (%(fault)s); the log of the worker says more. Nothing was written.") % {"fault": type(fault).__name__}, now)


def _fail(run: ImportRun, words: str, now: dt.datetime) -> None:
    ImportRun.objects.filter(pk=run.pk, state=State.RUNNING, attempts=run.attempts).update(state=State.FAILED, fault=words[:500], ended_at=now)


@dataclass
class _Found:
    """The faults of a run as they are found: all counted, the first kept."""

    count: int = 0
    first: list[list[Any]] = field(default_factory=list)

    def __call__(self, fault: Rejection) -> None:
        self.count += 1
        if len(self.first) < FAULTS_NAMED:
            self.first.append([fault.file, fault.row, fault.column, fault.reason[:500]])


def progress_key(run: ImportRun) -> str:
    """Where the cache tells how far a run is: {"file", "done", "of", "since"}."""
    return f"import-run:{run.pk}:{run.attempts}"


class _Counted(CsvFile):
    """A file that tells how many of its rows were read, once a second."""

    def __init__(self, path: Path, dialect: Dialect, *, key: str, of: int):
        super().__init__(path, dialect)
        self._key, self._of = key, of

    def rows(self) -> Iterator[NumberedRow]:
        """The rows; see CsvFile."""
        began = told = time.monotonic()
        for done, row in enumerate(super().rows(), start=1):
            yield row
            if done % 500 == 0 and (now := time.monotonic()) - told >= 1:
                told = now
                keep(self._key, {"file": self.name, "done": done, "of": self._of, "seconds": now - began}, PROGRESS_SECONDS)
        keep(self._key, {"file": self.name, "done": self._of, "of": self._of, "seconds": time.monotonic() - began}, PROGRESS_SECONDS)


def _load(row: ImportRun, user: User, now: dt.datetime) -> None:
    # the good rows show what would be left, so a look always takes them
    good_rows_only = row.dry or row.good_rows_only
    found, batches = _Found(), []
    sizes = dict(row.files.values_list("name", "rows"))
    with tempfile.TemporaryDirectory(prefix="vefa-import-") as name:
        folder = Path(name)
        paths = put_down(row, folder)

        def reading(path: Path, dialect: Dialect) -> CsvFile:
            return _Counted(path, dialect, key=progress_key(row), of=sizes.get(path.name, 0))

        if row.bundle:
            bundle = load_bundle(
                folder=folder, profile=find_profile(row.profile), kinds=KINDS, now=now, dry_run=row.dry, good_rows_only=good_rows_only, actor_id=row.made_by_id, listener=found,
                reading=reading,
            )  # fmt: skip
            row.summary, row.refused = bundle.as_json(), bundle.refused
            batches = [report.batch for report in bundle.files if report.batch]
        else:
            mapping = read_mapping(row.mapping)
            report = load(
                kind=kind_named(row.kind), source=reading(paths[0], mapping.dialect), now=now, mapping=mapping, dry_run=row.dry, good_rows_only=good_rows_only,
                profile=row.profile, actor_id=row.made_by_id, listener=found, books=books_of(user),
            )  # fmt: skip
            row.summary, row.refused = {"files": [report.as_json()], "warnings": report.warnings}, report.refused
            batches = [report.batch] if report.batch else []
    row.faults, row.first_faults = found.count, found.first
    if row.dry:
        row.state = State.CHECKED
        return
    if row.refused:
        # something changed since the look: it is looked at again, so that the page tells what is in the way now
        row.state, row.dry, row.good_rows_only, row.attempts = State.WAITING, True, False, 0
        return
    ImportBatch.objects.filter(pk__in=batches).update(run=row)
    ImportFile.objects.filter(run=row).update(content=None)
    row.state = State.DONE


def _undo(row: ImportRun, now: dt.datetime) -> None:
    row.faults, row.first_faults, row.refused = 0, [], False
    if row.dry:
        foreseen = foresee_undo(batch_id=str(row.batch_id), kinds=KINDS.values(), derived=DERIVED)
        row.summary = {"tables": [list(entry) for entry in foreseen.tables], "events": foreseen.events, "accounts": foreseen.accounts}
        _refuse_undo(row, foreseen.reasons)
        row.state = State.CHECKED
        return
    try:
        undo_batch(batch_id=str(row.batch_id), kinds=KINDS.values(), derived=DERIVED, now=now)
        row.state = State.DONE
    except UndoRefused as fault:
        _refuse_undo(row, fault.reasons)
        row.state, row.dry = State.CHECKED, True


def _refuse_undo(row: ImportRun, reasons: list[str]) -> None:
    row.refused, row.faults = bool(reasons), len(reasons)
    row.first_faults = [["", 0, "", in_words(reason)] for reason in reasons]


_TABLE = re.compile(r"\b(?:accounts|tickets|surveys|metrics)_[a-z]+\b")


def in_words(text: str) -> str:
    """A reason with what tables hold instead of their names."""
    known = {model._meta.db_table: str(model._meta.verbose_name) for model in apps.get_models()}
    return _TABLE.sub(lambda match: known.get(match[0], match[0]), text)
