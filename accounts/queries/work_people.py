"""Whom work can be given to, and which accounts new work can be opened for."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.collation import search_key
from accounts.models import Account, User
from accounts.roles import WRITES_ACCOUNTS, Role


def assignable_by(user: User) -> QuerySet[User]:
    """The people a reader may give work to: those who can act on accounts, of the own team; an admin: everybody's."""
    people = User.objects.filter(is_active=True, role__in=WRITES_ACCOUNTS).order_by("name", "pk")
    if user.role == Role.ADMIN:
        return people
    if user.role not in WRITES_ACCOUNTS:
        return people.none()
    return people.filter(Q(pk=user.pk) | Q(team_id=user.team_id)) if user.team_id else people.filter(pk=user.pk)


def accounts_to_work_on(user: User, *, text: str, most: int = 20) -> list[Account]:
    """Accounts the user may change whose name holds every word of the text; by name, at most `most`."""
    found = Account.objects.changeable_by(user)
    for word in search_key(text).split()[:4]:
        found = found.filter(name_search__contains=word)
    return list(found.order_by("name_sort", "pk")[:most])
