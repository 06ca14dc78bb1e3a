"""Reads what the mail catcher kept, and finds the catcher that runs."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from pathlib import Path

from config.services import processes

# Names `mailbox.Maildir` gives; nothing else is opened.
_KEY = re.compile(r"[0-9]+\.M[0-9]+P[0-9]+Q[0-9]+\.[A-Za-z0-9_.\\-]+")
# No header of ours stands further down
_HEAD_BYTES = 4096
# Shown first, in this order; all others follow under them.
MAIN_HEADERS = ("From", "To", "Subject", "Date")


@dataclass(frozen=True)
class Mail:
    """One kept mail, as a list shows it."""

    key: str
    arrived_at: dt.datetime
    sender: str
    recipients: str
    subject: str


@dataclass(frozen=True)
class OpenedMail:
    """One kept mail, read whole."""

    summary: Mail
    headers: Sequence[tuple[str, str]]
    text: str
    html: str
    attachments: Sequence[str]


def inbox_folder(data: Path) -> Path:
    """Where the caught mails lie."""
    return data / "inbox"


def catcher_record(data: Path) -> Path:
    """Where the running catcher leaves its process id and port."""
    return data / "catcher.json"


def recorded_port(data: Path) -> int | None:
    """The port of the last catcher of this data folder, running or not."""
    try:
        return int(json.loads(catcher_record(data).read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running_port(data: Path) -> int | None:
    """The port of the catcher that runs now; None when none does."""
    try:
        record = json.loads(catcher_record(data).read_text())
        process = processes.alive(int(record["pid"]))
        return int(record["port"]) if process and processes.runs_on(process, data) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def arrival(key: str) -> tuple[float, str]:
    """Sorts the keys of a Maildir by arrival: they start with seconds and microseconds."""
    seconds, _, rest = key.partition(".")
    micros = rest[1:].partition("P")[0] if rest.startswith("M") else "0"
    try:
        return int(seconds) + int(micros) / 1e6, key
    except ValueError:
        return 0.0, key


def _keys(data: Path) -> list[str]:
    """All keys, newest first."""
    try:
        names = [name for name in os.listdir(inbox_folder(data) / "new") if _KEY.fullmatch(name)]
    except FileNotFoundError:
        return []
    return sorted(names, key=arrival, reverse=True)


def _summary(key: str, message: EmailMessage) -> Mail:
    return Mail(
        key=key,
        arrived_at=dt.datetime.fromtimestamp(arrival(key)[0], dt.UTC),
        sender=_header(message, "From"),
        recipients=", ".join(str(value) for value in message.get_all("Delivered-To", [])) or _header(message, "To"),
        subject=_header(message, "Subject"),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError):
        return ""


def newest(data: Path, *, before: str = "", limit: int) -> list[Mail]:
    """Up to `limit` mails, newest first, older than the one of key `before` where one is given."""
    keys = _keys(data)
    if _KEY.fullmatch(before):
        keys = [key for key in keys if arrival(key) < arrival(before)]
    found = []
    for key in keys[:limit]:
        try:
            with (inbox_folder(data) / "new" / key).open("rb") as file:
                found.append(_summary(key, BytesHeaderParser(policy=policy.default).parse(file)))
        except FileNotFoundError:
            continue
    return found


def opened(data: Path, key: str) -> OpenedMail | None:
    """One mail; None when there is none of this key."""
    if not _KEY.fullmatch(key):
        return None
    try:
        with (inbox_folder(data) / "new" / key).open("rb") as file:
            message = BytesParser(policy=policy.default).parse(file)
    except FileNotFoundError:
        return None
    assert isinstance(message, EmailMessage)
    names = list(dict.fromkeys([name for name in MAIN_HEADERS if name in message] + list(message.keys())))
    return OpenedMail(
        summary=_summary(key, message),
        headers=[(name, str(value)) for name in names for value in message.get_all(name, [])],
        text=_part(message, "plain"),
        html=_part(message, "html"),
        attachments=[part.get_filename() or part.get_content_type() for part in message.iter_attachments()] if message.is_multipart() else [],
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def key_of(data: Path, message_id: str) -> str:
    """The key of the newest mail with this Message-ID; empty where none was kept."""
    wanted = f"\nmessage-id: {message_id}".lower().encode()
    for key in _keys(data) if message_id else []:
        try:
            with (inbox_folder(data) / "new" / key).open("rb") as file:
                if wanted in b"\n" + file.read(_HEAD_BYTES).lower():
                    return key
        except FileNotFoundError:
            continue
    return ""
