"""Importing usage and lifecycle events."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext as _

from accounts.actions.asked_events import ASKED_KINDS
from accounts.actions.event_log import HEALTH_KINDS
from accounts.actions.usage import ensure_months
from accounts.event_kinds import EVENT_KINDS
from accounts.importing.field_types import Choice, Day, JsonObject, Text, Whole
from accounts.importing.kinds import Column, Kind
from accounts.importing.staging import Loading
from accounts.importing.whole_file import COUNT_CELL, DAY_CELL, KEY_CELL, MAYBE_COUNT_CELL, TEXT_CELL, NotPlain, copy_whole
from accounts.importing.writing import fill_from_model
from accounts.imports.contacts import resolve_contacts
from accounts.imports.fields import EMAIL, INSTANT, KEY, mark_dirty_accounts, marking, resolve_accounts
from accounts.models import AccountEvent, UsageDay

_FIGURES = ("count", "users", "seconds", "errors")
_MOST = 2_147_483_647
# from this version on an upsert tells what stood there before
OLD_ROWS_RETURNED = 180000
_CELLS = {
    "account": KEY_CELL, "day": DAY_CELL, "count": COUNT_CELL, "feature": TEXT_CELL, "users": MAYBE_COUNT_CELL, "seconds": MAYBE_COUNT_CELL, "errors": MAYBE_COUNT_CELL,
}  # fmt: skip


def _kept(rows: str) -> str:
    """SQL that keeps what an undo needs: one entry for twenty accounts, their rows as [feature, day, figures before or null, figures after, account]."""
    return (
        'INSERT INTO accounts_importchange (batch_id, "table", row_key, created, after) '
        "SELECT %(batch)s, 'accounts_usageday', jsonb_build_object('accounts', account_id / 20), false, "
        "jsonb_agg(jsonb_build_array(feature_id, day, before, jsonb_build_array(count, users, seconds, errors), account_id)) "
        f"FROM {rows} GROUP BY account_id / 20 ORDER BY account_id / 20"
    )


class Usage(Kind):
    """Use of a feature on a day. Without a `feature` column it is use as a whole."""

    name = "usage"
    model = UsageDay
    key = ("account", "feature", "day")
    key_targets = ("account_id", "feature_id", "day")
    summed = _FIGURES
    columns: ClassVar[tuple[Column, ...]] = (
        Column("account", KEY, required=True), Column("day", Day(), required=True), Column("count", Whole(0), required=True),
        Column("feature", Text(120)), Column("users", Whole(0)), Column("seconds", Whole(0)), Column("errors", Whole(0)),
    )  # fmt: skip

    def take_whole(self, load: Loading) -> dict[str, int] | None:
        """The upsert tells what stood there before, so nothing is staged twice or compared on the way."""
        if load.server_version < OLD_ROWS_RETURNED:
            return None
        header = copy_whole(load, _CELLS, frozenset(column.name for column in self.columns if column.required))
        feature = "coalesce(p.feature, '')" if "feature" in header else "''"
        first, last, rows = load.fetch("SELECT min(day), max(day), count(*) FROM plain")[0]
        if first is None or (last - first).days > 36_000:
            raise NotPlain
        load.run(f"INSERT INTO accounts_feature (key) SELECT DISTINCT {feature} FROM plain p ORDER BY 1 ON CONFLICT (key) DO NOTHING")
        ensure_months(self.table, first, last)
        # a sort that stays in memory; hashes of a million keys are slower than the order of the index
        load.run("SET LOCAL work_mem = '128MB'")
        given = [name for name in _FIGURES if name in header]
        differs = f"({', '.join(f'u.{name}' for name in given)}) IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in given)})"
        counted = load.fetch(
            "WITH put AS ("
            f"INSERT INTO accounts_usageday AS u (account_id, feature_id, day, {', '.join(given)}) "
            f"SELECT a.id, x.id, p.day, {', '.join(f'p.{name}' for name in given)} "
            f"FROM plain p LEFT JOIN accounts_account a ON a.external_id = p.account LEFT JOIN accounts_feature x ON x.key = {feature} ORDER BY 1, 2, 3 "
            f"ON CONFLICT (account_id, feature_id, day) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in given)} WHERE {differs} "
            "RETURNING u.account_id, u.feature_id, u.day, old.account_id IS NULL AS fresh, "
            "CASE WHEN old.account_id IS NOT NULL THEN jsonb_build_array(old.count, old.users, old.seconds, old.errors) END AS before, "
            "new.count, new.users, new.seconds, new.errors"
            f"), kept AS ({_kept('put')}), marked AS ({marking('SELECT account_id FROM put')}) "
            "SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM put",
            {"reason": "usage"},
        )[0]
        load.run("RESET work_mem")
        load.rows = rows
        return {"created": counted[0], "changed": counted[1], "unchanged": rows - sum(counted)}

    def resolve(self, load: Loading) -> None:
        """Accounts; features that are not known are created; the months of the partitioned table."""
        resolve_accounts(load)
        load.run("ALTER TABLE incoming ADD feature_id bigint")
        feature = "coalesce(i.feature, '')" if "feature" in load.given else "''"
        load.run(f"INSERT INTO accounts_feature (key) SELECT DISTINCT {feature} FROM incoming i ORDER BY 1 ON CONFLICT (key) DO NOTHING")
        load.run(f"UPDATE incoming i SET feature_id = x.id FROM accounts_feature x WHERE x.key = {feature}")
        if load.mapping.combine:
            for name in (name for name in _FIGURES if name in load.given):
                load.reject_where(f'SELECT row, %(text)s::text FROM incoming WHERE "{name}" > {_MOST}', name, {"text": _("the sum is too large")})
        first, last = load.fetch("SELECT min(day), max(day) FROM incoming")[0]
        if first is not None:
            if (last - first).days > 36_000:
                load.reject_where("SELECT row, %(text)s::text FROM incoming WHERE day = %(first)s", "day", {"text": _("the file spans more than 98 years"), "first": first})
                return
            ensure_months(self.table, first, last)

    def build(self, load: Loading) -> None:
        """`final` with the key of three columns instead of an id, and the figures that stand."""
        figures = ", ".join(
            f'coalesce(i."{name}", 0)::integer AS "{name}"' if name == "count" else f'{"i" if name in load.given else "t"}."{name}"::integer AS "{name}"' for name in _FIGURES
        )
        load.run(
            f"CREATE TEMPORARY TABLE final AS SELECT i.row, i.account_id, i.feature_id, i.day, {figures}, "
            "CASE WHEN t.account_id IS NOT NULL THEN jsonb_build_array(t.count, t.users, t.seconds, t.errors) END AS before, NULL::text AS fate "
            "FROM incoming i LEFT JOIN accounts_usageday t ON t.account_id = i.account_id AND t.feature_id = i.feature_id AND t.day = i.day"
        )

    def write(self, load: Loading) -> None:
        """One grouped upsert of what is new or differs."""
        load.run(
            "UPDATE final SET fate = CASE WHEN before IS NULL THEN 'created' WHEN before = jsonb_build_array(count, users, seconds, errors) THEN 'unchanged' ELSE 'changed' END"
        )
        load.run(
            "INSERT INTO accounts_usageday AS u (account_id, feature_id, day, count, users, seconds, errors) "
            "SELECT account_id, feature_id, day, count, users, seconds, errors FROM final WHERE fate <> 'unchanged' ORDER BY account_id, feature_id, day "
            "ON CONFLICT (account_id, feature_id, day) DO UPDATE SET count = excluded.count, users = excluded.users, seconds = excluded.seconds, errors = excluded.errors"
        )

    def record(self, load: Loading) -> None:
        """For the undo."""
        load.run(_kept("final WHERE fate <> 'unchanged'"))

    def finish(self, load: Loading) -> None:
        """Marks for the health score."""
        mark_dirty_accounts(load, "SELECT account_id FROM final WHERE fate <> 'unchanged'", "usage")


class Events(Kind):
    """Lifecycle events that another system knows. They never trigger a survey."""

    name = "events"
    model = AccountEvent
    key = ("account", "kind", "dedupe_key")
    key_targets = ("account_id", "kind", "dedupe_key")
    columns: ClassVar[tuple[Column, ...]] = (
        Column("account", KEY, required=True), Column("kind", Choice(tuple(EVENT_KINDS)), required=True), Column("occurred_at", INSTANT, required=True),
        Column("dedupe_key", KEY, required=True), Column("contact_email", EMAIL), Column("payload", JsonObject()),
    )  # fmt: skip
    unmanaged = frozenset({"recorded_at", "actor_id"})

    def resolve(self, load: Loading) -> None:
        """Accounts, contacts, and payloads that fit their kind."""
        resolve_accounts(load)
        if "payload" not in load.given:
            load.run("ALTER TABLE incoming ADD payload jsonb")
        required = [(kind, key) for kind, entry in EVENT_KINDS.items() for key in entry.required]
        allowed = [(kind, key) for kind, entry in EVENT_KINDS.items() for key in (*entry.required, *entry.optional)]
        load.reject_where(
            "SELECT i.row, format(%(text)s, r.key) FROM incoming i JOIN unnest(%(kinds)s::text[], %(keys)s::text[]) AS r (kind, key) ON r.kind = i.kind "
            "WHERE NOT coalesce(i.payload, '{}') ? r.key",
            "payload",
            {"text": _("the payload lacks “%s”"), "kinds": [row[0] for row in required], "keys": [row[1] for row in required]},
        )
        load.reject_where(
            "SELECT i.row, format(%(text)s, k.key) FROM incoming i CROSS JOIN LATERAL jsonb_object_keys(i.payload) AS k (key) "
            "WHERE NOT EXISTS (SELECT 1 FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS a (kind, key) WHERE a.kind = i.kind AND a.key = k.key)",
            "payload",
            {"text": _("the payload cannot hold “%s” for this kind"), "kinds": [row[0] for row in allowed], "keys": [row[1] for row in allowed]},
        )
        resolve_contacts(load)

    def targets(self, load: Loading) -> dict[str, str]:
        """An event that is known keeps its origin and its batch."""
        given = {
            "account_id": "i.account_id",
            "origin": "coalesce(t.origin, 'import')",
            "batch_id": "CASE WHEN t.id IS NULL THEN %(batch)s ELSE t.batch_id END",
            "payload": "i.payload",
        }
        if "payload" not in load.given:
            given["payload"] = "CASE WHEN t.id IS NULL THEN '{}' ELSE t.payload END"
        return fill_from_model(load, {**given, "contact_id": "i.contact_id" if "contact_email" in load.given else "t.contact_id"})

    def before_update(self, load: Loading) -> None:
        """The log is append-only but for corrections, and a file that says otherwise is one."""
        load.run("SET LOCAL vefa.correction = 'on'")

    def finish(self, load: Loading) -> None:
        """Back to append-only; marks for the health score and for rules that ask about events."""
        load.run("SET LOCAL vefa.correction = 'off'")
        health = "','".join(sorted(HEALTH_KINDS))
        told = f"SELECT account_id FROM final WHERE fate IN ('created', 'changed') AND (kind = ANY(ARRAY['{health}']) OR kind IN ({ASKED_KINDS}))"
        mark_dirty_accounts(load, told, "event")


KINDS: tuple[Kind, ...] = (Usage(), Events())
