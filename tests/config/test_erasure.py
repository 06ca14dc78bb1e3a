"""Forgetting a person: nothing planted is found in any table, and every figure stays what it was."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.actions.notes import add_note
from accounts.actions.suppressions import suppressed_scopes
from accounts.actions.verbatims import NewText, read_texts
from accounts.actions.work_items import open_work_item
from accounts.models import ApiKey, Contact, Erasure, IdempotentRequest, ImportBatch, ImportChange, InboundEvent, Note, OutgoingMail, SavedView, Suppression, Verbatim
from config.erasing import erase_contact, sweep_erasures
from surveys.models import Invitation, LoopCase, Response, ResponseRevision, Survey, SurveyLink
from tests.config.provider_calls import SECRET, brevo, call
from tests.surveys.making import link_to, planned
from tickets.actions.attachments import keep_files
from tickets.actions.tickets import open_ticket
from tickets.models import TicketMessage, UnsortedMessage

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
LAST_MONTH = NOW - dt.timedelta(days=40)
PLANTED = [
    "Zümrüt",
    "Kızıltepe",
    "zumrut.k@planted.test",
    "COMMENTTEXT",
    "REVISIONTEXT",
    "MESSAGETEXT",
    "MAILTEXT",
    "TITLETEXT",
    "ATTRTEXT",
    "crm-4711",
    "DETAILTEXT",
    "zumrut",
    "kiziltepe",
]


def found_anywhere(words):
    """(table, column, word) of every text, JSON or array column of the database that holds one of the words, in any case."""
    hits = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            for word in words:
                cursor.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE %s', [f"%{word}%"])
                if cursor.fetchone()[0]:
                    hits.append((table, column, word))
    return hits


@pytest.fixture
def planted(cast):
    """A person with something in every place that can hold personal data; beside it another person with the same account."""
    contact = Contact.objects.create(
        external_id="crm-4711", account=cast.boga, email="zumrut.k@planted.test", name="Zümrüt Kızıltepe", job_title="TITLETEXT", language="tr", time_zone="Europe/Istanbul", birth_year=1980, attributes={"k": "ATTRTEXT"},
    )  # fmt: skip
    answered = planned(contact, survey="nps", touchpoint="relationship-nps", at=LAST_MONTH, status="answered", sent_at=LAST_MONTH, answered_at=LAST_MONTH)
    link_to(answered, now=NOW)
    upcoming = planned(contact, at=NOW + dt.timedelta(days=1))
    survey = Survey.objects.get(key="nps")
    response = Response.objects.create(
        survey=survey, kind="nps", invitation=answered, account=cast.boga, contact=contact, invited_at=LAST_MONTH, answered_at=LAST_MONTH, score=3, scale_min=0, scale_max=10,
        comment="COMMENTTEXT", reason_detail="DETAILTEXT", language="tr",
    )  # fmt: skip
    ResponseRevision.objects.create(response=response, nonce="n", submitted_at=LAST_MONTH, score=3, comment="REVISIONTEXT")
    LoopCase.objects.create(response=response, account=cast.boga, contact=contact, opened_at=LAST_MONTH, due_at=LAST_MONTH, note="Called Zümrüt, zumrut.k@planted.test")
    texts = [
        NewText(source="answer", subject_id=str(response.pk), account_id=cast.boga.pk, contact_id=contact.pk, occurred_at=LAST_MONTH, text="COMMENTTEXT", hint="tr"),
        NewText(source="note", subject_id="77", account_id=cast.boga.pk, contact_id=None, occurred_at=LAST_MONTH, text="ZÜMRÜT wants a call", hint="en"),
    ]
    read_texts(texts=texts, now=LAST_MONTH)
    mail = {"account": cast.boga, "next_attempt_at": LAST_MONTH, "attempt": 1}
    OutgoingMail.objects.create(
        kind="survey", subject_type="invitation", subject_id=str(answered.pk), contact=contact, to_address=contact.email, status="sent", sent_at=LAST_MONTH, mail_subject="Zümrüt?",
        body_text="MAILTEXT Merhaba Zümrüt Kızıltepe", headers={"To": contact.email}, smtp_reply=f"250 ok {contact.email}", **mail,
    )  # fmt: skip
    OutgoingMail.objects.create(kind="alert", to_address="elif@vefa.test", status="sent", body_text="Zümrüt Kızıltepe answered 3", **mail)
    OutgoingMail.objects.create(kind="reply", contact=contact, to_address=contact.email, status="queued", body_text="MAILTEXT", **mail)
    ticket = open_ticket(account_id=cast.boga.pk, now=LAST_MONTH, external_id="t", contact_id=contact.pk, subject="Zümrüt asks")[0]
    TicketMessage.objects.create(ticket=ticket, author_kind="customer", contact=contact, body="MESSAGETEXT", written_at=LAST_MONTH)
    TicketMessage.objects.create(ticket=ticket, author_kind="agent", author=cast.deniz, body="Dear Zümrüt Kızıltepe, all is well", written_at=LAST_MONTH)
    # a mail of hers on the ticket, one that waits for somebody, one that was not looked at yet
    [by_mail] = TicketMessage.objects.bulk_create(
        [TicketMessage(ticket=ticket, author_kind="customer", contact=contact, body="x", quoted="MAILTEXT Kızıltepe", mail_id="zumrut.1@planted.test", written_at=LAST_MONTH)]
    )
    keep_files(message=by_mail, files=[("Zümrüt.txt", b"x")])
    waits = {"source": "mail:pipe", "received_at": LAST_MONTH, "sender_address": contact.email, "sender_name": contact.name, "subject": "Zümrüt", "body": "MESSAGETEXT"}
    UnsortedMessage.objects.create(external_id="1", why="loop", headers={"From": contact.email}, files=[{"name": "zumrut.pdf", "data": ""}], **waits)
    InboundEvent.objects.create(source="mail:pipe", external_id="2", received_at=NOW, body_sha256=b"x", payload={"rfc822": "MAILTEXT", "sender": contact.email}, status="failed")
    add_note(account_id=cast.boga.pk, author=cast.elif_, body="Spoke with ZÜMRÜT KIZILTEPE about Selin", now=LAST_MONTH)
    open_work_item(
        account_id=cast.boga.pk, type="risk", reason="r", title="Call Zümrüt", why={"key": "manual", "values": {"text": "Zümrüt is unhappy"}}, now=LAST_MONTH, due_at=NOW
    )
    record_event(
        account_id=cast.boga.pk,
        contact_id=contact.pk,
        kind="trial.started",
        occurred_at=LAST_MONTH,
        origin="api",
        payload={"plan": "for zumrut.k@planted.test"},
        dedupe_key="zumrut.k@planted.test:1",
    )
    batch = ImportBatch.objects.create(kind="contacts", file_name="c.csv")
    kept = {"id": contact.pk, "external_id": "crm-4711", "email": contact.email, "name": contact.name, "job_title": "TITLETEXT"}
    ImportChange.objects.create(batch=batch, table="accounts_contact", row_key={"id": contact.pk}, created=True, after=kept)
    ImportChange.objects.create(batch=batch, table="surveys_response", row_key={"id": str(response.pk)}, created=True, after={"comment": "COMMENTTEXT", "score": 3})
    key = ApiKey.objects.create(user=cast.ada, prefix="abcdefgh", digest=b"x", scopes=[], expires_at=NOW)
    IdempotentRequest.objects.create(key_owner=key, key="k", method_path="POST /contacts/", body_sha256=b"x", status=201, response=kept)
    InboundEvent.objects.create(source="email:brevo", external_id="1", received_at=NOW, body_sha256=b"x", payload={"raw": {"email": "Zumrut.K@planted.test"}}, status="done")
    SavedView.objects.create(owner=cast.elif_, page="accounts", name="view", query="q=zumrut.k@planted.test")
    LogEntry.objects.create(
        user_id=cast.ada.pk, content_type=ContentType.objects.get_for_model(Contact), object_id=str(contact.pk), object_repr="Zümrüt Kızıltepe", action_flag=CHANGE
    )
    Suppression.objects.create(address_hmac=b"other", scope="global", reason="manual", source_ref="unrelated")
    return contact, upcoming, response


def test_nothing_planted_is_found_in_any_table_afterwards(planted, cast):
    contact, _upcoming, _response = planted
    assert {word for _table, _column, word in found_anywhere(PLANTED)} == set(PLANTED)
    assert erase_contact(contact_id=contact.pk, source="admin", now=NOW)
    assert found_anywhere(PLANTED) == []
    # what others wrote of others stays
    assert Note.objects.get().body == "Spoke with ••• about Selin"
    assert Contact.objects.get(pk=cast.selin.pk).name == "Selin Aydın"


def test_figures_of_closed_months_are_the_same_before_and_after(planted, cast):
    contact, _upcoming, response = planted
    Response.objects.create(
        survey_id=response.survey_id, kind="nps", account=cast.north, contact=cast.harry, invited_at=LAST_MONTH, answered_at=LAST_MONTH, score=10, scale_min=0, scale_max=10
    )  # fmt: skip
    before = figures()
    erase_contact(contact_id=contact.pk, source="link", now=NOW)
    assert figures() == before
    row = Response.objects.get(pk=response.pk)
    assert (row.score, row.answered_at, row.contact_id, row.account_id) == (3, LAST_MONTH, contact.pk, cast.boga.pk)
    reading = Verbatim.objects.get(source="answer")
    assert (reading.text, reading.contact_id) == ("", contact.pk)


def figures():
    """Every KPI of answers and tickets of the last two months, by the command that people use."""
    told = []
    for name in ("nps", "csat", "response_rate"):
        out = StringIO()
        call_command("kpi", name, "--start", f"{NOW - dt.timedelta(days=60):%Y-%m-%d}", "--end", f"{NOW - dt.timedelta(days=5):%Y-%m-%d}", stdout=out)
        told.append(out.getvalue())
    assert "nps" in told[0].lower()
    return told


def test_links_are_closed_and_what_was_planned_or_queued_does_not_leave(planted):
    contact, upcoming, _response = planted
    erase_contact(contact_id=contact.pk, source="link", now=NOW)
    assert not SurveyLink.objects.filter(revoked_at=None).exists()
    upcoming.refresh_from_db()
    assert (upcoming.status, upcoming.skip_reason) == ("skipped", "no_consent")
    assert list(OutgoingMail.objects.filter(kind="reply").values_list("status", "reason")) == [("aborted", "erased")]
    contact.refresh_from_db()
    assert (contact.opted_out, contact.external_id) == (True, f"erased-{contact.pk}")
    assert suppressed_scopes(["zumrut.k@planted.test"]) == {"zumrut.k@planted.test": {"global"}}
    assert Suppression.objects.get(reason="erased").source_ref == "erasure"


def test_it_is_remembered_without_anything_personal_and_told_once(planted):
    contact, _upcoming, _response = planted
    for _ in range(3):
        erase_contact(contact_id=contact.pk, source="link", now=NOW)
    row = Erasure.objects.get()
    assert (row.contact_id, row.source, row.requested_at, row.erased_at, len(row.address_hmacs)) == (contact.pk, "link", NOW, NOW, 1)
    assert contact.events.filter(kind="contact.erased").values_list("payload", flat=True).get() == {"source": "link"}


def test_every_contact_with_the_same_address_is_the_same_person(planted, cast):
    contact, _upcoming, _response = planted
    twin = Contact.objects.create(external_id="twin", account=cast.north, email=contact.email, name="Z. Kızıltepe")
    erase_contact(contact_id=contact.pk, source="link", now=NOW)
    twin.refresh_from_db()
    assert (twin.email, twin.name) == ("", "")
    assert Erasure.objects.count() == 2


def test_a_mail_that_is_being_sent_is_forgotten_by_the_sweep(planted):
    contact, _upcoming, _response = planted
    mail = OutgoingMail.objects.get(kind="reply")
    OutgoingMail.objects.filter(pk=mail.pk).update(status="sending")
    assert not erase_contact(contact_id=contact.pk, source="link", now=NOW)
    OutgoingMail.objects.filter(pk=mail.pk).update(status="sent", body_text="MAILTEXT for Zümrüt")
    assert sweep_erasures(now=NOW) == 1
    assert sweep_erasures(now=NOW) == 0
    assert found_anywhere(PLANTED) == []


def test_late_news_of_a_mail_provider_brings_nothing_back(planted, settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": [SECRET]}
    contact, _upcoming, _response = planted
    erase_contact(contact_id=contact.pk, source="link", now=NOW)
    assert call("brevo", brevo("hard_bounce", "zumrut.k@planted.test", NOW)).status_code == 202
    assert found_anywhere(PLANTED) == []
    assert Suppression.objects.exclude(source_ref="unrelated").get().reason == "erased"


def test_an_invitation_of_somebody_else_is_left_alone(planted, cast):
    contact, _upcoming, _response = planted
    other = planned(cast.selin, at=NOW)
    link_to(other, now=NOW)
    erase_contact(contact_id=contact.pk, source="link", now=NOW)
    assert Invitation.objects.get(pk=other.pk).status == "planned"
    assert SurveyLink.objects.filter(revoked_at=None).count() == 1


def test_the_command_says_what_goes_and_wants_the_id_again(planted, monkeypatch):
    contact, _upcoming, _response = planted
    with pytest.raises(CommandError, match="no contact"):
        call_command("erase", contact="nobody")
    monkeypatch.setattr("builtins.input", lambda _question: "no")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase", contact="crm-4711", stdout=StringIO())
    assert Contact.objects.get(pk=contact.pk).name == "Zümrüt Kızıltepe"
    out = StringIO()
    call_command("erase", contact="crm-4711", yes=True, stdout=out)
    assert f"erased-{contact.pk}" in out.getvalue()
    assert found_anywhere(PLANTED) == []
