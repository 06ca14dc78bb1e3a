"""The rank of work: what it is made of, who keeps it, what sinks, and why one item stands above another."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actions.event_log import record_event
from accounts.actions.work_items import StaleVersion, open_work_item
from accounts.actions.work_ranks import apply_assumptions, change_assumption
from accounts.actions.work_sets import Need, open_work_items
from accounts.models import AccountEvent, AccountSnapshot, Segment, User, WorkAssumption, WorkItem
from accounts.queries.effort import Effort, over_budget
from accounts.queries.work import rows_of
from accounts.queries.work_filter import WorkFilter, days_of, reader_of
from tests.accounts.test_work_pages import _noon, enter, text_of  # noqa: F401 - the clock of these tests
from tests.accounts.work_builders import NOW, account, item

pytestmark = pytest.mark.django_db
MILLION = 1_000_000


def customer(name: str, owner: User, *, mrr: int, risk: str | None = None, health: int | None = None, segment: str = "") -> object:
    """`mrr` in whole units a month, `health` in points."""
    made = account(name, owner, segment=segment, health=health, band="watch" if health is not None else "")
    AccountSnapshot.objects.filter(account=made).update(mrr_micros=mrr * MILLION, churn_risk=Decimal(risk) if risk else None)
    return made


def opened(of: object, kind: str = "risk", reason: str = "r") -> WorkItem:
    made, _new = open_work_item(account_id=of.pk, type=kind, reason=reason, why={}, now=NOW, due_at=NOW)  # type: ignore[attr-defined]
    return made


def touch(of: object, who: User, minutes: int) -> None:
    record_event(account_id=of.pk, kind="touch.logged", occurred_at=NOW, origin="app", actor_id=who.pk, payload={"channel": "call", "minutes": minutes})  # type: ignore[attr-defined]


def test_an_hour_saves_yearly_revenue_times_risk_times_share_by_the_hours(cast: SimpleNamespace) -> None:
    # 1,000 a month is 12,000 a year; 40 % of it at risk; risk work saves a quarter in one hour
    by_model = customer("A", cast.elif_, mrr=1000, risk="0.4")
    assert opened(by_model).rank_micros == 1200 * MILLION
    # closing the loop: 15 % in 20 minutes, so three times as much an hour
    assert opened(by_model, "close_loop").rank_micros == 12_000 * 40 * 15 * 3 // 100 // 100 * MILLION
    # without a churn risk: how far health is from full; without either, or without revenue: nothing
    assert opened(customer("B", cast.elif_, mrr=1000, health=70)).rank_micros == 900 * MILLION
    assert opened(customer("C", cast.elif_, mrr=1000)).rank_micros == 0
    assert opened(customer("D", cast.elif_, mrr=0, risk="0.9")).rank_micros == 0


def test_the_rank_follows_the_snapshot_of_open_and_sleeping_work_alone(cast: SimpleNamespace) -> None:
    one, other = customer("A", cast.elif_, mrr=1000, risk="0.4"), customer("B", cast.elif_, mrr=500, risk="0.4")
    open_work_items(needs=[Need(account_id=one.pk, why={}), Need(account_id=other.pk, why={})], type="risk", reason="x", now=NOW, due_at=NOW)
    WorkItem.objects.create(account=one, type="risk", reason="asleep", status="snoozed", snoozed_until=NOW, due_at=NOW)
    WorkItem.objects.create(account=one, type="risk", reason="over", status="done", closed_at=NOW, due_at=NOW)
    AccountSnapshot.objects.filter(account=one).update(churn_risk=Decimal("0.2"), stake_micros=7)
    ranks = dict(WorkItem.objects.values_list("reason", "rank_micros").filter(account=one))
    assert ranks == {"x": 600 * MILLION, "asleep": 600 * MILLION, "over": 1200 * MILLION}
    assert WorkItem.objects.get(account=other).rank_micros == 600 * MILLION
    assert WorkItem.objects.get(account=one, reason="x").stake_micros == 7


def test_another_assumption_ranks_open_work_anew_by_the_next_sweep(cast: SimpleNamespace) -> None:
    made = opened(customer("A", cast.elif_, mrr=1000, risk="0.4"))
    apply_assumptions(now=NOW)
    change_assumption(type="risk", saves=Decimal("0.5"), minutes=30, actor=cast.ada, now=NOW)
    assert apply_assumptions(now=NOW) == 1
    made.refresh_from_db()
    assert made.rank_micros == 4800 * MILLION
    assert apply_assumptions(now=NOW) == 0
    for wrong in ({"saves": Decimal("1.5"), "minutes": 30}, {"saves": Decimal("0.5"), "minutes": 0}):
        with pytest.raises(ValidationError):
            change_assumption(type="risk", actor=cast.ada, now=NOW, **wrong)
    with pytest.raises(StaleVersion):
        change_assumption(type="risk", saves=Decimal("0.1"), minutes=30, actor=cast.ada, now=NOW, version=1)
    row = WorkAssumption.objects.get(type="risk")
    assert (row.saves, row.minutes, row.version) == (Decimal("0.5"), 30, 2)


def test_segments_over_their_budget_sink_inside_their_group_and_pages_go_on_there(cast: SimpleNamespace) -> None:
    vip, core = Segment.objects.get(key="vip"), Segment.objects.get(key="core")
    for number in range(60):
        item(account(f"V{number}", cast.elif_, segment="vip"), rank=1000 + number, reason=f"v{number}")
        item(account(f"C{number}", cast.elif_, segment="core"), rank=number, reason=f"c{number}")
    late = item(account("Late", cast.elif_, segment="vip"), rank=1, reason="late", due=NOW - dt.timedelta(days=3))
    over = over_budget([Effort("vip", "VIP", Decimal("0.4"), 300, vip.pk), Effort("core", "Core", Decimal("0.6"), 300, core.pk)])
    assert list(over) == [vip.pk]
    days = days_of(now=NOW, zone=dt.UTC, organisation_zone=dt.UTC)
    for reader, scope in ((reader_of(cast.elif_, now=NOW), "mine"), (reader_of(cast.ada, now=NOW), "all")):
        rows, after = rows_of(WorkFilter(scope=scope), reader, days, tuple(over))
        following, after = rows_of(WorkFilter(scope=scope, after=after), reader, days, tuple(over))
        last, end = rows_of(WorkFilter(scope=scope, after=after), reader, days, tuple(over))
        told = [row.name for row in (*rows, *following, *last)]
        assert told == ["Late", *(f"C{number}" for number in reversed(range(60))), *(f"V{number}" for number in reversed(range(60)))]
        assert (rows[0].item_id, rows[0].sunk, end) == (late.pk, 1, ())
    # less than five hours say nothing yet
    assert over_budget([Effort("vip", "VIP", Decimal("0.4"), 200, vip.pk)]) == {}


def test_the_row_says_why_it_stands_there_and_two_rows_can_be_compared(cast: SimpleNamespace) -> None:
    upper, lower = customer("Üst", cast.elif_, mrr=10_000, risk="0.4", segment="core"), customer("Alt", cast.elif_, mrr=1000, health=60, segment="vip")
    first, second = opened(upper), opened(lower)
    client = enter(cast.elif_)
    with CaptureQueriesContext(connection) as queries:
        page = text_of(client.get("/"))
    assert len(queries) == 7
    assert "An hour saves €12,000: €120,000 a year × 40% risk × 25% saved, in 1 h" in page
    told = text_of(client.get(f"/work/compare/?w={second.pk}.1&w={first.pk}.1"))
    assert "An hour on Üst is expected to save €12,000, one on Alt €1,200. Most of that is its yearly revenue." in told
    assert "40% (from health)" in told
    touch(upper, cast.elif_, 400)
    assert "Lower down: Core is over its hours this month" in text_of(client.get("/"))
    assert "Üst stands below because Core has used more of this month's hours than planned." in text_of(client.get(f"/work/compare/?w={first.pk}.1&w={second.pk}.1"))
    late = opened(lower, reason="late")
    WorkItem.objects.filter(pk=late.pk).update(due_at=NOW - dt.timedelta(days=9))
    assert "“Overdue” comes before “Today”" in text_of(client.get(f"/work/compare/?w={first.pk}.1&w={late.pk}.1"))


def test_items_of_another_book_are_not_compared_and_nobody_logged_out_reads_how(cast: SimpleNamespace) -> None:
    mine, theirs = opened(cast.boga), opened(cast.north)
    address = f"/work/compare/?w={mine.pk}.1&w={theirs.pk}.1"
    assert enter(cast.elif_).get(address).status_code == 404
    assert enter(cast.ada).get(address).status_code == 200
    for path in (address, "/work/ranking/"):
        assert Client().get(path)["Location"].startswith("/login/")
    assert enter(cast.ana).get("/work/ranking/").status_code == 404


def test_leads_change_the_assumptions_and_a_fault_stands_at_its_field(cast: SimpleNamespace) -> None:
    rows = {row.type: row for row in WorkAssumption.objects.all()}
    sent = {f"{kind}-{name}": value for kind, row in rows.items() for name, value in (("saves", int(row.saves * 100)), ("minutes", row.minutes), ("version", row.version))}
    client = enter(cast.mert)
    refused = client.post("/work/ranking/", {**sent, "risk-saves": "140", "renewal-saves": "10"})
    assert refused.status_code == 422
    assert "140" in refused.content.decode()
    assert "less than or equal to 100" in text_of(refused)
    assert not WorkAssumption.objects.filter(version__gt=1).exists()
    assert client.post("/work/ranking/", {**sent, "risk-saves": "40"}).status_code == 302
    assert (WorkAssumption.objects.get(type="risk").saves, WorkAssumption.objects.get(type="risk").changed_by) == (Decimal("0.4"), cast.mert)
    # who opened the form before sees what stands now; nothing is lost in silence
    stale = enter(cast.ada).post("/work/ranking/", {**sent, "risk-saves": "10", "activity-saves": "99"})
    assert stale.status_code == 409
    assert "now 40" in text_of(stale)
    assert WorkAssumption.objects.get(type="activity").saves == Decimal("0.05")
    assert enter(cast.elif_).post("/work/ranking/", sent).status_code == 403
    assert b'<button type="submit" class="btn primary"' not in enter(cast.elif_).get("/work/ranking/").content
    assert not AccountEvent.objects.exists()
