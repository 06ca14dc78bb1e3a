"""Issues solved at first contact, and the time that contacts take. Definitions: `docs/metrics.md`, support."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from metrics.formulas.intervals import mean_interval
from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question, WrongQuestion
from metrics.kpis.ticket_log import ENTERS, LEAVES, MOVED_WITHIN, MOVES_LOGGED, OPENED_WITHIN, bindings, epoch, selected, ticket_sql, with_tables
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


def issues(question: Question, by: str | None) -> Iterator[Issue]:
    """The issues opened in the period (`resolved_only`: resolved in it), each judged."""
    resolved_only = question.variant == "resolved_only"
    conditions = Conditions(bindings(question))
    at = "r.chosen_at" if resolved_only else "r.opened_at"
    key, joined = selected(question, by, conditions, ticket_sql("coalesce(r.chosen_at, r.resolved_at, %(horizon)s)"), at)
    sql = f"""
        {with_tables("steps", "said", only=MOVED_WITHIN if resolved_only else OPENED_WITHIN, entries=MOVES_LOGGED if resolved_only else "")},
        progress AS (
            SELECT id, min(at) FILTER (WHERE {ENTERS}) AS resolved_at, min(at) FILTER (WHERE {LEAVES}) AS reopened_at,
                   max(at) FILTER (WHERE {ENTERS} AND at >= %(s)s AND at < %(e)s) AS chosen_at, (array_agg(state ORDER BY at DESC, seq DESC, entry DESC))[1] AS state
            FROM steps WHERE at < %(horizon)s GROUP BY id),
        calls AS (
            SELECT f.root AS id, array_agg({epoch("i.ended_at")} ORDER BY i.ended_at) AS calls
            FROM family f JOIN tickets_interaction i ON i.ticket_id = f.member
            WHERE i.channel IN ('phone', 'chat') AND NOT i.abandoned AND i.ended_at < %(horizon)s GROUP BY f.root),
        rows AS (
            SELECT t.id, t.opened_at, t.first_level_solvable, p.resolved_at, p.reopened_at, {"p.chosen_at" if resolved_only else "NULL::timestamptz AS chosen_at"},
                   coalesce(p.state = 'cancelled', false) AS cancelled, w.replies, w.customer_replies, c.calls,
                   CASE WHEN coalesce(w.logged, false) THEN 0 ELSE greatest(t.replies, (t.first_replied_at < %(horizon)s)::int, 0) END AS untimed
            FROM counted t LEFT JOIN progress p USING (id) LEFT JOIN said w USING (id) LEFT JOIN calls c USING (id)
            WHERE {"p.chosen_at IS NOT NULL" if resolved_only else "TRUE"})
        SELECT {key}, r.id, {epoch(at)}, t.channel, {epoch("r.opened_at")}, r.first_level_solvable, {epoch("r.resolved_at")}, {epoch("r.reopened_at")}, r.cancelled,
               r.replies, r.customer_replies, r.calls, r.untimed
        FROM rows r {joined}"""
    window, horizon = question.params["window_days"], int(question.horizon.timestamp())
    for name, pk, counted_at, channel, opened, solvable, resolved_at, reopened_at, cancelled, replies, customer, calls, untimed in fetch(sql, conditions.values):
        told = Contacts(channel, replies or (), customer or (), calls or (), resolved_at, reopened_at, untimed)
        yield Issue(
            name, pk, counted_at, solvable, resolved_at is not None, resolved_at_first_contact(told, window) is True,
            is_unsettled(told, opened_at=opened, cancelled=cancelled, window_days=window, horizon=horizon),
        )  # fmt: skip


def fcr(question: Question, by: str | None) -> Figures:
    """Issues resolved with one contact and none within the window / issues opened (or resolved) in the period.

    What happened after the period counts, up to the horizon: the figure settles when the last window
    is over. The agent is the assignee at the (first) resolution.
    """
    groups: dict[str | None, Issues] = defaultdict(Issues)
    for issue in issues(question, by):
        counts = groups[issue.key]
        counts.issues += 1
        counts.resolved += issue.resolved
        counts.first_contact += issue.at_first
        counts.not_first_level += not issue.solvable
        counts.first_level_first_contact += issue.at_first and issue.solvable
        counts.unsettled += issue.unsettled
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
    dimensions = ticket_sql("i.ended_at")
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
