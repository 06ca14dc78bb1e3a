"""What changes a ticket: each view takes one form and calls one action (see `answering` for what comes back)."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from accounts.models import User
from tickets.actions import marks, merging
from tickets.actions import messages as saying
from tickets.actions import tickets as doing
from tickets.forms import AssignForm, CategoryForm, FlagForm, MoveForm, OtherTicketForm, ReplyForm, SeverityForm
from tickets.models import Ticket
from tickets.state import MOVES
from tickets.tasks import send
from tickets.views.answering import Done, change, undo_url

log = logging.getLogger(__name__)


def nudge() -> None:
    """Wakes the sender now; the tick sends anyway, so a broker that is away costs a minute and nothing else."""
    try:
        send.apply_async(retry=False)
    except (OperationalError, OSError) as fault:
        log.warning("sender not woken: %s", type(fault).__name__)


@login_required
@require_POST
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Writes a reply or a note, with its files; may solve with it."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        public = data["kind"] == "public"
        files = [(file.name, file.read()) for file in data["attachments"]]
        saying.reply(ticket_id=ticket.pk, body=data["body"], public=public, solve=data["solve"], files=files, author=user, version=data["version"], now=now)
        if public:
            nudge()
        return Done(_("Replied and solved.") if data["solve"] else _("Replied.") if public else _("Note written."), sent=True)

    return change(request, pk, ReplyForm, act)


@login_required
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves the ticket to another state."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        moved = doing.move_ticket(ticket_id=ticket.pk, to=data["status"], actor=user, version=data["version"], now=now)
        # the way back is a move of its own, where the states have one
        undo = undo_url("move", pk, urlencode({"status": ticket.status})) if ticket.status in MOVES[moved.status] else ""
        return Done(_("The ticket is %(status)s.") % {"status": moved.get_status_display()}, undo)

    return change(request, pk, MoveForm, act)


@login_required
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives the ticket to somebody."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        person = User.objects.filter(pk=data["assignee"]).first() if data["assignee"] else None
        doing.assign(ticket_id=ticket.pk, assignee=person, actor=user, version=data["version"], now=now)
        undo = undo_url("assign", pk, urlencode({"assignee": ticket.assignee_id or ""})) if not ticket.assignee_email or ticket.assignee_id else ""
        return Done(_("Given to %(name)s.") % {"name": person.name} if person else _("Nobody has it now."), undo)

    return change(request, pk, AssignForm, act)


@login_required
@require_POST
def severity(request: HttpRequest, pk: int) -> HttpResponse:
    """Says how bad it is."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        doing.set_severity(ticket_id=ticket.pk, severity=data["severity"], actor=user, version=data["version"], now=now)
        return Done(_("Severity changed."), undo_url("severity", pk, urlencode({"severity": ticket.severity or ""})))

    return change(request, pk, SeverityForm, act)


@login_required
@require_POST
def category(request: HttpRequest, pk: int) -> HttpResponse:
    """Says what it is about."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        doing.set_category(ticket_id=ticket.pk, category=data["category"], actor=user, version=data["version"], now=now)
        return Done(_("Category changed."), undo_url("category", pk, urlencode({"category": ticket.category})))

    return change(request, pk, CategoryForm, act)


@login_required
@require_POST
def escalate(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the ticket as escalated, or takes the mark back."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        doing.escalate(ticket_id=ticket.pk, escalated=data["on"], actor=user, version=data["version"], now=now)
        return Done(_("Escalated.") if data["on"] else _("No longer escalated."), undo_url("escalate", pk, "" if data["on"] else "on=1"))

    return change(request, pk, FlagForm, act)


@login_required
@require_POST
def spam(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the ticket as spam, or takes the mark back. An open ticket is cancelled with it, which nothing takes back: the page asks before."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        doing.mark_spam(ticket_id=ticket.pk, spam=data["on"], actor=user, version=data["version"], now=now)
        return Done(_("Marked as spam.") if data["on"] else _("No longer spam."))

    return change(request, pk, FlagForm, act)


@login_required
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the ticket as a test, or takes the mark back."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        marks.mark_test(ticket_id=ticket.pk, test=data["on"], version=data["version"], now=now)
        return Done(_("Marked as a test; no figure counts it.") if data["on"] else _("No longer a test."), undo_url("test", pk, "" if data["on"] else "on=1"))

    return change(request, pk, FlagForm, act)


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

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        other = _other(user, data["other"])
        merging.link(ticket_id=ticket.pk, other_id=other.pk, actor=user)
        return Done(_("Linked."), undo_url("unlink", pk, f"other={other.pk}"))

    return change(request, pk, OtherTicketForm, act)


@login_required
@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the link with another ticket back."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        other = _other(user, data["other"])
        merging.unlink(ticket_id=ticket.pk, other_id=other.pk)
        return Done(_("No longer linked."), undo_url("link", pk, f"other={other.pk}"))

    return change(request, pk, OtherTicketForm, act)


@login_required
@require_POST
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Merges the ticket into another one and goes there."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        other = ticket if data["other"] == ticket.pk else _other(user, data["other"])
        return Done("", to=merging.merge(ticket_id=ticket.pk, into_id=other.pk, actor=user, version=data["version"], now=now))

    return change(request, pk, OtherTicketForm, act)
