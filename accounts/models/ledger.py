"""The ledger of MRR by calendar month: what reports of months read instead of the spans."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import CurrencyField
from accounts.models.customers import Account
from accounts.querysets import AccountOwnedQuerySet


class _Month(models.Model):
    """A row of an account and a calendar month of the organisation's zone in which something changed.

    `month` counts months: year x 12 + month - 1. Months without a change have no row, so that work is
    proportional to changes. Derived by `accounts.actions.month_ledger`, rewritten per changed account;
    no foreign keys in the database, as the account is locked while its rows are written.
    """

    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    month = models.IntegerField()

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.account_id} {self.month // 12}-{self.month % 12 + 1:02d}"


class MrrMonth(_Month):
    """MRR of an account in one currency after a month in which it changed (default conventions)."""

    class Kind(models.IntegerChoices):
        """What the month was for the account; `MIXED` where it ever paid in two currencies: only rates can tell then."""

        NOTHING = 0, _("nothing")
        NEW = 1, _("new")
        EXPANSION = 2, _("expansion")
        CONTRACTION = 3, _("contraction")
        CHURNED = 4, _("churned")
        REACTIVATION = 5, _("reactivation")
        TRANSIENT = 6, _("came and left")
        MIXED = 7, _("several currencies")

    pk = models.CompositePrimaryKey("account_id", "currency", "month")
    delta_micros = models.BigIntegerField()
    balance_micros = models.BigIntegerField()
    # of the rows of the account's first month: when it first paid
    first_at = models.DateTimeField(null=True)
    kind = models.SmallIntegerField(choices=Kind.choices)
    currency = CurrencyField()

    class Meta:
        verbose_name = _("MRR of a month")
        verbose_name_plural = _("MRR of months")


class ServiceMonth(_Month):
    """How many spans of an account are in force after a month in which that changed, free ones and trials included."""

    pk = models.CompositePrimaryKey("account_id", "month")
    delta = models.IntegerField()
    held = models.IntegerField()

    class Meta:
        verbose_name = _("service of a month")
        verbose_name_plural = _("service of months")


class ChurnMonth(_Month):
    """How often an account lost all its MRR in a month, and whether it chose so the last time.

    Changes within 60 minutes are one. `across`: the first change of the month is that close to one of the month before.
    """

    pk = models.CompositePrimaryKey("account_id", "month")
    events = models.SmallIntegerField()
    involuntary = models.BooleanField()
    across = models.BooleanField()

    class Meta:
        verbose_name = _("churn of a month")
        verbose_name_plural = _("churn of months")


class LedgerRange(models.Model):
    """What a build of the month ledger has to do and has done: ranges of accounts, for one zone.

    The ledger may be read where its zone has ranges and none of them is open.
    """

    zone = models.CharField(_("time zone"), max_length=64)
    low = models.BigIntegerField(_("first account"))
    high = models.BigIntegerField(_("last account"))
    started_at = models.DateTimeField(_("started"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("range of the month ledger")
        verbose_name_plural = _("ranges of the month ledger")
        ordering = ["zone", "low"]
        constraints = [
            models.UniqueConstraint(fields=["zone", "low"], name="ledger_range_once"),
            models.CheckConstraint(condition=Q(high__gte=models.F("low")), name="ledger_range_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.zone} {self.low}–{self.high}"
