"""Webhooks that come in: proven, kept before they are acknowledged, once, and refused in the right words."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from accounts.actions.inbound_events import order_replay
from accounts.actions.incoming_hooks import drop_previous, set_secret
from accounts.models import Account, AccountEvent, Contact, InboundEvent, IncomingHook, OutsideObject, UsageDay
from config.erasing import erase_contact
from config.hooks import handling
from config.hooks.handling import sweep_hooks
from config.views import hooks as view
from tests.config.hook_calls import hmac_base64, hmac_hex, make_hook, send, standard
from tickets.models import Ticket, TicketMessage, UnsortedMessage

pytestmark = pytest.mark.django_db
BODY = {"type": "account.upsert", "data": {"external_id": "crm-9", "name": "Acme"}}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """No worker is woken; the counters of other tests are gone."""
    cache.clear()
    monkeypatch.setattr("config.views.hooks._nudge", lambda: None)


def rows():
    return list(InboundEvent.objects.order_by("pk").values_list("source", "kind", "status"))


def test_a_signed_call_is_kept_and_acknowledged_and_then_done(cast):
    hook = make_hook(cast.ada)
    assert send(hook, BODY).status_code == 202
    assert rows() == [("hook:desk", "account.upsert", "new")]
    assert not Account.objects.filter(external_id="crm-9").exists()
    assert sweep_hooks(now=timezone.now()) == 1
    assert rows() == [("hook:desk", "account.upsert", "done")]
    assert Account.objects.get(external_id="crm-9").name == "Acme"
    hook.refresh_from_db()
    assert hook.last_received_at is not None


def test_the_same_call_again_is_known_and_another_body_under_its_id_is_a_conflict(cast):
    hook = make_hook(cast.ada)
    assert [send(hook, BODY, number="m1").status_code for _ in range(3)] == [202, 200, 200]
    assert send(hook, {**BODY, "data": {"external_id": "crm-9", "name": "Other"}}, number="m1").status_code == 409
    sweep_hooks(now=timezone.now())
    assert rows() == [("hook:desk", "account.upsert", "done"), ("hook:desk", "account.upsert", "conflict")]
    assert Account.objects.get(external_id="crm-9").name == "Acme"


def test_without_a_name_every_hook_with_a_standard_signature_is_tried(cast):
    make_hook(cast.ada, "first")
    second = make_hook(cast.ada, "second")
    third = make_hook(cast.ada, "third", proof="bearer", header="X-Secret")
    assert send(second, BODY, address="/hooks/in/generic/").status_code == 202
    assert rows() == [("hook:second", "account.upsert", "new")]
    assert send(third, BODY, address="/hooks/in/generic/").status_code == 401
    IncomingHook.objects.update(active=False)
    assert send(second, BODY, address="/hooks/in/generic/").status_code == 404


def test_two_secrets_hold_while_the_sender_changes_over(cast):
    hook = make_hook(cast.ada)
    raw = json.dumps(BODY).encode()
    before = standard(hook.secret, raw, number="old")
    set_secret(hook=hook)
    assert send(hook, raw, headers=before).status_code == 202
    assert send(hook, raw, number="new").status_code == 202
    drop_previous(hook=hook)
    assert send(hook, raw, headers=before).status_code == 401


@pytest.mark.parametrize("digest", [hashlib.sha1, hashlib.sha256])
def test_an_hmac_of_the_body_is_taken_in_hex_and_base64_with_and_without_its_name(cast, digest):
    hook = make_hook(cast.ada, proof="hmac", header="X-Hub-Signature", secret="a secret of theirs")
    raw = json.dumps(BODY).encode()
    name = digest().name
    for number, spelled in enumerate((hmac_hex(hook.secret, raw, digest=digest), hmac_base64(hook.secret, raw, digest=digest))):
        for word in (spelled, f"{name}={spelled}", f"{name.upper()}={spelled}"):
            expected = 200 if InboundEvent.objects.exists() else 202
            assert send(hook, raw, headers={"X-Hub-Signature": word}).status_code == expected, (number, word)
        assert send(hook, raw, headers={"X-Hub-Signature": f"md5={spelled}"}).status_code == 401
        assert send(hook, raw + b" ", headers={"X-Hub-Signature": spelled}).status_code == 401
    assert send(hook, raw, headers={"X-Other": hmac_hex(hook.secret, raw)}).status_code == 401


def test_an_unsigned_id_does_not_make_a_repetition_new(cast):
    hook = make_hook(cast.ada, proof="hmac", header="X-Signature")
    raw = json.dumps(BODY).encode()
    for number in ("a", "b"):
        send(hook, raw, headers={"X-Signature": hmac_hex(hook.secret, raw), "webhook-id": number})
    assert InboundEvent.objects.count() == 1


def test_a_secret_in_a_header_is_taken_and_nothing_near_it(cast):
    hook = make_hook(cast.ada, proof="bearer", header="Authorization")
    assert send(hook, BODY, headers={"Authorization": f"Bearer {hook.secret}"}).status_code == 202
    for wrong in ("", "Bearer ", hook.secret[:-1], hook.secret.lower(), f"Bearer {hook.secret}x", "ğ"):
        assert send(hook, BODY, headers={"Authorization": wrong}).status_code == 401, wrong


def test_no_forged_altered_or_expired_call_is_taken(cast):
    hook, other = make_hook(cast.ada), make_hook(cast.ada, "other", active=False)
    dice = random.Random(7)
    raw = json.dumps(BODY).encode()
    good = standard(hook.secret, raw, number="m1")
    now = timezone.now()
    tried = 0
    for _ in range(150):
        headers, body = dict(good), bytearray(raw)
        which = dice.randrange(6)
        if which == 0:
            body[dice.randrange(len(body))] ^= 1 << dice.randrange(7)
        elif which == 1:
            name = dice.choice(sorted(headers))
            place = dice.randrange(len(headers[name]))
            headers[name] = headers[name][:place] + chr((ord(headers[name][place]) - 32) % 90 + 33) + headers[name][place + 1 :]
        elif which == 2:
            headers = standard(hook.secret, raw, number="m1", at=now + dt.timedelta(seconds=dice.choice([-1, 1]) * dice.randrange(302, 10_000)))
        elif which == 3:
            headers = standard(other.secret, raw)
        elif which == 4:
            headers.pop(dice.choice(sorted(headers)))
        else:
            headers["webhook-signature"] = dice.choice(["v1,", "v1a,x", "v1", ",", "v2," + good["webhook-signature"][3:], good["webhook-signature"][3:], "v1," + "A" * 43 + "="])
        tried += 1
        assert send(hook, bytes(body), headers=headers).status_code == 401, (which, headers, bytes(body))
    assert tried == 150
    assert InboundEvent.objects.count() == 0
    # the same call itself: once
    assert [send(hook, raw, headers=good).status_code for _ in range(20)] == [202] + [200] * 19
    assert InboundEvent.objects.count() == 1


def test_what_cannot_be_read_is_said_and_nothing_is_kept(cast):
    hook = make_hook(cast.ada)
    deep = b'{"a":' * 21 + b"1" + b"}" * 21
    for body in (b"{", b"null", b'"text"', b"[]", deep, b'{"a":' * 100_000, b'{"a": NaN}'):
        assert send(hook, body).status_code == 400, body[:30]
    assert send(hook, b'{"a":' * 20 + b"1" + b"}" * 20).status_code == 202
    InboundEvent.objects.all().delete()
    assert send(hook, BODY, content_type="text/plain").status_code == 415
    assert send(hook, {"x": "y" * 1024 * 1024}).status_code == 413
    assert send(hook, BODY, address="/hooks/in/generic/nobody/").status_code == 404
    assert Client().get("/hooks/in/generic/desk/").status_code == 405
    assert Client().head("/hooks/in/generic/desk/").status_code == 200
    assert Client().head("/hooks/in/generic/nobody/").status_code == 404
    assert InboundEvent.objects.count() == 0


def test_an_unknown_type_is_kept_and_ignored(cast):
    hook = make_hook(cast.ada)
    assert send(hook, {"type": "weather.changed", "data": {"a": "b\x00c"}}).status_code == 202
    assert rows() == [("hook:desk", "weather.changed", "ignored")]
    assert sweep_hooks(now=timezone.now()) == 0


def test_too_many_calls_a_second_are_told_when_to_come_again(cast, monkeypatch):
    hook = make_hook(cast.ada)
    monkeypatch.setattr(view, "A_SECOND", 2)
    monkeypatch.setattr(view.time, "time", lambda: 1_000_000.5)
    answers = [send(hook, BODY) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert answers[2]["Retry-After"] == "1"
    assert InboundEvent.objects.count() == 2


def test_only_what_could_not_be_stored_is_503(cast, monkeypatch):
    hook = make_hook(cast.ada)

    def full(**_):
        raise DatabaseError

    monkeypatch.setattr("config.hooks.handling.keep_inbound", full)
    assert send(hook, BODY).status_code == 503


def test_a_hook_whose_user_left_is_closed(cast):
    hook = make_hook(cast.elif_)
    cast.elif_.is_active = False
    cast.elif_.save()
    assert send(hook, BODY).status_code == 404


def test_our_own_words_do_what_the_api_does(cast):
    hook = make_hook(cast.elif_)
    said = [
        {"type": "contact.upsert", "data": {"external_id": "c-1", "account": "boga", "email": "Oya@bogazici.test", "name": "Oya"}},
        {"type": "ticket.upsert", "data": {"external_id": "t-1", "account": "boga", "contact": "c-1", "subject": "Rapor", "body": "Açılmıyor", "severity": 3}},
        {"type": "ticket.message", "data": {"ticket": "t-1", "external_id": "t-1-1", "body": "Bakıyoruz"}},
        {"type": "ticket.upsert", "data": {"external_id": "t-1", "account": "boga", "status": "solved"}},
        {"type": "event", "data": {"account": "boga", "kind": "onboarding.completed", "occurred_at": "2026-03-01T09:00:00Z"}},
        {"type": "usage", "data": [{"account": "boga", "day": "2026-03-01", "feature": "export", "count": 4}]},
    ]
    for body in said:
        assert send(hook, body).status_code == 202
    sweep_hooks(now=timezone.now())
    assert {status for _source, _kind, status in rows()} == {"done"}, list(InboundEvent.objects.values_list("note", flat=True))
    ticket = Ticket.objects.get(external_id="t-1")
    assert (ticket.status, ticket.severity, ticket.contact.email, ticket.replies) == ("solved", 3, "Oya@bogazici.test".replace("O", "o"), 1)
    assert list(ticket.messages.order_by("id").values_list("body", flat=True)) == ["Açılmıyor", "Bakıyoruz"]
    assert AccountEvent.objects.filter(account=cast.boga, kind="onboarding.completed").count() == 1
    assert UsageDay.objects.get(account=cast.boga).count == 4
    before = list(Ticket.objects.values()), list(TicketMessage.objects.values()), list(Contact.objects.values()), AccountEvent.objects.count()
    assert order_replay(rows=InboundEvent.objects.all()) == 6
    assert sweep_hooks(now=timezone.now()) == 6
    assert (list(Ticket.objects.values()), list(TicketMessage.objects.values()), list(Contact.objects.values()), AccountEvent.objects.count()) == before


def test_a_hook_does_no_more_than_its_user_may(cast):
    for who, name in ((cast.can, "other-book"), (cast.vera, "only-looks")):
        send(make_hook(who, name), {"type": "account.upsert", "data": {"external_id": "boga", "name": "Taken over"}})
    sweep_hooks(now=timezone.now())
    assert {status for _source, _kind, status in rows()} == {"failed"}
    assert Account.objects.get(external_id="boga").name == "Boğaziçi Lojistik A.Ş."


def test_what_is_refused_says_why_and_is_tried_again(cast):
    hook = make_hook(cast.ada)
    send(hook, {"type": "contact.upsert", "data": {"external_id": "c-1", "account": "later", "email": "a@later.test"}})
    now = timezone.now()
    assert sweep_hooks(now=now) == 0
    row = InboundEvent.objects.get()
    assert (row.status, row.attempts) == ("failed", 1)
    assert "account" in row.note
    send(hook, {"type": "account.upsert", "data": {"external_id": "later", "name": "Later Ltd"}})
    assert sweep_hooks(now=timezone.now()) == 1
    assert sweep_hooks(now=now + dt.timedelta(minutes=2)) == 1
    assert Contact.objects.get(external_id="c-1").account.external_id == "later"


def test_older_news_of_a_field_never_overwrites_newer(cast):
    hook = make_hook(cast.ada)

    def put(at, **fields):
        send(hook, {"type": "account.upsert", "timestamp": at, "data": {"external_id": "boga", **fields}})

    put("2026-03-03T00:00:00Z", plan="gold")
    put("2026-03-01T00:00:00Z", plan="tin", industry="logistics")
    put("2026-03-02T00:00:00Z", plan="silver", industry="freight")
    sweep_hooks(now=timezone.now())
    boga = Account.objects.get(external_id="boga")
    assert (boga.plan, boga.industry) == ("gold", "freight")


def test_an_unknown_state_leaves_the_ticket_and_waits_for_a_person(cast):
    hook = make_hook(cast.ada)
    send(hook, {"type": "ticket.upsert", "data": {"external_id": "t-1", "account": "boga", "subject": "Hata"}})
    send(hook, {"type": "ticket.upsert", "data": {"external_id": "t-1", "status": "frozen"}})
    sweep_hooks(now=timezone.now())
    assert Ticket.objects.get(external_id="t-1").status == "new"
    waiting = UnsortedMessage.objects.get()
    assert (waiting.why, waiting.status, waiting.ticket.external_id, waiting.body) == ("unknown_state", "waiting", "t-1", "frozen")


def test_what_nobody_foresaw_holds_up_nothing_behind_it(cast, monkeypatch):
    hook = make_hook(cast.ada)
    send(hook, {"type": "account.upsert", "data": {"external_id": "a", "name": "A"}})
    send(hook, {"type": "account.upsert", "data": {"external_id": "b", "name": "B"}})
    work = handling.do

    def breaks_once(hook, *, body, **rest):
        if body["data"]["external_id"] == "a":
            raise AttributeError
        return work(hook, body=body, **rest)

    monkeypatch.setattr(handling, "do", breaks_once)
    assert sweep_hooks(now=timezone.now()) == 1
    assert list(InboundEvent.objects.order_by("pk").values_list("status", "note")) == [("failed", "unforeseen: AttributeError"), ("done", "account b put")]


def test_forgetting_a_person_takes_what_a_source_said_of_them(cast):
    hook = make_hook(cast.ada)
    send(hook, {"type": "contact.upsert", "data": {"external_id": "zumrut-1", "account": "boga", "email": "zumrut@planted.test", "name": "Zümrüt Planted"}})
    sweep_hooks(now=timezone.now())
    contact = Contact.objects.get(email="zumrut@planted.test")
    erase_contact(contact_id=contact.pk, source="admin", now=timezone.now())
    assert not OutsideObject.objects.exists()
    assert InboundEvent.objects.get().payload == {"erased": True}
    assert order_replay(rows=InboundEvent.objects.all()) == 0


def test_a_call_wakes_a_worker_once_a_second(cast, monkeypatch):
    monkeypatch.undo()
    woken = []
    monkeypatch.setattr(view.work_on_hooks, "apply_async", lambda **options: woken.append(options))
    hook = make_hook(cast.ada)
    for number in range(3):
        assert send(hook, BODY, number=f"m{number}").status_code == 202
    assert woken[0] == {"countdown": 1}
    assert len(woken) <= 2
