"""Funnels in Django's admin."""

from __future__ import annotations

from django.contrib import admin

from metrics.models import Funnel, FunnelStep


class FunnelStepInline(admin.TabularInline):
    """The steps, in order."""

    model = FunnelStep
    extra = 0


@admin.register(Funnel)
class FunnelAdmin(admin.ModelAdmin):
    """Named funnels with their steps; the page of funnels is made for writing them."""

    list_display = ("name", "key", "window_days", "updated_at")
    search_fields = ("name", "key")
    inlines = (FunnelStepInline,)
