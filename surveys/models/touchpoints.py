"""Touchpoints: which event (or rhythm) asks which survey, when and of whom."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.event_kinds import EVENT_KINDS
from accounts.models import Segment, User
from accounts.roles import READS_PROGRAMMES, WRITES_PROGRAMMES
from surveys.models.surveys import Survey


class TouchpointQuerySet(models.QuerySet):
    """Touchpoints belong to no customer; the role alone decides."""

    def visible_to(self, user: User) -> TouchpointQuerySet:
        """What the user may read: analysts see figures alone, agents nothing."""
        return self if user.is_authenticated and user.is_active and user.role in READS_PROGRAMMES else self.none()

    def changeable_by(self, user: User) -> TouchpointQuerySet:
        """What the user may set up and steer."""
        return self if user.is_authenticated and user.is_active and user.role in WRITES_PROGRAMMES else self.none()


class Touchpoint(models.Model):
    """A moment in a customer's life at which a survey is sent."""

    class Audience(models.TextChoices):
        REQUESTER = "requester", _("the contact of the event, else the main contact")
        MAIN = "main", _("the main contact")
        EVERYBODY = "everybody", _("every contact")

    key = models.SlugField(_("key"), max_length=80, unique=True)
    name = models.CharField(_("name"), max_length=120)
    survey = models.ForeignKey(Survey, verbose_name=_("survey"), on_delete=models.PROTECT, related_name="touchpoints")
    event_kind = models.CharField(_("event"), max_length=40, blank=True, default="", choices=[(key, key) for key in EVENT_KINDS], help_text=_("Empty: a recurring touchpoint."))
    every_days = models.PositiveSmallIntegerField(_("every, days"), null=True, blank=True, help_text=_("For a recurring touchpoint."))
    audience = models.CharField(_("audience"), max_length=10, choices=Audience.choices, default=Audience.REQUESTER)
    delay_minutes = models.PositiveIntegerField(_("delay, minutes"), default=0)
    valid_hours = models.PositiveIntegerField(_("worth sending for, hours"), default=72, help_text=_("Later it is stale and not sent."))
    window_from = models.TimeField(_("from, contact's time"), default="09:00")
    window_until = models.TimeField(_("until, contact's time"), default="18:00")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("weekdays"), default=list, blank=True, help_text=_("1 is Monday; empty means Monday to Friday."))
    segments = models.ManyToManyField(Segment, verbose_name=_("segments"), blank=True, related_name="+", help_text=_("Empty: all."))
    sampling = models.DecimalField(_("sampling"), max_digits=5, decimal_places=4, default=1, help_text=_("Share of the eligible, 0 to 1."))
    cool_down_days = models.PositiveSmallIntegerField(_("cool-down, days"), default=30, help_text=_("A contact that got any survey in that time is not asked."))
    link_days = models.PositiveSmallIntegerField(_("link lives, days"), default=30)
    # an answer on a ticket needs a person's reply, say: {"person_replied": true} must be in the payload
    conditions = models.JSONField(_("conditions on the event"), default=dict, blank=True)
    # of several touchpoints that want the same person the lower number wins
    priority = models.PositiveSmallIntegerField(_("priority"), default=50, help_text=_("1 goes first."))
    gap_days = models.PositiveSmallIntegerField(_("own gap, days"), default=0, help_text=_("A contact that got this very touchpoint's survey in that time is not asked."))
    daily_cap = models.PositiveIntegerField(_("at most a day"), null=True, blank=True, help_text=_("The rest moves on to the next days. Empty: no limit."))
    respects_holidays = models.BooleanField(_("waits over holidays"), default=True, help_text=_("Of the contact's country."))
    reminder_after_days = models.PositiveSmallIntegerField(_("reminder after, days"), null=True, blank=True, help_text=_("One, to those who did not answer. Empty: none."))
    # the programme's life: a draft is handed in, approved by another person, active, paused, ended
    author = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    submitted_at = models.DateTimeField(_("handed in"), null=True, blank=True)
    submitted_by = models.ForeignKey(User, verbose_name=_("handed in by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    approved_by = models.ForeignKey(User, verbose_name=_("approved by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # the first 50 mails go ahead: when the last of them left, and when the rest was let go
    canary_until = models.DateTimeField(_("first mails observed until"), null=True, blank=True, editable=False)
    canary_passed_at = models.DateTimeField(_("first mails were fine"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    activated_at = models.DateTimeField(_("active since"), null=True, blank=True, help_text=_("Events before it never trigger. Empty: not active."))
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = TouchpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("touchpoint")
        verbose_name_plural = _("touchpoints")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(event_kind="", every_days__gte=1) | (~Q(event_kind="") & Q(every_days__isnull=True)),
                name="touchpoint_event_or_rhythm",
                violation_error_message=_("Name either an event or a rhythm in days."),
            ),
            models.CheckConstraint(condition=Q(sampling__gte=0, sampling__lte=1), name="touchpoint_sampling_is_share"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        """Whether it plans invitations."""
        return self.state == "active"

    @property
    def state(self) -> str:
        """Where it is in its life: draft, review, active, paused or ended. `activated_at` alone makes it active."""
        if self.ended_at is not None:
            return "ended"
        if self.activated_at is not None:
            return "active" if self.paused_at is None else "paused"
        return "review" if self.submitted_at is not None else "draft"


class ProgrammeStep(models.Model):
    """A step in a touchpoint's life, or a change of what it says: who, when, from what to what. Append-only."""

    touchpoint = models.ForeignKey(Touchpoint, verbose_name=_("touchpoint"), on_delete=models.CASCADE, related_name="steps")
    action = models.CharField(_("step"), max_length=20)  # made, changed, handed_in, sent_back, approved, activated, paused, resumed, ended
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    happened_at = models.DateTimeField(_("happened"))
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    # {"field": [before, after]}
    changes = models.JSONField(_("changes"), default=dict, blank=True)

    class Meta:
        verbose_name = _("step of a programme")
        verbose_name_plural = _("steps of programmes")
        ordering = ["-happened_at", "-id"]

    def __str__(self) -> str:
        return f"{self.touchpoint} {self.action}"


class SendingHold(models.Model):
    """Mails of a touchpoint, or to a domain, that wait for a person (or for the first mails to prove good)."""

    class Reason(models.TextChoices):
        MANY_DUE = "many_due", _("unusually many are due at once")
        BOUNCES = "bounces", _("too many bounces")
        COMPLAINTS = "complaints", _("too many complaints")
        CANARY = "canary", _("the first mails did not do well")

    touchpoint = models.ForeignKey(Touchpoint, verbose_name=_("touchpoint"), null=True, blank=True, on_delete=models.CASCADE, related_name="holds")
    domain = models.CharField(_("sender's domain"), max_length=253, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    value = models.DecimalField(_("value"), max_digits=12, decimal_places=4, null=True, blank=True)
    limit = models.DecimalField(_("limit"), max_digits=12, decimal_places=4, null=True, blank=True)
    held_at = models.DateTimeField(_("since"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    released_by = models.ForeignKey(User, verbose_name=_("released by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-held_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["touchpoint", "domain", "reason"], condition=Q(released_at__isnull=True), nulls_distinct=False, name="sending_hold_once"),
            models.CheckConstraint(condition=Q(touchpoint__isnull=False) | ~Q(domain=""), name="sending_hold_names_what"),
        ]

    def __str__(self) -> str:
        return f"{self.touchpoint or self.domain}: {self.reason}"
