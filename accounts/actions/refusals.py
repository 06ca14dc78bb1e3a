"""Refusing the mails of playbooks and offers through the link in one of them; taking a wrong press back.

Effective at once: what waits in the outbox looks once more before it leaves. What is about a contract still
leaves, unless the address itself must not be written to.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.actions.event_log import record_event
from accounts.actions.suppressions import GLOBAL, address_hashes, holding, suppress
from accounts.models import Contact, OutgoingMail, Suppression
from accounts.models.events import Origin
from accounts.refusal_tokens import key_of, mail_of, token_of

# the scopes of a press: these mails alone, or surveys too
MAILS, ALL = "mails", "all"
SCOPES = {MAILS: "mails", ALL: GLOBAL}
KINDS = (OutgoingMail.Kind.PLAYBOOK, OutgoingMail.Kind.OFFER)
_SOURCE = "mail:"


def refusal_page(mail: OutgoingMail) -> str:
    """The address in a mail by which its reader refuses further ones."""
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}/u/{token_of(mail.pk, key=key_of(settings.SECRET_KEY))}"


def refusable_mail(token: str) -> OutgoingMail | None:
    """The mail whose link a token is; None for a token that is none."""
    pk = mail_of(token, keys=[key_of(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])
    return None if pk is None else OutgoingMail.objects.select_related("contact", "account").filter(pk=pk, kind__in=KINDS).first()


def refuses_mails(scopes: set[str]) -> bool:
    """Whether somebody with these suppressed scopes wants no mails of playbooks and offers."""
    return SCOPES[MAILS] in scopes


def is_stopped(address: str) -> bool:
    """Whether an address must not be written to at all, whatever it is about; a refusal alone is no such reason."""
    rows = Suppression.objects.filter(holding(), address_hmac__in=address_hashes(address), scope=GLOBAL)
    return rows.exclude(reason=Suppression.Reason.UNSUBSCRIBE).exists()


def refuse_mails(*, mail: OutgoingMail, scope: str, now: dt.datetime) -> None:
    """Stops such mails (`mails`), or these and surveys (`all`), for the address that a mail went to. Twice is once. Raises KeyError for another scope."""
    with transaction.atomic():
        new = suppress(address=mail.to_address, scope=SCOPES[scope], reason=Suppression.Reason.UNSUBSCRIBE, source_ref=f"{_SOURCE}{mail.pk}")
        if scope == ALL and mail.contact_id is not None:
            changed = Contact.objects.filter(pk=mail.contact_id, opted_out=False).update(opted_out=True, opted_out_at=now, version=F("version") + 1, updated_at=now)
            new = new or bool(changed)
        if new and mail.account_id is not None:
            record_event(
                account_id=mail.account_id, contact_id=mail.contact_id, kind="contact.unsubscribed", occurred_at=now, origin=Origin.APP, subject_type="mail",
                subject_id=str(mail.pk), payload={"scope": scope},
            )  # fmt: skip


def pressed_refusal(mail: OutgoingMail, scope: str) -> Suppression | None:
    """The suppression that a press on a link to this contact made, if it is still that and nothing stronger."""
    if not mail.to_address or mail.contact_id is None:
        return None
    row = Suppression.objects.filter(address_hmac__in=address_hashes(mail.to_address), scope=SCOPES[scope], reason=Suppression.Reason.UNSUBSCRIBE).first()
    if row is None or not row.source_ref.startswith(_SOURCE):
        return None
    return row if OutgoingMail.objects.filter(pk=row.source_ref.removeprefix(_SOURCE), contact_id=mail.contact_id).exists() else None


def take_refusal_back(*, mail: OutgoingMail, scope: str, now: dt.datetime) -> bool:
    """Undoes a refusal that this person pressed by mistake; true where there was one. Refusals given elsewhere, bounces and complaints stay."""
    with transaction.atomic():
        row = pressed_refusal(mail, scope)
        if row is None:
            return False
        Suppression.objects.filter(pk=row.pk).delete()
        if scope == ALL and mail.contact_id is not None:
            # the press is the newer consent
            Contact.objects.filter(pk=mail.contact_id, opted_out=True).update(opted_out=False, opted_out_at=None, consent_at=now, version=F("version") + 1, updated_at=now)
    return True
