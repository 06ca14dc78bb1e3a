"""A rule as a condition of querysets, and lists under a rule that never look at more rows than they said.

A rule may be met by a handful among a million accounts, and its conditions may ask for use day by day. So a page walks the order
of the list in growing steps, asks the rule of the rows of each step, and stops when it is full or the steps are used up; where it
stopped is the key of the next page.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Expression, F, Q, QuerySet

from accounts.models import AccountSnapshot
from accounts.queries.rule_matches import matching
from accounts.rules import Rule, compile_where

# rows that one page looks at, step by step; together what one request may cost
STEPS = (250, 1_000, 3_000, 5_750)
SCAN = sum(STEPS)
COUNTED_AT_ONCE = 2_500
_PARAMETER = re.compile(r"%\((\w+)\)s")


class RuleHolds(Expression):
    """The rule as a condition on a queryset of `AccountSnapshot`; joins the account itself."""

    conditional = True

    def __init__(self, rule: Rule, *, now: dt.datetime, today: dt.date) -> None:
        super().__init__(output_field=BooleanField())
        self.rule, self.now, self.today = rule, now, today
        # two columns, one of each table: they bring the join, and say under which name each table stands in the statement
        self.columns: list[Any] = [F("account__external_id"), F("account_id")]

    def get_source_expressions(self) -> list[Any]:
        """The two columns."""
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """The two columns, resolved."""
        self.columns = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The condition with parameters in their order."""
        account, snapshot = (column.alias for column in self.columns)
        sql, named = compile_where(self.rule, f'"{account}"', f'"{snapshot}"')
        values = named | {"now": self.now, "today": self.today}
        order: list[Any] = []

        def placed(match: re.Match[str]) -> str:
            order.append(values[match[1]])
            return "%s"

        return _PARAMETER.sub(placed, sql), tuple(order)


@dataclass(frozen=True)
class Asked:
    """A rule at an instant, and the day of it in the organisation's zone."""

    rule: Rule
    now: dt.datetime
    today: dt.date

    def condition(self) -> Q:
        """As a condition on `AccountSnapshot`."""
        return Q(RuleHolds(self.rule, now=self.now, today=self.today))

    def among(self, ids: Sequence[int], limit: int | None = None) -> set[int]:
        """Which of these accounts fit; with a limit no more than so many."""
        return set(matching(self.rule, now=self.now, today=self.today, account_ids=ids, limit=limit)) if ids else set()


@dataclass(frozen=True)
class Counted:
    """A number of accounts, and whether all were looked at: if not, there are at least so many."""

    accounts: int
    complete: bool


def count_under(rows: QuerySet[AccountSnapshot], asked: Asked, limit: int) -> Counted:
    """How many of the rows fit, up to the limit + 1, looking at no more than SCAN of them."""
    ids = list(rows.order_by().values_list("pk", flat=True)[: SCAN + 1])
    complete, fitting = len(ids) <= SCAN, 0
    for first in range(0, len(ids[:SCAN]), COUNTED_AT_ONCE):
        fitting += len(asked.among(ids[:SCAN][first : first + COUNTED_AT_ONCE], limit=limit + 1 - fitting))
        if fitting > limit:
            return Counted(fitting, complete=True)
    return Counted(fitting, complete)
