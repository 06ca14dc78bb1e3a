"""Endpoints of the KPI catalogue and its figures."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.rest.endpoints import Endpoint
from accounts.rest.problems import Malformed
from accounts.roles import Role
from metrics.api.serializers import Catalogue, FigureShape, SeriesShape
from metrics.catalogue import targets
from metrics.dashboards import scope_of
from metrics.formulas.numbers import decimal_text
from metrics.kpis.catalogue import CATALOGUE, Kpi, told
from metrics.kpis.engine import WrongQuestion, answer
from metrics.kpis.question import INTERVALS
from metrics.kpis.rows import why_no_rows
from metrics.kpis.told import sources

_WORDS = ("start", "end", "variant", "segment", "interval", "as_of", "by")
_FILTER, _PARAM = "filter.", "param."


class KpiList(Endpoint):
    """The catalogue."""

    scope = "metrics"
    serializer_class = Catalogue
    queryset = Account.objects.none()

    @extend_schema(operation_id="metrics_catalogue")
    def get(self, request: Request) -> Response:
        """Every KPI that can be asked: variants, parameters, breakdowns, unit; meaning in words, targets and owners in force today."""
        wanted = targets.in_force(targets.today_of(self.now))
        return Response({"results": [_entry(kpi, wanted) for kpi in CATALOGUE.values()]})


def _entry(kpi: Kpi, wanted: dict[tuple[str, str, str | None], targets.InForce]) -> dict[str, Any]:
    said = told(kpi.name)
    return {
        "name": kpi.name, "title": str(kpi.title), "meaning": str(kpi.meaning), "unit": kpi.unit, "units": dict(kpi.units), "good": kpi.good,
        "variants": list(kpi.variants), "params": list(kpi.params), "dimensions": list(kpi.dimensions),
        "group": said.group, "class": kpi.kind, "timing": kpi.timing, "population": str(said.population), "sources": sources(said),
        "default_variant": kpi.variants[0], "ecommerce_variant": kpi.ecommerce_variant,
        "ways": [
            {"variant": name, "formula": str(way.formula), "line": str(way.line), "numerator": str(way.numerator), "denominator": str(way.denominator)}
            for name, way in ((name, said.ways[name]) for name in kpi.variants)
        ],
        "rows": not why_no_rows(kpi.name, kpi.variants[0]),
        "targets": [
            {
                "variant": variant or kpi.variants[0], "segment": segment, "target": decimal_text(one.target), "warn": decimal_text(one.warn),
                "owner": one.owner.email if one.owner else None, "valid_from": one.valid_from,
            }
            for (name, variant, segment), one in wanted.items() if name == kpi.name
        ],
    }  # fmt: skip


def question_of(request: Request, own: tuple[str, ...] = ()) -> dict[str, Any]:
    """The query as the engine's arguments, without the endpoint's `own` words. Raises Malformed for what is missing, given twice or not known."""
    asked: dict[str, Any] = {"filters": {}, "params": {}}
    for name, values in request.query_params.lists():
        if name.startswith(_FILTER) and len(name) > len(_FILTER):
            asked["filters"][name.removeprefix(_FILTER)] = values
            continue
        if len(values) > 1:
            raise wrong(name, f"{name} is given more than once.")
        if name.startswith(_PARAM) and len(name) > len(_PARAM):
            asked["params"][name.removeprefix(_PARAM)] = values[0]
        elif name in own:
            continue
        elif name in _WORDS:
            # an empty word is one that was not said
            asked[name] = values[0] or None
        else:
            raise wrong(name, f"There is no such parameter; allowed: {', '.join(_WORDS)}, filter.<dimension>, param.<name>.", "unknown_parameter")
    for name in ("start", "end"):
        if not asked.get(name):
            raise wrong(name, f"{name} is needed: a day (YYYY-MM-DD) or an ISO 8601 instant.", "required")
    return asked


def wrong(name: str, detail: str, code: str = "invalid") -> Malformed:
    """What is wrong with one word of the query."""
    return Malformed(detail, code, extra={"errors": [{"field": name, "pointer": "", "detail": detail, "code": code}]})


def unanswerable(fault: WrongQuestion) -> Malformed:
    """A question that cannot be answered, with the word at fault where it is one."""
    return wrong(fault.field, str(fault), "wrong_question") if fault.field else Malformed(str(fault), "wrong_question")


PARAMETERS = [
    OpenApiParameter("start", str, required=True, description="The first day or instant of the period."),
    OpenApiParameter("end", str, required=True, description="The first day or instant after it."),
    OpenApiParameter("variant", str, description="One of the KPI's variants; default: the first."),
    OpenApiParameter("segment", str, description="Key of a segment."),
    OpenApiParameter("interval", str, enum=INTERVALS, description="Answers a series of pieces of this length."),
    OpenApiParameter("by", str, description="A dimension to break down by."),
    OpenApiParameter("as_of", str, description="What happened later is left out."),
    OpenApiParameter("filter.{dimension}", str, description="Only rows of this value; may be repeated."),
    OpenApiParameter("param.{name}", str, description="A parameter of the KPI."),
]


class Figure(Endpoint):
    """One figure."""

    scope = "metrics"
    serializer_class = FigureShape
    queryset = Account.objects.none()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The names of filters and parameters are the KPI's own; the view checks them."""
        self.parameters = frozenset(request.query_params)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        parameters=PARAMETERS,
        responses={200: PolymorphicProxySerializer(component_name="FigureOrSeries", serializers=[FigureShape, SeriesShape], resource_type_field_name=None, many=False)},
    )
    def get(self, request: Request, kpi: str) -> Response:
        """The figure over the accounts the key's user may see; analysts see that of all."""
        if kpi not in CATALOGUE:
            raise Http404
        try:
            told = answer(name=kpi, now=self.now, accounts=scope_of(self.user), **question_of(request))
        except WrongQuestion as fault:
            raise unanswerable(fault) from fault
        return Response(without_accounts(told) if self.user.role == Role.ANALYST else told)


def without_accounts(told: dict[str, Any]) -> dict[str, Any]:
    """An answer for readers of figures alone: the rows that name accounts are left out, at any depth."""
    kept = {name: value for name, value in told.items() if name != "rows" or not any("account" in row for row in value)}
    return {name: [without_accounts(one) for one in value] if name in {"groups", "series"} else value for name, value in kept.items()}
