"""Accounts whose score moved: how far, since when, by what, and for whose eyes."""

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AccountSnapshot
from metrics.health import moved as moved_module
from metrics.health.moved import moved
from tests.accounts.test_work_pages import enter, text_of
from tests.metrics.health_facts import DAY, NOW, answer, days, failed_payment, run, stored, ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def fallen(facts):
    """Boğaziçi stood otherwise 28 days ago; since then a bad answer, two failed payments and a severe ticket came."""
    run(as_of=NOW - days(28))
    answer(facts.boga, 0, at=NOW - dt.timedelta(hours=3))
    for hours in (4, 5):
        failed_payment(facts.boga, at=NOW - dt.timedelta(hours=hours))
    ticket(facts.boga, opened=NOW - days(2), severity=4)
    run()
    return facts


def test_who_moved_far_enough_is_listed_with_what_moved_it(fallen):
    now, then = stored(fallen.boga), stored(fallen.boga, DAY - days(28))
    fall = then.score - now.score
    assert fall > 1000
    found = moved(owners=None, points=fall // 100, days=28, today=DAY)
    assert [(row.name, row.health, row.score_then, row.then) for row in found.rows] == [(fallen.boga.name, now.score, then.score, DAY - days(28))]
    row = found.rows[0]
    assert row.points == round(now.score / 100) - round(then.score / 100)
    # of the stored contributions the largest step down stands first
    steps = [(after or 0) - (before or 0) for before, after in zip(then.contributions, now.contributions, strict=True)]
    assert float(row.causes[0].width) == -min(steps) / 100
    assert (found.after, found.looked_at) == ("", 2)
    assert moved(owners=None, points=fall // 100 + 1, days=28, today=DAY).rows == []
    assert moved(owners=None, points=5, days=28, today=DAY, direction="up").rows == []
    assert moved(owners=(fallen.can.pk,), points=5, days=28, today=DAY).rows == []
    # nothing was kept so long ago
    assert moved(owners=None, points=5, days=200, today=DAY).rows == []


def test_a_stretch_without_a_hit_goes_on_behind_it(fallen, monkeypatch):
    monkeypatch.setattr(moved_module, "STRETCH", 1)
    AccountSnapshot.objects.filter(pk=fallen.north.pk).update(stake_micros=10**12)
    first = moved(owners=None, points=5, days=28, today=DAY)
    assert (first.rows, first.looked_at) == ([], 1)
    second = moved(owners=None, points=5, days=28, today=DAY, after=first.after)
    assert [row.name for row in second.rows] == [fallen.boga.name]
    last = moved(owners=None, points=5, days=28, today=DAY, after=second.after)
    assert (last.rows, last.after) == ([], "")


def test_the_page_tells_the_causes_to_those_whose_book_it_is(fallen):
    with time_machine.travel(NOW, tick=False):
        client = enter(fallen.elif_)
        client.get("/moved/")
        with CaptureQueriesContext(connection) as queries:
            page = text_of(client.get("/moved/?points=5"))
        assert len(queries) <= 9
        assert fallen.boga.name in page
        assert "down by" in page
        assert "Severe tickets" in page
        seen = {who: fallen.boga.name in text_of(enter(getattr(fallen, who)).get("/moved/?points=5")) for who in ("mert", "can", "ada", "vera")}
        assert seen == {"mert": True, "can": False, "ada": True, "vera": True}
        assert {enter(who).get("/moved/").status_code for who in (fallen.ana, fallen.deniz)} == {404}
        assert Client().get("/moved/")["Location"].startswith("/login/")
        wrong = client.get("/moved/?points=0&days=900")
        assert wrong.status_code == 400
        assert "less than or equal to 365" in text_of(wrong)
