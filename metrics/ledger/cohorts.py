"""Cohorts from the month ledger: who came in a month and was there at the end of each month after it, by one pass."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

from metrics.kpis.entry import ACCOUNT, MRR_PARAMS
from metrics.kpis.question import Question
from metrics.ledger.periods import month_number
from metrics.ledger.statements import Asked, Kind, fetch, segment_names

# cohort, accounts, size, who was there at the end of each month, currencies without a rate: as the exact path has them
Row = tuple[dt.date, int, int, list[int], list[str]]


def active_rows(question: Question, by: str | None, periods: int) -> dict[str | None, list[Row]] | None:
    """The rows of `cohort_retention` by group; None where the ledger is not built or does not know what is asked for.

    An account is in the group it was in at the start of the period, or when it first paid if that came later.
    """
    default = all(question.params[name] == param.default for name, param in MRR_PARAMS.items())
    if not default or question.nobody or not (by is None or by in ACCOUNT) or not all(name in ACCOUNT for name in question.filters):
        return None
    asked = Asked.of(question, by, None)
    # the first month that begins in the period, and the one after the last
    low, high = _month_from(question, question.start), _month_from(question, question.until)
    if not asked.stored or low is None or high is None:
        return None
    conditions = asked.values((), ())
    conditions.values |= {"t0": question.start, "low": low, "high": high, "known": question.horizon, "periods": periods}
    at = "greatest(%(t0)s, c.first_at)"
    segment = f"LEFT JOIN accounts_segmentmembership b ON b.account_id = c.account_id AND b.valid_from <= {at} AND (b.valid_to IS NULL OR b.valid_to > {at})"
    sql = f"""
        WITH came AS (
            SELECT l.account_id, {asked.key} AS key, min(l.month) AS cohort, min(l.first_at) AS first_at FROM accounts_mrrmonth l {asked.join(conditions)}
            AND l.first_at IS NOT NULL AND l.month >= %(low)s AND l.month < %(high)s AND l.first_at < %(known)s GROUP BY 1, 2),
        cohorts AS (SELECT c.*, {"b.segment_id" if asked.segmented else "NULL::bigint AS segment_id"} FROM came c {segment if asked.segmented else ""}),
        alone AS (
            SELECT account_id, month, (balance_micros > 0)::integer - (balance_micros > delta_micros)::integer AS came FROM accounts_mrrmonth
            WHERE kind IN ({Kind.NEW}, {Kind.CHURNED}, {Kind.REACTIVATION})),
        held AS (
            SELECT account_id, month, sum(change) AS change, sum(sum(change)) OVER (PARTITION BY account_id ORDER BY month) AS held
            FROM (SELECT account_id, month, (balance_micros > 0)::integer - (balance_micros > delta_micros)::integer AS change FROM accounts_mrrmonth
                  WHERE kind = {Kind.MIXED}) several GROUP BY 1, 2),
        moved AS (SELECT * FROM alone UNION ALL SELECT account_id, month, (held > 0)::integer - (held > change)::integer FROM held)
        SELECT c.segment_id, c.key, c.cohort, m.month, sum(m.came), 0 FROM cohorts c JOIN moved m ON m.account_id = c.account_id AND m.month <= c.cohort + %(periods)s
        GROUP BY 1, 2, 3, 4
        UNION ALL SELECT segment_id, key, cohort, cohort, 0, count(*) FROM cohorts GROUP BY 1, 2, 3"""
    names: dict[int | None, str] = {**segment_names()}
    sizes: dict[tuple[str | None, int], int] = defaultdict(int)
    changes: dict[tuple[str | None, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for number, key, cohort, month, came, size in fetch(sql, conditions.values):
        name = names.get(number)
        if not asked.segmented or asked.wants(name):
            group = asked.group(name, key)
            sizes[group, cohort] += size
            changes[group, cohort][month] += int(came)
    found: dict[str | None, list[Row]] = defaultdict(list)
    for (group, cohort), size in sorted(sizes.items(), key=lambda item: item[0][1]):
        there, cells = 0, []
        for month in range(cohort, cohort + periods + 1):
            there += changes[group, cohort][month]
            cells.append(there)
        found[group].append((dt.date(cohort // 12, cohort % 12 + 1, 1), size, size, cells, []))
    return dict(found)


def _month_from(question: Question, moment: dt.datetime) -> int | None:
    """The first month that begins at an instant or after it."""
    exact = month_number(moment, question.zone)
    if exact is not None:
        return exact
    local = moment.astimezone(question.zone)
    following = dt.datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=question.zone)
    return month_number(following, question.zone)
