"""What a backtest is asked: which models, which span, how far ahead; and the dates that follow from it."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from metrics.actions.health_models import models_at, rule_of
from metrics.kpis.question import add_months
from metrics.models import HealthModel
from metrics.sql.health import ScoredBy

HORIZON_DAYS = 90
HORIZONS = (30, 60, 90, 180, 365)
# dates looked at, at most: five years of months
DATES_AT_MOST = 60

REFUSALS: dict[str, Any] = {
    "no_model": _("No health model is active."),
    "unknown_model": _("There is no health model “%(name)s”."),
    "no_weight": _("%(name)s has no part with a weight."),
    "span_too_short": _("The span is shorter than the horizon of %(days)s days: who left could not be seen for any date in it."),
    "end_before_start": _("The end must lie after the start."),
    "future": _("The span begins after what is known."),
    "too_long": _("The span holds more than %(months)s months."),
    "no_customers": _("Nobody was a customer on any date of the span."),
    "no_scores": _("No customer had a score on any date of the span: there was nothing to score by."),
    "horizon": _("The horizon must be from 1 to 730 days."),
}


class Refused(ValueError):
    """A backtest that cannot be made; `key` and `values` say why, `wrong_usage` whether the question was wrong or the data too thin."""

    def __init__(self, key: str, *, wrong_usage: bool = False, **values: Any):
        super().__init__(str(REFUSALS[key]) % values)
        self.key, self.values, self.wrong_usage = key, values, wrong_usage

    @property
    def stored(self) -> dict[str, Any]:
        """For a row, so that each reader gets it in his own language."""
        return {"key": self.key, "values": self.values}


def say_refusal(stored: dict[str, Any]) -> str:
    """A stored refusal in the reader's language; empty for none."""
    if stored.get("key") not in REFUSALS:
        return gettext("It failed; the log of the worker says why.") if stored else ""
    return str(REFUSALS[stored["key"]]) % stored.get("values", {})


@dataclass(frozen=True)
class Question:
    """A backtest: models in the order they are tried, days of the organisation's zone (the end is exclusive), days ahead."""

    models: tuple[ScoredBy, ...]
    label: str
    start: dt.date
    end: dt.date
    horizon_days: int = HORIZON_DAYS

    def instants(self) -> list[dt.datetime]:
        """The firsts of months in the span whose horizon ends inside it; where there is none, the start itself. Raises Refused."""
        zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
        last = self.end - dt.timedelta(days=self.horizon_days)
        if last < self.start:
            raise Refused("span_too_short", wrong_usage=True, days=self.horizon_days)
        day = self.start if self.start.day == 1 else add_months(self.start.replace(day=1), 1)
        days = []
        while day <= last:
            days.append(day)
            day = add_months(day, 1)
        if len(days) > DATES_AT_MOST:
            raise Refused("too_long", wrong_usage=True, months=DATES_AT_MOST)
        return [dt.datetime.combine(each, dt.time(), zone) for each in days or [self.start]]


def find_model(name: str) -> HealthModel:
    """By key (the active version, else the newest) or `key:version`. Raises Refused."""
    key, _colon, number = name.partition(":")
    versions = HealthModel.objects.filter(key=key).prefetch_related("components", "segments").order_by("-number")
    if number:
        versions = versions.filter(number=int(number)) if number.isdecimal() and len(number) < 9 else versions.none()
    found = versions.filter(activated_at__isnull=False, retired_at__isnull=True).first() or versions.first()
    if found is None:
        raise Refused("unknown_model", wrong_usage=True, name=name)
    return found


def scored_by(model: HealthModel) -> ScoredBy:
    """A stored version as the scorer takes it. Raises Refused where no part has a weight."""
    rule = rule_of(model)
    if not any(part.weight for part in rule.parts):
        raise Refused("no_weight", name=str(model))
    return ScoredBy(id=model.pk, model=rule, segment_ids=tuple(sorted(segment.pk for segment in model.segments.all())))


def question(*, model: HealthModel | None, start: dt.date, end: dt.date, horizon_days: int = HORIZON_DAYS, now: dt.datetime) -> Question:
    """The question, cut at what is known now. Raises Refused."""
    if not 1 <= horizon_days <= 730:
        raise Refused("horizon", wrong_usage=True)
    if end <= start:
        raise Refused("end_before_start", wrong_usage=True)
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    if start >= today:
        raise Refused("future", wrong_usage=True)
    models = (scored_by(model),) if model is not None else tuple(models_at(now))
    if not models:
        raise Refused("no_model")
    if model is None and len(models) == 1:
        model = HealthModel.objects.filter(pk=models[0].id).first()
    return Question(models=models, label=str(model) if model is not None else gettext("active models"), start=start, end=min(end, today), horizon_days=horizon_days)
