"""Shapes of tickets, their messages and their moves. Fields are listed one by one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, User
from accounts.rest.fields import AccountField, ColleagueField, ContactField, InstantField, KeyField
from accounts.rest.shapes import StrictModelShape, StrictShape
from accounts.roles import Role
from tickets.api.shapes_beside import AttachmentShape
from tickets.models import Ticket, TicketChange, TicketMessage
from tickets.models.tickets import ActorKind
from tickets.querysets import WORKS_TICKETS
from tickets.state import MOVES


@extend_schema_field(OpenApiTypes.STR)
class TicketAccountField(AccountField):
    """An account by its external id. Agents open tickets for the accounts they see, others for those they may change."""

    def rows(self) -> Any:
        """Where the account is looked for."""
        return Account.objects.visible_to(self.user) if self.user.role == Role.AGENT else super().rows()


@extend_schema_field(OpenApiTypes.EMAIL)
class AgentField(KeyField):
    """A user who works on tickets, by e-mail."""

    model, column = User, "email"

    def rows(self) -> Any:
        """Everybody who may be given tickets."""
        return User.objects.filter(is_active=True, role__in=WORKS_TICKETS)


class TicketShape(StrictModelShape):
    """A ticket. Its state changes by a move (`transitions/`), its clocks by themselves."""

    create_only = ("external_id", "account", "opened_at", "channel", "created_by_kind", "test", "body")
    account = TicketAccountField()
    contact = ContactField(required=False, allow_null=True)
    contact_email = serializers.EmailField(required=False, allow_null=True, write_only=True, max_length=254, help_text="Instead of `contact`; created where it is new.")
    assignee_email = AgentField(source="assignee", required=False, allow_null=True)
    body = serializers.CharField(write_only=True, required=False, max_length=100_000, help_text="The first message; only when the ticket is opened.")
    merged_into: Any = serializers.PrimaryKeyRelatedField(read_only=True)
    allowed_moves = serializers.SerializerMethodField()

    class Meta:
        model = Ticket
        fields = [
            "id", "external_id", "account", "contact", "contact_email", "subject", "body", "category", "channel", "severity", "status", "allowed_moves", "created_by_kind",
            "assignee_email", "group", "location", "opened_at", "first_replied_at", "solved_at", "closed_at", "reopened_at", "first_reply_due_at",
            "resolution_due_at", "replies", "resolutions", "escalated", "spam", "test", "merged_into", "tags", "rating", "rated_at", "version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [
            "id", "status", "first_replied_at", "solved_at", "closed_at", "reopened_at", "first_reply_due_at", "resolution_due_at", "replies", "resolutions",
            "rating", "rated_at", "version", "created_at", "updated_at",
        ]  # fmt: skip
        extra_kwargs = {"opened_at": {"required": False}}

    def get_allowed_moves(self, row: Ticket) -> list[str]:
        """The states it may go to."""
        return sorted(MOVES[row.status])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The words beside the model's own columns are kept out of its rules."""
        beside: dict[str, Any] = {name: attrs.pop(name) for name in ("body", "contact_email") if name in attrs}
        if self.instance is not None and "body" in beside and self.context.get("upsert"):
            # the same request again: the first message was written the first time
            del beside["body"]
        if self.instance is not None and "body" in beside:
            raise serializers.ValidationError({"body": _("Messages are added under messages/.")}, code="immutable")
        if beside.get("contact_email") and attrs.get("contact"):
            raise serializers.ValidationError({"contact_email": _("Name the contact once.")})
        return {**super().validate(attrs), **beside}

    def complete(self, row: Ticket, attrs: dict[str, Any]) -> None:
        """A ticket opened now, for a contact of its account."""
        if self.instance is None and row.opened_at is None:
            row.opened_at = attrs["opened_at"] = self.context["view"].now
        if row.contact is not None and row.contact.account_id != row.account_id:
            raise serializers.ValidationError({"contact": _("The contact is one of another account.")})


class MessageShape(serializers.ModelSerializer):
    """A message of a ticket."""

    author_email = ColleagueField(source="author", read_only=True, allow_null=True)
    contact = ContactField(read_only=True, allow_null=True)
    attachments = AttachmentShape(many=True, read_only=True)

    class Meta:
        model = TicketMessage
        fields = ["id", "external_id", "public", "author_kind", "author_email", "contact", "body", "quoted", "attachments", "written_at"]
        read_only_fields = fields


class MessageBody(StrictShape):
    """What is said: by us (a public reply, or an internal note), or by the customer."""

    body = serializers.CharField(max_length=100_000, trim_whitespace=True)
    author_kind = serializers.ChoiceField(choices=ActorKind.choices, default=ActorKind.AGENT)
    public = serializers.BooleanField(default=True)
    solve = serializers.BooleanField(default=False, help_text="Solves the ticket with this reply.")
    written_at = InstantField(required=False)
    external_id = serializers.CharField(max_length=200, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A customer neither writes notes nor solves."""
        if attrs["author_kind"] == ActorKind.CUSTOMER and (attrs["solve"] or not attrs["public"]):
            raise serializers.ValidationError({"author_kind": _("A customer's message is public and solves nothing.")})
        return attrs


class TransitionShape(serializers.ModelSerializer):
    """One entry of a ticket's log."""

    actor_email = ColleagueField(source="actor", read_only=True, allow_null=True)

    class Meta:
        model = TicketChange
        fields = ["id", "external_id", "kind", "occurred_at", "actor_email", "actor_kind", "value_before", "value"]
        read_only_fields = fields


class TransitionBody(StrictShape):
    """A move of a ticket to another state."""

    to = serializers.ChoiceField(choices=Ticket.Status.choices)
    occurred_at = InstantField(required=False)
    external_id = serializers.CharField(max_length=200, required=False)


class LastedShape(serializers.Serializer):
    """One length of time, in seconds."""

    calendar = serializers.IntegerField(help_text="By the calendar.")
    business = serializers.IntegerField(help_text="In the business hours in force when the ticket was opened.")


class TimesShape(serializers.Serializer):
    """How long things took on a ticket; null until both ends of a length exist, or where they are not known."""

    first_reply = LastedShape(allow_null=True, help_text="Opening to the first public reply of a person.")
    requester_wait = LastedShape(allow_null=True, help_text="Standing as new or open: the customer waits for us.")
    agent_wait = LastedShape(allow_null=True, help_text="Standing as pending: we wait for the customer.")
    on_hold = LastedShape(allow_null=True, help_text="Standing on hold: both wait for somebody else. No part of `requester_wait`.")
    stood_resolved = LastedShape(allow_null=True, help_text="Standing solved or closed before it was reopened.")
    first_resolution = LastedShape(allow_null=True, help_text="Opening to the first resolution.")
    full_resolution = LastedShape(allow_null=True, help_text="Opening to the last resolution, of a ticket that stands resolved: the sum of the four before.")
