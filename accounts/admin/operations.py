"""The installation: its parts' signs of life, and the stop switch."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Heartbeat, Installation
from accounts.read_only import Kept, ReadOnly


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, admin.ModelAdmin):
    """Signs of life."""

    list_display = ("part", "beaten_at")
    ordering = ("part",)


@admin.register(Installation)
class InstallationAdmin(Kept, admin.ModelAdmin):
    """The one row about this installation."""

    list_display = ("__str__", "sending_enabled", "sending_note", "updated_at")
    fields = ("sending_enabled", "sending_note", "demo_loaded_at", "updated_at")
    readonly_fields = ("demo_loaded_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Once."""
        return super().has_add_permission(request) and not Installation.objects.exists()
