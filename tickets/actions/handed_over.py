"""Work that was handed over to support: read from its event, made a ticket once, and given back when that is solved."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction
from django.utils import translation

from accounts import sentences
from accounts.actions.work_support import come_back
from accounts.models import AccountEvent, WorkItem
from tickets.actions.messages import write_message
from tickets.actions.tickets import open_ticket
from tickets.models import TicketWork
from tickets.models.tickets import ActorKind, Channel

BATCH = 200
# the ticket of an event carries its number, so that it is opened once
_NAME = "work-handed-over:"
_NEW = """
SELECT e.id FROM accounts_accountevent e WHERE e.kind = 'work.handed_over' AND {window} AND e.recorded_at <= %(now)s
  AND NOT EXISTS (SELECT FROM tickets_ticket t WHERE t.external_id = 'work-handed-over:' || e.id)
  AND EXISTS (SELECT FROM accounts_workitem w WHERE w.id = (e.payload->>'work_item')::bigint AND w.with_support_since = e.occurred_at)
ORDER BY e.occurred_at, e.id LIMIT %(limit)s
"""
_RECENT, _WIDE = "e.recorded_at > %(since)s", "e.occurred_at > %(since)s"
# work with support, all of whose tickets are settled, merged away or gone; read by `work_with_support`
_SETTLED = """
SELECT w.id FROM accounts_workitem w WHERE w.with_support_since IS NOT NULL AND w.status = 'snoozed'
  AND EXISTS (SELECT FROM tickets_ticketwork l WHERE l.work_item_id = w.id AND NOT l.ticket_first AND l.created_at >= w.with_support_since)
  AND NOT EXISTS (SELECT FROM tickets_ticketwork l JOIN tickets_ticket t ON t.id = l.ticket_id WHERE l.work_item_id = w.id AND NOT l.ticket_first
                  AND t.status IN ('new', 'open', 'pending', 'on_hold') AND t.deleted_at IS NULL AND t.merged_into_id IS NULL)
ORDER BY w.id LIMIT %(limit)s
"""


def open_handed_over(*, since: dt.datetime, now: dt.datetime, wide: bool = False) -> int:
    """Opens a ticket for work handed over since (recorded, or with `wide` happened); returns how many. Safe to run twice and at once."""
    with connection.cursor() as cursor:
        cursor.execute(_NEW.format(window=_WIDE if wide else _RECENT), {"since": since, "now": now, "limit": BATCH})
        ids = [row[0] for row in cursor.fetchall()]
    return sum(_open(pk, now) for pk in ids)


def _open(event_id: int, now: dt.datetime) -> bool:
    with transaction.atomic():
        event = AccountEvent.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("actor").filter(pk=event_id).first()
        if event is None:
            return False
        item = WorkItem.objects.filter(pk=event.payload["work_item"], with_support_since__isnull=False).select_related("account").first()
        if item is None:
            return False
        with translation.override(event.actor.language if event.actor else "en"):
            subject, why = item.title or item.get_type_display(), sentences.say(item.why)
        ticket, new = open_ticket(
            account_id=item.account_id, subject=subject[:200], contact_id=item.contact_id, channel=Channel.WEB, created_by_kind=ActorKind.AGENT, actor=event.actor,
            now=now, external_id=f"{_NAME}{event_id}",
        )  # fmt: skip
        if new:
            text = "\n\n".join(part for part in (item.snooze_reason, why) if part) or subject
            # for support alone: nothing of it is the customer's to read
            write_message(ticket, text=text, at=now, public=False, author_kind=ActorKind.AGENT, author=event.actor)
            TicketWork.objects.get_or_create(ticket=ticket, work_item=item, defaults={"created_by": event.actor, "ticket_first": False})
    return new


def give_back(*, now: dt.datetime) -> int:
    """Brings work back to its owner whose tickets are all settled; returns how many items."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLED, {"limit": BATCH})
        ids = [row[0] for row in cursor.fetchall()]
    return sum(come_back(item_id=pk, now=now) for pk in ids)
