"""What the sweep of segments leaves behind: how large each segment was on a day, and the ranges of accounts that are being gone through."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Segment


class SegmentSize(models.Model):
    """Accounts and MRR of a segment at the end of a sweep of a day; without a segment those that no rule takes.

    Test accounts and customers who left are not counted. The row of the day is replaced until the day is over.
    """

    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, on_delete=models.CASCADE, related_name="sizes")
    day = models.DateField(_("day"))
    accounts = models.IntegerField(_("accounts"))
    mrr_micros = models.BigIntegerField(_("MRR"), help_text=_("Millionths of the reporting currency."))

    class Meta:
        verbose_name = _("segment size")
        verbose_name_plural = _("segment sizes")
        ordering = ["-day", "segment"]
        constraints = [models.UniqueConstraint(fields=["day", "segment"], name="segment_size_once_a_day", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.segment or '–'} {self.day}: {self.accounts}"


class SegmentRange(models.Model):
    """A range of accounts of the latest sweep over everybody; a sweep that was killed goes on with what is not done."""

    class Reason(models.TextChoices):
        RULES = "rules", _("rules changed")
        DAILY = "daily", _("daily")

    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=5, choices=Reason.choices)
    rules_digest = models.CharField(max_length=64)
    low = models.BigIntegerField(_("first account"))
    high = models.BigIntegerField(_("last account"))
    ordered_at = models.DateTimeField(_("ordered"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    looked_at = models.IntegerField(_("accounts"), default=0)
    moved = models.IntegerField(_("moved"), default=0)

    class Meta:
        verbose_name = _("range of a segment sweep")
        verbose_name_plural = _("ranges of segment sweeps")
        ordering = ["low"]
        indexes = [models.Index(fields=["low"], name="segment_range_open", condition=Q(done_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.day} {self.low}–{self.high}"
