"""Issues solved at first contact, and the time that contacts take. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from metrics.formulas.intervals import mean_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.ticket_paths import OPENED_WITHIN, bindings, epoch, epochs, past, selected, state_before, ticket_sql, with_paths
from surveys.scoring import wilson_interval
from tickets.support_formulas import TIMES, Contacts, is_unsettled, mean_handle_time, resolved_at_first_contact

Figures = dict[str | None, Figure]


@dataclass
class Issues:
    """Counts of issues of one group."""

    issues: int = 0
    resolved: int = 0
    first_contact: int = 0
    not_first_level: int = 0
    # of those that can be solved at first level
    first_level_first_contact: int = 0
    unsettled: int = 0


@dataclass(frozen=True)
class Issue:
    """One issue as FCR judges it; `at` is when it belongs to the period, seconds since 1970."""

    key: str | None
    ticket: int
    at: int
    solvable: bool
    resolved: bool
    at_first: bool
    unsettled: bool


def _found(question: Question, by: str | None, *, beside: str = "") -> tuple[str, str, str, Conditions]:
    """The issues opened in the period (`resolved_only`: resolved in it), each a row `r` with what is `told`: tables, key, rows, what they bind.

    `beside` joins more to them.
    """
    resolved_only = question.variant == "resolved_only"
    conditions = Conditions(bindings(question) | {"window": question.params["window_days"]})
    key, joined = selected(question, by, conditions, ticket_sql("coalesce(r.chosen_at, r.first_at, %(horizon)s)"), "r.chosen_at" if resolved_only else "r.opened_at", beside=beside)
    chosen = f"""CROSS JOIN LATERAL (SELECT p.resolved_at[{past("e", "p.resolved_at")}] AS last_at) l
        CROSS JOIN LATERAL (SELECT CASE WHEN l.last_at >= %(s)s THEN l.last_at END AS chosen_at) c WHERE p.last_moved_at >= %(s)s AND c.chosen_at IS NOT NULL"""
    rows = f"""
        FROM (SELECT p.*, CASE WHEN p.resolved_at[1] < %(horizon)s THEN p.resolved_at[1] END AS first_at, CASE WHEN p.left_at[1] < %(horizon)s THEN p.left_at[1] END AS back_at,
                     {"c.chosen_at" if resolved_only else "NULL::timestamptz AS chosen_at"}, {state_before("horizon")} = 'x' AS cancelled
              FROM paths p {chosen if resolved_only else f"WHERE {OPENED_WITHIN}"}) r
             CROSS JOIN LATERAL (SELECT r.replies_at[:{past("horizon", "r.replies_at")}] AS replies, r.customer_replies_at[:{past("horizon", "r.customer_replies_at")}] AS asked,
                                        r.calls_at[:{past("horizon", "r.calls_at")}] AS calls) told
        {joined}"""
    return with_paths(), key, rows, conditions


# replies of which only the number is known
_UNTIMED = "CASE WHEN r.reply_logged THEN 0 ELSE greatest(t.replies, (r.reply_in_columns < %(horizon)s)::int, 0) END"


def issues(question: Question, by: str | None) -> Iterator[Issue]:
    """The issues opened in the period (`resolved_only`: resolved in it), each judged."""
    tables, key, rows, conditions = _found(question, by)
    at = "r.chosen_at" if question.variant == "resolved_only" else "r.opened_at"
    sql = f"""{tables}
        SELECT {key}, r.id, {epoch(at)}, t.channel, {epoch("r.opened_at")}, t.first_level_solvable, {epoch("r.first_at")}, {epoch("r.back_at")}, r.cancelled,
               {epochs("told.replies")}, {epochs("told.asked")}, {epochs("told.calls")}, {_UNTIMED} {rows}"""
    window, horizon = question.params["window_days"], int(question.horizon.timestamp())
    for name, pk, counted_at, channel, opened, solvable, resolved_at, reopened_at, cancelled, replies, customer, calls, untimed in fetch(sql, conditions.values):
        issue = Contacts(channel, replies or (), customer or (), calls or (), resolved_at, reopened_at, untimed)
        yield Issue(
            name, pk, counted_at, solvable, resolved_at is not None, resolved_at_first_contact(issue, window) is True,
            is_unsettled(issue, opened_at=opened, cancelled=cancelled, window_days=window, horizon=horizon),
        )  # fmt: skip


def _before(instant: str, instants: str) -> str:
    """SQL: how many of ascending instants lie before one."""
    return f"width_bucket({instant} - interval '1 microsecond', {instants})"


# `resolved_at_first_contact` and `is_unsettled` of `tickets.support_formulas`, by counting instead of listing; instants count by whole seconds
_JUDGED = f"""
    CROSS JOIN LATERAL (
        SELECT date_trunc('second', r.first_at) + make_interval(secs => 86400.0 * %(window)s) AS over, date_trunc('second', r.first_at) + interval '1 second' AS done,
               date_trunc('second', told.calls[1]) + interval '1 second' AS called, date_trunc('second', told.replies[1]) + interval '1 second' AS replied,
               t.channel IN ('phone', 'chat') AS spoken, {_UNTIMED} AS untimed) i
    CROSS JOIN LATERAL (
        SELECT {_before("i.over", "told.calls")} AS calls, {_before("i.over", "told.replies")} AS replies, {_before("i.over", "told.asked")} AS asked,
               {_before("i.done", "told.replies")} AS answered, {_before("least(i.done, i.over)", "told.replies")} AS talked) n
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN r.first_at IS NULL OR date_trunc('second', r.back_at) < i.over THEN false
            WHEN i.spoken AND n.calls > 0 THEN n.calls = 1 AND n.replies <= n.answered
                AND n.asked <= {_before("CASE WHEN t.channel = 'chat' THEN i.done ELSE i.called END", "told.asked")}
            WHEN t.channel = 'chat' THEN (i.untimed > 0 OR n.talked > 0) AND n.replies <= n.answered AND n.asked <= {_before("i.done", "told.asked")}
            WHEN n.calls > 0 OR n.replies + i.untimed <> 1 THEN false
            ELSE n.replies = 0 OR n.asked <= {_before("i.replied", "told.asked")} END AS at_first) j
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN r.first_at IS NULL THEN NOT r.cancelled AND cardinality(told.replies) + cardinality(told.calls) <= 1
                AND date_trunc('second', r.opened_at) + make_interval(secs => 86400.0 * %(window)s) > date_trunc('second', %(horizon)s::timestamptz)
            ELSE j.at_first AND i.over > date_trunc('second', %(horizon)s::timestamptz) END AS unsettled) u"""


def fcr(question: Question, by: str | None) -> Figures:
    """Issues resolved with one contact and none within the window / issues opened (or resolved) in the period.

    What happened after the period counts, up to the horizon: the figure settles when the last window
    is over. The agent is the assignee at the (first) resolution.
    """
    tables, key, rows, conditions = _found(question, by, beside=_JUDGED)
    sql = f"""{tables},
        judged AS MATERIALIZED (SELECT {key} AS key, r.first_at IS NOT NULL AS resolved, j.at_first, t.first_level_solvable AS solvable, u.unsettled {rows})
        SELECT key, count(*), count(*) FILTER (WHERE resolved), count(*) FILTER (WHERE at_first), count(*) FILTER (WHERE NOT solvable),
               count(*) FILTER (WHERE at_first AND solvable), count(*) FILTER (WHERE unsettled)
        FROM judged GROUP BY key"""
    groups = {name: Issues(*counts) for name, *counts in fetch(sql, conditions.values)}
    if by is None and not groups:
        groups[None] = Issues()
    return {name: _fcr_figure(question.variant, counts) for name, counts in groups.items()}


def _fcr_figure(variant: str, counts: Issues) -> Figure:
    net = variant == "net"
    numerator = counts.first_level_first_contact if net else counts.first_contact
    denominator = counts.issues - counts.not_first_level if net else counts.issues
    parts = {
        "issues": counts.issues, "resolved": counts.resolved, "resolved_first_contact": numerator, "not_first_level": counts.not_first_level, "unsettled": counts.unsettled,
    }  # fmt: skip
    return Figure(
        value=ratio(numerator, denominator), numerator=numerator, denominator=denominator, parts=parts, interval=wilson_interval(numerator, denominator),
        flags=["settles_later"] if counts.unsettled else [],
    )  # fmt: skip


# seconds of one contact by its channel; null where nothing of it was measured
_HANDLE = """CASE i.channel
    WHEN 'phone' THEN CASE WHEN num_nonnulls(i.talk_seconds, i.hold_seconds, i.wrap_seconds) > 0
        THEN coalesce(i.talk_seconds, 0) + coalesce(i.hold_seconds, 0) + coalesce(i.wrap_seconds, 0) END::numeric
    WHEN 'chat' THEN CASE WHEN num_nonnulls(i.session_seconds, i.follow_up_seconds) > 0
        THEN coalesce(i.session_seconds, 0) + coalesce(i.follow_up_seconds, 0) END::numeric {concurrency}
    ELSE i.work_seconds::numeric END"""


def told_contacts(question: Question, by: str | None) -> tuple[str, Conditions]:
    """`WITH ... told`: the contacts that ended in the period, each with its seconds and whether it counts as handled."""
    if question.params["channel"] != "all" and "channel" in question.filters:
        raise WrongQuestion("channel is given as a parameter and as a filter; give it once.")
    conditions = Conditions(bindings(question))
    if question.params["channel"] != "all":
        conditions.parts.append(f"i.channel = {conditions.bind(question.params['channel'])}")
    dimensions = ticket_sql("i.ended_at", logged=True)
    dimensions |= {"agent": "coalesce((SELECT u.email FROM accounts_user u WHERE u.id = i.agent_id), nullif(i.agent_email, ''))", "channel": "i.channel"}
    tables = (ACCOUNT_SQL, dimensions)
    narrow(question, conditions, tables, "i.ended_at")
    handle = _HANDLE.format(concurrency="/ coalesce(nullif(i.concurrency, 0), 1)" if question.variant == "chat_concurrency" else "")
    sql = f"""
        WITH contacts AS (
            SELECT {expression(by, tables, "i.ended_at") if by else "NULL::text"} AS key, i.id, i.ended_at, i.abandoned,
                   {", ".join(f"i.{name}_seconds" for name in TIMES)}, {handle} AS seconds
            FROM tickets_interaction i LEFT JOIN tickets_ticket own ON own.id = i.ticket_id
                 LEFT JOIN tickets_ticket t ON t.id = coalesce(own.merged_into_id, own.id) LEFT JOIN accounts_account a ON a.id = coalesce(t.account_id, i.account_id)
            WHERE i.ended_at >= %(s)s AND i.ended_at < %(e)s AND NOT coalesce(a.excluded, false)
              AND NOT coalesce(own.spam OR own.test OR own.deleted_at IS NOT NULL OR t.spam OR t.test OR t.deleted_at IS NOT NULL, false) AND {conditions.sql}),
        told AS (SELECT *, NOT abandoned AND seconds IS NOT NULL AS handled FROM contacts)"""
    return sql, conditions


def contacts(question: Question, *, abandoned: bool = False) -> list[tuple[int, int, int | None]]:
    """The contacts that the figure counts as handled (or as abandoned): (id of the interaction, end in seconds since 1970, seconds)."""
    sql, conditions = told_contacts(question, None)
    return fetch(f"{sql} SELECT id, {epoch('ended_at')}, round(seconds)::bigint FROM told WHERE {'abandoned' if abandoned else 'handled'}", conditions.values)


def aht(question: Question, by: str | None) -> Figures:
    """All handle seconds / handled contacts that ended in the period, over all channels or one; never a mean of means.

    Abandoned contacts are counted apart, contacts without a measured time are out. `chat_concurrency`
    divides a chat's time by the chats held at once.
    """
    told, conditions = told_contacts(question, by)
    sums = ", ".join(f"coalesce(sum({name}_seconds) FILTER (WHERE handled), 0)" for name in TIMES)
    sql = f"""{told}
        SELECT key, count(*) FILTER (WHERE handled), coalesce(sum(seconds) FILTER (WHERE handled), 0), coalesce(sum(seconds * seconds) FILTER (WHERE handled), 0),
               count(*) FILTER (WHERE abandoned), {sums}
        FROM told GROUP BY key"""
    figures = {}
    for key, count, total, squares, abandoned, *times in fetch(sql, conditions.values):
        figures[key] = _aht_figure(count, total, squares, abandoned, [int(seconds) for seconds in times])
    if by is None and not figures:
        figures[None] = _aht_figure(0, Decimal(0), Decimal(0), 0, [0] * len(TIMES))
    return figures


def _aht_figure(count: int, total: Decimal, squares: Decimal, abandoned: int, times: list[int]) -> Figure:
    parts = {"interactions": count, **dict(zip(TIMES, times, strict=True)), "abandoned": abandoned}
    return Figure(
        value=mean_handle_time(total, count), numerator=total, denominator=count, parts=parts,
        interval=mean_interval(count=count, total=Decimal(total), squares=Decimal(squares)),
    )  # fmt: skip
