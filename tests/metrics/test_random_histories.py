"""Ten thousand random histories: movements close to the last digit and are what a plain reading of the definitions says.

Each history is an account with spans in several currencies, trials, pauses, discounts with and without end, notices,
unpaid and past-due dates. The oracle looks at one span at one instant; nothing of it is the product's. The usual run
has about a hundred histories, `make soak` has ten thousand.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.models import Account, ExchangeRate, Subscription
from metrics.kpis.bridge import bridges
from metrics.kpis.engine import answer
from metrics.kpis.engine import ask as question_of

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FIRST = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
ACCOUNTS = 12
GAINS, LOSSES = ("new", "expansion", "reactivation"), ("contraction", "churned")
TWELVE = Context(prec=12, rounding=ROUND_HALF_UP)
KINDS = ("plan", "seats", "service", "integration", "product")
# units of the reporting currency, from these days on
RATES = {"GBP": [(0, "1.17"), (200, "1.203"), (430, "0.999999999999"), (640, "1.31")], "TRY": [(0, "0.061"), (95, "0.0512345"), (365, "0.033333333333"), (700, "0.0287")]}


def at(hours: int) -> dt.datetime:
    return FIRST + dt.timedelta(hours=hours)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


@st.composite
def spans_of_an_account(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few spans, each a subscription of its own: they may lie over, beside and after each other."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, 24 * 600))
        length = draw(maybe(st.integers(0, 24 * 330)))
        end = None if length is None else start + length
        within = st.integers(start, start + (24 * 200 if length is None else length))
        pause = draw(maybe(within))
        found.append(
            {
                "start": at(start), "end": None if end is None else at(end), "amount": Decimal(draw(st.integers(0, 10**8))) / draw(st.sampled_from([1, 100, 7000])),
                "currency": draw(st.sampled_from(["EUR", "EUR", "GBP", "TRY"])), "interval": draw(st.sampled_from(["month", "month", "year", "quarter", "week", "day"])),
                "kind": draw(st.sampled_from(KINDS)), "discount_percent": draw(st.sampled_from([0, 0, 10, Decimal("33.3333"), 100])), "discount_forever": draw(st.booleans()),
                "trial_until": draw(maybe(within.map(at))), "cancelled_at": draw(maybe(within.map(at))), "unpaid_at": draw(maybe(within.map(at))) if draw(st.integers(0, 3)) == 0 else None,
                "paused_from": None if pause is None else at(pause), "paused_until": None if pause is None else draw(maybe(st.integers(pause, pause + 24 * 90).map(at))),
                "past_due_since": draw(maybe(within.map(at))) if draw(st.integers(0, 3)) == 0 else None,
            }
        )  # fmt: skip
    return found


CONVENTIONS = st.fixed_dictionaries(
    {
        "cancellation": st.sampled_from(["service_end", "at_cancellation"]),
        "pause": st.sampled_from(["zero", "zero", "keeps"]),
        "discount": st.sampled_from(["in_force", "forever_only"]),
    },
    optional={"delinquency_days": st.sampled_from(["0", "30"])},
)


@dataclass(frozen=True)
class Oracle:
    """What the definitions say about stored spans, one instant at a time."""

    spans: list[Subscription]
    conventions: dict[str, str]

    def earns(self, span: Subscription, t: dt.datetime) -> int:
        ends = [span.end, span.unpaid_at]
        if self.conventions["cancellation"] == "at_cancellation":
            ends.append(span.cancelled_at)
        if "delinquency_days" in self.conventions and span.past_due_since:
            ends.append(span.past_due_since + dt.timedelta(days=int(self.conventions["delinquency_days"])))
        if not span.start < t or (span.trial_until and not span.trial_until < t) or any(end is not None and end < t for end in ends):
            return 0
        if self.conventions["pause"] == "zero" and span.paused_from and span.paused_from < t and (span.paused_until is None or t <= span.paused_until):
            return 0
        return max(0, span.mrr_forever_micros if self.conventions["discount"] == "forever_only" else span.mrr_micros)

    def ever_before(self, account: int, t: dt.datetime) -> bool:
        """Whether the account earned at any instant before t: the moments after each change are enough to look at."""
        mine = [span for span in self.spans if span.account_id == account]
        edges = {edge for span in mine for edge in (span.start, span.trial_until, span.paused_until) if edge is not None and edge < t}
        return any(self.earns(span, min(t, edge + dt.timedelta(microseconds=1))) for edge in edges for span in mine)

    def movements(self, start: dt.datetime, end: dt.datetime) -> dict[str, Decimal]:
        parts = dict.fromkeys(("opening", *GAINS, *LOSSES, "fx", "closing"), Decimal(0))
        for account in {span.account_id for span in self.spans}:
            mine = [span for span in self.spans if span.account_id == account]
            opening = sum((self.earns(span, start) * rate(span.currency, start) for span in mine), Decimal(0))
            closing = sum((self.earns(span, end) * rate(span.currency, start) for span in mine), Decimal(0))
            valued = sum((self.earns(span, end) * rate(span.currency, end) for span in mine), Decimal(0))
            if opening and closing:
                kind = "expansion" if closing > opening else "contraction"
            else:
                kind = "churned" if opening else "reactivation" if self.ever_before(account, start) else "new"
            parts[kind] += abs(closing - opening)
            parts["opening"] += opening
            parts["closing"] += valued
            parts["fx"] += valued - closing
        return {name: value / 1_000_000 for name, value in parts.items()}


def rate(currency: str, t: dt.datetime) -> Decimal:
    """The last rate of a day that began before the instant."""
    if currency == "EUR":
        return Decimal(1)
    return [Decimal(value) for day, value in RATES[currency] if FIRST + dt.timedelta(days=day - 31) < t][-1]


def stored(histories: list[list[dict[str, Any]]]) -> list[Subscription]:
    """The histories as rows, written as an import writes them."""
    Subscription.objects.all().delete()
    Account.objects.all().delete()
    if not ExchangeRate.objects.exists():
        for currency, rates in RATES.items():
            ExchangeRate.objects.bulk_create(ExchangeRate(currency=currency, day=(FIRST + dt.timedelta(days=day - 31)).date(), rate=Decimal(value)) for day, value in rates)
    owners = Account.objects.bulk_create(Account(external_id=f"h{n}", name="x", name_sort="x", name_search="x") for n in range(len(histories)))
    spans = [
        Subscription(account=owner, external_id=f"h{n}-{m}", **{**span, "amount": Decimal(span["amount"]).quantize(Decimal("0.000001"))})
        for n, (owner, history) in enumerate(zip(owners, histories, strict=True))
        for m, span in enumerate(history)
    ]
    for span in spans:
        span.normalise()
    Subscription.objects.bulk_create(spans)
    rebuild_ledger(account_ids=[owner.pk for owner in owners])
    return spans


def twelve(parts: dict[str, Any]) -> dict[str, Decimal]:
    """Numbers as an answer tells them: twelve significant digits, half away from zero."""
    return {name: TWELVE.plus(Decimal(value)) for name, value in parts.items()}


def total(parts: dict[str, Any], names: tuple[str, ...]) -> Decimal:
    return sum((Decimal(parts[name]) for name in names), Decimal(0))


def closes(parts: Any) -> bool:
    value = {name: getattr(parts, name) for name in ("opening", *GAINS, *LOSSES, "fx", "closing")}
    return value["opening"] + total(value, GAINS) - total(value, LOSSES) + value["fx"] == value["closing"]


def check(histories: list[list[dict[str, Any]]], conventions: dict[str, str], month: int) -> None:
    oracle = Oracle(stored(histories), conventions)
    firsts = [dt.date(2022 + (month + n) // 12, (month + n) % 12 + 1, 1) for n in range(4)]
    edges = [dt.datetime.combine(first, dt.time(), tzinfo=dt.UTC) for first in firsts]
    asked = {"start": firsts[0].isoformat(), "end": firsts[3].isoformat(), "now": NOW, "params": conventions}

    expected = [oracle.movements(left, right) for left, right in itertools.pairwise(edges)]
    series = answer(name="mrr_movements", interval="month", **asked)["series"]
    for piece, parts, (left, right) in zip(series, expected, itertools.pairwise(edges), strict=True):
        assert twelve({name: piece["parts"][name] for name in parts}) == twelve(parts), piece["start"]
        question = question_of(name="mrr_movements", start=left.date().isoformat(), end=right.date().isoformat(), now=NOW, params=conventions)
        # to the last digit, for everybody and for each account by itself
        assert closes(bridges(question, None)[None])
        assert all(closes(book) for book in bridges(question, "account").values())

    # by event: the same opening, closing and sum, whatever happened on the way
    for piece, parts in zip(answer(name="mrr_movements", variant="event_log", interval="month", **asked)["series"], expected, strict=True):
        told = {name: Decimal(piece["parts"][name]) for name in parts}
        assert twelve({name: told[name] for name in ("opening", "fx", "closing")}) == twelve({name: parts[name] for name in ("opening", "fx", "closing")})
        assert close(total(told, GAINS) - total(told, LOSSES), parts["closing"] - parts["opening"] - parts["fx"])
        for kind in (*GAINS, *LOSSES):
            assert close(told[kind], sum((Decimal(row["amount"]) for row in piece["rows"] if row["movement"] == kind), Decimal(0)))

    # by kind: what the seats, services, plans, integrations and products came to is the whole
    for variant in ("net_per_account", "event_log"):
        told = answer(name="mrr_movements", variant=variant, by="kind", **asked)
        for name in ("opening", "closing", "fx", "net_new"):
            assert close(sum((Decimal(group["parts"][name]) for group in told["groups"]), Decimal(0)), Decimal(told["parts"][name])), (variant, name)

    # point to point, a quarter is its first opening and its last closing; parts may only be smaller than those of its months
    quarter = answer(name="mrr_movements", **asked)["parts"]
    whole = oracle.movements(edges[0], edges[3])
    assert twelve({name: quarter[name] for name in whole}) == twelve(whole)
    assert close(total(whole, ("closing",)) - total(whole, ("opening",)), sum((parts["closing"] - parts["opening"] for parts in expected), Decimal(0)))


def close(one: Decimal, other: Decimal) -> bool:
    """Equal but for the twelfth digit of what was added up."""
    return abs(one - other) <= max(abs(one), abs(other), Decimal(10**9)) * Decimal("1e-11")


HISTORIES = st.lists(spans_of_an_account(), min_size=ACCOUNTS, max_size=ACCOUNTS)
MONTH = st.integers(0, 26)
QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
}


@pytest.fixture(autouse=True)
def utc(settings: Any) -> None:
    settings.ORGANISATION_TIME_ZONE, settings.REPORTING_CURRENCY = "UTC", "EUR"


@settings(max_examples=8, **QUIET)
@given(histories=HISTORIES, conventions=CONVENTIONS, month=MONTH)
def test_random_histories_close_and_are_what_the_definitions_say(histories: Any, conventions: Any, month: int, db: None) -> None:
    check(histories, conventions, month)


@pytest.mark.soak
@pytest.mark.skipif(not os.environ.get("VEFA_SOAK"), reason="long; `make soak` runs it")
@settings(max_examples=10_000 // ACCOUNTS + 1, **QUIET)
@given(histories=HISTORIES, conventions=CONVENTIONS, month=MONTH)
def test_ten_thousand_random_histories(histories: Any, conventions: Any, month: int, db: None) -> None:
    check(histories, conventions, month)
