"""Bodies of other systems, read by the shipped maps: what each of the vendors' example calls does, in whatever order they come."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.actions.inbound_events import order_replay
from accounts.models import Account, AccountEvent, Contact, InboundEvent, IncomingHook, OutsideObject
from config.hooks.handling import rehearse, sweep_hooks
from config.hooks.shipped import shipped_map
from tests.config.hook_calls import hmac_base64, hmac_hex, make_hook, send
from tests.shared_data import REASON, SHARED
from tickets.models import Ticket, TicketChange, TicketMessage, UnsortedMessage

DATA = SHARED / "data"
pytestmark = [pytest.mark.django_db, pytest.mark.skipif(not (DATA / "webhooks_intercom").is_dir(), reason=REASON)]
# the conversation of the examples, in the order it happened
STREAM = ("single-created", "assigned", "replied", "noted", "closed")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    cache.clear()
    monkeypatch.setattr("config.views.hooks._nudge", lambda: None)


def example(name):
    return json.loads((DATA / name).read_text())


def conversation(part):
    return example(f"webhooks_intercom/conversation-admin-{part}.json")


def chat_hook(user):
    return make_hook(user, "chat", map="intercom", proof="hmac", header="X-Hub-Signature", secret="client secret")


def tell(hook, body):
    raw = json.dumps(body).encode()
    return send(hook, raw, headers={hook.header: "sha256=" + hmac_hex(hook.secret, raw)} if hook.proof == "hmac" else None)


def work():
    return sweep_hooks(now=timezone.now())


def statuses():
    return list(InboundEvent.objects.order_by("pk").values_list("status", flat=True))


def unix(seconds):
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


# ── the first helpdesk: no ids, no times, a word that is no JSON ────────────


def test_a_created_ticket_opens_one_for_the_known_requester(cast):
    bob = Contact.objects.create(account=cast.boga, email="requester-bob@example.com", name="Bob at Boğaziçi")
    hook = make_hook(cast.ada, "fresh", map="freshdesk")
    assert tell(hook, example("webhooks_helpdesk/freshdesk_ticket_created.json")).status_code == 202
    work()
    ticket = Ticket.objects.get()
    assert (ticket.external_id, ticket.account, ticket.contact, ticket.subject) == ("fresh:11", cast.boga, bob, "Test ticket subject ☃")
    assert (ticket.severity, ticket.status, ticket.category) == (3, "pending", "Incident")
    assert [message.body for message in ticket.messages.all()] == ["Test ticket description ☃."]
    assert list(ticket.changes.order_by("id").values_list("kind", "value_before", "value")) == [
        ("created", "", "new"), ("status", "new", "pending"), ("severity", "", "3"), ("category", "", "Incident"),
    ]  # fmt: skip
    # somebody of ours keeps the name we know him by
    assert Contact.objects.get(pk=bob.pk).name == "Bob at Boğaziçi"
    assert AccountEvent.objects.filter(kind="ticket.opened", origin="webhook").count() == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_a_change_of_state_that_is_no_json_is_read_before_and_after_the_creation(cast, swapped):
    Contact.objects.create(account=cast.boga, email="requester-bob@example.com")
    hook = make_hook(cast.ada, "fresh", map="freshdesk")
    bodies = [example("webhooks_helpdesk/freshdesk_ticket_created.json"), example("webhooks_helpdesk/freshdesk_status_changed.json")]
    # without the word for the state it is told by what triggered the call: from 4 to 6
    del bodies[1]["freshdesk_webhook"]["ticket_status"]
    for body in reversed(bodies) if swapped else bodies:
        assert tell(hook, body).status_code == 202
    work()
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.severity) == ("pending", 1)
    assert statuses() == ["done", "done"]


def test_a_requester_nobody_knows_waits_for_a_person_until_there_is_a_place(cast):
    hook = make_hook(cast.ada, "fresh", map="freshdesk")
    tell(hook, example("webhooks_helpdesk/freshdesk_ticket_created.json"))
    work()
    waiting = UnsortedMessage.objects.get()
    assert (waiting.source, waiting.why, waiting.sender_address, waiting.subject) == ("hook:fresh", "unplaced", "requester-bob@example.com", "Test ticket subject ☃")
    assert waiting.body == "Test ticket description ☃."
    assert not Ticket.objects.exists()
    # a person says where it belongs: what comes later goes there too
    ticket = Ticket.objects.create(account=cast.boga, opened_at=timezone.now())
    UnsortedMessage.objects.update(status="placed", ticket=ticket, decided_at=timezone.now())
    tell(hook, example("webhooks_helpdesk/freshdesk_status_changed.json"))
    work()
    assert Ticket.objects.get().status == "pending"


def test_a_company_of_the_same_name_or_domain_is_a_place(cast):
    cast.boga.domain = "example.com"
    cast.boga.save()
    hook = make_hook(cast.ada, "fresh", map="freshdesk")
    tell(hook, example("webhooks_helpdesk/freshdesk_ticket_created.json"))
    other = example("webhooks_helpdesk/freshdesk_ticket_created.json")
    other["freshdesk_webhook"] |= {"ticket_id": "12", "requester_email": "ann@elsewhere.test", "company_name": "NORTHGATE freight ltd", "requester_name": "Ann"}
    tell(hook, other)
    work()
    assert dict(Ticket.objects.values_list("external_id", "account__external_id")) == {"fresh:11": "boga", "fresh:12": "north"}
    assert Contact.objects.get(email="ann@elsewhere.test").name == "Ann"


def test_an_unknown_state_is_kept_for_a_person(cast):
    Contact.objects.create(account=cast.boga, email="requester-bob@example.com")
    hook = make_hook(cast.ada, "fresh", map="freshdesk")
    body = example("webhooks_helpdesk/freshdesk_ticket_created.json")
    body["freshdesk_webhook"]["ticket_status"] = "Beklemede"
    tell(hook, body)
    work()
    assert Ticket.objects.get().status == "new"
    assert UnsortedMessage.objects.values_list("why", "body", "ticket").get() == ("unknown_state", "Beklemede", Ticket.objects.get().pk)
    # the organisation's own word, once its map has it
    hook.map, hook.own_map = "", json.loads(json.dumps(shipped_map("freshdesk")))
    hook.own_map["tables"]["states"]["Beklemede"] = "on_hold"
    hook.save()
    order_replay(rows=InboundEvent.objects.all())
    work()
    assert Ticket.objects.get().status == "on_hold"


# ── the second: signed time and body, events with ids ───────────────────────


def desk_call(hook, body, *, at=None):
    names = example("webhooks_helpdesk/zendesk_webhook_headers.json")
    stamp = (at or timezone.now()).strftime("%Y-%m-%dT%H:%M:%SZ")
    raw = json.dumps(body).encode()
    headers = {**{name: value for name, value in names.items() if name.startswith("X-")}, "X-Zendesk-Webhook-Signature-Timestamp": stamp}
    headers["X-Zendesk-Webhook-Signature"] = hmac_base64(hook.secret, stamp.encode() + raw)
    return send(hook, raw, headers=headers)


def test_a_signature_over_time_and_body_is_taken_within_five_minutes(cast):
    hook = make_hook(cast.ada, "desk", map="zendesk", proof="hmac", header="X-Zendesk-Webhook-Signature", secret="signing secret")
    body = example("webhooks_helpdesk/zendesk_ticket_created.json")
    now = timezone.now()
    assert desk_call(hook, body, at=now - dt.timedelta(seconds=310)).status_code == 401
    assert send(hook, body).status_code == 401
    assert [desk_call(hook, body).status_code, desk_call(hook, body).status_code] == [202, 200]
    assert InboundEvent.objects.get().external_id == "01HNXXXX-CTEXAMPLE"


def test_a_ticket_without_a_requester_waits_and_one_with_is_opened_as_it_was(cast):
    hook = make_hook(cast.ada, "desk", map="zendesk", proof="hmac", header="X-Zendesk-Webhook-Signature", secret="signing secret")
    body = example("webhooks_helpdesk/zendesk_ticket_created.json")
    desk_call(hook, body)
    work()
    assert UnsortedMessage.objects.values_list("why", "status", "headers").get() == ("unplaced", "waiting", {"ticket": "35436"})
    cast.selin.external_id = "desk:77"
    cast.selin.save()
    more = {**body, "id": "next", "type": "zen:event-type:ticket.comment_added", "time": "2024-04-17T18:00:00Z"}
    more["detail"] = {**body["detail"], "requester_id": "77", "subject": "Fatura", "updated_at": "2024-04-17T18:00:00Z"}
    more["event"] = {"comment": {"id": "501", "body": "Merhaba<script>x</script>", "is_public": True, "author": {"is_staff": True}}}
    desk_call(hook, more)
    work()
    ticket = Ticket.objects.get()
    assert (ticket.external_id, ticket.contact, ticket.status, ticket.channel, ticket.replies) == ("desk:35436", cast.selin, "open", "web", 1)
    assert ticket.opened_at == dt.datetime(2024, 4, 17, 17, 18, 10, tzinfo=dt.UTC)
    assert ticket.first_replied_at == dt.datetime(2024, 4, 17, 18, tzinfo=dt.UTC)
    assert ticket.messages.get().body == "Merhaba"
    # the first event found its place with it
    assert UnsortedMessage.objects.get().status == "placed"
    assert ticket.changes.get(kind="status").occurred_at == ticket.opened_at


def test_a_person_nobody_knows_and_of_whom_nothing_is_told_is_nothing(cast):
    hook = make_hook(cast.ada, "desk", map="zendesk", proof="hmac", header="X-Zendesk-Webhook-Signature", secret="signing secret")
    people = Contact.objects.count()
    assert desk_call(hook, example("webhooks_helpdesk/zendesk_user_active_changed.json")).status_code == 202
    work()
    assert statuses() == ["done"]
    assert (Contact.objects.count(), UnsortedMessage.objects.count()) == (people, 0)


# ── the third: conversations with parts, people, companies ──────────────────


def test_a_company_becomes_an_account_and_its_people_find_it(cast):
    hook = chat_hook(cast.ada)
    assert tell(hook, example("webhooks_intercom/user-created.json")).status_code == 202
    work()
    assert UnsortedMessage.objects.values_list("why", "sender_address", "sender_name").get() == ("unplaced", "user1740@example.com", "Johnny Bravo")
    tell(hook, example("webhooks_intercom/company-created.json"))
    work()
    rei = Account.objects.get(external_id="chat:5f2ab453471a3f50afb937f4")
    johnny = Contact.objects.get(account=rei)
    assert (rei.name, johnny.name, johnny.email, johnny.job_title, johnny.time_zone) == ("Rei", "Johnny Bravo", "user1740@example.com", "sales", "Europe/Dublin")
    assert johnny.external_id == "chat:5f297f71bce3e055f3afdf6e"
    assert UnsortedMessage.objects.get().status == "placed"


def test_a_changed_address_finds_the_same_person(cast):
    Account.objects.create(external_id="sony", name="Sony")
    hook = chat_hook(cast.ada)
    body = example("webhooks_intercom/user-email-updated.json")
    tell(hook, body)
    work()
    bob = Contact.objects.get(email="user5803@example.com")
    assert (bob.account.external_id, bob.name) == ("sony", "Bob Dylan")
    again = json.loads(json.dumps(body))
    again["id"], again["data"]["item"]["updated_at"] = "notif_2", "2020-08-06T00:00:00+00:00"
    again["data"]["item"]["email"] = "bob@new.example.com"
    tell(hook, again)
    work()
    assert Contact.objects.get(pk=bob.pk).email == "bob@new.example.com"


def test_a_lead_of_a_known_account_gets_its_conversation(cast):
    Account.objects.create(external_id="hull", name="Hull", domain="hull.io")
    hook = chat_hook(cast.ada)
    tell(hook, conversation("single-created-lead"))
    work()
    ticket = Ticket.objects.get(external_id="chat:15494800000000")
    assert (ticket.subject, ticket.status, ticket.channel, ticket.opened_at, ticket.assignee_email) == ("test", "solved", "chat", unix(1597106522), "user1321@example.com")
    assert ticket.contact.email == "john.doe.1@hull.io"
    assert [(message.body, message.author_kind) for message in ticket.messages.all()] == [("Hi there,", "agent")]


def test_the_second_body_under_an_id_is_a_conflict_and_alone_it_is_taken(cast):
    hook = chat_hook(cast.ada)
    assert tell(hook, conversation("assigned")).status_code == 202
    # the examples give two notifications one id
    assert tell(hook, conversation("assigned-to-unknown")).status_code == 409
    repeated = {**conversation("assigned"), "delivery_attempts": 2}
    assert tell(hook, repeated).status_code == 200
    Contact.objects.create(account=cast.boga, email="user5803@example.com")
    alone = make_hook(cast.ada, "chat2", map="intercom", proof="hmac", header="X-Hub-Signature", secret="s")
    assert tell(alone, conversation("assigned-to-unknown")).status_code == 202
    work()
    assert Ticket.objects.get(external_id="chat2:137324500000000").assignee_email == ""


def picture():
    """All that tells of the tickets and people of the hook, but for what the database counts by itself."""
    tickets = [
        [row.external_id, row.account.external_id, row.contact and row.contact.email, row.subject, row.status, row.severity, row.assignee_email, row.opened_at,
         row.first_replied_at, row.solved_at, row.closed_at, row.reopened_at, row.replies, row.resolutions]
        for row in Ticket.objects.order_by("external_id")
    ]  # fmt: skip
    changes = sorted(TicketChange.objects.exclude(kind="created").values_list("kind", "occurred_at", "value_before", "value", "external_id"))
    opened = sorted(TicketChange.objects.filter(kind="created").values_list("occurred_at", "value"))
    messages = sorted(TicketMessage.objects.values_list("external_id", "body", "public", "author_kind", "written_at"))
    people = sorted(Contact.objects.filter(external_id__startswith="chat:").values_list("external_id", "email", "name", "job_title", "account__name"))
    # the timeline keeps what was told when it was told: one entry a resolution, at the instant it was first heard of
    events = sorted(AccountEvent.objects.filter(kind__startswith="ticket.").values_list("kind", "dedupe_key").distinct())
    events = [[kind, key.split(":")[2:]] for kind, key in events]
    return json.dumps([tickets, [[kind, before, *rest[1:]] for kind, before, *rest in _numberless(changes)], opened, messages, people, events], default=str)


def _numberless(changes):
    """Ids of entries without the number of their ticket."""
    for kind, at, before, value, external_id in changes:
        yield kind, at, before, value, ":".join(part for part in external_id.split(":") if not part.startswith("~"))


EXPECTED_LOG = [
    ("status", 1596634805, "new", "solved"), ("assigned", 1596634805, "", "user1321@example.com"), ("status", 1596635008, "solved", "open"),
    ("public_reply", 1596635049, "", ""), ("internal_note", 1596635094, "", ""), ("status", 1596635368, "open", "solved"),
]  # fmt: skip


def test_the_stream_of_a_conversation_leads_to_its_ticket_and_a_replay_changes_nothing(cast):
    Account.objects.create(external_id="sony", name="Sony")
    hook = chat_hook(cast.ada)
    for body in [example("webhooks_intercom/user-email-updated.json"), *map(conversation, STREAM)]:
        assert tell(hook, body).status_code == 202
    work()
    ticket = Ticket.objects.get()
    assert (ticket.account.external_id, ticket.contact.external_id) == ("sony", "chat:5ee3d479d1cf3dedbee23d68")
    assert (ticket.status, ticket.resolutions, ticket.replies) == ("solved", 2, 1)
    assert (ticket.opened_at, ticket.first_replied_at, ticket.solved_at, ticket.reopened_at) == tuple(map(unix, (1596634805, 1596635049, 1596635368, 1596635008)))
    log = ticket.changes.exclude(kind="created").order_by("occurred_at", "id").values_list("kind", "occurred_at", "value_before", "value")
    assert sorted(log) == sorted((kind, unix(at), before, value) for kind, at, before, value in EXPECTED_LOG)
    assert list(ticket.messages.order_by("written_at").values_list("body", "public", "author_kind")) == [
        ("hi Bob", True, "agent"), ("hi Bob", True, "agent"), ("this is a note", False, "agent"),
    ]  # fmt: skip
    before, version = picture(), ticket.version
    order_replay(rows=InboundEvent.objects.all())
    assert work() == 6
    assert picture() == before
    assert Ticket.objects.get().version == version


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, phases=[Phase.generate])
@given(order=st.permutations(range(6)), cut=st.integers(0, 5), again=st.lists(st.integers(0, 5), max_size=2))
def test_in_any_order_and_with_repetitions_the_end_is_the_same(cast, order, cut, again):
    Account.objects.get_or_create(external_id="sony", defaults={"name": "Sony"})
    bodies = [example("webhooks_intercom/user-email-updated.json"), *map(conversation, STREAM)]
    if not CLEAN:
        CLEAN.append(_picture_after(cast.ada, bodies, range(6), cut=6))
    assert _picture_after(cast.ada, bodies, [*order, *again], cut=cut) == CLEAN[0]


CLEAN: list[str] = []


def _picture_after(user, bodies, sent, *, cut):
    """What there is after these calls, worked on once in between."""
    _forget()
    hook = chat_hook(user)
    for place, number in enumerate(sent):
        assert tell(hook, bodies[number]).status_code in {200, 202}
        if place == cut:
            work()
    work()
    assert set(statuses()) == {"done"}
    return picture()


def _forget():
    """A clean house, in the middle of a test."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('vefa.correction', 'on', true)")
    AccountEvent.objects.all().delete()
    for model in (UnsortedMessage, TicketChange, TicketMessage, Ticket, OutsideObject, InboundEvent, IncomingHook):
        model.objects.all().delete()
    Contact.objects.filter(external_id__startswith="chat:").delete()


def test_every_example_call_is_taken(cast):
    Account.objects.create(external_id="sony", name="Sony")
    hooks = {"webhooks_intercom": chat_hook(cast.ada), "freshdesk": make_hook(cast.ada, "fresh", map="freshdesk"), "zendesk": make_hook(cast.ada, "desk", map="zendesk")}
    for path in sorted((DATA / "webhooks_intercom").glob("*.json")) + sorted((DATA / "webhooks_helpdesk").glob("*.json")):
        hook = hooks.get(path.parent.name) or hooks[path.name.split("_")[0]]
        if path.name.endswith("headers.json"):
            continue
        expected = 409 if path.name == "conversation-admin-assigned.json" else 202
        assert tell(hook, json.loads(path.read_text())).status_code == expected, path.name
    work()
    assert InboundEvent.objects.filter(status__in=["failed", "new"]).count() == 0
    assert UnsortedMessage.objects.exclude(why="unplaced").count() == 0


# ── people's work beside it ─────────────────────────────────────────────────


def test_what_is_said_on_a_merged_ticket_waits_for_a_person(cast):
    Contact.objects.create(account=cast.boga, email="user5803@example.com")
    hook = chat_hook(cast.ada)
    tell(hook, conversation("single-created"))
    work()
    first = Ticket.objects.get()
    other = Ticket.objects.create(account=cast.boga, opened_at=first.opened_at)
    Ticket.objects.filter(pk=first.pk).update(merged_into=other)
    tell(hook, conversation("replied"))
    work()
    waiting = UnsortedMessage.objects.get()
    assert (waiting.why, waiting.ticket, waiting.body) == ("merged", other, "hi Bob")
    assert not other.messages.exists()


def test_a_subject_that_people_changed_stays_until_the_source_changes_it(cast):
    Contact.objects.create(account=cast.boga, email="user5803@example.com")
    hook = chat_hook(cast.ada)
    tell(hook, conversation("assigned"))
    work()
    Ticket.objects.update(subject="Ours")
    tell(hook, conversation("noted"))
    work()
    assert Ticket.objects.get().subject == "Ours"


def test_a_rehearsal_tells_what_would_happen_and_writes_nothing(cast):
    Contact.objects.create(account=cast.boga, email="user5803@example.com")
    hook = chat_hook(cast.ada)
    told = rehearse(hook, body=conversation("replied"), now=timezone.now())
    assert told.fault == ""
    assert told.notes[0].endswith("opened")
    assert [line.split(":")[0] for line in told.says] == ["ticket.upsert", "ticket.message"]
    assert (Ticket.objects.count(), OutsideObject.objects.count(), InboundEvent.objects.count(), UnsortedMessage.objects.count()) == (0, 0, 0, 0)
    broken = conversation("replied")
    del broken["data"]["item"]["id"]
    assert "data.item.id" in rehearse(hook, body=broken, now=timezone.now()).fault
