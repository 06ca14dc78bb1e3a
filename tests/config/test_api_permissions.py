"""Who may do what, over every address of the API. An address that is missing in the table fails here."""

import uuid
from types import SimpleNamespace

import pytest
from django.utils import timezone

from accounts.actions.notes import add_note
from accounts.actions.webhooks import create_endpoint, send_test
from accounts.actions.work_items import open_work_item
from accounts.models import AccountEvent, Contact, Subscription, Transaction, WebhookDelivery, WebhookEndpoint
from config.api import urlpatterns
from surveys.models import Invitation, Response, Survey, Touchpoint
from tests.api_client import ApiClient
from tickets.actions.attachments import keep_files
from tickets.actions.messages import reply
from tickets.actions.tickets import open_ticket
from tickets.models import Interaction, Ticket, TicketCopy, TicketMessage

pytestmark = pytest.mark.django_db
OPEN = {"api-schema", "api-docs", "api-nowhere"}
# name: (path, {method: (scope, body)}); {x} is the id of Elif's row, the methods that are not named are 405
TABLE = {
    "api-accounts": ("/accounts/", {"GET": ("accounts:read", None), "POST": ("accounts:write", {"name": "New"})}),
    "api-account": ("/accounts/{account}/", {"GET": ("accounts:read", None), "PATCH": ("accounts:write", {"plan": "x"})}),
    "api-account-by-external-id": ("/accounts/by-external-id/boga/", {"GET": ("accounts:read", None), "PUT": ("accounts:write", {"plan": "x"})}),
    "api-timeline": ("/accounts/{account}/timeline/", {"GET": ("accounts:read", None)}),
    "api-health": ("/accounts/{account}/health/", {"GET": ("accounts:read", None)}),
    "api-contacts": ("/contacts/", {"GET": ("contacts:read", None), "POST": ("contacts:write", {"account": "boga", "email": "n@b.test"})}),
    "api-contact": ("/contacts/{contact}/", {"GET": ("contacts:read", None), "PATCH": ("contacts:write", {"name": "x"})}),
    "api-contact-by-external-id": ("/contacts/by-external-id/selin/", {"GET": ("contacts:read", None), "PUT": ("contacts:write", {"name": "x"})}),
    "api-subscriptions": ("/subscriptions/", {"GET": ("subscriptions:read", None), "POST": ("subscriptions:write", {"account": "boga", "start": "2026-01-01", "amount": "1"})}),
    "api-subscription": ("/subscriptions/{subscription}/", {"GET": ("subscriptions:read", None), "PATCH": ("subscriptions:write", {"product": "x"})}),
    "api-subscription-by-external-id": ("/subscriptions/by-external-id/sub/", {"GET": ("subscriptions:read", None), "PUT": ("subscriptions:write", {"product": "x"})}),
    "api-transactions": ("/transactions/", {"GET": ("transactions:read", None), "POST": ("transactions:write", {"account": "boga", "occurred_at": "2026-01-01", "amount": "1"})}),
    "api-transaction": ("/transactions/{transaction}/", {"GET": ("transactions:read", None), "PATCH": ("transactions:write", {"invoice": "x"})}),
    "api-work-items": ("/work-items/", {"GET": ("work:read", None), "POST": ("work:write", {"account": "boga", "type": "risk", "reason": "n", "due_at": "2027-01-01"})}),
    "api-work-item": ("/work-items/{work_item}/", {"GET": ("work:read", None), "PATCH": ("work:write", {"title": "x"})}),
    "api-notes": ("/notes/", {"GET": ("notes:read", None), "POST": ("notes:write", {"account": "boga", "body": "x"})}),
    "api-note": ("/notes/{note}/", {"GET": ("notes:read", None), "PATCH": ("notes:write", {"body": "x"})}),
    "api-events": ("/events/", {"POST": ("events:write", {"account": "boga", "kind": "trial.started", "occurred_at": "2026-01-01"})}),
    "api-usage": ("/usage/", {"POST": ("usage:write", {"account": "boga", "day": "2026-01-01", "count": 1})}),
    "api-webhooks": ("/webhooks/", {"GET": ("webhooks:read", None), "POST": ("webhooks:write", {"url": "https://8.8.8.8/"})}),
    "api-webhook": ("/webhooks/{webhook}/", {"GET": ("webhooks:read", None), "PATCH": ("webhooks:write", {"description": "x"}), "DELETE": ("webhooks:write", None)}),
    "api-webhook-rotate": ("/webhooks/{webhook}/rotate/", {"POST": ("webhooks:write", {})}),
    "api-webhook-test": ("/webhooks/{webhook}/test/", {"POST": ("webhooks:write", {})}),
    "api-webhook-replay": ("/webhooks/{webhook}/replay/", {"POST": ("webhooks:write", {"since": timezone.now().isoformat()})}),
    "api-webhook-deliveries": ("/webhooks/{webhook}/deliveries/", {"GET": ("webhooks:read", None)}),
    "api-webhook-delivery": ("/webhooks/{webhook}/deliveries/{delivery}/", {"GET": ("webhooks:read", None)}),
    "api-webhook-delivery-replay": ("/webhooks/{webhook}/deliveries/{delivery}/replay/", {"POST": ("webhooks:write", {})}),
    "api-tickets": ("/tickets/", {"GET": ("tickets:read", None), "POST": ("tickets:write", {"account": "boga"})}),
    "api-ticket": ("/tickets/{ticket}/", {"GET": ("tickets:read", None), "PATCH": ("tickets:write", {"category": "x"})}),
    "api-ticket-by-external-id": ("/tickets/by-external-id/tick/", {"GET": ("tickets:read", None), "PUT": ("tickets:write", {"category": "x"})}),
    "api-ticket-messages": ("/tickets/{ticket}/messages/", {"GET": ("tickets:read", None), "POST": ("tickets:write", {"body": "x"})}),
    "api-ticket-times": ("/tickets/{ticket}/times/", {"GET": ("tickets:read", None)}),
    "api-ticket-transitions": ("/tickets/{ticket}/transitions/", {"GET": ("tickets:read", None), "POST": ("tickets:write", {"to": "open"})}),
    "api-ticket-copies": (
        "/tickets/{ticket}/copies/",
        {"GET": ("tickets:read", None), "POST": ("tickets:write", {"contact": "emre"}), "DELETE": ("tickets:write", {"contact": "emre"})},
    ),
    "api-ticket-interactions": (
        "/tickets/{ticket}/interactions/",
        {"GET": ("tickets:read", None), "POST": ("tickets:write", {"channel": "phone", "talk_seconds": 60})},
    ),
    "api-attachment": ("/attachments/{attachment}/", {"GET": ("tickets:read", None)}),
    "api-surveys": ("/surveys/", {"GET": ("surveys:read", None)}),
    "api-survey": ("/surveys/{survey}/", {"GET": ("surveys:read", None)}),
    "api-touchpoints": ("/touchpoints/", {"GET": ("surveys:read", None)}),
    "api-touchpoint": ("/touchpoints/{touchpoint}/", {"GET": ("surveys:read", None)}),
    "api-forecast": ("/touchpoints/forecast/", {"GET": ("surveys:read", None)}),
    "api-touchpoint-plan": ("/touchpoints/{touchpoint}/plan/", {"GET": ("surveys:read", None)}),
    "api-invitations": ("/invitations/", {"GET": ("surveys:read", None), "POST": ("invitations:write", {"contact": "selin", "survey": "nps"})}),
    "api-invitation": ("/invitations/{invitation}/", {"GET": ("surveys:read", None)}),
    "api-responses": ("/responses/", {"GET": ("surveys:read", None)}),
    "api-response": ("/responses/{response}/", {"GET": ("surveys:read", None)}),
    "api-metrics": ("/metrics/", {"GET": ("metrics:read", None)}),
    "api-figure": ("/metrics/mrr/?start=2026-01-01&end=2026-02-01", {"GET": ("metrics:read", None)}),
    "api-figure-rows": ("/metrics/mrr/rows/?start=2026-01-01&end=2026-02-01", {"GET": ("metrics:read", None)}),
}
# rows that belong to no customer
NOBODYS = {"api-surveys", "api-survey", "api-touchpoints", "api-touchpoint", "api-touchpoint-plan", "api-forecast", "api-metrics", "api-figure", "api-figure-rows"}
# written by admins and leads alone
OF_LEADS = {name for name in TABLE if name.startswith("api-webhook")}
CASES = [(name, method) for name, (_path, methods) in TABLE.items() for method in methods]


def named(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from named(pattern.url_patterns)
        else:
            yield pattern.name


@pytest.fixture
def rows(cast):
    now = timezone.now()
    span = Subscription.objects.create(external_id="sub", account=cast.boga, start=now, amount=1, currency="EUR")
    payment = Transaction.objects.create(account=cast.boga, occurred_at=now, amount=1, currency="EUR")
    ticket = open_ticket(account_id=cast.boga.pk, now=now, external_id="tick", contact_id=cast.selin.pk)[0]
    Contact.objects.create(external_id="emre", account=cast.boga, email="emre@bogazici.test", name="Emre")
    message, _new = reply(ticket_id=ticket.pk, body="x", public=False, author=cast.deniz, now=now)
    attachment = keep_files(message=message, files=[("a.txt", b"a")])[0]
    item = open_work_item(account_id=cast.boga.pk, type="risk", reason="r", why={"key": "manual", "values": {"text": "x"}}, now=now, due_at=now)[0]
    note = add_note(account_id=cast.boga.pk, author=cast.elif_, body="x", now=now)
    survey = Survey.objects.get(key="nps")
    invitation = Invitation.objects.create(account=cast.boga, contact=cast.selin, status="skipped", skip_reason="stale", decided_at=now)
    response = Response.objects.create(survey=survey, kind="nps", account=cast.boga, contact=cast.selin, score=9, scale_min=0, scale_max=10, answered_at=now)
    endpoint = create_endpoint(fields={"url": "https://8.8.8.8/"}, actor=cast.ada, now=now)
    delivery = send_test(endpoint_id=endpoint.pk, now=now)
    ids = {
        "webhook": endpoint.pk,
        "delivery": delivery.pk,
        "account": cast.boga.pk,
        "contact": cast.selin.pk,
        "subscription": span.pk,
        "transaction": payment.pk,
        "work_item": item.pk,
        "note": note.pk,
        "ticket": ticket.pk,
    }
    return {**ids, "attachment": attachment.pk, "survey": survey.pk, "touchpoint": Touchpoint.objects.first().pk, "invitation": invitation.pk, "response": response.pk}


def send(client, name, method, rows, body="table"):
    path, methods = TABLE[name]
    wanted = methods[method][1] if body == "table" else body
    headers = {"If_Match": "*"} if method == "PATCH" else {}
    return client(method, path.format(**rows), wanted, **headers)


def stored() -> tuple:
    models = (AccountEvent, WebhookEndpoint, WebhookDelivery, Subscription, Transaction, Ticket, TicketMessage, TicketCopy, Interaction, Invitation)
    return tuple(model.objects.count() for model in models)


def test_every_address_stands_in_the_table():
    assert set(named(urlpatterns)) - OPEN == set(TABLE)


@pytest.mark.parametrize(("name", "method"), CASES)
def test_no_key_is_401_and_a_key_without_the_scope_403(cast, rows, name, method):
    before = stored()
    assert send(ApiClient(None), name, method, rows).status_code == 401
    scope = TABLE[name][1][method][0]
    from accounts.scopes import SCOPES

    others = [one for one in SCOPES if one not in {scope, "*"}]
    refused = send(ApiClient(cast.ada, *others), name, method, rows)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert stored() == before
    granted = send(ApiClient(cast.ada, scope), name, method, rows)
    assert granted.status_code in {200, 201, 204}, granted.content


@pytest.mark.parametrize(("name", "method"), CASES)
def test_another_book_finds_nothing(cast, rows, name, method):
    before = stored()
    answer = send(ApiClient(cast.can), name, method, rows)
    if name in NOBODYS or (name, method) == ("api-accounts", "POST"):
        assert answer.status_code in {200, 201}
        return
    path = TABLE[name][0]
    if name in OF_LEADS and method != "GET":
        assert answer.status_code == 403
        assert stored() == before
        return
    if method == "GET" and "{" not in path and "by-external-id" not in path:
        told = {row.get("account") or row.get("external_id") for row in answer.json()["results"]}
        assert told <= {"north", "harry"} | ({"harry"} if name == "api-contacts" else set())
    elif method == "POST" and "{" not in path:
        assert answer.status_code == 400
        assert {entry["code"] for entry in answer.json()["errors"]} <= {"does_not_exist", "invalid"}
    else:
        assert answer.status_code == 404
    assert stored() == before


@pytest.mark.parametrize(("name", "method"), [case for case in CASES if case[1] != "GET"])
def test_who_only_looks_writes_nothing(cast, rows, name, method):
    before = stored()
    for user in (cast.vera, cast.ana):
        assert send(ApiClient(user), name, method, rows).status_code in {403, 404}
    assert stored() == before


@pytest.mark.parametrize("name", [name for name in TABLE if name not in NOBODYS])
def test_analysts_see_no_rows(cast, rows, name):
    if "GET" not in TABLE[name][1]:
        return
    answer = send(ApiClient(cast.ana), name, "GET", rows)
    assert answer.status_code == 404 or answer.json()["results"] == []


@pytest.mark.parametrize("name", list(TABLE))
def test_other_methods_are_405(cast, rows, name):
    client = ApiClient(cast.ada)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - TABLE[name][1].keys():
        answer = send(client, name, method, rows, body={})
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json"), method


@pytest.mark.parametrize(("name", "method"), [case for case in CASES if case[1] in {"POST", "PATCH", "PUT"}])
def test_no_column_comes_in_that_is_not_named(cast, rows, name, method):
    before, client = stored(), ApiClient(cast.ada)
    for stranger in ("is_superuser", "owner", "owner_id", "score", "pk", "created_at"):
        answer = send(client, name, method, rows, body={**TABLE[name][1][method][1], stranger: 1})
        assert answer.status_code == 400, answer.content
        assert stranger in {entry["field"] for entry in answer.json()["errors"]}
    assert stored() == before


def test_a_covered_book_is_seen_while_it_is_covered(cast, rows):
    import datetime as dt

    from accounts.models import Cover

    client = ApiClient(cast.can)
    now = timezone.now()
    cover = Cover.objects.create(absent=cast.elif_, substitute=cast.can, starts_at=now - dt.timedelta(hours=1), ends_at=now + dt.timedelta(hours=1))
    assert send(client, "api-account", "GET", rows).status_code == 200
    assert send(client, "api-note", "PATCH", rows).status_code == 200
    cover.delete()
    assert send(client, "api-account", "GET", rows).status_code == 404


def test_ids_that_are_none_are_404(cast):
    client = ApiClient(cast.ada)
    ids = dict.fromkeys(
        ("account", "contact", "subscription", "transaction", "work_item", "note", "ticket", "attachment", "survey", "touchpoint", "webhook", "delivery"), 987654321
    )
    nowhere = SimpleNamespace(**ids, invitation=uuid.uuid4(), response=uuid.uuid4())
    for name, (path, methods) in TABLE.items():
        if "{" in path:
            for method in methods:
                assert send(client, name, method, vars(nowhere)).status_code == 404, (name, method)
