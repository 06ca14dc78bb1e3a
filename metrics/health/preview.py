"""What a draft of a health model would do to the whole base: who would change band, and the MRR in each band before and after.

Reads what every recompute reads, with the draft in the place of the version that scores now, and
writes nothing. "Before" is what the snapshots say at this moment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from metrics.actions.health_models import models_at
from metrics.models import HealthModel
from metrics.moments import BEFORE_DAYS, Moment
from metrics.scoring import AT_RISK, HEALTHY, WATCH, Model
from metrics.sql.health import RANGE, ScoredBy, judged

BANDS = (HEALTHY, WATCH, AT_RISK, "")
# accounts a statement reads: a sort of so many stays in memory
SPAN = 50_000
# movers that are named, those with the most MRR
NAMED = 25
# no stored version has this number
DRAFT = 0


@dataclass(frozen=True)
class Mover:
    """An account that would change band. Scores in hundredths of a point, None for none."""

    account_id: int
    band: str
    new_band: str
    score: int | None
    new_score: int | None
    mrr_micros: int


@dataclass
class Preview:
    """Counts and MRR (millionths of the reporting currency) by (band now, band under the draft); "" is without a score."""

    accounts: Counter[tuple[str, str]] = field(default_factory=Counter)
    mrr_micros: Counter[tuple[str, str]] = field(default_factory=Counter)
    movers: list[Mover] = field(default_factory=list)
    # accounts scored on both sides, and the sum of what their scores change by, in hundredths
    compared: int = 0
    shift: int = 0
    # accounts that the draft itself would score; others have a model that comes first, or none
    judged_by_draft: int = 0

    @property
    def total(self) -> int:
        """Accounts looked at."""
        return sum(self.accounts.values())

    @property
    def changing(self) -> int:
        """Accounts that would change band."""
        return sum(count for (band, new_band), count in self.accounts.items() if band != new_band)

    def side(self, *, after: bool) -> dict[str, tuple[int, int]]:
        """Accounts and MRR in each band, now or under the draft."""
        found = dict.fromkeys(BANDS, (0, 0))
        for pair, count in self.accounts.items():
            accounts, mrr = found[pair[after]]
            found[pair[after]] = (accounts + count, mrr + self.mrr_micros[pair])
        return found


_RATES = """
SELECT coalesce(jsonb_object_agg(currency, rate::text), '{}')
FROM (SELECT DISTINCT ON (currency) currency, rate FROM accounts_exchangerate WHERE day < %(t_date)s ORDER BY currency, day DESC) last
"""


def contenders(*, draft: Model, model: HealthModel, segment_ids: Sequence[int], now: dt.datetime) -> list[ScoredBy]:
    """The models that would be tried, in their order, once the draft took the place of its key's version."""
    active = {entry.id: entry for entry in models_at(now)}
    rows = [(row.position, row.key, row.pk) for row in HealthModel.objects.filter(pk__in=active).exclude(key=model.key)]
    mine = ScoredBy(id=DRAFT, model=draft, segment_ids=tuple(segment_ids))
    return [mine if pk == DRAFT else active[pk] for _position, _key, pk in sorted([*rows, (model.position, model.key, DRAFT)])]


def _statement(models: Sequence[ScoredBy], *, currencies: bool) -> str:
    return f"""
WITH {judged(models, scope=RANGE, live=True, currencies=currencies)},
scored AS MATERIALIZED (SELECT account_id, coalesce(band_was, '') AS band_was, health_was, band, score, mrr_micros, model_id FROM judged)
SELECT
    (SELECT coalesce(jsonb_agg(jsonb_build_array(band_was, band, n, mrr)), '[]')
     FROM (SELECT band_was, band, count(*) AS n, sum(mrr_micros)::bigint AS mrr FROM scored GROUP BY band_was, band) g),
    (SELECT coalesce(jsonb_agg(jsonb_build_array(account_id, band_was, band, health_was, score, mrr_micros)), '[]')
     FROM (SELECT * FROM scored WHERE band <> band_was ORDER BY mrr_micros DESC, account_id LIMIT {NAMED}) m),
    (SELECT jsonb_build_array(count(*) FILTER (WHERE score IS NOT NULL AND health_was IS NOT NULL), coalesce(sum(score - health_was), 0),
                              count(*) FILTER (WHERE model_id = {DRAFT} AND score IS NOT NULL)) FROM scored)"""


def preview(*, models: Sequence[ScoredBy], now: dt.datetime) -> Preview:
    """Scores every account under `models` at `now` and compares with its snapshot. Raises LookupError where nothing has a weight."""
    if not any(part.weight for entry in models for part in entry.model.parts):
        raise LookupError("no part has a weight")
    moment = Moment.at(as_of=now, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    found = Preview()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RATES, {"t_date": moment.t_date})
        rates = _decoded(cursor.fetchone()[0])
        text = _statement(models, currencies=bool(rates))
        values = {
            **moment.parameters, "currency": settings.REPORTING_CURRENCY, "rate_currencies": list(rates), "rates": list(rates.values()),
            "before_day": moment.day - dt.timedelta(days=BEFORE_DAYS), "looks_far": False,
        }  # fmt: skip
        cursor.execute("SELECT set_config('enable_hashagg', 'off', true), set_config('work_mem', '64MB', true)")
        for low, high in _ranges(cursor):
            cursor.execute(text, {**values, "low": low, "high": high})
            _add(found, *(_decoded(value) for value in cursor.fetchone()))
    found.movers = sorted(found.movers, key=lambda mover: (-mover.mrr_micros, mover.account_id))[:NAMED]
    return found


def _ranges(cursor: Any) -> Iterator[tuple[int, int]]:
    cursor.execute("SELECT min(id), max(id) FROM accounts_account")
    low, high = cursor.fetchone()
    if low is not None:
        for start in range(low, high + 1, SPAN):
            yield start, min(start + SPAN - 1, high)


def _add(found: Preview, groups: list[list[Any]], movers: list[list[Any]], sums: list[int]) -> None:
    for band, new_band, count, mrr in groups:
        found.accounts[band, new_band] += count
        found.mrr_micros[band, new_band] += mrr or 0
    found.movers += [Mover(*row) for row in movers]
    found.compared, found.shift, found.judged_by_draft = (mine + more for mine, more in zip((found.compared, found.shift, found.judged_by_draft), sums, strict=True))


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
