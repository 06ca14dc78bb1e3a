"""What the API of tickets cannot take: each refusal is a problem that names the place, and nothing is half written."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountEvent, OutgoingMail
from tests.api_client import ApiClient
from tickets.actions import merging, tickets
from tickets.models import Ticket, TicketChange, TicketMessage

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024
SCRIPT = '<script>alert("x")</script><img src=x onerror=alert(1)> & <b>kalın</b>'
SOON = (timezone.now() + dt.timedelta(days=2)).isoformat()


@pytest.fixture
def at(cast):
    """A ticket in every state that matters, and one that was merged away."""

    def make(*states):
        found = tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="Rota", now=timezone.now())[0]
        for state in states:
            tickets.move_ticket(ticket_id=found.pk, to=state, now=timezone.now(), actor=cast.deniz)
        return found.pk

    cast.new, cast.solved, cast.closed, cast.cancelled, cast.merged = make(), make("solved"), make("solved", "closed"), make("cancelled"), make()
    merging.merge(ticket_id=cast.merged, into_id=cast.new, now=timezone.now(), actor=cast.deniz)
    cast.other = tickets.open_ticket(account_id=cast.north.pk, now=timezone.now())[0].pk
    return cast


def everything():
    return [list(model._base_manager.order_by("pk").values()) for model in (Ticket, TicketMessage, TicketChange, AccountEvent, OutgoingMail)]


# (ticket, path below it, body) → status, and what the problem says: fields with their codes, or further members
REFUSED = {
    "an unknown state": ("new", "transitions/", {"to": "asleep"}, 400, {"to": "invalid_choice"}),
    "no state": ("new", "transitions/", {}, 400, {"to": "required"}),
    "a state that is a list": ("new", "transitions/", {"to": ["open"]}, 400, {"to": "invalid_choice"}),
    "a move that is not allowed": ("solved", "transitions/", {"to": "pending"}, 409, {"status_now": "solved", "allowed": ["closed", "open"]}),
    "a move of a cancelled ticket": ("cancelled", "transitions/", {"to": "open"}, 409, {"status_now": "cancelled", "allowed": []}),
    "a move of a merged ticket": ("merged", "transitions/", {"to": "solved"}, 409, {"merged_into": "new"}),
    "a move before the ticket": ("new", "transitions/", {"to": "open", "occurred_at": "2020-01-01T00:00:00Z"}, 400, {"occurred_at": "invalid"}),
    "a move in the future": ("new", "transitions/", {"to": "open", "occurred_at": SOON}, 400, {"occurred_at": "invalid"}),
    "a move at no instant": ("new", "transitions/", {"to": "open", "occurred_at": "yesterday"}, 400, {"occurred_at": "invalid"}),
    "a word too many": ("new", "transitions/", {"to": "open", "why": "because"}, 400, {"why": "unknown_field"}),
    "a reply to a merged ticket": ("merged", "messages/", {"body": "Hello"}, 409, {"merged_into": "new"}),
    "a customer's reply to a merged ticket": ("merged", "messages/", {"body": "Hello", "author_kind": "customer"}, 409, {"merged_into": "new"}),
    "a reply to a closed ticket": ("closed", "messages/", {"body": "Hello"}, 409, {"code": "closed"}),
    "a reply to a cancelled ticket": ("cancelled", "messages/", {"body": "Hello"}, 409, {"code": "closed"}),
    "a reply that solves a solved ticket's neighbour in vain": ("cancelled", "messages/", {"body": "Note", "public": False, "solve": True}, 409, {"status_now": "cancelled"}),
    "an empty reply": ("new", "messages/", {"body": " \n "}, 400, {"body": "blank"}),
    "a reply without a body": ("new", "messages/", {}, 400, {"body": "required"}),
    "a reply of ten million letters": ("new", "messages/", {"body": "a" * 10 * MIB}, 400, {"body": "max_length"}),
    "a request above what is read at all": ("new", "messages/", {"body": "a" * 21 * MIB}, 413, {}),
    "a reply with a zero byte": ("new", "messages/", {"body": "a\x00b"}, 400, {"body": "null_characters_not_allowed"}),
    "a reply of nobody known": ("new", "messages/", {"body": "Hello", "author_kind": "ghost"}, 400, {"author_kind": "invalid_choice"}),
    "a customer's note": ("new", "messages/", {"body": "Hello", "author_kind": "customer", "public": False}, 400, {"author_kind": "invalid"}),
    "a reply before the ticket": ("new", "messages/", {"body": "Hello", "written_at": "2020-01-01T00:00:00Z"}, 400, {"written_at": "invalid"}),
    "a body that is an object": ("new", "messages/", {"body": {"html": SCRIPT}}, 400, {"body": "invalid"}),
    "a list of replies": ("new", "messages/", [{"body": "Hello"}], 400, {}),
    "another book's ticket": ("other", "messages/", {"body": "Hello"}, 404, {}),
}


def test_what_cannot_be_taken_is_refused_by_name_and_nothing_is_written(at):
    client, before, wrong = ApiClient(at.elif_), everything(), {}
    for name, (ticket, path, body, status, told) in REFUSED.items():
        answer = client.post(f"/tickets/{getattr(at, ticket)}/{path}", body)
        problem = answer.json()
        faults = {entry["field"]: entry["code"] for entry in problem.get("errors", [])}
        said = {key: problem[key] if key in problem else faults.get(key) for key in told}
        meant = {key: getattr(at, value) if key == "merged_into" else value for key, value in told.items()}
        if (answer.status_code, answer["Content-Type"], said, bool(problem["title"])) != (status, "application/problem+json", meant, True) or everything() != before:
            wrong[name] = (answer.status_code, problem)
    assert wrong == {}


def test_what_is_no_json_is_refused(at):
    client, before = ApiClient(at.elif_), everything()
    for body in (b"{", b"\xff\xfe", b'{"body": NaN}', b"[" * 100_000):
        answer = client("POST", f"/tickets/{at.new}/messages/", body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), body[:20]
    assert everything() == before


OPENED = {
    "a subject too long": ({"subject": "a" * 501}, {"subject": "max_length"}),
    "a first message of ten million letters": ({"body": "a" * 10 * MIB}, {"body": "max_length"}),
    "a severity of five": ({"severity": 5}, {"severity": "invalid_choice"}),
    "a contact of another account": ({"contact": "harry"}, {"contact": "invalid"}),
    "an assignee who works on no tickets": ({"assignee_email": "vera@vefa.test"}, {"assignee_email": "does_not_exist"}),
    "a state of its own": ({"status": "solved"}, {"status": "read_only"}),
    "a rating of its own": ({"rating": 5}, {"rating": "read_only"}),
    "tags that are no list": ({"tags": "bug"}, {"tags": "not_a_list"}),
}


def test_a_faulty_ticket_is_not_opened(at):
    client, before, wrong = ApiClient(at.ada), everything(), {}
    for name, (body, told) in OPENED.items():
        answer = client.post("/tickets/", {"account": "boga", **body})
        said = {entry["field"]: entry["code"] for entry in answer.json()["errors"]}
        if (answer.status_code, said) != (400, told) or everything() != before:
            wrong[name] = (answer.status_code, said)
    assert wrong == {}


def test_markup_is_text_in_the_api_and_on_the_page(at, client):
    agent = ApiClient(at.elif_)
    told = agent.post("/tickets/", {"account": "boga", "contact": "selin", "subject": SCRIPT, "body": SCRIPT}).json()
    assert agent.post(f"/tickets/{told['id']}/messages/", {"body": SCRIPT, "author_kind": "customer"}).status_code == 201
    assert [one["body"] for one in agent.get(f"/tickets/{told['id']}/messages/").json()["results"]] == [SCRIPT, SCRIPT]
    assert (told["subject"], TicketMessage.objects.filter(body=SCRIPT).count()) == (SCRIPT, 2)
    client.force_login(at.elif_)
    for path in (reverse("tickets:ticket", args=[told["id"]]), reverse("tickets:queue") + "?view=all"):
        page = client.get(path).content.decode()
        assert "&lt;script&gt;alert(" in page
        assert "<script>alert(" not in page
        assert "<img src=x" not in page


def test_a_page_refuses_a_message_that_is_too_long_and_keeps_what_was_typed_out_of_the_ticket(at, client):
    client.force_login(at.elif_)
    before = everything()
    version = Ticket.objects.get(pk=at.new).version
    answer = client.post(reverse("tickets:reply", args=[at.new]), {"body": "a" * 10 * MIB, "version": version, "public": "1"})
    assert answer.status_code == 422
    assert everything() == before
