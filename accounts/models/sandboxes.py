"""The sandbox: a copy of some accounts in a database of its own, whose clock a person moves on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class Sandbox(models.Model):
    """One rehearsal. The row is the queue as well: a worker takes what is to be made, moved on or removed, a sweep what lost its worker.

    What happens inside is kept by the sandbox's own database; here stands how far it is.
    """

    class State(models.TextChoices):
        MAKING = "making", _("being made")
        READY = "ready", _("ready")
        MOVING = "moving", _("moving on")
        ENDING = "ending", _("being removed")
        ENDED = "ended", _("removed")
        FAILED = "failed", _("failed")

    # how the accounts were chosen: {"segment": key or "", "order": "stake" | "mrr" | "newest", "most": number}; and "hours" between two rounds of sweeps
    choice = models.JSONField(_("choice"), default=dict)
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.MAKING)
    accounts = models.PositiveIntegerField(_("accounts"), default=0)
    rows = models.PositiveIntegerField(_("rows copied"), default=0)
    began_at = models.DateTimeField(_("its clock began at"), help_text=_("Both clocks were the same then."))
    reached_at = models.DateTimeField(_("its clock stands at"))
    target_at = models.DateTimeField(_("to move on to"), null=True, blank=True)
    fault = models.CharField(_("what went wrong"), max_length=500, blank=True, default="")
    # a worker is at it until then
    lease_until = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(User, verbose_name=_("made by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("asked for"))
    ended_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("sandbox")
        verbose_name_plural = _("sandboxes")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=~Q(state="ended"), name="sandbox_one_at_a_time"),
            models.CheckConstraint(condition=~Q(state="moving") | Q(target_at__isnull=False), name="sandbox_moves_to_somewhere"),
        ]

    def __str__(self) -> str:
        return f"{self.accounts} · {self.get_state_display()}"
