"""Targets of KPIs and weekly reports in Django's admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from metrics.kpis.catalogue import CATALOGUE
from metrics.models import KpiSetting, ReportOrder, ReportWeek


class KpiSettingForm(forms.ModelForm):
    """A target: the KPI is chosen from the catalogue, the variant is one of its own."""

    kpi = forms.ChoiceField()

    class Meta:
        model = KpiSetting
        fields = ("kpi", "variant", "segment", "target", "warn", "owner", "note", "valid_from")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # a row that is only looked at has no fields to fill
        if "kpi" in self.fields:
            self.fields["kpi"].label = KpiSetting._meta.get_field("kpi").verbose_name
            self.fields["kpi"].choices = sorted(((name, str(kpi.title)) for name, kpi in CATALOGUE.items()), key=lambda entry: entry[1])  # type: ignore[attr-defined]

    def clean_variant(self) -> str:
        """One of the KPI's variants, or none."""
        variant, kpi = self.cleaned_data.get("variant", ""), CATALOGUE.get(self.cleaned_data.get("kpi", ""))
        if variant and kpi and variant not in kpi.variants:
            raise forms.ValidationError(", ".join(kpi.variants))
        return variant


@admin.register(KpiSetting)
class KpiSettingAdmin(admin.ModelAdmin):
    """Each row is a change: a new one takes the place of the old, which stays as history."""

    form = KpiSettingForm
    list_display = ("kpi", "variant", "segment", "target", "warn", "owner", "valid_from", "changed_at", "changed_by")
    list_filter = ("segment",)
    search_fields = ("kpi", "note")
    list_select_related = ("segment", "owner", "changed_by")
    raw_id_fields = ("owner",)

    def has_change_permission(self, request: HttpRequest, obj: KpiSetting | None = None) -> bool:
        """A change is a new row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: KpiSetting | None = None) -> bool:
        """History stays."""
        return False

    def save_model(self, request: HttpRequest, obj: KpiSetting, form: Any, change: bool) -> None:
        """Notes who changed it."""
        obj.changed_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(ReportOrder)
class ReportOrderAdmin(admin.ModelAdmin):
    """Who gets a weekly report; people order it themselves, an admin may stop it."""

    list_display = ("user", "active", "weekday", "hour", "segment", "owner", "due_at")
    list_filter = ("active", "weekday")
    list_select_related = ("user", "segment", "owner")
    raw_id_fields = ("user", "owner")
    readonly_fields = ("user", "due_at", "weekday", "hour", "cards", "segment", "owner")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Everybody orders their own."""
        return False


@admin.register(ReportWeek)
class ReportWeekAdmin(admin.ModelAdmin):
    """The ledger of reports; nobody edits it."""

    list_display = ("user", "week", "made_at", "mail")
    list_select_related = ("user", "mail")
    date_hierarchy = "week"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Made by the sweep."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: ReportWeek | None = None) -> bool:
        """Read only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ReportWeek | None = None) -> bool:
        """Read only: without its row a week would get a second mail."""
        return False
