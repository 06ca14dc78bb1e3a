"""`manage.py load`: one CSV file of one kind."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.importing.faults import WrongMap
from accounts.importing.mapping import Mapping, read_mapping_file
from accounts.queries.clock import read_clock
from config.imports import UnknownKind, kind_named, load_file


class Command(BaseCommand):
    """Exit 0 and a JSON summary; 1 and nothing written where a row is rejected; 2 for wrong usage."""

    help = "Loads a CSV file (.csv, .csv.gz) of one kind; see docs/import.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments of the command line."""
        parser.add_argument("kind")
        parser.add_argument("file")
        parser.add_argument("--map", metavar="MAP.toml", help="how the file is written and what its columns are called")
        parser.add_argument("--dry-run", action="store_true", help="the same numbers and exit code, nothing written")
        parser.add_argument("--good-rows-only", action="store_true", help="load the good rows although others are rejected")

    def handle(self, **options: Any) -> None:
        """Loads the file."""
        path = Path(options["file"])
        try:
            kind_named(options["kind"])
            mapping = read_mapping_file(Path(options["map"])) if options["map"] else Mapping()
            if not path.is_file():
                raise CommandError(f"there is no file {path}", returncode=2)
            report = load_file(
                options["kind"], path, now=read_clock(), mapping=mapping, dry_run=options["dry_run"], good_rows_only=options["good_rows_only"],
                listener=lambda rejection: self.stderr.write(str(rejection)),
            )  # fmt: skip
        except (UnknownKind, WrongMap) as fault:
            raise CommandError(str(fault), returncode=2) from fault
        self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        if report.refused:
            # the lines on stderr have said why
            raise SystemExit(1)
