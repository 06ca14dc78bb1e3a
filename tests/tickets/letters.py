"""Mails as tests write them."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from tickets.incoming import IncomingMail, read_mail

BASE = "support@help.vefa.test"


def letter(
    text: str = "Merhaba, çalışmıyor.",
    *,
    sender: str = "Selin Aydın <selin@bogazici.test>",
    to: str = BASE,
    subject: str = "Rota hatası",
    number: int | str = 1,
    html: str = "",
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: str,
) -> EmailMessage:
    """A letter; `headers` are written with _ for -; `number` makes its Message-ID, "" leaves it out."""
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    if number != "":
        made["Message-ID"] = f"<mail-{number}@bogazici.test>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    if text:
        made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html") if text else made.set_content(html, subtype="html")
    for name, data in files:
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made


def incoming(*args: Any, envelope_sender: str | None = None, spam: bool = False, **rest: Any) -> IncomingMail:
    """The same in our form, as it comes over the wire."""
    raw = letter(*args, **rest).as_bytes()
    return read_mail(email.message_from_bytes(raw, EmailMessage, policy=policy.default), raw=raw, envelope_sender=envelope_sender, spam=spam)
