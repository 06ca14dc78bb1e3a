"""Keeping a load to the books of whoever loads: what a lead may not change on a page does not change by file either.

Only kinds whose every row names its account can be kept to books; the others are for those who change everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Account, User
from accounts.roles import Role

if TYPE_CHECKING:
    from accounts.importing.staging import Loading

KEPT_TO_BOOKS = frozenset({"accounts", "contacts", "subscriptions", "transactions", "usage", "events"})


@dataclass(frozen=True)
class Books:
    """The accounts that may be changed, and the people who may own a new one."""

    accounts: tuple[int, ...]
    owners: tuple[int, ...]


def books_of(user: User) -> Books | None:
    """The books a user may change; None for those who change everything."""
    if user.role == Role.ADMIN:
        return None
    accounts = Account.objects.changeable_by(user).values_list("pk", flat=True)
    owners = User.objects.filter(team_id=user.team_id) if user.role == Role.MANAGER and user.team_id else User.objects.filter(pk=user.pk)
    return Books(accounts=tuple(accounts), owners=tuple(owners.values_list("pk", flat=True)))


def refuse_strangers(load: Loading, books: Books) -> None:
    """Refuses rows of `incoming` about accounts of other books, in the words for accounts that do not exist."""
    known = {"books": list(books.accounts), "owners": list(books.owners)}
    if load.kind.name != "accounts":
        stranger = "SELECT i.row, format(%(text)s, i.account) FROM incoming i WHERE i.account_id <> ALL(%(books)s)"
        load.reject_where(stranger, "account", {**known, "text": _("there is no account “%s”")})
        return
    theirs = "SELECT i.row, %(text)s::text FROM incoming i JOIN accounts_account a ON a.external_id = i.external_id WHERE a.id <> ALL(%(books)s)"
    load.reject_where(theirs, "external_id", {**known, "text": _("an account of another book has this key")})
    if "parent_external_id" in load.given:
        parent = "SELECT i.row, format(%(text)s, i.parent_external_id) FROM incoming i WHERE i.parent_id <> ALL(%(books)s)"
        load.reject_where(parent, "parent_external_id", {**known, "text": _("there is no account “%s”")})
    reason = _("the owner must be somebody of your team")
    if "owner_email" in load.given:
        load.reject_where("SELECT i.row, %(text)s::text FROM incoming i WHERE i.owner_id IS NULL OR i.owner_id <> ALL(%(owners)s)", "owner_email", {**known, "text": reason})
    else:
        new = "SELECT i.row, %(text)s::text FROM incoming i WHERE NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.external_id = i.external_id)"
        load.reject_where(new, "owner_email", {"text": reason})


def refuse_strange_keys(load: Loading, books: Books) -> None:
    """Refuses rows of `final` whose key is that of a row of another book's account."""
    if load.kind.name in {"accounts", "usage"}:
        return
    taken = f'SELECT f.row, %(text)s::text FROM final f JOIN "{load.kind.table}" t ON t.id = f.target WHERE t.account_id <> ALL(%(books)s)'
    load.reject_where(taken, load.kind.key[0], {"books": list(books.accounts), "text": _("an account of another book has this key")})
