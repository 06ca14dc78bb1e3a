"""What stands around work: assumptions of the ranking, calls on renewals, changes of many items."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.actions.work_ranks import change_assumption
from accounts.models import RenewalCall, WorkAssumption, WorkBatch, WorkBatchRow
from accounts.paging import CappedPaginator
from accounts.queries.clock import read_clock
from accounts.read_only import Kept, ReadOnly


@admin.register(WorkAssumption)
class WorkAssumptionAdmin(Kept, admin.ModelAdmin):
    """What an hour of each kind of work is thought to save; ranks follow within a minute or two."""

    list_display = ("type", "saves", "minutes", "changed_by", "changed_at", "ranked_at")
    list_select_related = ("changed_by",)
    readonly_fields = ("type", "changed_by", "changed_at", "ranked_at")

    def has_add_permission(self, *_: Any) -> bool:
        """Never: there is one for each type."""
        return False

    def save_model(self, request: HttpRequest, obj: WorkAssumption, form: Any, change: bool) -> None:
        """Through the action, so that the ranks follow."""
        change_assumption(type=obj.type, saves=obj.saves, minutes=obj.minutes, closes_itself=obj.closes_itself, actor=request.user, now=read_clock())  # type: ignore[arg-type]


@admin.register(RenewalCall)
class RenewalCallAdmin(ReadOnly, admin.ModelAdmin):
    """What was expected of renewals."""

    list_display = ("account", "call", "renews_on", "amount_micros", "made_by", "made_at", "current")
    list_filter = ("call", "current")
    list_select_related = ("account", "made_by")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(WorkBatch)
class WorkBatchAdmin(ReadOnly, admin.ModelAdmin):
    """Changes of many work items."""

    list_display = ("id", "user", "do", "total", "changed", "stale", "state", "created_at", "ended_at")
    list_filter = ("state", "do")
    list_select_related = ("user",)
    search_fields = ("user__name",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(WorkBatchRow)
class WorkBatchRowAdmin(ReadOnly, admin.ModelAdmin):
    """Their rows."""

    list_display = ("batch", "work_item", "version", "state")
    list_filter = ("state",)
    list_select_related = ("batch", "work_item")
    search_fields = ("=work_item__id",)
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
