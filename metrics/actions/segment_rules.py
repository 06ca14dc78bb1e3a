"""Making, changing, ordering and deleting segments. The sweep notices a change of rules by itself and takes everybody."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import CASCADE, Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.collation import search_key
from accounts.models import Segment, User
from accounts.queries.rule_matches import names_of_rows
from accounts.rules import RuleFault
from metrics.actions.segment_sweeps import RULES_LOCK
from metrics.segments.reading import read_rule

STEP = 10


class Refused(ValueError):
    """What cannot be; `field` names where, the text says why."""

    def __init__(self, field: str, reason: str):
        self.field = field
        super().__init__(reason)


class StaleSegment(ValueError):
    """Somebody changed the segment since it was read."""


def _alone() -> None:
    """Until the end of the transaction no sweep runs, so that none writes by rules that are no more."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({RULES_LOCK})")


def _checked(*, name: str, rule: Any, effort_share: Decimal | None, mine: int | None) -> str:
    name = name.strip()
    if not name or len(name) > 80:
        raise Refused("name", _("Give it a name of at most 80 signs."))
    wanted = search_key(name)
    if any(wanted in (search_key(other.name), search_key(other.key)) for other in Segment.objects.all() if other.pk != mine):
        raise Refused("name", _("Another segment is called that already."))
    if effort_share is not None and not 0 <= effort_share <= 1:
        raise Refused("effort_share", _("A share lies between 0 and 100 percent."))
    if rule is not None:
        try:
            read_rule(rule, known=names_of_rows())
        except RuleFault as fault:
            raise Refused("rule", f"{fault.path}: {fault.message}" if fault.path else fault.message) from fault
    return name


def _key_of(name: str) -> str:
    stem = slugify(search_key(name)).replace("-", "_")[:50] or "segment"
    taken, key, turn = set(Segment.objects.filter(key__startswith=stem).values_list("key", flat=True)), stem, 2
    # the words that addresses under /segments/ already use
    while key in taken or key in {"new", "overrides", "progress", "account"}:
        key, turn = f"{stem}_{turn}", turn + 1
    return key


@transaction.atomic
def make_segment(*, name: str, description: str, rule: Any, effort_share: Decimal | None, actor: User, now: dt.datetime) -> Segment:
    """A new segment at the end of the order. Raises Refused."""
    _alone()
    name = _checked(name=name, rule=rule, effort_share=effort_share, mine=None)
    last = Segment.objects.aggregate(last=Max("position"))["last"] or 0
    made = Segment.objects.create(key=_key_of(name), name=name, description=description.strip()[:300], rule=rule, effort_share=effort_share, position=min(last + STEP, 32_000))
    _log(actor, made, ADDITION, _("made"), now)
    return made


@transaction.atomic
def change_segment(*, segment: Segment, version: int, name: str, description: str, rule: Any, effort_share: Decimal | None, actor: User, now: dt.datetime) -> Segment:
    """Writes the segment as the form has it. Raises Refused, StaleSegment, Segment.DoesNotExist."""
    _alone()
    stored = Segment.objects.select_for_update(no_key=True).get(pk=segment.pk)
    if stored.version != version:
        raise StaleSegment
    name = _checked(name=name, rule=rule, effort_share=effort_share, mine=stored.pk)
    fields = {"name": name, "description": description.strip()[:300], "rule": rule, "effort_share": effort_share}
    differing = [field for field, value in fields.items() if getattr(stored, field) != value]
    if not differing:
        return stored
    for field in differing:
        setattr(stored, field, fields[field])
    stored.version += 1
    stored.save(update_fields=[*differing, "version"])
    _log(actor, stored, CHANGE, _("rule changed") if "rule" in differing else _("changed"), now)
    return stored


@transaction.atomic
def move_segment(*, segment: Segment, up: bool, actor: User, now: dt.datetime) -> bool:
    """Asks the segment one place earlier or later; returns whether there was room. All positions are written anew."""
    _alone()
    rows = list(Segment.objects.select_for_update(no_key=True).order_by("position", "pk"))
    at = next(place for place, row in enumerate(rows) if row.pk == segment.pk)
    other = at - 1 if up else at + 1
    if not 0 <= other < len(rows):
        return False
    rows[at], rows[other] = rows[other], rows[at]
    for place, row in enumerate(rows, start=1):
        if row.position != place * STEP:
            row.position = place * STEP
            row.save(update_fields=["position"])
    _log(actor, segment, CHANGE, _("moved up") if up else _("moved down"), now)
    return True


@transaction.atomic
def delete_segment(*, segment: Segment, actor: User, now: dt.datetime) -> None:
    """Deletes a segment that nobody is or was in and that nothing asks about. Raises Refused, Segment.DoesNotExist."""
    _alone()
    stored = Segment.objects.select_for_update().get(pk=segment.pk)
    if stored.accounts.exists() or stored.memberships.exists():
        raise Refused("segment", _("Accounts are in it, or were: their history keeps it. Take its rule away instead, then nobody enters."))
    if held := holders(stored):
        raise Refused("segment", _("It is still used by: %(names)s.") % {"names": ", ".join(held)})
    _log(actor, stored, DELETION, _("deleted"), now)
    stored.delete()


def holders(segment: Segment) -> list[str]:
    """What kinds of rows would be kept from it or mean something else without it, in the reader's language.

    What was only ever said of this segment (its targets, deadlines, service levels, sizes) goes with it.
    """
    found = set()
    for relation in Segment._meta.get_fields(include_hidden=True):
        if not relation.auto_created or relation.concrete or getattr(relation, "on_delete", None) is CASCADE:
            continue
        model: Any = relation.related_model
        if model._base_manager.filter(**{relation.field.name: segment.pk}).exists():  # type: ignore[union-attr]
            found.add(str(model._meta.verbose_name_plural))
    return sorted(found)


def _log(actor: User, segment: Segment, flag: int, what: str, now: dt.datetime) -> None:
    """Who changed which segment, in the log of the administration."""
    LogEntry.objects.create(
        user_id=actor.pk, content_type=ContentType.objects.get_for_model(Segment), object_id=str(segment.pk), object_repr=str(segment)[:200],
        action_flag=flag, change_message=what, action_time=now,
    )  # fmt: skip
