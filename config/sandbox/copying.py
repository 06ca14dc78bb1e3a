"""Fills the sandbox's database: what belongs to the chosen accounts, and what everybody works by.

Rows go from one connection to the other by COPY, table by table. Which rows a table gives is read off the
models: those that lead to an account by their keys give the accounts' rows, `WHOLE` names those that give
all, and the rest stays empty (`EMPTY`): sessions, keys, what came in from outside, figures that are worked
out again. A new model must be put into one of the three, or the tests say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import psycopg
from django.apps import apps
from django.db.models import Field, Model
from psycopg import sql

from accounts.models import Account, User
from config.sandbox.place import conninfo, database_name

WHOLE = frozenset({
    "accounts.Cover", "accounts.ExchangeRate", "accounts.Feature", "accounts.Installation", "accounts.LifecycleStage", "accounts.Offer", "accounts.PlanTemplate",
    "accounts.Playbook", "accounts.PlaybookVersion", "accounts.Segment", "accounts.Suppression", "accounts.Team", "accounts.TextClassifier", "accounts.Topic", "accounts.User",
    "accounts.WorkAssumption", "metrics.Assumption", "metrics.ChurnModel", "metrics.Funnel", "metrics.FunnelStep", "metrics.HealthComponent", "metrics.HealthModel",
    "metrics.HealthModel_segments", "metrics.KpiSetting", "metrics.LossReason", "metrics.PlanFeature", "surveys.LoopDeadline", "surveys.ProgrammeStep",
    "surveys.SegmentLetter", "surveys.Survey", "surveys.SurveyLogo", "surveys.SurveyText", "surveys.SurveyVersion", "surveys.Touchpoint", "surveys.Touchpoint_segments",
    "tickets.BusinessHours", "tickets.CannedReply", "tickets.CannedReplyText", "tickets.Holiday", "tickets.ServiceLevel",
})  # fmt: skip
EMPTY = frozenset({
    "accounts.ApiKey", "accounts.ChurnMonth", "accounts.CostEntry", "accounts.Erasure", "accounts.Heartbeat", "accounts.IdempotentRequest", "accounts.ImportBatch",
    "accounts.ImportChange", "accounts.ImportFile", "accounts.ImportProfile", "accounts.ImportRun", "accounts.InboundEvent", "accounts.IncomingHook",
    "accounts.LedgerRange", "accounts.MailBucket", "accounts.MrrMonth", "accounts.OutsideObject",
    "accounts.Sandbox", "accounts.SavedView", "accounts.ServiceMonth", "accounts.SoftBounce", "accounts.WebhookAttempt", "accounts.WebhookDelivery",
    "accounts.WebhookEndpoint", "accounts.WorkBatch", "accounts.WorkBatchRow", "admin.LogEntry",
    "metrics.BacktestRun", "metrics.BudgetCategory", "metrics.BudgetLine", "metrics.ClosedFigure", "metrics.ClosedMonth", "metrics.HealthRun", "metrics.Initiative",
    "metrics.LateChange", "metrics.PerformanceTarget", "metrics.ReportOrder", "metrics.ReportWeek", "metrics.Restatement", "metrics.RoiScenario", "metrics.SegmentRange",
    "metrics.SegmentSize", "sessions.Session", "surveys.Announcement", "surveys.SendingHold", "tickets.UnsortedMessage",
})  # fmt: skip
# Django's own, brought with the tables
_FRAMEWORK = frozenset({"auth", "contenttypes"})
MOST_ACCOUNTS = 5_000
# which accounts come first
ORDERS = {"stake": ("-snapshot__stake_micros", "pk"), "mrr": ("-snapshot__mrr_micros", "pk"), "newest": ("-created_at", "pk")}


def _keys(model: type[Model]) -> list[Field]:
    return [field for field in model._meta.concrete_fields if field.many_to_one or field.one_to_one]


def rows_of(model: type[Model], seen: tuple[type[Model], ...] = ()) -> str | None:
    """SQL: the condition that a row belongs to a chosen account (temporary table `chosen`); None where no key leads to one."""
    if model is Account:
        return "id IN (SELECT id FROM chosen)"
    ways = sorted(_keys(model), key=lambda field: (field.related_model is not Account, field.name != "account", field.null))
    for field in ways:
        there = field.related_model
        if there is model or there in seen or not isinstance(there, type) or f"{there._meta.label}" in WHOLE | EMPTY:
            continue
        inner = rows_of(there, (*seen, model))
        if inner is not None:
            if there is Account:
                return f"{field.column} IN (SELECT id FROM chosen)"
            return f'{field.column} IN (SELECT {there._meta.pk.column} FROM "{there._meta.db_table}" WHERE {inner})'
    return None


def copied() -> Iterator[tuple[type[Model], str]]:
    """Every model whose rows are copied, with the condition for them."""
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        if label in EMPTY or model._meta.app_label in _FRAMEWORK or model._meta.proxy:
            continue
        if label in WHOLE:
            yield model, "true"
        elif (condition := rows_of(model)) is not None:
            yield model, condition


_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_PARTITIONS = """
SELECT c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass
"""
# keys that must lead somewhere, and where they lead to nothing that was copied
_FOREIGN = """
SELECT t.relname, a.attname, f.relname, fa.attname, a.attnotnull
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] JOIN pg_attribute fa ON fa.attrelid = k.confrelid AND fa.attnum = k.confkey[1]
WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1 AND t.relnamespace = 'public'::regnamespace AND k.conparentid = 0 AND NOT t.relispartition
"""
_SEQUENCES = """
SELECT t.relname, a.attname, pg_get_serial_sequence(quote_ident(t.relname), a.attname) FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity <> ''
"""


def fill(*, source: str, accounts: Sequence[int]) -> int:
    """Copies these accounts and what everybody works by into the new database; how many rows. All or nothing."""
    total = 0
    with psycopg.connect(**conninfo(source)) as here, psycopg.connect(**conninfo(database_name())) as there:
        here.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        here.execute("CREATE TEMPORARY TABLE chosen (id bigint PRIMARY KEY) ON COMMIT DROP")
        here.execute("INSERT INTO chosen SELECT unnest(%s::bigint[])", [list(accounts)])
        here.execute("ANALYZE chosen")
        there.execute("SET CONSTRAINTS ALL DEFERRED")
        tables = [(model._meta.db_table, condition) for model, condition in copied()]
        names = sql.SQL(", ").join(sql.Identifier(table) for table, _condition in tables)
        # where migrations made the tables they brought rows along
        there.execute(sql.SQL("TRUNCATE {} CASCADE").format(names))
        for table, _condition in tables:
            there.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
            for partition, bounds in here.execute(_PARTITIONS, [table]).fetchall():
                there.execute(f"CREATE TABLE IF NOT EXISTS {partition} PARTITION OF {table} {bounds}")
        for table, condition in tables:
            total += _copy(here, there, table, condition)
        _mend(there)
        for table, column, sequence in there.execute(_SEQUENCES).fetchall():
            there.execute(sql.SQL("SELECT setval({}, greatest(1, (SELECT max({}) FROM {})))").format(sql.Literal(sequence), sql.Identifier(column), sql.Identifier(table)))
        # it belongs to nobody yet: the first process inside remembers
        there.execute("UPDATE accounts_installation SET instance_url = '', doubt = '', clock_offset_seconds = 0, sending_enabled = true, sending_note = ''")
        there.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, _condition in tables:
            there.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
    with psycopg.connect(**conninfo(database_name()), autocommit=True) as there:
        there.execute("ANALYZE")
    return total


def chosen(*, choice: Mapping[str, object], user: User | None) -> list[int]:
    """The accounts a choice means, of those the person may see (everybody's for a command); never excluded ones."""
    order = ORDERS[str(choice.get("order") or "stake")]
    found = Account.objects.filter(excluded=False) if user is None else Account.objects.visible_to(user).filter(excluded=False)
    if choice.get("segment"):
        found = found.filter(segment__key=choice["segment"])
    return list(found.order_by(*order).values_list("pk", flat=True)[: min(int(str(choice.get("most") or MOST_ACCOUNTS)), MOST_ACCOUNTS)])


def _copy(here: psycopg.Connection, there: psycopg.Connection, table: str, condition: str) -> int:
    columns = [row[0] for row in here.execute(_COLUMNS, [table]).fetchall()]
    named = ", ".join(f'"{column}"' for column in columns)
    with here.cursor() as reading, there.cursor() as writing:
        with reading.copy(f'COPY (SELECT {named} FROM "{table}" WHERE {condition}) TO STDOUT (FORMAT binary)') as out, \
             writing.copy(f'COPY "{table}" ({named}) FROM STDIN (FORMAT binary)') as into:  # fmt: skip
            for block in out:
                into.write(block)
        return max(writing.rowcount, 0)


def _mend(there: psycopg.Connection) -> None:
    """Takes back references to rows that stayed behind: empty where they may be, else the row goes. Until nothing changes any more."""
    foreign = there.execute(_FOREIGN).fetchall()
    while True:
        removed = 0
        for table, column, other, key, needed in foreign:
            lost = sql.SQL("{t}.{c} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {o} there WHERE there.{k} = {t}.{c})").format(
                t=sql.Identifier(table), c=sql.Identifier(column), o=sql.Identifier(other), k=sql.Identifier(key)
            )
            if needed:
                removed += there.execute(sql.SQL("DELETE FROM {} WHERE ").format(sql.Identifier(table)) + lost).rowcount
            else:
                there.execute(sql.SQL("UPDATE {} SET {} = NULL WHERE ").format(sql.Identifier(table), sql.Identifier(column)) + lost)
        if not removed:
            return
