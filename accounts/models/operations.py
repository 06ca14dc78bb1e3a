"""The state of the installation: heartbeats of its processes, and the stop switch."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """The last sign of life of a part: written by a task that went through beat, broker and worker."""

    part = models.CharField(_("part"), max_length=40, primary_key=True)
    beaten_at = models.DateTimeField(_("last sign of life"))
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.part


class Installation(models.Model):
    """The one row about this installation."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sending_enabled = models.BooleanField(_("sending is on"), default=True, help_text=_("Off: no survey leaves; what is due waits."))
    sending_note = models.CharField(_("why it is off"), max_length=200, blank=True, default="")
    demo_loaded_at = models.DateTimeField(_("demo loaded"), null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return "Vefa"

    @classmethod
    def current(cls) -> Installation:
        """The row; made on first use."""
        return cls.objects.get_or_create(pk=1)[0]
