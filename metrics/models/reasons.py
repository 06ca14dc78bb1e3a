"""What is known about the reasons for which revenue leaves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LossReason(models.Model):
    """Whether losses for a reason could have been avoided; a reason without a row was not judged."""

    reason = models.CharField(
        _("reason"), max_length=80, unique=True, help_text=_("As it stands on the subscription or the account; payment_failure, pause and inactivity are ours.")
    )
    avoidable = models.BooleanField(_("avoidable"), help_text=_("The team or the product could have kept them."))
    note = models.CharField(_("why"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("reason of loss")
        verbose_name_plural = _("reasons of loss")
        ordering = ["reason"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="loss_reason_has_name")]

    def __str__(self) -> str:
        return self.reason
