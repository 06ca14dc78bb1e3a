"""Touchpoints: which event (or rhythm) asks which survey, when and of whom."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.event_kinds import EVENT_KINDS
from accounts.models import Segment
from surveys.models.surveys import Survey


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
    activated_at = models.DateTimeField(_("active since"), null=True, blank=True, help_text=_("Events before it never trigger. Empty: not active."))
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

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
        return self.activated_at is not None and self.paused_at is None
