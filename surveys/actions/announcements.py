"""“You said, we did”: when a topic is settled, everybody who raised it is told, once, in their own language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.mail_rates import Pace
from accounts.actions.outbox import MailSession, claim, release, settle
from accounts.actions.suppressions import GLOBAL, suppressed_scopes
from accounts.models import Contact, Installation, OutgoingMail, Topic, TopicTag, User
from accounts.placeholders import unknown
from surveys.models import Announcement, Invitation, SurveyLink
from surveys.tokens import new_token, token_digest

SUBJECT = "announcement"
UNSUBSCRIBE_DAYS = 730
# nobody is told of the same topic more often
REST = dt.timedelta(days=90)
VALID = dt.timedelta(days=7)
WORDS = ("name", "account", "topic")

Mail = OutgoingMail.Status


@dataclass(frozen=True)
class Audience:
    """Who is told, and how many who raised the topic are not, by reason."""

    contacts: list[Contact]
    left_out: dict[str, int]


def audience_of(*, topic: Topic, since: dt.datetime, now: dt.datetime) -> Audience:
    """Everybody known by name who raised the topic since, but for those who may not or need not be written to.

    Left out: `no_address`, `refused`, `told` (of this topic in 90 days), `no_link` (never got a survey,
    so there is no link by which to refuse further mail), `lost` (the account has left).
    """
    raised = TopicTag.objects.exclude(verdict=TopicTag.Verdict.WRONG).filter(topic=topic, verbatim__occurred_at__gte=since, verbatim__contact__isnull=False)
    people = list(Contact.objects.filter(pk__in=raised.values("verbatim__contact_id")).select_related("account").order_by("pk"))
    told = set(
        OutgoingMail.objects.filter(kind=OutgoingMail.Kind.NEWS, subject_type=SUBJECT, created_at__gt=now - REST)
        .filter(headers__topic=topic.key)
        .exclude(status=Mail.ABORTED)
        .values_list("contact_id", flat=True)
    )
    stopped = suppressed_scopes(person.email for person in people)
    linked = set(Invitation.objects.filter(contact__in=people, sent_at__isnull=False).values_list("contact_id", flat=True))
    kept: list[Contact] = []
    left_out: dict[str, int] = {}
    for person in people:
        reason = (
            "no_address" if not person.email
            else "refused" if person.opted_out or person.bounced_at is not None or GLOBAL in stopped.get(person.email, set())
            else "lost" if person.account.churned_at is not None
            else "told" if person.pk in told
            else "no_link" if person.pk not in linked
            else ""
        )  # fmt: skip
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            kept.append(person)
    return Audience(kept, left_out)


def announce(*, topic: Topic, texts: dict[str, dict[str, str]], since: dt.datetime, actor: User, now: dt.datetime) -> Announcement:
    """Puts one mail a person into the outbox. Raises ValidationError for texts that cannot be sent."""
    check_texts(texts)
    with transaction.atomic():
        row = Announcement.objects.create(topic=topic, texts=texts, raised_since=since, created_by=actor, created_at=now, queued_at=now)
        people = audience_of(topic=topic, since=since, now=now).contacts
        OutgoingMail.objects.bulk_create(
            [
                OutgoingMail(
                    kind=OutgoingMail.Kind.NEWS, subject_type=SUBJECT, subject_id=f"{row.pk}:{person.pk}", account_id=person.account_id, contact_id=person.pk,
                    to_address=person.email, from_address=settings.DEFAULT_FROM_EMAIL, language=person.language or person.account.language, next_attempt_at=now,
                    valid_until=now + VALID, headers={"topic": topic.key},
                )
                for person in people
            ]
        )  # fmt: skip
        row.people = len(people)
        row.save(update_fields=["people"])
    return row


def check_texts(texts: dict[str, dict[str, str]]) -> None:
    """Raises ValidationError unless every language there is has a subject and a body, with placeholders that can be filled."""
    faults: dict[str, list[str]] = {}
    if not texts:
        raise ValidationError(_("Write the mail in at least one language."))
    for language, words in texts.items():
        for part in ("subject", "body"):
            text = words.get(part, "").strip()
            field = f"{part}_{language}"
            if not text:
                faults.setdefault(field, []).append(_("This part is missing."))
            wrong = [name for name in unknown(text) if name not in WORDS]
            if wrong:
                faults.setdefault(field, []).append(_("Nobody fills {%(name)s}; there are %(known)s.") % {"name": wrong[0], "known": ", ".join(f"{{{name}}}" for name in WORDS)})
    if faults:
        raise ValidationError(faults)


def send_news(*, as_of: dt.datetime, worker: str, session: MailSession, clock: Callable[[], dt.datetime], limit: int = 200) -> dict[str, int]:
    """Sends queued news; who refused, bounced or was lost since is not written to. Call it outside a transaction."""
    counts: dict[str, int] = {}
    if not Installation.current().sending_enabled:
        return counts
    mails = claim(kinds=[OutgoingMail.Kind.NEWS], limit=limit, worker=worker, as_of=as_of)
    if not mails:
        return counts
    rows = {str(row.pk): row for row in Announcement.objects.filter(pk__in={mail.subject_id.partition(":")[0] for mail in mails}).select_related("topic")}
    stopped = suppressed_scopes(mail.to_address for mail in mails)
    pace = Pace(mails)
    for mail in pace.in_turn(mails, worker=worker):
        now = clock()
        row, person = rows.get(mail.subject_id.partition(":")[0]), mail.contact
        verdict = (
            "no_subject" if row is None or person is None
            else "stale" if mail.valid_until and mail.valid_until <= now
            else "no_consent" if person.opted_out or person.bounced_at is not None or person.email != mail.to_address
            else "suppressed" if GLOBAL in stopped.get(mail.to_address, set())
            else ""
        )  # fmt: skip
        invitation = None if verdict else Invitation.objects.filter(contact=person, sent_at__isnull=False).order_by("-sent_at").first()
        if not verdict and invitation is None:
            verdict = "no_link"
        if verdict:
            release(mail=mail, worker=worker, status=Mail.ABORTED, reason=verdict)
            counts["skip"] = counts.get("skip", 0) + 1
            continue
        assert row is not None
        assert person is not None
        assert invitation is not None
        token = new_token()
        SurveyLink.objects.create(
            invitation=invitation, kind=SurveyLink.Kind.UNSUBSCRIBE, token_hash=token_digest(token), issued_at=now, expires_at=now + dt.timedelta(days=UNSUBSCRIBE_DAYS)
        )
        subject, body = _words(row, person, mail.language)
        letter, message_id = _letter(mail, subject, body, token=token, now=now)
        delivery = session.deliver(sender=parseaddr(str(letter["From"]))[1], recipient=mail.to_address, message=letter)
        pace.note(mail, delivery)
        status = settle(mail=mail, worker=worker, delivery=delivery, now=clock(), message_id=message_id, archived_text=body, mail_subject=subject)
        if status:
            counts[status] = counts.get(status, 0) + 1
    pace.close()
    return counts


def _words(row: Announcement, person: Contact, language: str) -> tuple[str, str]:
    """Subject and body in the person's language, else English, else whatever there is; the placeholders filled."""
    texts = next(row.texts[code] for code in _wanted(language, row.texts) if code in row.texts)
    topic = row.topic.name_tr if language.startswith("tr") and row.topic.name_tr else row.topic.name
    filled = {"name": person.name, "account": person.account.name, "topic": topic}
    parts = []
    for part in ("subject", "body"):
        text = texts[part]
        for name, value in filled.items():
            text = text.replace(f"{{{name}}}", value)
        parts.append(text)
    return " ".join(parts[0].split())[:200], parts[1].strip()


def _wanted(language: str, texts: Iterable[str]) -> list[str]:
    return [language, language.split("-")[0], "en", *sorted(texts)]


def _letter(mail: OutgoingMail, subject: str, body: str, *, token: str, now: dt.datetime) -> tuple[EmailMessage, str]:
    sender = mail.from_address or settings.DEFAULT_FROM_EMAIL
    refuse = f"{settings.PUBLIC_BASE_URL.rstrip('/')}/u/{token}"
    postal = Installation.current().postal_address
    message_id = f"<{mail.pk}.{mail.attempt}@{parseaddr(sender)[1].rpartition('@')[2] or 'localhost'}>"
    letter = EmailMessage(policy=SMTP)
    letter["From"], letter["To"], letter["Subject"] = sender, mail.to_address, subject
    letter["Date"], letter["Message-ID"] = format_datetime(now), message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter["List-Unsubscribe"], letter["List-Unsubscribe-Post"] = f"<{refuse}>", "List-Unsubscribe=One-Click"
    footer = "\n".join(part for part in ("-- ", refuse_words(mail.language), refuse, postal) if part)
    letter.set_content(f"{body}\n\n{footer}\n", cte="quoted-printable")
    return letter, message_id


def refuse_words(language: str) -> str:
    """What stands above the link by which to refuse; part of a letter, so in the letter's language and not the interface's."""
    return "Bizden başka e-posta istemiyorsanız:" if language.startswith("tr") else "If you want no more mail from us:"
