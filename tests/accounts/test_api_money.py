"""Subscriptions, transactions, events and usage by the API."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import AccountDirty, AccountEvent, Contact, Subscription, Transaction, UsageDay, WorkItem
from tests.api_client import ApiClient, fields_of

pytestmark = pytest.mark.django_db


def events(**found):
    return list(AccountEvent.objects.filter(**found).order_by("id").values_list("kind", flat=True))


def test_a_span_is_created_with_its_monthly_amount(cast):
    made = ApiClient(cast.elif_).post(
        "/subscriptions/",
        {"external_id": "s1", "account": "boga", "start": "2026-01-01T00:00:00Z", "amount": "1200", "quantity": "2", "interval": "year", "discount_percent": "50"},
    )
    assert made.status_code == 201, made.content
    told = made.json()
    # 1200 x 2 a year, half off: 1200 a year, 100 a month; boga pays in EUR
    assert (told["mrr"], told["currency"], told["subscription"], told["amount"]) == ("100.000000", "EUR", "s1", "1200.000000")
    event = AccountEvent.objects.get(kind="subscription.started")
    assert (event.origin, event.payload) == ("api", {"subscription": "s1", "product": "", "mrr": "100", "currency": "EUR"})
    assert AccountDirty.objects.filter(account=cast.boga).exists()
    # what is worth 100 a month from its start on stands in the ledger, and follows a change
    assert list(cast.boga.mrr_changes.values_list("balance_micros", flat=True)) == [100_000_000]
    ApiClient(cast.elif_).edit(f"/subscriptions/{told['id']}/", {"quantity": "1"})
    assert list(cast.boga.mrr_changes.values_list("balance_micros", flat=True)) == [50_000_000]


def test_the_next_span_of_a_group_is_a_change_and_the_last_end_an_end(cast):
    client = ApiClient(cast.ada)
    base = {"account": "boga", "subscription": "group", "currency": "eur"}
    client.post("/subscriptions/", {**base, "external_id": "a", "start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z", "amount": "10"})
    # an end that has come, with nothing after it yet
    assert events(account=cast.boga) == ["subscription.started", "subscription.ended"]
    client.post("/subscriptions/", {**base, "external_id": "b", "start": "2026-02-01T00:00:00Z", "amount": "15"})
    assert AccountEvent.objects.get(kind="subscription.changed").payload == {"subscription": "group", "product": "", "mrr_before": "10", "mrr": "15", "currency": "EUR"}
    span = Subscription.objects.get(external_id="b")
    client.edit(f"/subscriptions/{span.pk}/", {"cancelled_at": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z", "end_reason": "price", "voluntary": True})
    assert AccountEvent.objects.get(kind="subscription.cancelled").payload == {
        "subscription": "group",
        "product": "",
        "ends_at": "2026-04-01T00:00:00+00:00",
        "reason": "price",
        "voluntary": True,
    }
    assert AccountEvent.objects.filter(kind="subscription.ended").count() == 2


def test_spans_of_a_group_never_overlap(cast):
    client = ApiClient(cast.ada)
    base = {"account": "boga", "subscription": "group", "amount": "10"}
    assert client.post("/subscriptions/", {**base, "external_id": "a", "start": "2026-01-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"}).status_code == 201
    overlapping = client.post("/subscriptions/", {**base, "external_id": "b", "start": "2026-02-01T00:00:00Z"})
    assert (overlapping.status_code, overlapping.json()["errors"][0]["code"]) == (409, "overlap")
    backwards = client.post("/subscriptions/", {**base, "external_id": "b", "start": "2026-03-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"})
    assert backwards.status_code == 400
    assert client.put("/subscriptions/by-external-id/b/", {**base, "start": "2026-02-28T00:00:00Z"}).status_code == 409
    assert client.put("/subscriptions/by-external-id/b/", {**base, "start": "2026-03-01T00:00:00Z"}).status_code == 201
    again = client.put("/subscriptions/by-external-id/b/", {**base, "start": "2026-03-01T00:00:00Z"})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert Subscription.objects.count() == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"interval_count": 0},
        {"discount_percent": "101"},
        {"interval": "decade"},
        {"amount": "ten"},
        {"amount": "1e30"},
        {"paused_until": "2026-01-01T00:00:00Z"},
        {"mrr": "5"},
        {"quantity": "NaN"},
    ],
)
def test_faulty_terms_are_refused(cast, fault):
    answer = ApiClient(cast.ada).post("/subscriptions/", {"account": "boga", "start": "2026-01-01T00:00:00Z", "amount": "10", **fault})
    assert (answer.status_code, len(answer.json()["errors"])) == (400, 1)
    assert Subscription.objects.count() == 0


def test_payments_tell_their_story(cast):
    client = ApiClient(cast.ada)
    base = {"account": "boga", "amount": "99.90", "currency": "EUR", "kind": "invoice", "invoice": "I-1"}
    failed = client.post("/transactions/", {**base, "occurred_at": "2026-01-01T00:00:00Z", "status": "failed", "attempt": 1, "failure_code": "card_expired", "hard_decline": True})
    assert failed.status_code == 201, failed.content
    client.post("/transactions/", {**base, "occurred_at": "2026-01-03T00:00:00Z"})
    client.post("/transactions/", {"account": "boga", "amount": "5", "occurred_at": "2026-01-04T00:00:00Z"})
    assert events(account=cast.boga) == ["payment.failed", "payment.recovered", "purchase.completed"]
    assert AccountEvent.objects.get(kind="payment.failed").payload == {
        "transaction": failed.json()["id"], "amount": "99.900000", "currency": "EUR", "invoice": "I-1", "attempt": 1, "failure_code": "card_expired", "hard_decline": True,
    }  # fmt: skip
    changed = client.edit(f"/transactions/{failed.json()['id']}/", {"status": "succeeded"})
    assert changed.json()["status"] == "succeeded"
    assert events(account=cast.boga)[-1] == "payment.recovered"
    assert ApiClient(cast.can).get(f"/transactions/{failed.json()['id']}/").status_code == 404
    assert Transaction.objects.count() == 3


# ── events ──────────────────────────────────────────────────────────────────
WHEN = "2026-02-01T10:00:00Z"


def test_one_event_is_taken_and_told_again_as_duplicate(cast):
    client = ApiClient(cast.elif_, "events:write")
    body = {"account": "boga", "kind": "onboarding.completed", "occurred_at": WHEN, "dedupe_key": "o1", "contact_email": "SELIN@bogazici.test", "payload": {"days": 12}}
    first = client.post("/events/", body)
    event = AccountEvent.objects.get()
    assert (first.status_code, first.json()) == (201, {"created": 1, "duplicates": 0, "results": [{"index": 0, "status": "created", "id": event.pk}]})
    assert (event.origin, event.contact, event.payload, event.dedupe_key) == ("api", cast.selin, {"days": 12}, "o1")
    again = client.post("/events/", body)
    assert (again.status_code, again.json()["results"]) == (200, [{"index": 0, "status": "duplicate", "id": None}])
    assert AccountEvent.objects.count() == 1


def test_a_thousand_events_are_answered_one_by_one(cast):
    client = ApiClient(cast.ada)
    rows = [{"account": "boga" if number % 2 else "north", "kind": "usage.milestone", "occurred_at": WHEN, "dedupe_key": str(number % 999)} for number in range(1000)]
    answer = client.post("/events/", rows)
    assert answer.status_code == 201
    # 998 and 999: key 999 % 999 = 0 belongs to the other account; only equal (account, key) pairs repeat
    expected = len({(row["account"], row["dedupe_key"]) for row in rows})
    assert answer.json()["created"] == expected == AccountEvent.objects.count()
    assert len(answer.json()["results"]) == 1000
    assert client.post("/events/", [*rows, rows[0]]).status_code == 413


def test_events_without_a_key_are_all_new_and_equal_ones_in_a_request_are_one(cast):
    client = ApiClient(cast.ada)
    plain = {"account": "boga", "kind": "usage.milestone", "occurred_at": WHEN}
    keyed = {**plain, "dedupe_key": "k"}
    answer = client.post("/events/", [plain, keyed, plain, keyed])
    assert [one["status"] for one in answer.json()["results"]] == ["created", "created", "created", "duplicate"]


def test_one_faulty_event_takes_all_back(cast):
    client = ApiClient(cast.elif_)
    good = {"account": "boga", "kind": "trial.started", "occurred_at": WHEN}
    soon = (timezone.now() + dt.timedelta(minutes=11)).isoformat()
    rows = [
        good,
        {**good, "kind": "ticket.opened"},
        {**good, "account": "north"},
        {**good, "occurred_at": soon},
        {**good, "payload": {"name": "Selin"}},
        {**good, "actor": 1},
        {**good, "kind": "survey.answered"},
    ]
    answer = client.post("/events/", rows)
    assert answer.status_code == 400
    assert sorted(fields_of(answer)) == ["1.kind", "2.account", "3.occurred_at", "4.payload", "5.actor", "6.kind"]
    assert AccountEvent.objects.count() == 0
    assert fields_of(client.post("/events/", {**good, "account": "north"})) == {"account": "does_not_exist"}
    nearly = (timezone.now() + dt.timedelta(minutes=9)).isoformat()
    assert client.post("/events/", {**good, "occurred_at": nearly}).status_code == 201
    for body in ([], {}, "x", [1], 5):
        assert client.post("/events/", body).status_code == 400


def test_an_unknown_address_becomes_a_contact_of_the_account(cast):
    Contact.objects.filter(pk=cast.selin.pk).update(imported_unconfirmed=True)
    client = ApiClient(cast.ada)
    body = {"account": "boga", "kind": "purchase.completed", "occurred_at": WHEN}
    assert (
        client.post(
            "/events/", [{**body, "contact_email": "new@bogazici.test"}, {**body, "contact_email": "new@bogazici.test"}, {**body, "contact_email": "selin@bogazici.test"}]
        ).status_code
        == 201
    )
    made = Contact.objects.get(email="new@bogazici.test")
    assert (made.account, made.language, made.imported_unconfirmed) == (cast.boga, "tr", False)
    assert Contact.objects.get(pk=cast.selin.pk).imported_unconfirmed is False
    assert AccountEvent.objects.filter(contact=made).count() == 2


# ── usage ───────────────────────────────────────────────────────────────────


def test_usage_is_set_not_added(cast):
    client = ApiClient(cast.elif_, "usage:write")
    rows = [{"account": "boga", "day": "2026-02-01", "count": 5, "users": 2}, {"account": "boga", "day": "2026-02-01", "feature": "export", "count": 1, "errors": 0}]
    assert client.post("/usage/", rows).json() == {"rows": 2}
    assert client.post("/usage/", {"account": "boga", "day": "2026-02-01", "count": 7}).json() == {"rows": 1}
    assert list(UsageDay.objects.order_by("count").values_list("count", "users", "errors")) == [(1, None, 0), (7, 2, None)]
    assert AccountDirty.objects.get().account == cast.boga


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"account": "north", "day": "2026-02-01", "count": 1}, "account"),
        ({"account": 5, "day": "2026-02-01", "count": 1}, "account"),
        ({"account": "boga", "day": "2026-02-30", "count": 1}, "day"),
        ({"account": "boga", "day": "1999-12-31", "count": 1}, "day"),
        ({"account": "boga", "day": "2126-02-01", "count": 1}, "day"),
        ({"account": "boga", "day": 20260201, "count": 1}, "day"),
        ({"account": "boga", "day": "2026-02-01"}, "count"),
        ({"account": "boga", "day": "2026-02-01", "count": -1}, "count"),
        ({"account": "boga", "day": "2026-02-01", "count": True}, "count"),
        ({"account": "boga", "day": "2026-02-01", "count": 2**31}, "count"),
        ({"account": "boga", "day": "2026-02-01", "count": 1.5}, "count"),
        ({"account": "boga", "day": "2026-02-01", "count": 1, "feature": None}, "feature"),
        ({"account": "boga", "day": "2026-02-01", "count": 1, "feature": "x" * 121}, "feature"),
        ({"account": "boga", "day": "2026-02-01", "count": 1, "user": 1}, "user"),
    ],
)
def test_one_faulty_usage_row_takes_all_back(cast, row, field):
    client = ApiClient(cast.elif_)
    answer = client.post("/usage/", [{"account": "boga", "day": "2026-01-01", "count": 1}, row])
    assert (answer.status_code, list(fields_of(answer))) == (400, [f"1.{field}"])
    assert UsageDay.objects.count() == 0


def test_usage_rows_that_repeat_a_key_are_refused(cast):
    rows = [{"account": "boga", "day": "2026-02-01", "count": 1, "feature": "x"}, {"account": "boga", "day": "2026-02-01", "count": 1, "feature": " x "}]
    assert list(fields_of(ApiClient(cast.ada).post("/usage/", rows))) == ["1.day"]


def test_ten_thousand_usage_rows_go_in_one_request(cast):
    first = dt.date(2025, 1, 1)
    rows = [
        {"account": ("boga", "north")[number % 2], "day": (first + dt.timedelta(days=number // 20)).isoformat(), "feature": f"f{number % 20}", "count": number}
        for number in range(10_000)
    ]
    client = ApiClient(cast.ada)
    assert client.post("/usage/", rows).json() == {"rows": 10_000}
    assert UsageDay.objects.count() == 10_000
    assert client.post("/usage/", [*rows, {}]).status_code == 413


# ── work ────────────────────────────────────────────────────────────────────


def test_work_is_opened_once_and_closed_with_its_outcome(cast):
    client = ApiClient(cast.elif_)
    body = {
        "account": "boga",
        "contact": "selin",
        "type": "risk",
        "reason": "exec_left",
        "title": "Call the new sponsor",
        "why": "The sponsor left.",
        "due_at": "2026-12-01T09:00:00Z",
    }
    made = client.post("/work-items/", body)
    assert made.status_code == 201, made.content
    assert (made.json()["why"], made.json()["owner_email"], made.json()["source"]) == ("The sponsor left.", "elif@vefa.test", "api")
    again = client.post("/work-items/", {**body, "due_at": "2026-11-30T09:00:00Z"})
    assert (again.status_code, again.json()["id"], again.json()["due_at"]) == (200, made.json()["id"], "2026-11-30T09:00:00Z")
    path = f"/work-items/{made.json()['id']}/"
    assert list(fields_of(client.edit(path, {"status": "snoozed"}))) == ["snoozed_until"]
    assert client.edit(path, {"status": "snoozed", "snoozed_until": "2020-01-01T00:00:00Z"}).status_code == 400
    assert client.edit(path, {"outcome": "x"}).status_code == 400
    later = (timezone.now() + dt.timedelta(days=2)).isoformat()
    assert client.edit(path, {"status": "snoozed", "snoozed_until": later, "snooze_reason": "away"}).json()["status"] == "snoozed"
    assert client.edit(path, {"status": "open", "priority": 1, "title": "Call"}).json()["priority"] == 1
    done = client.edit(path, {"status": "done", "outcome": "Met the new sponsor."})
    assert (done.status_code, done.json()["status"], done.json()["closed_by_email"]) == (200, "done", "elif@vefa.test")
    assert client.edit(path, {"title": "Again"}).status_code == 409
    assert client.edit(path, {"status": "done"}).status_code == 200
    assert client.patch(path, {"status": "open"}, If_Match='"1.x"').status_code == 412
    assert events(account=cast.boga) == ["work.opened", "work.done"]


def test_reopening_beside_newer_work_is_a_conflict(cast):
    client = ApiClient(cast.elif_)
    body = {"account": "boga", "type": "risk", "reason": "r", "due_at": "2026-12-01T09:00:00Z"}
    made = client.post("/work-items/", body)
    assert made.status_code == 201, made.content
    first = made.json()["id"]
    client.edit(f"/work-items/{first}/", {"status": "dropped"})
    client.post("/work-items/", body)
    answer = client.edit(f"/work-items/{first}/", {"status": "open"})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert list(WorkItem.objects.order_by("id").values_list("status", flat=True)) == ["dropped", "open"]


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"contact": "harry"}, "contact"),
        ({"owner_email": "can@vefa.test"}, "owner_email"),
        ({"type": "panic"}, "type"),
        ({"status": "done"}, "status"),
        ({"due_at": None}, "due_at"),
        ({"closed_at": None}, "closed_at"),
    ],
)
def test_faulty_work_is_refused(cast, fault, field):
    body = {"account": "boga", "type": "risk", "reason": "r", "due_at": "2026-12-01T09:00:00Z", **fault}
    assert list(fields_of(ApiClient(cast.elif_).post("/work-items/", body))) == [field]
    assert WorkItem.objects.count() == 0


def test_the_timeline_tells_what_happened_the_latest_first(cast):
    client = ApiClient(cast.elif_)
    for day in range(1, 8):
        client.post("/events/", {"account": "boga", "kind": "usage.milestone", "occurred_at": f"2026-02-0{day}T00:00:00Z", "payload": {"count": day}})
    first = client.get(f"/accounts/{cast.boga.pk}/timeline/?limit=4").json()
    second = client.get(first["next"]).json()
    assert [row["payload"]["count"] for row in first["results"] + second["results"]] == [7, 6, 5, 4, 3, 2, 1]
    assert (first["results"][0]["actor_email"], first["results"][0]["origin"]) == ("elif@vefa.test", "api")
    assert client.get(f"/accounts/{cast.boga.pk}/timeline/?since=2026-02-03T00:00:00Z&until=2026-02-05T00:00:00Z").json()["results"][0]["payload"] == {"count": 4}
    assert client.get(f"/accounts/{cast.boga.pk}/timeline/?kind=note.added").json()["results"] == []
    assert client.get(f"/accounts/{cast.boga.pk}/timeline/?kind=nothing").status_code == 400
    assert client.get(f"/accounts/{cast.north.pk}/timeline/").status_code == 404
    assert ApiClient(cast.ana).get(f"/accounts/{cast.boga.pk}/timeline/").status_code == 404
