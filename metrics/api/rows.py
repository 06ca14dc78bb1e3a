"""The endpoint of the rows behind a figure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.rest.endpoints import Endpoint
from accounts.roles import Role
from metrics.api.figures import PARAMETERS, question_of, unanswerable, wrong
from metrics.api.serializers import RowsShape
from metrics.dashboards import scope_of
from metrics.formulas.numbers import decimal_text
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion, ask
from metrics.kpis.rows import CountedRow, rows_page

PAGE, MOST = 500, 5000
_OWN = ("after", "page_size")


class Rows(Endpoint):
    """What the numerator and the denominator of a figure are made of."""

    scope = "metrics"
    serializer_class = RowsShape
    queryset = Account.objects.none()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The names of filters and parameters are the KPI's own; the view checks them."""
        self.parameters = frozenset(request.query_params)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        parameters=[
            *(parameter for parameter in PARAMETERS if parameter.name not in {"interval", "by"}),
            OpenApiParameter("after", int, description="Where the page begins: `next` of the page before."),
            OpenApiParameter("page_size", int, description=f"How many accounts a page looks at; {PAGE}, at most {MOST}."),
        ],
        responses=RowsShape,
    )
    def get(self, request: Request, kpi: str) -> Response:
        """The rows, page by page: over all pages they sum to the figure's numerator and denominator. Not for analysts."""
        if kpi not in CATALOGUE:
            raise Http404
        if self.user.role == Role.ANALYST:
            raise PermissionDenied
        asked = question_of(request, own=_OWN)
        for name in ("by", "interval"):
            if asked.pop(name, None):
                raise wrong(name, f"{name} is of figures; rows are asked for one period.", "unknown_parameter")
        after, size = _whole(request, "after", None, 0, 2**62), _whole(request, "page_size", PAGE, 1, MOST)
        try:
            question = ask(name=kpi, now=self.now, accounts=scope_of(self.user), **asked)
            page = rows_page(question, after=after, accounts=size or PAGE)
        except WrongQuestion as fault:
            raise unanswerable(fault) from fault
        return Response(
            {
                "kpi": kpi, "variant": question.variant, "start": question.start_text, "end": question.end_text, "as_of": question.as_of_text,
                "results": [_told(row) for row in page.rows], "next": None if page.after is None else self._next(request, page.after),
            }
        )  # fmt: skip

    def _next(self, request: Request, after: int) -> str:
        query = request.query_params.copy()
        query["after"] = str(after)
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _whole(request: Request, name: str, default: int | None, low: int, high: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise wrong(name, f"{name} is a whole number from {low} to {high}.")
    return int(text)


def _told(row: CountedRow) -> dict[str, Any]:
    return {
        "kind": row.kind, "id": row.id, "external_id": row.external_id, "account": row.account, "occurred_at": row.occurred_at,
        "numerator": decimal_text(row.numerator), "denominator": decimal_text(row.denominator),
        "parts": {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in row.parts.items()},
    }  # fmt: skip
