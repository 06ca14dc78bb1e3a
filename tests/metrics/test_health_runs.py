"""Runs of the recompute: dirty marks, killed and repeated runs, the command, history, versions of models."""

import datetime as dt
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import record_event
from accounts.models import Account, AccountDirty, AccountSnapshot
from accounts.queries.clock import database_now
from metrics.actions import recompute as engine
from metrics.actions.health_models import new_version, rule_of
from metrics.actions.recompute import recompute_all, recompute_marked
from metrics.models import HealthModel, HealthRun, HealthScore
from metrics.queries import health_history
from metrics.tasks import nightly, recompute_dirty
from tests.metrics.health_facts import DAY, NOW, answer, days, run, stored, ticket

pytestmark = pytest.mark.django_db


# ── Marks ────────────────────────────────────────────────────────────────────


def test_marked_accounts_are_scored_and_their_marks_go(facts):
    AccountDirty.objects.all().delete()
    mark_dirty([facts.north.pk], reason="test")
    now = database_now()
    assert recompute_marked(now=now).accounts == 1
    assert AccountSnapshot.objects.get(pk=facts.north.pk).scored_on == now.date()
    assert AccountSnapshot.objects.get(pk=facts.boga.pk).scored_on is None
    assert not AccountDirty.objects.exists()


def test_a_mark_set_while_the_recompute_runs_survives(facts, monkeypatch):
    mark_dirty([facts.boga.pk, facts.north.pk], reason="test")
    original = engine._run

    def meanwhile(*args, **rest):
        result = original(*args, **rest)
        mark_dirty([facts.boga.pk], reason="again")
        return result

    monkeypatch.setattr(engine, "_run", meanwhile)
    recompute_marked(now=database_now())
    assert list(AccountDirty.objects.values_list("account_id", "reason")) == [(facts.boga.pk, "again")]


def test_an_event_leads_to_a_new_score_with_the_next_tick(cast):
    now = database_now()
    ticket(cast.boga, opened=now - days(1), severity=4)
    record_event(account_id=cast.boga.pk, kind="ticket.opened", occurred_at=now, origin="app", payload={"ticket": 1})
    assert recompute_dirty() == 1
    # severe 66.67 of 15, payments 100 of 10
    assert AccountSnapshot.objects.get(pk=cast.boga.pk).health == 8000


# ── The ledger of full runs ──────────────────────────────────────────────────


@pytest.fixture
def many(cast, monkeypatch):
    """Ranges of two accounts."""
    monkeypatch.setattr(engine, "RANGE_AT_LEAST", 2)
    accounts = [Account.objects.create(external_id=f"m{n}", name=f"M {n}") for n in range(8)]
    for account in accounts:
        answer(account, 7)
    return accounts


def test_a_killed_run_goes_on_where_it_stopped_for_the_same_instant(many, monkeypatch):
    original, calls = engine._run, []

    def dies_in_the_third(*args, **rest):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **rest)

    monkeypatch.setattr(engine, "_run", dies_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert HealthRun.objects.filter(done_at__isnull=False).count() == 2
    monkeypatch.setattr(engine, "_run", original)
    later = NOW + dt.timedelta(hours=1)
    rest = recompute_all(as_of=later, now=later, go_on=True)
    assert rest.as_of == NOW
    assert rest.ranges == HealthRun.objects.count() - 2
    assert HealthScore.objects.filter(computed_at=NOW).count() == 8
    assert not HealthRun.objects.filter(done_at__isnull=True).exists()


@pytest.fixture
def emptied(transactional_db):
    """Partitioned tables are not managed by Django, so a transactional test empties them itself."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE metrics_healthscore, accounts_usageday")


@pytest.mark.django_db(transaction=True)
def test_two_connections_do_every_range_once(emptied, many):
    summary = run(workers=2)
    assert summary.scored == 8
    assert summary.ranges == HealthRun.objects.filter(done_at__isnull=False).count() > 1
    assert HealthScore.objects.count() == 8


def test_the_nightly_run_is_done_once_a_day(many):
    assert nightly() == 8
    assert nightly() == 0


def test_a_new_run_of_the_day_gives_up_what_was_left_of_the_old_one(many):
    HealthRun.objects.create(day=DAY, low=1, high=2, as_of=NOW - days(1), model_digest="old", started_at=NOW)
    run()
    assert not HealthRun.objects.filter(model_digest="old").exists()


# ── The command ──────────────────────────────────────────────────────────────


def command(*arguments):
    out = io.StringIO()
    call_command("recompute", *arguments, stdout=out)
    return json.loads(out.getvalue())


def test_the_command_answers_with_json_and_takes_external_ids_and_numbers(facts):
    answered = command("--as-of", "2026-03-02T12:00:00+00:00", "--account", "boga", str(facts.north.pk))
    assert (answered["accounts"], answered["scored"], answered["day"]) == (2, 2, "2026-03-02")
    assert stored(facts.boga).raws[1] == 4.0


def test_a_day_means_its_midnight_so_the_score_is_for_the_day_before(facts):
    assert command("--as-of", "2026-03-02")["day"] == "2026-03-01"


@pytest.mark.parametrize("arguments", [["--account", "nobody"], ["--as-of", "soon"], ["--as-of", "2026-13-01"]])
def test_wrong_usage_ends_with_two_and_changes_nothing(facts, arguments):
    with pytest.raises(CommandError) as refused:
        command(*arguments)
    assert refused.value.returncode == 2
    assert not HealthScore.objects.exists()


# ── Reading ──────────────────────────────────────────────────────────────────


def test_the_history_has_the_last_score_of_each_week_oldest_first(facts, django_assert_num_queries):
    for back in (0, 6, 7, 20):
        run(as_of=NOW - days(back), now=NOW - days(back))
    with django_assert_num_queries(1):
        found = health_history([facts.boga.pk, facts.north.pk], days=28, until=DAY)
    assert health_history([]) == {}
    assert found[facts.boga.pk] == [None, stored(facts.boga, DAY - days(20)).score, stored(facts.boga, DAY - days(7)).score, stored(facts.boga).score]
    with django_assert_num_queries(1):
        newest = health_history([facts.boga.pk])
    assert newest[facts.boga.pk][-1] == stored(facts.boga).score
    assert len(newest[facts.boga.pk]) == 18


def test_a_new_version_is_a_copy_that_does_not_score_yet(db):
    shipped = HealthModel.objects.get(key="standard")
    copy = new_version(model=shipped)
    assert (copy.number, copy.activated_at) == (2, None)
    assert rule_of(copy) == rule_of(shipped)
