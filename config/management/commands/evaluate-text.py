"""`manage.py evaluate-text --data DIR`: how right the readers of texts are, on sets of real scored answers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.text.evaluation import SETS, by_learning, by_lists


class Command(BaseCommand):
    """One line a set and reader, with 95 % intervals. Touches no database."""

    help = "Measures word lists and classifier on sets of scored answers: balanced accuracy with 95 % intervals."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the sets are, and in what form the answer comes."""
        parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="The folder that holds " + ", ".join(chosen.name for chosen in SETS) + ".")
        parser.add_argument("--json", action="store_true", help="One JSON object a line instead of a table.")
        parser.add_argument("--lists-only", action="store_true", help="Leaves out the classifier, which takes a minute to train.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reads each set and prints what each reader is worth on it."""
        if not options["json"]:
            self.stdout.write(f"{'set':<22} {'reader':<31} {'rows':>5} {'balanced accuracy':>22} {'bar':>5} {'':<7}{'recall':>16} {'precision':>19} {'undecided':>10}")
            self.stdout.write(f"{'':<22} {'':<31} {'':>5} {'(95 % interval)':>22} {'':>5} {'':<7}{'good / bad':>16} {'good / bad':>19} {'':>10}")
        for chosen in SETS:
            try:
                rows = chosen.read(options["data"])
            except OSError as error:
                raise CommandError(f"{chosen.name} cannot be read: {error}") from error
            results = by_lists(chosen, rows)
            if not options["lists_only"]:
                results += by_learning(chosen, rows)
            for result in results:
                said = result.as_dict()
                if options["json"]:
                    self.stdout.write(json.dumps(said))
                    continue
                bar = f"{result.bar:.2f}" if result.bar is not None else ""
                verdict = {True: "met", False: "missed", None: ""}[said["met"]]  # type: ignore[index]
                figure = f"{said['balanced_accuracy']:.3f} ({said['low']:.3f}–{said['high']:.3f})"
                recall, precision = f"{said['good_recall']:.2f} / {said['bad_recall']:.2f}", f"{said['good_precision']:.2f} / {said['bad_precision']:.2f}"
                self.stdout.write(
                    f"{result.set_name:<22} {result.reader:<31} {result.rates.rows:>5} {figure:>22} {bar:>5} {verdict:<7}{recall:>16} {precision:>19} {result.undecided:>10}"
                )
