"""How many of those who were asked answered. Definitions: `docs/metrics.md`, surveys."""

from __future__ import annotations

from typing import Any

from metrics.formulas.numbers import ratio
from metrics.kpis.dimensions import ACCOUNT_SQL, ANSWER_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.figure import Figure
from metrics.kpis.question import Question
from surveys.scoring import wilson_interval

_KIND = "(SELECT v.kind FROM surveys_survey v WHERE v.id = r.survey_id)"
TABLES = (ACCOUNT_SQL, {**{name: ANSWER_SQL[name] for name in ("survey", "touchpoint", "language")}, "kind": _KIND})

# what left in the period: our own invitations, and asks that were imported together with their answers.
# An answer counts when its score was given by the person asked before the horizon; whoever answers has got the mail.
# Imported asks and direct requests are open for 30 days, the life of a link where no touchpoint says otherwise.
_ASKED = """
    SELECT i.id, coalesce(v.survey_id, t.survey_id) AS survey_id, i.touchpoint_id, '' AS touchpoint_label, coalesce(nullif(i.language, ''), r.language, '') AS language,
           i.account_id, coalesce('c' || i.contact_id, 'i' || i.id) AS subject, coalesce('t' || i.ticket_id, nullif('o' || i.rated_object, 'o'), 'i' || i.id) AS object,
           i.sent_at, coalesce(i.bounced_at < %(horizon)s, false) AS bounced, {completed} AS completed,
           coalesce((SELECT max(l.expires_at) FROM surveys_surveylink l WHERE l.invitation_id = i.id AND l.kind IN ('invite', 'reminder')),
                    i.sent_at + make_interval(days => coalesce(t.link_days::int, 30))) AS closes_at
    FROM surveys_invitation i LEFT JOIN surveys_surveyversion v ON v.id = i.survey_version_id LEFT JOIN surveys_touchpoint t ON t.id = i.touchpoint_id
         LEFT JOIN surveys_response r ON r.invitation_id = i.id
    WHERE i.sent_at >= %(s)s AND i.sent_at < %(e)s AND NOT coalesce(r.test, false)
    UNION ALL
    SELECT r.id, r.survey_id, r.touchpoint_id, r.touchpoint_label, r.language,
           r.account_id, coalesce('c' || r.contact_id, nullif('p' || r.respondent_key, 'p'), 'r' || r.id),
           coalesce('t' || r.ticket_id, nullif('o' || r.rated_object, 'o'), 'r' || r.id),
           r.invited_at, r.bounced, {completed}, r.invited_at + make_interval(days => coalesce(t.link_days::int, 30))
    FROM surveys_response r LEFT JOIN surveys_touchpoint t ON t.id = r.touchpoint_id
    WHERE r.invitation_id IS NULL AND r.invited_at >= %(s)s AND r.invited_at < %(e)s AND NOT r.test
"""
_COMPLETED = "coalesce(r.score IS NOT NULL AND r.answered_at < %(horizon)s AND NOT r.is_suspect AND r.respondent = 'contact', false)"


def response_rate(question: Question, by: str | None) -> dict[str | None, Figure]:
    """Completed / delivered (or / sent) over all that was sent in the period, answered up to the horizon.

    One ask per person and object; the counts of all mailings are pooled, and the mean of their rates
    stands in the parts only. `settles_later` as long as a survey among them can still be answered.
    """
    conditions = Conditions({"s": question.start, "e": question.until, "horizon": question.horizon, "zone": str(question.zone)})
    if question.params["survey"] is not None:
        conditions.parts.append(f"{ANSWER_SQL['survey']} = {conditions.bind(question.params['survey'])}")
    if question.params["kind"] != "all":
        conditions.parts.append(f"{_KIND} = {conditions.bind(question.params['kind'])}")
    narrow(question, conditions, TABLES, "r.sent_at")
    key = expression(by, TABLES, "r.sent_at") if by else "NULL::text"
    over = "m.sent" if question.variant == "sent" else "m.sent - m.bounced"
    sql = f"""
        WITH asked AS ({_ASKED.format(completed=_COMPLETED)}),
        once AS (
            SELECT r.survey_id, (array_agg({key} ORDER BY r.sent_at, r.id))[1] AS key, min(r.sent_at) AS sent_at, bool_or(r.completed) AS completed,
                   bool_and(r.bounced) AND NOT bool_or(r.completed) AS bounced, max(r.closes_at) AS closes_at
            FROM asked r LEFT JOIN accounts_account a ON a.id = r.account_id
            WHERE NOT coalesce(a.excluded, false) AND {conditions.sql} GROUP BY r.survey_id, r.subject, r.object),
        mailings AS (
            SELECT key, count(*) AS sent, count(*) FILTER (WHERE bounced) AS bounced, count(*) FILTER (WHERE completed) AS completed,
                   bool_or(NOT completed AND NOT bounced AND closes_at > %(horizon)s) AS open
            FROM once GROUP BY key, survey_id, (sent_at AT TIME ZONE %(zone)s)::date)
        SELECT m.key, sum(m.sent), sum(m.bounced), sum(m.completed), avg(m.completed::numeric / nullif({over}, 0)), bool_or(m.open)
        FROM mailings m GROUP BY m.key"""
    figures = {
        found: _figure(question.variant, int(sent), int(bounced), int(completed), mean, opened) for found, sent, bounced, completed, mean, opened in fetch(sql, conditions.values)
    }
    if by is None and not figures:
        figures[None] = _figure(question.variant, 0, 0, 0, None, False)
    return figures


def _figure(variant: str, sent: int, bounced: int, completed: int, mean: Any, opened: bool) -> Figure:
    delivered = sent - bounced
    over = sent if variant == "sent" else delivered
    parts = {"sent": sent, "bounced": bounced, "delivered": delivered, "completed": completed, "mean_of_mailings": mean}
    return Figure(
        value=ratio(completed, over), numerator=completed, denominator=over, parts=parts,
        interval=wilson_interval(completed, over), flags=["settles_later"] if opened else [],
    )  # fmt: skip
