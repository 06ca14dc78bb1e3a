"""Restating closed months: what was recorded about them afterwards is worked off, and each figure that differs is logged.

The database notes late changes by itself (`LateChange`). A sweep takes those that are there, recomputes the closed
months and figures they can reach, and nothing else. A killed sweep goes on with what is not done: a figure that was
restated already no longer differs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from accounts.models import AccountEvent, ImportBatch
from accounts.models.events import Origin
from metrics.actions.closing import basis, computed, locked, zone
from metrics.formulas.numbers import decimal_text
from metrics.models import ClosedFigure, ClosedMonth, LateChange, Restatement
from metrics.months import EVERYTHING, FAMILIES, SETTLES_EVERY, SETTLING_FAMILIES, began, differing, first_of, next_month, runs

# late changes taken at a time, how many of them a restatement names, and of how many that do not say it the cause is looked up
AT_MOST = 20_000
NAMED = 10
LOOKED_UP = 30
# how far the event or the log entry of a change may lie from the change itself
_NEAR = dt.timedelta(seconds=15)
_LONG_AGO = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_ORDER = [Restatement.Cause.IMPORT, Restatement.Cause.UNDO, Restatement.Cause.ERASURE, Restatement.Cause.SETTING, Restatement.Cause.API, Restatement.Cause.PERSON]


@dataclass(frozen=True)
class Cause:
    """Why a fact of an earlier month is another now."""

    kind: str
    batch: str | None = None
    actor: int | None = None


@dataclass
class _Work:
    """The late changes of one sweep, and what was found out about them."""

    changes: list[LateChange]
    causes: dict[int, Cause] = field(default_factory=dict)

    def cause(self, change: LateChange) -> Cause:
        if change.pk not in self.causes:
            self.causes[change.pk] = cause_of(change)
        return self.causes[change.pk]


def cause_of(change: LateChange) -> Cause:
    """What the change came from: what the transaction said, else the admin's log, else the event beside it."""
    said, _colon, which = change.cause.partition(":")
    if said in {"import", "undo"}:
        return Cause(said, batch=which if ImportBatch.objects.filter(pk=which).exists() else None)
    if said in {"erasure", "setting"}:
        return Cause(said)
    if change.family == "settling":
        return Cause(Restatement.Cause.SETTLED)
    near = (change.recorded_at - _NEAR, change.recorded_at + _NEAR)
    app, _underscore, model = change.source.partition("_")
    entry = LogEntry.objects.filter(content_type__in=ContentType.objects.filter(app_label=app, model=model), object_id=change.row, action_time__range=near).order_by("-pk").first()
    if entry is not None:
        return Cause(Restatement.Cause.PERSON, actor=entry.user_id)
    told = AccountEvent.objects.filter(recorded_at__range=near, account_id=change.account_id).order_by("-pk").first() if change.account_id else None
    if told is None:
        return Cause(Restatement.Cause.OTHER)
    if told.origin in {Origin.API, Origin.WEBHOOK}:
        return Cause(Restatement.Cause.API, actor=told.actor_id)
    if told.origin == Origin.IMPORT:
        return Cause(Restatement.Cause.IMPORT, batch=str(told.batch_id) if told.batch_id else None)
    return Cause(Restatement.Cause.PERSON, actor=told.actor_id) if told.actor_id else Cause(Restatement.Cause.OTHER)


def _reaches(change: LateChange, month: ClosedMonth) -> bool:
    """Whether a figure of the month can differ by the change."""
    return change.from_at < month.ends_at and (change.to_at is None or change.to_at >= month.starts_at)


def _concerns(change: LateChange, kpi: str) -> bool:
    return change.family == EVERYTHING or change.family in FAMILIES[kpi] or (change.family == "settling" and change.row == kpi)


def restating_steps(*, now: dt.datetime) -> Iterator[int]:
    """Works off what was recorded about closed months, one KPI and a few months a turn; gives the restatements written.

    Changes that let a figure settle (answers to last month's surveys) wait until a day's worth is there.
    """
    _notice_settings(now)
    _notice_settling(now)
    waiting = Q(family__in=SETTLING_FAMILIES, cause="", recorded_at__gt=now - SETTLES_EVERY)
    with transaction.atomic():
        # nobody closes a month at this moment: who does it later sees what was recorded until now
        if not locked():
            return
        work = _Work(list(LateChange.objects.exclude(waiting).order_by("pk")[:AT_MOST]))
        closed = list(ClosedMonth.objects.order_by("month"))
    if not work.changes:
        return
    for kpi in FAMILIES:
        changes = [change for change in work.changes if _concerns(change, kpi) and kpi not in change.done]
        reached = {month.month: month for month in closed if any(_reaches(change, month) for change in changes)}
        for run in runs(reached):
            written = _restate(kpi, [reached[month] for month in run], changes, work, now)
            if written is None:
                return
            yield written
        for change in changes:
            change.done.append(kpi)
        if reached:
            LateChange.objects.bulk_update(changes, ["done"], batch_size=500)
    LateChange.objects.filter(pk__in=[change.pk for change in work.changes]).delete()


def _notice_settings(now: dt.datetime) -> None:
    """A changed zone or currency moves every closed month: their bounds follow, and all is looked at again."""
    here = basis()
    if not ClosedMonth.objects.exclude(basis=here).exists():
        return
    with transaction.atomic():
        moved = list(ClosedMonth.objects.select_for_update().exclude(basis=here))
        for month in moved:
            month.starts_at, month.ends_at, month.basis = began(month.month, zone()), began(next_month(month.month), zone()), here
        ClosedMonth.objects.bulk_update(moved, ["starts_at", "ends_at", "basis"])
        if moved:
            LateChange.objects.create(family=EVERYTHING, from_at=_LONG_AGO, source="settings", cause=f"setting:{here}", rows=len(moved), recorded_at=now)


def _notice_settling(now: dt.datetime) -> None:
    """Figures that are still settling are looked at again once a day: time alone may settle them."""
    asked = set(LateChange.objects.filter(family="settling").values_list("row", flat=True))
    months: dict[str, list[ClosedMonth]] = {}
    for figure in ClosedFigure.objects.filter(flags__contains=["settles_later"], segment="").select_related("month"):
        months.setdefault(figure.kpi, []).append(figure.month)
    LateChange.objects.bulk_create(
        LateChange(family="settling", row=kpi, source="clock", from_at=min(month.starts_at for month in found), to_at=max(month.starts_at for month in found), recorded_at=now)
        for kpi, found in months.items()
        if kpi in FAMILIES and kpi not in asked
    )


def _restate(kpi: str, months: Sequence[ClosedMonth], changes: Iterable[LateChange], work: _Work, now: dt.datetime) -> int | None:
    """Recomputes one KPI of some months and logs what differs; None where another process works on closed months."""
    by_month = {month.month: month for month in months}
    with transaction.atomic():
        if not locked():
            return None
        there = {(figure.month_id, figure.segment): figure for figure in ClosedFigure.objects.filter(kpi=kpi, month__in=by_month).select_for_update()}
        whole = {month for month, segment in there if not segment}
        if not whole:
            # closing has not come to this figure yet
            return 0
        after = {(figure.month_id, figure.segment): figure for figure in computed(kpi, list(by_month), now=now) if figure.month_id in whole}
        log: list[Restatement] = []
        for key in sorted({*there, *after}):
            month = by_month[key[0]]
            found = _moved(there.get(key), after.get(key), now)
            if found is not None:
                log.append(_explained(found, month, [change for change in changes if _reaches(change, month)], work))
        Restatement.objects.bulk_create(log)
    return len(log)


_NUMBERS = ("value", "numerator", "denominator")


def _numbers(figure: ClosedFigure | None) -> dict[str, Any]:
    """Numerator, denominator and parts as texts; nothing for a figure that is not there."""
    if figure is None:
        return {"numerator": None, "denominator": None}
    return {"numerator": decimal_text(figure.numerator), "denominator": decimal_text(figure.denominator), **figure.parts}


def _moved(before: ClosedFigure | None, after: ClosedFigure | None, now: dt.datetime) -> Restatement | None:
    """Brings the stored figure to what it is now; the restatement, still without its cause, where that differs."""
    told = before or after
    assert told is not None  # the key came from one of both
    if before is None and after is not None:
        # a segment that had nobody then: it counts from now on, as first closed it was nothing
        after.first_value = after.first_numerator = after.first_denominator = None
        after.first_parts, after.restated_at, after.restatements = {}, now, 1
        after.save(force_insert=True)
    was, now_is = _numbers(before), _numbers(after)
    value_before, value_after = before.value if before else None, after.value if after else None
    same = was == now_is and decimal_text(value_before) == decimal_text(value_after)
    if before is not None:
        if same:
            if after is not None and before.flags != after.flags:
                ClosedFigure.objects.filter(pk=before.pk).update(flags=after.flags)
            return None
        for name in _NUMBERS:
            setattr(before, name, getattr(after, name) if after else None)
        before.parts, before.flags = (after.parts, after.flags) if after else ({}, [])
        before.restated_at, before.restatements = now, before.restatements + 1
        before.save()
    first, last = differing(was, now_is)
    return Restatement(
        seen_at=now, month=told.month_id, kpi=told.kpi, variant=told.variant, segment=told.segment, before_value=value_before, after_value=value_after, before=first, after=last
    )


def _explained(found: Restatement, month: ClosedMonth, changes: Sequence[LateChange], work: _Work) -> Restatement:
    """The restatement with its cause: the weightiest of what was recorded about it."""
    said: list[tuple[LateChange, Cause]] = []
    silent = [change for change in changes if not change.cause][-LOOKED_UP:]
    for change in [*(change for change in changes if change.cause), *silent]:
        cause = work.cause(change)
        settles = change.family in SETTLING_FAMILIES and not change.cause and change.happened_at is not None and change.happened_at >= month.ends_at
        said.append((change, Cause(Restatement.Cause.SETTLED, actor=cause.actor) if settles else cause))
    kinds = [cause.kind for _change, cause in said]
    found.cause = first_of([*_ORDER, Restatement.Cause.OTHER, Restatement.Cause.SETTLED], kinds, Restatement.Cause.OTHER)
    of_kind = [(change, cause) for change, cause in said if cause.kind == found.cause]
    if of_kind:
        change, cause = of_kind[-1]
        found.batch_id, found.actor_id = cause.batch, None if found.cause == Restatement.Cause.SETTLED else cause.actor  # type: ignore[assignment]
        accounts = {one.account_id for one, _cause in of_kind}
        found.account_id = change.account_id if len(accounts) == 1 else None
    found.detail = [{"source": change.source, "row": change.row, "rows": change.rows, "cause": cause.kind} for change, cause in said[:NAMED]]
    return found
