"""Webhooks that go out: seen here, kept at their own pages; a secret is never shown."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly, admin.ModelAdmin):
    """Addresses that are told events."""

    list_display = ("url", "active", "off_reason", "failing_since", "last_success_at", "acts_for")
    list_filter = ("active", "off_reason")
    list_select_related = ("acts_for",)
    search_fields = ("url", "description")
    exclude = ("secret", "previous_secret")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, admin.ModelAdmin):
    """What was sent, or waits."""

    list_display = ("created_at", "kind", "endpoint", "status", "answer", "tries")
    list_filter = ("status",)
    list_select_related = ("endpoint",)
    search_fields = ("kind",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnly, admin.ModelAdmin):
    """Single calls."""

    list_display = ("at", "delivery", "delivered", "answer", "milliseconds")
    list_filter = ("delivered",)
    list_select_related = ("delivery",)
    search_fields = ("answer",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
