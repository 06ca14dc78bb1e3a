"""What imported rows mean: segments, spans, contacts, tickets, currencies, zones."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest

from accounts.actions.segments import override_segments
from accounts.importing.engine import Report
from accounts.importing.mapping import read_mapping
from accounts.importing.undo import undo_batch
from accounts.models import Account, AccountEvent, Contact, Segment, SegmentMembership, Subscription, SubscriptionChange, UsageDay
from accounts.money import monthly_micros
from config.imports import DERIVED, KINDS, load_rows
from surveys.models import Response, Survey
from tickets.models import Ticket, TicketChange, TicketMessage

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def put(kind: str, rows: list[dict], **more: object) -> Report:
    faults: list = []
    report = load_rows(kind, rows, now=NOW, listener=faults.append, **more)
    assert not faults, faults
    return report


def test_a_column_that_is_absent_keeps_and_an_empty_cell_clears() -> None:
    put("accounts", [{"external_id": "a", "name": "A", "plan": "Pro", "industry": "Steel", "currency": "TRY", "tags": ["x"], "seats": "9", "site": "İzmir"}])
    report = put("accounts", [{"external_id": "a", "name": "A", "plan": "", "site": ""}])
    account = Account.objects.get()
    assert report.changed == 1
    assert (account.plan, account.industry, account.currency, account.tags, account.attributes) == ("", "Steel", "TRY", ["x"], {"seats": "9"})


def test_an_imported_segment_is_an_override_from_its_date_until_it_is_cleared() -> None:
    put("accounts", [{"external_id": "a", "name": "A", "segment": "vip", "signed_up_at": "2024-01-01"}, {"external_id": "b", "name": "B", "segment": "vip", "signed_up_at": ""}])
    put("accounts", [{"external_id": "a", "name": "A", "segment": "Nordic", "segment_from": "2025-01-01"}])
    history = list(SegmentMembership.objects.filter(account__external_id="a").order_by("valid_from").values_list("segment__key", "valid_from", "valid_to", "reason", "is_override"))
    assert history == [
        ("vip", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2025, 1, 1, tzinfo=dt.UTC), "import", True),
        ("Nordic", dt.datetime(2025, 1, 1, tzinfo=dt.UTC), None, "import", True),
    ]
    assert SegmentMembership.objects.get(account__external_id="b").valid_from == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    told = AccountEvent.objects.filter(kind="segment.changed", account__external_id="a").order_by("occurred_at")
    assert list(told.values_list("payload__segment", "payload__segment_before", "occurred_at")) == [
        ("vip", None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC)), ("Nordic", "vip", dt.datetime(2025, 1, 1, tzinfo=dt.UTC)),
    ]  # fmt: skip
    report = put("accounts", [{"external_id": "a", "name": "A", "segment": ""}])
    assert report.changed == 1
    assert Account.objects.get(external_id="a").segment is None
    assert SegmentMembership.objects.get(account__external_id="a", segment__key="Nordic").valid_to == NOW
    assert put("accounts", [{"external_id": "a", "name": "A", "segment": ""}]).unchanged == 1


def test_an_import_does_not_clear_what_a_person_has_set() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    account = Account.objects.get()
    override_segments(overrides=[(account.pk, Segment.objects.get(key="core").pk, NOW)], reason="override", now=NOW)
    assert put("accounts", [{"external_id": "a", "name": "A", "segment": ""}]).unchanged == 1
    account.refresh_from_db()
    assert account.segment.key == "core"


def test_spans_can_move_into_each_others_place_in_one_file() -> None:
    put("accounts", [{"external_id": "a", "name": "A", "currency": "TRY"}])
    base = {"account": "a", "subscription": "S", "amount": "120", "interval": "year"}
    put("subscriptions", [{**base, "external_id": "1", "start": "2024-01-01", "end": "2024-02-01"}, {**base, "external_id": "2", "start": "2024-02-01", "end": ""}])
    report = put("subscriptions", [{**base, "external_id": "2", "start": "2024-01-01", "end": "2024-03-01"}, {**base, "external_id": "1", "start": "2024-03-01", "end": ""}])
    assert report.changed == 2
    assert list(SubscriptionChange.objects.values_list("occurred_at", "delta_micros", "currency")) == [(dt.datetime(2024, 1, 1, tzinfo=dt.UTC), 10_000_000, "TRY")]
    undo_batch(batch_id=report.batch or "", kinds=KINDS.values(), derived=DERIVED, now=NOW)
    assert Subscription.objects.get(external_id="1").end == dt.datetime(2024, 2, 1, tzinfo=dt.UTC)


def test_the_monthly_amount_in_sql_is_that_of_the_formula_to_the_last_digit() -> None:
    dice = random.Random(7)
    put("accounts", [{"external_id": "a", "name": "A"}])
    rows = [
        {
            "external_id": f"s{number}", "account": "a", "start": "2024-01-01", "amount": f"{dice.randrange(-10**9, 10**9)}.{dice.randrange(10**6):06}",
            "quantity": f"{dice.randrange(99)}.{dice.randrange(10**4):04}",
            "interval": dice.choice(["day", "week", "month", "quarter", "half_year", "year"]), "interval_count": dice.randrange(1, 9),
            "discount_percent": dice.choice(["0", "33.3333", "100", "12.5"]),
            "discount_forever": dice.choice(["true", "false"]),
        }
        for number in range(300)
    ]  # fmt: skip
    put("subscriptions", rows)
    for span in Subscription.objects.all():
        terms = {"amount": span.amount, "quantity": span.quantity, "interval": span.interval, "interval_count": span.interval_count}
        exact = monthly_micros(**terms, discount_percent=span.discount_percent)
        assert span.mrr_micros == exact
        assert span.mrr_forever_micros == (exact if span.discount_forever else monthly_micros(**terms, discount_percent=Decimal(0)))


def test_the_ledger_follows_trials_pauses_and_unpaid_spans() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    blank = {"trial_until": "", "paused_from": "", "paused_until": "", "unpaid_at": "", "status": "", "end": ""}
    put("subscriptions", [
        {**blank, "external_id": "1", "account": "a", "start": "2024-01-01", "amount": "10", "trial_until": "2024-02-01"},
        {**blank, "external_id": "2", "account": "a", "start": "2024-01-01", "amount": "20", "paused_from": "2024-03-01", "paused_until": "2024-04-01"},
        {**blank, "external_id": "3", "account": "a", "start": "2024-01-01", "amount": "40", "unpaid_at": "2024-05-01"},
        {**blank, "external_id": "4", "account": "a", "start": "2024-01-01", "amount": "80", "status": "trialing"},
        {**blank, "external_id": "5", "account": "a", "start": "2024-01-01", "end": "2024-01-01", "amount": "160"},
    ])  # fmt: skip
    found = [(change.occurred_at.date().isoformat(), change.balance_micros // 1_000_000) for change in SubscriptionChange.objects.order_by("occurred_at")]
    assert found == [("2024-01-01", 60), ("2024-02-01", 70), ("2024-03-01", 50), ("2024-04-01", 70), ("2024-05-01", 30)]


def test_an_unknown_address_makes_a_contact_who_is_not_surveyed_and_without_an_account_stays_a_pseudonym() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    base = {"kind": "nps", "answered_at": "2025-01-01", "account": "", "contact_email": ""}
    report = put("responses", [
        {**base, "external_id": "1", "score": 9, "account": "a", "contact_email": "New@A.test"}, {**base, "external_id": "2", "score": 3, "contact_email": "who@else.test"},
        {**base, "external_id": "3", "score": 4, "contact_email": "who@else.test"}, {**base, "external_id": "4", "score": 12},
    ])  # fmt: skip
    contact = Contact.objects.get()
    assert (contact.email, contact.imported_unconfirmed, contact.account.external_id) == ("new@a.test", True, "a")
    one, two, three, four = Response.objects.order_by("external_id")
    assert (one.contact, one.respondent_key) == (contact, "")
    assert two.contact is None
    assert len(two.respondent_key) == 64
    assert two.respondent_key == three.respondent_key
    assert (four.respondent_key, four.score, report.warnings) == ("", 12, {"contacts_created": 1, "scores_outside_scale": 1})
    assert {response.survey for response in Response.objects.all()} == {Survey.objects.get(key="nps")}
    assert (one.scale_min, one.scale_max) == (0, 10)


def test_imported_people_rest_for_a_week() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    put("contacts", [{"external_id": "c", "account": "a", "email": "c@a.test"}])
    assert Contact.objects.get().surveyable_from == NOW + dt.timedelta(days=7)


def test_the_history_of_a_ticket_wins_over_its_columns() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    put("tickets", [{"external_id": "t", "account": "a", "opened_at": "2025-01-01", "status": "solved", "solved_at": "2025-01-09", "severity": "1"}])
    rows = [
        ("2025-01-01T01:00", "public_reply", "", "bot"), ("2025-01-01T02:00", "public_reply", "", "agent"), ("2025-01-02", "status", "solved", "agent"),
        ("2025-01-03", "status", "open", "customer"),
        ("2025-01-04", "severity", "3", "agent"), ("2025-01-05", "status", "solved", "agent"), ("2025-01-06", "status", "closed", "bot"),
    ]  # fmt: skip
    put(
        "ticket_events",
        [
            {"external_id": f"e{number}", "ticket": "t", "occurred_at": at, "kind": kind, "value": value, "actor_kind": who, "body": "Merhaba" if kind == "public_reply" else ""}
            for number, (at, kind, value, who) in enumerate(rows)
        ],
    )
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.severity, ticket.replies, ticket.resolutions) == ("closed", 3, 1, 2)
    stamps = [stamp.isoformat()[:16] for stamp in (ticket.first_replied_at, ticket.solved_at, ticket.closed_at, ticket.reopened_at)]
    assert stamps == ["2025-01-01T02:00", "2025-01-05T00:00", "2025-01-06T00:00", "2025-01-03T00:00"]
    assert list(TicketChange.objects.filter(kind="status").values_list("value_before", "value")) == [
        ("new", "solved"),
        ("solved", "open"),
        ("open", "solved"),
        ("solved", "closed"),
    ]
    assert TicketChange.objects.get(kind="severity").value_before == "1"
    assert TicketMessage.objects.count() == 2
    assert sorted(AccountEvent.objects.filter(kind__in=["ticket.solved", "ticket.reopened"]).values_list("kind", "payload__resolution")) == [
        ("ticket.reopened", 1), ("ticket.solved", 1), ("ticket.solved", 2),
    ]  # fmt: skip


def test_rows_of_one_key_are_summed_where_the_map_says_so() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}])
    rows = [{"account": "a", "day": "2025-01-01", "count": 2, "errors": ""}, {"account": "a", "day": "2025-01-01", "count": 3, "errors": 1}]
    report = put("usage", rows, mapping=read_mapping({"combine": "sum"}))
    assert (report.created, report.warnings) == (1, {"combined_rows": 1})
    assert list(UsageDay.objects.values_list("count", "errors")) == [(5, 1)]


def test_a_row_without_currency_takes_the_accounts_else_the_reporting_currency() -> None:
    put("accounts", [{"external_id": "a", "name": "A", "currency": "TRY"}, {"external_id": "b", "name": "B", "currency": ""}])
    put("subscriptions", [{"external_id": name, "account": name, "start": "2024-01-01", "amount": 5} for name in "ab"])
    assert list(Subscription.objects.order_by("external_id").values_list("currency", flat=True)) == ["TRY", "EUR"]


def test_a_day_is_midnight_in_the_organisations_zone(settings) -> None:
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    put("accounts", [{"external_id": "a", "name": "A", "signed_up_at": "2024-07-01", "churned_at": "2024-07-01T10:00:00Z"}])
    account = Account.objects.get()
    assert (account.signed_up_at, account.churned_at) == (dt.datetime(2024, 6, 30, 21, tzinfo=dt.UTC), dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC))


def test_a_span_that_moves_to_another_account_leaves_the_first_ones_book() -> None:
    put("accounts", [{"external_id": "a", "name": "A"}, {"external_id": "b", "name": "B"}])
    put("subscriptions", [{"external_id": "s", "account": "a", "start": "2024-01-01", "amount": 5}])
    put("subscriptions", [{"external_id": "s", "account": "b", "start": "2024-01-01", "amount": 5}])
    assert list(SubscriptionChange.objects.values_list("account__external_id", "balance_micros")) == [("b", 5_000_000)]
