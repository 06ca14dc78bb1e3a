"""What plans include, in Django's admin: to be read and searched; the page *Features of plans* is made for choosing."""

from __future__ import annotations

from django.contrib import admin

from accounts.read_only import ReadOnly
from metrics.models import PlanFeature


@admin.register(PlanFeature)
class PlanFeatureAdmin(ReadOnly, admin.ModelAdmin):
    """Stretches of time in which plans include features."""

    list_display = ("plan", "feature", "by_hand", "valid_from", "valid_to")
    list_filter = ("by_hand",)
    search_fields = ("plan", "feature__key")
    list_select_related = ("feature",)
