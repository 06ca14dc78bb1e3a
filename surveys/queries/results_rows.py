"""The rows behind the figures of results: answers, asks, contacts; page by page or all at once for an export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from accounts.models import Contact, User
from surveys.models import Invitation, Response, Survey
from surveys.queries.population import Counted, answers, asks, counted
from surveys.queries.reach import unasked_ids
from surveys.queries.results_filter import ResultsFilter, read_scale
from surveys.queries.rows import PAGE, Slice, read_mark
from surveys.scoring import Scale, group

GOOD, PASS, RISK = "good", "pass", "risk"
TONES = {"promoter": GOOD, "high": GOOD, "detractor": RISK, "low": RISK}
ASK_SHOWS = {
    "sent": "true",
    "bounced": "bounced",
    "delivered": "NOT bounced",
    "answered": "completed",
    "partial": "partial",
    "unanswered": "NOT bounced AND NOT completed",
    "reminded": "reminded_at IS NOT NULL AND NOT bounced",
    "after-reminder": "completed AND answered_at > reminded_at",
}
ANSWER_SHOWS = ("answers", GOOD, PASS, RISK, "invalid")


@dataclass(frozen=True)
class Show:
    """Which rows an address asks for: what kind (answers, asks, contacts), and what of it."""

    kind: str
    name: str
    score: int | None = None
    reason: str = ""


def read_show(text: str, reason: str = "") -> Show | None:
    """`score-9`, `good`, `bounced`, `never` …; None for what is none."""
    if text == "never":
        return Show("contacts", text, reason=reason[:20])
    if text in ASK_SHOWS:
        return Show("asks", text)
    if text.startswith("score-") and text[6:].isdecimal() and len(text) < 11:
        return Show("answers", text, score=int(text[6:]))
    return Show("answers", text) if text in ANSWER_SHOWS else None


def tone_of(kind: str, score: int | None, scale: Scale) -> str:
    """good, pass or risk."""
    return TONES.get(group(kind, score, scale), PASS)


def _answers(user: User, chosen: ResultsFilter, survey: Survey, show: Show) -> tuple[Counted, str, list[Any]]:
    """The counted answers, and the condition that keeps those shown."""
    rows = counted(answers(user, chosen, chosen.period.span, survey=survey))
    scale = read_scale(chosen.scale)
    parts: list[str] = ["true"]
    values: list[Any] = []
    if scale is not None:
        parts.append("scale_min = %s AND scale_max = %s AND direction = %s")
        values += [scale.low, scale.high, "high_good" if scale.high_good else "low_good"]
    if show.name == "invalid":
        return rows, f"FROM answers WHERE NOT is_valid AND {' AND '.join(parts)}", values
    if show.score is not None:
        parts.append("score = %s")
        values.append(show.score)
    elif show.name in {GOOD, PASS, RISK}:
        parts.append("score = ANY(%s)")
        held = scale or Scale(0, 10)
        values.append([score for score in range(held.low, held.high + 1) if tone_of(survey.kind, score, held) == show.name])
    return rows, f"FROM counted WHERE {' AND '.join(parts)}", values


def answer_rows(user: User, chosen: ResultsFilter, *, survey: Survey, show: Show, mark: str, size: int = PAGE) -> Slice:
    """A page of the answers behind a figure, newest first; two statements."""
    rows, condition, values = _answers(user, chosen, survey, show)
    at, pk = read_mark(mark)
    if at is not None:
        condition, values = f"{condition} AND (at, id) < (%s, %s)", [*values, at, pk]
    found = rows.fetch(f"SELECT id, at {condition} ORDER BY at DESC, id DESC LIMIT %s", [*values, size + 1])
    by_id = Response.objects.select_related("account__segment", "contact", "touchpoint", "survey").in_bulk([row[0] for row in found[:size]])
    return Slice([by_id[row[0]] for row in found[:size] if row[0] in by_id], _mark(found, size))


def _mark(found: list[tuple[Any, ...]], size: int) -> str:
    return f"{found[size - 1][1].isoformat()}~{found[size - 1][0]}" if len(found) > size else ""


@dataclass(frozen=True)
class Ask:
    """One ask: when it left, to whom, and what came back."""

    row: Any
    sent_at: dt.datetime
    bounced: bool
    completed: bool
    partial: bool
    reminded_at: dt.datetime | None
    answered_at: dt.datetime | None


def ask_rows(user: User, chosen: ResultsFilter, *, survey: Survey, show: Show, mark: str, size: int = PAGE) -> Slice:
    """A page of the asks behind a rate, newest first; three statements."""
    rows, condition, values = asks(user, chosen, chosen.period.span, survey=survey), f"FROM once WHERE {ASK_SHOWS[show.name]}", []
    at, pk = read_mark(mark)
    if at is not None:
        condition, values = f"{condition} AND (sent_at, id) < (%s, %s)", [at, str(pk)]
    found = rows.fetch(
        f"SELECT id, sent_at, source, bounced, completed, partial, reminded_at, answered_at {condition} ORDER BY sent_at DESC, id DESC LIMIT %s", [*values, size + 1]
    )
    related = ("account__segment", "contact", "touchpoint")
    by_id: dict[str, Any] = {}
    for model, source in ((Invitation, "i"), (Response, "r")):
        wanted = [row[0] for row in found[:size] if row[2] == source]
        if wanted:
            by_id |= {str(pk): row for pk, row in model._default_manager.select_related(*related).in_bulk(wanted).items()}
    return Slice([Ask(by_id[row[0]], row[1], *row[3:]) for row in found[:size] if row[0] in by_id], _mark(found, size))


@dataclass(frozen=True)
class Person:
    """A contact that was never asked, and why."""

    row: Contact
    reason: str


def never_rows(user: User, chosen: ResultsFilter, *, survey: Survey | None, show: Show, mark: str, now: dt.datetime, size: int = PAGE) -> Slice:
    """A page of the contacts never asked in 12 months, by number; two statements."""
    after = int(mark) if mark.isdecimal() and len(mark) < 19 else 0
    found = unasked_ids(user, chosen, survey=survey, now=now, reason=show.reason, after=after, size=size + 1)
    by_id = Contact.objects.select_related("account__segment").in_bulk([pk for pk, _reason in found[:size]])
    return Slice([Person(by_id[pk], reason) for pk, reason in found[:size] if pk in by_id], str(found[size - 1][0]) if len(found) > size else "")


_ANSWER_CELLS = """
    SELECT r.external_id, x.at, x.score, x.scale_min, x.scale_max, x.direction, r.comment, array_to_string(r.reasons, ', '), r.reason_detail, c.name, c.external_id,
           a.name, a.external_id, sg.key, coalesce(t.key, r.touchpoint_label), r.language, r.ticket_id, r.rated_object, coalesce(u.email, r.agent_email), r.state
    FROM (SELECT * {condition}) x JOIN surveys_response r ON r.id = x.id LEFT JOIN accounts_contact c ON c.id = r.contact_id LEFT JOIN accounts_account a ON a.id = r.account_id
         LEFT JOIN accounts_segmentmembership m ON m.account_id = r.account_id AND m.valid_from <= x.at AND (m.valid_to IS NULL OR m.valid_to > x.at)
         LEFT JOIN accounts_segment sg ON sg.id = m.segment_id LEFT JOIN surveys_touchpoint t ON t.id = r.touchpoint_id LEFT JOIN accounts_user u ON u.id = r.agent_id
    ORDER BY x.at DESC, x.id DESC"""
_ASK_CELLS = """
    SELECT o.id, o.sent_at, o.bounced, o.completed, o.answered_at, o.reminded_at, c.name, c.external_id, a.name, a.external_id, t.key, coalesce(nullif(i.language, ''), r.language)
    FROM (SELECT * FROM once WHERE {condition}) o LEFT JOIN surveys_invitation i ON o.source = 'i' AND i.id = o.id::uuid
         LEFT JOIN surveys_response r ON o.source = 'r' AND r.id = o.id::uuid
         LEFT JOIN accounts_contact c ON c.id = coalesce(i.contact_id, r.contact_id) LEFT JOIN accounts_account a ON a.id = coalesce(i.account_id, r.account_id)
         LEFT JOIN surveys_touchpoint t ON t.id = coalesce(i.touchpoint_id, r.touchpoint_id)
    ORDER BY o.sent_at DESC, o.id DESC"""


def exported(user: User, chosen: ResultsFilter, *, survey: Survey, show: Show, now: dt.datetime) -> Iterator[tuple[Any, ...]]:
    """Every row behind a figure as plain cells, streamed from the database without holding them all."""
    if show.kind == "contacts":
        yield from _exported_contacts(user, chosen, survey, show, now)
        return
    values: list[Any] = []
    if show.kind == "asks":
        rows, final = asks(user, chosen, chosen.period.span, survey=survey), _ASK_CELLS.format(condition=ASK_SHOWS[show.name])
    else:
        rows, condition, values = _answers(user, chosen, survey, show)
        final = _ANSWER_CELLS.format(condition=condition)
    if rows.empty:
        return
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(f"{rows.sql} {final}", [*rows.values, *values])
        while batch := cursor.fetchmany(2000):
            yield from batch


def _exported_contacts(user: User, chosen: ResultsFilter, survey: Survey, show: Show, now: dt.datetime) -> Iterator[tuple[Any, ...]]:
    found = unasked_ids(user, chosen, survey=survey, now=now, reason=show.reason, after=0, size=None)
    for place in range(0, len(found), 2000):
        batch = found[place : place + 2000]
        by_id = Contact.objects.select_related("account").in_bulk([pk for pk, _reason in batch])
        for pk, reason in batch:
            if (row := by_id.get(pk)) is not None:
                yield row.external_id, row.name, row.language, row.account.name, row.account.external_id, reason
