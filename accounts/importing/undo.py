"""Undoing one batch: what it made goes, what it changed becomes what it was before.

Refused, with the rows named, where a row was changed since or later data refers to it. What other
parts of the product derive from the rows (snapshots, ledgers, scores) goes with them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.actions.stages import take_back_stays
from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.importing.faults import UndoRefused
from accounts.importing.kinds import DerivedRows, Kind
from accounts.models import ImportBatch, ImportChange

MOST_NAMED = 50
# rows that imports make because a name was not known; others may use them, too
NAMES = frozenset({"accounts_segment", "surveys_survey"})
# columns that change without anybody changing the row
_QUIET = frozenset({"updated_at", "version"})


class UnknownBatch(LookupError):
    """There is no such batch, or it was undone already."""


# the days of use of a batch; an entry is about many accounts, older ones about the one in their key
_USAGE = (
    "SELECT coalesce(r.row->>4, c.row_key->>'account_id')::bigint AS account_id, (r.row->>0)::bigint AS feature_id, (r.row->>1)::date AS day, "
    "r.row->2 AS before, r.row->3 AS after "
    "FROM accounts_importchange c CROSS JOIN LATERAL jsonb_array_elements(c.after) AS r (row) WHERE c.batch_id = %(batch)s AND c.\"table\" = 'accounts_usageday'"
)


class _Undo:
    """The undoing of one batch, within one transaction."""

    def __init__(self, batch: ImportBatch, kinds: Iterable[Kind], derived: Iterable[DerivedRows]):
        self.batch = batch
        self.by_table: dict[str, Kind] = {kind.table: kind for kind in kinds}
        self.derived = [*derived, *(rows for kind in self.by_table.values() for rows in kind.derived_rows)]
        self.reasons: list[str] = []

    def run(self, sql: str, values: dict[str, Any] | None = None) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"batch": self.batch.pk, **(values or {})})
            return cursor.rowcount

    def fetch(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"batch": self.batch.pk, **(values or {})})
            return cursor.fetchall()

    def tables(self) -> list[str]:
        """The tables of the batch: side rows first, so that what refers to a row goes before it."""
        rows = self.fetch("SELECT \"table\", bool_or(row_key ? 'side') AS side, min(id) FROM accounts_importchange WHERE batch_id = %(batch)s GROUP BY 1 ORDER BY 2 DESC, 3")
        return [row[0] for row in rows if row[0] != "accounts_usageday"]

    def ignored(self, table: str) -> frozenset[str]:
        """The columns of a table whose change blocks nothing."""
        kind = self.by_table.get(table)
        return _QUIET | (kind.unmanaged | kind.moved_by_rules if kind else frozenset())

    def collect(self) -> None:
        """The rows of the batch by table and id, in one temporary table."""
        self.run("DROP TABLE IF EXISTS pg_temp.undoing")
        self.run(
            "CREATE TEMPORARY TABLE undoing ON COMMIT DROP AS SELECT \"table\" AS name, row_key->>'id' AS id, created, before, after, row_key ? 'side' AS side "
            "FROM accounts_importchange WHERE batch_id = %(batch)s AND row_key ? 'id' ORDER BY id"
        )
        self.run("CREATE INDEX ON undoing (name, id)")
        self.run("ANALYZE undoing")

    # ── what stands in the way ───────────────────────────────────────────────

    def look_for_changes(self, table: str) -> None:
        """Rows that are not as the batch left them."""
        ignored = sorted(self.ignored(table))
        rows = self.fetch(
            f"SELECT u.id, coalesce(u.after->>'external_id', u.id), t.id IS NULL FROM undoing u LEFT JOIN \"{table}\" t ON t.id::text = u.id "
            "WHERE u.name = %(table_name)s AND u.after IS NOT NULL "
            "AND (t.id IS NULL OR (to_jsonb(t) - %(ignored)s::text[]) IS DISTINCT FROM (u.after - %(ignored)s::text[])) ORDER BY 2 LIMIT %(most)s",
            {"table_name": table, "ignored": ignored, "most": MOST_NAMED},
        )
        for _id, name, gone in rows:
            self.reasons.append((_("%(table)s “%(row)s” was deleted since") if gone else _("%(table)s “%(row)s” was changed since")) % {"table": table, "row": name})

    def look_for_stages(self) -> None:
        """Accounts that a person moved to another stage since."""
        rows = self.fetch(
            "SELECT coalesce(u.after->>'external_id', u.id) FROM undoing u JOIN accounts_account t ON t.id::text = u.id "
            "JOIN accounts_stagestay m ON m.account_id = t.id AND m.valid_to IS NULL AND m.reason IN ('hand', 'api') AND m.batch_id IS NULL "
            "WHERE u.name = 'accounts_account' AND u.after IS NOT NULL AND t.lifecycle_stage_id IS DISTINCT FROM u.after->>'lifecycle_stage_id' ORDER BY 1 LIMIT %(most)s",
            {"most": MOST_NAMED},
        )
        for (name,) in rows:
            self.reasons.append(_("%(table)s “%(row)s” was changed since") % {"table": "accounts_account", "row": name})

    def look_for_references(self, table: str) -> None:
        """Later rows that refer to what the batch made."""
        for child, column in self.references(table):
            derived = [rows.condition for rows in self.derived if (rows.table, rows.by_table, rows.column) == (table, child, column)]
            # rows of the same batch go, too, or refer to something else again (a day of use has no id, and no batch makes both)
            mine = "true"
            if child != "accounts_usageday":
                mine = "NOT EXISTS (SELECT 1 FROM undoing o WHERE o.name = %(child)s AND o.id = to_jsonb(c)->>'id' AND (o.created OR o.before->>%(column)s IS DISTINCT FROM u.id))"
            blocked = self.fetch(
                f'SELECT DISTINCT u.id, coalesce(u.after->>\'external_id\', u.id) FROM undoing u JOIN "{child}" c ON c."{column}"::text = u.id '
                "WHERE u.name = %(table_name)s AND u.created AND "
                + mine
                + " "
                + ("AND c.batch_id IS DISTINCT FROM %(batch)s " if child == "accounts_accountevent" else "")
                + "".join(f"AND NOT ({condition}) " for condition in derived)
                + "ORDER BY 2 LIMIT %(most)s",
                {"table_name": table, "child": child, "column": column, "most": MOST_NAMED},
            )
            for _id, name in blocked:
                self.reasons.append(_("%(table)s “%(row)s” is referred to by later rows of %(child)s") % {"table": table, "row": name, "child": child})

    def references(self, table: str) -> list[tuple[str, str]]:
        """The (table, column) pairs that refer to a table, by foreign key or by declaration."""
        keys = self.fetch(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND c.confrelid = %(table_name)s::regclass AND c.conparentid = 0 ORDER BY 1, 2",
            {"table_name": table},
        )
        loose = [(reference.by_table, reference.column) for kind in self.by_table.values() for reference in kind.loose_references if reference.table == table]
        return [(child.strip('"'), column) for child, column in keys] + loose

    def look_for_usage(self) -> None:
        """Days of use that are not as the batch left them."""
        rows = self.fetch(
            f"SELECT a.external_id, q.day FROM ({_USAGE}) AS q "
            "LEFT JOIN accounts_usageday u ON u.account_id = q.account_id AND u.feature_id = q.feature_id AND u.day = q.day LEFT JOIN accounts_account a ON a.id = q.account_id "
            "WHERE jsonb_build_array(u.count, u.users, u.seconds, u.errors) IS DISTINCT FROM q.after ORDER BY 1, 2 LIMIT %(most)s",
            {"most": MOST_NAMED},
        )
        for account, day in rows:
            self.reasons.append(_("usage of “%(account)s” on %(day)s was changed since") % {"account": account, "day": day})

    # ── taking it back ───────────────────────────────────────────────────────

    def delete_created(self, table: str) -> None:
        """Rows that the batch made, with what is derived from them."""
        ids = "SELECT u.id FROM undoing u WHERE u.name = %(table_name)s AND u.created"
        for rows in self.derived:
            if rows.table == table:
                self.run(f'DELETE FROM "{rows.by_table}" c WHERE c."{rows.column}"::text IN ({ids}) AND ({rows.condition})', {"table_name": table})
        self.run(f'DELETE FROM "{table}" t WHERE t.id::text IN ({ids})', {"table_name": table})

    def delete_names(self, table: str) -> None:
        """Segments and surveys that the batch made on the way go where nothing uses them by now; else they just stay."""
        used = "".join(f' AND NOT EXISTS (SELECT 1 FROM "{child}" c WHERE c."{column}" = t.id)' for child, column in self.references(table))
        self.run(f'DELETE FROM "{table}" t WHERE t.id::text IN (SELECT u.id FROM undoing u WHERE u.name = %(table_name)s AND u.created){used}', {"table_name": table})

    def restore(self, table: str, columns: Sequence[str]) -> None:
        """Rows that the batch changed or deleted, as they were."""
        kind = self.by_table.get(table)
        kept = [column for column in columns if column != "id" and not (kind and column in kind.unmanaged)]
        before = f'jsonb_populate_record(NULL::"{table}", u.before)'
        sets = ", ".join(f'"{column}" = b."{column}"' for column in kept)
        self.run(
            f'UPDATE "{table}" t SET {sets} FROM undoing u CROSS JOIN LATERAL {before} AS b '
            "WHERE u.name = %(table_name)s AND NOT u.created AND u.after IS NOT NULL AND t.id::text = u.id",
            {"table_name": table},
        )
        listed = ", ".join(f'"{column}"' for column in columns)
        self.run(
            f'INSERT INTO "{table}" ({listed}) SELECT {", ".join(f"b.{chr(34)}{column}{chr(34)}" for column in columns)} '
            f"FROM undoing u CROSS JOIN LATERAL {before} AS b WHERE u.name = %(table_name)s AND u.after IS NULL",
            {"table_name": table},
        )

    def make_room_for_spans(self) -> None:
        """Spans shrink to nothing before they move back: the ban on overlaps looks at every row as it is written."""
        self.run(
            'UPDATE accounts_subscription t SET "end" = t.start, paused_from = NULL, paused_until = NULL FROM undoing u '
            "WHERE u.name = 'accounts_subscription' AND NOT u.created AND t.id::text = u.id"
        )

    def restore_usage(self) -> None:
        """Days of use as they were before."""
        key = "u.account_id = q.account_id AND u.feature_id = q.feature_id AND u.day = q.day"
        self.run(f"DELETE FROM accounts_usageday u USING ({_USAGE}) AS q WHERE {key} AND q.before = 'null'::jsonb")
        self.run(
            "UPDATE accounts_usageday u SET count = (q.before->>0)::integer, users = (q.before->>1)::integer, seconds = (q.before->>2)::integer, errors = (q.before->>3)::integer "
            f"FROM ({_USAGE}) AS q WHERE {key} AND q.before <> 'null'::jsonb"
        )

    def touched_accounts(self) -> list[int]:
        """Accounts whose facts the undo moves."""
        return [
            row[0]
            for row in self.fetch(
                # by equality with one value at a time: a list of alternatives would compare every account with every row
                "SELECT a.id FROM accounts_importchange c CROSS JOIN LATERAL (VALUES (c.row_key->>'account_id'), (c.before->>'account_id'), (c.after->>'account_id'), "
                "(CASE WHEN c.\"table\" = 'accounts_account' THEN c.row_key->>'id' END)) AS v (id) JOIN accounts_account a ON a.id::text = v.id WHERE c.batch_id = %(batch)s "
                f"UNION SELECT q.account_id FROM ({_USAGE}) AS q ORDER BY 1"
            )
        ]


@dataclass(frozen=True)
class Foreseen:
    """What taking a batch back would do: rows by table (removed, brought back), events removed, accounts touched, and what stands in the way."""

    tables: list[tuple[str, int, int]]
    events: int
    accounts: int
    reasons: list[str]


class _OnlyLooked(Exception):
    """Rolls the look at a batch back."""


def foresee_undo(*, batch_id: str, kinds: Iterable[Kind], derived: Iterable[DerivedRows] = ()) -> Foreseen:
    """What `undo_batch` would do by now; writes nothing. Raises UnknownBatch."""
    seen: Foreseen | None = None
    try:
        with transaction.atomic():
            undo = _Undo(_waiting_batch(batch_id), kinds, derived)
            _look_for_what_stands_in_the_way(undo)
            tables = undo.fetch(
                'SELECT "table", count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created) FROM accounts_importchange '
                "WHERE batch_id = %(batch)s AND \"table\" <> 'accounts_usageday' GROUP BY 1 ORDER BY min(id)"
            )
            days = undo.fetch(
                f"SELECT 'accounts_usageday', count(*) FILTER (WHERE q.before = 'null'::jsonb), count(*) FILTER (WHERE q.before <> 'null'::jsonb) FROM ({_USAGE}) AS q"
            )
            events = undo.fetch("SELECT count(*) FROM accounts_accountevent WHERE batch_id = %(batch)s")[0][0]
            rows = [(str(name), int(removed), int(restored)) for name, removed, restored in (*tables, *days) if removed or restored]
            seen = Foreseen(tables=rows, events=events, accounts=len(undo.touched_accounts()), reasons=undo.reasons)
            raise _OnlyLooked
    except _OnlyLooked:
        assert seen is not None
        return seen


def undo_batch(*, batch_id: str, kinds: Iterable[Kind], now: dt.datetime, derived: Iterable[DerivedRows] = ()) -> ImportBatch:
    """Takes one batch back, all of it or nothing.

    `derived` names rows of upper apps that are worked out from ours. Raises UnknownBatch, UndoRefused with the rows that stand in the way.
    """
    with transaction.atomic():
        batch = _waiting_batch(batch_id)
        _take_back(_Undo(batch, kinds, derived), now)
    return batch


def _waiting_batch(batch_id: str) -> ImportBatch:
    """The batch, locked, once no other import is at work. Raises UnknownBatch."""
    try:
        identity = uuid.UUID(str(batch_id))
    except ValueError as fault:
        raise UnknownBatch(_("“%(batch)s” is no batch") % {"batch": batch_id}) from fault
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(hashtext('vefa_import'))")
    batch = ImportBatch.objects.select_for_update().filter(pk=identity).first()
    if batch is None or batch.undone_at:
        raise UnknownBatch(_("the batch %(batch)s was undone already") % {"batch": batch_id} if batch else _("there is no batch %(batch)s") % {"batch": batch_id})
    return batch


def _look_for_what_stands_in_the_way(undo: _Undo) -> tuple[list[str], list[str]]:
    """Gathers the reasons; returns all tables of the batch, and those whose rows are not just names."""
    undo.collect()
    found = undo.tables()
    tables = [table for table in found if table not in NAMES]
    for table in tables:
        undo.look_for_changes(table)
        undo.look_for_references(table)
    if undo.run("SELECT 1 FROM accounts_accountevent WHERE batch_id = %(batch)s LIMIT 1"):
        _look_for_event_references(undo)
    undo.look_for_usage()
    undo.look_for_stages()
    return found, tables


def _take_back(undo: _Undo, now: dt.datetime) -> None:
    found, tables = _look_for_what_stands_in_the_way(undo)
    if undo.reasons:
        raise UndoRefused(undo.reasons)
    touched = undo.touched_accounts()
    undo.run("SET LOCAL vefa.correction = 'on'")
    undo.run("DELETE FROM accounts_accountevent WHERE batch_id = %(batch)s")
    undo.restore_usage()
    columns = {
        table: [row[0] for row in undo.fetch("SELECT attname FROM pg_attribute WHERE attrelid = %(t)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", {"t": table})]
        for table in tables
    }
    for table in tables:
        if table == "accounts_subscription":
            undo.make_room_for_spans()
        undo.delete_created(table)
        undo.restore(table, columns[table])
    undo.run("SET LOCAL vefa.correction = 'off'")
    _follow(undo, touched, now)
    for table in NAMES & set(found):
        undo.delete_names(table)
    ImportChange.objects.filter(batch=undo.batch).delete()
    undo.batch.undone_at = now
    undo.batch.save(update_fields=["undone_at"])


def _look_for_event_references(undo: _Undo) -> None:
    for child, column in undo.references("accounts_accountevent"):
        rows = undo.fetch(
            f'SELECT e.kind, e.subject_id FROM accounts_accountevent e JOIN "{child}" c ON c."{column}" = e.id WHERE e.batch_id = %(batch)s ORDER BY e.id LIMIT %(most)s',
            {"most": MOST_NAMED},
        )
        for kind, subject in rows:
            undo.reasons.append(_("the event %(kind)s of %(row)s is referred to by later rows of %(child)s") % {"kind": kind, "row": subject, "child": child})


def _follow(undo: _Undo, touched: list[int], now: dt.datetime) -> None:
    """What is derived from the rows follows them: segments of accounts, the ledger, marks for the score."""
    undo.run(
        "UPDATE accounts_account a SET segment_id = m.segment_id FROM unnest(%(ids)s::bigint[]) AS q (id) "
        "LEFT JOIN accounts_segmentmembership m ON m.account_id = q.id AND m.valid_from <= %(now)s AND (m.valid_to IS NULL OR m.valid_to > %(now)s) "
        "WHERE a.id = q.id AND a.segment_id IS DISTINCT FROM m.segment_id AND EXISTS (SELECT 1 FROM undoing u WHERE u.name = 'accounts_segmentmembership')",
        {"ids": touched, "now": now},
    )
    if undo.batch.kind == "accounts":
        take_back_stays(account_ids=touched, batch_id=undo.batch.pk, now=now)
    if undo.batch.kind == "subscriptions":
        rebuild_ledger(account_ids=touched)
    undo.run(
        "INSERT INTO accounts_accountdirty (account_id, reason, marked_at) SELECT a.id, 'unload', clock_timestamp() "
        "FROM accounts_account a WHERE a.id = ANY(%(ids)s) ORDER BY a.id "
        "ON CONFLICT (account_id) DO UPDATE SET marked_at = excluded.marked_at, reason = excluded.reason",
        {"ids": touched},
    )


__all__ = ["Foreseen", "UnknownBatch", "foresee_undo", "undo_batch"]
