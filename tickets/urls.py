"""Addresses of tickets."""

from django.urls import path

from tickets.views import changes, opening, pages

app_name = "tickets"
urlpatterns = [
    path("", pages.queue, name="queue"),
    path("new/", opening.new, name="new"),
    path("panel/<int:account_id>/", pages.account_panel, name="account_panel"),
    path("<int:pk>/", pages.ticket, name="ticket"),
    path("<int:pk>/reply/", changes.reply, name="reply"),
    path("<int:pk>/move/", changes.move, name="move"),
    path("<int:pk>/assign/", changes.assign, name="assign"),
    path("<int:pk>/severity/", changes.severity, name="severity"),
    path("<int:pk>/category/", changes.category, name="category"),
    path("<int:pk>/escalate/", changes.escalate, name="escalate"),
    path("<int:pk>/spam/", changes.spam, name="spam"),
    path("<int:pk>/link/", changes.link, name="link"),
    path("<int:pk>/merge/", changes.merge, name="merge"),
]
