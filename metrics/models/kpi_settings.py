"""What the organisation wants of a KPI and who answers for it: target, warning line, owner, from a day on."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment, User


class KpiSetting(models.Model):
    """Target and owner of a KPI, or of one variant or segment of it.

    Rows are never changed: a change is a new row, and the one in force on a day is the latest that is
    valid by then. So the rows of a KPI are its history.
    """

    kpi = models.CharField(_("KPI"), max_length=40)
    variant = models.CharField(_("variant"), max_length=40, blank=True, default="", help_text=_("Empty: the default one."))
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text=_("Empty: all customers."))
    target = models.DecimalField(
        _("target"), max_digits=20, decimal_places=6, null=True, blank=True, help_text=_("In the unit of the KPI: shares as fractions (0.05 is 5 %), times in seconds.")
    )
    warn = models.DecimalField(_("warning line"), max_digits=20, decimal_places=6, null=True, blank=True, help_text=_("Worse than this needs a word of explanation."))
    owner = models.ForeignKey(User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    valid_from = models.DateField(_("valid from"))
    changed_at = models.DateTimeField(_("changed"), auto_now_add=True)
    changed_by = models.ForeignKey(User, verbose_name=_("changed by"), null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("target of a KPI")
        verbose_name_plural = _("targets of KPIs")
        ordering = ["kpi", "-valid_from", "-id"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["kpi", "variant", "-valid_from", "-id"], name="kpi_setting_in_force")]

    def __str__(self) -> str:
        return f"{self.kpi} {self.valid_from:%Y-%m-%d}"

    def clean(self) -> None:
        """A target comes with a day; a warning line comes with a target."""
        super().clean()
        if self.warn is not None and self.target is None:
            raise ValidationError({"warn": _("A warning line needs a target.")})
        if self.valid_from is not None and self.valid_from < dt.date(1970, 1, 2):
            raise ValidationError({"valid_from": _("This day is too long ago.")})
