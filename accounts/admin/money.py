"""Money: spans, transactions, the ledger, rates and costs."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from accounts.actions.subscription_ledger import rebuild_ledger
from accounts.actions.subscriptions import change_subscription, create_subscription
from accounts.actions.transactions import change_transaction, create_transaction
from accounts.admin.customers import changed_fields, take_over
from accounts.models import CostEntry, ExchangeRate, LedgerRange, Subscription, SubscriptionChange, Transaction
from accounts.paging import CappedPaginator
from accounts.queries.clock import read_clock
from accounts.read_only import Kept, ReadOnly


@admin.register(Subscription)
class SubscriptionAdmin(Kept, admin.ModelAdmin):
    """Spans of constant terms; starts, changes and ends are told as events."""

    list_display = ("account", "product", "kind", "start", "end", "quantity", "amount", "currency", "interval", "status")
    list_filter = ("status", "kind", "interval", "currency")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "external_id", "subscription", "product")
    autocomplete_fields = ("account",)
    readonly_fields = ("mrr_micros", "version", "created_at", "updated_at")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> tuple[str, ...]:
        """A span stays with its account."""
        return (*self.readonly_fields, "account") if obj else self.readonly_fields  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Subscription, form: forms.ModelForm, change: bool) -> None:
        """Through the actions."""
        fields, now = changed_fields(form), read_clock()
        if change:
            saved = change_subscription(span_id=obj.pk, fields=fields, actor=request.user, now=now)  # type: ignore[arg-type]
        else:
            saved = create_subscription(fields={**fields, "external_id": obj.external_id}, actor=request.user, now=now)  # type: ignore[arg-type]
        rebuild_ledger(account_ids=[saved.account_id])
        take_over(obj, saved)


@admin.register(SubscriptionChange)
class SubscriptionChangeAdmin(ReadOnly, admin.ModelAdmin):
    """The ledger of MRR, derived from the spans."""

    list_display = ("account", "occurred_at", "currency", "delta_micros", "balance_micros")
    list_filter = ("currency",)
    list_select_related = ("account",)
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(LedgerRange)
class LedgerRangeAdmin(ReadOnly, admin.ModelAdmin):
    """How far the build of the ledger by month is."""

    list_display = ("zone", "low", "high", "started_at", "done_at")
    list_filter = ("zone",)


@admin.register(Transaction)
class TransactionAdmin(Kept, admin.ModelAdmin):
    """Purchases, invoices and contracts; what they mean is told as events."""

    list_display = ("account", "occurred_at", "kind", "status", "amount", "currency", "invoice")
    list_filter = ("kind", "status", "currency")
    list_select_related = ("account",)
    search_fields = ("account__name_search", "external_id", "invoice")
    autocomplete_fields = ("account",)
    readonly_fields = ("version", "created_at", "updated_at")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator

    def get_readonly_fields(self, request: HttpRequest, obj: Transaction | None = None) -> tuple[str, ...]:
        """A transaction stays with its account."""
        return (*self.readonly_fields, "account") if obj else self.readonly_fields  # type: ignore[misc]

    def save_model(self, request: HttpRequest, obj: Transaction, form: forms.ModelForm, change: bool) -> None:
        """Through the actions."""
        fields, now = changed_fields(form), read_clock()
        if change:
            saved = change_transaction(transaction_id=obj.pk, fields=fields, actor=request.user, now=now)  # type: ignore[arg-type]
        else:
            saved = create_transaction(fields={**fields, "external_id": obj.external_id}, actor=request.user, now=now)  # type: ignore[arg-type]
        take_over(obj, saved)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin):
    """Rates into the reporting currency, by day."""

    list_display = ("currency", "day", "rate")
    list_filter = ("currency",)
    search_fields = ("currency",)
    date_hierarchy = "day"
    ordering = ("-day", "currency")


@admin.register(CostEntry)
class CostEntryAdmin(admin.ModelAdmin):
    """Costs of the programme."""

    list_display = ("category", "amount", "currency", "start", "end", "segment", "description")
    list_filter = ("category", "segment", "currency")
    list_select_related = ("segment",)
    search_fields = ("external_id", "description")
    autocomplete_fields = ("segment",)
    date_hierarchy = "start"
    ordering = ("-start", "-pk")
