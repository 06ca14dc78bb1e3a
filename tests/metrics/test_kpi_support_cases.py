"""Worked cases of other people for the figures of support: through an import, the database and the engine, or by formula where only totals are printed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from metrics.formulas.team import Target, composite, score
from metrics.kpis.engine import answer
from tests.metrics.support_rows import NOW, account, ask, contact, load, ticket
from tests.shared_data import cases
from tickets.durations import spread
from tickets.support_formulas import Flow, mean_handle_time

pytestmark = pytest.mark.django_db
UNITS = {"second": 1, "minute": 60, "hour": 3600}
NOON = dt.datetime(2024, 6, 3, 12, tzinfo=dt.UTC)


def later(start, seconds):
    return (start + dt.timedelta(seconds=seconds)).isoformat()


def raw_tickets(given):
    for number, row in enumerate(given["tickets"]):
        events = [(event["at"], "status", event["status"]) if "status" in event else (event["at"], "public_reply" if event["public"] else "internal_note", None, event["by"])
                  for event in row["events"]]  # fmt: skip
        ticket(f"t{number}", row["created"], *events)


@pytest.mark.parametrize("case", cases("first_response_time"))
def test_first_response_time_cases(case, settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"
    given, expected = case["input"], case["expected"]
    if "total_minutes" in given:
        # one reply takes what the others leave, so that the total is the printed one
        each = given["total_minutes"] * 60 // given["tickets"]
        seconds = [each] * given["tickets"]
    else:
        seconds = given.get("durations_seconds", [])
    if seconds:
        account()
        load("tickets", [{"external_id": f"t{n}", "account": "acme", "opened_at": NOON.isoformat(), "first_replied_at": later(NOON, value)} for n, value in enumerate(seconds)])
    else:
        raw_tickets(given)
    if "business_hours" in given:
        hours = given["business_hours"]
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        load("business_hours", [{"weekday": days.index(day) + 1, "opens": hours["from"], "closes": hours["to"]} for day in hours["days"]])
    got = ask("first_response_time", params={"clock": "business" if case["variant"] == "business_mean" else "calendar"})
    wanted = expected.get("seconds", expected.get("mean_seconds"))
    if wanted is None:
        assert (got["value"], got["parts"]["unanswered"]) == (None, expected["unanswered"])
        return
    assert float(got["value"]) == pytest.approx(wanted, abs=case["tolerance"])
    assert got["parts"]["unanswered"] == expected.get("unanswered", 0)


@pytest.mark.parametrize("case", cases("resolution_time"))
def test_resolution_time_cases(case):
    given, expected = case["input"], case["expected"]
    if "tickets" in given and isinstance(given["tickets"], list):
        raw_tickets(given)
        for variant, name in (("first", "first_resolution_seconds"), ("full", "full_resolution_seconds"), ("minus_solved_time", "minus_solved_time_seconds")):
            assert float(ask("resolution_time", variant)["value"]) == pytest.approx(expected[name], abs=case["tolerance"])
        return
    hours = given.get("durations_hours") or [given["total_hours"] / given["tickets"]] * given["tickets"]
    account()
    load("tickets", [{"external_id": f"t{n}", "account": "acme", "opened_at": NOON.isoformat(), "solved_at": later(NOON, value * 3600)} for n, value in enumerate(hours)])
    got = ask("resolution_time")
    assert float(got["value"]) / 3600 == pytest.approx(expected["mean_hours"], abs=case["tolerance"])
    assert got["parts"]["count"] == len(hours)


@pytest.mark.parametrize("case", cases("fcr"))
def test_first_contact_cases(case):
    given = case["input"]
    hard = given.get("not_resolvable_level_one", 0)
    for number in range(given["issues"]):
        solved = number < given["resolved_first_contact"]
        events = [(later(NOON, 3600), "public_reply"), (later(NOON, 3600), "status", "solved")] if solved else []
        ticket(f"t{number}", NOON.isoformat(), *events, first_level_solvable="true" if number < given["issues"] - hard else "false")
    got = ask("fcr", case["variant"])
    assert float(got["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])
    assert (got["parts"]["issues"], got["parts"]["not_first_level"]) == (given["issues"], hard)


@pytest.mark.parametrize("case", cases("aht"))
def test_handle_time_cases(case):
    given = case["input"]
    unit, times = UNITS[given["unit"]], ("talk", "hold", "wrap")
    rows = given.get("interactions")
    if rows is None and case["variant"] == "chat":
        rows = [{"session": given["handle"] / given["chats"]}] * given["chats"]
    elif rows is None:
        # the first call has everything but what the others took: the sums are the printed ones
        rows = [{name: given[name] for name in times}] + [dict.fromkeys(times, 0)] * (given["calls"] - 1)
    channel = case["variant"] if case["variant"] in ("phone", "chat") else "chat"
    load(
        "interactions",
        [{"external_id": f"i{n}", "ended_at": NOON.isoformat(), "channel": channel, **{f"{name}_seconds": int(value * unit) for name, value in row.items()}} for n, row in enumerate(rows)],
    )  # fmt: skip
    got = ask("aht", params={"channel": channel})
    assert float(got["value"]) / unit == pytest.approx(case["expected"], abs=case["tolerance"])
    if "calls" in given:
        assert float(mean_handle_time(Decimal(sum(given[name] for name in times)), given["calls"])) == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("ats"))
def test_severity_cases(case):
    account()
    levels = [level for level, count in case["input"]["counts"].items() for _ in range(count)]
    load("tickets", [{"external_id": f"t{n}", "account": "acme", "opened_at": NOON.isoformat(), "severity": level} for n, level in enumerate(levels)])
    assert float(ask("ats")["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("ticket_backlog"))
def test_backlog_cases(case):
    given, expected = case["input"], case["expected"]
    account()
    before, within = "2024-05-20T00:00:00Z", "2024-06-10T00:00:00Z"
    if case["variant"] == "flow":
        # those reopened were solved before; what is resolved or cancelled is taken from the opening
        old = [{"opened_at": before, "solved_at": None, "closed_at": None, "reopened_at": None, "status": "open"} for _ in range(given["opening"])]
        new = [{**old[0], "opened_at": within} for _ in range(given["new"])]
        back = [{**old[0], "solved_at": "2024-05-21T00:00:00Z", "reopened_at": within} for _ in range(given["reopened"])]
        ends = [{"status": "solved", "solved_at": within}] * given["resolved"] + [{"status": "cancelled", "closed_at": within}] * given["cancelled"]
        taken = [*old, *new]
        for row, end in zip(taken, ends, strict=False):
            row.update(end)
        load("tickets", [{"external_id": f"t{n}", "account": "acme", **row} for n, row in enumerate([*taken, *back])])
        got = ask("ticket_backlog", "flow")
        parts = {name: got["parts"][name] for name in ("opening", "new", "reopened", "resolved", "cancelled")}
        assert parts == {name: given[name] for name in parts}
        assert int(got["parts"]["closing"]) == expected["closing"] == Flow(**given).closing
        assert ask("ticket_backlog", "open")["value"] == got["value"]
        if "closure_rate" in expected:
            assert float(got["parts"]["closure_rate"]) == pytest.approx(expected["closure_rate"], abs=case["tolerance"])
        return
    load(
        "tickets",
        [{"external_id": f"t{n}", "account": "acme", "opened_at": before if n < given["older_than_target"] else "2024-06-30T23:00:00Z"} for n in range(given["open"])],
    )
    got = ask("ticket_backlog", params={"target_seconds": "86400"})
    assert int(got["value"]) == expected["backlog"]
    assert float(got["parts"]["share"]) == pytest.approx(expected["share"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("support_cost"))
def test_support_cost_cases(case):
    given = case["input"]
    account()
    load("costs", [{"external_id": "c", "category": "support", "amount": given["total_cost"], "start": "2024-06-01"}])
    rows = [{"external_id": f"t{n}", "account": "acme", "opened_at": "2024-06-02T00:00:00Z", "solved_at": "2024-06-05T00:00:00Z"} for n in range(given["resolved_tickets"])]
    load("tickets", rows)
    assert float(ask("support_cost", case["variant"])["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("team_performance"))
def test_team_performance_cases(case):
    parts = []
    for row in case["input"]["components"]:
        target = Target(*(Decimal(str(row[name])) for name in ("weight", "worst", "best")))
        parts.append((score(Decimal(repr(row["actual"])), target), target.weight))
    points, weights = composite(parts)
    assert float(points / weights) == pytest.approx(case["expected"], abs=case["tolerance"])


def test_a_spread_over_nothing_is_null():
    for name in ("first_response_time", "resolution_time", "fcr", "aht", "ats"):
        got = answer(name=name, start="2024-01-01", end="2024-02-01", now=NOW)
        assert (got["value"], got["interval_95"], got["denominator"]) == (None, None, "0")
    for name in ("ticket_backlog", "ticket_volume", "support_cost"):
        assert answer(name=name, start="2024-01-01", end="2024-02-01", now=NOW)["value"] == "0"
    assert spread([]).mean is None


def test_a_single_contact_has_no_interval():
    contact("i1", NOON.isoformat(), "phone", talk_seconds=60)
    assert ask("aht")["interval_95"] is None
