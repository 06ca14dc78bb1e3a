"""Storing the planner's decisions as invitations, thousands at once."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, connection, transaction

from surveys.actions.candidates import Candidate
from surveys.eligibility import Decision
from surveys.models import Invitation

_BIGINT = 2**63
_COLUMNS = (
    "id", "touchpoint_id", "survey_version_id", "account_id", "contact_id", "event_id", "wave", "status", "skip_reason", "decision", "ticket_id", "agent_id",
    "rated_object", "language", "decided_at", "not_before", "valid_until",
)  # fmt: skip
_COPY = f"COPY surveys_invitation ({', '.join(_COLUMNS)}) FROM STDIN"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_of(candidate: Candidate, decision: Decision, language: str, as_of: dt.datetime) -> tuple[Any, ...]:
    """The values of the invitation that stores a decision, in the order of the columns."""
    programme, payload = candidate.programme, candidate.payload
    ticket, agent = (payload.get("ticket"), payload.get("agent")) if payload else (None, None)
    skipped = decision.outcome == "skip"
    return (
        uuid.uuid4(),
        programme.touchpoint_id,
        programme.version_id,
        candidate.account_id,
        candidate.contact_id,
        candidate.event_id,
        candidate.wave,
        "skipped" if skipped else "planned",
        decision.reason if skipped else "",
        decision.evidence,
        _whole(ticket),
        _whole(agent),
        "" if ticket is None else str(ticket)[:200],
        language[:10],
        as_of,
        decision.due_at,
        decision.valid_until,
    )


def invitation_of(row: tuple[Any, ...]) -> Invitation:
    """The same as a model, not stored."""
    return Invitation(**{**dict(zip(_COLUMNS, row, strict=True)), "decision": dict(row[9])})


def store(rows: Iterable[tuple[Any, ...]]) -> None:
    """Stores them, inside the transaction of the planner's lock. A decision that is stored already stays as it is."""
    rows = list(rows)
    try:
        with transaction.atomic():
            _copy(rows)
    except IntegrityError:
        # somebody else stored one of them without the planner's lock; slowly, and each for itself
        Invitation.objects.bulk_create([invitation_of(row) for row in rows], ignore_conflicts=True, batch_size=500)


def _copy(rows: list[tuple[Any, ...]]) -> None:
    moments: dict[Any, str] = {None: "\\N"}
    lines = []
    for row in rows:
        for moment in row[14:]:
            if moment not in moments:
                moments[moment] = moment.isoformat()
        lines.append(
            f"{row[0]}\t{_id(row[1])}\t{_id(row[2])}\t{row[3]}\t{_id(row[4])}\t{_id(row[5])}\t{_text(row[6])}\t{row[7]}\t{row[8]}\t{_text(_encode(row[9]))}\t"
            f"{_id(row[10])}\t{_id(row[11])}\t{_text(row[12])}\t{_text(row[13])}\t{moments[row[14]]}\t{moments[row[15]]}\t{moments[row[16]]}\n"
        )
    with connection.wrap_database_errors, connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy(_COPY) as copy:
            for start in range(0, len(lines), 1000):
                copy.write("".join(lines[start : start + 1000]))


def _id(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _text(value: str) -> str:
    """The value as COPY reads it; NUL, which no text of a database holds, is left out."""
    if "\\" in value or "\t" in value or "\n" in value or "\r" in value or "\0" in value:
        value = value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "")
    return value


def _whole(value: Any) -> int | None:
    """The value where it is a whole number that a bigint holds (payloads come from outside)."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _BIGINT else None
