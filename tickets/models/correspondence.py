"""Mail of tickets: who else reads along, what was attached, ready-made replies, and mail that a person must look at."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Contact, User, WorkItem
from tickets.canned import check
from tickets.models.tickets import Ticket, TicketMessage
from tickets.querysets import MessageOwnedQuerySet, TicketOwnedQuerySet, UnsortedQuerySet


class TicketCopy(models.Model):
    """A contact of the same customer who gets every public reply as well, and whose mails belong to the ticket."""

    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), on_delete=models.CASCADE, related_name="copies")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), on_delete=models.CASCADE, related_name="+")
    added_by = models.ForeignKey(User, verbose_name=_("added by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TicketOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact in copy")
        verbose_name_plural = _("contacts in copy")
        constraints = [models.UniqueConstraint(fields=["ticket", "contact"], name="ticket_copy_once")]

    def __str__(self) -> str:
        return f"#{self.ticket_id} {self.contact}"


class Attachment(models.Model):
    """A file that came or left with a message. Its bytes lie apart, so that lists never read them."""

    message = models.ForeignKey(TicketMessage, verbose_name=_("message"), on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(_("name"), max_length=200)
    # what the bytes are, found by us; never what the sender said they are
    media_type = models.CharField(_("type"), max_length=100, default="application/octet-stream")
    size = models.PositiveIntegerField(_("size"), help_text=_("Bytes."))
    sha256 = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = MessageOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class AttachmentContent(models.Model):
    """The bytes of an attachment."""

    attachment = models.OneToOneField(Attachment, verbose_name=_("attachment"), primary_key=True, on_delete=models.CASCADE, related_name="content")
    data = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("content of an attachment")
        verbose_name_plural = _("contents of attachments")

    def __str__(self) -> str:
        return str(self.attachment_id)


class CannedReply(models.Model):
    """A ready-made reply, in the languages it has texts in."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    shortcut = models.SlugField(_("shortcut"), max_length=30, unique=True, help_text=_("Typed after a slash in a reply."))
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CannedReplyText(models.Model):
    """What a canned reply says in one language; placeholders such as {contact} are filled in when it is taken."""

    reply = models.ForeignKey(CannedReply, verbose_name=_("canned reply"), on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=10)
    body = models.TextField(_("text"))

    class Meta:
        verbose_name = _("text of a canned reply")
        verbose_name_plural = _("texts of canned replies")
        constraints = [models.UniqueConstraint(fields=["reply", "language"], name="canned_reply_text_once")]

    def __str__(self) -> str:
        return f"{self.reply} ({self.language})"

    def clean(self) -> None:
        """Only placeholders that exist."""
        super().clean()
        try:
            check(self.body)
        except ValidationError as refusal:
            raise ValidationError({"body": refusal.messages}) from refusal


class TicketWork(models.Model):
    """Customer success work that came of a ticket, or a ticket that came of work."""

    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), on_delete=models.CASCADE, related_name="work")
    work_item = models.ForeignKey(WorkItem, verbose_name=_("work item"), on_delete=models.CASCADE, related_name="+")
    ticket_first = models.BooleanField(_("the work came of the ticket"), default=True)
    created_by = models.ForeignKey(User, verbose_name=_("by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = TicketOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket's work")
        verbose_name_plural = _("tickets' work")
        constraints = [models.UniqueConstraint(fields=["ticket", "work_item"], name="ticket_work_once")]
        indexes = [models.Index(fields=["work_item"], name="ticket_work_by_item")]

    def __str__(self) -> str:
        return f"#{self.ticket_id} ↔ {self.work_item_id}"


class UnsortedMessage(models.Model):
    """What came in and no rule may place: kept whole until a person decides. Nothing of it is shown to a customer."""

    class Why(models.TextChoices):
        STRANGER = "stranger", _("the sender is not known")
        OTHER_PERSON = "other_person", _("the sender is not on this ticket")
        AUTOMATIC = "automatic", _("an automatic answer")
        LOOP = "loop", _("too many mails in a short time")
        TOO_LARGE = "too_large", _("too large")
        MERGED = "merged", _("the ticket was merged into another")
        FINISHED = "finished", _("the ticket takes no more replies")
        UNREADABLE = "unreadable", _("it could not be read")
        UNKNOWN_STATE = "unknown_state", _("a state that is not known here")
        UNPLACED = "unplaced", _("no account or ticket could be found for it")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        PLACED = "placed", _("placed on a ticket")
        DROPPED = "dropped", _("dropped")

    source = models.CharField(_("source"), max_length=40, help_text=_("Mail of a provider, or the name of an incoming webhook."))
    # the id of the mail or of the call: the same thing twice is kept once
    external_id = models.CharField(_("id at the source"), max_length=200)
    why = models.CharField(_("why it waits"), max_length=13, choices=Why.choices)
    status = models.CharField(_("status"), max_length=7, choices=Status.choices, default=Status.WAITING)
    # what it seems to belong to
    account = models.ForeignKey(Account, verbose_name=_("account"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    contact = models.ForeignKey(Contact, verbose_name=_("contact"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ticket = models.ForeignKey(Ticket, verbose_name=_("ticket"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    sender_address = models.CharField(_("sender's address"), max_length=320, blank=True, default="")
    sender_name = models.CharField(_("sender's name"), max_length=200, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=500, blank=True, default="")
    body = models.TextField(_("text"), blank=True, default="")
    headers = models.JSONField(_("headers"), default=dict, blank=True)
    # names, types and bytes (base64) of what was attached, until a person places or drops it
    files = models.JSONField(_("attachments"), default=list, blank=True)
    received_at = models.DateTimeField(_("received"))
    message = models.ForeignKey(TicketMessage, verbose_name=_("message"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_by = models.ForeignKey(User, verbose_name=_("decided by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = UnsortedQuerySet.as_manager()

    class Meta:
        verbose_name = _("unsorted message")
        verbose_name_plural = _("unsorted messages")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="unsorted_once"),
            models.CheckConstraint(condition=Q(status="waiting", decided_at__isnull=True) | ~Q(status="waiting"), name="unsorted_waiting_undecided"),
        ]
        indexes = [models.Index(fields=["-received_at", "-id"], name="unsorted_waiting", condition=Q(status="waiting"))]

    def __str__(self) -> str:
        return self.subject or str(self.pk)
