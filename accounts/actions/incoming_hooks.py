"""Senders of webhooks: their secrets, and which of our rows the objects are that they speak of."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from accounts.actions.contacts import change_contact, create_contact
from accounts.actions.customers import change_account, create_account
from accounts.collation import search_key
from accounts.models import Account, Contact, IncomingHook, OutsideObject, User
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from accounts.roles import Role

Kind = OutsideObject.Kind
SOURCE = "hook:"
# the row of a hook is not written at each of two hundred calls a second
NOTED_EVERY = dt.timedelta(seconds=30)


def new_secret() -> str:
    """A secret as Standard Webhooks writes them: 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def set_secret(*, hook: IncomingHook, secret: str = "") -> str:
    """Gives the hook a secret (a new one where none is given); the one before is accepted still. Returns it."""
    hook.previous_secret, hook.secret = hook.secret, secret or new_secret()
    if hook.pk:
        hook.save(update_fields=["secret", "previous_secret"])
    return hook.secret


def drop_previous(*, hook: IncomingHook) -> None:
    """Ends the secret before."""
    hook.previous_secret = ""
    hook.save(update_fields=["previous_secret"])


def open_hooks(name: str = "", *, proof: str = "") -> list[IncomingHook]:
    """The hooks that a call may come from: the active one of this name (and `proof`), or without a name all with the proof, a standard signature unless one is said."""
    rows = IncomingHook.objects.filter(active=True, acts_for__is_active=True).select_related("acts_for")
    if name:
        rows = rows.filter(name=name)
    return list(rows.filter(proof=proof or IncomingHook.Proof.STANDARD) if proof or not name else rows)


def note_received(*, hook: IncomingHook, now: dt.datetime) -> None:
    """Notes that something came, twice a minute at most."""
    stale = Q(last_received_at=None) | Q(last_received_at__lt=now - NOTED_EVERY)
    IncomingHook.objects.filter(stale, pk=hook.pk).update(last_received_at=now)


# ── which row an object is ──────────────────────────────────────────────────


@dataclass(frozen=True)
class Telling:
    """One event of a source: `at` and `event` order it among others, `user` is for whom it acts."""

    source: str
    prefix: str
    event: str
    at: dt.datetime
    received_at: dt.datetime
    user: User
    now: dt.datetime

    def ours(self, external_id: str) -> str:
        """The external id of a row that this source makes; without a prefix that of the source itself."""
        start = f"{self.prefix}:" if self.prefix else ""
        return f"{start}{external_id}" if len(external_id) <= 160 else f"{start}{hashlib.sha256(external_id.encode()).hexdigest()}"


@dataclass(frozen=True)
class Company:
    """What a source says of the company that something belongs to; any part may be empty."""

    external_id: str = ""
    own_id: str = ""
    name: str = ""
    domain: str = ""


def outside(telling: Telling, kind: str, external_id: str) -> OutsideObject:
    """What is known of an object of a source, locked until the transaction ends."""
    key = {"source": telling.source, "kind": kind, "external_id": external_id[:200]}
    OutsideObject.objects.bulk_create([OutsideObject(**key)], ignore_conflicts=True)
    return OutsideObject.objects.select_for_update().get(**key)


def fresh_of(known: OutsideObject, telling: Telling, fields: dict[str, Any]) -> dict[str, Any]:
    """Those of the fields that no newer event told; they are noted.

    Each field has its own newest event, so that an older event that arrives late still brings what only it told.
    The same event again counts as newest.
    """
    stamp = [telling.at.isoformat(), telling.event]
    told: dict[str, Any] = known.told.setdefault("fields", {})
    fresh = {name: value for name, value in fields.items() if name not in told or stamp >= told[name][:2]}
    told.update({name: [*stamp, _mark(value)] for name, value in fresh.items()})
    return fresh


def _mark(value: Any) -> str:
    """What is enough to see that a value is another: the value itself may be personal, and stands where it can be erased."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:16]


def news(known: OutsideObject, telling: Telling, fields: dict[str, Any]) -> dict[str, Any]:
    """Those of the fresh fields that the source has changed since it told them before: what people changed here stays until then."""
    before = {name: told[2] for name, told in known.told.get("fields", {}).items()}
    return {name: value for name, value in fresh_of(known, telling, fields).items() if name not in before or before[name] != _mark(value)}


def keep_told(known: OutsideObject, telling: Telling) -> None:
    """Saves what is known of the object, and its newest event."""
    if known.told_at is None or (telling.at, telling.event) >= (known.told_at, known.event):
        known.told_at, known.event = telling.at, telling.event
    known.save()


def accounts_of(user: User) -> QuerySet[Account]:
    """The accounts that a hook may speak of: those its user may change, for agents those they see."""
    return Account.objects.visible_to(user) if user.role == Role.AGENT else Account.objects.changeable_by(user)


def account_of(telling: Telling, company: Company, *, address: str = "") -> Account | None:
    """The account of a company: by the id at the source, by its own id, by name, by domain; else by the domain of an address.

    A name or domain that fits several accounts fits none.
    """
    accounts = accounts_of(telling.user)
    if company.external_id:
        known = OutsideObject.objects.filter(source=telling.source, kind=Kind.ACCOUNT, external_id=company.external_id[:200]).values_list("row_id", flat=True).first()
        ids = [telling.ours(company.external_id)] + ([company.own_id] if company.own_id else [])
        found = list(accounts.filter(Q(pk=known or 0) | Q(external_id__in=ids))[:3])
        if found:
            return min(found, key=lambda row: (row.pk != known, row.external_id != ids[0]))
    if company.own_id and (own := accounts.filter(external_id=company.own_id).first()):
        return own
    if company.name:
        folded = search_key(company.name)[:400]
        named = list(accounts.filter(name_search=folded)[:2])
        if len(named) == 1:
            return named[0]
    for domain in (company.domain, address.rpartition("@")[2]):
        if domain:
            of_domain = list(accounts.filter(domain__iexact=domain)[:2])
            if len(of_domain) == 1:
                return of_domain[0]
    return None


def contact_of(telling: Telling, *, external_id: str, own_id: str, email: str, account: Account | None) -> Contact | None:
    """The contact a source speaks of: by its id there, by its own id, by address; one address at several accounts needs the account."""
    contacts = Contact.objects.filter(account__in=accounts_of(telling.user).values("pk"))
    if external_id:
        known = OutsideObject.objects.filter(source=telling.source, kind=Kind.CONTACT, external_id=external_id[:200]).values_list("row_id", flat=True).first()
        if known and (found := contacts.filter(pk=known).first()):
            return found
        if found := contacts.filter(external_id=telling.ours(external_id)).first():
            return found
    if own_id and (found := contacts.filter(external_id=own_id).first()):
        return found
    if not email:
        return None
    of_address = list(contacts.filter(email=normalise_email(email)).order_by("pk")[:50])
    if account is not None:
        return next((row for row in of_address if row.account_id == account.pk), None)
    return of_address[0] if len({row.account_id for row in of_address}) == 1 else None


def _valid(row: Contact, fields: dict[str, str]) -> dict[str, str]:
    """The fields that the model takes; what it does not is left out."""
    kept = {}
    for name, value in fields.items():
        column: Any = Contact._meta.get_field(name)
        try:
            kept[name] = column.clean(value, row)
        except ValidationError:
            continue
    return kept


def tell_contact(telling: Telling, *, external_id: str, fields: dict[str, str], contact: Contact | None, account: Account | None, master: bool) -> tuple[Contact | None, bool]:
    """Makes a contact or keeps it up to date; returns it (None where there is no account for it) and whether it is new.

    `master` is set where the source speaks of the person itself. Otherwise a ticket only names somebody, and
    names only whom this source made. Only the newest telling changes what is there.
    """
    key = external_id or normalise_email(fields.get("email", ""))
    known = outside(telling, Kind.CONTACT, key)
    new = False
    if contact is None:
        if account is None:
            return None, False
        blank = Contact(account=account, language=account.language, time_zone=account.time_zone)
        values = {"language": account.language, "time_zone": account.time_zone, **_valid(blank, _spelled(fields))}
        own = {"external_id": telling.ours(external_id)} if external_id else {}
        contact = create_contact(fields={"account": account, **own, **values}, actor=telling.user, now=telling.now, origin=Origin.WEBHOOK)
        known.made = new = True
        news(known, telling, _spelled(fields))
    elif master or known.made:
        differing = {name: value for name, value in _valid(contact, news(known, telling, _spelled(fields))).items() if value}
        if contact.imported_unconfirmed or differing:
            change_contact(contact_id=contact.pk, fields=differing, actor=None, now=telling.now, origin=Origin.WEBHOOK)
    known.row_id = contact.pk
    keep_told(known, telling)
    return contact, new


def _spelled(fields: dict[str, str]) -> dict[str, str]:
    return {name: normalise_email(value) if name == "email" else value for name, value in fields.items() if value}


def tell_account(telling: Telling, *, external_id: str, own_id: str, name: str, domain: str = "") -> tuple[Account, bool]:
    """Makes an account or keeps the name of one that this source made; returns it and whether it is new.

    An account that is known by its own id keeps the name it has here.
    """
    known = outside(telling, Kind.ACCOUNT, external_id)
    accounts, new = accounts_of(telling.user), False
    ids = [telling.ours(external_id), *([own_id] if own_id else [])]
    found = list(accounts.filter(Q(pk=known.row_id or 0) | Q(external_id__in=ids))[:3])
    account = min(found, key=lambda row: (row.pk != known.row_id, row.external_id != ids[0])) if found else None
    fields = {key: value for key, value in (("name", name[:200]), ("domain", domain[:253])) if value}
    if account is None:
        account = create_account(fields={"external_id": ids[0], **fields}, actor=telling.user, now=telling.now, origin=Origin.WEBHOOK)
        known.made = new = True
        news(known, telling, fields)
    elif known.made and (differing := news(known, telling, fields)):
        account = change_account(account_id=account.pk, fields=differing, actor=None, now=telling.now, origin=Origin.WEBHOOK)
    known.row_id = account.pk
    keep_told(known, telling)
    return account, new
