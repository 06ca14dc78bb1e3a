"""Expansion: what we could offer, to whom it would be of use, what came of it; and customers who speak for us."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account, Contact
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet


class Offer(models.Model):
    """Something a customer could buy more of: who may, what shows that they need it, and how one would write to them."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True, default="")
    # both rules of `accounts.rules`
    eligible = models.JSONField(_("who may have it"), default=dict)
    signal = models.JSONField(_("what shows the need"), default=dict)
    # language -> {"subject", "body"}; placeholders are checked when it is saved
    texts = models.JSONField(_("draft messages"), default=dict)
    active = models.BooleanField(_("active"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class OfferMatch(models.Model):
    """An account that an offer fits, and what came of offering it. One at a time per offer and account."""

    class Status(models.TextChoices):
        OPEN = "open", _("to offer")
        SENT = "sent", _("offered")
        WON = "won", _("won")
        LOST = "lost", _("lost")
        GONE = "gone", _("fits no more")

    offer = models.ForeignKey(Offer, verbose_name=_("offer"), on_delete=models.PROTECT, related_name="matches")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="offer_matches")
    contact = models.ForeignKey(Contact, verbose_name=_("offered to"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(_("status"), max_length=4, choices=Status.choices, default=Status.OPEN)
    matched_at = models.DateTimeField(_("fits since"))
    sent_at = models.DateTimeField(_("offered on"), null=True, blank=True)
    sent_by = models.ForeignKey(User, verbose_name=_("offered by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(_("decided"), null=True, blank=True)
    lost_reason = models.CharField(_("why not"), max_length=300, blank=True, default="")
    # the step of the MRR ledger that followed; its amount per month in its own currency
    expanded_at = models.DateTimeField(_("expanded"), null=True, blank=True)
    won_micros = models.BigIntegerField(_("expansion a month, millionths"), null=True, blank=True)
    won_currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("match of an offer")
        verbose_name_plural = _("matches of offers")
        constraints = [
            models.UniqueConstraint(fields=["offer", "account"], condition=Q(status__in=["open", "sent"]), name="offer_match_once_while_open"),
            models.CheckConstraint(condition=~Q(status__in=["sent", "lost"]) | Q(sent_at__isnull=False), name="offer_match_sent_has_instant"),
            models.CheckConstraint(condition=~Q(status="lost") | ~Q(lost_reason=""), name="offer_match_lost_has_reason"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="offer_match_by_status"),
            models.Index(fields=["account", "-id"], name="offer_match_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} · {self.account_id}"


class AdvocateAsk(models.Model):
    """That a customer was asked to speak for us, and what they said."""

    class Kind(models.TextChoices):
        REFERENCE = "reference", _("reference call")
        REVIEW = "review", _("public review")
        STORY = "story", _("case study")
        EVENT = "event", _("talk at an event")

    class Answer(models.TextChoices):
        OPEN = "", _("no answer yet")
        YES = "yes", _("agreed")
        NO = "no", _("declined")
        GIVEN = "given", _("given")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="advocate_asks")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(_("asked for"), max_length=10, choices=Kind.choices, default=Kind.REFERENCE)
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(User, verbose_name=_("asked by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answer = models.CharField(_("answer"), max_length=5, choices=Answer.choices, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("request to speak for us")
        verbose_name_plural = _("requests to speak for us")
        indexes = [models.Index(fields=["account", "-asked_at"], name="advocate_by_account")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asked_at:%Y-%m-%d}"
