"""Plan against cost: hand-made lines and costs, the parts that categories belong to, who may write."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import CostEntry, ExchangeRate, Segment
from metrics.actions.budgets import create_line, set_parts
from metrics.decisions.budget import budget
from metrics.models import BudgetCategory, BudgetLine
from tests.metrics.decision_facts import at

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 5, 11)
NOW = at(2026, 5, 11, 12)


@pytest.fixture(autouse=True)
def utc(settings):
    """Days are those of UTC, money is in euros."""
    settings.ORGANISATION_TIME_ZONE, settings.REPORTING_CURRENCY = "UTC", "EUR"


def line(part, amount, *, year=2026, quarter=None, segment=None, currency="EUR"):
    """A stored line."""
    found = Segment.objects.get(key=segment) if segment else None
    return BudgetLine.objects.create(year=year, quarter=quarter, part=part, amount=amount, currency=currency, segment=found)


def cost(category, amount, start, end=None, **fields):
    """A stored cost."""
    return CostEntry.objects.create(category=category, amount=amount, start=start, end=end, **{"currency": "EUR", **fields})


def cell(row, part=""):
    """(plan, actual, forecast) of a part."""
    found = row.cells[part]
    return found.plan, found.actual, found.forecast


def test_plan_and_cost_by_quarter_worked_out_by_hand(db):
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2026, 1, 1), rate="1.1")
    ExchangeRate.objects.create(currency="GBP", day=dt.date(2026, 4, 10), rate="1.2")
    line("people", 400)
    line("people", 50, quarter=2)
    line("tools", 100, quarter=1, currency="GBP")
    line("people", 7, year=2025)
    cost("team", 90, dt.date(2026, 3, 2), dt.date(2026, 4, 11))  # 40 days: 30 in March, 10 in April
    cost("tools", 31, dt.date(2026, 5, 20))  # the whole of May, wherever in it: 11 of 31 days until today
    cost("tools", 10, dt.date(2026, 3, 1), currency="GBP")
    cost("marketing", 1000, dt.date(2026, 6, 1))
    found = budget(2026, today=TODAY)
    first, second, third, _fourth = found.quarters
    assert cell(first, "people") == (100, Decimal("67.5"), None)
    assert cell(first, "tools") == (110, 11, None)
    # 41 of the 91 days of the second quarter have begun
    assert cell(second, "people") == (150, Decimal("22.5"), Decimal("22.5") * 91 / 41)
    assert cell(second, "tools") == (None, 11, Decimal(11) * 91 / 41)
    assert cell(second, "technology") == (None, 0, 0)
    assert (second.running, third.future, cell(third)) == (True, True, (100, 0, None))
    assert (found.whole.cells["people"].plan, found.whole.cells[""].plan, found.whole.cells[""].actual) == (450, 560, 112)
    assert (found.whole.cells[""].left, found.whole.cells[""].used, second.cells["tools"].used) == (448, Decimal("0.2"), None)
    assert found.whole.cells[""].forecast == Decimal(112) * 365 / 131


def test_of_a_segment_only_its_own_lines_count(db):
    line("people", 400, quarter=1)
    line("people", 90, quarter=1, segment="vip")
    cost("team", 31, dt.date(2026, 1, 1), segment=Segment.objects.get(key="vip"))
    cost("team", 62, dt.date(2026, 1, 1))
    assert cell(budget(2026, today=TODAY, segment="vip").quarters[0])[:2] == (90, 31)
    assert cell(budget(2026, today=TODAY).quarters[0])[:2] == (490, 93)


def test_a_currency_without_a_rate_makes_its_sums_unknown_and_is_named(db):
    line("people", 400, quarter=1)
    cost("team", 31, dt.date(2026, 1, 1), currency="USD")
    found = budget(2026, today=TODAY)
    assert (found.missing, cell(found.quarters[0], "people"), cell(found.quarters[0])) == (["USD"], (400, None, None), (400, None, None))
    assert (found.whole.cells[""].actual, found.whole.cells[""].left, cell(found.quarters[0], "tools")) == (None, None, (None, 0, None))


def test_a_category_moves_to_another_part_with_all_its_costs(cast):
    cost("training", 31, dt.date(2026, 1, 1))
    assert cell(budget(2026, today=TODAY).quarters[0], "people")[1] == 31
    parts = dict(BudgetCategory.DEFAULTS) | {"training": "tools"}
    assert set_parts(parts=parts, actor=cast.ada, now=NOW) == ["training"]
    assert (cell(budget(2026, today=TODAY).quarters[0], "people")[1], cell(budget(2026, today=TODAY).quarters[0], "tools")[1]) == (0, 31)
    assert (set_parts(parts=parts, actor=cast.ada, now=NOW), BudgetCategory.objects.count()) == ([], 1)


def test_what_runs_out_is_marked(db):
    line("people", 10, quarter=2)
    cost("team", 60, dt.date(2026, 4, 1), dt.date(2026, 5, 31))
    row = budget(2026, today=TODAY).running
    assert (row.cells["people"].over, row.cells["people"].left) == (True, -31)
    assert budget(2026, today=dt.date(2026, 4, 6)).running.cells["people"].forecast is None


def typed(**changes):
    """A line as a browser would send it."""
    return {"year": "2026", "quarter": "2", "part": "people", "amount": "1200.50", "currency": "eur", "note": "Two more people", "version": "1", **changes}


def test_a_line_is_written_changed_and_taken_away(client, cast):
    client.force_login(cast.mert)
    assert client.post(reverse("metrics:budget_line_new"), typed()).status_code == 302
    row = BudgetLine.objects.get()
    assert (row.amount, row.currency, row.quarter, row.segment) == (Decimal("1200.5"), "EUR", 2, None)
    page = client.get(reverse("metrics:budget") + "?year=2026").content.decode()
    assert "Two more people" in page
    one = reverse("metrics:budget_line", args=[row.pk])
    bad = client.post(one, typed(amount="-4"))
    assert (bad.status_code, bad.context["form"]["amount"].value()) == (422, "-4")
    assert client.post(one, typed(quarter="", amount="10")).status_code == 302
    late = client.post(one, typed(amount="99"))
    assert (late.status_code, BudgetLine.objects.get().amount, late.context["version"]) == (409, 10, 2)
    delete = reverse("metrics:budget_line_delete", args=[row.pk])
    assert client.get(delete).status_code == 200
    assert client.post(delete, {"version": "1"}).status_code == 409
    assert BudgetLine.objects.exists()
    assert client.post(delete, {"version": "2"}).status_code == 302
    assert not BudgetLine.objects.exists()


def test_the_parts_are_set_on_the_page(client, cast):
    client.force_login(cast.ada)
    assert client.post(reverse("metrics:budget_parts"), dict(BudgetCategory.DEFAULTS) | {"support": "technology"}).status_code == 302
    assert [(row.category, row.part) for row in BudgetCategory.objects.all()] == [("support", "technology")]
    client.post(reverse("metrics:budget_parts"), {"support": "nothing"})
    assert BudgetCategory.objects.get().part == "technology"


def test_who_reads_and_who_writes(client, cast):
    row = create_line(values={"year": 2026, "quarter": None, "part": "tools", "segment": None, "amount": Decimal(5), "currency": "EUR", "note": ""}, actor=cast.ada, now=NOW)
    page, one, new = reverse("metrics:budget"), reverse("metrics:budget_line", args=[row.pk]), reverse("metrics:budget_line_new")
    delete, parts = reverse("metrics:budget_line_delete", args=[row.pk]), reverse("metrics:budget_parts")
    assert {client.get(address)["Location"].split("?")[0] for address in (page, one, new, delete)} == {"/login/"}
    for who, reads, writes in ((cast.elif_, 404, 404), (cast.deniz, 404, 404), (cast.vera, 200, 403), (cast.ana, 200, 403), (cast.mert, 200, 302)):
        client.force_login(who)
        assert client.get(page).status_code == reads, who
        if writes != 302:
            assert {client.post(address, typed()).status_code for address in (one, new, delete, parts)} == {writes}, who
    assert BudgetLine.objects.get().amount == 5
    assert client.get(page, {"year": "26"}).status_code == 404
