"""The worklist as data: who sees what, in which order, page by page."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actions.touches import log_touch
from accounts.models import Account, User, WorkItem
from accounts.models.people import Cover
from accounts.queries.effort import effort_by_segment, load_by_person
from accounts.queries.work import CAP, counts_of, page, rows_of
from accounts.queries.work_filter import PAGE, SCOPES, WorkFilter, days_of, owners_of, reader_of
from tests.accounts.work_builders import NOW, account, item

pytestmark = pytest.mark.django_db
ISTANBUL = zoneinfo.ZoneInfo("Europe/Istanbul")
UTC = zoneinfo.ZoneInfo("UTC")
DAYS = days_of(now=NOW, zone=ISTANBUL, organisation_zone=ISTANBUL)


def listed(user: User, now: dt.datetime = NOW, **asked: object) -> list[int]:
    reader = reader_of(user, now=now)
    rows, _after = rows_of(WorkFilter(**asked), reader, DAYS)  # type: ignore[arg-type]
    return [row.item_id or row.account_id for row in rows]


def test_days_turn_at_the_readers_midnight_not_at_utc() -> None:
    late = dt.datetime(2026, 11, 17, 23, 30, tzinfo=dt.UTC)
    there = days_of(now=late, zone=ISTANBUL, organisation_zone=UTC)
    here = days_of(now=late, zone=UTC, organisation_zone=UTC)
    due = dt.datetime(2026, 11, 17, 20, 0, tzinfo=dt.UTC)  # 23:00 of the 17th in Istanbul, where it is the 18th already
    assert there.today == dt.date(2026, 11, 18)
    assert there.group(due) == 0
    assert here.group(due) == 1
    assert there.start == dt.datetime(2026, 11, 17, 21, 0, tzinfo=dt.UTC)
    assert here.month_start == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    assert there.week_start == dt.datetime(2026, 11, 15, 21, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(("hours", "group"), [(-13, 0), (-12, 1), (11, 1), (12, 2), (24 * 7 + 11, 2), (24 * 7 + 12, 3)])
def test_groups_have_their_edges_at_midnight(hours: int, group: int) -> None:
    # the reader's midnights lie 12 hours before and after 9:00 UTC, which is noon in Istanbul
    assert DAYS.group(NOW + dt.timedelta(hours=hours)) == group


def test_work_is_ranked_by_group_then_by_value(cast: SimpleNamespace) -> None:
    small_late = item(cast.boga, due=NOW - dt.timedelta(days=3), stake=1, reason="a")
    large_late = item(cast.boga, due=NOW - dt.timedelta(days=2), stake=9, reason="b")
    today = item(cast.boga, due=NOW, stake=500, reason="c")
    week = item(cast.boga, due=NOW + dt.timedelta(days=4), stake=600, reason="d")
    later = item(cast.boga, due=NOW + dt.timedelta(days=40), stake=700, reason="e")
    assert listed(cast.elif_) == [large_late.pk, small_late.pk, today.pk, week.pk, later.pk]
    assert listed(cast.elif_, sort="value") == [later.pk, week.pk, today.pk, large_late.pk, small_late.pk]
    assert listed(cast.elif_, sort="due") == [small_late.pk, large_late.pk, today.pk, week.pk, later.pk]
    assert listed(cast.ada, scope="all") == [large_late.pk, small_late.pk, today.pk, week.pk, later.pk]


def test_accounts_at_risk_are_ranked_by_value_at_risk(cast: SimpleNamespace) -> None:
    small = account("Small", cast.elif_, stake=5, health=20, band="at_risk")
    large = account("Large", cast.elif_, stake=50, health=60, band="watch")
    account("Well", cast.elif_, stake=900, health=90, band="healthy")
    account("Other", cast.can, stake=900, health=10, band="at_risk")
    gone = account("Gone", cast.elif_, stake=900, health=10, band="at_risk")
    Account.objects.filter(pk=gone.pk).update(churned_at=NOW)
    assert listed(cast.elif_, view="risk") == [large.pk, small.pk]
    assert listed(cast.elif_, view="risk", band="at_risk") == [small.pk]
    assert len(listed(cast.elif_, view="risk", band="any")) == 3


def test_a_reader_sees_exactly_the_work_that_the_law_of_access_shows(cast: SimpleNamespace) -> None:
    other = account("Aegean", cast.can)
    nobody = account("Orphan", None)
    for number, (of, owner) in enumerate(
        [
            (cast.boga, cast.elif_),
            (cast.boga, cast.can),
            (cast.boga, cast.mert),
            (other, cast.can),
            (other, cast.elif_),
            (nobody, cast.elif_),
            (nobody, cast.ada),
            (other, cast.deniz),
        ]
    ):
        item(of, reason=f"n{number}", owner=owner, stake=number)
    Cover.objects.create(absent=cast.can, substitute=cast.elif_, starts_at=NOW - dt.timedelta(days=400), ends_at=NOW + dt.timedelta(days=4000))
    for user in (cast.ada, cast.vera, cast.mert, cast.elif_, cast.can, cast.deniz, cast.ana):
        reader = reader_of(user, now=NOW)
        for scope in SCOPES[user.role]:
            owners = owners_of(scope, reader)
            expected = WorkItem.objects.visible_to(user).filter(status="open" if scope not in {"snoozed", "done"} else scope)
            if owners is not None:
                expected = expected.filter(owner_id__in=owners)
            assert sorted(listed(user, scope=scope)) == sorted(expected.values_list("pk", flat=True)), (user.role, scope)
    assert page(WorkFilter(), reader_of(cast.ana, now=NOW), DAYS, now=NOW).rows == []


def test_books_are_the_law_of_visible_accounts(cast: SimpleNamespace) -> None:
    Cover.objects.create(absent=cast.can, substitute=cast.elif_, starts_at=NOW - dt.timedelta(days=400), ends_at=NOW + dt.timedelta(days=4000))
    account("Orphan", None)
    for user in (cast.ada, cast.vera, cast.mert, cast.elif_, cast.can, cast.deniz):
        books = reader_of(user, now=NOW).books
        mine = Account.objects.all() if books is None else Account.objects.filter(owner_id__in=books)
        assert set(mine) == set(Account.objects.visible_to(user)), user.role


def test_a_substitute_works_the_covered_book_only_while_the_cover_lasts(cast: SimpleNamespace) -> None:
    theirs = item(cast.north)
    assert listed(cast.elif_) == []
    Cover.objects.create(absent=cast.can, substitute=cast.elif_, starts_at=NOW - dt.timedelta(days=1), ends_at=NOW + dt.timedelta(days=1))
    assert listed(cast.elif_) == [theirs.pk]
    assert listed(cast.elif_, now=NOW + dt.timedelta(days=1)) == []


def test_filters_narrow_by_segment_type_band_owner_and_text(cast: SimpleNamespace) -> None:
    vip = account("Çınar Gıda", cast.elif_, segment="vip", health=30, band="at_risk")
    core = account("İSTANBUL Işık", cast.elif_, segment="core", health=90, band="healthy")
    one, two = item(vip, type="risk"), item(core, type="renewal")
    assert listed(cast.elif_, segment="vip") == [one.pk]
    assert listed(cast.elif_, type="renewal") == [two.pk]
    assert listed(cast.elif_, band="at_risk") == [one.pk]
    assert listed(cast.mert, scope="team", owner=cast.elif_.pk, segment="core") == [two.pk]
    assert listed(cast.mert, scope="team", owner=cast.can.pk) == []
    for text in ("istanbul", "İstanbul", "ISTANBUL", "ışık", "isik istanbul"):
        assert listed(cast.elif_, text=text) == [two.pk], text
    assert listed(cast.elif_, text="cinar") == [one.pk]
    assert listed(cast.elif_, text="100%") == listed(cast.elif_, text="_inar") == []


def test_counts_stop_at_a_thousand_and_one(cast: SimpleNamespace) -> None:
    vip = account("Many", cast.elif_, segment="vip")
    WorkItem.objects.bulk_create(WorkItem(account=vip, type="risk", reason=f"{n}", due_at=NOW, owner=cast.elif_, stake_micros=1_000_000, why={}) for n in range(1100))
    segments, tabs = counts_of(WorkFilter(), reader_of(cast.elif_, now=NOW), DAYS)
    assert {entry.key: entry.count for entry in segments} == {"vip": CAP, "core": 0, "potential": 0, "non_core": 0}
    assert tabs == {"mine": CAP, "snoozed": 0, "done": 0}


def test_counts_and_sums_are_those_of_the_filtered_list(cast: SimpleNamespace) -> None:
    vip, core = account("V", cast.elif_, segment="vip"), account("C", cast.elif_, segment="core")
    item(vip, due=NOW - dt.timedelta(days=2), stake=10, reason="a")
    item(vip, due=NOW, stake=20, reason="b", type="renewal")
    item(core, due=NOW, stake=40)
    item(cast.boga, due=NOW, stake=80)
    found = page(WorkFilter(segment="vip"), reader_of(cast.elif_, now=NOW), DAYS, now=NOW)
    assert found.total() == (4, 150_000_000)
    assert found.total("vip") == (2, 30_000_000)
    assert found.group_total(1, "vip") == (1, 20_000_000)
    assert found.group_total(1) == (3, 140_000_000)
    renewals = page(WorkFilter(type="renewal"), reader_of(cast.elif_, now=NOW), DAYS, now=NOW)
    assert renewals.total() == (1, 20_000_000)


@pytest.mark.parametrize(
    "asked", [{"scope": "mine"}, {"scope": "mine", "sort": "value"}, {"scope": "mine", "sort": "due"}, {"scope": "all"}, {"scope": "all", "sort": "due"}, {"scope": "team"}]
)
def test_pages_by_key_show_every_line_once_while_others_change(cast: SimpleNamespace, asked: dict[str, str]) -> None:
    user = {"mine": cast.elif_, "all": cast.ada, "team": cast.mert}[asked["scope"]]
    made = [item(cast.boga, reason=f"{n}", due=NOW + dt.timedelta(days=n % 11 - 2, minutes=n), stake=n % 7) for n in range(130)]
    reader, seen, after = reader_of(user, now=NOW), [], ()
    for turn in range(4):
        rows, following = rows_of(WorkFilter(after=after, **asked), reader, DAYS)
        seen += [row.item_id for row in rows]
        if turn == 0:
            # what was shown is done meanwhile, and new work comes on top: an offset would now skip rows
            WorkItem.objects.filter(pk__in=seen[:20]).update(status="done", closed_at=NOW)
            item(cast.boga, reason="new", due=NOW - dt.timedelta(days=9), stake=999)
        if not following:
            break
        after = following
    assert len(seen) == 130
    assert set(seen) == {work.pk for work in made}


def test_snoozed_and_done_lists_page_by_their_own_order(cast: SimpleNamespace) -> None:
    for n in range(60):
        item(cast.boga, reason=f"s{n}", status="snoozed", snoozed_until=NOW + dt.timedelta(hours=n))
        item(cast.boga, reason=f"d{n}", status="done", closed_at=NOW - dt.timedelta(minutes=n))
    item(cast.boga, reason="long ago", status="done", closed_at=NOW - dt.timedelta(days=8))
    reader = reader_of(cast.elif_, now=NOW)
    for scope, order in (("snoozed", "snoozed_until"), ("done", "-closed_at")):
        first, after = rows_of(WorkFilter(scope=scope), reader, DAYS)
        second, none = rows_of(WorkFilter(scope=scope, after=after), reader, DAYS)
        assert (len(first), len(second), none) == (PAGE, 10, ())
        assert [row.item_id for row in first + second] == list(WorkItem.objects.filter(status=scope).exclude(reason="long ago").order_by(order).values_list("pk", flat=True))


def test_who_churned_is_neither_listed_nor_counted_and_comes_back_with_the_account(cast: SimpleNamespace) -> None:
    leaving = account("Leaving", cast.elif_, health=20, band="at_risk", stake=5)
    reader = reader_of(cast.elif_, now=NOW)

    def seen() -> tuple[bool, int]:
        counted, _tabs = counts_of(WorkFilter(view="risk"), reader, DAYS)
        return leaving.pk in listed(cast.elif_, view="risk"), sum(entry.count for entry in counted)

    there, before = seen()
    Account.objects.filter(pk=leaving.pk).update(churned_at=NOW)
    assert (there, seen()) == (True, (False, before - 1))
    Account.objects.filter(pk=leaving.pk).update(churned_at=None)
    assert seen() == (True, before)


def test_risk_pages_by_key(cast: SimpleNamespace) -> None:
    made = {account(f"A{n}", cast.elif_, stake=n % 5, health=10, band="at_risk").pk for n in range(70)}
    reader = reader_of(cast.elif_, now=NOW)
    first, after = rows_of(WorkFilter(view="risk"), reader, DAYS)
    second, none = rows_of(WorkFilter(view="risk", after=after), reader, DAYS)
    assert {row.account_id for row in first + second} == made
    assert len(first) + len(second) == 70
    assert none == ()


def test_the_page_takes_three_statements_whatever_its_length(cast: SimpleNamespace) -> None:
    for n in range(60):
        item(cast.boga, reason=f"{n}")
    reader = reader_of(cast.elif_, now=NOW)
    with CaptureQueriesContext(connection) as asked:
        found = page(WorkFilter(), reader, DAYS, now=NOW)
    assert len(found.rows) == PAGE
    assert len(found.beside) == PAGE
    assert len(asked.captured_queries) == 3


def test_beside_a_line_stand_the_last_touch_and_the_seats(cast: SimpleNamespace) -> None:
    item(cast.boga)
    log_touch(account_id=cast.boga.pk, actor=cast.elif_, channel="meeting", minutes=45, occurred_at=NOW - dt.timedelta(days=3), now=NOW)
    log_touch(account_id=cast.boga.pk, actor=cast.elif_, channel="call", minutes=18, occurred_at=NOW - dt.timedelta(days=1), now=NOW)
    cast.boga.subscriptions.create(subscription="s", start=NOW - dt.timedelta(days=9), currency="EUR", kind="plan", quantity=140)
    found = page(WorkFilter(), reader_of(cast.elif_, now=NOW), DAYS, now=NOW)
    beside = found.beside[0]
    assert (beside.channel, beside.minutes, int(beside.seats), beside.owner_name) == ("call", 18, 140, "Elif Yıldız")


def test_effort_is_the_months_minutes_by_segment(cast: SimpleNamespace) -> None:
    vip, core = account("V", cast.elif_, segment="vip"), account("C", cast.elif_, segment="core")
    for of, minutes, ago in ((vip, 30, 1), (vip, 12, 2), (core, 18, 1), (vip, 500, 40)):
        log_touch(account_id=of.pk, actor=cast.elif_, channel="call", minutes=minutes, occurred_at=NOW - dt.timedelta(days=ago), now=NOW)
    log_touch(account_id=cast.north.pk, actor=cast.can, channel="call", minutes=99, occurred_at=NOW, now=NOW)
    found = effort_by_segment(people=(cast.elif_.pk,), since=DAYS.month_start, now=NOW)
    assert [(entry.key, entry.minutes) for entry in found] == [("vip", 42), ("core", 18), ("potential", 0), ("non_core", 0)]
    assert sum(entry.minutes for entry in effort_by_segment(people=None, since=DAYS.month_start, now=NOW)) == 60  # Can's account has no segment


def test_load_counts_each_person_of_the_team(cast: SimpleNamespace) -> None:
    item(cast.boga, due=NOW - dt.timedelta(days=3), stake=10, reason="a")
    item(cast.boga, due=NOW, stake=20, reason="b")
    item(cast.boga, reason="c", status="snoozed", snoozed_until=NOW + dt.timedelta(days=3))
    item(cast.north, stake=30)
    reader = reader_of(cast.mert, now=NOW)
    assert [tuple(load)[1:] for load in load_by_person(people=reader.books, me=cast.mert.pk, days=DAYS)] == [("Elif Yıldız", 2, 1, 1, 30_000_000, 1, 0)]
    everybody = {load.name: load.open for load in load_by_person(people=None, me=cast.ada.pk, days=DAYS)}
    assert everybody == {"Elif Yıldız": 2, "Can Polat": 1}
