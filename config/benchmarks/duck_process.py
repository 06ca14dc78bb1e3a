"""DuckDB in a process of its own, so that its memory is not counted as ours: tables copied from PostgreSQL, a question a line.

DuckDB is a development requirement; where it is not installed its column stays empty and a line says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg

from config.benchmarks.scratch import conninfo

# name of a table -> (its columns in DuckDB, the query for its rows in PostgreSQL)
Tables = Mapping[str, tuple[str, str]]


def installed() -> bool:
    """Whether DuckDB can be imported here."""
    return importlib.util.find_spec("duckdb") is not None


class DuckProcess:
    """A child process with its native file; subclasses name its module (which calls `serve`) and its tables."""

    module: str
    tables: Tables

    def __init__(self, folder: Path):
        with psycopg.connect(**conninfo()) as connection:
            for name, (_columns, query) in self.tables.items():
                with (folder / f"{name}.csv").open("wb") as file, connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
                    for block in copy:
                        file.write(block)
        self._child = subprocess.Popen([sys.executable, "-m", self.module, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask({"load": True})

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Self]:
        """Starts it with the rows of the default database; ends it and drops its file."""
        with tempfile.TemporaryDirectory(prefix="vefa-bench-") as folder:
            base = cls(Path(folder))
            try:
                yield base
            finally:
                base.close()

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The child's answer to a question. Raises RuntimeError where it has ended."""
        assert self._child.stdin and self._child.stdout  # noqa: PT018
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("DuckDB's process ended; its message is above")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(timeout=60)


def serve(tables: Tables, answer: Callable[[Any, dict[str, Any]], dict[str, Any]], *, then: str = "") -> None:
    """The child: loads its tables (and runs `then`), after that answers one question a line until its input ends."""
    import duckdb

    folder = Path(sys.argv[1])
    base = duckdb.connect(str(folder / "facts.duckdb"), config={"threads": 2})
    for line in sys.stdin:
        question = json.loads(line)
        if "load" in question:
            for name, (columns, _query) in tables.items():
                base.execute(f"CREATE TABLE {name} ({columns})")
                base.execute(f"COPY {name} FROM '{folder / name}.csv' (FORMAT csv, HEADER false)")
            if then:
                base.execute(then)
            told: dict[str, Any] = {"loaded": True}
        else:
            told = answer(base, question)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
