"""Asking customers to speak for us, and noting what they said. Who is asked too often stops speaking well."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.models import Account, AdvocateAsk, Contact, User

RESTS_DAYS = 90


class AskedLately(ValueError):
    """The customer was asked within the last 90 days; the day is in `asked_at`."""

    def __init__(self, asked_at: dt.datetime):
        self.asked_at = asked_at
        super().__init__(f"asked on {asked_at:%Y-%m-%d}")


def ask_advocate(*, account_id: int, kind: str, contact: Contact | None, actor: User, now: dt.datetime, all_the_same: bool = False) -> AdvocateAsk:
    """Notes that a customer was asked. Raises AskedLately unless `all_the_same`, ValueError for another account's contact or an unknown kind."""
    if kind not in AdvocateAsk.Kind.values:
        raise ValueError(kind)
    if contact is not None and contact.account_id != account_id:
        raise ValueError("the contact is another account's")
    with transaction.atomic():
        # one after the other: two people may think of the same customer
        Account.objects.select_for_update(no_key=True).get(pk=account_id)
        last = AdvocateAsk.objects.filter(account_id=account_id).order_by("-asked_at").first()
        if last is not None and last.asked_at > now - dt.timedelta(days=RESTS_DAYS) and not all_the_same:
            raise AskedLately(last.asked_at)
        return AdvocateAsk.objects.create(account_id=account_id, kind=kind, contact=contact, asked_at=now, asked_by=actor)


def note_answer(*, ask_id: int, answer: str, now: dt.datetime) -> AdvocateAsk:
    """Notes the answer: yes, no, given, or "" to take it back. Raises ValueError for any other."""
    if answer not in AdvocateAsk.Answer.values:
        raise ValueError(answer)
    with transaction.atomic():
        ask = AdvocateAsk.objects.select_for_update(no_key=True).get(pk=ask_id)
        ask.answer, ask.answered_at = answer, now if answer else None
        ask.save(update_fields=["answer", "answered_at"])
    return ask
