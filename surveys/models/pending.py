"""What an answer asks for in a moment: a detractor's case, once a correction has had time to land."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from surveys.models.answers import Response


class PendingFollowUp(models.Model):
    """An answer that somebody has to look after from `due_at` on. The row goes when its case is opened, or the answer gets better."""

    response = models.OneToOneField(Response, verbose_name=_("answer"), primary_key=True, on_delete=models.CASCADE, related_name="pending_follow_up")
    due_at = models.DateTimeField(_("due"), db_index=True)

    class Meta:
        verbose_name = _("pending follow-up")
        verbose_name_plural = _("pending follow-ups")

    def __str__(self) -> str:
        return f"{self.response_id} {self.due_at:%Y-%m-%d %H:%M}"
