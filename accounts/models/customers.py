"""Customers: accounts, the people there, and the stages of their life."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.collation import search_key, sort_key
from accounts.fields import CurrencyField, MoneyField, TimeZoneNameField
from accounts.models.people import User, normalise_email
from accounts.querysets import AccountQuerySet, ContactQuerySet


def new_external_id() -> str:
    """An external id for rows that were born here."""
    return f"vefa-{uuid.uuid4()}"


class LifecycleStage(models.Model):
    """A stage of a customer's life; the shipped ones can be joined by more.

    Rules are in the language of `accounts.rules`; without a start rule a stage is entered by hand, by an
    import, by the API, or from a stage that leads to it. A goal is `{"key", "name", "rule"}`.
    """

    key = models.SlugField(_("key"), primary_key=True, max_length=40)
    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    start_rule = models.JSONField(_("start rule"), null=True, blank=True)
    end_rule = models.JSONField(_("end rule"), null=True, blank=True)
    next_stage = models.ForeignKey(
        "self", verbose_name=_("leads to"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text=_("Where accounts go whose end rule is met.")
    )
    expected_days = models.PositiveSmallIntegerField(_("expected length in days"), null=True, blank=True)
    goals = models.JSONField(_("goals"), default=list, blank=True)
    is_leaving = models.BooleanField(_("customers leave here"), default=False, help_text=_("On their way out, or gone: nobody here is successful or stuck."))
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("lifecycle stage")
        verbose_name_plural = _("lifecycle stages")
        ordering = ["position", "key"]
        constraints = [
            models.CheckConstraint(condition=Q(expected_days__isnull=True) | Q(expected_days__gte=1), name="stage_takes_a_day"),
            models.CheckConstraint(condition=Q(next_stage__isnull=True) | ~Q(next_stage=models.F("key")), name="stage_leads_elsewhere"),
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A customer company (or person). The external id is the key other systems know it by."""

    class BusinessModel(models.TextChoices):
        SUBSCRIPTION = "subscription", _("Subscription")
        ECOMMERCE = "ecommerce", _("E-commerce")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    name = models.CharField(_("name"), max_length=200)
    name_sort = models.CharField(max_length=400, editable=False, db_collation="C")
    name_search = models.CharField(max_length=400, editable=False, db_collation="C")
    domain = models.CharField(_("domain"), max_length=253, blank=True, default="")
    # keys without an index of their own, here and below: one of the listed ones begins with it, and every one costs each write
    owner = models.ForeignKey(User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts", db_index=False)
    business_model = models.CharField(_("business model"), max_length=12, choices=BusinessModel.choices, default=BusinessModel.SUBSCRIPTION)
    segment = models.ForeignKey(
        "accounts.Segment", verbose_name=_("segment"), null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="accounts", db_index=False
    )
    lifecycle_stage = models.ForeignKey(LifecycleStage, verbose_name=_("lifecycle stage"), null=True, blank=True, on_delete=models.PROTECT, related_name="accounts")
    plan = models.CharField(_("plan"), max_length=120, blank=True, default="")
    industry = models.CharField(_("industry"), max_length=120, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="", help_text=_("ISO 3166 code of two letters."))
    time_zone = TimeZoneNameField(_("time zone"), blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    currency = CurrencyField(_("currency"), blank=True, default="")
    revenue_potential = MoneyField(_("revenue potential"), null=True, blank=True, help_text=_("Per month, in the account's currency."))
    signed_up_at = models.DateTimeField(_("signed up"), null=True, blank=True)
    trial_started_at = models.DateTimeField(_("trial started"), null=True, blank=True)
    trial_ended_at = models.DateTimeField(_("trial ended"), null=True, blank=True)
    churned_at = models.DateTimeField(_("churned"), null=True, blank=True)
    churn_reason = models.CharField(_("churn reason"), max_length=80, blank=True, default="")
    churn_reason_detail = models.CharField(_("churn reason, detail"), max_length=500, blank=True, default="")
    excluded = models.BooleanField(_("excluded from figures"), default=False, help_text=_("Test accounts: never counted, in any period."))
    parent = models.ForeignKey("self", verbose_name=_("parent"), null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    tags = ArrayField(models.CharField(max_length=80), verbose_name=_("tags"), default=list, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="account_has_name"),
            models.CheckConstraint(condition=Q(business_model__in=["subscription", "ecommerce"]), name="account_business_model_known"),
            models.CheckConstraint(condition=Q(revenue_potential__isnull=True) | Q(revenue_potential__gte=0), name="account_potential_not_negative"),
        ]
        indexes = [
            models.Index(fields=["name_sort", "id"], name="account_by_name"),
            models.Index(fields=["owner", "name_sort"], name="account_by_owner"),
            models.Index(fields=["segment"], name="account_by_segment"),
            models.Index(Upper("domain"), name="account_by_domain"),
            GinIndex(OpClass("name_search", "gin_trgm_ops"), name="account_name_trigram"),
            # the few that no figure counts: reports ask who they are
            models.Index(fields=["id"], name="account_excluded", condition=Q(excluded=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Codes in one case; derived letters."""
        super().clean()
        self.country = self.country.upper()
        self.currency = self.currency.upper()
        self.spell()

    def spell(self) -> None:
        """Recomputes the columns for sorting and searching from the name."""
        self.name_sort = sort_key(self.name)[:400]
        self.name_search = search_key(self.name)[:400]

    def save(self, *args: object, **kwargs: object) -> None:
        """Keeps the derived letters true."""
        self.spell()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        """The account's page."""
        from django.urls import reverse

        return reverse("accounts:account", args=[self.pk])


class Contact(models.Model):
    """A person at an account whom we write to and listen to."""

    class ContactRole(models.TextChoices):
        CHAMPION = "champion", _("Champion")
        SPONSOR = "sponsor", _("Sponsor")
        USER = "user", _("User")
        BILLING = "billing", _("Billing")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="contacts")
    email = models.EmailField(_("e-mail"), blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    name_sort = models.CharField(max_length=400, editable=False, default="", db_collation="C")
    name_search = models.CharField(max_length=400, editable=False, default="", db_collation="C")
    job_title = models.CharField(_("job title"), max_length=200, blank=True, default="")
    role = models.CharField(_("role"), max_length=10, choices=ContactRole.choices, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    time_zone = TimeZoneNameField(_("time zone"), blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    birth_year = models.PositiveSmallIntegerField(_("birth year"), null=True, blank=True)
    opted_out = models.BooleanField(_("opted out of surveys"), default=False)
    opted_out_at = models.DateTimeField(_("opted out at"), null=True, blank=True)
    consent_at = models.DateTimeField(_("consent given"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("address bounced"), null=True, blank=True)
    surveyable_from = models.DateTimeField(_("may be surveyed from"), null=True, blank=True, help_text=_("Empty: as soon as an event says so. Imported people rest for a week."))
    imported_unconfirmed = models.BooleanField(_("made by an import of answers or tickets"), default=False, help_text=_("Never surveyed until a person or a newer event says so."))
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(fields=["account", "email"], name="contact_by_account"),
            models.Index(fields=["email"], name="contact_by_email"),
            GinIndex(OpClass("name_search", "gin_trgm_ops"), name="contact_name_trigram"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.external_id

    @property
    def initials(self) -> str:
        """One or two letters: all that a public page shows of the name."""
        words = self.name.split()
        if not words:
            return self.email[:1].upper()
        return words[0][:1] + (words[-1][:1] if len(words) > 1 else "")

    def clean(self) -> None:
        """Normalises the address and derived letters."""
        super().clean()
        self.email = normalise_email(self.email)
        self.country = self.country.upper()
        self.spell()

    def spell(self) -> None:
        """Recomputes the columns for sorting and searching from the name."""
        self.name_sort = sort_key(self.name)[:400]
        self.name_search = search_key(f"{self.name} {self.email}")[:400]

    def save(self, *args: object, **kwargs: object) -> None:
        """Keeps the derived letters true."""
        self.spell()
        super().save(*args, **kwargs)  # type: ignore[arg-type]
