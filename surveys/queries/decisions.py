"""The ledger of the planner: every decision with its rule, filtered, page by page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from accounts.collation import search_key
from accounts.models import User
from surveys.models import Invitation
from surveys.queries.rows import Slice, slice_of

# days back; 0 is everything
PERIODS = (7, 30, 90, 365, 0)
USUAL_PERIOD = 30


@dataclass(frozen=True, kw_only=True)
class LedgerFilter:
    """What the page was asked for; empty is any."""

    touchpoint: str = ""
    status: str = ""
    reason: str = ""
    days: int = USUAL_PERIOD
    account: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the usual period is chosen."""
        return self == LedgerFilter()


def ledger(user: User, chosen: LedgerFilter, *, mark: str, now: dt.datetime) -> Slice:
    """The decisions that the reader may see, newest first."""
    rows = Invitation.objects.visible_to(user)
    if chosen.days:
        rows = rows.filter(decided_at__gt=now - dt.timedelta(days=chosen.days))
    if chosen.reason:
        rows = rows.filter(skip_reason=chosen.reason)
    if chosen.status:
        rows = rows.filter(status=chosen.status)
    if chosen.touchpoint:
        rows = rows.filter(touchpoint__key=chosen.touchpoint) if chosen.touchpoint != "direct" else rows.filter(touchpoint=None)
    if chosen.account:
        rows = rows.filter(account__name_search__contains=search_key(chosen.account))
    return slice_of(rows.select_related("account", "contact", "touchpoint", "survey_version__survey"), instant="decided_at", mark=mark)
