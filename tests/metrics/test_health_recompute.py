"""Recomputing: the left limit, frozen days, what is read and what is not, events and work."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account, AccountEvent, AccountSnapshot, ExchangeRate, Segment, SegmentMembership, WorkItem
from metrics.actions.health_models import rule_of
from metrics.actions.recompute import recompute_accounts, recompute_all
from metrics.models import HealthComponent, HealthModel, HealthScore
from metrics.scoring import score
from tests.metrics.health_facts import DAY, NOW, answer, days, failed_payment, moved, run, stored, subscription, ticket, usage

pytestmark = pytest.mark.django_db


def raws(account, day=DAY):
    row = stored(account, day)
    parts = HealthModel.objects.get(pk=row.model_id).components.order_by("position").values_list("source", flat=True)
    return dict(zip(parts, row.raws, strict=True))


def test_every_input_is_read_and_the_score_is_the_sum_of_its_parts(facts):
    summary = run()
    assert raws(facts.boga) == {"usage_trend": -0.2, "last_nps": 4.0, "csat_90d": 3.5, "severe_tickets": 1.0, "days_to_renewal": 30.0, "failed_payments": 1.0}
    row = stored(facts.boga)
    # (30 x 50 + 20 x 40 + 15 x 62.5 + 15 x 66.67 + 10 x 33.33 + 10 x 50) / 100
    assert row.score == 5071
    assert sum(row.contributions) == 5071
    assert (row.band, row.confidence) == ("watch", 100)
    assert (summary.accounts, summary.scored, summary.written) == (2, 2, 2)


def test_the_snapshot_shows_the_same_facts(facts):
    run()
    seen = AccountSnapshot.objects.get(pk=facts.boga.pk)
    assert (seen.health, seen.band, seen.confidence, seen.scored_on) == (5071, "watch", 100, DAY)
    assert (seen.mrr_micros, seen.nps, seen.csat_mean, seen.csat_count) == (100_000_000, 4, Decimal("3.50"), 2)
    assert (seen.open_tickets, seen.severe_tickets, seen.failed_payments, seen.usage_trend) == (2, 1, 1, Decimal("-0.2000"))
    assert (seen.last_seen_on, seen.renews_on) == (DAY - days(1), dt.date(2026, 4, 1))
    # 1,200 a year x (100 - 50.71) / 100
    assert seen.stake_micros == 591_480_000
    assert seen.why == {"key": "usage_trend", "values": {"percent": 20}}


def test_replaying_the_stored_inputs_gives_the_stored_score(facts):
    run()
    for row in HealthScore.objects.all():
        again = score(rule_of(HealthModel.objects.get(pk=row.model_id)), row.raws)
        assert (again.score, again.band, again.confidence, list(again.contributions)) == (row.score, row.band, row.confidence, row.contributions)


def test_an_account_without_any_data_gets_no_score_but_a_reason(cast):
    run()
    assert not HealthScore.objects.exists()
    seen = AccountSnapshot.objects.get(pk=cast.boga.pk)
    assert (seen.health, seen.band, seen.why["key"], seen.stake_micros) == (None, "", "no_data", 0)


def test_a_policy_of_zero_scores_an_account_without_data(cast):
    HealthComponent.objects.filter(source="last_nps").update(missing="zero")
    run()
    # the two counts of nothing earn 25, the missing answer 0, over 45
    assert stored(cast.boga).score == 5556


def test_a_ticket_that_was_solved_long_ago_is_reason_enough_for_the_counts(cast):
    ticket(cast.boga, opened=NOW - days(400), status="solved", solved_at=NOW - days(399))
    run()
    assert (stored(cast.boga).score, stored(cast.boga).confidence) == (10000, 25)


def test_excluded_and_churned_accounts_are_absent_everywhere(facts):
    run()
    Account.objects.filter(pk=facts.boga.pk).update(excluded=True)
    Account.objects.filter(pk=facts.north.pk).update(churned_at=NOW - days(1))
    later = NOW + dt.timedelta(hours=1)
    summary = run(as_of=later, now=later)
    assert summary.scored == 0
    assert not HealthScore.objects.exists()
    assert list(AccountSnapshot.objects.order_by("pk").values_list("health", "band", "stake_micros")) == [(None, "", 0), (None, "", 0)]
    assert AccountSnapshot.objects.get(pk=facts.north.pk).why["key"] == "churned"
    # segments follow and tell of themselves
    assert set(AccountEvent.objects.values_list("kind", flat=True)) <= {"segment.changed"}


def test_an_answer_at_the_very_instant_has_not_been_given_yet(cast):
    answer(cast.boga, 9, at=NOW - dt.timedelta(microseconds=1))
    answer(cast.boga, 1, at=NOW)
    run()
    assert raws(cast.boga)["last_nps"] == 9.0


def test_midnight_belongs_to_the_day_that_ends_there(cast, settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    answer(cast.boga, 9)
    midnight = dt.datetime(2026, 3, 1, 21, tzinfo=dt.UTC)
    assert run(as_of=midnight).day == dt.date(2026, 3, 1)
    assert run(as_of=midnight + dt.timedelta(microseconds=1)).day == dt.date(2026, 3, 2)


@pytest.mark.parametrize("fields", [{"is_suspect": True}, {"respondent": "other"}, {"test": True}, {"scale": (1, 10)}, {"kind": "ces", "scale": (1, 7)}])
def test_answers_that_do_not_count_are_not_read(cast, fields):
    answer(cast.boga, 8, at=NOW - days(9))
    answer(cast.boga, 3, **fields)
    run()
    assert raws(cast.boga)["last_nps"] == 8.0


def test_a_score_outside_its_scale_is_not_read(cast):
    answer(cast.boga, 8, at=NOW - days(9))
    answer(cast.boga, 11)
    run()
    assert raws(cast.boga)["last_nps"] == 8.0


def test_a_stale_answer_counts_as_missing_and_stays_visible(cast):
    answer(cast.boga, 2, at=NOW - days(365) - dt.timedelta(seconds=1))
    answer(cast.boga, 5, kind="csat")
    run()
    assert raws(cast.boga)["last_nps"] is None
    assert AccountSnapshot.objects.get(pk=cast.boga.pk).nps == 2
    answer(cast.north, 2, at=NOW - days(365))
    run()
    assert raws(cast.north)["last_nps"] == 2.0


def test_satisfaction_on_another_scale_is_brought_to_one_to_five(cast):
    answer(cast.boga, 7, kind="csat", scale=(1, 7))
    answer(cast.boga, 1, kind="csat", scale=(1, 3), direction="low_good")
    answer(cast.north, 2, kind="csat", scale=(1, 3))
    run()
    assert raws(cast.boga)["csat_90d"] == 5.0
    assert raws(cast.north)["csat_90d"] == 3.0


def test_the_usage_window_is_complete_days_and_null_without_an_earlier_half(cast):
    usage(cast.boga, before=0, after=10)
    answer(cast.boga, 8)
    usage(cast.north, before=10, after=0)
    run()
    assert raws(cast.boga)["usage_trend"] is None
    assert raws(cast.north)["usage_trend"] == -1.0


def test_a_ticket_reopened_later_does_not_change_an_earlier_day(cast):
    solved = ticket(cast.boga, opened=NOW - days(20), status="solved", solved_at=NOW - days(15))
    moved(solved, NOW - days(15), "open", "solved")
    then = NOW - days(10)
    run(as_of=then)
    before = stored(cast.boga, then.date()).raws
    solved.status, solved.solved_at, solved.reopened_at = "open", None, NOW - days(5)
    solved.save()
    moved(solved, NOW - days(5), "solved", "open")
    again = recompute_all(as_of=then, now=NOW)
    assert again.restatements == []
    assert stored(cast.boga, then.date()).raws == before
    run()
    assert raws(cast.boga)["severe_tickets"] == 1.0


def test_a_ticket_solved_since_was_open_then_with_its_severity_of_then(cast):
    solved = ticket(cast.boga, opened=NOW - days(20), status="solved", solved_at=NOW - days(5), severity=4)
    solved.changes.create(kind="severity", occurred_at=NOW - days(8), value_before="2", value="4")
    run(as_of=NOW - days(5))
    run(as_of=NOW - days(9))
    assert raws(cast.boga, DAY - days(5))["severe_tickets"] == 1.0
    assert raws(cast.boga, DAY - days(9))["severe_tickets"] == 0.0
    run()
    assert raws(cast.boga)["severe_tickets"] == 0.0


@pytest.mark.parametrize("fields", [{"spam": True}, {"test": True}, {"deleted_at": NOW}, {"status": "solved", "solved_at": NOW - days(1)}, {"severity": 2}, {"severity": None}])
def test_tickets_that_do_not_count_are_not_severe(cast, fields):
    answer(cast.boga, 8)
    ticket(cast.boga, opened=NOW - days(3), **fields)
    run()
    assert raws(cast.boga)["severe_tickets"] == 0.0


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"start": dt.datetime(2024, 5, 10, tzinfo=dt.UTC)}, dt.date(2026, 5, 10)),
        ({"start": dt.datetime(2025, 3, 2, tzinfo=dt.UTC)}, dt.date(2026, 3, 2)),
        ({"start": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}, dt.date(2027, 3, 1)),
        ({"start": dt.datetime(2025, 12, 31, tzinfo=dt.UTC), "interval": "quarter"}, dt.date(2026, 3, 31)),
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "interval": "month"}, None),
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "interval": "month", "interval_count": 6}, dt.date(2026, 6, 5)),
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "end": dt.datetime(2026, 4, 20, tzinfo=dt.UTC), "cancelled_at": NOW - days(1)}, dt.date(2026, 4, 20)),
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "end": dt.datetime(2099, 4, 20, tzinfo=dt.UTC)}, dt.date(2099, 4, 20)),
        # notice that is given later is not known yet
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "end": dt.datetime(2026, 4, 20, tzinfo=dt.UTC), "cancelled_at": NOW + days(1)}, dt.date(2026, 6, 5)),
        ({"start": dt.datetime(2025, 6, 5, tzinfo=dt.UTC), "status": "paused", "paused_from": NOW - days(5)}, None),
    ],
)
def test_the_next_renewal_is_a_planned_end_or_the_next_turn_of_the_term(cast, terms, expected):
    subscription(cast.boga, **terms)
    run()
    assert AccountSnapshot.objects.get(pk=cast.boga.pk).renews_on == expected


def test_revenue_is_shown_in_the_reporting_currency_at_the_last_rate_before(cast):
    ExchangeRate.objects.create(currency="GBP", day=DAY - days(3), rate=Decimal("1.2"))
    ExchangeRate.objects.create(currency="GBP", day=DAY, rate=Decimal(9))
    subscription(cast.north, start=NOW - days(40), amount=100, interval="month", currency="GBP")
    subscription(cast.north, start=NOW - days(40), amount=50, interval="month", currency="EUR")
    subscription(cast.north, start=NOW, amount=7, interval="month", currency="EUR")
    run()
    assert AccountSnapshot.objects.get(pk=cast.north.pk).mrr_micros == 170_000_000


def test_the_first_model_whose_segment_fits_scores_the_account_by_its_segment_at_the_start_of_the_day(facts):
    vip = Segment.objects.get(key="vip")
    special = HealthModel.objects.create(key="vip", name="VIP", position=1, activated_at=NOW - days(90))
    special.segments.add(vip)
    HealthComponent.objects.create(model=special, position=1, source="last_nps", worst=0, best=5, weight=1)
    SegmentMembership.objects.create(account=facts.boga, segment=vip, valid_from=NOW - days(3))
    SegmentMembership.objects.create(account=facts.north, segment=vip, valid_from=NOW - dt.timedelta(hours=1))
    run()
    assert (stored(facts.boga).model_id, stored(facts.boga).raws, stored(facts.boga).score) == (special.pk, [4.0], 8000)
    assert HealthModel.objects.get(pk=stored(facts.north).model_id).key == "standard"


def test_accounts_that_no_model_is_for_have_no_score_but_true_facts(facts):
    HealthModel.objects.get(key="standard").segments.add(Segment.objects.get(key="vip"))
    run()
    assert not HealthScore.objects.exists()
    assert AccountSnapshot.objects.get(pk=facts.boga.pk).mrr_micros == 100_000_000


def test_todays_row_is_replaced_and_a_day_that_is_over_is_frozen(facts):
    run()
    answer(facts.boga, 10, at=NOW - dt.timedelta(minutes=5))
    later = NOW + dt.timedelta(minutes=1)
    run(as_of=later, now=later)
    assert stored(facts.boga).score == 6271
    # the next day, a late fact of yesterday is found
    tomorrow = NOW + days(1)
    answer(facts.boga, 0, at=NOW - dt.timedelta(minutes=1))
    summary = recompute_all(as_of=later, now=tomorrow)
    assert stored(facts.boga).score == 6271
    assert summary.written == 0
    assert summary.restatements == [{"account": facts.boga.pk, "day": "2026-03-02", "stored": 6271, "recomputed": 4271, "cause": "late_data"}]


def test_a_snapshot_never_goes_back_to_an_earlier_day(facts):
    run()
    run(as_of=NOW - days(3))
    assert stored(facts.boga, DAY - days(3)) is not None
    assert AccountSnapshot.objects.get(pk=facts.boga.pk).scored_on == DAY


def test_listed_accounts_get_what_a_full_run_gives_them(facts):
    def everything():
        rows = list(HealthScore.objects.order_by("account_id").values_list("account_id", "day", "model_id", "score", "band", "confidence", "raws", "contributions"))
        return rows, list(AccountSnapshot.objects.order_by("pk").values())

    run()
    full = everything()
    HealthScore.objects.all()._raw_delete("default")
    AccountSnapshot.objects.update(health=None, band="", scored_on=None, why={}, mrr_micros=0, stake_micros=0, nps=None, usage_trend=None, last_seen_on=None)
    recompute_accounts(account_ids=[facts.north.pk, facts.boga.pk], as_of=NOW, now=NOW)
    assert everything() == full


def test_a_use_before_the_windows_is_still_the_last_one_seen(cast):
    usage(cast.boga, before=5, after=5, now=NOW - days(100))
    run()
    assert AccountSnapshot.objects.get(pk=cast.boga.pk).last_seen_on == DAY - days(101)


def test_a_change_of_band_is_told_once_and_a_fall_opens_work_once(facts):
    run()
    # the first score is no change; segments tell of themselves
    assert not AccountEvent.objects.exclude(kind="segment.changed").exists()
    for hour, nps in ((1, 0), (2, 0)):
        later = NOW + dt.timedelta(hours=hour)
        answer(facts.boga, nps, at=later - dt.timedelta(minutes=1))
        ticket(facts.boga, opened=NOW, severity=4)
        recompute_accounts(account_ids=[facts.boga.pk], as_of=later, now=later)
    event = AccountEvent.objects.get(kind="health.band_changed")
    assert event.payload == {
        "band": "at_risk", "score": 3771, "band_before": "watch", "score_before": 5071, "model": HealthModel.objects.get().pk, "day": "2026-03-02", "causes": [],
    }  # fmt: skip
    assert (event.occurred_at, event.origin) == (NOW + dt.timedelta(hours=1), "app")
    item = WorkItem.objects.get(account=facts.boga)
    assert (item.type, item.reason, item.status, item.owner_id, item.priority) == ("risk", "health", "open", facts.elif_.pk, 1)
    assert item.stake_micros == AccountSnapshot.objects.get(pk=facts.boga.pk).stake_micros
    assert AccountEvent.objects.filter(kind="work.opened").count() == 1


def test_the_event_names_what_moved_the_score_since_the_day_before(facts):
    run(as_of=NOW - days(1))
    answer(facts.boga, 0, at=NOW - dt.timedelta(hours=1))
    failed_payment(facts.boga, at=NOW - dt.timedelta(hours=1))
    run()
    event = AccountEvent.objects.get(kind="health.band_changed")
    assert event.payload["causes"][:2] == ["last_nps", "failed_payments"]


def test_the_stake_of_open_work_follows_the_account(facts):
    WorkItem.objects.create(account=facts.boga, type="renewal", reason="r", due_at=NOW, stake_micros=1)
    done = WorkItem.objects.create(account=facts.boga, type="renewal", reason="s", due_at=NOW, stake_micros=1, status="done", closed_at=NOW)
    run()
    assert WorkItem.objects.get(reason="r").stake_micros == 591_480_000
    done.refresh_from_db()
    assert done.stake_micros == 1


def test_the_score_28_days_before_is_kept_beside_the_present_one(facts):
    answer(facts.boga, 9, at=NOW - days(40))
    run(as_of=NOW - days(28))
    then = stored(facts.boga, DAY - days(28)).score
    run()
    assert AccountSnapshot.objects.get(pk=facts.boga.pk).health_before == then


def test_months_are_made_when_they_are_needed(facts):
    past = dt.datetime(2021, 7, 31, 23, 59, tzinfo=dt.UTC)
    answer(facts.boga, 6, at=past - days(1))
    run(as_of=past)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('metrics_healthscore_202107') IS NOT NULL, to_regclass('metrics_healthscore_202108') IS NOT NULL")
        assert cursor.fetchone() == (True, True)
    assert stored(facts.boga, dt.date(2021, 7, 31)).raws[1] == 6.0


def test_without_an_active_model_nothing_happens_and_the_command_says_so(facts):
    HealthModel.objects.update(retired_at=NOW - days(900))
    with pytest.raises(CommandError, match="No health model is active"):
        call_command("recompute")
    assert not HealthScore.objects.exists()
