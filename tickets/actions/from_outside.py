"""Tickets that another system keeps: what it tells of them, in whatever order it arrives.

A source tells states, not moves, and its word on its own tickets stands: the table of moves is for people
here. What it told is kept in the order it happened (`OutsideObject.told`), and the log of the ticket is
worked out from that: so an event that comes late, or twice, leads to the same log and the same ticket.
What people did here stays in the log beside it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.db.models import Q

from accounts.actions.event_log import record_event
from accounts.actions.inbound_events import CannotWork
from accounts.actions.incoming_hooks import Kind as OutsideKind
from accounts.actions.incoming_hooks import Telling, keep_told, news, outside
from accounts.models import Contact, OutsideObject, User
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from tickets.actions.clocks import set_clocks
from tickets.actions.tickets import Kind, log_change, open_ticket, save
from tickets.models import Ticket, TicketChange, TicketMessage, UnsortedMessage
from tickets.models.tickets import ActorKind, Channel
from tickets.querysets import WORKS_TICKETS
from tickets.state import RESOLVED_STATES, State

# what the log speaks of -> the kind of its entries
_LOGGED = {"state": Kind.STATUS, "assignee": Kind.ASSIGNED, "severity": Kind.SEVERITY, "category": Kind.CATEGORY}
# plain columns: the newest telling of each stands
_PLAIN = ("subject", "group", "tags")
# what a message does to a state that the source itself does not tell
_REOPENS, _TAKES = "reopens", "takes"
MOST_STATEMENTS = 2000
NOBODY = "nobody"

Statement = list[Any]


def ticket_of(telling: Telling, external_id: str) -> Ticket | None:
    """The ticket of a source's id: its own, or the one that a person said it belongs to."""
    row_id = OutsideObject.objects.filter(source=telling.source, kind=OutsideKind.TICKET, external_id=external_id[:200]).values_list("row_id", flat=True).first()
    tickets = Ticket.objects.changeable_by(telling.user).filter(deleted_at__isnull=True).select_related("account", "assignee")
    found = tickets.filter(Q(pk=row_id) if row_id else Q(external_id=telling.ours(external_id))).first()
    if found is not None:
        return found
    placed = UnsortedMessage.objects.filter(source=telling.source, status=UnsortedMessage.Status.PLACED, ticket__isnull=False, headers__ticket=external_id)
    ticket_id = placed.order_by("-pk").values_list("ticket_id", flat=True).first()
    return tickets.filter(pk=ticket_id).first() if ticket_id else None


def tell_ticket(telling: Telling, *, external_id: str, values: dict[str, Any], account_id: int | None, contact: Contact | None) -> tuple[Ticket | None, bool]:
    """Opens the ticket or tells what changed; returns it (None where there is no account for it) and whether it is new.

    `values` are ours: subject, category, channel, severity, state, group, tags, assignee (an address or
    `nobody`), opened_at, first_text, first_id, first_author; `first` says that the event is the opening itself,
    older than whatever else is told. Raises ValidationError, CannotWork.
    """
    known = outside(telling, OutsideKind.TICKET, external_id)
    ticket, new = ticket_of(telling, external_id), False
    if ticket is None:
        if account_id is None:
            return None, False
        ticket, new = _open(telling, external_id=external_id, values=values, account_id=account_id, contact=contact), True
        known.made = True
    else:
        ticket = _locked(ticket)
    known.row_id = ticket.pk
    if ticket.merged_into_id:
        # the other ticket goes on; what this one was told later changes nothing
        return ticket, False
    _earlier_opening(known, ticket, telling, values)
    if contact is not None and contact.account_id == ticket.account_id and news(known, telling, {"contact": contact.pk}):
        ticket.contact = contact
    for name, value in news(known, telling, {name: values[name] for name in _PLAIN if values.get(name) is not None}).items():
        setattr(ticket, name, value)
    for name in _LOGGED:
        if values.get(name) not in (None, ""):
            _state_of(known, name, telling.at, telling.event, values[name])
    _first_message(known, ticket, telling, external_id=external_id, values=values)
    _retell(known, ticket, telling)
    keep_told(known, telling)
    return ticket, new


def tell_message(
    telling: Telling, *, ticket_id: str, external_id: str, text: str, author: str, public: bool, written_at: dt.datetime | None, author_email: str = ""
) -> tuple[Ticket | None, bool]:
    """Writes what was said on a ticket; returns the ticket (None where it is not known) and whether the message is new.

    A message stands as the event tells it that happened first. A customer's message opens a ticket again
    where the source tells no states; an agent's public one takes it into work. What is said on a ticket that
    was merged into another waits for a person.
    """
    ticket = ticket_of(telling, ticket_id)
    if ticket is None or not text.strip():
        return ticket, False
    if ticket.merged_into_id:
        why = UnsortedMessage.Why.MERGED
        return ticket, keep_for_a_person(telling, why=why, key=telling.ours(external_id), ticket=ticket.merged_into, ticket_id=ticket_id, subject=ticket.subject, text=text)
    known = outside(telling, OutsideKind.TICKET, ticket_id)
    ticket = _locked(ticket)
    known.row_id = ticket.pk
    at = max(ticket.opened_at, min(written_at or telling.at, telling.received_at))
    message = telling.ours(external_id)
    new = _say(known, ticket, telling, message=message, text=text, at=at, author=author, public=public, author_email=author_email)
    if new:
        kind = Kind.CUSTOMER_REPLY if author == ActorKind.CUSTOMER else Kind.PUBLIC_REPLY if public else Kind.INTERNAL_NOTE
        log_change(ticket, kind, at=at, actor=_agent(author_email, author), actor_kind=author, external_id=message)
    if public and not known.told.get("states_told") and author != ActorKind.BOT:
        _state_of(known, "state", at, f"{telling.event}#{external_id}", _REOPENS if author == ActorKind.CUSTOMER else _TAKES)
    _retell(known, ticket, telling)
    keep_told(known, telling)
    return ticket, new


def keep_for_a_person(
    telling: Telling, *, why: str, key: str, ticket: Ticket | None = None, ticket_id: str = "", subject: str = "", text: str = "", sender: str = "", name: str = ""
) -> bool:
    """Keeps what no rule may place, once a key, for a person to decide; returns whether it is new."""
    _row, new = UnsortedMessage.objects.get_or_create(
        source=telling.source, external_id=key[:200],
        defaults={
            "why": why, "ticket": ticket, "account": ticket.account if ticket else None, "sender_address": sender[:320], "sender_name": name[:200],
            "subject": subject[:500], "body": text, "headers": {"ticket": ticket_id} if ticket_id else {}, "received_at": telling.received_at,
        },
    )  # fmt: skip
    return new


def settle_kept(telling: Telling, *, key: str, ticket: Ticket | None) -> None:
    """Takes what waited for a person as placed, now that a place was found for it."""
    UnsortedMessage.objects.filter(source=telling.source, external_id=key[:200], why=UnsortedMessage.Why.UNPLACED, status=UnsortedMessage.Status.WAITING).update(
        status=UnsortedMessage.Status.PLACED, ticket=ticket, decided_at=telling.now
    )


def kept_unplaced(source: str, *, limit: int = 200) -> list[str]:
    """The ids of events of a source that wait for a place, the oldest first."""
    waiting = UnsortedMessage.objects.filter(source=source, why=UnsortedMessage.Why.UNPLACED, status=UnsortedMessage.Status.WAITING)
    return list(waiting.order_by("received_at", "pk").values_list("external_id", flat=True)[:limit])


# ── opening ─────────────────────────────────────────────────────────────────


def _locked(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_for_update(of=("self",), no_key=True).select_related("account", "assignee").get(pk=ticket.pk)


def _open(telling: Telling, *, external_id: str, values: dict[str, Any], account_id: int, contact: Contact | None) -> Ticket:
    author = values.get("first_author")
    ticket, new = open_ticket(
        account_id=account_id, contact_id=contact.pk if contact and contact.account_id == account_id else None, now=telling.now, subject=str(values.get("subject", ""))[:500],
        category=str(values.get("category", ""))[:120], channel=values.get("channel") or Channel.WEB, severity=values.get("severity"),
        opened_at=telling.received_at if values.get("first") and not values.get("opened_at") else min(values.get("opened_at") or telling.at, telling.received_at),
        created_by_kind=author if author in ActorKind.values else ActorKind.CUSTOMER, group=str(values.get("group", ""))[:120],
        external_id=telling.ours(external_id), origin=Origin.WEBHOOK,
    )  # fmt: skip
    if not new:
        raise CannotWork("the ticket is there, but not among those that the hook's user may work on")
    return _locked(ticket)


def _earlier_opening(known: OutsideObject, ticket: Ticket, telling: Telling, values: dict[str, Any]) -> None:
    """A ticket that this source made was opened no later than the earliest that was told of it."""
    earliest = min(values.get("opened_at") or telling.at, telling.received_at)
    if not known.made or (values.get("first") and not values.get("opened_at")) or earliest >= ticket.opened_at:
        return
    ticket.opened_at = earliest
    ticket.changes.filter(kind=Kind.CREATED).update(occurred_at=earliest)


def _first_message(known: OutsideObject, ticket: Ticket, telling: Telling, *, external_id: str, values: dict[str, Any]) -> None:
    """What the ticket was opened with; it is no reply."""
    text = str(values.get("first_text") or "")
    if not text.strip() or not known.made:
        return
    author = values.get("first_author")
    author = author if author in ActorKind.values else ActorKind.CUSTOMER
    message = telling.ours(str(values.get("first_id") or f"{external_id}:first"))
    _say(known, ticket, telling, message=message, text=text, at=ticket.opened_at, author=author, public=True)


# ── what was said ───────────────────────────────────────────────────────────


def _say(known: OutsideObject, ticket: Ticket, telling: Telling, *, message: str, text: str, at: dt.datetime, author: str, public: bool, author_email: str = "") -> bool:
    """Writes a message unless it is there; of two tellings of one the earlier stands. Returns whether it is new."""
    said: dict[str, Any] = known.told.setdefault("said", {})
    stamp = [telling.at.isoformat(), telling.event]
    text = text.replace("\r\n", "\n").strip()
    stored = TicketMessage.objects.filter(external_id=message).first()
    if stored is not None:
        if message in said and stamp < said[message]:
            said[message] = stamp
            if stored.ticket_id == ticket.pk and (stored.body, stored.written_at) != (text, at):
                TicketMessage.objects.filter(pk=stored.pk).update(body=text, written_at=at)
                TicketChange.objects.filter(external_id=message).update(occurred_at=at)
        return False
    said[message] = stamp
    agent = _agent(author_email, author)
    row = TicketMessage(
        ticket=ticket, external_id=message, public=public, author_kind=author, author=agent, contact_id=ticket.contact_id if author == ActorKind.CUSTOMER else None,
        body=text, written_at=at,
    )  # fmt: skip
    row.full_clean(exclude=["ticket"])
    row.save()
    return True


def _agent(address: str, author: str) -> User | None:
    if not address or author != ActorKind.AGENT:
        return None
    return User.objects.filter(email=normalise_email(address), role__in=WORKS_TICKETS).first()


# ── the log, worked out from what was told ──────────────────────────────────


def _state_of(known: OutsideObject, name: str, at: dt.datetime, event: str, value: Any) -> None:
    """Notes that at an instant something was so; of one event and one thing the last word stands."""
    if name == "state" and value not in {_REOPENS, _TAKES}:
        known.told["states_told"] = True
    statements: list[Statement] = known.told.setdefault(name, [])
    statements[:] = [entry for entry in statements if entry[1] != event]
    statements.append([at.isoformat(), event, value])
    statements.sort(key=lambda entry: (dt.datetime.fromisoformat(entry[0]), entry[1]))
    del statements[:-MOST_STATEMENTS]


def _turns(statements: list[Statement], *, opened_at: dt.datetime, first: Any) -> list[tuple[dt.datetime, str, Any]]:
    """The statements that changed something: (instant, event, value). Of several of one instant the last stands."""
    by_instant: dict[dt.datetime, tuple[str, Any]] = {}
    states_told = any(value not in {_REOPENS, _TAKES} for _at, _event, value in statements)
    for at, event, value in statements:
        if states_told and value in {_REOPENS, _TAKES}:
            continue
        by_instant[max(opened_at, dt.datetime.fromisoformat(at))] = (event, value)
    turns, before = [], first
    for at, (event, value) in sorted(by_instant.items()):
        now_so = _meant(value, before)
        if now_so != before:
            turns.append((at, event, now_so))
            before = now_so
    return turns


def _meant(value: Any, before: Any) -> Any:
    """A statement as a value: replies move a state only where it waited for them; a ticket never becomes new again."""
    if value == _REOPENS:
        return State.OPEN if before in RESOLVED_STATES | {State.PENDING} else before
    if value == _TAKES:
        return State.OPEN if before == State.NEW else before
    return State.OPEN if value == State.NEW and before != State.NEW else value


_FIRST = {"state": State.NEW, "assignee": NOBODY, "severity": None, "category": None}


def _retell(known: OutsideObject, ticket: Ticket, telling: Telling) -> None:
    """Brings the log in line with what was told, and the ticket with its log."""
    for name, kind in _LOGGED.items():
        if name in known.told:
            _rewrite(ticket, kind, _turns(known.told[name], opened_at=ticket.opened_at, first=_FIRST[name]), telling)
    log = list(ticket.changes.order_by("occurred_at", "id"))
    _say_what_stood_before(log)
    before: dict[str, Any] = dict(Ticket.objects.values().get(pk=ticket.pk))
    told = _from_log(ticket, log)
    set_clocks(ticket, now=telling.now)
    differing = {field.attname for field in Ticket._meta.concrete_fields if getattr(ticket, field.attname) != before[field.attname]}
    if differing - {"clocks_set_at", "subject_search"}:
        save(ticket, now=telling.now)
    for happened, resolution, at in told:
        _tell_the_world(ticket, happened, resolution=resolution, at=at, telling=telling)


def _rewrite(ticket: Ticket, kind: str, turns: list[tuple[dt.datetime, str, Any]], telling: Telling) -> None:
    """Makes the entries of this source in the log what the turns say; what nobody told any more goes."""
    prefix = f"{telling.prefix}:~{ticket.pk}:{kind}:"
    stored = {row.external_id: row for row in ticket.changes.filter(kind=kind, external_id__startswith=prefix)}
    for at, event, value in turns:
        key = f"{prefix}{event}" if len(event) <= 120 else f"{prefix}{hashlib.sha256(event.encode()).hexdigest()}"
        text = "" if value == NOBODY else str(value)
        row = stored.pop(key, None)
        if row is None:
            log_change(ticket, kind, at=at, actor=None, actor_kind=ActorKind.AGENT, value=text, external_id=key)
        elif (row.occurred_at, row.value) != (at, text):
            TicketChange.objects.filter(pk=row.pk).update(occurred_at=at, value=text[:200])
    if stored:
        TicketChange.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()


def _say_what_stood_before(log: list[TicketChange]) -> None:
    """Sets what stood before each entry, where an entry came between."""
    stood: dict[str, str] = {str(Kind.STATUS): State.NEW}
    kinds = {str(kind) for kind in _LOGGED.values()}
    for row in log:
        if row.kind not in kinds:
            continue
        before = stood.get(row.kind, "")
        if row.value_before != before and (row.kind in stood or not row.value_before):
            row.value_before = before
            TicketChange.objects.filter(pk=row.pk).update(value_before=before)
        stood[row.kind] = row.value


def _from_log(ticket: Ticket, log: list[TicketChange]) -> list[tuple[str, int, dt.datetime]]:
    """Sets the columns that the log tells, in memory; returns when it was solved and reopened: (kind, resolution, instant)."""
    last = {row.kind: row.value for row in log}
    replies = [row.occurred_at for row in log if row.kind == Kind.PUBLIC_REPLY and row.actor_kind == ActorKind.AGENT]
    if replies:
        # a ticket from elsewhere may have replies that no log tells of
        ticket.replies, ticket.first_replied_at = len(replies), min(replies)
    if Kind.SEVERITY in last:
        ticket.severity = int(last[Kind.SEVERITY]) if last[Kind.SEVERITY] else None
    if Kind.CATEGORY in last:
        ticket.category = last[Kind.CATEGORY][:120]
    if Kind.ASSIGNED in last:
        ticket.assignee_email = last[Kind.ASSIGNED]
        ticket.assignee = User.objects.filter(email=normalise_email(ticket.assignee_email), is_active=True, role__in=WORKS_TICKETS).first() if ticket.assignee_email else None
    if Kind.STATUS not in last:
        return []
    state, told = State.NEW, []
    ticket.solved_at = ticket.closed_at = ticket.reopened_at = None
    ticket.resolutions = 0
    for row in log:
        if row.kind != Kind.STATUS:
            continue
        was, state = state, row.value
        if state in RESOLVED_STATES and was not in RESOLVED_STATES:
            ticket.resolutions += 1
            ticket.solved_at = row.occurred_at
            told.append(("ticket.solved", ticket.resolutions, row.occurred_at))
        elif was in RESOLVED_STATES and state not in RESOLVED_STATES:
            ticket.reopened_at, ticket.solved_at = row.occurred_at, None
            told.append(("ticket.reopened", ticket.resolutions, row.occurred_at))
        ticket.closed_at = row.occurred_at if state == State.CLOSED else None
    ticket.status = state
    return told


def _tell_the_world(ticket: Ticket, kind: str, *, resolution: int, at: dt.datetime, telling: Telling) -> None:
    """Records an event once a resolution, as the pages do."""
    if ticket.spam or ticket.test:
        return
    payload: dict[str, Any] = {"ticket": ticket.pk, "resolution": resolution}
    if kind == "ticket.solved":
        payload |= {
            "agent": ticket.assignee_id, "requester": ticket.contact_id, "person_replied": ticket.first_replied_at is not None and ticket.first_replied_at <= at,
            "severity": ticket.severity, "channel": ticket.channel, "category": ticket.category, "group": ticket.group,
        }  # fmt: skip
    record_event(
        account_id=ticket.account_id, contact_id=ticket.contact_id, kind=kind, occurred_at=at, origin=Origin.WEBHOOK, actor_id=None,
        subject_type="ticket", subject_id=str(ticket.pk), dedupe_key=f"ticket:{ticket.pk}:{resolution}", payload=payload,
    )  # fmt: skip
