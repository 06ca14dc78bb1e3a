"""Money and use as facts: spans of subscriptions, transactions, rates, costs."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.fields import CurrencyField, MoneyField
from accounts.models.customers import Account, new_external_id
from accounts.models.segments import Segment, TstzRange
from accounts.money import MICROS, MOST_A_MONTH, monthly_micros
from accounts.querysets import AccountOwnedQuerySet


class Subscription(models.Model):
    """One span of constant terms. A change of terms ends a span and begins another of the same group."""

    class Interval(models.TextChoices):
        DAY = "day", _("day")
        WEEK = "week", _("week")
        MONTH = "month", _("month")
        QUARTER = "quarter", _("quarter")
        HALF_YEAR = "half_year", _("half-year")
        YEAR = "year", _("year")

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        TRIALING = "trialing", _("in trial")
        PAST_DUE = "past_due", _("past due")
        UNPAID = "unpaid", _("unpaid")
        PAUSED = "paused", _("paused")
        CANCELLED = "cancelled", _("cancelled")

    class Kind(models.TextChoices):
        PLAN = "plan", _("plan")
        SEATS = "seats", _("seats")
        SERVICE = "service", _("service")
        INTEGRATION = "integration", _("integration")
        PRODUCT = "product", _("product")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="subscriptions")
    subscription = models.CharField(_("subscription"), max_length=200, blank=True, help_text=_("Groups the spans of one subscription."))
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"), null=True, blank=True, help_text=_("The first moment without service."))
    product = models.CharField(_("product"), max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.PLAN)
    quantity = models.DecimalField(_("quantity"), max_digits=16, decimal_places=4, default=1)
    amount = MoneyField(_("amount"), default=0, help_text=_("Per unit and interval."))
    currency = CurrencyField(_("currency"))
    interval = models.CharField(_("interval"), max_length=9, choices=Interval.choices, default=Interval.MONTH)
    interval_count = models.PositiveSmallIntegerField(_("intervals"), default=1)
    discount_percent = models.DecimalField(_("discount"), max_digits=7, decimal_places=4, default=0)
    discount_forever = models.BooleanField(_("discount without end"), default=False)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.ACTIVE)
    trial_until = models.DateTimeField(_("trial until"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("notice given"), null=True, blank=True)
    paused_from = models.DateTimeField(_("paused from"), null=True, blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    past_due_since = models.DateTimeField(_("past due since"), null=True, blank=True)
    unpaid_at = models.DateTimeField(_("unpaid at"), null=True, blank=True)
    end_reason = models.CharField(_("end reason"), max_length=80, blank=True, default="")
    voluntary = models.BooleanField(_("voluntary"), null=True, blank=True)
    # in force: every discount subtracted; forever: only discounts without end
    mrr_micros = models.BigIntegerField(_("MRR, millionths"), default=0, editable=False)
    mrr_forever_micros = models.BigIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.CheckConstraint(
                condition=Q(end__isnull=True) | Q(end__gte=F("start")), name="span_ends_after_start", violation_error_message=_("The span ends before it starts.")
            ),
            models.CheckConstraint(condition=Q(interval_count__gte=1), name="span_interval_positive"),
            models.CheckConstraint(condition=Q(discount_percent__gte=0, discount_percent__lte=100), name="span_discount_is_percent"),
            models.CheckConstraint(condition=Q(paused_until__isnull=True) | Q(paused_from__isnull=False, paused_until__gte=F("paused_from")), name="span_pause_in_order"),
            ExclusionConstraint(
                name="span_no_overlap",
                expressions=[("account", RangeOperators.EQUAL), ("subscription", RangeOperators.EQUAL), (TstzRange("start", "end", RangeBoundary()), RangeOperators.OVERLAPS)],
                violation_error_message=_("This span overlaps another one of the same subscription."),
            ),
        ]
        indexes = [models.Index(fields=["account", "start"], name="span_by_account", include=["end", "mrr_micros"])]

    def __str__(self) -> str:
        return f"{self.product or self.subscription} · {self.account}"

    def normalise(self) -> None:
        """Fills the group and the two monthly amounts from the terms."""
        self.subscription = self.subscription or self.external_id
        terms: dict[str, Any] = {"amount": self.amount, "quantity": self.quantity, "interval": self.interval, "interval_count": self.interval_count}
        self.mrr_micros = monthly_micros(**terms, discount_percent=self.discount_percent)
        self.mrr_forever_micros = self.mrr_micros if self.discount_forever else monthly_micros(**terms)

    def clean(self) -> None:
        """Derived columns before constraints are checked. An amount below 0 is a credit: it may stand here and is no MRR."""
        super().clean()
        if self.quantity is not None and self.quantity < 0:
            raise ValidationError({"quantity": _("A quantity cannot be below 0.")})
        self.normalise()
        if max(abs(self.mrr_micros), abs(self.mrr_forever_micros)) >= MOST_A_MONTH * MICROS:
            raise ValidationError({"amount": _("The amount a month is more than can be kept.")})

    def save(self, *args: object, **kwargs: object) -> None:
        """Keeps the derived columns true."""
        self.normalise()
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class SubscriptionChange(models.Model):
    """The ledger: MRR of an account in one currency after each instant at which it changed.

    Derived from the spans (default conventions) by `accounts.actions.subscription_ledger`, rewritten
    per changed account. Work on it is proportional to changes, not to accounts x months.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="mrr_changes")
    currency = CurrencyField()
    occurred_at = models.DateTimeField()
    delta_micros = models.BigIntegerField()
    balance_micros = models.BigIntegerField()

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("MRR change")
        verbose_name_plural = _("MRR changes")
        constraints = [models.UniqueConstraint(fields=["account", "currency", "occurred_at"], name="mrr_change_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.occurred_at:%Y-%m-%d} {self.delta_micros}"


class Transaction(models.Model):
    """A purchase, an invoice or a signed contract, paid or not."""

    class Kind(models.TextChoices):
        ORDER = "order", _("order")
        INVOICE = "invoice", _("invoice")
        ONE_TIME = "one_time", _("one-time")
        CONTRACT = "contract", _("contract")

    class Status(models.TextChoices):
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        REFUNDED = "refunded", _("refunded")
        CANCELLED = "cancelled", _("cancelled")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="transactions")
    occurred_at = models.DateTimeField(_("happened"))
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.ORDER)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.SUCCEEDED)
    refunded_amount = MoneyField(_("refunded"), null=True, blank=True)
    refunded_at = models.DateTimeField(_("refunded at"), null=True, blank=True)
    tax = MoneyField(_("tax"), null=True, blank=True)
    shipping = MoneyField(_("shipping"), null=True, blank=True)
    contract_years = models.DecimalField(_("contract years"), max_digits=6, decimal_places=3, null=True, blank=True)
    one_time_fees = MoneyField(_("one-time fees"), null=True, blank=True)
    invoice = models.CharField(_("invoice"), max_length=200, blank=True, default="")
    attempt = models.PositiveSmallIntegerField(_("attempt"), null=True, blank=True)
    failure_code = models.CharField(_("failure code"), max_length=80, blank=True, default="")
    hard_decline = models.BooleanField(_("hard decline"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        indexes = [
            models.Index(fields=["account", "occurred_at"], name="transaction_by_account"),
            models.Index(fields=["account", "occurred_at"], name="transaction_failed", condition=Q(status="failed")),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} · {self.account}"

    def clean(self) -> None:
        """Amounts that no payment can have; imports refuse the same."""
        super().clean()
        amount, back, fees = self.amount, self.refunded_amount, self.one_time_fees
        faults = {
            "amount": (amount is not None and amount < 0, _("An amount cannot be below 0: what was given back stands in the refunded amount.")),
            "refunded_amount": (back is not None and (back < 0 or (amount is not None and back > amount)), _("What was given back lies between 0 and what was paid.")),
            "refunded_at": (bool(self.refunded_at and self.occurred_at and self.refunded_at < self.occurred_at), _("The money came back before it was paid.")),
            "tax": (self.tax is not None and self.tax < 0, _("Tax cannot be below 0.")),
            "shipping": (self.shipping is not None and self.shipping < 0, _("Shipping cannot be below 0.")),
            "contract_years": (self.contract_years is not None and self.contract_years <= 0, _("A contract runs for more than 0 years.")),
            "one_time_fees": (fees is not None and (fees < 0 or (amount is not None and fees > amount)), _("One-time fees lie between 0 and the amount, which holds them.")),
        }
        found = {name: text for name, (wrong, text) in faults.items() if wrong}
        if found:
            raise ValidationError(found)


class ExchangeRate(models.Model):
    """Units of the reporting currency for one unit of another, from a day on."""

    currency = CurrencyField(_("currency"))
    day = models.DateField(_("day"))
    rate = models.DecimalField(_("rate"), max_digits=24, decimal_places=12)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints = [
            models.UniqueConstraint(fields=["currency", "day"], name="rate_once_a_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.day}: {self.rate}"


class CostEntry(models.Model):
    """A cost of the programme, spread evenly over its days."""

    class Category(models.TextChoices):
        TEAM = "team", _("team")
        PROGRAMME = "programme", _("programme")
        ONBOARDING = "onboarding", _("onboarding")
        TRAINING = "training", _("training")
        TOOLS = "tools", _("tools")
        MARKETING = "marketing", _("marketing")
        SUPPORT = "support", _("support")
        QUALITY = "quality", _("quality")
        SERVICE = "service", _("service")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    category = models.CharField(_("category"), max_length=10, choices=Category.choices)
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    start = models.DateField(_("from"))
    end = models.DateField(_("until"), null=True, blank=True, help_text=_("Exclusive. Empty: the whole calendar month of the start."))
    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.PROTECT, related_name="costs")
    tags = ArrayField(models.CharField(max_length=80), verbose_name=_("tags"), default=list, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("cost")
        verbose_name_plural = _("costs")
        constraints = [models.CheckConstraint(condition=Q(end__isnull=True) | Q(end__gt=F("start")), name="cost_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.category} {self.amount} {self.currency}"
