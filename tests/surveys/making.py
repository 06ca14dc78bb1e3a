"""What the survey tests make: events, planned invitations, links; and a real mail server that can be unkind."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import threading
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from django.core.mail import get_connection

from accounts.actions.event_log import record_event
from accounts.actions.outbox import MailSession
from accounts.models import AccountEvent, Contact
from config.services.valkey import free_port
from surveys.models import Invitation, Survey, SurveyLink, Touchpoint
from surveys.tokens import new_token, token_digest

# a Tuesday, ten in the morning UTC
NOW = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
LONG_AGO = NOW - dt.timedelta(days=400)


def activate(**fields) -> None:
    """All shipped touchpoints active for long (or as the fields say)."""
    Touchpoint.objects.update(**{"activated_at": LONG_AGO, "canary_passed_at": LONG_AGO, **fields})


def happens(contact: Contact | None, kind: str = "purchase.completed", *, account=None, at: dt.datetime = NOW, origin: str = "api", key=None, **payload) -> AccountEvent:
    """An event of a contact."""
    account = account or contact.account
    return record_event(account_id=account.pk, contact_id=contact.pk if contact else None, kind=kind, occurred_at=at, origin=origin, payload=payload, dedupe_key=key)


def solved(contact: Contact, ticket: int | str = 4760, **rest) -> AccountEvent:
    """A ticket was solved after a person replied."""
    return happens(contact, "ticket.solved", ticket=ticket, resolution=1, person_replied=True, **rest)


def planned(contact: Contact, *, survey: str = "csat", at: dt.datetime = NOW, touchpoint: str | None = "ticket-solved", **fields) -> Invitation:
    """An invitation that is due."""
    version = Survey.objects.get(key=survey).versions.get(number=1)
    wave = fields.pop("wave", "test")
    return Invitation.objects.create(
        touchpoint=Touchpoint.objects.get(key=touchpoint) if touchpoint else None, survey_version=version, account=contact.account, contact=contact, wave=wave,
        **{"status": "planned", "language": contact.language, "decided_at": at, "not_before": at, "valid_until": at + dt.timedelta(hours=96), **fields},
    )  # fmt: skip


def link_to(invitation: Invitation, *, kind: str = "invite", now: dt.datetime, days: int = 14) -> str:
    """A token for an invitation that was sent."""
    token = new_token()
    SurveyLink.objects.create(invitation=invitation, kind=kind, token_hash=token_digest(token), issued_at=now, expires_at=now + dt.timedelta(days=days))
    return token


class Sink:
    """A real SMTP server that keeps what it accepts, and can refuse or hang up at a chosen step.

    `rcpt` and `data` are answers (`"550 no such user"`); `cut` is "data" (hang up before the body is
    there) or "after" (take the body, store it, and hang up without an answer).
    """

    def __init__(self, *, rcpt: str = "", data: str = "", cut: str = ""):
        self.rcpt, self.data, self.cut = rcpt, data, cut
        self.kept: list[tuple[str, EmailMessage]] = []
        self.sessions = 0
        self._lock = threading.Lock()
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        self.sessions += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.rcpt:
            return self.rcpt
        if self.cut == "data":
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.data:
            return self.data
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        with self._lock:
            self.kept.extend((address, message) for address in envelope.rcpt_tos)
        if self.cut == "after":
            server.transport.abort()
        return "250 Kept"

    def __enter__(self) -> Sink:
        self._controller.start()
        return self

    def __exit__(self, *_) -> None:
        self._controller.stop()

    def session(self) -> MailSession:
        """A session that talks to this server."""
        return MailSession(lambda: get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=self.port, timeout=5))
