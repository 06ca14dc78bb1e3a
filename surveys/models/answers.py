"""Answers, and every earlier version of them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact
from accounts.models.customers import new_external_id
from accounts.querysets import AccountOwnedQuerySet
from accounts.roles import Role
from surveys.models.invitations import Invitation
from surveys.models.surveys import Direction, Survey, SurveyKind, SurveyVersion
from surveys.models.touchpoints import Touchpoint


class ResponseQuerySet(AccountOwnedQuerySet):
    """Answers carry comments, so analysts do not see rows."""

    hidden_from = (Role.ANALYST,)

    def counted(self) -> ResponseQuerySet:
        """What figures count: scored, not suspected of being automatic, by the contact asked."""
        return self.filter(score__isnull=False, is_suspect=False, respondent="contact", test=False)


class Response(models.Model):
    """The current answer to one invitation (or an imported one). Its scale travels with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="responses")
    survey_version = models.ForeignKey(SurveyVersion, verbose_name=_("version"), null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    kind = models.CharField(_("kind"), max_length=6, choices=SurveyKind.choices)
    invitation = models.OneToOneField(Invitation, verbose_name=_("invitation"), null=True, blank=True, on_delete=models.PROTECT, related_name="response")
    touchpoint = models.ForeignKey(Touchpoint, verbose_name=_("touchpoint"), null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    touchpoint_label = models.CharField(_("touchpoint, as imported"), max_length=120, blank=True, default="")
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.PROTECT, related_name="responses")
    respondent_key = models.CharField(_("pseudonym"), max_length=64, blank=True, default="", help_text=_("Of a respondent who is no contact."))
    respondent = models.CharField(_("answered by"), max_length=7, choices=[("contact", _("the contact asked")), ("other", _("somebody else"))], default="contact")
    invited_at = models.DateTimeField(_("asked"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    bounced = models.BooleanField(_("bounced"), default=False)
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    scale_min = models.SmallIntegerField(_("lowest score"))
    scale_max = models.SmallIntegerField(_("highest score"))
    direction = models.CharField(_("direction"), max_length=9, choices=Direction.choices, default=Direction.HIGH_GOOD)
    comment = models.TextField(_("comment"), blank=True, default="")
    reasons = ArrayField(models.CharField(max_length=80), verbose_name=_("reasons"), default=list, blank=True)
    reason_detail = models.CharField(_("reason, detail"), max_length=500, blank=True, default="")
    call_me = models.BooleanField(_("asked for a call"), default=False)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    ticket_id = models.BigIntegerField(_("ticket"), null=True, blank=True)
    rated_object = models.CharField(_("rated object"), max_length=200, blank=True, default="")
    agent_id = models.BigIntegerField(_("agent"), null=True, blank=True)
    agent_email = models.EmailField(_("agent's address"), blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=[("partial", _("score only")), ("complete", _("complete"))], default="complete")
    test = models.BooleanField(_("test"), default=False)
    is_suspect = models.BooleanField(_("suspected automatic"), default=False)
    automation_flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    origin = models.CharField(_("origin"), max_length=7, default="app")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.CheckConstraint(condition=Q(score__isnull=True) | Q(answered_at__isnull=False), name="answer_scored_has_instant"),
            models.CheckConstraint(condition=Q(answered_at__isnull=False) | Q(invited_at__isnull=False), name="answer_has_an_instant"),
        ]
        indexes = [
            models.Index(fields=["account", "kind", "-answered_at"], name="answer_by_account", include=["score", "scale_min", "scale_max"]),
            models.Index(fields=["kind", "answered_at"], name="answer_by_kind"),
            models.Index(fields=["contact", "-answered_at"], name="answer_by_contact"),
            models.Index(fields=["survey", "-answered_at", "-id"], name="answer_by_survey"),
            models.Index(fields=["updated_at"], name="answer_with_words", condition=~Q(comment="") | ~Q(reason_detail="")),
            models.Index(fields=["ticket_id"], name="answer_by_ticket", condition=Q(ticket_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.score}"


class ResponseRevision(models.Model):
    """One submission of a form; append-only. The response shows the latest that counts."""

    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="revisions")
    link = models.ForeignKey("surveys.SurveyLink", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    nonce = models.CharField(max_length=64)
    submitted_at = models.DateTimeField(_("submitted"))
    score = models.SmallIntegerField(_("score"), null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True, default="")
    reasons = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    reason_detail = models.CharField(max_length=500, blank=True, default="")
    call_me = models.BooleanField(default=False)
    respondent = models.CharField(max_length=7, default="contact")
    is_suspect = models.BooleanField(default=False)
    automation_flags = ArrayField(models.CharField(max_length=40), default=list, blank=True)

    class Meta:
        verbose_name = _("answer, earlier version")
        verbose_name_plural = _("answers, earlier versions")
        ordering = ["submitted_at", "id"]
        constraints = [models.UniqueConstraint(fields=["link", "nonce"], name="submission_once")]

    def __str__(self) -> str:
        return f"{self.submitted_at:%Y-%m-%d %H:%M} {self.score}"
