"""What people judge beside the score: the CSM's pulse, an override of the band, and decisions where two signs disagree."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, User
from accounts.models.snapshots import Band
from accounts.querysets import AccountOwnedQuerySet

# a pulse older than this says nothing any more
PULSE_DAYS = 90


class Pulse(models.Model):
    """How its CSM judges an account, with the reason; the latest counts, for 90 days."""

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="pulses")
    value = models.PositiveSmallIntegerField(_("pulse"), validators=[MinValueValidator(1), MaxValueValidator(5)], help_text=_("1 is lost, 5 is safe."))
    reason = models.CharField(_("reason"), max_length=500)
    author = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    given_at = models.DateTimeField(_("given"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")
        ordering = ["-given_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=1, value__lte=5), name="pulse_of_five"),
            models.CheckConstraint(condition=~Q(reason=""), name="pulse_has_reason"),
        ]
        indexes = [models.Index(fields=["account", "-given_at"], name="pulse_by_account", include=["value"])]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.value}"


class HealthOverride(models.Model):
    """A band that a person puts beside the computed one until a day, with a reason. The score itself never changes."""

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="health_overrides")
    band = models.CharField(_("band"), max_length=8, choices=Band.choices)
    reason = models.CharField(_("reason"), max_length=500)
    author = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField(_("made"))
    until = models.DateTimeField(_("until"), help_text=_("The first moment at which it no longer holds."))
    ended_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("override of health")
        verbose_name_plural = _("overrides of health")
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_reason"),
            models.CheckConstraint(condition=Q(until__gt=F("made_at")), name="override_ends_later"),
            models.UniqueConstraint(fields=["account"], condition=Q(ended_at__isnull=True), name="override_one_open"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.band}"


class Disagreement(models.TextChoices):
    """Two signs of one account that cannot both be right."""

    PULSE_SCORE = "pulse_score", _("Pulse against score")
    CSAT_NPS = "csat_nps", _("CSAT against NPS")
    USAGE_SENTIMENT = "usage_sentiment", _("Use against sentiment")


class DisagreementDecision(models.Model):
    """What a person made of a disagreement: which sign to trust, and why. It stands until one of the signs changes, 90 days at most."""

    class Trusts(models.TextChoices):
        FIRST = "first", _("the first sign")
        SECOND = "second", _("the second sign")
        NEITHER = "neither", _("neither: find out")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="disagreement_decisions")
    kind = models.CharField(_("kind"), max_length=16, choices=Disagreement.choices)
    trusts = models.CharField(_("what is trusted"), max_length=8, choices=Trusts.choices)
    note = models.CharField(_("reason"), max_length=500)
    # the two signs as they were: another value of either makes it a new question
    first = models.CharField(_("first sign"), max_length=40)
    second = models.CharField(_("second sign"), max_length=40)
    decided_by = models.ForeignKey(User, verbose_name=_("decided by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(_("decided"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision about a disagreement")
        verbose_name_plural = _("decisions about disagreements")
        ordering = ["-decided_at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="decision_has_reason")]
        indexes = [models.Index(fields=["account", "kind", "-decided_at"], name="decision_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}: {self.trusts}"
