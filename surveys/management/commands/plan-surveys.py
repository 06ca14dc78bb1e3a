"""`manage.py plan-surveys`: the decisions of all touchpoints, stored or only shown."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from surveys.actions.planning import plan
from surveys.management.instants import at_or_now
from surveys.queries.dry_run import plan_lines


class Command(BaseCommand):
    """Plans invitations; `--dry-run` prints what would be decided, one JSON line a contact and touchpoint."""

    help = "Decides whom the touchpoints ask, and stores every decision with its reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The instant to decide for, and whether to write."""
        parser.add_argument("--as-of", default=None, metavar="TS", help="ISO 8601; without an offset in the organisation's zone. Default: now.")
        parser.add_argument("--dry-run", action="store_true", help="Print the decisions and write nothing.")
        parser.add_argument("--touchpoint", default=None, help="With --dry-run: this one alone.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs it; JSON on stdout."""
        as_of, _clock = at_or_now(options["as_of"])
        if options["dry_run"]:
            for line in plan_lines(as_of=as_of, touchpoint=options["touchpoint"]):
                self.stdout.write(json.dumps(line, ensure_ascii=False))
            return
        made = plan(as_of=as_of)
        self.stdout.write(json.dumps({"as_of": as_of.isoformat(), "planned": made["planned"], "skipped": made["skipped"]}))
