"""Plans agreed with customers. They are made and changed in their pages; here they are looked at."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import OnboardingPlan, PlanLink, PlanMilestone, PlanStep, PlanTemplate, SuccessMeasurement, SuccessPlan, SuccessReview
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(PlanTemplate)
class PlanTemplateAdmin(ReadOnly, admin.ModelAdmin):
    """What plans are made from."""

    list_display = ("name", "key", "language", "active", "updated_at")
    list_filter = ("active", "language")
    search_fields = ("name", "key")


@admin.register(OnboardingPlan)
class OnboardingPlanAdmin(ReadOnly, admin.ModelAdmin):
    """Onboarding plans."""

    list_display = ("name", "account", "status", "started_at", "completed_at")
    list_filter = ("status", "template")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "account__external_id", "name")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(PlanMilestone)
class PlanMilestoneAdmin(ReadOnly, admin.ModelAdmin):
    """Their milestones."""

    list_display = ("name", "plan", "position", "started_at")
    list_select_related = ("plan",)
    search_fields = ("name",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(PlanStep)
class PlanStepAdmin(ReadOnly, admin.ModelAdmin):
    """Their steps."""

    list_display = ("name", "plan", "required", "side", "due_on", "done_at", "done_how")
    list_filter = ("required", "side", "done_how")
    list_select_related = ("plan",)
    search_fields = ("name",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(PlanLink)
class PlanLinkAdmin(ReadOnly, admin.ModelAdmin):
    """Links to plans; the token itself is kept nowhere."""

    list_display = ("plan", "contact", "issued_at", "expires_at", "revoked_at", "issued_by")
    list_select_related = ("plan", "contact", "issued_by")
    search_fields = ("plan__account__name_search",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(SuccessPlan)
class SuccessPlanAdmin(ReadOnly, admin.ModelAdmin):
    """Success plans."""

    list_display = ("objective", "account", "measure", "current_value", "target_value", "target_on", "status")
    list_filter = ("status", "measure")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "account__external_id", "objective")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(SuccessReview)
class SuccessReviewAdmin(ReadOnly, admin.ModelAdmin):
    """Their reviews."""

    list_display = ("plan", "due_on", "held_at", "held_by", "value")
    list_select_related = ("plan", "held_by")
    search_fields = ("plan__objective",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(SuccessMeasurement)
class SuccessMeasurementAdmin(ReadOnly, admin.ModelAdmin):
    """Their values day by day."""

    list_display = ("plan", "day", "value")
    list_select_related = ("plan",)
    search_fields = ("plan__objective",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
