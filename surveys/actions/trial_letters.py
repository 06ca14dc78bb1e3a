"""Mails to try out: a draft's letter to whoever writes it, and the sample people that previews speak to.

A trial is no survey: it has no invitation and no token, its links lead to the preview of the page,
and nothing that counts mails or answers sees it. It goes to the writer's own address alone.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from django.db import transaction

from accounts.actions.mail_rates import Pace
from accounts.actions.outbox import MailSession, claim, settle
from accounts.models import Account, Contact, Installation, OutgoingMail, User
from accounts.placeholders import one_line
from surveys.actions.letters import Written, bare_address, sender_address, sender_name, words_of, write_words
from surveys.models import Invitation, SurveyText

KIND = OutgoingMail.Kind.TEST
SUBJECT = "survey_version"
MOST_A_MINUTE = 5
MARK = "[TEST]"
# stand where a link would; never looked up anywhere
_NO_TOKEN, _NO_REFUSAL = "PREVIEWPAGE", "PREVIEWREFUSAL"
_SAMPLES = {"tr": ("Selin Aydın", "Boğaziçi Lojistik A.Ş."), "en": ("Alex Morgan", "Northgate Freight Ltd")}


class TooManyTrials(ValueError):
    """Enough trials in the last minute."""


class SendingIsOff(ValueError):
    """No mail leaves while sending is switched off."""


def sample_words(text: SurveyText, *, contact: Contact | None = None, owner: User | None = None) -> Mapping[str, str]:
    """What placeholders stand for in a preview: of a contact, else of a person who does not exist."""
    if contact is None:
        name, company = _SAMPLES.get(text.language.split("-")[0], _SAMPLES["en"])
        contact = Contact(name=name, account=Account(name=company, owner=owner))
    return words_of(Invitation(account=contact.account, contact=contact, rated_object="4760"), text, name=contact.name)


def write_trial(
    text: SurveyText, words: Mapping[str, str], *, page: str, now: dt.datetime, segment_id: int | None = None, reminder: bool = False, base: str
) -> tuple[Written, str, str]:
    """A letter as it would be sent (its words, plain text, HTML), with every link leading to `page`."""
    written = write_words(text, words, token=_NO_TOKEN, refusal=_NO_REFUSAL, until=(now + dt.timedelta(days=30)).date(), segment_id=segment_id, reminder=reminder)
    plain, html = written.text, written.html
    for path in (f"{base}/s/{_NO_TOKEN}", f"{base}/u/{_NO_REFUSAL}"):
        plain, html = plain.replace(path, page), html.replace(path, page)
    return written, plain, html


def queue_trial(*, actor: User, text: SurveyText, page: str, base: str, now: dt.datetime, segment_id: int | None = None, reminder: bool = False) -> OutgoingMail:
    """Puts a trial for the actor's own address into the outbox. Raises TooManyTrials, SendingIsOff."""
    written, plain, html = write_trial(text, sample_words(text, owner=actor), page=page, now=now, segment_id=segment_id, reminder=reminder, base=base)
    survey = text.version.survey
    with transaction.atomic():
        # one person's presses of the button wait for each other
        User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        if not Installation.current().sending_enabled:
            raise SendingIsOff
        recent = OutgoingMail.objects.filter(kind=KIND, to_address=actor.email, created_at__gt=now - dt.timedelta(minutes=1))
        if recent.count() >= MOST_A_MINUTE:
            raise TooManyTrials
        return OutgoingMail.objects.create(
            kind=KIND, subject_type=SUBJECT, subject_id=str(text.version.pk or ""), to_address=actor.email, language=text.language, mail_subject=f"{MARK} {written.subject}",
            from_address=formataddr((sender_name(survey), sender_address(survey))), reply_to=survey.reply_to, body_text=plain, body_html=html, next_attempt_at=now,
            valid_until=now + dt.timedelta(hours=1),
        )  # fmt: skip


def send_trials(*, now: dt.datetime, worker: str, session: MailSession) -> Counter[str]:
    """Sends the trials that wait; returns counts by what became of them."""
    made: Counter[str] = Counter()
    if not Installation.current().sending_enabled:
        return made
    mails = claim(kinds=[KIND], limit=20, worker=worker, as_of=now)
    pace = Pace(mails)
    for mail in pace.in_turn(mails, worker=worker):
        message = EmailMessage(policy=SMTP)
        message["From"] = mail.from_address
        message["To"] = mail.to_address
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message["Subject"] = one_line(mail.mail_subject)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{mail.pk}.{mail.attempt}@{bare_address(mail.from_address).rpartition('@')[2] or 'localhost'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.body_text, cte="quoted-printable")
        message.add_alternative(mail.body_html, subtype="html", cte="quoted-printable")
        delivery = session.deliver(sender=bare_address(mail.from_address), recipient=mail.to_address, message=message)
        pace.note(mail, delivery)
        made[settle(mail=mail, worker=worker, delivery=delivery, now=now, message_id=str(message["Message-ID"])) or "lost"] += 1
    pace.close()
    return made
