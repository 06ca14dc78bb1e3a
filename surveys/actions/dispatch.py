"""The dispatcher: claim what is due, look once more, send at the rate, write down what became of it.

The promise is "at most once": the claim and the tokens are committed before anybody talks to a mail
server, and whatever is uncertain afterwards is `unknown`, listed for a person and never sent again by
a machine.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.actions.mail_rates import Pace, closed_until
from accounts.actions.outbox import MailSession, claim, expire_leases, release
from accounts.actions.suppressions import address_hashes, survey_scope
from accounts.mail_rate import Slot
from accounts.models import Installation, OutgoingMail
from surveys.actions.preparing import Desk, Prepared, forget_links
from surveys.actions.queueing import SUBJECT, queue_due
from surveys.actions.settling import Book
from surveys.models import Invitation

__all__ = ["KINDS", "expire", "queue_due", "send_queued"]

KINDS = [str(OutgoingMail.Kind.SURVEY), str(OutgoingMail.Kind.REMINDER)]
# a batch is what leaves in two seconds: should this process be killed, a person has no more than that to look at
BATCH_OF_SECONDS, SMALLEST_BATCH, LARGEST_BATCH = 2, 5, 100
# what is claimed and not begun after this long is given back, well before its lease ends
BATCH_SECONDS = 120
# the last look before a mail is never older than this, and sees so many of those that follow
LOOK_SECONDS, LOOK_AHEAD = 0.25, 100
# why a mail has no slot now
TURNED_AWAY = frozenset({"rests", "day_full", "rate"})
LONGEST_SLEEP = 60
AFTER_AN_ERROR = dt.timedelta(minutes=5)

Status, Mail = Invitation.Status, OutgoingMail.Status


@dataclass
class _Run:
    """One call of `send_queued`."""

    worker: str
    session: MailSession
    as_of: dt.datetime
    now: dt.datetime
    after_step: Callable[[str], None]
    made: Counter[str] = field(default_factory=Counter)
    tried: set[Any] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)
    # when a mail that had no slot may come again, by the clock of this process
    again_at: float = math.inf

    def __post_init__(self) -> None:
        self.desk = Desk(worker=self.worker, made=self.made)
        self.book = Book(worker=self.worker, made=self.made)

    def passed(self) -> float:
        """The seconds since this run began."""
        return time.monotonic() - self.began

    def sleep(self, seconds: float | None) -> bool:
        """Waits for the first mail that had no slot; false where there is none, or not in this run's time."""
        pause, self.again_at = self.again_at - time.monotonic(), math.inf
        if pause > LONGEST_SLEEP or (seconds is not None and self.passed() + pause > seconds):
            return False
        time.sleep(max(0.0, pause))
        return True

    def clock(self) -> dt.datetime:
        return self.now + dt.timedelta(seconds=time.monotonic() - self.began)


def send_queued(
    *,
    as_of: dt.datetime,
    now: dt.datetime,
    worker: str,
    session: MailSession,
    limit: int | None = None,
    seconds: float | None = None,
    after_step: Callable[[str], None] = lambda step: None,
) -> Counter[str]:
    """Claims queued surveys and reminders and sends them over one session; returns counts by what became of them.

    At most `limit` mails, and no new batch after `seconds`. `now` is stamped on what happens, moved on
    by the seconds that pass here. `after_step` is told of each step passed (claimed, prepared,
    delivered, settled).
    """
    run = _Run(worker, session, as_of, now, after_step)
    taken = 0
    while (limit is None or taken < limit) and (seconds is None or run.passed() < seconds) and closed_until() is None:
        size = _batch_size()
        mails = claim(kinds=KINDS, limit=size if limit is None else min(size, limit - taken), worker=worker, as_of=as_of, related=())
        if not mails:
            if not run.sleep(seconds):
                break
            continue
        taken += len(mails)
        fresh = [mail for mail in mails if mail.pk not in run.tried]
        for mail in mails:
            if mail.pk in run.tried:
                # what is due at once again (by a clock that was set back) waits for the next run
                release(mail=mail, worker=worker, status=Mail.RETRY if mail.attempt > 1 else Mail.QUEUED, reason=mail.reason or "next_run")
        run.tried.update(mail.pk for mail in fresh)
        before = _ended(run)
        if not fresh or not _send_batch(run, fresh):
            break
        if _ended(run) == before and not run.sleep(seconds):
            break
    run.made += Counter()
    return run.made


def _ended(run: _Run) -> int:
    """How many mails came to an end in this run."""
    return sum(run.made.values()) - run.made["later"]


def _batch_size() -> int:
    """How many mails are claimed at once, by the installation's rate."""
    return max(SMALLEST_BATCH, min(LARGEST_BATCH, int(Installation.current().rate_per_second * BATCH_OF_SECONDS)))


def _send_batch(run: _Run, mails: list[OutgoingMail]) -> bool:
    """Sends one claimed batch; false where no further one should be begun (switched off, or the server wants a rest)."""
    claimed_at = time.monotonic()
    run.after_step("claimed")
    if not Installation.current().sending_enabled:
        for mail in mails:
            release(mail=mail, worker=run.worker, status=Mail.QUEUED, reason="stopped")
        run.made["stopped"] += len(mails)
        return False
    prepared = _prepared(run, mails)
    # slots are taken last, so that they have not passed by while the letters were written
    pace = Pace([item.mail for item in prepared])
    run.after_step("prepared")
    waiting, look, stopped = deque(prepared), LastLook(), False
    try:
        while waiting:
            item = waiting.popleft()
            slot = pace.later(item.mail)
            if not stopped and slot is None:
                if pace.is_ahead(item.mail):
                    run.book.write()
                pace.wait(item.mail)
            late = time.monotonic() - claimed_at > BATCH_SECONDS
            verdict = "stopped" if stopped else "late" if late else slot.reason if slot else look.verdict(item, waiting)
            if verdict:
                _give_back(run, item, verdict, slot if slot and verdict == slot.reason else None, pace)
                stopped = stopped or verdict == "stopped"
                continue
            delivery = run.session.deliver(sender=item.letter.sender, recipient=item.mail.to_address, message=item.letter.content)
            run.after_step("delivered")
            run.book.enter(item, delivery, now=run.clock())
            pace.note(item.mail, delivery)
            run.after_step("settled")
    finally:
        run.book.write()
        # an interruption (a task's time limit, say) finds nothing claimed that was not begun
        for item in waiting:
            _give_back(run, item, "late")
        pace.close()
    return not stopped and not pace.everything_rests


def _prepared(run: _Run, mails: list[OutgoingMail]) -> list[Prepared]:
    """The letters of a batch; should that fail as a whole, none of it left and it waits a while."""
    try:
        return run.desk.prepare(mails, as_of=run.as_of, now=run.clock())
    except Exception:
        for mail in mails:
            release(mail=mail, worker=run.worker, status=Mail.QUEUED, reason="error", next_attempt_at=run.clock() + AFTER_AN_ERROR)
        raise


_LAST_LOOK = """
SELECT coalesce((SELECT sending_enabled FROM accounts_installation WHERE id = 1), true),
       ARRAY(SELECT v.place FROM unnest(%(contacts)s::bigint[], %(addresses)s::text[]) WITH ORDINALITY AS v(contact, address, place)
             JOIN accounts_contact c ON c.id = v.contact WHERE c.opted_out OR c.bounced_at IS NOT NULL OR c.email <> v.address),
       ARRAY(SELECT v.place FROM unnest(%(hashes)s::bytea[], %(scopes)s::text[], %(places)s::int[]) AS v(hash, scope, place)
             JOIN accounts_suppression s ON s.address_hmac = v.hash AND s.scope IN ('global', v.scope) WHERE s.until IS NULL OR s.until > statement_timestamp())
"""


class LastLook:
    """The stop switch, consent, address and suppressions once more, seconds after a batch was prepared.

    Looks before each mail; where many leave in a quarter of a second, once for all of them.
    """

    def __init__(self) -> None:
        self._at = -math.inf
        self._stopped = False
        self._seen: set[Any] = set()
        self._refused: set[Any] = set()
        self._suppressed: set[Any] = set()

    def verdict(self, item: Prepared, waiting: Iterable[Prepared]) -> str:
        """Why the mail must not leave after all; empty where it may. `waiting` are those that follow."""
        if time.monotonic() - self._at >= LOOK_SECONDS:
            self._look([item, *islice(waiting, LOOK_AHEAD)])
        mail = item.mail.pk
        if not self._stopped and mail not in self._seen:
            self._look([item, *islice(waiting, LOOK_AHEAD)])
        return "stopped" if self._stopped else "no_consent" if mail in self._refused else "suppressed" if mail in self._suppressed else ""

    def _look(self, items: list[Prepared]) -> None:
        hashes: list[tuple[bytes, str, int]] = []
        for place, item in enumerate(items, 1):
            assert item.invitation.survey_version is not None
            scope = survey_scope(item.invitation.survey_version.survey.key)
            hashes += [(stored, scope, place) for stored in address_hashes(item.mail.to_address)]
        values: dict[str, Any] = {
            "contacts": [item.invitation.contact_id for item in items], "addresses": [item.mail.to_address for item in items],
            "hashes": [each[0] for each in hashes], "scopes": [each[1] for each in hashes], "places": [each[2] for each in hashes],
        }  # fmt: skip
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(_LAST_LOOK, values)
            enabled, refused, suppressed = cursor.fetchone()
        self._at, self._stopped, self._seen = began, not enabled, {item.mail.pk for item in items}
        self._refused, self._suppressed = {items[place - 1].mail.pk for place in refused}, {items[place - 1].mail.pk for place in suppressed}


def _give_back(run: _Run, item: Prepared, verdict: str, slot: Slot | None = None, pace: Pace | None = None) -> None:
    """A prepared mail that does not leave: its tokens go, and it waits or is dropped."""
    waits = verdict in {"stopped", "late", *TURNED_AWAY}
    with transaction.atomic():
        release(mail=item.mail, worker=run.worker, status=Mail.QUEUED if waits else Mail.ABORTED, reason=verdict, next_attempt_at=slot.at if slot else None)
        if not waits and not item.is_reminder:
            Invitation.objects.filter(pk=item.invitation.pk, status=Status.QUEUED).update(status=Status.SKIPPED, skip_reason=verdict)
        forget_links([item])
    if verdict in TURNED_AWAY and verdict == "rate" and slot is not None and pace is not None:
        # it may come again in this run
        run.tried.discard(item.mail.pk)
        run.again_at = min(run.again_at, pace.monotonic(slot.at))
    run.made["later" if verdict in TURNED_AWAY else verdict if waits else "skip"] += 1


def expire(*, now: dt.datetime) -> int:
    """Mails whose worker died become `unknown`, with their invitations; returns how many invitations."""
    with transaction.atomic():
        expire_leases()
        # every unknown mail, so that a sweep that died half-way is made good by the next
        unknown = OutgoingMail.objects.filter(kind=OutgoingMail.Kind.SURVEY, subject_type=SUBJECT, status=Mail.UNKNOWN).values_list("subject_id", flat=True)
        return Invitation.objects.filter(pk__in=list(unknown), status=Status.QUEUED).update(status=Status.UNKNOWN)
