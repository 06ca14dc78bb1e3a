"""Endpoints of surveys, touchpoints, invitations and answers."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from accounts.models.events import Origin
from accounts.rest.endpoints import Collection, Endpoint, Reading
from accounts.rest.filters import FlagFilter, InstantFilter
from surveys.actions.planning import request_invitation
from surveys.api.serializers import AskBody, DecidedShape, InvitationShape, ResponseShape, SurveyShape, TouchpointShape
from surveys.models import Invitation, Response, Survey, SurveyVersion, Touchpoint
from surveys.models.surveys import SurveyKind
from surveys.programme_state import STATES


class _Configuration(Endpoint):
    """Rows that belong to no customer: whoever has the scope reads them."""

    scope = "surveys"

    def scoped(self) -> QuerySet:
        """All."""
        return self.get_queryset()

    def one(self, queryset: QuerySet, **lookup: Any) -> Any:
        """The row of a look-up. Raises Http404."""
        row = queryset.filter(**lookup).first()
        if row is None:
            raise Http404
        return row


class SurveyFilters(filters.FilterSet):
    """Filters of surveys."""

    key = filters.CharFilter()
    kind = filters.ChoiceFilter(choices=SurveyKind.choices)

    class Meta:
        model = Survey
        fields: list[str] = []


class _Surveys(_Configuration):
    serializer_class = SurveyShape
    queryset = Survey.objects.prefetch_related(Prefetch("versions", SurveyVersion.objects.order_by("-number").prefetch_related("texts")))


class SurveyList(_Surveys, Collection):
    """Surveys."""

    filterset_class = SurveyFilters


class SurveyDetail(_Surveys, Reading):
    """One survey."""


class TouchpointFilters(filters.FilterSet):
    """Filters of touchpoints."""

    key = filters.CharFilter()
    survey = filters.CharFilter(field_name="survey__key")
    event_kind = filters.CharFilter()
    state = filters.ChoiceFilter(choices=[(state, state) for state in STATES], method="in_state")

    class Meta:
        model = Touchpoint
        fields: list[str] = []

    def in_state(self, rows: QuerySet[Touchpoint], name: str, state: str) -> QuerySet[Touchpoint]:
        """Those in a state of a programme's life, as `Touchpoint.state` derives it."""
        return rows.filter(pk__in=[row.pk for row in Touchpoint.objects.all() if row.state == state])


class _Touchpoints(_Configuration):
    serializer_class = TouchpointShape
    queryset = Touchpoint.objects.select_related("survey").prefetch_related("segments")


class TouchpointList(_Touchpoints, Collection):
    """Touchpoints."""

    filterset_class = TouchpointFilters


class TouchpointDetail(_Touchpoints, Reading):
    """One touchpoint."""


class InvitationFilters(filters.FilterSet):
    """Filters of invitations."""

    account = filters.CharFilter(field_name="account__external_id")
    contact = filters.CharFilter(field_name="contact__external_id")
    touchpoint = filters.CharFilter(field_name="touchpoint__key")
    status = filters.MultipleChoiceFilter(choices=Invitation.Status.choices)
    skip_reason = filters.MultipleChoiceFilter(choices=Invitation.SkipReason.choices)
    decided_since = InstantFilter(field_name="decided_at", lookup_expr="gte")
    decided_before = InstantFilter(field_name="decided_at", lookup_expr="lt")

    class Meta:
        model = Invitation
        fields: list[str] = []


class _Invitations(Endpoint):
    serializer_class = InvitationShape
    queryset = Invitation.objects.select_related("touchpoint", "survey_version__survey", "account", "contact__account")

    def scope_for(self, method: str) -> str:
        """Reading is a scope of surveys, asking one of its own."""
        return "invitations:write" if method == "POST" else "surveys:read"


class InvitationList(_Invitations, Collection):
    """Invitations, sent or not."""

    filterset_class = InvitationFilters
    orderings = {"decided_at": ("decided_at", "id"), "-decided_at": ("-decided_at", "-id")}

    @extend_schema(request=AskBody, responses={201: DecidedShape})
    def post(self, request: Request) -> Any:
        """Asks one contact now, subject to all rules: the answer says what was decided and why.

        With an `Idempotency-Key` the same request is one invitation, however often it comes.
        """
        return self.once(request, lambda: self._ask(request))

    def _ask(self, request: Request) -> Answer:
        body = AskBody(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        row, decision = request_invitation(
            contact=asked["contact"], survey=asked.get("survey"), touchpoint=asked.get("touchpoint"), ticket=asked.get("ticket"), now=self.now,
            key=f"{request.auth.pk}:{request.headers['Idempotency-Key']}"[:70] if "Idempotency-Key" in request.headers else "",
            actor_id=self.user.pk, origin=Origin.API,
        )  # fmt: skip
        told = InvitationShape(self.get_queryset().get(pk=row.pk), context=self.get_serializer_context()).data
        due_at = decision.due_at.isoformat() if decision.due_at else None
        return Answer({**told, "outcome": decision.outcome, "reason": decision.reason, "due_at": due_at}, status=201)


class InvitationDetail(_Invitations, Reading):
    """One invitation."""


class ResponseFilters(filters.FilterSet):
    """Filters of answers."""

    kind = filters.ChoiceFilter(choices=SurveyKind.choices)
    survey = filters.CharFilter(field_name="survey__key")
    account = filters.CharFilter(field_name="account__external_id")
    contact = filters.CharFilter(field_name="contact__external_id")
    touchpoint = filters.CharFilter(field_name="touchpoint__key")
    is_suspect = FlagFilter()
    answered_since = InstantFilter(field_name="answered_at", lookup_expr="gte")
    answered_before = InstantFilter(field_name="answered_at", lookup_expr="lt")
    updated_since = InstantFilter(field_name="updated_at", lookup_expr="gte")

    class Meta:
        model = Response
        fields: list[str] = []


class _Responses(Endpoint):
    scope = "surveys"
    serializer_class = ResponseShape
    queryset = Response.objects.select_related("survey", "touchpoint", "account", "contact__account")


class ResponseList(_Responses, Collection):
    """Answers."""

    filterset_class = ResponseFilters
    orderings = {"created_at": ("created_at", "id"), "-created_at": ("-created_at", "-id"), "updated_at": ("updated_at", "id")}


class ResponseDetail(_Responses, Reading):
    """One answer."""
