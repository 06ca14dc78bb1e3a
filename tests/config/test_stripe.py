"""Events of Stripe: proven, and the same in the end however they come; what they mean for spans, payments and the timeline."""

from __future__ import annotations

import datetime as dt
import json
import random
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.actions.inbound_events import order_replay
from accounts.models import Account, AccountEvent, Contact, InboundEvent, OutsideObject, Subscription, SubscriptionChange, Transaction
from config.hooks.handling import sweep_hooks
from tests.config.stripe_events import BEGIN, DAY, at, charge, customer, event, failed, item, post, signed, stripe_hook, subscription
from tests.shared_data import REASON, SHARED

pytestmark = pytest.mark.django_db
EXAMPLES = SHARED / "data" / "webhooks_stripe" / "events"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    cache.clear()
    monkeypatch.setattr("config.views.hooks._nudge", lambda: None)


def tell(hook, *events):
    for body in events:
        assert post(hook, body).status_code in {200, 202}, body
    sweep_hooks(now=timezone.now())


def spans():
    rows = Subscription.objects.order_by("subscription", "start")
    return [(row.external_id, row.start, row.end, row.amount * row.quantity, row.status) for row in rows]


def told(*kinds):
    rows = AccountEvent.objects.filter(kind__in=kinds) if kinds else AccountEvent.objects.exclude(kind__startswith="account.")
    return sorted((row.kind, row.occurred_at) for row in rows)


def test_a_signed_event_is_taken_and_nothing_near_it(cast):
    hook = stripe_hook(cast.ada)
    body = json.dumps(event("customer.created", customer(), 0)).encode()
    good, now = signed(hook.secret, body), int(timezone.now().timestamp())
    for header in (
        "", "t=,v1=", good.replace("v1=", "v2="), good.replace("t=", "t=1"), good.split(",")[0], signed("whsec_another_secret_0123456789", body), signed(hook.secret, body + b" "),
        signed(hook.secret, body, seconds=now - 302), signed(hook.secret, body, seconds=now + 320), f"t={now},{good}", "v1=" + "a" * 3000,
    ):  # fmt: skip
        assert post(hook, body, header=header).status_code == 401, header
    assert not InboundEvent.objects.exists()
    assert post(hook, body, header=good).status_code == 202
    assert post(hook, body, header=good).status_code == 200
    assert post(hook, body, address="/hooks/in/stripe/stripe/").status_code == 200
    assert post(hook, body, address="/hooks/in/stripe/nobody/").status_code == 404
    # a hook with another proof is no hook of Stripe
    hook.proof = "standard"
    hook.save()
    assert post(hook, body).status_code == 404


def test_a_customer_becomes_an_account_with_a_person_for_the_bills(cast):
    tell(stripe_hook(cast.ada), event("customer.created", customer(), 0), event("customer.updated", customer(name="Acme AG"), 1))
    account = Account.objects.get(external_id="cus_1")
    assert account.name == "Acme AG"
    assert [(row.email, row.role) for row in Contact.objects.filter(account=account)] == [("billing@acme.test", "billing")]


def test_a_customer_who_is_known_here_by_metadata_name_or_address_is_that_account(cast):
    hook = stripe_hook(cast.ada)
    cases = [{"metadata": {"account": "boga"}}, {"id": "cus_2", "name": cast.boga.name, "email": None}, {"id": "cus_3", "name": None, "email": "selin@bogazici.test"}]
    for more in cases:
        tell(hook, event("customer.created", customer(**more), 0))
    assert Account.objects.count() == 2
    rows = OutsideObject.objects.filter(kind="account").values_list("row_id", flat=True)
    assert set(rows) == {cast.boga.pk}
    assert Account.objects.get(pk=cast.boga.pk).name == "Boğaziçi Lojistik A.Ş."


def life():
    """A subscription from its first second to its end, and its payments: two failures, one good, part of it given back."""
    one, two = item(1000, 2), item(1000, 5)
    return [
        event("customer.created", customer(), 0),
        event("customer.subscription.created", subscription(one), 0),
        event("customer.subscription.updated", subscription(two), 10, before={"items": {"data": [one]}}),
        event("charge.failed", failed("ch_1", 11), 11),
        event("invoice.payment_failed", {"id": "in_1", "object": "invoice", "customer": "cus_1", "charge": "ch_1", "payment_intent": "pi_1", "currency": "eur"}, 11),
        event("customer.subscription.updated", subscription(two, status="past_due"), 11, before={"status": "active"}),
        event("charge.failed", failed("ch_2", 13, "stolen_card"), 13),
        event("charge.succeeded", charge("ch_3", 15), 15),
        event("customer.subscription.updated", subscription(two), 15.5, before={"status": "past_due"}),
        event("charge.refunded", charge("ch_3", 15, amount_refunded=500), 17),
        event("refund.created", {"id": "re_1", "object": "refund", "charge": "ch_3", "amount": 500, "currency": "eur", "status": "succeeded", "created": BEGIN + 17 * DAY}, 17),
        event(
            "customer.subscription.updated", subscription(two, cancel_at_period_end=True, cancel_at=BEGIN + 30 * DAY, canceled_at=BEGIN + 20 * DAY), 20,
            before={"cancel_at_period_end": False},
        ),
        event(
            "customer.subscription.deleted",
            subscription(
                two, status="canceled", canceled_at=BEGIN + 20 * DAY, ended_at=BEGIN + 30 * DAY, cancel_at=BEGIN + 30 * DAY,
                cancellation_details={"reason": "cancellation_requested", "feedback": "too_expensive"},
            ),
            30,
        ),
    ]  # fmt: skip


EXPECTED_SPANS = [("sub_1", at(0), at(10), Decimal(20), "active"), ("sub_1@" + str(BEGIN + 10 * DAY), at(10), at(30), Decimal(50), "cancelled")]
EXPECTED_PAYMENTS = [("ch_1", "failed", 1, False, "insufficient_funds"), ("ch_2", "failed", 2, True, "stolen_card"), ("ch_3", "succeeded", 3, None, "")]
EXPECTED_TOLD = [
    ("payment.failed", at(11)), ("payment.failed", at(13)), ("payment.recovered", at(15)), ("subscription.cancelled", at(20)), ("subscription.changed", at(10)),
    ("subscription.ended", at(30)), ("subscription.started", at(0)),
]  # fmt: skip


def stored():
    """All that the events make, without numbers of rows."""
    payments = [(row.external_id, row.status, row.attempt, row.hard_decline, row.failure_code) for row in Transaction.objects.order_by("occurred_at")]
    return spans(), payments, told()


def test_a_life_is_told_in_order(cast):
    tell(stripe_hook(cast.ada), *life())
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done"}
    assert stored() == (EXPECTED_SPANS, EXPECTED_PAYMENTS, EXPECTED_TOLD)
    last = Subscription.objects.latest("start")
    assert (last.cancelled_at, last.end_reason, last.voluntary, last.past_due_since, last.product) == (at(20), "too_expensive", True, None, "Pro")
    paid = Transaction.objects.get(external_id="ch_3")
    assert (paid.amount, paid.refunded_amount, paid.refunded_at, paid.invoice) == (20, 5, at(17), "in_1")
    account = Account.objects.get(external_id="cus_1")
    ledger = [(row.occurred_at, row.balance_micros) for row in SubscriptionChange.objects.filter(account=account).order_by("occurred_at")]
    assert ledger == [(at(0), 20_000_000), (at(10), 50_000_000), (at(30), 0)]
    changed = AccountEvent.objects.get(kind="subscription.changed").payload
    assert (changed["mrr_before"], changed["mrr"]) == ("20", "50")
    hard = AccountEvent.objects.filter(kind="payment.failed").order_by("occurred_at").values_list("payload__hard_decline", "payload__invoice")
    assert list(hard) == [(False, "in_1"), (True, "in_1")]


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_repeated_and_replayed_events_end_the_same(cast, seed):
    hook, dice, events = stripe_hook(cast.ada), random.Random(seed), life()
    coming = events + dice.sample(events, 4)
    dice.shuffle(coming)
    for place in range(0, len(coming), 3):
        tell(hook, *coming[place : place + 3])
    sweep_hooks(now=timezone.now() + dt.timedelta(minutes=30))
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done"}
    assert stored() == (EXPECTED_SPANS, EXPECTED_PAYMENTS, EXPECTED_TOLD)
    order_replay(rows=InboundEvent.objects.all())
    sweep_hooks(now=timezone.now())
    assert stored() == (EXPECTED_SPANS, EXPECTED_PAYMENTS, EXPECTED_TOLD)


def test_what_comes_before_its_customer_waits_and_is_done_with_it(cast):
    hook = stripe_hook(cast.ada)
    tell(hook, event("customer.subscription.created", subscription(item(1000)), 0), event("charge.succeeded", charge("ch_1", 0), 0))
    assert set(InboundEvent.objects.values_list("status", "note")) == {("failed", "waits for cus_1")}
    assert not Subscription.objects.exists()
    tell(hook, event("customer.created", customer(), 0))
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done"}
    assert (Subscription.objects.count(), Transaction.objects.count()) == (1, 1)


def test_spans_and_payments_that_an_import_brought_go_on_under_their_ids(cast):
    account = Account.objects.create(external_id="cus_1", name="Acme")
    Subscription.objects.create(external_id="sub_1", account=account, start=at(-400), end=at(-100), amount=5, currency="EUR")
    Subscription.objects.create(external_id="sub_1-2", subscription="sub_1", account=account, start=at(-100), amount=10, currency="EUR", product="Pro")
    Transaction.objects.create(external_id="ch_1", account=account, occurred_at=at(0), amount=20, currency="EUR", kind="invoice")
    hook = stripe_hook(cast.ada)
    started = {"start_date": BEGIN - 400 * DAY}
    tell(hook, event("customer.subscription.updated", subscription(item(1000), **started), 1), event("charge.refunded", charge("ch_1", 0, amount_refunded=2000, refunded=True), 2))
    assert spans() == [("sub_1", at(-400), at(-100), 5, "active"), ("sub_1-2", at(-100), None, 10, "active")]
    assert [(row.status, row.refunded_amount) for row in Transaction.objects.all()] == [("refunded", 20)]
    tell(hook, event("customer.subscription.updated", subscription(item(3000), **started), 5, before={"items": {"data": [item(1000)]}}))
    assert [row[1:4] for row in spans()] == [(at(-400), at(-100), 5), (at(-100), at(5), 10), (at(5), None, 30)]


def test_items_discounts_trials_and_pauses_have_their_places(cast):
    hook = stripe_hook(cast.ada)
    yearly, seats, counted = (
        item(120_000, interval="year"),
        item(500, 4, name="si_2", nickname="Seats"),
        item(7, name="si_3", recurring={"interval": "month", "usage_type": "metered"}),
    )
    coupon = {"coupon": {"percent_off": 50, "duration": "repeating"}, "end": BEGIN + 60 * DAY}
    tell(
        hook,
        event("customer.created", customer(), 0),
        event("customer.subscription.created", subscription(yearly, seats, counted, discount=coupon, status="trialing", trial_end=BEGIN + 14 * DAY), 0),
        event("customer.subscription.updated", subscription(yearly, discount=coupon, trial_end=BEGIN + 14 * DAY, pause_collection={"behavior": "void", "resumes_at": BEGIN + 40 * DAY}), 20, before={"status": "trialing"}),
    )  # fmt: skip
    rows = Subscription.objects.order_by("subscription", "start")
    assert [(row.subscription, row.start, row.end, row.discount_percent, row.mrr_micros) for row in rows] == [
        ("sub_1", at(0), at(60), 50, 50_000_000), ("sub_1", at(60), None, 0, 100_000_000), ("sub_1/si_2", at(0), at(20), 50, 10_000_000), ("sub_1/si_3", at(0), at(20), 50, 0),
    ]  # fmt: skip
    assert rows[1].status == "paused"
    assert (rows[1].paused_from, rows[1].paused_until, rows[0].trial_until) == (at(20), at(40), at(14))
    assert [kind for kind, _at in told("trial.started", "trial.ended")] == ["trial.ended", "trial.started"]


def test_an_invoice_of_the_newer_api_ties_charges_that_name_none(cast):
    hook = stripe_hook(cast.ada)
    bare = {"invoice": None}
    tell(
        hook,
        event("customer.created", customer(), 0),
        event("charge.failed", failed("ch_1", 1, **bare), 1),
        event("charge.succeeded", charge("ch_2", 3, **bare), 3),
    )  # fmt: skip
    assert told("payment.recovered") == []
    payments = {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}
    tell(hook, event("invoice.paid", {"id": "in_9", "object": "invoice", "customer": "cus_1", "currency": "eur", "payments": payments}, 3))
    assert list(Transaction.objects.order_by("occurred_at").values_list("external_id", "invoice", "attempt")) == [("ch_1", "in_9", 1), ("ch_2", "in_9", 2)]
    assert told("payment.recovered") == [("payment.recovered", at(3))]


def test_money_of_currencies_without_parts_and_payments_outside_are_read(cast):
    hook = stripe_hook(cast.ada)
    tell(
        hook,
        event("customer.created", customer(), 0),
        event("charge.succeeded", charge("ch_1", 1, amount=5000, currency="jpy"), 1),
        event("invoice.paid", {"id": "in_2", "object": "invoice", "customer": "cus_1", "currency": "eur", "amount_due": 12_345, "paid_out_of_band": True}, 2),
        event("charge.succeeded", charge("ch_2", 3, customer=None), 3),
    )  # fmt: skip
    assert list(Transaction.objects.order_by("occurred_at").values_list("external_id", "amount", "currency")) == [("ch_1", 5000, "JPY"), ("in_2", Decimal("123.45"), "EUR")]


def test_what_cannot_be_read_says_what_is_wrong(cast):
    hook = stripe_hook(cast.ada)
    wrong = event("customer.subscription.created", subscription(item(1000, interval="fortnight")), 0)
    tell(hook, event("customer.created", customer(), 0), wrong, {"id": "evt_x", "type": "customer.created", "created": BEGIN, "data": {}})
    notes = dict(InboundEvent.objects.values_list("external_id", "note"))
    assert "day, week, month or year" in notes[wrong["id"]]
    assert not Subscription.objects.exists()


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason=REASON)
def test_every_example_of_the_vendor_is_taken_and_none_breaks(cast):
    hook = stripe_hook(cast.ada)
    Account.objects.create(external_id="cus_00000000000000", name="Example")
    for number, path in enumerate(sorted(EXAMPLES.glob("*.json"))):
        body = {**json.loads(path.read_text()), "id": f"evt_{number:024}"}
        assert post(hook, body).status_code == 202, path.name
    sweep_hooks(now=timezone.now())
    assert set(InboundEvent.objects.values_list("status", flat=True)) == {"done", "ignored"}, list(InboundEvent.objects.filter(status="failed").values_list("kind", "note"))
    assert Subscription.objects.exists()
