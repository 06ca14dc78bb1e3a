"""Endpoints of what stands beside a ticket's messages: files, people in copy, handle times."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from tickets.actions.copies import add_copy, remove_copy
from tickets.actions.handling import log_handling
from tickets.api.shapes_beside import AttachmentShape, CopyBody, CopyShape, InteractionBody, InteractionShape, RemovedShape
from tickets.api.tickets import NoFilters, OfTicket, Worked
from tickets.downloads import download
from tickets.handling import ALL
from tickets.models import Attachment, Interaction, TicketCopy


class Copies(OfTicket):
    """Who reads along on a ticket."""

    serializer_class = CopyShape
    queryset = TicketCopy.objects.select_related("contact__account", "added_by")
    filterset_class = NoFilters
    orderings = {"id": ("id",), "-id": ("-id",)}

    @extend_schema(request=CopyBody, responses={201: CopyShape, 200: OpenApiResponse(CopyShape, "In copy already.")})
    def post(self, request: Request, pk: int) -> Any:
        """Puts a contact of the ticket's account in copy."""

        def work() -> Response:
            ticket = self.ticket()
            body = self._body(request)
            copy, new = add_copy(ticket_id=ticket.pk, contact_id=body["contact"].pk, actor=self.user, now=self.now)
            return Response(CopyShape(copy).data, status=201 if new else 200)

        return self.once(request, work)

    @extend_schema(request=CopyBody, responses=RemovedShape)
    def delete(self, request: Request, pk: int) -> Response:
        """Takes a contact out of the copies; who was not there is not there either way. `removed` says which it was."""
        ticket = self.ticket()
        return Response({"removed": remove_copy(ticket_id=ticket.pk, contact_id=self._body(request)["contact"].pk, actor=self.user, now=self.now)})

    def _body(self, request: Request) -> dict[str, Any]:
        body = CopyBody(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return body.validated_data


class Interactions(OfTicket):
    """The handle times noted on a ticket."""

    serializer_class = InteractionShape
    queryset = Interaction.objects.select_related("agent")
    filterset_class = NoFilters
    orderings = {"ended_at": ("ended_at", "id"), "-ended_at": ("-ended_at", "-id")}

    @extend_schema(request=InteractionBody, responses={201: InteractionShape, 200: OpenApiResponse(InteractionShape, "Known by its external id.")})
    def post(self, request: Request, pk: int) -> Any:
        """Notes one handled contact as the key's user's."""

        def work() -> Response:
            ticket = self.ticket()
            body = InteractionBody(data=request.data)
            body.is_valid(raise_exception=True)
            told = body.validated_data
            if (at := told.get("ended_at")) is not None and at > self.now:
                raise ValidationError({"ended_at": _("This lies in the future.")})
            made, new = log_handling(
                ticket_id=ticket.pk, channel=told["channel"], seconds={name: told.get(name) for name in ALL}, agent=self.user, now=self.now, ended_at=told.get("ended_at"),
                concurrency=told.get("concurrency"), external_id=told.get("external_id"),
            )  # fmt: skip
            return Response(InteractionShape(made).data, status=201 if new else 200)

        return self.once(request, work)


class AttachmentDownload(Worked):
    """The bytes of one file."""

    serializer_class = AttachmentShape
    queryset = Attachment.objects.select_related("content")

    @extend_schema(responses={200: OpenApiResponse(OpenApiTypes.BINARY, "The file.")})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The file, always as a download."""
        found = self.one(self.get_queryset().filter(message__ticket__deleted_at__isnull=True), pk=pk)
        return download(name=found.name, media_type=found.media_type, data=bytes(found.content.data))
