"""What stands behind each figure of support: the very tickets, contacts or answers it counts.

Each reader asks the same statement as its figure, so that a list and its figure cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from metrics.kpis import support_contacts, support_load, support_times, voice
from metrics.kpis.promises import decided
from metrics.kpis.question import Question
from metrics.kpis.support_load import FlowOfTicket
from metrics.kpis.support_times import Clock

TICKET, CONTACT, ANSWER = "ticket", "contact", "answer"


@dataclass(frozen=True, order=True)
class Behind:
    """One thing counted: when it belongs to the period (seconds since 1970), its id, and its own figure (seconds or score)."""

    at: int
    pk: str
    # tells apart the moves of one ticket in one second
    turn: int = 0
    figure: int | None = None


@dataclass(frozen=True)
class Source:
    """Which KPI is asked, with which variant and parameters, and how the things are read."""

    kpi: str
    variant: str | None
    kind: str
    read: Callable[[Question], Iterable[tuple[int, int | str, int | None]]]
    seconds: bool = False
    clocked: bool = False


Found = Iterable[tuple[int, int | str, int | None]]


def _replies(question: Question) -> Found:
    rows = support_times.first_replies(question, None)
    clock = Clock(question.params["clock"]).reach(min((row[2] for row in rows), default=0), max((row[3] for row in rows), default=0))
    return [(at, pk, clock.seconds(opened, ((opened, at),))) for _key, pk, opened, at in rows]


def _unanswered(question: Question) -> Found:
    until, rows = int(question.until.timestamp()), support_times.waiting(question, None)
    clock = Clock(question.params["clock"]).reach(min((row[2] for row in rows), default=until), until)
    return [(opened, pk, clock.seconds(opened, ((opened, until),))) for _key, pk, opened in rows]


def _resolutions(question: Question, *, reopened: bool = False) -> Found:
    rows = [row for row in support_times.resolutions(question, None) if row[4] or not reopened]
    clock = Clock(question.params["clock"]).reach(min((row[1] for row in rows), default=0), max((max(row[3]) for row in rows), default=0))
    return [(at, pk, clock.seconds(opened, zip(begins, ends, strict=False))) for _key, opened, begins, ends, _reopened, pk, at in rows]


def _open(question: Question, *, older: bool = False) -> Found:
    until = int(question.until.timestamp())
    return [(opened, pk, until - opened) for _key, pk, opened, is_older in support_load.open_tickets(question, None) if is_older or not older]


def _created(question: Question, *, level: str | None = "any") -> Found:
    return [(opened, pk, None) for pk, opened, found in support_load.created(question) if level == "any" or found == level or (level == "set" and found is not None)]


def _issues(question: Question, *, at_first: bool = False) -> Found:
    return [(issue.at, issue.ticket, None) for issue in support_contacts.issues(question, None) if issue.at_first or not at_first]


def _handled(question: Question, *, abandoned: bool = False) -> Found:
    return [(at, pk, seconds) for pk, at, seconds in support_contacts.contacts(question, abandoned=abandoned)]


def _rated(question: Question, *, satisfied: bool = False) -> Found:
    return [(at, pk, score) for pk, at, score in voice.rated(question, only=voice.SUPPORT) if score >= 4 or not satisfied]


def _decided(question: Question, *, target: str, kept: bool | None = None) -> Found:
    return [(row.at, row.ticket, row.seconds) for row in decided(question, target, None) if kept is None or row.kept is kept]


def flow_within(tickets: Iterable[FlowOfTicket], start: int, end: int) -> dict[str, list[tuple[int, int | str, int | None]]]:
    """The tickets and moves of a part [start, end) of the period whose flow it is, by name of the part."""
    found: dict[str, list[tuple[int, int | str, int | None]]] = {name: [] for name in ("opening", "new", "reopened", "resolved", "cancelled", "closing")}
    for row in tickets:
        if row.new and start <= row.opened < end:
            found["new"].append((row.opened, row.ticket, None))
        moves = {"reopened": row.reopened, "resolved": row.resolved, "cancelled": row.cancelled}
        for name, instants in moves.items():
            found[name] += [(at, row.ticket, None) for at in instants if start <= at < end]
        for name, edge in (("opening", start), ("closing", end)):
            came = row.opening or (row.new and row.opened < edge)
            standing = came + sum(at < edge for at in row.reopened) - sum(at < edge for at in (*row.resolved, *row.cancelled))
            if standing:
                found[name].append((row.opened, row.ticket, None))
    return found


def _flow(question: Question, *, part: str) -> Found:
    return flow_within(support_load.flow_of_tickets(question), int(question.start.timestamp()), int(question.end.timestamp()))[part]


def _source(kpi: str, variant: str | None, kind: str, read: Callable[..., Found], *, seconds: bool = False, clocked: bool = False, **chosen: object) -> Source:
    return Source(kpi, variant, kind, lambda question: read(question, **chosen), seconds, clocked)


FIGURES: dict[str, Source] = {
    "first_response": _source("first_response_time", None, TICKET, _replies, seconds=True, clocked=True),
    "unanswered": _source("first_response_time", None, TICKET, _unanswered, seconds=True, clocked=True),
    "resolution": _source("resolution_time", "full", TICKET, _resolutions, seconds=True, clocked=True),
    "resolution_reopened": _source("resolution_time", "full", TICKET, _resolutions, seconds=True, clocked=True, reopened=True),
    "backlog_open": _source("ticket_backlog", "open", TICKET, _open, seconds=True),
    "backlog_older": _source("ticket_backlog", "older_than_target", TICKET, _open, seconds=True, older=True),
    "volume": _source("ticket_volume", None, TICKET, _created),
    "severity_set": _source("ats", None, TICKET, _created, level="set"),
    "severity_unset": _source("ats", None, TICKET, _created, level=None),
    **{f"severity_{level}": _source("ats", None, TICKET, _created, level=str(level)) for level in range(1, 5)},
    "issues": _source("fcr", None, TICKET, _issues),
    "first_contact": _source("fcr", None, TICKET, _issues, at_first=True),
    "handled": _source("aht", None, CONTACT, _handled, seconds=True),
    "abandoned": _source("aht", None, CONTACT, _handled, seconds=True, abandoned=True),
    "rated": _source("csat", None, ANSWER, _rated),
    "satisfied": _source("csat", None, ANSWER, _rated, satisfied=True),
    "promises_first_reply": _source("first_response_time", None, TICKET, _decided, seconds=True, target="first_reply"),
    "kept_first_reply": _source("first_response_time", None, TICKET, _decided, seconds=True, target="first_reply", kept=True),
    "promises_resolution": _source("resolution_time", "full", TICKET, _decided, seconds=True, target="resolution"),
    "kept_resolution": _source("resolution_time", "full", TICKET, _decided, seconds=True, target="resolution", kept=True),
    **{f"flow_{part}": _source("ticket_backlog", "flow", TICKET, _flow, part=part) for part in ("opening", "new", "reopened", "resolved", "cancelled", "closing")},
}


def behind(name: str, question: Question) -> list[Behind]:
    """Everything a figure counts, the newest first. `question` asks `FIGURES[name].kpi`. Raises KeyError for an unknown name."""
    return ordered(FIGURES[name].read(question))


def ordered(found: Found) -> list[Behind]:
    """The newest first; what is the same to the second gets a turn of its own."""
    rows: list[Behind] = []
    turns: dict[tuple[int, int | str], int] = {}
    for at, pk, figure in found:
        turn = turns[at, pk] = turns.get((at, pk), -1) + 1
        rows.append(Behind(at, str(pk).rjust(20, "0") if isinstance(pk, int) else pk, turn, figure))
    return sorted(rows, key=lambda row: (row.at, row.pk, row.turn), reverse=True)
