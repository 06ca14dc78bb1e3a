"""The revenue page: parts that agree with the KPIs, bars that open their accounts, whose rows, kept fragments, pinned statements."""

import csv
import datetime as dt
import io
import re

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.urls import reverse

from accounts.models import Account, Subscription
from metrics.models import LossReason

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 17, 9, tzinfo=dt.UTC)
PARTS = ("bridge", "expansion", "months", "retention", "churn", "groups")


@pytest.fixture(autouse=True)
def clock():
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def book(cast, settings):
    """October: Boğaziçi grows from 100 to 130 by seats, Northgate (40) leaves for the price, a third begins with 25; in September all was still."""
    settings.ORGANISATION_TIME_ZONE = "UTC"

    def span(account, amount, start, end=None, **more):
        return Subscription.objects.create(account=account, start=start, end=end, amount=amount, currency="EUR", **more)

    span(cast.boga, 100, "2026-01-01T00:00Z")
    span(cast.boga, 30, "2026-10-05T00:00Z", kind="seats")
    span(cast.north, 40, "2026-01-01T00:00Z", "2026-10-20T00:00Z", end_reason="price", voluntary=True)
    cast.third = Account.objects.create(external_id="third", name="Üçüncü & <Oğulları>", owner=cast.elif_, country="TR")
    span(cast.third, 25, "2026-10-11T00:00Z")
    return cast


def part(client, name, query=""):
    return client.get(reverse("metrics:revenue_part", args=[name]) + query)


def named(page):
    return re.findall(r'aria-label="([^"]*)"', page.content.decode())


def test_the_bridge_closes_and_each_bar_opens_its_accounts(client, book):
    client.force_login(book.ada)
    page = part(client, "bridge")
    bars = [name for name in named(page) if ": " in name and "€" in name]
    assert bars == ["Opening: €140", "New: +€25, 1 customer", "Expansion: +€30", "Reactivation: €0", "Contraction: €0", "Lost: −€40, 1 customer", "Closing: €155"]
    lost = re.search(r'<a href="([^"]*)" aria-label="Lost[^"]*"', page.content.decode())[1].replace("&amp;", "&")
    rows = client.get(lost)
    assert [(move.name, move.amount) for move in rows.context["moves"].rows] == [("Northgate Freight Ltd", -40)]


def test_months_mark_the_one_that_is_not_over_and_open_theirs(client, book):
    client.force_login(book.ada)
    page = part(client, "months", "?period=month")
    labels = named(page)
    assert "MRR, Oct 26: €155" in labels
    assert "MRR, Nov 26: €155 (not over yet)" in labels
    assert "Lost, Oct 26: −€40" in labels
    assert "* not over yet." in page.content.decode()
    opened = re.search(r'<a href="([^"]*)" aria-label="Expansion, Oct 26: €30"', page.content.decode())[1].replace("&amp;", "&")
    assert [move.name for move in client.get(opened).context["moves"].rows] == ["Boğaziçi Lojistik A.Ş."]


def test_reasons_and_kinds_are_told_apart(client, book):
    client.force_login(book.ada)
    LossReason.objects.create(reason="price", avoidable=True)
    LossReason.objects.create(reason="moved away", avoidable=False)
    churn = part(client, "churn").content.decode()
    assert "Avoidable losses: €40" in churn
    assert "Judge the reasons" in churn
    assert "Price: €40, 1 customer" in churn
    assert "€40 with 1 customer: 1 by choice, 0 not by choice" in churn
    assert "Seats: €30" in part(client, "expansion").content.decode()
    for reason, names in (("price", ["Northgate Freight Ltd"]), ("none", [])):
        rows = client.get(reverse("metrics:revenue_accounts") + f"?movement=churned&reason={reason}")
        assert [move.name for move in rows.context["moves"].rows] == names


def test_groups_stand_on_the_same_bridge(client, book):
    client.force_login(book.ada)
    (row,) = part(client, "groups", "?by=plan").context["rows"]
    assert (row.name, row.mrr, row.customers, row.net, row.nrr, row.grr, row.quick, row.lost) == ("No plan", "€155", "2", "€15", "92.9%", "71.4%", "1.38", "1")


def test_filters_narrow_every_part(client, book):
    client.force_login(book.ada)
    assert "Closing: €25" not in part(client, "bridge").content.decode()
    page = part(client, "bridge", "?country=GB")
    assert "Closing: €0" in page.content.decode()
    assert "Opening: €40" in page.content.decode()
    assert "country=GB" in page.content.decode()


@pytest.mark.parametrize("name", PARTS)
def test_a_csm_sees_the_own_book_and_an_analyst_no_rows(client, book, name):
    client.force_login(book.can)
    own = part(client, name).content.decode()
    assert "Boğaziçi" not in own
    client.force_login(book.ana)
    shown = part(client, name)
    assert shown.status_code == 200
    assert reverse("metrics:revenue_accounts") not in shown.content.decode()
    assert client.get(reverse("metrics:revenue_accounts") + "?movement=new").status_code == 404


def test_rows_of_other_books_stay_closed(client, book):
    client.force_login(book.can)
    rows = client.get(reverse("metrics:revenue_accounts"))
    assert [move.name for move in rows.context["moves"].rows] == ["Northgate Freight Ltd"]


def test_the_file_of_accounts_is_logged_and_cannot_calculate(client, book):
    Account.objects.filter(pk=book.third.pk).update(name="=cmd()")
    client.force_login(book.ada)
    response = client.get(reverse("metrics:revenue_accounts") + "?movement=new&export=csv")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows == [["Account", "Movement", "Amount", "Opening", "Closing"], ["'=cmd()", "New", "25", "0", "25"]]
    assert LogEntry.objects.get().user == book.ada


@pytest.mark.parametrize(("address", "status"), [("?movement=moon", 404), ("?reason=price", 404), ("?segment=moon", 400), ("?period=soon", 400)])
def test_what_does_not_exist(client, book, address, status):
    client.force_login(book.ada)
    assert client.get(reverse("metrics:revenue_accounts") + address).status_code == status


def test_anonymous_readers_are_sent_to_the_login(client):
    for address in (
        reverse("metrics:revenue"),
        reverse("metrics:revenue_accounts"),
        reverse("metrics:revenue_part", args=["bridge"]),
        reverse("metrics:overview_part", args=["risks"]),
    ):
        assert "/login/" in client.get(address).headers["Location"]


def test_parts_that_do_not_exist_and_filters_that_cannot_be_read(client, book):
    client.force_login(book.ada)
    assert part(client, "moon").status_code == 404
    refused = client.get(reverse("metrics:revenue") + "?from=yesterday")
    assert refused.status_code == 400
    assert "is no day between 2000 and 2199" in refused.content.decode()
    assert client.get(reverse("metrics:revenue_part", args=["bridge"]) + "?country=QQ", headers={"HX-Request": "true"}).content.decode().startswith("No account you see")


def test_a_part_is_kept_by_reader_and_filters_and_needs_no_statement_of_its_own_then(client, book, django_assert_max_num_queries):
    client.force_login(book.ada)
    first = part(client, "bridge").content
    with django_assert_max_num_queries(4):
        assert part(client, "bridge").content == first
    client.force_login(book.can)
    assert part(client, "bridge").content != first
    assert part(client, "bridge", "?compare=none&country=GB").content != first


@pytest.mark.parametrize("name", PARTS)
def test_statements_do_not_grow_with_accounts(client, book, django_assert_max_num_queries, name):
    client.force_login(book.ada)
    for number in range(12):
        account = Account.objects.create(external_id=f"more{number}", name=f"More {number}", plan=f"p{number}")
        Subscription.objects.create(account=account, start="2026-02-01T00:00Z", amount=10, currency="EUR", kind="service")
    with django_assert_max_num_queries(60):
        part(client, name)


def test_nothing_to_show_says_so(client, cast):
    client.force_login(cast.ada)
    assert "No recurring revenue in this period." in part(client, "bridge").content.decode()
    assert "Subscriptions fill this page" in part(client, "groups").content.decode()


def test_a_chart_of_a_part_comes_as_a_file(client, book):
    client.force_login(book.ada)
    table = b"".join(part(client, "bridge", "?export=csv&chart=bridge").streaming_content).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(table)))[1] == ["Opening", "140", ""]
    assert part(client, "months", "?export=png&chart=movements").content.startswith(b"\x89PNG")
    assert part(client, "bridge", "?export=png&chart=moon").status_code == 404
