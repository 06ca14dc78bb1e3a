"""The outbox: put a mail in, claim it, deliver it, settle what became of it.

The order is the promise: the claim is *committed* before anybody talks to a mail server, no
transaction is open while talking, and what is uncertain afterwards is `unknown` and is never sent
again by a machine. A survey therefore leaves at most once, whenever a worker dies.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import smtplib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection, transaction

from accounts.mail_rate import receiving_domain
from accounts.models import OutgoingMail

LEASE = dt.timedelta(minutes=5)
# 1, 5, 15, 60 minutes after the tries before, then every hour, over 24 hours at most
RETRY_MINUTES = (1, 5, 15, 60)
RETRY_AT_MOST = dt.timedelta(hours=24)
MOST_TRIES = len(RETRY_MINUTES) + int((RETRY_AT_MOST - dt.timedelta(minutes=sum(RETRY_MINUTES))) / dt.timedelta(minutes=RETRY_MINUTES[-1])) + 1

Status = OutgoingMail.Status


@dataclass(frozen=True)
class Delivery:
    """What the conversation with the mail server came to."""

    outcome: str  # one of Status.SENT, RETRY, FAILED, UNKNOWN
    reply: str
    no_such_user: bool = False
    # the server's answer as a number, 0 for none; and whether there was nobody to talk to at all
    code: int = 0
    unreachable: bool = False


def worker_name() -> str:
    """Who claims: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


_CLAIM = """
UPDATE accounts_outgoingmail SET status = 'sending', attempt = attempt + 1, worker = %(worker)s,
       lease_until = statement_timestamp() + %(lease)s
WHERE id IN (
    SELECT id FROM accounts_outgoingmail
    WHERE status IN ('queued', 'retry') AND next_attempt_at <= greatest(statement_timestamp(), %(as_of)s) AND kind = ANY(%(kinds)s)
    ORDER BY next_attempt_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def claim(*, kinds: list[str], limit: int, worker: str, as_of: dt.datetime | None = None, related: Sequence[str] = ("account", "contact")) -> list[OutgoingMail]:
    """Takes due mails and commits the claim. Two workers never get the same row. `related` is loaded with them.

    Due is decided by the database's clock; a later `as_of` looks ahead. Must not be called inside a
    transaction (raises RuntimeError): the claim would not be on disk when the mail leaves.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A claim must be committed before the mail is sent: call it outside a transaction.")
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {"worker": worker, "lease": LEASE, "as_of": as_of or dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "kinds": kinds, "limit": limit}
        cursor.execute(_CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    found = OutgoingMail.objects.filter(pk__in=ids).order_by("next_attempt_at", "pk")
    return list(found.select_related(*related) if related else found)


class MailSession:
    """One connection to the mail server, kept over many mails."""

    def __init__(self, connect: Callable[[], Any] = get_connection):
        self._connect = connect
        self._backend: EmailBackend | None = None

    def __enter__(self) -> MailSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the conversation; a server that is gone does not matter any more."""
        if self._backend is not None:
            try:
                self._backend.close()
            except OSError:
                pass
            self._backend = None

    def _server(self) -> smtplib.SMTP:
        if self._backend is None:
            backend = self._connect()
            backend.fail_silently = False
            backend.open()
            # the end of a mail must not wait for the server to confirm what came before
            backend.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._backend = backend
        return self._backend.connection  # type: ignore[return-value]

    def _begin_anew(self, server: smtplib.SMTP, code: int) -> None:
        """After a refusal the next mail starts from nothing; a server that closes the channel, or does not answer, is left."""
        if code != 421:
            try:
                server.rset()
                return
            except (OSError, smtplib.SMTPException):
                pass
        self.close()

    def deliver(self, *, sender: str, recipient: str, message: EmailMessage | bytes) -> Delivery:
        """Hands one message to the server and says what is known afterwards; never raises for the network.

        Before the end of DATA every fault leaves the message unsent (retry or failed, by the server's
        code); after it a fault leaves it unknown.
        """
        body = message if isinstance(message, bytes) else message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        handed_over, reached = False, False
        try:
            server = self._server()
            server.ehlo_or_helo_if_needed()
            reached = True
            for step in (lambda: server.mail(sender), lambda: server.rcpt(recipient), lambda: server.docmd("DATA")):
                code, reply = step()
                if code not in {250, 251, 354}:
                    self._begin_anew(server, code)
                    return _refused(code, reply)
            # fails only where the end of the body did not leave this machine; from its return on the server may have all of it
            server.send(_dot_stuffed(body))
            handed_over = True
            code, reply = server.getreply()
            if 200 <= code < 300:
                return Delivery(Status.SENT, _text(code, reply), code=code)
            if code < 400:
                raise smtplib.SMTPServerDisconnected(f"The server's answer to the mail means nothing: {_text(code, reply)}")
            if code == 421:
                self.close()
            return _refused(code, reply)
        except UnicodeError:
            # an address that this server cannot be told
            self.close()
            return Delivery(Status.FAILED, "The address cannot be written in the language of mail servers.")
        except (OSError, smtplib.SMTPException) as fault:
            self.close()
            code = int(getattr(fault, "smtp_code", 0) or 0)
            outcome = Status.UNKNOWN if handed_over else Status.RETRY
            return Delivery(outcome, f"{type(fault).__name__}: {fault}"[:500], code=code, unreachable=not reached)


def _dot_stuffed(body: bytes) -> bytes:
    """The DATA section: CRLF line ends, leading dots doubled, closed by a lone dot (RFC 5321, 4.5.2)."""
    body = _LINE_END.sub(b"\r\n", body)
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    return _LEADING_DOT.sub(b"..", body) + b".\r\n"


_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


def _text(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('utf-8', 'replace')}"[:500]


def _refused(code: int, reply: bytes) -> Delivery:
    if code >= 500:
        return Delivery(Status.FAILED, _text(code, reply), no_such_user=code in {550, 551, 553}, code=code)
    return Delivery(Status.RETRY, _text(code, reply), code=code)


def settle(*, mail: OutgoingMail, worker: str, delivery: Delivery, now: dt.datetime, message_id: str = "", archived_text: str = "", mail_subject: str = "") -> str | None:
    """Writes down what became of a claimed mail; returns its status, None where the claim was lost.

    Guarded by status and worker: a lease that ran out and was settled by the sweep stays as it is.
    A retry that would come after `valid_until`, or over a day of tries after the first, fails instead.
    """
    status, next_attempt = delivery.outcome, mail.next_attempt_at
    reason = ""
    if status == Status.RETRY:
        step = RETRY_MINUTES[min(mail.attempt, len(RETRY_MINUTES)) - 1] if mail.attempt else RETRY_MINUTES[0]
        next_attempt = now + dt.timedelta(minutes=step)
        if (mail.valid_until and next_attempt > mail.valid_until) or mail.attempt >= MOST_TRIES:
            status, reason = Status.FAILED, "gave_up"
    fields = {
        "status": status,
        "smtp_reply": delivery.reply,
        "lease_until": None,
        "next_attempt_at": next_attempt,
        "reason": reason,
        "sent_at": now if status == Status.SENT else None,
    }
    if message_id:
        fields["message_id"] = message_id
    if archived_text:
        fields["body_text"] = archived_text
    if mail_subject:
        fields["mail_subject"] = mail_subject[:300]
    settled = OutgoingMail.objects.filter(pk=mail.pk, status=Status.SENDING, worker=worker).update(**fields)
    return str(status) if settled else None


@dataclass(frozen=True)
class Sent:
    """A mail that the server took, to be written down with others."""

    mail: OutgoingMail
    reply: str
    at: dt.datetime
    message_id: str
    archived_text: str
    mail_subject: str


_SENT = """
UPDATE accounts_outgoingmail m SET status = 'sent', smtp_reply = v.reply, lease_until = NULL, reason = '', sent_at = v.at,
       message_id = v.message_id, body_text = v.text, mail_subject = v.subject
FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[]) AS v(id, reply, at, message_id, text, subject)
WHERE m.id = v.id AND m.status = 'sending' AND m.worker = %s RETURNING m.id
"""


def settle_sent(*, sent: Sequence[Sent], worker: str) -> set[Any]:
    """`settle()` for many mails that were taken, in one statement; returns the ids of those whose claim still held."""
    columns: list[list[Any]] = [
        [each.mail.pk for each in sent], [each.reply for each in sent], [each.at for each in sent], [each.message_id for each in sent],
        [each.archived_text for each in sent], [each.mail_subject[:300] for each in sent],
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SENT, [*columns, worker])
        return {row[0] for row in cursor.fetchall()}


def release(*, mail: OutgoingMail, worker: str, status: str, reason: str, next_attempt_at: dt.datetime | None = None) -> bool:
    """Gives a claimed mail back unsent: withheld, aborted, or queued for later. True where it was ours.

    One that is queued again was not tried, so this claim does not count as an attempt.
    """
    fields: dict[str, object] = {"status": status, "reason": reason[:40], "lease_until": None}
    if status == Status.QUEUED and mail.attempt:
        fields["attempt"] = mail.attempt - 1
    if next_attempt_at is not None:
        fields["next_attempt_at"] = next_attempt_at
    return bool(OutgoingMail.objects.filter(pk=mail.pk, status=Status.SENDING, worker=worker).update(**fields))


def is_allowed(address: str) -> bool:
    """Whether MAIL_ALLOWLIST lets mails to an address leave; without such a list all may."""
    allowed = settings.MAIL_ALLOWLIST
    return not allowed or address.strip().lower() in allowed or receiving_domain(address) in allowed


def expire_leases() -> list[str]:
    """Claims whose worker is gone become `unknown`, for a person to look at; returns their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_outgoingmail SET status = 'unknown', reason = 'lease_expired', lease_until = NULL "
            "WHERE status = 'sending' AND lease_until < statement_timestamp() RETURNING id"
        )
        return [str(row[0]) for row in cursor.fetchall()]
