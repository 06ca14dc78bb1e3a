"""Tickets, their messages, the status log from which every duration derives, and handle times."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext_lazy as _

from accounts.collation import search_key
from accounts.models import Account, Contact, User
from accounts.models.customers import new_external_id
from tickets.querysets import TicketOwnedQuerySet, TicketQuerySet
from tickets.state import State


class Channel(models.TextChoices):
    """How the customer reached us."""

    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail")
    CHAT = "chat", _("Chat")
    WEB = "web", _("Web")
    SOCIAL = "social", _("Social")


class Severity(models.IntegerChoices):
    """How bad it is, 4 worst."""

    SMALL = 1, _("small")
    NORMAL = 2, _("normal")
    HIGH = 3, _("high")
    URGENT = 4, _("urgent")


class ActorKind(models.TextChoices):
    """Who did it."""

    AGENT = "agent", _("agent")
    CUSTOMER = "customer", _("customer")
    BOT = "bot", _("automatic")


# what has no promise stands behind all that has one
NO_DUE = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def next_due() -> Coalesce:
    """The nearer of a ticket's open promises, never null; the queue sorts by it and an index holds it."""
    reply = Case(When(first_replied_at__isnull=True, then=F("first_reply_due_at")))
    return Coalesce(Least(reply, F("resolution_due_at")), Value(NO_DUE))


class Ticket(models.Model):
    """Something that went wrong for a customer, or a question."""

    class Status(models.TextChoices):
        NEW = State.NEW, _("new")
        OPEN = State.OPEN, _("open")
        PENDING = State.PENDING, _("waiting for the customer")
        ON_HOLD = State.ON_HOLD, _("on hold")
        SOLVED = State.SOLVED, _("solved")
        CLOSED = State.CLOSED, _("closed")
        CANCELLED = State.CANCELLED, _("cancelled")

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="tickets")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    subject_search = models.CharField(max_length=500, editable=False, default="", db_collation="C")
    category = models.CharField(_("category"), max_length=120, blank=True, default="")
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices, default=Channel.WEB)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices, null=True, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.NEW)
    created_by_kind = models.CharField(_("opened by"), max_length=8, choices=ActorKind.choices, default=ActorKind.CUSTOMER)
    assignee = models.ForeignKey(User, verbose_name=_("assignee"), null=True, blank=True, on_delete=models.SET_NULL, related_name="tickets")
    assignee_email = models.EmailField(_("assignee's address"), blank=True, default="", help_text=_("Of an agent who is no user here."))
    group = models.CharField(_("group"), max_length=120, blank=True, default="")
    location = models.CharField(_("location"), max_length=120, blank=True, default="")
    opened_at = models.DateTimeField(_("opened"))
    first_replied_at = models.DateTimeField(_("first reply"), null=True, blank=True)
    solved_at = models.DateTimeField(_("solved"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)
    replies = models.PositiveIntegerField(_("replies"), default=0)
    resolutions = models.PositiveSmallIntegerField(_("times solved"), default=0)
    escalated = models.BooleanField(_("escalated"), default=False)
    first_level_solvable = models.BooleanField(_("solvable at first level"), default=True)
    spam = models.BooleanField(_("spam"), default=False)
    test = models.BooleanField(_("test"), default=False)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    merged_into = models.ForeignKey("self", verbose_name=_("merged into"), null=True, blank=True, on_delete=models.PROTECT, related_name="merged")
    tags = ArrayField(models.CharField(max_length=80), verbose_name=_("tags"), default=list, blank=True)
    # the latest rating, kept when the survey tells so by its event
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True, editable=False)
    rated_at = models.DateTimeField(_("rated"), null=True, blank=True, editable=False)
    # what was promised, from the service level; the clock of the resolution rests while we wait for the customer
    first_reply_due_at = models.DateTimeField(_("first reply due"), null=True, blank=True, editable=False)
    resolution_due_at = models.DateTimeField(_("resolution due"), null=True, blank=True, editable=False)
    resolution_left_seconds = models.PositiveIntegerField(_("seconds left while resting"), null=True, blank=True, editable=False)
    # empty: the clocks are not worked out yet (an import, changed hours); the tick does it for open tickets
    clocks_set_at = models.DateTimeField(null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        constraints = [
            models.CheckConstraint(condition=Q(severity__isnull=True) | Q(severity__gte=1, severity__lte=4), name="ticket_severity_1_to_4"),
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="ticket_not_merged_into_itself"),
        ]
        indexes = [
            models.Index(fields=["account", "opened_at"], name="ticket_by_account"),
            models.Index(fields=["account", "severity"], name="ticket_open_by_account", condition=Q(status__in=["new", "open", "pending", "on_hold"])),
            models.Index(fields=["assignee", "-opened_at", "-id"], name="ticket_queue"),
            models.Index(fields=["-opened_at", "-id"], name="ticket_by_age"),
            models.Index(fields=["resolution_due_at"], name="ticket_resolution_due", condition=Q(status__in=["new", "open", "pending", "on_hold"])),
            models.Index(
                fields=["first_reply_due_at"], name="ticket_first_reply_due", condition=Q(status__in=["new", "open", "pending", "on_hold"], first_replied_at__isnull=True)
            ),
            models.Index(fields=["id"], name="ticket_clocks_unset", condition=Q(status__in=["new", "open", "pending", "on_hold"], clocks_set_at__isnull=True)),
            models.Index(next_due(), F("id"), name="ticket_by_due", condition=Q(status__in=["new", "open", "pending", "on_hold"])),
            GinIndex(OpClass("subject_search", "gin_trgm_ops"), name="ticket_subject_trigram"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}".strip()

    def save(self, *args: object, **kwargs: object) -> None:
        """Keeps the derived letters true."""
        self.spell()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        """The ticket's page."""
        from django.urls import reverse

        return reverse("tickets:ticket", args=[self.pk])

    def clean(self) -> None:
        """Derived letters; a contact of the same customer."""
        super().clean()
        self.spell()
        if self.contact_id and self.contact and self.contact.account_id != self.account_id:
            raise ValidationError({"contact": _("This person belongs to another account.")})

    def spell(self) -> None:
        """Recomputes the column for searching from the subject."""
        self.subject_search = search_key(self.subject)[:500]


class TicketLink(models.Model):
    """Two tickets that have to do with each other; kept once, the older one first."""

    first = models.ForeignKey(Ticket, verbose_name=_("ticket"), on_delete=models.CASCADE, related_name="links_forward")
    second = models.ForeignKey(Ticket, verbose_name=_("other ticket"), on_delete=models.CASCADE, related_name="links_back")
    created_by = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("ticket link")
        verbose_name_plural = _("ticket links")
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="ticket_link_once"),
            models.CheckConstraint(condition=Q(first__lt=models.F("second")), name="ticket_link_older_first"),
        ]

    def __str__(self) -> str:
        return f"#{self.first_id} – #{self.second_id}"


class TicketMessage(models.Model):
    """A reply or an internal note. Messages are never changed."""

    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), on_delete=models.PROTECT, related_name="messages")
    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    public = models.BooleanField(_("public"), default=True)
    author_kind = models.CharField(_("author"), max_length=8, choices=ActorKind.choices)
    author = models.ForeignKey(User, verbose_name=_("agent"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    body = models.TextField(_("text"))
    # what the sender's mail program repeated of earlier mails; kept, and folded on the page
    quoted = models.TextField(_("quoted text"), blank=True, default="")
    # of a mail: its Message-ID without brackets, by which later mails say what they answer
    mail_id = models.CharField(_("mail's id"), max_length=250, blank=True, default="")
    written_at = models.DateTimeField(_("written"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TicketOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["written_at", "id"]
        indexes = [
            models.Index(fields=["ticket", "written_at"], name="message_by_ticket"),
            models.Index(fields=["created_at"], name="message_of_customer", condition=Q(author_kind="customer")),
            models.Index(fields=["mail_id"], name="message_by_mail", condition=~Q(mail_id="")),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class TicketChange(models.Model):
    """One entry of the status log; append-only."""

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        PUBLIC_REPLY = "public_reply", _("public reply")
        INTERNAL_NOTE = "internal_note", _("internal note")
        CUSTOMER_REPLY = "customer_reply", _("customer's reply")
        STATUS = "status", _("status")
        ASSIGNED = "assigned", _("assigned")
        SEVERITY = "severity", _("severity")
        CATEGORY = "category", _("category")
        ESCALATED = "escalated", _("escalated")
        COPY = "copy", _("contact in copy")
        CONTACT = "contact", _("contact")
        MERGED = "merged", _("merged")
        SPAM = "spam", _("spam")

    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), on_delete=models.PROTECT, related_name="changes")
    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    kind = models.CharField(_("kind"), max_length=14, choices=Kind.choices)
    occurred_at = models.DateTimeField(_("happened"))
    actor = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor_kind = models.CharField(_("by whom"), max_length=8, choices=ActorKind.choices, default=ActorKind.AGENT)
    value_before = models.CharField(_("before"), max_length=200, blank=True, default="")
    value = models.CharField(_("value"), max_length=200, blank=True, default="")

    objects = TicketOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket change")
        verbose_name_plural = _("ticket changes")
        ordering = ["occurred_at", "id"]
        indexes = [
            models.Index(fields=["ticket", "occurred_at", "id"], name="change_by_ticket"),
            models.Index(fields=["kind", "occurred_at"], name="change_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}".strip()


class Interaction(models.Model):
    """One handled contact (call, chat session, e-mail work) with its times in seconds."""

    external_id = models.CharField(_("external id"), max_length=200, unique=True, default=new_external_id)
    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), null=True, blank=True, on_delete=models.PROTECT, related_name="interactions")
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.PROTECT, related_name="interactions")
    agent = models.ForeignKey(User, verbose_name=_("agent"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    agent_email = models.EmailField(_("agent's address"), blank=True, default="")
    channel = models.CharField(_("channel"), max_length=6, choices=Channel.choices)
    ended_at = models.DateTimeField(_("ended"))
    talk_seconds = models.PositiveIntegerField(null=True, blank=True)
    hold_seconds = models.PositiveIntegerField(null=True, blank=True)
    wrap_seconds = models.PositiveIntegerField(null=True, blank=True)
    session_seconds = models.PositiveIntegerField(null=True, blank=True)
    follow_up_seconds = models.PositiveIntegerField(null=True, blank=True)
    work_seconds = models.PositiveIntegerField(null=True, blank=True)
    concurrency = models.DecimalField(_("concurrency"), max_digits=6, decimal_places=2, null=True, blank=True)
    abandoned = models.BooleanField(_("abandoned"), default=False)

    objects = TicketOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        indexes = [models.Index(fields=["ended_at"], name="interaction_by_end")]

    def __str__(self) -> str:
        return f"{self.channel} {self.ended_at:%Y-%m-%d %H:%M}"
