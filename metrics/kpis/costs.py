"""Cost lines spread over their days, and whose they are. Definitions: `docs/metrics.md`, costs."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.db.models import Q

from accounts.models import CostEntry, ExchangeRate
from metrics.formulas.numbers import ratio
from metrics.kpis.question import Question, add_months
from metrics.kpis.revenue import mrr
from metrics.kpis.shoppers import shoppers

Counts = dict[str | None, int]


@dataclass
class Costs:
    """Money of one group, in the reporting currency: each line once, and by category."""

    total: Decimal = Decimal(0)
    by_category: dict[str, Decimal] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class People:
    """Customers at the end of the period by segment: those asked for, and all there are."""

    asked: Counts
    everyone: Counts
    # whether less than everybody is asked for
    narrowed: bool
    # whether the asker may see every account
    sees_all: bool


def days_within(entry: CostEntry, question: Question) -> tuple[int, int]:
    """How many of a line's days begin in the period, and how many it has; without an end: the month of its start."""
    end = entry.end or add_months(entry.start.replace(day=1), 1)
    start = entry.start if entry.end else entry.start.replace(day=1)
    left, right = max(start, _first_day(question, question.start)), min(end, _first_day(question, question.until))
    return max(0, (right - left).days), (end - start).days


def _first_day(question: Question, moment: dt.datetime) -> dt.date:
    """The first day of the zone that begins at the moment or after it."""
    local = moment.astimezone(question.zone)
    midnight = dt.datetime.combine(local.date(), dt.time(), tzinfo=question.zone)
    return local.date() if midnight >= moment or local.date() == dt.date.max else local.date() + dt.timedelta(days=1)


def customers_at_end(question: Question, by: str = "segment") -> Counts:
    """Customers at the end by segment (or another dimension of accounts): subscription accounts by MRR, e-commerce accounts by orders."""
    subscribed = mrr(replace(question, filters={**question.filters, "business_model": ("subscription",)}), by)
    counts: Counts = {key: figure.parts["customers"] for key, figure in subscribed.items()}
    for key, shop in shoppers(question, by).items():
        counts[key] = counts.get(key, 0) + shop.customers_end
    return {key: count for key, count in counts.items() if count}


def people_of(question: Question) -> People:
    """Whose share of the costs is asked for; of the filters the segment alone speaks of people."""
    narrowed = question.segment is not None or "segment" in question.filters or question.scope is not None
    asked = customers_at_end(replace(question, filters={name: values for name, values in question.filters.items() if name == "segment"}))
    everyone = customers_at_end(replace(question, filters={}, segment=None, scope=None)) if narrowed else asked
    return People(asked, everyone, narrowed, question.scope is None)


def _rates(question: Question) -> dict[str, Decimal]:
    """The last rate of each currency before the end of the period."""
    rates = {question.currency: Decimal(1)}
    for currency, day, rate in ExchangeRate.objects.order_by("currency", "day").values_list("currency", "day", "rate"):
        if currency != question.currency and dt.datetime.combine(day, dt.time(), tzinfo=question.zone) < question.until:
            rates[currency] = rate
    return rates


def _is_asked(question: Question, key: str | None) -> bool:
    """Whether rows of a segment are asked for."""
    wanted = question.filters.get("segment")
    return (question.segment is None or key == question.segment) and (wanted is None or (key or "") in wanted)


def _shares(entry_segment: str | None, people: People) -> dict[str | None, Decimal]:
    """Which part of a line falls to which segment: its own wholly; one without a segment by customers.

    A reader who sees some accounts only gets the share of those customers.
    """
    if entry_segment is not None:
        part = ratio(people.asked.get(entry_segment, 0), people.everyone.get(entry_segment, 0)) or Decimal(0)
        return {entry_segment: Decimal(1) if people.sees_all else part}
    total = sum(people.everyone.values())
    if not total:
        return {} if people.narrowed else {None: Decimal(1)}
    return {key: Decimal(count) / total for key, count in people.asked.items()}


def _lines(question: Question, categories: Collection[str]) -> Iterable[tuple[CostEntry, list[str], int, int]]:
    """The lines of some categories (or tags) with days in the period: (line, its categories among them, days inside, all days)."""
    first, last = _first_day(question, question.start), question.until.astimezone(question.zone).date()
    # a line without an end reaches over the whole month of its start
    reach = Q(end__gt=first) | Q(end__isnull=True, start__gte=first.replace(day=1))
    for entry in CostEntry.objects.filter(reach, start__lte=last.replace(day=calendar.monthrange(last.year, last.month)[1])).select_related("segment").order_by("pk"):
        belongs = [name for name in categories if name == entry.category or name in entry.tags]
        inside, days = days_within(entry, question) if belongs else (0, 1)
        if inside:
            yield entry, belongs, inside, days


def whole_cost(question: Question, categories: Sequence[str]) -> tuple[Decimal | None, list[str]]:
    """The cost of some categories in the period, over everybody, and the currencies without a rate (then the amount is None)."""
    rates, total, missing = _rates(question), Decimal(0), set()
    for entry, _belongs, inside, days in _lines(question, categories):
        if entry.currency not in rates:
            missing.add(entry.currency)
            continue
        total += entry.amount * rates[entry.currency] * inside / days
    return (None if missing else total), sorted(missing)


def lines_of(question: Question, categories: Sequence[str]) -> Counts:
    """How many lines stand behind the costs of each category, each line once: by its own category, else by the first it is tagged with."""
    counts: Counts = {}
    for entry, belongs, _inside, _days in _lines(question, categories):
        if _is_asked(question, entry.segment.key if entry.segment else question.segment):
            name = entry.category if entry.category in categories else belongs[0]
            counts[name] = counts.get(name, 0) + 1
    return counts


def amounts(question: Question, categories: Sequence[str], by_people: bool, people: People) -> Iterable[tuple[CostEntry, list[str], str | None, Decimal | None]]:
    """What each line adds to the cost that is asked for: (line, its categories among them, segment, amount); None where its currency has no rate.

    `by_people` shares lines without a segment out by customers, also where everybody is asked for.
    """
    rates, wanted = _rates(question), question.filters.get("category")
    for entry, belongs, inside, days in _lines(question, categories):
        if wanted is not None and not set(belongs) & set(wanted):
            continue
        segment = entry.segment.key if entry.segment else None
        shares = _shares(segment, people) if by_people or people.narrowed else {segment: Decimal(1)}
        for key, share in shares.items():
            if _is_asked(question, key):
                rate = rates.get(entry.currency)
                yield entry, belongs, key, None if rate is None else entry.amount * rate * share * inside / days


def spread(question: Question, categories: Sequence[str], by: str | None, people: People) -> dict[str | None, Costs]:
    """The costs of some categories by group (`segment`, `category` or none); each line once in a group's sum.

    A line belongs to its category and to those named in its tags; by category it is in one group: its
    own where that is among those asked for, else the first it is tagged with.
    """
    groups: dict[str | None, Costs] = {}
    for entry, belongs, key, cost in amounts(question, categories, by is not None, people):
        name = None if by is None else key if by == "segment" else entry.category if entry.category in categories else belongs[0]
        group = groups.setdefault(name, Costs(by_category=dict.fromkeys(categories, Decimal(0))))
        if cost is None:
            group.missing.add(entry.currency)
            continue
        group.total += cost
        for category in belongs:
            group.by_category[category] += cost
    return groups
