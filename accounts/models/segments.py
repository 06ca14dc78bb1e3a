"""Segments and their history: VIP, core, non-core and potential first, more by the user."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet


class Segment(models.Model):
    """A group of accounts; every account is in at most one at a time, the first whose rule matches."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=100, help_text=_("First match wins, in this order."))
    description = models.CharField(_("description"), max_length=300, blank=True, default="", help_text=_("Who belongs here, and what is done for them."))
    rule = models.JSONField(_("rule"), null=True, blank=True, help_text=_("Empty: nobody enters by rule, only by hand, import or the API."))
    effort_share = models.DecimalField(_("effort budget"), max_digits=5, decimal_places=4, null=True, blank=True, help_text=_("Planned share of the team's time, 0 to 1."))
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(effort_share__isnull=True) | Q(effort_share__gte=0, effort_share__lte=1), name="segment_effort_is_share"),
        ]

    def __str__(self) -> str:
        return str(self.name)


class TstzRange(Func):
    """`tstzrange(from, to, '[)')`."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class SegmentMembership(models.Model):
    """One stretch of time an account spent in a segment, with why."""

    class Reason(models.TextChoices):
        RULE = "rule", _("by rule")
        IMPORT = "import", _("by import")
        OVERRIDE = "override", _("set by hand")
        API = "api", _("by the API")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="segment_history")
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), on_delete=models.PROTECT, related_name="memberships", db_index=False)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("until"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices, default=Reason.RULE)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    is_override = models.BooleanField(_("override"), default=False, help_text=_("Stands until cleared or until its end date, whatever the rules say."))
    override_until = models.DateTimeField(_("override until"), null=True, blank=True)
    set_by = models.ForeignKey(User, verbose_name=_("set by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment membership")
        verbose_name_plural = _("segment memberships")
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")), name="membership_ends_after_start"),
            models.UniqueConstraint(fields=["account"], condition=Q(valid_to__isnull=True), name="membership_one_open"),
            ExclusionConstraint(
                name="membership_no_overlap",
                expressions=[("account", RangeOperators.EQUAL), (TstzRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS)],
            ),
        ]
        indexes = [
            models.Index(fields=["segment", "account"], name="membership_by_segment"),
            # the few that turn by themselves: overrides with an end, and those written down before they begin
            models.Index(fields=["override_until"], name="membership_override_ends", condition=Q(valid_to__isnull=True, is_override=True, override_until__isnull=False)),
            models.Index(fields=["valid_from"], name="membership_planned", condition=Q(valid_from__gt=F("created_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.segment}"
