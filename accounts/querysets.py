"""Who may see what: `visible_to(user)` of the root querysets. Every view, API and export starts here.

admin and viewer: everything. manager: the books of the own team. csm: the own book and the books
covered at the moment. agent: accounts that have tickets. analyst: figures only, no rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from accounts.roles import SEES_EVERYTHING, Role

if TYPE_CHECKING:
    from accounts.models import User


def _covers(user: User) -> QuerySet:
    """The covers of a substitute that run at this moment; a handful of rows, read by `cover_by_substitute`."""
    from django.apps import apps

    return apps.get_model("accounts", "Cover").objects.filter(substitute_id=user.pk, starts_at__lte=Now(), ends_at__gt=Now())


def covered_by(user: User) -> QuerySet:
    """The ids of those whom a substitute covers at this moment, as a subquery."""
    return _covers(user).values("absent_id")


def account_scope(user: User) -> Q | None:
    """The condition on `Account` that keeps what the user may see; None where that is everything."""
    if not user.is_authenticated or not user.is_active:
        return Q(pk__in=[])
    if user.role in SEES_EVERYTHING:
        return None
    if user.role == Role.MANAGER:
        return Q(owner__team_id=user.team_id) if user.team_id else Q(owner_id=user.pk)
    if user.role == Role.CSM:
        cover = _covers(user).filter(absent_id=OuterRef("owner_id"))
        return Q(owner_id=user.pk) | Q(Exists(cover))
    if user.role == Role.AGENT:
        return Q(tickets__isnull=False)
    return Q(pk__in=[])


class AccountQuerySet(QuerySet):
    """Accounts."""

    def visible_to(self, user: User) -> AccountQuerySet:
        """The accounts the user may see (a sub-select, so that joins never double rows)."""
        scope = account_scope(user)
        if scope is None:
            return self
        if user.role == Role.AGENT:
            return self.filter(pk__in=self.model._base_manager.filter(scope).values("pk"))
        return self.filter(scope)

    def changeable_by(self, user: User) -> AccountQuerySet:
        """The accounts the user may change: visible, and the role may write to them."""
        if not user.is_authenticated or user.role not in {Role.ADMIN, Role.MANAGER, Role.CSM}:
            return self.none()
        return self.visible_to(user)


class AccountOwnedQuerySet(QuerySet):
    """Rows that belong to an account through `account` and are seen by whoever sees it."""

    # roles that see accounts but none of these rows
    hidden_from: tuple[str, ...] = ()

    def visible_to(self, user: User) -> Any:
        """The rows of accounts the user may see."""
        if user.is_authenticated and user.role in self.hidden_from:
            return self.none()
        scope = account_scope(user)
        if scope is None:
            return self
        accounts: Any = self.model._meta.get_field("account").related_model
        accounts = accounts._base_manager.filter(scope)
        return self.filter(account__in=accounts.values("pk"))

    def changeable_by(self, user: User) -> Any:
        """The rows the user may change."""
        if not user.is_authenticated or user.role not in {Role.ADMIN, Role.MANAGER, Role.CSM}:
            return self.none()
        return self.visible_to(user)


class ContactQuerySet(AccountOwnedQuerySet):
    """Contacts: personal data, so hidden from analysts."""

    hidden_from = (Role.ANALYST,)


class WorkItemQuerySet(AccountOwnedQuerySet):
    """Work items: those of visible accounts, and one's own."""

    def visible_to(self, user: User) -> WorkItemQuerySet:
        """Work of visible accounts plus what the user owns himself, or somebody whom he covers."""
        scope = account_scope(user)
        if scope is None:
            return self
        if user.role == Role.ANALYST:
            return self.none()
        accounts: Any = self.model._meta.get_field("account").related_model
        accounts = accounts._base_manager.filter(scope)
        mine = Q(owner_id=user.pk)
        if user.role == Role.CSM:
            mine |= Q(owner_id__in=covered_by(user))
        return self.filter(mine | Q(account__in=accounts.values("pk")))

    def open(self) -> WorkItemQuerySet:
        """Open or snoozed: what still blocks a duplicate."""
        return self.filter(status__in=["open", "snoozed"])


class PlaybookQuerySet(QuerySet):
    """Playbooks hold nothing of a customer: whoever sees accounts sees them, the lead and admins write them."""

    def visible_to(self, user: User) -> PlaybookQuerySet:
        """All of them, but for analysts."""
        return self.none() if not user.is_authenticated or not user.is_active or user.role == Role.ANALYST else self

    def changeable_by(self, user: User) -> PlaybookQuerySet:
        """Admins and managers write playbooks."""
        return self if user.is_authenticated and user.is_active and user.role in {Role.ADMIN, Role.MANAGER} else self.none()


class WebhookQuerySet(QuerySet):
    """Outgoing webhooks: admins see all, leads those that act for themselves."""

    def visible_to(self, user: User) -> WebhookQuerySet:
        """The webhooks a person may see."""
        if not user.is_authenticated or not user.is_active or user.role not in {Role.ADMIN, Role.MANAGER}:
            return self.none()
        return self if user.role == Role.ADMIN else self.filter(acts_for=user)

    def changeable_by(self, user: User) -> WebhookQuerySet:
        """Whoever sees one may change it."""
        return self.visible_to(user)


class WebhookOwnedQuerySet(QuerySet):
    """Rows of an outgoing webhook, seen by whoever sees it."""

    def visible_to(self, user: User) -> WebhookOwnedQuerySet:
        """The rows of webhooks the person may see."""
        endpoints: Any = self.model._meta.get_field("endpoint").related_model
        return self.filter(endpoint__in=endpoints._default_manager.visible_to(user).values("pk"))

    def changeable_by(self, user: User) -> WebhookOwnedQuerySet:
        """Whoever sees one may have it sent again."""
        return self.visible_to(user)
