"""A plain file of use goes in whole, and ends exactly like the careful way; what is not plain takes that way."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.actions.usage import put_usage
from accounts.importing.engine import Report, load
from accounts.importing.faults import Rejection
from accounts.importing.mapping import Mapping
from accounts.importing.reader import CsvFile
from accounts.importing.undo import undo_batch
from accounts.imports.activity import Usage
from accounts.models import Account
from config.imports import DERIVED, KINDS

NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
# says nothing that is not so without it, but is a map: the careful way
CAREFUL = Mapping(ignore=frozenset({"nothing"}))


class Watched(Usage):
    """The kind, remembering whether a file went in whole."""

    def __init__(self) -> None:
        self.whole: list[bool] = []

    def take_whole(self, load: Any) -> dict[str, int] | None:
        """As ever."""
        self.whole.append(False)
        counts = super().take_whole(load)
        self.whole[-1] = True
        return counts


def put(path: Path, text: str | bytes, mapping: Mapping | None = None, **more: Any) -> tuple[Report, list[Rejection], bool]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults: list[Rejection] = []
    kind = Watched()
    report = load(kind=kind, source=CsvFile(path), now=NOW, mapping=mapping, listener=faults.append, **more)
    return report, faults, kind.whole == [True]


def stored() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.external_id, f.key, u.day, u.count, u.users, u.seconds, u.errors FROM accounts_usageday u JOIN accounts_account a ON a.id = u.account_id "
            "JOIN accounts_feature f ON f.id = u.feature_id ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()


def marked() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT a.external_id FROM accounts_accountdirty d JOIN accounts_account a ON a.id = d.account_id")
        return {row[0] for row in cursor.fetchall()}


ROWS = st.dictionaries(
    st.tuples(st.sampled_from(["ağaç", "b 1", "c"]), st.sampled_from(["", "raporlar", "api"]), st.integers(0, 40)),
    st.tuples(st.integers(0, 5), st.none() | st.integers(0, 3), st.none() | st.integers(0, 3)),
    min_size=1, max_size=12,
)  # fmt: skip


def written(rows: dict, columns: set[str]) -> str:
    names = ["account", "day", "count", *sorted(columns)]
    lines = [",".join(names)]
    for (account, feature, day), (count, users, errors) in rows.items():
        cells = {
            "account": account, "day": dt.date(2026, 3, 20) + dt.timedelta(days=day), "count": count, "feature": feature,
            "users": "" if users is None else users, "errors": "" if errors is None else errors,
        }  # fmt: skip
        lines.append(",".join(str(cells[name]) for name in names))
    return "\n".join(lines) + "\n"


class BothWays(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(first=ROWS, second=ROWS, columns=st.sets(st.sampled_from(["users", "errors"])))
    def test_both_ways_store_the_same_count_the_same_and_can_be_taken_back_alike(self, first: dict, second: dict, columns: set[str]) -> None:
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "use.csv"
        for name in ("ağaç", "b 1", "c"):
            Account.objects.create(external_id=name, name=name)
        ends = []
        for mapping in (None, CAREFUL):
            before = stored()
            reports = []
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM accounts_accountdirty")
            for rows in (first, second):
                report, faults, whole = put(path, written(rows, {*columns, "feature"}), mapping)
                assert not faults
                assert whole is (mapping is None)
                reports.append(report)
            ends.append(([(r.created, r.changed, r.unchanged, r.warnings) for r in reports], stored(), marked()))
            for report in reversed(reports):
                undo_batch(batch_id=report.batch or "", kinds=KINDS.values(), derived=DERIVED, now=NOW)
            assert stored() == before
        assert ends[0] == ends[1]


HEAD = "account,day,count\n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        (HEAD + "c,2026-03-01,1\nc,2026-02-30,2\n", 3, "day"),
        (HEAD + "c,2026-03-01,1\nnobody,2026-03-02,2\n", 3, "account"),
        (HEAD + "c,2026-03-01,1\nc,2026-03-01,2\n", 3, "account"),
        (HEAD + "c,2026-03-01,-1\n", 2, "count"),
        (HEAD + "c,2026-03-01,1_000\n", 2, "count"),
        (HEAD + "c,2026-03-01,1,9\n", 2, "count"),
        (HEAD.encode() + b"c\xff,2026-03-01,1\n", 2, "account"),
        (HEAD + "c,2026-03-01,9999999999\n", 2, "count"),
    ],
)
def test_what_is_not_plain_is_refused_by_row_and_column_and_writes_nothing(tmp_path: Path, text: str | bytes, row: int, column: str) -> None:
    account = Account.objects.create(external_id="c", name="c")
    put_usage([(account.pk, "", dt.date(2026, 3, 1), 40, 4, None, None)])
    before = stored()
    report, faults, whole = put(tmp_path / "use.csv", text)
    assert (report.refused, [(fault.row, fault.column) for fault in faults], whole) == (True, [(row, column)], False)
    assert stored() == before


@pytest.mark.django_db
def test_quotes_and_windows_lines_take_the_careful_way_and_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    Account.objects.create(external_id="c, d", name="c")
    Account.objects.create(external_id="c", name="c")
    report, faults, whole = put(tmp_path / "use.csv", 'account,day,count\r\n"c, d",2026-03-01,1\r\n')
    assert (report.created, faults, whole) == (1, [], False)
    dry, _faults, whole = put(tmp_path / "use.csv", b"\xef\xbb\xbf" + HEAD.encode() + b"c,2026-03-01,7\n", dry_run=True)
    assert (dry.created, dry.batch, whole) == (1, None, True)
    assert [row[0] for row in stored()] == ["c, d"]
