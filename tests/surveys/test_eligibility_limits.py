"""Limits of the installation, holidays, daily caps and a programme's end: each in a table of facts, without a database."""

import datetime as dt
import zoneinfo
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveys.days_off import days_off_of
from surveys.decent_hours import WORKING_HOURS, Window, day_after, first_decent_instant, instant_of, zone_of
from surveys.eligibility import Ask, Company, Limits, Occasion, Person, Rule, decide

UTC = dt.UTC
DAY = dt.timedelta(days=1)
MONDAY = dt.datetime(2026, 3, 2, 10, tzinfo=UTC)
RULE = Rule(salt="t", survey_kind="csat", touchpoint=1, activated_at=MONDAY - 100 * DAY, valid_for=10 * DAY)
PERSON = Person(contact_id=1, address="selin@bogazici.test")
COMPANY = Company(contacts=10)
ZONES = [
    "Europe/Istanbul", "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Asia/Tokyo",
    "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran",
]  # fmt: skip


def decision(*, rule=RULE, person=PERSON, company=COMPANY, as_of=MONDAY, happened=MONDAY, **rest):
    return decide(rule=rule, occasion=Occasion(occurred_at=happened, period="p"), person=person, company=company, as_of=as_of, **rest)


def asked(days, *, kind="csat", touchpoint=2):
    return replace(PERSON, asks=[Ask(at=MONDAY + days * DAY, survey_kind=kind, contact_id=1, touchpoint=touchpoint)])


@pytest.mark.parametrize(
    ("person", "rule", "limits", "outcome", "limit"),
    [
        (asked(-20), RULE, Limits(contact_gap=21 * DAY), "skip", {"days": 21, "of": "any"}),
        (asked(-20), RULE, Limits(contact_gap=20 * DAY), "send", None),
        # the programme's own cool-down counts where it is longer, and not where it is shorter
        (asked(-20), replace(RULE, cool_down=21 * DAY), Limits(contact_gap=5 * DAY), "skip", {"days": 21, "of": "any"}),
        (asked(-20), replace(RULE, cool_down=5 * DAY), Limits(contact_gap=21 * DAY), "skip", {"days": 21, "of": "any"}),
        (asked(-40, kind="nps"), replace(RULE, survey_kind="nps"), Limits(nps_gap=41 * DAY), "skip", {"days": 41, "of": "nps"}),
        (asked(-40, kind="nps"), replace(RULE, survey_kind="nps"), Limits(nps_gap=40 * DAY), "send", None),
        # the own gap looks at the same programme alone
        (asked(-50, touchpoint=1), replace(RULE, own_gap=60 * DAY), Limits(), "skip", {"days": 60, "of": "touchpoint"}),
        (asked(-50, touchpoint=2), replace(RULE, own_gap=60 * DAY), Limits(), "send", None),
        (asked(-60, touchpoint=1), replace(RULE, own_gap=60 * DAY), Limits(), "send", None),
    ],
)
def test_the_gap_between_surveys_is_the_installations_or_the_programmes(person, rule, limits, outcome, limit):
    made = decision(person=person, rule=rule, limits=limits)
    assert made.outcome == outcome
    if limit:
        assert (made.reason, made.evidence["limit"]) == ("fatigue_contact", limit)


@pytest.mark.parametrize(
    ("limits", "contacts", "others", "outcome"),
    [
        (Limits(account_people=1), 4, [0], "skip"),
        (Limits(account_people=2), 4, [0], "send"),
        (Limits(account_people=1, account_share=Decimal("0.5")), 4, [0], "send"),
        (Limits(account_people=1, account_share=Decimal("0.5")), 4, [0, 1], "skip"),
        (Limits(account_people=1, account_period=14 * DAY), 4, [-13], "skip"),
        (Limits(account_people=1, account_period=14 * DAY), 4, [-14], "send"),
    ],
)
def test_the_limit_of_an_account_is_the_installations(limits, contacts, others, outcome):
    asks = [Ask(at=MONDAY + days * DAY, survey_kind="csat", contact_id=number + 2) for number, days in enumerate(others)]
    made = decision(company=Company(contacts=contacts, asks=asks), limits=limits)
    assert made.outcome == outcome
    if outcome == "skip":
        assert (made.reason, made.evidence["value"]) == ("fatigue_account", len(others))


def test_an_ended_programme_asks_nobody_even_when_it_is_paused_too():
    assert decision(rule=replace(RULE, ended=True, paused=True)).reason == "ended"


def test_a_holiday_of_the_contacts_country_is_waited_over():
    # 23 April is a holiday in Türkiye, a Thursday in 2026; 1 May is a Friday
    thursday = dt.datetime(2026, 4, 23, 8, tzinfo=UTC)
    turkish = replace(PERSON, time_zone="Europe/Istanbul", days_off=days_off_of("", "TR"))
    made = decision(person=turkish, as_of=thursday, happened=thursday)
    assert (made.outcome, made.reason, made.due_at) == ("hold", "quiet_hours", dt.datetime(2026, 4, 24, 6, tzinfo=UTC))
    assert decision(person=replace(turkish, days_off=days_off_of("DE")), as_of=thursday, happened=thursday).outcome == "send"
    assert days_off_of("XX") is not None
    assert dt.date(2026, 1, 1) not in days_off_of("XX")
    assert dt.date(2026, 1, 1) in days_off_of("tr")
    assert dt.date(2026, 1, 1) not in days_off_of("", "")


def test_the_whole_bayram_is_waited_over_and_what_is_stale_by_then_is_dropped():
    # the feast of 2026 runs from Wednesday 27 to Saturday 30 May
    tuesday = dt.datetime(2026, 5, 26, 20, tzinfo=UTC)
    turkish = replace(PERSON, time_zone="Europe/Istanbul", days_off=days_off_of("TR"))
    assert decision(person=turkish, as_of=tuesday, happened=tuesday).due_at == dt.datetime(2026, 6, 1, 6, tzinfo=UTC)
    short = decision(person=turkish, as_of=tuesday, happened=tuesday, rule=replace(RULE, valid_for=3 * DAY))
    assert (short.outcome, short.reason) == ("skip", "quiet")


def test_a_window_past_midnight_ends_at_midnight_on_the_eve_of_a_day_off():
    night = Window(dt.time(22), dt.time(2), frozenset(range(1, 8)))
    off = {dt.date(2026, 3, 4)}
    eve = dt.datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
    assert first_decent_instant(eve, zone=zone_of(), window=night, days_off=off) == dt.datetime(2026, 3, 5, 22, tzinfo=UTC)
    assert first_decent_instant(eve, zone=zone_of(), window=night) == eve


def test_a_full_day_moves_the_rest_to_the_next_allowed_days():
    rule = replace(RULE, daily_cap=2)
    friday = dt.datetime(2026, 3, 6, 10, tzinfo=UTC)
    taken: Counter[dt.date] = Counter()
    days = []
    for contact in range(7):
        made = decision(rule=rule, person=replace(PERSON, contact_id=contact), as_of=friday, happened=friday, taken=lambda day: taken[day])
        taken[made.due_at.date()] += 1
        days.append((made.outcome, made.reason, made.due_at.date().day))
    assert days == [("send", "eligible", 6)] * 2 + [("hold", "daily_cap", 9)] * 2 + [("hold", "daily_cap", 10)] * 2 + [("hold", "daily_cap", 11)]
    assert made.evidence["cap"] == 2


def test_no_day_before_it_is_stale_is_stale():
    made = decision(rule=replace(RULE, daily_cap=1, valid_for=3 * DAY), taken=lambda day: 1)
    assert (made.outcome, made.reason, made.evidence["value"]) == ("skip", "stale", {"daily_cap": 1})
    # a cap of nothing lets nobody through, and does not hang
    assert decision(rule=replace(RULE, daily_cap=0), taken=lambda day: 0).reason == "stale"


def test_the_day_of_a_cap_is_the_organisations():
    # nine on Tuesday in Auckland is Monday evening in Istanbul
    company = replace(COMPANY, time_zone="Pacific/Auckland", organisation_time_zone="Europe/Istanbul")
    made = decision(rule=replace(RULE, daily_cap=1), company=company, taken=lambda day: int(day == dt.date(2026, 3, 2)))
    assert made.due_at == dt.datetime(2026, 3, 2, 21, tzinfo=UTC)
    assert (made.outcome, made.reason) == ("hold", "daily_cap")


def test_a_backlog_is_worked_off_at_a_rate_and_a_cap_of_ones_own_wins():
    occasion = Occasion(occurred_at=MONDAY, period="p", catch_up_cap=5)
    made = decide(rule=RULE, occasion=occasion, person=PERSON, company=COMPANY, as_of=MONDAY, taken=lambda day: 5 * (day == MONDAY.date()))
    assert made.due_at is not None
    assert (made.outcome, made.due_at.date().day) == ("hold", 3)
    own = decide(rule=replace(RULE, daily_cap=9), occasion=occasion, person=PERSON, company=COMPANY, as_of=MONDAY, taken=lambda day: 5)
    assert own.outcome == "send"


INSTANTS = st.one_of(
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(UTC)),
    # around the changes of the clock, and one at midnight that a zone had
    st.builds(
        lambda at, steps: at + steps * dt.timedelta(minutes=47),
        st.sampled_from([
            dt.datetime(2026, 3, 29, 1, tzinfo=UTC), dt.datetime(2026, 10, 25, 1, tzinfo=UTC), dt.datetime(2026, 3, 8, 7, tzinfo=UTC),
            dt.datetime(2026, 11, 1, 6, tzinfo=UTC), dt.datetime(2026, 4, 4, 15, tzinfo=UTC), dt.datetime(2018, 11, 4, 3, tzinfo=UTC),
        ]),
        st.integers(-72, 72),
    ),
)  # fmt: skip
WINDOWS = st.builds(
    Window,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(1, 7), min_size=1),
)


@given(INSTANTS, st.sampled_from(ZONES), WINDOWS, st.sampled_from(["", "TR", "DE", "GB", "US", "JP", "NP", "AU"]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_due_exists_and_lies_in_the_window_on_an_allowed_day(start, zone, window, country):
    tz, off = zoneinfo.ZoneInfo(zone), days_off_of(country)
    found = first_decent_instant(start, zone=tz, window=window, days_off=off)
    if found is None:
        # a window of minutes in the hour that the clock leaves out, on its one weekday
        assert window.opens <= window.closes
        return
    local = found.astimezone(tz)
    wall = local.replace(tzinfo=None)
    assert found >= start
    assert local.astimezone(UTC) == found
    assert wall.date() not in off
    opened = wall.date() - DAY if window.passes_midnight and found < instant_of(dt.datetime.combine(wall.date(), window.opens), tz) else wall.date()
    assert opened.isoweekday() in window.weekdays
    assert opened not in off
    begins = instant_of(dt.datetime.combine(opened, window.opens), tz)
    ends = instant_of(dt.datetime.combine(opened + DAY if window.passes_midnight else opened, window.closes), tz)
    assert begins <= found < ends
    assert first_decent_instant(found, zone=tz, window=window, days_off=off) == found


@given(INSTANTS, st.sampled_from(ZONES))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_day_after_begins_at_its_first_instant(start, zone):
    tz = zoneinfo.ZoneInfo(zone)
    found = day_after(start, tz)
    assert found > start
    assert found.astimezone(tz).date() > start.astimezone(tz).date()
    assert (found - dt.timedelta(seconds=1)).astimezone(tz).date() == start.astimezone(tz).date()


def test_nine_to_six_is_what_everybody_knows():
    assert (WORKING_HOURS.opens, WORKING_HOURS.closes, WORKING_HOURS.weekdays) == (dt.time(9), dt.time(18), frozenset({1, 2, 3, 4, 5}))
