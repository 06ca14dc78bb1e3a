"""The pages of tickets that only read: the queue, one ticket, the panel of an account."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.models import Account
from accounts.queries.clock import read_clock
from tickets.forms import QueueForm
from tickets.queries import account_tickets
from tickets.queries import queue as read_queue
from tickets.queries import ticket_page as read_ticket
from tickets.querysets import WORKS_TICKETS
from tickets.views.access import reader, sees_tickets, visible_ticket


@login_required
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """The queue: tabs, filters, fifty rows a page; for the list that refreshes itself only that, with the tabs."""
    user = sees_tickets(reader(request))
    form = QueueForm({"view": "mine" if user.role == "agent" else "open", **request.GET.dict()})
    filters = form.filters(request.GET.get("after", ""))
    now = read_clock()
    page = read_queue(user=user, filters=filters, now=now)
    words = {
        "mine": _("Mine"), "unassigned": _("Unassigned"), "soon": _("Due soon"), "late": _("Late"), "open": _("All open"), "accounts": _("By account"), "all": _("All"),
    }  # fmt: skip
    # a status belongs to the tab it was chosen in: that of solved tickets would leave every other tab empty
    context = {
        "form": form,
        "filters": filters,
        "page": page,
        "tabs": [(name, word, page.counts.get(name), filters.query(view=name, status="", after=None)) for name, word in words.items()],
        "next_query": filters.query(after=page.next_after) if page.next_after else "",
        "first_query": filters.query(after=None) if filters.after else "",
        "here_query": filters.query(),
        "without_account": filters.query(account=None, after=None),
        "account_query": filters.query(view="open", account=None, after=None),
        "can_open": user.role in WORKS_TICKETS,
        "now": now,
        "refreshing": bool(request.htmx),  # type: ignore[attr-defined]
    }
    return render(request, "tickets/_queue.html" if request.htmx else "tickets/queue.html", context)  # type: ignore[attr-defined]


@login_required
@require_GET
def ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """One ticket: thread, controls, the account beside it. A ticket that was merged leads to the one it became."""
    user = reader(request)
    found = visible_ticket(user, pk)
    if found.merged_into_id:
        return redirect("tickets:ticket", found.merged_into_id)
    return render(request, "tickets/ticket.html", {"page": read_ticket(ticket=found, user=user, now=read_clock())})


@login_required
@require_GET
def account_panel(request: HttpRequest, account_id: int) -> HttpResponse:
    """The open tickets of an account, as a fragment for the account's page."""
    user = reader(request)
    account = Account.objects.visible_to(user).filter(pk=account_id).first()
    if account is None:
        raise Http404
    context = {"account": account, "found": account_tickets(account=account, user=user, now=read_clock()), "can_open": user.role in WORKS_TICKETS}
    return render(request, "tickets/_account_panel.html", context)
