"""`import-usage`: a file of daily use through the product's import, against COPY and one grouped upsert by hand.

Every round is a new file of five days for all accounts, one day of which is there already, as when a
nightly file is sent again with a correction. The floor reads the same file into its own table, keyed
and partitioned alike, and knows nothing afterwards: no undo, no counts, no marks for the health score.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from accounts.actions.usage import put_usage
from accounts.importing.engine import load
from accounts.importing.reader import CsvFile
from accounts.imports.activity import Usage
from config.benchmarks.data import FIRST_NIGHT
from config.benchmarks.measure import FLOOR, PRODUCT, Result, interleave
from config.benchmarks.usage_counts import count_metrics

Say = Callable[[str], None]
DAYS = 5
# days of the file before this one were there already
FIRST_DAY = FIRST_NIGHT + dt.timedelta(days=200)
SINGLE_ROWS, BATCH = 300, 10_000

_FLOOR_TABLE = """
DROP TABLE IF EXISTS floor_usage;
CREATE TABLE floor_usage (account_id bigint NOT NULL, feature_id bigint NOT NULL, day date NOT NULL, count integer NOT NULL, users integer, seconds integer, errors integer,
    PRIMARY KEY (account_id, feature_id, day) INCLUDE (count)) PARTITION BY RANGE (day)
"""
_FLOOR_UPSERT = """
INSERT INTO floor_usage (account_id, feature_id, day, count, users)
SELECT a.id, x.id, i.day, sum(i.count), sum(i.users) FROM floor_incoming i JOIN accounts_account a ON a.external_id = i.account
JOIN accounts_feature x ON x.key = coalesce(i.feature, '') GROUP BY a.id, x.id, i.day
ON CONFLICT (account_id, feature_id, day) DO UPDATE SET count = excluded.count, users = excluded.users
"""
_ONE_ROW = (
    "INSERT INTO floor_usage (account_id, feature_id, day, count, users) VALUES (%s, %s, %s, %s, %s) "
    "ON CONFLICT (account_id, feature_id, day) DO UPDATE SET count = excluded.count, users = excluded.users"
)


def _run(sql: str, values: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def _months(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + dt.timedelta(days=32)).replace(day=1)


def _floor_months(last: dt.date) -> None:
    _run(_FLOOR_TABLE)
    for month in _months(FIRST_DAY, last):
        after = (month + dt.timedelta(days=32)).replace(day=1)
        _run(f"CREATE TABLE floor_usage_{month:%Y%m} PARTITION OF floor_usage FOR VALUES FROM ('{month}') TO ('{after}')")


def _write_file(path: Path, first: dt.date) -> int:
    """The file of a round, in the order of days, as another system would write it; returns its rows."""
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        query = (
            "COPY (SELECT a.external_id AS account, 'reports' AS feature, d.day, 1 + (a.id * 7 + d.n * 13) % 90 AS count, 1 + a.id % 9 AS users "
            f"FROM (SELECT '{first}'::date + n AS day, n FROM generate_series(0, {DAYS - 1}) n) d CROSS JOIN accounts_account a ORDER BY d.day, a.id) "
            "TO STDOUT (FORMAT csv, HEADER)"
        )
        rows = 0
        with path.open("wb") as file, raw.copy(query) as copy:
            for piece in copy:
                file.write(piece)
                rows += bytes(piece).count(b"\n")
    return rows - 1


def _floor(path: Path) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute("CREATE TEMPORARY TABLE floor_incoming (account text, feature text, day date, count integer, users integer) ON COMMIT DROP")
        raw: Any = cursor.cursor
        with raw.copy("COPY floor_incoming FROM STDIN (FORMAT csv, HEADER)") as copy, path.open("rb") as file:
            while piece := file.read(1024 * 1024):
                copy.write(piece)
        cursor.execute(_FLOOR_UPSERT)


def _single_rows(day: dt.date) -> float:
    """Seconds a row of an upsert with its commit, one by one."""
    accounts = [row[0] for row in _run("SELECT id FROM accounts_account ORDER BY id LIMIT %s", [SINGLE_ROWS])]
    feature = _run("SELECT id FROM accounts_feature WHERE key = 'reports'")[0][0]
    began = time.perf_counter()
    for account in accounts:
        _run(_ONE_ROW, [account, feature, day, 7, 1])
    return (time.perf_counter() - began) / len(accounts)


def _batch(day: dt.date) -> float:
    """Seconds a row of the API's batch of ten thousand."""
    rows = [(account, "reports", day, 7, 1, None, None) for (account,) in _run("SELECT id FROM accounts_account ORDER BY id LIMIT %s", [BATCH])]
    began = time.perf_counter()
    put_usage(rows)
    return (time.perf_counter() - began) / len(rows)


def import_usage(*, accounts: int, rounds: int, say: Say) -> Result:
    """Rows a second of a file, the import against the floor; beside it the API's batch and single rows."""
    last = FIRST_DAY + dt.timedelta(days=DAYS * (rounds + 3))
    now = dt.datetime.combine(last, dt.time(), dt.UTC)
    kind, told = Usage(), {"rows": 0}
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vefa-bench-")))
        _floor_months(last)
        _run("INSERT INTO accounts_feature (key) VALUES ('reports') ON CONFLICT DO NOTHING")
        files = []
        for number in range(rounds + 1):
            # each file begins with the last day of the one before
            files.append(place / f"usage-{number}.csv")
            told["rows"] = _write_file(files[-1], FIRST_DAY + dt.timedelta(days=(DAYS - 1) * number))
        say(f"files of {told['rows']} rows")

        def product(number: int) -> None:
            report = load(kind=kind, source=CsvFile(files[number]), now=now)
            if report.refused or report.created + report.changed + report.unchanged != told["rows"]:
                raise RuntimeError(f"the import did not take the file: {report}")

        def between(_number: int) -> None:
            # nobody pays for the checkpoint of another
            _run("CHECKPOINT")

        seconds, peak = interleave({PRODUCT: product, FLOOR: lambda number: _floor(files[number])}, rounds=rounds, between=between)
        differing = _run(
            "SELECT count(*) FROM (SELECT account_id, feature_id, day, count, users FROM accounts_usageday WHERE day >= %s) mine "
            "FULL JOIN (SELECT account_id, feature_id, day, count, users FROM floor_usage) theirs USING (account_id, feature_id, day) "
            "WHERE (mine.count, mine.users) IS DISTINCT FROM (theirs.count, theirs.users)",
            [FIRST_DAY],
        )[0][0]
        # days that no file had
        single, batch = (sorted(each(last - dt.timedelta(days=n)) for n in range(3))[1] for each in (_single_rows, _batch))
    result = Result("import-usage", accounts, told["rows"], seconds, peak, {})
    mine = sorted(seconds[PRODUCT])[len(seconds[PRODUCT]) // 2] / told["rows"]
    result.more = {
        "rows_differing_from_floor": differing,
        # rates of rows: above 1 the product is faster
        "rate_of_floor": round(1 / (result.ratio(FLOOR) or 1), 3),
        "rate_to_single_rows": round(single / mine, 1),
        "batch_rate_to_single_rows": round(single / batch, 1),
        **count_metrics(accounts=accounts, say=say),
    }
    return result
