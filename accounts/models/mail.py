"""What leaves: the outbox, and addresses that must not be written to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.customers import Account, Contact
from accounts.querysets import AccountOwnedQuerySet


class OutgoingMail(models.Model):
    """A mail to send. The row is the queue; Celery only wakes whoever works on it.

    It points to its subject by type and id, never by a key upward. Survey bodies are rendered at the
    moment of sending and kept with their tokens blotted out.
    """

    class Kind(models.TextChoices):
        SURVEY = "survey", _("survey")
        REMINDER = "reminder", _("reminder")
        REPLY = "reply", _("ticket reply")
        ALERT = "alert", _("alert")
        AUTH = "auth", _("account access")

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        WITHHELD = "withheld", _("withheld")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        RETRY = "retry", _("will be tried again")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        ABORTED = "aborted", _("not sent")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    subject_type = models.CharField(_("about"), max_length=40, blank=True, default="")
    subject_id = models.CharField(_("about, id"), max_length=64, blank=True, default="")
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.PROTECT, related_name="mails")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT, related_name="mails")
    to_address = models.CharField(_("to"), max_length=320)
    from_address = models.CharField(pgettext_lazy("mail", "from"), max_length=320, blank=True, default="")
    reply_to = models.CharField(_("reply to"), max_length=320, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    mail_subject = models.CharField(_("subject"), max_length=300, blank=True, default="")
    body_text = models.TextField(_("text"), blank=True, default="")
    body_html = models.TextField(_("HTML"), blank=True, default="")
    headers = models.JSONField(_("headers"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    next_attempt_at = models.DateTimeField(_("not before"))
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=80, blank=True, default="")
    message_id = models.CharField(_("message id"), max_length=200, blank=True, default="")
    smtp_reply = models.CharField(_("server's answer"), max_length=500, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="", help_text=_("Why it was not sent."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("outbox")
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_type", "subject_id"], condition=~Q(subject_id="") & Q(kind__in=["survey"]), name="mail_once_a_subject"),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="mail_due", condition=Q(status__in=["queued", "retry"])),
            models.Index(fields=["lease_until"], name="mail_in_flight", condition=Q(status="sending")),
            models.Index(fields=["subject_type", "subject_id"], name="mail_by_subject"),
            models.Index(fields=["account", "-created_at"], name="mail_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class Suppression(models.Model):
    """An address that gets no mail: only its keyed hash is kept, so that it outlives erasure."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        COMPLAINT = "complaint", _("complaint")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribed")
        MANUAL = "manual", _("by hand")
        ERASED = "erased", _("erased")

    address_hmac = models.BinaryField(_("address hash"), max_length=32)
    scope = models.CharField(_("scope"), max_length=80, default="global", help_text=_("“global”, or “survey:” and its key."))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    source_ref = models.CharField(_("source"), max_length=120, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        constraints = [models.UniqueConstraint(fields=["address_hmac", "scope"], name="suppression_once")]

    def __str__(self) -> str:
        return f"{self.scope}: {self.reason}"
