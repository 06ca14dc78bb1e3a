"""How the ticket page answers a change: with its new self, or with the reason of a refusal and with what was typed.

With HTMX the ticket's part of the page comes back; without, the reader is led back to the page.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries.clock import read_clock
from tickets.actions import messages as saying
from tickets.actions import tickets as doing
from tickets.forms import ReplyForm
from tickets.models import Ticket, TicketMessage
from tickets.queries import ticket_page
from tickets.state import ImpossibleMove
from tickets.views.access import changeable_ticket, reader, visible_ticket


@dataclass(frozen=True)
class Done:
    """What a change came to: words for the reader, the address that takes it back, the ticket to go to where it is another one."""

    said: str
    undo: str = ""
    to: Ticket | None = None
    # the text of the reply is with the customer: what the browser kept of it may go
    sent: bool = False


Change = Callable[[Ticket, dict[str, Any], User, dt.datetime], Done]


def undo_url(name: str, pk: int, query: str = "") -> str:
    """The address that takes a change back; it is called without a form, so its value stands in the address."""
    return f"{reverse(f'tickets:{name}', args=[pk])}?undo=1{'&' + query if query else ''}"


def change(request: HttpRequest, pk: int, form_class: type[forms.Form], act: Change, **form_kwargs: Any) -> HttpResponse:
    """Checks access and form, calls the action, puts its refusals into words."""
    user = reader(request)
    ticket = changeable_ticket(user, pk)
    form = form_class(request.GET if "undo" in request.GET else request.POST, request.FILES or None, **form_kwargs)
    if not form.is_valid():
        return respond(request, pk, fault=_first_error(form), status=422, form=form)
    try:
        done = act(ticket, form.cleaned_data, user, read_clock())
    except doing.StaleVersion:
        # merging is a change too, and says more than that there was one
        if survivor := Ticket.objects.filter(pk=ticket.pk).values_list("merged_into", flat=True).first():
            return _follow_merged(request, survivor, form)
        return respond(request, pk, fault=_overtaken(ticket, user), status=409, form=form)
    except doing.MergedAway as merged:
        return _follow_merged(request, merged.survivor_id, form)
    except ImpossibleMove as refused:
        return respond(request, pk, fault=_impossible(refused), status=409, form=form)
    except saying.ClosedTicket:
        return respond(request, pk, fault=_("A closed ticket takes no reply: reopen it first, or write a note."), status=409, form=form)
    except ValidationError as refusal:
        return respond(request, pk, fault=" ".join(refusal.messages), status=422, form=form)
    return _land(request, done.to) if done.to else respond(request, pk, done=done)


def respond(request: HttpRequest, pk: int, *, done: Done | None = None, fault: str = "", status: int = 200, form: forms.Form | None = None) -> HttpResponse:
    """The ticket after a change or a refusal; taking back answers with a sign to draw the page again."""
    user = reader(request)
    if "undo" in request.GET:
        taken_back = HttpResponse()
        taken_back["HX-Trigger"] = json.dumps({"ticket-changed": True, "toast": {"text": fault or (done.said if done else "")}})
        return taken_back
    if done and not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, done.said)
        return redirect("tickets:ticket", pk)
    context = {
        "page": ticket_page(ticket=visible_ticket(user, pk), user=user, now=read_clock()),
        "fault": fault,
        "reply_form": form if isinstance(form, ReplyForm) else None,
    }
    response = render(request, "tickets/_ticket.html" if request.htmx else "tickets/ticket.html", context, status=status)  # type: ignore[attr-defined]
    if done:
        response["HX-Trigger"] = json.dumps({"toast": {"text": done.said, **({"undo": done.undo} if done.undo else {})}, **({"reply-sent": pk} if done.sent else {})})
    return response


def _first_error(form: forms.Form) -> str:
    return next((str(fault) for faults in form.errors.values() for fault in faults), _("Something is missing."))


def _impossible(refused: ImpossibleMove) -> str:
    words = {str(state): str(word) for state, word in Ticket.Status.choices}
    return _("A ticket that is “%(before)s” cannot become “%(after)s”.") % {"before": words[refused.before], "after": words.get(refused.after, refused.after)}


def _overtaken(ticket: Ticket, user: User) -> str:
    """Who was faster, if it was somebody who wrote."""
    last = TicketMessage.objects.filter(ticket=ticket).select_related("author", "contact").order_by("-created_at", "-pk").first()
    if last is not None and last.author_id != user.pk:
        who = last.author.name if last.author else str(last.contact) if last.contact else last.get_author_kind_display()
        return _("%(name)s wrote on this ticket in the meantime. Read it, then send yours again; nothing you typed is lost.") % {"name": who}
    return _("Somebody else changed this ticket in the meantime. Look at it as it is now, then try again.")


def _follow_merged(request: HttpRequest, survivor_id: int, form: forms.Form) -> HttpResponse:
    """A change of a ticket that was merged away meanwhile shows the ticket it became, with what was typed."""
    user = reader(request)
    if not Ticket.objects.visible_to(user).filter(pk=survivor_id, deleted_at__isnull=True).exists() or "undo" in request.GET:
        return redirect("tickets:ticket", survivor_id)
    said = _("Meanwhile this ticket was merged into #%(number)s, which you see now.") % {"number": survivor_id}
    response = respond(request, survivor_id, fault=said, status=409, form=form)
    response["HX-Push-Url"] = reverse("tickets:ticket", args=[survivor_id])
    return response


def _land(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Goes to the ticket that another one became."""
    messages.success(request, _("Merged. Everything that was said is here."))
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(ticket)
    gone = HttpResponse(status=204)
    gone["HX-Redirect"] = reverse("tickets:ticket", args=[ticket.pk])
    return gone
