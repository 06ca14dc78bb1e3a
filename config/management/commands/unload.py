"""`manage.py unload`: undoes one batch."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.importing.faults import UndoRefused
from accounts.importing.undo import UnknownBatch, undo_batch
from accounts.queries.clock import read_clock
from config.imports import DERIVED, KINDS


class Command(BaseCommand):
    """Exit 0 and a JSON line; 1 where the batch is unknown or rows stand in the way, which are named."""

    help = "Undoes one import batch; refuses what has been changed since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments of the command line."""
        parser.add_argument("batch")

    def handle(self, **options: Any) -> None:
        """Takes the batch back."""
        try:
            batch = undo_batch(batch_id=options["batch"], kinds=KINDS.values(), derived=DERIVED, now=read_clock())
        except UnknownBatch as fault:
            raise CommandError(str(fault), returncode=1) from fault
        except UndoRefused as fault:
            for reason in fault.reasons:
                self.stderr.write(reason)
            raise CommandError("Nothing was undone.", returncode=1) from fault
        self.stdout.write(
            json.dumps(
                {"batch": str(batch.pk), "kind": batch.kind, "file": batch.file_name, "undone": True, "created": batch.created, "changed": batch.changed}, ensure_ascii=False
            )
        )
