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
        NEWS = "news", _("news of what was settled")
        TEST = "test", _("test")
        REPLY = "reply", _("ticket reply")
        ALERT = "alert", _("alert")
        AUTH = "auth", _("account access")
        REPORT = "report", _("weekly report")
        PLAYBOOK = "playbook", _("playbook")
        OFFER = "offer", _("offer")

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
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id"], condition=~Q(subject_id="") & Q(kind__in=["survey", "reminder", "news"]), name="mail_once_a_subject"
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="mail_due", condition=Q(status__in=["queued", "retry"])),
            models.Index(fields=["lease_until"], name="mail_in_flight", condition=Q(status="sending")),
            models.Index(fields=["subject_type", "subject_id"], name="mail_by_subject"),
            models.Index(fields=["account", "-created_at"], name="mail_by_account"),
            models.Index(fields=["-created_at", "-id"], name="mail_ledger"),
            models.Index(fields=["status", "-created_at", "-id"], name="mail_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"


class Suppression(models.Model):
    """An address that gets no mail: only its keyed hash is kept, so that it outlives erasure."""

    class Reason(models.TextChoices):
        HARD_BOUNCE = "hard_bounce", _("hard bounce")
        SOFT_BOUNCES = "soft_bounces", _("several soft bounces")
        COMPLAINT = "complaint", _("complaint")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribed")
        MANUAL = "manual", _("by hand")
        ERASED = "erased", _("erased")

    address_hmac = models.BinaryField(_("address hash"), max_length=32)
    scope = models.CharField(_("scope"), max_length=80, default="global", help_text=_("“global”, or “survey:” and its key."))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    source_ref = models.CharField(_("source"), max_length=120, blank=True, default="")
    until = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: for good."))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        constraints = [models.UniqueConstraint(fields=["address_hmac", "scope"], name="suppression_once")]

    def __str__(self) -> str:
        return f"{self.scope}: {self.reason}"


class SoftBounce(models.Model):
    """A mail that an address could not take just now. Several of them in a month pause the address."""

    address_hmac = models.BinaryField(_("address hash"), max_length=32)
    occurred_at = models.DateTimeField(_("happened"))
    source_ref = models.CharField(_("source"), max_length=120, unique=True)

    class Meta:
        verbose_name = _("soft bounce")
        verbose_name_plural = _("soft bounces")
        indexes = [models.Index(fields=["address_hmac", "-occurred_at"], name="soft_bounce_by_address")]

    def __str__(self) -> str:
        return f"{self.occurred_at:%Y-%m-%d}"


class MailBucket(models.Model):
    """How fast mails may leave: the whole installation's bucket, or that of one receiving domain.

    `tokens` is what was left at `filled_at`; the rest follows from the rate, so no process fills it.
    """

    ALL = "all"

    name = models.CharField(_("name"), max_length=260, primary_key=True, help_text=_("“all”, or “domain:” and the receiving domain."))
    rate_per_second = models.FloatField(_("mails a second"), null=True, blank=True, help_text=_("Empty: the rate of the installation."))
    rate_per_day = models.PositiveIntegerField(_("mails a day"), null=True, blank=True, help_text=_("Empty: no limit."))
    tokens = models.FloatField(default=0, editable=False)
    filled_at = models.DateTimeField(editable=False, null=True)
    day = models.DateField(_("day"), null=True, editable=False, help_text=_("The organisation's day that `sent_today` counts."))
    sent_today = models.PositiveIntegerField(_("sent today"), default=0, editable=False)
    backs_off_until = models.DateTimeField(_("rests until"), null=True, blank=True, help_text=_("Set when the server asks us to slow down."))
    back_off_seconds = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("mail rate")
        verbose_name_plural = _("mail rates")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class InboundEvent(models.Model):
    """What another system sent us, kept as it came; worked on after it was acknowledged."""

    class Status(models.TextChoices):
        NEW = "new", _("new")
        DONE = "done", _("done")
        IGNORED = "ignored", _("ignored")
        FAILED = "failed", _("failed")
        CONFLICT = "conflict", _("conflict")

    source = models.CharField(_("source"), max_length=40)
    external_id = models.CharField(_("id at the source"), max_length=200)
    kind = models.CharField(_("kind"), max_length=60, blank=True, default="")
    occurred_at = models.DateTimeField(_("happened"), null=True, blank=True)
    received_at = models.DateTimeField(_("received"))
    body_sha256 = models.BinaryField(max_length=32)
    payload = models.JSONField(_("payload"), default=dict)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.NEW)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("received event")
        verbose_name_plural = _("received events")
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="inbound_once")]
        indexes = [
            models.Index(fields=["received_at"], name="inbound_waiting", condition=Q(status__in=["new", "failed"])),
            models.Index(fields=["-received_at"], name="inbound_by_received"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.external_id}"
