"""First response and resolution time: who replies, when it counts, and what a later change leaves alone."""

from __future__ import annotations

import pytest

from accounts.models import Segment, SegmentMembership
from metrics.kpis.engine import WrongQuestion
from tests.metrics.support_rows import ask, groups, load, ticket
from tickets.actions.merging import merge
from tickets.models import Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("istanbul")]


@pytest.fixture
def istanbul(settings):
    """Days are those of a zone three hours ahead."""
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"


def june(day, hour=0, minute=0):
    return f"2024-06-{day:02}T{hour:02}:{minute:02}:00Z"


def test_bots_notes_and_customers_are_no_first_reply():
    ticket("a", june(3, 9), (june(3, 9, 1), "public_reply", None, "bot"), (june(3, 10), "internal_note"), (june(3, 11), "customer_reply"), (june(3, 12), "public_reply"))
    got = ask("first_response_time")
    assert (got["value"], got["unit"], got["parts"]["count"], got["parts"]["unanswered"]) == ("10800", "seconds", 1, 0)


def test_the_comment_by_which_an_agent_opens_a_ticket_is_no_reply():
    ticket("a", june(3, 9), (june(3, 9), "public_reply"), (june(3, 10), "customer_reply"), (june(3, 11), "public_reply"), created_by_kind="agent")
    ticket("b", june(3, 9), (june(3, 9), "public_reply"), created_by_kind="agent")
    got = ask("first_response_time")
    assert (got["value"], got["parts"]["count"], got["parts"]["unanswered"]) == ("7200", 1, 1)


def test_a_reply_belongs_to_the_period_it_was_written_in_and_the_end_is_outside():
    ticket("a", "2024-05-31T20:00:00+03:00", ("2024-06-01T00:00:00+03:00", "public_reply"))
    ticket("b", "2024-06-30T20:00:00+03:00", ("2024-07-01T00:00:00+03:00", "public_reply"))
    assert ask("first_response_time")["parts"]["count"] == 1
    assert ask("first_response_time", start="2024-05-01", end="2024-06-01")["value"] is None
    assert ask("first_response_time", start="2024-05-01", end="2024-06-01")["parts"]["unanswered"] == 1
    assert ask("first_response_time", start="2024-07-01", end="2024-08-01")["parts"]["count"] == 1


def test_mean_median_and_the_nine_of_ten():
    for number, minutes in enumerate((10, 20, 30, 60)):
        ticket(f"t{number}", june(3, 9), (june(3, 9 + minutes // 60, minutes % 60), "public_reply"))
    parts = ask("first_response_time")["parts"]
    assert ask("first_response_time")["value"] == "1800"
    assert (parts["median"], parts["p90"]) == ("1500", "3060")


def test_the_unanswered_are_open_ones_with_their_age():
    ticket("a", "2024-06-29T00:00:00+03:00")
    ticket("b", "2024-06-27T00:00:00+03:00")
    ticket("c", "2024-06-20T00:00:00+03:00", (june(21), "status", "solved"))
    parts = ask("first_response_time")["parts"]
    assert (parts["unanswered"], parts["unanswered_median_age"], parts["unanswered_oldest_age"]) == (2, "259200", 4 * 86400)


def test_the_hours_in_force_at_creation_apply():
    load("business_hours", [{"weekday": day, "opens": "09:00", "closes": "17:00", "valid_from": None, "time_zone": "UTC"} for day in range(1, 6)])
    load("business_hours", [{"weekday": 1, "opens": "00:00", "closes": "00:00", "valid_from": "2024-06-10", "time_zone": "UTC"}])
    load("holidays", [{"day": "2024-06-03", "name": "off"}])
    ticket("a", "2024-05-31T16:00:00Z", (june(4, 10), "public_reply"))
    assert ask("first_response_time", params={"clock": "business"})["value"] == "7200"
    ticket("b", "2024-06-10T16:00:00Z", (june(11, 10), "public_reply"))
    assert ask("first_response_time", params={"clock": "business"}, start="2024-06-11")["value"] == str(8 * 3600)


def test_a_reply_counts_for_who_wrote_it_a_resolution_for_who_had_the_ticket(cast):
    ticket(
        "a", june(3, 9), (june(3, 9, 30), "assigned", "deniz@vefa.test"), (june(3, 10), "public_reply"), (june(3, 12), "assigned", "elif@vefa.test"),
        (june(4, 9), "status", "solved"), (june(5), "assigned", "deniz@vefa.test"),
    )  # fmt: skip
    load("ticket_events", [{"external_id": "r", "ticket": "a", "occurred_at": june(3, 9, 15), "kind": "public_reply", "actor_email": "can@vefa.test", "actor_kind": "agent"}])
    assert groups(ask("first_response_time", by="agent")) == {"can@vefa.test": "900"}
    assert groups(ask("resolution_time", by="agent")) == {"elif@vefa.test": "86400"}
    assert ask("resolution_time", filters={"agent": "deniz@vefa.test"})["parts"]["count"] == 0


def test_a_later_reopening_does_not_change_a_closed_period():
    ticket("a", june(3), (june(5), "status", "solved"), ("2024-07-05T00:00:00Z", "status", "open"), ("2024-07-08T00:00:00Z", "status", "solved"))
    first = ask("resolution_time")
    assert (first["value"], first["parts"]["count"], first["parts"]["reopened"]) == (str(2 * 86400), 1, 0)
    later = ask("resolution_time", start="2024-07-01", end="2024-08-01")
    assert (later["value"], later["parts"]["reopened"]) == (str(35 * 86400), 1)
    assert ask("resolution_time", "minus_solved_time", start="2024-07-01", end="2024-08-01")["value"] == str(5 * 86400)
    assert ask("resolution_time", "first", start="2024-07-01", end="2024-08-01")["value"] is None
    between = ask("resolution_time", start="2024-07-01", end="2024-08-01", as_of="2024-07-06T00:00:00Z")
    assert (between["value"], between["partial"]) == (None, True)
    whole = ask("resolution_time", start="2024-06-01", end="2024-08-01", as_of="2024-06-20")
    assert (whole["value"], whole["partial"]) == (str(2 * 86400), True)


def test_what_is_reopened_by_the_end_is_not_resolved_but_was_a_first_resolution():
    ticket("a", june(3), (june(5), "status", "solved"), (june(8), "status", "open"))
    assert ask("resolution_time")["value"] is None
    assert ask("resolution_time", "first")["value"] == str(2 * 86400)


def test_closing_what_is_solved_is_no_second_resolution():
    ticket("a", june(3), (june(5), "status", "solved"), (june(9), "status", "closed"))
    assert ask("resolution_time")["value"] == str(2 * 86400)


def test_columns_stand_in_where_there_is_no_log():
    ticket("a", june(3), status="solved", first_replied_at=june(3, 1), solved_at=june(5))
    ticket("b", june(3), status="solved", solved_at=june(4), reopened_at=june(6), closed_at=june(8))
    ticket("c", june(3), status="closed", solved_at=june(9), reopened_at=june(6))
    ticket("d", june(3), status="solved")
    assert ask("first_response_time")["value"] == "3600"
    full = ask("resolution_time")
    assert (full["numerator"], full["denominator"], full["parts"]["reopened"]) == (str((2 + 5 + 6) * 86400), "3", 2)
    # when c was first resolved nobody knows
    assert (ask("resolution_time", "first")["numerator"], ask("resolution_time", "first")["denominator"]) == (str((2 + 1) * 86400), "2")
    assert ask("resolution_time", "minus_solved_time")["numerator"] == str((2 + 3 + 6) * 86400)


@pytest.mark.parametrize("fields", [{"spam": "true"}, {"test": "true"}, {"deleted_at": june(20)}])
def test_spam_tests_and_deleted_tickets_are_out(fields):
    ticket("a", june(3), (june(4), "public_reply"), (june(5), "status", "solved"), **fields)
    for name in ("first_response_time", "resolution_time", "fcr", "ticket_backlog", "ats", "ticket_volume"):
        assert not int(ask(name)["denominator"] or ask(name)["value"])


def test_accounts_that_are_excluded_are_out():
    ticket("a", june(3), (june(4), "public_reply"))
    Ticket.objects.get().account.__class__.objects.update(excluded=True)
    assert ask("first_response_time")["value"] is None


def test_a_survivor_of_a_merge_has_the_earliest_creation_and_the_first_reply():
    ticket("old", june(3), (june(4), "public_reply"))
    ticket("new", june(5), (june(6), "public_reply"))
    ids = dict(Ticket.objects.values_list("external_id", "id"))
    merge(ticket_id=ids["old"], into_id=ids["new"], now=Ticket.objects.get(external_id="new").opened_at)
    got = ask("first_response_time")
    assert (got["value"], got["denominator"]) == ("86400", "1")


def test_a_chain_of_imported_merges_counts_its_last_ticket_alone():
    ticket("c", june(5), (june(6), "public_reply"), (june(7), "status", "solved"))
    ticket("b", june(4), merged_into="c")
    ticket("a", june(3), (june(3, 6), "public_reply"), merged_into="b")
    got = ask("first_response_time")
    assert (got["value"], got["denominator"]) == (str(6 * 3600), "1")
    assert ask("resolution_time")["value"] == str(4 * 86400)
    assert ask("ticket_volume")["value"] == "1"


def test_breakdowns_filters_and_segments_at_the_reply(cast):
    ticket("a", june(3), (june(3, 1), "public_reply"), group="Billing", location="İzmir", category="invoice", severity="4")
    ticket("b", june(3), (june(3, 3), "public_reply"), channel="chat", account_key="other")
    vip, _ = Segment.objects.get_or_create(key="vip", defaults={"name": "VIP"})
    SegmentMembership.objects.create(account=Ticket.objects.get(external_id="a").account, segment=vip, valid_from="2024-01-01T00:00:00Z")
    assert groups(ask("first_response_time", by="group")) == {"Billing": "3600", None: "10800"}
    assert groups(ask("first_response_time", by="location")) == {"İzmir": "3600", None: "10800"}
    assert groups(ask("first_response_time", by="channel")) == {"email": "3600", "chat": "10800"}
    assert groups(ask("first_response_time", by="segment")) == {"vip": "3600", None: "10800"}
    assert ask("first_response_time", filters={"severity": "4"})["value"] == "3600"
    assert ask("first_response_time", filters={"category": ""})["value"] == "10800"
    assert ask("first_response_time", segment="vip")["value"] == "3600"
    with pytest.raises(WrongQuestion, match="clock=lunar"):
        ask("first_response_time", params={"clock": "lunar"})


def test_a_series_is_cut_by_the_reply():
    ticket("a", june(3), (june(4), "public_reply"))
    ticket("b", june(3), ("2024-07-04T00:00:00Z", "public_reply"))
    series = ask("first_response_time", end="2024-08-01", interval="month")["series"]
    assert [figure["value"] for figure in series] == ["86400", str(31 * 86400)]
    assert [figure["parts"]["unanswered"] for figure in series] == [1, 0]
