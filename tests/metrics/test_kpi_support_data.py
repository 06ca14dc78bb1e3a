"""Tickets of other people through the shipped profiles: figures their publishers state, and those a plain count of the files gives."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import statistics

import pytest

from config.imports import load_rows
from tests.config.test_import_bundles import bundle, folder_of
from tests.metrics.support_rows import NOW, ask
from tickets.models import Ticket

pytestmark = pytest.mark.django_db
ALL = {"start": "2010-01-01", "end": "2025-12-31"}


@pytest.fixture(autouse=True)
def utc(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"


def test_ravenstack_tickets_give_their_published_counts_and_times():
    folder = folder_of("ravenstack_saas")
    assert bundle(folder, "ravenstack")[0] == 0
    rows = list(csv.DictReader((folder / "support_tickets.csv").open()))
    severity = ask("ats", **ALL)
    assert [severity["parts"][f"level_{level}"] for level in (1, 2, 3, 4)] == [485, 491, 510, 514]
    assert ask("ticket_volume", **ALL)["value"] == "2000"
    replied = [float(row["first_response_time_minutes"]) * 60 for row in rows if row["first_response_time_minutes"]]
    first = ask("first_response_time", **ALL)
    assert int(first["denominator"]) == len(replied)
    assert float(first["value"]) == pytest.approx(statistics.mean(replied))
    assert float(first["parts"]["median"]) == statistics.median(replied)
    # published in hours with two decimals; closing times are rounded to minutes in the file
    assert float(ask("resolution_time", **ALL)["value"]) / 3600 == pytest.approx(35.86, abs=0.01)
    # every ticket of the file is closed
    assert ask("ticket_backlog", "open", **ALL)["value"] == "0"
    middle = dt.datetime(2024, 1, 1)
    opened = sum(dt.datetime.fromisoformat(row["submitted_at"]) < middle and dt.datetime.strptime(row["closed_at"], "%Y-%m-%d %H:%M") >= middle for row in rows)
    assert int(ask("ticket_backlog", "open", start="2023-12-01", end="2024-01-01")["value"]) == opened
    assert float(ask("csat", "mean", **ALL)["value"]) == pytest.approx(3.98, abs=0.005)


def test_zendesk_rows_flow_without_a_rest():
    assert bundle(folder_of("zendesk_export"), "zendesk")[0] == 0
    flow, counted = ask("ticket_backlog", "flow", **ALL), Ticket.objects.counted().count()
    assert (flow["parts"]["opening"], flow["parts"]["new"]) == (0, counted)
    assert flow["value"] == ask("ticket_backlog", "open", **ALL)["value"]
    assert ask("ticket_volume", **ALL)["value"] == str(counted)


# the states of the incidents' log in ours
STATES = {"New": "new", "Active": "open", "Awaiting User Info": "pending", "Awaiting Problem": "on_hold", "Awaiting Vendor": "on_hold", "Awaiting Evidence": "on_hold",
          "Resolved": "solved", "Closed": "closed"}  # fmt: skip
LEVELS = {"1 - Critical": 4, "2 - High": 3, "3 - Moderate": 2, "4 - Low": 1}


def read(path):
    with gzip.open(path, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def moment(text):
    return dt.datetime.strptime(text, "%d-%m-%Y %H:%M").replace(tzinfo=dt.UTC)


def test_incidents_of_a_status_history_give_their_reopenings_and_priorities():
    rows = read(folder_of("it_incidents") / "incident_event_log.csv.gz")
    logs = {}
    for row in rows:
        logs.setdefault(row["number"], []).append(row)
    load_rows("accounts", [{"external_id": "it", "name": "IT"}], now=NOW)
    tickets = [{"external_id": key, "account": "it", "opened_at": moment(log[0]["opened_at"]), "channel": "phone", "severity": LEVELS[log[-1]["priority"]],
                "group": log[-1]["assignment_group"]} for key, log in logs.items()]  # fmt: skip
    assert load_rows("tickets", tickets, now=NOW).created == 597
    events = []
    for key, log in logs.items():
        before = "New"
        for number, row in enumerate(log):
            if row["incident_state"] != before:
                events.append(
                    {"external_id": f"{key}-{number}", "ticket": key, "occurred_at": moment(row["sys_updated_at"]), "kind": "status", "value": STATES[row["incident_state"]]}
                )
                before = row["incident_state"]
    assert load_rows("ticket_events", events, now=NOW).created == len(events)
    severity = ask("ats", **ALL)["parts"]
    assert [severity[f"level_{level}"] for level in (4, 3, 2, 1)] == [13, 18, 513, 53]
    whole = ask("ticket_backlog", "flow", **ALL)["parts"]
    reopenings = sum(a in ("Resolved", "Closed") and b not in ("Resolved", "Closed")
                     for log in logs.values() for a, b in zip([row["incident_state"] for row in log], [row["incident_state"] for row in log][1:], strict=False))  # fmt: skip
    assert (whole["new"], whole["reopened"], whole["resolved"], whole["closing"]) == (597, reopenings, 597 + reopenings, 0)
    assert sum(int(log[-1]["reopen_count"]) > 0 for log in logs.values()) == 10
    monthly = [ask("ticket_backlog", "flow", start=f"2016-{month:02}-01", end=f"2016-{month + 1:02}-01")["parts"] for month in range(1, 7)]
    assert all(left["closing"] == right["opening"] for left, right in itertools.pairwise(monthly))


def test_consumer_tickets_give_their_states_levels_and_channels():
    rows = read(folder_of("support_tickets_consumer") / "customer_support_tickets.csv.gz")
    load_rows("accounts", [{"external_id": "shop", "name": "Shop"}], now=NOW)
    states = {"Open": "open", "Pending Customer Response": "pending", "Closed": "closed"}
    levels, channels = {"Low": 1, "Medium": 2, "High": 3, "Critical": 4}, {"Social media": "social", "Phone": "phone", "Email": "email", "Chat": "chat"}
    tickets = [
        {
            "external_id": row["Ticket ID"], "account": "shop", "opened_at": dt.datetime(2023, 5, 31, tzinfo=dt.UTC), "status": states[row["Ticket Status"]],
            "severity": levels[row["Ticket Priority"]], "channel": channels[row["Ticket Channel"]], "category": row["Ticket Type"],
            "first_replied_at": moment(row["First Response Time"]) if row["First Response Time"] else None,
            "solved_at": moment(row["Time to Resolution"]) if row["Time to Resolution"] else None,
        }
        for row in rows
    ]  # fmt: skip
    assert load_rows("tickets", tickets, now=NOW).created == 5623
    assert ask("ticket_backlog", "open", **ALL)["value"] == str(1930 + 1869)
    severity = ask("ats", **ALL)["parts"]
    assert [severity[f"level_{level}"] for level in (1, 2, 3, 4)] == [1371, 1447, 1394, 1411]
    assert {group["key"]: int(group["value"]) for group in ask("ticket_volume", by="channel", **ALL)["groups"]} == {"social": 1424, "phone": 1419, "email": 1395, "chat": 1385}
    assert ask("resolution_time", **ALL)["parts"]["count"] == 1824
    assert ask("first_response_time", **ALL)["parts"] | {"median": None, "p90": None} == {
        "median": None, "p90": None, "count": 3754, "unanswered": 1869, "unanswered_median_age": str((dt.datetime(2025, 12, 31) - dt.datetime(2023, 5, 31)).days * 86400),
        "unanswered_oldest_age": (dt.datetime(2025, 12, 31) - dt.datetime(2023, 5, 31)).days * 86400,
    }  # fmt: skip
