"""Offers and who speaks for us. They are worked on in their pages; here they are looked at."""

from __future__ import annotations

from django.contrib import admin

from accounts.models import AdvocateAsk, Offer, OfferMatch
from accounts.paging import CappedPaginator
from accounts.read_only import ReadOnly


@admin.register(Offer)
class OfferAdmin(ReadOnly, admin.ModelAdmin):
    """The catalogue."""

    list_display = ("name", "key", "active", "updated_at")
    list_filter = ("active",)
    search_fields = ("name", "key")


@admin.register(OfferMatch)
class OfferMatchAdmin(ReadOnly, admin.ModelAdmin):
    """Accounts that offers fit."""

    list_display = ("offer", "account", "status", "matched_at", "sent_at", "closed_at")
    list_filter = ("status", "offer")
    list_select_related = ("offer", "account")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator


@admin.register(AdvocateAsk)
class AdvocateAskAdmin(ReadOnly, admin.ModelAdmin):
    """Who was asked to speak for us."""

    list_display = ("account", "kind", "asked_at", "asked_by", "answer")
    list_filter = ("kind", "answer")
    list_select_related = ("account", "asked_by")
    search_fields = ("account__name_search", "account__external_id")
    ordering = ("-pk",)
    show_full_result_count = False
    paginator = CappedPaginator
