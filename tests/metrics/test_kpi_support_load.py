"""Backlog against its targets, severity, volume, team performance and the cost of support."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from accounts.models import Segment, SegmentMembership
from metrics.kpis.engine import WrongQuestion
from metrics.models import PerformanceTarget
from tests.metrics.support_rows import account, ask, groups, load, ticket

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC."""
    settings.ORGANISATION_TIME_ZONE = "UTC"
    settings.REPORTING_CURRENCY = "TRY"


def june(day, hour=0):
    return f"2024-06-{day:02}T{hour:02}:00:00Z"


def test_the_target_is_that_of_severity_and_segment_at_the_instant_and_of_its_clock():
    vip, _ = Segment.objects.get_or_create(key="vip", defaults={"name": "VIP"})
    load("service_levels", [{"severity": 3, "segment": None, "resolution_seconds": 10 * DAY, "clock": "calendar"},
                            {"severity": 3, "segment": "vip", "resolution_seconds": 2 * DAY, "clock": "calendar"},
                            {"severity": 4, "segment": None, "resolution_seconds": 3 * 8 * 3600, "clock": "business"}])  # fmt: skip
    load("business_hours", [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(1, 6)])
    # seven days old at the end
    ticket("plain", june(24), severity="3")
    ticket("vip", june(24), severity="3", account_key="big")
    ticket("none", june(1))
    # Thursday 27 June: two business days by the end of Sunday 30 June
    ticket("urgent", june(27), severity="4")
    SegmentMembership.objects.create(account=account("big"), segment=vip, valid_from="2024-06-01T00:00:00Z")
    got = ask("ticket_backlog")
    assert (got["value"], got["denominator"], got["parts"]["open"], got["parts"]["share"], got["parts"]["oldest_age"]) == ("1", None, 4, "0.25", 30 * DAY)
    assert groups(ask("ticket_backlog", by="segment")) == {"vip": "1", None: "0"}
    # raised to urgent by a later entry, three business days old by Tuesday morning
    assert groups(ask("ticket_backlog", end="2024-07-02T09:00:01", by="severity")) == {"3": "1", "4": "1", None: "0"}
    assert ask("ticket_backlog", params={"clock": "calendar"})["value"] == "2"
    assert ask("ticket_backlog", params={"target_seconds": str(5 * DAY)})["value"] == "3"
    # five days of eight hours lie between the 24th and the end
    assert ask("ticket_backlog", params={"target_seconds": str(40 * 3600 - 1), "clock": "business"})["value"] == "3"
    assert ask("ticket_backlog", params={"target_seconds": str(40 * 3600), "clock": "business"})["value"] == "1"


def test_exactly_as_old_as_the_target_is_not_older_and_what_opens_at_the_end_is_not_there():
    ticket("a", june(30), ("2024-07-01T00:00:00Z", "status", "solved"))
    ticket("b", "2024-07-01T00:00:00Z")
    assert ask("ticket_backlog", "open")["value"] == "1"
    assert ask("ticket_backlog", params={"target_seconds": str(DAY)})["value"] == "0"
    assert ask("ticket_backlog", params={"target_seconds": str(DAY - 1)})["value"] == "1"
    assert ask("ticket_backlog", start="2024-07-01", end="2024-08-01", variant="flow")["parts"] == {
        "opening": 1, "new": 1, "reopened": 0, "resolved": 1, "cancelled": 0, "closing": 1, "closure_rate": "1",
    }  # fmt: skip


def test_pending_and_on_hold_are_open_and_cancelled_is_not():
    ticket("a", june(1), (june(2), "status", "pending"))
    ticket("b", june(1), (june(2), "status", "on_hold"))
    ticket("c", june(1), (june(2), "status", "cancelled"))
    assert ask("ticket_backlog", "open")["value"] == "2"
    assert ask("ticket_backlog", "flow")["parts"]["cancelled"] == 1


def test_severity_at_creation_and_now():
    ticket("a", june(1), (june(5), "severity", "4"), severity="1")
    ticket("b", june(1), severity="2")
    ticket("c", june(1))
    got = ask("ats")
    assert (got["value"], got["parts"]["level_1"], got["parts"]["level_4"], got["parts"]["unset"]) == ("1.5", 1, 0, 1)
    assert ask("ats", params={"basis": "current"})["value"] == "3"
    assert ask("ats", params={"basis": "current"}, end="2024-06-05")["value"] == "1.5"
    assert ask("ticket_volume")["parts"] == {"tickets": 3, "accounts": 1}


def solved(key, agent, hours, **fields):
    ticket(key, june(3), (june(3), "assigned", agent), (june(3, hours), "public_reply"), (june(3, hours), "status", "solved"), **fields)


def test_performance_of_a_team_is_weighted_and_refused_for_few(cast):
    for number in range(3):
        solved(f"t{number}", "deniz@vefa.test", 8)
    few = ask("team_performance")
    assert (few["value"], few["flags"]) == (None, ["too_few_items"])
    params = {"min_items": "3", "fcr_weight": "1", "fcr_worst": "0", "fcr_best": "1", "resolution_time_weight": "1", "resolution_time_worst": "57600",
              "resolution_time_best": "0", "first_response_time_weight": "0"}  # fmt: skip
    got = ask("team_performance", params=params)
    # csat has no answers: its weight is shared; 8 of 16 hours earn 50 points
    assert (got["value"], got["numerator"], got["denominator"], got["unit"]) == ("75", "150", "2", "points")
    assert (got["parts"]["fcr_score"], got["parts"]["resolution_time_score"], got["parts"]["csat_score"], got["parts"]["fcr_count"]) == ("100", "50", None, 3)
    assert "first_response_time" not in got["parts"]
    solved("late", "elif@vefa.test", 8, location="Ankara")
    assert groups(ask("team_performance", by="agent", params=params)) == {"deniz@vefa.test": "75", "elif@vefa.test": None}
    assert groups(ask("team_performance", by="location", params={**params, "min_items": "1"})) == {"Ankara": "75", None: "75"}
    with pytest.raises(WrongQuestion, match="differ"):
        ask("team_performance", params={"fcr_worst": "0.85"})
    with pytest.raises(WrongQuestion, match="segment"):
        ask("team_performance", by="segment")


def test_targets_of_the_organisation_stand_in_for_the_defaults_and_a_parameter_wins(cast):
    solved("a", "deniz@vefa.test", 8)
    for name in ("csat", "first_response_time", "resolution_time"):
        PerformanceTarget.objects.create(component=name, weight=0, worst=1, best=0)
    PerformanceTarget.objects.create(component="fcr", weight=5, worst=0, best=2)
    assert ask("team_performance", params={"min_items": "1"})["value"] == "50"
    assert ask("team_performance", params={"min_items": "1", "fcr_best": "1"})["value"] == "100"
    with pytest.raises(IntegrityError), transaction.atomic():
        PerformanceTarget.objects.create(component="aht", weight=1, worst=1, best=1)


def test_lines_of_cost_are_spread_over_their_days_and_count_once():
    load("costs", [
        {"external_id": "month", "category": "support", "amount": "3000", "start": "2024-06-11", "end": None, "tags": "quality", "currency": "TRY"},
        {"external_id": "half", "category": "service", "amount": "600", "start": "2024-06-21", "end": "2024-07-11", "tags": None, "currency": "TRY"},
        {"external_id": "tagged", "category": "team", "amount": "90", "start": "2024-05-01", "end": "2024-07-30", "tags": "support", "currency": "TRY"},
        {"external_id": "other", "category": "team", "amount": "5000", "start": "2024-06-01", "end": None, "tags": None, "currency": "TRY"},
    ])  # fmt: skip
    got = ask("support_cost")
    assert (got["value"], got["currency"], got["denominator"]) == ("3330", "TRY", None)
    assert [got["parts"][f"cost_{name}"] for name in ("support", "quality", "service")] == ["3030", "3000", "300"]
    assert groups(ask("support_cost", by="category")) == {"support": "3030", "service": "300"}
    assert ask("support_cost", start="2024-06-01", end="2024-06-16")["value"] == "1515"
    assert ask("support_cost", "per_customer")["value"] is None
    assert ask("support_cost", "per_resolved_ticket")["value"] is None


def test_cost_by_segment_shares_what_has_none_by_customers():
    load("exchange_rates", [{"currency": "EUR", "day": "2024-06-01", "rate": "30"}])
    vip, _ = Segment.objects.get_or_create(key="vip", defaults={"name": "VIP"})
    for number in range(4):
        owner = account(f"a{number}")
        load("subscriptions", [{"external_id": f"s{number}", "account": owner.external_id, "start": "2024-01-01", "amount": "10", "currency": "TRY"}])
        if number == 0:
            SegmentMembership.objects.create(account=owner, segment=vip, valid_from="2024-01-01T00:00:00Z")
    load("costs", [{"external_id": "all", "category": "support", "amount": "10", "start": "2024-06-01", "currency": "EUR", "segment": None},
                   {"external_id": "own", "category": "support", "amount": "100", "start": "2024-06-01", "currency": "TRY", "segment": "vip"}])  # fmt: skip
    assert ask("support_cost", "per_customer")["value"] == "100"
    assert groups(ask("support_cost", by="segment")) == {"vip": "175", None: "225"}
    assert ask("support_cost", segment="vip")["value"] == "175"
    # a reader of one account sees the share of that customer
    assert ask("support_cost", accounts=[account("a1").pk])["value"] == "75"
    load("costs", [{"external_id": "usd", "category": "support", "amount": "1", "start": "2024-06-01", "currency": "USD"}])
    missing = ask("support_cost")
    assert (missing["value"], missing["missing"]) == (None, ["USD"])


def test_the_command_and_the_scope_of_a_reader(capsys):
    ticket("a", june(3), severity="3")
    ticket("b", june(3), severity="1", account_key="other")
    call_command("kpi", "ats", "--start", "2024-06-01", "--end", "2024-07-01", "--by", "channel", "--param", "basis=current")
    assert '"value": "2"' in capsys.readouterr().out
    assert ask("ats", accounts=[account("other").pk])["value"] == "1"
    assert Decimal(ask("ticket_volume", accounts=[])["value"]) == 0
