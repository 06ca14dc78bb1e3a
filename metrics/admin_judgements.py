"""What people judged about health, in Django's admin: to be read and searched; the pages are made for writing it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from metrics.models import DisagreementDecision, HealthOverride, Pulse


class _ReadOnly(admin.ModelAdmin):
    """A record of what somebody said: shown as it stands."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The account's page is where it is said."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What was said stays as it was said."""
        return False


@admin.register(Pulse)
class PulseAdmin(_ReadOnly):
    """Pulses of the CSMs."""

    list_display = ("account", "value", "reason", "author", "given_at")
    list_filter = ("value",)
    search_fields = ("account__name_search", "reason")
    list_select_related = ("account", "author")
    date_hierarchy = "given_at"


@admin.register(HealthOverride)
class HealthOverrideAdmin(_ReadOnly):
    """Bands that people put beside the computed ones."""

    list_display = ("account", "band", "reason", "author", "made_at", "until", "ended_at")
    list_filter = ("band",)
    search_fields = ("account__name_search", "reason")
    list_select_related = ("account", "author")


@admin.register(DisagreementDecision)
class DisagreementDecisionAdmin(_ReadOnly):
    """Which of two signs was trusted, and why."""

    list_display = ("account", "kind", "trusts", "note", "decided_by", "decided_at")
    list_filter = ("kind", "trusts")
    search_fields = ("account__name_search", "note")
    list_select_related = ("account", "decided_by")
