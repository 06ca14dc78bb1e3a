"""The sweep of segments: first match wins, overrides stand, history and events are one, and only what changed is looked at."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actions.contacts import change_contact
from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import record_event
from accounts.actions.segments import override_segments
from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.models import Account, AccountDirty, AccountEvent, AccountSnapshot, LifecycleStage, Segment, SegmentMembership
from accounts.queries.clock import database_now
from metrics.actions.recompute import recompute_marked
from metrics.actions.segment_sweeps import order_everybody, sweep_accounts, sweep_due, sweep_everybody, sweep_readers, work_off
from metrics.models import HealthModel, SegmentRange, SegmentSize
from metrics.segments.sizes import rebuild_sizes
from metrics.tasks import segments
from tests.metrics.health_facts import NOW, answer, run, stored, subscription

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


def of(account):
    return Account.objects.select_related("segment").get(pk=account.pk).segment


def key(account):
    segment = of(account)
    return segment.key if segment else ""


def sweep(at=NOW):
    return sweep_everybody(as_of=at, now=at)


def rule(name, json, **fields):
    Segment.objects.filter(key=name).update(rule=json, **fields)


def mrr(account, amount):
    AccountSnapshot.objects.filter(pk=account.pk).update(mrr_micros=amount * 1_000_000)


def history(account):
    rows = SegmentMembership.objects.filter(account=account).order_by("valid_from")
    return [(row.segment.key, row.valid_from, row.valid_to, row.is_override) for row in rows.select_related("segment")]


def told(account):
    events = AccountEvent.objects.filter(account=account, kind="segment.changed").order_by("occurred_at", "pk")
    return [(event.payload.get("segment_before", ""), event.payload.get("segment", ""), event.occurred_at) for event in events]


def override(account, segment, at, **rest):
    return override_segments(overrides=[(account.pk, Segment.objects.get(key=segment).pk if segment else None, at)], reason="override", now=rest.pop("now", at), **rest)


@pytest.fixture
def two(cast):
    """Boğaziçi pays 3,000 a month, Northgate 100."""
    mrr(cast.boga, 3000)
    mrr(cast.north, 100)
    return cast


# ── Which segment ────────────────────────────────────────────────────────────


def test_the_shipped_rules_place_by_revenue_potential_stage_and_risk(two):
    def made(name, amount, **fields):
        account = Account.objects.create(external_id=name, name=name, **fields)
        mrr(account, amount)
        return account

    middle = made("middle", 500)
    hidden = made("hidden", 40, revenue_potential=1500)
    leaving = made("leaving", 40, revenue_potential=9000, lifecycle_stage_id="cancelling")
    shaky = made("shaky", 40, revenue_potential=9000)
    AccountSnapshot.objects.filter(pk=shaky.pk).update(churn_risk="0.5")
    trial = made("trial", 0, lifecycle_stage_id="trial")
    gone = made("gone", 9000, churned_at=NOW - HOUR)
    sweep()
    assert [key(one) for one in (two.boga, two.north, middle, hidden, leaving, shaky, trial, gone)] == ["vip", "non_core", "core", "potential", "non_core", "non_core", "", ""]


def test_the_first_rule_in_order_wins_where_several_match(two):
    everybody = {"all": []}
    for name in ("vip", "core"):
        rule(name, everybody)
    sweep()
    assert {key(two.boga), key(two.north)} == {"vip"}
    Segment.objects.filter(key="core").update(position=1)
    sweep(NOW + HOUR)
    assert {key(two.boga), key(two.north)} == {"core"}


def test_who_no_rule_takes_leaves_without_a_next_one(two):
    sweep()
    Segment.objects.update(rule=None)
    assert sweep(NOW + HOUR) == 2
    assert key(two.boga) == ""
    assert history(two.boga) == [("vip", NOW, NOW + HOUR, False)]
    assert told(two.boga) == [("", "vip", NOW), ("vip", "", NOW + HOUR)]


def test_history_events_and_every_copy_agree_after_a_move(two):
    sweep()
    mrr(two.boga, 600)
    assert sweep(NOW + HOUR) == 1
    assert history(two.boga) == [("vip", NOW, NOW + HOUR, False), ("core", NOW + HOUR, None, False)]
    assert told(two.boga) == [("", "vip", NOW), ("vip", "core", NOW + HOUR)]
    event = AccountEvent.objects.filter(account=two.boga, kind="segment.changed").latest("pk")
    assert (event.payload["reason"], event.payload["override"], event.origin) == ("rule", False, "app")
    assert AccountSnapshot.objects.get(pk=two.boga.pk).segment_id == of(two.boga).pk


def test_a_second_sweep_changes_nothing_and_writes_nothing(two):
    sweep()
    was = list(SegmentMembership.objects.values()), AccountEvent.objects.count()
    assert sweep(NOW + HOUR) == 0
    assert (list(SegmentMembership.objects.values()), AccountEvent.objects.count()) == was


def test_a_rule_that_cannot_be_read_takes_nobody_in_and_puts_nobody_out(two):
    sweep()
    rule("vip", {"all": [{"field": "shoe_size", "op": "gte", "value": "40"}]})
    mrr(two.north, 9000)
    sweep(NOW + HOUR)
    assert (key(two.boga), key(two.north)) == ("vip", "core")


def test_a_rule_that_reads_segments_is_a_rule_that_cannot_be_read(two):
    rule("vip", {"all": [{"field": "segment", "op": "eq", "value": "core"}]})
    sweep()
    assert key(two.boga) == "core"


# ── Overrides ────────────────────────────────────────────────────────────────


def test_an_override_stands_against_the_rules_until_its_end_and_falls_back_there(two):
    override(two.north, "vip", NOW, until=NOW + 10 * HOUR)
    assert sweep(NOW + HOUR) == 1
    assert key(two.north) == "vip"
    # ended ten hours later, seen five later than that
    assert sweep(NOW + 15 * HOUR) == 1
    assert history(two.north) == [("vip", NOW, NOW + 10 * HOUR, True), ("non_core", NOW + 10 * HOUR, None, False)]
    assert told(two.north) == [("", "vip", NOW), ("vip", "non_core", NOW + 10 * HOUR)]


def test_an_ended_override_that_the_rules_agree_with_goes_on_as_a_rule_without_an_event(two):
    override(two.boga, "vip", NOW, until=NOW + HOUR)
    sweep(NOW + 2 * HOUR)
    assert history(two.boga) == [("vip", NOW, NOW + HOUR, True), ("vip", NOW + HOUR, None, False)]
    assert told(two.boga) == [("", "vip", NOW)]


def test_a_cleared_override_falls_back_and_one_of_an_import_stands(two):
    override(two.boga, "non_core", NOW)
    override_segments(overrides=[(two.north.pk, Segment.objects.get(key="core").pk, NOW)], reason="import", now=NOW, origin="import")
    sweep(NOW + HOUR)
    assert (key(two.boga), key(two.north)) == ("non_core", "core")
    override(two.boga, None, NOW + 2 * HOUR)
    sweep(NOW + 3 * HOUR)
    assert (key(two.boga), key(two.north)) == ("vip", "core")


def test_an_override_written_ahead_begins_by_itself_on_its_day(two):
    sweep()
    override(two.north, "vip", NOW + 5 * HOUR, now=NOW + HOUR)
    assert sweep(NOW + 2 * HOUR) == 0
    assert key(two.north) == "non_core"
    # the rules move it before that; what was planned stays planned
    mrr(two.north, 700)
    sweep(NOW + 3 * HOUR)
    assert key(two.north) == "core"
    assert sweep_due(now=NOW + 6 * HOUR, health_done=False, seconds=5) == 1
    assert history(two.north) == [
        ("non_core", NOW, NOW + 3 * HOUR, False), ("core", NOW + 3 * HOUR, NOW + 5 * HOUR, False), ("vip", NOW + 5 * HOUR, None, True),
    ]  # fmt: skip
    assert told(two.north)[-1] == ("core", "vip", NOW + 5 * HOUR)


# ── As of the past ───────────────────────────────────────────────────────────


def test_a_sweep_of_a_past_instant_leaves_newer_history_alone(two):
    later = NOW + 100 * HOUR
    sweep(later)
    mrr(two.boga, 600)
    assert sweep_everybody(as_of=NOW, now=later + HOUR) == 0
    assert history(two.boga) == [("vip", later, None, False)]
    assert not SegmentRange.objects.filter(ordered_at=NOW).exists()


# ── Proportional ─────────────────────────────────────────────────────────────


def test_a_marked_account_follows_its_health_and_only_that_one(two):
    now = database_now()
    subscription(two.north, start=now - dt.timedelta(days=30), amount=60_000)
    subscription(two.boga, start=now - dt.timedelta(days=30), amount=60_000)
    AccountDirty.objects.all().delete()
    mark_dirty([two.north.pk], reason="test")
    summary = recompute_marked(now=now)
    assert (summary.accounts, summary.segments_changed) == (1, 1)
    assert (key(two.north), key(two.boga)) == ("vip", "")
    assert not AccountDirty.objects.exists()


def test_marks_stay_when_the_sweep_after_health_dies(two, monkeypatch):
    mark_dirty([two.north.pk], reason="test")

    def dies(**_rest):
        raise KeyboardInterrupt

    monkeypatch.setattr("metrics.actions.recompute.sweep_accounts", dies)
    with pytest.raises(KeyboardInterrupt):
        recompute_marked(now=database_now())
    assert AccountDirty.objects.filter(account=two.north).exists()


def test_the_full_recompute_ends_in_a_sweep_and_keeps_sizes(cast):
    subscription(cast.boga, start=NOW - dt.timedelta(days=30), amount=36_000)
    answer(cast.boga, 7)
    assert run().segments_changed == 2
    assert (key(cast.boga), key(cast.north)) == ("vip", "non_core")
    kept = {size.segment.key if size.segment else "": (size.accounts, size.mrr_micros) for size in SegmentSize.objects.filter(day=NOW.date()).select_related("segment")}
    assert kept == {"vip": (1, 3_000_000_000), "core": (0, 0), "potential": (0, 0), "non_core": (1, 0), "": (0, 0)}


def test_sizes_of_the_day_are_replaced_and_leave_out_who_left_or_never_counted(two):
    sweep()
    Account.objects.filter(pk=two.boga.pk).update(excluded=True)
    sweep(NOW + HOUR)
    assert SegmentSize.objects.get(day=NOW.date(), segment__key="vip").accounts == 0
    assert SegmentSize.objects.filter(day=NOW.date()).count() == 5


def test_health_of_a_day_uses_who_was_where_when_it_began_and_segments_follow(cast):
    own = HealthModel.objects.create(key="vip", number=1, name="VIP", position=1, activated_at=NOW - dt.timedelta(days=9))
    own.components.create(position=1, source="last_nps", worst=0, best=10, weight=1)
    own.segments.set([Segment.objects.get(key="vip")])
    subscription(cast.boga, start=NOW - dt.timedelta(days=30), amount=36_000)
    answer(cast.boga, 7)
    run()
    assert key(cast.boga) == "vip"
    assert stored(cast.boga).model_id != own.pk
    tomorrow = NOW + dt.timedelta(days=1)
    run(as_of=tomorrow, now=tomorrow)
    assert stored(cast.boga, tomorrow.date()).model_id == own.pk


# ── Everybody, in ranges ─────────────────────────────────────────────────────


def test_a_changed_rule_takes_everybody_in_ranges_and_a_killed_sweep_goes_on(two, monkeypatch):
    monkeypatch.setattr("metrics.actions.segment_sweeps.RANGE_SIZE", 1)
    now = database_now()
    sweep_due(now=now, health_done=False, seconds=30)
    assert (key(two.boga), key(two.north)) == ("vip", "non_core")
    rule("vip", {"all": []})
    # no time at all: one range a turn
    for left in (1, 0):
        sweep_due(now=now + HOUR, health_done=False, seconds=0)
        assert SegmentRange.objects.filter(done_at__isnull=True).count() == left
    assert {key(two.boga), key(two.north)} == {"vip"}
    assert SegmentRange.objects.filter(reason="rules").count() == 2
    assert SegmentSize.objects.get(day=(now + HOUR).date(), segment__key="vip").accounts == 2


def test_who_moves_by_a_changed_rule_is_marked_since_more_hangs_on_the_segment(two):
    AccountDirty.objects.all().delete()
    now = database_now()
    sweep_due(now=now, health_done=False, seconds=30)
    AccountDirty.objects.all().delete()
    rule("core", {"all": [{"field": "mrr", "op": "gte", "value": "100"}]})
    sweep_due(now=now + HOUR, health_done=False, seconds=30)
    assert list(AccountDirty.objects.values_list("account_id", "reason")) == [(two.north.pk, "segment")]


def test_rules_that_change_while_everybody_is_gone_through_begin_anew(two, monkeypatch):
    monkeypatch.setattr("metrics.actions.segment_sweeps.RANGE_SIZE", 1)
    now = database_now()
    order_everybody(reason=SegmentRange.Reason.RULES, now=now)
    steps = work_off(now=now)
    next(steps)
    rule("vip", None)
    assert list(steps) == []
    sweep_due(now=now + HOUR, health_done=False, seconds=30)
    assert not SegmentRange.objects.filter(done_at__isnull=True).exists()
    assert (key(two.boga), key(two.north)) == ("core", "non_core")


def test_a_day_is_swept_once_after_its_health(two):
    now = database_now()
    sweep_due(now=now, health_done=True, seconds=30)
    tomorrow = now + dt.timedelta(days=1)
    sweep_due(now=tomorrow, health_done=False, seconds=30)
    assert SegmentRange.objects.get().day == now.date()
    sweep_due(now=tomorrow, health_done=True, seconds=30)
    assert (SegmentRange.objects.get().day, SegmentRange.objects.get().reason) == (tomorrow.date(), "daily")


def test_a_turn_with_nothing_to_do_asks_a_few_small_questions(two):
    assert segments() == 2
    with CaptureQueriesContext(connection) as asked:
        assert segments() == 0
    # the clock, whether health is done, who turned, the latest order, the rules, what is left to do
    assert len([query for query in asked if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]) <= 8


def test_a_changed_churn_risk_moves_where_a_rule_asks_about_it(two):
    Account.objects.filter(pk=two.north.pk).update(revenue_potential=2000, currency="EUR")
    sweep()
    assert key(two.north) == "potential"
    AccountSnapshot.objects.update(churn_risk="0.9")
    assert sweep_readers(field="churn_risk", account_ids=[two.north.pk, two.boga.pk], now=NOW + HOUR) == 1
    assert key(two.north) == "non_core"
    AccountSnapshot.objects.update(churn_risk="0.1")
    rule("potential", {"all": [{"field": "revenue_potential", "op": "gte", "value": "1500"}]})
    assert sweep_readers(field="churn_risk", account_ids=[two.north.pk], now=NOW + 2 * HOUR) == 0


def test_who_is_at_an_account_can_place_it(two):
    rule("vip", {"all": [{"contacts": "any", "where": {"all": [{"field": "job_title", "op": "contains", "value": "chief"}]}}]})
    sweep()
    AccountDirty.objects.all().delete()
    change_contact(contact_id=two.harry.pk, fields={"job_title": "Chief of freight"}, actor=None, now=NOW)
    assert list(AccountDirty.objects.values_list("account_id", flat=True)) == [two.north.pk]
    recompute_marked(now=database_now())
    assert key(two.north) == "vip"
    change_contact(contact_id=two.harry.pk, fields={"name": "Harriet"}, actor=None, now=NOW)
    assert not AccountDirty.objects.exists()


def test_listed_accounts_are_swept_alone(two):
    assert sweep_accounts(account_ids=[two.boga.pk], as_of=NOW, now=NOW) == 1
    assert (key(two.boga), key(two.north)) == ("vip", "")


# ── Sizes of the past, and two at once ───────────────────────────────────────


def test_sizes_of_a_day_that_is_over_come_from_history_and_the_ledger(cast):
    subscription(cast.boga, start=NOW - dt.timedelta(days=30), amount=36_000)
    rebuild_ledger(account_ids=[cast.boga.pk])
    override(cast.boga, "vip", NOW - dt.timedelta(days=20))
    Account.objects.update(signed_up_at=NOW - dt.timedelta(days=90))
    for back in (25, 10):
        rebuild_sizes(day=(NOW - dt.timedelta(days=back)).date())
    kept = [(row.segment and row.segment.key, row.accounts, row.mrr_micros) for row in SegmentSize.objects.order_by("day", "segment__position").select_related("segment")]
    assert kept == [(None, 2, 3_000_000_000), ("vip", 1, 3_000_000_000), (None, 1, 0)]


@pytest.mark.django_db(transaction=True)
def test_an_override_that_is_being_set_while_the_sweep_looks_is_not_swept_away(cast):
    mrr(cast.boga, 3000)
    done = threading.Event()

    def sweeping():
        try:
            sweep_accounts(account_ids=[cast.boga.pk], as_of=NOW + HOUR, now=NOW + HOUR)
        finally:
            done.set()
            connection.close()

    with transaction.atomic():
        override(cast.boga, "core", NOW)
        thread = threading.Thread(target=sweeping)
        thread.start()
        # the sweep has seen an account that belongs elsewhere and waits for its lock
        assert not done.wait(1)
    thread.join(20)
    assert key(cast.boga) == "core"
    assert history(cast.boga) == [("core", NOW, None, True)]


def test_an_event_brings_an_account_in_and_the_day_takes_it_out(two):
    asked = {"all": [{"event": {"kind": "note.added", "days": 7}, "op": "happened"}]}
    Segment.objects.update(rule=None)
    rule("vip", asked)
    LifecycleStage.objects.filter(key="adoption").update(start_rule=asked, end_rule=None)
    sweep()
    recompute_marked(now=NOW)
    assert (key(two.boga), key(two.north)) == ("", "")
    record_event(account_id=two.boga.pk, kind="note.added", occurred_at=NOW + HOUR, origin="app")
    recompute_marked(now=NOW + HOUR)
    assert (key(two.boga), key(two.north)) == ("vip", "")
    assert list(Account.objects.filter(lifecycle_stage="adoption").values_list("pk", flat=True)) == [two.boga.pk]
    sweep(NOW + dt.timedelta(days=7))
    assert key(two.boga) == "vip"
    sweep_due(now=NOW + dt.timedelta(days=8), health_done=True, seconds=5)
    assert key(two.boga) == ""
