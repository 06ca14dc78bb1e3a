"""Who may see which tickets."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.querysets import AccountOwnedQuerySet
from accounts.roles import Role

# roles that work tickets: reply, assign, change state
WORKS_TICKETS = frozenset({Role.ADMIN, Role.MANAGER, Role.CSM, Role.AGENT})


class TicketQuerySet(AccountOwnedQuerySet):
    """Tickets: agents see all of them, others those of their accounts."""

    hidden_from = (Role.ANALYST,)

    def visible_to(self, user: User) -> Any:
        """The tickets the user may see."""
        if user.is_authenticated and user.is_active and user.role == Role.AGENT:
            return self
        return super().visible_to(user)

    def changeable_by(self, user: User) -> Any:
        """The tickets the user may work on."""
        if not user.is_authenticated or user.role not in WORKS_TICKETS:
            return self.none()
        return self.visible_to(user)

    def counted(self) -> TicketQuerySet:
        """The population of every figure: no spam, test, deleted or merged-away tickets."""
        return self.filter(spam=False, test=False, deleted_at__isnull=True, merged_into__isnull=True)


class TicketOwnedQuerySet(AccountOwnedQuerySet):
    """Rows that belong to a ticket."""

    def visible_to(self, user: User) -> Any:
        """The rows of tickets the user may see."""
        ticket: Any = self.model._meta.get_field("ticket").related_model
        tickets = ticket.objects.visible_to(user)
        return self.filter(ticket__in=tickets.values("pk"))


class MessageOwnedQuerySet(AccountOwnedQuerySet):
    """Rows that belong to a message of a ticket."""

    def visible_to(self, user: User) -> Any:
        """The rows of messages of tickets the user may see."""
        message: Any = self.model._meta.get_field("message").related_model
        return self.filter(message__in=message.objects.visible_to(user).values("pk"))


class UnsortedQuerySet(AccountOwnedQuerySet):
    """What no rule could place: for those who work tickets. Without an account nobody's book holds it, so it is for those who see more than one."""

    def visible_to(self, user: User) -> Any:
        """The messages the user may see and decide on; agents see all, as they see all tickets."""
        if not user.is_authenticated or not user.is_active or user.role not in WORKS_TICKETS:
            return self.none()
        if user.role in {Role.ADMIN, Role.AGENT}:
            return self
        of_accounts = super().visible_to(user)
        return of_accounts | self.filter(account=None) if user.role == Role.MANAGER else of_accounts

    def changeable_by(self, user: User) -> Any:
        """Whoever sees one may decide on it."""
        return self.visible_to(user)
