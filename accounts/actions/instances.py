"""Where this database belongs: a copy or a restored one sends nothing until an admin says that it is no copy.

Three things are compared with what the database remembers: the address it is reached at, a word kept
in a file outside of it, and marks that only this very database has (a dump that was restored, or a
server that was rolled back in time, has others).
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Installation

FOLDER = "instance"
# how the note of a doubt begins; the pages say it in the reader's language
NOTE = "This may be a copy:"

# what an admin reads; the key is kept in `Installation.doubt`
DOUBTS = {
    "url": _("it is reached at another address than before"),
    "epoch": _("the file that belongs to it is missing or is another one's"),
    "timeline": _("its server was restored to an earlier point in time"),
    "database": _("it was restored from a dump or moved to another server"),
}

_MARKS = """
SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
       || '/' || 'accounts_installation'::regclass::oid::text, (SELECT timeline_id FROM pg_control_checkpoint())
"""
_FEWER_MARKS = "SELECT (SELECT oid FROM pg_database WHERE datname = current_database())::text || '/' || 'accounts_installation'::regclass::oid::text, NULL::int"


@dataclass(frozen=True)
class Marks:
    """What only this database has. `timeline` is None where it may not be asked."""

    database: str
    timeline: int | None


def marks() -> Marks:
    """Asks the server; a user who may not ask for all gets the marks that everybody may see."""
    for statement in (_MARKS, _FEWER_MARKS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
                return Marks(*cursor.fetchone())
        except DatabaseError:
            if statement == _FEWER_MARKS:
                raise
    raise AssertionError


def _file() -> Path:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", str(connection.settings_dict["NAME"]))[:100]
    return Path(settings.VEFA_DATA) / FOLDER / f"{name}.json"


def _kept_epoch() -> str:
    try:
        return str(json.loads(_file().read_text())["epoch"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _keep_epoch(epoch: object) -> None:
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"epoch": str(epoch)}))
    temporary.rename(path)


def _place(address: str) -> str:
    """The address as it tells installations apart: on the machine's own loopback any port is the same place."""
    host = urlsplit(address).hostname or ""
    return "loopback" if host == "localhost" or host == "::1" or host.startswith("127.") else address


def doubt_about(row: Installation, found: Marks) -> str:
    """Why this may be a copy: a key of DOUBTS, or empty."""
    if _place(row.instance_url) != _place(settings.PUBLIC_BASE_URL):
        return "url"
    if _kept_epoch() != str(row.epoch):
        return "epoch"
    if row.timeline is not None and found.timeline is not None and row.timeline != found.timeline:
        return "timeline"
    if row.database_mark and row.database_mark != found.database:
        return "database"
    return ""


def watch_instance() -> str:
    """Compares, and turns sending off where something does not fit; returns the doubt, empty for none.

    An installation that never remembered anything remembers now, silently. A doubt stays until
    `confirm_instance()`, also when everything fits again.
    """
    row = Installation.current()
    if not row.instance_url:
        _remember(row)
        return ""
    doubt = row.doubt or doubt_about(row, marks())
    if doubt and (row.doubt != doubt or row.sending_enabled):
        if row.sending_enabled:
            row.sending_enabled, row.sending_note = False, f"{NOTE} {doubt}"
        row.doubt = doubt
        row.save(update_fields=["doubt", "sending_enabled", "sending_note", "updated_at"])
    return doubt


def confirm_instance() -> Installation:
    """An admin says that this is no copy: it remembers where it is now, under a new word, so that the other one (if there is one) stops.

    Sending goes on where the doubt had turned it off; what a person had stopped stays stopped.
    """
    row = Installation.current()
    if row.sending_note.startswith(NOTE):
        row.sending_enabled, row.sending_note = True, ""
    row.epoch = uuid.uuid4()
    row.save(update_fields=["sending_enabled", "sending_note", "updated_at"])
    _remember(row)
    return row


def _remember(row: Installation) -> None:
    found = marks()
    # the file first: a start that dies in between finds no memory and begins again
    _keep_epoch(row.epoch)
    row.instance_url, row.timeline, row.database_mark, row.doubt = settings.PUBLIC_BASE_URL, found.timeline, found.database, ""
    row.save(update_fields=["instance_url", "epoch", "timeline", "database_mark", "doubt", "updated_at"])


def is_in_doubt() -> bool:
    """Whether nothing may leave because this may be a copy; changes nothing, so that a command run in another environment stops itself alone."""
    row = Installation.current()
    return bool(row.doubt) or (bool(row.instance_url) and bool(doubt_about(row, marks())))
