"""Pages of the lifecycle and the map of the journey: who sees what, what is refused, what a move by hand does."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions.customers import change_account
from accounts.models import Account, AccountEvent, AccountSnapshot, LifecycleStage, Playbook, StageStay
from metrics.actions.stage_sweeps import sweep_stages
from metrics.lifecycle.journey import journey, summary
from metrics.lifecycle.page import PAGE, columns, listed, read_after
from surveys.models import Touchpoint

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
STAGES, NEW, JOURNEY = "/lifecycle/", "/lifecycle/new/", "/journey/"


def goal(key, field, name="Goal"):
    return {"key": key, "name": f"{name} {key}", "rule": {"all": [{"field": field, "op": "is_not_empty"}]}}


@pytest.fixture
def way(cast):
    """Both accounts in onboarding: Boğaziçi for 40 of 30 days, Northgate for 2, each with one of two goals met."""
    LifecycleStage.objects.filter(key="onboarding").update(expected_days=30, goals=[goal("g1", "country"), goal("g2", "plan")])
    now = timezone.now()
    for account, days in ((cast.boga, 40), (cast.north, 2)):
        change_account(account_id=account.pk, fields={"lifecycle_stage": LifecycleStage.objects.get(key="onboarding")}, actor=None, now=now - days * DAY)
        AccountSnapshot.objects.filter(account=account).update(mrr_micros=100_000_000)
    sweep_stages(account_ids=[cast.boga.pk, cast.north.pk], now=now)
    return cast


def fields(**more):
    """A form of a stage as a browser sends it."""
    return {"name": "Pilot", "key": "pilot", "position": "25", "expected_days": "", "next_stage": "", "goal_0_name": "", "goal_0_key": "", "goal_0_rule": "", **more}


def condition(name, field, op, value=""):
    """The inputs of a rule of one condition."""
    return {
        f"{name}.node": ["0", "0.0"], f"{name}.0.join": "all", f"{name}.0.0.field": field, f"{name}.0.0.op": op, f"{name}.0.0.value": value,
    }  # fmt: skip


@pytest.mark.parametrize("address", [STAGES, "/lifecycle/onboarding/", "/lifecycle/onboarding/edit/", NEW, JOURNEY])
def test_pages_ask_for_a_login(client, db, address):
    assert client.get(address).url.startswith("/login/")


@pytest.mark.parametrize(
    ("who", "stages", "stage", "edit", "map_"),
    [
        ("ada", 200, 200, 200, 200),
        ("mert", 200, 200, 200, 200),
        ("elif_", 200, 200, 403, 200),
        ("vera", 200, 200, 403, 200),
        ("ana", 200, 404, 403, 404),
        ("deniz", 404, 404, 403, 404),
    ],
)
def test_who_sees_which_page(client, way, who, stages, stage, edit, map_):
    client.force_login(getattr(way, who))
    found = [client.get(address).status_code for address in (STAGES, "/lifecycle/onboarding/", "/lifecycle/onboarding/edit/", JOURNEY)]
    assert found == [stages, stage, edit, map_]


def test_figures_and_rows_are_those_of_the_readers_book(client, way):
    now = timezone.now()
    mine, all_ = ({one.stage.key: one for one in columns(user, now=now)}["onboarding"] for user in (way.elif_, way.vera))
    assert (mine.accounts, mine.mrr_micros, all_.accounts, all_.mrr_micros) == (1, 100_000_000, 2, 200_000_000)
    assert {one.stage.key: one for one in columns(way.ana, now=now)}["onboarding"].accounts == 2
    client.force_login(way.elif_)
    page = client.get("/lifecycle/onboarding/?standing=stuck").content.decode()
    assert "Boğaziçi Lojistik" in page
    assert "Goal g2" in page
    client.force_login(way.can)
    assert "Boğaziçi" not in client.get("/lifecycle/onboarding/?standing=stuck").content.decode()


def test_stays_that_ended_tell_the_median_and_how_many_went_on(way):
    now = timezone.now()
    for account, stage, days in ((way.boga, "adoption", 1), (way.north, "churned", 1)):
        change_account(account_id=account.pk, fields={"lifecycle_stage": LifecycleStage.objects.get(key=stage)}, actor=None, now=now - days * DAY)
    LifecycleStage.objects.filter(key="churned").update(is_leaving=True)
    found = {one.stage.key: one for one in columns(way.ada, now=now)}["onboarding"]
    # 39 and 1 days: the middle is 20
    assert (found.median_days, found.ended, found.went_on, found.conversion) == (20, 2, 1, 0.5)
    found = {one.stage.key: one for one in columns(way.ada, now=now + 366 * DAY)}["onboarding"]
    assert (found.median_days, found.ended, found.conversion) == (None, 0, None)


def test_a_list_is_read_page_by_page_without_a_gap(way):
    stage, now = LifecycleStage.objects.get(key="trial"), timezone.now()
    made = Account.objects.bulk_create(Account(external_id=f"t{n}", name=f"T{n}", name_sort="t", name_search="t", owner=way.elif_) for n in range(PAGE + 3))
    StageStay.objects.bulk_create(StageStay(account=account, stage=stage, valid_from=now - (n // 7) * DAY, standing="on_track") for n, account in enumerate(made))
    first = listed(way.elif_, stage, "on_track", now=now)
    second = listed(way.elif_, stage, "on_track", now=now, after=read_after(first.after))
    assert (len(first.rows), len(second.rows), second.after) == (PAGE, 3, "")
    assert {row.stay.account_id for row in (*first.rows, *second.rows)} == {account.pk for account in made}
    assert [row.days for row in first.rows] == sorted((row.days for row in first.rows), reverse=True)


@pytest.mark.parametrize("after", ["x", "2026-01-01,1", "2026-01-01T00:00:00+00:00,x", "9" * 80])
def test_a_page_mark_that_cannot_be_is_no_page(client, way, after):
    client.force_login(way.ada)
    assert client.get("/lifecycle/onboarding/", {"after": after}).status_code == 404


def test_a_stage_is_made_changed_and_deleted(client, way):
    client.force_login(way.mert)
    given = fields(
        expected_days="14", next_stage="adoption", goal_0_name="Knows us", **condition("start_rule", "plan", "eq", "Pilot"), **condition("end_rule", "plan", "eq", "Pro")
    )
    given = {key: value for key, value in given.items() if key != "goal_0_rule"} | condition("goal_0_rule", "industry", "is_not_empty")
    response = client.post(NEW, given)
    assert response.status_code == 302, response.context["form"].errors
    stage = LifecycleStage.objects.get(key="pilot")
    assert (stage.start_rule, stage.next_stage_id, stage.expected_days) == ({"all": [{"field": "plan", "op": "eq", "value": "Pilot"}]}, "adoption", 14)
    assert [(one["name"], one["rule"]) for one in stage.goals] == [("Knows us", {"all": [{"field": "industry", "op": "is_not_empty"}]})]
    again = {**given, "name": "Pilots", "version": "1", "goal_0_key": stage.goals[0]["key"]}
    assert client.post("/lifecycle/pilot/edit/", again).status_code == 302
    changed = LifecycleStage.objects.get(key="pilot")
    assert (changed.name, changed.goals, changed.version) == ("Pilots", stage.goals, 2)
    stale = client.post("/lifecycle/pilot/edit/", {**again, "name": "Mine"})
    assert stale.status_code == 409
    assert LifecycleStage.objects.get(key="pilot").name == "Pilots"
    assert 'value="Mine"' in stale.content.decode()
    assert client.post("/lifecycle/pilot/delete/").status_code == 302
    assert not LifecycleStage.objects.filter(key="pilot").exists()
    client.post("/lifecycle/onboarding/delete/")
    assert LifecycleStage.objects.filter(key="onboarding").exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"key": "Ünlü"}, "key"),
        ({"key": "new"}, "key"),
        ({"key": "onboarding"}, "key"),
        ({"position": "x"}, "position"),
        ({"expected_days": "0"}, "expected_days"),
        ({"next_stage": "moon"}, "next_stage"),
        ({"next_stage": "adoption"}, "end_rule"),
        (condition("start_rule", "stage", "in", "pilot"), "start_rule"),
        (condition("start_rule", "mrr", "gte", "many"), "start_rule"),
        (condition("end_rule", "stage", "in", "trial"), "end_rule"),
        ({"goal_0_name": "Nothing asked"}, "goal_0_rule"),
        (condition("goal_0_rule", "plan", "is_not_empty"), "goal_0_name"),
    ],
)
def test_a_stage_that_cannot_be_is_refused_at_its_field_and_nothing_is_kept(client, way, wrong, field):
    client.force_login(way.ada)
    before = list(LifecycleStage.objects.values())
    given = fields(**wrong)
    response = client.post(NEW, {key: value for key, value in given.items() if key != "goal_0_rule"})
    assert response.status_code == 422
    assert field in response.context["form"].errors
    assert list(LifecycleStage.objects.values()) == before


def test_rules_that_ask_in_a_circle_are_refused(client, way):
    LifecycleStage.objects.filter(key="adoption").update(start_rule={"all": [{"field": "stage", "op": "in", "value": ["trial"]}]})
    client.force_login(way.ada)
    given = {key: value for key, value in fields(name="Trial", version="1", **condition("start_rule", "stage", "in", "adoption")).items() if key not in {"key", "goal_0_rule"}}
    response = client.post("/lifecycle/trial/edit/", given)
    assert "start_rule" in response.context["form"].errors
    assert LifecycleStage.objects.get(key="trial").start_rule is None


def test_a_preview_names_who_would_move_and_moves_nobody(client, way):
    change_account(account_id=way.north.pk, fields={"plan": "Pilot"}, actor=None, now=timezone.now())
    StageStay.objects.update(reason="rule")
    client.force_login(way.mert)
    given = {
        key: value
        for key, value in fields(name="Adoption", version="1", position="40", **condition("start_rule", "plan", "eq", "Pilot")).items()
        if key not in {"key", "goal_0_rule"}
    }
    response = client.post("/lifecycle/adoption/preview/", given, headers={"HX-Request": "true"})
    assert response.context["found"].ways == [("onboarding", "adoption", 1)]
    # Northgate is in another team's book: counted, not named
    assert response.context["found"].movers == []
    assert Account.objects.get(pk=way.north.pk).lifecycle_stage_id == "onboarding"
    assert LifecycleStage.objects.get(key="adoption").start_rule is None
    assert client.post("/lifecycle/adoption/preview/", given).status_code == 200


def test_the_way_of_an_account_shows_what_is_missing_and_takes_a_move_by_hand(client, way):
    client.force_login(way.elif_)
    address = reverse("lifecycle:panel", args=[way.boga.pk])
    page = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "Goal g2" in page
    assert "10 days over" in page
    assert client.get(reverse("lifecycle:panel", args=[way.north.pk])).status_code == 404
    assert client.post(reverse("lifecycle:move", args=[way.north.pk]), {"stage": "adoption"}).status_code == 404
    assert client.post(reverse("lifecycle:move", args=[way.boga.pk]), {"stage": "moon"}).status_code == 422
    assert Account.objects.get(pk=way.boga.pk).lifecycle_stage_id == "onboarding"
    client.post(reverse("lifecycle:move", args=[way.boga.pk]), {"stage": "adoption"})
    assert StageStay.objects.get(account=way.boga, valid_to__isnull=True).set_by == way.elif_
    assert AccountEvent.objects.filter(account=way.boga, kind="stage.changed", actor=way.elif_).count() == 1
    client.force_login(way.vera)
    assert client.get(address).status_code == 200
    assert client.post(reverse("lifecycle:move", args=[way.boga.pk]), {"stage": "trial"}).status_code == 404
    assert Account.objects.get(pk=way.boga.pk).lifecycle_stage_id == "adoption"


def test_the_map_places_what_listens_and_what_acts_and_shows_the_gaps(client, way):
    now = timezone.now()
    Touchpoint.objects.all().update(activated_at=None)
    Playbook.objects.all().update(active=False)
    renewal = Touchpoint.objects.filter(event_kind="subscription.renewal_due").first() or Touchpoint.objects.create(
        key="renewal-nps", name="Renewal", survey=Touchpoint.objects.first().survey, event_kind="subscription.renewal_due"
    )
    Touchpoint.objects.filter(pk=renewal.pk).update(activated_at=now)
    Playbook.objects.create(key="idle-x", name="Idle in trial", active=True, trigger={"kind": "stage", "stage": "trial", "idle_days": 14}, steps=[{"key": "a", "kind": "mail"}])
    Playbook.objects.create(key="any-x", name="On a fall", active=True, trigger={"kind": "band", "to": ["at_risk"]}, steps=[])
    rows = {row.stage.key if row.stage else "": row for row in journey(way.ada, now=now)}
    assert (rows["renewal"].listens, rows["renewal"].acts, rows["trial"].acts, rows["trial"].listens) == (True, False, True, False)
    assert any(act.row.key == "any-x" for moment in rows[""].moments.values() for act in moment.acts)
    assert [(act.row.key, act.mails) for moment in rows["trial"].moments.values() for act in moment.acts if act.works] == [("idle-x", 1)]
    gaps = summary(rows.values())
    assert "Renewal" not in gaps["deaf"]
    assert "Trial" not in gaps["idle"]
    assert {"Adoption", "Trial"} <= set(gaps["deaf"])
    client.force_login(way.elif_)
    page = client.get(JOURNEY).content.decode()
    assert "Idle in trial" in page
    assert "nobody listens" in page
