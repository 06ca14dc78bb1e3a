"""Doors to webhooks: the API and the pages of the settings; who may come in, and what stands there."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.actions.webhook_calls import send_deliveries
from accounts.actions.webhooks import create_endpoint, send_test
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.outward_calls import fault_of, post
from tests.accounts.webhook_receiver import Receiver
from tests.api_client import ApiClient

pytestmark = pytest.mark.django_db
URL = "https://8.8.8.8/hook"


def made_by(user, **fields):
    return create_endpoint(fields={"url": URL, **fields}, actor=user, now=timezone.now())


# what is entered, and why it is refused; "" for what is taken
ADDRESSES = [
    ("https://8.8.8.8/x", ""), ("https://8.8.8.8:8443/", ""), ("http://8.8.8.8/", "address"), ("https://user:word@8.8.8.8/", "address"), ("https://8.8.8.8/#x", "address"),
    ("https://", "address"), ("ftp://8.8.8.8/", "address"), ("https://8.8.8.8:22/", "port"), ("https://127.0.0.1/", "private_address"), ("https://0x7f000001/", "private_address"),
    ("https://localhost/", "private_address"), ("https://[::ffff:10.0.0.1]/", "private_address"), ("https://[64:ff9b::a00:1]/", "private_address"),
    ("https://[fd00::1]/", "private_address"), ("https://169.254.169.254/latest/", "private_address"), ("https://100.64.0.1/", "private_address"),
    ("https://nowhere.invalid/", "no_address"),
]  # fmt: skip


def test_an_address_inside_is_refused_when_it_is_entered_and_at_each_call(cast):
    for url, fault in ADDRESSES:
        assert fault_of(url, resolve=True) == fault, url
        if fault:
            with pytest.raises(ValidationError) as refused:
                made_by(cast.ada, url=url)
            assert list(refused.value.error_dict) == ["url"]
            answer = post(url, body=b"{}", headers={})
            assert (answer.outcome, answer.reason) in {("refused", fault), ("again", "no_address")}, url
    assert not WebhookEndpoint.objects.exists()


def test_networks_that_the_installation_allows_may_be_called():
    allowed = [ipaddress.ip_network("10.1.0.0/16")]
    assert fault_of("https://10.1.2.3/", allowed=allowed, resolve=True) == ""
    assert fault_of("https://10.2.2.3/", allowed=allowed, resolve=True) == "private_address"


# ── the API ─────────────────────────────────────────────────────────────────


def test_the_secret_is_told_when_it_is_made_and_when_it_is_changed_and_never_else(cast):
    client = ApiClient(cast.ada, "webhooks:read", "webhooks:write")
    made = client("POST", "/webhooks/", {"url": URL, "kinds": ["work.opened", "health.band_changed", "work.opened"], "description": "CRM"})
    assert made.status_code == 201
    told = made.json()
    assert told["secret"].startswith("whsec_")
    assert (told["kinds"], told["active"], told["acts_for_email"]) == (["health.band_changed", "work.opened"], True, cast.ada.email)
    again = client("GET", f"/webhooks/{told['id']}/")
    assert "secret" not in again.json()
    assert "secret" not in client("GET", "/webhooks/").json()["results"][0]
    changed = client("POST", f"/webhooks/{told['id']}/rotate/", {})
    assert changed.status_code == 200
    assert changed.json()["secret"] not in {told["secret"], ""}
    row = WebhookEndpoint.objects.get()
    assert (row.secret, row.previous_secret) == (changed.json()["secret"], told["secret"])


def test_what_an_address_or_a_kind_cannot_be_is_named_and_nothing_is_stored(cast):
    client = ApiClient(cast.ada, "webhooks:write")
    for body, field in (({"url": "https://10.0.0.1/"}, "url"), ({"url": "http://8.8.8.8/"}, "url"), ({"url": URL, "kinds": ["weather.changed"]}, "kinds.0"), ({}, "url")):
        answer = client("POST", "/webhooks/", body)
        assert answer.status_code == 400, answer.content
        assert [entry["field"] for entry in answer.json()["errors"]] == [field]
    assert not WebhookEndpoint.objects.exists()


def test_changes_need_the_version_that_was_read(cast):
    row = made_by(cast.ada)
    client = ApiClient(cast.ada, "webhooks:read", "webhooks:write")
    assert client("PATCH", f"/webhooks/{row.pk}/", {"active": False}).status_code == 428
    read = client("GET", f"/webhooks/{row.pk}/")
    off = client("PATCH", f"/webhooks/{row.pk}/", {"active": False}, If_Match=read["ETag"])
    assert (off.status_code, off.json()["off_reason"]) == (200, "hand")
    assert client("PATCH", f"/webhooks/{row.pk}/", {"url": "https://1.1.1.1/"}, If_Match=read["ETag"]).status_code == 412
    assert client("PATCH", f"/webhooks/{row.pk}/", {"url": "https://10.0.0.1/"}, If_Match="*").status_code == 400
    row.refresh_from_db()
    assert (row.url, row.active) == (URL, False)
    assert client("DELETE", f"/webhooks/{row.pk}/").status_code == 204
    assert not WebhookEndpoint.objects.exists()


def test_the_log_is_read_and_sent_again_by_the_api(cast):
    row = made_by(cast.ada, kinds=["onboarding.completed"])
    record_event(account_id=cast.boga.pk, kind="onboarding.completed", occurred_at=timezone.now(), origin="api", payload={"days": 3})
    client = ApiClient(cast.ada, "webhooks:read", "webhooks:write")
    rows = client("GET", f"/webhooks/{row.pk}/deliveries/?status=waiting").json()["results"]
    assert [(one["kind"], one["status"], one["attempts"]) for one in rows] == [("onboarding.completed", "waiting", [])]
    WebhookDelivery.objects.update(status="failed", tries=10, next_attempt_at=None)
    one = f"/webhooks/{row.pk}/deliveries/{rows[0]['id']}/"
    assert client("GET", one).json()["body"]["data"]["account"]["external_id"] == "boga"
    assert client("POST", f"{one}replay/", {}).json()["status"] == "waiting"
    WebhookDelivery.objects.update(status="failed", next_attempt_at=None)
    since = (timezone.now() - dt.timedelta(hours=1)).isoformat()
    assert client("POST", f"/webhooks/{row.pk}/replay/", {"since": since}).json() == {"count": 1}
    assert client("POST", f"/webhooks/{row.pk}/replay/", {"since": "2020-01-01T00:00:00Z"}).json()["errors"][0]["field"] == "since"
    assert client("POST", f"/webhooks/{row.pk}/replay/", {}).status_code == 400
    assert client("POST", f"/webhooks/{row.pk}/test/", {}).json()["kind"] == "webhook.test"


def test_leads_see_their_own_and_nobody_else_any(cast):
    row = made_by(cast.ada)
    own = made_by(cast.mert)
    lead = ApiClient(cast.mert, "webhooks:read", "webhooks:write")
    assert [one["id"] for one in lead("GET", "/webhooks/").json()["results"]] == [own.pk]
    assert {lead("GET", f"/webhooks/{row.pk}/{path}").status_code for path in ("", "deliveries/")} == {404}
    assert lead("DELETE", f"/webhooks/{row.pk}/").status_code == 404
    csm = ApiClient(cast.elif_, "webhooks:read", "webhooks:write")
    assert csm("GET", "/webhooks/").json()["results"] == []
    assert csm("POST", "/webhooks/", {"url": URL}).status_code == 403
    assert WebhookEndpoint.objects.count() == 2


# ── the pages ───────────────────────────────────────────────────────────────


def test_a_webhook_is_made_at_a_page_which_shows_its_secret_once(cast, client):
    client.force_login(cast.ada)
    assert client.get(reverse("accounts:webhooks")).status_code == 200
    refused = client.post(reverse("accounts:webhooks"), {"url": "https://127.0.0.1/"})
    assert (refused.status_code, WebhookEndpoint.objects.count()) == (422, 0)
    made = client.post(reverse("accounts:webhooks"), {"url": URL, "kinds": ["work.opened"]})
    row = WebhookEndpoint.objects.get()
    assert row.secret in made.content.decode()
    for page in (reverse("accounts:webhooks"), reverse("accounts:webhook", args=[row.pk])):
        told = client.get(page).content.decode()
        assert URL in told
        assert row.secret not in told


def test_terms_are_changed_at_a_page_and_a_stale_form_loses_nothing(cast, client):
    row = made_by(cast.ada)
    client.force_login(cast.ada)
    page = reverse("accounts:webhook", args=[row.pk])
    assert client.post(page, {"url": URL, "description": "CRM", "kinds": ["work.done"], "version": 1}).status_code == 302
    row.refresh_from_db()
    assert (row.description, row.kinds, row.version) == ("CRM", ["work.done"], 2)
    stale = client.post(page, {"url": URL, "description": "Other", "version": 1})
    assert (stale.status_code, "Other" in stale.content.decode()) == (409, True)
    row.refresh_from_db()
    assert row.description == "CRM"
    for do, active in (("off", False), ("on", True)):
        client.post(reverse("accounts:webhook_do", args=[row.pk, do]))
        row.refresh_from_db()
        assert row.active is active
    before = row.secret
    shown = client.post(reverse("accounts:webhook_do", args=[row.pk, "rotate"]))
    row.refresh_from_db()
    assert row.secret != before
    assert row.secret in shown.content.decode()
    assert client.post(reverse("accounts:webhook_do", args=[row.pk, "dance"])).status_code == 404
    assert client.post(reverse("accounts:webhook_do", args=[row.pk, "replay"]), {"since": "2020-01-01T00:00"}).status_code == 422
    client.post(reverse("accounts:webhook_do", args=[row.pk, "remove"]))
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_log_shows_every_attempt_and_sends_again(cast, client, settings):
    settings.PLAYBOOK_PRIVATE_CALLS = True
    receiver = Receiver()
    try:
        row = create_endpoint(fields={"url": receiver.url}, actor=cast.ada, now=timezone.now())
        send_test(endpoint_id=row.pk, now=timezone.now())
        receiver.answers = [503]
        send_deliveries(clock=timezone.now)
        client.force_login(cast.ada)
        delivery = WebhookDelivery.objects.get()
        WebhookDelivery.objects.update(status="failed")
        log = client.get(reverse("accounts:webhook", args=[row.pk]) + "?status=failed").content.decode()
        assert "webhook.test" in log
        one = client.get(reverse("accounts:webhook_delivery", args=[row.pk, delivery.pk])).content.decode()
        assert "503" in one
        client.post(reverse("accounts:webhook_again", args=[row.pk, delivery.pk]))
        assert dict(send_deliveries(clock=timezone.now)) == {"delivered": 1}
    finally:
        receiver.stop()


@pytest.mark.parametrize("name", ["webhooks", "webhook", "webhook_do", "webhook_delivery", "webhook_again"])
def test_only_admins_and_leads_come_in_and_leads_to_their_own_alone(cast, client, name):
    row = made_by(cast.ada)
    delivery = send_test(endpoint_id=row.pk, now=timezone.now())
    args = {"webhooks": [], "webhook": [row.pk], "webhook_do": [row.pk, "remove"]}.get(name, [row.pk, delivery.pk])
    address = reverse(f"accounts:{name}", args=args)
    ask = client.post if name in {"webhook_do", "webhook_again"} else client.get
    assert ask(address)["Location"].startswith("/login/")
    for user in (cast.elif_, cast.deniz, cast.vera, cast.ana):
        client.force_login(user)
        assert ask(address).status_code == 404, user
    client.force_login(cast.mert)
    assert ask(address).status_code == (200 if name == "webhooks" else 404)
    assert WebhookEndpoint.objects.filter(pk=row.pk).exists()
    assert WebhookDelivery.objects.get().status == "waiting"
