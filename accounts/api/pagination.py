"""Pages by key, not by number: rows that come or go never shift a page."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.rest.problems import Malformed

DEFAULT_LIMIT, LIMIT_AT_MOST = 50, 200
_SALT = "api.cursor"


class CursorPages(BasePagination):
    """`?limit=&ordering=&cursor=`; the view names its orderings, the first is the default.

    An ordering is a tuple of columns that ends with one that is unique; none of them may be null. A
    cursor holds the place (the columns of a row), the direction and the ordering, signed.
    """

    parameters = frozenset({"limit", "cursor", "ordering"})

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any]:  # type: ignore[override]
        """One page of rows. Raises Malformed for a wrong limit, ordering or cursor."""
        self.request = request
        orderings: dict[str, tuple[str, ...]] = view.orderings
        limit = self._limit(request)
        name, backwards, place = self._cursor(request, next(iter(orderings)), orderings)
        columns = orderings[name]
        descending = columns[0].startswith("-")
        names = [column.lstrip("-") for column in columns]
        down = descending != backwards
        if place is not None:
            queryset = queryset.filter(_beyond(names, self._values(queryset.model, names, place), down))
        rows = list(queryset.order_by(*[f"-{column}" if down else column for column in names])[: limit + 1])
        more = len(rows) > limit
        rows = rows[:limit]
        if backwards:
            rows.reverse()
        has_next, has_previous = (bool(rows), more) if backwards else (more, place is not None and bool(rows))
        self._next = self._link(name, names, rows[-1], backwards=False) if has_next else None
        self._previous = self._link(name, names, rows[0], backwards=True) if has_previous else None
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """`{results, next, previous}`."""
        return Response({"results": data, "next": self._next, "previous": self._previous})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """For OpenAPI."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """For OpenAPI."""
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Rows a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": LIMIT_AT_MOST, "default": DEFAULT_LIMIT},
            },
            {"name": "cursor", "in": "query", "required": False, "description": "The place to go on from; take it from `next` or `previous`.", "schema": {"type": "string"}},
            {"name": "ordering", "in": "query", "required": False, "description": "The order of the rows.", "schema": {"type": "string", "enum": list(view.orderings)}},
        ]

    def _limit(self, request: Request) -> int:
        raw = request.query_params.get("limit", str(DEFAULT_LIMIT))
        if not (raw.isascii() and raw.isdigit() and len(raw) < 6 and 1 <= int(raw) <= LIMIT_AT_MOST):
            raise _wrong("limit", _("A whole number from 1 to %(most)s is expected.") % {"most": LIMIT_AT_MOST})
        return int(raw)

    def _cursor(self, request: Request, default: str, orderings: dict[str, Any]) -> tuple[str, bool, list[str] | None]:
        wanted = request.query_params.get("ordering")
        if wanted is not None and wanted not in orderings:
            raise _wrong("ordering", _("Allowed: %(names)s.") % {"names": ", ".join(orderings)})
        raw = request.query_params.get("cursor")
        if not raw:
            return wanted or default, False, None
        try:
            name, backwards, place = signing.loads(raw, salt=_SALT)
        except (signing.BadSignature, ValueError) as fault:
            raise _wrong("cursor", _("This is no cursor; take it from next or previous.")) from fault
        if name not in orderings or (wanted and wanted != name) or len(place) != len(orderings[name]):
            raise _wrong("cursor", _("The cursor belongs to another list or order."))
        return name, backwards, place

    def _values(self, model: Any, names: list[str], place: list[str]) -> list[Any]:
        try:
            return [model._meta.get_field("id" if name == "pk" else name).to_python(value) for name, value in zip(names, place, strict=True)]
        except Exception as fault:
            raise _wrong("cursor", _("The cursor belongs to another list or order.")) from fault

    def _link(self, name: str, names: list[str], row: Any, *, backwards: bool) -> str:
        cursor = signing.dumps([name, backwards, [_plain(getattr(row, column)) for column in names]], salt=_SALT)
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else json.loads(json.dumps(value))


def _beyond(names: list[str], values: list[Any], down: bool) -> Q:
    """The rows after a place, in the order of the columns: (a, b) > (x, y), told so that an index on `a` serves."""
    compare = "lt" if down else "gt"
    condition, equal = Q(), Q()
    for name, value in zip(names, values, strict=True):
        condition |= equal & Q(**{f"{name}__{compare}": value})
        equal &= Q(**{name: value})
    return condition & Q(**{f"{names[0]}__{compare}e": values[0]}) if len(names) > 1 else condition


def _wrong(name: str, detail: str) -> Malformed:
    return Malformed(detail, "invalid", extra={"errors": [{"field": name, "pointer": "", "detail": detail, "code": "invalid"}]})
