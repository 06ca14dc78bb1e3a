"""Recomputing health: all accounts in ranges, listed accounts, or those whose inputs changed. Segments follow health.

A full run lists its ranges in the ledger first, each of them is one transaction: scores, snapshots,
events and work of its accounts, and the mark that it is done. A run that was killed goes on with what
is not marked, for the same instant. Several processes may work on one ledger (SKIP LOCKED).
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.work_recovery import close_recovered
from accounts.actions.work_sets import Need, open_work_items
from accounts.models import Account, WorkItem
from accounts.sentences import why as sentence
from metrics.actions.causes import causes_of
from metrics.actions.health_models import digest, models_at
from metrics.actions.segment_sweeps import sweep_accounts, sweep_everybody
from metrics.actions.stage_sweeps import sweep_stages
from metrics.models import HealthRun
from metrics.moments import BEFORE_DAYS, Moment
from metrics.scoring import AT_RISK
from metrics.sql.health import LISTED, RANGE, ScoredBy, health_statement

# accounts a range, at least and at most; small installations use one range, a million uses twenty
RANGE_AT_LEAST = 5_000
RANGES = 20
RANGE_AT_MOST = 50_000
# a list longer than this is cut into batches of it
LIST_AT_MOST = 2_000
WORK_DUE = dt.timedelta(days=2)
# ranges share this lock, a recompute of listed accounts takes it alone: two statements never update the same
# snapshots in different orders
_LOCK = "hashtext('vefa.health')"


@dataclass
class Summary:
    """What a recompute came to."""

    day: dt.date
    as_of: dt.datetime
    accounts: int = 0
    scored: int = 0
    written: int = 0
    snapshots: int = 0
    band_changes: int = 0
    work_opened: int = 0
    segments_changed: int = 0
    stages_changed: int = 0
    restatements: list[dict[str, Any]] = field(default_factory=list)
    ranges: int = 0

    def add(self, other: Summary) -> None:
        """Takes in the figures of one more statement."""
        for name in ("accounts", "scored", "written", "snapshots", "band_changes", "work_opened", "segments_changed", "stages_changed", "ranges"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.restatements.extend(other.restatements)


@dataclass(frozen=True)
class Setting:
    """What all statements of one recompute have in common."""

    moment: Moment
    models: list[ScoredBy]
    values: dict[str, Any]
    currencies: bool
    history: str


# the month's partition; the day of a run 28 days before, or in the week before that; the last rates before the
# instant. One round trip, because a single account pays for it too
_GROUND = """
SELECT vefa_ensure_months('metrics_healthscore', %(day)s, %(next_day)s),
    (SELECT max(day) FROM metrics_healthrun WHERE day <= %(wanted)s AND day > %(week)s AND done_at IS NOT NULL),
    (SELECT coalesce(jsonb_object_agg(currency, rate::text), '{}')
     FROM (SELECT DISTINCT ON (currency) currency, rate FROM accounts_exchangerate WHERE day < %(t_date)s ORDER BY currency, day DESC) last)
"""


def prepare(*, as_of: dt.datetime, now: dt.datetime) -> Setting:
    """Reads models and rates, makes the month's partition. Raises LookupError where no model is active."""
    moment = Moment.at(as_of=as_of, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    models = models_at(as_of)
    if not models:
        raise LookupError("No health model is active: activate one in the admin pages.")
    wanted = moment.day - dt.timedelta(days=BEFORE_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            _GROUND, {"day": moment.day, "next_day": moment.day + dt.timedelta(days=1), "t_date": moment.t_date, "wanted": wanted, "week": wanted - dt.timedelta(days=7)}
        )
        _made, ran, rates = cursor.fetchone()
    rates = _decoded(rates)
    values = {
        **moment.parameters, "currency": settings.REPORTING_CURRENCY, "rate_currencies": list(rates), "rates": list(rates.values()), "before_day": ran or wanted,
    }  # fmt: skip
    return Setting(moment=moment, models=models, values=values, currencies=bool(rates), history=f"metrics_healthscore_{moment.day:%Y%m}")


def _run(setting: Setting, scope: str, values: dict[str, Any]) -> Summary:
    """One statement and what follows from it; inside the caller's transaction."""
    moment = setting.moment
    text = health_statement(setting.models, scope=scope, live=moment.live, replace=moment.replaces, currencies=setting.currencies, history=setting.history)
    with connection.cursor() as cursor:
        cursor.execute(text, {**setting.values, **values, "looks_far": scope == LISTED})
        accounts, scored, written, snapshots, moved, restated = cursor.fetchone()
    summary = Summary(day=moment.day, as_of=moment.as_of, accounts=accounts, scored=scored, written=written, snapshots=snapshots)
    moved, restated = _decoded(moved), _decoded(restated)
    summary.restatements = [
        {"account": account, "day": moment.day.isoformat(), "stored": before, "recomputed": after, "cause": "late_data" if model == model_now else "model"}
        for account, before, after, model, model_now in restated
    ]
    summary.band_changes, summary.work_opened = _tell(setting, moved)
    return summary


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _tell(setting: Setting, moved: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """Events of band changes, once a day and band, and work for those who fell to at risk."""
    if not moved:
        return 0, 0
    moment, names = setting.moment, {entry.id: entry for entry in setting.models}
    causes = causes_of(moved, models=names, day=moment.day)
    events = record_events(
        NewEvent(
            account_id=change["account"], kind="health.band_changed", occurred_at=moment.as_of, origin="app", dedupe_key=f"{moment.day}:{change['band']}",
            payload={
                "band": change["band"], "score": change["score"], "band_before": change["band_before"], "score_before": change["score_before"],
                "model": change["model"], "day": moment.day.isoformat(), "causes": causes.get(change["account"], []),
            },
        )
        for change in moved
    )  # fmt: skip
    fallen = [change for change in moved if change["band"] == AT_RISK]
    # work is for the present: a past that is computed afterwards is told, but nobody is sent to it
    if moment.replaces:
        close_recovered(now=moment.as_of, account_ids=[change["account"] for change in moved if change["band_before"] == AT_RISK])
    if not fallen or not moment.replaces:
        return len(events), 0
    opened = open_work_items(
        needs=[Need(account_id=change["account"], why=_reason(change)) for change in sorted(fallen, key=lambda change: change["account"])],
        type=WorkItem.Type.RISK.value, reason="health", now=moment.as_of, due_at=moment.as_of + WORK_DUE, priority=WorkItem.Priority.HIGH,
    )  # fmt: skip
    return len(events), opened


def _reason(change: dict[str, Any]) -> dict[str, Any]:
    if change["why"] and change["why"]["key"] not in {"all_well", "no_data"}:
        return change["why"]
    return sentence("band_changed", before=round(change["score_before"] / 100), score=round(change["score"] / 100))


# ── Listed accounts ──────────────────────────────────────────────────────────


def recompute_accounts(*, account_ids: Iterable[int], as_of: dt.datetime, now: dt.datetime) -> Summary:
    """Scores these accounts, in batches of their own transactions. Raises LookupError without a model."""
    setting = prepare(as_of=as_of, now=now)
    ids = sorted(set(account_ids))
    summary = Summary(day=setting.moment.day, as_of=as_of)
    for start in range(0, len(ids), LIST_AT_MOST):
        with transaction.atomic():
            _lock(shared=False)
            summary.add(_run(setting, LISTED, {"ids": ids[start : start + LIST_AT_MOST]}))
    summary.segments_changed = sweep_accounts(account_ids=ids, as_of=as_of, now=now)
    return summary


def recompute_marked(*, now: dt.datetime, limit: int = 50_000) -> Summary | None:
    """Scores the accounts whose inputs changed and takes their marks away; None where another one is at it.

    Only marks that were seen go: one that is set anew while this runs has a later instant and stays.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('vefa.health.marked'))")
        if not cursor.fetchone()[0]:
            return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT account_id, marked_at FROM accounts_accountdirty ORDER BY marked_at LIMIT %s", [limit])
            marks = cursor.fetchall()
        total = Summary(day=now.date(), as_of=now)
        if marks:
            setting = prepare(as_of=now, now=now)
            total.day = setting.moment.day
        for start in range(0, len(marks), LIST_AT_MOST):
            batch = sorted(marks[start : start + LIST_AT_MOST])
            with transaction.atomic():
                _lock(shared=False)
                total.add(_run(setting, LISTED, {"ids": [account for account, _at in batch]}))
            # in a transaction of its own: it locks accounts, and snapshots are locked by now. The marks go last, so nothing is lost between
            total.segments_changed += sweep_accounts(account_ids=[account for account, _at in batch], as_of=now, now=now)
            total.stages_changed += sweep_stages(account_ids=[account for account, _at in batch], now=now).moved
            with connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM accounts_accountdirty d USING unnest(%s::bigint[], %s::timestamptz[]) AS seen(account_id, marked_at) "
                    "WHERE d.account_id = seen.account_id AND d.marked_at = seen.marked_at",
                    [[account for account, _at in batch], [at for _account, at in batch]],
                )
        return total
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('vefa.health.marked'))")


def _lock(*, shared: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}({_LOCK}), set_config('work_mem', '64MB', true)")


# ── All accounts ─────────────────────────────────────────────────────────────


def recompute_all(*, as_of: dt.datetime, now: dt.datetime, go_on: bool = False, workers: int = 2, places: bool = True) -> Summary:
    """Scores every account as of an instant; `go_on` continues an unfinished run of that day if there is one.

    Large bases are worked on by two connections. `places`: segments follow. Raises LookupError without an active model.
    """
    setting = prepare(as_of=as_of, now=now)
    if go_on:
        unfinished = HealthRun.objects.filter(day=setting.moment.day, model_digest=digest(setting.models), done_at__isnull=True, as_of__isnull=False).order_by("-as_of").first()
        if unfinished is not None and unfinished.as_of is not None and unfinished.as_of != as_of:
            setting = prepare(as_of=unfinished.as_of, now=now)
    _list_ranges(setting)
    summary = Summary(day=setting.moment.day, as_of=setting.moment.as_of)
    open_ranges = HealthRun.objects.filter(day=setting.moment.day, as_of=setting.moment.as_of, done_at__isnull=True).count()
    if workers < 2 or open_ranges < 2 or connection.in_atomic_block:
        for part in _work_off(setting):
            summary.add(part)
    else:
        _side_by_side(setting, summary, min(workers, open_ranges))
    if places:
        summary.segments_changed = sweep_everybody(as_of=as_of, now=now)
    return summary


def _side_by_side(setting: Setting, summary: Summary, workers: int) -> None:
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="health") as pool:
        for parts in [pool.submit(_work_off_and_close, setting) for _ in range(workers)]:
            for part in parts.result():
                summary.add(part)


def is_done(*, day: dt.date) -> bool:
    """Whether a full run of the day was finished."""
    runs = HealthRun.objects.filter(day=day)
    return runs.exists() and not runs.filter(done_at__isnull=True).exists()


@transaction.atomic
def _list_ranges(setting: Setting) -> None:
    """Writes the ranges of this run down, unless they are there with some left to do.

    What is left of other runs of the day is given up: this run covers it.
    """
    moment, fingerprint = setting.moment, digest(setting.models)
    mine = HealthRun.objects.filter(day=moment.day, as_of=moment.as_of, model_digest=fingerprint)
    if mine.filter(done_at__isnull=True).exists():
        return
    HealthRun.objects.filter(day=moment.day).delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM accounts_account")
        low, high = cursor.fetchone()
    if low is None:
        return
    span = high - low + 1
    pieces = max(1, min(RANGES, span // RANGE_AT_LEAST), math.ceil(span / RANGE_AT_MOST))
    edges = [low + span * piece // pieces for piece in range(pieces + 1)]
    HealthRun.objects.bulk_create(
        HealthRun(day=moment.day, as_of=moment.as_of, low=start, high=end - 1, model_digest=fingerprint, started_at=moment.now) for start, end in itertools.pairwise(edges)
    )


def _work_off_and_close(setting: Setting) -> list[Summary]:
    """In a thread of its own, with a connection of its own."""
    try:
        return list(_work_off(setting))
    finally:
        connection.close()


def _work_off(setting: Setting) -> Iterable[Summary]:
    """Range after range, until none is left that nobody else has."""
    while True:
        with transaction.atomic():
            claimed = (
                HealthRun.objects.select_for_update(skip_locked=True, no_key=True)
                .filter(day=setting.moment.day, as_of=setting.moment.as_of, done_at__isnull=True)
                .order_by("low")
                .first()
            )
            if claimed is None:
                return
            _lock(shared=True)
            with connection.cursor() as cursor:
                # see performance.md: a group-by fed in index order beats a hash table that leaves the cache
                cursor.execute("SET LOCAL enable_hashagg = off")
                cursor.execute("SET LOCAL statement_timeout = '15min'")
            summary = _run(setting, RANGE, {"low": claimed.low, "high": claimed.high})
            with connection.cursor() as cursor:
                cursor.execute("UPDATE metrics_healthrun SET done_at = clock_timestamp(), rows = %s WHERE id = %s", [summary.scored, claimed.pk])
        summary.ranges = 1
        yield summary


def vacuum_usage(*, day: dt.date) -> bool:
    """Gives the current month of usage its visibility map, so that the scans stay in the index.

    Returns whether it ran: not inside a transaction, and not where the month does not exist.
    """
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        table = f"accounts_usageday_{day:%Y%m}"
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"VACUUM (ANALYZE) {table}")
    return True


def ids_of(names: Iterable[str]) -> tuple[list[int], list[str]]:
    """Account ids by external id, else by number; and the names that are neither."""
    ids, unknown = [], []
    for name in names:
        found = Account.objects.filter(external_id=name).values_list("pk", flat=True).first()
        if found is None and name.isdecimal() and len(name) < 19:
            found = Account.objects.filter(pk=int(name)).values_list("pk", flat=True).first()
        if found is None:
            unknown.append(name)
        else:
            ids.append(found)
    return ids, unknown
