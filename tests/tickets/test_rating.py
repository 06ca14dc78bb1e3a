"""The rating on a ticket's page: the latest answer with its words, also of a ticket that was merged into it."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.actions.event_log import record_event
from accounts.actions.verbatims import NewText, read_texts
from accounts.models import Verbatim
from tests.api_client import ApiClient
from tickets.actions import merging, tickets
from tickets.actions.ratings import keep_ratings
from tickets.queries import ticket_page

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def opened(cast):
    return tickets.open_ticket(account_id=cast.boga.pk, contact_id=cast.selin.pk, subject="Rota", now=NOW)[0]


def answered(cast, ticket, score, *, at, response, comment="", **rest):
    payload = {"response": response, "survey_kind": "csat", "score": score, "scale_min": 1, "scale_max": 5, "ticket": ticket.pk, **rest}
    record_event(account_id=cast.boga.pk, contact_id=cast.selin.pk, kind="survey.answered", occurred_at=at, origin="app", payload=payload)
    if comment:
        read_texts(texts=[NewText(source=Verbatim.Source.ANSWER, subject_id=response, account_id=cast.boga.pk, contact_id=cast.selin.pk, occurred_at=at, text=comment)], now=at)


def kept(ticket):
    keep_ratings(since=NOW - HOUR, now=timezone.now() + HOUR, wide=True)
    ticket.refresh_from_db()
    return ticket


def test_the_latest_answer_stands_on_the_page_with_its_words(cast):
    ticket = opened(cast)
    answered(cast, ticket, 2, at=NOW + HOUR, response="r1", comment="Çok yavaş.")
    answered(cast, ticket, 1, at=NOW + 3 * HOUR, response="r2", is_suspect=True)
    answered(cast, ticket, 4, at=NOW + 2 * HOUR, response="r3", comment="Şimdi iyi.")
    rated = ticket_page(ticket=kept(ticket), user=cast.deniz, now=NOW).rating
    assert (rated.score, rated.scale_max, rated.comment, rated.contact) == (4, 5, "Şimdi iyi.", cast.selin)
    assert (ticket.rating, ticket.rated_at) == (4, NOW + 2 * HOUR)


def test_a_rating_given_to_a_merged_ticket_is_the_survivors_with_its_words(cast):
    merged, survivor = opened(cast), opened(cast)
    merging.merge(ticket_id=merged.pk, into_id=survivor.pk, now=NOW + HOUR, actor=cast.deniz)
    answered(cast, merged, 3, at=NOW + 2 * HOUR, response="r1", comment="İdare eder.")
    rated = ticket_page(ticket=kept(survivor), user=cast.deniz, now=NOW).rating
    assert (survivor.rating, rated.score, rated.comment) == (3, 3, "İdare eder.")


def test_the_api_tells_the_rating_and_takes_none(cast):
    ticket = opened(cast)
    answered(cast, ticket, 5, at=NOW + HOUR, response="r1")
    kept(ticket)
    client = ApiClient(cast.elif_)
    told = client.get(f"/tickets/{ticket.pk}/").json()
    assert (told["rating"], told["rated_at"][:16]) == (5, "2026-03-02T13:00")
    assert client.edit(f"/tickets/{ticket.pk}/", {"rating": 1}).status_code == 400
    ticket.refresh_from_db()
    assert ticket.rating == 5
