"""Health explained: the stored parts of a score and its change, put into words and lengths of bars.

Nothing here computes a score: contributions are those that were stored, the change is
`metrics.scoring.explain_change` on stored inputs, so what is shown sums exactly.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_decimal
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from metrics.actions.health_models import rule_of
from metrics.models import HealthComponent, HealthModel, HealthScore
from metrics.scoring import Side, explain_change, score

DAYS_BACK = 28
TONES = 7


@dataclass(frozen=True)
class PartRow:
    """One part of the score. Lengths are percentages of the drawing, as text with a point."""

    name: str
    seen: str
    points: str
    weight: str
    adds: str
    possible: str
    tone: str
    left: str
    width: str
    middle: str
    labelled: bool
    bar_possible: str
    bar_given: str
    missing: bool


@dataclass(frozen=True)
class ChangeRow:
    """What one part did between two days."""

    name: str
    seen: str
    delta: str
    direction: str
    left: str
    width: str
    before: str
    after: str


@dataclass(frozen=True)
class Explained:
    """Everything the panel shows of a score."""

    row: HealthScore
    model: HealthModel
    score: str
    confidence: str
    mark: str
    parts: list[PartRow]
    weight_total: str
    edges: tuple[int, int]
    middles: tuple[str, str, str]


@dataclass(frozen=True)
class ExplainedChange:
    """Everything the panel shows of a change."""

    since: HealthScore
    rows: list[ChangeRow]
    delta: str
    direction: str
    points: int
    start: str
    end: str
    start_score: str
    end_score: str
    strongest: ChangeRow | None
    by_weights: str
    by_membership: str


def source_name(source: str) -> str:
    """An input in the reader's language."""
    return str(HealthComponent.Source(source).label) if source in HealthComponent.Source.values else source


def exact(hundredths: int, *, signed: bool = False) -> str:
    """Hundredths of a point with one decimal, with two where needed, so that what is shown sums exactly."""
    text = format_decimal(Decimal(abs(hundredths)) / 100, format="0.0#", locale=wording.locale())
    if hundredths < 0:
        return "−" + text
    return "+" + text if signed and hundredths else text


def _length(hundredths: float) -> str:
    """A share of the full drawing in percent; a point in every language, for SVG."""
    return f"{hundredths / 100:.4f}".rstrip("0").rstrip(".")


def seen(source: str, raw: float | None) -> str:
    """A raw input in words."""
    if raw is None:
        return _("no data")
    plain = wording.number(Decimal(str(round(raw, 2))).normalize() + 0)
    if source == "usage_trend":
        return _("%(change)s in 28 days") % {"change": _signed_percent(raw)}
    if source == "last_nps":
        return _("%(score)s of 10") % {"score": plain}
    if source == "csat_90d":
        return _("%(mean)s of 5") % {"mean": plain}
    if source == "severe_tickets":
        return ngettext("%(count)s open", "%(count)s open", int(raw)) % {"count": plain}
    if source == "days_to_renewal":
        return ngettext("in %(count)s day", "in %(count)s days", int(raw)) % {"count": plain}
    if source == "failed_payments":
        return _("%(count)s in 90 days") % {"count": plain}
    if source in {"days_since_seen", "days_since_touch"}:
        return ngettext("%(count)s day ago", "%(count)s days ago", int(raw)) % {"count": plain}
    if source == "active_days":
        return _("%(count)s of 28 days") % {"count": plain}
    if source == "adoption":
        return _("%(share)s of the plan's features") % {"share": wording.percent(raw / 100)}
    if source == "seat_use":
        return _("%(share)s of the seats") % {"share": wording.percent(raw / 100)}
    if source == "pulse":
        return _("%(score)s of 5") % {"score": plain}
    return plain


def _signed_percent(fraction: float) -> str:
    text = wording.percent(abs(fraction))
    return ("−" if fraction < 0 else "+" if fraction else "") + text


def explain(row: HealthScore, model: HealthModel) -> Explained:
    """The parts of a stored score, the largest first, those left out at the end."""
    rule = rule_of(model)
    again = score(rule, row.raws)
    shares = again.shares if again else tuple(None for _part in rule.parts)
    earned = again.points if again else shares
    order = sorted(range(len(rule.parts)), key=lambda place: (row.contributions[place] is None, -(row.contributions[place] or 0), place))
    widest = max([share for share in shares if share] or [1])
    parts, reached = [], 0
    for rank, place in enumerate(order, 1):
        part, given, share = rule.parts[place], row.contributions[place], shares[place]
        parts.append(
            PartRow(
                name=source_name(part.source), seen=seen(part.source, row.raws[place]) if given is not None else _("no data, left out"),
                points=wording.points(earned[place]), weight=wording.percent(Decimal(share) / 10000) if share is not None else wording.DASH,
                adds=exact(given) if given is not None else wording.DASH, possible=exact(share) if share is not None else wording.DASH,
                tone=f"p{min(rank, TONES)}" if given else "", left=_length(reached), width=_length(given or 0),
                middle=_length(reached + (given or 0) / 2), labelled=(given or 0) >= 400,
                bar_possible=_length(10000 * (share or 0) / widest), bar_given=_length(10000 * (given or 0) / widest), missing=given is None,
            )
        )  # fmt: skip
        reached += given or 0
    watch, healthy = model.watch_from, model.healthy_from
    return Explained(
        row=row, model=model, score=exact(row.score), confidence=wording.percent(Decimal(row.confidence) / 100), mark=_length(row.score),
        parts=parts, weight_total=wording.percent(1), edges=(watch, healthy),
        middles=(_length(50 * watch), _length(50 * (watch + healthy)), _length(50 * (healthy + 100))),
    )  # fmt: skip


def explain_since(new: HealthScore, new_model: HealthModel, old: HealthScore, old_model: HealthModel) -> ExplainedChange:
    """The walk from an earlier score to a later one, part by part, the largest step first."""
    sides = [Side(version=model.pk, model=rule_of(model), raws=tuple(row.raws)) for row, model in ((old, old_model), (new, new_model))]
    changes = explain_change(*sides)
    rows, reached = [], old.score
    for change in changes:
        if not change.delta and change.raw_before == change.raw_after:
            continue
        after = reached + change.delta
        moved = {"before": seen(change.source, change.raw_before), "after": seen(change.source, change.raw_after)}
        rows.append(
            ChangeRow(
                name=source_name(change.source),
                seen=_("%(before)s → %(after)s") % moved if change.raw_before != change.raw_after else _("still %(value)s, of another share") % {"value": moved["after"]},
                delta=exact(change.delta, signed=True), direction="down" if change.delta < 0 else "up" if change.delta else "",
                left=_length(min(reached, after)), width=_length(abs(change.delta)), before=_length(reached), after=_length(after),
            )
        )  # fmt: skip
        reached = after
    delta = new.score - old.score
    towards = [row for row, change in zip(rows, (change for change in changes if change.delta or change.raw_before != change.raw_after), strict=True) if change.delta * delta > 0]
    weights, membership = sum(change.weights for change in changes), sum(change.membership for change in changes)
    return ExplainedChange(
        since=old, rows=rows, delta=exact(abs(delta)), direction="down" if delta < 0 else "up" if delta > 0 else "", points=abs(delta),
        start=_length(old.score), end=_length(new.score), start_score=exact(old.score), end_score=exact(new.score), strongest=towards[0] if towards else None,
        by_weights=exact(weights, signed=True) if any(change.weights for change in changes) else "",
        by_membership=exact(membership, signed=True) if any(change.membership for change in changes) else "",
    )  # fmt: skip


def latest(account_id: int) -> HealthScore | None:
    """The last stored score of an account."""
    return HealthScore.objects.filter(account_id=account_id).order_by("-day").first()


def score_at(account_id: int, day: dt.date) -> HealthScore | None:
    """The score of a day, or the last one before it, or else the first one there is."""
    scores = HealthScore.objects.filter(account_id=account_id)
    return scores.filter(day__lte=day).order_by("-day").first() or scores.order_by("day").first()


def models_by_id(ids: set[int]) -> dict[int, HealthModel]:
    """Stored versions with their components. Raises KeyError on use where one is gone."""
    return {model.pk: model for model in HealthModel.objects.filter(pk__in=ids).prefetch_related("components")}
