"""A mail that came in, in one form whatever it came through; and whether a machine wrote it. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime

from tickets.file_kinds import MOST_BYTES, over_limit
from tickets.mail_text import text_of_html
from tickets.reply_address import is_ours

# characters of one mail's text that a ticket takes; what is longer waits for a person
LONGEST_TEXT = 1_000_000
# HTML is read only where there is no plain text, and only so much of it
LONGEST_HTML = 5_000_000
MOST_PARTS = 500
DEEPEST = 30
KEPT_HEADERS = (
    *("From", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "In-Reply-To", "References", "Return-Path", "Delivered-To", "X-Original-To"),
    *("Auto-Submitted", "Precedence", "List-Id", "X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-Failed-Recipients", "X-Vefa-Ticket"),
    *("Authentication-Results", "Received-SPF", "X-Spam-Status", "X-Spam-Score", "X-Spam-Flag"),
)  # fmt: skip
_TO_US = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To", "Resent-To")
_IDS = re.compile(r"<([^<>\s]{1,250})>")
_LONGEST_HEADER = 500
# what reading headers that break every rule may raise
_BROKEN = (ValueError, IndexError, AttributeError, TypeError, KeyError, LookupError, AssertionError)
_AWAY = re.compile(
    r"\s*(?:(?:re|ynt|cvp|aw|sv)\s*:\s*)?(?:automatic reply|auto[- ]?reply|autoreply|auto[- ]?response|out of (?:the )?office|otomatik (?:yanıt|cevap)|ofis dışı|ofiste değilim"
    r"|undeliver(?:ed|able)|mail delivery|delivery (?:status notification|has failed|failure)|returned mail|failure notice|teslim edilemedi|iletilemedi"
    r"|abwesenheit|automatische antwort|réponse automatique|respuesta automática|risposta automatica)",
    re.IGNORECASE,
)  # fmt: skip
_MACHINES = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"})


@dataclass(frozen=True, kw_only=True)
class IncomingMail:
    """One mail. Ids stand without brackets; `recipients` is everybody it names, the envelope's first; addresses are in lower case."""

    sender: str
    sender_name: str = ""
    recipients: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    message_id: str = ""
    # what it answers, the nearest mail first
    answers: tuple[str, ...] = ()
    sent_at: dt.datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()
    # None: not known; "" is the envelope of mails that must never be answered
    envelope_sender: str | None = None
    spam: bool = False
    is_report: bool = False
    # not all of it was read: it was larger than anything that is taken
    cut: bool = False
    digest: str = ""

    @property
    def identity(self) -> str:
        """What makes it the same mail when it comes again, by whatever way: its id and its sender, else all its bytes. Tells nothing of either."""
        return hashlib.sha256(f"{self.message_id} {self.sender}".encode()).hexdigest() if self.message_id else self.digest

    @property
    def is_too_large(self) -> bool:
        """Whether a ticket does not take it as a whole."""
        return self.cut or len(self.text) > LONGEST_TEXT or over_limit([len(data) for _name, data in self.files]) is not None

    def fitting(self) -> IncomingMail:
        """The same mail with as much of it as is kept: the beginning of the text, the files that are within the limits, in their order."""
        kept: list[tuple[str, bytes]] = []
        for file in self.files:
            if over_limit([len(data) for _name, data in [*kept, file]]) is None:
                kept.append(file)
        return IncomingMail(**{**vars(self), "text": self.text[:LONGEST_TEXT], "files": tuple(kept)})


def automatic_reason(mail: IncomingMail, *, own_address: str, own_senders: Collection[str] = ()) -> str:
    """Why no person wrote the mail: the header or the words that say so; "" for a mail of a person.

    `own_address` is the address of tickets, `own_senders` are the addresses that our mails come from.
    """
    said = {name.lower(): value.strip().lower() for name, value in mail.headers.items()}
    if is_ours(mail.sender, base=own_address) or mail.sender in own_senders:
        return "From"
    if said.get("auto-submitted", "no").partition(";")[0].strip() not in {"no", ""}:
        return "Auto-Submitted"
    if said.get("precedence", "") in {"bulk", "junk", "list", "auto_reply", "auto-reply"}:
        return "Precedence"
    for name in ("X-Autoreply", "X-Autorespond", "List-Id", "X-Failed-Recipients", "X-Vefa-Ticket"):
        if said.get(name.lower(), "no") != "no":
            return name
    if mail.envelope_sender == "" or said.get("return-path", "") == "<>":
        return "Return-Path"
    if mail.is_report:
        return "Content-Type"
    if mail.sender.partition("@")[0] in _MACHINES:
        return "From"
    return "Subject" if _AWAY.match(mail.subject) else ""


def read_mail(
    message: EmailMessage, *, raw: bytes, envelope_sender: str | None = None, envelope_recipient: str | None = None, spam: bool = False, cut: bool = False
) -> IncomingMail:
    """The mail in our form. Headers that break every rule count as missing; a mail without a sender has "" for it."""
    texts, files = _contents(message)
    senders = _addresses(message, "From")
    name, sender = senders[0] if senders else ("", "")
    recipients = [_plain(envelope_recipient or ""), *(address for header in _TO_US for _name, address in _addresses(message, header))]
    answers = [*_ids(message, "In-Reply-To"), *reversed(_ids(message, "References"))]
    ids = _ids(message, "Message-ID")
    headers = {name: value[:_LONGEST_HEADER] for name in KEPT_HEADERS if (value := _header(message, name)) or name in message}
    subject = " ".join(_clean(_header(message, "Subject")).split())[:500]
    return IncomingMail(
        sender=sender, sender_name=_clean(name)[:200], recipients=tuple(dict.fromkeys(filter(None, recipients))), subject=subject,
        text="\n\n".join(text.strip("\n") for text in texts if text.strip()).rstrip(), message_id=ids[0] if ids else "", answers=tuple(dict.fromkeys(answers)),
        sent_at=_date(_header(message, "Date")), headers={name: _clean(value) for name, value in headers.items()}, files=tuple(files),
        envelope_sender=_plain(envelope_sender) if envelope_sender is not None else None, spam=spam, cut=cut, is_report=message.get_content_type() == "multipart/report",
        digest=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip


def _clean(text: str) -> str:
    """Text that PostgreSQL takes: no NULs, no halves of surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _plain(address: str) -> str:
    return _clean(address).strip().strip("<>").strip().lower()[:320]


def _header(message: Message, name: str) -> str:
    try:
        return str(message.get(name, "") or "")
    except _BROKEN:
        return ""


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    try:
        values = [str(value) for value in message.get_all(name, [])]
        return [(shown, _plain(address)) for shown, address in getaddresses(values) if "@" in address][:100]
    except _BROKEN:
        return []


def _ids(message: Message, name: str) -> list[str]:
    return _IDS.findall(_clean(_header(message, name)))[-50:]


def _date(value: str) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(value)
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    except (*_BROKEN, OverflowError):
        return None


def _contents(message: Message) -> tuple[list[str], list[tuple[str, bytes]]]:
    """The texts and the files of a mail. Of the same thing said in plain text and in HTML the plain text counts."""
    files: list[tuple[str, bytes]] = []
    counter = iter(range(MOST_PARTS))
    texts = _texts(message, files, depth=0, counter=counter)
    return texts, files


def _texts(part: Message, files: list[tuple[str, bytes]], *, depth: int, counter: Iterator[int]) -> list[str]:
    kind = part.get_content_type()
    if next(counter, None) is None:
        return []
    if depth < DEEPEST and part.is_multipart() and kind.startswith("multipart/"):
        inner = [_texts(child, files, depth=depth + 1, counter=counter) for child in part.get_payload() if isinstance(child, Message)]
        if kind == "multipart/alternative":
            return next((texts for texts in inner if any(text.strip() for text in texts)), [])
        return [text for texts in inner for text in texts]
    name = _file_name(part)
    if kind in {"text/plain", "text/html"} and not name and part.get_content_disposition() != "attachment":
        text = _decoded(part)
        if kind == "text/html":
            if len(text) > LONGEST_HTML:
                files.append(("message.html", _bytes(part)))
            return [text_of_html(text[:LONGEST_HTML])]
        return [text]
    files.append((name or ("message.eml" if kind == "message/rfc822" else "file"), _bytes(part)))
    return []


def _file_name(part: Message) -> str:
    try:
        return _clean(part.get_filename() or "")
    except _BROKEN:
        return "file"


def _bytes(part: Message) -> bytes:
    """What a part holds; of a mail within the mail, all of it."""
    try:
        if part.is_multipart():
            inner = part.get_payload()
            return inner[0].as_bytes() if part.get_content_type() == "message/rfc822" and isinstance(inner, list) and inner else part.as_bytes()  # type: ignore[union-attr]
        found = part.get_payload(decode=True)
        return found if isinstance(found, bytes) else b""
    except (*_BROKEN, RecursionError):
        return str(part.get_payload()).encode("utf-8", "replace")[:MOST_BYTES]


def _decoded(part: Message) -> str:
    """The text of a part: in the letters it names, else UTF-8, else those of Turkish Windows."""
    data = _bytes(part)
    charset = str(part.get_content_charset() or "").lower()
    for tried in (charset, "utf-8"):
        if tried and tried not in {"us-ascii", "ascii", "unknown-8bit"}:
            try:
                return _clean(data.decode(tried)).replace("\r\n", "\n").replace("\r", "\n")
            except (LookupError, UnicodeError):
                continue
    return _clean(data.decode("cp1254", "replace")).replace("\r\n", "\n").replace("\r", "\n")
