"""Churn events of many periods by one pass: equal to `metrics.kpis.changes.losses` for each, reasons aside."""

from __future__ import annotations

from metrics.kpis.changes import Losses
from metrics.ledger.periods import Periods
from metrics.ledger.statements import Asked, Kind, fetch, moves, segment_names

Found = dict[str, dict[str | None, Losses]]
# where an account counts: at the start of the period, or when it first paid if that came later
_AT = "greatest((%(instants)s::timestamptz[])[m.period], m.first_at)"
# why customers left is not told apart here
_WHY = None


def losses_by_period(asked: Asked, periods: Periods) -> list[Found | None]:
    """For each period the events of churn, and how many of those lost did not choose it, of the whole and of the groups.

    None where two changes of an account are within 60 minutes of each other across months of one period.
    """
    straddled = _straddled(asked, periods)
    conditions = asked.values(periods.months[:-1], periods.instants[:-1])
    with_moves = moves(asked, conditions, periods.months, periods.monthly)
    column = "b.segment_id" if asked.segmented else "NULL::bigint"
    member = f"LEFT JOIN accounts_segmentmembership b ON b.account_id = m.account_id AND b.valid_from <= {_AT} AND (b.valid_to IS NULL OR b.valid_to > {_AT})"
    sql = f"""
        WITH {with_moves},
        events AS (
            SELECT c.account_id, width_bucket(c.month, %(months)s::integer[]) AS period, sum(c.events) AS events, (array_agg(c.involuntary ORDER BY c.month DESC))[1] AS involuntary
            FROM {asked.churn_rows()} c WHERE c.events > 0 AND c.month >= {periods.months[0]} AND c.month < {periods.months[-1]} GROUP BY 1, 2),
        several AS (
            SELECT account_id, period, sum((balance > 0)::integer - (balance > delta)::integer) AS change,
                   sum(sum((balance > 0)::integer - (balance > delta)::integer)) OVER (PARTITION BY account_id ORDER BY period) AS held
            FROM moves WHERE kind = {Kind.MIXED} GROUP BY 1, 2),
        leaving AS (
            SELECT m.account_id, m.key, m.period, e.events, e.involuntary, min(m.first_at) AS first_at,
                   bool_or(m.kind = {Kind.CHURNED} OR (x.held = 0 AND x.change < 0)) AS gone
            FROM moves m JOIN events e ON e.account_id = m.account_id AND e.period = m.period
            LEFT JOIN several x ON x.account_id = m.account_id AND x.period = m.period GROUP BY 1, 2, 3, 4, 5)
        SELECT period, {column}, key, sum(events), count(*) FILTER (WHERE gone), count(*) FILTER (WHERE gone AND involuntary)
        FROM leaving m {member if asked.segmented else ""} GROUP BY 1, 2, 3"""
    names: dict[int | None, str] = {**segment_names()} if asked.segmented else {}
    found: list[Found | None] = [None if place + 1 in straddled else {"whole": {}, "groups": {}} for place in range(len(periods))]
    for period, number, key, events, gone, involuntary in fetch(sql, conditions.values):
        segment = names.get(number)
        told = found[period - 1]
        if told is None or (asked.segmented and not asked.wants(segment)):
            continue
        for name, group in (("whole", None), ("groups", asked.group(segment, key))):
            losses = told[name].setdefault(group, Losses())
            losses.churn_events += int(events)
            losses.lost[_WHY] = losses.lost.get(_WHY, 0) + gone
            losses.events[_WHY] = losses.events.get(_WHY, 0) + int(events)
            losses.involuntary[_WHY] = losses.involuntary.get(_WHY, 0) + involuntary
    return found


def _straddled(asked: Asked, periods: Periods) -> set[int]:
    """The periods inside which changes of an account come close across a month's end."""
    if periods.monthly:
        return set()
    values = {"months": list(periods.months[:-1]), "from": periods.months[0], "until": periods.months[-1], "zone": str(asked.question.zone)}
    sql = f"""SELECT DISTINCT width_bucket(c.month, %(months)s::integer[]) FROM {asked.churn_rows()} c
        WHERE c.across AND c.month > %(from)s AND c.month < %(until)s AND NOT c.month = ANY(%(months)s::integer[])"""
    return {place for (place,) in fetch(sql, values)}
