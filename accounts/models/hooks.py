"""Systems that may send us what happened there: each with secrets of its own and a map that says what its words mean here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class IncomingHook(models.Model):
    """One sender of webhooks. What it sends acts as `acts_for`, within what that person may do."""

    class Proof(models.TextChoices):
        STANDARD = "standard", _("Standard Webhooks signature")
        HMAC = "hmac", _("HMAC of the body in a header")
        BEARER = "bearer", _("secret in a header")

    name = models.SlugField(_("name"), max_length=40, unique=True, help_text=_("Part of its address: /hooks/in/generic/NAME/"))
    acts_for = models.ForeignKey(User, verbose_name=_("acts for"), on_delete=models.PROTECT, related_name="+")
    # signatures are checked with the secret itself, so it cannot be kept as a hash
    secret = models.CharField(_("secret"), max_length=200)
    previous_secret = models.CharField(_("secret before"), max_length=200, blank=True, default="", help_text=_("Still accepted while the sender changes over."))
    proof = models.CharField(_("proof"), max_length=8, choices=Proof.choices, default=Proof.STANDARD)
    header = models.CharField(_("header"), max_length=80, blank=True, default="", help_text=_("Of the HMAC or of the secret."))
    map = models.CharField(_("map"), max_length=40, blank=True, default="", help_text=_("The name of a shipped map; empty: the map below."))
    own_map = models.JSONField(_("own map"), default=dict, blank=True)
    active = models.BooleanField(_("active"), default=True)
    last_received_at = models.DateTimeField(_("last received"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("incoming webhook")
        verbose_name_plural = _("incoming webhooks")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
