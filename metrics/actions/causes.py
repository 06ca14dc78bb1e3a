"""What moved a score: the parts that explain a band change, for its event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max

from metrics.actions.health_models import rule_of
from metrics.models import HealthModel, HealthScore
from metrics.scoring import Side, explain_change
from metrics.sql.health import ScoredBy

AT_MOST = 3


def causes_of(moved: Sequence[dict[str, Any]], *, models: Mapping[int, ScoredBy], day: dt.date) -> dict[int, list[str]]:
    """The inputs that pushed each account's score the way it went since its last earlier day, the strongest first.

    Accounts without an earlier day have none. Two queries, however many accounts.
    """
    ids = [change["account"] for change in moved]
    last = HealthScore.objects.filter(account_id__in=ids, day__lt=day, day__gte=day - dt.timedelta(days=62)).values("account_id").annotate(last=Max("day"))
    days = {row["account_id"]: row["last"] for row in last}
    if not days:
        return {}
    rows = HealthScore.objects.filter(account_id__in=days, day__in=set(days.values())).values_list("account_id", "day", "model_id", "raws", "score")
    before = {account: (model, raws, score) for account, at, model, raws, score in rows if days[account] == at}
    rules = {entry.id: entry.model for entry in models.values()}
    older = {model for model, _raws, _score in before.values()} - rules.keys()
    rules |= {model.pk: rule_of(model) for model in HealthModel.objects.filter(pk__in=older).prefetch_related("components")}
    causes = {}
    for change in moved:
        if change["account"] not in before:
            continue
        model, raws, score = before[change["account"]]
        old = Side(version=model, model=rules[model], raws=tuple(raws))
        new = Side(version=change["model"], model=rules[change["model"]], raws=tuple(None if raw is None else float(raw) for raw in change["raws"]))
        falls = change["score"] < score
        causes[change["account"]] = [part.source for part in explain_change(old, new) if part.delta and (part.delta < 0) == falls][:AT_MOST]
    return causes
