"""What the log of each ticket comes to, kept for the figures of support; and the tickets whose log has moved on since.

A path is worked out from a ticket and its log by `metrics.actions.ticket_paths` and never changed by hand. The
database notes every ticket that somebody touches (triggers of the migration), and the figures work those out
anew from the log until the sweep has taken them in: a path that is kept is always true.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tickets.models import Ticket


class TicketPath(models.Model):
    """The way of one ticket that counts, those merged into it with it: moves between states, answers, calls, and values that changed.

    Lists of instants ascend. `states` has one letter for each of `moves_at` (`metrics.kpis.ticket_log.LETTERS`).
    Lists of values hold what was before the first change, then the value after each.
    """

    # no foreign key in the database: a path is worth nothing and must not keep a ticket from being removed
    ticket = models.OneToOneField(Ticket, verbose_name=_("ticket"), primary_key=True, db_constraint=False, on_delete=models.CASCADE, related_name="path")
    opened_at = models.DateTimeField()
    # what figures ask of the ticket itself, so that it need not be looked up; as it is now
    account_id = models.BigIntegerField()
    channel = models.TextField()
    severity = models.SmallIntegerField(null=True)
    category = models.TextField()
    group = models.TextField()
    location = models.TextField()
    status = models.TextField()
    created_by_kind = models.TextField()
    assignee_id = models.BigIntegerField(null=True)
    assignee_email = models.TextField()
    first_level_solvable = models.BooleanField()
    replies = models.IntegerField()
    solved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    # the first public reply of a person, by whom, and what the columns say of it
    replied_at = models.DateTimeField(null=True)
    replied_by = models.BigIntegerField(null=True)
    reply_logged = models.BooleanField()
    reply_in_columns = models.DateTimeField(null=True)
    moves_at = ArrayField(models.DateTimeField())
    states = models.TextField()
    last_moved_at = models.DateTimeField()
    is_open = models.BooleanField()
    # entries into a resolved state, whether their instant is known, and the ways out of one
    resolved_at = ArrayField(models.DateTimeField())
    resolved_known = ArrayField(models.BooleanField())
    left_at = ArrayField(models.DateTimeField())
    replies_at = ArrayField(models.DateTimeField())
    customer_replies_at = ArrayField(models.DateTimeField())
    calls_at = ArrayField(models.DateTimeField())
    # empty: never changed, the ticket's column holds it
    assigned_at = ArrayField(models.DateTimeField(), null=True)
    assigned_values = ArrayField(models.TextField(), null=True)
    severity_at = ArrayField(models.DateTimeField(), null=True)
    severity_values = ArrayField(models.TextField(), null=True)
    category_at = ArrayField(models.DateTimeField(), null=True)
    category_values = ArrayField(models.TextField(), null=True)

    class Meta:
        verbose_name = _("path of a ticket")
        verbose_name_plural = _("paths of tickets")
        indexes = [
            models.Index(fields=["opened_at"], name="path_by_opening"),
            models.Index(fields=["replied_at"], name="path_by_reply"),
            models.Index(fields=["last_moved_at"], name="path_by_last_move"),
            models.Index(fields=["ticket"], name="path_open", condition=Q(is_open=True)),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.states}"


class StaleTicket(models.Model):
    """A ticket that was touched since its path was worked out; written by triggers, one row a touch, so that nobody waits for anybody."""

    # no foreign key: the ticket may be gone
    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+")

    class Meta:
        verbose_name = _("ticket to look at again")
        verbose_name_plural = _("tickets to look at again")

    def __str__(self) -> str:
        return f"#{self.ticket_id}"
