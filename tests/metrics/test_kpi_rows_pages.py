"""The rows behind a figure as pages: sums at the foot, paging, sides, links, CSV with its log, and who finds nothing here."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.models import Account, Subscription
from metrics.catalogue import rows as rows_module
from metrics.catalogue.rows import Place, gathered
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import answer, ask
from metrics.kpis.rows import why_no_rows
from tickets.actions.messages import reply
from tickets.actions.tickets import open_ticket

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
MAY = {"start": "2026-05-01", "end": "2026-06-01"}


@pytest.fixture
def base(cast):
    """A hundred and twenty accounts of 10 each, half of which leave in May; two tickets."""
    early = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    accounts = [Account(external_id=f"a{number:03}", name=f"Account {number}", owner=cast.elif_ if number % 2 else cast.can) for number in range(120)]
    Account.objects.bulk_create(accounts)
    Subscription.objects.bulk_create(
        [
            Subscription(account=account, start=early, end=dt.datetime(2026, 5, 10, tzinfo=dt.UTC) if number < 60 else None, amount=10, currency="EUR", mrr_micros=10_000_000)
            for number, account in enumerate(accounts)
        ]
    )
    for number in range(2):
        ticket, _new = open_ticket(account_id=cast.boga.pk, subject=f"Fatura {number}", now=dt.datetime(2026, 5, 5 + number, 9, tzinfo=dt.UTC), channel="email")
        reply(ticket_id=ticket.pk, body="y", author=cast.deniz, now=dt.datetime(2026, 5, 5 + number, 11, tzinfo=dt.UTC))
    return cast


def rows(client, name, user, **query):
    client.force_login(user)
    return client.get(reverse("metrics:kpi_rows", args=[name]), {**MAY, **query})


@pytest.mark.parametrize(("side", "expected"), [("numerator", 60), ("denominator", 120), ("", 120)])
def test_all_pages_of_a_side_hold_each_row_once_and_sum_to_the_figure(base, monkeypatch, side, expected):
    # small stretches, so that pages end within them
    monkeypatch.setattr(rows_module, "LARGEST", 40)
    question = ask(name="logo_churn", now=NOW, **MAY)
    figure = answer(name="logo_churn", now=NOW, **MAY)
    seen, sums, place, pages = [], {"numerator": Decimal(0), "denominator": Decimal(0)}, Place(size=7), 0
    while place is not None:
        found, place = gathered(question, side, place, 13)
        # what an address carries is where it goes on
        place = Place.read(str(place)) if place else None
        seen += [row.external_id for row in found]
        for one in sums:
            sums[one] += sum(getattr(row, one) or 0 for row in found)
        pages += 1
    assert len(seen) == len(set(seen)) == expected
    assert pages >= expected // 13
    for one in ("numerator", "denominator"):
        if not side or side == one:
            assert sums[one] == Decimal(figure[one])


def test_a_page_has_fifty_rows_the_figures_sum_and_a_next_page(client, base):
    response = rows(client, "logo_churn", base.ada)
    page = response.context["page"]
    assert (len(page.rows), page.whole) == (50, False)
    assert page.totals == ["60", "120"]
    assert "All pages, which is the figure’s" in response.content.decode()
    last = client.get(response.context["next"] and reverse("metrics:kpi_rows", args=["logo_churn"]) + response.context["next"])
    last = client.get(reverse("metrics:kpi_rows", args=["logo_churn"]) + last.context["next"])
    assert (len(last.context["page"].rows), last.context["next"]) == (20, "")


def test_a_whole_page_says_that_its_sum_is_the_figures(client, base):
    response = rows(client, "first_response_time", base.ada)
    page = response.context["page"]
    assert page.whole
    # two tickets, answered after two hours each
    assert page.sums == page.totals == ["4 h", "2"]
    text = response.content.decode()
    assert "Sum, which is the figure’s" in text
    assert "Fatura 1" in text
    assert f'href="/accounts/{base.boga.pk}/"' in text


def test_a_part_opens_the_rows_that_add_up_to_it(client, base):
    page = rows(client, "customer_retention_rate", base.ada, side="part.retained").context["page"]
    assert (page.heads, page.totals, len(page.rows)) == (["Retained"], ["60"], 50)
    assert rows(client, "customer_retention_rate", base.ada, side="part.moon").status_code == 400
    assert rows(client, "first_response_time", base.ada, side="part.median").status_code == 400


def test_rows_are_those_of_the_readers_accounts(client, base):
    own = rows(client, "logo_churn", base.elif_)
    assert own.context["page"].totals == ["30", "60"]
    assert "Account 2<" not in own.content.decode()
    assert rows(client, "logo_churn", base.mert).context["page"].totals[1] == "60"


def test_readers_of_figures_alone_other_sides_and_unknown_kpis_find_nothing(client, base):
    for name in ("kpi_rows", "kpi_rows_csv"):
        address = reverse(f"metrics:{name}", args=["logo_churn"])
        client.force_login(base.ana)
        assert client.get(address, MAY).status_code == 404
        client.force_login(base.ada)
        assert client.get(address, MAY | {"side": "moon"}).status_code == 404
        assert client.get(address.replace("logo_churn", "moon"), MAY).status_code == 404
        client.logout()
        assert "/login/" in client.get(address, MAY).headers["Location"]
    assert not LogEntry.objects.exists()


def test_every_kpi_has_rows_or_says_why_not(client, base):
    without = set()
    for name, kpi in CATALOGUE.items():
        for variant in kpi.variants:
            more = {"param.from_event": "trial.started", "param.to_event": "subscription.started"} if variant == "funnel" else {}
            response = rows(client, name, base.ada, variant=variant, **more)
            assert response.status_code == 200, (name, variant)
            if response.context["page"] is None:
                without.add((name, variant == "daily_sum"))
                assert str(why_no_rows(name, variant)) in response.content.decode()
    assert without == {("clv", False), ("cx_roi", False), ("team_performance", False), ("logo_churn", True), ("gross_mrr_churn", True), ("net_mrr_churn", True)}


def test_a_wrong_question_is_told_and_a_wrong_place_is_the_beginning(client, base):
    assert rows(client, "logo_churn", base.ada, start="moon").status_code == 400
    first = rows(client, "logo_churn", base.ada).context["page"].rows
    for after in ("x", "1.2", "-1.50.0", "1.999999.0", "９.50.0"):
        assert rows(client, "logo_churn", base.ada, after=after).context["page"].rows[0] == first[0] or after == "1.999999.0"


def test_csv_has_all_rows_in_the_readers_scope_and_is_written_down(client, base):
    client.force_login(base.elif_)
    response = client.get(reverse("metrics:kpi_rows_csv", args=["logo_churn"]), {**MAY, "side": "numerator"})
    found = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert len(found) == 30
    assert sum(Decimal(row["Numerator"]) for row in found) == 30
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (base.elif_, "export rows of logo_churn: start=2026-05-01&end=2026-06-01&side=numerator")
    assert client.get(reverse("metrics:kpi_rows_csv", args=["clv"]), MAY).status_code == 404
    assert LogEntry.objects.count() == 1


def test_the_number_of_statements_does_not_grow_with_the_rows(client, base, django_assert_max_num_queries):
    client.force_login(base.ada)
    with django_assert_max_num_queries(40):
        client.get(reverse("metrics:kpi_rows", args=["mrr"]), MAY)
