"""`manage.py sandbox-turn`: moves the sandbox's clock on; run by the installation inside the sandbox."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.sandbox.turning import turn


class Command(BaseCommand):
    """Every sweep of the schedule, hour by hour; a JSON line with where the clock stands."""

    help = "Moves the sandbox's clock on. Use `manage.py sandbox advance` instead."
    # the installation that started it has looked
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How far, and for how long at most."""
        parser.add_argument("--until", required=True, type=dt.datetime.fromisoformat, metavar="TS")
        parser.add_argument("--hours", type=int, default=1)
        parser.add_argument("--seconds", type=float, default=3600)

    def handle(self, *args: Any, **options: Any) -> None:
        """Moves on."""
        try:
            reached = turn(until=options["until"], hours=options["hours"], seconds=options["seconds"])
        except (RuntimeError, ValueError) as fault:
            raise CommandError(str(fault), returncode=2) from None
        self.stdout.write(json.dumps({"reached": reached.isoformat()}))
