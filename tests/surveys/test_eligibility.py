"""Whom to ask and when, as a table of facts; and over random events nobody above a limit."""

import datetime as dt
import zoneinfo
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveys.decent_hours import WORKING_HOURS, Window, first_decent_instant, instant_of, one_working_day_later, zone_of
from surveys.eligibility import Ask, Company, Occasion, Person, Reason, Rule, account_limit, decide, hash_share, most_in_a_period, phase, weekday_shift
from surveys.models import Invitation

UTC = dt.UTC
MONDAY = dt.datetime(2026, 3, 2, 10, tzinfo=UTC)
RULE = Rule(salt="t", survey_kind="csat", activated_at=MONDAY - dt.timedelta(days=100))
OCCASION = Occasion(occurred_at=MONDAY, period="2026-03")
PERSON = Person(contact_id=1, address="selin@bogazici.test")
COMPANY = Company(contacts=10)


def decision(rule=RULE, occasion=OCCASION, person=PERSON, company=COMPANY, as_of=MONDAY):
    return decide(rule=rule, occasion=occasion, person=person, company=company, as_of=as_of)


def ask(days, kind="csat", contact=1):
    return Ask(at=MONDAY + dt.timedelta(days=days), survey_kind=kind, contact_id=contact)


def test_an_eligible_contact_is_asked_now():
    made = decision()
    assert (made.outcome, made.due_at) == ("send", MONDAY)
    assert made.evidence["rule"] == "eligible"


def test_the_words_of_the_pure_module_are_those_of_the_model():
    assert {reason.value for reason in Reason} == set(Invitation.SkipReason.values)


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("paused", {"rule": replace(RULE, paused=True)}),
        ("not_active", {"rule": replace(RULE, activated_at=None)}),
        ("not_active", {"rule": replace(RULE, activated_at=MONDAY + dt.timedelta(seconds=1))}),
        ("not_published", {"rule": replace(RULE, published=False)}),
        ("import", {"occasion": replace(OCCASION, imported=True)}),
        ("condition", {"rule": replace(RULE, conditions={"person_replied": True})}),
        ("reopened", {"occasion": replace(OCCASION, reopened=True)}),
        ("segment", {"rule": replace(RULE, segments=frozenset({7}))}),
        ("no_contact", {"person": None}),
        ("no_address", {"person": replace(PERSON, address="")}),
        ("suppressed", {"person": replace(PERSON, suppressed=True)}),
        ("suppressed", {"person": replace(PERSON, bounced=True)}),
        ("no_consent", {"person": replace(PERSON, opted_out=True)}),
        ("import", {"person": replace(PERSON, imported_unconfirmed=True)}),
        ("import", {"person": replace(PERSON, surveyable_from=MONDAY + dt.timedelta(days=3))}),
        ("account_churned", {"company": replace(COMPANY, churned=True)}),
        ("sampled_out", {"rule": replace(RULE, sampling=Decimal(0))}),
        ("stale", {"as_of": MONDAY + dt.timedelta(hours=73)}),
        ("quiet", {"rule": replace(RULE, valid_for=dt.timedelta(hours=12)), "as_of": MONDAY + dt.timedelta(hours=9)}),
        ("duplicate", {"occasion": replace(OCCASION, already_asked=True)}),
        ("fatigue_contact", {"person": replace(PERSON, asks=[ask(-29)])}),
        ("fatigue_contact", {"person": replace(PERSON, asks=[ask(29)])}),
        ("fatigue_contact", {"person": replace(PERSON, asks=[ask(-89, "nps")]), "rule": replace(RULE, survey_kind="nps")}),
        ("fatigue_account", {"company": replace(COMPANY, asks=[ask(-6, contact=2), ask(-1, contact=3), ask(-1, contact=4)])}),
    ],
)
def test_each_rule_refuses_and_names_itself(expected, change):
    made = decision(**change)
    assert (made.outcome, made.reason) == ("skip", expected)
    assert made.evidence["rule"] == expected


@pytest.mark.parametrize(
    "change",
    [
        {"person": replace(PERSON, asks=[ask(-30)])},
        {"person": replace(PERSON, asks=[ask(-60, "nps")])},
        {"person": replace(PERSON, asks=[ask(-90, "nps")]), "rule": replace(RULE, survey_kind="nps")},
        {"company": replace(COMPANY, churned=True), "rule": replace(RULE, survey_kind="exit")},
        {"company": replace(COMPANY, asks=[ask(-8, contact=2), ask(-7, contact=3), ask(-1, contact=4), ask(-1, contact=5)])},
        {"company": replace(COMPANY, contacts=20, asks=[ask(-1, contact=number) for number in range(2, 5)])},
        {"person": replace(PERSON, imported_unconfirmed=True), "occasion": replace(OCCASION, names_contact=True)},
        {"person": replace(PERSON, surveyable_from=MONDAY + dt.timedelta(days=3)), "occasion": replace(OCCASION, names_contact=True)},
        {"person": replace(PERSON, surveyable_from=MONDAY)},
        {"rule": replace(RULE, conditions={"severity": [1, 2]}), "occasion": replace(OCCASION, payload={"severity": 2})},
    ],
)
def test_just_inside_the_limits_is_asked(change):
    assert decision(**change).outcome == "send"


def test_a_delay_and_quiet_hours_hold():
    later = decision(rule=replace(RULE, delay=dt.timedelta(hours=24)))
    assert (later.outcome, later.reason, later.due_at) == ("hold", "delay", MONDAY + dt.timedelta(hours=24))
    night = decision(as_of=MONDAY + dt.timedelta(hours=10))
    assert (night.outcome, night.reason, night.due_at) == ("hold", "quiet_hours", dt.datetime(2026, 3, 3, 9, tzinfo=UTC))


def test_the_zone_is_the_contacts_then_the_accounts_then_the_organisations():
    company = replace(COMPANY, time_zone="America/New_York", organisation_time_zone="Asia/Tokyo")
    assert decision(company=company).due_at == dt.datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert decision(company=company, person=replace(PERSON, time_zone="Europe/Istanbul")).due_at == MONDAY
    assert decision(company=replace(company, time_zone="")).due_at == dt.datetime(2026, 3, 3, 0, tzinfo=UTC)
    assert zone_of("Nowhere/Atall", "Europe/Istanbul").key == "Europe/Istanbul"


def test_a_local_time_that_does_not_exist_is_the_first_instant_after_it():
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    assert instant_of(dt.datetime(2026, 3, 29, 2, 30), berlin) == dt.datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    # a zone whose midnight does not exist on the day of the change
    assert instant_of(dt.datetime(2018, 11, 4, 0, 0), zoneinfo.ZoneInfo("America/Sao_Paulo")) == dt.datetime(2018, 11, 4, 3, 0, tzinfo=UTC)


def test_a_local_time_that_exists_twice_is_the_first_of_the_two():
    assert instant_of(dt.datetime(2026, 10, 25, 2, 30), zoneinfo.ZoneInfo("Europe/Berlin")) == dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instant_of(dt.datetime(2026, 11, 1, 1, 30), zoneinfo.ZoneInfo("America/New_York")) == dt.datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(("friday", "monday"), [((2026, 3, 27, 17), (2026, 3, 30, 7)), ((2026, 10, 23, 16), (2026, 10, 26, 8))])
def test_nine_in_the_morning_stays_nine_across_both_changes_of_the_clock(friday, monday):
    start = dt.datetime(*friday, 30, tzinfo=UTC)
    due = first_decent_instant(start, zone=zoneinfo.ZoneInfo("Europe/Berlin"), window=WORKING_HOURS)
    assert due == dt.datetime(*monday, tzinfo=UTC)
    assert due.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).hour == 9


def test_a_window_may_pass_midnight_and_may_never_open():
    night = Window(dt.time(22), dt.time(2), frozenset({1}))
    assert first_decent_instant(dt.datetime(2026, 3, 3, 1, tzinfo=UTC), zone=zone_of(), window=night) == dt.datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert first_decent_instant(MONDAY, zone=zone_of(), window=Window(dt.time(9), dt.time(18), frozenset())) is None


def test_a_working_day_later_skips_the_weekend():
    friday = dt.datetime(2026, 3, 6, 15, tzinfo=UTC)
    assert one_working_day_later(friday, zone_of()) == dt.datetime(2026, 3, 9, 15, tzinfo=UTC)


ZONES = st.sampled_from(
    [
        "Europe/Istanbul",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Tokyo",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Casablanca",
        "UTC",
    ]
)
INSTANTS = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(UTC))


@given(INSTANTS, ZONES)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_due_lies_in_the_window_and_never_before_the_start(start, zone):
    found = first_decent_instant(start, zone=zoneinfo.ZoneInfo(zone), window=WORKING_HOURS)
    local = found.astimezone(zoneinfo.ZoneInfo(zone))
    assert found >= start
    assert local.isoweekday() <= 5
    assert 9 <= local.hour < 18
    assert first_decent_instant(found, zone=zoneinfo.ZoneInfo(zone), window=WORKING_HOURS) == found


@given(st.lists(st.tuples(st.integers(0, 60 * 24), st.integers(1, 25), st.sampled_from(["nps", "csat", "ces", "exit"])), max_size=60), st.integers(1, 25))
@settings(max_examples=150, deadline=None)
def test_nobody_is_above_a_limit_over_random_events(events, contacts):
    asks = []
    for hour, contact, kind in events:
        at = MONDAY + dt.timedelta(hours=hour)
        made = decide(
            rule=replace(RULE, survey_kind=kind), occasion=Occasion(occurred_at=at, period="p"), as_of=at,
            person=replace(PERSON, contact_id=contact, asks=[one for one in asks if one.contact_id == contact]), company=Company(contacts=contacts, asks=asks),
        )  # fmt: skip
        if not made.is_skip:
            asks.append(Ask(at=made.due_at, survey_kind=kind, contact_id=contact))
    for one in asks:
        mine = [other for other in asks if other is not one and other.contact_id == one.contact_id]
        assert all(abs(other.at - one.at) >= dt.timedelta(days=30) for other in mine)
        assert all(abs(other.at - one.at) >= dt.timedelta(days=90) for other in mine if other.survey_kind == one.survey_kind == "nps")
        week = [other for other in asks if dt.timedelta(0) <= other.at - one.at < dt.timedelta(days=7)]
        assert len(week) <= account_limit(contacts)


@given(st.lists(st.integers(0, 400), max_size=12), st.integers(0, 400))
def test_the_fullest_period_is_found(hours, here):
    instants = [MONDAY + dt.timedelta(hours=hour) for hour in hours]
    including = MONDAY + dt.timedelta(hours=here)
    week = dt.timedelta(days=7)
    everything = [*instants, including]
    slow = max(sum(1 for at in everything if start <= at < start + week) for start in everything if start <= including < start + week)
    assert most_in_a_period(instants, including, week) == slow


def test_samples_are_the_same_on_every_run_and_of_the_right_size():
    drawn = [hash_share("t", contact, "2026-03") < Decimal("0.3") for contact in range(4000)]
    assert drawn == [hash_share("t", contact, "2026-03") < Decimal("0.3") for contact in range(4000)]
    assert 0.27 < sum(drawn) / 4000 < 0.33


def test_rounds_spread_over_the_days_and_weekends_over_the_week():
    days = [phase("nps", contact, 180) for contact in range(18_000)]
    assert set(days) == set(range(180))
    assert max(days.count(day) for day in range(0, 180, 15)) < 160
    saturday = dt.date(2026, 3, 7)
    shifts = [weekday_shift("nps", contact, saturday, frozenset({1, 2, 3, 4, 5})).days for contact in range(1000)]
    assert set(shifts) == {2, 3, 4, 5, 6}
    assert weekday_shift("nps", 1, dt.date(2026, 3, 9), frozenset({1, 2, 3, 4, 5})) == dt.timedelta(0)
