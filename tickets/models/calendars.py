"""Promises and the hours in which their clocks run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import TimeZoneNameField
from accounts.models import Segment
from tickets.models.tickets import Severity


class ServiceLevel(models.Model):
    """Target times for a severity, possibly of one segment."""

    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices)
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.CASCADE, related_name="service_levels")
    first_reply_seconds = models.PositiveIntegerField(_("first reply, seconds"), null=True, blank=True)
    resolution_seconds = models.PositiveIntegerField(_("resolution, seconds"), null=True, blank=True)
    clock = models.CharField(_("clock"), max_length=8, choices=[("calendar", _("calendar")), ("business", _("business"))], default="calendar")

    class Meta:
        verbose_name = _("service level")
        verbose_name_plural = _("service levels")
        ordering = ["severity", "id"]
        constraints = [models.UniqueConstraint(fields=["severity", "segment"], nulls_distinct=False, name="service_level_once")]

    def __str__(self) -> str:
        return f"{self.severity} {self.segment or ''}".strip()


class BusinessHours(models.Model):
    """One interval of one weekday; it may pass midnight."""

    valid_from = models.DateField(_("valid from"), null=True, blank=True, help_text=_("Empty: always."))
    weekday = models.PositiveSmallIntegerField(_("weekday"), help_text=_("1 is Monday."))
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))
    time_zone = TimeZoneNameField(_("time zone"), blank=True, default="")

    class Meta:
        verbose_name = _("business hours")
        verbose_name_plural = _("business hours")
        ordering = ["valid_from", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__gte=1, weekday__lte=7), name="hours_weekday_1_to_7"),
            models.UniqueConstraint(fields=["valid_from", "weekday", "opens"], nulls_distinct=False, name="hours_once"),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens}–{self.closes}"


class Holiday(models.Model):
    """A day on which no business clock runs."""

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True, default="")

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day} {self.name}".strip()
