"""The sandbox: real copies in a real second database, a clock that is moved on, and nothing that leaks out of it."""

import datetime as dt
import re
import uuid

import environ
import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Installation, OutgoingMail, Sandbox, WorkItem
from accounts.queries.clock import offset
from config.sandbox import building, copying, diary, place, working
from config.sandbox.turning import turn
from config.services import sandbox_web
from config.services.inbox import newest
from surveys.models import Invitation, Touchpoint
from tests.architecture.test_layers import ROOT, python_files
from tests.surveys.making import LONG_AGO, happens

NOW = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)


def test_every_model_has_its_place_in_a_copy():
    known = {model._meta.label for model, _condition in copying.copied()} | copying.EMPTY
    models = {model._meta.label for model in apps.get_models(include_auto_created=True) if model._meta.app_label not in {"auth", "contenttypes"}}
    assert models - known == set(), "say in config/sandbox/copying.py what a sandbox does with them"
    assert (copying.WHOLE | copying.EMPTY) - models == set(), "there are no such models"
    assert not copying.WHOLE & copying.EMPTY


def test_a_row_belongs_to_the_account_its_keys_lead_to():
    own = copying.rows_of(Account)
    assert own == "id IN (SELECT id FROM chosen)"
    assert copying.rows_of(Invitation) == "account_id IN (SELECT id FROM chosen)"
    link = apps.get_model("surveys", "SurveyLink")
    assert copying.rows_of(link) == 'invitation_id IN (SELECT id FROM "surveys_invitation" WHERE account_id IN (SELECT id FROM chosen))'
    assert copying.rows_of(apps.get_model("accounts", "Team")) is None


def test_the_processes_of_a_sandbox_see_its_database_and_no_mail_server(monkeypatch):
    monkeypatch.setenv("EMAIL_URL", "smtps://real:server@mail.example:465")
    found = place.environment()
    read = environ.Env.db_url_config(found["DATABASE_URL"])
    there = place.conninfo(place.database_name())
    assert read["NAME"] == there["dbname"] != connection.settings_dict["NAME"]
    assert (read["HOST"] or read.get("OPTIONS", {}).get("host") or "") == there.get("host", "")
    assert "EMAIL_URL" not in found
    assert found["VEFA_SANDBOX"] == "1"
    assert found["PUBLIC_BASE_URL"] != settings.PUBLIC_BASE_URL


def test_no_statement_asks_for_the_time_in_a_way_that_a_sandbox_cannot_answer():
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in python_files("accounts", "tickets", "surveys", "metrics")
        if (found := re.search(r"\b(current_(?:timestamp|date|time)|CURRENT_(?:TIMESTAMP|DATE|TIME)|LOCALTIME(?:STAMP)?)\b", path.read_text()))
    ]
    assert wrong == [], "now(), statement_timestamp() and clock_timestamp() tell a sandbox's time"


def test_only_a_process_of_the_sandbox_moves_a_clock():
    with pytest.raises(RuntimeError, match="Only a process of the sandbox"):
        turn(until=NOW, seconds=1)
    assert offset() == dt.timedelta()


@pytest.fixture
def _removed():
    yield
    building.drop_database()


@pytest.mark.usefixtures("_removed")
@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_happens_inside_alone(cast, client):
    now = timezone.now()
    # four days after a purchase somebody is asked; work sleeps for two days
    Touchpoint.objects.update(activated_at=None)
    Touchpoint.objects.filter(event_kind="purchase.completed").update(
        activated_at=LONG_AGO, canary_passed_at=LONG_AGO, delay_minutes=4 * 24 * 60, window_from="00:00", window_until="00:00", weekdays=[1, 2, 3, 4, 5, 6, 7], sampling=1
    )
    happens(cast.selin, at=now)
    work = WorkItem.objects.create(account=cast.boga, type="risk", reason="asleep", status="snoozed", snoozed_until=now + dt.timedelta(days=2), due_at=now, owner=cast.elif_)
    stranger = Account.objects.create(external_id="stranger", name="Stranger", parent=cast.boga)
    Account.objects.filter(pk=cast.boga.pk).update(parent=stranger)
    cast.boga.refresh_from_db()
    # two accounts of three, those with the most MRR first: the stranger, made last, stays behind
    working.ask(segment="", order="mrr", most=2, user=None, now=now)
    working.work(row=working.claim(now=now), now=now)
    row = working.current()
    assert (row.state, row.accounts, row.fault) == ("ready", 2, "")

    working.move_on(days=5, hours=8, now=now)
    while (claimed := working.claim(now=timezone.now())) is not None:
        working.work(row=claimed, now=timezone.now())
    row = working.current()
    assert (row.state, row.fault) == ("ready", "")
    assert row.reached_at == row.began_at + dt.timedelta(days=5)

    with psycopg.connect(**place.conninfo(place.database_name())) as inside:
        assert inside.execute("SELECT name FROM accounts_account ORDER BY id").fetchall() == [("Boğaziçi Lojistik A.Ş.",), ("Northgate Freight Ltd",)]
        assert inside.execute("SELECT parent_id FROM accounts_account WHERE id = %s", [cast.boga.pk]).fetchone() == (None,)
        assert inside.execute("SELECT status FROM accounts_workitem WHERE id = %s", [work.pk]).fetchone() == ("open",)
        sent = inside.execute("SELECT to_address, sent_at FROM accounts_outgoingmail WHERE status = 'sent' AND kind = 'survey'").fetchall()
        assert [address for address, _at in sent] == ["selin@bogazici.test"]
        assert sent[0][1] > now + dt.timedelta(days=4)
    kept = newest(place.data_folder(), before="", limit=5)
    assert [mail.recipients for mail in kept if "selin" in mail.recipients] == ["selin@bogazici.test"]
    days = diary.days(since=row.began_at, until=row.reached_at)
    assert len(days) == 6
    assert sum(day.mails["survey"] for day in days) == 1
    (day,) = [day for day in days if day.mails["survey"]]
    assert [mail["account"] for mail in diary.opened(day=day.day, since=row.began_at).mails] == ["Boğaziçi Lojistik A.Ş."]

    # the page shows the mail as its reader sees it, to who may look inside
    client.force_login(cast.ada)
    assert "Its pages are not served" in client.get(reverse("sandbox")).content.decode()
    (mail,) = diary.mails(since=row.began_at, limit=5)
    opened = client.get(reverse("sandbox_mail", args=[mail["id"]])).content.decode()
    assert f"{place.address()}/s/" in opened
    assert reverse("sandbox_mail", args=[mail["id"]]) in client.get(reverse("sandbox")).content.decode()
    framed = client.get(reverse("sandbox_mail_html", args=[mail["id"]]))
    assert place.address() in framed.content.decode()
    assert "sandbox allow-popups" in framed["Content-Security-Policy"]
    assert client.get(reverse("sandbox_mail", args=[uuid.uuid4()])).status_code == 404
    client.force_login(cast.mert)
    assert client.get(reverse("sandbox_mail", args=[mail["id"]])).status_code == client.get(reverse("sandbox_mail_html", args=[mail["id"]])).status_code == 404
    assert sandbox_web.marker(settings.VEFA_DATA).exists(), "the supervisor serves what is there"

    # a clock that nobody moves goes on: the next day begins where it stands
    with psycopg.connect(**place.conninfo(place.database_name())) as inside:
        inside.execute("UPDATE accounts_installation SET clock_offset_seconds = clock_offset_seconds + 3 * 86400")
        told = inside.execute("SELECT now(), statement_timestamp(), clock_timestamp(), pg_catalog.now()").fetchone()
        assert [round((instant - told[3]).total_seconds() / 86400) for instant in told[:3]] == [8, 8, 8]
        dirty = inside.execute(
            "INSERT INTO accounts_accountdirty (account_id, reason) VALUES (%s, 'x') ON CONFLICT (account_id) DO UPDATE SET marked_at = DEFAULT RETURNING marked_at", [cast.boga.pk]
        )
        assert dirty.fetchone()[0] > now + dt.timedelta(days=7), "a default of a column tells the same time"
    assert working.move_on(days=1, now=timezone.now()).target_at > row.reached_at + dt.timedelta(days=4)
    working.stop()

    # outside nothing happened
    work.refresh_from_db()
    assert work.status == "snoozed"
    assert OutgoingMail.objects.count() == Invitation.objects.count() == 0
    assert Installation.current().clock_offset_seconds == 0

    working.end()
    working.work(row=working.claim(now=now), now=now)
    assert working.current() is None
    assert not sandbox_web.marker(settings.VEFA_DATA).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**place.conninfo(place.database_name()))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("most", "0", "greater than or equal to 1"),
        ("most", "5001", "less than or equal to 5000"),
        ("order", "name", "Select a valid choice"),
        ("segment", "nobody", "Select a valid choice"),
    ],
)
def test_what_cannot_be_copied_is_refused_at_its_field(client, cast, field, value, fault):
    client.force_login(cast.ada)
    answer = client.post(reverse("sandbox"), {"segment": "", "order": "stake", "most": "10", field: value})
    assert answer.status_code == 400
    assert fault in answer.content.decode()
    assert not Sandbox.objects.exists()


@pytest.mark.django_db
def test_there_is_one_at_a_time(client, cast):
    client.force_login(cast.ada)
    assert client.post(reverse("sandbox"), {"order": "stake", "most": "10"}).status_code == 302
    again = client.post(reverse("sandbox"), {"order": "stake", "most": "10"}, follow=True)
    assert "There is a sandbox already" in again.content.decode()
    assert Sandbox.objects.count() == 1
    with pytest.raises(working.Refused, match="no sandbox that could move on"):
        working.move_on(days=1, now=NOW)


@pytest.mark.django_db
def test_leads_alone_come_in_and_a_manager_only_to_the_own(client, cast):
    address = reverse("sandbox")
    assert client.get(address).status_code == 302
    for person in (cast.elif_, cast.deniz, cast.ana, cast.vera):
        client.force_login(person)
        assert client.get(address).status_code == 404
        assert client.post(address, {"order": "stake", "most": "10"}).status_code == 404
    assert not Sandbox.objects.exists()
    row = Sandbox.objects.create(state="ready", accounts=3, began_at=NOW, reached_at=NOW, created_at=NOW, made_by=cast.ada)
    client.force_login(cast.mert)
    assert "Somebody else rehearses" in client.get(address).content.decode()
    for name in ("sandbox_advance", "sandbox_stop", "sandbox_end"):
        assert client.post(reverse(name), {"days": "1"}).status_code == 404
    row.refresh_from_db()
    assert row.state == "ready"
    assert client.get(reverse("sandbox_day", args=[NOW.date()])).status_code == 404


@pytest.mark.django_db
def test_a_manager_copies_what_a_manager_sees(cast):
    assert copying.chosen(choice={"order": "newest", "most": 10}, user=cast.mert) == [cast.boga.pk]
    assert set(copying.chosen(choice={"order": "newest", "most": 10}, user=None)) == {cast.boga.pk, cast.north.pk}


@pytest.mark.django_db
def test_a_clock_moves_on_by_400_days_at_most_and_beyond_what_was_asked(cast):
    Sandbox.objects.create(state="ready", accounts=3, began_at=NOW, reached_at=NOW, created_at=NOW)
    working.move_on(days=7, now=NOW)
    assert working.move_on(days=30, now=NOW).target_at == NOW + dt.timedelta(days=37)
    with pytest.raises(working.Refused, match="400 days at most"):
        working.move_on(days=364, now=NOW)
    with pytest.raises(working.Refused, match="from 1 to 400"):
        working.move_on(days=0, now=NOW)
    with pytest.raises(working.Refused, match="from 1 to 24"):
        working.move_on(days=1, hours=25, now=NOW)
    assert Sandbox.objects.get().target_at == NOW + dt.timedelta(days=37)
