"""Scenarios of the ROI studio in Django's admin: to look at; the studio is made for changing them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from metrics.models import RoiScenario


@admin.register(RoiScenario)
class RoiScenarioAdmin(admin.ModelAdmin):
    """Their figures are frozen, so they are neither added nor changed here; deleting one here is for good."""

    list_display = ("name", "author", "team", "shared", "version", "updated_at", "deleted_at")
    search_fields = ("name", "note")
    list_filter = ("shared",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A scenario is saved in the studio, on live figures."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor changed beside it."""
        return False
