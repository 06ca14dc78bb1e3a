"""Endpoints of tickets, their messages and their moves."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as ModelFault
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from accounts.actions.contacts import contacts_by_address
from accounts.actions.rows import Taken
from accounts.models.events import Origin
from accounts.models.people import normalise_email
from accounts.rest.endpoints import ByExternalId, Changing, Collection, Creating, Endpoint, ordered_by
from accounts.rest.filters import AccountOwnedFilters, FlagFilter, InstantFilter
from accounts.rest.problems import Conflict, of_model
from tickets.actions.messages import ClosedTicket, customer_reply, reply
from tickets.actions.terms import change_ticket, open_with, put_ticket
from tickets.actions.tickets import MergedAway, move_ticket
from tickets.api.serializers import MessageBody, MessageShape, TicketShape, TimesShape, TransitionBody, TransitionShape
from tickets.models import Ticket, TicketChange, TicketMessage
from tickets.models.tickets import ActorKind, Channel, Severity
from tickets.queries.times import ticket_times
from tickets.querysets import WORKS_TICKETS
from tickets.state import MOVES, ImpossibleMove


class Worked(Endpoint):
    """Turns what the actions refuse into problems."""

    scope = "tickets"
    writers = WORKS_TICKETS
    # how the request calls what the actions name otherwise
    called = {"assignee": "assignee_email"}

    def handle_exception(self, fault: Exception) -> Response:
        """State faults are conflicts that name what is allowed."""
        return super().handle_exception(_as_problem(fault, self.called))


def _as_problem(fault: Exception, called: dict[str, str]) -> Exception:
    if isinstance(fault, ImpossibleMove):
        return Conflict(str(fault), "impossible_move", extra={"status_now": fault.before, "allowed": sorted(MOVES[fault.before])})
    if isinstance(fault, ClosedTicket):
        return Conflict(_("A closed or cancelled ticket takes no reply to the customer; reopen it, or write a note."), "closed")
    if isinstance(fault, MergedAway):
        return Conflict(str(fault), "merged_away", extra={"merged_into": fault.survivor_id})
    if isinstance(fault, Taken):
        return Conflict(_("The external id is taken."), "unique")
    if isinstance(fault, ModelFault):
        return ValidationError(of_model(fault, called))
    return fault


class TicketFilters(AccountOwnedFilters):
    """Filters of tickets."""

    external_id = filters.CharFilter()
    status = filters.MultipleChoiceFilter(choices=Ticket.Status.choices)
    severity = filters.MultipleChoiceFilter(choices=Severity.choices)
    channel = filters.ChoiceFilter(choices=Channel.choices)
    category = filters.CharFilter()
    group = filters.CharFilter()
    assignee_email = filters.CharFilter(field_name="assignee__email", lookup_expr="iexact")
    contact = filters.CharFilter(field_name="contact__external_id")
    escalated = FlagFilter()
    opened_since = InstantFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = InstantFilter(field_name="opened_at", lookup_expr="lt")

    class Meta:
        model = Ticket
        fields: list[str] = []


class _Tickets(Worked):
    serializer_class = TicketShape
    row_route = "api-ticket"
    queryset = Ticket.objects.filter(deleted_at__isnull=True).select_related("account", "contact__account", "assignee")

    def named(self, values: dict[str, Any], ticket: Ticket | None = None) -> dict[str, Any]:
        """The values with the contact that a `contact_email` names."""
        address = values.pop("contact_email", None)
        if address:
            account = values.get("account") or ticket.account  # type: ignore[union-attr]
            values["contact"] = contacts_by_address(wanted=[(account, address)], now=self.now)[account.pk, normalise_email(address)]
        return values


class TicketList(_Tickets, Creating):
    """Tickets."""

    filterset_class = TicketFilters
    orderings = ordered_by("opened_at", "updated_at")

    def create(self, values: dict[str, Any]) -> tuple[Ticket, bool]:
        """By the action."""
        with transaction.atomic():
            ticket, new = open_with(fields=self.named(values), actor=self.user, now=self.now, origin=Origin.API)
        if not new:
            raise Conflict(_("The external id is taken."), "unique")
        return ticket, True


class TicketDetail(_Tickets, Changing):
    """One ticket."""

    def change(self, row: Ticket, values: dict[str, Any], version: int | None) -> Ticket:
        """By the action."""
        with transaction.atomic():
            return change_ticket(ticket_id=row.pk, fields=self.named(values, row), actor=self.user, now=self.now, version=version)


class TicketByExternalId(_Tickets, ByExternalId):
    """One ticket under the key other systems know it by."""

    def put_row(self, external_id: str, values: dict[str, Any], version: int | None) -> tuple[Ticket, bool]:
        """By the action."""
        with transaction.atomic():
            known = Ticket.objects.filter(external_id=external_id).select_related("account").first()
            return put_ticket(external_id=external_id, fields=self.named(values, known), actor=self.user, now=self.now, origin=Origin.API, version=version)


class OfTicket(Worked, Collection):
    """Rows of one ticket, the earliest first."""

    def ticket(self) -> Ticket:
        """The ticket of the address; out of scope is 404."""
        return self.one(Ticket.objects.filter(deleted_at__isnull=True), pk=self.kwargs["pk"])

    def scoped(self) -> QuerySet:
        """Its rows."""
        return self.get_queryset().filter(ticket=self.ticket())


class NoFilters(filters.FilterSet):
    """Nothing to filter by."""


class Messages(OfTicket):
    """What was said on a ticket."""

    called = {"occurred_at": "written_at"}
    serializer_class = MessageShape
    queryset = TicketMessage.objects.select_related("author", "contact__account").prefetch_related("attachments")
    filterset_class = NoFilters
    orderings = {"written_at": ("written_at", "id"), "-written_at": ("-written_at", "-id")}

    @extend_schema(request=MessageBody, responses={201: MessageShape, 200: OpenApiResponse(MessageShape, "Known by its external id.")})
    def post(self, request: Request, pk: int) -> Any:
        """A reply of ours, an internal note, or the customer's reply. Nothing is mailed: who sends by the API has told the customer."""

        def work() -> Response:
            ticket = self.ticket()
            body = MessageBody(data=request.data)
            body.is_valid(raise_exception=True)
            said = body.validated_data
            told = {
                "ticket_id": ticket.pk,
                "body": said["body"],
                "now": self.now,
                "origin": Origin.API,
                "occurred_at": said.get("written_at"),
                "external_id": said.get("external_id"),
            }
            if (at := told["occurred_at"]) is not None and at > self.now:
                raise ValidationError({"written_at": _("This lies in the future.")})
            if said["author_kind"] == ActorKind.CUSTOMER:
                message, new = customer_reply(**told)
            else:
                author = self.user if said["author_kind"] == ActorKind.AGENT else None
                message, new = reply(**told, author=author, author_kind=said["author_kind"], public=said["public"], solve=said["solve"])
            return Response(MessageShape(message, context=self.get_serializer_context()).data, status=201 if new else 200)

        return self.once(request, work)


class TransitionFilters(filters.FilterSet):
    """Filters of the log."""

    kind = filters.MultipleChoiceFilter(choices=TicketChange.Kind.choices)

    class Meta:
        model = TicketChange
        fields: list[str] = []


class Transitions(OfTicket):
    """The log of a ticket, from which every duration derives."""

    serializer_class = TransitionShape
    queryset = TicketChange.objects.select_related("actor")
    filterset_class = TransitionFilters
    orderings = {"occurred_at": ("occurred_at", "id"), "-occurred_at": ("-occurred_at", "-id")}

    @extend_schema(request=TransitionBody, responses={200: TicketShape})
    def post(self, request: Request, pk: int) -> Any:
        """Moves the ticket to another state; to the one it has is nothing. A move the table lacks is 409 and names those it has."""

        def work() -> Response:
            ticket = self.ticket()
            body = TransitionBody(data=request.data)
            body.is_valid(raise_exception=True)
            move = body.validated_data
            if (at := move.get("occurred_at")) is not None and at > self.now:
                raise ValidationError({"occurred_at": _("This lies in the future.")})
            moved = move_ticket(
                ticket_id=ticket.pk, to=move["to"], now=self.now, actor=self.user, origin=Origin.API, occurred_at=move.get("occurred_at"), external_id=move.get("external_id")
            )  # fmt: skip
            fresh = _Tickets.queryset.get(pk=moved.pk)
            return self.with_etag(TicketShape(fresh, context=self.get_serializer_context()).data, version=fresh.version)

        return self.once(request, work)


class TicketTimes(Worked):
    """How long things took on a ticket."""

    serializer_class = TimesShape
    queryset = Ticket.objects.filter(deleted_at__isnull=True)

    @extend_schema(responses={200: TimesShape})
    def get(self, request: Request, pk: int) -> Response:
        """The lengths, worked out from the ticket's log as it stands."""
        return Response(TimesShape(ticket_times(self.one(self.queryset.all(), pk=pk))).data)
