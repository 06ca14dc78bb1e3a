"""Making a claimed survey ready to leave: looked at once more, its tokens stored, its letter written."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from django.db import connection, transaction

from accounts.actions.outbox import is_allowed, release
from accounts.models import OutgoingMail
from surveys.actions.holds import HELD_FOR, Gate, open_gate
from surveys.actions.letters import Letter, write_letter
from surveys.actions.reconsidering import reconsider
from surveys.actions.reminder_facts import reminders
from surveys.models import Invitation, SurveyLink, SurveyText, SurveyVersion, Touchpoint
from surveys.tokens import new_token, token_digest

UNSUBSCRIBE_DAYS = 730
_LOADED = ("event", "contact", "account__owner")
_STORE = """
INSERT INTO surveys_surveylink (invitation_id, kind, token_hash, issued_at, expires_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
"""

Status, Mail, Kind = Invitation.Status, OutgoingMail.Status, OutgoingMail.Kind


@dataclass(frozen=True)
class Prepared:
    """A claimed mail that may leave: its letter is written and its tokens are committed."""

    mail: OutgoingMail
    invitation: Invitation
    letter: Letter
    links: list[SurveyLink]

    @property
    def is_reminder(self) -> bool:
        """Whether it reminds of a survey that was sent."""
        return self.mail.kind == Kind.REMINDER


@dataclass
class Desk:
    """Prepares the batches of one run; the texts of published versions are read once."""

    worker: str
    made: Counter[str]
    texts: dict[int, dict[str, SurveyText]] = field(default_factory=dict)

    def prepare(self, mails: list[OutgoingMail], *, as_of: dt.datetime, now: dt.datetime) -> list[Prepared]:
        """Those of the claimed mails that may leave; the others are released, skipped or failed. All committed at the end."""
        with transaction.atomic():
            chosen = [*self._surveys([mail for mail in mails if mail.kind == Kind.SURVEY], as_of), *self._reminders([mail for mail in mails if mail.kind == Kind.REMINDER], as_of)]
            prepared = [written for mail, row in chosen if (written := self._written(mail, row, now=now)) is not None]
            _store([link for item in prepared for link in item.links])
        return prepared

    def _rows(self, mails: list[OutgoingMail]) -> list[Invitation]:
        """The invitations of the mails; the few touchpoints and versions they share are read once a batch."""
        rows = list(Invitation.objects.filter(pk__in=[mail.subject_id for mail in mails]).select_related(*_LOADED).order_by("not_before", "id"))
        touchpoints = Touchpoint.objects.select_related("survey").prefetch_related("segments").in_bulk({row.touchpoint_id for row in rows if row.touchpoint_id})
        versions = SurveyVersion.objects.select_related("survey").in_bulk({row.survey_version_id for row in rows if row.survey_version_id})
        for row in rows:
            row.touchpoint = touchpoints.get(row.touchpoint_id or 0)
            row.survey_version = versions.get(row.survey_version_id or 0)
        return rows

    def _surveys(self, mails: list[OutgoingMail], as_of: dt.datetime) -> list[tuple[OutgoingMail, Invitation]]:
        if not mails:
            return []
        by_subject = {mail.subject_id: mail for mail in mails}
        rows = self._rows(mails)
        gate, chosen = open_gate(), []
        for row, _candidate, decision, _facts in reconsider(rows, as_of=as_of, statuses=(Status.SENT, Status.ANSWERED, Status.UNKNOWN, Status.EXPIRED)):
            mail = by_subject.pop(str(row.pk))
            if decision.outcome == "hold":
                self._let_wait(mail, reason="quiet", until=decision.due_at)
            elif decision.is_skip or row.status not in {Status.QUEUED, Status.UNKNOWN}:
                reason = decision.reason or "duplicate"
                release(mail=mail, worker=self.worker, status=Mail.ABORTED, reason=reason)
                if decision.is_skip:
                    Invitation.objects.filter(pk=row.pk, status=Status.QUEUED).update(status=Status.SKIPPED, skip_reason=reason, decision=dict(decision.evidence))
                self.made["skip"] += 1
            elif self._may_pass(mail, row, gate, as_of):
                chosen.append((mail, row))
        self._forget(list(by_subject.values()))
        return chosen

    def _reminders(self, mails: list[OutgoingMail], as_of: dt.datetime) -> list[tuple[OutgoingMail, Invitation]]:
        if not mails:
            return []
        by_subject = {mail.subject_id: mail for mail in mails}
        rows = self._rows(mails)
        gate, chosen = open_gate(), []
        for row, decision, _facts in reminders(rows, as_of=as_of):
            mail = by_subject.pop(str(row.pk))
            if decision.outcome == "hold":
                self._let_wait(mail, reason="quiet", until=decision.due_at)
            elif decision.is_skip:
                release(mail=mail, worker=self.worker, status=Mail.ABORTED, reason=decision.reason)
                self.made["skip"] += 1
            elif self._may_pass(mail, row, gate, as_of):
                chosen.append((mail, row))
        self._forget(list(by_subject.values()))
        return chosen

    def _may_pass(self, mail: OutgoingMail, row: Invitation, gate: Gate, as_of: dt.datetime) -> bool:
        """Whether no hold and no allowlist is in the way; what waits or must not leave is released."""
        if not gate.lets_pass(row):
            self._let_wait(mail, reason="held", until=as_of + HELD_FOR)
            return False
        if not is_allowed(mail.to_address):
            release(mail=mail, worker=self.worker, status=Mail.WITHHELD, reason="allowlist")
            Invitation.objects.filter(pk=row.pk, status=Status.QUEUED).update(status=Status.FAILED)
            self.made["withheld"] += 1
            return False
        return True

    def _let_wait(self, mail: OutgoingMail, *, reason: str, until: dt.datetime | None) -> None:
        release(mail=mail, worker=self.worker, status=Mail.QUEUED, reason=reason, next_attempt_at=until)
        self.made["hold"] += 1

    def _forget(self, mails: list[OutgoingMail]) -> None:
        """Mails whose invitation is gone."""
        for mail in mails:
            release(mail=mail, worker=self.worker, status=Mail.ABORTED, reason="no_subject")
            self.made["skip"] += 1

    def _texts_of(self, version_id: int) -> dict[str, SurveyText]:
        if version_id not in self.texts:
            self.texts[version_id] = {text.language: text for text in SurveyText.objects.filter(version_id=version_id).select_related("version__survey")}
        return self.texts[version_id]

    def _written(self, mail: OutgoingMail, row: Invitation, *, now: dt.datetime) -> Prepared | None:
        """The letter and its tokens, not stored yet; one that cannot be written fails alone."""
        token, refusal = new_token(), new_token()
        days = row.touchpoint.link_days if row.touchpoint else 30
        reminder = mail.kind == Kind.REMINDER
        kind = SurveyLink.Kind.REMINDER if reminder else SurveyLink.Kind.INVITE
        try:
            letter = write_letter(row, self._texts_of(row.survey_version_id or 0), mail=mail, token=token, refusal=refusal, now=now, reminder=reminder)
        except (LookupError, ValueError):
            release(mail=mail, worker=self.worker, status=Mail.FAILED, reason="unsendable")
            Invitation.objects.filter(pk=row.pk, status=Status.QUEUED).update(status=Status.FAILED)
            self.made["failed"] += 1
            return None
        links = [
            SurveyLink(invitation=row, kind=each, token_hash=token_digest(secret), issued_at=now, expires_at=now + dt.timedelta(days=life))
            for each, secret, life in ((kind, token, days), (SurveyLink.Kind.UNSUBSCRIBE, refusal, UNSUBSCRIBE_DAYS))
        ]
        return Prepared(mail, row, letter, links)


def _store(links: list[SurveyLink]) -> None:
    """Stores tokens, many in one statement."""
    if links:
        columns = [[getattr(link, name) for link in links] for name in ("invitation_id", "kind", "token_hash", "issued_at", "expires_at")]
        with connection.cursor() as cursor:
            cursor.execute(_STORE, [columns[0], [str(kind) for kind in columns[1]], *columns[2:]])


def forget_links(items: list[Prepared]) -> None:
    """Deletes the tokens of mails that surely never left; those of an earlier, uncertain attempt stay."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM surveys_surveylink WHERE token_hash = ANY(%s)", [[link.token_hash for item in items for link in item.links]])
