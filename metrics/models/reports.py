"""The weekly report: who wants it when and about what, and which weeks have had theirs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import OutgoingMail, Segment, User


class ReportOrder(models.Model):
    """One person's weekly report. Who has no row gets none."""

    class Weekday(models.IntegerChoices):
        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    user = models.OneToOneField(User, verbose_name=_("reader"), on_delete=models.CASCADE, related_name="report_order")
    active = models.BooleanField(_("is sent"), default=True)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices, default=Weekday.MONDAY)
    hour = models.PositiveSmallIntegerField(_("hour"), default=8, help_text=_("0 to 23, in the reader's time zone."))
    cards = models.JSONField(_("figures"), default=list, blank=True, help_text=_("Names of KPIs; empty: those usual for the role."))
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    owner = models.ForeignKey(User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    due_at = models.DateTimeField(_("next one"), null=True, blank=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("weekly report")
        verbose_name_plural = _("weekly reports")
        ordering = ["user_id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="report_weekday_known"),
            models.CheckConstraint(condition=Q(hour__lte=23), name="report_hour_known"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["due_at"], name="report_due", condition=Q(active=True))]

    def __str__(self) -> str:
        return f"{self.user_id} {self.get_weekday_display()} {self.hour}"


class ReportWeek(models.Model):
    """That a person's report of a week was taken care of: once a person and week, whatever runs twice."""

    user = models.ForeignKey(User, verbose_name=_("reader"), on_delete=models.CASCADE, related_name="report_weeks")
    week = models.DateField(_("week"), help_text=_("Its Monday, in the reader's time zone."))
    mail = models.ForeignKey(OutgoingMail, verbose_name=_("mail"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("week of a report")
        verbose_name_plural = _("weeks of reports")
        ordering = ["-week", "user_id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(fields=["user", "week"], name="report_once_a_week")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.week:%G-W%V}"
