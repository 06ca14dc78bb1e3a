"""Closed months: what every KPI came to when its month closed, and each later change of it with its cause."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import ImportBatch, User
from metrics.formulas.numbers import decimal_text

# the group of accounts that are in no segment; no key of a segment has brackets
NO_SEGMENT = "(none)"


def _amount(name: Any) -> models.DecimalField:
    return models.DecimalField(name, max_digits=50, decimal_places=24, null=True)


class ClosedMonth(models.Model):
    """A month whose figures stand, with the zone and currency they were worked out in."""

    month = models.DateField(_("month"), primary_key=True, help_text=_("Its first day."))
    starts_at = models.DateTimeField(_("begins"))
    ends_at = models.DateTimeField(_("ends"))
    basis = models.CharField(_("zone and currency"), max_length=80)
    closed_at = models.DateTimeField(_("closed"))

    class Meta:
        verbose_name = _("closed month")
        verbose_name_plural = _("closed months")
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class ClosedFigure(models.Model):
    """One KPI of one closed month, for everybody or one segment: as first closed, and as it is now.

    Only a logged `Restatement` moves it away from what it was first.
    """

    month = models.ForeignKey(ClosedMonth, verbose_name=_("month"), on_delete=models.CASCADE, related_name="figures")
    kpi = models.CharField(_("KPI"), max_length=40)
    variant = models.CharField(_("variant"), max_length=40)
    segment = models.CharField(_("segment"), max_length=60, blank=True, default="", help_text=_("Empty: everybody."))
    value = _amount(_("value"))
    numerator = _amount(_("numerator"))
    denominator = _amount(_("denominator"))
    parts = models.JSONField(_("parts"), default=dict)
    first_value = _amount(_("value as first closed"))
    first_numerator = _amount(_("numerator as first closed"))
    first_denominator = _amount(_("denominator as first closed"))
    first_parts = models.JSONField(_("parts as first closed"), default=dict)
    flags = ArrayField(models.CharField(max_length=40), verbose_name=_("flags"), default=list)
    closed_at = models.DateTimeField(_("closed"))
    restated_at = models.DateTimeField(_("restated"), null=True)
    restatements = models.PositiveIntegerField(_("times restated"), default=0)

    class Meta:
        verbose_name = _("closed figure")
        verbose_name_plural = _("closed figures")
        ordering = ["-month", "kpi", "segment"]
        constraints = [models.UniqueConstraint(fields=["month", "kpi", "variant", "segment"], name="closed_figure_once")]
        indexes = [models.Index(fields=["kpi", "month"], name="closed_figure_settling", condition=models.Q(flags__contains=["settles_later"]))]

    def __str__(self) -> str:
        return f"{self.month_id:%Y-%m} {self.kpi} {self.segment}".strip() + f": {decimal_text(self.value)}"


class Restatement(models.Model):
    """A figure of a closed month that changed afterwards: before, after and why. Rows are never changed."""

    class Cause(models.TextChoices):
        IMPORT = "import", _("an import")
        UNDO = "undo", _("an import taken back")
        ERASURE = "erasure", _("a person erased")
        API = "api", _("the API or a webhook")
        PERSON = "person", _("somebody changed it")
        SETTING = "setting", _("a setting")
        SETTLED = "settled", _("answers or contacts that came later")
        OTHER = "other", _("recorded later")

    seen_at = models.DateTimeField(_("seen"))
    month = models.DateField(_("month"))
    kpi = models.CharField(_("KPI"), max_length=40)
    variant = models.CharField(_("variant"), max_length=40)
    segment = models.CharField(_("segment"), max_length=60, blank=True, default="")
    before_value = _amount(_("before"))
    after_value = _amount(_("after"))
    # numerator, denominator and the parts that differ
    before = models.JSONField(_("before, in parts"), default=dict)
    after = models.JSONField(_("after, in parts"), default=dict)
    cause = models.CharField(_("cause"), max_length=8, choices=Cause.choices)
    batch = models.ForeignKey(ImportBatch, verbose_name=_("import"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # of a change about one account; by number, since accounts may go
    account_id = models.BigIntegerField(_("account"), null=True, blank=True)
    # all that was recorded about this figure since it stood: source, row, rows, cause; at most ten
    detail = models.JSONField(_("what was recorded"), default=list)

    class Meta:
        verbose_name = _("restatement")
        verbose_name_plural = _("restatements")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["kpi", "-id"], name="restatement_by_kpi"),
            models.Index(fields=["month", "-id"], name="restatement_by_month"),
            models.Index(fields=["cause", "-id"], name="restatement_by_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.kpi}: {decimal_text(self.before_value)} → {decimal_text(self.after_value)}"


class LateChange(models.Model):
    """Something was recorded, changed or taken away that had happened before this month.

    Triggers on the facts write it, one row a statement and family of figures, whoever wrote the
    fact; the sweep works it off. `from_at` and `to_at` bound the instants whose figures may differ
    (no end: all since). `happened_at` is when the last of it happened, where the row tells.
    """

    family = models.CharField(max_length=10)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField(null=True)
    happened_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=60)
    row = models.CharField(max_length=64, blank=True, default="")
    rows = models.BigIntegerField(default=1)
    account_id = models.BigIntegerField(null=True)
    # "import:<batch>", "undo:<batch>", "erasure:<contact>", or empty
    cause = models.CharField(max_length=60, blank=True, default="")
    # the transaction that wrote it
    xact = models.BigIntegerField(default=0)
    recorded_at = models.DateTimeField(db_default=Now())
    # KPIs already recomputed for it, so that a killed sweep goes on
    done = ArrayField(models.CharField(max_length=40), default=list)

    class Meta:
        verbose_name = _("late change")
        verbose_name_plural = _("late changes")
        ordering = ["id"]
        indexes = [models.Index(fields=["xact"], name="late_change_by_xact")]

    def __str__(self) -> str:
        return f"{self.family} {self.from_at:%Y-%m-%d} {self.source}"
