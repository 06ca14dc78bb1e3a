"""Clocks: hours of a week on instants, with holidays, zones and days of 23 and 25 hours."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickets.clock import Hours, Interval, NeverOpen, calendar_seconds, due, promise, standing

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ISTANBUL = zoneinfo.ZoneInfo("Europe/Istanbul")
HOUR = 3600
OFFICE = Hours(tuple(Interval(day, dt.time(9), dt.time(17), "Europe/Berlin") for day in range(1, 6)))
LUNCH = Hours(tuple(Interval(1, dt.time(a), dt.time(b), "Europe/Berlin") for a, b in ((9, 12), (13, 17))))
NIGHT = Hours((Interval(5, dt.time(22), dt.time(6), "Europe/Berlin"),))
ALWAYS = Hours(tuple(Interval(day, dt.time(0), dt.time(0), "Europe/Berlin") for day in range(1, 8)))


def at(year, month, day, hour=0, minute=0, zone=BERLIN):
    return dt.datetime(year, month, day, hour, minute, tzinfo=zone)


def test_an_hour_from_friday_half_past_four_is_monday_half_past_nine():
    assert OFFICE.add(at(2026, 3, 6, 16, 30), HOUR) == at(2026, 3, 9, 9, 30)


def test_an_hour_back_from_monday_half_past_nine_is_friday_half_past_four():
    assert OFFICE.back(at(2026, 3, 9, 9, 30), HOUR) == at(2026, 3, 6, 16, 30)


def test_the_last_second_of_the_day_is_still_that_day():
    assert OFFICE.add(at(2026, 3, 6, 16), HOUR) == at(2026, 3, 6, 17)


def test_nothing_runs_over_lunch():
    assert LUNCH.business_seconds(at(2026, 3, 9, 11, 30), at(2026, 3, 9, 13, 30)) == HOUR
    assert LUNCH.add(at(2026, 3, 9, 11, 30), HOUR) == at(2026, 3, 9, 13, 30)


def test_an_interval_past_midnight_belongs_to_both_days():
    assert NIGHT.business_seconds(at(2026, 3, 6), at(2026, 3, 8)) == 8 * HOUR
    assert NIGHT.business_seconds(at(2026, 3, 7), at(2026, 3, 8)) == 6 * HOUR


def test_on_a_holiday_nothing_runs_from_midnight_to_midnight():
    saturday_off = Hours(NIGHT.week, frozenset({dt.date(2026, 3, 7)}))
    assert saturday_off.business_seconds(at(2026, 3, 6), at(2026, 3, 8)) == 2 * HOUR
    monday_off = Hours(OFFICE.week, frozenset({dt.date(2026, 3, 9)}))
    assert monday_off.add(at(2026, 3, 6, 16, 30), HOUR) == at(2026, 3, 10, 9, 30)


def test_days_of_the_change_of_the_clocks_have_23_and_25_hours():
    assert ALWAYS.business_seconds(at(2026, 3, 29), at(2026, 3, 30)) == 23 * HOUR
    assert ALWAYS.business_seconds(at(2026, 10, 25), at(2026, 10, 26)) == 25 * HOUR


def test_an_opening_that_the_clock_skips_is_the_moment_of_the_skip():
    sunday = Hours((Interval(7, dt.time(2, 30), dt.time(4), "Europe/Berlin"),))
    assert sunday.business_seconds(at(2026, 3, 29), at(2026, 3, 30)) == HOUR


def test_hours_follow_their_own_zone():
    office = Hours(tuple(Interval(day, dt.time(9), dt.time(17), "Europe/Istanbul") for day in range(1, 6)))
    assert office.business_seconds(at(2026, 3, 9), at(2026, 3, 10)) == 8 * HOUR
    assert office.add(at(2026, 3, 8), 0) == at(2026, 3, 8)
    assert office.add(at(2026, 3, 8), 1) == at(2026, 3, 9, 9, zone=ISTANBUL) + dt.timedelta(seconds=1)


def test_overlapping_intervals_count_once():
    doubled = Hours((*OFFICE.week, Interval(1, dt.time(9), dt.time(18), "Europe/Istanbul")))
    # 9 to 18 in Istanbul is 7 to 16 in Berlin that week, 9 to 17 there follow: ten hours in all
    assert doubled.business_seconds(at(2026, 3, 9), at(2026, 3, 10)) == 10 * HOUR


def test_hours_that_never_come_are_said_so():
    with pytest.raises(NeverOpen):
        Hours(()).add(at(2026, 3, 9), 1)
    with pytest.raises(NeverOpen):
        Hours(()).back(at(2026, 3, 9), 1)


def test_an_end_before_the_start_is_no_time():
    assert OFFICE.business_seconds(at(2026, 3, 10), at(2026, 3, 9)) == 0
    assert calendar_seconds(at(2026, 3, 10), at(2026, 3, 9)) == 0


INSTANTS = st.datetimes(min_value=dt.datetime(2025, 1, 1), max_value=dt.datetime(2026, 12, 31), timezones=st.just(dt.UTC))
TIMES = st.times().map(lambda time: time.replace(microsecond=0))
ZONES = st.sampled_from(["Europe/Berlin", "Europe/Istanbul", "America/New_York", "Australia/Lord_Howe", "UTC"])
WEEKS = st.builds(
    Hours,
    st.lists(
        st.builds(Interval, st.integers(1, 7), TIMES, TIMES, st.sampled_from(["Europe/Berlin", "Europe/Istanbul", "America/New_York", "Australia/Lord_Howe", "UTC"])),
        min_size=1,
        max_size=6,
    ).map(tuple),
    st.frozensets(st.dates(dt.date(2025, 1, 1), dt.date(2026, 12, 31)), max_size=5),
)


@settings(max_examples=150, deadline=None)
@given(hours=WEEKS, start=INSTANTS, first=st.integers(0, 20 * 86400), second=st.integers(0, 20 * 86400))
def test_time_is_the_sum_of_its_parts_whatever_the_split(hours, start, first, second):
    middle = start + dt.timedelta(seconds=first)
    end = middle + dt.timedelta(seconds=second)
    whole = hours.business_seconds(start, end)
    assert whole == hours.business_seconds(start, middle) + hours.business_seconds(middle, end)
    assert 0 <= whole <= calendar_seconds(start, end)


@settings(max_examples=150, deadline=None)
@given(hours=WEEKS, start=INSTANTS, seconds=st.integers(1, 5 * 86400))
def test_adding_seconds_and_counting_them_agree(hours, start, seconds):
    try:
        end = hours.add(start, seconds)
    except NeverOpen:
        return
    assert hours.business_seconds(start, end) == seconds
    assert hours.business_seconds(start, end - dt.timedelta(seconds=1)) < seconds
    assert hours.business_seconds(hours.back(end, seconds), end) == seconds


def test_a_promise_rests_while_we_wait():
    opened = at(2026, 3, 9, 9)
    rests = [(at(2026, 3, 9, 10), at(2026, 3, 9, 15))]
    assert promise(opened, 4 * HOUR, rests, hours=None).due_at == at(2026, 3, 9, 18)
    assert promise(opened, 4 * HOUR, rests, hours=OFFICE).due_at == at(2026, 3, 10, 10)
    waiting = promise(opened, 4 * HOUR, [(at(2026, 3, 9, 10), None)], hours=None)
    assert (waiting.due_at, waiting.left_seconds) == (None, 3 * HOUR)


def test_a_promise_broken_before_the_rest_stays_broken():
    assert promise(at(2026, 3, 9, 9), HOUR, [(at(2026, 3, 9, 11), None)], hours=None).due_at == at(2026, 3, 9, 10)


def test_where_a_promise_stands():
    opened, due_at = at(2026, 3, 9, 8), due(at(2026, 3, 9, 8), 4 * HOUR, hours=None)

    def state(now, **rest):
        return standing(opened=opened, due_at=due_at, now=now, **rest).state

    assert state(at(2026, 3, 9, 9)) == "on_time"
    assert state(at(2026, 3, 9, 11)) == "soon"
    assert state(at(2026, 3, 9, 12, 1)) == "late"
    assert state(at(2026, 3, 9, 15), kept_at=at(2026, 3, 9, 12)) == "kept"
    assert state(at(2026, 3, 9, 15), kept_at=at(2026, 3, 9, 13)) == "broken"
    assert standing(opened=opened, due_at=None, now=due_at, left_seconds=60).state == "resting"
    assert standing(opened=opened, due_at=None, now=due_at) is None
