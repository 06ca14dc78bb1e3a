"""Promised times of tickets: what the service level says, worked out and kept on the ticket.

The columns make "late" a plain comparison for lists and the tick. They are always recomputed from
the status log, never adjusted, so that they cannot drift from it.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from tickets.clock import Hours, Interval, NeverOpen, due, promise
from tickets.models import BusinessHours, Holiday, ServiceLevel, Ticket, TicketChange
from tickets.state import OPEN_STATES, RESOLVED_STATES, State

# states in which the clock of the resolution rests
RESTING = frozenset({State.PENDING}) | RESOLVED_STATES
# what is promised, and the column that says until when
DUE = {"first_reply": "first_reply_due_at", "resolution": "resolution_due_at"}
CLOCK_FIELDS = ["first_reply_due_at", "resolution_due_at", "resolution_left_seconds", "clocks_set_at"]


class Promises:
    """Service levels and hours, read once for many tickets (three queries)."""

    def __init__(self) -> None:
        self._levels = {(level.severity, level.segment_id): level for level in ServiceLevel.objects.all()}
        self._rows = list(BusinessHours.objects.all())
        self._holidays = frozenset(Holiday.objects.values_list("day", flat=True)) if self._rows else frozenset()
        self._zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
        self._hours: dict[dt.date | None, Hours] = {}

    def any(self) -> bool:
        """Whether anything is promised at all."""
        return any(level.first_reply_seconds is not None or level.resolution_seconds is not None for level in self._levels.values())

    def levels(self) -> list[ServiceLevel]:
        """Every level."""
        return list(self._levels.values())

    @property
    def severities_of_segments(self) -> list[int]:
        """The severities for which a segment has a level of its own."""
        return sorted({severity for severity, segment_id in self._levels if segment_id is not None})

    def begins(self) -> list[dt.date | None]:
        """The days from which hours are in force, None for always."""
        return list({row.valid_from: None for row in self._rows})

    def level(self, severity: int | None, segment_id: int | None) -> ServiceLevel | None:
        """The level of a severity: the segment's own, else the general one."""
        if severity is None:
            return None
        return self._levels.get((severity, segment_id)) or self._levels.get((severity, None))

    def hours(self, opened_at: dt.datetime) -> Hours | None:
        """The hours in force when a ticket was opened, which apply to the whole ticket; None without any."""
        day = opened_at.astimezone(self._zone).date()
        starts = [row.valid_from for row in self._rows if row.valid_from is None or row.valid_from <= day]
        if not starts:
            return None
        begun = max(starts, key=lambda start: start or dt.date.min)
        if begun not in self._hours:
            week = tuple(Interval(row.weekday, row.opens, row.closes, row.time_zone or settings.ORGANISATION_TIME_ZONE) for row in self._rows if row.valid_from == begun)
            self._hours[begun] = Hours(week, self._holidays)
        return self._hours[begun]

    def promised(self, level: ServiceLevel, target: str) -> int | None:
        """Seconds that a level gives for a target; None where it promises nothing."""
        return level.first_reply_seconds if target == "first_reply" else level.resolution_seconds

    def near_from(self, ticket: Ticket, target: str, *, segment_id: int | None) -> dt.datetime | None:
        """From when on a running promise is nearly over: three quarters of its time have passed by its own clock. None without one."""
        due_at = getattr(ticket, DUE[target])
        level = self.level(ticket.severity, segment_id)
        seconds = self.promised(level, target) if level else None
        if due_at is None or level is None or seconds is None:
            return None
        hours = self.hours_of(level, ticket.opened_at)
        try:
            return due_at - dt.timedelta(seconds=seconds // 4) if hours is None else hours.back(due_at, seconds // 4)
        except NeverOpen:
            return None

    def near(self, target: str, *, now: dt.datetime) -> Q:
        """The condition that a promise of an open ticket is nearly over, and not over yet.

        What is left of a running promise is the time from now to its due instant, by the clock of the
        level that made it. So every level has one instant up to which what is due is near, and no
        ticket's log need be read; a resting promise has no such instant and is not near.
        """
        column, within = DUE[target], Q(pk__in=[])
        for level in self._levels.values():
            seconds = self.promised(level, target)
            if seconds is None:
                continue
            for hours, opened in self._periods() if level.clock == "business" else [(None, Q())]:
                try:
                    until = due(now, seconds // 4, hours=hours)
                except NeverOpen:
                    continue
                within |= Q(**{f"{column}__lte": until}) & opened & self._made_by(level)
        unkept = Q(first_replied_at__isnull=True) if target == "first_reply" else Q()
        return unkept & Q(status__in=OPEN_STATES, **{f"{column}__gte": now}) & within

    def _periods(self) -> list[tuple[Hours | None, Q]]:
        """Every set of hours with the condition on the opening that says which tickets it holds for."""
        starts = sorted({row.valid_from for row in self._rows}, key=lambda start: start or dt.date.min)
        if not starts or starts[0] is not None:
            starts.insert(0, None)
        # the day before the first hours, the first day of each further set
        begins = [dt.datetime.combine(start, dt.time(), self._zone) if start else None for start in starts]
        found = []
        for begin, end in zip(begins, [*begins[1:], None], strict=True):
            opened = (Q(opened_at__gte=begin) if begin else Q()) & (Q(opened_at__lt=end) if end else Q())
            found.append((self.hours(begin or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)), opened))
        return found

    def _made_by(self, level: ServiceLevel) -> Q:
        """The condition that a ticket's promises come from this level."""
        if level.segment_id is not None:
            return Q(severity=level.severity, account__segment=level.segment_id)
        own = [segment for severity, segment in self._levels if severity == level.severity and segment is not None]
        return Q(severity=level.severity) & (~Q(account__segment__in=own) if own else Q())

    def hours_of(self, level: ServiceLevel, opened_at: dt.datetime) -> Hours | None:
        """The hours that a level counts by: None for the calendar, and where no hours were entered."""
        return self.hours(opened_at) if level.clock == "business" else None


def rests(changes: Iterable[tuple[dt.datetime, str]]) -> list[tuple[dt.datetime, dt.datetime | None]]:
    """The stretches in which the clock rested, from (instant, new state) in order."""
    found: list[tuple[dt.datetime, dt.datetime | None]] = []
    since: dt.datetime | None = None
    for at, state in changes:
        if state in RESTING:
            since = since or at
        elif since is not None:
            found.append((since, at))
            since = None
    if since is not None:
        found.append((since, None))
    return found


def work_out(ticket: Ticket, *, segment_id: int | None, changes: Iterable[tuple[dt.datetime, str]], promises: Promises, now: dt.datetime) -> None:
    """Sets the clock columns of one ticket in memory; without a level, or with hours that never come, they are empty."""
    ticket.first_reply_due_at = ticket.resolution_due_at = ticket.resolution_left_seconds = None
    ticket.clocks_set_at = now
    level = promises.level(ticket.severity, segment_id)
    if level is None:
        return
    hours = promises.hours_of(level, ticket.opened_at)
    try:
        if level.first_reply_seconds is not None:
            ticket.first_reply_due_at = promise(ticket.opened_at, level.first_reply_seconds, (), hours=hours).due_at
        if level.resolution_seconds is not None:
            kept = promise(ticket.opened_at, level.resolution_seconds, rests(changes), hours=hours)
            ticket.resolution_due_at, ticket.resolution_left_seconds = kept.due_at, kept.left_seconds
    except NeverOpen:
        return


def _status_log(ids: list[int]) -> dict[int, list[tuple[dt.datetime, str]]]:
    log: dict[int, list[tuple[dt.datetime, str]]] = {pk: [] for pk in ids}
    rows = TicketChange.objects.filter(ticket__in=ids, kind=TicketChange.Kind.STATUS).order_by("occurred_at", "id")
    for ticket_id, at, value in rows.values_list("ticket_id", "occurred_at", "value"):
        log[ticket_id].append((at, value))
    return log


def set_clocks(ticket: Ticket, *, now: dt.datetime) -> None:
    """Works out one ticket's promised times; the caller saves `CLOCK_FIELDS` with the rest."""
    changes = _status_log([ticket.pk])[ticket.pk] if ticket.pk else []
    work_out(ticket, segment_id=ticket.account.segment_id, changes=changes, promises=Promises(), now=now)


def fill_missing_clocks(*, now: dt.datetime, limit: int = 500) -> int:
    """Works out what open tickets lack, one batch; returns how many it took."""
    with transaction.atomic():
        rows = list(
            Ticket.objects.filter(status__in=OPEN_STATES, clocks_set_at__isnull=True)
            .select_related("account")
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True, skip_locked=True)[:limit]
        )
        if not rows:
            return 0
        log, promises = _status_log([row.pk for row in rows]), Promises()
        for row in rows:
            changes = log[row.pk] or ([(row.opened_at, row.status)] if row.status in RESTING else [])
            work_out(row, segment_id=row.account.segment_id, changes=changes, promises=promises, now=now)
        Ticket.objects.bulk_update(rows, CLOCK_FIELDS, batch_size=500)
    return len(rows)


def restart_clocks() -> int:
    """After levels, hours or holidays changed: lets the tick work out all open tickets anew; returns how many."""
    return Ticket.objects.filter(status__in=OPEN_STATES, clocks_set_at__isnull=False).update(clocks_set_at=None)
