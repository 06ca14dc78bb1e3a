"""The queue of renewals: windows, calls, sums, and who may do what."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actions.renewal_calls import CallRefused, call_renewal
from accounts.actions.work_items import StaleVersion
from accounts.models import Account, AccountSnapshot, RenewalCall, User
from accounts.queries.renewals import page, sums
from tests.accounts.test_work_pages import HTMX, TODAY, _noon, enter, text_of  # noqa: F401 - the clock of these tests
from tests.accounts.work_builders import NOW, account

pytestmark = pytest.mark.django_db
MILLION = 1_000_000


def renewal(name: str, owner: User, *, days: int, mrr: int = 1000) -> Account:
    made = account(name, owner, segment="core", health=60, band="watch")
    AccountSnapshot.objects.filter(account=made).update(renews_on=TODAY + dt.timedelta(days=days), mrr_micros=mrr * MILLION)
    return made


def call(of: Account, what: str, amount: int = 12_000, **more: object) -> RenewalCall:
    values = {"note": "", "actor": None, "now": NOW, "today": TODAY, "expected_on": TODAY, **more}
    return call_renewal(account_id=of.pk, call=what, amount_micros=amount * MILLION, **values)  # type: ignore[arg-type]


def names(window: str, owners: tuple[int, ...] | None = None, **more: str) -> list[str]:
    return [row.name for row in page(window=window, owners=owners, today=TODAY, **more).rows]


def test_windows_end_at_30_90_and_180_days_and_who_has_left_is_in_none(cast: SimpleNamespace) -> None:
    for days in (-1, 0, 30, 31, 90, 91, 180, 181):
        renewal(f"d{days}", cast.elif_, days=days)
    gone = renewal("gone", cast.elif_, days=5)
    Account.objects.filter(pk=gone.pk).update(churned_at=NOW)
    assert (names("30"), names("90"), names("180")) == (["d0", "d30"], ["d31", "d90"], ["d91", "d180"])
    assert names("30", (cast.can.pk,)) == []


def test_a_page_goes_on_where_the_one_before_ended(cast: SimpleNamespace) -> None:
    for number in range(53):
        renewal(f"n{number:02}", cast.elif_, days=1 + number // 10)
    first = page(window="30", owners=None, today=TODAY)
    second = page(window="30", owners=None, today=TODAY, after=first.after)
    assert [row.name for row in (*first.rows, *second.rows)] == [f"n{number:02}" for number in range(53)]
    assert (len(first.rows), second.after) == (50, "")
    assert len(page(window="30", owners=None, today=TODAY, after="x~y").rows) == 50


def test_from_90_days_on_watch_is_no_call_and_nothing_is_kept_of_it(cast: SimpleNamespace) -> None:
    far, near = renewal("far", cast.elif_, days=91), renewal("near", cast.elif_, days=90)
    assert call(far, "watch").call == "watch"
    with pytest.raises(CallRefused) as refused:
        call(near, "watch")
    assert refused.value.field == "call"
    client = enter(cast.elif_)
    answer = client.post(f"/renewals/{near.pk}/", {"call": "watch", "amount": "10", "expected_on": "2027-01-01", "seen": "0"})
    assert answer.status_code == 422
    assert "At 90 days or less a renewal is called: renews, at risk or lost." in text_of(answer)
    with pytest.raises(CallRefused):
        call(cast.boga, "renew")
    assert RenewalCall.objects.count() == 1
    assert "Watch" not in text_of(client.get(f"/renewals/{near.pk}/", **HTMX))
    assert "Watch" in text_of(client.get(f"/renewals/{far.pk}/", **HTMX))


def test_due_stands_against_what_was_called_and_what_nobody_called(cast: SimpleNamespace) -> None:
    call(renewal("a", cast.elif_, days=3), "renew", 11_000)
    call(renewal("b", cast.elif_, days=4, mrr=2000), "at_risk", 9_000)
    call(renewal("c", cast.elif_, days=5, mrr=3000), "lost", 36_000)
    renewal("d", cast.elif_, days=6, mrr=500)
    call(renewal("e", cast.can, days=100), "watch", 12_000)
    # a call of last year's renewal is none of this one
    old = call(renewal("f", cast.elif_, days=170, mrr=10), "renew", 99)
    RenewalCall.objects.filter(pk=old.pk).update(renews_on=TODAY - dt.timedelta(days=195))
    soon, middle, far = sums(owners=None, today=TODAY)
    assert (soon.count, soon.due // MILLION, soon.renew // MILLION, soon.at_risk // MILLION, soon.lost_due // MILLION) == (4, 78_000, 11_000, 9_000, 36_000)
    assert (soon.forecast // MILLION, soon.open_count, soon.open_due // MILLION) == (20_000, 1, 6_000)
    assert (middle.count, middle.due) == (0, 0)
    assert (far.count, far.watch // MILLION, far.open_count, far.open_due // MILLION) == (2, 12_000, 1, 120)
    assert [row.count for row in sums(owners=(cast.can.pk,), today=TODAY)] == [0, 0, 1]
    assert (names("30", call="none"), names("30", call="lost"), names("180", call="renew")) == (["d"], ["c"], [])


def test_calls_are_kept_as_history_with_who_and_when_and_the_latest_counts(cast: SimpleNamespace) -> None:
    of = renewal("Ege", cast.elif_, days=20)
    client = enter(cast.elif_)
    first = {"call": "renew", "amount": "12000", "expected_on": "2026-12-07", "note": "signed by mail", "seen": "0"}
    told = client.post(f"/renewals/{of.pk}/", first, **HTMX)
    assert "renewals-changed" in told["HX-Trigger"]
    made = RenewalCall.objects.get()
    assert (made.call, made.amount_micros, made.made_by, made.renews_on) == ("renew", 12_000 * MILLION, cast.elif_, TODAY + dt.timedelta(days=20))
    # a second person who looked before that sees it instead of writing over it
    late = enter(cast.mert).post(f"/renewals/{of.pk}/", {**first, "call": "lost", "note": "budget cut"}, **HTMX)
    assert late.status_code == 409
    assert "Elif Yıldız called “Renews”, €12,000, while you looked at it." in text_of(late)
    assert b"budget cut" in late.content
    assert RenewalCall.objects.count() == 1
    with pytest.raises(StaleVersion):
        call(of, "lost", seen=0)
    call(of, "lost", 5, seen=made.pk, actor=cast.mert, now=NOW + dt.timedelta(days=1))
    assert list(RenewalCall.objects.values_list("call", "current", "amount_micros")) == [("lost", True, 0), ("renew", False, 12_000 * MILLION)]
    page = text_of(client.get("/renewals/"))
    assert "Lost" in page
    assert "Mert Lider" in page
    assert "signed by mail" in text_of(client.get(f"/renewals/{of.pk}/", **HTMX))


def test_each_sees_the_own_books_and_others_are_not_there(cast: SimpleNamespace) -> None:
    mine, theirs = renewal("Benim", cast.elif_, days=9), renewal("Onun", cast.can, days=9)
    seen = {who: [name for name in ("Benim", "Onun") if name in text_of(enter(getattr(cast, who)).get("/renewals/"))] for who in ("elif_", "can", "mert", "ada", "vera")}
    assert seen == {"elif_": ["Benim"], "can": ["Onun"], "mert": ["Benim"], "ada": ["Benim", "Onun"], "vera": ["Benim", "Onun"]}
    sent = {"call": "renew", "amount": "1", "expected_on": "2026-12-07", "seen": "0"}
    assert enter(cast.elif_).get(f"/renewals/{theirs.pk}/").status_code == 404
    assert enter(cast.elif_).post(f"/renewals/{theirs.pk}/", sent).status_code == 404
    assert enter(cast.vera).get(f"/renewals/{mine.pk}/").status_code == 200
    assert enter(cast.vera).post(f"/renewals/{mine.pk}/", sent).status_code == 403
    assert {enter(who).get("/renewals/").status_code for who in (cast.ana, cast.deniz)} == {404}
    for path in ("/renewals/", "/renewals/sums/", f"/renewals/{mine.pk}/"):
        assert Client().get(path)["Location"].startswith("/login/")
    assert not RenewalCall.objects.exists()


def test_the_page_reads_few_statements_however_long_the_queue(cast: SimpleNamespace) -> None:
    for number in range(12):
        renewal(f"r{number}", cast.elif_, days=number)
    client = enter(cast.elif_)
    with CaptureQueriesContext(connection) as queries:
        assert "in 11 days" in text_of(client.get("/renewals/"))
    assert len(queries) <= 6
    assert "€144,000" in text_of(client.get("/renewals/sums/"))
