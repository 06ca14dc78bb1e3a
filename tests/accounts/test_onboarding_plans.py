"""Onboarding plans: milestones start in order, days are working days, completions are told after a minute, late steps become work once."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions.onboarding_plans import NotTheirs, PlanClosed, PlanRunning, change_step, do_step, make_plan, stop_plan, undo_step
from accounts.actions.plan_sweeps import do_steps_by_rule, open_late_steps, tell_completed_plans
from accounts.models import Account, AccountEvent, AccountSnapshot, OnboardingPlan, PlanMilestone, PlanStep, PlanTemplate, WorkItem
from accounts.plan_outline import OutlineFault, read_outline
from accounts.plan_progress import StepState, progress_of
from accounts.working_days import WorkingDays
from tests.accounts.plan_builders import NOW, OUTLINE, plan, step, template
from tickets.models import BusinessHours, Holiday

MINUTE = dt.timedelta(minutes=1)


def named(made: OnboardingPlan, name: str) -> PlanStep:
    return PlanStep.objects.get(plan=made, name=name)


def do(made: OnboardingPlan, name: str, at: dt.datetime = NOW, how: str = "hand") -> PlanStep:
    return do_step(step_id=named(made, name).pk, how=how, actor=None, now=at)


def starts(made: OnboardingPlan) -> list[dt.datetime | None]:
    return list(PlanMilestone.objects.filter(plan=made).order_by("position").values_list("started_at", flat=True))


# ── pure ────────────────────────────────────────────────────────────────────


def test_working_days_jump_over_weekends_and_holidays() -> None:
    days = WorkingDays(days_off=frozenset({dt.date(2026, 11, 19)}))
    tuesday, saturday = dt.date(2026, 11, 17), dt.date(2026, 11, 21)
    assert [days.later(tuesday, count) for count in (0, 1, 2, 3)] == [tuesday, dt.date(2026, 11, 18), dt.date(2026, 11, 20), dt.date(2026, 11, 23)]
    assert (days.later(saturday, 0), days.later(saturday, 1), days.later(saturday, 2)) == (dt.date(2026, 11, 23), dt.date(2026, 11, 23), dt.date(2026, 11, 24))
    with pytest.raises(ValueError):
        days.later(tuesday, -1)


_INSTANTS = st.one_of(st.none(), st.integers(0, 400).map(lambda hours: NOW + dt.timedelta(hours=hours - 100)))
_STEPS = st.lists(st.builds(StepState, st.booleans(), _INSTANTS), max_size=4)


@given(st.lists(_STEPS, min_size=1, max_size=4))
def test_progress_holds_together_whatever_is_done(milestones: list[list[StepState]]) -> None:
    found = progress_of(NOW, milestones)
    needed = [one for steps in milestones for one in steps if one.required]
    assert found.starts[0] == NOW
    begun = [start for start in found.starts if start is not None]
    assert begun == sorted(begun)
    # started are the first ones, without a gap
    assert all(start is None for start in found.starts[len(begun) :])
    assert (found.completed_at is not None) == (bool(needed) and all(one.done_at for one in needed))
    assert (found.percent == 100) == all(one.done_at for one in needed)


@pytest.mark.parametrize(
    ("outline", "path"),
    [
        ([], ""),
        ([{"name": "", "steps": [step("x")]}], "0.name"),
        ([{"name": "A", "steps": []}], "0.steps"),
        ([{"name": "A", "steps": [step("x"), step("")]}], "0.steps.1.name"),
        ([{"name": "A", "steps": [step("x", due_days=-1)]}], "0.steps.0.due_days"),
        ([{"name": "A", "steps": [step("x", side="customer", visible=False)]}], "0.steps.0.visible"),
        ([{"name": "A", "steps": [step("x", colour="red")]}], "0.steps.0"),
        ([{"name": "A", "steps": [step("x", required=False)]}], "0.steps"),
        ([{"name": "A", "steps": [step("x", rule={"all": [{"field": "password", "op": "eq", "value": "1"}]})]}], "0.steps.0.rule.all.0.field"),
    ],
)
def test_an_outline_that_does_not_fit_is_refused_with_the_place(outline: list[dict], path: str) -> None:
    with pytest.raises(OutlineFault) as fault:
        read_outline(outline)
    assert fault.value.path == path


# ── the life of a plan ──────────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_plan_is_made_from_its_template_with_days_that_people_work(cast: SimpleNamespace) -> None:
    for weekday in (1, 2, 3, 4):
        BusinessHours.objects.create(weekday=weekday, opens="09:00", closes="18:00")
    Holiday.objects.create(day=dt.date(2026, 11, 18))
    made = plan(cast.boga)
    assert [row.name for row in made.milestones.order_by("position")] == ["Kick-off", "Go live"]
    # three working days after a Tuesday whose Wednesday is a holiday and whose Friday is free: Thursday, Monday, Tuesday
    assert named(made, "Meet").due_on == dt.date(2026, 11, 24)
    assert named(made, "First use").due_on is None
    assert starts(made) == [NOW, None]


@pytest.mark.django_db
def test_one_plan_of_a_template_runs_at_a_time(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    with pytest.raises(PlanRunning):
        plan(cast.boga)
    stop_plan(plan_id=made.pk, reason="Wrong template", actor=cast.elif_, now=NOW)
    assert plan(cast.boga).pk != made.pk


@pytest.mark.django_db
def test_a_milestone_starts_when_all_that_is_required_before_it_is_done_and_not_before(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    do(made, "Meet", NOW + MINUTE)
    assert starts(made) == [NOW, None]
    do(made, "Name a champion", NOW + 2 * MINUTE, how="customer")
    assert starts(made) == [NOW, NOW + 2 * MINUTE]
    assert named(made, "First use").due_on == dt.date(2026, 12, 1)
    undo_step(step_id=named(made, "Meet").pk, how="hand", actor=None, now=NOW + 3 * MINUTE)
    assert (starts(made), named(made, "First use").due_on) == ([NOW, None], None)


@pytest.mark.django_db
def test_doing_a_step_twice_keeps_the_first_instant(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    do(made, "Meet", NOW + MINUTE)
    assert do(made, "Meet", NOW + 9 * MINUTE).done_at == NOW + MINUTE


@pytest.mark.django_db
def test_a_completion_is_told_once_after_a_minute_and_can_be_taken_back_before(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    for name in ("Meet", "Name a champion", "First use"):
        do(made, name)
    assert tell_completed_plans(now=NOW + MINUTE / 2) == 0
    undo_step(step_id=named(made, "First use").pk, how="hand", actor=None, now=NOW + MINUTE / 2)
    assert tell_completed_plans(now=NOW + 2 * MINUTE) == 0
    assert not AccountEvent.objects.filter(kind="onboarding.completed").exists()
    do(made, "First use", NOW + 3 * MINUTE)
    assert [tell_completed_plans(now=NOW + 4 * MINUTE), tell_completed_plans(now=NOW + 5 * MINUTE)] == [1, 0]
    event = AccountEvent.objects.get(kind="onboarding.completed")
    assert (event.account, event.occurred_at, event.payload) == (cast.boga, NOW + 3 * MINUTE, {"milestones": 2, "days": 0})
    made.refresh_from_db()
    assert made.status == "done"
    with pytest.raises(PlanClosed):
        undo_step(step_id=named(made, "First use").pk, how="hand", actor=None, now=NOW + 5 * MINUTE)
    # what is optional may still come
    assert do(made, "Send a gift", NOW + 6 * MINUTE).done_at is not None


@pytest.mark.django_db
def test_a_stopped_plan_stands_still(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    with pytest.raises(ValueError, match="reason"):
        stop_plan(plan_id=made.pk, reason="  ", actor=cast.elif_, now=NOW)
    stop_plan(plan_id=made.pk, reason="They left", actor=cast.elif_, now=NOW)
    with pytest.raises(PlanClosed):
        do(made, "Meet")
    with pytest.raises(PlanClosed):
        stop_plan(plan_id=made.pk, reason="Again", actor=cast.elif_, now=NOW)
    assert named(made, "Meet").done_at is None


@pytest.mark.django_db
def test_the_customer_does_and_takes_back_only_what_is_theirs(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    for name in ("Meet", "Send a gift"):
        with pytest.raises(NotTheirs):
            do(made, name, how="customer")
    ours = do(made, "Name a champion", how="hand")
    with pytest.raises(NotTheirs):
        undo_step(step_id=ours.pk, how="customer", actor=None, now=NOW)
    with pytest.raises(NotTheirs):
        change_step(step_id=ours.pk, now=NOW, visible=False)
    assert (named(made, "Name a champion").done_how, named(made, "Meet").done_at) == ("hand", None)


# ── what happens by itself ──────────────────────────────────────────────────


@pytest.mark.django_db
def test_a_late_step_becomes_work_once_and_the_work_ends_with_it(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    friday, saturday = NOW + dt.timedelta(days=3), NOW + dt.timedelta(days=4)
    assert open_late_steps(now=friday) == 0
    assert [open_late_steps(now=saturday), open_late_steps(now=saturday)] == [1, 0]
    work = WorkItem.objects.get()
    assert (work.account, work.owner, work.type, work.title, work.why["key"]) == (cast.boga, cast.elif_, "lifecycle", "Meet", "plan_step_late")
    WorkItem.objects.update(status="dropped", closed_at=saturday)
    assert open_late_steps(now=saturday + dt.timedelta(hours=1)) == 0
    # another day, late again: told again; done: closed
    change_step(step_id=named(made, "Meet").pk, due_on=dt.date(2026, 11, 23), now=saturday)
    later = NOW + dt.timedelta(days=7)
    open_late_steps(now=later)
    assert WorkItem.objects.open().filter(title="Meet").count() == 1
    do(made, "Meet", later)
    assert not WorkItem.objects.open().filter(title="Meet").exists()


@pytest.mark.django_db
def test_customers_who_left_get_no_work(cast: SimpleNamespace) -> None:
    plan(cast.boga)
    Account.objects.filter(pk=cast.boga.pk).update(churned_at=NOW)
    assert open_late_steps(now=NOW + dt.timedelta(days=30)) == 0


@pytest.mark.django_db
def test_a_rule_does_its_step_when_the_milestone_has_started_and_a_person_may_contradict_it(cast: SimpleNamespace) -> None:
    made, other = plan(cast.boga), plan(cast.north)
    AccountSnapshot.objects.filter(account=cast.boga).update(last_seen_on=NOW.date())
    assert do_steps_by_rule(now=NOW) == 0
    for one in (made, other):
        do(one, "Meet")
        do(one, "Name a champion")
    assert [do_steps_by_rule(now=NOW + MINUTE), do_steps_by_rule(now=NOW + MINUTE)] == [1, 0]
    assert (named(made, "First use").done_how, named(other, "First use").done_at) == ("rule", None)
    made.refresh_from_db()
    assert made.completed_at == NOW + MINUTE
    undo_step(step_id=named(made, "First use").pk, how="hand", actor=cast.elif_, now=NOW + MINUTE)
    assert do_steps_by_rule(now=NOW + 2 * MINUTE) == 0


@pytest.mark.django_db
def test_a_plan_keeps_the_steps_it_was_made_with(cast: SimpleNamespace) -> None:
    made = plan(cast.boga)
    PlanTemplate.objects.filter(key="standard").update(milestones=OUTLINE[:1])
    assert made.steps.count() == 4
    assert make_plan(account_id=cast.north.pk, template=template("Other", outline=OUTLINE[:1]), actor=None, now=NOW).steps.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["onboarding", "baslangic"])
def test_the_shipped_templates_make_plans(cast: SimpleNamespace, key: str) -> None:
    made = make_plan(account_id=cast.boga.pk, template=PlanTemplate.objects.get(key=key), actor=cast.elif_, now=NOW)
    assert (made.milestones.count(), made.steps.filter(rule__isnull=False).count(), made.steps.filter(side="customer").count()) == (4, 2, 4)
