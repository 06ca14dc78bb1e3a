"""Health models and the ledger of runs in Django's admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.queries.clock import read_clock
from metrics import (  # noqa: F401 - registers
    admin_catalogue,
    admin_decisions,
    admin_funnels,
    admin_judgements,
    admin_records,
    admin_roi,
    admin_usage,
)
from metrics.actions.health_models import activate, has_scored, new_version
from metrics.models import Assumption, HealthComponent, HealthModel, HealthRun, LossReason, PerformanceTarget


class HealthComponentFormSet(BaseInlineFormSet):
    """The same rules as the page of the model: two different ends for each part, and something that counts."""

    def clean(self) -> None:
        """Faults at their fields."""
        super().clean()
        kept = [form for form in self.forms if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")]
        for form in kept:
            if form.cleaned_data.get("worst") is not None and form.cleaned_data["worst"] == form.cleaned_data.get("best"):
                form.add_error("best", _("Worst and best are the same: between them nothing could be told apart."))
        if kept and not any(self.errors) and not sum(form.cleaned_data.get("weight") or 0 for form in kept):
            kept[0].add_error("weight", _("The weights sum to nothing: give at least one part a weight."))


class HealthComponentInline(admin.TabularInline):
    """The parts, in order; frozen with their model."""

    model = HealthComponent
    formset = HealthComponentFormSet
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: HealthModel | None = None) -> bool:
        """Not once it has scored."""
        return super().has_add_permission(request, obj) and not (obj and has_scored(obj))

    def has_change_permission(self, request: HttpRequest, obj: HealthModel | None = None) -> bool:
        """Not once it has scored."""
        return super().has_change_permission(request, obj) and not (obj and has_scored(obj))

    def has_delete_permission(self, request: HttpRequest, obj: HealthModel | None = None) -> bool:
        """Not once it has scored."""
        return super().has_delete_permission(request, obj) and not (obj and has_scored(obj))


@admin.register(HealthModel)
class HealthModelAdmin(admin.ModelAdmin):
    """A version that has scored is read-only: change a new version of it and activate that."""

    list_display = ("name", "number", "key", "position", "activated_at", "retired_at")
    list_filter = ("key",)
    filter_horizontal = ("segments",)
    inlines = (HealthComponentInline,)
    actions = ("make_new_version", "make_active")
    readonly_fields = ("number", "activated_at", "retired_at")

    def has_change_permission(self, request: HttpRequest, obj: HealthModel | None = None) -> bool:
        """Not once it has scored."""
        return super().has_change_permission(request, obj) and not (obj and has_scored(obj))

    def has_delete_permission(self, request: HttpRequest, obj: HealthModel | None = None) -> bool:
        """Stored scores are replayed with their version, so it stays."""
        return super().has_delete_permission(request, obj) and not (obj and has_scored(obj))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting many at once would pass by the rule for one."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description=_("Make a new version"), permissions=["add"])
    def make_new_version(self, request: HttpRequest, queryset: QuerySet[HealthModel]) -> None:
        """Copies the chosen versions under their next numbers."""
        for model in queryset:
            self.message_user(request, _("%(model)s was made; it scores once it is activated.") % {"model": new_version(model=model)}, messages.SUCCESS)

    @admin.action(description=_("Activate, in place of the version that scores now"), permissions=["add"])
    def make_active(self, request: HttpRequest, queryset: QuerySet[HealthModel]) -> None:
        """Activates the chosen version; one a key."""
        now = read_clock()
        if queryset.values("key").distinct().count() < queryset.count():
            self.message_user(request, _("Choose one version of a model."), messages.ERROR)
            return
        for model in queryset:
            if not model.components.filter(weight__gt=0).exists():
                self.message_user(request, _("%(model)s has no part with a weight.") % {"model": model}, messages.ERROR)
                continue
            activate(model=model, now=now)
            self.message_user(request, _("%(model)s scores from now on.") % {"model": model}, messages.SUCCESS)


@admin.register(HealthRun)
class HealthRunAdmin(admin.ModelAdmin):
    """What ran; nobody edits it."""

    list_display = ("day", "as_of", "low", "high", "rows", "started_at", "done_at")
    date_hierarchy = "day"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Runs are made by running."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: HealthRun | None = None) -> bool:
        """Read only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: HealthRun | None = None) -> bool:
        """Read only."""
        return False


@admin.register(PerformanceTarget)
class PerformanceTargetAdmin(admin.ModelAdmin):
    """What the team is measured by; components without a row have the defaults."""

    list_display = ("component", "weight", "worst", "best")


@admin.register(Assumption)
class AssumptionAdmin(admin.ModelAdmin):
    """What figures of value assume; a question may bring its own."""

    list_display = ("name", "value", "source", "updated_at")


@admin.register(LossReason)
class LossReasonAdmin(admin.ModelAdmin):
    """Which losses could have been avoided; the revenue page tells them apart."""

    list_display = ("reason", "avoidable", "note")
    list_filter = ("avoidable",)
    search_fields = ("reason",)
