"""`survey-plan`: one wave of a recurring touchpoint, some 20,000 people due, against the same wave by one statement.

Round by round the wave of another day: the product plans it (scan, facts, decisions with reasons, one
row each), the floor does it in SQL alone into a table of the same shape with the same indexes and
foreign keys, and DuckDB answers the question without storing it (`survey_plan_floor` says what the
floor leaves out). The rows of the last round must be the same in both tables.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable

from django.db import connection

from config.benchmarks.data import FIRST_NIGHT
from config.benchmarks.duck_process import installed
from config.benchmarks.measure import DUCKDB, FLOOR, PRODUCT, Result, interleave
from config.benchmarks.survey_plan_duck import PlanDuck
from config.benchmarks.survey_plan_floor import DIFFERING, HISTORY, INSERT, TABLES, values_of
from surveys.actions.planning import plan
from surveys.models import Survey, SurveyVersion, Touchpoint

DUE = 20_000
CONTACTS_EACH = 2
KEY = "bench-wave"


def morning(number: int) -> dt.datetime:
    """Ten o'clock of the day of a round."""
    return dt.datetime.combine(FIRST_NIGHT + dt.timedelta(days=number), dt.time(10), dt.UTC)


def _touchpoint(accounts: int) -> Touchpoint:
    """A rhythm in which about 20,000 people have their turn each day; everything before its day is stale."""
    version = SurveyVersion.objects.create(survey=Survey.objects.get(key="bench-nps"), scale_min=0, scale_max=10, published_at=morning(-500))
    return Touchpoint.objects.create(
        key=KEY, name=KEY, survey=version.survey, every_days=max(1, CONTACTS_EACH * accounts // DUE), valid_hours=12, weekdays=[1, 2, 3, 4, 5, 6, 7], activated_at=morning(-500)
    )


def _prepare(accounts: int) -> Touchpoint:
    touchpoint = _touchpoint(accounts)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in HISTORY:
            cursor.execute(statement, {"start": morning(0), "version": SurveyVersion.objects.get(survey=touchpoint.survey).pk, "each": CONTACTS_EACH, "accounts": accounts})
        for statement in TABLES:
            cursor.execute(statement)
        for table in ("accounts_contact", "surveys_invitation", "floor_invitation"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("SET synchronous_commit = on")
    return touchpoint


def survey_plan(*, accounts: int, rounds: int, say: Callable[[str], None]) -> Result:
    """Waves of so many days; `due` is how many people a wave decides about."""
    touchpoint = _prepare(accounts)
    values = {"every": touchpoint.every_days, "touchpoint": touchpoint.pk, "version": SurveyVersion.objects.get(survey=touchpoint.survey).pk, "salt": KEY}
    told = {"planned": 0, "skipped": 0, "rounds": 0}

    def product(number: int) -> None:
        made = plan(as_of=morning(number))
        if number:
            told["planned"] += made["planned"]
            told["skipped"] += made["skipped"]
            told["rounds"] += 1

    def floor(number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(INSERT, values_of(morning(number), values))

    def sweep(_number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) surveys_invitation")
            cursor.execute("VACUUM (ANALYZE) floor_invitation")

    with contextlib.ExitStack() as stack:
        contenders: dict[str, Callable[[int], float | None]] = {PRODUCT: product, FLOOR: floor}
        if installed():
            base = stack.enter_context(PlanDuck.running())
            contenders[DUCKDB] = lambda number: base.wave(morning(number), values)
        else:
            say("DuckDB is not installed (pip install -r requirements-dev.txt): its column stays empty.")
        seconds, peak = interleave(contenders, rounds=rounds, between=sweep)
    with connection.cursor() as cursor:
        cursor.execute(DIFFERING, {"as_of": morning(rounds), "touchpoint": touchpoint.pk})
        differing = cursor.fetchone()[0]
    due = (told["planned"] + told["skipped"]) // told["rounds"]
    more = {"due": due, "planned": told["planned"] // told["rounds"], "skipped": told["skipped"] // told["rounds"], "rows_differing_from_floor": differing}
    return Result(name="survey-plan", size=accounts, rows=due, seconds=seconds, peak_memory_mb=peak, more=more)
