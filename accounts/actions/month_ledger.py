"""The ledger of MRR by calendar month of the organisation's zone, from the spans, by the default conventions.

Written for changed accounts in the transaction that changed them (`subscription_ledger`), so it is
never behind; `month_build` fills it for everybody. The statements are public, since a reader who finds
no ledger asks them directly.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connection

from accounts.models import LedgerRange, MrrMonth

# months outside these years are put into the last one on their side
FIRST_YEAR, LAST_YEAR = 1970, 2100
Kind = MrrMonth.Kind

# first moments of all months of the zone; binds %(zone)s
EDGES = f"""edges AS MATERIALIZED (
    SELECT array_agg((d::timestamp AT TIME ZONE %(zone)s) ORDER BY d) AS starts
    FROM generate_series(timestamp '{FIRST_YEAR}-01-01', timestamp '{LAST_YEAR}-01-01', interval '1 month') d)"""


def _month(at: str) -> str:
    """SQL: the month of an instant; a search in a sorted array is four times faster than taking a local time apart."""
    return f"({FIRST_YEAR * 12 - 1} + width_bucket({at}, (SELECT starts FROM edges)))"


def _span(accounts: str) -> str:
    """SQL: the spans that can earn, with the range in which they do, pauses aside. Ranges are open at their beginning and closed at their end."""
    return f"""span AS NOT MATERIALIZED (
    SELECT s.account_id, s.currency COLLATE "C" AS currency, s.mrr_micros AS worth, greatest(s.start, s.trial_until) AS from_at, least(s."end", s.unpaid_at) AS to_at,
           CASE WHEN s.paused_until > s.paused_from OR s.paused_until IS NULL THEN s.paused_from END AS paused_from, s.paused_until,
           s."end", s.end_reason, s.voluntary
    FROM accounts_subscription s
    WHERE s.mrr_micros > 0 {accounts}
      AND NOT (s.status = 'trialing' AND s.trial_until IS NULL)
      AND NOT (s.status = 'unpaid' AND s.unpaid_at IS NULL)
      AND NOT (s.status = 'paused' AND s.paused_from IS NULL))"""


# a span is cut by its pause: what comes before it (or all), and what comes after it
_BEFORE = "least(to_at, paused_from)"
_EARNS_BEFORE = f"({_BEFORE} IS NULL OR from_at < {_BEFORE})"
_AFTER = "greatest(from_at, paused_until)"
_EARNS_AFTER = f"paused_from IS NOT NULL AND paused_until IS NOT NULL AND (to_at IS NULL OR {_AFTER} < to_at)"


def mrr_months(accounts: str = "") -> str:
    """SQL: rows of `MrrMonth` (account_id, currency, month, delta_micros, balance_micros, first_at, kind), worked out from spans.

    `accounts` is empty for everybody, or a further condition on `s.account_id`. Binds %(zone)s.
    """
    return f"""
WITH {EDGES}, {_span(accounts)}, change AS (
    SELECT account_id, currency, from_at AS at, worth FROM span WHERE {_EARNS_BEFORE}
    UNION ALL
    SELECT account_id, currency, {_BEFORE}, -worth FROM span WHERE from_at < {_BEFORE}
    UNION ALL
    SELECT account_id, currency, {_AFTER}, worth FROM span WHERE {_EARNS_AFTER}
    UNION ALL
    SELECT account_id, currency, to_at, -worth FROM span WHERE to_at IS NOT NULL AND {_EARNS_AFTER}
), monthly AS (
    SELECT account_id, currency, {_month("at")} AS month, sum(worth)::bigint AS delta, min(at) AS at FROM change GROUP BY 1, 2, 3
), running AS (
    SELECT account_id, currency, month, delta, at, (sum(delta) OVER (PARTITION BY account_id, currency ORDER BY month))::bigint AS balance,
           min(month) OVER whole AS first_month, min(at) OVER whole AS first_at, min(currency) OVER whole <> max(currency) OVER whole AS mixed
    FROM monthly WINDOW whole AS (PARTITION BY account_id)
)
SELECT account_id, currency, month, delta AS delta_micros, balance AS balance_micros, CASE WHEN month = first_month THEN first_at END AS first_at,
    (CASE WHEN mixed THEN {Kind.MIXED}
          WHEN balance = delta THEN CASE WHEN balance > 0 THEN CASE WHEN month = first_month THEN {Kind.NEW} ELSE {Kind.REACTIVATION} END
                                         WHEN month = first_month THEN {Kind.TRANSIENT} ELSE {Kind.NOTHING} END
          WHEN balance = 0 THEN {Kind.CHURNED} WHEN delta > 0 THEN {Kind.EXPANSION} WHEN delta < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END)::smallint AS kind
FROM running"""


def months_of_one_currency(accounts: str = "") -> str:
    """SQL: account_id, month, delta and kind of `mrr_months`, where all spans have the same currency: half the work.

    Sorted once for the sums of a month and for the balance after it. Binds %(zone)s.
    """
    return f"""
WITH {EDGES}, {_span(accounts)}, change AS (
    SELECT account_id, {_month("from_at")} AS month, worth FROM span WHERE {_EARNS_BEFORE}
    UNION ALL
    SELECT account_id, {_month(_BEFORE)}, -worth FROM span WHERE from_at < {_BEFORE}
    UNION ALL
    SELECT account_id, {_month("x.at")}, x.worth FROM span, LATERAL (VALUES ({_AFTER}, worth), (to_at, -worth)) x (at, worth) WHERE x.at IS NOT NULL AND {_EARNS_AFTER}
), monthly AS (
    -- the order is an order to the planner: it would rather hash
    SELECT account_id, month, vefa_sum(worth) AS delta FROM (SELECT * FROM change ORDER BY account_id, month OFFSET 0) c GROUP BY 1, 2
), running AS (
    SELECT account_id, month, delta, vefa_sum(delta) OVER w AS balance, row_number() OVER w AS place FROM monthly WINDOW w AS (PARTITION BY account_id ORDER BY month)
)
SELECT account_id, month, delta,
    CASE WHEN balance = delta THEN CASE WHEN balance > 0 THEN CASE WHEN place = 1 THEN {Kind.NEW} ELSE {Kind.REACTIVATION} END
                                        WHEN place = 1 THEN {Kind.TRANSIENT} ELSE {Kind.NOTHING} END
         WHEN balance = 0 THEN {Kind.CHURNED} WHEN delta > 0 THEN {Kind.EXPANSION} WHEN delta < 0 THEN {Kind.CONTRACTION} ELSE {Kind.NOTHING} END AS kind
FROM running"""


def service_months(accounts: str = "") -> str:
    """SQL: rows of `ServiceMonth` (account_id, month, delta, held). Binds %(zone)s."""
    return f"""
WITH {EDGES}, change AS (
    SELECT s.account_id, {_month("s.start")} AS month, 1 AS n FROM accounts_subscription s WHERE (s."end" IS NULL OR s."end" > s.start) {accounts}
    UNION ALL
    SELECT s.account_id, {_month('s."end"')}, -1 FROM accounts_subscription s WHERE s."end" > s.start {accounts}
), monthly AS (SELECT account_id, month, sum(n)::integer AS delta FROM change GROUP BY 1, 2 HAVING sum(n) <> 0)
SELECT account_id, month, delta, (sum(delta) OVER (PARTITION BY account_id ORDER BY month))::integer AS held FROM monthly"""


def churn_months(accounts: str = "") -> str:
    """SQL: rows of `ChurnMonth` (account_id, month, events, involuntary, across). Binds %(zone)s.

    Steps are joined with the first one of the last 60 minutes; that goes from step to step and is done for
    accounts alone that have two steps so close. Who did not choose: a failed payment, a pause is a choice.
    """
    ended = """CASE WHEN "end" = {at} THEN coalesce(NOT voluntary, end_reason = 'payment_failure') ELSE {at} IS DISTINCT FROM paused_from END"""
    return f"""
WITH RECURSIVE {EDGES}, {_span(accounts)}, change AS (
    SELECT account_id, from_at AS at, 1 AS n, false AS involuntary FROM span WHERE {_EARNS_BEFORE}
    UNION ALL
    SELECT account_id, {_BEFORE}, -1, {ended.format(at=_BEFORE)} FROM span WHERE from_at < {_BEFORE}
    UNION ALL
    SELECT account_id, {_AFTER}, 1, false FROM span WHERE {_EARNS_AFTER}
    UNION ALL
    SELECT account_id, to_at, -1, {ended.format(at="to_at")} FROM span WHERE to_at IS NOT NULL AND {_EARNS_AFTER}
), moment AS (
    SELECT account_id, at, {_month("at")} AS month, sum(n)::integer AS n, bool_or(involuntary) AS involuntary FROM change GROUP BY 1, 2
), step AS (
    SELECT *, (sum(n) OVER before)::integer AS held, at - lag(at) OVER before <= interval '60 minutes' AS close, lag(month) OVER before AS month_before,
           row_number() OVER before AS place FROM moment WINDOW before AS (PARTITION BY account_id ORDER BY at)
), near AS MATERIALIZED (SELECT * FROM step WHERE account_id IN (SELECT account_id FROM step WHERE close AND month = month_before)
), walk AS (
    SELECT account_id, place, at, month, n, involuntary, held, at AS began FROM near WHERE place = 1
    UNION ALL
    SELECT x.account_id, x.place, x.at, x.month, x.n, x.involuntary, x.held,
           CASE WHEN x.month = w.month AND x.at - w.began <= interval '60 minutes' THEN w.began ELSE x.at END
    FROM walk w JOIN near x ON x.account_id = w.account_id AND x.place = w.place + 1
), joined AS (
    SELECT account_id, month, at, held, held - n AS held_before, involuntary FROM step WHERE account_id NOT IN (SELECT account_id FROM near)
    UNION ALL
    SELECT account_id, month, began, (array_agg(held ORDER BY place DESC))[1], (array_agg(held - n ORDER BY place))[1], bool_or(involuntary)
    FROM walk GROUP BY account_id, month, began
), lost AS (
    SELECT account_id, month, count(*)::smallint AS events, (array_agg(involuntary ORDER BY at DESC))[1] AS involuntary
    FROM joined WHERE held_before > 0 AND held = 0 GROUP BY 1, 2
), straddling AS (SELECT DISTINCT account_id, month FROM step WHERE close AND month <> month_before)
SELECT account_id, month, coalesce(l.events, 0::smallint) AS events, coalesce(l.involuntary, false) AS involuntary, t.account_id IS NOT NULL AS across
FROM lost l FULL JOIN straddling t USING (account_id, month)"""


_TABLES = (
    ("accounts_mrrmonth", "account_id, currency, month, delta_micros, balance_micros, first_at, kind", mrr_months),
    ("accounts_servicemonth", "account_id, month, delta, held", service_months),
    ("accounts_churnmonth", "account_id, month, events, involuntary, across", churn_months),
)


def write_months(accounts: str, values: dict[str, Any] | None = None) -> None:
    """Rewrites the months of the accounts that an SQL query names; the caller has locked them and is in a transaction.

    What was built for another zone is void from now on.
    """
    zone = settings.ORGANISATION_TIME_ZONE
    bound = {**(values or {}), "zone": zone}
    LedgerRange.objects.exclude(zone=zone).delete()
    with connection.cursor() as cursor:
        for table, columns, rows in _TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE account_id IN ({accounts})", values)
            order = "1, 2, 3" if table == "accounts_mrrmonth" else "1, 2"
            cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({rows(f'AND s.account_id IN ({accounts})')}) made ORDER BY {order}", bound)
