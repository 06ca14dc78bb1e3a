"""What moved a score: the parts that explain a band change, for its event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from metrics.models import HealthComponent
from metrics.sql.health import ScoredBy

AT_MOST = 3

# one probe an account: its last row before the day, not older than two months
_BEFORE = """
SELECT h.account_id, h.model_id, h.score, h.contributions FROM unnest(%(ids)s::bigint[]) AS id
CROSS JOIN LATERAL (SELECT * FROM metrics_healthscore WHERE account_id = id AND day < %(day)s AND day >= %(oldest)s ORDER BY day DESC LIMIT 1) h
"""


def causes_of(moved: Sequence[dict[str, Any]], *, models: Mapping[int, ScoredBy], day: dt.date) -> dict[int, list[str]]:
    """The inputs that pushed each account's score the way it went since its last earlier day, the strongest first.

    Differences of stored contributions, as `metrics.scoring.explain_change` shows them. Accounts
    without an earlier day have none. At most two queries, however many accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE, {"ids": [change["account"] for change in moved], "day": day, "oldest": day - dt.timedelta(days=62)})
        before = {account: rest for account, *rest in cursor.fetchall()}
    sources = {entry.id: [part.source for part in entry.model.parts] for entry in models.values()}
    older = {model for model, _score, _given in before.values()} - sources.keys()
    if older:
        for model, source in HealthComponent.objects.filter(model_id__in=older).order_by("model_id", "position").values_list("model_id", "source"):
            sources.setdefault(model, []).append(source)
    causes = {}
    for change in moved:
        if change["account"] not in before:
            continue
        model, score, given = before[change["account"]]
        then = dict(zip(sources[model], given, strict=True))
        now = dict(zip(sources[change["model"]], change["contributions"], strict=True))
        deltas = [((now.get(source) or 0) - (then.get(source) or 0), source) for source in [*now, *(source for source in then if source not in now)]]
        sign = 1 if change["score"] >= score else -1
        strongest = sorted((-delta * sign, source) for delta, source in deltas if delta * sign > 0)
        causes[change["account"]] = [source for _delta, source in strongest[:AT_MOST]]
    return causes
