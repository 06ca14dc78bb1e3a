"""Shapes of surveys, touchpoints, invitations and answers. Fields are listed one by one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Contact
from accounts.rest.fields import AccountField, ContactField, KeyField, SegmentField
from accounts.rest.shapes import StrictShape
from surveys.models import Invitation, Response, Survey, SurveyVersion, Touchpoint
from surveys.programme_state import STATES


@extend_schema_field(OpenApiTypes.STR)
class SurveyField(KeyField):
    """A survey by its key."""

    model, column = Survey, "key"

    def rows(self) -> Any:
        """All."""
        return Survey.objects.all()


@extend_schema_field(OpenApiTypes.STR)
class TouchpointField(KeyField):
    """A touchpoint by its key."""

    model, column = Touchpoint, "key"

    def rows(self) -> Any:
        """All."""
        return Touchpoint.objects.all()


@extend_schema_field(OpenApiTypes.STR)
class AskedContactField(ContactField):
    """A contact by its external id, of an account the user may change."""

    def rows(self) -> Any:
        """Whom the user may ask."""
        return Contact.objects.changeable_by(self.user)


class VersionShape(serializers.ModelSerializer):
    """A scale. Once published it never changes."""

    languages = serializers.SerializerMethodField()

    class Meta:
        model = SurveyVersion
        fields = ["id", "number", "scale_min", "scale_max", "direction", "low_score", "published_at", "languages"]
        read_only_fields = fields

    def get_languages(self, row: SurveyVersion) -> list[str]:
        """The languages it is written in."""
        return sorted(text.language for text in row.texts.all())


class SurveyShape(serializers.ModelSerializer):
    """A survey with its versions, the newest first."""

    versions = VersionShape(many=True, read_only=True)

    class Meta:
        model = Survey
        fields = ["id", "key", "name", "kind", "versions", "created_at"]
        read_only_fields = fields


class TouchpointShape(serializers.ModelSerializer):
    """A moment at which a survey is sent."""

    survey = SurveyField(read_only=True)
    segments = SegmentField(many=True, read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    state = serializers.ChoiceField(choices=STATES, read_only=True, help_text="Where the programme is in its life; only an active one asks.")
    conditions = serializers.DictField(read_only=True)

    class Meta:
        model = Touchpoint
        fields = [
            "id", "key", "name", "survey", "event_kind", "every_days", "audience", "delay_minutes", "valid_hours", "window_from", "window_until", "weekdays",
            "segments", "sampling", "cool_down_days", "gap_days", "daily_cap", "respects_holidays", "reminder_after_days", "link_days", "priority", "conditions", "state",
            "version", "submitted_at", "activated_at", "paused_at", "ended_at", "is_active", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class InvitationShape(serializers.ModelSerializer):
    """A decision about one contact: asked, or not and why."""

    touchpoint = TouchpointField(read_only=True, allow_null=True)
    survey = SurveyField(source="survey_version.survey", read_only=True, allow_null=True, default=None)
    account = AccountField(read_only=True)
    contact = ContactField(read_only=True, allow_null=True)
    event = serializers.IntegerField(source="event_id", read_only=True, allow_null=True)
    decision = serializers.DictField(read_only=True, help_text="The rule that decided, its value and limit.")

    class Meta:
        model = Invitation
        fields = [
            "id", "touchpoint", "survey", "account", "contact", "event", "status", "skip_reason", "decision", "ticket_id", "language", "decided_at",
            "not_before", "valid_until", "sent_at", "bounced_at", "answered_at",
        ]  # fmt: skip
        read_only_fields = fields


class AskBody(StrictShape):
    """Whom to ask, and what: a survey, or a touchpoint whose rules then hold."""

    contact = AskedContactField()
    survey = SurveyField(required=False)
    touchpoint = TouchpointField(required=False)
    ticket = serializers.CharField(required=False, max_length=200, help_text="What is asked about, as its own system names it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of survey and touchpoint."""
        if ("survey" in attrs) == ("touchpoint" in attrs):
            raise serializers.ValidationError({"survey": _("Name either a survey or a touchpoint.")})
        return attrs


class DecidedShape(InvitationShape):
    """An invitation just decided: `send` now, `hold` until `due_at`, or `skip` for a reason."""

    outcome = serializers.ChoiceField(choices=["send", "hold", "skip"], read_only=True)
    reason = serializers.CharField(read_only=True)
    due_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta(InvitationShape.Meta):
        fields = [*InvitationShape.Meta.fields, "outcome", "reason", "due_at"]
        read_only_fields = fields


class ResponseShape(serializers.ModelSerializer):
    """An answer; its scale travels with it."""

    survey = SurveyField(read_only=True)
    touchpoint = TouchpointField(read_only=True, allow_null=True)
    account = AccountField(read_only=True, allow_null=True)
    contact = ContactField(read_only=True, allow_null=True)
    invitation = serializers.UUIDField(source="invitation_id", read_only=True, allow_null=True)

    class Meta:
        model = Response
        fields = [
            "id", "external_id", "survey", "kind", "touchpoint", "touchpoint_label", "account", "contact", "invitation", "respondent", "invited_at", "answered_at",
            "bounced", "score", "scale_min", "scale_max", "direction", "comment", "reasons", "reason_detail", "call_me", "language", "ticket_id",
            "rated_object", "agent_email", "state", "test", "is_suspect", "origin", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields
