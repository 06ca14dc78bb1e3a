"""Initiatives and budgets in the administration."""

from __future__ import annotations

from django.contrib import admin

from metrics.models.budgets import BudgetCategory, BudgetLine
from metrics.models.initiatives import Initiative


@admin.register(Initiative)
class InitiativeAdmin(admin.ModelAdmin):
    """What was set out to do; what came of it is measured, never typed."""

    list_display = ("name", "status", "kpi", "starts_on", "ends_on", "owner")
    list_filter = ("status",)
    search_fields = ("name", "key")
    raw_id_fields = ("owner", "created_by")
    readonly_fields = ("measured", "measured_at", "version")


@admin.register(BudgetLine)
class BudgetLineAdmin(admin.ModelAdmin):
    """What may be spent."""

    list_display = ("year", "quarter", "part", "segment", "amount", "currency", "note")
    list_filter = ("year", "part")
    readonly_fields = ("version",)


@admin.register(BudgetCategory)
class BudgetCategoryAdmin(admin.ModelAdmin):
    """Which part the costs of a category are spent from."""

    list_display = ("category", "part")
