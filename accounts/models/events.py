"""The event log: append-only; timeline, audit and bus in one."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.event_kinds import EVENT_KINDS
from accounts.models.customers import Account, Contact
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet


class Origin(models.TextChoices):
    """Where a fact came from. What is imported never triggers a survey."""

    APP = "app", _("in Vefa")
    API = "api", _("by the API")
    WEBHOOK = "webhook", _("by a webhook")
    IMPORT = "import", _("by import")


class AccountEvent(models.Model):
    """Something that happened to an account. Rows are never changed; a trigger refuses it.

    Written by `accounts.actions.event_log` alone, in the transaction of the fact itself.
    """

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="events", db_index=False)
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("kind"), max_length=40, choices=[(key, key) for key in EVENT_KINDS])
    occurred_at = models.DateTimeField(_("happened"))
    recorded_at = models.DateTimeField(_("recorded"), db_default=Now())
    origin = models.CharField(_("origin"), max_length=7, choices=Origin.choices)
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    subject_type = models.CharField(_("subject"), max_length=40, blank=True, default="")
    subject_id = models.CharField(_("subject id"), max_length=64, blank=True, default="")
    payload = models.JSONField(_("payload"), default=dict)
    dedupe_key = models.CharField(_("dedupe key"), max_length=200, null=True, blank=True)
    batch = models.ForeignKey("accounts.ImportBatch", verbose_name=_("import"), null=True, blank=True, on_delete=models.PROTECT, related_name="events", db_index=False)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["account", "kind", "dedupe_key"], name="event_once"),
            models.CheckConstraint(condition=Q(kind__in=list(EVENT_KINDS)), name="event_kind_known"),
        ]
        indexes = [
            models.Index(fields=["account", "-occurred_at", "-id"], name="event_timeline"),
            models.Index(fields=["kind", "occurred_at"], name="event_by_kind"),
            models.Index(fields=["recorded_at"], name="event_by_recorded"),
            models.Index(fields=["batch"], name="event_by_batch", condition=Q(batch__isnull=False)),
            # the last touch of an account, and who spent how many minutes
            models.Index(fields=["account", "-occurred_at", "-id"], name="touch_by_account", condition=Q(kind="touch.logged")),
            models.Index(fields=["actor", "occurred_at"], name="touch_by_actor", condition=Q(kind="touch.logged")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.occurred_at:%Y-%m-%d %H:%M}"
