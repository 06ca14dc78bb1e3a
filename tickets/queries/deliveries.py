"""What became of the mails of replies, for the page of a ticket."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import OutgoingMail

Status = OutgoingMail.Status
# what did not, or perhaps not, reach its reader; a person has to do something
NOT_ARRIVED = frozenset({Status.WITHHELD, Status.FAILED, Status.BOUNCED, Status.COMPLAINED, Status.ABORTED, Status.UNKNOWN})
ON_ITS_WAY = frozenset({Status.QUEUED, Status.SENDING, Status.RETRY})


@dataclass(frozen=True)
class Delivery:
    """One mail of a message: to whom, and where it stands (a status of the outbox) since when."""

    to: str
    status: str
    status_words: str
    reason: str
    sent_at: dt.datetime | None

    @property
    def failed(self) -> bool:
        """Whether it did not reach its reader, as far as is known."""
        return self.status in NOT_ARRIVED

    @property
    def said(self) -> str:
        """Where it stands and why, in words."""
        why = {"address_bounced": _("the address bounced"), "gave_up": _("tried for a day"), "unsendable": _("no mail can carry it"), "by_hand": _("stopped by hand")}
        return f"{self.status_words}, {why[self.reason]}" if self.reason in why else self.status_words

    @property
    def on_its_way(self) -> bool:
        """Whether it may still leave by itself."""
        return self.status in ON_ITS_WAY


def deliveries_of(message_ids: Collection[int]) -> dict[int, list[Delivery]]:
    """The mails of messages, by message, in one query; messages that left by no mail are left out."""
    found: dict[int, list[Delivery]] = {}
    if not message_ids:
        return found
    mails = OutgoingMail.objects.filter(subject_type="ticket_message", subject_id__in=[str(pk) for pk in message_ids]).order_by("created_at", "pk")
    for mail in mails.only("to_address", "status", "reason", "sent_at", "subject_id"):
        delivery = Delivery(to=mail.to_address, status=mail.status, status_words=mail.get_status_display(), reason=mail.reason, sent_at=mail.sent_at)
        found.setdefault(int(mail.subject_id), []).append(delivery)
    return found
