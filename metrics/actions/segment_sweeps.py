"""Putting accounts where the rules of segments say: listed accounts, those that turn by themselves, or everybody in ranges.

The first segment in order whose rule matches takes the account. An override set by hand, by an import or by the
API stands until it is cleared or until its end; one that ended falls back to the rules. History and the events
`segment.changed` are written in the same transaction. Written is only what changes, so a second sweep does nothing.

Health comes first: rules read the snapshot that it writes, and health of a day uses who was where when the day began.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
import zoneinfo
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.dirty import mark_dirty
from accounts.models.events import Origin
from accounts.rules import fields_of
from metrics.models import SegmentRange
from metrics.moments import Moment
from metrics.segments.reading import SegmentRules, segment_rules
from metrics.segments.sizes import keep_sizes
from metrics.segments.statements import LISTED, RANGE, differing

# accounts of one transaction
LIST_AT_MOST = 2_000
RANGE_SIZE = 10_000
# a planned beginning that was missed for so long is found by the daily sweep
LATEST_DAYS = 3
# two statements never update the same snapshots in different orders, see recompute
_HEALTH = "hashtext('vefa.health')"
# sweeps share it, a change of rules takes it alone
RULES_LOCK = "hashtext('vefa.segments')"


class Move(NamedTuple):
    """One account that is not where it belongs; ids of segments, None for none."""

    account_id: int
    before_id: int | None
    membership_id: int | None
    stood_id: int | None
    stood_from: dt.datetime | None
    stood_reason: str | None
    stands: bool
    ended: bool
    target_id: int | None
    begins_at: dt.datetime
    until: dt.datetime | None


# ── The writing ──────────────────────────────────────────────────────────────

# a stretch without any length was never one
_GONE = "DELETE FROM accounts_segmentmembership m USING unnest(%(memberships)s::bigint[], %(begins)s::timestamptz[]) w(id, at) WHERE m.id = w.id AND m.valid_from >= w.at"
_END = """
UPDATE accounts_segmentmembership m SET valid_to = w.at FROM unnest(%(memberships)s::bigint[], %(begins)s::timestamptz[]) w(id, at)
WHERE m.id = w.id AND m.valid_from < w.at
"""
_BEGIN = """
INSERT INTO accounts_segmentmembership (account_id, segment_id, valid_from, valid_to, reason, note, is_override, created_at)
SELECT account, segment, at, until, 'rule', '', false, %(now)s
FROM unnest(%(accounts)s::bigint[], %(targets)s::bigint[], %(begins)s::timestamptz[], %(untils)s::timestamptz[]) w(account, segment, at, until) WHERE segment IS NOT NULL
"""
_ACCOUNTS = """
UPDATE accounts_account a SET segment_id = w.segment FROM unnest(%(accounts)s::bigint[], %(targets)s::bigint[]) w(account, segment)
WHERE a.id = w.account AND a.segment_id IS DISTINCT FROM w.segment
"""
_EVENTS = """
INSERT INTO accounts_accountevent (account_id, kind, occurred_at, origin, actor_id, subject_type, subject_id, payload)
SELECT w.account, 'segment.changed', w.at, %(origin)s, %(actor)s, 'segment', coalesce(w.segment::text, ''),
       jsonb_strip_nulls(jsonb_build_object('segment', s.key, 'segment_before', b.key, 'reason', w.reason, 'override', w.stands))
FROM unnest(%(accounts)s::bigint[], %(targets)s::bigint[], %(befores)s::bigint[], %(begins)s::timestamptz[], %(reasons)s::text[], %(stands)s::boolean[])
    w(account, segment, before, at, reason, stands)
LEFT JOIN accounts_segment s ON s.id = w.segment LEFT JOIN accounts_segment b ON b.id = w.before
WHERE w.segment IS DISTINCT FROM w.before ORDER BY w.account
"""


def _write(moves: list[Move], *, now: dt.datetime, actor_id: int | None, origin: str) -> int:
    """Ends, begins, copies and tells; returns how many accounts changed segment."""
    # an override that began as planned has its stretch already
    new = [move for move in moves if not move.stands]
    ending = [move for move in new if move.membership_id is not None]
    moved = [move for move in moves if move.target_id != move.before_id]
    with connection.cursor() as cursor:
        if ending:
            values: dict[str, Any] = {"memberships": [move.membership_id for move in ending], "begins": [move.begins_at for move in ending]}
            cursor.execute(_GONE, values)
            cursor.execute(_END, values)
        if new:
            cursor.execute(_BEGIN, {**_columns(new), "now": now})
        if moved:
            values = {**_columns(moved), "now": now, "actor": actor_id, "origin": origin}
            cursor.execute(_ACCOUNTS, values)
            cursor.execute(_EVENTS, values)
    return len(moved)


def _columns(moves: list[Move]) -> dict[str, list[Any]]:
    return {
        "accounts": [move.account_id for move in moves], "targets": [move.target_id for move in moves], "befores": [move.before_id for move in moves],
        "begins": [move.begins_at for move in moves], "untils": [move.until for move in moves], "stands": [move.stands for move in moves],
        "reasons": [move.stood_reason if move.stands else "rule" for move in moves],
    }  # fmt: skip


def _sweep(rules: SegmentRules, scope: str, values: dict[str, Any], *, moment: Moment, actor_id: int | None = None, origin: str = Origin.APP) -> list[Move]:
    """Finds, locks, looks again and writes, inside the caller's transaction; returns what was written."""
    common = {"now": moment.as_of, "wall": max(moment.now, moment.as_of), "today": moment.t_date, "day": moment.day}
    text, bound = differing(rules, scope)
    with connection.cursor() as cursor:
        cursor.execute(text, {**values, **common, **bound})
        found = [row[0] for row in cursor.fetchall()]
        if not found:
            return []
        # somebody may set an override at this moment: only what is so under the lock is written
        cursor.execute("SELECT id FROM accounts_account WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [found])
        text, bound = differing(rules, LISTED)
        cursor.execute(text, {"ids": found, **common, **bound})
        moves = [Move._make(row) for row in cursor.fetchall()]
    _write(moves, now=moment.as_of, actor_id=actor_id, origin=origin)
    return moves


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_HEALTH}), pg_advisory_xact_lock_shared({RULES_LOCK})")


def _moment(as_of: dt.datetime, now: dt.datetime) -> Moment:
    return Moment.at(as_of=as_of, now=now, zone=settings.ORGANISATION_TIME_ZONE)


def _moved(moves: Iterable[Move]) -> list[int]:
    return [move.account_id for move in moves if move.target_id != move.before_id]


# ── Listed accounts ──────────────────────────────────────────────────────────


def sweep_accounts(*, account_ids: Iterable[int], as_of: dt.datetime, now: dt.datetime, actor_id: int | None = None, marks: bool = False) -> int:
    """Puts these accounts where they belong; returns how many moved. `marks`: asks for their recompute, since more hangs on their segment."""
    moment, ids, total = _moment(as_of, now), sorted(set(account_ids)), 0
    for start in range(0, len(ids), LIST_AT_MOST):
        with transaction.atomic():
            _lock()
            moved = _moved(_sweep(segment_rules(), LISTED, {"ids": ids[start : start + LIST_AT_MOST]}, moment=moment, actor_id=actor_id))
            if marks:
                mark_dirty(moved, reason="segment")
        total += len(moved)
    return total


def sweep_readers(*, field: str, account_ids: Iterable[int], now: dt.datetime) -> int:
    """These accounts where a field of theirs changed that no mark tells of, and only if some rule asks about it; returns how many moved."""
    if not any(entry.rule is not None and field in fields_of(entry.rule) for entry in segment_rules().candidates):
        return 0
    return sweep_accounts(account_ids=account_ids, as_of=now, now=now, marks=True)


_TURNED = """
SELECT account_id FROM accounts_segmentmembership WHERE valid_to IS NULL AND is_override AND override_until <= %(now)s
UNION SELECT m.account_id FROM accounts_segmentmembership m JOIN accounts_account a ON a.id = m.account_id
    WHERE m.valid_from > m.created_at AND m.valid_from > %(since)s AND m.valid_from <= %(now)s AND (m.valid_to IS NULL OR m.valid_to > %(now)s)
      AND a.segment_id IS DISTINCT FROM m.segment_id
ORDER BY 1
"""


def sweep_turned(*, now: dt.datetime) -> int:
    """Those whose override ended or began as planned, whatever else happened to them; returns how many moved."""
    with connection.cursor() as cursor:
        cursor.execute(_TURNED, {"now": now, "since": now - dt.timedelta(days=LATEST_DAYS)})
        ids = [row[0] for row in cursor.fetchall()]
    return sweep_accounts(account_ids=ids, as_of=now, now=now, marks=True) if ids else 0


# ── Everybody ────────────────────────────────────────────────────────────────


@transaction.atomic
def order_everybody(*, reason: SegmentRange.Reason, now: dt.datetime) -> int:
    """Lists all accounts in ranges, in place of what was listed before; returns how many ranges."""
    day = _moment(now, now).today
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('vefa.segments.order')), min(id), max(id) FROM accounts_account")
        _locked, low, high = cursor.fetchone()
    SegmentRange.objects.all().delete()
    if low is None:
        return 0
    digest = segment_rules().digest
    edges = [*range(low, high + 1, RANGE_SIZE), high + 1]
    rows = [SegmentRange(day=day, reason=reason, rules_digest=digest, low=start, high=end - 1, ordered_at=now) for start, end in itertools.pairwise(edges)]
    SegmentRange.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def work_off(*, now: dt.datetime) -> Iterator[int]:
    """Range after range of what is listed, each its own transaction; yields how many moved. Ends when none is left or the rules changed meanwhile.

    The sizes of the day are kept when the last range is done.
    """
    moment = _moment(now, now)
    while True:
        with transaction.atomic():
            claimed = SegmentRange.objects.select_for_update(skip_locked=True, no_key=True).filter(done_at__isnull=True).order_by("low").first()
            if claimed is None:
                return
            _lock()
            rules = segment_rules()
            if rules.digest != claimed.rules_digest:
                return
            moved = _moved(_sweep(rules, RANGE, {"low": claimed.low, "high": claimed.high}, moment=moment))
            # the daily sweep follows the recompute of everybody
            if claimed.reason == SegmentRange.Reason.RULES:
                mark_dirty(moved, reason="segment")
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE metrics_segmentrange SET done_at = clock_timestamp(), moved = %(moved)s, "
                    "looked_at = (SELECT count(*) FROM accounts_account WHERE id BETWEEN %(low)s AND %(high)s) WHERE id = %(id)s",
                    {"moved": len(moved), "low": claimed.low, "high": claimed.high, "id": claimed.pk},
                )
        if not SegmentRange.objects.filter(done_at__isnull=True).exists():
            keep_sizes(day=moment.today, now=now)
        yield len(moved)


def sweep_everybody(*, as_of: dt.datetime, now: dt.datetime) -> int:
    """Every account, at once; returns how many moved. As of a past instant nothing is listed: newer history stays as it is."""
    if as_of >= now:
        order_everybody(reason=SegmentRange.Reason.DAILY, now=as_of)
        return sum(work_off(now=as_of))
    moment, total = _moment(as_of, now), 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM accounts_account")
        low, high = cursor.fetchone()
    for start in range(low, high + 1, RANGE_SIZE) if low is not None else ():
        with transaction.atomic():
            _lock()
            total += len(_moved(_sweep(segment_rules(), RANGE, {"low": start, "high": start + RANGE_SIZE - 1}, moment=moment)))
    return total


# ── What the beat asks for ───────────────────────────────────────────────────


def sweep_due(*, now: dt.datetime, health_done: bool, seconds: float) -> int:
    """What turned, and everybody where rules changed or a day began and its health is computed, for a while; returns how many moved."""
    until = time.monotonic() + seconds
    moved = sweep_turned(now=now)
    latest = SegmentRange.objects.order_by("-ordered_at").first()
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    if latest is None or latest.rules_digest != segment_rules().digest:
        order_everybody(reason=SegmentRange.Reason.RULES, now=now)
    elif latest.day < today and health_done:
        order_everybody(reason=SegmentRange.Reason.DAILY, now=now)
    for count in work_off(now=now):
        moved += count
        if time.monotonic() > until:
            break
    return moved
