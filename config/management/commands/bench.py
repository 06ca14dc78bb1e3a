"""`manage.py bench [NAME ...]`: the benchmarks, on generated data in a scratch database that is dropped afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from config.benchmarks import cohorts, health, import_usage, mail_send, mrr_movements, net_retention, survey_answer, survey_plan, worklist
from config.benchmarks.data import generate
from config.benchmarks.measure import Result
from config.benchmarks.money_data import generate_money
from config.benchmarks.scratch import scratch_database

BENCHMARKS: dict[str, Callable[..., Result]] = {
    "health-full": health.full, "health-incremental": health.incremental, "worklist": worklist.worklist, "survey-plan": survey_plan.survey_plan,
    "mail-send": mail_send.mail_send, "survey-answer": survey_answer.survey_answer, "import-usage": import_usage.import_usage,
    "mrr-movements": mrr_movements.mrr_movements, "net-retention": net_retention.net_retention, "cohorts": cohorts.cohorts,
}  # fmt: skip
# what is measured on other customers than everything else
GENERATORS: dict[str, Callable[..., None]] = {"mrr-movements": generate_money, "net-retention": generate_money, "cohorts": generate_money}
ROUNDS = 5


class Command(BaseCommand):
    """Product, hand-written floor and DuckDB, interleaved after a warm-up."""

    help = "Runs the benchmarks on generated data in a scratch database. Without a name: all of them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which one, how big, how often."""
        parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
        parser.add_argument("--accounts", type=int, default=100_000, help="how many accounts to generate (default 100000)")
        parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds after the warm-up (default 5)")
        parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a table or JSON; an unknown name ends with exit code 2."""
        names, accounts, rounds = options["names"], options["accounts"], options["rounds"]
        for name in names:
            if name not in BENCHMARKS:
                raise CommandError(f"no benchmark is called {name}; available: {', '.join(BENCHMARKS)}", returncode=2)
        if accounts < 100 or rounds < 1:
            raise CommandError("--accounts starts at 100 and --rounds at 1", returncode=2)
        if not options["json"]:
            self._line("benchmark", "accounts", "median s", "min s", "max s", "rows/s", "peak MB", "/ floor", "/ DuckDB")
        for each in names or list(BENCHMARKS):
            try:
                with scratch_database() as database:
                    self._say(f"{each}: generating {accounts} accounts in {database}")
                    GENERATORS.get(each, generate)(accounts=accounts, nights=rounds + 1)
                    self._say(f"{each}: a warm-up and {rounds} rounds")
                    result = BENCHMARKS[each](accounts=accounts, rounds=rounds, say=self._say)
            except (Error, psycopg.Error) as fault:
                raise CommandError(f"{each}: {fault}")
            self._print(result.fields(), options["json"])

    def _print(self, fields: dict[str, Any], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(fields))
            self.stdout.flush()
            return
        shown = ("name", "size", "seconds_median", "seconds_min", "seconds_max", "rows_per_second", "peak_memory_mb", "ratio_to_floor", "ratio_to_duckdb")
        self._line(*("–" if fields[key] is None else str(fields[key]) for key in shown))
        rest = {key: value for key, value in fields.items() if key not in shown}
        self.stdout.write("  " + ", ".join(f"{key} {value}" for key, value in rest.items()))

    def _line(self, first: str, *cells: str) -> None:
        self.stdout.write(f"{first:<20}" + "".join(f"{cell:>14}" for cell in cells))

    def _say(self, text: str) -> None:
        self.stderr.write(text)
