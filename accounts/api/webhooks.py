"""Endpoints of outgoing webhooks: addresses, what was sent to them, and sending it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError as ModelFault
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import webhooks as actions
from accounts.actions.webhook_calls import content_of
from accounts.event_kinds import EVENT_KINDS
from accounts.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.rest.endpoints import Changing, Creating, Endpoint, ordered_by
from accounts.rest.fields import ColleagueField, InstantField
from accounts.rest.filters import FlagFilter
from accounts.rest.problems import of_model
from accounts.rest.shapes import StrictModelShape, StrictShape
from accounts.roles import WRITES_PROGRAMMES

Made = TypeVar("Made")


class WebhookShape(StrictModelShape):
    """An address that is told events. Its secret is told once: when it is made, and when it is changed."""

    left_to_the_action: ClassVar[frozenset[str]] = frozenset()
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=sorted(EVENT_KINDS)), required=False, help_text="Kinds of events; empty: every kind.")
    acts_for_email = ColleagueField(source="acts_for", read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id", "url", "description", "kinds", "active", "acts_for_email", "off_reason", "off_at", "failing_since", "last_success_at", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "off_reason", "off_at", "failing_since", "last_success_at", "version", "created_at", "updated_at"]

    def _run_model_rules(self, row: Any, attrs: dict[str, Any]) -> None:
        """The action's: whom a new one acts for, and its secret, are not the client's to say."""


class NewWebhookShape(WebhookShape):
    """As it is told when it is made."""

    secret = serializers.CharField(read_only=True, help_text="whsec_…; told this once.")

    class Meta(WebhookShape.Meta):
        fields = [*WebhookShape.Meta.fields, "secret"]


class SecretShape(StrictShape):
    """A new secret."""

    secret = serializers.CharField(read_only=True, help_text="whsec_…; told this once.")
    previous_until = serializers.DateTimeField(read_only=True, help_text="Until then what is sent is signed with the secret before as well.")


class AttemptShape(serializers.ModelSerializer):
    """One call."""

    class Meta:
        model = WebhookAttempt
        fields = ["at", "delivered", "answer", "milliseconds"]
        read_only_fields = fields


class DeliveryShape(serializers.ModelSerializer):
    """One event for one address, and how it went so far."""

    event = serializers.IntegerField(source="event_id", read_only=True, allow_null=True)
    attempts = AttemptShape(many=True, read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = ["id", "kind", "event", "status", "answer", "tries", "replays", "next_attempt_at", "created_at", "delivered_at", "attempts"]
        read_only_fields = fields


class OneDeliveryShape(DeliveryShape):
    """The same with the body as it is sent."""

    body = serializers.SerializerMethodField()

    class Meta(DeliveryShape.Meta):
        fields = [*DeliveryShape.Meta.fields, "body"]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_body(self, row: WebhookDelivery) -> dict[str, object]:
        """The body."""
        return content_of(row)


class ReplayBody(StrictShape):
    """Which stretch is sent again."""

    since = InstantField(help_text="Recorded from this instant on, at most 30 days back.")
    until = InstantField(required=False, help_text="Before this instant; default: now.")
    delivered_too = serializers.BooleanField(required=False, default=False, help_text="Also what arrived. Receivers know a repetition by its webhook-id.")


class CountShape(StrictShape):
    """How many will be sent."""

    count = serializers.IntegerField(read_only=True)


class NothingBody(StrictShape):
    """A body that says nothing."""


def _by_action(work: Callable[[], Made]) -> Made:
    """What an action gives. Raises ValidationError with the fields an action refuses."""
    try:
        return work()
    except ModelFault as fault:
        raise serializers.ValidationError(of_model(fault, {})) from fault


class WebhookFilters(filters.FilterSet):
    """Filters of webhooks."""

    active = FlagFilter()

    class Meta:
        model = WebhookEndpoint
        fields: list[str] = []


class _Webhooks(Endpoint):
    scope, row_route = "webhooks", "api-webhook"
    writers = WRITES_PROGRAMMES
    serializer_class: Any = WebhookShape
    queryset: Any = WebhookEndpoint.objects.select_related("acts_for")

    def empty_body(self, request: Request) -> None:
        """Raises ValidationError for a body that says something."""
        NothingBody(data=request.data or {}).is_valid(raise_exception=True)


class WebhookList(_Webhooks, Creating):
    """Outgoing webhooks."""

    filterset_class = WebhookFilters
    orderings = ordered_by("created_at")

    def create(self, values: dict[str, Any]) -> tuple[WebhookEndpoint, bool]:
        """By the action; acts for the key's user."""
        return _by_action(lambda: actions.create_endpoint(fields=values, actor=self.user, now=self.now)), True

    def told(self, row: WebhookEndpoint) -> Any:
        """With its secret."""
        return NewWebhookShape(row, context=self.get_serializer_context()).data

    @extend_schema(responses={201: NewWebhookShape})
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """A new webhook; the answer holds its secret, once."""
        return super().post(request, *args, **kwargs)


class WebhookDetail(_Webhooks, Changing):
    """One outgoing webhook."""

    def change(self, row: WebhookEndpoint, values: dict[str, Any], version: int | None) -> WebhookEndpoint:
        """By the action."""
        return _by_action(lambda: actions.change_endpoint(endpoint_id=row.pk, fields=values, actor=self.user, now=self.now, version=version))

    @extend_schema(responses={204: OpenApiResponse(description="It is gone, with all deliveries.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Removes it with its deliveries."""
        row = self.one(self.get_queryset(), pk=pk)
        actions.remove_endpoint(endpoint_id=row.pk, actor=self.user, now=self.now)
        return Response(status=204)


class WebhookRotate(_Webhooks):
    """A new secret."""

    serializer_class = SecretShape

    @extend_schema(request=NothingBody, responses={200: SecretShape})
    def post(self, request: Request, pk: int) -> Any:
        """Gives it a new secret; for a day it signs with both."""

        def work() -> Response:
            self.empty_body(request)
            row = actions.rotate_secret(endpoint_id=self.one(self.get_queryset(), pk=pk).pk, actor=self.user, now=self.now)
            return Response(SecretShape(row).data)

        return self.once(request, work)


class WebhookTest(_Webhooks):
    """A call to try it."""

    serializer_class = DeliveryShape

    @extend_schema(request=NothingBody, responses={201: DeliveryShape})
    def post(self, request: Request, pk: int) -> Any:
        """Queues a call of type `webhook.test`, which leaves within seconds."""

        def work() -> Response:
            self.empty_body(request)
            row = actions.send_test(endpoint_id=self.one(self.get_queryset(), pk=pk).pk, now=self.now)
            return Response(DeliveryShape(row).data, status=201)

        return self.once(request, work)


class WebhookReplay(_Webhooks):
    """Sending a stretch of time again."""

    serializer_class = ReplayBody

    @extend_schema(request=ReplayBody, responses={200: CountShape})
    def post(self, request: Request, pk: int) -> Any:
        """Sends what failed or was missed since an instant, on request also what arrived."""

        def work() -> Response:
            row = self.one(self.get_queryset(), pk=pk)
            body = self.validated()
            count = _by_action(lambda: actions.replay_since(endpoint_id=row.pk, since=body["since"], until=body.get("until"), delivered_too=body["delivered_too"], now=self.now))
            return Response({"count": count})

        return self.once(request, work)


class DeliveryFilters(filters.FilterSet):
    """Filters of deliveries."""

    status = filters.MultipleChoiceFilter(choices=WebhookDelivery.Status.choices)
    kind = filters.CharFilter()

    class Meta:
        model = WebhookDelivery
        fields: list[str] = []


class _Deliveries(_Webhooks):
    serializer_class = DeliveryShape
    queryset: Any = WebhookDelivery.objects.select_related("endpoint", "event__account", "event__contact").prefetch_related("attempts")

    def get_queryset(self) -> Any:
        """Those of the webhook in the address. Raises Http404 where it is not the user's to see."""
        rows = self.queryset.all()
        if getattr(self, "swagger_fake_view", False):
            return rows
        if not WebhookEndpoint.objects.visible_to(self.user).filter(pk=self.kwargs["pk"]).exists():
            raise Http404
        return rows.filter(endpoint_id=self.kwargs["pk"])


class DeliveryList(_Deliveries):
    """What was sent to one webhook, the newest first."""

    many_rows = True
    filterset_class = DeliveryFilters
    orderings = {"-id": ("-id",), "id": ("id",)}

    def get(self, request: Request, pk: int) -> Response:
        """A page."""
        rows = self.paginate_queryset(self.filter_queryset(self.scoped()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class DeliveryDetail(_Deliveries):
    """One delivery."""

    serializer_class = OneDeliveryShape

    def get(self, request: Request, pk: int, delivery: int) -> Response:
        """With its body and every attempt."""
        return Response(self.get_serializer(self.one(self.get_queryset(), pk=delivery)).data)


class DeliveryReplay(_Deliveries):
    """Sending one again."""

    @extend_schema(request=NothingBody, responses={200: DeliveryShape})
    def post(self, request: Request, pk: int, delivery: int) -> Any:
        """Sends it once more, under the same `webhook-id`; what waits already goes on waiting."""

        def work() -> Response:
            self.empty_body(request)
            row = self.one(self.get_queryset(), pk=delivery)
            actions.replay_deliveries(ids=[row.pk], now=self.now)
            return Response(self.get_serializer(self.get_queryset().get(pk=delivery)).data)

        return self.once(request, work)
