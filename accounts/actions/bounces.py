"""What a provider's report means for a mail, its address and the people who have it.

Every step only ever moves a row towards its end state (a bounce never undoes a complaint, an earlier
instant replaces a later one), so reports may come shuffled and more than once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q
from django.db.models.functions import Coalesce

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.suppressions import note_soft_bounce, suppress
from accounts.mail_reports import COMPLAINT, DELIVERED, HARD, OTHER, SOFT, UNSUBSCRIBE, MailReport
from accounts.models import Contact, OutgoingMail, Suppression
from accounts.models.events import Origin
from accounts.models.people import normalise_email

Status = OutgoingMail.Status
# a report that names only the address is about the newest mail to it within this time
LOOK_BACK = dt.timedelta(days=14)
# clocks of others may run behind ours
SLACK = dt.timedelta(minutes=5)
_LEFT = (Status.SENT, Status.UNKNOWN, Status.BOUNCED, Status.COMPLAINED)


@dataclass(frozen=True)
class Applied:
    """What a report was about. `moved`: the mail is in another state now; `in_flight`: it is being sent, ask again."""

    kind: str
    mail: OutgoingMail | None
    moved: bool = False
    in_flight: bool = False
    note: str = ""


def apply_report(*, report: MailReport, occurred_at: dt.datetime, source_ref: str) -> Applied:
    """Writes down what a report says of a mail and an address. Call it in the transaction of its event; twice is once."""
    if report.kind == OTHER:
        return Applied(OTHER, None, note=f"nothing to do: {report.said}")
    mail = mail_of(report, occurred_at=occurred_at)
    address = normalise_email(report.recipient) or (mail.to_address if mail else "")
    if not address:
        return Applied(report.kind, None, note="names nobody")
    moved = mail is not None and _move(mail, report.kind)
    if report.kind == HARD:
        suppress(address=address, reason=Suppression.Reason.HARD_BOUNCE, source_ref=source_ref)
        _stop_contacts(address, occurred_at)
    elif report.kind == SOFT:
        note_soft_bounce(address=address, occurred_at=occurred_at, source_ref=f"mail:{mail.pk}" if mail else _soft_source(report, source_ref))
    elif report.kind == COMPLAINT:
        suppress(address=address, reason=Suppression.Reason.COMPLAINT, source_ref=source_ref)
    elif report.kind == UNSUBSCRIBE:
        suppress(address=address, reason=Suppression.Reason.UNSUBSCRIBE, source_ref=source_ref)
    _tell(report, mail=mail, address=address, occurred_at=occurred_at, source_ref=source_ref)
    return Applied(report.kind, mail, moved, mail is not None and mail.status == Status.SENDING and report.kind not in {SOFT, UNSUBSCRIBE}, note="" if mail else "no mail of ours")


def mail_of(report: MailReport, *, occurred_at: dt.datetime) -> OutgoingMail | None:
    """The mail a report is about, locked: by our own ids where it has them, else by the server's answer, else the newest to the address.

    Ids of a mail to somebody else are not believed. That a mail arrived is believed by ids alone.
    """
    address = normalise_email(report.recipient)
    mails = OutgoingMail.objects.select_for_update(no_key=True, of=("self",))
    if report.references:
        ours = Q(pk__in=report.references) | Q(subject_type="invitation", subject_id__in=report.references)
        found = [mail for mail in mails.filter(ours) if not address or normalise_email(mail.to_address) == address]
        if found:
            return max(found, key=lambda mail: (mail.message_id in report.message_ids, _left_at(mail) <= occurred_at + SLACK, _left_at(mail), str(mail.pk)))
    if not address:
        return None
    left = mails.filter(contact__email=address, to_address=address, status__in=_LEFT).annotate(left_at=Coalesce("sent_at", "next_attempt_at"))
    left = left.filter(left_at__lte=occurred_at + SLACK, left_at__gt=occurred_at - LOOK_BACK).order_by("-left_at", "pk")
    if len(report.own_id) >= 12:
        told = left.filter(smtp_reply__contains=report.own_id.strip("<>")).first()
        if told is not None:
            return told
    return None if report.kind == DELIVERED else left.first()


def _left_at(mail: OutgoingMail) -> dt.datetime:
    return mail.sent_at or mail.next_attempt_at


def _move(mail: OutgoingMail, kind: str) -> bool:
    """Moves the mail towards its end; true where that changed it. One that was uncertain surely left."""
    before: tuple[str, ...]
    after: str
    if kind == DELIVERED:
        before, after = (Status.UNKNOWN,), Status.SENT
    elif kind == HARD:
        before, after = (Status.SENT, Status.UNKNOWN), Status.BOUNCED
    elif kind == COMPLAINT:
        before, after = (Status.SENT, Status.UNKNOWN, Status.BOUNCED), Status.COMPLAINED
    else:
        return False
    if mail.status not in before:
        return False
    mail.sent_at = _left_at(mail)
    mail.status, mail.reason = after, ""
    mail.save(update_fields=["status", "reason", "sent_at"])
    return True


def _soft_source(report: MailReport, source_ref: str) -> str:
    """What makes two soft bounces one where no mail of ours is known: the provider's own id of the mail, else the event."""
    return f"{report.provider}:{report.own_id}" if report.own_id else source_ref


def _stop_contacts(address: str, occurred_at: dt.datetime) -> None:
    """Notes the bounce with everybody who has the address; the earliest instant stays."""
    later = Contact.objects.filter(Q(bounced_at__isnull=True) | Q(bounced_at__gt=occurred_at), email=address)
    later.update(bounced_at=occurred_at, version=F("version") + 1)


_EVENTS = {HARD: "mail.bounced", COMPLAINT: "mail.complained", UNSUBSCRIBE: "contact.unsubscribed"}


def _tell(report: MailReport, *, mail: OutgoingMail | None, address: str, occurred_at: dt.datetime, source_ref: str) -> None:
    """Records the fact once a mail; without one, once for each contact who has the address."""
    kind = _EVENTS.get(report.kind)
    if kind is None:
        return
    payload: dict[str, object] = {"scope": "all"} if report.kind == UNSUBSCRIBE else {"provider": report.provider}
    if report.kind == HARD:
        payload["hard"] = True
    if mail is not None and mail.account_id is not None:
        if report.kind != UNSUBSCRIBE:
            payload["mail"] = str(mail.pk)
        who = [(mail.account_id, mail.contact_id, "mail", str(mail.pk), str(mail.pk))]
    else:
        contacts = Contact.objects.filter(email=address).order_by("pk").values_list("account_id", "pk")
        who = [(account, contact, "contact", str(contact), f"{source_ref}:{contact}"[:200]) for account, contact in contacts]
    record_events(
        [
            NewEvent(
                account_id=account, contact_id=contact, kind=kind, occurred_at=occurred_at, origin=Origin.WEBHOOK, subject_type=subject, subject_id=subject_id,
                payload=payload, dedupe_key=dedupe,
            )
            for account, contact, subject, subject_id, dedupe in who
        ]
    )  # fmt: skip
