"""What a reader of the worklist asked for, and whose work that means."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.db.models import Q

from accounts.models import User
from accounts.models.people import Cover
from accounts.roles import SEES_EVERYTHING, Role

PAGE = 50
# the scopes of a role in the order of the tabs; the first is where the role begins
SCOPES: dict[str, tuple[str, ...]] = {
    Role.CSM: ("mine", "snoozed", "done"),
    Role.AGENT: ("mine", "snoozed", "done"),
    Role.MANAGER: ("mine", "team", "snoozed", "done"),
    Role.ADMIN: ("all", "mine", "snoozed", "done"),
    Role.VIEWER: ("all", "snoozed", "done"),
    Role.ANALYST: (),
}
VIEWS = ("items", "risk")
SORTS = ("rank", "hour", "value", "due")


@dataclass(frozen=True, kw_only=True)
class WorkFilter:
    """The view of the list. `after` is a cursor (numbers joined by a tilde), empty for the first page."""

    view: str = "items"
    scope: str = "mine"
    segment: str = ""
    type: str = ""
    owner: int | None = None
    band: str = ""
    text: str = ""
    sort: str = "rank"
    after: tuple[int, ...] = ()

    def query(self, **changes: object) -> str:
        """The query string of this view with some parts changed; a changed view starts on its first page."""
        other = replace(self, **({"after": ()} | changes))  # type: ignore[arg-type]
        parts = {
            "view": other.view if other.view != "items" else "", "scope": other.scope, "segment": other.segment, "type": other.type,
            "owner": other.owner or "", "band": other.band, "q": other.text, "sort": other.sort if other.sort != "rank" else "",
            "after": "~".join(str(part) for part in other.after),
        }  # fmt: skip
        return "?" + urlencode({name: value for name, value in parts.items() if value})

    @property
    def narrowed(self) -> bool:
        """Whether anything beyond the scope is chosen."""
        return bool(self.segment or self.type or self.owner or self.band or self.text)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who reads, and whose books lie open to him.

    `books` are the owners whose accounts the reader may see (None: everybody's): the same law as
    `visible_to`, as a list of ids that an index can use. `covered` are those of absent colleagues.
    """

    user_id: int
    role: str
    books: tuple[int, ...] | None
    covered: tuple[int, ...] = ()
    team: tuple[int, ...] = ()
    # absences of the moment that touch the reader: (who is away, who covers, the first moment after)
    absences: tuple[tuple[str, str, dt.datetime], ...] = ()
    away: bool = False


def reader_of(user: User, *, now: dt.datetime) -> Reader:
    """The reader's reach; at most one statement."""
    if user.role in SEES_EVERYTHING:
        return Reader(user_id=user.pk, role=user.role, books=None)
    if user.role == Role.MANAGER:
        team = tuple(User.objects.filter(team_id=user.team_id).order_by("pk").values_list("pk", flat=True)) if user.team_id else (user.pk,)
        return Reader(user_id=user.pk, role=user.role, books=team, team=team)
    if user.role == Role.CSM:
        absent = Cover.objects.filter(Q(substitute_id=user.pk) | Q(absent_id=user.pk), starts_at__lte=now, ends_at__gt=now).order_by("ends_at", "pk")
        found = list(absent.values_list("absent_id", "absent__name", "substitute__name", "ends_at"))
        covered = tuple(sorted({row[0] for row in found} - {user.pk}))
        away = any(row[0] == user.pk for row in found)
        return Reader(user_id=user.pk, role=user.role, books=(user.pk, *covered), covered=covered, absences=tuple(row[1:] for row in found), away=away)
    return Reader(user_id=user.pk, role=user.role, books=())


def owners_of(scope: str, reader: Reader) -> tuple[int, ...] | None:
    """Whose work a scope lists; None is everybody's."""
    if scope == "mine":
        return (reader.user_id, *reader.covered)
    if scope == "team":
        return reader.team
    if reader.role in SEES_EVERYTHING:
        return None
    return reader.team if reader.role == Role.MANAGER else (reader.user_id, *reader.covered)


@dataclass(frozen=True, kw_only=True)
class Days:
    """The edges of the groups: the reader's own midnights, as instants."""

    today: dt.date
    start: dt.datetime
    tomorrow: dt.datetime
    week_end: dt.datetime
    week_start: dt.datetime
    month_start: dt.datetime

    def group(self, due_at: dt.datetime) -> int:
        """0 overdue, 1 today, 2 the next seven days, 3 later."""
        return 0 if due_at < self.start else 1 if due_at < self.tomorrow else 2 if due_at < self.week_end else 3


def days_of(*, now: dt.datetime, zone: dt.tzinfo, organisation_zone: dt.tzinfo) -> Days:
    """The edges as seen from the reader's zone; the month is the organisation's."""
    today = now.astimezone(zone).date()
    month = now.astimezone(organisation_zone).date().replace(day=1)

    def midnight(day: dt.date, where: dt.tzinfo) -> dt.datetime:
        return dt.datetime.combine(day, dt.time(), tzinfo=where).astimezone(dt.UTC)

    return Days(
        today=today,
        start=midnight(today, zone),
        tomorrow=midnight(today + dt.timedelta(days=1), zone),
        week_end=midnight(today + dt.timedelta(days=8), zone),
        week_start=midnight(today - dt.timedelta(days=today.weekday()), zone),
        month_start=midnight(month, organisation_zone),
    )
