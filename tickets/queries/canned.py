"""Canned replies as the reply box lists them, and one of them filled in."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr

from django.conf import settings
from django.utils.translation import gettext

from accounts.models import User
from tickets.canned import fill, language_for
from tickets.models import CannedReply, Ticket

MOST = 200


@dataclass(frozen=True)
class Choice:
    """One canned reply of the list, in the language the ticket's contact reads."""

    pk: int
    name: str
    shortcut: str
    language: str
    # what it begins with, so that two of one name can be told apart
    begins: str


@dataclass(frozen=True)
class Taken:
    """A canned reply ready to be sent, and the names that had no value."""

    text: str
    language: str
    missing: tuple[str, ...]


def languages_of(ticket: Ticket) -> list[str]:
    """The languages a reply may be in, the best first: the contact's, the account's, the installation's."""
    contact = ticket.contact.language if ticket.contact else ""
    return [language for language in (contact, ticket.account.language, settings.LANGUAGE_CODE) if language]


def canned_choices(ticket: Ticket) -> list[Choice]:
    """The active replies by name (at most 200); one without any text is left out. Two queries."""
    wanted = languages_of(ticket)
    found = []
    for reply in CannedReply.objects.filter(active=True).prefetch_related("texts").order_by("name", "pk")[:MOST]:
        texts = {text.language: text.body for text in reply.texts.all()}
        language = language_for(wanted, texts)
        if language is not None:
            begins = " ".join(texts[language].split())[:120]
            found.append(Choice(reply.pk, gettext(reply.name), reply.shortcut, language, begins))
    return found


def take(*, reply_id: int, ticket: Ticket, agent: User) -> Taken | None:
    """The reply's text for this ticket with its placeholders filled in; None where it does not exist (any more)."""
    reply = CannedReply.objects.filter(pk=reply_id, active=True).prefetch_related("texts").first()
    texts = {text.language: text.body for text in reply.texts.all()} if reply else {}
    language = language_for(languages_of(ticket), texts)
    if language is None:
        return None
    contact = ticket.contact.name if ticket.contact else ""
    values = {
        "contact": contact, "first_name": contact.split(maxsplit=1)[0] if contact.strip() else "", "account": ticket.account.name, "ticket": str(ticket.pk),
        "subject": ticket.subject, "agent": agent.name, "company": parseaddr(settings.DEFAULT_FROM_EMAIL)[0],
    }  # fmt: skip
    filled = fill(texts[language], values)
    return Taken(filled.text, language, filled.missing)
