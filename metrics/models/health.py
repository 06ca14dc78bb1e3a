"""Health: what a score is made of, every score with its parts, and the ledger of runs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Segment
from accounts.querysets import AccountOwnedQuerySet


class HealthModel(models.Model):
    """One version of a scoring model; frozen once it has scored. First match wins, by position."""

    key = models.SlugField(_("key"), max_length=60)
    number = models.PositiveIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    segments = models.ManyToManyField(Segment, verbose_name=_("segments"), blank=True, related_name="+", help_text=_("Empty: every account."))
    # lower edges, inside: from here on healthy, from here on watch, below at risk; whole points
    healthy_from = models.PositiveSmallIntegerField(_("healthy from"), default=75)
    watch_from = models.PositiveSmallIntegerField(_("watch from"), default=50)
    activated_at = models.DateTimeField(_("active since"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("health model")
        verbose_name_plural = _("health models")
        ordering = ["position", "key", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["key", "number"], name="health_model_version_once"),
            models.UniqueConstraint(fields=["key"], condition=Q(activated_at__isnull=False, retired_at__isnull=True), name="health_model_one_active"),
            models.CheckConstraint(condition=Q(healthy_from__gt=F("watch_from"), healthy_from__lte=100), name="health_edges_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class HealthComponent(models.Model):
    """One part: a raw input, the values that earn 0 and 100 points, its weight."""

    class Source(models.TextChoices):
        USAGE_TREND = "usage_trend", _("Usage trend")
        LAST_NPS = "last_nps", _("Last NPS")
        CSAT_90D = "csat_90d", _("CSAT, 90 days")
        SEVERE_TICKETS = "severe_tickets", _("Severe tickets")
        DAYS_TO_RENEWAL = "days_to_renewal", _("Days to renewal")
        FAILED_PAYMENTS = "failed_payments", _("Failed payments")
        DAYS_SINCE_SEEN = "days_since_seen", _("Days since last use")
        ACTIVE_DAYS = "active_days", _("Active days of 28")
        DAYS_SINCE_TOUCH = "days_since_touch", _("Days since last touch")
        PULSE = "pulse", _("Pulse of the CSM")
        ADOPTION = "adoption", _("Features adopted, percent")
        SEAT_USE = "seat_use", _("Seats in use, percent")

    class Missing(models.TextChoices):
        LEAVE_OUT = "leave_out", _("leave out and rescale the rest")
        NEUTRAL = "neutral", _("count as 50 points")
        ZERO = "zero", _("count as 0 points")

    model = models.ForeignKey(HealthModel, verbose_name=_("model"), on_delete=models.CASCADE, related_name="components")
    position = models.PositiveSmallIntegerField(_("position"))
    source = models.CharField(_("input"), max_length=16, choices=Source.choices)
    worst = models.FloatField(_("worst value"), help_text=_("Earns 0 points; below best: more is better."))
    best = models.FloatField(_("best value"), help_text=_("Earns 100 points."))
    weight = models.PositiveSmallIntegerField(_("weight"))
    missing = models.CharField(_("without data"), max_length=9, choices=Missing.choices, default=Missing.LEAVE_OUT)
    fresh_days = models.PositiveSmallIntegerField(_("fresh for, days"), null=True, blank=True, help_text=_("Older data counts as missing."))

    class Meta:
        verbose_name = _("health component")
        verbose_name_plural = _("health components")
        ordering = ["model", "position"]
        constraints = [
            models.UniqueConstraint(fields=["model", "position"], name="component_position_once"),
            models.UniqueConstraint(fields=["model", "source"], name="component_source_once"),
            models.CheckConstraint(condition=~Q(worst=F("best")), name="component_has_a_span"),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.weight}"


class HealthScore(models.Model):
    """The score of one account on one day with its parts, in the order of the model's components.

    A table partitioned by month (the migration makes it), the account first in its key. Today's row
    may be replaced, at midnight it freezes. `contributions` are hundredths of a point and sum to
    `score` exactly; null stands for a component that was left out.
    """

    pk = models.CompositePrimaryKey("account_id", "day")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="health_scores")
    day = models.DateField()
    model = models.ForeignKey(HealthModel, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    score = models.SmallIntegerField()
    band = models.CharField(max_length=8)
    confidence = models.SmallIntegerField()
    raws = ArrayField(models.FloatField(null=True))
    contributions = ArrayField(models.SmallIntegerField(null=True))
    computed_at = models.DateTimeField()

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "metrics_healthscore"
        verbose_name = _("health score")
        verbose_name_plural = _("health scores")

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.score / 100}"


class HealthRun(models.Model):
    """The ledger of recomputes: a day and the account ranges done, so that a killed run goes on."""

    day = models.DateField(_("day"))
    low = models.BigIntegerField(_("first account"))
    high = models.BigIntegerField(_("last account"))
    as_of = models.DateTimeField(_("as of"), null=True)
    model_digest = models.CharField(max_length=64)
    started_at = models.DateTimeField(_("started"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    rows = models.IntegerField(_("accounts"), default=0)

    class Meta:
        verbose_name = _("health run")
        verbose_name_plural = _("health runs")
        ordering = ["-day", "low"]
        indexes = [models.Index(fields=["day", "low"], name="health_run_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.low}–{self.high}"
