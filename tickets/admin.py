"""Django's admin of tickets. Tickets are worked in their pages; promises and hours are set in `admin_promises`."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.collation import search_key
from accounts.paging import CappedPaginator
from accounts.read_only import Kept, ReadOnly
from tickets import admin_promises, admin_replies, admin_unsorted  # noqa: F401 - they register their models
from tickets.models import Interaction, Ticket, TicketChange, TicketLink, TicketMessage


class MessageInline(ReadOnly, admin.TabularInline):
    """What was said."""

    model = TicketMessage
    fields = readonly_fields = ("written_at", "author_kind", "author", "contact", "public", "body")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[TicketMessage]:
        """With the names it shows."""
        return super().get_queryset(request).select_related("author", "contact")


class ChangeInline(ReadOnly, admin.TabularInline):
    """The status log."""

    model = TicketChange
    fields = readonly_fields = ("occurred_at", "kind", "actor_kind", "actor", "value_before", "value")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[TicketChange]:
        """With the names it shows."""
        return super().get_queryset(request).select_related("actor")


@admin.register(Ticket)
class TicketAdmin(Kept, admin.ModelAdmin):
    """Tickets. State, people and severity change in the ticket's page, which writes the log."""

    editable = ("subject", "group", "location", "tags", "first_level_solvable", "test")
    list_display = ("__str__", "account", "status", "severity", "channel", "assignee", "opened_at", "solved_at")
    list_filter = ("status", "severity", "channel", "escalated", "spam", "test")
    list_select_related = ("account", "assignee")
    search_fields = ("subject_search", "external_id")
    search_help_text = _("Subject, number, or the whole external id.")
    ordering = ("-opened_at", "-pk")
    show_full_result_count = False
    paginator = CappedPaginator
    inlines = (MessageInline, ChangeInline)

    def get_readonly_fields(self, request: HttpRequest, obj: Ticket | None = None) -> list[str]:
        """All but what no log speaks of."""
        return [field.name for field in Ticket._meta.concrete_fields if field.name not in (*self.editable, "id", "subject_search")]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """By folded subject, number or whole external id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(subject_search__contains=search_key(term)) | Q(external_id=term)
        number = term.removeprefix("#")
        if number.isascii() and number.isdigit() and len(number) < 18:
            found |= Q(pk=int(number))
        return queryset.filter(found), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tickets are opened in their pages."""
        return False


@admin.register(TicketMessage)
class TicketMessageAdmin(ReadOnly, admin.ModelAdmin):
    """Messages, written once."""

    list_display = ("ticket", "written_at", "author_kind", "author", "contact", "public")
    list_filter = ("author_kind", "public")
    list_select_related = ("ticket", "author", "contact")
    search_fields = ("external_id", "ticket__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(TicketChange)
class TicketChangeAdmin(ReadOnly, admin.ModelAdmin):
    """The status log, append-only."""

    list_display = ("ticket", "occurred_at", "kind", "actor_kind", "actor", "value_before", "value")
    list_filter = ("kind", "actor_kind")
    list_select_related = ("ticket", "actor")
    search_fields = ("external_id", "ticket__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(TicketLink)
class TicketLinkAdmin(ReadOnly, admin.ModelAdmin):
    """Tickets that have to do with each other."""

    list_display = ("first", "second", "created_by", "created_at")
    list_select_related = ("first", "second", "created_by")
    search_fields = ("first__external_id", "second__external_id")
    ordering = ("-pk",)


@admin.register(Interaction)
class InteractionAdmin(ReadOnly, admin.ModelAdmin):
    """Handled calls, chats and e-mails; they come by import or by the API."""

    list_display = ("ended_at", "channel", "account", "ticket", "agent", "abandoned")
    list_filter = ("channel", "abandoned")
    list_select_related = ("account", "ticket", "agent")
    search_fields = ("external_id", "agent_email")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
