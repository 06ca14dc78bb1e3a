"""Webhooks that go out: each event once in the receiver's hands, signed; tried by the ladder; off after five days; never to a machine inside."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from accounts.actions import webhook_calls
from accounts.actions.event_log import record_event
from accounts.actions.webhook_calls import LADDER, send_deliveries
from accounts.actions.webhooks import change_endpoint, create_endpoint, forget_deliveries, remove_endpoint, replay_deliveries, replay_since, rotate_secret, send_test
from accounts.models import Installation, OutgoingMail, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.outward_calls import post
from accounts.tasks import webhooks
from tests.accounts.webhook_receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(settings):
    settings.PLAYBOOK_PRIVATE_CALLS = True
    made = Receiver()
    yield made
    made.stop()


def endpoint(receiver, user, **fields):
    return create_endpoint(fields={"url": receiver.url, **fields}, actor=user, now=timezone.now())


def happens(account, kind="health.band_changed", origin="app", **more):
    payload = {"band": "at_risk", "score": 1200} if kind == "health.band_changed" else {}
    return record_event(account_id=account.pk, kind=kind, occurred_at=timezone.now(), origin=origin, payload=payload, **more)


def send(at=None):
    return dict(send_deliveries(clock=lambda: at or timezone.now()))


def states():
    return list(WebhookDelivery.objects.order_by("pk").values_list("kind", "status", "answer"))


def test_each_event_of_a_chosen_kind_is_told_once_signed_and_without_anything_personal(cast, receiver):
    made = endpoint(receiver, cast.ada, kinds=["health.band_changed"])
    event = happens(cast.boga, contact_id=cast.selin.pk)
    happens(cast.boga, "onboarding.completed")
    assert send() == {"delivered": 1}
    assert send() == {}
    headers, body = receiver.calls[0]
    told = Webhook(made.secret).verify(body, headers)
    assert told == {
        "type": "health.band_changed", "timestamp": event.occurred_at.isoformat(),
        "data": {
            "event": event.pk, "recorded_at": event.recorded_at.isoformat(), "origin": "app", "account": {"id": cast.boga.pk, "external_id": "boga"},
            "contact": {"id": cast.selin.pk, "external_id": cast.selin.external_id}, "subject": None, "payload": {"band": "at_risk", "score": 1200},
        },
    }  # fmt: skip
    assert "Boğaziçi" not in body.decode()
    assert "@" not in body.decode()
    assert states() == [("health.band_changed", "delivered", "204")]
    made.refresh_from_db()
    assert made.last_success_at is not None


def test_an_event_that_is_rolled_back_is_told_to_nobody_and_an_import_neither(cast, receiver):
    endpoint(receiver, cast.ada)
    with transaction.atomic():
        happens(cast.boga)
        transaction.set_rollback(True)
    happens(cast.boga, origin="import")
    assert (send(), states()) == ({}, [])


def test_the_ladder_is_climbed_to_its_end_under_one_id_and_then_it_failed(cast, receiver):
    endpoint(receiver, cast.ada)
    happens(cast.boga)
    receiver.answers = [500, 404, (302, receiver.url + "/elsewhere"), 429, 503, 400, 500, 500, 500, 500]
    clock = timezone.now() + dt.timedelta(seconds=1)
    for number, wait in enumerate([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400], 1):
        assert send(clock) == {"again": 1}, number
        assert send(clock + dt.timedelta(seconds=wait - 1)) == {}
        clock += dt.timedelta(seconds=wait)
    assert send(clock) == {"failed": 1}
    assert send(clock + dt.timedelta(days=2)) == {}
    assert sum(LADDER) == 272_105
    assert len({headers["webhook-id"] for headers, _body in receiver.calls}) == 1
    # a redirect is an answer like any other that is no yes: nobody goes there
    assert len(receiver.calls) == 10
    assert [row.answer for row in WebhookAttempt.objects.order_by("pk")] == ["500", "404", "302", "429", "503", "400", "500", "500", "500", "500"]
    assert WebhookEndpoint.objects.get().active


def test_gone_for_good_switches_it_off_at_once_and_five_days_of_failures_do_too(cast, receiver):
    made = endpoint(receiver, cast.mert)
    happens(cast.boga)
    receiver.answers = [410]
    assert send() == {"failed": 1}
    made.refresh_from_db()
    assert (made.active, made.off_reason) == (False, "gone")
    mail = OutgoingMail.objects.get(kind="alert")
    assert (mail.to_address, receiver.url in mail.body_text) == (cast.mert.email, True)
    # while it is off nothing is written down for it, and nothing is sent
    happens(cast.boga)
    assert WebhookDelivery.objects.count() == 1
    change_endpoint(endpoint_id=made.pk, fields={"active": True}, actor=cast.mert, now=timezone.now())
    receiver.answers = [500] * 3
    begun = timezone.now() + dt.timedelta(seconds=1)
    happens(cast.boga)
    assert send(begun) == {"again": 1}
    happens(cast.boga)
    assert send(begun + dt.timedelta(days=4)) == {"again": 2}
    assert WebhookEndpoint.objects.get().active
    receiver.answers = [500] * 3
    send(begun + dt.timedelta(days=5, minutes=10))
    made.refresh_from_db()
    assert (made.active, made.off_reason) == (False, "failing")
    assert OutgoingMail.objects.filter(kind="alert").count() == 2


def test_a_success_ends_the_count_of_failing_days(cast, receiver):
    made = endpoint(receiver, cast.ada)
    happens(cast.boga)
    receiver.answers = [500]
    begun = timezone.now() + dt.timedelta(seconds=1)
    send(begun)
    assert send(begun + dt.timedelta(days=6)) == {"delivered": 1}
    made.refresh_from_db()
    assert (made.active, made.failing_since) == (True, None)


def test_a_lead_is_told_of_the_own_team_alone_and_nobody_acts_for_who_left(cast, receiver):
    made = endpoint(receiver, cast.mert)
    happens(cast.boga)
    happens(cast.north)
    assert send() == {"delivered": 1, "dropped": 1}
    assert [body["data"]["account"]["external_id"] for body in receiver.told()] == ["boga"]
    assert [row[1:] for row in states()] == [("delivered", "204"), ("dropped", "out_of_scope")]
    happens(cast.boga)
    cast.mert.is_active = False
    cast.mert.save()
    assert send() == {"dropped": 1}
    made.refresh_from_db()
    assert (made.active, made.off_reason, len(receiver.calls)) == (False, "owner", 1)
    assert OutgoingMail.objects.get(kind="alert").to_address == cast.ada.email


def test_two_secrets_hold_for_a_day(cast, receiver):
    made = endpoint(receiver, cast.ada)
    before = made.secret
    now = timezone.now() + dt.timedelta(seconds=5)
    after = rotate_secret(endpoint_id=made.pk, actor=cast.ada, now=now).secret
    assert after != before
    happens(cast.boga)
    send(now)
    headers, body = receiver.calls[0]
    assert Webhook(before).verify(body, headers) == Webhook(after).verify(body, headers)
    send_test(endpoint_id=made.pk, now=now)
    row = WebhookDelivery.objects.select_related("endpoint").get(kind="webhook.test")
    later = webhook_calls.call_of(row, epoch="e", now=now + dt.timedelta(hours=25)).headers
    assert len(later["webhook-signature"].split()) == 1


def test_a_worker_that_dies_while_it_calls_leaves_a_call_that_is_made_again_under_its_id(cast, receiver, monkeypatch):
    class Killed(BaseException):
        """The process is gone."""

    def dying(*args, **rest):
        post(*args, **rest)
        raise Killed

    endpoint(receiver, cast.ada)
    happens(cast.boga)
    now = timezone.now() + dt.timedelta(seconds=1)
    monkeypatch.setattr(webhook_calls, "post", dying)
    with pytest.raises(Killed):
        send(now)
    monkeypatch.setattr(webhook_calls, "post", post)
    assert send(now + dt.timedelta(minutes=1)) == {}
    assert send(now + dt.timedelta(minutes=3)) == {"delivered": 1}
    assert len(receiver.calls) == 2
    assert receiver.calls[0][0]["webhook-id"] == receiver.calls[1][0]["webhook-id"]


def test_a_slow_receiver_keeps_nobody_else_waiting(cast, receiver):
    slow = Receiver()
    slow.delay = 1.0
    try:
        endpoint(slow, cast.ada)
        endpoint(receiver, cast.ada)
        for _number in range(8):
            happens(cast.boga)
        begun = timezone.now()
        assert send() == {"delivered": 16}
        assert (timezone.now() - begun).total_seconds() < 6
        assert len(receiver.calls) == len(slow.calls) == 8
    finally:
        slow.stop()


def test_one_is_sent_again_and_a_stretch_brings_what_failed_and_what_was_missed(cast, receiver):
    begun = timezone.now()
    missed = happens(cast.boga)
    made = endpoint(receiver, cast.ada)
    happens(cast.boga)
    assert send() == {"delivered": 1}
    row = WebhookDelivery.objects.get()
    assert replay_deliveries(ids=[row.pk], now=timezone.now()) == 1
    assert replay_deliveries(ids=[row.pk], now=timezone.now()) == 0
    assert send() == {"delivered": 1}
    assert receiver.calls[0][0]["webhook-id"] == receiver.calls[1][0]["webhook-id"]
    since = begun - dt.timedelta(seconds=5)
    assert replay_since(endpoint_id=made.pk, since=since, until=None, delivered_too=False, now=timezone.now()) == 1
    assert send() == {"delivered": 1}
    assert receiver.told()[-1]["data"]["event"] == missed.pk
    assert replay_since(endpoint_id=made.pk, since=since, until=None, delivered_too=False, now=timezone.now()) == 0
    assert replay_since(endpoint_id=made.pk, since=since, until=None, delivered_too=True, now=timezone.now()) == 2
    for wrong in (timezone.now() + dt.timedelta(hours=1), timezone.now() - dt.timedelta(days=31)):
        with pytest.raises(ValidationError):
            replay_since(endpoint_id=made.pk, since=wrong, until=None, delivered_too=False, now=timezone.now())


def test_nothing_leaves_while_sending_is_off_or_from_a_sandbox(cast, receiver, settings):
    endpoint(receiver, cast.ada)
    happens(cast.boga)
    Installation.objects.update_or_create(pk=1, defaults={"sending_enabled": False})
    assert send() == {}
    Installation.objects.update(sending_enabled=True)
    settings.SANDBOX = True
    assert send() == {}
    assert webhooks() == {}
    settings.SANDBOX = False
    assert webhooks() == {"delivered": 1, "forgotten": 0}


def test_what_is_old_is_forgotten_and_what_is_removed_leaves_nothing(cast, receiver):
    made = endpoint(receiver, cast.ada)
    happens(cast.boga)
    happens(cast.boga)
    send()
    WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.first().pk).update(created_at=timezone.now() - dt.timedelta(days=31))
    assert forget_deliveries(now=timezone.now()) == 1
    assert (WebhookDelivery.objects.count(), WebhookAttempt.objects.count()) == (1, 1)
    remove_endpoint(endpoint_id=made.pk, actor=cast.ada, now=timezone.now())
    assert (WebhookEndpoint.objects.count(), WebhookDelivery.objects.count(), WebhookAttempt.objects.count()) == (0, 0, 0)


def test_another_signature_is_none(cast, receiver):
    made = endpoint(receiver, cast.ada)
    happens(cast.boga)
    send()
    headers, body = receiver.calls[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(body + b" ", headers)
