"""The list of accounts: whose rows, filters, pages by key, segments, export."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, AccountSnapshot, Segment
from accounts.queries import accounts as listing
from accounts.queries.accounts import AccountFilter
from accounts.spreadsheet import safe_cell


@pytest.fixture(autouse=True)
def _no_remembered_numbers():
    cache.clear()


@pytest.fixture
def book(cast):
    """Elif's book of 120 accounts: every third without a score, pairs with equal values."""
    Account.objects.bulk_create(
        [Account(external_id=f"b{n}", name=f"Firma {n:03}", name_sort=f"firma {n // 2:03}", name_search=f"firma {n:03}", owner=cast.elif_) for n in range(118)]
    )
    rows = list(AccountSnapshot.objects.filter(account__external_id__startswith="b").exclude(account=cast.boga).order_by("account_id"))
    for number, row in enumerate(rows):
        row.health = None if number % 3 == 0 else 100 * (number % 40)
        row.stake_micros = 1_000_000 * (number // 4)
        row.mrr_micros = 1_000_000 * (number % 7)
        row.renews_on = None if number % 5 == 0 else dt.date(2027, 1, 1) + dt.timedelta(days=number % 30)
    AccountSnapshot.objects.bulk_update(rows, ["health", "stake_micros", "mrr_micros", "renews_on"])
    return cast


def names(response):
    return [row.account.name for row in response.context["page"].rows]


def test_a_csm_sees_the_own_book_and_nobody_elses(client, cast):
    client.force_login(cast.elif_)
    page = client.get("/accounts/").content.decode()
    assert "Boğaziçi Lojistik A.Ş." in page
    assert "Northgate" not in page


@pytest.mark.parametrize(("who", "seen"), [("ada", 2), ("vera", 2), ("mert", 1), ("can", 1), ("deniz", 0), ("ana", 0)])
def test_every_role_sees_its_accounts(client, cast, who, seen):
    client.force_login(getattr(cast, who))
    assert len(names(client.get("/accounts/"))) == seen


@pytest.mark.parametrize("address", ["/accounts/", "/accounts/export.csv"])
def test_strangers_sign_in_first(client, db, address):
    assert client.get(address)["Location"] == f"/login/?next={address}"


@pytest.mark.parametrize("sort", [direction + name for name in listing.ORDERS for direction in ("", "-")])
def test_pages_by_key_show_every_row_once_and_in_order(book, sort):
    chosen, after, seen = AccountFilter(sort=sort), "", []
    while True:
        page = listing.page(book.elif_, chosen, after, 7)
        seen += page.rows
        after = page.after
        if not after:
            break
    assert len(seen) == len({row.pk for row in seen}) == 119
    values = [listing._value(row, chosen.order) for row in seen]
    known = [value for value in values if value is not None]
    assert values[: len(known)] == known, "rows without a value come last"
    assert known == sorted(known, reverse=chosen.order.descending)


def test_a_row_that_comes_between_does_not_shift_the_next_page(book):
    chosen = AccountFilter(sort="name")
    first = listing.page(book.elif_, chosen, "", 10)
    after = {row.pk for row in listing.page(book.elif_, chosen, first.after, 10).rows}
    Account.objects.create(external_id="early", name="AAA", owner=book.elif_)
    assert {row.pk for row in listing.page(book.elif_, chosen, first.after, 10).rows} == after


@pytest.mark.parametrize("after", ["x", "1~=x", "~", "99999999999999999999~", "1~=99999999999999999999999999", "-1~=3"])
def test_a_key_that_makes_no_sense_begins_at_the_start(client, book, after):
    client.force_login(book.elif_)
    assert names(client.get("/accounts/", {"after": after})) == names(client.get("/accounts/"))


def test_more_rows_come_as_a_fragment_and_as_a_page(client, book):
    client.force_login(book.elif_)
    more = client.get("/accounts/?sort=name").context["more"]
    fragment = client.get(more, headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith("<tr data-row>")
    assert "<html" in client.get(more).content.decode()


def test_filters_narrow_by_segment_owner_band_and_folded_text(client, cast):
    vip = Segment.objects.get(key="vip")
    Account.objects.filter(pk=cast.boga.pk).update(segment=vip)
    AccountSnapshot.objects.filter(account=cast.boga).update(band="at_risk")
    client.force_login(cast.ada)
    only = ["Boğaziçi Lojistik A.Ş."]
    for query in ("segment=vip", f"owner={cast.elif_.pk}", "band=at_risk", "q=BOGAZICI", "q=lojıstık", "segment=vip&band=at_risk&q=ziç"):
        assert names(client.get(f"/accounts/?{query}")) == only, query
    assert names(client.get("/accounts/?segment=none")) == ["Northgate Freight Ltd"]
    assert names(client.get("/accounts/?owner=none")) == []


def test_those_who_left_are_shown_only_when_asked_for(client, cast):
    Account.objects.filter(pk=cast.north.pk).update(churned_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    client.force_login(cast.ada)
    assert names(client.get("/accounts/")) == ["Boğaziçi Lojistik A.Ş."]
    assert names(client.get("/accounts/?state=churned")) == ["Northgate Freight Ltd"]
    assert len(names(client.get("/accounts/?state=all"))) == 2


@pytest.mark.parametrize("query", ["band=pink", "sort=drop%20table", "owner=99999999999999999999999", "state=x", "q=%00", "q=%25", "segment=%27", "owner=٣"])
def test_an_address_with_nonsense_still_opens(client, cast, query):
    client.force_login(cast.ada)
    assert client.get(f"/accounts/?{query}").status_code == 200


def test_the_tabs_carry_accounts_and_mrr_of_the_readers_book(client, book):
    vip = Segment.objects.get(key="vip")
    Account.objects.filter(pk=book.boga.pk).update(segment=vip)
    AccountSnapshot.objects.filter(account=book.boga).update(mrr_micros=70_000_000)
    client.force_login(book.elif_)
    tabs = {tab.segment.key if tab.segment else None: (tab.accounts, tab.mrr_micros) for tab, _address in client.get("/accounts/").context["tabs"]}
    # 118 rows without a segment: 16 rounds of 0+1+…+6 and then 0 to 5
    assert tabs == {"vip": (1, 70_000_000), "core": (0, 0), "potential": (0, 0), "non_core": (0, 0), None: (118, (16 * 21 + 15) * 1_000_000)}


def test_the_page_takes_at_most_eight_queries_whatever_the_number_of_rows(client, book):
    client.force_login(book.elif_)
    for query in ("", "?sort=health", "?sort=renewal&band=none", "?q=firma"):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(f"/accounts/{query}").status_code == 200
        assert len(seen) <= 8, [entry["sql"][:120] for entry in seen]


INDEXES = {
    "stake": "snapshot_by_stake", "health": "snapshot_by_health", "-health": "snapshot_by_health", "renewal": "snapshot_by_renewal",
    "mrr": "snapshot_by_mrr", "-mrr": "snapshot_by_mrr", "name": "account_by_name", "-name": "account_by_name",
}  # fmt: skip


def test_every_order_is_read_from_an_index(cast):
    Account.objects.bulk_create([Account(external_id=f"many{n}", name=f"Many {n}", name_sort=f"many {n:05}", name_search=f"many {n}") for n in range(3000)])
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_accountsnapshot SET health = account_id % 9000, mrr_micros = account_id, stake_micros = account_id, "
            "renews_on = date '2027-01-01' + (account_id % 300)::int"
        )
        cursor.execute("ANALYZE accounts_account, accounts_accountsnapshot")
    for sort, index in INDEXES.items():
        with CaptureQueriesContext(connection) as seen:
            listing.page(cast.ada, AccountFilter(sort=sort, state="all"), "", 20)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {seen[0]['sql']}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert index in plan, plan
        assert "Sort Key" not in plan or "Presorted Key" in plan, plan


def test_an_empty_book_says_what_would_fill_it_and_a_narrow_filter_how_to_widen_it(client, cast):
    client.force_login(cast.deniz)
    assert "No accounts yet" in client.get("/accounts/").content.decode()
    client.force_login(cast.elif_)
    assert "Clear the filters" in client.get("/accounts/?q=zzz").content.decode()


def export(client, query=""):
    response = client.get(f"/accounts/export.csv{query}")
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_the_export_holds_the_filtered_book_and_not_the_others(client, book):
    client.force_login(book.elif_)
    rows = export(client)
    assert len(rows) == 1 + 119
    assert "Northgate Freight Ltd" not in {row[1] for row in rows}
    assert [row[1] for row in export(client, "?q=bogazici")[1:]] == ["Boğaziçi Lojistik A.Ş."]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", " =1", "＝1"])
def test_no_cell_of_the_export_is_a_formula(name):
    assert safe_cell(name) == f"'{name}"


def test_the_export_writes_a_dangerous_name_as_text(client, cast):
    Account.objects.filter(pk=cast.boga.pk).update(name='=cmd|"/c calc"!A1')
    client.force_login(cast.elif_)
    assert export(client)[1][1] == '\'=cmd|"/c calc"!A1'


def test_the_reader_gets_the_list_in_turkish(client, cast):
    cast.elif_.language = "tr"
    cast.elif_.save()
    AccountSnapshot.objects.filter(account=cast.boga).update(mrr_micros=7_000_000_000)
    client.force_login(cast.elif_)
    page = client.get("/accounts/").content.decode()
    assert '<html lang="tr"' in page
    assert "€7.000" in page
