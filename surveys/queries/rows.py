"""Rows for the pages: verbatims, uncertain mails, and what an account's panel shows."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Account, Contact, User, WorkItem
from surveys.models import Invitation, Response, Survey
from surveys.queries.population import narrow
from surveys.queries.results_filter import ResultsFilter
from surveys.scoring import Scale, group

PAGE = 50


@dataclass(frozen=True)
class Slice:
    """Some rows, and the mark from which the next page goes on; empty after the last."""

    rows: list[Any]
    mark: str


def slice_of(rows: QuerySet[Any], *, instant: str, mark: str, size: int = PAGE) -> Slice:
    """The page after a mark, newest first, by (instant, id); a mark that is none begins at the top."""
    rows = rows.order_by(f"-{instant}", "-pk")
    at, pk = read_mark(mark)
    if at is not None:
        rows = rows.filter(Q(**{f"{instant}__lt": at}) | Q(**{instant: at, "pk__lt": pk}))
    found = list(rows[: size + 1])
    last = found[size - 1] if len(found) > size else None
    return Slice(found[:size], f"{getattr(last, instant).isoformat()}~{last.pk}" if last is not None else "")


def read_mark(mark: str) -> tuple[dt.datetime | None, uuid.UUID | None]:
    """The instant and the key of a mark; Nones for one that is none."""
    instant, _tilde, pk = mark.partition("~")
    try:
        at = dt.datetime.fromisoformat(instant)
        return (at, uuid.UUID(pk)) if at.tzinfo else (None, None)
    except ValueError:
        return None, None


def verbatims(survey: Survey, user: User, *, mark: str, tone: str = "", chosen: ResultsFilter | None = None) -> Slice:
    """Answers of a survey with what they say, newest first, those held back too; `tone` is low, said or empty."""
    rows = Response.objects.visible_to(user).filter(survey=survey, score__isnull=False, answered_at__isnull=False, test=False)
    if chosen is not None:
        start, end = chosen.period.span
        rows = narrow(rows.filter(answered_at__gte=start, answered_at__lt=end), chosen, user, at="answered_at", label=True)
    version = survey.versions.filter(published_at__isnull=False).first()
    if tone == "low" and version is not None and version.low_score is not None:
        rows = rows.filter(score__lte=version.low_score) if version.direction == "high_good" else rows.filter(score__gte=version.low_score)
    elif tone == "said":
        rows = rows.exclude(comment="")
    found = slice_of(rows.select_related("account__segment", "contact", "touchpoint", "survey"), instant="answered_at", mark=mark, size=25)
    _add_tone_and_work(found.rows)
    return found


def _add_tone_and_work(rows: list[Response]) -> None:
    """Gives each answer its tone and the work it opened (one statement)."""
    items = {item.reason: item for item in WorkItem.objects.filter(reason__in=[f"survey:{row.pk}" for row in rows], type="close_loop").select_related("owner").order_by("id")}
    tones = {"promoter": "good", "high": "good", "detractor": "risk", "low": "risk"}
    for row in rows:
        row.tone = tones.get(group(row.kind, row.score, Scale(row.scale_min, row.scale_max, row.direction == "high_good")), "pass")  # type: ignore[attr-defined]
        row.work = items.get(f"survey:{row.pk}")  # type: ignore[attr-defined]


def account_panel(account: Account, user: User) -> dict[str, Any]:
    """The latest answers, what is planned, and who was never asked."""
    answers = list(
        Response.objects.visible_to(user).filter(account=account, answered_at__isnull=False, test=False).select_related("contact", "survey").order_by("-answered_at", "-id")[:5]
    )
    _add_tone_and_work(answers)
    planned = Invitation.objects.visible_to(user).filter(account=account, status__in=["planned", "queued"]).select_related("contact", "touchpoint", "survey_version__survey")
    asked = Invitation.objects.filter(contact=OuterRef("pk")).exclude(status__in=["skipped", "failed"])
    answered = Response.objects.filter(contact=OuterRef("pk"))
    never = Contact.objects.visible_to(user).filter(account=account).filter(~Exists(asked), ~Exists(answered)).order_by("name_sort", "id")
    found = list(never[:6])
    return {"answers": answers, "planned": list(planned.order_by("not_before", "id")[:3]), "never_asked": found[:5], "more_never_asked": len(found) > 5}
