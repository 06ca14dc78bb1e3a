"""What is known of every account at an instant, as features: only what had happened before it.

What an account *is* (industry, country, attributes) has no history and is taken as it stands; plan and terms are those of the
spans that were in force. Attributes whose names speak of leaving are never read.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection, transaction

from metrics.backtest.facts import Instant
from metrics.backtest.stays import CONVENTIONS, Stays
from metrics.formulas.risk_columns import ATTRIBUTE, FeatureTable, tells_outcome
from metrics.kpis.revenue import in_force, paying
from metrics.sql.health import RANGE, inputs_select

DAY = 86_400.0
# attributes read at most, the most frequent first: a table of thousands of columns is no table of features
ATTRIBUTES_AT_MOST = 60

# what the health statement works out anyway
_BASE = ("uses", "uses_before", "nps", "nps_age", "csat", "open_tickets", "severe_tickets", "failed_payments", "mrr_micros", "days_to_renewal", "touch_age", "pulse")
_BASE_SQL = """SELECT i.account_id, i.uses::float8, i.uses_before::float8, i.nps::float8, extract(epoch FROM %(as_of)s - i.nps_at)::float8 / 86400,
    CASE WHEN i.csat_count > 0 THEN i.csat_sum::float8 / (i.csat_count * 100000)::float8 END, i.open_tickets::float8, i.severe_tickets::float8,
    i.failed_payments::float8, i.mrr_micros::float8, (i.renews_on - %(t_date)s::date)::float8, extract(epoch FROM %(as_of)s - i.last_touch_at)::float8 / 86400,
    i.pulse::float8
FROM ({inputs}) i"""
_USAGE = """SELECT account_id, count(DISTINCT day) FILTER (WHERE day >= %(usage_split)s AND count > 0)::float8, sum(count)::float8 / 90,
    (%(t_date)s::date - max(day) FILTER (WHERE count > 0))::float8, max(users) FILTER (WHERE day >= %(usage_split)s)::float8,
    count(DISTINCT feature_id) FILTER (WHERE day >= %(usage_split)s AND count > 0)::float8, sum(errors)::float8
FROM accounts_usageday WHERE day >= %(t_date)s::date - 90 AND day < %(t_date)s GROUP BY account_id"""
_TICKETS = """SELECT t.account_id, count(*)::float8, count(*) FILTER (WHERE t.severity >= 3)::float8, count(*) FILTER (WHERE t.opened_at >= %(month_ago)s)::float8
FROM tickets_ticket t WHERE t.opened_at < %(as_of)s AND t.opened_at >= %(recent)s AND NOT t.spam AND NOT t.test AND t.deleted_at IS NULL AND t.merged_into_id IS NULL
GROUP BY t.account_id"""
_ANSWERS = """SELECT r.account_id, count(*)::float8, extract(epoch FROM %(as_of)s - max(r.answered_at))::float8 / 86400 FROM surveys_response r
WHERE r.account_id IS NOT NULL AND r.answered_at < %(as_of)s AND r.answered_at >= %(year_ago)s AND r.score IS NOT NULL AND NOT r.is_suspect AND r.kind <> 'exit'
GROUP BY r.account_id"""
_ORDERS = """SELECT x.account_id, count(*) FILTER (WHERE x.status NOT IN ('failed', 'cancelled'))::float8,
    extract(epoch FROM %(as_of)s - max(x.occurred_at) FILTER (WHERE x.status NOT IN ('failed', 'cancelled')))::float8 / 86400,
    sum(x.amount) FILTER (WHERE x.status NOT IN ('failed', 'cancelled'))::float8
FROM accounts_transaction x WHERE x.kind IN ('order', 'one_time') AND x.occurred_at < %(as_of)s AND x.occurred_at >= %(year_ago)s GROUP BY x.account_id"""


def _at(sql: str, name: str) -> str:
    return sql.replace("%(t)s", f"%({name})s")


_NOW, _THEN = (f"({_at(in_force(CONVENTIONS), name)}) AND {_at(paying(CONVENTIONS), name)}" for name in ("as_of", "recent"))
# in force at the instant or 90 days before; the largest span names plan and terms
_SPANS = f"""
SELECT account_id, sum(amount) FILTER (WHERE is_now), sum(amount) FILTER (WHERE was), count(*) FILTER (WHERE is_now)::float8,
    (array_agg(product ORDER BY amount DESC, id) FILTER (WHERE is_now))[1], (array_agg(terms ORDER BY amount DESC, id) FILTER (WHERE is_now))[1]
FROM (SELECT s.id, s.account_id, s.product, s.interval || CASE WHEN s.interval_count > 1 THEN ' x ' || s.interval_count ELSE '' END AS terms,
             (s.mrr_micros * coalesce(rate.rate, CASE WHEN s.currency = %(currency)s THEN 1 ELSE 0 END))::float8 AS amount,
             {_NOW} AS is_now, {_THEN} AS was
      FROM accounts_subscription s
      LEFT JOIN (SELECT * FROM unnest(%(rate_currencies)s::text[], %(rates)s::numeric[]) AS u(currency, rate)) rate ON rate.currency = s.currency
      WHERE s.mrr_micros > 0 AND s.start < %(as_of)s AND (s."end" IS NULL OR s."end" >= %(recent)s)) spans
GROUP BY account_id"""


@dataclass(frozen=True)
class Standing:
    """What accounts are, without a history: ids in order, texts by name, and the attributes that were left out with why."""

    accounts: np.ndarray
    texts: dict[str, np.ndarray]
    left_out: dict[str, str]


def read_standing() -> Standing:
    """Plan, industry, country and attributes of all accounts; one statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, plan, industry, country, business_model, attributes::text FROM accounts_account WHERE NOT excluded ORDER BY id")
        rows = cursor.fetchall()
    texts = {name: np.array([row[place] for row in rows], dtype=object) for place, name in enumerate(("plan", "industry", "country", "business_model"), 1)}
    left_out: dict[str, str] = {}
    found: dict[str, np.ndarray] = {}
    counts: dict[str, int] = {}
    decoded = [_decoded(row[5]) for row in rows]
    for attributes in decoded:
        for key, value in attributes.items():
            if not isinstance(value, (dict, list)):
                counts[key] = counts.get(key, 0) + 1
    for key in sorted(counts, key=lambda key: (-counts[key], key)):
        if tells_outcome(key):
            left_out[key] = "name"
        elif len(found) >= ATTRIBUTES_AT_MOST:
            left_out[key] = "too_many"
        else:
            found[key] = np.array([_text(attributes.get(key)) for attributes in decoded], dtype=object)
    texts |= {ATTRIBUTE + key: values for key, values in found.items()}
    return Standing(np.array([row[0] for row in rows], dtype=np.int64), texts, left_out)


def _decoded(text: str) -> dict[str, Any]:
    value = json.loads(text) if text and text != "{}" else {}
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _columns(sql: str, values: dict[str, Any], accounts: np.ndarray, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Numeric columns of a statement, aligned with `accounts` (sorted); NaN where it has no row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    found = {name: np.full(accounts.size, np.nan) for name in names}
    if rows and accounts.size:
        ids = np.array([row[0] for row in rows], dtype=np.int64)
        place = np.minimum(np.searchsorted(accounts, ids), accounts.size - 1)
        mine = accounts[place] == ids
        table = np.array([row[1 : 1 + len(names)] for row in rows], dtype=float).reshape(len(rows), len(names))
        for column, name in enumerate(names):
            found[name][place[mine]] = table[mine, column]
    return found


def read_features(*, instant: Instant, stays: Stays, standing: Standing, accounts: np.ndarray) -> FeatureTable:
    """The features of these accounts (ids in order) as of the instant. Writes nothing; six statements, however many accounts."""
    as_of = instant.moment.as_of
    values = {**instant.values, "year_ago": as_of - dt.timedelta(days=365), "month_ago": as_of - dt.timedelta(days=28)}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '15min'")
            cursor.execute("SET LOCAL work_mem = '64MB'")
        inputs = inputs_select(RANGE, live=instant.moment.live, currencies=instant.currencies, segments=False, costly=frozenset({"pulse"}))
        numbers = _columns(_BASE_SQL.format(inputs=inputs), values, accounts, _BASE)
        usage = _columns(_USAGE, values, accounts, ("days_used", "uses_a_day", "days_since_use", "users", "features_used", "errors"))
        tickets = _columns(_TICKETS, values, accounts, ("tickets_90d", "severe_tickets_90d", "tickets_28d"))
        answers = _columns(_ANSWERS, values, accounts, ("answers_year", "answer_age"))
        orders = _columns(_ORDERS, values, accounts, ("orders_year", "order_age", "spent_year"))
        spans, texts = _read_spans(values, accounts)
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers["usage_trend"] = np.where(numbers["uses_before"] > 0, np.clip((np.nan_to_num(numbers["uses"]) - numbers["uses_before"]) / numbers["uses_before"], -1, 5), np.nan)
        numbers["mrr_change_90d"] = np.where(spans["before"] > 0, np.clip((np.nan_to_num(spans["now"]) - spans["before"]) / spans["before"], -1, 5), np.nan)
        numbers["uses_per_mrr"] = np.where(numbers["mrr_micros"] > 0, numbers["uses"] / (numbers["mrr_micros"] / 1e6), np.nan)
    numbers["mrr"] = numbers.pop("mrr_micros") / 1e6
    del numbers["uses_before"]
    for name in ("tickets_90d", "severe_tickets_90d", "tickets_28d"):
        numbers[name] = np.nan_to_num(tickets[name])
    answers["answers_year"], orders["orders_year"] = np.nan_to_num(answers["answers_year"]), np.nan_to_num(orders["orders_year"])
    numbers |= usage | answers | orders | {"spans": np.nan_to_num(spans["count"])}
    place = np.searchsorted(stays.accounts, accounts)
    numbers["tenure_days"] = np.maximum((as_of.timestamp() - stays.first[place]) / DAY, 0.0)
    at = np.searchsorted(standing.accounts, accounts)
    texts |= {name: column[at] for name, column in standing.texts.items() if name != "plan"}
    texts["plan"] = np.where(texts["plan"] == "", standing.texts["plan"][at], texts["plan"]).astype(object)
    return FeatureTable(accounts.size, numbers, texts)


def _read_spans(values: dict[str, Any], accounts: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, values)
        rows = cursor.fetchall()
    numbers = {name: np.full(accounts.size, np.nan) for name in ("now", "before", "count")}
    texts = {name: np.full(accounts.size, "", dtype=object) for name in ("plan", "terms")}
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    place = np.minimum(np.searchsorted(accounts, ids), max(accounts.size - 1, 0))
    for row, at, account in zip(rows, place.tolist(), ids.tolist(), strict=True):
        if accounts.size and accounts[at] == account:
            for name, value in zip(numbers, row[1:4], strict=True):
                numbers[name][at] = np.nan if value is None else value
            texts["plan"][at], texts["terms"][at] = row[4] or "", row[5] or ""
    return numbers, texts
