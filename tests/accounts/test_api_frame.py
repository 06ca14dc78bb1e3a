"""What is the same at every endpoint: problems, pages, filters, idempotency, throttle."""

import json
import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.actions.idempotency import KEPT
from accounts.api.throttling import KeyThrottle
from accounts.models import Account, AccountEvent, IdempotentRequest, Note
from tests.api_client import ApiClient, fields_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere/", None, 404),
        ("GET", "/accounts", None, 404),
        ("GET", "/accounts/abc/", None, 404),
        ("GET", "/accounts/-1/", None, 404),
        ("GET", "/accounts/99999999999999999999999999/", None, 404),
        ("GET", "/invitations/not-a-uuid/", None, 404),
        ("GET", "/accounts/12345678/", None, 404),
        ("DELETE", "/accounts/", None, 405),
        ("OPTIONS", "/accounts/", None, 405),
        ("PUT", "/accounts/", {}, 405),
        ("POST", "/accounts/", b"{", 400),
        ("POST", "/accounts/", b"", 400),
        ("POST", "/accounts/", b"[]", 400),
        ("POST", "/accounts/", b"null", 400),
        ("POST", "/accounts/", b"7", 400),
        ("POST", "/accounts/", b'"text"', 400),
        ("POST", "/accounts/", b"\xff\xfe", 400),
        ("POST", "/accounts/", b'{"name": NaN}', 400),
        ("POST", "/accounts/", b'{"name": "a\\u0000b"}', 400),
        ("POST", "/accounts/", b'{"name": "a\\ud800b"}', 400),
        ("POST", "/accounts/", b'{"a\\u0000": 1}', 400),
        ("POST", "/accounts/", b'{"name": "A", "attributes": {"x": 1e999}}', 400),
        ("POST", "/accounts/", b"[" * 100_000, 400),
        ("POST", "/accounts/", b'{"name": "A", "attributes": ' + b'{"a":' * 30 + b"1" + b"}" * 31, 400),
        ("POST", "/accounts/", b'{"name": ' + b"1" * 5000 + b"}", 400),
        ("GET", "/accounts/?plan=%00", None, 400),
        ("GET", "/accounts/by-external-id/%00/", None, 400),
        ("GET", "/accounts/?colour=red", None, 400),
        ("GET", "/accounts/1/?colour=red", None, 400),
        ("GET", "/accounts/?excluded=perhaps", None, 400),
        ("GET", "/accounts/?band=purple", None, 400),
        ("GET", "/accounts/?updated_since=yesterday", None, 400),
        ("GET", "/accounts/?updated_since=9999-12-31T23:59:59-12:00", None, 400),
        ("GET", "/accounts/?limit=0", None, 400),
        ("GET", "/accounts/?limit=201", None, 400),
        ("GET", "/accounts/?limit=٣", None, 400),
        ("GET", "/accounts/?ordering=owner__password", None, 400),
        ("GET", "/accounts/?cursor=abc", None, 400),
        ("GET", "/accounts/?cursor=" + "a" * 3000, None, 400),
    ],
)
def test_every_fault_is_a_problem(cast, method, path, body, status):
    answer = ApiClient(cast.ada)(method, path, body)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "detail", "code"} <= told.keys()


def test_another_type_of_body_is_415(cast):
    client = ApiClient(cast.ada)
    answer = client.http.post("/api/v1/accounts/", "name=A", content_type="application/x-www-form-urlencoded", headers={"Authorization": f"Bearer {client.token}"})
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


def test_any_accept_gets_json(cast):
    assert ApiClient(cast.ada).get("/accounts/", Accept="text/html")["Content-Type"] == "application/json"


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "large"}])
def test_a_body_that_is_too_large_is_413(cast, headers):
    answer = ApiClient(cast.ada).post("/accounts/", {"name": "A" * 150}, **headers)
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


def test_a_fault_nobody_foresaw_is_a_problem_too(cast, caplog):
    client = ApiClient(cast.ada)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_note RENAME COLUMN body TO body_gone")
    answer = client.get("/notes/")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "body_gone" not in answer.content.decode()
    assert "unforeseen" in caplog.text


# ── pages ───────────────────────────────────────────────────────────────────


def many(count: int, prefix: str = "page") -> None:
    Account.objects.bulk_create([Account(external_id=f"{prefix}-{number}", name=f"{prefix} {number % 3}", name_sort=f"{number % 3}", name_search="") for number in range(count)])


@pytest.mark.parametrize("ordering", ["id", "-id", "name", "updated_at", "-updated_at"])
def test_pages_show_every_row_once_while_rows_are_added(cast, ordering):
    many(23)
    client = ApiClient(cast.ada)
    there = set(Account.objects.values_list("external_id", flat=True))
    seen, address, rounds = [], f"/accounts/?limit=4&ordering={ordering}", 0
    while address:
        page = client.get(address).json()
        assert len(page["results"]) <= 4
        seen += [row["external_id"] for row in page["results"]]
        address = page["next"]
        rounds += 1
        many(1, f"added-{ordering}-{rounds}")
        assert rounds < 60
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_previous_leads_back_the_same_way(cast):
    many(9)
    client = ApiClient(cast.ada)
    first = client.get("/accounts/?limit=4").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    assert (first["previous"], third["next"], len(third["results"])) == (None, None, 3)
    back = client.get(third["previous"]).json()
    assert back["results"] == second["results"]
    begin = client.get(back["previous"]).json()
    assert (begin["results"], begin["previous"]) == (first["results"], None)
    # the address is signed anew, so it is compared by where it leads
    assert client.get(begin["next"]).json()["results"] == second["results"]
    assert client.get(back["next"]).json()["results"] == third["results"]


def test_a_cursor_of_another_order_is_refused(cast):
    many(5)
    client = ApiClient(cast.ada)
    cursor = client.get("/accounts/?limit=2").json()["next"].split("cursor=")[1]
    assert client.get(f"/accounts/?limit=2&ordering=-id&cursor={cursor}").status_code == 400
    assert client.get(f"/accounts/?limit=2&cursor={cursor[:-2]}xx").status_code == 400


def test_a_list_costs_the_same_queries_however_many_rows(cast, django_assert_num_queries):
    client = ApiClient(cast.ada)
    client.get("/accounts/")
    many(60)
    # the key with its user, and the page
    with django_assert_num_queries(2):
        assert len(client.get("/accounts/?limit=50").json()["results"]) == 50


def test_filters_narrow(cast):
    client = ApiClient(cast.ada)
    assert [row["external_id"] for row in client.get("/accounts/?country=TR").json()["results"]] == ["boga"]
    assert [row["external_id"] for row in client.get("/accounts/?owner_email=CAN@vefa.test").json()["results"]] == ["north"]
    assert [row["external_id"] for row in client.get("/contacts/?account=north").json()["results"]] == ["harry"]
    assert [row["external_id"] for row in client.get("/accounts/?excluded=false").json()["results"]] == ["boga", "north"]
    assert client.get("/accounts/?excluded=true").json()["results"] == []
    assert client("HEAD", "/accounts/?country=TR").status_code == 200
    now = timezone.now().isoformat().replace("+", "%2B")
    assert client.get(f"/accounts/?updated_since={now}").json()["results"] == []


# ── idempotency ─────────────────────────────────────────────────────────────


def test_the_same_request_is_answered_as_the_first_time(cast):
    client, key = ApiClient(cast.ada), str(uuid.uuid4())
    first = client.post("/accounts/", {"name": "Once"}, Idempotency_Key=key)
    again = client.post("/accounts/", {"name": "Once"}, Idempotency_Key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert (again["Idempotent-Replayed"], again["Location"], again["ETag"]) == ("true", first["Location"], first["ETag"])
    assert not first.has_header("Idempotent-Replayed")
    assert Account.objects.filter(name="Once").count() == 1


def test_the_key_with_another_body_or_address_is_422(cast):
    client = ApiClient(cast.ada)
    client.post("/accounts/", {"name": "Once"}, Idempotency_Key="k1")
    for path, body in (("/accounts/", {"name": "Twice"}), ("/contacts/", {"name": "Once"})):
        answer = client.post(path, body, Idempotency_Key="k1")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Account.objects.count() == 3


def test_keys_belong_to_their_owner_and_live_a_day(cast):
    first, other = ApiClient(cast.ada), ApiClient(cast.ada)
    assert first.post("/accounts/", {"name": "A"}, Idempotency_Key="k1").status_code == 201
    assert other.post("/accounts/", {"name": "B"}, Idempotency_Key="k1").status_code == 201
    IdempotentRequest.objects.update(created_at=timezone.now() - KEPT)
    assert first.post("/accounts/", {"name": "C"}, Idempotency_Key="k1").status_code == 201
    # the outlived record of the other went with it
    assert IdempotentRequest.objects.count() == 1


def test_a_refused_request_may_be_put_right_under_its_key(cast):
    client = ApiClient(cast.ada)
    assert client.post("/accounts/", {"name": ""}, Idempotency_Key="k1").status_code == 400
    assert client.post("/accounts/", {"name": "Right"}, Idempotency_Key="k1").status_code == 201
    for key in ("", "x" * 201, "a\tb", "ü"):
        assert client.post("/accounts/", {"name": "Wrong"}, Idempotency_Key=key).status_code == 400
    assert not Account.objects.filter(name="Wrong").exists()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_under_one_key_do_the_work_once(cast):
    client, key = ApiClient(cast.ada), str(uuid.uuid4())

    def send(_number):
        try:
            return client.post("/accounts/", {"name": "Rush"}, Idempotency_Key=key)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert Account.objects.filter(name="Rush").count() == 1
    assert AccountEvent.objects.filter(kind="account.created").count() == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in done}) == 1
    assert sum(not answer.has_header("Idempotent-Replayed") for answer in done) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"still_running"}


@pytest.mark.django_db(transaction=True)
def test_eight_puts_at_once_make_one_account(cast):
    clients = [ApiClient(cast.ada) for _ in range(8)]

    def send(number):
        try:
            return clients[number].put("/accounts/by-external-id/rush/", {"name": "Rush", "plan": f"p{number}"})
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201], [answer.content for answer in answers]
    account = Account.objects.get(external_id="rush")
    assert account.version == 8
    assert AccountEvent.objects.filter(account=account, kind="account.created").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_patches_at_once_under_one_etag_one_wins(cast):
    clients = [ApiClient(cast.ada) for _ in range(6)]
    path = f"/accounts/{cast.boga.pk}/"
    etag = clients[0].get(path)["ETag"]

    def send(number):
        try:
            return clients[number].patch(path, {"plan": f"p{number}"}, If_Match=etag).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [200] + [412] * 5
    assert Account.objects.get(pk=cast.boga.pk).version == 2


# ── throttle ────────────────────────────────────────────────────────────────


@pytest.fixture
def three_a_minute(monkeypatch):
    monkeypatch.setattr(KeyThrottle, "limit", 3)
    monkeypatch.setattr(KeyThrottle, "_rests_until", 0.0)
    # a minute that no other test counts in
    minute = 60.0 * random.randrange(30_000_000, 60_000_000)
    monkeypatch.setattr(KeyThrottle, "clock", staticmethod(lambda: minute + 10))


def test_a_key_has_its_minute_and_then_waits(cast, three_a_minute):
    client, other = ApiClient(cast.ada), ApiClient(cast.ada)
    assert [client.get("/accounts/").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/accounts/")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["Content-Type"] == "application/problem+json"
    assert other.get("/accounts/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_are_all_counted(cast, three_a_minute):
    client = ApiClient(cast.ada)

    def send(_number):
        try:
            return client.get("/accounts/").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(16))) == [200] * 3 + [429] * 13


def test_without_a_cache_nobody_is_held_up(cast, three_a_minute):
    caches = {"default": {**django_settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    with override_settings(CACHES=caches):
        client = ApiClient(cast.ada)
        assert [client.get("/accounts/").status_code for _ in range(6)] == [200] * 6


# ── papers ──────────────────────────────────────────────────────────────────


def test_the_schema_is_whole_and_needs_no_key(cast):
    from io import StringIO

    from django.core.management import call_command

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())
    answer = ApiClient(None).get("/schema/", Accept="application/json")
    assert answer.status_code == 200
    schema = json.loads(answer.content) if answer["Content-Type"].endswith("json") else None
    assert schema is None or schema["openapi"].startswith("3.")
    for path, methods in (schema or {"paths": {}})["paths"].items():
        for method, operation in methods.items():
            if method in {"get", "post", "put", "patch"}:
                assert "application/problem+json" in operation["responses"]["401"]["content"], path


def test_the_docs_bring_all_they_need(cast):
    client = ApiClient(None)
    page = client.get("/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    import re

    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(sources) >= 4
    assert all(source.startswith(("/static/", "/api/v1/docs/")) for source in sources), sources
    assert "<style" not in text
    assert not re.search(r"<script(?![^>]*src)", text)
    script = next(source for source in sources if source.startswith("/api/v1/docs/"))
    assert client.http.get(script.replace("&amp;", "&")).status_code == 200
    assert client.http.get(next(source for source in sources if source.endswith("bundle.js"))).status_code == 200


def test_notes_name_their_author_and_no_other(cast):
    client = ApiClient(cast.elif_)
    assert fields_of(client.post("/notes/", {"account": "boga", "body": "Hi", "author_email": "ada@vefa.test"})) == {"author_email": "read_only"}
    made = client.post("/notes/", {"account": "boga", "body": "Called, all well."})
    assert (made.status_code, made.json()["author_email"]) == (201, "elif@vefa.test")
    assert AccountEvent.objects.get(kind="note.added").origin == "api"
    changed = client.edit(f"/notes/{made.json()['id']}/", {"pinned": True})
    assert (changed.status_code, changed.json()["pinned"]) == (200, True)
    assert fields_of(client.post("/notes/", {"account": "boga", "body": "  "})) == {"body": "blank"}
    assert ApiClient(cast.can).get(f"/notes/{made.json()['id']}/").status_code == 404
    assert Note.objects.count() == 1
