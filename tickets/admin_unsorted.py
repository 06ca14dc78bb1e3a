"""Messages that no rule could place, in the administration: to look at. They are decided on in their page."""

from __future__ import annotations

from django.contrib import admin

from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly
from tickets.models import UnsortedMessage


@admin.register(UnsortedMessage)
class UnsortedMessageAdmin(ReadOnly, admin.ModelAdmin):
    """Who wrote, why it waits, what was decided."""

    list_display = ("received_at", "why", "status", "sender_address", "subject", "account", "decided_by")
    list_filter = ("status", "why", "source")
    list_select_related = ("account", "decided_by")
    search_fields = ("external_id", "sender_address")
    # bytes of files are nothing to look at
    exclude = ("files",)
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ("-received_at", "-pk")
