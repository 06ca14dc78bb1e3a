"""Endpoints that take facts in bulk: lifecycle events and usage."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from accounts.actions.contacts import contacts_by_address
from accounts.actions.event_log import NewEvent
from accounts.actions.received_events import receive_events
from accounts.actions.usage import UsageRow, put_usage
from accounts.api.serializers import EventBody, EventsAnswer, UsageAnswer, UsageBody
from accounts.event_kinds import WrongPayload, check_payload
from accounts.models import Account
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from accounts.rest.endpoints import Endpoint, sized
from accounts.rest.fields import AccountField

EVENTS_AT_MOST, USAGE_AT_MOST = 1_000, 10_000
AHEAD = dt.timedelta(minutes=10)
FIRST_USAGE_DAY = dt.date(2000, 1, 1)
_INT = 2_147_483_647
_FIGURES = ("users", "seconds", "errors")
_USAGE_FIELDS = frozenset({"account", "day", "count", "feature", *_FIGURES})


def _one_or_many(name: str, shape: Any) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(component_name=name, serializers=[shape(), shape(many=True)], resource_type_field_name=None, many=False)


def _indexed(faults: dict[int, Any], *, single: bool) -> ValidationError:
    """Faults by the place of their row; a lone object needs no place."""
    return ValidationError(faults[0] if single else {str(place): detail for place, detail in sorted(faults.items())})


class Events(Endpoint):
    """Lifecycle events from a customer's own systems. They can trigger surveys."""

    scope = "events"
    serializer_class = EventBody
    queryset = Account.objects.none()

    @extend_schema(request=_one_or_many("EventOrEvents", EventBody), responses={201: EventsAnswer, 200: OpenApiResponse(EventsAnswer, "All of them were known.")})
    def post(self, request: Request) -> Any:
        """One event or a list of up to 1,000: all of them or none.

        An event with a `dedupe_key` that the account has for this kind already is a duplicate and changes
        nothing. A `contact_email` that the account does not have creates the contact.
        """
        return self.once(request, lambda: self._take(request.data))

    def _take(self, data: Any) -> Response:
        rows = sized(data, most=EVENTS_AT_MOST, noun=_("events"))
        context = {**self.get_serializer_context(), "rows by key": _accounts_by_key(rows, self.user)}
        faults: dict[int, Any] = {}
        taken = []
        for place, row in enumerate(rows):
            shape = EventBody(data=row, context=context)
            if not shape.is_valid():
                faults[place] = shape.errors
            elif detail := self._wrong(shape.validated_data):
                faults[place] = detail
            else:
                taken.append(shape.validated_data)
        if faults:
            raise _indexed(faults, single=isinstance(data, dict))
        with transaction.atomic():
            people = contacts_by_address(wanted=[(one["account"], one["contact_email"]) for one in taken if one.get("contact_email")], now=self.now)
            ids = receive_events(events=[self._event(one, people) for one in taken])
        results = [{"index": place, "status": "duplicate" if pk is None else "created", "id": pk} for place, pk in enumerate(ids)]
        created = sum(pk is not None for pk in ids)
        return Response({"created": created, "duplicates": len(ids) - created, "results": results}, status=201 if created else 200)

    def _wrong(self, one: dict[str, Any]) -> dict[str, Any] | None:
        if one["occurred_at"] > self.now + AHEAD:
            return {"occurred_at": [_("This is more than ten minutes in the future.")]}
        try:
            check_payload(one["kind"], one.get("payload", {}))
        except WrongPayload as fault:
            return {"payload": [str(fault)]}
        return None

    def _event(self, one: dict[str, Any], people: dict[tuple[int, str], Any]) -> NewEvent:
        address = one.get("contact_email")
        contact = people[one["account"].pk, normalise_email(address)] if address else None
        return NewEvent(
            account_id=one["account"].pk, kind=one["kind"], occurred_at=one["occurred_at"], origin=Origin.API, actor_id=self.user.pk,
            contact_id=contact.pk if contact else None, payload=one.get("payload", {}), dedupe_key=one.get("dedupe_key"),
        )  # fmt: skip


def _accounts_by_key(rows: list[Any], user: Any) -> dict[Any, Any]:
    """All accounts of a request in one query, where the account field of serializers looks first."""
    keys = {row["account"] for row in rows if isinstance(row.get("account"), str)}
    known = {account.external_id: account for account in Account.objects.changeable_by(user).filter(external_id__in=keys)}
    return {(AccountField, key): known.get(key) for key in keys}


class Usage(Endpoint):
    """Use of the product by day."""

    scope = "usage"
    serializer_class = UsageBody
    queryset = Account.objects.none()

    @extend_schema(request=_one_or_many("UsageRowOrRows", UsageBody), responses={200: UsageAnswer})
    def post(self, request: Request) -> Any:
        """One row or a list of up to 10,000: all of them or none. A row that exists is replaced.

        Two rows of one account, feature and day in a request are a fault, as are days that lie ahead.
        """
        return self.once(request, lambda: self._take(request.data))

    def _take(self, data: Any) -> Response:
        rows = sized(data, most=USAGE_AT_MOST, noun=_("rows"))
        keys = {row["account"] for row in rows if isinstance(row.get("account"), str)}
        accounts = dict(Account.objects.changeable_by(self.user).filter(external_id__in=keys).values_list("external_id", "pk"))
        # a day that has begun anywhere on earth may have use
        last = self.now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date() + dt.timedelta(days=1)
        faults: dict[int, Any] = {}
        taken: dict[tuple[int, str, dt.date], UsageRow] = {}
        for place, row in enumerate(rows):
            fault, values = _usage_row(row, accounts, last)
            if values is not None and not fault:
                if values[:3] in taken:
                    fault = {"day": [_("The account, feature and day stand in the request twice.")]}
                taken[values[:3]] = values
            if fault:
                faults[place] = fault
        if faults:
            raise _indexed(faults, single=isinstance(data, dict))
        return Response({"rows": put_usage(list(taken.values()))})


def _usage_row(row: dict[str, Any], accounts: dict[str, int], last: dt.date) -> tuple[dict[str, list[str]], UsageRow | None]:
    """One row by hand: ten thousand serializers would take longer than the write. Its faults, its values."""
    faults: dict[str, list[str]] = {name: [_("There is no such field.")] for name in row.keys() - _USAGE_FIELDS}
    account = row.get("account")
    if not isinstance(account, str) or account not in accounts:
        faults["account"] = [_("There is no such row: “%(value)s”.") % {"value": str(account)[:200]}]
    try:
        day = dt.date.fromisoformat(row["day"]) if isinstance(row.get("day"), str) and len(row["day"]) == 10 else None
    except ValueError:
        day = None
    if day is None or not FIRST_USAGE_DAY <= day <= last:
        faults["day"] = [_("A day from %(first)s to %(last)s is expected, as YYYY-MM-DD.") % {"first": FIRST_USAGE_DAY, "last": last}]
    feature = row.get("feature", "")
    if not isinstance(feature, str) or len(feature) > 120:
        faults["feature"] = [_("A text of at most 120 signs is expected.")]
    figures = [row.get("count"), *(row.get(name) for name in _FIGURES)]
    for name, figure in zip(("count", *_FIGURES), figures, strict=True):
        if figure is None and name != "count":
            continue
        if type(figure) is not int or not 0 <= figure <= _INT:
            faults[name] = [_("A whole number from 0 to 2147483647 is expected.")]
    if faults:
        return faults, None
    return faults, (accounts[account], feature.strip(), day, *figures)  # type: ignore[return-value, index]
