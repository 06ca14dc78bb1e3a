"""Loading one file: stage, resolve, check, write the difference, remember how to undo it.

The entry point for programs is `load()`; `config/imports.py` knows the kinds by name and offers
`load_rows(kind, rows, ...)` for rows that never were a file.
"""

from __future__ import annotations

import datetime as dt
import uuid
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction
from django.utils.translation import gettext as _

from accounts.importing.books import Books, refuse_strange_keys, refuse_strangers
from accounts.importing.faults import FileFault, LoadRefused, Rejection, WrongMap
from accounts.importing.kinds import Kind
from accounts.importing.mapping import Mapping
from accounts.importing.reader import Source
from accounts.importing.staging import Listener, Loading
from accounts.importing.whole_file import NotPlain
from accounts.models import ImportBatch

# the one lock that makes loads wait for each other; readers and single writes never see it
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('vefa_import'))"


@dataclass
class Report:
    """What a load did, or in a dry run would have done."""

    kind: str
    file: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    batch: str | None = None
    refused: bool = False

    def as_json(self) -> dict[str, Any]:
        """The summary as the commands print it."""
        return {
            "kind": self.kind, "file": self.file, "created": self.created, "changed": self.changed, "unchanged": self.unchanged,
            "rejected": self.rejected, "warnings": self.warnings, "batch": self.batch,
        }  # fmt: skip


class _DryRun(Exception):
    """Rolls a finished dry run back."""


def load(
    *,
    kind: Kind,
    source: Source,
    now: dt.datetime,
    mapping: Mapping | None = None,
    dry_run: bool = False,
    good_rows_only: bool = False,
    profile: str = "",
    actor_id: int | None = None,
    listener: Listener | None = None,
    books: Books | None = None,
) -> Report:
    """Loads a source in one transaction.

    Rejected rows go to `listener` one by one. If there is any and `good_rows_only` is not set, or the
    file itself cannot be read, nothing is written and the report says `refused`. A dry run does all
    the work and takes it back. With `books` rows about other accounts are rejected. Raises WrongMap.
    """
    report = Report(kind=kind.name, file=source.name)
    batch_id = uuid.uuid4()
    loading = Loading(
        kind=kind, source=source, mapping=mapping or Mapping(), now=now, zone=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE),
        currency=settings.REPORTING_CURRENCY, batch_id=batch_id, profile=profile, listener=listener,
    )  # fmt: skip
    try:
        with transaction.atomic():
            _prepare(actor_id, loading, batch_id)
            _work(loading, good_rows_only, books)
            counts = loading.counts if loading.counts is not None else dict(loading.fetch("SELECT fate, count(*) FROM final GROUP BY fate"))
            report.created, report.changed, report.unchanged = (counts.get(fate, 0) for fate in ("created", "changed", "unchanged"))
            report.warnings = dict(sorted(loading.warnings.items()))
            ImportBatch.objects.filter(pk=batch_id).update(
                created=report.created, changed=report.changed, unchanged=report.unchanged, rejected=loading.rejected, warnings=report.warnings
            )
            loading.drop()
            if dry_run:
                raise _DryRun
            report.batch = str(batch_id)
    except _DryRun:
        pass
    except LoadRefused:
        report.refused = True
        report.warnings = dict(sorted(loading.warnings.items()))
    except FileFault as fault:
        _refuse(report, loading, Rejection(source.name, fault.row, fault.column, fault.reason), listener)
    except (DataError, IntegrityError) as fault:
        # the checks above name rows; what only the database notices is at least said in its words
        _refuse(report, loading, Rejection(source.name, 0, "", _("the database refused the file: %(fault)s") % {"fault": str(fault).strip().replace("\n", " ")}), listener)
    report.rejected = loading.rejected
    return report


def _refuse(report: Report, loading: Loading, rejection: Rejection, listener: Callable[[Rejection], None] | None) -> None:
    loading.rejected += 1
    report.refused = True
    report.warnings = dict(sorted(loading.warnings.items()))
    if listener:
        listener(rejection)


def _prepare(actor_id: int | None, loading: Loading, batch_id: uuid.UUID) -> None:
    with connection.cursor() as cursor:
        # a large file may take longer than a page ever should
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0")
        cursor.execute(_ONE_AT_A_TIME)
    ImportBatch.objects.create(pk=batch_id, kind=loading.kind.name, file_name=loading.source.name[:300], profile=loading.profile, actor_id=actor_id)


def _work(loading: Loading, good_rows_only: bool, books: Books | None) -> None:
    kind = loading.kind
    if books is None and _at_once(loading):
        return
    loading.stage()
    kind.resolve(loading)
    if books is not None:
        refuse_strangers(loading, books)
    kind.build(loading)
    loading.has_final = True
    if books is not None:
        refuse_strange_keys(loading, books)
    kind.check(loading)
    loading.tell_rejections()
    if loading.rejected and not good_rows_only:
        raise LoadRefused
    kind.write(loading)
    kind.finish(loading)
    kind.record(loading)


def _at_once(loading: Loading) -> bool:
    """Whether a plain file went in whole; if not, nothing of the attempt is left and the careful way finds out why."""
    loading.drop()
    try:
        with transaction.atomic():
            loading.counts = loading.kind.take_whole(loading)
    except (NotPlain, DataError, IntegrityError, ProgrammingError):
        loading.counts = None
    return loading.counts is not None


__all__ = ["Report", "WrongMap", "load"]
