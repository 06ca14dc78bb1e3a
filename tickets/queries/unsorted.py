"""What the page of unsorted messages reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Func, IntegerField, Q
from django.db.models.functions import Left
from django.utils.translation import gettext as _

from accounts.collation import search_key
from accounts.models import Account, User
from tickets.models import Ticket, UnsortedMessage

PAGE = 30
COUNT_CAP = 1001
PREVIEW = 280
# of a long text the page shows so much
SHOWN = 20_000
FOUND = 10
Why = UnsortedMessage.Why


@dataclass(frozen=True)
class UnsortedPage:
    """Rows of one page, the newest first, and the place behind the last one."""

    rows: list[UnsortedMessage]
    next_after: str = ""


def unsorted_count(user: User) -> int:
    """How many messages wait for somebody like this user; at most the cap."""
    return UnsortedMessage.objects.visible_to(user).filter(status=UnsortedMessage.Status.WAITING).order_by()[:COUNT_CAP].count()


def unsorted_page(*, user: User, dropped: bool, after: tuple[dt.datetime, int] | None = None) -> UnsortedPage:
    """The messages that wait, or those that were dropped; their bytes stay where they are."""
    status = UnsortedMessage.Status.DROPPED if dropped else UnsortedMessage.Status.WAITING
    rows = UnsortedMessage.objects.visible_to(user).filter(status=status).defer("files", "body").select_related("account", "contact", "ticket", "decided_by")
    rows = rows.annotate(preview=Left("body", PREVIEW), file_count=Func(F("files"), function="jsonb_array_length", output_field=IntegerField()))
    if after:
        at, pk = after
        rows = rows.filter(Q(received_at__lt=at) | Q(received_at=at, pk__lt=pk))
    found = list(rows.order_by("-received_at", "-pk")[: PAGE + 1])
    shown = _with_reachable(found[:PAGE], user)
    last = shown[-1] if shown else None
    return UnsortedPage(rows=shown, next_after=f"{last.received_at.timestamp():.6f}_{last.pk}" if last and len(found) > PAGE else "")


def unsorted_one(*, user: User, pk: int) -> UnsortedMessage | None:
    """One message with its text and the names of its files; None where the user may not see it."""
    row = UnsortedMessage.objects.visible_to(user).select_related("account", "contact", "ticket", "decided_by").filter(pk=pk).first()
    return _with_reachable([row], user)[0] if row else None


def accounts_for(*, user: User, words: str) -> list[Account]:
    """Accounts of the user's book by name, for choosing whose a message is."""
    if not words.strip():
        return []
    return list(Account.objects.visible_to(user).filter(name_search__contains=search_key(words)).select_related("segment").order_by("name_sort", "pk")[:FOUND])


def _with_reachable(rows: list[UnsortedMessage], user: User) -> list[UnsortedMessage]:
    """Tells each row what of its suggestion the user may take: `may_account`, `may_ticket`, `may_at_once` (without reading it first)."""
    accounts = set(Account.objects.visible_to(user).filter(pk__in={row.account_id for row in rows if row.account_id}).values_list("pk", flat=True))
    tickets = set(Ticket.objects.changeable_by(user).filter(pk__in={row.ticket_id for row in rows if row.ticket_id}, deleted_at__isnull=True).values_list("pk", flat=True))
    for row in rows:
        told: Any = row
        told.may_account, told.may_ticket = row.account_id in accounts, row.ticket_id in tickets
        # whoever is not on the ticket is looked at before the message goes there
        told.may_at_once = told.may_ticket and row.why != Why.OTHER_PERSON
        told.becomes_contact = bool(row.sender_address) and row.why != Why.AUTOMATIC
        told.explained = explained(row)
    return rows


def explained(row: UnsortedMessage) -> str:
    """Why the message waits, in a sentence that says what to look at."""
    sentences = {
        Why.STRANGER: _("No contact has this address. If it is a customer's, open a ticket; the sender becomes a contact."),
        Why.OTHER_PERSON: _("It was sent to the ticket below by somebody who is no contact of its account. Make sure who it is before you put it there."),
        Why.AUTOMATIC: _("A machine wrote it: an out-of-office note, a bounce, a mailing list. Nothing was opened or changed, and nothing was answered."),
        Why.LOOP: _("More than ten mails came from the same address, or to the same ticket, within ten minutes. They wait here so that two machines do not talk to each other."),
        Why.TOO_LARGE: _("It is larger than a ticket takes. What fits is kept here; the list below names what was left out."),
        Why.MERGED: _("It was sent to a ticket that was merged into another."),
        Why.FINISHED: _("It was sent to a ticket that takes no more replies: it is spam, or was deleted."),
        Why.UNREADABLE: _("It could not be read as a message. What came is shown as it is."),
        Why.UNKNOWN_STATE: _("The other system told a state that has no counterpart here."),
        Why.UNPLACED: _("It is not clear whose it is: a contact of several accounts, or marked as spam on its way."),
    }
    return sentences.get(Why(row.why), "") if row.why in Why.values else ""
