"""Making, copying and changing programmes; a change of a running one that needs a second person waits as a proposal.

The programme goes on as it was approved until the proposal is. A proposal is a step of the history
(`proposed`) that no later step has answered: `approved` applies it, `sent_back` drops it, and a newer
proposal takes its place. What can only make us ask fewer people is applied at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.collation import search_key
from accounts.models import Installation, User
from surveys.actions.programme_values import comparable, differences, plain_values, put_values, record_step
from surveys.actions.programmes import OwnApproval, StaleProgramme, locked
from surveys.models import ProgrammeStep, Touchpoint
from surveys.programme_state import DRAFT, ENDED, REVIEW, WrongStep, needs_approval, new_occasion

_ANSWERED = ("proposed", "approved", "sent_back", "ended")


@dataclass(frozen=True)
class Changed:
    """What became of a save: the row, what holds from now on, and what waits for approval (both field to [before, now])."""

    touchpoint: Touchpoint
    applied: dict[str, list[Any]]
    proposed: dict[str, list[Any]]


class NothingProposed(ValueError):
    """No change waits for approval (any more)."""


def make_programme(*, values: dict[str, Any], actor: User, now: dt.datetime, copied_from: str = "") -> Touchpoint:
    """A new programme in draft. `values` are those of `plain_values`; what is left out has its default."""
    with transaction.atomic():
        row = Touchpoint(key=_free_key(values["name"]), author=actor)
        put_values(row, values)
        row.save(force_insert=True)
        put_values(row, {"segments": values.get("segments", [])})
        record_step(row, action="made", actor=actor, now=now, note=copied_from)
    return row


def _free_key(name: str) -> str:
    """A key after the name that no programme has; "new" is an address."""
    stem = slugify(search_key(name))[:70].strip("-") or "programme"
    taken = set(Touchpoint.objects.filter(key__startswith=stem).values_list("key", flat=True)) | {"new"}
    return next(key for number in range(1, len(taken) + 2) if (key := stem if number == 1 else f"{stem}-{number}") not in taken)


def change_programme(*, touchpoint_id: int, values: dict[str, Any], actor: User, now: dt.datetime, version: int | None) -> Changed:
    """Saves what a programme shall say.

    In draft everything holds at once; in review, too, and it has to be handed in again. On a running
    programme what needs approval (while it is switched on) becomes the proposal. Raises StaleProgramme,
    WrongStep for an ended one; nothing is changed then.
    """
    with transaction.atomic():
        row = locked(touchpoint_id, version)
        state = row.state
        if state == ENDED:
            raise WrongStep("change", state)
        changes = differences(plain_values(row), values)
        if not changes:
            return Changed(row, {}, {})
        guarded = state not in {DRAFT, REVIEW} and Installation.current().approval_needed
        proposed = {name: pair for name, pair in changes.items() if guarded and needs_approval(name, *(comparable(name, value) for value in pair))}
        applied = {name: pair for name, pair in changes.items() if name not in proposed}
        if state == REVIEW:
            row.submitted_at, row.submitted_by = None, None
        _apply(row, applied, now)
        if applied:
            record_step(row, action="changed", actor=actor, now=now, changes=applied)
        if proposed:
            record_step(row, action="proposed", actor=actor, now=now, changes=proposed)
    return Changed(row, applied, proposed)


def _apply(row: Touchpoint, changes: dict[str, list[Any]], now: dt.datetime) -> None:
    put_values(row, {name: pair[1] for name, pair in changes.items()})
    if row.activated_at is not None and new_occasion(changes):
        row.activated_at = now
    row.version += 1
    row.save()


def approve_change(*, touchpoint_id: int, actor: User, now: dt.datetime, version: int | None) -> Touchpoint:
    """Lets the proposed change hold from now on.

    Raises NothingProposed, OwnApproval (while approval is on), StaleProgramme where a field was changed
    since it was proposed, WrongStep on an ended programme.
    """
    with transaction.atomic():
        row = locked(touchpoint_id, version)
        proposal = _proposal(row)
        if Installation.current().approval_needed and proposal.actor_id == actor.pk:
            raise OwnApproval
        now_says = plain_values(row)
        if any(comparable(name, now_says[name]) != comparable(name, pair[0]) for name, pair in proposal.changes.items()):
            raise StaleProgramme(row)
        row.approved_by = actor
        _apply(row, proposal.changes, now)
        record_step(row, action="approved", actor=actor, now=now, changes=proposal.changes)
    return row


def drop_change(*, touchpoint_id: int, actor: User, now: dt.datetime, note: str = "", version: int | None) -> Touchpoint:
    """Drops the proposed change; the programme goes on as it is. Raises NothingProposed, StaleProgramme, WrongStep."""
    with transaction.atomic():
        row = locked(touchpoint_id, version)
        proposal = _proposal(row)
        row.version += 1
        row.save()
        record_step(row, action="sent_back", actor=actor, now=now, note=note, changes=proposal.changes)
    return row


def _proposal(row: Touchpoint) -> ProgrammeStep:
    if row.state == ENDED:
        raise WrongStep("change", row.state)
    found = pending_proposals([row.pk]).get(row.pk)
    if found is None:
        raise NothingProposed
    return found


def pending_proposals(touchpoint_ids: Iterable[int]) -> dict[int, ProgrammeStep]:
    """The change that waits for approval, by touchpoint; one statement for all."""
    rows = ProgrammeStep.objects.filter(touchpoint_id__in=list(touchpoint_ids), action__in=_ANSWERED).select_related("actor")
    latest = rows.order_by("touchpoint_id", "-id").distinct("touchpoint_id")
    return {step.touchpoint_id: step for step in latest if step.action == "proposed"}


def record_administration(*, touchpoint: Touchpoint, before: dict[str, Any] | None, life_before: dict[str, Any], actor: User, now: dt.datetime) -> None:
    """Writes down what was changed in Django's administration, so that nothing goes live past approval unseen.

    `before` is `plain_values` (None: the row is new), `life_before` what `life_values` gave.
    """
    with transaction.atomic():
        row = locked(touchpoint.pk, None)
        changes = {} if before is None else differences(before, plain_values(row))
        life = life_values(row)
        changes |= {name: [life_before.get(name), value] for name, value in life.items() if life_before.get(name) != value}
        if before is None or changes:
            Touchpoint.objects.filter(pk=row.pk).update(version=row.version + 1)
            went_live = life["activated_at"] is not None and life_before.get("activated_at") != life["activated_at"]
            action = "activated" if went_live else "made" if before is None else "changed"
            record_step(row, action=action, actor=actor, now=now, note="administration", changes=changes)


def life_values(touchpoint: Touchpoint) -> dict[str, Any]:
    """Where a programme is in its life, as JSON can hold it."""
    names = ("activated_at", "paused_at", "ended_at", "submitted_at")
    return {name: value.isoformat() if (value := getattr(touchpoint, name)) else None for name in names}
