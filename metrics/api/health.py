"""Endpoint of an account's health."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from accounts.rest.endpoints import Endpoint
from accounts.rest.shapes import StrictShape
from accounts.sentences import say
from metrics.actions.health_models import rule_of
from metrics.api.serializers import HealthShape
from metrics.churn_risk.listing import risk_context
from metrics.models import HealthModel, HealthScore
from metrics.scoring import score

DAYS, DAYS_AT_MOST = 90, 1_100


class _Window(StrictShape):
    days = serializers.IntegerField(min_value=1, max_value=DAYS_AT_MOST, default=DAYS)


class Health(Endpoint):
    """The health score of an account."""

    scope = "accounts"
    serializer_class = HealthShape
    queryset = Account.objects.all()
    parameters = frozenset({"days"})

    @extend_schema(parameters=[OpenApiParameter("days", OpenApiTypes.INT, description=f"Days of history, 1 to {DAYS_AT_MOST}; default {DAYS}.")], responses={200: HealthShape})
    def get(self, request: Request, pk: int) -> Response:
        """The latest score, what it is made of, why it is so, and the score of every day of the window."""
        account = self.one(Account.objects.select_related("snapshot"), pk=pk)
        window = _Window(data=request.query_params.dict())
        window.is_valid(raise_exception=True)
        today = self.now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
        scores = HealthScore.objects.filter(account_id=account.pk)
        latest = scores.order_by("-day").first()
        history = scores.filter(day__gt=today - dt.timedelta(days=window.validated_data["days"])).order_by("day").values("day", "score", "band")
        model = HealthModel.objects.filter(pk=latest.model_id).prefetch_related("components").first() if latest else None
        snapshot = account.snapshot
        return Response(
            {
                "account": account.external_id,
                "score": latest.score / 100 if latest else None,
                "band": latest.band if latest else None,
                "confidence": latest.confidence if latest else None,
                "scored_on": latest.day if latest else None,
                "score_28_days_before": snapshot.health_before / 100 if latest and snapshot.health_before is not None else None,
                "model": model.key if model else None,
                "model_version": model.number if model else None,
                "why": say(snapshot.why),
                "parts": _parts(latest, model) if latest and model else [],
                "churn_risk": _risk(account.pk),
                "history": [{"day": row["day"], "score": row["score"] / 100, "band": row["band"]} for row in history],
            }
        )


def _risk(account_id: int) -> dict[str, object] | None:
    """The churn risk with its reasons in words; None where the account has none."""
    found = risk_context(account_id)
    if not found:
        return None
    risk = found["risk"]
    return {
        "probability": round(risk.probability, 4), "horizon_days": risk.model.horizon_days, "reasons": [str(reason) for reason in found["risk_reasons"]],
        "model_version": risk.model.number, "as_of": risk.as_of, "told_better_than_chance": found["risk_tells"],
    }  # fmt: skip


def _parts(stored: HealthScore, model: HealthModel) -> list[dict[str, object]]:
    """The components in the model's order; the stored version on the stored inputs gives the stored score again."""
    rule = rule_of(model)
    replayed = score(rule, stored.raws)
    earned = replayed.points if replayed else [None] * len(rule.parts)
    rows = zip(rule.parts, stored.raws, earned, stored.contributions, strict=True)
    return [
        {
            "component": part.source,
            "raw": raw,
            "weight": part.weight,
            "points": points / 100 if points is not None else None,
            "contribution": contribution / 100 if contribution is not None else None,
        }
        for part, raw, points, contribution in rows
    ]
