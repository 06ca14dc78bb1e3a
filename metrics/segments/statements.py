"""Who belongs into another segment than the one he is in, as one statement over a range or a list of accounts."""

from __future__ import annotations

from typing import Any

from metrics.segments.reading import SegmentRules, target

RANGE = "{} BETWEEN %(low)s AND %(high)s"
LISTED = "{} = ANY(%(ids)s::bigint[])"

STANDS = "coalesce(m.is_override AND (m.override_until IS NULL OR m.override_until > %(now)s), false)"
_ENDED = "coalesce(m.is_override AND m.override_until <= %(now)s, false)"

# the stretch that holds the instant; what was written down ahead of time begins later
_STRETCH = "LEFT JOIN accounts_segmentmembership m ON m.account_id = a.id AND {} AND m.valid_from <= %(now)s AND (m.valid_to IS NULL OR m.valid_to > %(now)s)"


def placed(rules: SegmentRules, scope: str, *, extra: str = "") -> tuple[str, dict[str, Any]]:
    """Every account of the scope with where it is and where it belongs, a select for further use; and what it binds.

    Binds `now`, `today`, and `low`/`high` or `ids` as the scope says. `extra` are more columns of `a`, `s` and `m`,
    ending in a comma.
    """
    arms, values = target(rules)
    # the scope stands at each table: the planner does not carry a range over a join
    text = f"""
SELECT a.id AS account_id, a.segment_id AS before_id, m.id AS membership_id, m.segment_id AS stood_id, m.valid_from AS stood_from, m.reason AS stood_reason,
    m.override_until, {extra}{STANDS} AS stands, {_ENDED} AS ended, CASE WHEN {STANDS} THEN m.segment_id {arms} END AS target_id
FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id AND {scope.format("s.account_id")}
{_STRETCH.format(scope.format("m.account_id"))}
WHERE {scope.format("a.id")}"""
    return text, values


def differing(rules: SegmentRules, scope: str) -> tuple[str, dict[str, Any]]:
    """The accounts of the scope that are not where they belong.

    Binds `wall` and `day` besides: as of a past instant an account is left alone whose history or
    snapshot is newer than that, or who was no customer yet.
    """
    inner, values = placed(rules, scope, extra="s.scored_on, a.signed_up_at, ")
    text = f"""
SELECT account_id, before_id, membership_id, stood_id, stood_from, stood_reason, stands, ended, target_id,
    CASE WHEN stands THEN stood_from WHEN ended THEN greatest(override_until, stood_from) ELSE %(now)s END AS begins_at,
    (SELECT min(n.valid_from) FROM accounts_segmentmembership n WHERE n.account_id = f.account_id AND n.valid_from > %(now)s) AS until
FROM ({inner} OFFSET 0) f
WHERE (ended OR before_id IS DISTINCT FROM target_id OR stood_id IS DISTINCT FROM target_id) AND coalesce(scored_on <= %(day)s, true)
    AND (%(now)s >= %(wall)s OR coalesce(signed_up_at <= %(now)s, true))
    AND NOT EXISTS (SELECT 1 FROM accounts_segmentmembership l WHERE l.account_id = f.account_id AND l.valid_from > %(now)s AND l.valid_from <= %(wall)s)
ORDER BY account_id"""
    return text, values
