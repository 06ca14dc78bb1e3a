"""What the product itself wrote down, in Django's admin: to be read and searched, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from metrics.models import BacktestRun, ChurnModel, ChurnRisk, ClosedFigure, ClosedMonth, LateChange, Restatement


class _Record(admin.ModelAdmin):
    """A record: shown as it stands, and kept."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the product writes it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What was found stays as it was found."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Pages and restatements refer to it."""
        return False


@admin.register(BacktestRun)
class BacktestRunAdmin(_Record):
    """Backtests of health."""

    list_display = ("model_label", "start", "end", "horizon_days", "status", "made_by", "created_at")
    list_filter = ("status",)
    list_select_related = ("made_by",)


@admin.register(ChurnModel)
class ChurnModelAdmin(_Record):
    """Models of churn risk with their figures; the fitted model itself is long and left out."""

    list_display = ("number", "trained_at", "algorithm", "rows", "churned", "auc", "brier", "refusal")
    exclude = ("fitted",)


@admin.register(ChurnRisk)
class ChurnRiskAdmin(_Record):
    """The risk of each account."""

    list_display = ("account", "probability", "model", "as_of")
    list_select_related = ("account", "model")
    search_fields = ("account__name_search",)
    show_full_result_count = False


@admin.register(ClosedMonth)
class ClosedMonthAdmin(_Record):
    """Months that are closed."""

    list_display = ("month", "closed_at", "basis")


@admin.register(ClosedFigure)
class ClosedFigureAdmin(_Record):
    """Figures of closed months, as first closed and now."""

    list_display = ("month", "kpi", "variant", "segment", "first_value", "value", "restatements", "restated_at")
    list_filter = ("kpi",)
    search_fields = ("kpi",)
    show_full_result_count = False


@admin.register(Restatement)
class RestatementAdmin(_Record):
    """What changed in a closed month, and why."""

    list_display = ("month", "kpi", "variant", "segment", "before_value", "after_value", "cause", "actor", "seen_at")
    list_filter = ("cause", "kpi")
    list_select_related = ("actor",)
    show_full_result_count = False


@admin.register(LateChange)
class LateChangeAdmin(_Record):
    """What was recorded about earlier months, until it is worked off."""

    list_display = ("family", "source", "row", "rows", "cause", "recorded_at", "done")
    list_filter = ("family", "done")
    show_full_result_count = False
