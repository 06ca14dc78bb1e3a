"""Tickets and customer success work: one made of the other, and the tickets a work item is linked with."""

from __future__ import annotations

import datetime as dt
import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import WorkItem
from accounts.queries.clock import read_clock
from tickets.actions import tickets as doing
from tickets.actions.ticket_work import make_work
from tickets.queries.beside import tickets_of_work
from tickets.querysets import WORKS_TICKETS
from tickets.views.access import changeable_ticket, reader, sees_tickets
from tickets.work_forms import WorkForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def work(request: HttpRequest, pk: int) -> HttpResponse:
    """The dialog that makes work of a ticket; without script a page."""
    user = reader(request)
    ticket = changeable_ticket(user, pk)
    now = read_clock()
    # the version is not asked about: work beside a ticket changes nothing of it
    initial = {"title": ticket.subject[:200] or _("Ticket #%(number)s") % {"number": ticket.pk}, "date": timezone.localdate(now) + dt.timedelta(days=1)}
    form = WorkForm(request.POST if request.method == "POST" else None, account=ticket.account, user=user, initial=initial)
    context = {"ticket": ticket, "form": form}
    whole = "tickets/_work_form.html" if request.htmx else "tickets/work.html"  # type: ignore[attr-defined]
    if request.method != "POST":
        return render(request, whole, context)
    if form.is_valid():
        data = form.cleaned_data
        try:
            item, new = make_work(
                ticket_id=ticket.pk, type=data["type"], title=data["title"], due_at=form.due_at, owner_id=data["owner"].pk if data["owner"] else None, actor=user, now=now
            )  # fmt: skip
        except doing.MergedAway as merged:
            form.add_error(None, ValidationError(_("Meanwhile this ticket was merged into #%(number)s.") % {"number": merged.survivor_id}))
        else:
            whom = item.owner.name if item.owner else _("nobody")
            said = (_("Work for %(name)s is open.") if new else _("This work is open already, with %(name)s; its date was renewed.")) % {"name": whom}
            if not request.htmx:  # type: ignore[attr-defined]
                messages.success(request, said)
                return redirect(ticket)
            response = HttpResponse()
            response["HX-Trigger"] = json.dumps({"close-dialog": True, "ticket-changed": True, "toast": {"text": said}})
            return response
    return render(request, whole, context, status=422)


@login_required
@require_GET
def of_work(request: HttpRequest, item_id: int) -> HttpResponse:
    """The tickets of a work item, as a fragment for its dialog."""
    user = sees_tickets(reader(request))
    item = WorkItem.objects.visible_to(user).filter(pk=item_id).first()
    if item is None:
        raise Http404
    can_open = user.role in WORKS_TICKETS and item.status in {WorkItem.Status.OPEN, WorkItem.Status.SNOOZED}
    return render(request, "tickets/_of_work.html", {"item": item, "rows": tickets_of_work(item, user), "can_open": can_open})
