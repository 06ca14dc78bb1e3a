"""Dimensions as SQL: what a breakdown groups by and a filter compares with.

Every expression is a constant of this module; what people type goes in as bound values only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from metrics.kpis.question import Question, WrongQuestion

# of the account `a`; the segment is the one the account was in just before the instant `{at}`
ACCOUNT_SQL = {
    "segment": (
        "(SELECT sg.key FROM accounts_segmentmembership m JOIN accounts_segment sg ON sg.id = m.segment_id "
        "WHERE m.account_id = a.id AND m.valid_from <= {at} AND (m.valid_to IS NULL OR m.valid_to > {at}) ORDER BY m.valid_from DESC LIMIT 1)"
    ),
    "owner": "(SELECT u.email FROM accounts_user u WHERE u.id = a.owner_id)",
    "plan": "nullif(a.plan, '')",
    "country": "nullif(a.country, '')",
    "industry": "nullif(a.industry, '')",
    "business_model": "a.business_model",
    "language": "nullif(a.language, '')",
    "lifecycle_stage": "a.lifecycle_stage_id",
    # of no KPI by name; what is worked out for each account groups by it, for each book by the other: no look-up for each row
    "account": "a.id::text",
    "owner_id": "a.owner_id::text",
}
SPAN_SQL = {"product": "nullif(s.product, '')", "kind": "s.kind", "currency": "s.currency"}
ANSWER_SQL = {
    "survey": "(SELECT v.key FROM surveys_survey v WHERE v.id = r.survey_id)",
    "touchpoint": "coalesce((SELECT t.key FROM surveys_touchpoint t WHERE t.id = r.touchpoint_id), nullif(r.touchpoint_label, ''))",
    "language": "nullif(r.language, '')",
    "agent": "coalesce((SELECT u.email FROM accounts_user u WHERE u.id = r.agent_id), nullif(r.agent_email, ''))",
    "group": "(SELECT nullif(t.\"group\", '') FROM tickets_ticket t WHERE t.id = r.ticket_id)",
    "category": "(SELECT nullif(t.category, '') FROM tickets_ticket t WHERE t.id = r.ticket_id)",
    "channel": "(SELECT t.channel FROM tickets_ticket t WHERE t.id = r.ticket_id)",
    "severity": "(SELECT t.severity::text FROM tickets_ticket t WHERE t.id = r.ticket_id)",
    "location": "(SELECT nullif(t.location, '') FROM tickets_ticket t WHERE t.id = r.ticket_id)",
    # of no KPI by name; months side by side are one statement by it. Binds %(zone)s
    "month": "to_char(r.answered_at AT TIME ZONE %(zone)s, 'YYYY-MM')",
}


@dataclass
class Conditions:
    """WHERE parts and every value a statement binds, by name."""

    values: dict[str, Any] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    def bind(self, value: Any) -> str:
        """A placeholder for a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"

    @property
    def sql(self) -> str:
        """All parts, joined by AND; TRUE for none."""
        return " AND ".join(f"({part})" for part in self.parts) or "TRUE"


Tables = tuple[dict[str, str], ...]


def expression(dimension: str, tables: Tables, at: str) -> str:
    """The SQL of a dimension: the last table that has it wins. `at` is SQL for the instant of membership.

    Raises WrongQuestion.
    """
    for table in reversed(tables):
        if dimension in table:
            return table[dimension].replace("{at}", at)
    raise WrongQuestion(f"“{dimension}” is no dimension here.")


def narrow(question: Question, conditions: Conditions, tables: Tables, at: str) -> None:
    """Adds segment, filters and the asker's scope. An empty filter value means: without that value."""
    if question.segment is not None:
        conditions.parts.append(f"{expression('segment', (ACCOUNT_SQL,), at)} = {conditions.bind(question.segment)}")
    for dimension, wanted in question.filters.items():
        sql = expression(dimension, tables, at)
        named = [value for value in wanted if value]
        either = [f"{sql} = ANY({conditions.bind(named)})"] if named else []
        if len(named) < len(wanted):
            either.append(f"{sql} IS NULL")
        conditions.parts.append(" OR ".join(either))
    if question.nobody:
        conditions.parts.append("a.id IS NULL")
    if question.scope is not None:
        conditions.parts.append(f"a.id = ANY({conditions.bind(listed(question.scope))}::bigint[])")


def listed(ids: Iterable[int]) -> str:
    """Ids as the text of an array: a long list costs ten times as much to be bound number by number."""
    return "{" + ",".join(map(str, ids)) + "}"


def fetch(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
