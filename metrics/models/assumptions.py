"""Assumptions of the organisation that figures of value rest on where a question does not bring its own."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Assumption(models.Model):
    """One number; what has no row is not assumed, or has the default that the figure's definition names."""

    class Name(models.TextChoices):
        MARGIN = "margin", _("gross margin, 0 to 1")
        DISCOUNT_RATE = "discount_rate", _("discount rate a year, 0.1 is 10 %")
        LIFESPAN_MONTHS = "lifespan_months", _("average lifespan of a customer, months")
        ACTIVITY_MONTHS = "activity_months", _("months without an order after which a customer is lost")

    name = models.CharField(_("assumption"), max_length=20, choices=Name.choices, unique=True)
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=6)
    source = models.CharField(_("where it comes from"), max_length=200, blank=True, default="")
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("assumption")
        verbose_name_plural = _("assumptions")
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(value__gte=0), name="assumption_not_negative")]

    def __str__(self) -> str:
        return str(self.get_name_display())

    def clean(self) -> None:
        """A margin is at most 1, months of activity are whole and at least 1."""
        super().clean()
        if self.value is None:
            return
        if self.name == self.Name.MARGIN and self.value > 1:
            raise ValidationError({"value": _("A margin lies between 0 and 1: 0.8 is 80 %.")})
        if self.name == self.Name.ACTIVITY_MONTHS and (self.value < 1 or self.value != int(self.value)):
            raise ValidationError({"value": _("A whole number of months, at least 1.")})
