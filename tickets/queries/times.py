"""How long things took on one ticket, for its page and the API."""

from __future__ import annotations

from django.db.models import Q

from tickets.actions.clocks import Promises
from tickets.models import Ticket, TicketChange
from tickets.models.tickets import ActorKind
from tickets.times import Log, Times, times

_KINDS = (TicketChange.Kind.STATUS, TicketChange.Kind.PUBLIC_REPLY)


def ticket_times(ticket: Ticket, promises: Promises | None = None) -> Times:
    """The lengths of a ticket, worked out from its log as it stands (at most five queries).

    A merged ticket's replies and its opening count for the survivor, as in the figures; its states are its own.
    """
    merged = list(Ticket.objects.filter(merged_into=ticket, spam=False, test=False, deleted_at__isnull=True).values_list("opened_at", "first_replied_at"))
    opened_at = min([ticket.opened_at, *(opened for opened, _replied in merged)])
    log = TicketChange.objects.filter(Q(ticket=ticket) | Q(ticket__merged_into=ticket, kind=TicketChange.Kind.PUBLIC_REPLY), kind__in=_KINDS).order_by("occurred_at", "id")
    moves, replies, logged = [], [], False
    for owner, kind, at, actor_kind, before, after in log.values_list("ticket", "kind", "occurred_at", "actor_kind", "value_before", "value"):
        if kind == TicketChange.Kind.STATUS:
            moves += [(at, before, after)] if owner == ticket.pk else []
        elif actor_kind == ActorKind.AGENT:
            logged = True
            # the comment by which an agent opened a ticket is no reply to it
            replies += [at] if ticket.created_by_kind != ActorKind.AGENT or at > ticket.opened_at else []
    if not logged:
        replies = [at for at in (ticket.first_replied_at, *(replied for _opened, replied in merged)) if at]
    told = Log(
        opened_at=opened_at, status=ticket.status, first_replied_at=min(replies, default=None), moves=moves, resolved_at=ticket.solved_at or ticket.closed_at,
        reopened=ticket.reopened_at is not None,
    )  # fmt: skip
    return times(told, hours=(promises or Promises()).hours(opened_at))
