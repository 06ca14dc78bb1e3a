"""Opening tickets, moving them through their states, and what is said about them: who, how bad, what about.

Every function is one transaction: it locks the ticket, writes the change to the status log and
records the event. Asking for what is already so changes nothing and is no fault, so that a repeated
request of the API may be answered like the first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.actions.event_log import record_event
from accounts.actions.work_items import StaleVersion
from accounts.models import Contact, User
from accounts.models.events import Origin
from tickets.actions.clocks import Promises, set_clocks
from tickets.clock import elapsed
from tickets.models import Ticket, TicketChange, TicketCopy, TicketMessage
from tickets.models.tickets import ActorKind, Channel
from tickets.querysets import WORKS_TICKETS
from tickets.state import OPEN_STATES, State, check_move, is_reopening

__all__ = [
    "MergedAway",
    "StaleVersion",
    "assign",
    "escalate",
    "locked",
    "log_change",
    "mark_spam",
    "move_locked",
    "move_ticket",
    "open_ticket",
    "set_category",
    "set_contact",
    "set_severity",
]

Kind = TicketChange.Kind


class MergedAway(ValueError):
    """The ticket was merged into another one; work on that one (`.survivor_id`)."""

    def __init__(self, survivor_id: int):
        self.survivor_id = survivor_id
        super().__init__(f"The ticket was merged into #{survivor_id}.")


def locked(ticket_id: int, version: int | None) -> Ticket:
    """The ticket, locked until the transaction ends. Raises Ticket.DoesNotExist, StaleVersion, MergedAway."""
    ticket = Ticket.objects.select_for_update(of=("self",), no_key=True).select_related("account", "assignee").get(pk=ticket_id, deleted_at__isnull=True)
    if version is not None and ticket.version != version:
        raise StaleVersion
    if ticket.merged_into_id:
        raise MergedAway(ticket.merged_into_id)
    return ticket


def log_change(
    ticket: Ticket, kind: str, *, at: dt.datetime, actor: User | None, actor_kind: str, before: object = "", value: object = "", external_id: str | None = None
) -> TicketChange:
    """Writes one entry of the status log, within the caller's transaction."""
    named = {"external_id": external_id} if external_id else {}
    return TicketChange.objects.create(
        ticket=ticket, kind=kind, occurred_at=at, actor=actor, actor_kind=actor_kind,
        value_before=str(before if before is not None else "")[:200], value=str(value if value is not None else "")[:200], **named,
    )  # fmt: skip


def save(ticket: Ticket, *, now: dt.datetime) -> None:
    """Saves the ticket under its next version. Raises ValidationError."""
    ticket.full_clean(exclude=["account", "assignee", "merged_into"], validate_unique=False)
    ticket.version += 1
    ticket.updated_at = now
    ticket.save()


def record(ticket: Ticket, kind: str, *, at: dt.datetime, origin: str, actor: User | None, dedupe_key: str, payload: dict[str, Any]) -> None:
    """Records an event of the ticket; tickets outside every figure (spam, tests) tell the world nothing."""
    if ticket.spam or ticket.test:
        return
    record_event(
        account_id=ticket.account_id, contact_id=ticket.contact_id, kind=kind, occurred_at=at, origin=origin, actor_id=actor.pk if actor else None,
        subject_type="ticket", subject_id=str(ticket.pk), dedupe_key=dedupe_key, payload={"ticket": ticket.pk, **payload},
    )  # fmt: skip


def open_ticket(
    *,
    account_id: int,
    now: dt.datetime,
    subject: str = "",
    body: str = "",
    contact_id: int | None = None,
    category: str = "",
    channel: str = Channel.WEB,
    severity: int | None = None,
    opened_at: dt.datetime | None = None,
    created_by_kind: str = ActorKind.CUSTOMER,
    assignee: User | None = None,
    assignee_email: str = "",
    group: str = "",
    location: str = "",
    tags: Sequence[str] = (),
    test: bool = False,
    external_id: str | None = None,
    actor: User | None = None,
    origin: str = Origin.APP,
) -> tuple[Ticket, bool]:
    """Opens a ticket; one that is known by its external id is given back as it is.

    Returns the ticket and whether it is new. The first message is the customer's (or the agent's who
    opened it); it never counts as our first reply. Raises ValidationError.
    """
    at = opened_at or now
    with transaction.atomic():
        if external_id and (known := _known_ticket(external_id)):
            return known, False
        ticket = Ticket(
            account_id=account_id, contact_id=contact_id, subject=subject, category=category, channel=channel, severity=severity, status=State.NEW,
            created_by_kind=created_by_kind, assignee=assignee, assignee_email=assignee_email or (assignee.email if assignee else ""), group=group,
            location=location, opened_at=at, tags=list(tags), test=test, **({"external_id": external_id} if external_id else {}),
        )  # fmt: skip
        ticket.full_clean()
        set_clocks(ticket, now=now)
        ticket.save()
        log_change(ticket, Kind.CREATED, at=at, actor=actor, actor_kind=created_by_kind, value=State.NEW)
        if body.strip():
            author = actor if created_by_kind == ActorKind.AGENT else None
            TicketMessage.objects.create(
                ticket=ticket, public=True, author_kind=created_by_kind, author=author, contact_id=None if author else contact_id, body=body.strip(), written_at=at
            )
        if assignee:
            log_change(ticket, Kind.ASSIGNED, at=at, actor=actor, actor_kind=ActorKind.AGENT, value=assignee.email)
        payload = {"severity": severity, "channel": str(channel), "category": category}
        record(ticket, "ticket.opened", at=at, origin=origin, actor=actor, dedupe_key=f"ticket:{ticket.pk}", payload=payload)
    return ticket, True


def _known_ticket(external_id: str) -> Ticket | None:
    """The ticket of an external id; a second request of the same id waits here until the first is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"ticket:{external_id}"])
    return Ticket.objects.filter(external_id=external_id).first()


def move_locked(ticket: Ticket, *, to: str, at: dt.datetime, now: dt.datetime, actor: User | None, actor_kind: str, origin: str, external_id: str | None = None) -> bool:
    """Moves a locked ticket, in memory and in the log; the caller saves it. False where it stands there already.

    Raises ImpossibleMove, KeyError (no such state).
    """
    before = ticket.status
    if before == to:
        return False
    check_move(before, to)
    ticket.status = to
    if to == State.SOLVED:
        _solve(ticket, at=at, actor=actor, actor_kind=actor_kind)
    elif to == State.CLOSED:
        ticket.closed_at = at
    elif is_reopening(before, to):
        ticket.reopened_at, ticket.solved_at, ticket.closed_at = at, None, None
    log_change(ticket, Kind.STATUS, at=at, actor=actor, actor_kind=actor_kind, before=before, value=to, external_id=external_id)
    if to == State.SOLVED:
        _record_breach(ticket, "resolution", due_at=ticket.resolution_due_at, at=at, origin=origin)
    set_clocks(ticket, now=now)
    if to == State.SOLVED:
        payload = {
            "resolution": ticket.resolutions, "agent": ticket.assignee_id or (actor.pk if actor else None), "requester": ticket.contact_id,
            "person_replied": ticket.first_replied_at is not None, "severity": ticket.severity, "channel": ticket.channel,
            "category": ticket.category, "group": ticket.group,
        }  # fmt: skip
        record(ticket, "ticket.solved", at=at, origin=origin, actor=actor, dedupe_key=f"ticket:{ticket.pk}:{ticket.resolutions}", payload=payload)
    elif is_reopening(before, to):
        record(ticket, "ticket.reopened", at=at, origin=origin, actor=actor, dedupe_key=f"ticket:{ticket.pk}:{ticket.resolutions}", payload={"resolution": ticket.resolutions})
    return True


def _solve(ticket: Ticket, *, at: dt.datetime, actor: User | None, actor_kind: str) -> None:
    """What solving sets; whoever solves what nobody had taken has taken it."""
    ticket.solved_at, ticket.closed_at = at, None
    ticket.resolutions += 1
    if actor and actor_kind == ActorKind.AGENT and not ticket.assignee_id and not ticket.assignee_email:
        assign_locked(ticket, assignee=actor, at=at, actor=actor)


def _record_breach(ticket: Ticket, target: str, *, due_at: dt.datetime | None, at: dt.datetime, origin: str) -> None:
    """A promise that passed before the tick could say so."""
    if due_at is None or at <= due_at:
        return
    promises = Promises()
    level = promises.level(ticket.severity, ticket.account.segment_id)
    hours = promises.hours_of(level, ticket.opened_at) if level else None
    resolution = ticket.resolutions - 1 if target == "resolution" else ticket.resolutions
    record(
        ticket, "ticket.sla_breached", at=due_at, origin=origin, actor=None, dedupe_key=f"ticket:{ticket.pk}:{target}:{resolution}",
        payload={"target": target, "seconds_over": elapsed(due_at, at, hours=hours)},
    )  # fmt: skip


def note_first_reply(ticket: Ticket, *, at: dt.datetime, origin: str) -> None:
    """Keeps the earliest public reply of a person; in memory, the caller saves."""
    if ticket.first_replied_at is None or at < ticket.first_replied_at:
        if ticket.first_replied_at is None:
            _record_breach(ticket, "first_reply", due_at=ticket.first_reply_due_at, at=at, origin=origin)
        ticket.first_replied_at = at


def move_ticket(
    *,
    ticket_id: int,
    to: str,
    now: dt.datetime,
    actor: User | None = None,
    actor_kind: str = ActorKind.AGENT,
    origin: str = Origin.APP,
    occurred_at: dt.datetime | None = None,
    version: int | None = None,
    external_id: str | None = None,
) -> Ticket:
    """Moves a ticket to another state; to the state it has is nothing.

    Raises ImpossibleMove, KeyError (no such state), StaleVersion, MergedAway, Ticket.DoesNotExist;
    ValidationError where the move would lie before the ticket's opening.
    """
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        at = not_before_opening(ticket, occurred_at or now)
        if external_id and TicketChange.objects.filter(external_id=external_id).exists():
            return ticket
        if move_locked(ticket, to=to, at=at, now=now, actor=actor, actor_kind=actor_kind, origin=origin, external_id=external_id):
            save(ticket, now=now)
    return ticket


def not_before_opening(ticket: Ticket, at: dt.datetime) -> dt.datetime:
    """The instant as it came. Raises ValidationError where it lies before the ticket was opened."""
    if at < ticket.opened_at:
        raise ValidationError({"occurred_at": _("This lies before the ticket was opened.")})
    return at


def assign_locked(ticket: Ticket, *, assignee: User | None, at: dt.datetime, actor: User | None) -> bool:
    """Gives a locked ticket to a person (or to nobody), in memory and in the log. False where it is so already."""
    if ticket.assignee_id == (assignee.pk if assignee else None) and (assignee or not ticket.assignee_email):
        return False
    before = ticket.assignee.email if ticket.assignee else ticket.assignee_email
    ticket.assignee, ticket.assignee_email = assignee, assignee.email if assignee else ""
    log_change(ticket, Kind.ASSIGNED, at=at, actor=actor, actor_kind=ActorKind.AGENT, before=before, value=ticket.assignee_email)
    return True


def assign(*, ticket_id: int, assignee: User | None, now: dt.datetime, actor: User | None = None, version: int | None = None) -> Ticket:
    """Gives the ticket to somebody, or to nobody. Raises StaleVersion, MergedAway, Ticket.DoesNotExist, ValidationError (cannot work tickets)."""
    if assignee and (not assignee.is_active or assignee.role not in WORKS_TICKETS):
        raise ValidationError({"assignee": _("This person does not work on tickets.")})
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if assign_locked(ticket, assignee=assignee, at=now, actor=actor):
            save(ticket, now=now)
    return ticket


def set_severity(*, ticket_id: int, severity: int | None, now: dt.datetime, actor: User | None = None, version: int | None = None) -> Ticket:
    """Says how bad it is (1 to 4, None for unset); the promised times follow. Raises ValidationError, StaleVersion, MergedAway."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.severity != severity:
            log_change(ticket, Kind.SEVERITY, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=ticket.severity, value=severity)
            ticket.severity = severity
            set_clocks(ticket, now=now)
            save(ticket, now=now)
    return ticket


def set_category(*, ticket_id: int, category: str, now: dt.datetime, actor: User | None = None, version: int | None = None) -> Ticket:
    """Says what it is about. Raises ValidationError, StaleVersion, MergedAway."""
    category = category.strip()
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.category != category:
            log_change(ticket, Kind.CATEGORY, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=ticket.category, value=category)
            ticket.category = category
            save(ticket, now=now)
    return ticket


def set_contact(*, ticket_id: int, contact_id: int | None, now: dt.datetime, actor: User | None = None, version: int | None = None) -> Ticket:
    """Says who at the customer it concerns. Raises ValidationError for a person of another account, StaleVersion, MergedAway."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.contact_id != contact_id:
            addresses: dict[int | None, str] = dict(Contact.objects.filter(pk__in=[pk for pk in (ticket.contact_id, contact_id) if pk]).values_list("pk", "email"))
            before, after = addresses.get(ticket.contact_id, ""), addresses.get(contact_id, "")
            ticket.contact_id = contact_id
            log_change(ticket, Kind.CONTACT, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=before, value=after)
            # whose ticket it is gets every reply anyway
            TicketCopy.objects.filter(ticket=ticket, contact=contact_id).delete()
            save(ticket, now=now)
    return ticket


def escalate(*, ticket_id: int, now: dt.datetime, actor: User | None = None, escalated: bool = True, version: int | None = None) -> Ticket:
    """Marks the ticket as escalated (or takes the mark back). Raises StaleVersion, MergedAway."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.escalated != escalated:
            log_change(ticket, Kind.ESCALATED, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=_flag(not escalated), value=_flag(escalated))
            ticket.escalated = escalated
            save(ticket, now=now)
    return ticket


def mark_spam(*, ticket_id: int, now: dt.datetime, actor: User | None = None, spam: bool = True, version: int | None = None) -> Ticket:
    """Takes a ticket out of every figure as spam, and cancels it where it is open; `spam=False` takes the mark back. Raises StaleVersion, MergedAway."""
    with transaction.atomic():
        ticket = locked(ticket_id, version)
        if ticket.spam != spam:
            log_change(ticket, Kind.SPAM, at=now, actor=actor, actor_kind=ActorKind.AGENT, before=_flag(not spam), value=_flag(spam))
            ticket.spam = spam
            if spam and ticket.status in OPEN_STATES:
                move_locked(ticket, to=State.CANCELLED, at=now, now=now, actor=actor, actor_kind=ActorKind.AGENT, origin=Origin.APP)
            save(ticket, now=now)
    return ticket


def _flag(value: bool) -> str:
    return "true" if value else "false"
