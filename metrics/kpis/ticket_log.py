"""The path of tickets worked out from their log, in SQL: every move between states, what was said, what changed hands.

Everything comes from the log, so that any past instant can be asked for. Where a ticket has no log of
its own (an import of present states), its columns tell the moves; what they leave open is marked as
not known. Each constant is one common table expression; `path_tables` puts them in order. What they come
to is kept in `metrics_ticketpath`; figures read it through `metrics.kpis.ticket_paths`.
"""

from __future__ import annotations

# the letter of each state in the path of a ticket; a state that is none of these is "u"
LETTERS = {"new": "n", "open": "o", "pending": "p", "on_hold": "h", "solved": "s", "closed": "c", "cancelled": "x"}

# every merged-away ticket with each ticket it leads to; only the last of a chain is counted
_MERGED = """merged AS (
    SELECT id, merged_into_id AS root FROM tickets_ticket WHERE merged_into_id IS NOT NULL AND NOT spam AND NOT test AND deleted_at IS NULL
    UNION SELECT m.id, t.merged_into_id FROM merged m JOIN tickets_ticket t ON t.id = m.root WHERE t.merged_into_id IS NOT NULL)"""

# no spam, no tests, nothing deleted, survivors of merges with the earliest creation; looked up by number
_COUNTED = """counted AS MATERIALIZED (
    SELECT t.id, t.account_id, t.channel, t.severity, t.category, t."group", t.location, t.status::text AS status, t.created_by_kind::text AS created_by_kind, t.assignee_id,
           t.assignee_email, t.first_level_solvable, t.replies, t.solved_at, t.closed_at, t.reopened_at,
           least(t.opened_at, g.opened_at) AS opened_at, least(t.first_replied_at, g.first_replied_at) AS first_replied_at
    FROM {wanted} x CROSS JOIN LATERAL (SELECT * FROM tickets_ticket o WHERE o.id = x.id OFFSET 0) t
         LEFT JOIN (SELECT m.root, min(o.opened_at) AS opened_at, min(o.first_replied_at) AS first_replied_at
                    FROM merged m JOIN tickets_ticket o ON o.id = m.id GROUP BY m.root) g ON g.root = t.id
    WHERE NOT t.spam AND NOT t.test AND t.deleted_at IS NULL AND t.merged_into_id IS NULL)"""

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

_ENTERS = "(state IN ('solved', 'closed') AND before NOT IN ('solved', 'closed'))"
_LEAVES = "(state NOT IN ('solved', 'closed') AND before IN ('solved', 'closed'))"
_LETTER = "CASE state " + " ".join(f"WHEN '{state}' THEN '{letter}'" for state, letter in LETTERS.items()) + " ELSE 'u' END"
_WAY = f"""way AS (
    SELECT id, array_agg(at ORDER BY at, seq, entry) AS moves_at, string_agg({_LETTER}, '' ORDER BY at, seq, entry) AS states,
           coalesce(array_agg(at ORDER BY at, seq, entry) FILTER (WHERE {_ENTERS}), '{{}}') AS resolved_at,
           coalesce(array_agg(known ORDER BY at, seq, entry) FILTER (WHERE {_ENTERS}), '{{}}') AS resolved_known,
           coalesce(array_agg(at ORDER BY at, seq, entry) FILTER (WHERE {_LEAVES}), '{{}}') AS left_at
    FROM steps GROUP BY id)"""

# public replies of persons; the comment by which an agent opened the ticket is none
_SAID = """said AS (
    SELECT f.root AS id, bool_or(c.kind = 'public_reply') AS logged,
           min(c.occurred_at) FILTER (WHERE c.is_reply) AS replied_at,
           (array_agg(c.actor_id ORDER BY c.occurred_at, c.id) FILTER (WHERE c.is_reply))[1] AS actor_id,
           array_agg(c.occurred_at ORDER BY c.occurred_at) FILTER (WHERE c.is_reply) AS replies,
           array_agg(c.occurred_at ORDER BY c.occurred_at) FILTER (WHERE c.kind = 'customer_reply') AS customer_replies
    FROM family f CROSS JOIN LATERAL (
        SELECT o.id, o.kind, o.occurred_at, o.actor_id, o.kind = 'public_reply' AND (f.created_by_kind <> 'agent' OR o.occurred_at > f.opened_at) AS is_reply
        FROM tickets_ticketchange o
        WHERE o.ticket_id = f.member AND (o.kind = 'public_reply' AND o.actor_kind = 'agent' OR o.kind = 'customer_reply') OFFSET 0) c
    GROUP BY f.root)"""

_CALLS = """calls AS (
    SELECT f.root AS id, array_agg(i.ended_at ORDER BY i.ended_at) AS calls
    FROM family f JOIN tickets_interaction i ON i.ticket_id = f.member
    WHERE i.channel IN ('phone', 'chat') AND NOT i.abandoned GROUP BY f.root)"""


def _changed(kind: str) -> str:
    """SQL: when a value of the ticket changed, and what it was before the first change and after each."""
    rows = f"ORDER BY c.occurred_at, c.id) FILTER (WHERE c.kind = '{kind}')"
    values = f"(array_agg(c.value_before::text {rows})[1:1] || array_agg(c.value::text {rows}"
    return f"array_agg(c.occurred_at {rows} AS {kind}_at, {values} AS {kind}_values"


_CHANGED = f"""changed AS (
    SELECT t.id, c.* FROM counted t CROSS JOIN LATERAL (
        SELECT {", ".join(_changed(kind) for kind in ("assigned", "severity", "category"))}
        FROM tickets_ticketchange c WHERE c.ticket_id = t.id AND c.kind IN ('assigned', 'severity', 'category')) c)"""

# what a path holds of the ticket itself
FACTS = (
    "account_id", "channel", "severity", "category", '"group"', "location", "status", "created_by_kind", "assignee_id", "assignee_email", "first_level_solvable", "replies",
    "solved_at", "closed_at",
)  # fmt: skip
# the columns of a path, in the order in which they are worked out, after the ticket
COLUMNS = (
    "opened_at", *FACTS,
    "replied_at", "replied_by", "reply_logged", "reply_in_columns", "moves_at", "states", "last_moved_at", "is_open", "resolved_at", "resolved_known", "left_at",
    "replies_at", "customer_replies_at", "calls_at", "assigned_at", "assigned_values", "severity_at", "severity_values", "category_at", "category_values",
)  # fmt: skip

# the first answer is as logged, else as the column says
BUILT = f"""
    SELECT t.id, t.opened_at, {", ".join(f"t.{name}" for name in FACTS)},
           CASE WHEN coalesce(w.logged, false) THEN w.replied_at ELSE t.first_replied_at END AS replied_at, w.actor_id::bigint AS replied_by,
           coalesce(w.logged, false) AS reply_logged, t.first_replied_at AS reply_in_columns, y.moves_at, y.states, y.moves_at[cardinality(y.moves_at)] AS last_moved_at,
           right(y.states, 1) NOT IN ('s', 'c', 'x') AS is_open, y.resolved_at, y.resolved_known, y.left_at, coalesce(w.replies, '{{}}') AS replies_at,
           coalesce(w.customer_replies, '{{}}') AS customer_replies_at, coalesce(k.calls, '{{}}') AS calls_at,
           h.assigned_at, h.assigned_values, h.severity_at, h.severity_values, h.category_at, h.category_values
    FROM counted t JOIN way y USING (id) JOIN changed h USING (id) LEFT JOIN said w USING (id) LEFT JOIN calls k USING (id)"""


def path_tables(wanted: str) -> str:
    """The expressions behind `BUILT`, for the tickets of the relation `wanted` (a column `id`); they stand in a WITH RECURSIVE."""
    return ", ".join([_MERGED, _COUNTED.format(wanted=wanted), _FAMILY, _STATUS_LOG, _MOVES, _STEPS, _WAY, _SAID, _CALLS, _CHANGED])


# the tickets that were touched since their path was worked out, and all that they lead to
STALE = """stale AS MATERIALIZED (
    WITH RECURSIVE up AS (
        SELECT ticket_id AS id FROM {source}
        UNION SELECT t.merged_into_id FROM up JOIN tickets_ticket t ON t.id = up.id WHERE t.merged_into_id IS NOT NULL)
    SELECT id FROM up)"""
