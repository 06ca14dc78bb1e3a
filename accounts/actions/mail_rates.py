"""The rates at which mails leave, kept in PostgreSQL so that any number of senders share them.

A sender asks for slots for the mails it claimed, in one short transaction, before any of them
leaves. What gets no slot soon is given back to the queue with the time at which it may come again.
"""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.outbox import Delivery, is_allowed, release
from accounts.mail_rate import ALL, DOMAIN_BUSY, SERVER_BUSY, Bucket, Slot, longer_rest, receiving_domain, slots
from accounts.models import Installation, MailBucket, OutgoingMail

# a reply to a customer and a way into one's account go before everything that nobody waits for
URGENT = frozenset({OutgoingMail.Kind.REPLY, OutgoingMail.Kind.AUTH})

_LOCKED = """
SELECT b.name, coalesce(b.rate_per_second, CASE WHEN b.name = 'all' THEN i.rate_per_second END), coalesce(b.rate_per_day, CASE WHEN b.name = 'all' THEN i.rate_per_day END),
       b.filled_at, b.day, b.sent_today, b.backs_off_until, b.back_off_seconds, clock_timestamp()
FROM accounts_mailbucket b LEFT JOIN accounts_installation i ON i.id = 1
WHERE b.name = ANY(%s) ORDER BY b.name COLLATE "C" FOR UPDATE OF b
"""
_KEPT = """
UPDATE accounts_mailbucket b SET tokens = 1, filled_at = v.full_at, day = v.day, sent_today = v.sent_today
FROM unnest(%s::text[], %s::timestamptz[], %s::date[], %s::int[]) AS v(name, full_at, day, sent_today) WHERE b.name = v.name
"""
_REST = """
INSERT INTO accounts_mailbucket AS b (name, tokens, sent_today, backs_off_until, back_off_seconds)
VALUES (%(name)s, 1, 0, clock_timestamp() + make_interval(secs => %(first)s), %(first)s)
ON CONFLICT (name) DO UPDATE SET backs_off_until = clock_timestamp() + make_interval(secs => %(next)s), back_off_seconds = %(next)s
WHERE b.backs_off_until IS NULL OR b.backs_off_until <= clock_timestamp()
"""


def domain_bucket(address: str) -> str:
    """The bucket of the place an address receives at."""
    return f"domain:{receiving_domain(address)}"


def _day(now: dt.datetime) -> tuple[dt.date, dt.datetime]:
    """The organisation's day of an instant, and the instant the next one begins."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    today = now.astimezone(zone).date()
    return today, dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), zone)


def organisation_day(now: dt.datetime) -> dt.date:
    """The organisation's day of an instant, by which mails a day are counted."""
    return _day(now)[0]


class Pace:
    """The slots of one claimed batch. `in_turn()` gives the mails that may leave, each in its slot; tell `note()` what
    came of each, and `close()` at the end gives back what did not leave.

    Must not be made inside a transaction: its slots would not be seen by other senders.
    """

    def __init__(self, mails: Sequence[OutgoingMail], *, urgent: bool = False):
        self._slots: dict[Any, tuple[Slot, float]] = {}
        self._names: dict[Any, list[str]] = {}
        self._left: set[Any] = set()
        self._behind = 0.0
        self._rest_seconds: dict[str, int] = {}
        self._rests: dict[str, dt.datetime] = {}
        self._now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        self._began = time.monotonic()
        if mails:
            self._take(mails, urgent)

    def _take(self, mails: Sequence[OutgoingMail], urgent: bool) -> None:
        names = {mail.pk: [ALL, domain_bucket(mail.to_address)] for mail in mails}
        with transaction.atomic():
            rows = _locked(sorted({name for each in names.values() for name in each}))
            if not any(row[0] == ALL for row in rows):
                Installation.current()
                MailBucket.objects.bulk_create([MailBucket(name=ALL, tokens=1)], ignore_conflicts=True)
                rows = _locked(sorted({name for each in names.values() for name in each}))
            self._now, self._began = max(row[8] for row in rows), time.monotonic()
            today, next_day = _day(self._now)
            buckets = {row[0]: Bucket(*row[:8]) for row in rows}
            self._names = {pk: [name for name in each if name in buckets] for pk, each in names.items()}
            given = slots(buckets, [self._names[mail.pk] for mail in mails], now=self._now, today=today, next_day=next_day, urgent=urgent)
            kept = list(buckets.values())
            with connection.cursor() as cursor:
                columns = [[getattr(bucket, name) for bucket in kept] for name in ("name", "full_at", "day", "sent_today")]
                cursor.execute(_KEPT, columns)
        self._rest_seconds = {bucket.name: bucket.rest_seconds for bucket in kept if bucket.rest_seconds}
        for mail, slot in zip(mails, given, strict=True):
            self._slots[mail.pk] = (slot, self.monotonic(slot.at))

    def monotonic(self, at: dt.datetime) -> float:
        """An instant of the database's clock by `time.monotonic()` of this process."""
        return self._began + (at - self._now).total_seconds()

    def later(self, mail: OutgoingMail) -> Slot | None:
        """Where the mail may not leave now: when it may, and why not; None where it may."""
        slot, _at = self._slots[mail.pk]
        if slot.reason:
            return slot
        resting = [self._rests[name] for name in (ALL, domain_bucket(mail.to_address)) if name in self._rests]
        return Slot(max(resting), "rests") if resting else None

    @property
    def everything_rests(self) -> bool:
        """Whether the server asked us to leave it alone for a while."""
        return ALL in self._rests

    def is_ahead(self, mail: OutgoingMail) -> bool:
        """Whether there is time left until the mail's slot."""
        return self._slots[mail.pk][1] + self._behind > time.monotonic() + 0.02

    def wait(self, mail: OutgoingMail) -> None:
        """Sleeps until the mail's slot has come."""
        pause = self._slots[mail.pk][1] + self._behind - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        else:
            # what is late stays late: nobody catches up with a heap of mails at once
            self._behind -= pause

    def in_turn(self, mails: Sequence[OutgoingMail], *, worker: str) -> Iterator[OutgoingMail]:
        """The mails that may leave, each when its slot has come; the others are given back or withheld."""
        for mail in mails:
            slot = self.later(mail)
            if slot is not None:
                release(mail=mail, worker=worker, status=OutgoingMail.Status.QUEUED, reason=slot.reason, next_attempt_at=slot.at)
            elif not is_allowed(mail.to_address):
                release(mail=mail, worker=worker, status=OutgoingMail.Status.WITHHELD, reason="allowlist")
            else:
                self.wait(mail)
                yield mail

    def note(self, mail: OutgoingMail, delivery: Delivery) -> None:
        """Slows down where the server asks for it, and forgets about it after a success."""
        mine = (ALL, domain_bucket(mail.to_address))
        if delivery.outcome in {OutgoingMail.Status.SENT, OutgoingMail.Status.UNKNOWN}:
            self._left.add(mail.pk)
        if delivery.outcome == OutgoingMail.Status.SENT:
            good = [name for name in mine if name in self._rest_seconds]
            if good:
                MailBucket.objects.filter(name__in=good).update(back_off_seconds=0, backs_off_until=None)
                for name in good:
                    del self._rest_seconds[name]
            return
        if delivery.code in SERVER_BUSY or delivery.unreachable:
            self._rest(ALL)
        elif delivery.code in DOMAIN_BUSY:
            self._rest(mine[1])

    def _rest(self, name: str) -> None:
        seconds = longer_rest(self._rest_seconds.get(name, 0))
        with connection.cursor() as cursor:
            cursor.execute(_REST, {"name": name, "first": longer_rest(0), "next": seconds})
        self._rest_seconds[name] = seconds
        passed = dt.timedelta(seconds=time.monotonic() - self._began)
        self._rests[name] = self._now + passed + dt.timedelta(seconds=seconds)

    def close(self) -> None:
        """Takes what did not leave off the counts of the day."""
        unused = Counter(name for pk, (slot, _at) in self._slots.items() if not slot.reason and pk not in self._left for name in self._names[pk])
        self._slots = {}
        if unused:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE accounts_mailbucket b SET sent_today = greatest(0, b.sent_today - v.count) FROM unnest(%s::text[], %s::int[]) AS v(name, count) "
                    "WHERE b.name = v.name AND b.day = %s",
                    [list(unused), list(unused.values()), _day(self._now)[0]],
                )


def _locked(names: list[str]) -> list[tuple[Any, ...]]:
    """The buckets of these names, locked in one order for everybody, so that two senders never wait for each other in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED, [names])
        return cursor.fetchall()


def closed_until() -> Slot | None:
    """Until when nothing but urgent mail may leave, and why; None where it may. Takes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCKED.replace("FOR UPDATE OF b", ""), [[ALL]])
        row = cursor.fetchone()
    if row is None:
        return None
    bucket, now = Bucket(*row[:8]), row[8]
    today, next_day = _day(now)
    if bucket.rests_until is not None and bucket.rests_until > now:
        return Slot(bucket.rests_until, "rests")
    return Slot(next_day, "day_full") if bucket.day == today and bucket.is_full_for(urgent=False) else None


def set_domain_rate(*, domain: str, rate_per_second: float | None, rate_per_day: int | None) -> MailBucket:
    """Gives the mails to one receiving domain limits of their own; with none of both it follows the installation's."""
    row, _made = MailBucket.objects.update_or_create(name=f"domain:{receiving_domain(domain)}", defaults={"rate_per_second": rate_per_second, "rate_per_day": rate_per_day})
    return row


def set_rates(*, rate_per_second: float, rate_per_day: int | None) -> Installation:
    """How fast everything together may leave."""
    row = Installation.current()
    row.rate_per_second, row.rate_per_day = rate_per_second, rate_per_day
    row.save(update_fields=["rate_per_second", "rate_per_day", "updated_at"])
    return row
