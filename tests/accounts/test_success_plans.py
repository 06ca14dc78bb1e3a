"""Success plans: the course from numbers, measured by itself where the measure is a field, judged with a reason, reviewed as work."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from accounts import sentences
from accounts.actions.success_plans import (
    MeasuredByItself,
    PlanIsClosed,
    StalePlan,
    change_success_plan,
    close_success_plan,
    hold_review,
    judge_success_plan,
    measure_by_hand,
    measure_success_plans,
    open_due_reviews,
    open_success_plan,
    reopen_success_plan,
)
from accounts.actions.usage import put_usage
from accounts.models import AccountSnapshot, SuccessPlan, WorkItem
from accounts.success_progress import course_of
from tests.accounts.plan_builders import NOW, objective

DAY = dt.timedelta(days=1)


def course(current: str | None, day: int, start: int = 10, target: int = 5) -> tuple[str, str]:
    found = course_of(
        start=Decimal(start), target=Decimal(target), current=None if current is None else Decimal(current), started_on=NOW.date(), target_on=NOW.date() + 100 * DAY,
        today=NOW.date() + day * DAY,
    )  # fmt: skip
    return found.status, sentences.say(found.why)


# ── pure ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("current", "day", "status", "words"),
    [
        ("10", 0, "on_track", "0 percent of the way in 0 percent of the time."),
        ("9", 34, "on_track", "20 percent of the way in 34 percent of the time."),
        ("9", 36, "behind", "20 percent of the way in 36 percent of the time."),
        ("12", 50, "behind", "-40 percent of the way in 50 percent of the time."),
        ("5", 20, "reached", "The target is reached."),
        ("4", 200, "reached", "The target is reached."),
        ("6", 100, "behind", "80 percent of the way in 100 percent of the time."),
        ("6", 101, "overdue", "The target date has passed at 80 percent of the way."),
        (None, 10, "on_track", "Nothing was measured yet; 10 percent of the time have passed."),
        (None, 20, "behind", "Nothing was measured yet; 20 percent of the time have passed."),
        (None, 101, "overdue", "The target date has passed, and nothing was measured."),
    ],
)  # fmt: skip
def test_the_course_follows_from_numbers_and_days(current: str | None, day: int, status: str, words: str) -> None:
    assert course(current, day) == (status, words)


def test_the_way_may_lead_upwards_as_well() -> None:
    assert course("80", 50, start=60, target=80)[0] == "reached"
    assert course("61", 50, start=60, target=80)[0] == "behind"


# ── the life of a plan ──────────────────────────────────────────────────────

TERMS = {
    "objective": "Everybody uses reports", "measure": "active_days", "feature": "reports", "start_value": Decimal(2), "target_value": Decimal(20), "started_on": NOW.date(),
    "target_on": NOW.date() + 90 * DAY,
}  # fmt: skip


@pytest.mark.django_db
def test_a_plan_that_is_a_field_measures_itself(cast: SimpleNamespace) -> None:
    rows = [(cast.boga.pk, "reports", NOW.date() - number * DAY, 3, 2, None, None) for number in range(0, 40, 2)]
    put_usage([*rows, (cast.boga.pk, "other", NOW.date() - DAY, 9, 9, None, None)])
    AccountSnapshot.objects.filter(account=cast.boga).update(last_seen_on=NOW.date(), mrr_micros=1_234_560_000)
    made = open_success_plan(account_id=cast.boga.pk, terms=TERMS, reviews=[], actor=cast.elif_, now=NOW)
    # every second of the 28 days before today
    assert (made.current_value, made.status) == (Decimal(14), "on_track")
    money = open_success_plan(account_id=cast.boga.pk, terms={**TERMS, "measure": "mrr", "feature": "", "target_value": Decimal(1500)}, reviews=[], actor=cast.elif_, now=NOW)
    assert money.current_value == Decimal("1234.56")
    put_usage([(cast.boga.pk, "reports", NOW.date() - number * DAY, 3, 2, None, None) for number in range(1, 29)])
    assert measure_success_plans(now=NOW + DAY / 24) == 2
    made.refresh_from_db()
    assert (made.current_value, made.status) == (Decimal(28), "reached")
    assert made.measurements.count() == 1
    # an account that was never seen has no value, rather than none of it
    assert open_success_plan(account_id=cast.north.pk, terms=TERMS, reviews=[], actor=cast.can, now=NOW).current_value is None


@pytest.mark.django_db
def test_terms_that_contradict_each_other_are_refused(cast: SimpleNamespace) -> None:
    for wrong in ({"target_value": Decimal(2)}, {"target_on": NOW.date()}, {"objective": ""}):
        with pytest.raises(ValidationError):
            open_success_plan(account_id=cast.boga.pk, terms={**TERMS, **wrong}, reviews=[], actor=cast.elif_, now=NOW)
    assert SuccessPlan.objects.count() == 0


@pytest.mark.django_db
def test_two_people_change_one_plan_and_nothing_is_lost_in_silence(cast: SimpleNamespace) -> None:
    made = objective(cast.boga)
    change_success_plan(plan_id=made.pk, version=1, terms={"target_value": Decimal(4)}, now=NOW)
    with pytest.raises(StalePlan):
        change_success_plan(plan_id=made.pk, version=1, terms={"target_value": Decimal(3)}, now=NOW)
    made.refresh_from_db()
    assert made.target_value == 4


@pytest.mark.django_db
def test_only_what_is_measured_by_hand_is_typed_in(cast: SimpleNamespace) -> None:
    by_hand, by_field = objective(cast.boga), objective(cast.boga, measure="health", start_value=50, target_value=70)
    assert measure_by_hand(plan_id=by_hand.pk, value=Decimal(7), now=NOW + 10 * DAY).current_value == 7
    with pytest.raises(MeasuredByItself):
        measure_by_hand(plan_id=by_field.pk, value=Decimal(60), now=NOW)


@pytest.mark.django_db
def test_a_judgement_holds_until_the_next_review_and_never_against_the_calendar(cast: SimpleNamespace) -> None:
    made = objective(cast.boga, current_value=9)
    judge_success_plan(plan_id=made.pk, behind=False, reason="The new accountant starts in May", actor=cast.elif_, now=NOW + 50 * DAY)
    measure_success_plans(now=NOW + 60 * DAY)
    made.refresh_from_db()
    assert (made.status, sentences.say(made.why)) == ("on_track", "The new accountant starts in May")
    review = made.reviews.create(due_on=NOW.date() + 61 * DAY)
    hold_review(review_id=review.pk, note="No accountant yet", actor=cast.elif_, now=NOW + 61 * DAY)
    made.refresh_from_db()
    assert made.status == "behind"
    judge_success_plan(plan_id=made.pk, behind=False, reason="Hope", actor=cast.elif_, now=NOW + 62 * DAY)
    measure_success_plans(now=NOW + 120 * DAY)
    made.refresh_from_db()
    assert made.status == "overdue"


@pytest.mark.django_db
def test_a_review_becomes_work_on_its_day_once_and_ends_with_it(cast: SimpleNamespace) -> None:
    made = objective(cast.boga)
    review = made.reviews.create(due_on=NOW.date() + 7 * DAY)
    assert open_due_reviews(now=NOW + 6 * DAY) == 0
    assert [open_due_reviews(now=NOW + 7 * DAY), open_due_reviews(now=NOW + 7 * DAY)] == [1, 0]
    work = WorkItem.objects.get()
    assert (work.type, work.owner, work.title) == ("objective", cast.elif_, "Close the month faster")
    assert sentences.say(work.why) == "A review of the objective “Close the month faster” is due."
    hold_review(review_id=review.pk, note="Eight days now", value=Decimal(8), next_on=NOW.date() + 30 * DAY, actor=cast.elif_, now=NOW + 7 * DAY)
    hold_review(review_id=review.pk, note="Again", value=Decimal(1), actor=cast.elif_, now=NOW + 8 * DAY)
    made.refresh_from_db()
    work.refresh_from_db()
    assert (work.status, made.current_value, [row.due_on for row in made.reviews.filter(held_at=None)]) == ("done", Decimal(8), [NOW.date() + 30 * DAY])


@pytest.mark.django_db
def test_a_closed_plan_stands_until_it_is_opened_again(cast: SimpleNamespace) -> None:
    made = objective(cast.boga)
    made.reviews.create(due_on=NOW.date())
    open_due_reviews(now=NOW)
    with pytest.raises(ValueError, match="outcome"):
        close_success_plan(plan_id=made.pk, outcome=" ", actor=cast.elif_, now=NOW)
    close_success_plan(plan_id=made.pk, outcome="They do it in six days", actor=cast.elif_, now=NOW)
    assert WorkItem.objects.get().status == "done"
    for change in (lambda: measure_by_hand(plan_id=made.pk, value=Decimal(1), now=NOW), lambda: close_success_plan(plan_id=made.pk, outcome="x", actor=None, now=NOW)):
        with pytest.raises(PlanIsClosed):
            change()
    assert measure_success_plans(now=NOW) == 0
    assert reopen_success_plan(plan_id=made.pk, now=NOW).status == "on_track"
