"""`manage.py load-bundle`: a folder of another system's files, by a profile."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.importing.bundles import load_bundle
from accounts.importing.faults import WrongMap
from accounts.queries.clock import read_clock
from config.imports import KINDS, find_profile


class Command(BaseCommand):
    """Exit 0 and a JSON summary; 1 and nothing written where a row is rejected; 2 for wrong usage."""

    help = "Loads several files in the right order by a profile (config/profiles/ or a file of your own); see docs/import.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments of the command line."""
        parser.add_argument("folder", metavar="dir")
        parser.add_argument("--profile", metavar="NAME-OR-FILE", help="default: profile.toml of the folder, else vefa: files in our own layout")
        parser.add_argument("--dry-run", action="store_true", help="the same numbers and exit code, nothing written")
        parser.add_argument("--good-rows-only", action="store_true", help="load the good rows although others are rejected")

    def handle(self, **options: Any) -> None:
        """Loads the folder."""
        folder = Path(options["folder"])
        try:
            if not folder.is_dir():
                raise CommandError(f"there is no folder {folder}", returncode=2)
            default = str(folder / "profile.toml") if (folder / "profile.toml").is_file() else "vefa"
            report = load_bundle(
                folder=folder, profile=find_profile(options["profile"] or default), kinds=KINDS, now=read_clock(), dry_run=options["dry_run"],
                good_rows_only=options["good_rows_only"], listener=lambda rejection: self.stderr.write(str(rejection)),
            )  # fmt: skip
        except WrongMap as fault:
            raise CommandError(str(fault), returncode=2) from fault
        self.stdout.write(json.dumps(report.as_json(), ensure_ascii=False))
        if report.refused:
            # the lines on stderr have said why
            raise SystemExit(1)
