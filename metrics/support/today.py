"""Today's queue: what is open at this moment, by its columns, as the ticket queue shows it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import wording
from metrics.kpis.behind import Found
from metrics.support.desk import Desk
from tickets.actions.clocks import Promises
from tickets.models import Ticket
from tickets.models.tickets import Severity
from tickets.queries.queue import late, soon

_STATUS = Ticket.Status


def conditions(now: dt.datetime) -> dict[str, Q]:
    """What each figure of the queue counts among the open tickets."""
    return {
        "now_all": Q(),
        **{f"now_{status}": Q(status=status) for status in (_STATUS.NEW, _STATUS.OPEN, _STATUS.PENDING, _STATUS.ON_HOLD)},
        **{f"now_severity_{level}": Q(severity=level) for level in Severity.values},
        "now_severity_none": Q(severity__isnull=True),
        "now_unassigned": Q(assignee__isnull=True, assignee_email=""),
        "now_near": soon(now, Promises()),
        "now_late": late(now),
        "now_for_us": Q(status__in=[_STATUS.NEW, _STATUS.OPEN]),
        "now_for_customer": Q(status=_STATUS.PENDING),
        "now_unanswered": Q(first_replied_at__isnull=True),
    }


def tickets_of(desk: Desk, figure: str) -> QuerySet[Ticket]:
    """The tickets of one figure. Raises KeyError for an unknown name."""
    return desk.open_tickets().filter(conditions(desk.now)[figure])


def found(desk: Desk, figure: str) -> Found:
    """The tickets of one figure with their age in seconds. Raises KeyError."""
    now = desk.now
    return [(int(opened.timestamp()), pk, int((now - opened).total_seconds())) for pk, opened in tickets_of(desk, figure).values_list("pk", "opened_at")]


@dataclass(frozen=True)
class Standing:
    """One count of the queue; `tone` marks what needs a person."""

    word: str
    count: int
    href: str
    tone: str = ""


@dataclass(frozen=True)
class Today:
    """The queue as it stands: main figures, by state, by severity, the oldest without an answer."""

    total: Standing
    main: list[Standing]
    states: list[Standing]
    severities: list[Standing]
    oldest: Ticket | None
    oldest_age: str


def today(desk: Desk) -> Today:
    """The queue at this moment: one counting statement, one for the oldest unanswered ticket."""
    asked = conditions(desk.now)
    counts = desk.open_tickets().aggregate(**{name: Count("pk", filter=condition) if condition else Count("pk") for name, condition in asked.items()})

    def one(name: str, word: object, tone: str = "") -> Standing:
        count = counts[name]
        return Standing(str(word), count, desk.link(name) if count else "", tone if count else "")

    oldest = tickets_of(desk, "now_unanswered").select_related("account").order_by("opened_at", "pk").first()
    words = dict(_STATUS.choices)
    return Today(
        total=one("now_all", _("Open")),
        main=[
            one("now_for_us", _("Waiting for us")),
            one("now_for_customer", _("Waiting for the customer")),
            one("now_unassigned", _("Unassigned"), "watch"),
            one("now_near", _("About to breach"), "watch"),
            one("now_late", _("Breached"), "risk"),
            one("now_unanswered", _("Without an answer")),
        ],
        states=[one(f"now_{status}", words[status]) for status in (_STATUS.NEW, _STATUS.OPEN, _STATUS.PENDING, _STATUS.ON_HOLD)],
        severities=[
            *(one(f"now_severity_{level}", f"{level} {Severity(level).label}", "risk" if level == Severity.URGENT else "") for level in reversed(Severity.values)),
            one("now_severity_none", _("Without severity")),
        ],
        oldest=oldest if desk.sees_rows else None,
        oldest_age=wording.duration((desk.now - oldest.opened_at).total_seconds()) if oldest else "",
    )
