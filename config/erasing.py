"""Forgetting a person everywhere, in one transaction; and finishing what could not be finished at once."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.erasure import begin_erasure, end_erasure, erase_in_accounts, person_of, unfinished_erasures
from accounts.models import Contact
from surveys.actions.erasure import erase_in_surveys
from tickets.actions.erasure import erase_in_tickets


def erase_contact(*, contact_id: int, source: str, now: dt.datetime) -> bool:
    """Forgets the person a contact is (and every contact with the same address); twice is once.

    `source` says who asked: link, admin or api. False where a mail to them is being sent this moment: then
    the sweep forgets its text too. Raises Contact.DoesNotExist.
    """
    with transaction.atomic():
        person = person_of(contact_id)
        begin_erasure(person=person, source=source, now=now)
        erase_in_tickets(person=person, now=now)
        erase_in_surveys(person=person, now=now)
        erase_in_accounts(person=person, now=now)
        return end_erasure(person=person, now=now)


def sweep_erasures(*, now: dt.datetime) -> int:
    """Finishes what was begun; returns how many people were forgotten now."""
    done = 0
    for contact_id in unfinished_erasures():
        try:
            done += erase_contact(contact_id=contact_id, source="", now=now)
        except Contact.DoesNotExist:
            continue
    return done
