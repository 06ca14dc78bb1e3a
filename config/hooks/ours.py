"""Bodies in our own words: worked on by the endpoints of the API themselves, so that both take and refuse the same.

`{"type": "ticket.upsert", "timestamp": "2026-03-01T09:00:00Z", "data": {...}}`: `data` holds the fields of the
endpoint that the type names. With a timestamp, older news of a field never overwrites newer.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actions.inbound_events import CannotWork
from accounts.actions.incoming_hooks import Kind as OutsideKind
from accounts.actions.incoming_hooks import Telling, fresh_of, keep_told, outside
from accounts.api.customers import AccountByExternalId, ContactByExternalId
from accounts.api.intake import Events, Usage
from accounts.models import User
from config.hooks.transforms import instant
from tickets.actions.from_outside import keep_for_a_person
from tickets.api.tickets import Messages, TicketByExternalId, Transitions
from tickets.models import Ticket, UnsortedMessage
from tickets.state import MOVES

TYPES = ("account.upsert", "contact.upsert", "event", "ticket.message", "ticket.upsert", "usage")
_UPSERTS: dict[str, tuple[Any, str]] = {
    "account.upsert": (AccountByExternalId, OutsideKind.ACCOUNT),
    "contact.upsert": (ContactByExternalId, OutsideKind.CONTACT),
    "ticket.upsert": (TicketByExternalId, OutsideKind.TICKET),
}
# needed whenever a row is made, so it is sent with every telling
_ALWAYS = frozenset({"account"})


@dataclass(frozen=True)
class _Call:
    """Stands where a key of the API would."""

    user: User
    pk: str = "hook"


class _AsHook(BaseAuthentication):
    """The call was proven when it came; it acts for the hook's user."""

    def authenticate(self, request: Request) -> tuple[User, _Call]:
        """That user."""
        call: _Call = request._request.vefa_call  # type: ignore[attr-defined]
        return call.user, call


class _RoleWrites(BasePermission):
    """What the endpoint asks of the role; a hook has no scopes."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the role writes this."""
        return view.writers is None or request.user.role in view.writers  # type: ignore[union-attr]


def type_of(body: Any) -> str:
    """The type a body says it has; empty where it says none."""
    found = body.get("type") if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""


def told_at(body: dict[str, Any]) -> dt.datetime | None:
    """The body's own timestamp. Raises Unfit for what is no instant."""
    return instant(body["timestamp"], "iso") if body.get("timestamp") not in (None, "") else None


def work_on_ours(telling: Telling, body: dict[str, Any]) -> str:
    """Does what a body in our words says; returns it in a sentence. Raises CannotWork."""
    kind, data = type_of(body), body.get("data")
    if kind in {"event", "usage"}:
        if not isinstance(data, (dict, list)):
            raise CannotWork("data: an object or a list of objects is expected")
        return post(kind, data, user=telling.user, now=telling.now, event=telling.event)
    if not isinstance(data, dict):
        raise CannotWork("data: an object is expected")
    return _message(telling, data) if kind == "ticket.message" else _upsert(telling, kind, data)


def post(kind: str, data: Any, *, user: User, now: dt.datetime, event: str) -> str:
    """Events and usage by the endpoints that take them in bulk; an event without a key gets the call's. Raises CannotWork."""
    if kind == "event":
        rows = data if isinstance(data, list) else [data]
        data = [{"dedupe_key": f"hook:{event}:{place}"[:200], **row} if isinstance(row, dict) else row for place, row in enumerate(rows)]
        answer = _call(Events, "POST", data, user=user)
        return f"{answer['created']} events recorded, {answer['duplicates']} known"
    answer = _call(Usage, "POST", data, user=user)
    return f"{answer['rows']} rows of usage set"


def _upsert(telling: Telling, kind: str, data: dict[str, Any]) -> str:
    view, noun = _UPSERTS[kind]
    external_id = data.get("external_id")
    if not isinstance(external_id, str) or not external_id:
        raise CannotWork("data.external_id: a text is expected")
    known = outside(telling, noun, external_id)
    fields = {name: value for name, value in data.items() if name not in {"external_id", "status"}}
    fresh = fresh_of(known, telling, {name: value for name, value in fields.items() if name not in _ALWAYS})
    sent = {**{name: value for name, value in fields.items() if name in _ALWAYS}, **fresh, "external_id": external_id}
    answer = _call(view, "PUT", sent, user=telling.user, external_id=external_id)
    known.row_id = answer["id"]
    said = f"{kind.partition('.')[0]} {external_id} put"
    if kind == "ticket.upsert" and "status" in data and fresh_of(known, telling, {"status": data["status"]}):
        said += _move(telling, answer, data["status"])
    keep_told(known, telling)
    return said


def _move(telling: Telling, ticket: dict[str, Any], state: Any) -> str:
    if state not in MOVES:
        row = Ticket.objects.get(pk=ticket["id"])
        keep_for_a_person(
            telling, why=UnsortedMessage.Why.UNKNOWN_STATE, key=f"{row.external_id}:{state}", ticket=row, ticket_id=row.external_id, subject=row.subject, text=str(state)
        )
        return f"; the state {state!r} is not known: the ticket keeps its own"
    if ticket["status"] == state:
        return ""
    at = max(telling.at, dt.datetime.fromisoformat(ticket["opened_at"]))
    _call(Transitions, "POST", {"to": state, "occurred_at": at.isoformat()}, user=telling.user, pk=ticket["id"])
    return f", now {state}"


def _message(telling: Telling, data: dict[str, Any]) -> str:
    external_id = data.get("ticket")
    ticket = Ticket.objects.changeable_by(telling.user).filter(external_id=external_id, deleted_at__isnull=True).first() if isinstance(external_id, str) else None
    if ticket is None:
        raise CannotWork("data.ticket: there is no such ticket yet")
    body = {"external_id": f"hook:{telling.event}"[:200], **{name: value for name, value in data.items() if name != "ticket"}}
    if ticket.merged_into_id:
        keep_for_a_person(
            telling, why=UnsortedMessage.Why.MERGED, key=body["external_id"], ticket=ticket.merged_into, ticket_id=ticket.external_id, subject=ticket.subject,
            text=str(body.get("body", "")),
        )  # fmt: skip
        return f"#{ticket.pk} was merged into another: it waits for a person"
    _call(Messages, "POST", body, user=telling.user, pk=ticket.pk)
    return f"message on #{ticket.pk}"


def _call(view: Any, method: str, data: Any, *, user: User, **address: Any) -> Any:
    """The answer's data of an endpoint. Raises CannotWork with the problem in a line."""
    raw = json.dumps(data).encode()
    request = WSGIRequest(
        {"REQUEST_METHOD": method, "PATH_INFO": "/hooks/in/generic/", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(raw)), "SERVER_NAME": "localhost",
         "SERVER_PORT": "80", "wsgi.input": io.BytesIO(raw)}
    )  # fmt: skip
    request.vefa_call = _Call(user)  # type: ignore[attr-defined]
    # proven already; never a cross-site form
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    endpoint = view.as_view(authentication_classes=[_AsHook], permission_classes=[_RoleWrites], throttle_classes=[])
    answer = endpoint(request, **address)
    if answer.status_code >= 400:
        raise CannotWork(_line(answer.data))
    return answer.data


def _line(problem: dict[str, Any]) -> str:
    """A problem as one line: what, and where."""
    faults = [f"{entry.get('field') or 'data'}: {entry.get('detail')}" for entry in problem.get("errors", [])]
    return f"{problem.get('status')} {'; '.join(faults) or problem.get('detail')}"
