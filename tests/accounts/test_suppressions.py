"""Addresses that get no mail: looked up, stopped and lifted by admins, by hash alone, with who and why."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.admin.models import LogEntry
from django.test import override_settings
from django.utils import timezone

from accounts.actions.suppressions import address_hmac, suppress, suppressed_scopes
from accounts.models import Contact, InboundEvent, SoftBounce, Suppression

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SELIN = "selin@bogazici.test"
ADDRESSES = [("get", "/suppressions/", {}), ("post", "/suppressions/find/", {"address": SELIN}), ("post", "/suppressions/add/", {"address": SELIN, "note": "x"}), ("post", "/suppressions/1/lift/", {"reason": "x"})]  # fmt: skip


@pytest.fixture
def ada(client, cast):
    client.force_login(cast.ada)
    return client


@pytest.mark.parametrize(("method", "path", "body"), ADDRESSES)
def test_only_admins_enter(client, cast, method, path, body):
    answer = getattr(client, method)(path, body)
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login/")
    for user in (cast.mert, cast.elif_, cast.deniz, cast.ana, cast.vera):
        client.force_login(user)
        assert getattr(client, method)(path, body).status_code == 404
    assert Suppression.objects.count() == 0


def test_the_list_names_nobody(ada):
    suppress(address=SELIN, reason="hard_bounce", source_ref="brevo:1")
    page = ada.get("/suppressions/").content.decode()
    assert "hard bounce" in page
    assert SELIN not in page
    assert "Nobody for this reason" in ada.get("/suppressions/?reason=complaint").content.decode()
    assert ada.get("/suppressions/?reason=nonsense&before=x").status_code == 200


def test_the_list_goes_on_to_older_ones(ada):
    Suppression.objects.bulk_create([Suppression(address_hmac=bytes([number]) * 32, reason="manual", source_ref=f"n{number:02}") for number in range(60)])
    first = ada.get("/suppressions/")
    assert b"n59" in first.content
    assert b"n09" not in first.content
    older = first.context["list"].older
    assert b"n09" in ada.get(f"/suppressions/?before={older}").content


def test_an_address_is_found_by_typing_it_in_any_case_and_looking_changes_nothing(ada):
    suppress(address=SELIN, reason="complaint", source_ref="brevo:1")
    found = ada.post("/suppressions/find/", {"address": "SELIN@bogazici.test"})
    assert [entry["row"].reason for entry in found.context["found"]] == ["complaint"]
    assert "is not suppressed" in ada.post("/suppressions/find/", {"address": "nobody@else.test"}).content.decode()
    assert ada.post("/suppressions/find/", {"address": "no address"}).status_code == 400
    assert Suppression.objects.count() == 1


def test_an_address_is_stopped_by_hand(ada):
    for _ in range(2):
        assert ada.post("/suppressions/add/", {"address": SELIN, "note": "asked by phone"}).status_code == 302
    row = Suppression.objects.get()
    assert (row.reason, row.scope, row.source_ref, bytes(row.address_hmac)) == ("manual", "global", "asked by phone", address_hmac(SELIN))
    assert ada.post("/suppressions/add/", {"address": SELIN}).status_code == 400


def test_lifting_wants_a_reason_and_keeps_who_did_it(ada, cast):
    suppress(address=SELIN, reason="hard_bounce")
    Contact.objects.filter(pk=cast.selin.pk).update(bounced_at=NOW)
    row = Suppression.objects.get()
    assert ada.post(f"/suppressions/{row.pk}/lift/", {"address": SELIN, "reason": " "}).status_code == 400
    assert Suppression.objects.count() == 1
    assert ada.post(f"/suppressions/{row.pk}/lift/", {"address": SELIN, "reason": "mailbox is back"}).status_code == 302
    assert suppressed_scopes([SELIN]) == {}
    assert Contact.objects.get(pk=cast.selin.pk).bounced_at is None
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.change_message, entry.object_repr) == (cast.ada.pk, "mailbox is back", "global: hard_bounce")
    assert "mailbox is back" in ada.get("/suppressions/").content.decode()
    assert ada.post(f"/suppressions/{row.pk}/lift/", {"reason": "again"}).status_code == 404


@pytest.mark.parametrize("reason", ["complaint", "erased"])
def test_a_complaint_and_an_erasure_are_lifted_only_with_the_box_ticked(ada, reason):
    suppress(address=SELIN, reason=reason)
    row = Suppression.objects.get()
    refused = ada.post(f"/suppressions/{row.pk}/lift/", {"address": SELIN, "reason": "they called"})
    assert (refused.status_code, Suppression.objects.count(), LogEntry.objects.count()) == (400, 1, 0)
    assert "Please tick the box" in refused.content.decode()
    assert ada.post(f"/suppressions/{row.pk}/lift/", {"address": SELIN, "reason": "they called", "confirmed": "on"}).status_code == 302
    assert Suppression.objects.count() == 0


def test_a_refusal_of_the_person_outlives_lifting(ada, cast):
    suppress(address=SELIN, reason="unsubscribe")
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    ada.post(f"/suppressions/{Suppression.objects.get().pk}/lift/", {"address": SELIN, "reason": "mistake"})
    assert Contact.objects.get(pk=cast.selin.pk).opted_out


def test_a_lifted_pause_does_not_come_back_with_the_next_soft_bounce(ada):
    suppress(address=SELIN, reason="soft_bounces", until=NOW + dt.timedelta(days=9))
    SoftBounce.objects.create(address_hmac=address_hmac(SELIN), occurred_at=NOW, source_ref="a")
    ada.post(f"/suppressions/{Suppression.objects.get().pk}/lift/", {"address": SELIN, "reason": "server repaired"})
    assert SoftBounce.objects.count() == 0


def test_amazons_link_is_shown_for_a_person_and_only_a_link_to_amazon(ada):
    good = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:m&Token=ab"
    for number, link in enumerate([good, "https://sns.eu-west-1.amazonaws.com.evil.test/?x=1", "javascript:alert(1)", "http://sns.eu-west-1.amazonaws.com/?x=1"]):
        InboundEvent.objects.create(
            source="email:amazon_ses",
            external_id=str(number),
            kind="subscription_confirmation",
            received_at=NOW,
            body_sha256=b"x",
            payload={"link": link, "topic": "t"},
            status="ignored",
        )
    shown = ada.get("/suppressions/")
    assert [entry["link"] for entry in shown.context["list"].confirmations] == [good]
    assert b"evil" not in shown.content


STRONGER = ["soft_bounces", "manual", "hard_bounce", "unsubscribe", "complaint", "erased"]


@pytest.mark.parametrize("first", STRONGER)
@pytest.mark.parametrize("second", STRONGER)
def test_of_two_reasons_the_stronger_stays_in_either_order(first, second):
    until = {"soft_bounces": NOW + dt.timedelta(days=30)}
    assert suppress(address=SELIN, reason=first, until=until.get(first))
    assert not suppress(address=SELIN, reason=second, until=until.get(second))
    row = Suppression.objects.get()
    assert row.reason == max(first, second, key=STRONGER.index)
    assert row.until == until.get(row.reason)


def test_an_address_is_still_found_after_the_secret_changed(settings):
    suppress(address=SELIN, reason="unsubscribe")
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert suppressed_scopes([SELIN]) == {SELIN: {"global"}}
    with override_settings(SECRET_KEY="n" * 50):
        assert suppressed_scopes([SELIN]) == {}


def test_a_pause_ends_by_itself():
    suppress(address=SELIN, reason="soft_bounces", until=NOW - dt.timedelta(seconds=1))
    assert suppressed_scopes([SELIN]) == {}
    assert suppressed_scopes([SELIN], as_of=NOW - dt.timedelta(hours=1)) == {SELIN: {"global"}}
