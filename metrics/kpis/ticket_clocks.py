"""Promises and their clocks in SQL: which level a ticket has, and how many seconds ran of its own clock.

The same as `Promises.level` and `Schedule.seconds` of the tickets, for a hundred thousand of them at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from metrics.kpis.dimensions import fetch
from metrics.kpis.question import Question
from surveys.periods import midnight
from tickets.actions.clocks import Promises
from tickets.durations import Schedule


class TicketClocks:
    """Clocks up to the end of a question, and the levels of a target: `tables` go into a WITH, what they bind into `values`."""

    def __init__(self, question: Question, promises: Promises, target: str, values: dict[str, Any]) -> None:
        self._until = int(question.until.timestamp())
        self._severities = promises.severities_of_segments
        levels = [(str(level.severity), level.segment_id, promises.promised(level, target), level.clock == "business") for level in promises.levels()]
        for place, column in enumerate(zip(*levels, strict=True) if levels else ((), (), (), ())):
            values[f"level_{place}"] = list(column)
        self.tables = """levels AS (
            SELECT * FROM unnest(%(level_0)s::text[], %(level_1)s::bigint[], %(level_2)s::bigint[], %(level_3)s::boolean[]) l (severity, segment_id, seconds, business))"""
        self._versions: list[tuple[int | None, int]] = []
        if question.params.get("clock") == "business" or any(business for *_rest, business in levels):
            self._read_hours(promises, question, values)

    def _read_hours(self, promises: Promises, question: Question, values: dict[str, Any]) -> None:
        first = fetch("SELECT floor(extract(epoch FROM min(opened_at)))::bigint FROM tickets_ticket", {})[0][0]
        for place, begun in enumerate(promises.begins()):
            since = None if begun is None else midnight(begun, question.zone)
            # long ago: the hours without a beginning
            hours = promises.hours(since or dt.datetime(1900, 1, 1, tzinfo=dt.UTC))
            if hours is None:
                continue
            steps = Schedule(hours, min(first or self._until, self._until), self._until).steps()
            values |= {f"hours_{place}_{name}": column for name, column in zip(("opens", "ahead", "most"), steps, strict=True)}
            columns = ", ".join(f"%(hours_{place}_{name})s::bigint[] AS {name}" for name in ("opens", "ahead", "most"))
            self.tables += f", hours_{place} AS MATERIALIZED (SELECT {columns})"
            self._versions.append((None if since is None else int(since.timestamp()), place))

    @property
    def has_segments(self) -> bool:
        """Whether a segment has a level of its own."""
        return bool(self._severities)

    def segment(self, sql: str, severity: str) -> str:
        """SQL: the id of a segment, which is looked up only for severities (text) for which a segment has a level of its own."""
        named = ", ".join(f"'{level}'" for level in self._severities)
        return f"CASE WHEN {severity} IN ({named}) THEN {sql} END" if named else "NULL::bigint"

    def level(self, severity: str, segment: str) -> tuple[str, str, str]:
        """SQL: joins that find the level of a severity (text) in a segment, its seconds (NULL: nothing is promised), and whether its clock runs by hours."""
        joins = (
            f"LEFT JOIN levels own ON own.severity = {severity} AND own.segment_id = {segment} "
            f"LEFT JOIN levels shared ON shared.severity = {severity} AND shared.segment_id IS NULL"
        )
        seconds, business = (f"CASE WHEN own.severity IS NOT NULL THEN own.{name} ELSE shared.{name} END" for name in ("seconds", "business"))
        return joins, seconds, f"coalesce({business}, false)"

    def seconds(self, business: str, opened: str, ran: Callable[[Callable[[str, str], str]], str]) -> str:
        """SQL: the seconds that ran by a clock, for a ticket opened at that second; `ran` puts together what ran between two seconds."""

        def calendar(begin: str, end: str) -> str:
            return f"greatest({end} - {begin}, 0)"

        def by(place: int) -> Callable[[str, str], str]:
            def open_before(at: str) -> str:
                step = f"width_bucket({at}, (SELECT opens FROM hours_{place}))"
                return f"coalesce(least({at} + ((SELECT ahead FROM hours_{place}))[{step}], ((SELECT most FROM hours_{place}))[{step}]), 0)"

            return lambda begin, end: f"greatest({open_before(end)} - {open_before(begin)}, 0)"

        plain = ran(calendar)
        if not self._versions:
            return plain
        # the latest hours that were in force when the ticket was opened
        cases = " ".join(
            f"WHEN {business}{'' if since is None else f' AND {opened} >= {since}'} THEN {ran(by(place))}"
            for since, place in sorted(self._versions, key=lambda version: version[0] or 0, reverse=True)
        )
        return f"CASE {cases} ELSE {plain} END"
