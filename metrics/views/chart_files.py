"""Charts as files: the page or fragment that shows a chart gives it as SVG, PNG or CSV under the same address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import get_language

from accounts.actions.exports import record_export
from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.spreadsheet import csv_lines
from metrics.charts import Chart
from metrics.charts.render import png_file, svg_file


def chart_file(request: HttpRequest, charts: Iterable[Chart]) -> HttpResponseBase | None:
    """The file that `?export=svg|png|csv&chart=NAME` asks for; None where the address asks for none.

    To be called by the view that shows the charts, after it has seen who may read them. Raises Http404 for another
    kind, another chart, or one with nothing in it.
    """
    kind = request.GET.get("export", "")
    if not kind:
        return None
    chart = next((chart for chart in charts if chart.name == request.GET.get("chart")), None)
    if chart is None or chart.spec is None or kind not in {"svg", "png", "csv"}:
        raise Http404
    now = read_clock()
    response: HttpResponseBase
    if kind == "csv":
        if chart.names_accounts:
            record_export(actor=cast(User, request.user), what=f"chart {chart.name}", title=chart.title, choices=request.META.get("QUERY_STRING", ""), now=now)
        response = StreamingHttpResponse(csv_lines(chart.columns, chart.exported(), get_language() or "en"), content_type="text/csv; charset=utf-8")
    elif kind == "svg":
        response = HttpResponse(svg_file(chart.spec, name=chart.name, title=chart.title), content_type="image/svg+xml")
    else:
        response = HttpResponse(png_file(chart.spec, name=chart.name, title=chart.title), content_type="image/png")
    response["Content-Disposition"] = f'attachment; filename="{chart.name}-{timezone.localdate(now):%Y-%m-%d}.{kind}"'
    return response
