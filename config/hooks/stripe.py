"""What events of Stripe say, in our words. Pure.

An event carries the whole object as it was at that second, so the newest snapshot of an object is its state, and
what became of it is told by the snapshots in their order: whichever comes first here, and however often.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accounts.money import monthly_micros
from config.hooks.mapping import WrongBody

# Stripe counts in the smallest unit: hundredths, but for these
_NO_PARTS = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# the bank will not take this card again: another try is pointless or forbidden
HARD = frozenset({
    "card_not_supported", "do_not_try_again", "fraudulent", "highest_risk_level", "incorrect_number", "invalid_account", "invalid_number", "lost_card", "merchant_blacklist",
    "pickup_card", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization", "security_violation", "service_not_allowed", "stolen_card",
    "stop_payment_order", "transaction_not_allowed",
})  # fmt: skip
_STATUS = {
    "active": "active", "trialing": "trialing", "past_due": "past_due", "unpaid": "unpaid", "incomplete": "unpaid", "paused": "paused", "canceled": "cancelled",
    "incomplete_expired": "cancelled",
}  # fmt: skip
# of two events of one second the one that can only come later
_LATER = {"created": 0, "pending": 0, "failed": 1, "succeeded": 1, "captured": 2, "updated": 2, "paused": 2, "resumed": 2, "refunded": 3, "deleted": 4}
_OBJECTS = {"customer": "customer", "subscription": "subscription", "charge": "charge", "refund": "refund", "invoice": "invoice", "product": "product"}


def type_of(body: Mapping[str, Any]) -> str:
    """The event's type; empty where it has none."""
    found = body.get("type")
    return found if isinstance(found, str) else ""


def _told(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("data")
    found = data.get("object") if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        raise WrongBody("data.object: an object is expected")
    return found


def object_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the event is about. Raises WrongBody."""
    found = _told(body)
    if not isinstance(found.get("id"), str) or not found["id"]:
        raise WrongBody("data.object: an object with an id is expected")
    return found


def noun_of(body: Mapping[str, Any]) -> str:
    """What kind of object the event is about, of those that are read; empty for every other. Raises WrongBody."""
    # an invoice that is yet to come has no id
    if not type_of(body).startswith(("customer.", "charge.", "refund.", "invoice.", "product.")) or type_of(body) == "invoice.upcoming":
        return ""
    return _OBJECTS.get(str(_told(body).get("object")), "")


def event_id(body: Mapping[str, Any]) -> str:
    """The event's id. Raises WrongBody."""
    found = body.get("id")
    if not isinstance(found, str) or not found:
        raise WrongBody("id: a text is expected")
    return found[:200]


def seconds(body: Mapping[str, Any]) -> int:
    """When it happened, in seconds of Unix. Raises WrongBody."""
    found = body.get("created")
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < 7_258_118_400:
        raise WrongBody("created: seconds since 1970 are expected")
    return found


def instant(value: Any) -> dt.datetime | None:
    """Seconds of Unix as an instant; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 7_258_118_400:
        return None
    return dt.datetime.fromtimestamp(value, dt.UTC)


def order(body: Mapping[str, Any]) -> str:
    """What puts events of the same second in order; goes before the id."""
    return f"{_LATER.get(type_of(body).rpartition('.')[2], 2)}:{event_id(body)}"


def money(amount: Any, currency: Any) -> Decimal:
    """Smallest units (a number, or a text with parts of one) as units of the currency. Raises WrongBody."""
    try:
        found = Decimal(str(amount))
    except ArithmeticError:
        raise WrongBody("amount: a number is expected") from None
    if isinstance(amount, bool) or not found.is_finite():
        raise WrongBody("amount: a number is expected")
    code = str(currency).upper()
    return found / (1 if code in _NO_PARTS else 1000 if code in _THOUSANDTHS else 100)


def part(value: Any) -> Mapping[str, Any]:
    """An object within an object; an empty one where there is none."""
    return value if isinstance(value, Mapping) else {}


def key(value: Any) -> str:
    """The id of what is told as an id or as the whole object; empty where nothing is."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found[:200] if isinstance(found, str) else ""


# ── subscriptions ───────────────────────────────────────────────────────────


def snapshot(found: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a subscription as it is kept: JSON, instants in seconds."""
    pause, why = found.get("pause_collection"), part(found.get("cancellation_details"))
    return {
        "start": found.get("start_date") or found.get("created"), "ended": found.get("ended_at"), "notice": found.get("canceled_at"), "ends": found.get("cancel_at"),
        "status": _STATUS.get(str(found.get("status")), "active"), "expired": found.get("status") == "incomplete_expired", "trial": found.get("trial_end"),
        "paused": isinstance(pause, Mapping), "resumes": part(pause).get("resumes_at"),
        "why": str(why.get("feedback") or why.get("reason") or "")[:80], "asked": str(why.get("reason") or ""), "items": items_of(found),
    }  # fmt: skip


def items_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a subscription consists of, item by item, with its part of the discount. Raises WrongBody for an amount that is none."""
    rows = part(found.get("items")).get("data")
    if not rows and isinstance(found.get("plan"), Mapping):
        rows = [{"id": "", "plan": found["plan"], "quantity": found.get("quantity")}]
    percent, forever, until = _discount(found, rows or [])
    return [{**_item(row), "percent": str(percent), "forever": forever, "until": until} for row in rows or [] if isinstance(row, Mapping)]


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    price, plan = part(row.get("price")), part(row.get("plan"))
    terms = part(price.get("recurring")) or plan
    currency = str(price.get("currency") or plan.get("currency") or "").upper()
    amount = next((value for value in (price.get("unit_amount_decimal"), price.get("unit_amount"), plan.get("amount_decimal"), plan.get("amount")) if value is not None), None)
    # what is counted by use is no recurring revenue; a price in steps does not say what is paid
    counted = terms.get("usage_type") == "metered" or amount is None
    quantity = row.get("quantity")
    return {
        "id": key(row), "created": row.get("created") or 0, "product": key(price.get("product") or plan.get("product")),
        "name": str(price.get("nickname") or plan.get("nickname") or "")[:200], "amount": str(Decimal(0) if counted else money(amount, currency)), "currency": currency,
        "quantity": str(quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else 1), "interval": str(terms.get("interval") or "month"),
        "count": terms.get("interval_count") or 1,
    }  # fmt: skip


def _discount(found: Mapping[str, Any], rows: Sequence[Any]) -> tuple[Decimal, bool, int | None]:
    """Percent off, whether for ever, and until when: amounts off become their part of the whole."""
    held = found.get("discount")
    if not isinstance(held, Mapping):
        many = found.get("discounts")
        held = next((entry for entry in many if isinstance(entry, Mapping)), None) if isinstance(many, list) else None
    coupon = held.get("coupon") if isinstance(held, Mapping) else None
    if not isinstance(held, Mapping) or not isinstance(coupon, Mapping) or coupon.get("duration") == "once":
        return Decimal(0), False, None
    percent = Decimal(str(coupon.get("percent_off") or 0))
    if not percent and coupon.get("amount_off"):
        items = [_item(row) for row in rows if isinstance(row, Mapping)]
        whole = sum((Decimal(item["amount"]) * Decimal(item["quantity"]) for item in items), Decimal(0))
        percent = money(coupon["amount_off"], coupon.get("currency")) / whole * 100 if whole else Decimal(0)
    until = held.get("end")
    return min(max(percent, Decimal(0)), Decimal(100)).quantize(Decimal("0.0001")), coupon.get("duration") == "forever", until if isinstance(until, int) else None


def monthly(items: Sequence[Mapping[str, Any]]) -> int:
    """MRR of items in millionths, discounts that do not end subtracted. Raises WrongBody for an interval nobody knows."""
    try:
        return sum(
            monthly_micros(
                amount=Decimal(item["amount"]), quantity=Decimal(item["quantity"]), interval=item["interval"], interval_count=item["count"],
                discount_percent=Decimal(item["percent"]),
            )
            for item in items
        )  # fmt: skip
    except (KeyError, ArithmeticError):
        raise WrongBody("items: an interval of day, week, month or year is expected") from None


@dataclass(frozen=True)
class Span:
    """A stretch of constant terms of one item; `group` parts items, `key` is the span's own."""

    group: str
    key: str
    start: int
    end: int | None
    item: Mapping[str, Any]
    last: bool = False


def ordered(snapshots: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Snapshots as they followed each other; of one second the last alone."""
    rows = sorted(snapshots.items(), key=lambda pair: (pair[1]["at"], pair[0]))
    return [row for number, (_key, row) in enumerate(rows) if number + 1 == len(rows) or rows[number + 1][1]["at"] != row["at"]]


def end_of(state: Mapping[str, Any], at: int) -> int | None:
    """When the subscription ends or ended; None where nobody has said."""
    if state["expired"]:
        return state["start"]
    if state["status"] == "cancelled":
        return state["ended"] or state["notice"] or at
    return state["ended"] or state["ends"]


def spans_of(subscription: str, snapshots: Mapping[str, Mapping[str, Any]]) -> list[Span]:
    """The spans that all snapshots together make, item by item, in order. What was before the first is taken to have been the same."""
    rows = ordered(snapshots)
    newest = rows[-1]
    start, end = newest["state"]["start"] or rows[0]["at"], end_of(newest["state"], newest["at"])
    names = _items_in_order(rows)
    found: list[Span] = []
    for number, name in enumerate(names):
        group = subscription if number == 0 else f"{subscription}/{name}"
        points = [(start if place == 0 else max(row["at"], start), _terms(row["state"], name)) for place, row in enumerate(rows)]
        mine = list(_stretches(group, points, end))
        found += [replace(span, last=place + 1 == len(mine)) for place, span in enumerate(mine)]
    return found


def _items_in_order(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    first: dict[str, tuple[int, int, str]] = {}
    for row in rows:
        for item in row["state"]["items"]:
            first.setdefault(item["id"], (row["at"], item["created"], item["id"]))
    return sorted(first, key=lambda name: first[name])


def _terms(state: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((item for item in state["items"] if item["id"] == name), None)


def _stretches(group: str, points: Sequence[tuple[int, Mapping[str, Any] | None]], end: int | None) -> Iterator[Span]:
    """Runs of equal terms; a discount that ends within one parts it there."""
    cut: list[tuple[int, Mapping[str, Any] | None]] = []
    for place, (at, item) in enumerate(points):
        following = points[place + 1][0] if place + 1 < len(points) else None
        cut.append((at, item))
        if item is not None and item["until"] and at < item["until"] and (following is None or item["until"] < following):
            cut.append((item["until"], {**item, "percent": "0", "forever": False, "until": None}))
    runs: list[tuple[int, Mapping[str, Any] | None]] = []
    for at, item in cut:
        if runs and runs[-1][0] >= at:
            at = runs.pop()[0]
        if not runs or _same(runs[-1][1]) != _same(item):
            runs.append((at, item))
    first = True
    for place, (at, item) in enumerate(runs):
        until = runs[place + 1][0] if place + 1 < len(runs) else None
        ends = end if until is None else until if end is None else min(until, end)
        if item is None or (ends is not None and ends <= at and not (first and ends == at)):
            continue
        yield Span(group, group if first else f"{group}@{at}", at, ends, item)
        first = False


def _same(item: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    """What makes two states of an item the same span."""
    return None if item is None else tuple(item[name] for name in ("product", "name", "amount", "currency", "quantity", "interval", "count", "percent", "forever"))


def since(rows: Sequence[Mapping[str, Any]], holds: Any) -> int | None:
    """Since when something has held without a break up to the newest snapshot; None where it does not."""
    found = None
    for row in reversed(rows):
        if not holds(row["state"]):
            break
        found = row["at"]
    return found


# ── payments ────────────────────────────────────────────────────────────────


def charge(found: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a charge as it is kept: JSON."""
    outcome = part(found.get("outcome"))
    words = [str(word) for word in (found.get("failure_code"), outcome.get("reason"), outcome.get("network_advice_code"), outcome.get("advice_code")) if word]
    rows = part(found.get("refunds")).get("data")
    paid = found.get("amount_captured") if found.get("captured") else None
    status = str(found.get("status") or ("succeeded" if found.get("paid") else "failed"))
    return {
        "customer": key(found.get("customer")), "status": status, "captured": found.get("captured") is not False,
        "amount": str(money(paid or found.get("amount") or 0, found.get("currency"))), "currency": str(found.get("currency") or "").upper(),
        "refunded": str(money(found.get("amount_refunded") or 0, found.get("currency"))), "created": found.get("created"), "invoice": key(found.get("invoice")),
        "intent": key(found.get("payment_intent")), "code": next((word for word in words if word not in {"card_declined", "generic_decline"}), words[0] if words else "")[:80],
        "hard": any(word in HARD for word in words), "refunds": {key(row): refund(row) for row in rows or [] if isinstance(row, Mapping)},
    }  # fmt: skip


def refund(found: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a refund as it is kept: JSON."""
    return {"amount": str(money(found.get("amount") or 0, found.get("currency"))), "status": str(found.get("status") or "succeeded"), "created": found.get("created")}


def payments_of(invoice: Mapping[str, Any]) -> list[str]:
    """The ids of charges and payment intents by which an invoice is paid, whichever way this version of the API tells them."""
    found = [key(invoice.get("charge")), key(invoice.get("payment_intent"))]
    for row in part(invoice.get("payments")).get("data") or []:
        payment = part(part(row).get("payment"))
        found += [key(payment.get("charge")), key(payment.get("payment_intent"))]
    return sorted({name for name in found if name})
