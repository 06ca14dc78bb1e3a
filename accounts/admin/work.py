"""What we owe: work, notes, saved views. Work is done in its pages; here it is looked at."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import Note, SavedView, WorkItem
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnly, admin.ModelAdmin):
    """Work items."""

    list_display = ("account", "type", "reason", "status", "owner", "due_at", "priority", "closed_at")
    list_filter = ("status", "type", "source", "owner__team")
    list_select_related = ("account", "owner")
    search_fields = ("account__name_search", "account__external_id", "reason")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(SavedView)
class SavedViewAdmin(admin.ModelAdmin):
    """Saved views."""

    list_display = ("name", "page", "owner", "shared")
    list_filter = ("page", "shared")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__name")
    autocomplete_fields = ("owner",)


@admin.register(Note)
class NoteAdmin(ReadOnly, admin.ModelAdmin):
    """Notes about accounts."""

    list_display = ("account", "author", "created_at", "pinned")
    list_filter = ("pinned",)
    list_select_related = ("account", "author")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
