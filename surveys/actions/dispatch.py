"""The dispatcher: queue what is due, claim it, look once more, send, write down what became of it.

The promise is "at most once": the claim and the tokens are committed before anybody talks to a mail
server, and whatever is uncertain afterwards is `unknown`, listed for a person and never sent again by
a machine.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.event_log import record_event
from accounts.actions.outbox import Delivery, MailSession, claim, expire_leases, release, settle
from accounts.actions.suppressions import GLOBAL, address_hmac, suppress, survey_scope
from accounts.models import Contact, Installation, OutgoingMail, Suppression
from surveys.actions.letters import Letter, write_letter
from surveys.actions.planning import take_planner_lock
from surveys.actions.reconsidering import RELATED, reconsider
from surveys.models import Invitation, SurveyLink, SurveyText
from surveys.tokens import new_token, token_digest

KIND = OutgoingMail.Kind.SURVEY
SUBJECT = "invitation"
QUEUE_BATCH = 500
CLAIM_BATCH = 20
# what is claimed and not begun after this long is given back, well before its lease ends
BATCH_SECONDS = 120
UNSUBSCRIBE_DAYS = 730

Status, Mail = Invitation.Status, OutgoingMail.Status


@dataclass(frozen=True)
class Prepared:
    """A claimed mail that may leave: its letter is written and its tokens are committed."""

    mail: OutgoingMail
    invitation: Invitation
    letter: Letter
    links: list[SurveyLink]


def queue_due(*, as_of: dt.datetime, now: dt.datetime) -> Counter[str]:
    """Puts planned invitations that are due into the outbox, after looking at them again.

    What may not be sent any more is skipped with its reason, what falls into quiet hours now waits on.
    Nothing moves while sending is switched off. Returns counts by outcome (send, hold, skip).
    """
    made: Counter[str] = Counter()
    while Installation.current().sending_enabled:
        with transaction.atomic():
            take_planner_lock()
            due = Invitation.objects.filter(status=Status.PLANNED, not_before__lte=as_of).order_by("not_before", "id").select_related(*RELATED)
            rows = list(due.select_for_update(of=("self",), skip_locked=True, no_key=True)[:QUEUE_BATCH])
            mails, changed = [], []
            for row, candidate, decision, facts in reconsider(rows, as_of=as_of):
                made[decision.outcome] += 1
                changed.append(row)
                if decision.outcome == "send":
                    row.status = Status.QUEUED
                    contact = facts.contacts[candidate.contact_id or 0]
                    mails.append(
                        OutgoingMail(
                            kind=KIND, subject_type=SUBJECT, subject_id=str(row.pk), account_id=row.account_id, contact_id=row.contact_id, to_address=contact["email"],
                            from_address=settings.DEFAULT_FROM_EMAIL, language=row.language, next_attempt_at=now, valid_until=row.valid_until,
                        )
                    )  # fmt: skip
                elif decision.outcome == "hold":
                    row.not_before = decision.due_at
                else:
                    row.status, row.skip_reason, row.decision = Status.SKIPPED, decision.reason, dict(decision.evidence)
            OutgoingMail.objects.bulk_create(mails)
            Invitation.objects.bulk_update(changed, ["status", "skip_reason", "decision", "not_before"])
        if len(rows) < QUEUE_BATCH:
            break
    return made


def send_queued(
    *, as_of: dt.datetime, now: dt.datetime, worker: str, session: MailSession, limit: int | None = None, after_step: Callable[[str], None] = lambda step: None
) -> Counter[str]:
    """Claims queued surveys and sends them over one session; returns counts by what became of them.

    `now` is stamped on what happens, moved on by the seconds that pass here. `after_step` is told of
    each step passed (claimed, prepared, delivered, settled).
    """
    made: Counter[str] = Counter()
    began = time.monotonic()
    tried: set[Any] = set()

    def clock() -> dt.datetime:
        return now + dt.timedelta(seconds=time.monotonic() - began)

    while limit is None or sum(made.values()) < limit:
        claimed_at = time.monotonic()
        mails = claim(kinds=[KIND], limit=min(CLAIM_BATCH, limit - sum(made.values())) if limit else CLAIM_BATCH, worker=worker, as_of=as_of)
        if not mails:
            break
        after_step("claimed")
        again = [mail for mail in mails if mail.pk in tried]
        for mail in again:
            # a retry that is due at once (by a clock that was set back) waits for the next run
            release(mail=mail, worker=worker, status=Mail.RETRY, reason="next_run")
        mails = [mail for mail in mails if mail.pk not in tried]
        tried.update(mail.pk for mail in mails)
        prepared, stopped = _prepare(mails, worker=worker, as_of=as_of, now=clock(), made=made)
        after_step("prepared")
        for item in prepared:
            late = time.monotonic() - claimed_at > BATCH_SECONDS
            verdict = "stopped" if stopped else "late" if late else _last_look(item)
            if verdict:
                _give_back(item, worker=worker, verdict=verdict, made=made)
                stopped = stopped or verdict == "stopped"
                continue
            delivery = session.deliver(sender=item.letter.sender, recipient=item.mail.to_address, message=item.letter.content)
            after_step("delivered")
            made[_record(item, delivery, worker=worker, now=clock())] += 1
            after_step("settled")
        if stopped or again:
            break
    return made


def _prepare(mails: list[OutgoingMail], *, worker: str, as_of: dt.datetime, now: dt.datetime, made: Counter[str]) -> tuple[list[Prepared], bool]:
    """Looks at claimed mails again and makes tokens and letters for those that go; all of it committed before any leaves.

    The second value says that sending was switched off: then nothing of the batch leaves.
    """
    if not Installation.current().sending_enabled:
        for mail in mails:
            release(mail=mail, worker=worker, status=Mail.QUEUED, reason="stopped")
        made["stopped"] += len(mails)
        return [], True
    prepared: list[Prepared] = []
    with transaction.atomic():
        by_subject = {mail.subject_id: mail for mail in mails}
        rows = Invitation.objects.filter(pk__in=list(by_subject)).select_related(*RELATED, "contact", "account__owner").order_by("not_before", "id")
        versions = {row.survey_version_id for row in rows}
        texts: dict[int, dict[str, SurveyText]] = {}
        for text in SurveyText.objects.filter(version_id__in=versions).select_related("version__survey"):
            texts.setdefault(text.version_id, {})[text.language] = text
        for row, _candidate, decision, _facts in reconsider(rows, as_of=as_of, statuses=(Status.SENT, Status.ANSWERED, Status.UNKNOWN)):
            mail = by_subject.pop(str(row.pk))
            if decision.outcome == "hold":
                release(mail=mail, worker=worker, status=Mail.QUEUED, reason="quiet", next_attempt_at=decision.due_at)
                made["hold"] += 1
            elif decision.is_skip or row.status not in {Status.QUEUED, Status.UNKNOWN}:
                reason = decision.reason or "duplicate"
                release(mail=mail, worker=worker, status=Mail.ABORTED, reason=reason)
                if decision.is_skip:
                    Invitation.objects.filter(pk=row.pk, status=Status.QUEUED).update(status=Status.SKIPPED, skip_reason=reason, decision=dict(decision.evidence))
                made["skip"] += 1
            else:
                token, refusal = new_token(), new_token()
                days = row.touchpoint.link_days if row.touchpoint else 30
                links = [
                    SurveyLink(invitation=row, kind=kind, token_hash=token_digest(secret), issued_at=now, expires_at=now + dt.timedelta(days=life))
                    for kind, secret, life in ((SurveyLink.Kind.INVITE, token, days), (SurveyLink.Kind.UNSUBSCRIBE, refusal, UNSUBSCRIBE_DAYS))
                ]
                letter = write_letter(row, texts.get(row.survey_version_id or 0, {}), mail=mail, token=token, refusal=refusal, now=now)
                prepared.append(Prepared(mail, row, letter, links))
        for mail in by_subject.values():
            release(mail=mail, worker=worker, status=Mail.ABORTED, reason="no_subject")
            made["skip"] += 1
        SurveyLink.objects.bulk_create([link for item in prepared for link in item.links])
    return prepared, False


_LAST_LOOK = """
SELECT coalesce((SELECT sending_enabled FROM accounts_installation WHERE id = 1), true),
       EXISTS (SELECT 1 FROM accounts_contact WHERE id = %(contact)s AND (opted_out OR bounced_at IS NOT NULL OR email <> %(address)s)),
       EXISTS (SELECT 1 FROM accounts_suppression WHERE address_hmac = %(hash)s AND scope = ANY(%(scopes)s))
"""


def _last_look(item: Prepared) -> str:
    """Why the mail must not leave after all, seconds after it was prepared; empty where it may."""
    mail, invitation = item.mail, item.invitation
    assert invitation.survey_version is not None
    scopes = [GLOBAL, survey_scope(invitation.survey_version.survey.key)]
    values: dict[str, Any] = {"contact": invitation.contact_id, "address": mail.to_address, "hash": address_hmac(mail.to_address), "scopes": scopes}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_LOOK, values)
        enabled, refused, suppressed = cursor.fetchone()
    return "stopped" if not enabled else "no_consent" if refused else "suppressed" if suppressed else ""


def _give_back(item: Prepared, *, worker: str, verdict: str, made: Counter[str]) -> None:
    """A prepared mail that does not leave: its tokens go, and it waits or is dropped."""
    waits = verdict in {"stopped", "late"}
    with transaction.atomic():
        release(mail=item.mail, worker=worker, status=Mail.QUEUED if waits else Mail.ABORTED, reason=verdict)
        if not waits:
            Invitation.objects.filter(pk=item.invitation.pk, status=Status.QUEUED).update(status=Status.SKIPPED, skip_reason=verdict)
        _forget_links(item)
    made[verdict if waits else "skip"] += 1


def _forget_links(item: Prepared) -> None:
    """Deletes the tokens of a mail that surely never left; those of an earlier, uncertain attempt stay."""
    SurveyLink.objects.filter(pk__in=[link.pk for link in item.links]).delete()


def _record(item: Prepared, delivery: Delivery, *, worker: str, now: dt.datetime) -> str:
    """Settles the mail and its invitation in one transaction; returns the mail's status."""
    invitation, letter = item.invitation, item.letter
    with transaction.atomic():
        status = settle(mail=item.mail, worker=worker, delivery=delivery, now=now, message_id=letter.message_id, archived_text=letter.archived_text, mail_subject=letter.subject)
        if status is None:
            return "lost"
        mine = Invitation.objects.filter(pk=invitation.pk)
        if status == Mail.SENT:
            mine.exclude(status=Status.ANSWERED).update(status=Status.SENT, sent_at=now)
            mine.filter(status=Status.ANSWERED, sent_at=None).update(sent_at=now)
            _record_sent(invitation, now)
        elif status == Mail.UNKNOWN:
            mine.filter(status=Status.QUEUED).update(status=Status.UNKNOWN)
        else:
            _forget_links(item)
            if status == Mail.FAILED:
                _record_failure(item.mail, invitation, delivery, now)
    return status


def _record_sent(invitation: Invitation, now: dt.datetime) -> None:
    assert invitation.survey_version is not None
    survey = invitation.survey_version.survey
    record_event(
        account_id=invitation.account_id, contact_id=invitation.contact_id, kind="survey.sent", occurred_at=now, origin="app",
        subject_type=SUBJECT, subject_id=str(invitation.pk), dedupe_key=str(invitation.pk),
        payload={
            "invitation": str(invitation.pk), "survey": survey.key, "survey_kind": survey.kind,
            "touchpoint": invitation.touchpoint.key if invitation.touchpoint else "",
        },
    )  # fmt: skip


def _record_failure(mail: OutgoingMail, invitation: Invitation, delivery: Delivery, now: dt.datetime) -> None:
    """A refused mail; where the server knows no such user, nobody writes to the address again."""
    Invitation.objects.filter(pk=invitation.pk).update(status=Status.FAILED, bounced_at=now if delivery.no_such_user else None)
    if not delivery.no_such_user:
        return
    Contact.objects.filter(invitations=invitation, email=mail.to_address, bounced_at=None).update(bounced_at=now)
    suppress(address=mail.to_address, reason=Suppression.Reason.HARD_BOUNCE, source_ref=f"mail:{mail.pk}")
    record_event(
        account_id=invitation.account_id, contact_id=invitation.contact_id, kind="mail.bounced", occurred_at=now, origin="app",
        subject_type="mail", subject_id=str(mail.pk), dedupe_key=str(mail.pk), payload={"mail": str(mail.pk), "hard": True},
    )  # fmt: skip


def expire(*, now: dt.datetime) -> int:
    """Mails whose worker died become `unknown`, with their invitations; returns how many invitations."""
    with transaction.atomic():
        expire_leases()
        # every unknown mail, so that a sweep that died half-way is made good by the next
        unknown = OutgoingMail.objects.filter(kind=KIND, subject_type=SUBJECT, status=Mail.UNKNOWN).values_list("subject_id", flat=True)
        return Invitation.objects.filter(pk__in=list(unknown), status=Status.QUEUED).update(status=Status.UNKNOWN)
