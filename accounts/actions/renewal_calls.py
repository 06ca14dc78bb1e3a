"""Calling a renewal: what somebody expects of it, on record with a name and a date."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.work_items import StaleVersion
from accounts.models import Account, AccountSnapshot, RenewalCall, User

# from here on a renewal is called: renews, at risk or lost
NO_WATCH_DAYS = 90
Call = RenewalCall.Call


class CallRefused(ValueError):
    """A call that cannot be made; `field` names the place, `why` is `no_renewal`, `watch` or `amount`."""

    def __init__(self, field: str, why: str):
        self.field, self.why = field, why
        super().__init__(why)


def permitted_calls(*, renews_on: dt.date, today: dt.date) -> list[str]:
    """The calls that may be made of a renewal; `watch` ends at 90 days."""
    return [call for call in Call.values if call != Call.WATCH or (renews_on - today).days > NO_WATCH_DAYS]


def call_renewal(
    *, account_id: int, call: str, amount_micros: int, expected_on: dt.date, note: str, actor: User | None, now: dt.datetime, today: dt.date, seen: int | None = None
) -> RenewalCall:
    """Puts a call on record and makes it the current one; what was called before stays as history.

    `amount_micros` is what is expected a year, in the reporting currency; of a lost renewal nothing is.
    `seen` is the id of the current call its maker saw (0: none; None: not asked). Raises CallRefused,
    StaleVersion where somebody called in the meantime.
    """
    with transaction.atomic():
        # the account is the lock of its calls
        Account.objects.select_for_update(no_key=True).only("pk").get(pk=account_id)
        renews_on = AccountSnapshot.objects.filter(pk=account_id).values_list("renews_on", flat=True).first()
        if renews_on is None:
            raise CallRefused("call", "no_renewal")
        if call not in permitted_calls(renews_on=renews_on, today=today):
            raise CallRefused("call", "watch")
        if amount_micros < 0:
            raise CallRefused("amount", "amount")
        current = RenewalCall.objects.filter(account_id=account_id, current=True).first()
        if seen is not None and seen != (current.pk if current else 0):
            raise StaleVersion
        if current is not None:
            RenewalCall.objects.filter(pk=current.pk).update(current=False)
        return RenewalCall.objects.create(
            account_id=account_id, call=call, amount_micros=0 if call == Call.LOST else amount_micros, renews_on=renews_on, expected_on=expected_on,
            note=note[:300], made_by=actor, made_at=now,
        )  # fmt: skip
