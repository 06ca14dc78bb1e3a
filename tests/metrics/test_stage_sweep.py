"""Moves by rule, what people did standing against them, standings, and the history of stays through every door."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actions.customers import change_account, create_account
from accounts.actions.stages import let_rules_decide
from accounts.importing.faults import UndoRefused
from accounts.importing.undo import undo_batch
from accounts.models import Account, AccountDirty, AccountEvent, AccountSnapshot, Heartbeat, LifecycleStage, StageStay
from accounts.models.events import Origin
from config.imports import DERIVED, KINDS, load_rows
from metrics.actions.recompute import recompute_marked
from metrics.actions.stage_sweeps import PART, sweep_due, sweep_everybody, sweep_stages, sweep_turned

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def rule(field, op, value=None):
    return {"all": [{"field": field, "op": op} | ({} if value is None else {"value": value})]}


def plan_is(*plans):
    return rule("plan", "in", list(plans))


@pytest.fixture
def way(cast):
    """Onboarding from plan Pro, adoption from plan Max, churned when left; onboarding ends with plan Old and leads to established."""
    LifecycleStage.objects.update(goals=[], expected_days=None)
    change = LifecycleStage.objects.filter
    goals = [{"key": "named", "name": "Industry known", "rule": rule("industry", "is_not_empty")}, {"key": "landed", "name": "Country is DE", "rule": rule("country", "eq", "DE")}]
    change(key="onboarding").update(start_rule=plan_is("pro"), end_rule=plan_is("old"), next_stage="established", expected_days=10, goals=goals)
    change(key="adoption").update(start_rule=plan_is("max"))
    change(key="churned").update(start_rule=rule("churned", "eq", True), end_rule=rule("churned", "eq", False), is_leaving=True)
    return cast


def stage_of(account):
    return Account.objects.get(pk=account.pk).lifecycle_stage_id


def stays(account):
    return [
        (row.stage_id, row.valid_from, row.valid_to, row.left_for_id, row.reason)
        for row in StageStay.objects.filter(account=account).order_by("valid_from", "id")
    ]  # fmt: skip


def put(account, now=NOW, **fields):
    return change_account(account_id=account.pk, fields=fields, actor=None, now=now)


def test_a_rule_that_holds_brings_the_account_forward_with_history_and_event(way):
    put(way.boga, plan="Pro")
    done = sweep_stages(account_ids=[way.boga.pk, way.north.pk], now=NOW + DAY)
    assert (done.looked_at, done.moved) == (2, 1)
    assert (stage_of(way.boga), stage_of(way.north)) == ("onboarding", None)
    put(way.boga, plan="Max", now=NOW + 2 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 3 * DAY)
    assert stays(way.boga) == [("onboarding", NOW + DAY, NOW + 3 * DAY, "adoption", "rule"), ("adoption", NOW + 3 * DAY, None, None, "rule")]
    told = AccountEvent.objects.filter(account=way.boga, kind="stage.changed").order_by("occurred_at")
    assert [event.payload for event in told] == [
        {"stage": "onboarding", "stage_before": None, "reason": "rule"},
        {"stage": "adoption", "stage_before": "onboarding", "reason": "rule"},
    ]
    put(way.boga, plan="Pro", now=NOW + 4 * DAY)
    assert sweep_stages(account_ids=[way.boga.pk], now=NOW + 4 * DAY).moved == 0


def test_a_stage_that_ends_leads_on_and_one_that_was_left_for_good_lets_back_in(way):
    put(way.boga, plan="Pro")
    sweep_stages(account_ids=[way.boga.pk], now=NOW)
    put(way.boga, plan="Old", now=NOW + DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + DAY)
    assert stage_of(way.boga) == "established"
    put(way.boga, churned_at=NOW + DAY, plan="Max", now=NOW + 2 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 2 * DAY)
    assert stage_of(way.boga) == "churned"
    put(way.boga, churned_at=None, now=NOW + 3 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 3 * DAY)
    assert stage_of(way.boga) == "adoption"


def test_what_a_person_chose_stands_until_a_rule_holds_anew(way):
    put(way.boga, plan="Max")
    sweep_stages(account_ids=[way.boga.pk], now=NOW)
    put(way.boga, lifecycle_stage=LifecycleStage.objects.get(key="trial"), now=NOW + DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + DAY)
    assert stage_of(way.boga) == "trial"
    assert StageStay.objects.get(account=way.boga, valid_to__isnull=True).held == ["adoption"]
    put(way.boga, plan="Basic", now=NOW + 2 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 2 * DAY)
    put(way.boga, plan="Max", now=NOW + 3 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 3 * DAY)
    assert stage_of(way.boga) == "adoption"


def test_rules_decide_again_when_somebody_lets_them(way):
    put(way.boga, plan="Max", lifecycle_stage=LifecycleStage.objects.get(key="trial"))
    sweep_stages(account_ids=[way.boga.pk], now=NOW)
    assert stage_of(way.boga) == "trial"
    assert let_rules_decide(account=way.boga)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + DAY)
    assert stage_of(way.boga) == "adoption"


def test_standings_follow_goals_and_time_by_itself(way):
    put(way.boga, plan="Pro", country="TR")
    sweep_stages(account_ids=[way.boga.pk], now=NOW)

    def judged():
        row = StageStay.objects.get(account=way.boga, valid_to__isnull=True)
        return row.standing, row.goals_met, row.turns_at

    assert judged() == ("on_track", [], NOW + 5 * DAY)
    assert sweep_turned(now=NOW + 4 * DAY).looked_at == 0
    assert sweep_turned(now=NOW + 5 * DAY).judged == 1
    assert judged() == ("struggling", [], NOW + 10 * DAY)
    put(way.boga, industry="Freight", now=NOW + 6 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 6 * DAY)
    assert judged()[:2] == ("on_track", ["named"])
    AccountSnapshot.objects.filter(account=way.boga).update(band="at_risk")
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 7 * DAY)
    assert judged()[0] == "struggling"
    sweep_turned(now=NOW + 10 * DAY)
    assert judged() == ("stuck", ["named"], None)
    put(way.boga, country="DE", now=NOW + 11 * DAY)
    sweep_stages(account_ids=[way.boga.pk], now=NOW + 11 * DAY)
    assert judged() == ("successful", ["landed", "named"], None)


def test_changed_accounts_are_swept_where_health_finds_them(way):
    put(way.boga, plan="Pro")
    assert AccountDirty.objects.filter(account=way.boga).exists()
    recompute_marked(now=timezone.now())
    assert stage_of(way.boga) == "onboarding"


def test_a_round_over_everybody_begins_when_rules_change_and_goes_on_where_it_stopped(way):
    # whether somebody has left is a question of time, too
    LifecycleStage.objects.filter(key="churned").update(start_rule=None, end_rule=None)
    put(way.boga, plan="Pro")
    assert sweep_due(now=NOW, health_done=True, seconds=60).moved == 1
    assert sweep_due(now=NOW, health_done=True, seconds=60).looked_at == 0
    LifecycleStage.objects.filter(key="adoption").update(start_rule=plan_is("pro"))
    assert sweep_due(now=NOW, health_done=True, seconds=60).moved == 1
    # days alone change none of these rules, so a new day asks nobody
    assert sweep_due(now=NOW + DAY, health_done=True, seconds=60).looked_at == 0
    LifecycleStage.objects.filter(key="renewal").update(start_rule=rule("signed_up_at", "more_than_days_ago", 30))
    sweep_due(now=NOW + DAY, health_done=True, seconds=60)
    put(way.north, signed_up_at=NOW - 29 * DAY, now=NOW + DAY)
    sweep_stages(account_ids=[way.north.pk], now=NOW + DAY)
    assert sweep_due(now=NOW + 3 * DAY, health_done=False, seconds=60).looked_at == 0
    assert sweep_due(now=NOW + 3 * DAY, health_done=True, seconds=60).moved == 1
    assert stage_of(way.north) == "renewal"
    detail = Heartbeat.objects.get(part=PART).detail
    Heartbeat.objects.filter(part=PART).update(detail=detail | {"next": 0})
    assert sweep_due(now=NOW + 3 * DAY, health_done=True, seconds=60).looked_at == 2


def test_every_door_feeds_the_history(way):
    trial, onboarding = LifecycleStage.objects.get(key="trial"), LifecycleStage.objects.get(key="onboarding")
    made = create_account(fields={"external_id": "n", "name": "N", "lifecycle_stage": trial}, actor=None, now=NOW, origin=Origin.API)
    change_account(account_id=made.pk, fields={"lifecycle_stage": onboarding}, actor=way.ada, now=NOW + DAY)
    load_rows("accounts", [{"external_id": "n", "name": "N", "lifecycle_stage": "adoption"}, {"external_id": "m", "name": "M", "lifecycle_stage": "trial"}], now=NOW + 2 * DAY)
    Account.objects.filter(pk=made.pk).update(lifecycle_stage="renewal")
    sweep_stages(account_ids=[made.pk], now=NOW + 3 * DAY)
    assert stays(made) == [
        ("trial", NOW, NOW + DAY, "onboarding", "api"), ("onboarding", NOW + DAY, NOW + 2 * DAY, "adoption", "hand"), ("adoption", NOW + 2 * DAY, NOW + 3 * DAY, "renewal", "import"),
        ("renewal", NOW + 3 * DAY, None, None, "known"),
    ]  # fmt: skip
    assert stays(Account.objects.get(external_id="m")) == [("trial", NOW + 2 * DAY, None, None, "import")]


def test_an_undone_import_takes_its_stays_back_though_rules_moved_on_and_is_refused_after_a_person_did(way):
    put(way.boga, lifecycle_stage=LifecycleStage.objects.get(key="trial"))
    rows = [{"external_id": "boga", "name": way.boga.name, "lifecycle_stage": "prospect", "plan": ""}, {"external_id": "x", "name": "X", "lifecycle_stage": "trial", "plan": "Pro"}]
    report = load_rows("accounts", rows, now=NOW + DAY)
    made = Account.objects.get(external_id="x")
    let_rules_decide(account=made)
    sweep_stages(account_ids=[made.pk, way.boga.pk], now=NOW + 2 * DAY)
    assert stage_of(made) == "onboarding"
    undo_batch(batch_id=report.batch, kinds=KINDS.values(), derived=DERIVED, now=NOW + 3 * DAY)
    assert stays(way.boga) == [("trial", NOW, None, None, "hand")]
    assert not Account.objects.filter(external_id="x").exists()
    report = load_rows("accounts", rows, now=NOW + 4 * DAY)
    put(way.boga, lifecycle_stage=LifecycleStage.objects.get(key="adoption"), now=NOW + 5 * DAY)
    with pytest.raises(UndoRefused):
        undo_batch(batch_id=report.batch, kinds=KINDS.values(), derived=DERIVED, now=NOW + 6 * DAY)
    assert stage_of(way.boga) == "adoption"


def everything():
    """Stages and stays of all accounts, by their external id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.external_id, a.lifecycle_stage_id, m.stage_id, m.valid_from, m.valid_to, m.left_for_id, m.reason, m.held, m.goals_met, m.standing, m.turns_at "
            "FROM accounts_account a LEFT JOIN accounts_stagestay m ON m.account_id = a.id ORDER BY 1, m.valid_from, m.id"
        )
        return cursor.fetchall()


@pytest.mark.parametrize("seed", range(3))
def test_sweeping_what_changed_equals_sweeping_everybody_and_twice_is_once(way, seed):
    """A random history of eight days, swept by what changed in one copy of it and over everybody in the other."""
    keys, found = ["trial", "onboarding", "adoption", "established", "churned"], []
    LifecycleStage.objects.filter(key="established").update(start_rule={"all": [{"field": "stage", "op": "eq", "value": "adoption"}, {"field": "industry", "op": "is_not_empty"}]})
    for everybody in (False, True):
        dice = random.Random(seed)
        copy = f"{everybody}-"
        accounts = [create_account(fields={"external_id": f"{copy}{n}", "name": f"P{n}"}, actor=None, now=NOW) for n in range(8)]
        changed = {account.pk for account in accounts}
        for day in range(8):
            now = NOW + day * DAY
            for account in dice.sample(accounts, 4):
                fields = {"plan": dice.choice(["Pro", "Max", "Old", ""]), "industry": dice.choice(["", "Freight"]), "churned_at": dice.choice([None, None, NOW])}
                if dice.random() < 0.4:
                    fields["lifecycle_stage"] = LifecycleStage.objects.get(key=dice.choice(keys))
                put(account, now=now, **fields)
                changed.add(account.pk)
            if everybody:
                Heartbeat.objects.filter(part=PART).delete()
                sweep_everybody(now=now)
                Heartbeat.objects.filter(part=PART).delete()
                again = sweep_everybody(now=now)
            else:
                sweep_stages(account_ids=changed, now=now)
                sweep_turned(now=now)
                again = sweep_stages(account_ids=changed, now=now)
                changed = set()
            assert (again.moved, again.judged) == (0, 0)
        found.append([(row[0].removeprefix(copy), *row[1:]) for row in everything() if row[0].startswith(copy)])
        spans = StageStay.objects.filter(account__in=accounts).order_by("account_id", "valid_from", "id")
        for one, other in zip(spans, list(spans)[1:], strict=False):
            assert one.account_id != other.account_id or (one.valid_to is not None and one.valid_to <= other.valid_from)
    assert found[0] == found[1]
