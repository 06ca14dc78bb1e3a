"""What a step does: work, a mail in the outbox, a field, a tag; and what waits for others: a survey, a call.

Everything here writes to the database alone, in the transaction that also writes the step's log row, so
that a step is done with its row or not at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import formats, translation

from accounts.actions.customers import change_account
from accounts.actions.playbook_runs import MAIL, WORK_ITEM
from accounts.actions.refusals import is_stopped, refuses_mails
from accounts.actions.suppressions import GLOBAL, suppressed_scopes
from accounts.actions.work_items import open_work_item
from accounts.models import Account, AccountSnapshot, Contact, LifecycleStage, OutgoingMail, PlaybookRun, PlaybookStepLog, Subscription, User, WorkItem
from accounts.placeholders import fill, one_line
from accounts.playbooks import Step, words_for
from accounts.playbooks.reading import ATTRIBUTE, is_attribute
from accounts.sentences import why

Outcome = PlaybookStepLog.Outcome
SUBJECT = "playbook_step"
VALID = dt.timedelta(days=7)
_PRIORITIES = {"high": WorkItem.Priority.HIGH, "normal": WorkItem.Priority.NORMAL, "low": WorkItem.Priority.LOW}
_ORDER = ("champion", "sponsor", "user", "billing", "")


@dataclass(frozen=True)
class Effect:
    """What became of a step, as its log row says it."""

    outcome: str
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    subject_type: str = ""
    subject_id: str = ""
    next_attempt_at: dt.datetime | None = None


def perform(step: Step, run: PlaybookRun, *, now: dt.datetime) -> Effect:
    """Does one step of a run. `run` has its account (with owner) and playbook loaded."""
    return _EFFECTS[step.kind](step, run, now)


# ── people and words ────────────────────────────────────────────────────────


def contact_for(run: PlaybookRun, to: str) -> Contact | None:
    """Whom a step speaks to; None where there is nobody. Who can be written to goes before who cannot."""
    people = Contact.objects.filter(account_id=run.account_id).exclude(external_id__startswith="erased-")
    if to != "main":
        people = people.filter(role=to)
    elif run.contact_id is not None:
        named = people.filter(pk=run.contact_id).first()
        if named is not None:
            return named
    return min(people, key=lambda person: (not person.email or person.opted_out or person.bounced_at is not None, _ORDER.index(person.role), person.pk), default=None)


def values_for(run: PlaybookRun, contact: Contact | None, *, language: str, now: dt.datetime) -> dict[str, str]:
    """What the placeholders stand for."""
    owner = run.account.owner if run.account.owner is not None and run.account.owner.is_active else None
    product = Subscription.objects.filter(account_id=run.account_id, start__lte=now).filter(Q(end=None) | Q(end__gt=now)).order_by("-mrr_micros", "pk").first()
    renews = AccountSnapshot.objects.filter(pk=run.account_id).values_list("renews_on", flat=True).first()
    with translation.override(language.split("-")[0] if language.split("-")[0] in dict(settings.LANGUAGES) else "en"):
        day = formats.date_format(renews, "DATE_FORMAT") if renews else ""
    name = contact.name if contact else ""
    return {
        "name": name, "first_name": (name.split() or [""])[0], "account": run.account.name, "sender": parseaddr(settings.DEFAULT_FROM_EMAIL)[0] or "Vefa",
        "csm": owner.name if owner else "", "csm_email": owner.email if owner else "", "product": product.product if product else "", "renews_on": day,
    }  # fmt: skip


# ── steps ───────────────────────────────────────────────────────────────────


def _work(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    body, owner, gone = step.body, None, ""
    if body["assignee"] != "owner":
        owner = User.objects.filter(email=body["assignee"], is_active=True).first()
        gone = "" if owner else "assignee_gone"
    reader = owner or run.account.owner
    contact = contact_for(run, "main")
    title = fill(words_for(body["title"], reader.language if reader else "en"), values_for(run, contact, language=reader.language if reader else "en", now=now))
    item, new = open_work_item(
        account_id=run.account_id, type=body["type"], reason=body["reason"] or f"{run.playbook.key}:{step.key}"[:80], why=why("playbook", playbook=run.playbook.name), now=now,
        due_at=now + dt.timedelta(days=body["due_days"]), title=one_line(title), priority=_PRIORITIES[body["priority"]], owner_id=owner.pk if owner else None,
        contact_id=run.contact_id, event_id=run.event_id,
    )  # fmt: skip
    if not new:
        return Effect(Outcome.SKIPPED, "open_already", subject_type=WORK_ITEM, subject_id=str(item.pk))
    WorkItem.objects.filter(pk=item.pk).update(playbook_run=run)
    return Effect(Outcome.DONE, gone, {"keep": True} if body["keep_on_exit"] else {}, WORK_ITEM, str(item.pk))


def why_not_write(contact: Contact | None, *, transactional: bool) -> str:
    """Why a person gets no mail of a playbook now; empty where they may."""
    if contact is None:
        return "no_contact"
    if not contact.email:
        return "no_address"
    if contact.bounced_at is not None:
        return "bounced"
    if transactional:
        return "suppressed" if is_stopped(contact.email) else ""
    scopes = suppressed_scopes([contact.email]).get(contact.email, set())
    if contact.opted_out or refuses_mails(scopes):
        return "refused"
    return "suppressed" if GLOBAL in scopes else ""


def _mail(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    body, contact = step.body, contact_for(run, step.body["to"])
    refusal = why_not_write(contact, transactional=body["transactional"])
    if refusal or contact is None:
        return Effect(Outcome.SKIPPED, refusal or "no_contact")
    if body["gap_days"] and _wrote_lately(run, contact, now - dt.timedelta(days=body["gap_days"])):
        return Effect(Outcome.SKIPPED, "gap", {"contact": contact.pk})
    language = contact.language or run.account.language or "en"
    values = values_for(run, contact, language=language, now=now)
    subject, text = words_for(body["subject"], language), words_for(body["body"], language)
    owner = run.account.owner if body["reply_to"] == "owner" else None
    mail = OutgoingMail.objects.create(
        kind=OutgoingMail.Kind.PLAYBOOK, subject_type=SUBJECT, subject_id=f"{run.pk}:{step.key}"[:64], account_id=run.account_id, contact=contact, to_address=contact.email,
        from_address=settings.DEFAULT_FROM_EMAIL, reply_to=formataddr((owner.name, owner.email)) if owner is not None and owner.is_active else "", language=language,
        mail_subject=one_line(fill(subject, values))[:300], body_text=fill(text, values), headers={"transactional": body["transactional"]},
        next_attempt_at=now, valid_until=now + VALID,
    )  # fmt: skip
    return Effect(Outcome.DONE, "", {"contact": contact.pk}, MAIL, str(mail.pk))


def _wrote_lately(run: PlaybookRun, contact: Contact, since: dt.datetime) -> bool:
    rows = PlaybookStepLog.objects.filter(account_id=run.account_id, at__gt=since, kind="mail", outcome=Outcome.DONE, detail__contact=contact.pk)
    return rows.exists()


def _survey(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    contact = contact_for(run, step.body["to"])
    if contact is None:
        return Effect(Outcome.SKIPPED, "no_contact")
    asked = {name: step.body[name] for name in ("survey", "touchpoint") if name in step.body}
    # surveys decide, under all their rules, and write down what they decided
    return Effect(Outcome.WAITING, "", {"contact": contact.pk, **asked}, next_attempt_at=now)


def _webhook(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    return Effect(Outcome.WAITING, "", {}, next_attempt_at=now)


def _changed(run: PlaybookRun, fields: Mapping[str, Any], name: str, now: dt.datetime) -> Effect:
    before = {key: getattr(run.account, key) for key in fields}
    run.account = change_account(account_id=run.account_id, fields=fields, actor=None, now=now)
    return Effect(Outcome.DONE, "" if any(getattr(run.account, key) != before[key] for key in fields) else "same_already", {"field": name})


def _field(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    name, value = step.body["field"], step.body["value"]
    # under a lock: attributes are written whole
    run.account = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=run.account_id)
    if is_attribute(name):
        return _changed(run, {"attributes": {**run.account.attributes, name.removeprefix(ATTRIBUTE): value}}, name, now)
    if name == "owner":
        owner = User.objects.filter(email=value, is_active=True).first()
        return _changed(run, {"owner": owner}, name, now) if owner else Effect(Outcome.SKIPPED, "person_gone", {"field": name})
    if name == "lifecycle_stage":
        stage = LifecycleStage.objects.filter(pk=value).first()
        return _changed(run, {"lifecycle_stage": stage}, name, now) if stage else Effect(Outcome.SKIPPED, "stage_gone", {"field": name})
    return _changed(run, {name: value}, name, now)


def _tag(step: Step, run: PlaybookRun, now: dt.datetime) -> Effect:
    run.account = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(pk=run.account_id)
    kept = [tag for tag in run.account.tags if tag not in step.body["remove"]]
    return _changed(run, {"tags": kept + [tag for tag in dict.fromkeys(step.body["add"]) if tag not in kept]}, "tags", now)


_EFFECTS: dict[str, Callable[[Step, PlaybookRun, dt.datetime], Effect]] = {
    "work": _work, "mail": _mail, "survey": _survey, "webhook": _webhook, "field": _field, "tag": _tag,
}  # fmt: skip
