"""Cover for absence: who sees and changes what meanwhile, and that nothing has to go back."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Cover, User, WorkItem
from tests.accounts.test_work_pages import enter, text_of
from tests.accounts.work_builders import item

pytestmark = pytest.mark.django_db
# scopes ask the clock of the database, so these tests live today
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def form(absent: User, substitute: User, *, first: int = 0, last: int = 3) -> dict[str, object]:
    today = NOW.astimezone(dt.timezone(dt.timedelta(hours=3))).date()
    return {"absent": absent.pk, "substitute": substitute.pk, "first": (today + first * DAY).isoformat(), "last": (today + last * DAY).isoformat()}


def test_the_substitute_sees_and_changes_the_book_meanwhile_and_no_longer(cast: SimpleNamespace) -> None:
    on_book = item(cast.boga, due=NOW)
    # work that the absent person owns on an account of somebody else
    elsewhere = item(cast.north, due=NOW, owner=cast.elif_, reason="given")
    away = Cover.objects.create(absent=cast.elif_, substitute=cast.can, starts_at=NOW - DAY, ends_at=NOW + DAY)
    cast.north.owner = cast.mert
    cast.north.save()
    client = enter(cast.can)
    page = text_of(client.get("/"))
    assert "You cover for Elif Yıldız until" in page
    assert "2 items" in page
    assert "You are away until" in text_of(enter(cast.elif_).get("/"))
    assert set(WorkItem.objects.changeable_by(cast.can)) == {on_book, elsewhere}
    assert list(Account.objects.changeable_by(cast.can)) == [cast.boga]
    assert client.post(f"/work/{elsewhere.pk}/done/", {"outcome": "", "note": "", "w": f"{elsewhere.pk}.1"}).status_code == 302
    Cover.objects.filter(pk=away.pk).update(ends_at=NOW - dt.timedelta(minutes=1))
    assert not WorkItem.objects.visible_to(cast.can).exists()
    assert not Account.objects.visible_to(cast.can).exists()
    assert client.get(f"/work/{on_book.pk}/").status_code == 404
    on_book.refresh_from_db()
    assert (on_book.owner, Account.objects.get(pk=cast.boga.pk).owner) == (cast.elif_, cast.elif_)


def test_covers_cost_no_statement_more_however_many(cast: SimpleNamespace) -> None:
    client = enter(cast.can)
    with CaptureQueriesContext(connection) as alone:
        client.get("/")
    for number in range(9):
        who = User.objects.create_user(email=f"c{number}@vefa.test", name=f"C{number}", role="csm")
        Cover.objects.create(absent=who, substitute=cast.can, starts_at=NOW - DAY, ends_at=NOW + DAY)
    with CaptureQueriesContext(connection) as covering:
        client.get("/")
    assert len(covering) == len(alone)
    with CaptureQueriesContext(connection) as one:
        list(Account.objects.visible_to(cast.can))
    assert (len(one), one[0]["sql"].count('accounts_cover" ')) == (1, 1)


def test_one_tells_of_the_own_absence_and_comes_back_by_a_press(cast: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    # from yesterday, so that it has begun whatever hour it is anywhere
    assert client.post("/cover/", form(cast.elif_, cast.can, first=-1, last=2)).status_code == 302
    cover = Cover.objects.get()
    assert (cover.absent, cover.substitute, cover.ends_at - cover.starts_at) == (cast.elif_, cast.can, 4 * DAY)
    assert "Can Polat" in text_of(client.get("/cover/"))
    # the substitute sees it and cannot end it; a stranger neither
    assert enter(cast.can).post(f"/cover/{cover.pk}/end/").status_code == 404
    with time_machine.travel(NOW + dt.timedelta(minutes=1), tick=False):
        assert client.post(f"/cover/{cover.pk}/end/").status_code == 302
    cover.refresh_from_db()
    assert cover.ends_at == NOW + dt.timedelta(minutes=1)
    later = form(cast.elif_, cast.can, first=30, last=31)
    assert enter(cast.mert).post("/cover/", later).status_code == 302
    assert enter(cast.ada).post(f"/cover/{Cover.objects.latest('pk').pk}/end/").status_code == 302
    assert Cover.objects.count() == 1


def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_kept(cast: SimpleNamespace) -> None:
    client = enter(cast.elif_)
    wrong = {
        "Nobody can cover for themselves.": form(cast.elif_, cast.elif_),
        "The last day comes before the first.": form(cast.elif_, cast.can, first=5, last=2),
        "This absence is over already.": form(cast.elif_, cast.can, first=-9, last=-5),
        "A cover lasts at most a year.": form(cast.elif_, cast.can, last=400),
        # somebody else's absence is not theirs to tell
        "Select a valid choice.": form(cast.can, cast.elif_),
    }
    for words, sent in wrong.items():
        answer = client.post("/cover/", sent)
        assert answer.status_code == 422
        assert words in text_of(answer), words
    # a lead of another team could not see the book
    lead = User.objects.create_user(email="lead@vefa.test", name="Lale Lider", role="manager", team=cast.aegean)
    assert "This person could not see the book" in text_of(client.post("/cover/", form(cast.elif_, lead)))
    assert not Cover.objects.exists()
    assert client.post("/cover/", form(cast.elif_, cast.can)).status_code == 302
    assert "Another cover of this absence" in text_of(client.post("/cover/", form(cast.elif_, cast.mert, first=3, last=5)))
    assert Cover.objects.count() == 1
    assert {enter(who).get("/cover/").status_code for who in (cast.deniz, cast.ana, cast.vera)} == {404}
    assert Client().get("/cover/")["Location"].startswith("/login/")
