"""One account's stored score of a past day beside the same day replayed now, in the reader's language. Reads alone, by the same replay as the command."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from metrics.explained import exact, models_by_id, seen, source_name
from metrics.health.replay import ALTERED, LATE_DATA, MODEL, NO_SCORE, replay
from metrics.models import HealthModel, HealthScore

CAUSES: dict[str, Any] = {
    LATE_DATA: _("Something that had happened by then was recorded, changed or taken back since."),
    MODEL: _("Another version of the model scores for that instant now."),
    NO_SCORE: _("Nothing is a reason for a score any more: the account is excluded from figures, or the facts were taken back."),
    ALTERED: _("The stored score does not follow from its stored inputs: somebody changed the row by hand."),
}


@dataclass(frozen=True)
class Part:
    """An input that is another one today."""

    name: str
    then: str
    now: str


@dataclass(frozen=True)
class Replayed:
    """A stored day and its replay. `again` is empty where nothing gives a score any more; `cause` where both are equal."""

    row: HealthScore
    model: HealthModel | None
    score: str
    again: str
    cause: str
    parts: list[Part]

    @property
    def is_equal(self) -> bool:
        """Whether the facts as they are known now give the stored score with the same inputs."""
        return not self.cause


def replayed(*, account_id: int, day: dt.date, now: dt.datetime) -> Replayed | None:
    """The stored score of the day, replayed as of the instant it was worked out for; None where none is stored for that day."""
    row = HealthScore.objects.filter(account_id=account_id, day=day).first()
    if row is None:
        return None
    differing = replay(day=day, now=now, account_ids=[account_id]).differing
    model, stored = models_by_id({row.model_id}).get(row.model_id), exact(row.score)
    if not differing:
        return Replayed(row, model, stored, stored, "", [])
    told = differing[0]
    parts = [Part(source_name(source), seen(source, before), seen(source, after)) for source, before, after in told.parts]
    return Replayed(row, model, stored, "" if told.replayed is None else exact(told.replayed), str(CAUSES[told.cause]), parts)
