"""The state of the installation: heartbeats of its processes, and the stop switch."""

from __future__ import annotations

import uuid
from decimal import Decimal

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
    # how often one person and one account are asked, over all surveys
    contact_gap_days = models.PositiveSmallIntegerField(_("days between two surveys to one person"), default=30)
    nps_gap_days = models.PositiveSmallIntegerField(_("days between two NPS surveys to one person"), default=90)
    account_days = models.PositiveSmallIntegerField(_("days that the limit per account looks at"), default=7)
    account_people = models.PositiveSmallIntegerField(_("people of one account asked in that time, at least"), default=3)
    account_share = models.DecimalField(_("… or this share of its contacts, where that is more"), max_digits=4, decimal_places=3, default=Decimal("0.2"))
    reminder_gap_days = models.PositiveSmallIntegerField(_("days between two reminders to one person"), default=14)
    # how mails leave
    rate_per_second = models.FloatField(_("mails a second"), default=10)
    rate_per_day = models.PositiveIntegerField(_("mails a day"), null=True, blank=True, help_text=_("Empty: no limit."))
    many_at_once = models.PositiveIntegerField(
        _("due at once that waits for a person"), default=500, help_text=_("So does three times the daily mean of four weeks, if that is 50 or more.")
    )
    approval_needed = models.BooleanField(_("programmes need a second person's approval"), default=True)
    postal_address = models.CharField(_("postal address in mails"), max_length=300, blank=True, default="")
    ticket_address = models.CharField(
        _("address of tickets"), max_length=254, blank=True, default="", help_text=_("Mail to it opens tickets; replies come to it with a sign of the ticket before the @.")
    )
    # the clock of a sandbox stands so far ahead; nothing but a sandbox has one that is not 0
    clock_offset_seconds = models.BigIntegerField(default=0, editable=False)
    # where this database belongs: another address or a restored copy sends nothing until an admin confirms it
    instance_url = models.CharField(_("belongs to"), max_length=300, blank=True, default="", editable=False)
    epoch = models.UUIDField(default=uuid.uuid4, editable=False)
    timeline = models.PositiveIntegerField(null=True, editable=False)
    # what only this very database has: cluster, database and table; a dump that was restored has others
    database_mark = models.CharField(max_length=80, blank=True, default="", editable=False)
    # why this may be a copy (url, epoch, timeline, database); nothing leaves until an admin says that it is not
    doubt = models.CharField(max_length=10, blank=True, default="", editable=False)
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
