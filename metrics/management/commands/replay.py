"""`manage.py replay DAY [--account ID ...]`: the stored health of a past day once more, from its inputs and from the facts of today."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date

from accounts.queries.clock import database_now
from metrics.actions.recompute import ids_of
from metrics.health.replay import ALTERED, replay

# differing rows shown; a summary is no report
SHOWN = 100


class Command(BaseCommand):
    """Reads alone: what differs is told as a restatement with its cause, the stored day stays."""

    help = "Replays the stored health scores of a day; a JSON summary on stdout. Exit code 1 where a score does not follow from its stored inputs."

    def add_arguments(self, parser: CommandParser) -> None:
        """The day, and which accounts."""
        parser.add_argument("day", help="YYYY-MM-DD")
        parser.add_argument("--account", metavar="ID", nargs="+", action="extend", default=[], help="external ids (or numbers) of accounts; default: all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the summary; a wrong day or an unknown account ends with exit code 2."""
        try:
            day = parse_date(options["day"])
        except ValueError:
            day = None
        if day is None:
            raise CommandError(f"{options['day']}: expected a day as YYYY-MM-DD", returncode=2)
        ids, unknown = ids_of(options["account"])
        if unknown:
            raise CommandError(f"no such account: {', '.join(unknown)}", returncode=2)
        found = replay(day=day, now=database_now(), account_ids=ids if options["account"] else None)
        causes = Counter(row.cause for row in found.differing)
        restatements = [
            {
                "account": row.account_id, "day": row.day.isoformat(), "stored": row.stored, "recomputed": row.replayed, "cause": row.cause,
                "inputs": [{"input": source, "then": before, "now": after} for source, before, after in row.parts],
            }
            for row in found.differing[:SHOWN]
        ]  # fmt: skip
        counts = {"rows": found.rows, "from_inputs": found.from_inputs, "from_facts": found.from_facts, "causes": causes}
        self.stdout.write(json.dumps({"day": day.isoformat(), **counts, "restatements": restatements}))
        if causes[ALTERED]:
            raise CommandError(f"{causes[ALTERED]} scores do not follow from their stored inputs")
