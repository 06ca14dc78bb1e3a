"""The outbox: put a mail in, claim it, deliver it, settle what became of it.

The order is the promise: the claim is *committed* before anybody talks to a mail server, no
transaction is open while talking, and what is uncertain afterwards is `unknown` and is never sent
again by a machine. A survey therefore leaves at most once, whenever a worker dies.
"""

from __future__ import annotations

import datetime as dt
import os
import smtplib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection, transaction

from accounts.models import OutgoingMail

LEASE = dt.timedelta(minutes=5)
RETRY_MINUTES = (1, 5, 15, 60)
RETRY_AT_MOST = dt.timedelta(hours=24)

Status = OutgoingMail.Status


@dataclass(frozen=True)
class Delivery:
    """What the conversation with the mail server came to."""

    outcome: str  # one of Status.SENT, RETRY, FAILED, UNKNOWN
    reply: str
    no_such_user: bool = False


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


def claim(*, kinds: list[str], limit: int, worker: str, as_of: dt.datetime | None = None) -> list[OutgoingMail]:
    """Takes due mails and commits the claim. Two workers never get the same row.

    Due is decided by the database's clock; a later `as_of` looks ahead. Must not be called inside a
    transaction (raises RuntimeError): the claim would not be on disk when the mail leaves.
    """
    if connection.in_atomic_block:
        raise RuntimeError("A claim must be committed before the mail is sent: call it outside a transaction.")
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {"worker": worker, "lease": LEASE, "as_of": as_of or dt.datetime(1970, 1, 1, tzinfo=dt.UTC), "kinds": kinds, "limit": limit}
        cursor.execute(_CLAIM, values)
        ids = [row[0] for row in cursor.fetchall()]
    return list(OutgoingMail.objects.filter(pk__in=ids).select_related("account", "contact"))


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
            self._backend = backend
        return self._backend.connection  # type: ignore[return-value]

    def deliver(self, *, sender: str, recipient: str, message: EmailMessage | bytes) -> Delivery:
        """Hands one message to the server and says what is known afterwards; never raises for the network.

        Before the end of DATA every fault leaves the message unsent (retry or failed, by the server's
        code); after it a fault leaves it unknown.
        """
        body = message if isinstance(message, bytes) else message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        handed_over = False
        try:
            server = self._server()
            server.ehlo_or_helo_if_needed()
            for step in (lambda: server.mail(sender), lambda: server.rcpt(recipient), lambda: server.docmd("DATA")):
                code, reply = step()
                if code not in {250, 251, 354}:
                    server.rset()
                    return _refused(code, reply)
            server.send(_dot_stuffed(body))
            handed_over = True
            code, reply = server.getreply()
            if code == 250:
                return Delivery(Status.SENT, _text(code, reply))
            return _refused(code, reply)
        except (OSError, smtplib.SMTPException) as fault:
            self.close()
            return Delivery(Status.UNKNOWN if handed_over else Status.RETRY, f"{type(fault).__name__}: {fault}"[:500])


def _dot_stuffed(body: bytes) -> bytes:
    """The DATA section: CRLF line ends, leading dots doubled, closed by a lone dot (RFC 5321, 4.5.2)."""
    lines = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines and lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def _text(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('utf-8', 'replace')}"[:500]


def _refused(code: int, reply: bytes) -> Delivery:
    if code >= 500:
        return Delivery(Status.FAILED, _text(code, reply), no_such_user=code in {550, 551, 553})
    return Delivery(Status.RETRY, _text(code, reply))


def settle(*, mail: OutgoingMail, worker: str, delivery: Delivery, now: dt.datetime, message_id: str = "", archived_text: str = "", mail_subject: str = "") -> str | None:
    """Writes down what became of a claimed mail; returns its status, None where the claim was lost.

    Guarded by status and worker: a lease that ran out and was settled by the sweep stays as it is.
    A retry that would come after `valid_until`, or over a day after the first try, fails instead.
    """
    status, next_attempt = delivery.outcome, mail.next_attempt_at
    reason = ""
    if status == Status.RETRY:
        step = RETRY_MINUTES[min(mail.attempt, len(RETRY_MINUTES)) - 1] if mail.attempt else RETRY_MINUTES[0]
        next_attempt = now + dt.timedelta(minutes=step)
        if (mail.valid_until and next_attempt > mail.valid_until) or (next_attempt > mail.created_at + RETRY_AT_MOST and mail.attempt > len(RETRY_MINUTES)):
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


def release(*, mail: OutgoingMail, worker: str, status: str, reason: str, next_attempt_at: dt.datetime | None = None) -> bool:
    """Gives a claimed mail back unsent: withheld, aborted, or queued for later. True where it was ours."""
    fields: dict[str, object] = {"status": status, "reason": reason[:40], "lease_until": None}
    if next_attempt_at is not None:
        fields["next_attempt_at"] = next_attempt_at
    return bool(OutgoingMail.objects.filter(pk=mail.pk, status=Status.SENDING, worker=worker).update(**fields))


def expire_leases() -> list[str]:
    """Claims whose worker is gone become `unknown`, for a person to look at; returns their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_outgoingmail SET status = 'unknown', reason = 'lease_expired', lease_until = NULL "
            "WHERE status = 'sending' AND lease_until < statement_timestamp() RETURNING id"
        )
        return [str(row[0]) for row in cursor.fetchall()]
