"""Cases of unhappy answers: the list, how many are closed in time, and whether closing the loop changes the next score."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from accounts.models import User
from accounts.proportions import wilson
from accounts.roles import Role
from surveys.models import LoopCase
from surveys.scoring import t_975

SIZE = 40
PERIOD = dt.timedelta(days=90)
STATES = ("open", "late", "closed")
# fewer pairs than this say more about chance than about the loop
FEW = 5


@dataclass(frozen=True)
class CasePage:
    """Some cases, and the mark behind which the next begin."""

    rows: list[LoopCase]
    after: str


def cases_for(user: User) -> QuerySet[LoopCase]:
    """Cases whose figures the reader may see: analysts those of everybody, the others their accounts'."""
    return LoopCase.objects.all() if user.role == Role.ANALYST else LoopCase.objects.visible_to(user)


def page(user: User, *, state: str, owner: str, now: dt.datetime, after: str = "") -> CasePage:
    """Open cases by deadline, closed ones by when they were; `owner` is "me" or empty."""
    rows = LoopCase.objects.visible_to(user).select_related("response__survey", "account__segment", "account__owner", "contact", "work_item__owner", "closed_by")
    if owner == "me":
        rows = rows.filter(Q(work_item__owner=user) | Q(work_item__owner=None, account__owner=user))
    closed = state == "closed"
    key = "closed_at" if closed else "due_at"
    rows = rows.filter(closed_at__isnull=not closed)
    if state == "late":
        rows = rows.filter(due_at__lte=now)
    mark = _mark(after)
    if mark is not None:
        beyond = "lt" if closed else "gt"
        rows = rows.filter(Q(**{f"{key}__{beyond}": mark[0]}) | Q(**{key: mark[0], f"pk__{beyond}": mark[1]}))
    rows = rows.order_by(f"-{key}", "-pk") if closed else rows.order_by(key, "pk")
    found = list(rows[: SIZE + 1])
    more, found = len(found) > SIZE, found[:SIZE]
    return CasePage(found, f"{getattr(found[-1], key).isoformat()}~{found[-1].pk}" if more else "")


@dataclass(frozen=True)
class LoopFigures:
    """How the loop is closed: counts of 90 days, the share closed in time with its interval, the median hours it took."""

    open: int
    late: int
    closed: int
    in_time: int
    share: float | None
    interval: tuple[float, float] | None
    median_hours: float | None


def figures(user: User, *, now: dt.datetime) -> LoopFigures:
    """Two statements. A case that was taken back by the customer is not counted as closed in time or late; one past its deadline counts as late."""
    rows = cases_for(user)
    counted = rows.filter(opened_at__gte=now - PERIOD).exclude(resolution=LoopCase.Resolution.TAKEN_BACK)
    found = counted.aggregate(
        closed=Count("pk", filter=Q(closed_at__isnull=False)),
        in_time=Count("pk", filter=Q(closed_at__lte=F("due_at"))),
        overdue=Count("pk", filter=Q(closed_at=None, due_at__lte=now)),
    )
    waiting = rows.filter(closed_at=None).aggregate(open=Count("pk"), late=Count("pk", filter=Q(due_at__lte=now)))
    ended = counted.filter(closed_at__isnull=False).values_list("opened_at", "closed_at")[:10_000]
    spans = sorted((closed - opened).total_seconds() / 3600 for opened, closed in ended if closed is not None)
    whole = found["closed"] + found["overdue"]
    return LoopFigures(
        open=waiting["open"], late=waiting["late"], closed=found["closed"], in_time=found["in_time"], share=found["in_time"] / whole if whole else None,
        interval=wilson(found["in_time"], whole), median_hours=(spans[(len(spans) - 1) // 2] + spans[len(spans) // 2]) / 2 if spans else None,
    )  # fmt: skip


@dataclass(frozen=True)
class NextScore:
    """What the same person answered the next time, in points of the scale: mean change, its 95 % interval, and of how many."""

    people: int
    before: float | None
    after: float | None
    change: float | None
    interval: tuple[float, float] | None

    @property
    def few(self) -> bool:
        """Whether too few people answered again."""
        return self.people < FEW


# the next answer of the same person to the same survey on the same scale, and whether the loop was closed before it
_NEXT = """
SELECT c.closed_at IS NOT NULL AND c.resolution NOT IN ('not_reached', 'taken_back') AND c.closed_at <= n.answered_at AS closed, r.score, n.score
FROM surveys_loopcase c
JOIN surveys_response r ON r.id = c.response_id
JOIN LATERAL (
    SELECT score, answered_at FROM surveys_response n
    WHERE n.contact_id = r.contact_id AND n.survey_id = r.survey_id AND n.scale_min = r.scale_min AND n.scale_max = r.scale_max AND n.answered_at > r.answered_at
      AND NOT n.is_suspect AND NOT n.test AND n.respondent = 'contact' AND n.score IS NOT NULL
    ORDER BY n.answered_at LIMIT 1
) n ON true
WHERE c.resolution <> 'taken_back' AND r.score IS NOT NULL AND n.answered_at >= %s AND r.kind = %s {visible}
"""


def next_scores(user: User, *, kind: str, now: dt.datetime) -> dict[bool, NextScore]:
    """The next score after a closed (True) and an unclosed (False) case over a year: means, and the interval of the change (Student's t)."""
    rows = cases_for(user).order_by().values("pk")
    everything = user.role in {Role.ADMIN, Role.VIEWER, Role.ANALYST}
    sql, values = ("", ()) if everything else rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_NEXT.format(visible="" if everything else f"AND c.id IN ({sql})"), [now - dt.timedelta(days=365), kind, *values])
        pairs: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for closed, before, after in cursor.fetchall():
            pairs[closed].append((before, after))
    return {closed: _next_score(found) for closed, found in pairs.items()}


def _next_score(pairs: list[tuple[int, int]]) -> NextScore:
    people = len(pairs)
    if not people:
        return NextScore(0, None, None, None, None)
    before, after = sum(pair[0] for pair in pairs) / people, sum(pair[1] for pair in pairs) / people
    change = after - before
    if people < 2:
        return NextScore(people, before, after, change, None)
    spread = sum((now - then - change) ** 2 for then, now in pairs) / (people - 1)
    half = float(t_975(people - 1)) * (spread / people) ** 0.5
    return NextScore(people, before, after, change, (change - half, change + half))


def _mark(after: str) -> tuple[dt.datetime, int] | None:
    at, _sign, pk = after.partition("~")
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        return None
    return (moment, int(pk)) if moment.tzinfo and pk.isdecimal() and len(pk) < 19 else None


def case_of(user: User, pk: int) -> LoopCase | None:
    """A case the reader may see, with everything its page shows; None for every other one."""
    about = ("response__survey", "response__survey_version", "response__touchpoint", "account__segment", "account__owner")
    return LoopCase.objects.visible_to(user).select_related(*about, "contact", "work_item__owner", "closed_by").filter(pk=pk).first()
