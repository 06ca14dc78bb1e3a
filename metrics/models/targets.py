"""What the organisation expects of its team: weight and bounds of each component of team performance."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class PerformanceTarget(models.Model):
    """Weight and bounds of one component; a component without a row has the defaults of `metrics.formulas.team`."""

    class Component(models.TextChoices):
        CSAT = "csat", _("Customer satisfaction")
        FCR = "fcr", _("First contact resolution")
        RESOLUTION_TIME = "resolution_time", _("Resolution time")
        FIRST_RESPONSE_TIME = "first_response_time", _("First response time")
        AHT = "aht", _("Average handle time")

    component = models.CharField(_("component"), max_length=20, choices=Component.choices, unique=True)
    weight = models.DecimalField(_("weight"), max_digits=7, decimal_places=2, help_text=_("0 leaves it out."))
    worst = models.DecimalField(_("worst"), max_digits=14, decimal_places=4, help_text=_("Earns 0 points. Shares as fractions, times in seconds."))
    best = models.DecimalField(_("best"), max_digits=14, decimal_places=4, help_text=_("Earns 100 points."))

    class Meta:
        verbose_name = _("target of team performance")
        verbose_name_plural = _("targets of team performance")
        ordering = ["component"]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=0), name="performance_weight_not_negative"),
            models.CheckConstraint(condition=~Q(worst=F("best")), name="performance_bounds_differ"),
        ]

    def __str__(self) -> str:
        return str(self.get_component_display())
