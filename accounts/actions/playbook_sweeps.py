"""Starting playbooks: what happened, or fell due, and has neither a run nor a pass of the playbook yet. Set-based, without a cursor.

All starts of one playbook stand behind one lock, and what was there is counted in the statement that inserts:
two workers at once can no more exceed a cap than one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from typing import Any

from django.db import connection, transaction

from accounts.actions.event_log import NewEvent, record_events
from accounts.models import Account, Contact, Playbook, PlaybookPass, PlaybookRun, PlaybookVersion, User
from accounts.models.events import Origin
from accounts.playbooks import HELD_OUT_SQL, Plan
from accounts.queries.playbook_candidates import CLOCK_SKEW, LATE, RECENT, WINDOW, Window, is_of_events, occasions, zone
from accounts.queries.playbook_plans import plan_of
from accounts.rules import compile_where, parse

BATCH = 10_000
OLD_MATCHES_FOR = dt.timedelta(days=2)
# a pass is kept as long as its occasion could be found again, and a little for those who ask why
PASSES_KEPT = dt.timedelta(days=400)


class StartRefused(ValueError):
    """A playbook that is not started by hand, with the reason: inactive, churned, excluded, audience, running, cap, later, held_out."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


# `found` has the occasions of one playbook; whoever is let through is counted, account by account, with what was there
_START = """
WITH found AS MATERIALIZED ({occasions}),
judged AS (
    SELECT f.*, CASE WHEN a.churned_at <= %(now)s AND NOT %(churned)s THEN 'churned' WHEN a.excluded AND NOT %(excluded)s THEN 'excluded'
                     WHEN NOT ({audience}) THEN 'audience' ELSE '' END AS refused,
           {held_out} AS held
    FROM found f JOIN accounts_account a ON a.id = f.account_id JOIN accounts_accountsnapshot s ON s.account_id = f.account_id),
counted AS (
    SELECT j.*, row_number() OVER (PARTITION BY j.account_id ORDER BY j.at, j.occasion) AS place, h.lately, h.running
    FROM judged j CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE r.started_at > %(cap_since)s) AS lately, count(*) FILTER (WHERE r.status = 'running' AND r.version_id IS NOT NULL) AS running
        FROM accounts_playbookrun r WHERE r.playbook_id = %(playbook)s AND r.account_id = j.account_id) h
    WHERE j.refused = ''),
limited AS (
    SELECT c.*, CASE WHEN c.running + c.place > %(at_once)s THEN 'running' WHEN c.lately + c.place > %(per_account)s THEN 'cap' ELSE '' END AS capped FROM counted c),
chosen AS (SELECT l.*, row_number() OVER (ORDER BY l.at, l.occasion) AS turn FROM limited l WHERE l.capped = ''),
started AS (
    INSERT INTO accounts_playbookrun (playbook_id, version_id, account_id, contact_id, event_id, occasion, started_by_id, status, steps, position, step, step_since, due_at,
        worker, started_at, ended_at, end_reason)
    SELECT %(playbook)s, %(version)s, account_id, contact_id, event_id, occasion, %(actor)s, CASE WHEN held THEN 'held_out' ELSE 'running' END, %(outline)s::jsonb, 0,
        CASE WHEN held THEN '' ELSE %(first)s END, %(now)s, CASE WHEN held THEN NULL ELSE %(now)s::timestamptz END, '', %(now)s,
        CASE WHEN held THEN %(now)s::timestamptz END, CASE WHEN held THEN 'held_out' ELSE '' END
    FROM chosen WHERE %(left_today)s::bigint IS NULL OR turn <= %(left_today)s ORDER BY turn
    ON CONFLICT DO NOTHING RETURNING id, status, account_id),
passed AS (
    INSERT INTO accounts_playbookpass (playbook_id, version_id, account_id, event_id, occasion, reason, at)
    SELECT %(playbook)s, %(version)s, account_id, event_id, occasion, reason, %(now)s
    FROM (SELECT account_id, event_id, occasion, refused AS reason FROM judged WHERE refused <> ''
          UNION ALL SELECT account_id, event_id, occasion, capped FROM limited WHERE capped <> '') p
    WHERE %(keeps_passes)s ON CONFLICT DO NOTHING RETURNING reason)
SELECT (SELECT array_agg(id ORDER BY id) FROM started WHERE status = 'running'), (SELECT array_agg(account_id ORDER BY id) FROM started WHERE status = 'running'),
       (SELECT count(*) FROM found), (SELECT count(*) FROM started WHERE status = 'running'), (SELECT count(*) FROM started WHERE status = 'held_out'),
       (SELECT count(*) FROM passed), (SELECT min(id) FROM started),
       coalesce((SELECT max(refused) FROM judged WHERE refused <> ''), (SELECT max(capped) FROM limited WHERE capped <> ''), '')
"""
_UNSEEN = """
SELECT o.* FROM ({occasions}) o
WHERE NOT EXISTS (SELECT 1 FROM accounts_playbookrun r WHERE r.playbook_id = %(playbook)s AND r.account_id = o.account_id AND r.occasion = o.occasion)
  AND NOT EXISTS (SELECT 1 FROM accounts_playbookpass p WHERE p.playbook_id = %(playbook)s AND p.account_id = o.account_id AND p.occasion = o.occasion)
ORDER BY o.at, o.occasion LIMIT %(batch)s
"""


def lock_starts(playbook_id: int) -> None:
    """Waits until nobody else starts runs of a playbook; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('playbook starts'), %s)", [playbook_id])


def current_versions(playbook_ids: list[int]) -> dict[int, PlaybookVersion]:
    """The newest published version of each playbook."""
    rows = PlaybookVersion.objects.filter(playbook_id__in=playbook_ids, published_at__isnull=False).order_by("playbook_id", "number")
    return {row.playbook_id: row for row in rows}


def start_due(*, now: dt.datetime, full: bool, playbook_id: int | None = None, batch: int = BATCH) -> Counter[str]:
    """Starts all active playbooks whose trigger fits; counts runs `started`, `held_out` and `passed` over.

    Without `full` it reads the events of the last 15 minutes; with it all of the window, and the dates.
    """
    done: Counter[str] = Counter()
    active = Playbook.objects.filter(active=True, matches_since__isnull=False, **({"pk": playbook_id} if playbook_id is not None else {})).order_by("pk")
    playbooks = list(active)
    versions = current_versions([row.pk for row in playbooks])
    for playbook in playbooks:
        version = versions.get(playbook.pk)
        if version is not None:
            done += _start_one(playbook, plan_of(version), now=now, full=full, batch=batch)
    return done


def window_of(playbook: Playbook, plan: Plan, *, now: dt.datetime, full: bool) -> Window | None:
    """What a look at a playbook reads; None where there is nothing to look at."""
    assert playbook.matches_since is not None
    # old matches are looked for once, soon after the playbook was switched on
    old = playbook.activated_at is not None and playbook.matches_since < playbook.activated_at and now < playbook.activated_at + OLD_MATCHES_FOR
    if is_of_events(plan.trigger):
        since = playbook.matches_since if old else max(playbook.matches_since, now - WINDOW)
        return Window(since=since, until=now + CLOCK_SKEW, recorded_within=None if full else RECENT, imports=old)
    if plan.trigger["kind"] == "manual" or not full:
        return None
    # a day that is due today counts although it began before the playbook was switched on
    midnight = dt.datetime.combine(playbook.matches_since.astimezone(zone()).date(), dt.time(), zone())
    return Window(since=midnight if old else max(midnight, now - LATE), until=now)


def _start_one(playbook: Playbook, plan: Plan, *, now: dt.datetime, full: bool, batch: int) -> Counter[str]:
    done: Counter[str] = Counter()
    window = window_of(playbook, plan, now=now, full=full)
    if window is None:
        return done
    sql, params = occasions(plan.trigger, window)
    while True:
        with transaction.atomic():
            lock_starts(playbook.pk)
            # looked up behind the lock: what was switched off or published meanwhile holds for this batch already
            version = current_versions([playbook.pk]).get(playbook.pk)
            if version is None or plan_of(version) != plan or not Playbook.objects.filter(pk=playbook.pk, active=True).exists():
                return done
            found, started, held, passed, *_rest = _insert(playbook, version, plan, _UNSEEN.format(occasions=sql), params | {"batch": batch}, now=now)
        done += Counter(started=started, held_out=held, passed=passed)
        if found < batch or not started + held + passed:
            return done


def _insert(
    playbook: Playbook,
    version: PlaybookVersion,
    plan: Plan,
    found: str,
    params: dict[str, Any],
    *,
    now: dt.datetime,
    actor: User | None = None,
    by_hand: bool = False,
    anyway: bool = False,
) -> tuple[int, int, int, int, int | None, str]:
    """The one statement that starts runs; call it behind the lock."""
    audience, rule_params = ("true", {}) if plan.audience is None else compile_where(parse(plan.audience), prefix="au")
    held_out = "false" if by_hand and anyway else HELD_OUT_SQL.format(account="f.account_id")
    sql = _START.format(occasions=found, audience=f"coalesce({audience}, false)", held_out=held_out)
    values: dict[str, Any] = {
        "playbook": playbook.pk, "playbook_key": playbook.key, "version": version.pk, "now": now, "today": now.astimezone(zone()).date(), "churned": version.includes_churned,
        "excluded": version.includes_excluded, "hold_out": plan.hold_out_percent, "cap_since": now - dt.timedelta(days=plan.caps.days), "at_once": plan.caps.at_once,
        "per_account": plan.caps.per_account, "left_today": _left_today(playbook, plan, now), "outline": json.dumps(version.outline), "first": plan.first,
        "actor": actor.pk if actor else None, "keeps_passes": not by_hand,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, values | rule_params | params)
        runs, accounts, *counts = cursor.fetchone()
    record_events(
        NewEvent(
            account_id=account, kind="playbook.started", occurred_at=now, origin=Origin.APP, actor_id=actor.pk if actor else None, subject_type="playbook_run", subject_id=str(run),
            payload={"playbook": playbook.key, "run": run, "version": version.number},
        )
        for run, account in zip(runs or (), accounts or (), strict=True)
    )  # fmt: skip
    found_count, started, held, passed, first, refused = counts
    return found_count, started, held, passed, first, refused


def _left_today(playbook: Playbook, plan: Plan, now: dt.datetime) -> int | None:
    if plan.caps.per_day is None:
        return None
    midnight = dt.datetime.combine(now.astimezone(zone()).date(), dt.time(), zone())
    return max(0, plan.caps.per_day - PlaybookRun.objects.filter(playbook=playbook, started_at__gte=midnight).count())


def start_by_hand(
    *, playbook_id: int, account_id: int, actor: User | None, now: dt.datetime, contact: Contact | None = None, occasion: str = "", anyway: bool = False
) -> PlaybookRun:
    """Starts a playbook for one account; its audience and caps hold as always. The same `occasion` again gives the first run.

    An account that is held out is refused unless `anyway`. Raises StartRefused with the reason, DoesNotExist.
    """
    name = f"manual:{occasion or now.isoformat()}"[:120]
    with transaction.atomic():
        lock_starts(playbook_id)
        playbook = Playbook.objects.get(pk=playbook_id)
        Account.objects.get(pk=account_id)
        version = current_versions([playbook_id]).get(playbook_id)
        if not playbook.active or version is None:
            raise StartRefused("inactive")
        known = PlaybookRun.objects.filter(playbook=playbook, account_id=account_id, occasion=name).first()
        if known is not None:
            return known
        found = "SELECT %(account)s::bigint AS account_id, %(contact)s::bigint AS contact_id, NULL::bigint AS event_id, %(occasion)s::text AS occasion, %(now)s::timestamptz AS at"
        params = {"account": account_id, "contact": contact.pk if contact else None, "occasion": name}
        _found, started, held, _passed, run_id, refused = _insert(playbook, version, plan_of(version), found, params, now=now, actor=actor, by_hand=True, anyway=anyway)
        if held:
            # the account stays in the group that is left alone, and no trace of the asking does
            transaction.set_rollback(True)
        elif not started:
            raise StartRefused(refused or "later")
    if held:
        raise StartRefused("held_out")
    assert run_id is not None
    return PlaybookRun.objects.get(pk=run_id)


def forget_passes(*, now: dt.datetime, limit: int = 10_000) -> int:
    """Removes passes that nobody can be asked about again; returns how many."""
    old = PlaybookPass.objects.filter(at__lt=now - PASSES_KEPT).order_by("at").values("pk")[:limit]
    return PlaybookPass.objects.filter(pk__in=old).delete()[0]
