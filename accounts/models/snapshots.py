"""The read model of the lists: one row an account. Written by metrics only.

Two exceptions, both kept by triggers of the database: a row is made with its account, and `owner`
and `segment` follow the account at once, so that a list is right the moment somebody is assigned.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet


class Band(models.TextChoices):
    """Where a health score lies; the edges belong to the model, the lower one is inside."""

    HEALTHY = "healthy", _("Healthy")
    WATCH = "watch", _("Watch")
    AT_RISK = "at_risk", _("At risk")


class AccountSnapshot(models.Model):
    """The columns that lists sort and filter by. Money in the reporting currency, in millionths."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="snapshot")
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    segment = models.ForeignKey("accounts.Segment", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    # copied by trigger as owner and segment are, so that lists of many need not ask the account
    churned = models.BooleanField(_("Churned"), default=False, db_default=False)
    # hundredths of a point, 0 to 10000
    health = models.IntegerField(_("health"), null=True)
    band = models.CharField(_("band"), max_length=8, choices=Band.choices, blank=True, default="")
    health_before = models.IntegerField(_("health 28 days before"), null=True)
    confidence = models.SmallIntegerField(_("confidence, percent"), null=True)
    scored_on = models.DateField(_("scored on"), null=True)
    mrr_micros = models.BigIntegerField(_("MRR"), default=0)
    stake_micros = models.BigIntegerField(_("value at risk"), default=0, help_text=_("Yearly revenue x how far health is from full."))
    nps = models.SmallIntegerField(_("last NPS"), null=True)
    nps_at = models.DateTimeField(null=True)
    csat_mean = models.DecimalField(_("CSAT, 90 days"), max_digits=4, decimal_places=2, null=True)
    csat_count = models.IntegerField(default=0)
    open_tickets = models.IntegerField(_("open tickets"), default=0)
    severe_tickets = models.IntegerField(_("severe open tickets"), default=0)
    failed_payments = models.IntegerField(_("failed payments, 90 days"), default=0)
    usage_trend = models.DecimalField(_("usage trend"), max_digits=8, decimal_places=4, null=True, help_text=_("28 days against the 28 before: 0.1 is +10 %."))
    last_seen_on = models.DateField(_("last seen"), null=True)
    last_touch_at = models.DateTimeField(_("last touch"), null=True)
    renews_on = models.DateField(_("renewal"), null=True)
    churn_risk = models.DecimalField(_("churn risk"), max_digits=5, decimal_places=4, null=True)
    # a sentence key and its values, as in WorkItem.why
    why = models.JSONField(_("why"), default=dict)
    updated_at = models.DateTimeField(null=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("account snapshot")
        verbose_name_plural = _("account snapshots")
        indexes = [
            models.Index(fields=["-stake_micros", "account"], name="snapshot_by_stake"),
            models.Index(fields=["owner", "-stake_micros", "account"], name="snapshot_by_owner", include=["health", "band", "churned"]),
            models.Index(fields=["owner", "segment", "-stake_micros", "account"], name="snapshot_by_segment", include=["health", "band", "churned"]),
            # the other orders of the list of accounts; a book of one owner is sorted without them
            models.Index(fields=["health", "account"], name="snapshot_by_health"),
            models.Index(fields=["renews_on", "account"], name="snapshot_by_renewal"),
            models.Index(fields=["-mrr_micros", "-account"], name="snapshot_by_mrr"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.health}"


class AccountDirty(models.Model):
    """Accounts whose health inputs changed; the incremental recompute takes them."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.CASCADE, related_name="dirty")
    reason = models.CharField(max_length=40, blank=True, default="")
    marked_at = models.DateTimeField(db_default=models.functions.Now())

    class Meta:
        verbose_name = _("account to recompute")
        verbose_name_plural = _("accounts to recompute")

    def __str__(self) -> str:
        return str(self.account_id)
