"""Addresses of tickets."""

from django.urls import path

from tickets.views import canned, changes, copies, files, handling, opening, pages, unsorted, work

app_name = "tickets"
urlpatterns = [
    path("", pages.queue, name="queue"),
    path("new/", opening.new, name="new"),
    path("panel/<int:account_id>/", pages.account_panel, name="account_panel"),
    path("unsorted/", unsorted.unsorted, name="unsorted"),
    path("unsorted/<int:pk>/", unsorted.one, name="unsorted_one"),
    path("unsorted/<int:pk>/place/", unsorted.place, name="unsorted_place"),
    path("unsorted/<int:pk>/open/", unsorted.open_ticket, name="unsorted_open"),
    path("unsorted/<int:pk>/drop/", unsorted.drop_it, name="unsorted_drop"),
    path("unsorted/<int:pk>/back/", unsorted.bring_back, name="unsorted_back"),
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
    path("<int:pk>/test/", changes.test, name="test"),
    path("<int:pk>/unlink/", changes.unlink, name="unlink"),
    path("<int:pk>/copies/", copies.add, name="copy_add"),
    path("<int:pk>/copies/remove/", copies.remove, name="copy_remove"),
    path("<int:pk>/contact/", copies.contact, name="contact"),
    path("<int:pk>/canned/<int:reply_id>/", canned.canned, name="canned"),
    path("<int:pk>/work/", work.work, name="work"),
    path("<int:pk>/handling/", handling.note, name="handling"),
    path("<int:pk>/handling/<int:interaction_id>/forget/", handling.forget, name="handling_forget"),
    path("of-work/<int:item_id>/", work.of_work, name="of_work"),
    path("attachments/<int:pk>/", files.attachment, name="attachment"),
]
