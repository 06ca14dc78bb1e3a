"""Funnels: named, ordered kinds of events that accounts go through."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.event_kinds import EVENT_KINDS
from accounts.models import User

FEWEST_STEPS, MOST_STEPS = 2, 8


def check_kind(kind: str) -> None:
    """A kind of the closed vocabulary. Raises ValidationError."""
    if kind not in EVENT_KINDS:
        raise ValidationError(_("%(kind)s is no kind of event."), params={"kind": kind})


class Funnel(models.Model):
    """What is followed: the events of its steps, in their order."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    window_days = models.PositiveSmallIntegerField(
        _("window, days"), null=True, blank=True, help_text=_("From the first step; what comes later does not count. Empty: whenever.")
    )  # fmt: skip
    number = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_by = models.ForeignKey(User, verbose_name=_("author"), null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("funnel")
        verbose_name_plural = _("funnels")
        ordering = ["name", "id"]
        constraints = [models.CheckConstraint(condition=Q(window_days__isnull=True) | Q(window_days__gte=1), name="funnel_window_positive")]

    def __str__(self) -> str:
        return self.name


class FunnelStep(models.Model):
    """One step: a kind of event, where wanted only with one value in its payload."""

    funnel = models.ForeignKey(Funnel, verbose_name=_("funnel"), on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    # no choices: a new kind of event must not need a migration here
    kind = models.CharField(_("event"), max_length=40, validators=[check_kind])
    payload_key = models.CharField(_("only where"), max_length=40, blank=True, default="", help_text=_("A part of what the event says."))
    payload_value = models.CharField(_("is"), max_length=120, blank=True, default="")

    class Meta:
        verbose_name = _("step of a funnel")
        verbose_name_plural = _("steps of funnels")
        ordering = ["funnel", "position"]
        constraints = [
            models.UniqueConstraint(fields=["funnel", "position"], name="funnel_position_once"),
            models.CheckConstraint(condition=Q(payload_key="", payload_value="") | (~Q(payload_key="") & ~Q(payload_value="")), name="funnel_condition_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.funnel} {self.position}: {self.kind}"

    def clean(self) -> None:
        """A condition names a part of its event. Raises ValidationError."""
        super().clean()
        check_condition(self.kind, self.payload_key, self.payload_value)


def check_condition(kind: str, key: str, value: str) -> None:
    """A condition is whole, and its key is one the event has. Raises ValidationError."""
    faults: dict[str, Any] = {}
    if bool(key) != bool(value):
        faults["payload_value" if key else "payload_key"] = _("Both or neither: a part of the event and its value.")
    elif key and kind in EVENT_KINDS:
        allowed = EVENT_KINDS[kind].required + EVENT_KINDS[kind].optional
        if key not in allowed:
            faults["payload_key"] = (
                _("%(kind)s does not say “%(key)s”; it says %(allowed)s.") % {"kind": kind, "key": key, "allowed": ", ".join(allowed)}
                if allowed
                else _("%(kind)s says nothing beyond that it happened.") % {"kind": kind}
            )
    if faults:
        raise ValidationError(faults)
