"""Shapes of what stands beside a ticket's messages: files, people in copy, handle times."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from accounts.rest.fields import ColleagueField, ContactField, InstantField
from accounts.rest.shapes import StrictShape
from tickets.handling import ALL, MOST_SECONDS, handled
from tickets.models import Attachment, Interaction, TicketCopy
from tickets.models.tickets import Channel


class AttachmentShape(serializers.ModelSerializer):
    """A file of a message; `url` answers with its bytes, for a key that may read tickets."""

    url = serializers.SerializerMethodField()
    sha256 = serializers.SerializerMethodField()

    class Meta:
        model = Attachment
        fields = ["id", "name", "media_type", "size", "sha256", "url"]
        read_only_fields = fields

    def get_url(self, row: Attachment) -> str:
        """Where it is downloaded."""
        path = reverse("api-attachment", args=[row.pk])
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request is not None else path

    def get_sha256(self, row: Attachment) -> str:
        """The sum of its bytes."""
        return bytes(row.sha256).hex()


class CopyShape(serializers.ModelSerializer):
    """A contact in copy."""

    contact = ContactField(read_only=True)
    email = serializers.CharField(source="contact.email", read_only=True)
    added_by_email = ColleagueField(source="added_by", read_only=True, allow_null=True)

    class Meta:
        model = TicketCopy
        fields = ["id", "contact", "email", "added_by_email", "created_at"]
        read_only_fields = fields


class CopyBody(StrictShape):
    """A contact of the ticket's account, by its external id."""

    contact = ContactField()


class InteractionShape(serializers.ModelSerializer):
    """One handled contact; `handled_seconds` is its handle time by the rule of its channel."""

    agent_email = serializers.EmailField(read_only=True)
    handled_seconds = serializers.SerializerMethodField()

    class Meta:
        model = Interaction
        fields = ["id", "external_id", "channel", "ended_at", "agent_email", *ALL, "handled_seconds", "concurrency", "abandoned"]
        read_only_fields = fields

    def get_handled_seconds(self, row: Interaction) -> int | None:
        """Talk, hold and wrap-up of a call, session and follow-up of a chat, else the work time."""
        return handled(row.channel, {name: getattr(row, name) for name in ALL})


def _seconds(**more: Any) -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=MOST_SECONDS, required=False, allow_null=True, **more)


class InteractionBody(StrictShape):
    """A handled contact: the times of its channel and of no other."""

    channel = serializers.ChoiceField(choices=Channel.choices)
    ended_at = InstantField(required=False, help_text="Now where it is left out.")
    talk_seconds = _seconds(help_text="phone")
    hold_seconds = _seconds(help_text="phone")
    wrap_seconds = _seconds(help_text="phone")
    session_seconds = _seconds(help_text="chat")
    follow_up_seconds = _seconds(help_text="chat")
    work_seconds = _seconds(help_text="every other channel")
    concurrency = serializers.DecimalField(max_digits=6, decimal_places=2, min_value=0, required=False, allow_null=True, help_text="chat: how many at once")
    external_id = serializers.CharField(max_length=200, required=False)


class RemovedShape(serializers.Serializer):
    """Whether something was there to be taken away."""

    removed = serializers.BooleanField()
