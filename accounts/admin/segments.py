"""Segments and who is in them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment, SegmentMembership
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly

LATEST = 25


class LatestInline(ReadOnly, admin.TabularInline):
    """The latest stretches of a segment; all of them stand in their own list."""

    model = SegmentMembership
    fields = ("account", "valid_from", "valid_to", "reason", "is_override", "note", "set_by")
    readonly_fields = fields
    extra = 0
    verbose_name_plural = _("latest history")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SegmentMembership]:
        """The 25 latest: a segment may hold any number of accounts."""
        rows = super().get_queryset(request).select_related("account", "segment", "set_by")
        number = (request.resolver_match.kwargs if request.resolver_match else {}).get("object_id")
        latest = SegmentMembership.objects.filter(segment=number).order_by("-valid_from", "-pk") if str(number or "").isdigit() else SegmentMembership.objects.none()
        return rows.filter(pk__in=list(latest.values_list("pk", flat=True)[:LATEST]))


@admin.register(Segment)
class SegmentAdmin(admin.ModelAdmin):
    """Segments in the order in which their rules are asked; rules are written on the page Segments, which checks and previews them."""

    list_display = ("name", "key", "position", "effort_share")
    list_editable = ("position", "effort_share")
    search_fields = ("name", "key")
    inlines = (LatestInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Segment | None = None) -> tuple[str, ...]:
        """The key is what files and rules name it by."""
        return ("key", "rule", "created_at") if obj else ("rule", "created_at")


@admin.register(SegmentMembership)
class SegmentMembershipAdmin(ReadOnly, admin.ModelAdmin):
    """The history of segments; changed on the account, by rules, by import or by the API."""

    list_display = ("account", "segment", "valid_from", "valid_to", "reason", "is_override", "set_by")
    list_filter = ("segment", "reason", "is_override")
    list_select_related = ("account", "segment", "set_by")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
