"""NPS, CSAT and CES over the stored answers. Definitions: `docs/metrics.md`, surveys."""

from __future__ import annotations

from typing import Any

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, ANSWER_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from surveys.scoring import nps_interval, t_interval, wilson_interval

# one answer per rated object (ticket, order); an answer about nothing stands for itself
_OBJECT = "coalesce('t' || r.ticket_id, nullif('o' || r.rated_object, 'o'), 'r' || r.id)"

TABLES = (ACCOUNT_SQL, ANSWER_SQL)
# stretches in a segment never overlap, so at most one holds the instant of an answer: one join instead of a search for each answer
_MEMBERSHIP_THEN = """
    LEFT JOIN accounts_segmentmembership sm ON sm.account_id = r.account_id AND sm.valid_from <= r.answered_at AND (sm.valid_to IS NULL OR sm.valid_to > r.answered_at)
    LEFT JOIN accounts_segment seg ON seg.id = sm.segment_id"""
_SEGMENT_THEN = "seg.key"
# stands for no key where keys are joined: a sign that no key holds
_NONE = "chr(1)"

# answers of one kind and scale in the period: by the person asked, not suspected of being automatic. Keys and people are
# compared as bytes: the order of a language costs several times as much and changes nothing
_ANSWERS = """
    SELECT ({group})::text COLLATE "C" AS key, r.id, r.score, r.answered_at, r.direction, ({subject}) COLLATE "C" AS subject,
           r.score IS NOT NULL AND r.score BETWEEN r.scale_min AND r.scale_max AS is_valid
    FROM surveys_response r LEFT JOIN accounts_account a ON a.id = r.account_id {joined}
    WHERE r.kind = %(kind)s AND r.scale_min = %(low)s AND r.scale_max = %(high)s
      AND r.answered_at >= %(s)s AND r.answered_at < %(e)s
      AND NOT r.test AND NOT r.is_suspect AND r.respondent = 'contact' AND NOT coalesce(a.excluded, false) AND {where}
"""


def _statement(
    question: Question, by: str | None, *, kind: str, scale: tuple[int, int], subject: str, latest: bool, columns: str, direction: str | None = None, only: str = ""
) -> tuple[str, dict[str, Any]]:
    """The counting statement: valid answers, one per subject where asked for, grouped; of one direction where that matters."""
    conditions = Conditions({"kind": kind, "low": scale[0], "high": scale[1], "s": question.start, "e": question.until, "zone": str(question.zone)})
    if direction is not None:
        conditions.parts.append(f"r.direction = {conditions.bind(direction)}")
    if only:
        conditions.parts.append(only)
    if question.params["survey"] is not None:
        conditions.parts.append(f"{ANSWER_SQL['survey']} = {conditions.bind(question.params['survey'])}")
    narrow(question, conditions, TABLES, "r.answered_at")
    group = _SEGMENT_THEN if by == "segment" else expression(by, TABLES, "r.answered_at") if by else "NULL::text"
    answers = _ANSWERS.format(group=group, subject=subject, where=conditions.sql, joined=_MEMBERSHIP_THEN if by == "segment" else "")
    pick = "DISTINCT ON (key, subject)" if latest else ""
    order = "ORDER BY key, subject, answered_at DESC, id DESC" if latest else ""
    sql = f"""
        WITH answers AS ({answers}),
        valid AS (SELECT * FROM answers WHERE is_valid),
        counted AS (SELECT {pick} key, id, answered_at, score, direction, subject FROM valid {order}),
        totals AS (SELECT key, count(*) FILTER (WHERE is_valid) AS responses, count(*) FILTER (WHERE NOT is_valid) AS invalid FROM answers GROUP BY key)
        SELECT t.key, t.responses, t.invalid, {columns}
        FROM totals t LEFT JOIN counted c ON coalesce(c.key, {_NONE}) = coalesce(t.key, {_NONE}) GROUP BY t.key, t.responses, t.invalid"""
    return sql, conditions.values


# an anonymous answer is its own respondent
_RESPONDENT = "coalesce('c' || r.contact_id, nullif('p' || r.respondent_key, 'p'), 'r' || r.id)"


def counted_answers(question: Question) -> list[tuple[str, int, int]]:
    """The answers that `nps`, `csat` or `ces` counts by this question: (id, answered in seconds since 1970, score as counted)."""
    if question.kpi == "csat":
        return rated(question)
    columns = "array_agg(c.id::text ORDER BY c.id), array_agg(floor(extract(epoch FROM c.answered_at))::bigint ORDER BY c.id), array_agg(c.score ORDER BY c.id)"
    if question.kpi == "nps":
        low = 0 if question.variant == "nps_0_10" else 1
        latest = question.params["answers"] == "latest_per_contact"
        sql, values = _statement(question, None, kind="nps", scale=(low, 10), latest=latest, columns=columns, subject=_RESPONDENT)
    else:
        highest, direction = _effort_scale(question.variant)
        sql, values = _statement(question, None, kind="ces", scale=(1, highest), latest=True, columns=columns, subject=_OBJECT, direction=direction)
    return [row for _key, _responses, _invalid, *lists in fetch(sql, values) for row in zip(*(one or [] for one in lists), strict=True) if row[0] is not None]


def _effort_scale(variant: str) -> tuple[int, str]:
    """The highest score and the good direction of a way of asking for effort."""
    return (5, "low_good") if variant == "mean_5_effort" else (7, "high_good")


def adds(question: Question, score: int) -> int:
    """What an answer of this score adds to the numerator of its figure."""
    if question.kpi == "nps":
        return (score >= 9) - (score <= 6)
    if question.kpi == "csat":
        return score if question.variant == "mean" else int(score >= 4)
    if question.variant == "agree_share_7":
        return int(score >= 5)
    if question.variant == "index_7":
        return (score >= 6) - (score <= 3)
    return score


def nps(question: Question, by: str | None) -> dict[str | None, Figure]:
    """100 x (promoters - detractors) / valid answers: the latest of each contact, or all of them."""
    low = 0 if question.variant == "nps_0_10" else 1
    columns = "count(*) FILTER (WHERE c.score >= 9), count(*) FILTER (WHERE c.score BETWEEN 7 AND 8), count(*) FILTER (WHERE c.score <= 6), count(DISTINCT c.subject)"
    sql, values = _statement(
        question, by, kind="nps", scale=(low, 10), latest=question.params["answers"] == "latest_per_contact", columns=columns,
        subject=_RESPONDENT,
    )  # fmt: skip
    figures: dict[str | None, Figure] = {}
    for key, responses, invalid, promoters, passives, detractors, respondents in fetch(sql, values):
        count = promoters + passives + detractors
        share = ratio(promoters - detractors, count)
        figures[key] = Figure(
            value=None if share is None else 100 * share,
            numerator=promoters - detractors,
            denominator=count,
            parts={"promoters": promoters, "passives": passives, "detractors": detractors, "responses": responses, "respondents": respondents, "invalid": invalid},
            interval=nps_interval(promoters, passives, detractors),
        )
    if by is None and not figures:
        nothing = dict.fromkeys(("promoters", "passives", "detractors", "responses", "respondents", "invalid"), 0)
        figures[None] = Figure(value=None, numerator=0, denominator=0, parts=nothing)
    return figures


# answers that rate support: those about a ticket, and those that name an agent
SUPPORT = "r.ticket_id IS NOT NULL OR r.agent_id IS NOT NULL OR r.agent_email <> ''"
_MIRRORED = "CASE WHEN c.direction = 'low_good' THEN 6 - c.score ELSE c.score END"


def csat(question: Question, by: str | None, *, only: str = "") -> dict[str | None, Figure]:
    """Share of 4 and 5 (or the mean) on the scale 1 to 5: one answer per rated object, the latest.

    On a scale whose low end is good, scores are mirrored first. `only` narrows the answers (SQL over
    answer `r`), as `SUPPORT` does.
    """
    columns = ", ".join(f"count(*) FILTER (WHERE {_MIRRORED} = {n})" for n in range(1, 6))
    sql, values = _statement(
        question, by, kind="csat", scale=(1, 5), latest=True, columns=columns, only=only,
        subject=_OBJECT,
    )  # fmt: skip
    figures: dict[str | None, Figure] = {}
    for key, _responses, invalid, *scores in fetch(sql, values):
        figures[key] = _csat_figure(question.variant, scores, invalid)
    if by is None and not figures:
        figures[None] = _csat_figure(question.variant, [0] * 5, 0)
    return figures


def rated(question: Question, *, only: str = "") -> list[tuple[str, int, int]]:
    """The answers that CSAT counts: (id, answered in seconds since 1970, score as counted)."""
    columns = f"array_agg(c.id::text ORDER BY c.id), array_agg(floor(extract(epoch FROM c.answered_at))::bigint ORDER BY c.id), array_agg({_MIRRORED} ORDER BY c.id)"
    sql, values = _statement(question, None, kind="csat", scale=(1, 5), latest=True, columns=columns, only=only, subject=_OBJECT)
    # a group without a valid answer holds one row of nothing
    return [row for _key, _responses, _invalid, *lists in fetch(sql, values) for row in zip(*lists, strict=True) if row[0] is not None]


def _csat_figure(variant: str, scores: list[int], invalid: int) -> Figure:
    count, satisfied = sum(scores), scores[3] + scores[4]
    parts = {"satisfied": satisfied, "responses": count, "invalid": invalid, **{f"score_{n}": scores[n - 1] for n in range(1, 6)}}
    if variant == "mean":
        total = sum(n * scores[n - 1] for n in range(1, 6))
        interval = t_interval({n: scores[n - 1] for n in range(1, 6)})
        return Figure(value=ratio(total, count), numerator=total, denominator=count, parts=parts, interval=interval)
    return Figure(value=ratio(satisfied, count), numerator=satisfied, denominator=count, parts=parts, interval=wilson_interval(satisfied, count))


def ces(question: Question, by: str | None) -> dict[str | None, Figure]:
    """Effort: the mean, the share of 5 to 7 or the index on the scale 1 to 7; or the mean of 1 to 5 where low is good.

    One answer per rated object, the latest. A question that asks the other way round is another question:
    scales and directions are never mixed, and never mirrored.
    """
    highest, direction = _effort_scale(question.variant)
    columns = ", ".join(f"count(*) FILTER (WHERE c.score = {n})" for n in range(1, highest + 1))
    sql, values = _statement(question, by, kind="ces", scale=(1, highest), latest=True, columns=columns, subject=_OBJECT, direction=direction)
    figures = {key: _ces_figure(question.variant, scores, invalid) for key, _responses, invalid, *scores in fetch(sql, values)}
    if by is None and not figures:
        figures[None] = _ces_figure(question.variant, [0] * highest, 0)
    return figures


def _ces_figure(variant: str, scores: list[int], invalid: int) -> Figure:
    count = sum(scores)
    parts: dict[str, Any] = {}
    easy = neutral = hard = 0
    if variant != "mean_5_effort":
        hard, from_easy = sum(scores[:3]), 6 if variant == "index_7" else 5
        easy = sum(scores[from_easy - 1 :])
        neutral = count - easy - hard
        parts = {"easy": easy, "neutral": neutral, "hard": hard}
    parts |= {"responses": count, "invalid": invalid, **{f"score_{n}": found for n, found in enumerate(scores, 1)}}
    if variant == "agree_share_7":
        return Figure(value=ratio(easy, count), numerator=easy, denominator=count, parts=parts, interval=wilson_interval(easy, count))
    if variant == "index_7":
        share = ratio(easy - hard, count)
        value = None if share is None else 100 * share
        return Figure(value=value, numerator=easy - hard, denominator=count, parts=parts, interval=nps_interval(easy, neutral, hard))
    total = sum(n * found for n, found in enumerate(scores, 1))
    interval = t_interval(dict(enumerate(scores, 1)))
    return Figure(value=ratio(total, count), numerator=total, denominator=count, parts=parts, interval=interval)
