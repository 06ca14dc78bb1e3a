"""What we owe: work items (CTAs), saved views, notes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import wording
from accounts.models.customers import Account, Contact
from accounts.models.events import AccountEvent
from accounts.models.people import User
from accounts.models.playbooks import PlaybookRun
from accounts.querysets import AccountOwnedQuerySet, WorkItemQuerySet


class WorkItem(models.Model):
    """Work for a named person (a CTA). One open item per account, type, reason and name (which few have)."""

    class Type(models.TextChoices):
        RISK = "risk", _("Risk")
        LIFECYCLE = "lifecycle", _("Lifecycle")
        EXPANSION = "expansion", _("Expansion")
        OBJECTIVE = "objective", _("Objective")
        ACTIVITY = "activity", _("Activity")
        CLOSE_LOOP = "close_loop", _("Close the loop")
        RENEWAL = "renewal", _("Renewal")

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        SNOOZED = "snoozed", _("snoozed")
        DONE = "done", _("done")
        DROPPED = "dropped", _("dropped")

    class Priority(models.IntegerChoices):
        HIGH = 1, _("high")
        NORMAL = 2, _("normal")
        LOW = 3, _("low")

    class Source(models.TextChoices):
        RULE = "rule", _("by rule")
        MANUAL = "manual", _("by hand")
        API = "api", _("by the API")
        SURVEY = "survey", _("from an answer")

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="work_items")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="work_items")
    type = models.CharField(_("type"), max_length=10, choices=Type.choices)
    reason = models.CharField(_("reason"), max_length=80, help_text=_("With account and type the identity of an open item."))
    name = models.CharField(_("name"), max_length=80, blank=True, default="", db_default="", help_text=_("Tells apart work of one type and reason; part of the identity."))
    title = models.CharField(_("next step"), max_length=200, blank=True, default="")
    # a sentence key and its values; `accounts.sentences` makes the sentence in the reader's language
    why = models.JSONField(_("why"), default=dict)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    owner = models.ForeignKey(User, verbose_name=_("owner"), null=True, blank=True, on_delete=models.SET_NULL, related_name="work_items")
    segment = models.ForeignKey("accounts.Segment", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+")
    due_at = models.DateTimeField(_("due"))
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    snooze_reason = models.CharField(_("snooze reason"), max_length=200, blank=True, default="")
    stake_micros = models.BigIntegerField(_("at stake, millionths"), default=0, help_text=_("Value at risk in the reporting currency when last looked at."))
    # kept by triggers of the database with snapshot and assumptions, as the stake is: see docs/architecture.md, "Ranking"
    rank_micros = models.BigIntegerField(
        _("expected loss avoided an hour, millionths"), default=0, db_default=0, editable=False, help_text=_("Yearly revenue x risk x share saved / expected hours.")
    )
    closes_itself = models.BooleanField(
        _("closes on recovery"), default=True, db_default=True, help_text=_("Closed when what opened it no longer holds; not again once somebody opened it again.")
    )
    with_support_since = models.DateTimeField(_("with support since"), null=True, blank=True, editable=False)
    source = models.CharField(_("source"), max_length=6, choices=Source.choices, default=Source.RULE)
    event = models.ForeignKey(AccountEvent, verbose_name=_("event"), null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    subject_type = models.CharField(max_length=40, blank=True, default="")
    subject_id = models.CharField(max_length=64, blank=True, default="")
    playbook_run = models.ForeignKey(PlaybookRun, verbose_name=_("playbook"), null=True, blank=True, on_delete=models.SET_NULL, related_name="work_items")
    outcome = models.CharField(_("outcome"), max_length=500, blank=True, default="")
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(User, verbose_name=_("closed by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "type", "reason", "name"],
                condition=Q(status__in=["open", "snoozed"]),
                name="work_once_while_open",
                violation_error_message=_("The account has this work open already."),
            ),
            models.CheckConstraint(condition=~Q(status="snoozed") | Q(snoozed_until__isnull=False), name="work_snoozed_has_date"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "snoozed"], closed_at__isnull=True) | Q(status__in=["done", "dropped"], closed_at__isnull=False), name="work_closed_has_instant"
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-rank_micros", "id"], name="work_by_owner", condition=Q(status="open"), include=["due_at", "segment", "stake_micros"]),
            models.Index(fields=["-rank_micros", "id"], name="work_by_rank", condition=Q(status="open"), include=["due_at", "owner", "segment"]),
            models.Index(fields=["-stake_micros", "id"], name="work_by_stake", condition=Q(status="open"), include=["due_at", "owner"]),
            models.Index(fields=["owner", "due_at"], name="work_by_due", condition=Q(status="open")),
            models.Index(fields=["snoozed_until"], name="work_snoozed", condition=Q(status="snoozed")),
            models.Index(fields=["with_support_since"], name="work_with_support", condition=Q(with_support_since__isnull=False)),
            models.Index(fields=["account", "-created_at"], name="work_by_account"),
            # everybody's work: by segment, and the few that are overdue among many
            models.Index(fields=["segment", "-rank_micros", "id"], name="work_by_segment", condition=Q(status="open"), include=["due_at", "stake_micros"]),
            models.Index(fields=["due_at", "id"], name="work_open_by_due", condition=Q(status="open")),
            models.Index(fields=["owner", "snoozed_until", "id"], name="work_asleep_by_owner", condition=Q(status="snoozed")),
            models.Index(fields=["owner", "-closed_at", "-id"], name="work_closed_by_owner", condition=Q(status__in=["done", "dropped"])),
            models.Index(fields=["-closed_at", "-id"], name="work_closed", condition=Q(status__in=["done", "dropped"])),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()}: {self.reason}"

    @property
    def outcome_words(self) -> str:
        """What came of it, in the reader's language where it is one of our words."""
        return str(wording.outcome(self.outcome))


class SavedView(models.Model):
    """A list's filters, sort and columns under a name."""

    owner = models.ForeignKey(User, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(_("page"), max_length=20, choices=[("work", _("My work")), ("accounts", _("Accounts")), ("tickets", _("Tickets"))])
    name = models.CharField(_("name"), max_length=80)
    query = models.CharField(_("query"), max_length=4000, blank=True, default="")
    shared = models.BooleanField(_("shared with everybody"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """What somebody wrote down about an account; plain text."""

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="notes")
    body = models.TextField(_("text"), max_length=10_000)
    pinned = models.BooleanField(_("pinned"), default=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-pinned", "-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(body=""), name="note_has_text")]
        indexes = [models.Index(fields=["account", "-created_at"], name="note_by_account"), models.Index(fields=["updated_at"], name="note_by_change")]

    def __str__(self) -> str:
        return self.body[:60]
