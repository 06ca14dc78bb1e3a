"""What customers wrote, as it was read. Topics are written on their own page, where a query can be tried."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import TextClassifier, Topic, TopicTag, Verbatim
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(Topic)
class TopicAdmin(ReadOnly, admin.ModelAdmin):
    """Topics and their queries."""

    list_display = ("name", "name_tr", "key", "number", "active", "created_by")
    list_filter = ("active",)
    search_fields = ("name", "name_tr", "key")
    list_select_related = ("created_by",)


@admin.register(Verbatim)
class VerbatimAdmin(ReadOnly, admin.ModelAdmin):
    """Readings of texts."""

    list_display = ("occurred_at", "source", "account", "language", "sentiment", "sentiment_corrected")
    list_filter = ("source", "language", "sentiment")
    search_fields = ("account__name", "account__external_id")
    list_select_related = ("account",)
    exclude = ("text_search",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(TopicTag)
class TopicTagAdmin(ReadOnly, admin.ModelAdmin):
    """Tags, and what reviewers said of them."""

    list_display = ("created_at", "topic", "by", "sentiment", "verdict", "reviewed_by")
    list_filter = ("topic", "by", "verdict")
    list_select_related = ("topic", "reviewed_by")
    raw_id_fields = ("verbatim",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(TextClassifier)
class TextClassifierAdmin(ReadOnly, admin.ModelAdmin):
    """Trained readers of sentiment."""

    list_display = ("language", "trained_at", "rows", "active", "trained_by")
    list_filter = ("language", "active")
    list_select_related = ("trained_by",)
