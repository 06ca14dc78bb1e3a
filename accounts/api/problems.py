"""Every fault under `/api/` as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
import math
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, IntegrityError, OperationalError, models
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.actions.work_items import StaleVersion
from accounts.rest.problems import CONFLICTS, Conflict, Malformed, PreconditionFailed, Problem, TooLarge, flatten

log = logging.getLogger("vefa.api")
PROBLEM_JSON = "application/problem+json"
TITLES = {
    400: "Bad request", 401: "Not authenticated", 403: "Not allowed", 404: "Not found", 405: "Method not allowed", 406: "Not acceptable",
    409: "Conflict", 412: "Precondition failed", 413: "Too large", 415: "Unsupported media type", 422: "Unprocessable", 428: "Precondition required",
    429: "Too many requests", 500: "Internal error", 503: "Not available",
}  # fmt: skip
# what the database says when it is busy, not when the request is wrong: try again
_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})


class Busy(Problem):
    """The database could not do it in time."""

    status_code = 503
    default_detail = gettext_lazy("The database is busy; try again.")
    default_code = "busy"


def problem(status: int, detail: str, code: str, **extra: Any) -> dict[str, Any]:
    """The body of a problem."""
    return {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail, "code": code, **extra}


def problem_response(fault: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: no fault leaves without a problem; what nobody foresaw is logged and a 500."""
    set_rollback()
    known = _known(fault)
    if known is None:
        log.exception("unforeseen fault in %s", type(context.get("view")).__name__, exc_info=fault)
        known = exceptions.APIException(_("Something went wrong here; it is written in the log."), "internal")
    status, extra = known.status_code, dict(getattr(known, "extra", {}))
    headers = dict(getattr(known, "headers", {}))
    if isinstance(known, exceptions.ValidationError):
        extra["errors"] = flatten(known.detail)
        code, detail = "invalid", _("The request has faults; see errors.")
        if extra["errors"] and all(entry["code"] in CONFLICTS for entry in extra["errors"]):
            status, code, detail = 409, "conflict", str(Conflict.default_detail)
    else:
        code, detail = str(known.get_codes()), str(known.detail)
    if getattr(known, "auth_header", None):
        headers["WWW-Authenticate"] = known.auth_header  # type: ignore[attr-defined]
    if getattr(known, "wait", None) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(known.wait)))  # type: ignore[attr-defined]
    if status == 503:
        headers.setdefault("Retry-After", "2")
    return Response(problem(status, str(detail), code, **extra), status=status, headers=headers, content_type=PROBLEM_JSON)


def _known(fault: Exception) -> exceptions.APIException | None:
    """A fault as one that DRF knows; None for what nobody foresaw."""
    if isinstance(fault, exceptions.APIException):
        return fault
    if isinstance(fault, Http404):
        return exceptions.NotFound()
    if isinstance(fault, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(fault, StaleVersion):
        return PreconditionFailed()
    if isinstance(fault, RequestDataTooBig):
        return TooLarge()
    if isinstance(fault, SuspiciousOperation):
        return Malformed()
    if isinstance(fault, (IntegrityError, DataError, OperationalError)):
        return _of_database(fault)
    return None


def _of_database(fault: Exception) -> exceptions.APIException | None:
    """The last line: a constraint that a race or a gap in the checks above let a request reach."""
    cause = fault.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    name = getattr(getattr(cause, "diag", None), "constraint_name", None) or ""
    if state in _BUSY:
        return Busy()
    if state in {"23505", "23P01", "23503"}:
        return Conflict(_message(name), extra={"constraint": name})
    if state in {"23514", "23502"} or state.startswith("22"):
        return Malformed(_message(name), "invalid", extra={"constraint": name} if name else {})
    if isinstance(fault, OperationalError):
        return Busy()
    return None


def _message(name: str) -> str | None:
    """What a constraint says of itself, where it does."""
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name and constraint.violation_error_message != models.BaseConstraint.default_violation_error_message:
                return str(constraint.violation_error_message)
    return None


def no_such_address(request: HttpRequest, **kwargs: str) -> JsonResponse:
    """What is no address of the API."""
    hint = _("There is nothing at this address.")
    if not request.path.endswith("/"):
        hint = _("There is nothing at this address. Addresses end with a slash.")
    return JsonResponse(problem(404, hint, "not_found"), status=404, content_type=PROBLEM_JSON)
