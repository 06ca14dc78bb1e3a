"""Django's admin of what promised times depend on: service levels, business hours, holidays."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from tickets.actions.clocks import restart_clocks
from tickets.clock import Interval, overlap
from tickets.models import BusinessHours, Holiday, ServiceLevel
from tickets.templatetags.promises import span

DAYS = [(number + 1, name) for number, name in WEEKDAYS.items()]
# a promise of less than a minute, or of more than a year, is a slip of the hand
LEAST, MOST = 60, 366 * 86400


class Promised(admin.ModelAdmin):
    """What promised times depend on: a change lets all open tickets be worked out anew."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Saves, and restarts the clocks."""
        super().save_model(request, obj, form, change)
        restart_clocks()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Deletes, and restarts the clocks."""
        super().delete_model(request, obj)
        restart_clocks()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Deletes, and restarts the clocks."""
        super().delete_queryset(request, queryset)
        restart_clocks()


class LevelForm(forms.ModelForm):
    """A level that promises something that can be kept."""

    first_reply_seconds = forms.IntegerField(
        label=_("First reply, seconds"), required=False, min_value=LEAST, max_value=MOST, help_text=_("3600 is an hour, 86400 a day of the calendar. Empty: nothing promised.")
    )
    resolution_seconds = forms.IntegerField(
        label=_("Resolution, seconds"), required=False, min_value=LEAST, max_value=MOST, help_text=_("By the business clock a day of eight hours is 28800.")
    )

    def clean(self) -> dict[str, Any]:
        """Something is promised, and the reply comes no later than the solution."""
        data = super().clean() or {}
        if self.errors:
            return data
        reply, resolution = data.get("first_reply_seconds"), data.get("resolution_seconds")
        if reply is None and resolution is None:
            raise ValidationError(_("Promise at least one of the two times, or delete the level."))
        if reply is not None and resolution is not None and reply > resolution:
            self.add_error("first_reply_seconds", _("The first reply cannot be promised for later than the resolution."))
        return data


@admin.register(ServiceLevel)
class ServiceLevelAdmin(Promised):
    """Promised times by severity and segment."""

    form = LevelForm
    list_display = ("severity", "segment", "first_reply", "resolution", "clock")
    list_filter = ("severity", "segment", "clock")
    list_select_related = ("segment",)
    autocomplete_fields = ("segment",)

    @admin.display(description=_("first reply"), ordering="first_reply_seconds")
    def first_reply(self, level: ServiceLevel) -> str | None:
        """In words; days are of 24 hours."""
        return None if level.first_reply_seconds is None else span(level.first_reply_seconds)

    @admin.display(description=_("resolution"), ordering="resolution_seconds")
    def resolution(self, level: ServiceLevel) -> str | None:
        """In words; days are of 24 hours."""
        return None if level.resolution_seconds is None else span(level.resolution_seconds)


class HoursForm(forms.ModelForm):
    """One interval of a week; those of one beginning and one zone do not overlap."""

    weekday = forms.TypedChoiceField(label=_("Weekday"), choices=DAYS, coerce=int)

    def clean(self) -> dict[str, Any]:
        """No time of the week is entered twice."""
        data = super().clean() or {}
        if self.errors or any(data.get(name) is None for name in ("weekday", "opens", "closes")):
            return data
        mine = _interval(BusinessHours(weekday=data["weekday"], opens=data["opens"], closes=data["closes"], time_zone=data.get("time_zone") or ""))
        for row in BusinessHours.objects.filter(valid_from=data.get("valid_from")).exclude(pk=self.instance.pk):
            if overlap(mine, _interval(row)):
                said = _("This overlaps with %(day)s, %(opens)s to %(closes)s. Change that one, or leave out what both have.")
                values = {"day": WEEKDAYS[row.weekday - 1], "opens": f"{row.opens:%H:%M}", "closes": f"{row.closes:%H:%M}"}
                raise ValidationError(said, code="overlap", params=values)
        return data


def _interval(row: BusinessHours) -> Interval:
    return Interval(row.weekday, row.opens, row.closes, row.time_zone or settings.ORGANISATION_TIME_ZONE)


@admin.register(BusinessHours)
class BusinessHoursAdmin(Promised):
    """Hours in which somebody is there; several a day for a break at noon, past midnight where the end is before the beginning."""

    form = HoursForm
    list_display = ("day", "opens", "closes", "time_zone", "valid_from")
    list_filter = ("weekday", "valid_from")

    @admin.display(description=_("weekday"), ordering="weekday")
    def day(self, row: BusinessHours) -> str:
        """The day by its name."""
        return str(WEEKDAYS[row.weekday - 1])


@admin.register(Holiday)
class HolidayAdmin(Promised):
    """Days on which no business clock runs. `manage.py add-holidays TR 2026` enters those of a country."""

    list_display = ("day", "name")
    search_fields = ("name",)
    date_hierarchy = "day"
