"""What happened, and what came in by file: append-only, so only to be looked at."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import AccountDirty, AccountEvent, AccountSnapshot, Feature, ImportBatch, ImportChange, ImportFile, ImportProfile, ImportRun, PastPlan
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(AccountEvent)
class AccountEventAdmin(ReadOnly, admin.ModelAdmin):
    """The event log."""

    list_display = ("occurred_at", "kind", "account", "origin", "actor", "subject_type", "subject_id")
    list_filter = ("kind", "origin")
    list_select_related = ("account", "actor")
    search_fields = ("account__name_search", "account__external_id", "dedupe_key")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnly, admin.ModelAdmin):
    """Files that were loaded; undone by command."""

    list_display = ("loaded_at", "kind", "file_name", "created", "changed", "unchanged", "rejected", "actor", "undone_at")
    list_filter = ("kind", "profile")
    list_select_related = ("actor",)
    search_fields = ("file_name", "id")
    date_hierarchy = "loaded_at"


@admin.register(ImportChange)
class ImportChangeAdmin(ReadOnly, admin.ModelAdmin):
    """Rows that an import created or changed."""

    list_display = ("batch", "table", "row_key", "created")
    list_filter = ("created",)
    list_select_related = ("batch",)
    search_fields = ("batch__file_name", "table")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnly, admin.ModelAdmin):
    """Imports at the pages, and what came out of them."""

    list_display = ("created_at", "what", "kind", "profile", "state", "rows", "faults", "made_by")
    list_filter = ("what", "state", "kind")
    list_select_related = ("made_by",)
    search_fields = ("id", "profile")
    date_hierarchy = "created_at"


@admin.register(ImportFile)
class ImportFileAdmin(ReadOnly, admin.ModelAdmin):
    """Files that were uploaded; what is in them is not shown."""

    list_display = ("name", "run", "size", "rows")
    list_select_related = ("run",)
    search_fields = ("name",)
    exclude = ("content",)


@admin.register(ImportProfile)
class ImportProfileAdmin(ReadOnly, admin.ModelAdmin):
    """How files of a source are read; saved at the pages."""

    list_display = ("name", "kind", "made_by", "updated_at")
    list_filter = ("kind",)
    list_select_related = ("made_by",)
    search_fields = ("name",)


@admin.register(AccountSnapshot)
class AccountSnapshotAdmin(ReadOnly, admin.ModelAdmin):
    """The columns that lists sort by; written by the recompute alone."""

    list_display = ("account", "owner", "segment", "health", "band", "confidence", "mrr_micros", "stake_micros", "renews_on", "updated_at")
    list_filter = ("band", "segment")
    list_select_related = ("account", "owner", "segment")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(AccountDirty)
class AccountDirtyAdmin(ReadOnly, admin.ModelAdmin):
    """Accounts that wait for a recompute."""

    list_display = ("account", "reason", "marked_at")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("marked_at",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(Feature)
class FeatureAdmin(ReadOnly, admin.ModelAdmin):
    """Features that usage speaks of; they come with the usage."""

    list_display = ("key",)
    search_fields = ("key",)


@admin.register(PastPlan)
class PastPlanAdmin(ReadOnly, admin.ModelAdmin):
    """Plans that accounts had before the present one; kept by a trigger."""

    list_display = ("account", "plan", "valid_from", "valid_to")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
