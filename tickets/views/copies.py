"""Who at the customer asks, and who else reads along."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import User
from tickets.actions.copies import add_copy, remove_copy
from tickets.actions.tickets import set_contact
from tickets.forms import ContactForm, CopyForm
from tickets.models import Ticket
from tickets.views.answering import Done, change, undo_url


@login_required
@require_POST
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a contact in copy."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        copy, _new = add_copy(ticket_id=ticket.pk, contact_id=data["contact"], actor=user, version=data["version"], now=now)
        return Done(_("%(name)s gets every reply now.") % {"name": copy.contact}, undo_url("copy_remove", pk, f"contact={data['contact']}"))

    return change(request, pk, CopyForm, act)


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes a contact out of the copies."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        remove_copy(ticket_id=ticket.pk, contact_id=data["contact"], actor=user, version=data["version"], now=now)
        return Done(_("This person gets no replies any more."), undo_url("copy_add", pk, f"contact={data['contact']}"))

    return change(request, pk, CopyForm, act)


@login_required
@require_POST
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """Says whose ticket it is."""

    def act(ticket: Ticket, data: dict[str, Any], user: User, now: dt.datetime) -> Done:
        changed = set_contact(ticket_id=ticket.pk, contact_id=data["contact"], actor=user, version=data["version"], now=now)
        said = _("Replies go to %(name)s now.") % {"name": changed.contact} if changed.contact else _("Nobody gets replies now.")
        return Done(said, undo_url("contact", pk, f"contact={ticket.contact_id or ''}"))

    return change(request, pk, ContactForm, act)
