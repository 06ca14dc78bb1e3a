"""What a plan includes, and how complete the facts about each account are."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Feature
from accounts.querysets import AccountOwnedQuerySet


class PlanFeature(models.Model):
    """A feature that a plan includes for a stretch of time. Where somebody chose some for a plan, only those count; else what is used on it.

    Stretches are never rewritten, so that what was adopted on a past day can be worked out for ever.
    """

    plan = models.CharField(_("plan"), max_length=120, blank=True, default="", help_text=_("As it stands at the accounts; empty for those without a plan."))
    feature = models.ForeignKey(Feature, verbose_name=_("feature"), on_delete=models.CASCADE, related_name="+")
    by_hand = models.BooleanField(_("chosen by a person"), default=True)
    valid_from = models.DateTimeField(_("included from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("The first moment at which it is no longer included."))

    class Meta:
        verbose_name = _("feature of a plan")
        verbose_name_plural = _("features of plans")
        ordering = ["plan", "feature", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "feature", "by_hand"], condition=Q(valid_to__isnull=True), name="plan_feature_once"),
            models.CheckConstraint(condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="plan_feature_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.plan or '–'}: {self.feature}"

    def clean(self) -> None:
        """Use as a whole is no feature."""
        super().clean()
        if self.feature_id and not self.feature.key:
            raise ValidationError({"feature": _("The empty feature stands for use as a whole: no plan includes it.")})


class KnownFacts(models.Model):
    """How complete and fresh the facts about a customer are, for lists; worked out daily, and with every score of the account."""

    account = models.OneToOneField(Account, verbose_name=_("account"), primary_key=True, on_delete=models.CASCADE, related_name="known_facts")
    completeness = models.SmallIntegerField(_("completeness, percent"))
    gaps = ArrayField(models.CharField(max_length=12), verbose_name=_("what is missing or stale"), default=list)
    settles_micros = models.BigIntegerField(_("what filling it settles"), default=0, help_text=_("Yearly revenue x the share of facts that are missing."))
    looked_at = models.DateTimeField(_("looked at"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("completeness of facts")
        verbose_name_plural = _("completeness of facts")
        indexes = [models.Index(fields=["-settles_micros", "account"], name="facts_by_worth", condition=Q(completeness__lt=100), include=["completeness"])]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.completeness}"
