"""Incoming webhooks in the administration: a secret shown once, changed without a gap, bodies tried, events worked on again."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, InboundEvent, IncomingHook
from config.hooks.handling import sweep_hooks
from tests.config.hook_calls import make_hook, send

pytestmark = pytest.mark.django_db
ADD = {"name": "desk", "proof": "standard", "header": "", "given_secret": "", "map": "", "own_map": "{}", "active": "on"}
BODY = {"type": "account.upsert", "data": {"external_id": "crm-9", "name": "Acme"}}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    cache.clear()
    monkeypatch.setattr("config.views.hooks._nudge", lambda: None)


def page(name, *args):
    return reverse(f"admin:accounts_{name}", args=args)


def test_a_new_hook_shows_its_secret_once_and_works_with_it(client, cast):
    client.force_login(cast.ada)
    response = client.post(page("incominghook_add"), {**ADD, "acts_for": cast.ada.pk})
    hook = IncomingHook.objects.get()
    assert hook.secret.startswith("whsec_")
    assert hook.secret in response.content.decode()
    assert "/hooks/in/generic/desk/" in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    for address in (page("incominghook_change", hook.pk), page("incominghook_changelist"), page("incominghook_rehearse", hook.pk)):
        assert hook.secret not in client.get(address).content.decode()
    assert send(hook, BODY).status_code == 202


def test_a_new_secret_leaves_the_old_one_until_it_is_ended(client, cast):
    client.force_login(cast.ada)
    hook = make_hook(cast.ada)
    first = hook.secret
    assert client.get(page("incominghook_rotate", hook.pk)).status_code == 405
    assert client.post(page("incominghook_rotate", hook.pk)).status_code == 200
    hook.refresh_from_db()
    assert (hook.previous_secret, hook.secret != first) == (first, True)
    assert client.post(page("incominghook_settle", hook.pk)).status_code == 302
    hook.refresh_from_db()
    assert hook.previous_secret == ""


def test_the_sender_s_own_secret_is_taken_and_never_shown(client, cast):
    client.force_login(cast.ada)
    response = client.post(
        page("incominghook_add"),
        {**ADD, "acts_for": cast.ada.pk, "proof": "hmac", "header": "X-Hub-Signature", "given_secret": "a secret of theirs", "map": "intercom"},
        follow=True,
    )
    assert IncomingHook.objects.get().secret == "a secret of theirs"
    assert "a secret of theirs" not in response.content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"proof": "hmac"}, "Name the header"),
        ({"given_secret": "whsec_!"}, "begins with whsec_"),
        ({"own_map": '{"rules": [{"kind": "weather"}]}'}, "rules.0.kind"),
        ({"own_map": '{"rules": [{"kind": "event", "fields": {"a": {"path": "b", "as": "eval"}}}]}'}, "rules.0.fields.a.as"),
        ({"map": "zendesk", "own_map": '{"rules": [{"kind": "event", "fields": {"a": "b"}}]}'}, "not both"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_made(client, cast, wrong, said):
    client.force_login(cast.ada)
    response = client.post(page("incominghook_add"), {**ADD, "acts_for": cast.ada.pk, **wrong})
    assert said in response.content.decode()
    assert not IncomingHook.objects.exists()


def test_a_body_is_tried_without_writing(client, cast):
    client.force_login(cast.ada)
    hook = make_hook(cast.ada)
    shown = client.post(page("incominghook_rehearse", hook.pk), {"body": json.dumps(BODY)}).content.decode()
    assert "account crm-9 put" in shown
    assert (
        "400" in client.post(page("incominghook_rehearse", hook.pk), {"body": json.dumps({"type": "account.upsert", "data": {"external_id": "x", "nme": "Acme"}})}).content.decode()
    )
    assert not Account.objects.filter(external_id__in=["crm-9", "x"]).exists()
    assert not InboundEvent.objects.exists()


def test_chosen_events_and_a_stretch_of_time_are_worked_on_again(client, cast):
    client.force_login(cast.ada)
    hook = make_hook(cast.ada)
    for number in range(3):
        send(hook, {"type": "account.upsert", "data": {"external_id": f"crm-{number}", "name": "Acme"}})
    sweep_hooks(now=timezone.now())
    pks = list(InboundEvent.objects.order_by("pk").values_list("pk", flat=True))
    client.post(page("inboundevent_changelist"), {"action": "replay", "_selected_action": pks[:1]})
    assert InboundEvent.objects.filter(status="new").count() == 1
    now = timezone.now()
    stretch = {"source": "hook:desk", "since": (now - dt.timedelta(hours=1)).isoformat(), "until": (now + dt.timedelta(hours=1)).isoformat()}
    assert client.post(page("inboundevent_replay"), {**stretch, "source": "hook:other"}).status_code == 302
    assert InboundEvent.objects.filter(status="new").count() == 1
    assert client.post(page("inboundevent_replay"), {**stretch, "until": stretch["since"]}).status_code == 200
    assert client.post(page("inboundevent_replay"), stretch).status_code == 302
    assert InboundEvent.objects.filter(status="new").count() == 3
    assert sweep_hooks(now=timezone.now()) == 3


def test_nobody_but_admins_comes_near(client, cast):
    hook = make_hook(cast.ada)
    for who in (None, cast.mert, cast.elif_, cast.deniz, cast.vera, cast.ana):
        client.logout()
        if who:
            client.force_login(who)
        for address in (page("incominghook_rotate", hook.pk), page("incominghook_settle", hook.pk), page("incominghook_rehearse", hook.pk), page("inboundevent_replay")):
            assert client.post(address, {"body": "{}"}).status_code == 302, (who, address)
    stored = IncomingHook.objects.get()
    assert (stored.secret, stored.previous_secret) == (hook.secret, "")
