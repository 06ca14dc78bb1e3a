"""What accounts went through: one stay for each stretch of time in a lifecycle stage, and how it goes there."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account, LifecycleStage
from accounts.models.people import User
from accounts.models.segments import TstzRange
from accounts.querysets import AccountOwnedQuerySet


class Standing(models.TextChoices):
    """How an account does in its stage; `docs/lifecycle.md` says exactly when it is which."""

    SUCCESSFUL = "successful", _("Successful")
    ON_TRACK = "on_track", _("On track")
    STRUGGLING = "struggling", _("Struggling")
    STUCK = "stuck", _("Stuck")


class StageStay(models.Model):
    """One stretch of time an account spent in a stage. Stays of an account never overlap; the open one is where it is."""

    class Reason(models.TextChoices):
        RULE = "rule", _("by rule")
        HAND = "hand", _("by hand")
        IMPORT = "import", _("by import")
        API = "api", _("by the API")
        KNOWN = "known", _("as it was found")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="stage_stays")
    stage = models.ForeignKey(LifecycleStage, verbose_name=_("stage"), on_delete=models.PROTECT, related_name="stays", db_index=False)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    left_for = models.ForeignKey(LifecycleStage, verbose_name=_("left for"), null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=6, choices=Reason.choices, default=Reason.KNOWN)
    set_by = models.ForeignKey(User, verbose_name=_("set by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    batch_id = models.UUIDField(null=True, blank=True, editable=False)
    # stages whose rules held already when somebody put the account here: they wait until they hold anew; null: not looked at yet
    held = ArrayField(models.CharField(max_length=40), null=True, blank=True, editable=False)
    goals_met = ArrayField(models.CharField(max_length=40), verbose_name=_("goals met"), default=list, blank=True)
    standing = models.CharField(_("standing"), max_length=10, choices=Standing.choices, blank=True, default="")
    # when time alone may change the standing next
    turns_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("stay in a stage")
        verbose_name_plural = _("stays in stages")
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="stay_ends_after_start"),
            models.UniqueConstraint(fields=["account"], condition=Q(valid_to__isnull=True), name="stay_one_open", include=["stage"]),
            ExclusionConstraint(
                name="stay_no_overlap",
                expressions=[("account", RangeOperators.EQUAL), (TstzRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS)],
            ),
        ]
        indexes = [
            # the lists of a stage, longest first
            models.Index(fields=["stage", "standing", "valid_from", "account"], name="stay_by_standing", condition=Q(valid_to__isnull=True)),
            models.Index(fields=["stage", "valid_to"], name="stay_by_end", condition=Q(valid_to__isnull=False)),
            models.Index(fields=["turns_at"], name="stay_by_turn", condition=Q(valid_to__isnull=True, turns_at__isnull=False)),
            models.Index(fields=["batch_id"], name="stay_by_batch", condition=Q(batch_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.stage}"
