"""The mail of a weekly report: subject, plain text and HTML, in the reader's language and time zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import mjml
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Segment, User
from metrics.reports.contents import Report, report_of
from metrics.reports.due import zone_of
from surveys.plain_text import wrap


@dataclass(frozen=True)
class Letter:
    """A report ready to be put into the outbox."""

    language: str
    subject: str
    text: str
    html: str


def language_of(user: User) -> str:
    """The reader's language, one that there are words for."""
    return user.language if user.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def letter(user: User, *, cards: list[str], segment: Segment | None, owner: User | None, now: dt.datetime) -> Letter:
    """The report as a mail. Links lead into the product, where the reader signs in."""
    base, language = settings.PUBLIC_BASE_URL.rstrip("/"), language_of(user)
    with translation.override(language), timezone.override(zone_of(user)):
        report = report_of(user, cards=cards, segment=segment, owner=owner, now=now, base=base)
        subject = subject_of(report)
        context = {
            "report": report, "user": user, "language": language, "subject": subject, "stop": f"{base}{reverse('metrics:report')}", "open": f"{base}{reverse('metrics:overview')}",
            "work": f"{base}{reverse('accounts:work')}",
        }  # fmt: skip
        text = wrap(render_to_string("mail/report.txt", context).strip() + "\n")
        # the source holds no address of a font; nothing is fetched
        html = mjml.mjml2html(render_to_string("mail/report.mjml", context), fonts={})
    return Letter(language, subject, text, html)


def subject_of(report: Report) -> str:
    """The subject, with the days it speaks of."""
    return _("Your week: %(first)s to %(last)s") % {"first": wording.short_day(report.first), "last": wording.day(report.last)}
