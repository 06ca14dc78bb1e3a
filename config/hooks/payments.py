"""Charges, refunds and invoices of Stripe as transactions: one a charge, found again by its id, tied to its invoice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.inbound_events import CannotWork
from accounts.actions.incoming_hooks import Kind, Telling, keep_told, outside
from accounts.actions.transactions import change_transaction, create_transaction
from accounts.models import Account, OutsideObject, Transaction
from accounts.models.events import Origin
from config.hooks import stripe
from config.hooks.effects import Came

Status = Transaction.Status
_PAID = (Status.SUCCEEDED, Status.REFUNDED)


def tell_charge(telling: Telling, account: Account, found: Mapping[str, Any], came: Came) -> None:
    """A payment that was made or failed. Raises CannotWork where its id is one of another account."""
    known = outside(telling, Kind.BILLING, str(found["id"]))
    stamp = [telling.at.isoformat(), telling.event]
    if stamp >= known.told.get("charge", [])[:2]:
        known.told["charge"] = [*stamp, stripe.charge(found)]
    state = known.told["charge"][2]
    known.told["account"] = account.pk
    if state["intent"] and not state["invoice"]:
        _note_of_intent(telling, state["intent"], known.external_id)
    _put(telling, account, known, came)


def tell_refund(telling: Telling, found: Mapping[str, Any], came: Came) -> None:
    """Money that went back, or did not after all; it waits for its charge where that has not come yet."""
    charge = stripe.key(found.get("charge"))
    if not charge:
        came.say("a refund without a charge")
        return
    known = outside(telling, Kind.BILLING, charge)
    refunds = known.told.setdefault("refunds", {})
    stamp = [telling.at.isoformat(), telling.event]
    if stamp >= refunds.get(found["id"], [])[:2]:
        refunds[str(found["id"])] = [*stamp, stripe.refund(found)]
    if not known.told.get("charge"):
        keep_told(known, telling)
        came.say(f"refund of {charge}, which has not been told yet")
        return
    _put(telling, Account.objects.get(pk=known.told["account"]), known, came)


def tell_invoice(telling: Telling, account: Account, found: Mapping[str, Any], came: Came, *, paid: bool) -> None:
    """What an invoice is paid by; one that was paid outside of Stripe is a payment itself."""
    invoice = str(found["id"])
    for name in stripe.payments_of(found):
        known = outside(telling, Kind.BILLING, name)
        known.told["invoice"] = invoice
        keep_told(known, telling)
        for charge in [name, *known.told.get("charges", [])]:
            row = OutsideObject.objects.filter(source=telling.source, kind=Kind.BILLING, external_id=charge).first()
            if row is not None and row.told.get("charge"):
                _put(telling, account, outside(telling, Kind.BILLING, charge), came)
    if paid and found.get("paid_out_of_band") and (amount := stripe.money(found.get("amount_due") or 0, found.get("currency"))) > 0:
        at = stripe.instant(stripe.part(found.get("status_transitions")).get("paid_at")) or telling.at
        values = {"amount": amount, "currency": str(found.get("currency")).upper(), "kind": "invoice", "status": "succeeded", "invoice": invoice, "occurred_at": at}
        _store(telling, account, invoice, values)
        _settle(telling, account, invoice)
    came.say(f"invoice {invoice}")


def _note_of_intent(telling: Telling, intent: str, charge: str) -> None:
    """Which charges an intent has made: its invoice may be told later."""
    known = outside(telling, Kind.BILLING, intent)
    known.told["charges"] = sorted({*known.told.get("charges", []), charge})
    keep_told(known, telling)


def _put(telling: Telling, account: Account, known: OutsideObject, came: Came) -> None:
    """The transaction of a charge, worked out from all that was told of it."""
    state = known.told["charge"][2]
    invoice = state["invoice"] or known.told.get("invoice", "")
    if not invoice and state["intent"]:
        intent = OutsideObject.objects.filter(source=telling.source, kind=Kind.BILLING, external_id=state["intent"]).first()
        invoice = intent.told.get("invoice", "") if intent else ""
    if state["status"] == "pending" or (state["status"] == "succeeded" and not state["captured"]):
        keep_told(known, telling)
        came.say(f"charge {known.external_id} is not decided yet")
        return
    amount = Decimal(state["amount"])
    back, back_at = _refunded(known, state)
    back = min(back, amount)
    status = Status.FAILED if state["status"] == "failed" else Status.REFUNDED if back and back >= amount else Status.SUCCEEDED
    at = stripe.instant(state["created"]) or telling.at
    failed = status == Status.FAILED
    values: dict[str, Any] = {
        "amount": amount, "currency": state["currency"], "kind": "invoice", "status": status, "occurred_at": at, "invoice": invoice,
        "failure_code": state["code"] if failed else "", "hard_decline": state["hard"] if failed else None, "refunded_amount": back or None,
        "refunded_at": max(back_at, at) if back and back_at else None,
    }  # fmt: skip
    if invoice:
        values["attempt"] = 1 + Transaction.objects.filter(account=account, invoice=invoice, occurred_at__lt=at).exclude(external_id=known.external_id).count()
    row = _store(telling, account, known.external_id, values)
    known.row_id = row.pk
    keep_told(known, telling)
    if invoice:
        _count_attempts(telling, account, invoice)
        _settle(telling, account, invoice)
    came.say(f"payment {known.external_id}: {status}")


def _refunded(known: OutsideObject, state: Mapping[str, Any]) -> tuple[Decimal, dt.datetime | None]:
    """How much went back, and when the last of it did. The charge says the sum as it knew it; refunds that were told later count beside."""
    told_at = known.told["charge"][0]
    refunds = {name: (told_at, row) for name, row in state["refunds"].items()}
    for name, (at, _event, row) in known.told.get("refunds", {}).items():
        if name not in refunds or at >= refunds[name][0]:
            refunds[name] = (at, row)
    done = [row for _at, row in refunds.values() if row["status"] in {"succeeded", "pending"}]
    undone = sum((Decimal(row["amount"]) for at, row in refunds.values() if row["status"] in {"failed", "canceled"} and at > told_at), Decimal(0))
    total = max(Decimal(state["refunded"]) - undone, sum((Decimal(row["amount"]) for row in done), Decimal(0)), Decimal(0))
    instants = [instant for row in done if (instant := stripe.instant(row["created"]))]
    return total, max(instants) if instants else (dt.datetime.fromisoformat(told_at) if total else None)


def _store(telling: Telling, account: Account, external_id: str, values: dict[str, Any]) -> Transaction:
    row = Transaction.objects.filter(external_id=external_id).first()
    if row is None:
        Transaction(account=account, external_id=external_id, **values).clean()
        return create_transaction(fields={"account": account, "external_id": external_id, **values}, actor=telling.user, now=telling.now, origin=Origin.WEBHOOK)
    if row.account_id != account.pk:
        raise CannotWork(f"the payment {external_id} is one of another account here")
    return change_transaction(transaction_id=row.pk, fields=values, actor=None, now=telling.now, origin=Origin.WEBHOOK)


def _count_attempts(telling: Telling, account: Account, invoice: str) -> None:
    """Attempts of an invoice in the order they were made, whichever was told first."""
    for number, row in enumerate(Transaction.objects.filter(account=account, invoice=invoice).order_by("occurred_at", "external_id"), 1):
        if row.attempt != number:
            change_transaction(transaction_id=row.pk, fields={"attempt": number}, actor=None, now=telling.now, origin=Origin.WEBHOOK)


def _settle(telling: Telling, account: Account, invoice: str) -> None:
    """Tells that a payment made an earlier failure good where that has not been told: the failure, or the tie to the invoice, may have come later."""
    rows = list(Transaction.objects.filter(account=account, invoice=invoice).order_by("occurred_at", "external_id"))
    failed = next((row for row in rows if row.status == Status.FAILED), None)
    paid = next((row for row in rows if row.status in _PAID and failed is not None and row.occurred_at >= failed.occurred_at), None)
    if paid is None or account.events.filter(kind="payment.recovered", subject_type="transaction", subject_id=str(paid.pk)).exists():
        return
    record_events(
        [
            NewEvent(
                account_id=account.pk, kind="payment.recovered", occurred_at=paid.occurred_at, origin=Origin.WEBHOOK, subject_type="transaction", subject_id=str(paid.pk),
                payload={"transaction": paid.pk, "amount": f"{paid.amount:f}", "currency": paid.currency, "invoice": invoice}, dedupe_key=f"transaction:{paid.pk}:recovered",
            )
        ]
    )  # fmt: skip
