"""Tickets as the figures see them, in SQL: who is counted, every move between states, what was said.

Everything comes from the log, so that any past instant can be asked for. Where a ticket has no log of
its own (an import of present states), its columns tell the moves; what they leave open is marked as
not known. Each constant is one common table expression; `with_tables` puts them in order.
"""

from __future__ import annotations

from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, Tables, expression, narrow
from metrics.kpis.question import Question

OVER = "('solved', 'closed', 'cancelled')"
RESOLVED = "('solved', 'closed')"

# every merged-away ticket with each ticket it leads to; only the last of a chain is counted
_MERGED = """merged AS (
    SELECT id, merged_into_id AS root FROM tickets_ticket WHERE merged_into_id IS NOT NULL AND NOT spam AND NOT test AND deleted_at IS NULL
    UNION SELECT m.id, t.merged_into_id FROM merged m JOIN tickets_ticket t ON t.id = m.root WHERE t.merged_into_id IS NOT NULL)"""

# tickets with an entry of the log in the period, or a column that says as much; those merged away count for their survivor
_TOUCHED = """touched AS MATERIALIZED (
    SELECT coalesce(m.root, c.ticket_id) AS id FROM tickets_ticketchange c LEFT JOIN merged m ON m.id = c.ticket_id
    WHERE {entries} AND c.occurred_at >= %(s)s AND c.occurred_at < %(e)s
    UNION SELECT coalesce(m.root, t.id) FROM tickets_ticket t LEFT JOIN merged m ON m.id = t.id WHERE {columns})"""

# no spam, no tests, nothing deleted, survivors of merges with the earliest creation; {only} narrows to the tickets a figure needs
_COUNTED = """counted AS MATERIALIZED (
    SELECT t.id, t.account_id, t.channel, t.status::text AS status, t.created_by_kind, t.first_level_solvable, t.replies, t.solved_at, t.closed_at, t.reopened_at,
           least(t.opened_at, g.opened_at) AS opened_at, least(t.first_replied_at, g.first_replied_at) AS first_replied_at
    FROM {tickets} JOIN accounts_account a ON a.id = t.account_id
         LEFT JOIN (SELECT m.root, min(o.opened_at) AS opened_at, min(o.first_replied_at) AS first_replied_at
                    FROM merged m JOIN tickets_ticket o ON o.id = m.id GROUP BY m.root) g ON g.root = t.id
    WHERE NOT t.spam AND NOT t.test AND t.deleted_at IS NULL AND t.merged_into_id IS NULL AND NOT a.excluded AND ({only}))"""

# the tickets touched, each by its number
_LOOKED_UP = "touched x CROSS JOIN LATERAL (SELECT * FROM tickets_ticket o WHERE o.id = x.id OFFSET 0) t"

# a survivor with itself and with all that was merged into it: what was said there counts for it
_FAMILY = """family AS (
    SELECT id AS root, id AS member, opened_at, created_by_kind FROM counted
    UNION ALL SELECT m.root, m.id, t.opened_at, t.created_by_kind FROM merged m JOIN counted t ON t.id = m.root)"""

# nothing happens to a ticket before it is opened. OFFSET 0 keeps the planner at one look by ticket for each: its
# guesses at sizes are too poor to be let choose between that and reading the whole log
_STATUS_LOG = """status_log AS MATERIALIZED (
    SELECT c.ticket_id AS id, t.opened_at, greatest(c.occurred_at, t.opened_at) AS at, c.id AS entry, c.value::text AS state, c.value_before, t.solved_at,
           row_number() OVER (PARTITION BY c.ticket_id ORDER BY c.occurred_at, c.id) AS place
    FROM counted t CROSS JOIN LATERAL (SELECT * FROM tickets_ticketchange o WHERE o.ticket_id = t.id AND o.kind = 'status' OFFSET 0) c)"""

# every ticket begins as new; what follows is carried along with its creation, so that nothing need be joined to it again
_MOVES = """moves AS (
    SELECT id, opened_at, opened_at AS at, 0 AS seq, 0 AS entry, 'new' AS state, true AS known FROM counted
    UNION ALL
    SELECT id, opened_at, at, 5, entry, state, true FROM status_log
    UNION ALL
    -- a log that begins when the ticket was over already
    SELECT id, opened_at, greatest(CASE WHEN solved_at <= at THEN solved_at END, opened_at), 1, 0, value_before, coalesce(solved_at <= at, false)
    FROM status_log WHERE place = 1 AND value_before IN ('solved', 'closed', 'cancelled')
    UNION ALL
    -- no log: columns. A reopening counts unless the ticket is said to be resolved without an instant after it
    SELECT t.id, t.opened_at, greatest(m.at, t.opened_at), m.seq, 0, m.state, m.known
    FROM counted t
    CROSS JOIN LATERAL (SELECT t.reopened_at IS NOT NULL
        AND (t.status NOT IN ('solved', 'closed') OR coalesce(t.solved_at >= t.reopened_at, false) OR coalesce(t.closed_at >= t.reopened_at, false)) AS back) k
    CROSS JOIN LATERAL (VALUES
        (CASE WHEN k.back THEN coalesce(CASE WHEN t.solved_at < t.reopened_at THEN t.solved_at END, CASE WHEN t.closed_at < t.reopened_at THEN t.closed_at END, t.reopened_at) END,
         1, 'solved', coalesce(least(t.solved_at, t.closed_at) < t.reopened_at, false)),
        (CASE WHEN k.back THEN t.reopened_at END, 2, 'open', true),
        (CASE WHEN t.status IN ('solved', 'closed') THEN CASE
            WHEN k.back THEN least(CASE WHEN t.solved_at >= t.reopened_at THEN t.solved_at END, CASE WHEN t.closed_at >= t.reopened_at THEN t.closed_at END)
            ELSE coalesce(t.solved_at, t.closed_at, t.opened_at) END END,
         3, t.status, t.solved_at IS NOT NULL OR t.closed_at IS NOT NULL),
        (CASE WHEN t.status = 'cancelled' THEN greatest(coalesce(t.closed_at, t.solved_at, t.opened_at), t.reopened_at) END, 3, 'cancelled', true)
    ) m(at, seq, state, known)
    WHERE m.at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM status_log l WHERE l.id = t.id))"""

_STEPS = """steps AS (
    SELECT *, coalesce(lag(state) OVER (PARTITION BY id ORDER BY at, seq, entry), 'new') AS before FROM moves)"""

# where each ticket stood at the end: after what happened before it
_STATES = """states AS (
    SELECT DISTINCT ON (id) id, opened_at, state FROM moves WHERE at < %(e)s ORDER BY id, at DESC, seq DESC, entry DESC)"""

# public replies of persons; the comment by which an agent opened the ticket is none
_SAID = """said AS (
    SELECT f.root AS id, bool_or(c.kind = 'public_reply') AS logged,
           min(c.occurred_at) FILTER (WHERE c.is_reply) AS replied_at,
           (array_agg(c.actor_id ORDER BY c.occurred_at, c.id) FILTER (WHERE c.is_reply))[1] AS actor_id,
           array_agg(floor(extract(epoch FROM c.occurred_at))::bigint ORDER BY c.occurred_at) FILTER (WHERE c.is_reply AND c.occurred_at < %(horizon)s) AS replies,
           array_agg(floor(extract(epoch FROM c.occurred_at))::bigint ORDER BY c.occurred_at)
               FILTER (WHERE c.kind = 'customer_reply' AND c.occurred_at < %(horizon)s) AS customer_replies
    FROM family f CROSS JOIN LATERAL (
        SELECT o.id, o.kind, o.occurred_at, o.actor_id, o.kind = 'public_reply' AND (f.created_by_kind <> 'agent' OR o.occurred_at > f.opened_at) AS is_reply
        FROM tickets_ticketchange o
        WHERE o.ticket_id = f.member AND (o.kind = 'public_reply' AND o.actor_kind = 'agent' OR o.kind = 'customer_reply') OFFSET 0) c
    GROUP BY f.root)"""

# the first answer: as logged, else as the column says
REPLIED_AT = "CASE WHEN coalesce(w.logged, false) THEN w.replied_at ELSE t.first_replied_at END"

ENTERS = "(state IN ('solved', 'closed') AND before NOT IN ('solved', 'closed'))"
LEAVES = "(state NOT IN ('solved', 'closed') AND before IN ('solved', 'closed'))"

_TABLES = {"merged": _MERGED, "counted": _COUNTED, "family": _FAMILY, "status_log": _STATUS_LOG, "moves": _MOVES, "steps": _STEPS, "states": _STATES, "said": _SAID}
_NEEDS = {"steps": ("status_log", "moves", "steps"), "states": ("status_log", "moves", "states"), "said": ("family", "said")}


def with_tables(*wanted: str, only: str = "TRUE", entries: str = "") -> str:
    """`WITH RECURSIVE ...` with the tickets that are counted and, as asked, `steps` or `states` and `said`.

    `only` narrows the tickets (SQL over `t` and `g`). With `entries` (SQL over the log `c`) only tickets are
    looked at that have such an entry in the period or, in themselves or what was merged into them, fit `only`
    (then over `t` alone): more than may count, but few and looked up by number, as are those `OPENED_WITHIN`.
    Binds %(s)s, %(e)s, and %(horizon)s with `said`.
    """
    few = bool(entries) or only == OPENED_WITHIN
    tables = {**_TABLES, "counted": _COUNTED.format(only="TRUE" if entries else only, tickets=_LOOKED_UP if few else "tickets_ticket t")}
    if few:
        # what is opened in the period is found by its index; the exact condition holds above
        tables["touched"] = _TOUCHED.format(entries=entries or "FALSE", columns=only if entries else "t.opened_at >= %(s)s AND t.opened_at < %(e)s")
    names = ["merged", *(["touched"] if few else []), "counted", *(name for group in wanted for name in _NEEDS[group])]
    return "WITH RECURSIVE " + ", ".join(tables[name] for name in names)


OPENED = "least(t.opened_at, g.opened_at)"
OPENED_WITHIN = f"{OPENED} >= %(s)s AND {OPENED} < %(e)s"
# tickets whose state may have changed in the period, beside those with an entry: by their columns; an entry before the opening counts at the opening
MOVED_WITHIN = " OR ".join(f"t.{name} >= %(s)s AND t.{name} < %(e)s" for name in ("opened_at", "solved_at", "closed_at", "reopened_at"))
MOVES_LOGGED = "c.kind = 'status'"


def not_over_before(at: str) -> str:
    """SQL: tickets that may have been open at an instant or moved since; the columns, which follow the log, say which are long over."""
    return f"(t.status NOT IN {RESOLVED} OR (t.solved_at IS NULL AND t.closed_at IS NULL) OR t.solved_at >= {at} OR t.closed_at >= {at})"


def _replayed(kind: str, now: str, at: str, upto: str) -> str:
    """SQL: what the log says a ticket's value was at an instant; the column where nothing was ever changed."""
    log = f"SELECT c.{{column}} FROM tickets_ticketchange c WHERE c.ticket_id = t.id AND c.kind = '{kind}' AND"
    before = log.format(column="value") + f" c.occurred_at {upto} {at} ORDER BY c.occurred_at DESC, c.id DESC LIMIT 1"
    after = log.format(column="value_before") + f" NOT c.occurred_at {upto} {at} ORDER BY c.occurred_at, c.id LIMIT 1"
    return f"nullif(coalesce(({before}), ({after}), {now}), '')"


def severity_at(at: str, upto: str) -> str:
    """SQL: the severity of ticket `t` at an instant, as text."""
    return _replayed("severity", "t.severity::text", at, upto)


def segment_id_at(at: str) -> str:
    """SQL: the id of the segment that account `a` was in just before an instant."""
    return (
        "(SELECT m.segment_id FROM accounts_segmentmembership m "
        f"WHERE m.account_id = a.id AND m.valid_from <= {at} AND (m.valid_to IS NULL OR m.valid_to > {at}) ORDER BY m.valid_from DESC LIMIT 1)"
    )


def ticket_sql(at: str, *, upto: str = "<=") -> dict[str, str]:
    """Dimensions of ticket `t` at an instant: `<=` with what happened at it (an event), `<` without (a state)."""
    return {
        "agent": _replayed("assigned", "(SELECT u.email FROM accounts_user u WHERE u.id = t.assignee_id), t.assignee_email", at, upto),
        "group": "nullif(t.\"group\", '')",
        "category": _replayed("category", "t.category", at, upto),
        "channel": "t.channel",
        "severity": severity_at(at, upto),
        "location": "nullif(t.location, '')",
    }


def bindings(question: Question) -> dict[str, object]:
    """What the fragments bind: the period as far as it is over, and the instant from which the future is unknown."""
    return {"s": question.start, "e": question.until, "horizon": question.horizon}


def selected(question: Question, by: str | None, conditions: Conditions, dimensions: dict[str, str], at: str) -> tuple[str, str]:
    """The key to group rows `r` of tickets `t` by, and the joins with every condition; account dimensions hold at `at`."""
    tables: Tables = (ACCOUNT_SQL, dimensions)
    narrow(question, conditions, tables, at)
    key = expression(by, tables, at) if by else "NULL::text"
    return key, f"JOIN tickets_ticket t ON t.id = r.id JOIN accounts_account a ON a.id = t.account_id WHERE {conditions.sql}"


def epoch(column: str) -> str:
    """SQL: whole seconds since 1970."""
    return f"floor(extract(epoch FROM {column}))::bigint"
