"""The ROI studio: its figures are those of `cx_roi`, every input says where it is from, and nothing typed is lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.utils.http import urlencode

from accounts.models import Account, CostEntry
from metrics.forms.roi import StudioForm
from metrics.formulas.roi import INPUTS, VARIANTS
from metrics.kpis.engine import answer
from metrics.models import Assumption
from metrics.roi.evidence import evidence
from metrics.roi.inputs import plan_of
from metrics.roi.live import Basis, LiveFigures, live_figures
from metrics.roi.studio import Studio
from surveys.models import Response, Survey
from tests.metrics.roi_book import NOW, day, fill

pytestmark = pytest.mark.django_db
ROI = "/metrics/roi/"


@pytest.fixture(autouse=True)
def _ground(settings):
    settings.ORGANISATION_TIME_ZONE = "UTC"
    cache.clear()


@pytest.fixture
def book(cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    return fill(cast)


def typed(**fields):
    return StudioForm({name: str(value) for name, value in fields.items()}).choices()


@pytest.mark.parametrize("own", [{}, {"arpa": 80, "margin": "0.7"}, {"churn": "0.05", "cost_team": 7, "one_off_cost": 30}])
def test_figures_are_those_of_the_kpi_for_the_same_inputs(book, own):
    Assumption.objects.create(name="margin", value=Decimal("0.6"))
    live = live_figures(basis=Basis(), scope=None, now=NOW)
    choices = typed(**own, k="1,4", months="1,12,120")
    studio = Studio(live, choices)
    params = {"k": "1,4", "months": "1,12,120", **{name: str(value) for name, value in own.items() if name in {"arpa", "margin", "churn", "one_off_cost"}}}
    params |= {"team_cost_per_month": str(own["cost_team"])} if "cost_team" in own else {}
    for variant in VARIANTS:
        got = answer(name="cx_roi", variant=variant, start=live.start, end=live.end, now=NOW, params=params)
        plan = plan_of(live, choices)
        for row in got["rows"]:
            line = plan.line(variant, k=row["k"], months=row["months"])
            for name in ("gain", "cost", "net", "roi", "multiple"):
                value = getattr(line, name)
                assert (None if value is None else float(value)) == (None if row[name] is None else pytest.approx(float(row[name]), rel=1e-10)), (variant, name)
        for row in got["loss"]:
            assert float(plan.loss(variant, row["months"])) == pytest.approx(float(row["amount"]), rel=1e-10)
    assert [gains.variant for gains in studio.gains] == list(VARIANTS)


def test_live_inputs_come_with_what_stands_behind_them(book):
    live = live_figures(basis=Basis(), scope=None, now=NOW)
    arpa, churn, lost = live.inputs["arpa"], live.inputs["churn"], live.inputs["lost"]
    assert (live.start, live.end) == ("2023-07-01", "2024-07-01")
    assert (arpa.value, arpa.count) == (100, 2)
    # one of three left in May, of the months January to June: 3 + 3 + 3 + 3 + 3 + 2 customer months
    assert (churn.value, churn.count, churn.of) == (Decimal(1) / 3 / 6, 1, 17)
    assert (lost.value, lost.count) == (Decimal(1) / 12, 1)
    assert [(live.inputs[name].value, live.inputs[name].count) for name in ("cost_team", "cost_tools", "cost_programme")] == [(100, 1), (20, 1), (0, 0)]
    assert live.beside == 50, "training is in the ledger and no part of the definition"
    assert (live.inputs["margin"].value, live.inputs["margin"].assumed) == (1, True)
    assert LiveFigures.thawed(live.frozen()) == live


def test_a_line_in_two_categories_is_taken_off_once_in_each_sum(book):
    CostEntry.objects.create(category="marketing", amount=120, currency="EUR", start="2023-07-01", end="2024-07-01", tags=["tools", "team"])
    live = live_figures(basis=Basis(), scope=None, now=NOW)
    parts = answer(name="cx_roi", start=live.start, end=live.end, now=NOW)["parts"]
    programme = sum(live.inputs[name].value for name in ("cost_programme", "cost_tools", "cost_marketing"))
    assert (live.inputs["cost_team"].value, programme) == (110, 30)
    assert (parts["team_cost_per_month"], parts["programme_cost_per_month"]) == ("110", "30")


def test_why_the_lost_left_adds_up_to_the_losses(book):
    for number in range(6):
        nps = Survey.objects.get_or_create(key="nps", defaults={"name": "NPS", "kind": "nps"})[0]
        account, score = (book.gone, 3) if number < 5 else (book.boga, 10)
        Response.objects.create(survey=nps, kind="nps", account=account, respondent_key=f"p{number}", answered_at=day("2024-03-01"), score=score, scale_min=0, scale_max=10)
    found = evidence(basis=Basis(), scope=None, now=NOW)
    price, support = found.reasons
    assert (price.code, price.customers, price.mrr, price.answers) == ("price", 1, 100, 1)
    assert (support.code, support.customers, support.mrr, support.answers) == ("support", 0, 0, 1)
    assert (found.customers, found.mrr, found.answers, found.surveys) == (1, 100, 1, [("exit", "Exit", 1)])
    nps = found.benchmarks[0]
    assert (nps.lost.value, nps.lost.count) == (-100, 5)
    assert (nps.kept.value, nps.kept.count, nps.kept.few) == (None, 1, True), "one answer is too few to show"
    assert (found.lost_accounts, found.kept_accounts) == (1, 2)


def test_the_page_shows_money_with_its_currency_and_marks_what_is_assumed(client, book):
    client.force_login(book.ada)
    page = client.get(ROI)
    assert page.status_code == 200
    states = {name: row.state for name, row in page.context["typed"].items()}
    assert states == {**dict.fromkeys(INPUTS, "live"), "margin": "assumed", "cost_other": "assumed", "one_off_cost": "assumed"}
    text = page.content.decode()
    assert "€100" in text
    assert "2 customers" in text
    assert "1 lost in 17 customer months" in text
    kpi = client.get("/metrics/kpi/cx_roi/?start=2023-07-01&end=2024-07-01").content.decode()
    # one customer more for a year: 1,200 less 12 x 120
    assert "€1,200" in kpi
    assert "−€240" in kpi


def test_a_change_brings_the_figures_alone_and_the_address_to_share(client, book):
    client.force_login(book.ada)
    response = client.get(ROI, {"margin": "0.5", "arpa": "", "k": "2", "variant": "cumulative"}, headers={"HX-Request": "true", "HX-Target": "studio"})
    text = response.content.decode()
    assert response.status_code == 200
    assert response["HX-Push-Url"] == "/metrics/roi/?margin=0.5&k=2&variant=cumulative"
    assert "<html" not in text
    assert 'id="roi-return" hx-swap-oob="true"' in text
    # two more a month, all stay, 50 each: 78 customer months in a year
    assert "€7,800" in text
    again = client.get(response["HX-Push-Url"])
    assert again.context["studio"].choices == response.context["studio"].choices
    assert again.context["typed"]["margin"].state == "own"
    assert client.get(f"{ROI}?{again.context['typed']['margin'].back}").context["typed"]["margin"].state == "assumed"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("cost_team", "-1"), ("one_off_cost", "-0.01"), ("margin", "1.2"), ("margin", "80"), ("churn", "1.01"), ("churn", "-0.1"), ("arpa", "NaN"), ("arpa", "many"), ("k", "0"),
        ("k", "1,-5"), ("k", "1.5"), ("k", "1,2,3,4,5,6,7"), ("months", "1,2,3,4,5,6,7,8,9,10,11,12,13"), ("months", "601"), ("spread", "2"), ("seed", "-1"), ("cost_tools", "1e30"),
    ],
)  # fmt: skip
def test_a_bad_field_is_refused_where_it_stands_and_everything_typed_stays(client, book, field, text):
    client.force_login(book.ada)
    query = {"arpa": "77", "cost_programme": "13", field: text}
    for headers, status in (({}, 400), ({"HX-Request": "true", "HX-Target": "studio"}, 422)):
        page = client.get(ROI, query, headers=headers)
        assert page.status_code == status
        assert list(page.context["errors"]) == [field]
        assert page.context["raw"][field] == text
        assert page.context["typed"]["cost_programme"].value == 13, "the other fields still count"
    page = client.get(ROI, query)
    assert f'value="{text}"' in page.content.decode()


def test_an_unknown_segment_or_scenario(client, book):
    client.force_login(book.ada)
    assert client.get(ROI, {"segment": "nobody"}).status_code == 400
    assert client.get(ROI, {"scenario": "999"}).status_code == 404
    assert client.get(ROI, {"scenario": "x"}).status_code == 404


def test_figures_keep_to_the_scope_of_the_reader(client, book):
    client.force_login(book.can)
    assert client.get(ROI).context["typed"]["arpa"].value == 50, "Northgate alone"
    client.force_login(book.ana)
    page = client.get(ROI)
    assert page.context["typed"]["arpa"].value == 100
    assert "/surveys/" not in client.get(f"{ROI}evidence/").content.decode(), "an analyst has figures and no rows"
    assert "/rows/" not in page.content.decode()
    client.force_login(book.ada)
    assert "/surveys/of/exit/" in client.get(f"{ROI}evidence/").content.decode()
    rows = "/metrics/kpi/arpa/rows/?start=2023-07-01&end=2024-07-01"
    assert rows.replace("&", "&amp;") in client.get(ROI).content.decode()
    assert client.get(rows).content.decode().count("/accounts/") >= 2, "the count opens who was counted"


def test_an_empty_installation_says_what_would_fill_the_page(client, cast, time_machine):
    time_machine.move_to(NOW, tick=False)
    client.force_login(cast.ada)
    page = client.get(ROI)
    assert page.status_code == 200
    assert "No customers who pay yet" in page.content.decode()
    assert "Nobody was lost in this period" in client.get(f"{ROI}evidence/").content.decode()
    filled = client.get(ROI, {"arpa": "100", "margin": "0.5", "churn": "0.02", "cost_team": "10"})
    assert "No customers who pay yet" not in filled.content.decode()
    assert filled.context["studio"].focus.net is not None


@pytest.mark.parametrize("path", ["", "evidence/", "charts/", "board/", "roi.csv", "compare/"])
def test_an_anonymous_reader_is_led_to_the_login(client, path):
    assert client.get(ROI + path)["Location"].startswith("/login/")


def test_the_board_page_and_the_file_carry_all_that_is_needed(client, book):
    client.force_login(book.ada)
    query = urlencode({"margin": "0.5", "variant": "cumulative"})
    board = client.get(f"{ROI}board/?{query}").content.decode()
    # five more a month, 3 years: 5 x 666 x 50 less 36 x 120
    for told in ("5 Jul 2024", "What it rests on", "put in by hand", "How it is computed", "seed 1", "<svg", "€162,180"):
        assert told in board, told
    lines = b"".join(client.get(f"{ROI}roi.csv?{query}").streaming_content).decode().splitlines()
    # 1 a month, 3 years, all stay: 666 customer months of 50
    assert any("36" in line and "33300" in line for line in lines)
    assert any("by hand" in line and "0.5" in line for line in lines)


def test_charts_come_with_their_files(client, book):
    client.force_login(book.ada)
    page = client.get(f"{ROI}charts/?margin=0.5")
    assert [chart.name for chart in page.context["charts"]] == ["roi-gain", "roi-tornado", "roi-draws"]
    assert all(chart.svg for chart in page.context["charts"])
    table = b"".join(client.get(f"{ROI}charts/?margin=0.5&export=csv&chart=roi-tornado").streaming_content).decode()
    assert "Gross margin" in table


def test_figures_are_kept_for_some_minutes(client, book, django_assert_max_num_queries):
    client.force_login(book.ada)
    client.get(ROI)
    Account.objects.filter(pk=book.boga.pk).update(excluded=True)
    with django_assert_max_num_queries(14):
        assert client.get(ROI, {"k": "3"}).context["typed"]["arpa"].value == 100
    cache.clear()
    assert client.get(ROI, {"k": "3"}).context["typed"]["arpa"].value == 50
