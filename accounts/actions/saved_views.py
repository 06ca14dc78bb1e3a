"""Saved views: a list's filters under a name, one's own or shared. A view holds an address, never rows."""

from __future__ import annotations

from django.db import transaction

from accounts.models import SavedView, User

MOST_VIEWS = 100


class TooManyViews(ValueError):
    """Somebody keeps more views of a page than a menu can show."""


@transaction.atomic
def save_view(*, owner: User, page: str, name: str, query: str, shared: bool) -> SavedView:
    """Saves the address of a page under a name; one's own view of that name is replaced. Raises TooManyViews."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    mine = SavedView.objects.filter(owner=owner, page=page)
    if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
        raise TooManyViews
    view, _new = SavedView.objects.update_or_create(owner=owner, page=page, name=name, defaults={"query": query, "shared": shared})
    return view


@transaction.atomic
def rename_view(*, view: SavedView, name: str, shared: bool) -> None:
    """Gives a view another name or shares it. Raises django.db.IntegrityError where another view of its owner has the name."""
    view.name, view.shared = name, shared
    view.save(update_fields=["name", "shared"])


def remove_view(*, view: SavedView) -> None:
    """Forgets a view; whoever has its address open keeps seeing the list."""
    view.delete()
