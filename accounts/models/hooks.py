"""Systems that may send us what happened there: each with secrets of its own and a map that says what its words mean here."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User


class IncomingHook(models.Model):
    """One sender of webhooks. What it sends acts as `acts_for`, within what that person may do."""

    class Proof(models.TextChoices):
        STANDARD = "standard", _("Standard Webhooks signature")
        STRIPE = "stripe", _("signature of Stripe")
        HMAC = "hmac", _("HMAC of the body in a header")
        BEARER = "bearer", _("secret in a header")

    # the sources of events are called "hook:" and this, in 40 letters
    name = models.SlugField(_("name"), max_length=35, unique=True, help_text=_("Part of its address: /hooks/in/generic/NAME/"))
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


class OutsideObject(models.Model):
    """One object of a sender of webhooks: which row it is here, and what was last said of it.

    Events come shuffled and more than once. `told_at` with `event` says how new the newest of them was;
    `told` keeps what has to be put in order again when an older one arrives late.
    """

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("account")
        CONTACT = "contact", _("contact")
        TICKET = "ticket", _("ticket")
        # subscriptions, payments and what links them, told apart by the ids themselves
        BILLING = "billing", _("billing")

    source = models.CharField(_("source"), max_length=40)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    external_id = models.CharField(_("id at the source"), max_length=200)
    # of the account, contact or ticket; empty while no place was found for it
    row_id = models.BigIntegerField(_("row"), null=True, blank=True)
    # made by this source, which therefore may go on naming it
    made = models.BooleanField(_("made by the source"), default=False)
    told_at = models.DateTimeField(_("last told"), null=True, blank=True)
    event = models.CharField(_("by the event"), max_length=200, blank=True, default="")
    told = models.JSONField(_("what was told"), default=dict, blank=True)

    class Meta:
        verbose_name = _("object of another system")
        verbose_name_plural = _("objects of other systems")
        ordering = ["source", "kind", "external_id"]
        constraints = [models.UniqueConstraint(fields=["source", "kind", "external_id"], name="outside_object_once")]
        indexes = [models.Index(fields=["kind", "row_id"], name="outside_object_by_row")]

    def __str__(self) -> str:
        return f"{self.source} {self.kind} {self.external_id}"
