"""The outbox and the addresses that get no mail."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actions.outbox_orders import let_be, send_again
from accounts.models import Erasure, OutgoingMail, SoftBounce, Suppression
from accounts.paging import CappedPaginator
from accounts.queries.clock import read_clock
from accounts.read_only import ReadOnly


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnly, admin.ModelAdmin):
    """Mails; a person may send again what is uncertain. Texts are not shown: they are the customer's."""

    list_display = ("created_at", "kind", "status", "to_address", "account", "attempt", "next_attempt_at", "sent_at", "reason")
    list_filter = ("status", "kind")
    list_select_related = ("account",)
    search_fields = ("to_address", "message_id", "subject_id")
    exclude = ("body_text", "body_html", "headers")
    show_full_result_count = False
    paginator = CappedPaginator
    actions = ("order_again", "order_rest")

    @admin.action(description=_("Send again (replies, alerts, account access)"), permissions=["view"])
    def order_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Queues the chosen mails once more."""
        self._said(request, send_again(ids=list(queryset.values_list("pk", flat=True)), now=read_clock()))

    @admin.action(description=_("Do not send (replies, alerts, account access)"), permissions=["view"])
    def order_rest(self, request: HttpRequest, queryset: QuerySet[OutgoingMail]) -> None:
        """Takes the chosen mails out of the queue."""
        self._said(request, let_be(ids=list(queryset.values_list("pk", flat=True))))

    def _said(self, request: HttpRequest, count: int) -> None:
        text = ngettext("%(count)d mail changed.", "%(count)d mails changed.", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)


@admin.register(Suppression)
class SuppressionAdmin(ReadOnly, admin.ModelAdmin):
    """Addresses that get no mail; found, stopped and lifted on their own page (/suppressions/)."""

    list_display = ("created_at", "scope", "reason", "until", "source_ref")
    list_filter = ("reason", "scope")
    search_fields = ("source_ref", "scope")
    exclude = ("address_hmac",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(SoftBounce)
class SoftBounceAdmin(ReadOnly, admin.ModelAdmin):
    """Mails that an address could not take just now."""

    list_display = ("occurred_at", "source_ref")
    search_fields = ("source_ref",)
    exclude = ("address_hmac",)
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ("-occurred_at",)


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, admin.ModelAdmin):
    """Who was forgotten, by number alone."""

    list_display = ("contact_id", "source", "requested_at", "erased_at")
    show_full_result_count = False
    paginator = CappedPaginator
    ordering = ("-requested_at",)
