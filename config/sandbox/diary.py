"""What happened inside the sandbox, by day of the organisation's zone: read from its own database, told in the reader's language."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from psycopg.rows import dict_row

from accounts import timeline
from accounts.models import PlaybookStepLog
from accounts.wording import segment_name, stage_name
from accounts.words import code
from config.sandbox.place import conninfo, database_name

# what a column of the overview counts: the kinds of event
COLUMNS: dict[str, tuple[str, ...]] = {
    "answers": ("survey.answered",),
    "work": ("work.opened",),
    "bands": ("health.band_changed",),
    "moves": ("segment.changed", "stage.changed"),
    "money": ("payment.failed", "payment.recovered", "subscription.renewal_due", "subscription.ended"),
}
MOST = 200


@dataclass
class Day:
    """One day inside: mails that left, steps of playbooks by what became of them, events by kind."""

    day: dt.date
    mails: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)

    def counted(self, column: str) -> int:
        """Events of a column of the overview."""
        return sum(self.events[kind] for kind in COLUMNS[column])

    def told(self) -> dict[str, Any]:
        """As the command prints it."""
        return {"day": self.day.isoformat(), "mails": dict(self.mails), "playbook_steps": dict(self.steps), "events": dict(self.events)}


@dataclass(frozen=True)
class Entry:
    """One thing that happened: an instant, the account's name, a line as on the timeline."""

    at: dt.datetime
    account: str
    line: timeline.Line


@contextlib.contextmanager
def _inside() -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(**conninfo(database_name()), row_factory=dict_row, options="-c default_transaction_read_only=on -c statement_timeout=20000") as connection:
        yield connection


_DAYS = {
    "mails": "SELECT (sent_at AT TIME ZONE %(zone)s)::date AS day, kind AS what, count(*) AS n FROM accounts_outgoingmail WHERE sent_at > %(since)s GROUP BY 1, 2",
    "steps": "SELECT (at AT TIME ZONE %(zone)s)::date AS day, outcome AS what, count(*) AS n FROM accounts_playbooksteplog WHERE at > %(since)s GROUP BY 1, 2",
    "events": "SELECT (occurred_at AT TIME ZONE %(zone)s)::date AS day, kind AS what, count(*) AS n FROM accounts_accountevent WHERE occurred_at > %(since)s GROUP BY 1, 2",
}


def days(*, since: dt.datetime, until: dt.datetime) -> list[Day]:
    """Every day from the instant the clocks were the same to where the sandbox's stands, the newest first."""
    zone = settings.ORGANISATION_TIME_ZONE
    first, last = (moment.astimezone(_zone()).date() for moment in (since, until))
    found = {day: Day(day) for day in (first + dt.timedelta(days=number) for number in range((last - first).days + 1))}
    with _inside() as connection:
        for name, statement in _DAYS.items():
            for row in connection.execute(statement, {"zone": zone, "since": since}):
                if row["day"] in found:
                    getattr(found[row["day"]], name)[row["what"]] += row["n"]
    return [found[day] for day in sorted(found, reverse=True)]


_MAILS = """
SELECT m.id, m.sent_at, m.kind, m.mail_subject AS subject, m.to_address AS address, a.name AS account
FROM accounts_outgoingmail m LEFT JOIN accounts_account a ON a.id = m.account_id
WHERE m.sent_at >= %(start)s AND m.sent_at < %(end)s AND m.sent_at > %(since)s ORDER BY m.sent_at DESC, m.id LIMIT %(most)s
"""
_EVENTS = """
SELECT e.kind, e.payload, e.occurred_at, e.origin, a.name AS account, coalesce(c.name, '') AS contact, coalesce(u.name, '') AS actor
FROM accounts_accountevent e JOIN accounts_account a ON a.id = e.account_id LEFT JOIN accounts_contact c ON c.id = e.contact_id LEFT JOIN accounts_user u ON u.id = e.actor_id
WHERE e.occurred_at >= %(start)s AND e.occurred_at < %(end)s AND e.occurred_at > %(since)s ORDER BY e.occurred_at DESC, e.id DESC LIMIT %(most)s
"""
_STEPS = """
SELECT l.at, l.step, l.kind, l.outcome, l.reason, p.name AS playbook, a.name AS account
FROM accounts_playbooksteplog l JOIN accounts_playbookrun r ON r.id = l.run_id JOIN accounts_playbook p ON p.id = r.playbook_id JOIN accounts_account a ON a.id = l.account_id
WHERE l.at >= %(start)s AND l.at < %(end)s AND l.at > %(since)s ORDER BY l.at DESC, l.id DESC LIMIT %(most)s
"""


def mails(*, since: dt.datetime, limit: int) -> list[dict[str, Any]]:
    """The newest mails that left inside."""
    values = {"start": since, "end": dt.datetime.max.replace(tzinfo=dt.UTC), "since": since, "most": limit}
    with _inside() as connection:
        return connection.execute(_MAILS, values).fetchall()


def message_id(*, mail: uuid.UUID) -> str:
    """The Message-ID under which the catcher keeps a mail of the sandbox; empty where it never left."""
    with _inside() as connection:
        row = connection.execute("SELECT message_id FROM accounts_outgoingmail WHERE id = %s AND sent_at IS NOT NULL", [mail]).fetchone()
    return row["message_id"] if row else ""


_TOLD = ("kind", "payload", "occurred_at", "contact", "actor", "origin")


@dataclass(frozen=True)
class Opened:
    """One day opened: at most 200 of each."""

    mails: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    entries: list[Entry]


def opened(*, day: dt.date, since: dt.datetime) -> Opened:
    """What happened on a day, the newest first."""
    start = dt.datetime.combine(day, dt.time(), _zone())
    values = {"start": start, "end": dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), _zone()), "since": since, "most": MOST}
    with _inside() as connection:
        mails, steps = connection.execute(_MAILS, values).fetchall(), connection.execute(_STEPS, values).fetchall()
        names: dict[str, Any] = {
            "segments": {key: str(segment_name(_Named(key, name))) for key, name in _names(connection, "accounts_segment")},
            "stages": {key: str(stage_name(_Named(key, name))) for key, name in _names(connection, "accounts_lifecyclestage")},
        }
        people = {str(row["id"]): row["name"] for row in connection.execute("SELECT id, name FROM accounts_user")}
        entries = [
            Entry(row["occurred_at"], row["account"], timeline.line(timeline.Happening(**{key: row[key] for key in _TOLD}, people=people, **names)))
            for row in connection.execute(_EVENTS, values)
        ]
    for step in steps:
        step["said"] = str(PlaybookStepLog.Outcome(step["outcome"]).label) + (f": {code(step['reason'])}" if step["reason"] else "")
    return Opened(mails, steps, entries)


@dataclass(frozen=True)
class _Named:
    key: str
    name: str


def _names(connection: psycopg.Connection[dict[str, Any]], table: str) -> list[tuple[str, str]]:
    return [(row["key"], row["name"]) for row in connection.execute(f"SELECT key, name FROM {table}")]


def _zone() -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
