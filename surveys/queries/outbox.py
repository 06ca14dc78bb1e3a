"""What the outbox pages show: mails and their states, rates, holds, and what is known of uncertain ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.actions.mail_rates import ALL, organisation_day
from accounts.models import Installation, MailBucket, OutgoingMail, User
from accounts.roles import WRITES_ACCOUNTS
from surveys.actions.holds import held_waiting
from surveys.actions.unknowns import AGAIN, KINDS, SUBJECT, WAITING
from surveys.models import Invitation, SendingHold, SurveyLink
from surveys.queries.rows import Slice, slice_of

# counted one by one up to here; above it the page says so
CAP = 1001
SHOWN_BUCKETS, SHOWN_HOLDS, SHOWN_UNKNOWNS = 20, 10, 200

Mail = OutgoingMail.Status
COUNTED = (Mail.QUEUED, Mail.RETRY, Mail.SENDING, Mail.UNKNOWN, Mail.WITHHELD, Mail.FAILED)


def mails(user: User, *, mark: str, status: str = "", kind: str = "", reason: str = "") -> Slice:
    """The mails of the accounts a person sees, newest first, each with its invitation and what may be decided about it."""
    rows = OutgoingMail.objects.visible_to(user).defer("body_text", "body_html", "headers")
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    if reason:
        rows = rows.filter(reason=reason)
    found = slice_of(rows.select_related("account", "contact"), instant="created_at", mark=mark)
    with_invitations(found.rows)
    writes = user.role in WRITES_ACCOUNTS
    for mail in found.rows:
        mail.may_again = writes and may_send_again(mail)
        mail.may_drop = writes and mail.status in WAITING
    return found


def may_send_again(mail: OutgoingMail) -> bool:
    """Whether a person may order it once more. News and trials have no second time."""
    if mail.kind in KINDS:
        return mail.status in AGAIN
    return mail.kind in {OutgoingMail.Kind.REPLY, OutgoingMail.Kind.ALERT, OutgoingMail.Kind.AUTH} and mail.status in {*AGAIN, Mail.ABORTED}


def with_invitations(rows: Iterable[Any]) -> None:
    """Gives each mail its `invitation` (None for mails of other sorts), in one statement."""
    mine = [mail for mail in rows if mail.kind in KINDS and mail.subject_type == SUBJECT]
    found = {str(row.pk): row for row in Invitation.objects.filter(pk__in=[mail.subject_id for mail in mine]).select_related("survey_version__survey", "touchpoint")}
    for mail in rows:
        mail.invitation = found.get(mail.subject_id) if mail.kind in KINDS else None


def state_counts(user: User) -> list[tuple[str, str, int]]:
    """How many mails are in each state that is not the usual end: key, word, number (at most CAP)."""
    rows = OutgoingMail.objects.visible_to(user).order_by()
    counts = [(status, Mail(status).label, rows.filter(status=status).values("pk")[:CAP].count()) for status in COUNTED]
    return [(str(status), str(word), count) for status, word, count in counts if count]


@dataclass(frozen=True)
class Rates:
    """How fast mails may leave, and how many did today; `resting` are buckets that a server asked to slow down."""

    per_second: float
    per_day: int | None
    sent_today: int
    resting: list[MailBucket]
    own: list[MailBucket]


def rates(*, now: dt.datetime) -> Rates:
    """The installation's rates and the domains that have limits of their own or rest."""
    installation = Installation.current()
    rows = list(MailBucket.objects.order_by("name")[: SHOWN_BUCKETS + 1])
    today = organisation_day(now)
    for row in rows:
        row.today = row.sent_today if row.day == today else 0  # type: ignore[attr-defined]
        row.domain = row.name.removeprefix("domain:")  # type: ignore[attr-defined]
    everything = next((row for row in rows if row.name == ALL), None)
    per_second, per_day = installation.rate_per_second, installation.rate_per_day
    if everything is not None:
        per_second = per_second if everything.rate_per_second is None else everything.rate_per_second
        per_day = per_day if everything.rate_per_day is None else everything.rate_per_day
    return Rates(
        per_second=per_second,
        per_day=per_day,
        sent_today=everything.today if everything is not None else 0,  # type: ignore[attr-defined]
        resting=[row for row in rows if row.backs_off_until is not None and row.backs_off_until > now],
        own=[row for row in rows if row.name != ALL and (row.rate_per_second is not None or row.rate_per_day is not None)],
    )


def open_holds(*, now: dt.datetime) -> list[SendingHold]:
    """What waits for a person, the oldest first, each with the number of due invitations behind it."""
    rows = list(SendingHold.objects.filter(released_at=None).select_related("touchpoint").order_by("held_at", "id"))
    waiting = held_waiting(rows, now=now)
    for row in rows:
        row.waiting = waiting[row.pk]  # type: ignore[attr-defined]
        # shares are stored as parts of one, numbers as they are
        row.is_share = row.reason != SendingHold.Reason.MANY_DUE  # type: ignore[attr-defined]
    return rows


def released_holds() -> list[SendingHold]:
    """The last holds that were released, with who did it."""
    return list(SendingHold.objects.filter(released_at__isnull=False).select_related("touchpoint", "released_by").order_by("-released_at", "-id")[:SHOWN_HOLDS])


def unknown_mails(user: User) -> list[OutgoingMail]:
    """Surveys and reminders of which nobody knows whether they left, the oldest first, each with what is known of it."""
    rows: list[Any] = list(
        OutgoingMail.objects.visible_to(user)
        .filter(status=Mail.UNKNOWN, kind__in=KINDS, subject_type=SUBJECT)
        .select_related("account", "contact")
        .defer("body_text", "body_html", "headers")
        .order_by("created_at", "id")[:SHOWN_UNKNOWNS]
    )
    with_invitations(rows)
    rows = [mail for mail in rows if mail.invitation is not None]
    links = SurveyLink.objects.filter(invitation__in=[mail.invitation.pk for mail in rows]).exclude(kind=SurveyLink.Kind.UNSUBSCRIBE)
    issued: dict[Any, dt.datetime] = {}
    for link in links.order_by("issued_at"):
        issued[link.invitation_id] = link.issued_at
    for mail in rows:
        mail.issued_at = issued.get(mail.invitation.pk)
        mail.message_ids = mail.message_id or f"<{mail.invitation.pk}.{'r' if mail.kind == OutgoingMail.Kind.REMINDER else ''}{mail.attempt}@…>"
    return rows


def instance_facts() -> dict[str, str]:
    """Where this database says it belongs, and where it is now."""
    return {"remembered": Installation.current().instance_url, "here": settings.PUBLIC_BASE_URL}
