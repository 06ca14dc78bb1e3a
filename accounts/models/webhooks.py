"""Addresses of other systems that are told what happened here: who they are, what is to be told, and how it went."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models.events import AccountEvent
from accounts.models.people import User
from accounts.querysets import WebhookOwnedQuerySet, WebhookQuerySet


class WebhookEndpoint(models.Model):
    """One address that is told events of the log as they happen: those that `acts_for` may see."""

    class Off(models.TextChoices):
        HAND = "hand", _("switched off by hand")
        GONE = "gone", _("it answered that it is gone for good (410)")
        FAILING = "failing", _("it has failed for five days")
        OWNER = "owner", _("the person it acts for has left")

    url = models.CharField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    kinds = ArrayField(models.CharField(max_length=40), verbose_name=_("events"), default=list, blank=True, help_text=_("Empty: every kind."))
    acts_for = models.ForeignKey(User, verbose_name=_("acts for"), on_delete=models.PROTECT, related_name="+")
    # what leaves is signed with the secret itself, so it cannot be kept as a hash
    secret = models.CharField(_("secret"), max_length=200)
    previous_secret = models.CharField(_("secret before"), max_length=200, blank=True, default="")
    previous_until = models.DateTimeField(_("secret before, until"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)
    off_reason = models.CharField(_("off because"), max_length=7, choices=Off.choices, blank=True, default="")
    off_at = models.DateTimeField(_("off since"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last delivered"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing webhook")
        verbose_name_plural = _("outgoing webhooks")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event for one address. Made by a trigger in the transaction that records the event, so none is lost and none invented.

    Neither key is a constraint of the database: the transaction of a fact waits for no endpoint and fails with none.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        DROPPED = "dropped", _("not sent")

    endpoint = models.ForeignKey(WebhookEndpoint, verbose_name=_("webhook"), on_delete=models.CASCADE, related_name="deliveries", db_constraint=False, db_index=False)
    # empty for a test
    event = models.ForeignKey(AccountEvent, verbose_name=_("event"), null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    kind = models.CharField(_("kind"), max_length=40)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.WAITING)
    # of the present schedule; a replay begins it anew
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    replays = models.PositiveSmallIntegerField(_("replays"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    # the status code of the last answer, or a word for why there was none
    answer = models.CharField(_("answer"), max_length=40, blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)

    objects: Any = WebhookOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery of a webhook")
        verbose_name_plural = _("deliveries of webhooks")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="webhook_once_an_event")]
        indexes = [
            models.Index(fields=["endpoint", "next_attempt_at"], name="webhook_due", condition=Q(status="waiting")),
            models.Index(fields=["endpoint", "-id"], name="webhook_log"),
            models.Index(fields=["created_at"], name="webhook_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class WebhookAttempt(models.Model):
    """One call: when, what was answered, how long it took. Never what was answered in words."""

    delivery = models.ForeignKey(WebhookDelivery, verbose_name=_("delivery of a webhook"), on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(_("at"))
    delivered = models.BooleanField(_("delivered"))
    answer = models.CharField(_("answer"), max_length=40)
    milliseconds = models.PositiveIntegerField(_("milliseconds"))

    class Meta:
        verbose_name = _("attempt of a delivery")
        verbose_name_plural = _("attempts of deliveries")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.answer}"
