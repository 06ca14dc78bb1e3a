"""Figures of touchpoints and surveys for the pages: counts in one statement, turned into scores once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from accounts.wording import number, percent
from surveys.models import Invitation, Response
from surveys.scoring import Interval, Scale, csat_top2_share, mean, nps, nps_groups, nps_interval, share, split, t_interval, wilson_interval

PERIOD = dt.timedelta(days=90)
# below this a score says more about chance than about customers
FEW = 5


@dataclass(frozen=True)
class Score:
    """A figure in the reader's way of writing, with its interval and what it stands on."""

    value: str
    interval: str
    answers: int
    invalid: int
    few: bool


@dataclass(frozen=True)
class Flow:
    """What became of the decisions of a period. The rate is answered / delivered."""

    planned: int = 0
    sent: int = 0
    bounced: int = 0
    answered: int = 0
    skipped: int = 0
    unknown: int = 0

    @property
    def rate(self) -> Decimal | None:
        """Answered of delivered; None over nothing."""
        return share(self.answered, self.sent - self.bounced) if self.sent > self.bounced else None


def invitations_for(user: User) -> QuerySet[Invitation]:
    """What figures may count for this reader: analysts see figures over everything, the others their accounts."""
    if user.role == Role.ANALYST:
        return Invitation.objects.all()
    return Invitation.objects.visible_to(user)


def responses_for(user: User) -> QuerySet[Response]:
    """Answers that figures count for this reader."""
    rows = Response.objects.all() if user.role == Role.ANALYST else Response.objects.visible_to(user)
    return rows.counted().exclude(account__excluded=True)


def flows(invitations: QuerySet[Invitation], *, since: dt.datetime) -> dict[int | None, Flow]:
    """The flow by touchpoint of what was decided since; None stands for direct requests."""
    rows = (
        invitations.filter(decided_at__gte=since)
        .order_by()
        .values("touchpoint_id")
        .annotate(
            planned=Count("pk", filter=Q(status__in=["planned", "queued"])),
            sent=Count("pk", filter=Q(sent_at__isnull=False)),
            bounced=Count("pk", filter=Q(sent_at__isnull=False, bounced_at__isnull=False)),
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
            skipped=Count("pk", filter=Q(status="skipped")),
            unknown=Count("pk", filter=Q(status="unknown")),
        )
    )
    return {row["touchpoint_id"]: Flow(**{name: row[name] for name in Flow.__dataclass_fields__}) for row in rows}  # type: ignore[literal-required]


def score_of(kind: str, counts: Mapping[int, int], scale: Scale) -> Score:
    """The figure of a survey in words: NPS in points, CSAT as a share, CES and others as a mean."""
    valid, invalid = split(counts, scale)
    answers = sum(valid.values())
    if answers < FEW:
        return Score("–", _("too few answers"), answers, invalid, few=True)
    if kind == "nps":
        promoters, passives, detractors, _invalid = nps_groups(valid, scale)
        points = nps(promoters, passives, detractors)
        return Score(_signed(points), _span(nps_interval(promoters, passives, detractors), _signed), answers, invalid, few=False)
    if kind == "csat" and scale.high - scale.low == 4:
        part = sum(count for score, count in valid.items() if score >= scale.high - 1)
        return Score(percent(csat_top2_share(valid, scale)), _span(wilson_interval(part, answers), percent), answers, invalid, few=False)
    return Score(_of(mean(valid), scale), _span(t_interval(valid), lambda value: number(round(value, 1))), answers, invalid, few=False)


def _signed(points: Decimal | None) -> str:
    if points is None:
        return "–"
    whole = int(points.to_integral_value(rounding="ROUND_HALF_UP"))
    return f"+{whole}" if whole > 0 else f"−{-whole}" if whole < 0 else "0"


def _of(value: Decimal | None, scale: Scale) -> str:
    return "–" if value is None else _("%(mean)s of %(highest)s") % {"mean": number(round(value, 1)), "highest": scale.high}


def _span(interval: Interval | None, write: Any) -> str:
    return "" if interval is None else _("%(low)s to %(high)s") % {"low": write(interval[0]), "high": write(interval[1])}
