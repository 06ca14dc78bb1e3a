"""What was spent, from the cost ledger, by the three parts of a budget. Lines are spread evenly over their days."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings

from metrics.kpis.dimensions import fetch
from metrics.models import BudgetCategory, BudgetPart

PARTS: tuple[str, ...] = tuple(BudgetPart.values)

# the days of a line: a line without an end covers the calendar month of its start
FROM = "CASE WHEN c.end IS NULL THEN date_trunc('month', c.start)::date ELSE c.start END"
UNTIL = "coalesce(c.end, (date_trunc('month', c.start) + interval '1 month')::date)"


def rate(currency: str, day: str) -> str:
    """SQL: the last rate on or before a day; 1 for the reporting currency, NULL where there is none."""
    return (
        f"CASE WHEN {currency} = %(reporting)s THEN 1 ELSE (SELECT x.rate FROM accounts_exchangerate x WHERE x.currency = {currency} AND x.day <= {day} "
        "ORDER BY x.day DESC LIMIT 1) END"
    )


def parts_by_category() -> dict[str, str]:
    """Which part the costs of each category are spent from: as set, else the default."""
    return {**BudgetCategory.DEFAULTS, **dict(BudgetCategory.objects.values_list("category", "part"))}


@dataclass
class Spent:
    """Money of one initiative, in the reporting currency, by part; the currencies without a rate."""

    by_part: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(PARTS, Decimal(0)))
    lines: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def total(self) -> Decimal | None:
        """The sum; None where a currency has no rate."""
        return None if self.missing else sum(self.by_part.values(), Decimal(0))


def spent_by_tag(tags: Iterable[str], *, today: dt.date) -> dict[str, Spent]:
    """What the cost lines that bear each tag come to until today (its day included), one statement for all tags.

    Money is converted by the last rate up to today.
    """
    wanted = list(tags)
    found = {tag: Spent() for tag in wanted}
    sql = f"""
        SELECT tag, parts.part, count(*),
               sum(c.amount * {rate("c.currency", "%(today)s")} * greatest(least({UNTIL}, %(tomorrow)s) - {FROM}, 0) / ({UNTIL} - {FROM})),
               array_agg(DISTINCT c.currency) FILTER (WHERE {rate("c.currency", "%(today)s")} IS NULL)
        FROM accounts_costentry c CROSS JOIN LATERAL (SELECT DISTINCT t.tag FROM unnest(c.tags) AS t (tag) WHERE t.tag = ANY(%(tags)s)) AS tagged
        JOIN jsonb_each_text(%(parts)s::jsonb) AS parts (category, part) ON parts.category = c.category
        WHERE c.tags && %(tags)s::varchar[] AND {FROM} <= %(today)s
        GROUP BY tag, parts.part"""
    values = {
        "tags": wanted, "today": today, "tomorrow": today + dt.timedelta(days=1), "reporting": settings.REPORTING_CURRENCY, "parts": json.dumps(parts_by_category()),
    }  # fmt: skip
    for tag, part, lines, amount, missing in fetch(sql, values) if wanted else []:
        spent = found[tag]
        spent.by_part[part] += amount or Decimal(0)
        spent.lines += lines
        spent.missing = sorted({*spent.missing, *(missing or [])})
    return found


def in_reporting(amounts: Iterable[tuple[Decimal, str]], *, today: dt.date) -> list[Decimal | None]:
    """Amounts with their currencies in the reporting currency, by the last rate up to today; None without one."""
    given = list(amounts)
    currencies = sorted({currency for _amount, currency in given})
    sql = f"SELECT wanted.currency, {rate('wanted.currency', '%(today)s')} FROM unnest(%(currencies)s::varchar[]) AS wanted (currency)"
    rates = dict(fetch(sql, {"today": today, "reporting": settings.REPORTING_CURRENCY, "currencies": currencies})) if currencies else {}
    return [None if rates[currency] is None else amount * rates[currency] for amount, currency in given]
