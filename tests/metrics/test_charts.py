"""Charts: drawn safely, named for everybody, the table says what the drawing says, files come from the same data."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.http import Http404
from django.template.loader import render_to_string
from django.utils import translation

from metrics.charts import Dot, Series, Step, bars, heat_map, histogram, lines, ranking, scatter, tornado, waterfall
from metrics.charts.render import png_file, svg_file
from metrics.charts.units import short, ticks
from metrics.views.chart_files import chart_file

NASTY = '"/><script>alert(1)</script>&\'"+alert(1)+"\u2028${1}'
MONTHS = ["Jan 26", "Feb 26", "Mar 26"]


def all_kinds(word="Plan", href="/metrics/kpi/mrr/?by=plan&start=2026-01-01"):
    """One chart of every kind, with a word of users in every place that takes one."""
    return [
        lines(name="a", title=word, steps=MONTHS, series=[Series(word, [1, None, 3], [href] * 3), Series("B", [2, 2, 2], lows=[1, 1, 1], highs=[3, 3, 3])], goal=2, partial=[2]),
        bars(name="b", title=word, steps=[word, "x", "y"], series=[Series(word, [1, 2, 3], [href] * 3), Series("B", [-1, 0, 2])], stacked=True, partial=[2]),
        waterfall(name="c", title=word, steps=[Step("Opening", 100, href, total=True), Step(word, -20, href, more=word), Step("Closing", 80, total=True)]),
        heat_map(name="d", title=word, columns=["0", word], rows=[word, "r"], values=[[1, Decimal("0.5")], [1, None]], hrefs=[[href, href], [href]]),
        histogram(name="e", title=word, steps=[word, "b"], values=[3, 4], hrefs=[href, href]),
        ranking(name="f", title=word, steps=[Step(word, 3, href), Step("n", -2)]),
        tornado(name="g", title=word, base=10, steps=[(word, 5, 20, word, "2 %")]),
        scatter(name="h", title=word, dots=[Dot(word, 1, 2, href, word), Dot("b", 3, 1, "", "other")], x_title=word, y_title="y", labelled=True),
    ]


def nodes(svg):
    return list(ET.fromstring(svg.replace("<svg ", '<svg xmlns:none="none" ', 1)).iter())  # noqa: S314 - our own drawing


@pytest.mark.parametrize("place", range(8))
def test_words_of_users_neither_break_out_nor_run(place):
    chart = all_kinds(NASTY)[place]
    svg = str(chart.svg)
    found = nodes(svg)
    assert {node.tag.rpartition("}")[2] for node in found} <= {"svg", "g", "path", "line", "rect", "circle", "text", "tspan", "a", "title", "defs", "pattern"}
    names = {name.lower() for node in found for name in node.attrib}
    assert not {name for name in names if name.startswith("on") or name in {"style", "class", "xlink:href"}}
    assert "alert(1)</script" not in svg
    assert all(node.attrib["href"].startswith("/metrics/") for node in found if "href" in node.attrib)
    assert any(NASTY.split("\u2028")[0] in (node.attrib.get("aria-label") or node.text or "") for node in found)


def test_every_mark_with_rows_is_a_named_link_to_them_and_the_rest_is_named_too():
    chart = all_kinds()[1]
    links = [node for node in nodes(chart.svg) if node.tag.endswith("a")]
    assert [link.attrib["href"] for link in links] == ["/metrics/kpi/mrr/?by=plan&start=2026-01-01"] * 3
    assert [link.attrib["aria-label"] for link in links] == ["Plan, Plan: 1", "Plan, x: 2", "Plan, y: 3 (not over yet)"]
    named = [node.attrib["aria-label"] for node in nodes(chart.svg) if node.attrib.get("role") == "img"]
    assert named == ["B, Plan: −1", "B, y: 2 (not over yet)"]


@pytest.mark.parametrize("href", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "/\\elsewhere", "/a b", "/a\nb"])
def test_a_link_that_leaves_the_site_is_refused(href):
    with pytest.raises(ValueError, match="not a path of this site"):
        ranking(name="x", title="x", steps=[Step("a", 1, href)])


def test_ids_of_two_charts_differ_and_colours_follow_the_page():
    first, second = (bars(name=name, title="t", steps=MONTHS, series=[Series("A", [1, 2, 3]), Series("B", [1, 2, 3])]) for name in ("one", "two"))
    ids = re.findall(r' id="([^"]+)"', first.svg + second.svg)
    assert len(ids) == 2
    assert len(set(ids)) == 2
    assert all(f"url(#{one})" in first.svg + second.svg for one in ids)
    assert "var(--accent)" in first.svg
    assert not re.search(r'(fill|stroke)="(#|black|rgb)', first.svg)


def test_the_table_says_what_is_drawn():
    chart = lines(name="m", title="MRR", steps=MONTHS, series=[Series("MRR", [Decimal("1000.5"), None, 3000], ["/r"] * 3)], unit="money")
    assert chart.columns == ("Month", "MRR")
    assert [[cell.text for cell in row] for row in chart.rows] == [["Jan 26", "€1,001"], ["Feb 26", "–"], ["Mar 26", "€3,000"]]
    assert "MRR, Jan 26: €1,001" in chart.svg
    assert "MRR, Mar 26: €3,000" in chart.svg
    assert "Feb 26:" not in chart.svg


def test_numbers_are_written_as_the_reader_writes_them():
    with translation.override("tr"):
        chart = bars(name="m", title="MRR", steps=["Oca 26"], series=[Series("MRR", [Decimal("12345.5")])], unit="money")
        assert "MRR, Oca 26: €12.346" in chart.svg
        assert "5\u00a0B\u00a0€" in chart.svg
        assert short(Decimal("0.125"), "fraction") == "%12,5"


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [(0, 100, "number", [0, 20, 40, 60, 80, 100]), (-3, 9, "number", [-5, -2.5, 0, 2.5, 5, 7.5, 10]), (0, 2, "count", [0, 1, 2]), (5, 5, "number", [0, 1, 2, 3, 4, 5]), (0, 0, "number", [0, 0.2, 0.4, 0.6, 0.8, 1])],
)  # fmt: skip
def test_ticks_are_round_and_hold_all_values(low, high, unit, expected):
    assert ticks(low, high, unit) == expected


def test_a_waterfall_says_where_its_axis_is_cut():
    cut = waterfall(name="w", title="w", steps=[Step("Opening", 400_000, total=True), Step("New", 10_000), Step("Closing", 410_000, total=True)])
    whole = waterfall(name="w", title="w", steps=[Step("Opening", 10, total=True), Step("New", 10), Step("Closing", 20, total=True)])
    assert "the totals are cut" in cut.note
    assert whole.note == ""


def test_nothing_to_draw_is_a_sentence():
    chart = lines(name="m", title="MRR", steps=MONTHS, series=[Series("MRR", [None, None, None])], empty="No revenue yet.")
    assert (chart.svg, chart.empty) == ("", "No revenue yet.")


def test_the_figure_has_table_and_files_under_its_own_address(rf):
    request = rf.get("/metrics/part/", {"segment": "vip"})
    page = render_to_string("metrics/_chart.html", {"chart": all_kinds()[0]}, request=request)
    assert 'href="/metrics/part/?segment=vip&amp;export=png&amp;chart=a"' in page
    assert "<details>" in page
    assert page.count("<tr>") == 4


def test_files_hold_the_same_data(rf, db, django_user_model):
    charts = all_kinds("=SUM(1)")
    request = rf.get("/x", {"export": "csv", "chart": "f"})
    text = b"".join(chart_file(request, charts).streaming_content).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [["What", "Value"], ["'=SUM(1)", "3"], ["n", "-2"]]
    assert not LogEntry.objects.exists()
    picture = chart_file(rf.get("/x", {"export": "png", "chart": "b"}), charts)
    assert picture.content.startswith(b"\x89PNG")
    drawn = chart_file(rf.get("/x", {"export": "svg", "chart": "b"}), charts)
    assert "attachment" in drawn["Content-Disposition"]
    assert "var(--" not in drawn.content.decode()
    assert "href" not in drawn.content.decode()
    assert chart_file(rf.get("/x"), charts) is None


def test_what_names_accounts_is_logged_when_it_is_taken_out(rf, cast):
    request = rf.get("/x", {"export": "csv", "chart": "moves", "segment": "vip"})
    request.user = cast.elif_
    chart_file(request, [ranking(name="moves", title="Moves", steps=[Step("Boğaziçi", 3)], names_accounts=True)])
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (cast.elif_, "export chart moves: export=csv&chart=moves&segment=vip")


@pytest.mark.parametrize("query", [{"export": "exe", "chart": "a"}, {"export": "csv", "chart": "zz"}, {"export": "csv"}])
def test_files_that_do_not_exist(rf, query):
    with pytest.raises(Http404):
        chart_file(rf.get("/x", query), all_kinds())


def test_every_kind_comes_as_a_file():
    for chart in all_kinds():
        assert svg_file(chart.spec, name=chart.name, title=chart.title).startswith("<svg ")
    assert len(png_file(all_kinds()[0].spec, name="a", title="t")) > 2000
