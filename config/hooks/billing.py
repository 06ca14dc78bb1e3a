"""What becomes of Stripe's events: customers are accounts, subscriptions spans, charges transactions, and the timeline tells of them.

What an object is here is worked out from all that was told of it (`OutsideObject.told`), never from the last event
alone; what an event tells of the timeline it tells by itself, under its own id. So neither order nor repetition matters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db.models import Q

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.inbound_events import CannotWork
from accounts.actions.incoming_hooks import Company, Kind, Telling, account_of, accounts_of, contact_of, keep_told, outside, tell_account, tell_contact
from accounts.actions.rows import Taken
from accounts.actions.told_spans import ToldSpan, put_told_spans
from accounts.models import Account, OutsideObject, Subscription
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from accounts.money import from_micros
from config.hooks import stripe
from config.hooks.effects import Came
from config.hooks.payments import tell_charge, tell_invoice, tell_refund

# how the note of an event begins that comes before its customer
WAITS = "waits for "


def apply_stripe(telling: Telling, body: Mapping[str, Any]) -> Came:
    """Does what an event says. Raises CannotWork, WrongBody, ValidationError."""
    came, noun = Came(), stripe.noun_of(body)
    # of events of one second, the one that can only come later is the newer; ids are those an import brings, too
    told = replace(telling, event=stripe.order(body), prefix="")
    found = stripe.object_of(body)
    if noun == "customer":
        _customer(told, found, came, deleted=stripe.type_of(body).endswith(".deleted"))
    elif noun == "product":
        _product(told, found, came)
    elif noun == "subscription":
        account = _account(told, found)
        _subscription(told, account, body, found, came)
    elif noun == "charge":
        if stripe.key(found.get("customer")):
            tell_charge(told, _account(told, found), found, came)
        else:
            came.say("a charge of nobody who is known")
    elif noun == "refund":
        tell_refund(told, found, came)
    elif noun == "invoice":
        if stripe.key(found.get("customer")):
            tell_invoice(told, _account(told, found), found, came, paid=stripe.type_of(body) in {"invoice.paid", "invoice.payment_succeeded"})
    else:
        came.say("nothing is made of it")
    return came


def _account(telling: Telling, found: Mapping[str, Any]) -> Account:
    """The account of an object's customer. Raises CannotWork until there is one."""
    customer = stripe.key(found.get("customer"))
    account = account_of(telling, Company(external_id=customer, own_id=customer)) if customer else None
    if account is None:
        raise CannotWork(f"{WAITS}{customer or 'a customer'}")
    return account


def _customer(telling: Telling, found: Mapping[str, Any], came: Came, *, deleted: bool) -> None:
    external_id = str(found["id"])
    if deleted:
        came.say(f"customer {external_id} is gone there; the account stays")
        return
    extra = stripe.part(found.get("metadata"))
    named = str(extra.get("account") or extra.get("external_id") or "")[:200]
    email = str(found.get("email") or "").strip()
    name = str(found.get("name") or "").strip()
    known = account_of(telling, Company(external_id=external_id, own_id=named or external_id, name=name), address=email)
    if known is None and email and (person := contact_of(telling, external_id="", own_id="", email=normalise_email(email), account=None)):
        known = person.account
    # what waits for this customer can be worked on from now on, new account or not
    came.made += not OutsideObject.objects.filter(source=telling.source, kind=Kind.ACCOUNT, external_id=external_id, row_id__isnull=False).exists()
    account, new = tell_account(telling, external_id=external_id, own_id=known.external_id if known else named or external_id, name=name or email or external_id)
    came.say(f"account {account.external_id} {'made' if new else 'known'}")
    if email and "@" in email:
        contact = contact_of(telling, external_id=external_id, own_id="", email=normalise_email(email), account=account)
        fields = {"email": email, **({"name": name} if name else {}), **({"role": "billing"} if contact is None else {})}
        _stored, made = tell_contact(telling, external_id=external_id, fields=fields, contact=contact, account=account, master=True)
        came.made += made


def _product(telling: Telling, found: Mapping[str, Any], came: Came) -> None:
    """Its name, for the spans that have none of their own."""
    name = str(found.get("name") or "")[:200]
    known = outside(telling, Kind.BILLING, str(found["id"]))
    stamp = [telling.at.isoformat(), telling.event]
    if name and stamp >= known.told.get("named", [])[:2]:
        known.told["named"] = [*stamp, name]
        keep_told(known, telling)
        spans = Subscription.objects.filter(account__in=accounts_of(telling.user).values("pk"), product=str(found["id"]))
        for row in spans[:500]:
            row.product = name
            row.save(update_fields=["product"])
    came.say(f"product {found['id']}: {name}")


def _named(telling: Telling, products: set[str]) -> dict[str, str]:
    rows = OutsideObject.objects.filter(source=telling.source, kind=Kind.BILLING, external_id__in=products)
    return {row.external_id: row.told["named"][2] for row in rows if row.told.get("named")}


def _subscription(telling: Telling, account: Account, body: Mapping[str, Any], found: Mapping[str, Any], came: Came) -> None:
    external_id = str(found["id"])
    known = outside(telling, Kind.BILLING, external_id)
    state = stripe.snapshot(found)
    stripe.monthly(state["items"])
    snapshots: dict[str, Any] = known.told.setdefault("snapshots", {})
    snapshots[telling.event] = {"at": stripe.seconds(body), "state": state}
    rows = stripe.ordered(snapshots)
    spans = stripe.spans_of(external_id, snapshots)
    names = _named(telling, {span.item["product"] for span in spans})
    told = [_span(span, rows, names) for span in spans]
    try:
        stored = put_told_spans(account_id=account.pk, subscription=external_id, spans=told, first_told=_at(rows[0]["at"]), made=known.told.get("made", []), now=telling.now)
    except Taken as fault:
        raise CannotWork(f"the subscription {external_id} is one of another account here") from fault
    ours = {span.key for span in spans}
    known.told["made"] = sorted({row.external_id for row in stored} & ours)
    known.row_id = stored[0].pk if stored else None
    keep_told(known, telling)
    _tell_subscription(telling, account, body, found, state, stored)
    came.say(f"subscription {external_id}: {len(stored)} spans, {rows[-1]['state']['status']}")


def _at(value: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(value, dt.UTC)


def _span(span: stripe.Span, rows: list[Mapping[str, Any]], names: Mapping[str, str]) -> ToldSpan:
    """A span with its standing: the last one has that of the subscription, those before are as they were."""
    item, state = span.item, rows[-1]["state"]
    trial = stripe.instant(state["trial"])
    fields: dict[str, Any] = {
        "product": item["name"] or names.get(item["product"], item["product"]), "amount": Decimal(item["amount"]).quantize(Decimal("0.000001")), "currency": item["currency"],
        "quantity": Decimal(item["quantity"]), "interval": item["interval"], "interval_count": item["count"], "discount_percent": Decimal(item["percent"]),
        "discount_forever": item["forever"], "trial_until": trial if trial and trial > _at(span.start) else None, "status": "active", "cancelled_at": None, "paused_from": None,
        "paused_until": None, "past_due_since": None, "unpaid_at": None, "end_reason": "", "voluntary": None,
    }  # fmt: skip
    if span.last:
        asked = {"cancellation_requested": True, "payment_failed": False, "payment_disputed": False}
        late = stripe.since(rows, lambda told: told["status"] in {"past_due", "unpaid"})
        unpaid = stripe.since(rows, lambda told: told["status"] == "unpaid")
        paused = stripe.since(rows, lambda told: told["paused"] or told["status"] == "paused")
        resumes = stripe.instant(state["resumes"])
        fields |= {
            "status": "paused" if paused and state["status"] == "active" else state["status"], "cancelled_at": stripe.instant(state["notice"]),
            "paused_from": _at(paused) if paused else None, "paused_until": resumes if paused and resumes and resumes >= _at(paused) else None,
            "past_due_since": _at(late) if late else None, "unpaid_at": _at(unpaid) if unpaid else None,
            "end_reason": state["why"] if state["ended"] or state["ends"] else "", "voluntary": asked.get(state["asked"]),
        }  # fmt: skip
    return ToldSpan(external_id=span.key, group=span.group, start=_at(span.start), end=_at(span.end) if span.end is not None else None, fields=fields)


# ── what the timeline is told ───────────────────────────────────────────────


def _tell_subscription(telling: Telling, account: Account, body: Mapping[str, Any], found: Mapping[str, Any], state: Mapping[str, Any], stored: list[Subscription]) -> None:
    """The facts that this event by itself tells, each under a key that is the same whenever it comes."""
    if not stored:
        return
    kind, external_id, span = stripe.type_of(body), str(found["id"]), stored[0]
    last = [row for row in stored if row.subscription == external_id][-1]
    before = stripe.part(stripe.part(body.get("data")).get("previous_attributes"))
    terms = {"subscription": external_id, "product": last.product}
    mrr, currency = stripe.monthly(state["items"]), span.currency
    why = {**({"reason": state["why"]} if state["why"] else {}), **({"voluntary": last.voluntary} if last.voluntary is not None else {})}
    facts: list[tuple[str, dt.datetime, dict[str, Any], str]] = []
    paid = state["status"] not in {"unpaid", "cancelled"}
    if paid and (kind.endswith(".created") or before.get("status") == "incomplete"):
        facts.append(("subscription.started", _at(state["start"] or stripe.seconds(body)), {**terms, "mrr": _money(mrr), "currency": currency}, f"stripe:{external_id}:started"))
    if state["status"] == "trialing" and kind.endswith(".created"):
        ends = stripe.instant(state["trial"])
        facts.append(("trial.started", _at(state["start"]), {"plan": last.product, **({"ends_at": ends.isoformat()} if ends else {})}, f"stripe:{external_id}:trial"))
    if before.get("status") == "trialing" and state["status"] != "trialing":
        facts.append(("trial.ended", telling.at, {"converted": state["status"] == "active", "plan": last.product}, f"stripe:{external_id}:trial-over"))
    if {"items", "plan", "quantity", "discount", "discounts"} & before.keys() and kind.endswith(".updated"):
        was = stripe.monthly(stripe.items_of({**found, **before}))
        if was != mrr:
            facts.append(("subscription.changed", telling.at, {**terms, "mrr_before": _money(was), "mrr": _money(mrr), "currency": currency}, f"stripe:{telling.event}"))
    notice = stripe.instant(state["notice"])
    if notice and notice <= telling.now and not state["expired"]:
        ends = stripe.instant(stripe.end_of(state, stripe.seconds(body)))
        facts.append(("subscription.cancelled", notice, {**terms, **({"ends_at": ends.isoformat()} if ends else {}), **why}, f"stripe:{external_id}:notice:{state['notice']}"))
    ended = stripe.instant(state["ended"])
    if state["status"] == "cancelled" and ended and not state["expired"] and not _ended_already(account, last, ended):
        facts.append(("subscription.ended", ended, {**terms, **why}, f"stripe:{external_id}:ended"))
    record_events(
        NewEvent(
            account_id=account.pk, kind=name, occurred_at=min(at, telling.now), origin=Origin.WEBHOOK, actor_id=telling.user.pk,
            subject_type="subscription", subject_id=str(last.pk), payload=payload, dedupe_key=dedupe[:200],
        )
        for name, at, payload, dedupe in facts
    )  # fmt: skip


def _ended_already(account: Account, span: Subscription, ended: dt.datetime) -> bool:
    """Whether the sweep that looks for planned ends has told it."""
    near = Q(occurred_at__gte=ended - dt.timedelta(days=2), occurred_at__lte=ended + dt.timedelta(days=2))
    return account.events.filter(near, kind="subscription.ended", subject_type="subscription", subject_id=str(span.pk)).exists()


def _money(micros: int) -> str:
    return f"{from_micros(micros).normalize():f}"
