"""Imports at the pages: looked at first, loaded once, taken back; nobody reaches beyond the own book."""

from __future__ import annotations

import datetime as dt
import gzip
import uuid
import zoneinfo
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.actions.import_files import forget_in_files
from accounts.importing.books import KEPT_TO_BOOKS
from accounts.models import Account, AccountEvent, Contact, ImportBatch, ImportFile, ImportProfile, ImportRun, Transaction
from config.import_runs import uploads, wording, working
from config.imports import KINDS, PROFILES, find_profile
from config.tasks import imports as tick

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def upload(client, content: str | bytes, *, name: str = "file.csv", **more: str):
    data = content if isinstance(content, bytes) else content.encode()
    return client.post("/imports/", {"file": SimpleUploadedFile(name, data), **more})


def newest() -> ImportRun:
    return ImportRun.objects.order_by("-created_at").first()


def looked_at(client, content: str | bytes, **more: str) -> ImportRun:
    """Uploads, takes the columns as suggested, and has it looked at."""
    assert upload(client, content, **more).status_code == 302
    run = newest()
    page = client.get(f"/imports/runs/{run.pk}/columns/")
    assert client.post(f"/imports/runs/{run.pk}/columns/", filled(page, act="check")).status_code == 302
    tick()
    run.refresh_from_db()
    return run


def filled(page, **more: str) -> dict[str, str]:
    """The form of the columns as the page shows it."""
    context = page.context
    given = {"kind": context["run"].kind, "columns": "1", "delimiter": context["delimiter"], "encoding": context["draft"].encoding, "numbers": context["number"]}
    for column in context["columns"]:
        given |= {f"c{column['place']}": column["target"], f"d{column['place']}": column["day"]}
    return {**given, **more}


def carried_out(client, run: ImportRun, **more: str) -> ImportRun:
    assert client.post(f"/imports/runs/{run.pk}/carry-out/", more).status_code == 302
    tick()
    run.refresh_from_db()
    return run


ORDERS = "Sipariş No;Müşteri;Tutar;Tarih\n1;boga;1.234,50;31.12.2025\n2;boga;12,5;01.01.2026 09:30\n"


def test_a_turkish_file_goes_from_upload_to_history_and_back(client, cast):
    client.force_login(cast.ada)
    assert upload(client, ORDERS.encode("cp1254"), name="Siparişler.csv", kind="transactions").status_code == 302
    run = newest()
    here = f"/imports/runs/{run.pk}/columns/"
    page = client.get(here)
    assert (page.context["draft"].encoding, page.context["delimiter"], page.context["number"]) == ("cp1254", ";", ",.")
    assert "Sipariş No" in page.content.decode()
    refused = client.post(here, filled(page, c0="external_id", act="check"))
    assert (refused.status_code, set(refused.context["draft"].faults)) == (400, {"letters"}), "only a person can tell that these letters are right"
    given = filled(client.get(here), c0="external_id", act="check", letters="on", n0="currency", v0="TRY")
    assert client.post(here, given).headers["Location"] == f"/imports/runs/{run.pk}/"
    assert "waits for a worker" in client.get(f"/imports/runs/{run.pk}/").content.decode()
    tick()
    run.refresh_from_db()
    assert (run.state, run.faults, run.summary["files"][0]["created"]) == ("checked", 0, 2)
    assert not Transaction.objects.exists()
    assert "Load it" in client.get(f"/imports/runs/{run.pk}/").content.decode()

    assert carried_out(client, run).state == "done"
    first = Transaction.objects.get(external_id="1")
    midnight = dt.datetime(2025, 12, 31, tzinfo=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
    assert (first.amount, first.currency, first.occurred_at) == (Decimal("1234.5"), "TRY", midnight)
    batch = run.batches.get()
    assert (batch.actor, batch.created, run.files.get().content) == (cast.ada, 2, None)
    assert f"/imports/{batch.pk}/" in client.get("/imports/").content.decode()
    assert "Take back" in client.get(f"/imports/{batch.pk}/").content.decode()

    way = client.post(f"/imports/{batch.pk}/take-back/").headers["Location"]
    tick()
    back = newest()
    page = client.get(way).content.decode()
    assert way == f"/imports/runs/{back.pk}/"
    assert "transactions" in page
    assert back.summary["tables"] == [["accounts_transaction", 2, 0]]
    assert Transaction.objects.count() == 2, "looking takes nothing back"
    assert carried_out(client, back).state == "done"
    assert not Transaction.objects.exists()
    batch.refresh_from_db()
    assert batch.undone_at
    assert client.get(way).status_code == 200


def test_what_can_be_read_two_ways_is_asked_and_then_done_as_answered(client, cast):
    client.force_login(cast.ada)
    content = "external_id,account,amount,occurred_at\n1,boga,1.234,03/04/2026\n"
    upload(client, content)
    run = newest()
    assert run.kind == "transactions"
    here = f"/imports/runs/{run.pk}/columns/"
    refused = client.post(here, filled(client.get(here), act="check"))
    assert (refused.status_code, set(refused.context["draft"].faults)) == (400, {"numbers", "d3"})
    run.refresh_from_db()
    assert run.state == "draft"
    client.post(here, filled(client.get(here), act="check", numbers=".,", d3="%m/%d/%Y"))
    tick()
    assert carried_out(client, run).state == "done"
    assert Transaction.objects.get().amount == Decimal("1.234")
    midnight = dt.datetime(2026, 3, 4, tzinfo=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
    assert Transaction.objects.get().occurred_at == midnight


ONE_BAD = "external_id,name,country\na,Ada,TR\nb,Bo,Turkey\nc,Ce,DE\n"


def test_faults_are_shown_by_row_and_column_and_the_good_rows_can_go_alone(client, cast):
    client.force_login(cast.ada)
    run = looked_at(client, ONE_BAD, name="=cmd.csv")
    page = client.get(f"/imports/runs/{run.pk}/").content.decode()
    assert run.first_faults[0][1:3] == [3, "country"]
    assert "Turkey" in page
    assert "Load the 2 good rows alone" in page
    assert carried_out(client, run).state == "checked", "all or nothing, unless the good rows were chosen"
    assert Account.objects.filter(external_id__in="abc").count() == 0
    lines = b"".join(client.get(f"/imports/runs/{run.pk}/faults.csv").streaming_content).decode()
    assert lines.startswith("\ufeff")
    assert '"_cmd.csv",3,"country",' in lines
    assert carried_out(client, run, rows="good").state == "done"
    assert set(Account.objects.filter(external_id__in="abc").values_list("external_id", flat=True)) == {"a", "c"}
    assert (run.batches.get().rejected, run.faults) == (1, 1)


def test_a_lead_stays_in_the_own_book(client, cast):
    client.force_login(cast.mert)
    run = looked_at(client, "external_id,account,email\n1,boga,a@x.test\n2,north,b@x.test\nharry,boga,c@x.test\n3,nowhere,d@x.test\n", kind="contacts")
    reasons = {row: reason for _file, row, _column, reason in run.first_faults}
    assert reasons[3] == "there is no account “north”"
    assert reasons[5] == "there is no account “nowhere”"
    assert "another book" in reasons[4]
    assert carried_out(client, run, rows="good").state == "done"
    assert Contact.objects.get(external_id="harry").account == cast.north
    assert set(Contact.objects.filter(email__endswith="x.test").values_list("external_id", flat=True)) == {"1"}

    run = looked_at(
        client, "external_id,name,owner_email\nboga,Boğaziçi,elif@vefa.test\nnorth,Mine,elif@vefa.test\nnew,New,can@vefa.test\nours,Ours,elif@vefa.test\n", kind="accounts"
    )
    assert {row for _file, row, _column, _reason in run.first_faults} == {3, 4}
    run = looked_at(client, "external_id,name\nboga,Boğaziçi\nnew,New\n", kind="accounts")
    assert [fault[1:3] for fault in run.first_faults] == [[3, "owner_email"]]
    cast.north.refresh_from_db()
    assert cast.north.name == "Northgate Freight Ltd"


def test_a_lead_imports_only_what_belongs_to_accounts_and_no_bundles(client, cast):
    client.force_login(cast.mert)
    page = client.get("/imports/").content.decode()
    assert "Several files" not in page
    assert upload(client, "severity,first_reply_seconds\n1,60\n", kind="service_levels").status_code == 400
    assert client.get("/imports/empty/costs.csv").status_code == 404
    assert client.get("/imports/empty/contacts.csv").content.startswith(b"external_id,account,email")
    assert client.post("/imports/", {"bundle": "vefa", "several": SimpleUploadedFile("costs.csv", b"x")}).status_code == 400
    assert not ImportRun.objects.exists()
    assert {kind for kind in KINDS if any(column.name in {"account", "external_id"} and column.required for column in KINDS[kind].columns)} >= KEPT_TO_BOOKS


def test_who_lost_the_right_does_not_load_what_was_asked_for(client, cast):
    client.force_login(cast.mert)
    run = looked_at(client, "external_id,account,email\n1,boga,a@x.test\n", kind="contacts")
    client.post(f"/imports/runs/{run.pk}/carry-out/")
    cast.mert.role = "viewer"
    cast.mert.save()
    tick()
    run.refresh_from_db()
    assert (run.state, Contact.objects.filter(external_id="1").exists()) == ("failed", False)


def places(run: ImportRun, batch: ImportBatch) -> list[tuple[str, str]]:
    key, of = [run.pk], [batch.pk]
    return [
        ("get", reverse("imports")), ("get", reverse("import_run", args=key)), ("get", reverse("import_columns", args=key)), ("post", reverse("import_columns", args=key)),
        ("post", reverse("import_check", args=key)), ("post", reverse("import_carry_out", args=key)), ("post", reverse("import_discard", args=key)),
        ("get", reverse("import_faults", args=key)), ("get", reverse("import_batch", args=of)), ("post", reverse("import_take_back", args=of)),
        ("get", reverse("import_template", args=["accounts"])), ("post", reverse("import_profile_forget", args=[1])),
    ]  # fmt: skip


def test_nobody_else_reaches_them(client, cast):
    run = ImportRun.objects.create(kind="contacts", made_by=cast.ada, created_at=NOW, state="checked")
    batch = ImportBatch.objects.create(kind="contacts", file_name="a.csv", actor=cast.ada)
    for method, address in places(run, batch):
        client.logout()
        assert getattr(client, method)(address).headers["Location"].startswith("/login/"), address
        for who in (cast.elif_, cast.deniz, cast.ana, cast.vera):
            client.force_login(who)
            assert getattr(client, method)(address).status_code == 404, (who, address)
        client.force_login(cast.mert)
        if address not in {"/imports/", "/imports/empty/accounts.csv"}:
            assert getattr(client, method)(address).status_code == 404, address
    run.refresh_from_db()
    assert (run.state, ImportRun.objects.count()) == ("checked", 1)
    client.force_login(cast.mert)
    assert "a.csv" not in client.get("/imports/").content.decode()
    client.force_login(cast.ada)
    assert client.get(reverse("import_batch", args=[uuid.uuid4()])).status_code == 404


def test_a_bundle_is_one_transaction_and_says_what_it_lacks(client, cast):
    client.force_login(cast.ada)

    def bring(profile: str, files: dict[str, str]) -> ImportRun:
        sent = [SimpleUploadedFile(name, content.encode()) for name, content in files.items()]
        assert client.post("/imports/", {"bundle": profile, "several": sent}).status_code == 302
        return newest()

    run = bring("stripe", {"charge.csv": "id\n1\n"})
    assert "customer.csv" in client.get(f"/imports/runs/{run.pk}/").content.decode()
    client.post(f"/imports/runs/{run.pk}/check/")
    run.refresh_from_db()
    assert run.state == "draft"
    run = bring("vefa", {"contacts.csv": "external_id,account,email\nn,new,n@x.test\n", "accounts.csv": "external_id,name\nnew,New\n", "notes.txt": "x\n"})
    assert "notes.txt" in client.get(f"/imports/runs/{run.pk}/").content.decode()
    client.post(f"/imports/runs/{run.pk}/check/")
    tick()
    run.refresh_from_db()
    assert [each["kind"] for each in run.summary["files"]] == ["accounts", "contacts"]
    assert not Account.objects.filter(external_id="new").exists()
    assert carried_out(client, run).state == "done"
    assert Contact.objects.get(external_id="n").account.external_id == "new"
    assert run.batches.count() == 2
    assert AccountEvent.objects.filter(account__external_id="new").exclude(origin="import").count() == 0


def test_what_changed_since_the_look_is_looked_at_again_and_nothing_is_written(client, cast):
    client.force_login(cast.ada)
    fresh = Account.objects.create(external_id="fresh", name="Fresh")
    run = looked_at(client, "external_id,account,email\n1,fresh,a@x.test\n2,boga,b@x.test\n", kind="contacts")
    assert run.faults == 0
    fresh.delete()
    assert carried_out(client, run).state == "waiting"
    assert not Contact.objects.filter(email__endswith="x.test").exists()
    tick()
    run.refresh_from_db()
    assert (run.state, run.dry, run.refused, [fault[1] for fault in run.first_faults]) == ("checked", True, False, [2])


def test_it_is_loaded_once_whoever_presses_and_whichever_worker_dies(client, cast):
    client.force_login(cast.ada)
    run = looked_at(client, "external_id,name\nonce,Once\n")
    for _press in range(2):
        client.post(f"/imports/runs/{run.pk}/carry-out/")
    first = working.claim(now=NOW)
    assert working.claim(now=NOW + dt.timedelta(seconds=30)) is None
    # its worker is not heard of again: another takes it up, and what the first does late counts for nothing
    second = working.claim(now=NOW + dt.timedelta(minutes=2))
    assert (second.pk, second.attempts) == (first.pk, 2)
    working.work(run=second, now=NOW)
    working.work(run=first, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.batches.count(), Account.objects.filter(external_id="once").count()) == ("done", 1, 1)
    assert not working.ask(run=run, dry=False)
    stuck = ImportRun.objects.create(kind="accounts", made_by=cast.ada, created_at=NOW, began_at=NOW, state="running", attempts=3)
    working.claim(now=NOW + dt.timedelta(minutes=2))
    stuck.refresh_from_db()
    assert (stuck.state, "three times" in stuck.fault) == ("failed", True)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.xlsx", b"PK\x03\x04rest", "spreadsheet"), ("a.csv", b"", "empty"), ("a.csv", b"a\n" * (uploads.MOST_ROWS + 2), "rows"),
        ("a.csv.gz", gzip.compress(b"a\n" * 50)[:-9], "damaged"), ("a.csv.gz", gzip.compress(b"0" * (uploads.MOST_UNPACKED + 1), 1), "unpacked"),
    ],
    # a packed file has its hour in it: no name for a test
    ids=["spreadsheet", "empty", "rows", "damaged", "unpacked"],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_its_name(client, cast, name, content, word):
    client.force_login(cast.ada)
    page = upload(client, content, name=name)
    assert page.status_code == 400
    assert word in page.content.decode()
    assert not ImportRun.objects.exists()


def test_a_way_of_reading_is_saved_and_the_next_file_of_its_kind_recognised(client, cast):
    client.force_login(cast.ada)
    upload(client, "Kod;Adı;Koltuk\n1;Ada;5\n", kind="accounts")
    run = newest()
    here = f"/imports/runs/{run.pk}/columns/"
    assert client.post(here, filled(client.get(here), c2="=number", act="save")).status_code == 400, "it needs a name"
    client.post(here, filled(client.get(here), c2="=number", act="save", save_as="CRM"))
    upload(client, "Kod;Adı;Koltuk\n2;Bo;7\n")
    run = newest()
    assert (run.kind, run.profile) == ("accounts", "CRM")
    client.post(f"/imports/runs/{run.pk}/columns/", filled(client.get(f"/imports/runs/{run.pk}/columns/"), act="check"))
    tick()
    assert carried_out(client, run).state == "done"
    assert Account.objects.get(external_id="2").attributes == {"Koltuk": 7}
    profile = ImportProfile.objects.get()
    client.post(f"/imports/profiles/{profile.pk}/forget/")
    assert not ImportProfile.objects.exists()
    assert Account.objects.filter(external_id="2").exists()


def test_a_batch_that_something_later_needs_is_not_taken_back_and_says_why(client, cast):
    client.force_login(cast.ada)
    carried_out(client, looked_at(client, "external_id,name\nbase,Base\n"))
    Contact.objects.create(external_id="later", account=Account.objects.get(external_id="base"), email="l@x.test")
    client.post(f"/imports/{ImportBatch.objects.get().pk}/take-back/")
    tick()
    back = newest()
    page = client.get(f"/imports/runs/{back.pk}/").content.decode()
    assert "base" in back.first_faults[0][3]
    assert "accounts_" not in back.first_faults[0][3]
    assert "Take it back" not in page
    client.post(f"/imports/runs/{back.pk}/carry-out/")
    tick()
    assert Account.objects.filter(external_id="base").exists()
    client.post(f"/imports/runs/{back.pk}/discard/")
    assert not ImportRun.objects.filter(pk=back.pk).exists()


def test_files_and_faults_do_not_stay_for_ever(cast):
    old, new = (ImportRun.objects.create(kind="accounts", made_by=cast.ada, created_at=at) for at in (NOW - dt.timedelta(days=8), NOW))
    done = ImportRun.objects.create(kind="accounts", created_at=NOW - dt.timedelta(days=91), state="done", faults=1, first_faults=[["a.csv", 2, "x", "Selin"]])
    uploads.forget_old(now=NOW)
    assert set(ImportRun.objects.values_list("pk", flat=True)) == {new.pk, done.pk}
    done.refresh_from_db()
    assert (done.first_faults, done.faults, ImportRun.objects.filter(pk=old.pk).exists()) == ([], 1, False)


def test_who_is_forgotten_is_forgotten_in_files_that_wait(cast):
    run = ImportRun.objects.create(kind="contacts", made_by=cast.ada, created_at=NOW)
    for name, content in (("hers.csv", "email\nSelin@Bogazici.test\n"), ("other.csv", "email\na@b.test\n")):
        uploads.take(run=run, name=name, size=1, chunks=[content.encode()])
    assert forget_in_files(addresses=["selin@bogazici.test"]) == 1
    assert dict(ImportFile.objects.values_list("name", "content"))["hers.csv"] is None
    assert ImportFile.objects.get(name="other.csv").content is not None


def test_every_shipped_profile_is_named_in_the_words_of_its_file():
    assert {path.stem: find_profile(path.stem).title for path in PROFILES.glob("*.toml")} == wording.PROFILES
