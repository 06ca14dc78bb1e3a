"""Whom results count: the answers and the asks behind every figure, narrowed by the reader's choices.

Both begin as querysets with the reader's scope, so that figures, rows and exports can never count
different things, and end as SQL that is counted as sets. One answer per person (NPS: the latest) or
per rated object (all others); one ask per person and object.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, NullIf

from accounts.models import SegmentMembership, User
from surveys.models import Response, Survey
from surveys.queries.figures import invitations_for, responses_for
from surveys.queries.results_filter import NONE, ResultsFilter

Span = tuple[dt.datetime, dt.datetime]
NOTHING = ("SELECT NULL WHERE false", ())


def segment_is(segment: str, at: str) -> Q:
    """The account was in a segment at the instant in the column `at`; "none": in no segment."""
    spans = SegmentMembership.objects.filter(account_id=OuterRef("account_id"), valid_from__lte=OuterRef(at)).filter(Q(valid_to=None) | Q(valid_to__gt=OuterRef(at)))
    return ~Q(Exists(spans)) if segment == NONE else Q(Exists(spans.filter(segment__key=segment)))


def narrow(rows: QuerySet[Any], chosen: ResultsFilter, user: User, *, at: str, label: bool) -> QuerySet[Any]:
    """The rows that the choices keep; `at` is the instant at which segments are asked, `label` whether imported touchpoints have names."""
    if chosen.touchpoint:
        wanted = Q(touchpoint__key=chosen.touchpoint)
        if chosen.touchpoint == NONE:
            wanted = Q(touchpoint=None, touchpoint_label="") if label else Q(touchpoint=None)
        elif label:
            wanted |= Q(touchpoint=None, touchpoint_label=chosen.touchpoint)
        rows = rows.filter(wanted)
    if chosen.segment:
        rows = rows.filter(segment_is(chosen.segment, at))
    if chosen.owner:
        rows = rows.filter(account__owner_id=None if chosen.owner == NONE else user.pk if chosen.owner == "me" else int(chosen.owner))
    if chosen.language:
        rows = rows.filter(language="" if chosen.language == NONE else chosen.language)
    if chosen.agent:
        rows = rows.filter(agent_is(chosen.agent, label=label))
    if chosen.account is not None:
        rows = rows.filter(account_id=chosen.account)
    return rows


def agent_is(email: str, *, label: bool) -> Q:
    """What an agent was rated by; "none": nobody. `label` whether the rows name agents who are no users here, too."""
    if email == NONE:
        return Q(agent_id=None, agent_email="") if label else Q(agent_id=None)
    known = Q(agent_id__in=User.objects.filter(email=email).values("pk"))
    return known | Q(agent_id=None, agent_email=email) if label else known


def answers(user: User, chosen: ResultsFilter, span: Span, *, survey: Survey | None = None) -> QuerySet[Response]:
    """Answers given in a span that the reader's figures count, off the scale or on it."""
    rows = responses_for(user).filter(answered_at__gte=span[0], answered_at__lt=span[1])
    if survey is not None:
        rows = rows.filter(survey=survey)
    return narrow(rows, chosen, user, at="answered_at", label=True)


def _text(*parts: Any) -> Concat:
    return Concat(*parts, output_field=CharField())


_PERSON = (
    When(contact__isnull=False, then=_text(Value("c"), Cast("contact_id", CharField()))),
    When(~Q(respondent_key=""), then=_text(Value("p"), F("respondent_key"))),
)
_OBJECT = (
    When(ticket_id__isnull=False, then=_text(Value("t"), Cast("ticket_id", CharField()))),
    When(~Q(rated_object=""), then=_text(Value("o"), F("rated_object"))),
)
_ITSELF = _text(Value("r"), Cast("id", CharField()))


def _subject() -> dict[str, Case]:
    """Whose latest answer counts: the person of an NPS, the rated object of anything else, else the answer itself.

    In two columns: contacts and tickets by their number, which is sorted many times faster than a text.
    """
    contact, ticket = Q(kind="nps", contact__isnull=False), Q(ticket_id__isnull=False) & ~Q(kind="nps")
    return {
        "number": Case(When(contact, then=F("contact_id")), When(ticket, then=F("ticket_id")), default=None),
        "subject": Case(
            When(contact, then=Value("c")),
            When(~Q(respondent_key=""), kind="nps", then=_text(Value("p"), F("respondent_key"))),
            When(ticket, then=Value("t")),
            When(~Q(rated_object="") & ~Q(kind="nps"), then=_text(Value("o"), F("rated_object"))),
            default=_ITSELF,
        ),
    }


def compiled(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """The statement of a queryset and its values; one that finds nothing where Django knows that already."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return NOTHING


@dataclass
class Counted:
    """SQL whose CTEs `answers` (with its dimension's key) and `counted` (the answers that count) stand ready."""

    sql: str
    values: list[Any] = field(default_factory=list)
    empty: bool = False

    def fetch(self, select: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a final SELECT over the CTEs."""
        return [] if self.empty else fetch(f"{self.sql} {select}", [*self.values, *values])


# of an answer: what breakdowns and figures read
_READ = (
    "id", "survey_id", "scale_min", "scale_max", "direction", "score", "account_id", "touchpoint_id", "touchpoint_label", "language", "agent_id", "agent_email", "at", "number",
    "subject",
)  # fmt: skip

# of row `x`: what a breakdown joins, and its key; the segment is the one at the time
BREAKDOWNS = {
    "": ("", "NULL::text"),
    "segment": (
        "LEFT JOIN accounts_segmentmembership m ON m.account_id = x.account_id AND m.valid_from <= x.at AND (m.valid_to IS NULL OR m.valid_to > x.at) "
        "LEFT JOIN accounts_segment sg ON sg.id = m.segment_id",
        "sg.key",
    ),
    "touchpoint": ("LEFT JOIN surveys_touchpoint t ON t.id = x.touchpoint_id", "coalesce(t.key, nullif(x.touchpoint_label, ''))"),
    "owner": ("LEFT JOIN accounts_account a ON a.id = x.account_id", "a.owner_id::text"),
    "language": ("", "nullif(x.language, '')"),
    "agent": ("LEFT JOIN accounts_user g ON g.id = x.agent_id", "coalesce(g.email, nullif(x.agent_email, ''))"),
}


def counted(rows: QuerySet[Response], *, by: str = "", step: str = "", zone: str = "UTC", split_at: dt.datetime | None = None, off_scale: bool = False) -> Counted:
    """The answers that count, per survey and scale and whatever they are broken down by.

    `by` a dimension; `step` (week, month) a piece of time, in which the latest answer counts for itself;
    `split_at` separates the period (`now`) from the one before; with `off_scale` those off the scale stand
    there too, every one of them, as not `is_valid`.
    """
    statement, values = compiled(rows.order_by().annotate(at=F("answered_at"), **_subject()).values(*_READ))
    if statement == NOTHING[0]:
        return Counted("", empty=True)
    join, key = BREAKDOWNS[by]
    bound: list[Any] = []
    piece, now = "NULL::date", "true"
    if step:
        piece = "date_trunc(%s, x.at AT TIME ZONE %s)::date"
        bound += [step, zone]
    if split_at is not None:
        now = "x.at >= %s"
        bound.append(split_at)
    # texts are compared by their bytes: an order is needed, no alphabet. What tells most rows apart comes first, what all share last
    own = "number", 'subject COLLATE "C"'
    if off_scale:
        own = "CASE WHEN is_valid THEN number END", 'CASE WHEN is_valid THEN subject ELSE id::text END COLLATE "C"'
    marks = f'{", ".join(own)}, piece, now, key COLLATE "C", survey_id, scale_min, scale_max, direction COLLATE "C"{", is_valid" if off_scale else ""}'
    columns = "id, at, survey_id, scale_min, scale_max, direction, score, account_id, now, piece, key, is_valid"
    sql = f"""
        WITH answers AS (
            SELECT x.id, x.at, x.survey_id, x.scale_min, x.scale_max, x.direction, x.score, x.account_id, x.number, x.subject::text AS subject,
                   {piece} AS piece, {now} AS now, {key} AS key, x.score BETWEEN x.scale_min AND x.scale_max AS is_valid FROM ({statement}) x {join}),
        counted AS (SELECT DISTINCT ON ({marks}) {columns} FROM answers WHERE {"true" if off_scale else "is_valid"} ORDER BY {marks}, at DESC, id DESC)"""
    return Counted(sql, [*bound, *values])


def asks(user: User, chosen: ResultsFilter, span: Span, *, survey: Survey | None = None, by: str = "") -> Counted:
    """What left in a span as CTE `once`: our invitations and imported asks, one per person and object.

    Columns: key, sent_at, id, source (i: invitation, r: imported answer), bounced, completed, partial,
    reminded_at, answered_at. Whoever answered has got the mail, so an answered one never bounced.
    """
    own = invitations_for(user).filter(sent_at__gte=span[0], sent_at__lt=span[1]).exclude(account__excluded=True).exclude(response__test=True)
    imported = (Response.objects.all() if user.role == "analyst" else Response.objects.visible_to(user)).filter(invitation=None, test=False)
    imported = imported.filter(invited_at__gte=span[0], invited_at__lt=span[1]).exclude(account__excluded=True)
    if survey is not None:
        own, imported = own.filter(survey_version__survey=survey), imported.filter(survey=survey)
    own, imported = narrow(own, chosen, user, at="sent_at", label=False), narrow(imported, chosen, user, at="invited_at", label=True)
    given = {"score__isnull": False, "is_suspect": False, "respondent": "contact"}
    answered = Case(When(Q(**{f"response__{name}": value for name, value in given.items()}), then=True), default=False)
    parts = []
    for rows, source, at, done, state, bounced in (
        (own, "i", "sent_at", answered, "response__state", Q(bounced_at__isnull=False)),
        (imported, "r", "invited_at", Case(When(**given, then=True), default=False), "state", Q(bounced=True)),
    ):
        own_rows = source == "i"
        person = [When(contact__isnull=False, then=_text(Value("c"), Cast("contact_id", CharField())))] if own_rows else list(_PERSON)
        parts.append(
            compiled(
                rows.order_by()
                .annotate(
                    at=F(at), source=Value(source), row=Cast("id", CharField()), of=F("survey_version__survey_id" if own_rows else "survey_id"),
                    person=Case(*person, default=_ITSELF), about=Case(*_OBJECT, default=Value("")), failed=Case(When(bounced, then=True), default=False),
                    done=done, half=Coalesce(NullIf(F(state), Value("complete")), Value("")),
                    label=Value("") if own_rows else F("touchpoint_label"), named=Value("") if own_rows else F("agent_email"),
                    reminder=F("reminded_at") if own_rows else Value(None, output_field=CharField()), answer=F("response__answered_at" if own_rows else "answered_at"),
                )
                .values_list("at", "source", "row", "of", "person", "about", "failed", "done", "half", "label", "reminder", "answer", "account_id",
                    "touchpoint_id", "language", "agent_id", "named")
            )
        )  # fmt: skip
    parts = [part for part in parts if part[0] != NOTHING[0]]
    if not parts:
        return Counted("", empty=True)
    names = "at, source, row, of, person, about, failed, done, half, touchpoint_label, reminder, answer, account_id, touchpoint_id, language, agent_id, agent_email"
    union = " UNION ALL ".join(f"SELECT {_typed(names)} FROM ({sql}) y({names})" for sql, _values in parts)
    join, key = BREAKDOWNS[by]
    # what asks about nothing in particular stands alone, however many there are
    sql = f"""
        WITH asked AS NOT MATERIALIZED (SELECT x.*, {key} AS key FROM ({union}) x {join}),
        once AS (
            SELECT of AS survey_id, key, source, row AS id, at AS sent_at, done AS completed, failed AND NOT done AS bounced, done AND half = 'partial' AS partial,
                   reminder AS reminded_at, CASE WHEN done THEN answer END AS answered_at, account_id
            FROM asked WHERE about = ''
            UNION ALL
            SELECT of AS survey_id, (array_agg(key ORDER BY at, row))[1] AS key, (array_agg(source ORDER BY at, row))[1] AS source, (array_agg(row ORDER BY at, row))[1] AS id,
                   min(at) AS sent_at, bool_or(done) AS completed, bool_and(failed) AND NOT bool_or(done) AS bounced, bool_or(done AND half = 'partial') AS partial,
                   min(reminder) AS reminded_at, min(answer) FILTER (WHERE done) AS answered_at, (array_agg(account_id ORDER BY at, row))[1] AS account_id
            FROM asked WHERE about <> '' GROUP BY person, about, of)"""
    return Counted(sql, [value for _sql, values in parts for value in values])


def _typed(names: str) -> str:
    return names.replace("reminder", "reminder::timestamptz AS reminder")


def fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
