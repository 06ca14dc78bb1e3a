"""The temporary tables of one load, and the rejecting of rows.

Everything happens in the caller's transaction. `incoming` holds the file, typed; `final` the rows as
they shall stand; `rejected` what the database found wrong (what the parser finds goes straight to
the listener), so that memory does not grow with the file.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts.importing.faults import FileFault, Rejection
from accounts.importing.field_types import as_text, plain_number
from accounts.importing.mapping import Mapping, plan_columns
from accounts.importing.reader import Source

if TYPE_CHECKING:
    from accounts.importing.kinds import Kind

Listener = Callable[[Rejection], None]


class Loading:
    """One file on its way into the database."""

    def __init__(
        self, *, kind: Kind, source: Source, mapping: Mapping, now: dt.datetime, zone: dt.tzinfo, currency: str,
        batch_id: UUID, profile: str, listener: Listener | None,
    ):  # fmt: skip
        self.kind, self.source, self.mapping = kind, source, mapping
        self.now, self.zone, self.currency, self.batch_id, self.profile = now, zone, currency, batch_id, profile
        self.listener = listener
        self.warnings: Counter[str] = Counter()
        self.rejected = 0
        self.rows = 0
        # our columns that the file gives
        self.given: set[str] = set()
        self.gives_attributes = False
        # rows by fate where the file was taken whole; otherwise `final` has them
        self.counts: dict[str, int] | None = None

    # ── SQL ──────────────────────────────────────────────────────────────────

    def run(self, sql: str, values: dict[str, Any] | None = None) -> int:
        """Executes a statement; returns the number of rows it touched."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self.values(values))
            return cursor.rowcount

    def fetch(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a (small) query."""
        with connection.cursor() as cursor:
            cursor.execute(sql, self.values(values))
            return cursor.fetchall()

    def values(self, more: dict[str, Any] | None = None) -> dict[str, Any]:
        """The parameters every statement may name: now, batch, reporting currency."""
        return {"now": self.now, "batch": self.batch_id, "currency": self.currency, **(more or {})}

    @property
    def server_version(self) -> int:
        """PostgreSQL's version as a number: 180006 is 18.6."""
        return self.fetch("SELECT current_setting('server_version_num')::integer")[0][0]

    # ── Rejecting ────────────────────────────────────────────────────────────

    def reject(self, row: int, column: str, reason: str) -> None:
        """Refuses one row that never reached the database."""
        self.rejected += 1
        if self.listener:
            self.listener(Rejection(self.source.name, row, column, reason))

    def reject_where(self, query: str, column: str, values: dict[str, Any] | None = None) -> None:
        """Refuses rows of `incoming` by a query for (row, reason); they leave all temporary tables."""
        done = self.run(
            f"WITH bad AS (SELECT DISTINCT ON (q.row) q.row, q.reason FROM ({query}) AS q (row, reason) ORDER BY q.row, q.reason), "
            "gone AS (DELETE FROM incoming i USING bad WHERE i.row = bad.row RETURNING i.row) "
            "INSERT INTO rejected SELECT bad.row, %(column_name)s, bad.reason FROM bad JOIN gone USING (row)",
            {**(values or {}), "column_name": column},
        )
        self.rejected += done
        if done and self.has_final:
            self.run("DELETE FROM final f USING rejected r WHERE r.row = f.row")

    def warn(self, name: str, count: int) -> None:
        """Counts what was accepted but should be known."""
        if count:
            self.warnings[name] += count

    def tell_rejections(self) -> None:
        """Hands the rejections that the database found to the listener, in the order of rows."""
        last, last_column = -1, ""
        while self.listener:
            found = self.fetch(
                "SELECT row, col, reason FROM rejected WHERE (row, col) > (%(last)s, %(last_column)s) ORDER BY row, col LIMIT 1000",
                {"last": last, "last_column": last_column},
            )
            for row, column, reason in found:
                self.listener(Rejection(self.source.name, row, column, reason))
            if len(found) < 1000:
                return
            last, last_column = found[-1][0], found[-1][1]

    # ── Staging ──────────────────────────────────────────────────────────────

    has_final = False

    def stage(self) -> None:
        """Reads the source into `incoming`. Raises FileFault, WrongMap."""
        self.drop()
        header = self.source.header
        kind, mapping = self.kind, self.mapping
        plan = plan_columns(header, mapping, kind.names, kind.keeps_unknown)
        if plan.unknown:
            raise FileFault(
                _("%(kind)s has no such column; it has %(names)s") % {"kind": kind.name, "names": ", ".join(column.name for column in kind.columns)},
                row=1, column=plan.unknown[0],
            )  # fmt: skip
        self.given = {target for _position, target, _theirs in plan.cells} | set(mapping.constants)
        wrong = sorted(set(mapping.constants) - kind.names)
        if wrong:
            raise FileFault(_("the map sets a column that %(kind)s does not have") % {"kind": kind.name}, column=wrong[0])
        missing = [column.name for column in kind.columns if column.required and column.name not in self.given]
        if missing:
            raise FileFault(_("the header lacks %(names)s") % {"names": ", ".join(missing)}, row=1, column=missing[0])
        self.gives_attributes = bool(plan.attributes)
        types = [("row", "bigint"), *((column.name, column.type.sql) for column in kind.columns if column.name in self.given), *kind.derived]
        if self.gives_attributes:
            types += [("attributes", "jsonb"), ("cleared", "text[]")]
        self.run("CREATE TEMPORARY TABLE rejected (row bigint, col text, reason text)")
        self.run("CREATE TEMPORARY TABLE incoming (" + ", ".join(f'"{name}" {sql}' for name, sql in types) + ")")
        with connection.cursor() as cursor:
            raw: Any = cursor.cursor
            with raw.copy("COPY incoming FROM STDIN") as copy:
                for values in self._parsed(plan.cells, plan.attributes, len(header), header):
                    copy.write_row(values)
        for name, count in self.source.remarks().items():
            self.warn(name, count)
        self.run("ANALYZE incoming")
        self._combine()
        self._refuse_duplicates()

    def _parsed(self, cells: tuple[tuple[int, str, str], ...], attributes: tuple[tuple[int, str], ...], width: int, header: list[str]) -> Iterator[list[Any]]:
        """The good rows, typed, in the order of `incoming`."""
        kind, mapping = self.kind, self.mapping
        place = {target: (position, theirs) for position, target, theirs in cells}
        steps = []
        for column in kind.columns:
            if column.name not in self.given:
                continue
            position, theirs = place.get(column.name, (-1, column.name))
            parse = column.type.parser(mapping.formats_of(column.name, self.zone))
            steps.append(
                (
                    position,
                    column.name,
                    theirs,
                    column.required,
                    parse,
                    mapping.values.get(column.name),
                    mapping.defaults.get(column.name, ""),
                    mapping.constants.get(column.name, ""),
                )
            )
        typed = {name: mapping.attribute_types.get(name, "text") for _position, name in attributes}
        formats = mapping.formats_of("", self.zone)
        derive, names = kind.derive if kind.derived else None, [step[1] for step in steps]
        for number, row in self.source.rows():
            self.rows += 1
            if len(row) != width:
                where = header[len(row)] if len(row) < width else header[-1]
                self.reject(number, where, _("the row has %(found)d cells, the header %(expected)d") % {"found": len(row), "expected": width})
                continue
            values: list[Any] = [number]
            theirs = ""
            try:
                for position, _name, theirs, required, parse, translate, default, constant in steps:  # noqa: B007 - read when one of them raises
                    cell = row[position] if position >= 0 else constant
                    if cell.__class__ is not str:
                        cell = as_text(cell)
                    if translate is not None and cell in translate:
                        cell = translate[cell]
                    if cell == "" or (required and not cell.strip()):
                        cell = default
                        if cell == "":
                            if required:
                                raise ValueError(_("a value is needed here"))
                            values.append(None)
                            continue
                    values.append(parse(cell))
                if derive is not None:
                    values.extend(derive(dict(zip(names, values[1:], strict=True))))
                if attributes:
                    kept: dict[str, Any] = {}
                    cleared = []
                    for position, theirs in attributes:
                        cell = as_text(row[position])
                        if cell == "":
                            cleared.append(theirs)
                        else:
                            kept[theirs] = _attribute(cell, typed[theirs], formats)
                    values += [Jsonb(kept), cleared]
            except ValueError as fault:
                self.reject(number, theirs, str(fault))
                continue
            yield values

    def _combine(self) -> None:
        """`combine = "sum"`: rows of one key become one, their figures summed."""
        kind = self.kind
        if self.mapping.combine is None:
            return
        if not kind.summed:
            raise FileFault(_("rows of %(kind)s cannot be combined") % {"kind": kind.name})
        keys = ", ".join(f'"{name}"' for name in kind.key if name in self.given)
        sums = ", ".join(f'sum("{name}")::bigint AS "{name}"' for name in kind.summed if name in self.given)
        self.run(f"CREATE TEMPORARY TABLE combined AS SELECT min(row) AS row, {keys}, {sums} FROM incoming GROUP BY {keys}")
        before, after = self.fetch("SELECT (SELECT count(*) FROM incoming), (SELECT count(*) FROM combined)")[0]
        self.run("DROP TABLE incoming")
        self.run("ALTER TABLE combined RENAME TO incoming")
        self.warn("combined_rows", before - after)

    def _refuse_duplicates(self) -> None:
        """The first row of a key stands; every later one is refused."""
        keys = [name for name in self.kind.key if name in self.given]
        if not keys:
            return
        listed = ", ".join(f'"{name}"' for name in keys)
        self.reject_where(
            f"SELECT row, format(%(text)s, first) FROM (SELECT row, min(row) OVER (PARTITION BY {listed}) AS first FROM incoming) AS seen WHERE row > first",
            keys[0],
            {"text": _("the key (%(names)s) stands in row %%s already") % {"names": ", ".join(keys)}},
        )

    def drop(self) -> None:
        """Removes the temporary tables, so that several files can be loaded in one transaction."""
        self.has_final = False
        for name in ("incoming", "final", "rejected", "combined", "wanted_segments", "made_contacts", "plain"):
            self.run(f"DROP TABLE IF EXISTS pg_temp.{name}")


def _attribute(cell: str, kind: str, formats: Any) -> Any:
    """An attribute's value by its declared type; text stays as it is. Raises ValueError."""
    if kind == "number":
        plain = plain_number(cell, formats)
        number = float(plain) if "." in plain else int(plain)
        if Decimal(repr(number)) != Decimal(plain):
            raise ValueError(_("%(text)s has more digits than can be kept exactly") % {"text": cell[:80]})
        return number
    if kind == "boolean":
        lowered = cell.lower()
        if lowered not in {"true", "1", "yes", "false", "0", "no"}:
            raise ValueError(_("“%(text)s” is neither true nor false (true/false, 1/0, yes/no)") % {"text": cell[:80]})
        return lowered in {"true", "1", "yes"}
    return cell
