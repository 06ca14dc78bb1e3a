"""How raw inputs become a score, and what made a score change. Pure: no Django, no clock, no database.

All arithmetic after the first step is in whole numbers, so that the database and this module cannot
disagree (`metrics/sql/health.py` writes the same rule as SQL):

1. points of a part = floor(clamp((raw - worst) / (best - worst)) x 10000 + 0.5), hundredths of a point,
   in double precision on both sides: subtraction, division, product and sum are the same IEEE 754
   operations in the same order. For these values, none below zero, it is rounding half away from zero.
2. R(x) = floor((2 x + W) / 2 W), with W the sum of the weights that count: x / W rounded the same way.
3. the contribution of part i = R(w1 p1 + ... + wi pi) - R(w1 p1 + ... + wi-1 pi-1), so the
   contributions sum to the score R(w1 p1 + ... + wn pn) exactly, each within one hundredth of its
   exact value.

Points, contributions and scores are hundredths of a point, 0 to 10000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FULL = 10_000
NEUTRAL_POINTS = 5_000
LEAVE_OUT, NEUTRAL, ZERO = "leave_out", "neutral", "zero"
HEALTHY, WATCH, AT_RISK = "healthy", "watch", "at_risk"
# a part that costs less than this is not worth a sentence, in hundredths of a point
WORTH_SAYING = 200
# inputs that count something: nothing found is a true 0, but alone it is no reason to score an account
COUNTS = frozenset({"severe_tickets", "failed_payments"})


@dataclass(frozen=True)
class Part:
    """One component of a model: what earns 0 and 100 points, its weight, what to do without data."""

    source: str
    worst: float
    best: float
    weight: int
    missing: str = LEAVE_OUT
    fresh_days: int | None = None


@dataclass(frozen=True)
class Model:
    """The parts in order and the two lower edges, in whole points, that are inside their bands."""

    parts: tuple[Part, ...]
    healthy_from: int = 75
    watch_from: int = 50


@dataclass(frozen=True)
class Scored:
    """A score with its parts; `contributions` has None for a part that was left out."""

    score: int
    band: str
    confidence: int
    contributions: tuple[int | None, ...]
    points: tuple[int | None, ...]
    # the share of every part among the weights that count, hundredths of a percent; None for left out
    shares: tuple[int | None, ...]


def points(raw: float, worst: float, best: float) -> int:
    """Hundredths of a point between the worst (0) and the best value (10000), clamped."""
    share = (raw - worst) / (best - worst)
    return math.floor(min(max(share, 0.0), 1.0) * 10000.0 + 0.5)


def quotient(total: int, weights: int) -> int:
    """`total / weights` rounded half up; for numbers that are not negative."""
    return (2 * total + weights) // (2 * weights)


def band_of(score: int, *, healthy_from: int, watch_from: int) -> str:
    """The band; both edges belong to the better side."""
    if score >= healthy_from * 100:
        return HEALTHY
    return WATCH if score >= watch_from * 100 else AT_RISK


def _part_points(part: Part, raw: float | None) -> int | None:
    if raw is not None:
        return points(raw, part.worst, part.best)
    return {LEAVE_OUT: None, NEUTRAL: NEUTRAL_POINTS, ZERO: 0}[part.missing]


def score(model: Model, raws: Sequence[float | None]) -> Scored | None:
    """The score of these raw inputs, in the order of the model's parts; None where no part counts.

    Raises ValueError where the numbers of raws and parts differ. Whether an account is scored at all
    (does it have any data?) is decided before; see `has_evidence`.
    """
    earned = [_part_points(part, raw) for part, raw in zip(model.parts, raws, strict=True)]
    weights = sum(part.weight for part, value in zip(model.parts, earned, strict=True) if value is not None)
    if not weights:
        return None
    contributions: list[int | None] = []
    shares: list[int | None] = []
    total = reached = weighed = 0
    for part, value in zip(model.parts, earned, strict=True):
        if value is None:
            contributions.append(None)
            shares.append(None)
            continue
        total += part.weight * value
        contributions.append(quotient(total, weights) - reached)
        reached = quotient(total, weights)
        before = quotient(weighed * FULL, weights)
        weighed += part.weight
        shares.append(quotient(weighed * FULL, weights) - before)
    every = sum(part.weight for part in model.parts)
    fresh = sum(part.weight for part, raw in zip(model.parts, raws, strict=True) if raw is not None)
    return Scored(
        score=reached,
        band=band_of(reached, healthy_from=model.healthy_from, watch_from=model.watch_from),
        confidence=quotient(100 * fresh, every),
        contributions=tuple(contributions),
        points=tuple(earned),
        shares=tuple(shares),
    )


def has_evidence(model: Model, raws: Sequence[float | None], *, known_elsewhere: bool) -> bool:
    """Whether these inputs are a reason to score the account.

    An input with a value is, a count of 0 only where the account has anything of that kind at all
    (`known_elsewhere`: a ticket or a transaction ever). A model that counts missing data as neutral
    or zero scores everybody.
    """
    if known_elsewhere or any(raw is None and part.missing != LEAVE_OUT for part, raw in zip(model.parts, raws, strict=True)):
        return True
    return any(raw is not None and (part.source not in COUNTS or raw > 0) for part, raw in zip(model.parts, raws, strict=True))


def costs(model: Model, raws: Sequence[float | None]) -> list[tuple[str, int]]:
    """What each part with data takes from a full score, as (source, hundredths), the costliest first.

    A rise in use and a count of 0 may cost points under a strict model but are no complaint: they are
    left out. Ties go to the part that stands first.
    """
    scored = score(model, raws)
    if scored is None:
        return []
    weights = sum(part.weight for part, value in zip(model.parts, scored.points, strict=True) if value is not None)
    found = []
    for part, raw, value in zip(model.parts, raws, scored.points, strict=True):
        if raw is None or value is None or not _is_complaint(part.source, raw):
            continue
        found.append((part.source, part.weight * (FULL - value), weights))
    found.sort(key=lambda entry: -entry[1])
    return [(source, lost // weights) for source, lost, weights in found]


def _is_complaint(source: str, raw: float) -> bool:
    if source == "usage_trend":
        return raw < 0
    return raw > 0 if source in COUNTS else True


# ── Why did it change ────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Side:
    """One stored score: the model it was made with (a key for equality) and its raw inputs."""

    version: object
    model: Model
    raws: tuple[float | None, ...]


@dataclass(frozen=True)
class Change:
    """What one part did between two scores, in hundredths of a point.

    `data`: its raw value moved. `weights`: the model's version (or the model itself) changed.
    `membership`: it, or another part, began or ceased to have data, which shifts the shares of all.
    The three sum to `after - before`.
    """

    source: str
    raw_before: float | None
    raw_after: float | None
    before: int
    after: int
    data: int
    weights: int
    membership: int

    @property
    def delta(self) -> int:
        """The whole change of this part."""
        return self.after - self.before


def _given(model: Model, raws: dict[str, float | None]) -> dict[str, int]:
    scored = score(model, [raws.get(part.source) for part in model.parts])
    if scored is None:
        return {}
    return {part.source: value or 0 for part, value in zip(model.parts, scored.contributions, strict=True)}


def explain_change(old: Side, new: Side) -> list[Change]:
    """The change from one stored score to another, part by part, the largest first; sums exactly.

    Walks from the old score to the new one in three steps and books each step's difference: first
    the values move where both sides have one (data), then values come and go (membership), then the
    new model judges (weights).
    """
    before_raws = dict(zip((part.source for part in old.model.parts), old.raws, strict=True))
    after_raws = dict(zip((part.source for part in new.model.parts), new.raws, strict=True))
    moved = {source: after_raws[source] if raw is not None and after_raws.get(source) is not None else raw for source, raw in before_raws.items()}
    # what only the new model looks at stays out of the second step, what only the old one looked at stays in
    swapped = {source: after_raws.get(source, raw) for source, raw in moved.items()}
    stages = [_given(old.model, before_raws), _given(old.model, moved), _given(old.model, swapped), _given(new.model, after_raws)]
    sources = [part.source for part in new.model.parts] + [part.source for part in old.model.parts if part.source not in after_raws]
    changes = []
    for source in sources:
        first, second, third, last = (stage.get(source, 0) for stage in stages)
        changes.append(
            Change(
                source=source,
                raw_before=before_raws.get(source),
                raw_after=after_raws.get(source),
                before=first,
                after=last,
                data=second - first,
                membership=third - second,
                weights=last - third,
            )
        )
    if old.version == new.version and any(change.weights for change in changes):
        raise ValueError("Two scores of one model version differ by weights: a stored model was changed.")
    changes.sort(key=lambda change: -abs(change.delta))
    return changes
