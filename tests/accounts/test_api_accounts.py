"""Accounts and contacts by the API: created, read, changed under ETag, put by external id."""

import datetime as dt

import pytest

from accounts.models import Account, AccountDirty, AccountEvent, Contact
from tests.api_client import ApiClient, fields_of

pytestmark = pytest.mark.django_db
FULL = {
    "external_id": "acme", "name": "Acme İthalat", "domain": "acme.test", "owner_email": "elif@vefa.test", "business_model": "subscription", "segment": "vip",
    "lifecycle_stage": "onboarding", "plan": "pro", "industry": "retail", "country": "tr", "time_zone": "Europe/Istanbul", "language": "tr", "currency": "try",
    "revenue_potential": "1250.50", "signed_up_at": "2026-01-05T09:00:00+03:00", "trial_started_at": "2026-01-05T09:00:00+03:00", "excluded": False,
    "parent_external_id": "boga", "tags": ["beta"], "attributes": {"seats": 12},
}  # fmt: skip


def kinds(account_id: int) -> list[str]:
    return sorted(AccountEvent.objects.filter(account_id=account_id).values_list("kind", flat=True))


def test_an_account_is_created_with_all_its_fields(cast):
    answer = ApiClient(cast.ada).post("/accounts/", FULL)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    account = Account.objects.get(external_id="acme")
    expected = {**FULL, "country": "TR", "currency": "TRY", "revenue_potential": "1250.500000", "signed_up_at": "2026-01-05T06:00:00Z", "trial_started_at": "2026-01-05T06:00:00Z"}
    assert {name: told[name] for name in FULL} == expected
    assert told["id"] == account.pk
    assert answer["Location"] == f"http://testserver/api/v1/accounts/{account.pk}/"
    assert ApiClient(cast.ada).get(answer["Location"]).json() == told
    assert kinds(account.pk) == ["account.created", "segment.changed", "trial.started"]
    created = AccountEvent.objects.get(account=account, kind="account.created")
    assert (created.origin, created.actor, created.occurred_at) == ("api", cast.ada, dt.datetime(2026, 1, 5, 6, tzinfo=dt.UTC))
    assert AccountDirty.objects.filter(account=account).exists()
    membership = account.segment_history.get()
    assert (membership.segment.key, membership.is_override, membership.reason) == ("vip", True, "api")


def test_a_csm_owns_what_he_creates_without_an_owner(cast):
    answer = ApiClient(cast.elif_).post("/accounts/", {"name": "Yeni Müşteri"})
    assert answer.status_code == 201
    assert answer.json()["owner_email"] == "elif@vefa.test"
    assert answer.json()["external_id"].startswith("vefa-")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "name", "required"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"name": "A", "owner_email": "nobody@vefa.test"}, "owner_email", "does_not_exist"),
        ({"name": "A", "owner_email": "vera@vefa.test"}, "owner_email", "does_not_exist"),
        ({"name": "A", "segment": "gold"}, "segment", "does_not_exist"),
        ({"name": "A", "lifecycle_stage": 3}, "lifecycle_stage", "no_text"),
        ({"name": "A", "time_zone": "Mars/Olympus"}, "time_zone", "invalid"),
        ({"name": "A", "currency": "EURO"}, "currency", None),
        ({"name": "A", "currency": "E1"}, "currency", "invalid"),
        ({"name": "A", "revenue_potential": "-1"}, "non_field", None),
        ({"name": "A", "revenue_potential": "1e999"}, "revenue_potential", None),
        ({"name": "A", "signed_up_at": "yesterday"}, "signed_up_at", "invalid"),
        ({"name": "A", "signed_up_at": "9999-12-31T23:59:59-12:00"}, "signed_up_at", "out_of_range"),
        ({"name": "A", "signed_up_at": "0001-01-01T00:00:00+12:00"}, "signed_up_at", "out_of_range"),
        ({"name": "A", "tags": "beta"}, "tags", "not_a_list"),
        ({"name": "A", "attributes": [1]}, "attributes", "no_object"),
        ({"name": "A", "version": 7}, "version", "read_only"),
        ({"name": "A", "id": 7}, "id", "read_only"),
        ({"name": "A", "health": 100}, "health", "unknown_field"),
        ({"name": "A", "name_sort": "a"}, "name_sort", "unknown_field"),
    ],
)
def test_a_faulty_account_is_refused_with_its_field_and_nothing_is_written(cast, body, field, code):
    before = Account.objects.count()
    answer = ApiClient(cast.ada).post("/accounts/", body)
    assert answer.status_code == 400, answer.content
    faults = fields_of(answer)
    if field == "non_field":
        assert len(faults) == 1
    else:
        assert field in faults
        assert code is None or faults[field] == code
    assert (Account.objects.count(), AccountEvent.objects.count()) == (before, 0)


def test_all_faults_are_named_at_once_one_entry_a_field(cast):
    answer = ApiClient(cast.ada).post("/accounts/", {"owner_email": "nobody@x.test", "score": 1, "version": 2, "country": "TUR"})
    assert sorted(fields_of(answer)) == ["country", "name", "owner_email", "score", "version"]
    assert {entry["pointer"] for entry in answer.json()["errors"]} == {"#/country", "#/name", "#/owner_email", "#/score", "#/version"}


def test_a_taken_external_id_is_a_conflict(cast):
    answer = ApiClient(cast.ada).post("/accounts/", {"name": "Other", "external_id": "boga"})
    assert answer.status_code == 409
    assert fields_of(answer) == {"external_id": "unique"}


def test_a_csm_gives_accounts_to_the_own_team_alone(cast):
    client = ApiClient(cast.elif_)
    assert fields_of(client.post("/accounts/", {"name": "A", "owner_email": "can@vefa.test"})) == {"owner_email": "does_not_exist"}
    assert client.post("/accounts/", {"name": "A", "owner_email": "mert@vefa.test"}).status_code == 201


def test_patch_wants_the_etag_that_was_read(cast):
    client = ApiClient(cast.ada)
    path = f"/accounts/{cast.boga.pk}/"
    etag = client.get(path)["ETag"]
    missing = client.patch(path, {"plan": "pro"})
    assert (missing.status_code, missing.json()["code"]) == (428, "precondition_required")
    assert client.patch(path, {"plan": "pro"}, If_Match='"99.abc"').status_code == 412
    assert client.patch(path, {"plan": "pro"}, If_Match="nonsense").status_code == 412
    changed = client.patch(path, {"plan": "pro"}, If_Match=etag)
    assert (changed.status_code, changed.json()["plan"], changed.json()["version"]) == (200, "pro", 2)
    assert changed["ETag"] == client.get(path)["ETag"] != etag
    stale = client.patch(path, {"plan": "max"}, If_Match=etag)
    assert (stale.status_code, stale["Content-Type"]) == (412, "application/problem+json")
    assert Account.objects.get(pk=cast.boga.pk).plan == "pro"
    assert client.patch(path, {"plan": "max"}, If_Match="*").status_code == 200


def test_an_etag_that_still_fits_is_304(cast):
    client = ApiClient(cast.ada)
    path = f"/accounts/{cast.boga.pk}/"
    first = client.get(path)
    again = client.get(path, If_None_Match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    Account.objects.filter(pk=cast.boga.pk).update(plan="changed behind the version")
    assert client.get(path, If_None_Match=first["ETag"]).status_code == 200


def test_changes_are_told_as_events_and_no_change_is_none(cast):
    client = ApiClient(cast.ada)
    path = f"/accounts/{cast.boga.pk}/"
    client.edit(path, {"lifecycle_stage": "adoption", "owner_email": "mert@vefa.test", "churned_at": "2026-02-01T00:00:00Z", "churn_reason": "price"})
    assert kinds(cast.boga.pk) == ["account.churned", "owner.changed", "stage.changed"]
    assert AccountEvent.objects.get(kind="account.churned").payload == {"reason": "price"}
    assert AccountEvent.objects.get(kind="owner.changed").payload == {"owner": cast.mert.pk, "owner_before": cast.elif_.pk}
    version = client.get(path).json()["version"]
    assert client.edit(path, {"lifecycle_stage": "adoption"}).json()["version"] == version
    client.edit(path, {"churned_at": None})
    assert kinds(cast.boga.pk) == ["account.churned", "account.reactivated", "owner.changed", "stage.changed"]


def test_a_segment_is_set_by_hand_and_cleared(cast):
    client = ApiClient(cast.ada)
    path = f"/accounts/{cast.boga.pk}/"
    assert client.edit(path, {"segment": "vip"}).json()["segment"] == "vip"
    assert client.edit(path, {"segment": "core"}).json()["segment"] == "core"
    version = client.get(path).json()["version"]
    assert client.edit(path, {"segment": "core"}).json()["version"] == version
    assert [row.segment.key for row in cast.boga.segment_history.order_by("id") if row.valid_to is None] == ["core"]
    assert client.edit(path, {"segment": None}).json()["segment"] is None
    assert not cast.boga.segment_history.filter(valid_to__isnull=True).exists()
    assert kinds(cast.boga.pk) == ["segment.changed"] * 3


def test_what_is_fixed_once_the_row_exists_cannot_be_patched(cast):
    client = ApiClient(cast.ada)
    assert fields_of(client.edit(f"/accounts/{cast.boga.pk}/", {"external_id": "other"})) == {"external_id": "immutable"}
    assert client.edit(f"/accounts/{cast.boga.pk}/", {"external_id": "boga", "plan": "pro"}).status_code == 200
    assert fields_of(client.edit(f"/contacts/{cast.selin.pk}/", {"account": "north"})) == {"account": "immutable"}
    assert Contact.objects.get(pk=cast.selin.pk).account == cast.boga


def test_an_account_never_stands_above_itself(cast):
    client = ApiClient(cast.ada)
    assert client.edit(f"/accounts/{cast.boga.pk}/", {"parent_external_id": "north"}).status_code == 200
    assert fields_of(client.edit(f"/accounts/{cast.north.pk}/", {"parent_external_id": "boga"})) == {"parent_external_id": "circle"}
    assert fields_of(client.edit(f"/accounts/{cast.boga.pk}/", {"parent_external_id": "boga"})) == {"parent_external_id": "circle"}


def test_put_creates_changes_and_rests(cast):
    client = ApiClient(cast.ada)
    path = "/accounts/by-external-id/crm/42/"
    created = client.put(path, {"name": "Forty-two", "plan": "pro"})
    assert created.status_code == 201, created.content
    account = Account.objects.get(external_id="crm/42")
    assert created["Location"] == f"http://testserver/api/v1/accounts/{account.pk}/"
    changed = client.put(path, {"name": "Forty-two", "plan": "max"})
    assert (changed.status_code, changed.json()["plan"], changed.json()["version"]) == (200, "max", 2)
    events = AccountEvent.objects.count()
    same = client.put(path, {"name": "Forty-two", "plan": "max"})
    assert (same.status_code, same.json()["version"], AccountEvent.objects.count()) == (200, 2, events)
    assert client.put(path, {"plan": "mini"}).json()["name"] == "Forty-two"
    assert client.get(path).json()["plan"] == "mini"
    assert fields_of(client.put(path, {"external_id": "other"})) == {"external_id": "immutable"}
    assert client.put(path, {"plan": "x"}, If_Match='"1.0"').status_code == 412
    assert client.put("/accounts/by-external-id/none/", {"name": "N"}, If_Match="*").status_code == 412
    assert fields_of(client.put("/accounts/by-external-id/none/", {})) == {"name": "required"}


def test_another_book_is_404_for_reading_changing_and_putting(cast):
    client = ApiClient(cast.elif_)
    before = Account.objects.values().get(pk=cast.north.pk)
    assert client.get(f"/accounts/{cast.north.pk}/").status_code == 404
    assert client.patch(f"/accounts/{cast.north.pk}/", {"plan": "x"}, If_Match="*").status_code == 404
    assert client.put("/accounts/by-external-id/north/", {"plan": "x"}).status_code == 404
    assert [row["external_id"] for row in client.get("/accounts/").json()["results"]] == ["boga"]
    assert Account.objects.values().get(pk=cast.north.pk) == before


def test_a_viewer_sees_and_does_not_change(cast):
    client = ApiClient(cast.vera)
    assert client.get(f"/accounts/{cast.north.pk}/").status_code == 200
    refused = client.patch(f"/accounts/{cast.north.pk}/", {"plan": "x"}, If_Match="*")
    assert (refused.status_code, refused.json()["code"]) == (403, "role")
    assert client.post("/accounts/", {"name": "A"}).status_code == 403
    assert Account.objects.get(pk=cast.north.pk).plan == ""


def test_a_contact_is_created_and_its_refusal_stands(cast):
    client = ApiClient(cast.elif_)
    made = client.post("/contacts/", {"account": "boga", "email": "ARDA@bogazici.test", "name": "Arda", "role": "champion", "opted_out": True})
    assert made.status_code == 201, made.content
    assert (made.json()["email"], made.json()["account"]) == ("arda@bogazici.test", "boga")
    contact = Contact.objects.get(email="arda@bogazici.test")
    assert contact.opted_out_at is not None
    assert kinds(cast.boga.pk) == ["contact.unsubscribed"]
    path = f"/contacts/{contact.pk}/"
    assert fields_of(client.edit(path, {"opted_out": False})) == {"opted_out": "refusal_stands"}
    assert fields_of(client.edit(path, {"opted_out": False, "consent_at": "2020-01-01T00:00:00Z"})) == {"opted_out": "refusal_stands"}
    assert Contact.objects.get(pk=contact.pk).opted_out is True


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"account": "boga"}, "email", "required"),
        ({"account": "north", "email": "a@b.test"}, "account", "does_not_exist"),
        ({"account": "nowhere", "email": "a@b.test"}, "account", "does_not_exist"),
        ({"account": {"id": 1}, "email": "a@b.test"}, "account", "no_text"),
        ({"account": "boga", "email": "a@b.test", "opted_out_at": None}, "opted_out_at", "read_only"),
        ({"account": "boga", "email": "a@b.test", "birth_year": 10**12}, "birth_year", "max_value"),
    ],
)
def test_a_faulty_contact_is_refused(cast, body, field, code):
    answer = ApiClient(cast.elif_).post("/contacts/", body)
    assert (answer.status_code, fields_of(answer)) == (400, {field: code})
    assert Contact.objects.count() == 2


def test_a_contact_is_put_under_its_external_id_within_one_account(cast):
    client = ApiClient(cast.ada)
    assert client.put("/contacts/by-external-id/c1/", {"account": "boga", "email": "c1@b.test"}).status_code == 201
    assert client.put("/contacts/by-external-id/c1/", {"account": "boga", "job_title": "CTO"}).json()["job_title"] == "CTO"
    assert fields_of(client.put("/contacts/by-external-id/c1/", {"account": "north"})) == {"account": "immutable"}
    assert ApiClient(cast.can).put("/contacts/by-external-id/c1/", {"account": "north"}).status_code == 404


def test_naming_an_imported_person_makes_it_one_to_be_asked(cast):
    Contact.objects.filter(pk=cast.selin.pk).update(imported_unconfirmed=True)
    ApiClient(cast.ada).put("/contacts/by-external-id/selin/", {"job_title": "COO"})
    assert Contact.objects.get(pk=cast.selin.pk).imported_unconfirmed is False


def test_agents_see_contacts_of_tickets_and_analysts_none(cast):
    assert ApiClient(cast.ana).get("/contacts/").json()["results"] == []
    assert ApiClient(cast.deniz).get("/contacts/").json()["results"] == []
    assert ApiClient(cast.deniz).post("/contacts/", {"account": "boga", "email": "a@b.test"}).status_code == 403
