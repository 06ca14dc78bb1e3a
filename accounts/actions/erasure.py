"""Forgetting a person: the row becomes a pseudonym, what was written is blotted out, what was counted stays.

Each app forgets its own (`erase_in_accounts` here, its counterparts in tickets and surveys); who knows all
apps puts them together. Every step may be repeated. `Erasure` remembers by hash alone, so that a restored
backup can be made to forget again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.import_files import forget_in_files
from accounts.actions.suppressions import address_hashes, suppress
from accounts.blotting import BLOT, Patterns, patterns_of
from accounts.collation import search_key, sort_key
from accounts.models import Account, Contact, Erasure, OutgoingMail, OutsideObject, Suppression

CONTACTS = "accounts_contact"
_PERSONAL = ("external_id", "email", "name", "name_sort", "name_search", "job_title", "language", "time_zone", "country", "birth_year", "attributes")
_NOT_LEFT = (OutgoingMail.Status.QUEUED, OutgoingMail.Status.RETRY, OutgoingMail.Status.WITHHELD)


@dataclass(frozen=True)
class Person:
    """Whom to forget: every contact with the same address, their accounts, and what identifies them in texts."""

    contact_ids: tuple[int, ...]
    account_ids: tuple[int, ...]
    addresses: tuple[str, ...]
    patterns: Patterns


def person_of(contact_id: int) -> Person:
    """The person a contact is, its rows locked. Raises Contact.DoesNotExist."""
    contact = Contact.objects.select_for_update(no_key=True).get(pk=contact_id)
    same = [contact]
    if contact.email:
        same += Contact.objects.select_for_update(no_key=True).filter(email=contact.email).exclude(pk=contact.pk).order_by("pk")
    mailed = OutgoingMail.objects.filter(contact__in=same, kind__in=["survey", "reminder", "news"]).exclude(to_address="").values_list("to_address", flat=True).distinct()[:20]
    addresses = tuple(sorted({row.email for row in same if row.email} | set(mailed)))
    names = [row.name for row in same if row.name]
    return Person(
        tuple(sorted(row.pk for row in same)), tuple(sorted({row.account_id for row in same})), addresses, patterns_of(addresses=addresses, names=names)
    )  # fmt: skip


def begin_erasure(*, person: Person, source: str, now: dt.datetime) -> list[Erasure]:
    """Notes that each of the contacts is to be forgotten, and stops mail to their addresses for good."""
    hashes = sorted({stored.hex() for address in person.addresses for stored in address_hashes(address)})
    made = []
    for pk in person.contact_ids:
        row, new = Erasure.objects.get_or_create(contact_id=pk, defaults={"requested_at": now, "source": source, "address_hmacs": hashes})
        if not new and not set(hashes) <= set(row.address_hmacs):
            row.address_hmacs = sorted({*row.address_hmacs, *hashes})
            row.save(update_fields=["address_hmacs"])
        made.append(row)
    for address in person.addresses:
        suppress(address=address, reason=Suppression.Reason.ERASED, source_ref="erasure")
        # a row of one survey alone would tell no more than that
        Suppression.objects.filter(address_hmac__in=address_hashes(address)).exclude(scope="global").delete()
    return made


def end_erasure(*, person: Person, now: dt.datetime) -> bool:
    """Notes that all is done, and tells it; false while a mail to the person is being sent, whose text is written down afterwards."""
    if OutgoingMail.objects.filter(contact__in=person.contact_ids, status=OutgoingMail.Status.SENDING).exists():
        return False
    rows = Erasure.objects.filter(contact_id__in=person.contact_ids, erased_at=None)
    fresh = dict(rows.values_list("contact_id", "source"))
    rows.update(erased_at=now)
    record_events(
        [
            NewEvent(
                account_id=account, contact_id=pk, kind="contact.erased", occurred_at=now, origin="app", subject_type="contact", subject_id=str(pk),
                payload={"source": fresh[pk]}, dedupe_key=f"erased:{pk}",
            )
            for pk, account in Contact.objects.filter(pk__in=fresh).values_list("pk", "account_id")
        ]
    )  # fmt: skip
    return True


def unfinished_erasures() -> list[int]:
    """The contacts whom somebody asked to forget and who are not yet forgotten everywhere, the oldest wish first."""
    return list(Erasure.objects.filter(erased_at=None).order_by("requested_at").values_list("contact_id", flat=True)[:500])


# ── blotting, for every app ─────────────────────────────────────────────────


def allow_corrections(allowed: bool) -> None:
    """Lets this transaction change what is append-only, as the law asks; to be taken back as soon as it is done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('vefa.correction', %s, true)", ["on" if allowed else "off"])


def blot(table: str, columns: Sequence[str], *, where: str, values: dict[str, Any], patterns: Patterns, nearby: bool, json: Sequence[str] = (), folded: Sequence[str] = ()) -> int:
    """Blots out what identifies the person in columns of the rows that `where` chooses; returns how many rows had it.

    `nearby` also looks for single names. `json` columns keep their shape, `folded` ones hold folded letters.
    """
    texts = [*(f'"{name}"' for name in columns), *(f'"{name}"::text' for name in json)]
    found = [f"({text} ~* %(anywhere)s" + (f" OR {text} ~ %(nearby)s)" if nearby else ")") for text in texts] + [f'"{name}" ~ %(folded)s' for name in folded]
    sets = []
    for name, text in zip([*columns, *json], texts, strict=True):
        value = f"regexp_replace({text}, %(anywhere)s, %(blot)s, 'gi')"
        value = f"regexp_replace({value}, %(nearby)s, %(blot)s, 'g')" if nearby else value
        sets.append(f'"{name}" = {value}' + ("::jsonb" if name in json else ""))
    sets += [f"\"{name}\" = regexp_replace(\"{name}\", %(folded)s, '', 'g')" for name in folded]
    given = {**values, "anywhere": patterns.anywhere, "nearby": patterns.nearby, "folded": patterns.folded, "blot": BLOT}
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET {", ".join(sets)} WHERE ({where}) AND ({" OR ".join(found)})', given)
        return cursor.rowcount


def forget_imported(*, table: str, ids: Iterable[Any], keys: Sequence[str]) -> None:
    """Takes these values of rows out of what imports noted to be able to undo (which then no longer can)."""
    wanted = [str(pk) for pk in ids]
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE accounts_importchange SET before = before - %(keys)s::text[], after = after - %(keys)s::text[] "
                "WHERE \"table\" = %(name)s AND row_key->>'id' = ANY(%(ids)s)",
                {"keys": list(keys), "name": table, "ids": wanted},
            )


def forget_verbatims(*, contact_ids: Sequence[int], sources: dict[str, Sequence[str]]) -> None:
    """Empties the readings of a person's texts; sentiment and topics stay, for they are counted."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_verbatim SET text = '', text_search = '', evidence = '[]' WHERE contact_id = ANY(%s)", [list(contact_ids)])
        for source, subjects in sources.items():
            cursor.execute("UPDATE accounts_verbatim SET text = '', text_search = '', evidence = '[]' WHERE source = %s AND subject_id = ANY(%s)", [source, list(subjects)])


# ── what accounts hold ──────────────────────────────────────────────────────


def erase_in_accounts(*, person: Person, now: dt.datetime) -> None:
    """Forgets the person in accounts: the contact, mails, readings, notes, work, events, imports, what was received. Call it last."""
    ids, accounts = list(person.contact_ids), list(person.account_ids)
    _erase_mails(person)
    forget_verbatims(contact_ids=ids, sources={})
    of_accounts: dict[str, Any] = {"where": "account_id = ANY(%(accounts)s)", "values": {"accounts": accounts}, "patterns": person.patterns}
    blot("accounts_note", ["body"], nearby=True, **of_accounts)
    blot("accounts_workitem", ["name", "title", "outcome", "snooze_reason"], json=["why"], nearby=True, **of_accounts)
    blot("accounts_renewalcall", ["note"], nearby=True, **of_accounts)
    kept = of_accounts | {"where": "work_item_id IN (SELECT id FROM accounts_workitem WHERE account_id = ANY(%(accounts)s))"}
    blot("accounts_workbatchrow", [], json=["before"], nearby=True, **kept)
    blot("accounts_verbatim", ["text"], folded=["text_search"], nearby=True, **of_accounts)
    blot("accounts_segmentmembership", ["note"], nearby=True, **of_accounts)
    _erase_plans(of_accounts)
    allow_corrections(True)
    blot("accounts_accountevent", ["dedupe_key", "subject_id"], json=["payload"], nearby=False, **of_accounts)
    allow_corrections(False)
    _erase_accounts(person)
    _erase_records(person)
    _erase_contacts(person, now=now)


def _erase_plans(of_accounts: dict[str, Any]) -> None:
    """What was agreed with customers and noted about it; links to plans open nothing for who was forgotten."""
    blot("accounts_onboardingplan", ["name", "stop_reason"], nearby=True, **of_accounts)
    blot("accounts_successplan", ["objective", "measure_words", "outcome"], json=["why"], nearby=True, **of_accounts)
    blot("accounts_offermatch", ["lost_reason"], nearby=True, **of_accounts)
    of_plans = "plan_id IN (SELECT id FROM {} WHERE account_id = ANY(%(accounts)s))"
    for table, columns, plans in (
        ("accounts_planmilestone", ["name"], "accounts_onboardingplan"), ("accounts_planstep", ["name", "details"], "accounts_onboardingplan"),
        ("accounts_successreview", ["note"], "accounts_successplan"),
    ):  # fmt: skip
        blot(table, columns, nearby=True, **{**of_accounts, "where": of_plans.format(plans)})


def _erase_mails(person: Person) -> None:
    """Their mails lose address and text; what had not left does not leave. Mails to others about them are blotted."""
    mine = OutgoingMail.objects.filter(Q(contact__in=person.contact_ids) | Q(account__in=person.account_ids, to_address__in=person.addresses))
    mine.filter(status__in=_NOT_LEFT).update(status=OutgoingMail.Status.ABORTED, reason="erased")
    mine.exclude(status=OutgoingMail.Status.SENDING).update(to_address="", mail_subject="", body_text="", body_html="", headers={}, smtp_reply="")
    values = {"accounts": list(person.account_ids), "contacts": list(person.contact_ids)}
    where = "account_id = ANY(%(accounts)s) AND (contact_id IS NULL OR contact_id <> ALL(%(contacts)s))"
    blot("accounts_outgoingmail", ["mail_subject", "body_text", "body_html", "smtp_reply"], where=where, values=values, json=["headers"], patterns=person.patterns, nearby=True)


def _erase_accounts(person: Person) -> None:
    """An account that is the person itself bears the name; so do free texts of the account."""
    values = {"accounts": list(person.account_ids)}
    blot("accounts_account", ["name", "churn_reason_detail"], where="id = ANY(%(accounts)s)", values=values, json=["attributes"], patterns=person.patterns, nearby=False)
    for account in Account.objects.filter(pk__in=person.account_ids, name__contains=BLOT):
        Account.objects.filter(pk=account.pk).update(name_sort=sort_key(account.name)[:400], name_search=search_key(account.name)[:400])


def _erase_records(person: Person) -> None:
    """What was noted about rows: imports, the administration's log, kept answers of the API, calls of mail providers."""
    forget_imported(table=CONTACTS, ids=person.contact_ids, keys=_PERSONAL)
    OutsideObject.objects.filter(kind=OutsideObject.Kind.CONTACT, row_id__in=person.contact_ids).delete()
    contacts = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(Contact), object_id__in=[str(pk) for pk in person.contact_ids])
    contacts.update(object_repr=BLOT, change_message="")
    if not person.addresses:
        return
    values = {"hashes": [stored for address in person.addresses for stored in address_hashes(address)]}
    blot("accounts_suppression", ["source_ref"], where="address_hmac = ANY(%(hashes)s)", values=values, patterns=person.patterns, nearby=True)
    only = Patterns(person.patterns.addresses, person.patterns.addresses, person.patterns.nearby, person.patterns.folded)
    for table, columns, json in (
        ("django_admin_log", ["object_repr", "change_message"], []),
        ("accounts_importchange", [], ["row_key", "before", "after"]),
        ("accounts_importrun", [], ["first_faults"]),
        ("accounts_savedview", ["name", "query"], []),
        ("accounts_workbatch", [], ["values"]),
    ):
        blot(table, columns, where="true", values={}, json=json, patterns=only, nearby=False)
    forget_in_files(addresses=person.addresses)
    with connection.cursor() as cursor:
        found = {"pattern": person.patterns.addresses}
        cursor.execute("DELETE FROM accounts_idempotentrequest WHERE response::text ~* %(pattern)s", found)
        cursor.execute("UPDATE accounts_inboundevent SET payload = '{\"erased\": true}', note = '' WHERE payload::text ~* %(pattern)s", found)


def _erase_contacts(person: Person, *, now: dt.datetime) -> None:
    """The contacts themselves become pseudonyms that refuse surveys."""
    for contact in Contact.objects.filter(pk__in=person.contact_ids):
        contact.external_id = f"erased-{contact.pk}"
        contact.email = contact.name = contact.job_title = contact.language = contact.time_zone = contact.country = ""
        contact.birth_year = contact.consent_at = contact.bounced_at = contact.surveyable_from = None
        contact.attributes = {}
        contact.opted_out, contact.opted_out_at = True, contact.opted_out_at or now
        contact.version += 1
        contact.save()
