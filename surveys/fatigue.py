"""How often one person and one account may be asked: the limits of the installation, and counting against them. Pure."""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the installation allows over all surveys."""

    contact_gap: dt.timedelta = 30 * _DAY
    nps_gap: dt.timedelta = 90 * _DAY
    account_period: dt.timedelta = 7 * _DAY
    account_people: int = 3
    account_share: Decimal = Decimal("0.2")
    reminder_gap: dt.timedelta = 14 * _DAY

    def for_account(self, contacts: int) -> int:
        """How many people of an account with so many contacts may be asked in one period."""
        return max(self.account_people, math.floor(self.account_share * contacts))


USUAL = Limits()


@dataclass(slots=True, kw_only=True)
class Ask:
    """A survey that a contact got or will get, at this instant; `touchpoint` is None for a direct request."""

    at: dt.datetime
    survey_kind: str
    contact_id: int
    touchpoint: int | None = None


def account_limit(contacts: int) -> int:
    """How many contacts of an account may be asked in seven days by the usual limits: 3, or a fifth where that is more."""
    return USUAL.for_account(contacts)


def most_in_a_period(instants: Iterable[dt.datetime], including: dt.datetime, period: dt.timedelta) -> int:
    """The largest number of instants, `including` among them, that lie within one half-open period of this length."""
    near = sorted([including, *(at for at in instants if abs(at - including) < period)])
    most = 1
    for first, start in enumerate(near):
        if start > including:
            break
        if including - start < period:
            most = max(most, bisect.bisect_left(near, start + period) - first)
    return most


def tired_contact(
    asks: Iterable[Ask], *, due: dt.datetime, survey_kind: str, touchpoint: int | None, gap: dt.timedelta, own_gap: dt.timedelta, limits: Limits
) -> tuple[dt.datetime, dict[str, Any]] | None:
    """The ask that lies too near to `due`, and the limit it breaks; None where the person is rested.

    It looks both ways: a survey that is planned for later tires as one that was sent before.
    """
    gap = max(gap, limits.contact_gap)
    for ask in asks:
        apart = abs(due - ask.at)
        if apart < gap:
            return ask.at, {"days": gap.days, "of": "any"}
        if apart < limits.nps_gap and survey_kind == "nps" == ask.survey_kind:
            return ask.at, {"days": limits.nps_gap.days, "of": "nps"}
        if apart < own_gap and touchpoint is not None and ask.touchpoint == touchpoint:
            return ask.at, {"days": own_gap.days, "of": "touchpoint"}
    return None


def tired_account(asks: Iterable[Ask], *, due: dt.datetime, contacts: int, limits: Limits) -> tuple[int, dict[str, Any]] | None:
    """How many people of the account are asked around `due` already, and the limit; None where one more is fine."""
    instants = [ask.at for ask in asks]
    if len(instants) < limits.account_people:
        return None
    limit = limits.for_account(contacts)
    most = most_in_a_period(instants, due, limits.account_period)
    return (most - 1, {"people": limit, "days": limits.account_period.days}) if most > limit else None
