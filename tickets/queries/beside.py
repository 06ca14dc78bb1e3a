"""What stands beside a ticket: the customer's last answers, the work that is open, the people."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.models import AccountEvent, Contact, User, Verbatim, WorkItem
from tickets.models import Ticket, TicketCopy, TicketWork

ANSWERS = 4
# answers looked at to find those that are not of one and the same response
EVENTS = 40
WORK = 6
PEOPLE = 200
_KINDS = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}


@dataclass(frozen=True)
class Answer:
    """One answer of the customer: the score on its scale, what was written, by whom."""

    at: dt.datetime
    kind: str
    score: Any
    scale_max: Any
    group: str
    ticket: Any
    comment: str
    contact: Contact | None

    @property
    def tone(self) -> str:
        """What the score means, as bands are called in the stylesheet; empty in the middle and where nobody said."""
        return {"promoter": "good", "high": "good", "detractor": "risk", "low": "risk"}.get(self.group, "")


def last_answers(ticket: Ticket, user: User) -> tuple[list[Answer], Answer | None]:
    """The account's latest answers, one a response, newest first; and the one that rates this ticket.

    Two queries: the events that surveys left, and the texts to them. Suspect answers are left out.
    """
    events = AccountEvent.objects.visible_to(user).filter(account=ticket.account_id, kind="survey.answered").select_related("contact")
    found: dict[str, AccountEvent] = {}
    for event in events.order_by("-occurred_at", "-id")[:EVENTS]:
        if not event.payload.get("is_suspect"):
            found.setdefault(str(event.payload.get("response") or event.pk), event)
    own = next((key for key, event in found.items() if _rates(event, ticket)), None)
    if own is None and ticket.rating is not None:
        # an answer of long ago, or one about a ticket that was merged into this one
        names = [name for row in Ticket.objects.filter(Q(pk=ticket.pk) | Q(merged_into=ticket)).values_list("pk", "external_id") for name in (row[0], str(row[0]), row[1])]
        rates = events.filter(payload__ticket__in=names, payload__survey_kind="csat").exclude(payload__contains={"is_suspect": True})
        earlier = rates.order_by("-occurred_at", "-id").first()
        if earlier is not None:
            own = str(earlier.payload.get("response") or earlier.pk)
            found[own] = earlier
    shown = [key for key in found if key != own][:ANSWERS]
    wanted = [*shown, *([own] if own else [])]
    texts = dict(Verbatim.objects.visible_to(user).filter(source=Verbatim.Source.ANSWER, subject_id__in=wanted).values_list("subject_id", "text")) if wanted else {}
    return [_answer(found[key], texts.get(key, "")) for key in shown], _answer(found[own], texts.get(own, "")) if own else None


def _rates(event: AccountEvent, ticket: Ticket) -> bool:
    about = event.payload.get("ticket")
    return about is not None and event.payload.get("survey_kind") == "csat" and str(about) in {str(ticket.pk), ticket.external_id}


def _answer(event: AccountEvent, comment: str) -> Answer:
    told = event.payload
    kind = str(told.get("survey_kind") or told.get("survey") or "")
    return Answer(
        at=event.occurred_at, kind=_KINDS.get(kind, kind), score=told.get("score"), scale_max=told.get("scale_max"), group=str(told.get("group") or ""),
        ticket=told.get("ticket"), comment=comment, contact=event.contact,
    )  # fmt: skip


def open_work(ticket: Ticket, user: User) -> list[WorkItem]:
    """Open and sleeping work of the account, the next due first."""
    return list(WorkItem.objects.visible_to(user).open().filter(account=ticket.account_id).select_related("owner").order_by("due_at", "pk")[:WORK])


def work_of(ticket: Ticket) -> list[TicketWork]:
    """The work this ticket is linked with, in the order it was linked."""
    return list(TicketWork.objects.filter(ticket=ticket).select_related("work_item__owner").order_by("pk")[:20])


def tickets_of_work(item: WorkItem, user: User) -> list[TicketWork]:
    """The tickets that a work item is linked with and the user may see."""
    rows = TicketWork.objects.visible_to(user).filter(work_item=item, ticket__deleted_at__isnull=True)
    return list(rows.select_related("ticket", "ticket__merged_into", "ticket__assignee").order_by("pk")[:20])


def copies_of(ticket: Ticket) -> list[TicketCopy]:
    """Who reads along, in the order they were added."""
    return list(TicketCopy.objects.filter(ticket=ticket).select_related("contact").order_by("pk"))


def people_of(ticket: Ticket, user: User) -> list[Contact]:
    """The people of the account by name, at most 200."""
    return list(Contact.objects.visible_to(user).filter(account=ticket.account_id).order_by("name_sort", "pk")[:PEOPLE])
