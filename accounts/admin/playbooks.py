"""Playbooks, their versions, and what they did. They are written in their pages; here they are looked at."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Playbook, PlaybookPass, PlaybookRun, PlaybookStepLog, PlaybookVersion
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(Playbook)
class PlaybookAdmin(ReadOnly, admin.ModelAdmin):
    """Playbooks."""

    list_display = ("name", "key", "active", "number", "activated_at", "updated_at")
    list_filter = ("active",)
    search_fields = ("name", "key")


@admin.register(PlaybookVersion)
class PlaybookVersionAdmin(ReadOnly, admin.ModelAdmin):
    """What a playbook does; published, it never changes."""

    list_display = ("playbook", "number", "hold_out_percent", "published_at", "published_by")
    list_filter = ("playbook",)
    list_select_related = ("playbook", "published_by")


@admin.register(PlaybookRun)
class PlaybookRunAdmin(ReadOnly, admin.ModelAdmin):
    """Playbooks at work."""

    list_display = ("playbook", "account", "status", "position", "started_at", "ended_at", "end_reason")
    list_filter = ("status", "playbook")
    list_select_related = ("playbook", "account")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(PlaybookPass)
class PlaybookPassAdmin(ReadOnly, admin.ModelAdmin):
    """What was looked at and started nothing."""

    list_display = ("playbook", "account", "occasion", "reason", "at")
    list_filter = ("reason", "playbook")
    list_select_related = ("playbook", "account")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(PlaybookStepLog)
class PlaybookStepLogAdmin(ReadOnly, admin.ModelAdmin):
    """What became of each step."""

    list_display = ("run", "step", "kind", "outcome", "reason", "at", "actor")
    list_filter = ("kind", "outcome")
    list_select_related = ("run__playbook", "run__account", "actor")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
