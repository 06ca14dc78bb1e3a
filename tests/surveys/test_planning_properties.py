"""Random programmes and clocks: nobody above any limit, the dry run names what is then planned and queued, every local time is decent."""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Contact, Installation
from surveys.actions.planning import plan, rehearse
from surveys.actions.queueing import queue_due
from surveys.days_off import days_off_of
from surveys.decent_hours import instant_of
from surveys.models import Invitation, Survey, Touchpoint
from surveys.queries.dry_run import dry_run
from tests.surveys.making import happens
from tests.surveys.test_eligibility_limits import ZONES

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
UTC = dt.UTC
KINDS = ("purchase.completed", "trial.ended", "onboarding.completed")
COUNTRIES = ("", "TR", "DE", "GB", "US", "BR", "NP", "AU", "JP")
# the days before both changes of the clock in Europe and America, a feast of four days, the turn of the year, an ordinary Tuesday
STARTS = [
    dt.datetime(2026, 3, 27, 7, tzinfo=UTC), dt.datetime(2026, 10, 23, 16, tzinfo=UTC), dt.datetime(2026, 3, 6, 12, tzinfo=UTC), dt.datetime(2026, 10, 30, 3, tzinfo=UTC),
    dt.datetime(2026, 5, 25, 20, tzinfo=UTC), dt.datetime(2026, 12, 30, 9, tzinfo=UTC), dt.datetime(2026, 6, 16, 11, tzinfo=UTC),
]  # fmt: skip

hours = st.integers(0, 23).map(dt.time)
programme = st.fixed_dictionaries(
    {
        "survey": st.sampled_from(["nps", "csat", "ces"]),
        "event_kind": st.sampled_from([*KINDS, ""]),
        "every_days": st.integers(2, 20),
        "priority": st.integers(1, 3),
        "audience": st.sampled_from(["requester", "main", "everybody"]),
        "delay_minutes": st.sampled_from([0, 0, 90, 1440, 4000]),
        "valid_hours": st.integers(12, 24 * 12),
        "window_from": st.one_of(st.sampled_from([dt.time(0), dt.time(9)]), hours),
        "window_until": st.one_of(st.sampled_from([dt.time(0), dt.time(18)]), hours),
        "weekdays": st.lists(st.integers(1, 7), max_size=7, unique=True),
        "sampling": st.sampled_from([Decimal(1), Decimal(1), Decimal(1), Decimal("0.5")]),
        "cool_down_days": st.integers(0, 5),
        "gap_days": st.integers(0, 12),
        "daily_cap": st.none() | st.integers(1, 3),
        "respects_holidays": st.booleans(),
    }
)
limits = st.fixed_dictionaries(
    {
        "contact_gap_days": st.integers(0, 4), "nps_gap_days": st.integers(0, 20), "account_days": st.integers(1, 9), "account_people": st.integers(1, 3),
        "account_share": st.sampled_from([Decimal(0), Decimal("0.2"), Decimal("0.5")]),
    }
)  # fmt: skip
base = st.lists(st.tuples(st.sampled_from(ZONES), st.sampled_from(COUNTRIES), st.integers(1, 4), st.booleans()), min_size=1, max_size=4)
happenings = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 15), st.sampled_from(KINDS)), min_size=4, max_size=40)
steps = st.lists(st.integers(1, 40), min_size=2, max_size=5)


def set_up(programmes: list[dict[str, Any]], limit: dict[str, Any], accounts: list[tuple[str, str, int, bool]], start: dt.datetime) -> list[Contact]:
    """The programmes, the limits and the people; returns the people."""
    Touchpoint.objects.update(activated_at=None)
    Installation.objects.update_or_create(pk=1, defaults={**limit, "sending_enabled": True, "many_at_once": 1_000_000})
    surveys = {survey.key: survey for survey in Survey.objects.all()}
    for number, fields in enumerate(programmes):
        rest = {**fields, "survey": surveys[fields["survey"]], "every_days": None if fields["event_kind"] else fields["every_days"]}
        Touchpoint.objects.create(key=f"random-{number}", name=f"Random {number}", activated_at=start - 300 * DAY, canary_passed_at=start - 200 * DAY, **rest)
    found = []
    for number, (zone, country, count, own) in enumerate(accounts):
        account = Account.objects.create(external_id=f"r{number}", name=f"R {number}", time_zone="" if own else zone, country=country)
        for person in range(count):
            name = f"r{number}-{person}"
            found.append(Contact.objects.create(external_id=name, account=account, email=f"{name}@x.test", time_zone=zone if own else ""))
    return found


def decided(row: Invitation) -> tuple[Any, ...]:
    return row.touchpoint_id, row.event_id, row.contact_id, row.wave


def run_and_compare(as_of: dt.datetime) -> None:
    """One tick: what the rehearsal named is stored, a second run adds nothing, and what the dry run sends is queued."""
    named = {
        (candidate.programme.touchpoint_id, candidate.event_id, candidate.contact_id, candidate.wave): (decision.reason if decision.is_skip else "", decision.due_at)
        for candidate, decision, _facts in rehearse(as_of=as_of)
    }
    before = set(Invitation.objects.values_list("pk", flat=True))
    to_send = Counter((line.contact_id, line.touchpoint) for line in dry_run(as_of=as_of) if line.decision == "send")
    assert set(Invitation.objects.values_list("pk", flat=True)) == before
    plan(as_of=as_of)
    assert {decided(row): (row.skip_reason, row.not_before) for row in Invitation.objects.exclude(pk__in=before)} == named
    assert plan(as_of=as_of) == {}
    queue_due(as_of=as_of, now=as_of)
    queued = Invitation.objects.filter(status="queued")
    assert Counter(queued.values_list("contact_id", "touchpoint__key")) == to_send
    for row in queued.select_related("touchpoint", "contact", "account"):
        is_decent(row, as_of)
    queued.update(status="sent", sent_at=as_of)


def is_decent(row: Invitation, at: dt.datetime) -> None:
    """The moment lies in the touchpoint's window by the contact's clock, on an allowed day, on no holiday, and in time."""
    touchpoint, contact = row.touchpoint, row.contact
    assert touchpoint is not None
    assert contact is not None
    zone = zoneinfo.ZoneInfo(contact.time_zone or row.account.time_zone or django_settings.ORGANISATION_TIME_ZONE)
    wall = at.astimezone(zone).replace(tzinfo=None)
    assert at.astimezone(zone).astimezone(UTC) == at
    opens, closes = touchpoint.window_from, touchpoint.window_until
    passes = closes <= opens
    opened = wall.date() - DAY if passes and at < instant_of(dt.datetime.combine(wall.date(), opens), zone) else wall.date()
    assert opened.isoweekday() in (touchpoint.weekdays or [1, 2, 3, 4, 5])
    begins, ends = instant_of(dt.datetime.combine(opened, opens), zone), instant_of(dt.datetime.combine(opened + DAY if passes else opened, closes), zone)
    assert begins <= at < ends
    if touchpoint.respects_holidays:
        assert wall.date() not in days_off_of(contact.country, row.account.country)
    assert row.valid_until is not None
    assert at <= row.valid_until


def nobody_is_above_a_limit() -> None:
    """What is planned is decent; over everything that left: gaps of people, people of accounts, caps of days, one invitation a key.

    What is planned and overdue may come too near to something else that is planned: it is looked at again before it leaves.
    """
    now = Installation.current()
    everything = Invitation.objects.select_related("touchpoint", "survey_version__survey", "account", "contact")
    for row in everything.filter(status="planned"):
        assert row.not_before is not None
        is_decent(row, row.not_before)
    rows = list(everything.filter(status__in=["queued", "sent"]))

    def at(row: Invitation) -> dt.datetime:
        moment = row.sent_at or row.not_before
        assert moment is not None
        return moment

    by_contact, by_account = defaultdict(list), defaultdict(list)
    for row in rows:
        by_contact[row.contact_id].append(row)
        by_account[row.account_id].append(row)
    for mine in by_contact.values():
        for one, other in itertools.combinations(mine, 2):
            apart = abs(at(one) - at(other))
            assert apart >= now.contact_gap_days * DAY
            assert one.survey_version is not None
            assert other.survey_version is not None
            if one.survey_version.survey.kind == other.survey_version.survey.kind == "nps":
                assert apart >= now.nps_gap_days * DAY
            if one.touchpoint_id == other.touchpoint_id and one.touchpoint is not None:
                assert apart >= max(one.touchpoint.gap_days, one.touchpoint.cool_down_days) * DAY
    for account, theirs in by_account.items():
        allowed = max(now.account_people, int(now.account_share * Contact.objects.filter(account_id=account).count()))
        for one in theirs:
            assert sum(dt.timedelta(0) <= at(other) - at(one) < now.account_days * DAY for other in theirs) <= allowed
    office = zoneinfo.ZoneInfo(django_settings.ORGANISATION_TIME_ZONE)
    a_day = Counter((row.touchpoint, at(row).astimezone(office).date()) for row in rows)
    for (touchpoint, _day), count in a_day.items():
        assert touchpoint is not None
        assert touchpoint.daily_cap is None or count <= touchpoint.daily_cap
    keys = [decided(row) for row in Invitation.objects.all()]
    assert len(keys) == len(set(keys))


@pytest.mark.django_db
@given(st.lists(programme, min_size=1, max_size=4), limits, base, happenings, st.sampled_from(STARTS), steps)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_over_random_programmes_and_clocks_all_rules_hold_and_the_dry_run_is_the_run(programmes, limit, accounts, events, start, hours_on):
    with transaction.atomic():
        contacts = set_up(programmes, limit, accounts, start)
        waiting = sorted(events)
        as_of = start
        for step in hours_on:
            as_of += step * HOUR
            while waiting and start + waiting[0][0] * HOUR <= as_of:
                hour, person, kind = waiting.pop(0)
                happens(contacts[person % len(contacts)], kind, at=start + hour * HOUR)
            run_and_compare(as_of)
            nobody_is_above_a_limit()
        for _wait in range(12):
            due = Invitation.objects.filter(status="planned", not_before__gt=as_of).order_by("not_before").values_list("not_before", flat=True).first()
            if due is None:
                break
            as_of = due
            run_and_compare(as_of)
        nobody_is_above_a_limit()
        transaction.set_rollback(True)


@pytest.mark.django_db
@given(st.lists(programme, min_size=1, max_size=3), limits, base, happenings, st.sampled_from(STARTS))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_facts_are_decided_the_same_way_on_every_run(programmes, limit, accounts, events, start):
    with transaction.atomic():
        contacts = set_up(programmes, limit, accounts, start)
        for hour, person, kind in events:
            happens(contacts[person % len(contacts)], kind, at=start + hour * HOUR / 10)
        as_of, decisions = start + 20 * HOUR, []
        for _run in range(2):
            plan(as_of=as_of)
            decisions.append({decided(row): (row.status, row.skip_reason, row.not_before, row.decision) for row in Invitation.objects.all()})
            Invitation.objects.all().delete()
        assert decisions[0] == decisions[1]
        transaction.set_rollback(True)
