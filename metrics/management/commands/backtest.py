"""`manage.py backtest [--model M] --start D --end D`: how well health told who would leave, as JSON on stdout."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date

from accounts.queries.clock import database_now
from metrics.actions.backtests import record
from metrics.backtest.question import HORIZON_DAYS, Refused, find_model, question
from metrics.backtest.running import run


class Command(BaseCommand):
    """Refused for thin data: exit code 1. A wrong model, day or span: 2."""

    help = "Scores the customers of past dates from what was known then and looks who left within the horizon. JSON on stdout, progress on stderr."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which model, which span, how far ahead."""
        parser.add_argument("--model", metavar="M", help="key of a health model, or key:version; default: the models that are active")
        parser.add_argument("--start", required=True, metavar="D", help="first day (YYYY-MM-DD)")
        parser.add_argument("--end", required=True, metavar="D", help="exclusive; outcomes are looked at up to here")
        parser.add_argument("--horizon", type=int, default=HORIZON_DAYS, metavar="DAYS", help="days ahead in which an account left or stayed (default %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the figures and keeps the run for the page."""
        now, started = database_now(), time.monotonic()
        start, end = (self._day(name, options[name]) for name in ("start", "end"))
        try:
            model = find_model(options["model"]) if options["model"] else None
            asked = question(model=model, start=start, end=end, horizon_days=options["horizon"], now=now)
            figures = run(asked, now=now, progress=lambda done, steps: self.stderr.write(f"{done} of {steps} dates"))
        except Refused as fault:
            raise CommandError(str(fault), returncode=2 if fault.wrong_usage else 1)
        record(asked=asked, model=model, figures=figures, seconds=time.monotonic() - started, now=now)
        self.stdout.write(json.dumps(figures, ensure_ascii=False, indent=2))

    def _day(self, name: str, text: str) -> Any:
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None:
            raise CommandError(f"--{name} {text}: expected a day such as 2026-03-01", returncode=2)
        return day
