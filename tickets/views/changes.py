"""What changes a ticket: each view takes one form and calls one action.

With HTMX the ticket's part of the page comes back; without, the reader is led back to the page. What
was refused comes back with the reason and with what was typed.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from accounts.models import User
from tickets.actions import merging
from tickets.actions import messages as saying
from tickets.actions import tickets as doing
from tickets.forms import AssignForm, CategoryForm, FlagForm, MoveForm, OtherTicketForm, ReplyForm, SeverityForm
from tickets.models import Ticket
from tickets.queries import ticket_page
from tickets.state import ImpossibleMove
from tickets.tasks import send
from tickets.views.access import changeable_ticket, reader, visible_ticket

log = logging.getLogger(__name__)
# returns what to tell the reader, or the ticket to go to
Change = Callable[[Ticket, dict[str, Any], User, dt.datetime], str | Ticket]


def _respond(request: HttpRequest, pk: int, *, said: str = "", fault: str = "", status: int = 200, form: forms.Form | None = None) -> HttpResponse:
    """The ticket after a change or a refusal."""
    if not request.htmx and not fault:  # type: ignore[attr-defined]
        messages.success(request, said)
        return redirect("tickets:ticket", pk)
    user = reader(request)
    context = {"page": ticket_page(ticket=visible_ticket(user, pk), user=user, now=timezone.now()), "fault": fault, "reply_form": form if isinstance(form, ReplyForm) else None}
    response = render(request, "tickets/_ticket.html" if request.htmx else "tickets/ticket.html", context, status=status)  # type: ignore[attr-defined]
    if said:
        response["HX-Trigger"] = json.dumps({"toast": {"text": said}})
    return response


def _change(request: HttpRequest, pk: int, form_class: type[forms.Form], change: Change) -> HttpResponse:
    """Checks access and form, calls the action, puts its refusals into words."""
    user = reader(request)
    ticket = changeable_ticket(user, pk)
    form = form_class(request.POST)
    if not form.is_valid():
        return _respond(request, pk, fault=_first_error(form.errors), status=422, form=form)
    try:
        said = change(ticket, form.cleaned_data, user, timezone.now())
    except doing.StaleVersion:
        return _respond(request, pk, fault=_("Somebody else changed this ticket in the meantime. Look at it as it is now, then try again."), status=409, form=form)
    except doing.MergedAway as merged:
        return redirect("tickets:ticket", merged.survivor_id)
    except ImpossibleMove:
        return _respond(request, pk, fault=_("The ticket cannot go there from the state it is in."), status=409, form=form)
    except saying.ClosedTicket:
        return _respond(request, pk, fault=_("A closed ticket takes no reply: reopen it first, or write a note."), status=409, form=form)
    except ValidationError as refusal:
        return _respond(request, pk, fault=" ".join(refusal.messages), status=422, form=form)
    return _land(request, said) if isinstance(said, Ticket) else _respond(request, pk, said=said)


def _first_error(errors: Any) -> str:
    return next((str(fault) for faults in errors.values() for fault in faults), _("Something is missing."))


def nudge() -> None:
    """Wakes the sender now; the tick sends anyway, so a broker that is away costs a minute and nothing else."""
    try:
        send.apply_async(retry=False)
    except (OperationalError, OSError) as fault:
        log.warning("sender not woken: %s", type(fault).__name__)


@login_required
@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Writes a reply or a note; may solve with it."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        public = data["kind"] == "public"
        saying.reply(ticket_id=ticket.pk, body=data["body"], public=public, solve=data["solve"], author=user, version=data["version"], now=now)
        if public:
            nudge()
        return _("Replied and solved.") if data["solve"] else _("Replied.") if public else _("Note written.")

    return _change(request, pk, ReplyForm, change)


@login_required
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves the ticket to another state."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        moved = doing.move_ticket(ticket_id=ticket.pk, to=data["status"], actor=user, version=data["version"], now=now)
        return _("The ticket is %(status)s.") % {"status": moved.get_status_display()}

    return _change(request, pk, MoveForm, change)


@login_required
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives the ticket to somebody."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        person = User.objects.filter(pk=data["assignee"]).first() if data["assignee"] else None
        doing.assign(ticket_id=ticket.pk, assignee=person, actor=user, version=data["version"], now=now)
        return _("Given to %(name)s.") % {"name": person.name} if person else _("Nobody has it now.")

    return _change(request, pk, AssignForm, change)


@login_required
@require_POST
def severity(request: HttpRequest, pk: int) -> HttpResponse:
    """Says how bad it is."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        doing.set_severity(ticket_id=ticket.pk, severity=data["severity"], actor=user, version=data["version"], now=now)
        return _("Severity changed.")

    return _change(request, pk, SeverityForm, change)


@login_required
@require_POST
def category(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what it is about."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        doing.set_category(ticket_id=ticket.pk, category=data["category"], actor=user, version=data["version"], now=now)
        return _("Category changed.")

    return _change(request, pk, CategoryForm, change)


@login_required
@require_POST
def escalate(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the ticket as escalated, or takes the mark back."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        doing.escalate(ticket_id=ticket.pk, escalated=data["on"], actor=user, version=data["version"], now=now)
        return _("Escalated.") if data["on"] else _("No longer escalated.")

    return _change(request, pk, FlagForm, change)


@login_required
@require_POST
def spam(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the ticket as spam, or takes the mark back."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        doing.mark_spam(ticket_id=ticket.pk, spam=data["on"], actor=user, version=data["version"], now=now)
        return _("Marked as spam.") if data["on"] else _("No longer spam.")

    return _change(request, pk, FlagForm, change)


def _other(user: User, pk: int) -> Ticket:
    """Another ticket that the reader may change. Raises ValidationError, in the same words whether it is out of sight or not there."""
    found = Ticket.objects.changeable_by(user).filter(pk=pk, deleted_at__isnull=True).first()
    if found is None:
        raise ValidationError(_("There is no ticket of this number."))
    return found


@login_required
@require_POST
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Links the ticket with another one."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> str:
        merging.link(ticket_id=ticket.pk, other_id=_other(user, data["other"]).pk, actor=user)
        return _("Linked.")

    return _change(request, pk, OtherTicketForm, change)


@login_required
@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Merges the ticket into another one and goes there."""

    def change(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Ticket:
        other = ticket if data["other"] == ticket.pk else _other(user, data["other"])
        return merging.merge(ticket_id=ticket.pk, into_id=other.pk, actor=user, version=data["version"], now=now)

    return _change(request, pk, OtherTicketForm, change)


def _land(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """Goes to the ticket that another one became."""
    messages.success(request, _("Merged. Everything that was said is here."))
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(ticket)
    gone = HttpResponse(status=204)
    gone["HX-Redirect"] = reverse("tickets:ticket", args=[ticket.pk])
    return gone
