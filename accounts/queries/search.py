"""Search over accounts and contacts: folded letters, so that `istanbul` finds `İSTANBUL`."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Case, IntegerField, QuerySet, Value, When

from accounts.collation import search_key
from accounts.models import Account, Contact, User

LIMIT = 8
SHORTEST = 2
# candidates that are ranked; a text that more rows hold is too common for its rank to matter
_CANDIDATES = 500


@dataclass(frozen=True)
class Found:
    """What was found under a text; `key` is the text as it was compared."""

    key: str
    accounts: list[Account]
    contacts: list[Contact]

    @property
    def nothing(self) -> bool:
        """Whether nothing was found."""
        return not self.accounts and not self.contacts


def search(user: User, text: str) -> Found | None:
    """The best few accounts and contacts the user may see; None for fewer than two letters."""
    key = search_key(text.replace("\x00", ""))[:100]
    if len(key) < SHORTEST:
        return None
    accounts = _ranked(Account.objects.visible_to(user).select_related("segment", "owner"), key)
    contacts = _ranked(Contact.objects.visible_to(user).select_related("account"), key)
    return Found(key, list(accounts[:LIMIT]), list(contacts[:LIMIT]))


def _ranked(rows: QuerySet, key: str) -> QuerySet:
    """Names that begin with the text first, then those in which a word does, then by likeness."""
    held = rows.filter(name_search__contains=key).order_by().values("pk")[:_CANDIDATES]
    place = Case(When(name_search__startswith=key, then=Value(0)), When(name_search__contains=f" {key}", then=Value(1)), default=Value(2), output_field=IntegerField())
    return rows.filter(pk__in=held).annotate(place=place, likeness=TrigramWordSimilarity(key, "name_search")).order_by("place", "-likeness", "name_sort", "pk")
