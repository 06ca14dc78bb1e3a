"""What customers do in the product, one row a day, account and feature; and the plans they had before."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account
from accounts.querysets import AccountOwnedQuerySet


class Feature(models.Model):
    """A named part of the product; the empty key stands for use as a whole."""

    key = models.CharField(_("key"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("feature")
        verbose_name_plural = _("features")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key or "–"


class UsageDay(models.Model):
    """Use of one feature by one account on one day of the organisation's zone.

    A table partitioned by month (the migration makes it; `accounts.actions.usage` makes the months),
    keyed account first. No foreign keys in the database: writers check, bulk loads stay fast.
    """

    pk = models.CompositePrimaryKey("account_id", "feature_id", "day")
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="usage_days")
    feature = models.ForeignKey(Feature, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    day = models.DateField()
    count = models.IntegerField()
    users = models.IntegerField(null=True)
    seconds = models.IntegerField(null=True)
    errors = models.IntegerField(null=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "accounts_usageday"
        verbose_name = _("usage")
        verbose_name_plural = _("usage")

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.count}"


class PastPlan(models.Model):
    """A plan that an account had until another took its place; the plan of now stands in the account itself.

    Kept by a trigger, whoever changes the plan. A plan that becomes known where none was is no change: it holds for the past, too.
    """

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="past_plans", db_index=False)
    plan = models.CharField(_("plan"), max_length=120)
    valid_from = models.DateTimeField(_("from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("until"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("past plan")
        verbose_name_plural = _("past plans")
        constraints = [
            models.UniqueConstraint(fields=["account", "valid_to"], name="past_plan_once"),
            models.CheckConstraint(condition=Q(valid_from__isnull=True) | Q(valid_to__gte=F("valid_from")), name="past_plan_in_order"),
        ]
        indexes = [models.Index(fields=["valid_to"], name="past_plan_by_end")]

    def __str__(self) -> str:
        return f"{self.plan} · {self.valid_to:%Y-%m-%d}"
