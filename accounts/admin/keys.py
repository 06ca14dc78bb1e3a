"""Keys of the API: seen and ended here, never read: only a hash of a key is stored."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.api_keys import revoke_key
from accounts.models import ApiKey, IdempotentRequest
from accounts.paging import CappedPaginator
from accounts.queries.clock import read_clock
from accounts.read_only import ReadOnly


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly, admin.ModelAdmin):
    """Keys."""

    list_display = ("prefix", "name", "user", "scopes", "expires_at", "last_used_at", "revoked_at")
    list_filter = ("user__role",)
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__email")
    fields = ("prefix", "name", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description=_("Revoke"), permissions=["view"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Ends the chosen keys at once."""
        now = read_clock()
        count = sum(revoke_key(key=key, now=now) for key in queryset)
        self.message_user(request, ngettext("%(count)d key revoked.", "%(count)d keys revoked.", count) % {"count": count}, messages.SUCCESS if count else messages.WARNING)


@admin.register(IdempotentRequest)
class IdempotentRequestAdmin(ReadOnly, admin.ModelAdmin):
    """Requests that were sent with an idempotency key; what they held is not shown."""

    list_display = ("created_at", "key_owner", "method_path", "key", "status")
    list_filter = ("status",)
    list_select_related = ("key_owner",)
    search_fields = ("key", "method_path")
    fields = ("created_at", "key_owner", "method_path", "key", "status")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
