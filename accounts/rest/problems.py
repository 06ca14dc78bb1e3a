"""Problems of the API by name, and faults of fields as one flat list (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as ModelFault
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail
from rest_framework.settings import api_settings

# faults that say "this meets something that exists", not "this is malformed": answered with 409
CONFLICTS = frozenset({"unique", "overlap"})


class Problem(APIException):
    """A problem with more members than a sentence (`extra`) and possibly headers."""

    def __init__(self, detail: Any = None, code: str | None = None, *, extra: dict[str, Any] | None = None, headers: dict[str, str] | None = None):
        super().__init__(detail, code)
        self.extra = extra or {}
        self.headers = headers or {}


class Malformed(Problem):
    """The request cannot be understood."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = _("The request cannot be understood.")
    default_code = "malformed"


class Conflict(Problem):
    """It meets something that exists or a state that forbids it."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = _("This meets something that exists.")
    default_code = "conflict"


class PreconditionFailed(Problem):
    """The row was changed since the client read it."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = _("It was changed since you read it. Read it again and repeat the change.")
    default_code = "stale"


class TooLarge(Problem):
    """More than one request may carry."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = _("The request is too large.")
    default_code = "too_large"


class OtherBody(Problem):
    """An idempotency key that was used for something else."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = _("This Idempotency-Key was used for another request.")
    default_code = "idempotency_key_reused"


class PreconditionRequired(Problem):
    """A change without `If-Match`."""

    status_code = status.HTTP_428_PRECONDITION_REQUIRED
    default_detail = _("Send the ETag of what you read as If-Match.")
    default_code = "precondition_required"


def flatten(detail: Any, path: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """DRF's nested detail -> `[{field, pointer, detail, code}]`, in reading order."""
    if isinstance(detail, Mapping):
        return [entry for key, inner in detail.items() for entry in flatten(inner, path if key == api_settings.NON_FIELD_ERRORS_KEY else (*path, str(key)))]
    if isinstance(detail, (list, tuple)):
        if detail and all(isinstance(inner, str) for inner in detail):
            # one entry per field: the first fault names the code, all are said
            return [_entry(path, " ".join(str(inner) for inner in detail), getattr(detail[0], "code", "invalid"))]
        return [entry for number, inner in enumerate(detail) if inner for entry in flatten(inner, (*path, str(number)))]
    return [_entry(path, str(detail), getattr(detail, "code", "invalid"))]


def _entry(path: tuple[str, ...], detail: str, code: str | None) -> dict[str, str]:
    pointer = "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path)
    return {"field": ".".join(path), "pointer": f"#{pointer}", "detail": detail, "code": code or "invalid"}


def of_model(fault: ModelFault, names: Mapping[str, str]) -> dict[str, list[ErrorDetail]]:
    """A model's fault as DRF's detail; `names` turns model fields into the names clients use."""
    errors = fault.error_dict if hasattr(fault, "error_dict") else {NON_FIELD_ERRORS: fault.error_list}
    found: dict[str, list[ErrorDetail]] = {}
    for field, inner in errors.items():
        key = api_settings.NON_FIELD_ERRORS_KEY if field == NON_FIELD_ERRORS else names.get(field, field)
        for error in inner:
            found.setdefault(key, []).extend(ErrorDetail(str(message), error.code or "invalid") for message in error.messages)
    return found
