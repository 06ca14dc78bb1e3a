"""Random histories of tickets against a plain recomputation: flow, backlog, times, severity and volume at random periods."""

from __future__ import annotations

import datetime as dt
import random
import statistics
from decimal import Decimal

import pytest

from metrics.kpis.engine import answer
from tests.metrics.support_rows import NOW, account
from tickets.clock import Hours, Interval
from tickets.durations import Schedule, quantile, spread
from tickets.models import BusinessHours, Interaction, Ticket, TicketChange
from tickets.state import MOVES, OPEN_STATES, RESOLVED_STATES

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WEEK = tuple(Interval(day, dt.time(9), dt.time(17), "Europe/Istanbul") for day in range(1, 6))


def history(rng, opened):
    """Moves a ticket may make, with replies between: (instant, kind, before, value)."""
    state, at, found = "new", opened, []
    for _ in range(rng.randrange(0, 9)):
        at += dt.timedelta(minutes=rng.choice([0, 1, 30, 600, 5000]))
        if rng.random() < 0.4:
            found.append((at, rng.choice(["public_reply", "customer_reply", "internal_note"]), "", ""))
        elif rng.random() < 0.3:
            found.append((at, "severity", "", str(rng.randrange(1, 5))))
        elif MOVES[state]:
            after = rng.choice(sorted(MOVES[state]))
            found.append((at, "status", state, after))
            state = after
    return found


@pytest.fixture
def histories(db):
    """Eighty tickets with random logs, as (opened, first severity, log) by id."""
    rng, made = random.Random(7), {}
    owner = account()
    for number in range(80):
        opened = START + dt.timedelta(minutes=rng.randrange(0, 60 * 24 * 60))
        log, level = history(rng, opened), rng.choice([None, 1, 2, 3, 4])
        levels = [level, *(int(value) for _at, kind, _before, value in log if kind == "severity")]
        status = next((value for _at, kind, _before, value in reversed(log) if kind == "status"), "new")
        replied = [at for at, kind, *_rest in log if kind == "public_reply"]
        row = Ticket.objects.create(
            account=owner, external_id=f"t{number}", opened_at=opened, severity=levels[-1], status=status, channel="email", category=rng.choice(["", "a", "b"]),
            first_replied_at=min(replied, default=None),
        )  # fmt: skip
        before = iter(levels)
        TicketChange.objects.bulk_create(
            TicketChange(ticket=row, kind=kind, occurred_at=at, value_before=str(next(before) or "") if kind == "severity" else old, value=value,
                         actor_kind="customer" if kind == "customer_reply" else "agent") for at, kind, old, value in log
        )  # fmt: skip
        made[row.pk] = (opened, level, log, row.category or None)
    return made


def periods(count):
    """Random periods around the histories, some of a length of days."""
    rng = random.Random(11)
    for _ in range(count):
        start = START + HOUR * rng.randrange(-100, 24 * 70)
        yield start, start + HOUR * rng.choice([1, 24, 24 * 7, 24 * 31, 24 * 90])


def state_at(log, moment):
    return next((value for at, kind, _before, value in reversed(log) if kind == "status" and at < moment), "new")


def ask(name, start, end, variant=None, **more):
    return answer(name=name, variant=variant, start=start.isoformat(), end=end.isoformat(), now=NOW, **more)


def test_the_flow_closes_and_meets_the_open_tickets(histories):
    for start, end in periods(12):
        flow = ask("ticket_backlog", start, end, "flow", by="category")
        for told in [flow, *flow["groups"]]:
            parts = told["parts"]
            assert parts["opening"] + parts["new"] + parts["reopened"] - parts["resolved"] - parts["cancelled"] == parts["closing"]
        mine = [log for opened, _level, log, _category in histories.values() if opened < end]
        assert flow["parts"]["closing"] == sum(state_at(log, end) in OPEN_STATES for log in mine) == int(ask("ticket_backlog", start, end, "open")["value"])
        moves = [(before, value) for log in mine for at, kind, before, value in log if kind == "status" and start <= at < end]
        assert flow["parts"]["resolved"] == sum(before in OPEN_STATES and value in RESOLVED_STATES for before, value in moves)
        assert flow["parts"]["reopened"] == sum(before in RESOLVED_STATES and value in OPEN_STATES for before, value in moves)
        assert sum(group["parts"]["closing"] for group in flow["groups"]) == flow["parts"]["closing"]
        opening = ask("ticket_backlog", start - HOUR, start, "open")
        assert int(opening["value"]) == flow["parts"]["opening"]


def test_the_backlog_is_what_waits_longer_than_its_target(histories):
    for start, end in periods(8):
        ages = [(end - opened).total_seconds() for opened, _level, log, _category in histories.values() if opened < end and state_at(log, end) in OPEN_STATES]
        got = ask("ticket_backlog", start, end, params={"target_seconds": "500000"})
        assert int(got["value"]) == sum(age > 500_000 for age in ages)
        assert got["parts"]["oldest_age"] == max(ages, default=None)


def naive(seconds):
    if not seconds:
        return None, None, None
    return statistics.mean(seconds), statistics.median(seconds), statistics.quantiles(seconds, n=10, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]


def resolutions(log):
    """Entries into a resolved state."""
    return [at for at, kind, before, value in log if kind == "status" and value in RESOLVED_STATES and before not in RESOLVED_STATES]


def test_times_are_those_of_a_plain_recomputation(histories):
    for start, end in periods(8):
        replies, full, waiting = [], [], 0
        for opened, _level, log, _category in histories.values():
            answered = min((at for at, kind, *_rest in log if kind == "public_reply"), default=None)
            if answered and start <= answered < end:
                replies.append((answered - opened).total_seconds())
            waiting += opened < end and state_at(log, end) in OPEN_STATES and not (answered and answered < end)
            solved = [at for at in resolutions(log) if at < end]
            if solved and solved[-1] >= start and state_at(log, end) in RESOLVED_STATES:
                full.append((solved[-1] - opened).total_seconds())
        for name, mine in (("first_response_time", replies), ("resolution_time", full)):
            got = ask(name, start, end)
            told = (got["value"], got["parts"]["median"], got["parts"]["p90"])
            assert [None if value is None else pytest.approx(float(value)) for value in told] == list(naive(mine))
            assert (got["parts"]["count"], got["parts"]["unanswered"]) == (len(mine), waiting)


def test_severity_is_replayed_at_creation_and_at_the_end(histories):
    for start, end in periods(6):
        first, last = [], []
        for opened, level, log, _category in histories.values():
            if start <= opened < end:
                changes = [(at, int(value)) for at, kind, _before, value in log if kind == "severity"]
                first.append(next((value for at, value in reversed(changes) if at <= opened), level))
                last.append(next((value for at, value in reversed(changes) if at < end), level))
        for basis, levels in (("at_creation", first), ("current", last)):
            got = ask("ats", start, end, params={"basis": basis})
            known = [level for level in levels if level]
            assert (got["numerator"], got["denominator"], got["parts"]["unset"]) == (str(sum(known)), str(len(known)), len(levels) - len(known))
        assert ask("ticket_volume", start, end)["value"] == str(len(first))


def test_a_past_instant_is_the_same_before_and_after_what_came_later(histories):
    middle = START + dt.timedelta(days=30)
    names = ("first_response_time", "resolution_time", "ticket_backlog", "ats", "ticket_volume")
    before = {name: ask(name, START, middle) for name in names}
    TicketChange.objects.filter(occurred_at__gte=middle).delete()
    for name in names:
        assert ask(name, START, middle)["value"] == before[name]["value"], name


def test_business_times_are_those_of_the_clock(histories):
    BusinessHours.objects.bulk_create(BusinessHours(weekday=hours.weekday, opens=hours.opens, closes=hours.closes, time_zone=hours.zone) for hours in WEEK)
    mine = []
    for opened, _level, log, _category in histories.values():
        answered = min((at for at, kind, *_rest in log if kind == "public_reply"), default=None)
        if answered:
            mine.append(Hours(WEEK).business_seconds(opened, answered))
    got = ask("first_response_time", START, START + dt.timedelta(days=200), params={"clock": "business"})
    assert (int(got["numerator"]), int(got["denominator"])) == (sum(mine), len(mine))


def test_a_schedule_counts_as_the_clock_does():
    rng, hours = random.Random(3), Hours((*WEEK, Interval(5, dt.time(22), dt.time(6), "Europe/Berlin")), frozenset({dt.date(2024, 3, 8)}))
    first, last = int(START.timestamp()), int((START + dt.timedelta(days=200)).timestamp())
    schedule = Schedule(hours, first, last)
    for _ in range(300):
        a, b = rng.randrange(first, last), rng.randrange(first, last)
        assert schedule.seconds(a, b) == hours.business_seconds(dt.datetime.fromtimestamp(a, dt.UTC), dt.datetime.fromtimestamp(b, dt.UTC))


def test_quantiles_are_those_of_the_standard_library():
    rng = random.Random(5)
    for size in range(2, 40):
        values = sorted(rng.randrange(0, 10**7) for _ in range(size))
        assert float(quantile(values, Decimal("0.9"))) == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[-1])
        assert spread(values).median == Decimal(str(statistics.median(values)))


def test_handle_time_is_that_of_a_plain_sum(db):
    rng, total, count = random.Random(9), Decimal(0), 0
    for number in range(120):
        channel = rng.choice(["phone", "chat", "email", "web", "social"])
        times = {f"{name}_seconds": rng.choice([None, rng.randrange(0, 900)]) for name in ("talk", "hold", "wrap", "session", "follow_up", "work")}
        abandoned, concurrency = rng.random() < 0.1, rng.choice([None, Decimal(1), Decimal("2.5")])
        Interaction.objects.create(external_id=f"i{number}", channel=channel, ended_at=START, abandoned=abandoned, concurrency=concurrency, **times)
        names = {"phone": ("talk", "hold", "wrap"), "chat": ("session", "follow_up")}.get(channel, ("work",))
        known = [times[f"{name}_seconds"] for name in names if times[f"{name}_seconds"] is not None]
        if known and not abandoned:
            count += 1
            total += Decimal(sum(known)) / (concurrency or 1 if channel == "chat" else 1)
    got = ask("aht", START, START + HOUR, "chat_concurrency")
    assert int(got["denominator"]) == count
    assert float(got["value"]) == pytest.approx(float(total / count))
