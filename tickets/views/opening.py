"""Opening a ticket by hand."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.collation import search_key
from accounts.models import Account
from accounts.models.events import Origin
from tickets.actions.tickets import open_ticket
from tickets.forms import NewTicketForm
from tickets.querysets import WORKS_TICKETS
from tickets.views.access import account_for_ticket, reader, sees_tickets

FOUND = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form for a ticket of `?account=`; without one, the choice of the account comes first."""
    user = sees_tickets(reader(request))
    if user.role not in WORKS_TICKETS:
        raise PermissionDenied
    number = request.GET.get("account", "")
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        words = request.GET.get("q", "").strip()[:100]
        found = Account.objects.visible_to(user).filter(name_search__contains=search_key(words)).select_related("segment").order_by("name_sort", "pk")[:FOUND] if words else []
        return render(request, "tickets/new_account.html", {"words": words, "found": found})
    account = account_for_ticket(user, int(number))
    if request.method != "POST":
        return render(request, "tickets/new.html", {"account": account, "form": NewTicketForm(account=account)})
    form = NewTicketForm(request.POST, account=account)
    if form.is_valid():
        data = form.cleaned_data
        try:
            ticket, _new = open_ticket(
                account_id=account.pk, subject=data["subject"], body=data["body"], contact_id=data["contact"].pk if data["contact"] else None,
                category=data["category"], channel=data["channel"], severity=data["severity"], created_by_kind=data["created_by_kind"],
                assignee=form.people.get(data["assignee"]), actor=user, origin=Origin.APP, now=timezone.now(),
            )  # fmt: skip
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, _("Ticket #%(number)s is open.") % {"number": ticket.pk})
            return redirect(ticket)
    return render(request, "tickets/new.html", {"account": account, "form": form}, status=422)
