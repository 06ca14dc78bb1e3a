"""Opening a ticket by hand."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.collation import search_key
from accounts.models import Account, User, WorkItem
from accounts.models.events import Origin
from accounts.queries.clock import read_clock
from accounts.sentences import say
from tickets.actions.ticket_work import open_from_work
from tickets.actions.tickets import open_ticket
from tickets.forms import NewTicketForm
from tickets.models.tickets import Channel
from tickets.querysets import WORKS_TICKETS
from tickets.views.access import account_for_ticket, reader, sees_tickets

FOUND = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form for a ticket of `?account=`, or of the work item `?work=`; without either, the choice of the account comes first."""
    user = sees_tickets(reader(request))
    if user.role not in WORKS_TICKETS:
        raise PermissionDenied
    if _is_number(request.GET.get("work", "")):
        return _of_work(request, user)
    number = request.GET.get("account", "")
    if not _is_number(number):
        words = request.GET.get("q", "").strip()[:100]
        found = Account.objects.visible_to(user).filter(name_search__contains=search_key(words)).select_related("segment").order_by("name_sort", "pk")[:FOUND] if words else []
        return render(request, "tickets/new_account.html", {"words": words, "found": found})
    account = account_for_ticket(user, int(number))
    if request.method != "POST":
        return render(request, "tickets/new.html", {"account": account, "form": NewTicketForm(account=account)})
    form = NewTicketForm(request.POST, account=account)
    if form.is_valid():
        try:
            ticket, _new = open_ticket(account_id=account.pk, actor=user, origin=Origin.APP, now=read_clock(), **form.fields_of_ticket)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Ticket #%(number)s is open.") % {"number": ticket.pk})
            return redirect(ticket)
    return render(request, "tickets/new.html", {"account": account, "form": form}, status=422)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18


def _of_work(request: HttpRequest, user: User) -> HttpResponse:
    """A ticket that comes of customer success work: what is known is filled in, and the two are linked."""
    item = WorkItem.objects.visible_to(user).select_related("contact").filter(pk=int(request.GET["work"])).first()
    if item is None:
        raise Http404
    account = account_for_ticket(user, item.account_id)
    known = {"subject": item.title, "body": say(item.why), "contact": item.contact_id, "created_by_kind": "agent", "channel": Channel.WEB}
    form = NewTicketForm(request.POST if request.method == "POST" else None, account=account, initial=known)
    if request.method == "POST" and form.is_valid():
        try:
            ticket = open_from_work(item=item, actor=user, now=read_clock(), **form.fields_of_ticket)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Ticket #%(number)s is open and linked with the work.") % {"number": ticket.pk})
            return redirect(ticket)
    return render(request, "tickets/new.html", {"account": account, "form": form, "item": item}, status=422 if form.errors else 200)
