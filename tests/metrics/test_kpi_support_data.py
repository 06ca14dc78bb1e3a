"""Tickets of other people through the shipped profiles: figures their publishers state, and those a plain count of the files gives."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
import statistics

import pytest

from tests.config.test_import_bundles import bundle, folder_of
from tests.metrics.support_rows import ask
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


def read(path):
    with gzip.open(path, "rt", newline="") as stream:
        return list(csv.DictReader(stream))


def test_incidents_of_a_status_history_give_their_reopenings_and_priorities():
    folder, logs = folder_of("it_incidents"), {}
    for row in read(folder / "incident_event_log.csv.gz"):
        logs.setdefault(row["number"], []).append(row)
    assert bundle(folder, "it_incidents")[0] == 0
    severity = ask("ats", params={"basis": "current"}, **ALL)["parts"]
    assert [severity[f"level_{level}"] for level in (4, 3, 2, 1)] == [13, 18, 513, 53]
    whole = ask("ticket_backlog", "flow", **ALL)["parts"]
    reopenings = sum(a in ("Resolved", "Closed") and b not in ("Resolved", "Closed")
                     for log in logs.values() for a, b in zip([row["incident_state"] for row in log], [row["incident_state"] for row in log][1:], strict=False))  # fmt: skip
    assert (whole["new"], whole["reopened"], whole["resolved"], whole["closing"]) == (597, reopenings, 597 + reopenings, 0)
    assert sum(int(log[-1]["reopen_count"]) > 0 for log in logs.values()) == 10
    monthly = [ask("ticket_backlog", "flow", start=f"2016-{month:02}-01", end=f"2016-{month + 1:02}-01")["parts"] for month in range(1, 7)]
    assert all(left["closing"] == right["opening"] for left, right in itertools.pairwise(monthly))


def test_consumer_tickets_give_their_states_levels_and_channels():
    code, report, _err = bundle(folder_of("support_tickets_consumer"), "support_tickets_consumer")
    assert code == 0, report
    # 1,824 ratings with a mean of 2.99
    rated = ask("csat", "mean", **ALL)
    assert (rated["denominator"], round(float(rated["value"]), 2)) == ("1824", 2.99)
    assert ask("ticket_backlog", "open", **ALL)["value"] == str(1930 + 1869)
    severity = ask("ats", **ALL)["parts"]
    assert [severity[f"level_{level}"] for level in (1, 2, 3, 4)] == [1371, 1447, 1394, 1411]
    assert {group["key"]: int(group["value"]) for group in ask("ticket_volume", by="channel", **ALL)["groups"]} == {"social": 1424, "phone": 1419, "email": 1395, "chat": 1385}
    assert ask("resolution_time", **ALL)["parts"]["count"] == 1824
    assert ask("first_response_time", **ALL)["parts"] | {"median": None, "p90": None} == {
        "median": None, "p90": None, "count": 3754, "unanswered": 1869, "unanswered_median_age": str((dt.datetime(2025, 12, 31) - dt.datetime(2023, 5, 31)).days * 86400),
        "unanswered_oldest_age": (dt.datetime(2025, 12, 31) - dt.datetime(2023, 5, 31)).days * 86400,
    }  # fmt: skip
