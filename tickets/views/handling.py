"""Handle times of a ticket: noted by a person, never by themselves."""

from __future__ import annotations

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.queries.clock import read_clock
from tickets.actions import tickets as doing
from tickets.actions.handling import forget_handling, log_handling
from tickets.models import Interaction, Ticket
from tickets.queries.handling import handling_of
from tickets.views.access import changeable_ticket, reader
from tickets.work_forms import HandlingForm


def _answer(request: HttpRequest, ticket: Ticket, *, said: str = "", form: HandlingForm | None = None, fault: str = "") -> HttpResponse:
    """The panel with what was noted, or with what was wrong."""
    if not request.htmx:  # type: ignore[attr-defined]
        messages.add_message(request, messages.ERROR if fault else messages.SUCCESS, fault or said)
        return redirect(ticket)
    context = {"ticket": ticket, "handling": handling_of(ticket), "handling_form": form, "can_change": True, "fault": fault}
    response = render(request, "tickets/_handling.html", context, status=422 if fault else 200)
    if said:
        response["HX-Trigger"] = json.dumps({"toast": {"text": said}, "handling-noted": True})
    return response


@login_required
@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Notes how long a contact was handled."""
    user = reader(request)
    ticket = changeable_ticket(user, pk)
    form = HandlingForm(request.POST)
    if not form.is_valid():
        return _answer(request, ticket, form=form, fault=next(str(fault) for faults in form.errors.values() for fault in faults))
    try:
        log_handling(ticket_id=ticket.pk, channel=form.cleaned_data["channel"], seconds=form.seconds, agent=user, now=read_clock())
    except doing.MergedAway as merged:
        return _answer(request, ticket, form=form, fault=_("Meanwhile this ticket was merged into #%(number)s.") % {"number": merged.survivor_id})
    except ValidationError as refusal:
        return _answer(request, ticket, form=form, fault=" ".join(refusal.messages))
    return _answer(request, ticket, said=_("Time noted."))


@login_required
@require_POST
def forget(request: HttpRequest, pk: int, interaction_id: int) -> HttpResponse:
    """Takes back a time that the reader noted himself."""
    user = reader(request)
    ticket = changeable_ticket(user, pk)
    found = Interaction.objects.filter(pk=interaction_id, ticket=ticket, agent=user).first()
    if found is None:
        raise Http404
    forget_handling(interaction=found)
    return _answer(request, ticket, said=_("Taken back."))
