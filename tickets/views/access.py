"""Reaching a ticket or an account: what the reader may not see does not exist for him."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from accounts.models import Account, User
from tickets.models import Ticket
from tickets.querysets import WORKS_TICKETS


def reader(request: HttpRequest) -> User:
    """Who asks; views that need it are behind a login."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def sees_tickets(user: User) -> User:
    """The same user. Raises Http404 for roles that see figures alone."""
    if not Ticket.objects.visible_to(user).query.is_empty():
        return user
    raise Http404


def visible_ticket(user: User, pk: int) -> Ticket:
    """The ticket with what its page shows. Raises Http404."""
    tickets = Ticket.objects.visible_to(user).filter(deleted_at__isnull=True)
    ticket = tickets.select_related("account", "account__segment", "account__owner", "contact", "assignee").filter(pk=pk).first()
    if ticket is None:
        raise Http404
    return ticket


def changeable_ticket(user: User, pk: int) -> Ticket:
    """The ticket, for changing it. Raises Http404 where it is out of sight, PermissionDenied where it may only be read."""
    ticket = visible_ticket(user, pk)
    if not Ticket.objects.changeable_by(user).filter(pk=pk).exists():
        raise PermissionDenied
    return ticket


def account_for_ticket(user: User, pk: int) -> Account:
    """The account, for opening a ticket. Raises Http404 where it is out of sight, PermissionDenied for those who only read."""
    account = Account.objects.visible_to(user).filter(pk=pk).first()
    if account is None:
        raise Http404
    if user.role not in WORKS_TICKETS:
        raise PermissionDenied
    return account
