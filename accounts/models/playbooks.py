"""Playbooks: what is done for an account when something happens to it, version by version, and the log of every step."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.customers import Account, Contact
from accounts.models.events import AccountEvent
from accounts.models.people import User
from accounts.querysets import AccountOwnedQuerySet, PlaybookQuerySet


class Playbook(models.Model):
    """A named course of action. What it does stands in its versions; the newest published one starts runs while `active`.

    `trigger`, `steps` and `number` are those of the newest published version, for lists; a playbook
    without a version is advice in order (`{"text", "due_days"}`) that nothing runs.
    """

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, default="")
    trigger = models.JSONField(_("trigger"), default=dict, blank=True)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    number = models.PositiveIntegerField(_("version"), default=1)
    active = models.BooleanField(_("active"), default=False)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)
    # what happened (or fell due) before this instant starts nothing; before `activated_at` only where old matches were asked for
    matches_since = models.DateTimeField(_("matches since"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = PlaybookQuerySet.as_manager()

    class Meta:
        verbose_name = _("playbook")
        verbose_name_plural = _("playbooks")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(activated_at__isnull=True) | Q(matches_since__isnull=False), name="playbook_activated_since"),
        ]

    def __str__(self) -> str:
        return self.name


class PlaybookVersion(models.Model):
    """What a playbook does, as written at one time. Published it is frozen (the database refuses); a run keeps the version it began with."""

    playbook = models.ForeignKey(Playbook, verbose_name=_("playbook"), on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("version"))
    trigger = models.JSONField(_("trigger"), default=dict)
    audience = models.JSONField(_("audience"), null=True, blank=True, help_text=_("A rule; empty: every account."))
    steps = models.JSONField(_("steps"), default=list)
    # what ends a run early: a list of {"event": ..., "where": ...} or {"rule": ...}
    exits = models.JSONField(_("exit rules"), default=list, blank=True)
    caps = models.JSONField(_("caps"), default=dict, blank=True)
    hold_out_percent = models.PositiveSmallIntegerField(_("held out, percent"), default=0, help_text=_("So many of a hundred accounts are left alone, to measure the effect."))
    includes_churned = models.BooleanField(_("includes customers who left"), default=False)
    includes_excluded = models.BooleanField(_("includes accounts that no figure counts"), default=False)
    # the steps' keys and titles, copied into a run for lists
    outline = models.JSONField(default=list, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    published_by = models.ForeignKey(User, verbose_name=_("published by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    # counts the savings of a draft, for two people who edit at once
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("playbook version")
        verbose_name_plural = _("playbook versions")
        ordering = ["playbook", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["playbook", "number"], name="playbook_version_number_once"),
            models.UniqueConstraint(fields=["playbook"], condition=Q(published_at__isnull=True), name="playbook_one_draft"),
            models.CheckConstraint(condition=Q(hold_out_percent__lte=90), name="playbook_hold_out_below_90"),
        ]

    def __str__(self) -> str:
        return f"{self.playbook} {self.number}"


class PlaybookRun(models.Model):
    """A playbook at work on one account, started by one event, a date, or by hand.

    `occasion` is what started it in words of the machine (`event:12`, `renews_on:2026-12-01`,
    `manual:...`); with playbook and account it is the identity, so nothing starts a run twice. A run of
    status `held_out` does nothing: the account belongs to the group that is left alone.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        HELD_OUT = "held_out", _("held out")

    playbook = models.ForeignKey(Playbook, verbose_name=_("playbook"), on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(PlaybookVersion, verbose_name=_("version"), null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="playbook_runs")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="playbook_runs")
    event = models.ForeignKey(AccountEvent, verbose_name=_("event"), null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    occasion = models.CharField(_("occasion"), max_length=120, blank=True, default="")
    started_by = models.ForeignKey(User, verbose_name=_("started by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.RUNNING)
    steps = models.JSONField(_("steps"), default=list, help_text=_("The steps as they were when the run began."))
    position = models.PositiveSmallIntegerField(_("step"), default=0)
    # the step it stands at, since when, and when to look again; a run without a version is not worked on
    step = models.CharField(max_length=40, blank=True, default="", editable=False)
    step_since = models.DateTimeField(null=True, editable=False)
    due_at = models.DateTimeField(_("next look"), null=True, blank=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    worker = models.CharField(max_length=80, blank=True, default="", editable=False)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end_reason = models.CharField(_("why it ended"), max_length=40, blank=True, default="")

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("playbook run")
        verbose_name_plural = _("playbook runs")
        constraints = [
            models.UniqueConstraint(fields=["playbook", "event"], name="playbook_once_an_event"),
            models.UniqueConstraint(fields=["playbook", "account", "occasion"], condition=~Q(occasion=""), name="playbook_once_an_occasion"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="playbook_run_due", condition=Q(status="running", due_at__isnull=False)),
            # caps: what the playbook did for the account lately
            models.Index(fields=["playbook", "account", "-started_at"], name="playbook_run_by_account"),
            models.Index(fields=["account", "-started_at"], name="playbook_run_of_account"),
            models.Index(fields=["playbook", "-started_at", "-id"], name="playbook_run_by_start"),
        ]

    def __str__(self) -> str:
        return f"{self.playbook} · {self.account}"


class PlaybookPass(models.Model):
    """An occasion that was looked at and started nothing, with why; so that nothing is read for ever."""

    playbook = models.ForeignKey(Playbook, verbose_name=_("playbook"), on_delete=models.CASCADE, related_name="passes")
    version = models.ForeignKey(PlaybookVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="passes")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="playbook_passes")
    event = models.ForeignKey(AccountEvent, verbose_name=_("event"), null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    occasion = models.CharField(_("occasion"), max_length=120)
    # churned, excluded, audience, running, cap
    reason = models.CharField(_("reason"), max_length=20)
    at = models.DateTimeField(_("looked at"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("occasion passed over")
        verbose_name_plural = _("occasions passed over")
        constraints = [models.UniqueConstraint(fields=["playbook", "account", "occasion"], name="playbook_pass_once")]
        indexes = [
            models.Index(fields=["playbook", "-at", "-id"], name="playbook_pass_by_time"),
            models.Index(fields=["at"], name="playbook_pass_old"),
        ]

    def __str__(self) -> str:
        return f"{self.playbook_id} {self.occasion}: {self.reason}"


class PlaybookStepLog(models.Model):
    """What became of one step of one run. One row a step: the constraint is why no step is done twice.

    A survey that surveys have not decided about, and a call that waits for its receiver, are `waiting`.
    """

    class Outcome(models.TextChoices):
        DONE = "done", _("done")
        SKIPPED = "skipped", _("skipped")
        WAITING = "waiting", _("waiting")
        DROPPED = "dropped", _("dropped")
        FAILED = "failed", _("failed")

    run = models.ForeignKey(PlaybookRun, verbose_name=_("run"), on_delete=models.CASCADE, related_name="log")
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="playbook_steps")
    step = models.CharField(_("step"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    reason = models.CharField(_("reason"), max_length=80, blank=True, default="")
    # codes and ids only: where a branch went, what a field was before, what a receiver answered
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    subject_type = models.CharField(_("made"), max_length=40, blank=True, default="")
    subject_id = models.CharField(_("made, id"), max_length=64, blank=True, default="")
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    next_attempt_at = models.DateTimeField(_("not before"), null=True, blank=True)
    begun_at = models.DateTimeField(_("begun"))
    at = models.DateTimeField(_("at"))

    objects = AccountOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("playbook step")
        verbose_name_plural = _("playbook steps")
        ordering = ["run", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "step"], name="playbook_step_once")]
        indexes = [
            models.Index(fields=["kind", "next_attempt_at"], name="playbook_step_open", condition=Q(outcome="waiting")),
            models.Index(fields=["account", "-at"], name="playbook_step_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.step}: {self.outcome}"
