"""Profiles: every figure of the third-party data as its publisher states it, every trap counted."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.importing.faults import WrongMap
from accounts.importing.transforms import STEPS, Context, apply_steps
from accounts.models import Account, AccountEvent, Contact, ImportBatch, Subscription, Transaction
from config.imports import KINDS, PROFILES, find_profile
from tests.config.published import check_billing_export, check_playbook, check_shop, check_simulated_vendor, check_telephone_churn, check_telephone_churn_with_reasons
from tickets.models import Ticket, TicketChange

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"


def bundle(folder: Path, profile: str, *more: str) -> tuple[int, dict[str, Any], str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("load-bundle", str(folder), "--profile", profile, *more, stdout=out, stderr=err)
        code = 0
    except CommandError as fault:
        code = fault.returncode
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue()) if out.getvalue() else {}, err.getvalue()


def figures(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def folder_of(name: str) -> Path:
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"the data set {name} is not beside this repository")
    return folder


def in_force(day: str) -> tuple[int, int, int]:
    """Spans, accounts and MRR at the midnight after a day."""
    at = (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    (row,) = figures(
        "SELECT count(*), count(DISTINCT account_id), sum(mrr_micros) FROM accounts_subscription "
        f"WHERE start < '{at}'::timestamptz AND (\"end\" IS NULL OR \"end\" >= '{at}'::timestamptz)"
    )
    assert row[2] % 1_000_000 == 0
    return row[0], row[1], row[2] // 1_000_000


@pytest.mark.django_db
def test_ravenstack_gives_the_published_figures_and_counts_its_traps() -> None:
    folder = folder_of("ravenstack_saas")
    code, summary, _ = bundle(folder, "ravenstack")
    assert code == 0
    assert [(entry["kind"], entry["created"], entry["rejected"]) for entry in summary["files"]] == [
        ("accounts", 500, 0), ("subscriptions", 5000, 0), ("usage", 24981, 0), ("tickets", 2000, 0), ("responses", 1175, 0), ("events", 600, 0),
    ]  # fmt: skip
    traps = {
        "duplicate_usage_ids": 21, "usage_before_subscription": 19142, "usage_after_subscription": 290, "tickets_before_signup": 1077,
        "churn_flag_without_event": 35, "churn_event_without_flag": 277, "combined_rows": 19,
    }  # fmt: skip
    assert {name: summary["warnings"].get(name) for name in traps} == traps
    assert figures(
        "SELECT count(*), count(*) FILTER (WHERE (attributes->>'churn_flag')::boolean), count(*) FILTER (WHERE (attributes->>'is_trial')::boolean) FROM accounts_account"
    ) == [(500, 110, 97)]
    assert figures("SELECT plan, count(*) FROM accounts_account GROUP BY 1 ORDER BY 2 DESC") == [("Pro", 178), ("Basic", 168), ("Enterprise", 154)]
    assert dict(figures("SELECT industry, count(*) FROM accounts_account GROUP BY 1")) == {"DevTools": 113, "FinTech": 112, "Cybersecurity": 100, "HealthTech": 96, "EdTech": 79}
    assert figures(
        'SELECT sum(mrr_micros), sum(mrr_micros) FILTER (WHERE "end" IS NOT NULL), count("end"), count(*) FILTER (WHERE status = \'trialing\') FROM accounts_subscription'
    ) == [(Decimal(11_338_747_000_000), Decimal(1_179_139_000_000), 486, 778)]
    assert figures("SELECT interval, count(*) FROM accounts_subscription GROUP BY 1 ORDER BY 1") == [("month", 2539), ("year", 2461)]
    assert in_force("2023-12-31") == (648, 190, 1_262_113)
    assert in_force("2024-06-30") == (1_742, 337, 3_833_405)
    assert in_force("2024-12-31") == (4_514, 500, 10_159_608)
    assert figures(
        "SELECT sum(balance_micros) FROM (SELECT DISTINCT ON (account_id, currency) balance_micros FROM accounts_subscriptionchange WHERE occurred_at < '2025-01-01' "
        "ORDER BY account_id, currency, occurred_at DESC) AS last"
    ) == [(Decimal(10_159_608_000_000),)]
    assert figures("SELECT sum(count), sum(errors) FROM accounts_usageday") == [(250_525, 14_107)]
    assert figures("SELECT count(*) FROM accounts_feature") == [(40,)]
    assert figures("SELECT severity, count(*) FROM tickets_ticket GROUP BY 1 ORDER BY 1") == [(1, 485), (2, 491), (3, 510), (4, 514)]
    assert figures("SELECT count(*) FILTER (WHERE escalated), round(avg(extract(epoch FROM solved_at - opened_at) / 3600), 2) FROM tickets_ticket") == [(95, Decimal("35.86"))]
    assert figures("SELECT count(*), round(avg(score), 2), count(ticket_id) FROM surveys_response") == [(1175, Decimal("3.98"), 1175)]
    assert dict(figures("SELECT payload->>'reason', count(*) FROM accounts_accountevent WHERE kind = 'account.churned' GROUP BY 1")) == {
        "features": 114, "support": 104, "budget": 104, "unknown": 95, "competitor": 92, "pricing": 91,
    }  # fmt: skip
    assert figures(
        "SELECT count(DISTINCT account_id), count(*) FILTER (WHERE (payload->>'is_reactivation')::boolean), sum((payload->>'refund_amount')::numeric) "
        "FROM accounts_accountevent WHERE kind = 'account.churned'"
    ) == [(352, 61, Decimal("8652.25"))]
    code, again, _ = bundle(folder, "ravenstack")
    assert code == 0
    assert [(entry["created"], entry["changed"]) for entry in again["files"]] == [(0, 0)] * 6
    assert again["warnings"]["duplicate_usage_ids"] == 21


@pytest.mark.django_db
def test_a_dry_run_of_a_bundle_gives_the_same_numbers_and_writes_nothing() -> None:
    folder = folder_of("mrr_playbook")
    dry = bundle(folder, "mrr_playbook", "--dry-run")
    assert (Account.objects.count(), ImportBatch.objects.count()) == (0, 0)
    wet = bundle(folder, "mrr_playbook")
    for summary in (dry[1], wet[1]):
        for entry in summary["files"]:
            entry.pop("batch")
    assert dry == wet


@pytest.mark.django_db
def test_the_playbook_gives_all_its_months_to_the_digit() -> None:
    code, _summary, _ = bundle(folder_of("mrr_playbook"), "mrr_playbook")
    assert code == 0
    assert in_force("2019-11-15") == (42, 42, 1840)
    check_playbook(folder_of("mrr_playbook") / "subscription_periods.csv")


@pytest.mark.django_db
def test_the_simulated_vendor_gives_every_printed_row_of_the_books_own_sql() -> None:
    folder = folder_of("sim_crm_saas")
    code, _summary, _ = bundle(folder, "sim_crm")
    assert code == 0
    # its own rule: start_date <= day < end_date
    for day, accounts, mrr in (("2022-03-01", 197, 187_826), ("2022-06-01", 213, 220_822), ("2022-09-01", 240, 247_322), ("2022-11-01", 262, 267_519)):
        assert figures(
            f"SELECT count(DISTINCT account_id), round(sum(mrr_micros) / 1000000) FROM accounts_subscription WHERE start <= '{day}'::timestamptz AND \"end\" > '{day}'::timestamptz"
        ) == [(accounts, Decimal(mrr))]
    assert figures("SELECT sum(count) FROM accounts_usageday u JOIN accounts_feature f ON f.id = u.feature_id WHERE f.key = ''") == [(3_723_472,)]
    assert figures("SELECT sum(count) FROM accounts_usageday u JOIN accounts_feature f ON f.id = u.feature_id WHERE f.key <> ''") == [(3_723_472,)]
    check_simulated_vendor()


@pytest.mark.django_db
def test_zendesk_rows_of_unknown_organisations_go_to_the_placeholder_and_are_counted() -> None:
    folder = folder_of("zendesk_export")
    code, summary, _ = bundle(folder, "zendesk_export")
    assert code == 0
    # no organisation of a user or ticket is in the export; 19 of 38 lines of history are of a known ticket
    assert summary["warnings"]["tickets_of_unknown_organisations"] == 10
    assert summary["warnings"]["users_of_unknown_organisations"] == 9
    assert summary["warnings"]["comments_on_unknown_tickets"] == 20
    assert Ticket.objects.filter(account__external_id="unknown-organisation").count() == 10
    assert Contact.objects.filter(account__external_id="unknown-organisation").count() == 9
    ticket = Ticket.objects.get(external_id="11071")
    assert (ticket.status, ticket.severity, ticket.resolutions, ticket.channel) == ("closed", 4, 1, "email")
    assert ticket.solved_at == dt.datetime(2020, 11, 14, 11, 1, 27, tzinfo=dt.UTC)
    assert ticket.closed_at == dt.datetime(2020, 11, 15, 11, 1, 27, tzinfo=dt.UTC)
    assert list(TicketChange.objects.filter(kind="severity").order_by("occurred_at").values_list("value", flat=True)) == ["2", "2", "3", "4"]
    again = bundle(folder, "zendesk")[1]
    assert [(entry["created"], entry["changed"]) for entry in again["files"]] == [(0, 0)] * len(summary["files"])


@pytest.mark.django_db
def test_stripe_amounts_are_cents_and_unknown_customers_are_counted() -> None:
    folder = folder_of("stripe_export")
    code, summary, _ = bundle(folder, "stripe")
    assert code == 0
    assert (summary["warnings"]["charges_of_unknown_customers"], summary["warnings"]["subscriptions_of_unknown_customers"]) == (16, 2)
    charge = Transaction.objects.get(external_id="ch_0IMDAfig6peNXzgDJYQKfT3B")
    assert (charge.amount, charge.currency, charge.status, charge.failure_code) == (Decimal("32932.32"), "USD", "failed", "card_declined")
    assert AccountEvent.objects.filter(kind="payment.failed").count() == 16
    assert Subscription.objects.count() == 2
    check_billing_export()
    again = bundle(folder, "stripe")[1]
    assert [(entry["created"], entry["changed"]) for entry in again["files"]] == [(0, 0)] * len(summary["files"])


@pytest.mark.django_db
def test_orders_of_a_shop_add_up_and_tell_who_went_quiet() -> None:
    code, _summary, _ = bundle(folder_of("cdnow"), "cdnow")
    assert code == 0
    assert figures("SELECT count(*), sum(amount) FROM accounts_transaction") == [(6919, Decimal("244091.940000"))]
    assert figures("SELECT count(*) FROM accounts_account WHERE business_model = 'ecommerce'") == [(2357,)]
    check_shop(folder_of("cdnow") / "cdnow_sample_transactions.csv")


@pytest.mark.django_db
def test_tenure_in_months_becomes_a_start_and_churn_by_contract_is_the_published_one() -> None:
    code, _summary, _ = bundle(folder_of("telco_churn"), "telco_churn")
    assert code == 0
    assert figures('SELECT count(*), sum(mrr_micros), count("end") FROM accounts_subscription') == [(7043, Decimal(456_116_600_000), 1869)]
    check_telephone_churn()


@pytest.mark.django_db
def test_one_bad_row_takes_the_whole_bundle_back_unless_good_rows_are_enough(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("external_id,name\na,A\n")
    (tmp_path / "contacts.csv").write_text("external_id,account,email\nc,a,c@a.test\nd,nobody,d@a.test\n")
    code, summary, told = bundle(tmp_path, "vefa")
    assert (code, Account.objects.count(), ImportBatch.objects.count()) == (1, 0, 0)
    assert told.strip() == "contacts.csv: row 3, column “account”: there is no account “nobody”"
    assert [entry["batch"] for entry in summary["files"]] == [None, None]
    code, summary, _ = bundle(tmp_path, "vefa", "--good-rows-only")
    assert (code, Account.objects.count(), Contact.objects.count()) == (0, 1, 1)
    assert [entry["rejected"] for entry in summary["files"]] == [0, 1]


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_profile_can_be_read(path: Path) -> None:
    assert find_profile(path.stem).loads


@pytest.mark.parametrize(
    "text",
    ["[[load]]\nkind = 'accounts'\n", "colour = 1\n", "[[load]]\nkind='accounts'\nfile='a'\nsteps=[{do='dance'}]\n", "[[load]]\nkind='accounts'\nfile='a'\ncolour=1\n", "= x"],
)
def test_a_profile_that_says_what_nobody_knows_is_wrong(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(WrongMap):
        find_profile(str(tmp_path / "p.toml"))


def stepped(rows: list[dict[str, str]], *steps: dict[str, Any], tables: dict[str, list[dict[str, str]]] | None = None) -> tuple[list[dict[str, str]], dict[str, int]]:
    context = Context(lambda name: (tables or {})[name])
    return [cells for _number, cells in apply_steps(enumerate(rows, start=2), list(steps), context)], dict(context.warnings)


def test_steps_do_what_their_text_says() -> None:
    rows = [{"k": "a", "n": "1.10", "d": "2024-01-31"}, {"k": "b", "n": "2.20", "d": "2024-02-01"}, {"k": "a", "n": "3.30", "d": "2024-03-01"}]
    assert stepped(rows, {"do": "combine", "key": ["k"], "sum": ["n"]})[0] == [{"k": "a", "n": "4.40", "d": "2024-01-31"}, {"k": "b", "n": "2.20", "d": "2024-02-01"}]
    assert [row["n"] for row in stepped(rows, {"do": "scale", "columns": ["n"], "by": "0.01"})[0]] == ["0.011", "0.022", "0.033"]
    assert [row["x"] for row in stepped(rows, {"do": "concat_key", "columns": ["k"], "into": "x", "number": True})[0]] == ["a", "b", "a-2"]
    assert stepped(rows, {"do": "keep", "where": {"k": "a"}, "warn": "others"})[1] == {"others": 1}
    assert len(stepped(rows, {"do": "drop", "where": {"not": {"k": ["a"]}}})[0]) == 2
    assert stepped(rows, {"do": "warn_if", "name": "w", "where": {"before": ["d", "k"]}})[1] == {"w": 3}
    assert stepped(rows, {"do": "warn_repeated", "name": "w", "columns": ["k"]})[1] == {"w": 1}
    other = {"f": [{"id": "a", "v": "one"}, {"id": "a", "v": "two"}]}
    found, warned = stepped(rows, {"do": "lookup", "file": "f", "by": "k", "key": "id", "take": {"v": "v", "count": "#"}, "warn": "unknown"}, tables=other)
    assert [(row["v"], row["count"]) for row in found] == [("one", "2"), ("", "0"), ("one", "2")]
    assert warned == {"unknown": 1}
    found, warned = stepped(rows, {"do": "placeholder", "column": "k", "file": "f", "key": "id", "value": "?", "warn": "w"}, tables=other)
    assert ([row["k"] for row in found], warned) == (["a", "?", "a"], {"w": 1})
    months = [{"m": text} for text in ("0", "1", "13")]
    assert [row["s"] for row in stepped(months, {"do": "months_before", "day": "2024-03-31", "months": "m", "into": "s"})[0]] == ["2024-03-31", "2024-02-29", "2023-02-28"]
    assert stepped([{"t": "2024-01-01", "x": "90"}], {"do": "add_time", "to": "t", "minutes": "x", "into": "s"})[0][0]["s"] == "2024-01-01T01:30:00"
    wide = [{"id": "1", "p": "0", "q": "5"}]
    assert stepped(wide, {"do": "unpivot", "except": ["id"], "name": "f", "value": "v", "drop": ["0"]})[0] == [{"id": "1", "f": "q", "v": "5"}]
    states = [{"id": "1", "at": "2", "s": "open"}, {"id": "1", "at": "1", "s": "new"}, {"id": "1", "at": "3", "s": "open"}]
    assert [(row["at"], row["kind"], row["value"], row["before"]) for row in stepped(states, {"do": "diff_rows", "key": ["id"], "order": ["at"], "watch": {"s": "status"}})[0]] == [
        ("1", "status", "new", ""), ("2", "status", "open", "new"),
    ]  # fmt: skip
    pack = {"do": "pack", "into": "p", "take": {"n": "n", "b": "b", "t": "t", "e": "e"}, "numbers": ["n"], "booleans": ["b"]}
    assert json.loads(stepped([{"n": "2", "b": "TRUE", "t": "x", "e": ""}], pack)[0][0]["p"]) == {"n": 2, "b": True, "t": "x"}


def test_the_page_on_imports_names_every_kind_column_step_and_profile() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "import.md").read_text()
    names = [*KINDS, *(column.name for kind in KINDS.values() for column in kind.columns), *STEPS, *(path.stem for path in PROFILES.glob("*.toml"))]
    assert [name for name in names if f"`{name}`" not in text] == []


@pytest.mark.django_db
def test_four_tables_of_telephone_customers_give_churn_by_contract_and_reason_and_satisfaction() -> None:
    code, summary, told = bundle(folder_of("telco_churn_11_1_3"), "telco_status")
    assert (code, [(entry["kind"], entry["created"], entry["rejected"]) for entry in summary.get("files", [])]) == (
        0, [("accounts", 7043, 0), ("subscriptions", 7043, 0), ("responses", 7043, 0)],
    ), told  # fmt: skip
    check_telephone_churn_with_reasons()
