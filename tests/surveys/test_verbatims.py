"""What customers write is read once, tagged by topics, corrected by people, found in one search."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.actions.notes import add_note, change_note, remove_note
from accounts.actions.topics import check_query, correct_sentiment, judge_tag, save_topic, tag_by_hand
from accounts.actions.verbatim_sources import forget_removed_notes, read_churn_reasons, read_notes
from accounts.actions.verbatim_sweeps import sweep_outdated, sweep_texts
from accounts.actions.verbatims import NewText, read_again, read_texts
from accounts.actions.work_items import StaleVersion
from accounts.models import Account, Heartbeat, Topic, TopicTag, Verbatim
from accounts.queries.topics import topic_page
from accounts.queries.verbatims import VerbatimFilter, pieces, rows
from surveys.actions.verbatims import read_answers
from surveys.models import Response, Survey
from tickets.actions.verbatims import read_messages
from tickets.models import Ticket, TicketMessage

NOW = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)
pytestmark = pytest.mark.django_db


def new(text: str, *, account: Account | None, subject: str = "1", source: str = "note", at: dt.datetime = NOW, hint: str = "") -> NewText:
    return NewText(source=source, subject_id=subject, account_id=account.pk if account else None, contact_id=None, occurred_at=at, text=text, hint=hint)


def made_topic(key: str, english: str = "", turkish: str = "") -> Topic:
    return save_topic(topic=Topic(), values={"key": key, "name": key.title(), "name_tr": key.title(), "query_en": english, "query_tr": turkish, "active": True}, actor=None)


@pytest.fixture
def invoices() -> Topic:
    Topic.objects.all().delete()
    return made_topic("invoices", "invoice", "fatura")


def test_a_text_is_read_once_and_tagged_in_its_own_language(cast, invoices):
    texts = [new("Faturalarımızda yine hata var, hiç memnun değiliz.", account=cast.boga), new("The invoice is clear and easy to read, great.", account=cast.north, subject="2")]
    assert read_texts(texts=texts, now=NOW) == 2
    assert read_texts(texts=texts, now=NOW + MINUTE) == 2
    turkish, english = Verbatim.objects.order_by("subject_id")
    assert (turkish.language, turkish.sentiment, english.language, english.sentiment) == ("tr", "negative", "en", "positive")
    assert [tag.topic for tag in TopicTag.objects.all()] == [invoices, invoices]
    start, end = TopicTag.objects.get(verbatim=turkish).evidence[0]
    assert turkish.text[start:end] == "Faturalarımızda"
    assert all(0 <= start < end <= len(turkish.text) for start, end, _weight in turkish.evidence)
    assert turkish.evidence


def test_a_changed_query_tags_everything_again_and_what_people_said_stays(cast, invoices):
    read_texts(texts=[new("The invoice was late", account=cast.north), new("Delivery was late", account=cast.north, subject="2")], now=NOW)
    first, second = Verbatim.objects.order_by("subject_id")
    tag_by_hand(verbatim=second, topic=invoices, actor=cast.can, now=NOW)
    judge_tag(tag=TopicTag.objects.get(verbatim=first), right=True, actor=cast.can, now=NOW)
    correct_sentiment(verbatim=second, sentiment="neutral", actor=cast.can)
    save_topic(topic=invoices, values={"query_en": "delivery"}, actor=cast.ada, number=1)
    assert sweep_outdated(now=NOW + MINUTE) == 2
    assert read_again(now=NOW + MINUTE) == 0
    # judged tags and those of persons are never taken away; the new query adds its own
    assert set(TopicTag.objects.values_list("verbatim__subject_id", "by", "verdict")) == {("1", "query", "right"), ("2", "person", ""), ("2", "query", "")}
    assert Verbatim.objects.get(pk=second.pk).sentiment_corrected == "neutral"
    with pytest.raises(StaleVersion):
        save_topic(topic=invoices, values={"query_en": "price"}, actor=cast.ada, number=1)


def test_a_query_that_cannot_be_read_is_refused_with_its_place(cast, invoices):
    with pytest.raises(ValidationError) as refused:
        check_query("price AND (", "en")
    assert "12" in str(refused.value.messages[0])
    with pytest.raises(ValidationError):
        save_topic(topic=invoices, values={"query_tr": '"fatura'}, actor=cast.ada)
    assert Topic.objects.get(pk=invoices.pk).query_tr == "fatura"


def test_every_source_is_read_by_its_own_app(cast, invoices):
    note = add_note(account_id=cast.boga.pk, author=cast.elif_, body="Fatura konusunda aradılar", now=NOW)
    Account.objects.filter(pk=cast.north.pk).update(churn_reason_detail="Your invoices were never right", churned_at=NOW)
    ticket = Ticket.objects.create(account=cast.boga, contact=cast.selin, subject="Fatura", opened_at=NOW, channel="email", severity=2)
    TicketMessage.objects.create(ticket=ticket, author_kind="customer", contact=cast.selin, body="Fatura gelmedi", written_at=NOW)
    TicketMessage.objects.create(ticket=ticket, author_kind="agent", author=cast.deniz, body="The invoice is on its way", written_at=NOW)
    survey = Survey.objects.get(key="nps")
    common = {"survey": survey, "scale_min": 0, "scale_max": 10, "answered_at": NOW, "account": cast.boga, "contact": cast.selin}
    Response.objects.create(kind="nps", score=3, comment="Faturalar yanlış", **common)
    Response.objects.create(kind="nps", score=3, comment="Faturalar yanlış", is_suspect=True, **common)
    Response.objects.create(kind="review", score=8, comment="Great invoices", **{**common, "account": None, "contact": None})
    now = dt.datetime.now(dt.UTC)
    assert [read(now=now, since=None) for read in (read_notes, read_churn_reasons, read_messages, read_answers)] == [1, 1, 1, 2]
    assert [read(now=now, since=None) for read in (read_notes, read_churn_reasons, read_messages, read_answers)] == [0, 0, 0, 0]
    assert set(TopicTag.objects.values_list("verbatim__source", flat=True)) == {"note", "churn", "message", "answer", "review"}
    change_note(note_id=note.pk, body="Hiçbir sorun kalmadı", pinned=False, version=1)
    assert read_notes(now=now + MINUTE, since=None) == 1
    assert Verbatim.objects.get(source="note").text == "Hiçbir sorun kalmadı"
    assert not TopicTag.objects.filter(verbatim__source="note").exists()
    remove_note(note_id=note.pk, version=2)
    assert forget_removed_notes() == 1
    assert not Verbatim.objects.filter(source="note").exists()


def test_a_sweep_looks_at_everything_once_an_hour_and_at_what_is_recent_between(cast, invoices):
    asked = []

    def read(*, now, since, limit=1000):
        asked.append(since)
        return 0

    for minutes in (0, 1, 59, 61):
        sweep_texts(part="test.read", read=read, now=NOW + minutes * MINUTE)
    assert asked == [None, NOW - 14 * MINUTE, NOW + 44 * MINUTE, None]
    assert Heartbeat.objects.get(part="test.read").beaten_at == NOW + 61 * MINUTE


def test_the_search_folds_letters_and_stays_in_the_reader_s_book(cast, invoices):
    read_texts(texts=[new("İSTANBUL ofisinde fatura sorunu", account=cast.boga, hint="tr"), new("Istanbul invoice", account=cast.north, subject="2")], now=NOW)
    wanted = VerbatimFilter(q="istanbul")
    assert [row.account for row in rows(cast.elif_, wanted)] == [cast.boga]
    assert rows(cast.ada, wanted).count() == 2
    assert not rows(cast.ana, wanted).exists()
    assert [row.account for row in rows(cast.ada, VerbatimFilter(topic="invoices", language="tr"))] == [cast.boga]


def test_pieces_give_the_text_back_whole():
    text = "slow but good support"
    cut = pieces(text, [[0, 4, -1.0], [9, 13, 1.0]], [[14, 21], [9, 21]])
    assert "".join(piece.text for piece in cut) == text
    assert [(piece.text, piece.mark) for piece in cut if piece.mark] == [("slow", "bad"), ("good", "good"), ("support", "topic")]


def test_topics_stand_out_among_the_lost_only_where_chance_would_not_do_it(cast, invoices):
    Account.objects.filter(pk=cast.north.pk).update(churned_at=NOW)
    texts = [new("the invoice again" if number < 30 else "all fine", account=cast.north, subject=f"n{number}", at=NOW - DAY) for number in range(40)]
    texts += [new("the invoice again" if number < 4 else "all fine", account=cast.boga, subject=f"b{number}", at=NOW - DAY) for number in range(40)]
    read_texts(texts=texts, now=NOW)
    page = topic_page(cast.ada, now=NOW)
    assert [(entry.topic, entry.dimension, entry.group, entry.texts, entry.of) for entry in page.over] == [(invoices, "outcome", "lost", 30, 40)]
    figures = page.topics[0]
    assert (figures.texts, page.texts, figures.precision) == (34, 80, None)
    for number, tag in enumerate(TopicTag.objects.all()[:4]):
        judge_tag(tag=tag, right=number > 0, actor=cast.ada, now=NOW)
    figures = topic_page(cast.ada, now=NOW).topics[0]
    assert (figures.texts, figures.right, figures.judged, figures.precision) == (33, 3, 4, 0.75)
    # Wilson's interval of 3 of 4, worked by hand: (0.75 + 1.9207/4 ± 1.96·√(0.75·0.25/4 + 0.9604/16)) / (1 + 3.8415/4)
    assert figures.precision_interval == pytest.approx((0.3006, 0.9544), abs=0.0005)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_pages_for_those_who_may(cast, invoices, django_assert_max_num_queries):
    read_texts(texts=[new("The invoice was late and wrong", account=cast.north)], now=NOW)
    row = Verbatim.objects.get()
    can = signed_in(cast.can)
    with django_assert_max_num_queries(15):
        page = can.get("/surveys/voice/?topic=invoices")
    assert "invoice" in page.content.decode()
    assert "<mark" in page.content.decode()
    assert "Northgate" not in signed_in(cast.elif_).get("/surveys/voice/?topic=invoices").content.decode()
    assert Client().get("/surveys/voice/").status_code == 302
    assert signed_in(cast.ana).get("/surveys/voice/").status_code == 404
    assert signed_in(cast.ana).get("/surveys/voice/topics/").status_code == 200
    assert signed_in(cast.can).get("/surveys/voice/topics/new/").status_code == 403
    review = f"/surveys/voice/{row.pk}/review/"
    assert signed_in(cast.elif_).post(review, {"sentiment": "positive"}).status_code == 404
    assert signed_in(cast.vera).post(review, {"sentiment": "positive"}).status_code == 403
    assert Verbatim.objects.get().sentiment_corrected == ""
    tag = TopicTag.objects.get()
    answer = signed_in(cast.can).post(review, {"tag": tag.pk, "right": "0"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert TopicTag.objects.get().verdict == "wrong"
    assert signed_in(cast.can).get(review).status_code == 405


def test_an_editor_tries_saves_and_removes_a_topic(cast, invoices):
    client = signed_in(cast.mert)
    read_texts(texts=[new("Fiyat çok yüksek", account=cast.boga)], now=NOW)
    values = {"name": "Price", "name_tr": "Fiyat", "query_en": "price", "query_tr": "fiyat", "active": "on"}
    tried = client.post("/surveys/voice/topics/new/", {**values, "try": "1"}, headers={"HX-Request": "true"})
    assert "Fiyat" in tried.content.decode()
    assert not Topic.objects.filter(key="price").exists()
    wrong = client.post("/surveys/voice/topics/new/", {**values, "query_en": "price AND ("})
    assert wrong.status_code == 200
    assert "closing" not in wrong.content.decode().lower().split("main")[0]
    assert not Topic.objects.filter(key="price").exists()
    assert client.post("/surveys/voice/topics/new/", values).status_code == 302
    topic = Topic.objects.get(key="price")
    stale = client.post("/surveys/voice/topics/price/", {**values, "query_en": "cost", "number": topic.number + 5})
    assert stale.status_code == 409
    assert Topic.objects.get(key="price").query_en == "price"
    assert client.post("/surveys/voice/topics/price/remove/").status_code == 302
    assert not Topic.objects.filter(key="price").exists()
