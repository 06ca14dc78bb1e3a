"""What becomes of the facts that a map found: accounts, contacts, tickets and messages, each put where it belongs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from accounts.actions.inbound_events import CannotWork
from accounts.actions.incoming_hooks import Company, Telling, account_of, contact_of, tell_account, tell_contact
from accounts.models import Account, Contact, IncomingHook
from config.hooks.mapping import Fact
from config.hooks.ours import post
from config.hooks.transforms import EARLIEST
from tickets.actions.from_outside import NOBODY, keep_for_a_person, settle_kept, tell_message, tell_ticket, ticket_of
from tickets.models import Ticket, UnsortedMessage
from tickets.models.tickets import ActorKind, Channel, Severity
from tickets.state import MOVES

_OF_TICKET = ("subject", "category", "channel", "severity", "group", "tags", "opened_at", "first_text", "first_id", "first_author", "first")
_OF_CONTACT = ("email", "name", "job_title", "language", "time_zone", "country")


@dataclass
class Came:
    """What came of an event, in words; `made` counts new accounts, contacts and tickets, by which others may find their place."""

    notes: list[str] = field(default_factory=list)
    made: int = 0
    unplaced: list[dict[str, str]] = field(default_factory=list)
    ticket: Ticket | None = None

    def say(self, text: str) -> None:
        """Notes it."""
        self.notes.append(text)


def apply_facts(telling: Telling, hook: IncomingHook, facts: list[Fact]) -> Came:
    """Does what the facts of one event say. Raises CannotWork, ValidationError."""
    came = Came()
    for fact in facts:
        values = dict(fact.values)
        if fact.kind == "account.upsert":
            _account(telling, values, came)
        elif fact.kind == "contact.upsert":
            _contact(telling, values, came)
        elif fact.kind == "ticket.upsert":
            _ticket(telling, fact, came)
        elif fact.kind == "ticket.message":
            _message(telling, values, came)
        else:
            came.say(post(fact.kind, _plain(values), user=hook.acts_for, now=telling.now, event=telling.event))
    if came.unplaced:
        # one row an event: it says most where it says text
        row = max(came.unplaced, key=lambda entry: len(entry.get("text", "")))
        sender = " ".join(part for part in (row.get("name"), f"<{row['sender']}>" if row.get("sender") else "") if part)
        row["text"] = row.get("text") or " – ".join(part for part in (row.get("subject"), sender, row.get("ticket_id")) if part)
        keep_for_a_person(telling, why=UnsortedMessage.Why.UNPLACED, key=telling.event, **row)  # type: ignore[arg-type]
        came.say("no place was found for it: it waits for a person")
    else:
        settle_kept(telling, key=telling.event, ticket=came.ticket)
    return came


def _word(values: dict[str, Any], name: str) -> str:
    found = values.get(name)
    return "" if found is None or isinstance(found, (dict, list)) else str(found).strip()


def _company(values: dict[str, Any], start: str = "company_") -> Company:
    return Company(*(_word(values, f"{start}{name}") for name in ("id", "own_id", "name", "domain")))


def _needed(values: dict[str, Any], name: str, kind: str) -> str:
    found = _word(values, name)
    if not found:
        raise CannotWork(f"{kind}: {name} is expected")
    return found


def _account(telling: Telling, values: dict[str, Any], came: Came) -> None:
    external_id, name = (_needed(values, word, "account.upsert") for word in ("external_id", "name"))
    account, new = tell_account(telling, external_id=external_id, own_id=_word(values, "own_id"), name=name, domain=_word(values, "domain"))
    came.made += new
    came.say(f"account {account.external_id} {'made' if new else 'known'}")


def _contact(telling: Telling, values: dict[str, Any], came: Came) -> None:
    fields = {name: _word(values, name) for name in _OF_CONTACT if _word(values, name)}
    external_id = _word(values, "external_id")
    if not external_id and "email" not in fields:
        raise CannotWork("contact.upsert: external_id or email is expected")
    account, contact = _place(telling, values, contact_id=external_id, email=fields.get("email", ""), own_id=_word(values, "own_id"))
    if contact is None and account is None and not fields:
        came.say("a person who is not known here, and nothing told of them")
        return
    stored, new = tell_contact(telling, external_id=external_id, fields=fields, contact=contact, account=account, master=True)
    if stored is None:
        came.unplaced.append({"sender": fields.get("email", ""), "name": fields.get("name", ""), "subject": _word(values, "company_name")})
        return
    came.made += new
    came.say(f"contact {stored.external_id} {'made' if new else 'told'}")


def _place(telling: Telling, values: dict[str, Any], *, contact_id: str, email: str, own_id: str = "") -> tuple[Account | None, Contact | None]:
    """The account and the contact that something belongs to, as far as they are known."""
    company = account_of(telling, _company(values))
    contact = contact_of(telling, external_id=contact_id, own_id=own_id, email=email, account=company)
    if contact is not None:
        return contact.account, contact
    return company or account_of(telling, Company(), address=email), None


def _ticket(telling: Telling, fact: Fact, came: Came) -> None:
    values = dict(fact.values)
    external_id = _needed(values, "external_id", "ticket.upsert")
    if values.get("first"):
        telling = replace(telling, at=EARLIEST)
    email, name = _word(values, "contact_email"), _word(values, "contact_name")
    contact_id = _word(values, "contact_id")
    known = ticket_of(telling, external_id)
    account, contact = _place(telling, values, contact_id=contact_id, email=email)
    place = known.account if known else account
    if (contact is None or contact.account_id == getattr(place, "pk", None)) and (contact_id or email):
        told = {key: value for key, value in (("email", email), ("name", name)) if value}
        contact, new = tell_contact(telling, external_id=contact_id, fields=told, contact=contact, account=place if told else None, master=False)
        came.made += new
    ticket_values = {name: values[name] for name in _OF_TICKET if name in values}
    _refuse_strange_words(ticket_values)
    state = _word(values, "state")
    if state in MOVES:
        ticket_values["state"] = state
    elif state:
        fact.unknown["state"] = state
    if assignee := _word(values, "assignee_email"):
        ticket_values["assignee"] = assignee if assignee == NOBODY else assignee.lower()
    ticket, new = tell_ticket(telling, external_id=external_id, values=ticket_values, account_id=place.pk if place else None, contact=contact)
    if ticket is None:
        came.unplaced.append({"ticket_id": external_id, "sender": email, "name": name, "subject": _word(values, "subject"), "text": _word(values, "first_text")})
        return
    came.made += new
    came.ticket = ticket
    came.say(f"ticket #{ticket.pk} {'opened' if new else 'told'}")
    if "state" in fact.unknown:
        _unknown_state(telling, ticket, external_id, fact.unknown["state"], values, came)


def _refuse_strange_words(values: dict[str, Any]) -> None:
    """Leaves out what no ticket can have: another channel, a severity beside 1 to 4, tags that are none."""
    if values.get("channel") not in Channel.values:
        values.pop("channel", None)
    if values.get("severity") not in Severity.values:
        values.pop("severity", None)
    tags = values.pop("tags", None)
    if isinstance(tags, list):
        values["tags"] = sorted({str(tag).strip()[:80] for tag in tags if isinstance(tag, (str, int)) and str(tag).strip()})[:50]


def _unknown_state(telling: Telling, ticket: Ticket, external_id: str, state: str, values: dict[str, Any], came: Came) -> None:
    keep_for_a_person(
        telling, why=UnsortedMessage.Why.UNKNOWN_STATE, key=f"{external_id}:{state}", ticket=ticket, ticket_id=external_id, subject=ticket.subject, text=state,
        sender=_word(values, "contact_email"), name=_word(values, "contact_name"),
    )  # fmt: skip
    came.say(f"the state {state!r} is not known: the ticket keeps its own")


def _message(telling: Telling, values: dict[str, Any], came: Came) -> None:
    external_id, ticket_id = _needed(values, "external_id", "ticket.message"), _needed(values, "ticket", "ticket.message")
    author = _word(values, "author")
    text = _word(values, "text")
    ticket, new = tell_message(
        telling, ticket_id=ticket_id, external_id=external_id, text=text, author=author if author in ActorKind.values else ActorKind.CUSTOMER,
        public=values.get("public", True) is not False, written_at=values.get("written_at"), author_email=_word(values, "author_email"),
    )  # fmt: skip
    if ticket is None:
        came.unplaced.append({"ticket_id": ticket_id, "text": text, "sender": _word(values, "author_email")})
        return
    came.ticket = ticket
    came.say(f"message {'written' if new else 'known'} on #{ticket.pk}")


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """The values as JSON has them."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()}
