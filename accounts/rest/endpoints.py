"""The kinds of endpoint: a list, a row, a row by its external id, and a plain one.

They own what is the same everywhere (scopes, pages, ETags, idempotency); an app's endpoint names its
rows and hands validated values to an action.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import SAFE_METHODS
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.idempotency import Answer, OtherRequest, StillRunning, answer_once
from accounts.models import User
from accounts.queries.clock import read_clock
from accounts.rest.filters import AllowListedFilters, refuse_strangers
from accounts.rest.parsing import JsonAlways, StrictJSON
from accounts.rest.problems import Conflict, Malformed, OtherBody, PreconditionFailed, PreconditionRequired, TooLarge
from accounts.rest.schema import ProblemSchema
from accounts.roles import WRITES_ACCOUNTS

_KEPT_HEADERS = ("Location", "ETag")


def ordered_by(*columns: str) -> dict[str, tuple[str, ...]]:
    """Orderings of a list: by id, and by each of the columns up and down, ties broken by the id."""
    found: dict[str, tuple[str, ...]] = {"id": ("id",), "-id": ("-id",)}
    for column in columns:
        found |= {column: (column, "id"), f"-{column}": (f"-{column}", "-id")}
    return found


class Endpoint(GenericAPIView):
    """What every endpoint is: JSON in and out, a scope a method, one clock a request."""

    schema = ProblemSchema()
    parser_classes = [StrictJSON]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = JsonAlways
    filter_backends = [AllowListedFilters]
    metadata_class = None
    # the noun of the scopes: reading needs `<noun>:read`, writing `<noun>:write`
    scope = ""
    # roles that may write at all; None asks nothing of the role
    writers: frozenset[str] | None = frozenset(WRITES_ACCOUNTS)
    orderings: dict[str, tuple[str, ...]] = ordered_by()
    # query parameters of endpoints that are no lists
    parameters: frozenset[str] = frozenset()
    # the name of the address of one row
    row_route = ""
    answers_with_etag = False
    many_rows = False

    def scope_for(self, method: str) -> str:
        """The scope a method needs."""
        return f"{self.scope}:{'read' if method in SAFE_METHODS else 'write'}"

    @property
    def user(self) -> User:
        """Whom the key acts for."""
        return self.request.user  # type: ignore[return-value]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Reads the clock once, then asks who it is and what he may."""
        self.now: dt.datetime = read_clock()
        super().initial(request, *args, **kwargs)
        if any("\x00" in text for name, values in request.query_params.lists() for text in (name, *values)) or any("\x00" in str(part) for part in kwargs.values()):
            raise Malformed(_("A parameter cannot hold the sign NUL."), "null_characters_not_allowed")
        if not (self.many_rows and request.method in SAFE_METHODS):
            refuse_strangers(request, self.parameters)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What is told to one key is kept by no shared cache, and asked again before it is used again."""
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Authorization"])
        return response

    def once(self, request: Request, work: Callable[[], Response]) -> HttpResponse | Response:
        """Does the work of a POST; with an `Idempotency-Key` once in 24 hours.

        Raises Malformed, Conflict while the first request runs, OtherBody, and what the work raises.
        """
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return work()
        if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
            raise Malformed(_("An Idempotency-Key has 1 to 200 printable ASCII signs."), "invalid_idempotency_key")

        def as_answer() -> Answer:
            response = work()
            body = JSONRenderer().render(response.data).decode()
            return Answer(response.status_code, body, {name: response[name] for name in _KEPT_HEADERS if response.has_header(name)})

        try:
            body = request._request.body
            kept = answer_once(owner=request.auth, key=key, method_path=f"{request.method} {request.path}"[:300], body=body, now=self.now, work=as_answer)  # type: ignore[arg-type]
        except RequestDataTooBig as fault:
            raise TooLarge from fault
        except StillRunning as fault:
            raise Conflict(_("A request with this Idempotency-Key is still being worked on."), "still_running", headers={"Retry-After": "1"}) from fault
        except OtherRequest as fault:
            raise OtherBody from fault
        headers = {**kept.headers, **({"Idempotent-Replayed": "true"} if kept.replayed else {})}
        return HttpResponse(kept.body, status=kept.status, headers=headers, content_type="application/json")

    def scoped(self) -> QuerySet:
        """The rows the key's user may see."""
        return self.get_queryset().visible_to(self.user)  # type: ignore[attr-defined]

    def one(self, queryset: QuerySet, **lookup: Any) -> Any:
        """The row of a look-up; out of scope is 404, seen but not to be changed 403 (for writing methods)."""
        row = queryset.visible_to(self.user).filter(**lookup).first()  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        if self.request.method not in SAFE_METHODS and not type(row)._default_manager.changeable_by(self.user).filter(pk=row.pk).exists():
            raise PermissionDenied(_("The key's user may see this but not change it."), "role")
        return row

    def address_of(self, row: Any) -> str:
        """Where one row is read."""
        return self.request.build_absolute_uri(reverse(self.row_route, args=[row.pk]))

    def told(self, row: Any) -> Any:
        """The answer's data of a row, read afresh with what its serializer needs."""
        fresh = self.get_queryset().get(pk=row.pk)
        return self.get_serializer(fresh).data

    def validated(self, *, instance: Any = None) -> dict[str, Any]:
        """The values of the body. Raises ValidationError."""
        shape = self.get_serializer(instance, data=self.request.data, partial=instance is not None)
        shape.is_valid(raise_exception=True)
        return shape.validated_data

    def expected_version(self, row: Any, *, required: bool) -> int | None:
        """The version the client wants to change, from `If-Match`; None for any.

        Raises PreconditionRequired without the header where it is `required`, PreconditionFailed.
        """
        header = self.request.headers.get("If-Match")
        if header is None:
            if required:
                raise PreconditionRequired
            return None
        tags = [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]
        if "*" in tags:
            return None
        if str(row.version) not in {tag.split(".")[0] for tag in tags}:
            raise PreconditionFailed
        return row.version

    def with_etag(self, data: Any, *, version: int, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """An answer with its ETag: the version a change must name, and a sum of what was told."""
        etag = f'"{version}.{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:12]}"'
        known = self.request.headers.get("If-None-Match") if self.request.method == "GET" else None
        if known and (known.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in known.split(",")}):
            return Response(status=304, headers={"ETag": etag})
        return Response(data, status=status, headers={"ETag": etag, **(headers or {})})


class Collection(Endpoint):
    """`GET` a page of rows, `POST` a new one."""

    many_rows = True

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page."""
        rows = self.paginate_queryset(self.filter_queryset(self.scoped()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class Creating(Collection):
    """A list to which rows can be added."""

    def create(self, values: dict[str, Any]) -> tuple[Any, bool]:
        """Adds the row by an action; returns it and whether it is new."""
        raise NotImplementedError

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """A new row: 201 with its address and ETag (200 where the rules say it was there already)."""

        def work() -> Response:
            row, new = self.create(self.validated())
            headers = {"Location": self.address_of(row)}
            return self.with_etag(self.told(row), version=row.version, status=201 if new else 200, headers=headers)

        return self.once(request, work)


class Reading(Endpoint):
    """`GET` one row, with an ETag."""

    answers_with_etag = True

    def get(self, request: Request, pk: Any) -> Response:
        """The row; 304 where the client's `If-None-Match` still fits."""
        row = self.one(self.get_queryset(), pk=pk)
        data = self.get_serializer(row).data
        return self.with_etag(data, version=getattr(row, "version", 0))


class Changing(Reading):
    """`GET` one row, `PATCH` it under `If-Match`."""

    def change(self, row: Any, values: dict[str, Any], version: int | None) -> Any:
        """Changes the row by an action, which raises StaleVersion for another version."""
        raise NotImplementedError

    def patch(self, request: Request, pk: Any) -> Response:
        """Changes what is sent, keeps the rest: 428 without `If-Match`, 412 where it is out of date."""
        row = self.one(self.get_queryset(), pk=pk)
        version = self.expected_version(row, required=True)
        changed = self.change(row, self.validated(instance=row), version)
        return self.with_etag(self.told(changed), version=changed.version)


class ByExternalId(Endpoint):
    """`PUT` a row under the key the client knows it by; `GET` it there too."""

    answers_with_etag = True

    def get_serializer_context(self) -> dict[str, Any]:
        """Tells the shape that a taken external id is no fault here."""
        return {**super().get_serializer_context(), "upsert": self.request.method == "PUT" if self.request else False}

    def put_row(self, external_id: str, values: dict[str, Any], version: int | None) -> tuple[Any, bool]:
        """Adds or changes the row by an action; returns it and whether it is new."""
        raise NotImplementedError

    def get(self, request: Request, external_id: str) -> Response:
        """The row."""
        row = self.one(self.get_queryset(), external_id=external_id)
        return self.with_etag(self.get_serializer(row).data, version=row.version)

    def put(self, request: Request, external_id: str) -> Response:
        """Adds the row (201) or changes what is sent and keeps the rest (200); the same again changes nothing."""
        if not 1 <= len(external_id) <= 200:
            raise Malformed(_("An external id has 1 to 200 signs."))
        sent = request.data.get("external_id", external_id) if isinstance(request.data, dict) else external_id
        if sent != external_id:
            raise ValidationError({"external_id": _("The external id of the body is not that of the address.")}, "immutable")
        row = self._existing(external_id)
        version = None
        if row is not None:
            version = self.expected_version(row, required=False)
        elif "If-Match" in request.headers:
            raise PreconditionFailed
        shape = self.get_serializer(row, data=self._body(external_id), partial=row is not None)
        shape.is_valid(raise_exception=True)
        stored, new = self.put_row(external_id, shape.validated_data, version)
        headers = {"Location": self.address_of(stored)} if new else {}
        return self.with_etag(self.told(stored), version=stored.version, status=201 if new else 200, headers=headers)

    def _existing(self, external_id: str) -> Any:
        queryset = self.get_queryset()
        if not queryset.filter(external_id=external_id).exists():
            return None
        return self.one(queryset, external_id=external_id)

    def _body(self, external_id: str) -> Any:
        data = self.request.data
        return {**data, "external_id": external_id} if isinstance(data, dict) else data


def sized(data: Any, *, most: int, noun: str) -> list[Any]:
    """A body that is one object or a list of them, as a list. Raises Malformed for another form or none, TooLarge."""
    rows = [data] if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Malformed(_("An object or a list of objects is expected."), "invalid")
    if len(rows) > most:
        raise TooLarge(_("At most %(most)s %(noun)s a request; these are %(count)s.") % {"most": most, "noun": noun, "count": len(rows)})
    return rows
