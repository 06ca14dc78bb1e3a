"""Tickets by the API: opened, answered, moved, put by external id."""

import pytest

from accounts.models import AccountEvent, Contact, OutgoingMail
from tests.api_client import ApiClient, fields_of
from tickets.models import Ticket, TicketChange, TicketMessage

pytestmark = pytest.mark.django_db


def opened(client, **more):
    answer = client.post("/tickets/", {"account": "boga", "contact": "selin", "subject": "Export fails", "body": "It says no.", "severity": 3, "channel": "email", **more})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_ticket_is_opened_with_its_first_message(cast):
    client = ApiClient(cast.elif_)
    told = opened(client, external_id="z-1", tags=["export"], assignee_email="deniz@vefa.test")
    assert (told["status"], told["allowed_moves"][0], told["assignee_email"], told["account"], told["contact"]) == ("new", "cancelled", "deniz@vefa.test", "boga", "selin")
    event = AccountEvent.objects.get(kind="ticket.opened")
    assert (event.origin, event.contact) == ("api", cast.selin)
    assert TicketMessage.objects.get().body == "It says no."
    messages = client.get(f"/tickets/{told['id']}/messages/").json()["results"]
    assert [(one["author_kind"], one["contact"], one["body"]) for one in messages] == [("customer", "selin", "It says no.")]
    assert client.post("/tickets/", {"account": "boga", "external_id": "z-1"}).status_code == 409
    assert client.get("/tickets/?external_id=z-1&status=new&severity=3").json()["results"][0]["id"] == told["id"]


@pytest.mark.parametrize(
    ("fault", "field"),
    [({"account": "nowhere"}, "account"), ({"contact": "harry"}, "contact"), ({"severity": 5}, "severity"), ({"status": "solved"}, "status"), ({"solved_at": None}, "solved_at"), ({"rating": 5}, "rating"), ({"channel": "fax"}, "channel"), ({"assignee_email": "vera@vefa.test"}, "assignee_email"), ({"contact_email": "x@y.test", "contact": "selin"}, "contact_email")],
)  # fmt: skip
def test_a_faulty_ticket_is_refused(cast, fault, field):
    answer = ApiClient(cast.elif_).post("/tickets/", {"account": "boga", **fault})
    assert (answer.status_code, list(fields_of(answer))) == (400, [field])
    assert Ticket.objects.count() == 0


def test_an_agent_opens_tickets_for_accounts_that_have_some(cast):
    agent = ApiClient(cast.deniz)
    assert fields_of(agent.post("/tickets/", {"account": "boga"})) == {"account": "does_not_exist"}
    opened(ApiClient(cast.elif_))
    opened(agent)
    assert Ticket.objects.count() == 2


def test_moves_follow_the_table_and_a_wrong_one_names_the_allowed(cast):
    client = ApiClient(cast.deniz)
    ticket = opened(ApiClient(cast.elif_))
    path = f"/tickets/{ticket['id']}/transitions/"
    moved = client.post(path, {"to": "solved"})
    assert (moved.status_code, moved.json()["status"]) == (200, "solved")
    assert client.post(path, {"to": "solved"}).json()["version"] == moved.json()["version"]
    wrong = client.post(path, {"to": "pending"})
    assert (wrong.status_code, wrong.json()["status_now"], wrong.json()["allowed"]) == (409, "solved", ["closed", "open"])
    assert fields_of(client.post(path, {"to": "asleep"})) == {"to": "invalid_choice"}
    assert client.post(path, {"to": "open", "occurred_at": "2020-01-01T00:00:00Z"}).status_code == 400
    assert [row["kind"] for row in client.get(f"{path}?kind=status&kind=created").json()["results"]] == ["created", "status"]
    assert TicketChange.objects.filter(kind="status").count() == 1
    assert AccountEvent.objects.get(kind="ticket.solved").origin == "api"


def test_what_is_said_moves_the_ticket_and_mails_nobody(cast):
    client = ApiClient(cast.deniz)
    path = f"/tickets/{opened(ApiClient(cast.elif_))['id']}"
    said = client.post(f"{path}/messages/", {"body": "Try again.", "solve": True, "external_id": "m-1"})
    assert (said.status_code, said.json()["author_email"]) == (201, "deniz@vefa.test")
    assert client.post(f"{path}/messages/", {"body": "Try again.", "solve": True, "external_id": "m-1"}).status_code == 200
    assert client.get(f"{path}/").json()["status"] == "solved"
    assert client.post(f"{path}/messages/", {"body": "Still no.", "author_kind": "customer"}).json()["contact"] == "selin"
    assert client.get(f"{path}/").json()["status"] == "open"
    assert client.post(f"{path}/messages/", {"body": "Note", "public": False}).json()["public"] is False
    assert client.post(f"{path}/messages/", {"body": "x", "author_kind": "customer", "public": False}).status_code == 400
    assert fields_of(client.post(f"{path}/messages/", {"body": " "})) == {"body": "blank"}
    client.post(f"{path}/transitions/", {"to": "cancelled"})
    assert client.post(f"{path}/messages/", {"body": "Hello?"}).json()["code"] == "closed"
    assert OutgoingMail.objects.count() == 0
    assert TicketMessage.objects.count() == 4


def test_a_ticket_is_changed_under_its_etag(cast):
    client = ApiClient(cast.deniz)
    path = f"/tickets/{opened(ApiClient(cast.elif_))['id']}/"
    changed = client.edit(path, {"severity": 4, "category": "bug", "assignee_email": "deniz@vefa.test", "escalated": True, "tags": ["a"], "contact_email": "new@bogazici.test"})
    assert changed.status_code == 200, changed.content
    told = changed.json()
    assert (told["severity"], told["category"], told["assignee_email"], told["escalated"], told["tags"]) == (4, "bug", "deniz@vefa.test", True, ["a"])
    assert told["contact"] == Contact.objects.get(email="new@bogazici.test").external_id
    assert client.patch(path, {"severity": 1}).status_code == 428
    assert client.patch(path, {"severity": 1}, If_Match='"1.x"').status_code == 412
    assert fields_of(client.edit(path, {"body": "more"})) == {"body": "immutable"}
    assert Ticket.objects.get().severity == 4


def test_put_opens_changes_and_rests(cast):
    client = ApiClient(cast.elif_)
    body = {"account": "boga", "subject": "Slow", "body": "Very.", "opened_at": "2026-02-01T09:00:00Z"}
    made = client.put("/tickets/by-external-id/z/9/", body)
    assert made.status_code == 201, made.content
    again = client.put("/tickets/by-external-id/z/9/", body)
    assert (again.status_code, again.json()["version"]) == (200, made.json()["version"])
    assert client.put("/tickets/by-external-id/z/9/", {"subject": "Slower"}).json()["subject"] == "Slower"
    assert fields_of(ApiClient(cast.ada).put("/tickets/by-external-id/z/9/", {"account": "north"})) == {"account": "immutable"}
    assert ApiClient(cast.can).put("/tickets/by-external-id/z/9/", {"subject": "Mine"}).status_code == 404
    assert (Ticket.objects.count(), TicketMessage.objects.count(), AccountEvent.objects.filter(kind="ticket.opened").count()) == (1, 1, 1)


def test_another_book_is_404_and_a_viewer_only_looks(cast):
    ticket = opened(ApiClient(cast.elif_))
    for client in (ApiClient(cast.can), ApiClient(cast.ana)):
        for path in ("", "messages/", "transitions/"):
            assert client.get(f"/tickets/{ticket['id']}/{path}").status_code == 404
        assert client.get("/tickets/").json()["results"] == []
    assert ApiClient(cast.can).post(f"/tickets/{ticket['id']}/transitions/", {"to": "solved"}).status_code == 404
    viewer = ApiClient(cast.vera)
    assert viewer.get(f"/tickets/{ticket['id']}/").status_code == 200
    assert viewer.post(f"/tickets/{ticket['id']}/transitions/", {"to": "solved"}).status_code == 403
    assert viewer.post(f"/tickets/{ticket['id']}/messages/", {"body": "Hi"}).status_code == 403
    assert Ticket.objects.get().status == "new"


def test_a_move_under_an_idempotency_key_is_one_move(cast):
    client = ApiClient(cast.deniz)
    path = f"/tickets/{opened(ApiClient(cast.elif_))['id']}/messages/"
    answers = [client.post(path, {"body": "Once."}, Idempotency_Key="m") for _ in range(2)]
    assert (answers[0].content, answers[1]["Idempotent-Replayed"]) == (answers[1].content, "true")
    assert TicketMessage.objects.filter(body="Once.").count() == 1
