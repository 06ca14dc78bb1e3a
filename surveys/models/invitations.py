"""Invitations: every decision of the planner, sent or not, with its reason; and the links in mails."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, AccountEvent, Contact
from accounts.querysets import AccountOwnedQuerySet
from accounts.roles import Role
from surveys.models.surveys import SurveyVersion
from surveys.models.touchpoints import Touchpoint


class InvitationQuerySet(AccountOwnedQuerySet):
    """Invitations name contacts, so analysts do not see rows."""

    hidden_from = (Role.ANALYST,)


class Invitation(models.Model):
    """One decision about one contact and one touchpoint event (or wave, or direct request)."""

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        ANSWERED = "answered", _("answered")
        SKIPPED = "skipped", _("not sent")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("unknown")
        EXPIRED = "expired", _("expired")

    class SkipReason(models.TextChoices):
        STALE = "stale", _("too late to be worth asking")
        FATIGUE_CONTACT = "fatigue_contact", _("the contact was asked recently")
        FATIGUE_ACCOUNT = "fatigue_account", _("enough people of the account were asked recently")
        QUIET = "quiet", _("no decent hour before it would be stale")
        SAMPLED_OUT = "sampled_out", _("not in the sample")
        SUPPRESSED = "suppressed", _("the address must not be written to")
        NO_CONSENT = "no_consent", _("the contact refused surveys")
        NO_ADDRESS = "no_address", _("no address")
        NO_CONTACT = "no_contact", _("nobody to ask")
        IMPORT = "import", _("imported people are not asked yet")
        DUPLICATE = "duplicate", _("already asked about this")
        SEGMENT = "segment", _("not in the touchpoint's segments")
        CONDITION = "condition", _("the event does not meet the touchpoint's conditions")
        NOT_ACTIVE = "not_active", _("it happened before the touchpoint was activated")
        PAUSED = "paused", _("the touchpoint is paused")
        ENDED = "ended", _("the touchpoint has ended")
        REOPENED = "reopened", _("the ticket was reopened")
        ACCOUNT_CHURNED = "account_churned", _("the account has left")
        NOT_PUBLISHED = "not_published", _("the survey has no published version")
        STAFF = "staff", _("the address is one of a user here")
        TICKET_GONE = "ticket_gone", _("the ticket was merged, deleted or marked as spam")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    touchpoint = models.ForeignKey(Touchpoint, verbose_name=_("touchpoint"), null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    survey_version = models.ForeignKey(SurveyVersion, verbose_name=_("survey"), null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="invitations")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    event = models.ForeignKey(AccountEvent, verbose_name=_("event"), null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    # of a recurring touchpoint: the number of the contact's round; of a direct request: its own key
    wave = models.CharField(_("wave"), max_length=80, blank=True, default="")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices)
    skip_reason = models.CharField(_("reason"), max_length=16, choices=SkipReason.choices, blank=True, default="")
    decision = models.JSONField(_("decision"), default=dict, help_text=_("Rule, value, limit and as-of of the planner."))
    ticket_id = models.BigIntegerField(_("ticket"), null=True, blank=True)
    agent_id = models.BigIntegerField(_("agent"), null=True, blank=True)
    rated_object = models.CharField(_("rated object"), max_length=200, blank=True, default="", help_text=_("What is asked about, as its own system names it."))
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    decided_at = models.DateTimeField(_("decided"))
    not_before = models.DateTimeField(_("due"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    bounced_at = models.DateTimeField(_("bounced"), null=True, blank=True)
    complained_at = models.DateTimeField(_("reported as unwanted"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            # the idempotency of the planner: one row a (touchpoint, event, contact, wave), nulls equal
            models.UniqueConstraint(fields=["touchpoint", "event", "contact", "wave"], nulls_distinct=False, name="invitation_once"),
            models.CheckConstraint(condition=~Q(status="skipped") | ~Q(skip_reason=""), name="invitation_skip_has_reason"),
            models.CheckConstraint(condition=Q(status="skipped") | Q(contact__isnull=False), name="invitation_needs_contact"),
        ]
        indexes = [
            models.Index(fields=["not_before"], name="invitation_due", condition=Q(status="planned")),
            models.Index(fields=["contact", "-not_before"], name="invitation_by_contact", condition=~Q(status="skipped")),
            models.Index(fields=["account", "-not_before"], name="invitation_by_account", condition=~Q(status="skipped")),
            models.Index(fields=["account", "-decided_at"], name="invitation_decisions"),
            models.Index(fields=["touchpoint", "-decided_at"], name="invitation_by_touchpoint", include=["status", "skip_reason", "sent_at", "bounced_at", "answered_at"]),
            models.Index(fields=["-decided_at", "-id"], name="invitation_ledger"),
            models.Index(fields=["sent_at"], name="invitation_unanswered", condition=Q(status="sent")),
            models.Index(fields=["sent_at"], name="invitation_by_sent", condition=Q(sent_at__isnull=False), include=["touchpoint", "bounced_at", "complained_at"]),
            models.Index(fields=["bounced_at"], name="invitation_bounced", condition=Q(bounced_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.touchpoint or 'direct'} → {self.contact or '–'}"


class SurveyLink(models.Model):
    """A token in one mail. Only its hash is stored; one token a mail, so a reminder has its own."""

    class Kind(models.TextChoices):
        INVITE = "invite", _("invitation")
        REMINDER = "reminder", _("reminder")
        TEST = "test", _("test")
        UNSUBSCRIBE = "unsubscribe", _("unsubscribe")

    invitation = models.ForeignKey(Invitation, verbose_name=_("invitation"), on_delete=models.CASCADE, related_name="links")
    kind = models.CharField(_("kind"), max_length=11, choices=Kind.choices)
    token_hash = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField(_("issued"))
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    first_answer_at = models.DateTimeField(_("first answer"), null=True, blank=True)

    class Meta:
        verbose_name = _("survey link")
        verbose_name_plural = _("survey links")

    def __str__(self) -> str:
        return f"{self.kind} {self.issued_at:%Y-%m-%d}"
