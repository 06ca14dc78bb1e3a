"""Creating and changing contacts. A refusal of surveys is kept until a newer consent takes it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import record_event
from accounts.actions.rows import Taken, assign, insert_or_lock, locked, save_changes
from accounts.models import Account, Contact, User
from accounts.models.events import Origin
from accounts.models.people import normalise_email

Fields = Mapping[str, Any]
# what rules may ask about a contact: who is at an account decides where the account belongs
RULE_COLUMNS = frozenset({"job_title", "role", "birth_year", "language", "country", "opted_out", "attributes"})


class RefusalStands(ValueError):
    """A contact refused surveys, and no consent given later takes it back."""


def create_contact(*, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP) -> Contact:
    """A new contact. Raises IntegrityError where the external id is taken."""
    with transaction.atomic():
        contact = Contact(**fields)
        contact.save(force_insert=True)
        mark_dirty([contact.account_id], reason="contact")
        _refused_from_the_start(contact, actor=actor, now=now, origin=origin)
    return contact


def change_contact(*, contact_id: int, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> Contact:
    """Changes what differs. Raises DoesNotExist, StaleVersion, RefusalStands."""
    with transaction.atomic():
        contact = locked(Contact, actor=actor, version=version, pk=contact_id)
        _change(contact, fields=fields, actor=actor, now=now, origin=origin)
    return contact


def put_contact(*, external_id: str, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> tuple[Contact, bool]:
    """Creates the contact or changes what differs; returns it and whether it is new.

    Raises Taken (also for a contact of another account than the one named), StaleVersion, RefusalStands.
    """
    values = {name: value for name, value in fields.items() if name != "external_id"}
    with transaction.atomic():
        if Contact.objects.filter(external_id=external_id).exists():
            contact = locked(Contact, actor=actor, version=version, external_id=external_id)
        else:
            contact, new = insert_or_lock(Contact(external_id=external_id, **values), actor=actor)
            if new:
                mark_dirty([contact.account_id], reason="contact")
                _refused_from_the_start(contact, actor=actor, now=now, origin=origin)
                return contact, True
        if values.pop("account", contact.account) != contact.account:
            raise Taken(external_id)
        _change(contact, fields=values, actor=actor, now=now, origin=origin)
    return contact, False


def _refused_from_the_start(contact: Contact, *, actor: User | None, now: dt.datetime, origin: str) -> None:
    if contact.opted_out:
        contact.opted_out_at = now
        contact.save(update_fields=["opted_out_at"])
        _tell_refusal(contact, actor=actor, now=now, origin=origin)


def _change(contact: Contact, *, fields: Fields, actor: User | None, now: dt.datetime, origin: str) -> None:
    refused_at = contact.opted_out_at if contact.opted_out else None
    values = dict(fields)
    if contact.imported_unconfirmed:
        # somebody now names the person on purpose
        values["imported_unconfirmed"] = False
    if "email" in values and values["email"] != contact.email:
        values["bounced_at"] = None
    differing = assign(contact, values)
    if not differing:
        return
    if "opted_out" in differing:
        if contact.opted_out:
            contact.opted_out_at = now
        elif contact.consent_at is None or (refused_at is not None and contact.consent_at <= refused_at) or contact.consent_at > now:
            raise RefusalStands
        else:
            contact.opted_out_at = None
        differing["opted_out_at"] = (refused_at, contact.opted_out_at)
    save_changes(contact, differing, now=now)
    if RULE_COLUMNS & differing.keys():
        mark_dirty([contact.account_id], reason="contact")
    if "opted_out" in differing and contact.opted_out:
        _tell_refusal(contact, actor=actor, now=now, origin=origin)


def _tell_refusal(contact: Contact, *, actor: User | None, now: dt.datetime, origin: str) -> None:
    record_event(
        account_id=contact.account_id, contact_id=contact.pk, kind="contact.unsubscribed", occurred_at=now, origin=origin,
        actor_id=actor.pk if actor else None, subject_type="contact", subject_id=str(contact.pk), payload={"scope": "all"},
    )  # fmt: skip


def contacts_by_address(*, wanted: Iterable[tuple[Account, str]], now: dt.datetime) -> dict[tuple[int, str], Contact]:
    """The contacts of (account, address) pairs; those that are not known are created.

    For facts that other systems send now: a contact that an import had made unconfirmed is confirmed by
    it. The keys are account ids and addresses as `normalise_email` spells them.
    """
    pairs = {(account.pk, normalise_email(address)): account for account, address in wanted}
    if not pairs:
        return {}
    with transaction.atomic():
        # accounts in one order: two requests that make the same contact wait for each other, never in a ring
        list(Account.objects.filter(pk__in={pk for pk, _address in pairs}).order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
        of_pairs = Q(account_id__in={pk for pk, _address in pairs}, email__in={address for _pk, address in pairs})
        known: dict[tuple[int, str], Contact] = {}
        made: set[int] = set()
        for contact in Contact.objects.filter(of_pairs).order_by("-pk"):
            known[contact.account_id, contact.email] = contact
        for pair, account in pairs.items():
            contact = known.get(pair)  # type: ignore[assignment]
            if contact is None:
                known[pair] = Contact.objects.create(account=account, email=pair[1], language=account.language, time_zone=account.time_zone)
                made.add(account.pk)
            elif contact.imported_unconfirmed:
                assign(contact, {"imported_unconfirmed": False})
                save_changes(contact, {"imported_unconfirmed": None}, now=now)
        mark_dirty(made, reason="contact")
    return {pair: known[pair] for pair in pairs}
