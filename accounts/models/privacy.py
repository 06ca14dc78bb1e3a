"""What was erased: kept without anything personal, so that a restored backup can be made to forget again."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Erasure(models.Model):
    """A contact whose personal data were erased."""

    contact_id = models.BigIntegerField(_("contact"), unique=True)
    address_hmacs = models.JSONField(_("hashes of addresses"), default=list)
    source = models.CharField(_("asked for"), max_length=20, blank=True, default="", help_text=_("“link”, “admin”, “api”."))
    requested_at = models.DateTimeField(_("asked"))
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")

    def __str__(self) -> str:
        return f"{self.contact_id} {self.requested_at:%Y-%m-%d}"
