"""Storing the planner's decisions as invitations, thousands at once."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import uuid
from collections import Counter
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
_STATUS = _COLUMNS.index("status")
_CHUNK = 250
_COPY = f"COPY surveys_invitation ({', '.join(_COLUMNS)}) FROM STDIN"
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""}
_SPECIAL = re.compile(r"[\\\t\n\r\0]")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def row_of(candidate: Candidate, decision: Decision, language: str, as_of: dt.datetime) -> tuple[Any, ...]:
    """The values of the invitation that stores a decision, in the order of the columns."""
    programme, payload = candidate.programme, candidate.payload
    ticket, agent = (payload.get("ticket"), payload.get("agent")) if payload else (None, None)
    skipped = decision.outcome == "skip"
    return (
        _new_id(),
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


def _new_id() -> str:
    """A random id (version 4) as plain hexadecimal digits: the text of a `uuid.uuid4()` takes four times as long."""
    digits = os.urandom(16).hex()
    return f"{digits[:12]}4{digits[13:16]}{'89ab'[int(digits[16], 16) & 3]}{digits[17:]}"


def invitation_of(row: tuple[Any, ...]) -> Invitation:
    """The same as a model, not stored."""
    return Invitation(**{**dict(zip(_COLUMNS, row, strict=True)), "id": uuid.UUID(row[0]), "decision": dict(row[9])})


def store(rows: Iterable[tuple[Any, ...]]) -> Counter[str]:
    """Stores them as they come, inside the transaction of the planner's lock; returns counts by status.

    The database stores the first while the later ones are decided. A decision that is stored already stays as it is.
    """
    kept: list[tuple[Any, ...]] = []
    try:
        with transaction.atomic():
            _copy(rows, kept)
    except IntegrityError:
        # somebody else stored one of them without the planner's lock; slowly, and each for itself
        kept.extend(rows)
        Invitation.objects.bulk_create([invitation_of(row) for row in kept], ignore_conflicts=True, batch_size=500)
    return Counter(row[_STATUS] for row in kept)


def _copy(rows: Iterable[tuple[Any, ...]], kept: list[tuple[Any, ...]]) -> None:
    moments: dict[Any, str] = {None: "\\N"}
    told: dict[int, tuple[Any, str]] = {}
    lines: list[str] = []
    with connection.wrap_database_errors, connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy(_COPY) as copy:
            for row in rows:
                kept.append(row)
                lines.append(_line(row, moments, told))
                if len(lines) == _CHUNK:
                    copy.write("".join(lines))
                    lines.clear()
            copy.write("".join(lines))


def _line(row: tuple[Any, ...], moments: dict[Any, str], told: dict[int, tuple[Any, str]]) -> str:
    """One row as COPY reads it. Thousands of a wave share their instants and their evidence; the latter is known by its object, kept beside its text."""
    pk, touchpoint, version, account, contact, event, wave, status, reason, evidence, ticket, agent, rated, language, *instants = row
    for instant in instants:
        if instant not in moments:
            moments[instant] = instant.isoformat()
    decided, due, valid = instants
    kept = told.get(id(evidence))
    if kept is None:
        kept = told[id(evidence)] = evidence, _text(_encode(evidence))
    return (
        f"{pk}\t{_id(touchpoint)}\t{_id(version)}\t{account}\t{_id(contact)}\t{_id(event)}\t{_text(wave)}\t{status}\t{reason}\t{kept[1]}\t"
        f"{_id(ticket)}\t{_id(agent)}\t{_text(rated)}\t{_text(language)}\t{moments[decided]}\t{moments[due]}\t{moments[valid]}\n"
    )


def _id(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _text(value: str) -> str:
    """The value as COPY reads it; NUL, which no text of a database holds, is left out."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value) if _SPECIAL.search(value) else value


def _whole(value: Any) -> int | None:
    """The value where it is a whole number that a bigint holds (payloads come from outside)."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _BIGINT else None
