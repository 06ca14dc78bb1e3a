"""The accounts behind a cell of a cohort, by the ranges and orders that count it."""

from __future__ import annotations

from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.earning import earners
from metrics.kpis.question import Question
from metrics.kpis.shoppers import completed

_MONTH = "date_trunc('month', {at} AT TIME ZONE %(zone)s)"
_ASKED = "(m.month AT TIME ZONE %(zone)s) >= %(t0)s AND (m.month AT TIME ZONE %(zone)s) < %(t1)s"


def cohort_accounts(question: Question, cell: int) -> list[tuple[int, bool]]:
    """Every account of the question's cohorts, and whether it was there in the cell. For customers by MRR and by orders."""
    if question.variant == "bought_in_period":
        conditions = Conditions({"t0": question.start, "t1": question.until, "known": question.horizon, "zone": str(question.zone), "cell": cell})
        narrow(question, conditions, (ACCOUNT_SQL,), "greatest(%(t0)s, o.first_at)")
        return fetch(
            f"""WITH orders AS (
                SELECT x.account_id, {_MONTH.format(at="x.occurred_at")} AS bought, min(x.occurred_at) OVER (PARTITION BY x.account_id) AS first_at
                FROM accounts_transaction x WHERE x.occurred_at < %(known)s AND {completed("%(known)s")}),
            months AS (
                SELECT o.account_id, o.bought, {_MONTH.format(at="o.first_at")} AS month
                FROM orders o JOIN accounts_account a ON a.id = o.account_id WHERE NOT a.excluded AND {conditions.sql})
            SELECT m.account_id, bool_or(m.bought = m.month + make_interval(months => %(cell)s)) FROM months m WHERE {_ASKED} GROUP BY 1 ORDER BY 1""",
            conditions.values,
        )
    sql, values = earners(question, None)
    return fetch(
        f"""{sql}, months AS (SELECT account_id, earns, {_MONTH.format(at="first_at")} AS month FROM earners)
        SELECT m.account_id, m.earns @> ((m.month + make_interval(months => %(cell)s + 1)) AT TIME ZONE %(zone)s) FROM months m WHERE {_ASKED} ORDER BY 1""",
        {**values, "cell": cell},
    )
