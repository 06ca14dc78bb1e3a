"""Logging a touch and opening work by hand."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.test import Client

from accounts.models import AccountEvent, Note, User, WorkItem
from tests.accounts.work_builders import account, item

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
CALL = {"channel": "call", "minutes": "15", "note": ""}
STEP = {"type": "activity", "title": "Plan a training", "why": "They asked", "date": "2099-01-05", "priority": "2", "owner": ""}


def enter(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def facts() -> tuple[int, int, int]:
    return AccountEvent.objects.count(), Note.objects.count(), WorkItem.objects.count()


def test_the_form_logs_a_call_of_a_quarter_of_an_hour_as_it_opens(cast: SimpleNamespace) -> None:
    work = item(cast.boga)
    client = enter(cast.elif_)
    page = client.get(f"/touch/?item={work.pk}", **HTMX).content.decode()
    assert re.search(r'<input type="radio" name="channel" value="call"[^>]* checked', page)
    assert 'value="15"' in page
    answer = client.post("/touch/", {**CALL, "note": "asks for a quote", "item": work.pk}, **HTMX)
    assert answer.status_code == 200
    event = AccountEvent.objects.get(kind="touch.logged")
    assert (event.account, event.actor, event.payload) == (cast.boga, cast.elif_, {"channel": "call", "minutes": 15, "work_item": work.pk})
    assert Note.objects.get().body == "asks for a quote"


@pytest.mark.parametrize(("path", "sent"), [("/touch/", CALL), ("/work/new/", STEP)])
@pytest.mark.parametrize(("name", "status"), [("can", 404), ("vera", 403), ("ana", 403), ("deniz", 403), ("nobody", 302)])
def test_other_books_are_not_there_and_readers_only_read(cast: SimpleNamespace, path: str, sent: dict[str, str], name: str, status: int) -> None:
    before = facts()
    client = Client() if name == "nobody" else enter(getattr(cast, name))
    assert client.get(path, {"account": cast.boga.pk}).status_code == status
    assert client.post(path, {**sent, "account": cast.boga.pk}).status_code == status
    assert facts() == before


@pytest.mark.parametrize("wrong", [{"minutes": "601"}, {"minutes": "-1"}, {"minutes": "x"}, {"channel": "smoke"}, {"account": ""}])
def test_a_touch_that_does_not_fit_is_not_logged(cast: SimpleNamespace, wrong: dict[str, str]) -> None:
    before = facts()
    assert enter(cast.elif_).post("/touch/", {**CALL, "account": cast.boga.pk, **wrong}, **HTMX).status_code == 422
    assert facts() == before


def test_work_by_hand_is_opened_once_for_the_same_step(cast: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    for _turn in range(2):
        assert client.post("/work/new/", {**STEP, "account": cast.boga.pk}, **HTMX).status_code == 200
    work = WorkItem.objects.get()
    assert (work.account, work.owner, work.source, work.title, work.why["values"]["text"]) == (cast.boga, cast.elif_, "manual", "Plan a training", "They asked")
    assert work.due_at == dt.datetime(2099, 1, 5, 17, 0, tzinfo=dt.UTC)
    client.post("/work/new/", {**STEP, "account": cast.boga.pk, "title": "Another step", "owner": cast.mert.pk}, **HTMX)
    assert WorkItem.objects.get(title="Another step").owner == cast.mert


def test_work_cannot_be_given_to_another_team(cast: SimpleNamespace) -> None:
    before = facts()
    assert enter(cast.elif_).post("/work/new/", {**STEP, "account": cast.boga.pk, "owner": cast.can.pk}, **HTMX).status_code == 422
    assert facts() == before


def test_the_search_for_an_account_knows_turkish_letters_and_the_own_book(cast: SimpleNamespace) -> None:
    account("İSTANBUL Işık", cast.elif_)
    account("Istanbul Other", cast.can)
    for text in ("istanbul", "ISTANBUL", "ışık"):
        page = enter(cast.elif_).get("/work/new/accounts/", {"find": text}, **HTMX).content.decode()
        assert "İSTANBUL Işık" in page
        assert "Istanbul Other" not in page
    assert enter(cast.vera).get("/work/new/accounts/", {"find": "x"}).status_code == 403
    assert Client().get("/work/new/accounts/").status_code == 302
