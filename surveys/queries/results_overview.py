"""All surveys side by side: figures by survey and scale, and how many of those asked answered."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from surveys.models import Survey
from surveys.queries.population import answers, asks, counted
from surveys.queries.results import ASK_COLUMNS, Asked, ScaleGroup
from surveys.queries.results_filter import ResultsFilter, scale_name
from surveys.scoring import Scale


@dataclass
class Line:
    """One survey: its scales (the one with most answers first), and its asks."""

    survey: Survey
    scales: list[ScaleGroup]
    asked: Asked


def all_surveys(user: User, chosen: ResultsFilter) -> list[Line]:
    """Every survey with its figures of the period and of the one before; three statements."""
    start, end = chosen.period.span
    before = chosen.period.span_before
    rows = counted(answers(user, chosen, (before[0] if before else start, end)), split_at=start).fetch(
        "SELECT survey_id, scale_min, scale_max, direction, now, score, count(*) FROM counted GROUP BY 1, 2, 3, 4, 5, 6"
    )
    surveys = {survey.pk: survey for survey in Survey.objects.order_by("name", "id")}
    groups: dict[int, dict[str, ScaleGroup]] = {pk: {} for pk in surveys}
    for pk, low, high, direction, now, score, count in rows:
        scale = Scale(low, high, direction == "high_good")
        group = groups[pk].setdefault(scale_name(scale), ScaleGroup(surveys[pk].kind, scale))
        (group.now if now else group.before)[score] = count
    asked = {pk: Asked(*counts) for pk, *counts in asks(user, chosen, chosen.period.span).fetch(f"SELECT survey_id, {ASK_COLUMNS} FROM once GROUP BY 1")}
    return [Line(survey, sorted(groups[pk].values(), key=lambda group: -group.answers), asked.get(pk, Asked())) for pk, survey in surveys.items()]
