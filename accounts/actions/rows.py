"""Saving rows that other systems know by an external id: insert or lock, compare, count versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from accounts.actions.work_items import StaleVersion
from accounts.models import User

Row = TypeVar("Row", bound=models.Model)
# what the save of a model derives by itself
_DERIVED = ("name_sort", "name_search", "subscription", "mrr_micros", "mrr_forever_micros")


class Taken(ValueError):
    """The external id belongs to a row that the actor may not change, or to another account."""


def locked(model: type[Row], *, actor: User | None, version: int | None = None, **lookup: Any) -> Row:
    """The row under a lock, for its change. Raises DoesNotExist (also where the actor may not change it), StaleVersion."""
    rows = model._default_manager.all()
    if actor is not None:
        rows = model._default_manager.filter(pk__in=model._default_manager.changeable_by(actor).filter(**lookup).values("pk"))  # type: ignore[attr-defined]
    row = rows.select_for_update(no_key=True).get(**lookup)
    if version is not None and row.version != version:  # type: ignore[attr-defined]
        raise StaleVersion
    return row


def assign(row: models.Model, fields: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Sets the fields; returns what differs as name -> (before, after)."""
    differing = {}
    for name, after in fields.items():
        before = getattr(row, name)
        if before != after:
            differing[name] = (before, after)
            setattr(row, name, after)
    return differing


def save_changes(row: models.Model, names: Mapping[str, Any], *, now: dt.datetime) -> None:
    """Saves the named fields and what derives from them; the version goes up by one."""
    row.version += 1  # type: ignore[attr-defined]
    row.updated_at = now  # type: ignore[attr-defined]
    derived = [name for name in _DERIVED if any(field.name == name for field in row._meta.concrete_fields)]
    row.save(update_fields=[*names, *derived, "version", "updated_at"])


def insert_or_lock(row: Row, *, actor: User | None) -> tuple[Row, bool]:
    """Inserts the row, or locks the one that has its external id; returns it and whether it is new.

    The unique constraint decides, so that two at once make one row. Call it in a transaction.
    Raises Taken, and IntegrityError for any other constraint.
    """
    model = type(row)
    external_id = row.external_id  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if not model._default_manager.filter(external_id=external_id).exists():
            raise
        try:
            stored = locked(model, actor=actor, external_id=external_id)
        except model.DoesNotExist as fault:  # type: ignore[attr-defined]
            raise Taken(external_id) from fault
        return stored, False
    return row, True
