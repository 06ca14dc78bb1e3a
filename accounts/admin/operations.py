"""The installation: its parts' signs of life, and the stop switch."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Heartbeat, Installation, Sandbox
from accounts.read_only import Kept, ReadOnly


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, admin.ModelAdmin):
    """Signs of life."""

    list_display = ("part", "beaten_at")
    ordering = ("part",)


# the sign of a ticket needs its place before the @, which has 64 letters in all
LONGEST_LOCAL_PART = 39


class InstallationForm(forms.ModelForm):
    """Checks that mail can come to the address of tickets with a sign behind its name."""

    class Meta:
        model = Installation
        fields: ClassVar[list[str]] = ["ticket_address"]

    def clean_ticket_address(self) -> str:
        """The address in lower case; empty for none."""
        address = str(self.cleaned_data["ticket_address"]).strip().lower()
        if not address:
            return ""
        validate_email(address)
        local = address.rpartition("@")[0]
        if "+" in local or len(local) > LONGEST_LOCAL_PART:
            raise ValidationError(
                _("What stands before the @ has at most %(most)s letters and no plus sign; the sign of a ticket goes there."), params={"most": LONGEST_LOCAL_PART}
            )
        return address


@admin.register(Installation)
class InstallationAdmin(Kept, admin.ModelAdmin):
    """The one row about this installation."""

    list_display = ("__str__", "sending_enabled", "sending_note", "updated_at")
    form: Any = InstallationForm
    fields = ("sending_enabled", "sending_note", "ticket_address", "demo_loaded_at", "updated_at")
    readonly_fields = ("demo_loaded_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Once."""
        return super().has_add_permission(request) and not Installation.objects.exists()


@admin.register(Sandbox)
class SandboxAdmin(ReadOnly, admin.ModelAdmin):
    """Rehearsals, past and present; they are made and moved on at their page."""

    list_display = ("created_at", "made_by", "state", "accounts", "began_at", "reached_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("made_by",)
    ordering = ("-pk",)
