"""What people judged about an account, and where two of its signs disagree. Reads alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields import SmallIntegerField

from accounts.models import AccountSnapshot, User
from accounts.models.snapshots import Band
from metrics.models import Disagreement, DisagreementDecision, HealthOverride, Pulse
from metrics.models.judgements import PULSE_DAYS

PAGE = 50
DECIDED_FOR = dt.timedelta(days=90)
GOOD_PULSE, BAD_PULSE = 4, 2
# fewer ratings than this are no sign
CSAT_AT_LEAST = 2


def current_pulse(account_id: int, now: dt.datetime) -> Pulse | None:
    """The latest pulse, if it is not older than 90 days."""
    return Pulse.objects.filter(account_id=account_id, given_at__lte=now, given_at__gte=now - dt.timedelta(days=PULSE_DAYS)).select_related("author").first()


def current_override(account_id: int, now: dt.datetime) -> HealthOverride | None:
    """The override in force."""
    return HealthOverride.objects.filter(account_id=account_id, ended_at__isnull=True, until__gt=now).select_related("author").first()


@dataclass(frozen=True)
class Clash:
    """Two signs of one account that cannot both be right, as codes: the page puts them into words."""

    snapshot: AccountSnapshot
    kind: str
    first: str
    second: str


def _signs(kind: str, row: Any) -> tuple[str, str]:
    """The two signs as they are kept with a decision: another value of either makes it a new question."""
    if kind == Disagreement.PULSE_SCORE:
        return str(row.pulse), row.band
    if kind == Disagreement.CSAT_NPS:
        return str(row.csat_mean.normalize()), str(row.nps)
    return str(row.usage_trend.quantize(row.usage_trend.__class__("0.1"))), str(row.nps)


def _where(kind: str) -> Q:
    if kind == Disagreement.PULSE_SCORE:
        return Q(pulse__gte=GOOD_PULSE, band=Band.AT_RISK) | Q(pulse__lte=BAD_PULSE, band=Band.HEALTHY)
    if kind == Disagreement.CSAT_NPS:
        return Q(csat_count__gte=CSAT_AT_LEAST) & (Q(nps__lte=6, csat_mean__gte=4) | Q(nps__gte=9, csat_mean__lte=3))
    return Q(usage_trend__lte=-0.3, nps__gte=9) | Q(usage_trend__gte=0.2, nps__lte=6)


def clashes(*, user: User, kind: str, now: dt.datetime, after: tuple[int, int] | None = None) -> list[Clash]:
    """The undecided disagreements of one kind among the reader's accounts, those with the most MRR first; one page and one more.

    `after` is (MRR in millionths, account) of the last row seen. A decision hides its row for 90 days
    as long as both signs are as they were.
    """
    rows: QuerySet[AccountSnapshot] = AccountSnapshot.objects.visible_to(user).select_related("account", "segment", "owner")
    if kind == Disagreement.PULSE_SCORE:
        given = Pulse.objects.filter(account_id=OuterRef("pk"), given_at__lte=now, given_at__gte=now - dt.timedelta(days=PULSE_DAYS))
        # few accounts have a pulse: begin with those
        rows = rows.filter(Exists(given)).annotate(pulse=Subquery(given.order_by("-given_at", "-id").values("value")[:1]))
    else:
        rows = rows.annotate(pulse=Value(None, output_field=SmallIntegerField()))
    rows = rows.filter(_where(kind), account__excluded=False, account__churned_at__isnull=True)
    found: list[Clash] = []
    edge = after
    while len(found) <= PAGE:
        batch = rows.order_by(F("mrr_micros").desc(), F("account_id").desc())
        if edge is not None:
            batch = batch.filter(Q(mrr_micros__lt=edge[0]) | Q(mrr_micros=edge[0], pk__lt=edge[1]))
        page = list(batch[: 4 * PAGE])
        decided = _decided(kind, [row.pk for row in page], now)
        found += [Clash(row, kind, *_signs(kind, row)) for row in page if (row.pk, *_signs(kind, row)) not in decided]
        if len(page) < 4 * PAGE:
            break
        edge = (page[-1].mrr_micros, page[-1].pk)
    return found[: PAGE + 1]


def _decided(kind: str, ids: list[int], now: dt.datetime) -> set[tuple[int, str, str]]:
    return set(
        DisagreementDecision.objects.filter(kind=kind, account_id__in=ids, decided_at__gte=now - DECIDED_FOR, decided_at__lte=now).values_list("account_id", "first", "second")
    )


def latest_decisions(user: User, limit: int = 20) -> QuerySet[DisagreementDecision]:
    """What was decided last, among the reader's accounts."""
    return DisagreementDecision.objects.visible_to(user).select_related("account", "decided_by").order_by("-decided_at", "-id")[:limit]


def missing_parts(rule: Any, raws: list[float | None]) -> list[tuple[str, int]]:
    """The inputs of a model without data, with their share of all weights in hundredths of a percent, the largest first.

    It is what that data would settle: the share of the score that nobody knows today.
    """
    every = sum(part.weight for part in rule.parts) or 1
    found = [(part.source, (20_000 * part.weight + every) // (2 * every)) for part, raw in zip(rule.parts, raws, strict=True) if raw is None and part.weight]
    return sorted(found, key=lambda entry: -entry[1])
