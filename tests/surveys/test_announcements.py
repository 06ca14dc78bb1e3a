"""“You said, we did”: everybody who raised a topic is told once, in their language, unless they refused."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.actions.suppressions import suppress
from accounts.actions.verbatims import NewText, read_texts
from accounts.models import Contact, OutgoingMail, Topic
from surveys.actions.announcements import announce, audience_of, check_texts, send_news
from tests.surveys.making import NOW, Sink, planned

DAY = dt.timedelta(days=1)
TEXTS = {
    "en": {"subject": "{topic}: settled", "body": "Hello {name}, you said, we did."},
    "tr": {"subject": "{topic} çözüldü", "body": "Merhaba {name}, siz söylediniz, biz yaptık."},
}


@pytest.fixture
def raised(cast):
    """Selin and Harry wrote of invoices, each after a survey they got."""
    Topic.objects.all().delete()
    topic = Topic.objects.create(key="invoices", name="Invoices", name_tr="Faturalar", query_en="invoice", query_tr="fatura")
    for number, (person, text) in enumerate([(cast.selin, "Faturalar hep yanlış"), (cast.harry, "Your invoice is always wrong")]):
        planned(person, status="sent", sent_at=NOW - 20 * DAY)
        read_texts(texts=[NewText(source="answer", subject_id=str(number), account_id=person.account_id, contact_id=person.pk, occurred_at=NOW - 20 * DAY, text=text)], now=NOW)
    cast.topic = topic
    return cast


@pytest.mark.django_db(transaction=True)
def test_each_is_told_once_in_the_own_language_with_a_way_to_refuse(raised):
    row = announce(topic=raised.topic, texts=TEXTS, since=NOW - 30 * DAY, actor=raised.ada, now=NOW)
    assert row.people == 2
    with Sink() as sink, sink.session() as session:
        for _tick in range(2):
            send_news(as_of=NOW, worker="w", session=session, clock=lambda: NOW)
    assert sorted((address, message["Subject"]) for address, message in sink.kept) == [("harry@northgate.test", "Invoices: settled"), ("selin@bogazici.test", "Faturalar çözüldü")]
    for _address, message in sink.kept:
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["List-Unsubscribe"].strip(" <>") in message.get_content()
    archived = OutgoingMail.objects.filter(kind="news").values_list("body_text", flat=True)
    assert not any("/u/" in text for text in archived)
    again = audience_of(topic=raised.topic, since=NOW - 30 * DAY, now=NOW + DAY)
    assert (again.contacts, again.left_out) == ([], {"told": 2})


@pytest.mark.django_db(transaction=True)
def test_who_refused_before_or_meanwhile_is_not_written_to(raised):
    suppress(address=raised.harry.email, reason="unsubscribe")
    found = audience_of(topic=raised.topic, since=NOW - 30 * DAY, now=NOW)
    assert ([person.pk for person in found.contacts], found.left_out) == ([raised.selin.pk], {"refused": 1})
    announce(topic=raised.topic, texts=TEXTS, since=NOW - 30 * DAY, actor=raised.ada, now=NOW)
    Contact.objects.filter(pk=raised.selin.pk).update(opted_out=True)
    with Sink() as sink, sink.session() as session:
        assert send_news(as_of=NOW, worker="w", session=session, clock=lambda: NOW) == {"skip": 1}
    assert sink.kept == []
    assert OutgoingMail.objects.get(kind="news").status == "aborted"


@pytest.mark.parametrize(
    ("texts", "where"),
    [({}, ""), ({"en": {"subject": "Done", "body": ""}}, "body_en"), ({"tr": {"subject": "{price}", "body": "x"}}, "subject_tr")],
)
def test_texts_that_cannot_be_sent_are_refused_at_their_place(texts, where):
    with pytest.raises(ValidationError) as refused:
        check_texts(texts)
    assert list(getattr(refused.value, "error_dict", {})) == ([where] if where else [])


@pytest.mark.django_db
def test_a_look_sends_nothing_and_only_leads_may_send(raised):
    values = {"topic": "invoices", "since": "2026-01-01", "subject_en": "Settled", "body_en": "Done.", "look": "1"}
    client = Client()
    client.force_login(raised.mert)
    page = client.post("/surveys/news/", values)
    assert page.status_code == 200
    assert not OutgoingMail.objects.filter(kind="news").exists()
    for person, status in ((raised.elif_, 403), (raised.ana, 403)):
        other = Client()
        other.force_login(person)
        assert other.post("/surveys/news/", {**values, "send": "1"}).status_code == status
    assert not OutgoingMail.objects.filter(kind="news").exists()
    assert Client().get("/surveys/news/").status_code == 302
