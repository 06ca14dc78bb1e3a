"""Tickets as the figures see them: who is counted, where each stood at an instant, what its values were then.

Figures read the paths that are kept (`metrics_ticketpath`), and of tickets that were touched since the sweep
the path as the log tells it: the same rows, worked out by the same statement. So a figure is true at every
moment, whether the sweep has run or not, and reads no log for what lies still.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, Tables, expression, fetch, narrow
from metrics.kpis.question import Question
from metrics.kpis.ticket_log import BUILT, COLUMNS, FACTS, STALE, path_tables

# letters of `states` for the states in which a ticket is over, and resolved
OVER = "('s', 'c', 'x')"
RESOLVED = "('s', 'c')"
_INSTANT = dt.timedelta(microseconds=1)
_KEPT = f"SELECT p.ticket_id AS id, {', '.join(f'p.{name}' for name in COLUMNS)} FROM metrics_ticketpath p"
_AND_TOUCHED = f"""WITH RECURSIVE {STALE.format(source="metrics_staleticket")}, {path_tables("stale")}, built AS MATERIALIZED ({BUILT}),
    paths AS NOT MATERIALIZED ({_KEPT} WHERE NOT EXISTS (SELECT 1 FROM stale s WHERE s.id = p.ticket_id) UNION ALL SELECT * FROM built)"""
_LIES_STILL = f"WITH paths AS NOT MATERIALIZED ({_KEPT})"

# tickets that count have a path; whether their customer counts may change without them
_COUNTED = "t.account_id NOT IN (SELECT x.id FROM accounts_account x WHERE x.excluded)"
# of a path `r` what is asked of the ticket itself; who has it now is a join, which nothing comes of where nobody asks for it
TICKET = f"CROSS JOIN LATERAL (SELECT r.id, {', '.join(f'r.{name}' for name in FACTS)}) t LEFT JOIN accounts_user holder ON holder.id = t.assignee_id"
ACCOUNT = "JOIN accounts_account a ON a.id = t.account_id AND NOT a.excluded"


def with_paths() -> str:
    """`WITH ... paths`: the path of every ticket. Asks first whether any was touched, so that usually one table is all there is to read."""
    return _AND_TOUCHED if fetch("SELECT EXISTS (SELECT 1 FROM metrics_staleticket)", {})[0][0] else _LIES_STILL


def bindings(question: Question) -> dict[str, object]:
    """What the fragments bind: the period as far as it is over, the instant from which the future is unknown, and the last moment before each."""
    edges: dict[str, dt.datetime] = {"s": question.start, "e": question.until, "horizon": question.horizon}
    return {**edges, **{f"before_{name}": at - _INSTANT for name, at in edges.items()}}


def past(edge: str, instants: str) -> str:
    """SQL: how many of ascending instants lie before an edge: `s`, `e` or `horizon`."""
    return f"width_bucket(%(before_{edge})s, {instants})"


def state_before(edge: str, path: str = "p") -> str:
    """SQL: the letter of the state of a path just before an edge; empty before it begins."""
    return f"substr({path}.states, {past(edge, f'{path}.moves_at')}, 1)"


# may have been open before an instant, or moved since; by the path, which the columns bear out where they know better
def open_or_moved(edge: str, path: str = "p") -> str:
    """SQL: paths that are not long over at an edge."""
    return f"({path}.is_open OR {path}.last_moved_at >= %({edge})s)"


def not_over_before(edge: str) -> str:
    """SQL: tickets `t` that may have been open at an edge or moved since; the columns, which follow the log, say which are long over."""
    at = f"%({edge})s"
    return f"(t.status NOT IN ('solved', 'closed') OR (t.solved_at IS NULL AND t.closed_at IS NULL) OR t.solved_at >= {at} OR t.closed_at >= {at})"


OPENED_WITHIN = "p.opened_at >= %(s)s AND p.opened_at < %(e)s"


def _value_at(kind: str, now: str, at: str, upto: str) -> str:
    """SQL: what a value of ticket `t` was at an instant, by its path `r`; the column where nothing was ever changed."""
    instant = at if upto == "<=" else f"{at} - interval '1 microsecond'"
    return f"nullif(CASE WHEN r.{kind}_at IS NULL THEN {now} ELSE r.{kind}_values[width_bucket({instant}, r.{kind}_at) + 1] END, '')"


def _logged_value_at(kind: str, now: str, at: str, upto: str) -> str:
    """SQL: the same of ticket `t` by its log, where no path is at hand."""
    log = f"SELECT c.{{column}} FROM tickets_ticketchange c WHERE c.ticket_id = t.id AND c.kind = '{kind}' AND"
    before = log.format(column="value") + f" c.occurred_at {upto} {at} ORDER BY c.occurred_at DESC, c.id DESC LIMIT 1"
    after = log.format(column="value_before") + f" NOT c.occurred_at {upto} {at} ORDER BY c.occurred_at, c.id LIMIT 1"
    return f"nullif(coalesce(({before}), ({after}), {now}), '')"


def severity_at(at: str, upto: str) -> str:
    """SQL: the severity of ticket `t` with path `r` at an instant, as text."""
    return _value_at("severity", "t.severity::text", at, upto)


def segment_id_at(at: str) -> str:
    """SQL: the id of the segment that account `a` was in just before an instant."""
    return (
        "(SELECT m.segment_id FROM accounts_segmentmembership m "
        f"WHERE m.account_id = a.id AND m.valid_from <= {at} AND (m.valid_to IS NULL OR m.valid_to > {at}) ORDER BY m.valid_from DESC LIMIT 1)"
    )


def ticket_sql(at: str, *, upto: str = "<=", logged: bool = False) -> dict[str, str]:
    """Dimensions of ticket `t` with path `r` at an instant: `<=` with what happened at it (an event), `<` without (a state).

    `logged` reads the log instead, where there is no path `r`.
    """
    value = _logged_value_at if logged else _value_at
    now = "coalesce((SELECT u.email FROM accounts_user u WHERE u.id = t.assignee_id), t.assignee_email)" if logged else "coalesce(holder.email, t.assignee_email)"
    return {
        "agent": value("assigned", now, at, upto),
        "group": "nullif(t.\"group\", '')",
        "category": value("category", "t.category", at, upto),
        "channel": "t.channel",
        "severity": value("severity", "t.severity::text", at, upto),
        "location": "nullif(t.location, '')",
    }


def selected(
    question: Question, by: str | None, conditions: Conditions, dimensions: dict[str, str], at: str, *, beside: str = "", account: bool = False
) -> tuple[str, str]:  # fmt: skip
    """The key to group rows `r` of paths by, and the joins (`beside`: a further one) with every condition; account dimensions hold at `at`.

    Account `a` is there where the question is about accounts, or with `account`.
    """
    tables: Tables = (ACCOUNT_SQL, dimensions)
    narrow(question, conditions, tables, at)
    named = {name for name in (by, *question.filters) if name and name not in dimensions}
    joined = account or named or question.segment is not None or question.scope is not None or question.nobody
    key = f'({expression(by, tables, at)})::text COLLATE "C"' if by else "NULL::text"
    return key, f"{TICKET} {ACCOUNT if joined else ''} {beside} WHERE {conditions.sql if joined else f'{_COUNTED} AND {conditions.sql}'}"


def epoch(column: str) -> str:
    """SQL: whole seconds since 1970."""
    return f"floor(date_part('epoch', {column}))::bigint"


def epochs(instants: str) -> str:
    """SQL: a list of instants as whole seconds since 1970."""
    return f"(SELECT array_agg({epoch('b')} ORDER BY b) FROM unnest({instants}) b)"


def stretches(moves: Sequence[int], states: str, resting: frozenset[str], until: int) -> list[tuple[int, int]]:
    """The stretches in which a path was in none of the resting states (letters), up to an instant after its last move."""
    return [(at, following) for at, following, letter in zip(moves, [*moves[1:], until], states, strict=True) if letter not in resting]
