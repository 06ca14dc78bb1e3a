"""Who uses support most beside what they pay: shares sum to one, costs follow the work, who pays nothing is said so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.urls import reverse

from accounts.models import Account
from metrics.kpis.engine import ask as question
from metrics.kpis.support_shares import support_shares
from tests.metrics.support_rows import NOW, account, ask, contact, load, ticket

pytestmark = pytest.mark.django_db
JUNE = "?from=2024-06-01&until=2024-06-30"


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC; money is in TRY."""
    settings.ORGANISATION_TIME_ZONE = "UTC"
    settings.REPORTING_CURRENCY = "TRY"


def asked(**more):
    return {name: question(name=name, start="2024-06-01", end="2024-07-01", now=NOW, **more) for name in ("ticket_volume", "aht", "mrr", "support_cost")}


@pytest.fixture
def june(db):
    """Five tickets and 1,200 seconds of June: much for `big`, little for `payer`, some for `free`, one call of nobody known."""
    for key, amount in (("big", "100"), ("payer", "300"), ("free", None)):
        account(key)
        if amount:
            load("subscriptions", [{"external_id": f"s-{key}", "account": key, "start": "2024-01-01", "amount": amount, "currency": "TRY"}])
    for number, key in enumerate(("big", "big", "big", "payer", "free")):
        ticket(f"t{number}", f"2024-06-0{number + 1}T10:00:00Z", account_key=key)
    load("costs", [{"external_id": "june", "category": "support", "amount": "1200", "start": "2024-06-01", "currency": "TRY"}])


def handled():
    for number, (of, seconds) in enumerate((("t0", 400), ("t1", 200), ("t3", 200), ("t4", 200), (None, 200))):
        contact(f"c{number}", "2024-06-10T10:00:00Z", "email", ticket=of, work_seconds=seconds)


def by_key(shares):
    names = dict(Account.objects.values_list("pk", "external_id"))
    return {names.get(row.account): row for row in shares.rows}


def test_shares_sum_to_one_and_the_cost_follows_handle_time(june):
    handled()
    shares = support_shares(asked())
    rows = by_key(shares)
    told = {
        key: tuple(None if value is None else Fraction(value).limit_denominator(1000) for value in (row.ticket_share, row.handle_share, row.mrr_share, row.ratio, row.cost))
        for key, row in rows.items()
    }
    assert told == {
        "big": (Fraction(3, 5), Fraction(1, 2), Fraction(1, 4), 2, 600),
        "payer": (Fraction(1, 5), Fraction(1, 6), Fraction(3, 4), Fraction(2, 9), 200),
        "free": (Fraction(1, 5), Fraction(1, 6), 0, None, 200),
        None: (0, Fraction(1, 6), 0, None, 200),
    }  # fmt: skip
    assert (shares.method, shares.tickets, shares.handle_seconds, shares.mrr, shares.missing) == ("handle_time", 5, 1200, 400, [])
    for name in ("ticket_share", "handle_share", "mrr_share"):
        assert abs(sum(getattr(row, name) for row in shares.rows) - 1) < Decimal("1e-24")
    assert abs(sum(row.cost for row in shares.rows) - Decimal(ask("support_cost")["value"])) < Decimal("1e-20")
    assert (rows["free"].pays_nothing, rows["big"].pays_nothing) == (True, False)


def test_without_handle_time_tickets_spread_the_cost(june):
    shares = support_shares(asked())
    assert (shares.method, {key: row.cost for key, row in by_key(shares).items()}) == ("tickets", {"big": 720, "payer": 240, "free": 240})


def test_a_reader_of_some_accounts_sees_their_shares_among_themselves_and_their_part_of_the_whole_cost(june):
    handled()
    [own, _other] = sorted(by_key(support_shares(asked(accounts=[account("big").pk, account("payer").pk]))).items())
    assert (own[1].ticket_share, own[1].handle_share, round(own[1].cost, 9)) == (Decimal("0.75"), Decimal("0.75"), 600)


def test_money_without_a_rate_is_named_and_not_guessed(june):
    handled()
    load("subscriptions", [{"external_id": "usd", "account": "free", "start": "2024-01-01", "amount": "5", "currency": "USD"}])
    shares = support_shares(asked())
    assert (shares.missing, by_key(shares)["free"].mrr, by_key(shares)["free"].pays_nothing) == (["USD"], None, False)
    load("costs", [{"external_id": "usd", "category": "support", "amount": "1", "start": "2024-06-01", "currency": "USD"}])
    assert support_shares(asked()).cost is None


def test_the_table_is_sorted_as_asked_opens_tickets_and_goes_out_without_formulas(client, cast, june):
    handled()
    Account.objects.filter(external_id="free").update(name="=1+1")
    client.force_login(cast.ada)
    address = reverse("metrics:support_panel", args=["customers"]) + JUNE
    first = client.get(address).context["rows"]
    assert [row.share.tickets for row in first[:2]] == [3, 1]
    # who pays nothing stands above every ratio
    assert [row.pays for row in client.get(address + "&sort=ratio").context["rows"][:1]] == ["pays nothing"]
    assert client.get(address + "&sort=mrr_share").context["rows"][0].share.account == account("payer").pk
    for row in first:
        for href, count in ((row.tickets_href, row.share.tickets), (row.contacts_href, row.share.contacts)):
            if href:
                assert client.get(href).context["page"].count == count
    lines = b"".join(client.get(reverse("metrics:support_customers_csv") + JUNE).streaming_content).decode("utf-8-sig").strip().splitlines()
    assert len(lines) == 5
    assert any('"\'=1+1"' in line for line in lines)
    assert not any(',"=1+1"' in line for line in lines)


def test_the_export_names_none_that_the_reader_may_not_see(client, cast, june):
    client.force_login(cast.elif_)
    Account.objects.filter(external_id="big").update(owner=cast.elif_)
    told = b"".join(client.get(reverse("metrics:support_customers_csv") + JUNE).streaming_content).decode()
    assert ("Big" in told, "Payer" in told) == (True, False)


def test_a_ticket_reopened_in_march_changes_nothing_of_february():
    def february(**more):
        figures = {
            name: ask(name, variant, start="2024-02-01", end="2024-03-01", **more)
            for name, variant in (
                ("first_response_time", None),
                ("resolution_time", "full"),
                ("ticket_backlog", "open"),
                ("ticket_backlog", "flow"),
                ("ticket_volume", None),
                ("ats", None),
            )
        }
        return [(told["value"], told["numerator"], told["parts"]) for told in figures.values()]

    day = dt.date(2024, 2, 10).isoformat()
    ticket("a", f"{day}T08:00:00Z", (f"{day}T09:00:00Z", "public_reply"), (f"{day}T12:00:00Z", "status", "solved"), severity="2")
    before = february()
    assert before[1][0] == "14400"
    load("ticket_events", [{"external_id": "back", "ticket": "a", "occurred_at": "2024-03-05T08:00:00Z", "kind": "status", "value": "open", "actor_kind": "customer"},
                           {"external_id": "late", "ticket": "a", "occurred_at": "2024-03-06T08:00:00Z", "kind": "severity", "value": "4", "actor_kind": "agent"}])  # fmt: skip
    assert february() == before
    assert february(as_of="2024-03-10") == before
    march = ask("ticket_backlog", "flow", start="2024-03-01", end="2024-04-01")["parts"]
    assert (march["opening"], march["reopened"], march["closing"]) == (0, 1, 1)
