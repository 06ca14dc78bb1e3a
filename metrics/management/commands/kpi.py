"""`manage.py kpi`: one KPI as JSON on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.queries.clock import read_clock
from metrics.kpis.engine import CATALOGUE, WrongQuestion, answer


class Command(BaseCommand):
    """Prints a KPI with numerator, denominator, parts and interval."""

    help = "One KPI as JSON. Wrong names, variants, parameters or filters end with exit code 2."

    def add_arguments(self, parser: CommandParser) -> None:
        """Arguments as in the documented interface."""
        parser.add_argument("name", help=", ".join(sorted(CATALOGUE)))
        parser.add_argument("--variant")
        parser.add_argument("--start", required=True, help="first day or instant")
        parser.add_argument("--end", required=True, help="exclusive: first day or instant outside")
        parser.add_argument("--segment")
        parser.add_argument("--by", metavar="DIM")
        parser.add_argument("--filter", action="append", default=[], metavar="DIM=VALUE")
        parser.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--interval", choices=["day", "week", "month", "quarter", "year"])
        parser.add_argument("--as-of", metavar="TS")

    def handle(self, **options: Any) -> None:
        """Asks the engine."""
        try:
            filters: dict[str, list[str]] = {}
            for name, value in _pairs(options["filter"], "--filter"):
                filters.setdefault(name, []).append(value)
            figure = answer(
                name=options["name"], variant=options["variant"], start=options["start"], end=options["end"], segment=options["segment"],
                filters=filters, by=options["by"], interval=options["interval"], as_of=options["as_of"],
                params=dict(_pairs(options["param"], "--param")), now=read_clock(),
            )  # fmt: skip
        except WrongQuestion as fault:
            self.stderr.write(str(fault))
            sys.exit(2)
        self.stdout.write(json.dumps(figure, ensure_ascii=False, indent=2))


def _pairs(texts: list[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise WrongQuestion(f"{option} {text}: expected NAME=VALUE.")
        pairs.append((name, value))
    return pairs
