"""Messages that no rule could place: the list, one of them, and what a person decides."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Account, User
from accounts.queries.clock import read_clock
from tickets.actions.tickets import MergedAway
from tickets.actions.unsorted import AlreadyDecided, drop, open_from, place_on_ticket, take_back
from tickets.models import Ticket, UnsortedMessage
from tickets.queries import parse_after
from tickets.queries.unsorted import SHOWN, accounts_for, unsorted_count, unsorted_one, unsorted_page
from tickets.querysets import WORKS_TICKETS
from tickets.views.access import reader


def _decider(request: HttpRequest) -> User:
    """Who asks. Raises Http404 for those who do not work tickets."""
    user = reader(request)
    if user.role not in WORKS_TICKETS:
        raise Http404
    return user


@login_required
@require_GET
def unsorted(request: HttpRequest) -> HttpResponse:
    """The messages that wait, or with `?show=dropped` those that were dropped."""
    user = _decider(request)
    dropped = request.GET.get("show") == "dropped"
    page = unsorted_page(user=user, dropped=dropped, after=parse_after(request.GET.get("after", "")))
    gone = request.GET.get("dropped", "")
    undo = UnsortedMessage.objects.visible_to(user).filter(pk=int(gone), status="dropped").only("pk").first() if gone.isascii() and gone.isdigit() and len(gone) < 18 else None
    return render(request, "tickets/unsorted.html", {"page": page, "dropped": dropped, "waiting": unsorted_count(user), "undo": undo})


@login_required
@require_GET
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: all of its text, its files, and the choice of account or ticket."""
    user = _decider(request)
    return _show(request, user, pk)


def _show(request: HttpRequest, user: User, pk: int, *, fault: str = "", status: int = 200) -> HttpResponse:
    row = unsorted_one(user=user, pk=pk)
    if row is None:
        raise Http404
    words = request.GET.get("q", "").strip()[:100]
    context = {
        "row": row, "text": row.body[:SHOWN], "cut": len(row.body) > SHOWN, "words": words,
        "found": accounts_for(user=user, words=words), "fault": fault,
        "to": row.headers.get("To", ""), "note": row.headers.get("X-Vefa-Note", ""), "left_out": row.headers.get("X-Vefa-Left-Out", ""),
        "spam": bool(row.headers.get("X-Vefa-Spam")),
    }  # fmt: skip
    return render(request, "tickets/unsorted_one.html", context, status=status)


def _decide(request: HttpRequest, pk: int, act: Callable[[User], HttpResponse]) -> HttpResponse:
    """Checks access, lets `act` decide, puts its refusals into words."""
    user = _decider(request)
    if not UnsortedMessage.objects.changeable_by(user).filter(pk=pk).exists():
        raise Http404
    try:
        return act(user)
    except AlreadyDecided as decided:
        who = decided.row.decided_by.name if decided.row.decided_by else _("Somebody")
        messages.warning(request, _("%(name)s decided on this message in the meantime.") % {"name": who})
        return redirect(decided.row.ticket if decided.row.ticket else "tickets:unsorted")
    except MergedAway as merged:
        return _show(request, user, pk, fault=_("This ticket was merged into #%(number)s.") % {"number": merged.survivor_id}, status=409)
    except ValidationError as refusal:
        return _show(request, user, pk, fault=" ".join(refusal.messages), status=422)


def _number(request: HttpRequest, name: str) -> int | None:
    """A number that was typed, with or without a leading #."""
    typed = request.POST.get(name, "").strip().lstrip("#")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


@login_required
@require_POST
def place(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts it on a ticket."""

    def act(user: User) -> HttpResponse:
        number = _number(request, "ticket")
        ticket = Ticket.objects.changeable_by(user).filter(pk=number, deleted_at__isnull=True).first() if number else None
        if ticket is None:
            raise ValidationError(_("There is no ticket of this number that you may work on."))
        place_on_ticket(unsorted_id=pk, ticket_id=ticket.pk, actor=user, now=read_clock())
        messages.success(request, _("The message stands on the ticket."))
        return redirect(ticket)

    return _decide(request, pk, act)


@login_required
@require_POST
def open_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Opens a ticket of it."""

    def act(user: User) -> HttpResponse:
        number = _number(request, "account")
        account = Account.objects.visible_to(user).filter(pk=number).first() if number else None
        if account is None:
            raise ValidationError(_("Choose an account that you may see."))
        ticket = open_from(unsorted_id=pk, account_id=account.pk, actor=user, now=read_clock())
        messages.success(request, _("Ticket #%(number)s is open.") % {"number": ticket.pk})
        return redirect(ticket)

    return _decide(request, pk, act)


@login_required
@require_POST
def drop_it(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes it out of the list; the next page offers to bring it back."""

    def act(user: User) -> HttpResponse:
        drop(unsorted_id=pk, actor=user, now=read_clock())
        return redirect(f"{reverse('tickets:unsorted')}?dropped={pk}")

    return _decide(request, pk, act)


@login_required
@require_POST
def bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Brings a dropped one back."""

    def act(_user: User) -> HttpResponse:
        take_back(unsorted_id=pk)
        messages.success(request, _("The message waits again."))
        return redirect("tickets:unsorted")

    return _decide(request, pk, act)
