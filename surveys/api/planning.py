"""The planner by the API: the dry run of a touchpoint, and the forecast of the next 90 days."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from accounts.rest.endpoints import Endpoint
from accounts.rest.fields import InstantField
from accounts.rest.shapes import StrictShape
from surveys.models import Touchpoint
from surveys.queries.dry_run import dry_run
from surveys.queries.forecast import as_json, forecast
from surveys.queries.plan_page import visible_lines


class PlanLineShape(serializers.Serializer):
    """What would be decided about one contact; `local_time` is `due_at` by the clock of `zone`, the contact's."""

    contact = serializers.CharField(allow_null=True)
    account = serializers.CharField()
    touchpoint = serializers.CharField()
    decision = serializers.ChoiceField(choices=["send", "hold", "skip"])
    reason = serializers.CharField()
    due_at = serializers.DateTimeField(allow_null=True)
    local_time = serializers.CharField(allow_null=True)
    zone = serializers.CharField()


class PlanShape(serializers.Serializer):
    """The dry run of one touchpoint."""

    touchpoint = serializers.CharField()
    as_of = serializers.DateTimeField()
    results = PlanLineShape(many=True)


class ForecastDay(serializers.Serializer):
    """What leaves on one day: mails by touchpoint, reminders, and the answers to expect by past rates."""

    day = serializers.DateField()
    mails = serializers.DictField(child=serializers.IntegerField())
    reminders = serializers.IntegerField()
    expected_answers = serializers.FloatField()


class HeldBack(serializers.Serializer):
    """What is foreseen and will not be sent, by touchpoint and rule."""

    touchpoint = serializers.CharField()
    reason = serializers.CharField()
    count = serializers.IntegerField()


class ForecastShape(serializers.Serializer):
    """The next 90 days. Of a very large base only every so many accounts are looked at, and counts are scaled up."""

    as_of = serializers.DateTimeField()
    looks_at_one_account_in = serializers.IntegerField()
    days = ForecastDay(many=True)
    held_back = HeldBack(many=True)


class _AsOf(StrictShape):
    as_of = InstantField(required=False)


class _Planning(Endpoint):
    """Reads about touchpoints, which belong to no customer; what they name is cut to the accounts in scope."""

    scope = "surveys"
    queryset = Touchpoint.objects.all()

    def scoped(self) -> QuerySet[Touchpoint]:
        """All."""
        return Touchpoint.objects.all()


class Plan(_Planning):
    """The dry run of a touchpoint."""

    serializer_class = PlanShape
    parameters = frozenset({"as_of"})

    @extend_schema(parameters=[OpenApiParameter("as_of", OpenApiTypes.DATETIME, description="Look from this instant; default: now.")], responses={200: PlanShape})
    def get(self, request: Request, pk: int) -> Answer:
        """Whom the touchpoint would ask, with the reason of every decision. Nothing is written; only accounts in scope are named."""
        touchpoint = Touchpoint.objects.filter(pk=pk).first()
        if touchpoint is None:
            raise Http404
        asked = _AsOf(data={name: str(value).replace(" ", "+") for name, value in request.query_params.items()})
        asked.is_valid(raise_exception=True)
        as_of = asked.validated_data.get("as_of", self.now)
        lines = visible_lines(self.user, dry_run(as_of=as_of, touchpoint=touchpoint.key))
        results: list[dict[str, Any]] = [
            {**line.fields(), "local_time": line.local_time.isoformat() if line.local_time else None, "zone": line.zone} for line in lines
        ]  # fmt: skip
        return Answer({"touchpoint": touchpoint.key, "as_of": as_of.isoformat(), "results": results})


class ForecastView(_Planning):
    """The forecast of the accounts in scope."""

    serializer_class = ForecastShape

    @extend_schema(responses={200: ForecastShape})
    def get(self, request: Request) -> Answer:
        """What leaves on each of the next 90 days, what answers to expect and what is held back; worked out at most every ten minutes."""
        return Answer(ForecastShape(as_json(forecast(self.user, now=self.now))).data)
