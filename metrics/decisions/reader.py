"""Who asks, about which accounts, over which days: what every view of decisions begins with."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings

from accounts.models import User
from accounts.roles import Role
from metrics.dashboards import scope_of
from metrics.kpis.engine import ask
from metrics.kpis.question import Question, add_months

# who writes initiatives and budgets; agents see none of it, since it is about money
WRITES = frozenset({Role.ADMIN, Role.MANAGER})
# whose figures are about everything, so that costs of the whole organisation are theirs to see
SEES_WHOLE = frozenset({Role.ADMIN, Role.VIEWER, Role.ANALYST, Role.MANAGER})


@dataclass(frozen=True)
class Reader:
    """One reader at one moment, with what was chosen: days [first, after) and filters of accounts."""

    user: User
    now: dt.datetime
    first: dt.date | None = None
    after: dt.date | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The organisation's zone."""
        return zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)

    @cached_property
    def today(self) -> dt.date:
        """The day in the organisation's zone."""
        return self.now.astimezone(self.zone).date()

    @cached_property
    def scope(self) -> list[int] | None:
        """The accounts that figures are about; None for all."""
        return scope_of(self.user)

    @property
    def sees_rows(self) -> bool:
        """Analysts see figures, no rows."""
        return self.user.role != Role.ANALYST

    @property
    def sees_whole(self) -> bool:
        """Whether the budget of the organisation is theirs to read."""
        return self.user.role in SEES_WHOLE

    @property
    def writes(self) -> bool:
        """Whether they may change initiatives and budgets."""
        return self.user.role in WRITES

    def day(self, day: dt.date) -> dt.datetime:
        """The beginning of a day in the organisation's zone."""
        return dt.datetime.combine(day, dt.time(), tzinfo=self.zone)

    @property
    def span(self) -> tuple[dt.date, dt.date]:
        """The days chosen; without a choice the last twelve closed months."""
        end = self.after or self.today.replace(day=1)
        return self.first or add_months(end, -12), end

    def question(self, kpi: str, *, first: dt.date | None = None, after: dt.date | None = None, variant: str | None = None, filtered: bool = True) -> Question:
        """A question about the days chosen (or others) and the accounts chosen. Raises WrongQuestion."""
        start, end = self.span
        filters = self.filters if filtered else {}
        return ask(
            name=kpi, variant=variant, start=(first or start).isoformat(), end=(after or end).isoformat(), now=self.now, filters=filters, accounts=self.scope
        )  # fmt: skip
