"""Every unhappy answer becomes a case with a deadline; late ones escalate; work and case follow each other; promoters are asked to help."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions.work_items import StaleVersion, close_work_item, reopen_work_item
from accounts.models import AccountEvent, AccountSnapshot, Segment, WorkItem
from surveys.actions.cases import CaseClosed, amend_case, close_case, deadline_hours, escalate_late, follow_work
from surveys.actions.follow_ups import RELATED, cancel_follow_up, open_follow_up
from surveys.actions.promoters import ask_promoters
from surveys.models import LoopCase, LoopDeadline, Response, Survey
from surveys.queries.cases import figures, next_scores
from surveys.working_time import working_hours_later

# a Tuesday, ten in the morning UTC, one in the afternoon in Istanbul
NOW = dt.datetime(2026, 3, 3, 10, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ISTANBUL = zoneinfo.ZoneInfo("Europe/Istanbul")
LONDON = zoneinfo.ZoneInfo("Europe/London")


def answered(contact, score: int, *, survey: str = "nps", at: dt.datetime = NOW, **fields) -> Response:
    """An answer that counts."""
    version = Survey.objects.get(key=survey).versions.get(number=1)
    row = Response.objects.create(
        survey=version.survey, survey_version=version, kind=version.survey.kind, account=contact.account, contact=contact, score=score, scale_min=version.scale_min,
        scale_max=version.scale_max, answered_at=at, **fields,
    )  # fmt: skip
    return Response.objects.select_related(*RELATED).get(pk=row.pk)


def case_of(response: Response, at: dt.datetime = NOW) -> LoopCase:
    assert open_follow_up(response=response, now=at)
    return LoopCase.objects.get(response=response)


@pytest.mark.parametrize(
    ("start", "hours", "ends"),
    [
        # Friday half past four and two hours: half past one hour on Friday, the rest on Monday
        ((2026, 3, 6, 16, 30), 2, (2026, 3, 9, 9, 30)),
        ((2026, 3, 3, 9, 0), 9, (2026, 3, 3, 18, 0)),
        ((2026, 3, 3, 3, 0), 1, (2026, 3, 3, 10, 0)),
        ((2026, 3, 7, 12, 0), 0, (2026, 3, 9, 9, 0)),
        # the clocks of London go forward on Sunday 29 March: Monday is an ordinary working day
        ((2026, 3, 27, 17, 0), 2, (2026, 3, 30, 10, 0)),
    ],
)
def test_working_hours(start, hours, ends):
    zone = LONDON
    begun, over = dt.datetime(*start, tzinfo=zone), dt.datetime(*ends, tzinfo=zone)
    if hours == 2 and start[2] == 6:
        over = dt.datetime(2026, 3, 9, 9, 30, tzinfo=zone)
    assert working_hours_later(begun, hours, zone=zone) == over


@given(st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1)), st.integers(0, 60), st.integers(0, 60))
def test_working_hours_add_up_over_any_split(start, first, second):
    begun = start.replace(tzinfo=dt.UTC)
    once = working_hours_later(begun, first + second, zone=ISTANBUL)
    halfway = working_hours_later(begun, first, zone=ISTANBUL)
    assert working_hours_later(halfway, second, zone=ISTANBUL) in {once, working_hours_later(once, 0, zone=ISTANBUL)}
    assert once >= begun
    assert once.astimezone(ISTANBUL).isoweekday() <= 5


@pytest.mark.django_db
def test_the_deadline_is_that_of_the_segment_in_working_hours_of_the_account(cast):
    cast.boga.segment = Segment.objects.get(key="vip")
    cast.boga.save()
    assert (deadline_hours(cast.boga.segment_id), deadline_hours(None)) == (4, 18)
    case = case_of(answered(cast.selin, 3))
    # 13:00 in Istanbul and four working hours
    assert case.due_at.astimezone(ISTANBUL) == dt.datetime(2026, 3, 3, 17, tzinfo=ISTANBUL)
    assert (case.work_item.owner, case.work_item.due_at) == (cast.elif_, case.due_at)
    LoopDeadline.objects.filter(segment=cast.boga.segment).update(working_hours=9)
    later = case_of(answered(cast.selin, 2))
    assert later.due_at.astimezone(ISTANBUL) == dt.datetime(2026, 3, 4, 13, tzinfo=ISTANBUL)


@pytest.mark.django_db
def test_a_good_or_suspect_answer_makes_no_case(cast):
    for response in (answered(cast.selin, 9), answered(cast.selin, 1, is_suspect=True), answered(cast.selin, 1, respondent="other"), answered(cast.selin, 1, test=True)):
        assert not open_follow_up(response=response, now=NOW)
    assert not LoopCase.objects.exists()
    assert not WorkItem.objects.exists()


@pytest.mark.django_db
def test_closing_a_case_closes_its_work_and_says_what_came_of_it(cast):
    case = case_of(answered(cast.selin, 3))
    closed = close_case(case_id=case.pk, actor=cast.elif_, resolution="solved", note="Called, fixed.", now=NOW + HOUR, version=case.version)
    work = WorkItem.objects.get(pk=case.work_item_id)
    assert (closed.resolution, closed.closed_by, work.status) == ("solved", cast.elif_, "done")
    assert "Called, fixed." in work.outcome
    event = AccountEvent.objects.get(kind="case.closed")
    assert (event.payload["resolution"], event.payload["in_time"]) == ("solved", True)
    with pytest.raises(CaseClosed):
        close_case(case_id=case.pk, actor=cast.elif_, resolution="solved", note="", now=NOW)
    with pytest.raises(StaleVersion):
        amend_case(case_id=case.pk, resolution="planned", note="", version=case.version)
    assert amend_case(case_id=case.pk, resolution="planned", note="Next quarter.", version=closed.version).note == "Next quarter."


@pytest.mark.django_db
def test_work_done_in_the_worklist_closes_the_case_and_its_undo_opens_it(cast):
    case = case_of(answered(cast.selin, 3))
    assert follow_work(now=NOW) == 0
    close_work_item(item_id=case.work_item_id, actor=cast.elif_, now=NOW + HOUR, outcome="Spoke with her.")
    assert follow_work(now=NOW + 2 * HOUR) == 1
    case.refresh_from_db()
    assert (case.closed_at, case.closed_by, case.resolution, case.note) == (NOW + HOUR, cast.elif_, "other", "Spoke with her.")
    reopen_work_item(item_id=case.work_item_id, now=NOW + 2 * HOUR)
    assert follow_work(now=NOW + 2 * HOUR) == 1
    case.refresh_from_db()
    assert (case.closed_at, case.resolution) == (None, "")


@pytest.mark.django_db
def test_an_answer_changed_to_a_better_one_takes_its_case_back(cast):
    response = answered(cast.selin, 3)
    case = case_of(response)
    response.score = 9
    cancel_follow_up(response=response, now=NOW + HOUR)
    case.refresh_from_db()
    assert (case.resolution, case.closed_at) == ("taken_back", NOW + HOUR)
    assert WorkItem.objects.get(pk=case.work_item_id).status == "dropped"
    response.score = 1
    again = case_of(response, NOW + 2 * HOUR)
    assert (again.pk, again.closed_at) == (case.pk, None)


@pytest.mark.django_db
def test_a_late_case_escalates_once_to_the_manager_and_makes_its_work_urgent(cast):
    case = case_of(answered(cast.selin, 3))
    assert escalate_late(now=case.due_at - HOUR) == 0
    assert [escalate_late(now=case.due_at + HOUR) for _tick in range(3)] == [1, 0, 0]
    raised = WorkItem.objects.get(reason=f"case:{case.pk}")
    assert (raised.owner, raised.type, raised.priority) == (cast.mert, "risk", 1)
    assert WorkItem.objects.get(pk=case.work_item_id).priority == 1
    assert AccountEvent.objects.filter(kind="case.late").count() == 1
    close_case(case_id=case.pk, actor=cast.elif_, resolution="explained", note="", now=case.due_at + 2 * HOUR)
    raised.refresh_from_db()
    assert raised.status == "dropped"
    assert AccountEvent.objects.get(kind="case.closed").payload["in_time"] is False


@pytest.mark.django_db
def test_the_share_closed_in_time_counts_what_is_overdue_and_not_what_was_taken_back(cast):
    cases = [case_of(answered(cast.selin, 3)) for _number in range(4)]
    close_case(case_id=cases[0].pk, actor=cast.elif_, resolution="solved", note="", now=NOW + HOUR)
    close_case(case_id=cases[1].pk, actor=cast.elif_, resolution="solved", note="", now=cases[1].due_at + HOUR)
    cancel_follow_up(response=cases[2].response, now=NOW)
    found = figures(cast.ada, now=cases[3].due_at + 2 * HOUR)
    assert (found.open, found.late, found.closed, found.in_time) == (1, 1, 2, 1)
    assert found.share == pytest.approx(1 / 3)
    assert figures(cast.can, now=NOW).open == 0


@pytest.mark.django_db
def test_the_next_score_of_the_same_person_is_told_apart_by_whether_the_loop_was_closed(cast):
    for number, (closed, later) in enumerate([(True, 9), (True, 8), (True, 9), (True, 7), (True, 8), (False, 3), (False, 4)]):
        person = cast.boga.contacts.create(external_id=f"p{number}", email=f"p{number}@bogazici.test", name=f"P {number}")
        case = case_of(answered(person, 3, at=NOW - 100 * DAY), NOW - 100 * DAY)
        if closed:
            close_case(case_id=case.pk, actor=cast.elif_, resolution="solved", note="", now=NOW - 99 * DAY)
        answered(person, later, at=NOW - DAY)
    found = next_scores(cast.ada, kind="nps", now=NOW)
    assert (found[True].people, found[True].before, found[True].after) == (5, 3, 8.2)
    # worked by hand: changes 6 5 6 4 5, mean 5.2, s = 0.83666, t(4) = 2.776445: 5.2 ± 1.03886
    assert found[True].interval == pytest.approx((4.16114, 6.23886), abs=1e-4)
    assert (found[False].people, found[False].few) == (2, True)


@pytest.mark.django_db
def test_promoters_are_asked_to_help_once_in_half_a_year_and_not_where_there_is_trouble(cast):
    answered(cast.selin, 10, at=NOW - HOUR)
    answered(cast.harry, 9, at=NOW - HOUR)
    AccountSnapshot.objects.filter(account=cast.north).update(band="at_risk")
    assert ask_promoters(now=NOW - 55 * dt.timedelta(minutes=1)) == 0
    assert [ask_promoters(now=NOW) for _tick in range(2)] == [1, 0]
    item = WorkItem.objects.get(type="activity")
    assert (item.contact, item.owner, item.priority) == (cast.selin, cast.elif_, 3)
    close_work_item(item_id=item.pk, actor=cast.elif_, now=NOW)
    answered(cast.selin, 10, at=NOW + DAY)
    assert ask_promoters(now=NOW + DAY + HOUR) == 0


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_pages_of_cases_for_those_who_may(cast, django_assert_max_num_queries):
    case = case_of(answered(cast.selin, 3, comment="Kargo geç geldi"))
    address = f"/surveys/cases/{case.pk}/"
    elif_ = signed_in(cast.elif_)
    with django_assert_max_num_queries(15):
        page = elif_.get("/surveys/cases/")
    assert "Kargo geç geldi" in page.content.decode()
    assert signed_in(cast.can).get(address).status_code == 404
    assert Client().get(address).status_code == 302
    assert signed_in(cast.deniz).get("/surveys/cases/").status_code == 404
    shown = signed_in(cast.ana).get("/surveys/cases/").content.decode()
    assert "Kargo" not in shown
    assert signed_in(cast.vera).post(address, {"resolution": "solved", "version": case.version}).status_code == 403
    assert signed_in(cast.elif_).post(address, {"resolution": "taken_back", "version": case.version}).status_code == 400
    assert signed_in(cast.elif_).post(address, {"resolution": "solved", "version": 99}).status_code == 409
    case.refresh_from_db()
    assert case.closed_at is None
    assert signed_in(cast.elif_).post(address, {"resolution": "solved", "note": "Aradım", "version": case.version}).status_code == 302
    case.refresh_from_db()
    assert (case.resolution, case.note) == ("solved", "Aradım")
    assert signed_in(cast.elif_).post(f"{address}reopen/").status_code == 302
    case.refresh_from_db()
    assert case.closed_at is None
