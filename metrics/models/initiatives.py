"""Initiatives: what somebody set out to improve, for whom, by when, at what price, and what came of it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import CurrencyField, MoneyField
from accounts.models import Segment, User

# a cost line belongs to an initiative by this tag and its key
TAG = "initiative:"


class Initiative(models.Model):
    """One initiative. Its figures are measured; `measured` is what the last night's run found over the whole base."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    class Direction(models.TextChoices):
        UP = "up", _("should rise")
        DOWN = "down", _("should fall")

    key = models.SlugField(_("key"), max_length=60, unique=True, help_text=_("Cost lines that bear the tag “initiative:key” are its spending."))
    name = models.CharField(_("name"), max_length=120)
    goal = models.TextField(_("goal in words"), max_length=1000)
    kpi = models.CharField(_("measured by"), max_length=40)
    variant = models.CharField(_("variant"), max_length=40, blank=True, default="")
    direction = models.CharField(_("direction"), max_length=4, choices=Direction.choices, default=Direction.UP)
    target = models.DecimalField(
        _("target"), max_digits=20, decimal_places=6, null=True, blank=True, help_text=_("In the figure's own unit: rates as fractions, times in seconds.")
    )
    owner = models.ForeignKey(User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="initiatives")
    status = models.CharField(_("status"), max_length=7, choices=Status.choices, default=Status.PLANNED)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: it goes on."))
    plan_technology = MoneyField(_("planned for technology"), default=0)
    plan_people = MoneyField(_("planned for people"), default=0)
    plan_tools = MoneyField(_("planned for tools"), default=0)
    currency = CurrencyField(_("currency of the plan"))
    # whom it is for; what is empty does not narrow
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="initiatives")
    plan = models.CharField(_("plan"), max_length=120, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    tag = models.CharField(_("tag"), max_length=80, blank=True, default="", help_text=_("Accounts that bear this tag."))
    learned = models.TextField(_("what we learned"), max_length=2000, blank=True, default="")
    measured: Any = models.JSONField(_("measured"), default=dict, blank=True, editable=False)
    measured_at = models.DateTimeField(_("measured at"), null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, verbose_name=_("created by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("initiative")
        verbose_name_plural = _("initiatives")
        ordering = ["-starts_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="initiative_has_name"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="initiative_ends_after_start", violation_error_message=_("It ends before it starts.")
            ),
            models.CheckConstraint(condition=Q(plan_technology__gte=0, plan_people__gte=0, plan_tools__gte=0), name="initiative_plan_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cost_tag(self) -> str:
        """The tag that makes a cost line its spending."""
        return f"{TAG}{self.key}"
