"""Addresses of the tickets' endpoints, below `/api/v1/`."""

from django.urls import path

from tickets.api.beside import AttachmentDownload, Copies, Interactions
from tickets.api.tickets import Messages, TicketByExternalId, TicketDetail, TicketList, TicketTimes, Transitions

urlpatterns = [
    path("tickets/", TicketList.as_view(), name="api-tickets"),
    path("tickets/by-external-id/<path:external_id>/", TicketByExternalId.as_view(), name="api-ticket-by-external-id"),
    path("tickets/<int:pk>/", TicketDetail.as_view(), name="api-ticket"),
    path("tickets/<int:pk>/messages/", Messages.as_view(), name="api-ticket-messages"),
    path("tickets/<int:pk>/transitions/", Transitions.as_view(), name="api-ticket-transitions"),
    path("tickets/<int:pk>/times/", TicketTimes.as_view(), name="api-ticket-times"),
    path("tickets/<int:pk>/copies/", Copies.as_view(), name="api-ticket-copies"),
    path("tickets/<int:pk>/interactions/", Interactions.as_view(), name="api-ticket-interactions"),
    path("attachments/<int:pk>/", AttachmentDownload.as_view(), name="api-attachment"),
]
