"""Closing the loop: a case per bad answer, how fast one is promised, and telling people what was settled."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact, Segment, Topic, User, WorkItem
from accounts.querysets import AccountOwnedQuerySet
from accounts.roles import Role
from surveys.models.answers import Response


class CaseQuerySet(AccountOwnedQuerySet):
    """Cases name contacts, so analysts do not see rows."""

    hidden_from = (Role.ANALYST,)


class LoopDeadline(models.Model):
    """Within how many working hours an unhappy customer of a segment is answered; without a segment, everybody else."""

    segment = models.ForeignKey(Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    working_hours = models.PositiveSmallIntegerField(_("working hours"))

    class Meta:
        verbose_name = _("deadline of cases")
        verbose_name_plural = _("deadlines of cases")
        constraints = [models.UniqueConstraint(fields=["segment"], nulls_distinct=False, name="loop_deadline_once")]

    def __str__(self) -> str:
        return f"{self.segment or '–'}: {self.working_hours}"


class LoopCase(models.Model):
    """The case of one unhappy answer. Its work (owner, snooze, status) is the work item; this is what the loop is measured by."""

    class Resolution(models.TextChoices):
        SOLVED = "solved", _("solved")
        EXPLAINED = "explained", _("explained")
        COMPENSATED = "compensated", _("compensated")
        PLANNED = "planned", _("promised for later")
        NOT_POSSIBLE = "not_possible", _("not possible")
        NOT_REACHED = "not_reached", _("customer not reached")
        TAKEN_BACK = "taken_back", _("the answer was changed to a better one")
        OTHER = "other", _("other")

    response = models.OneToOneField(Response, verbose_name=_("answer"), on_delete=models.PROTECT, related_name="case")
    work_item = models.OneToOneField(WorkItem, verbose_name=_("work"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="loop_cases")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="loop_cases")
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("due"))
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(User, verbose_name=_("closed by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    resolution = models.CharField(_("resolution"), max_length=12, choices=Resolution.choices, blank=True, default="")
    note = models.CharField(_("note"), max_length=1000, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [models.CheckConstraint(condition=Q(closed_at__isnull=True) | ~Q(resolution=""), name="case_closed_has_resolution")]
        indexes = [
            models.Index(fields=["due_at"], name="case_open_by_due", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["-opened_at", "-id"], name="case_by_opened"),
            models.Index(fields=["account", "-opened_at"], name="case_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.opened_at:%Y-%m-%d}"


class Announcement(models.Model):
    """“You said, we did”: a topic was settled, and everybody who raised it is told by mail."""

    topic = models.ForeignKey(Topic, verbose_name=_("topic"), on_delete=models.PROTECT, related_name="announcements")
    # {"en": {"subject": …, "body": …}, "tr": {…}}
    texts = models.JSONField(_("texts"), default=dict)
    raised_since = models.DateTimeField(_("raised since"))
    created_by = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"))
    queued_at = models.DateTimeField(_("put into the outbox"), null=True, blank=True)
    people = models.PositiveIntegerField(_("people told"), default=0)

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.topic} {self.created_at:%Y-%m-%d}"
