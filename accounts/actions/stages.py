"""Lifecycle stages: the history of stays, moves by rule, and the editing of a stage.

Whoever changes `Account.lifecycle_stage` calls `keep_stays` afterwards in the same transaction; it looks
at what the accounts hold and closes and opens what differs, so that calling it twice is calling it once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.work_items import StaleVersion
from accounts.models import Account, LifecycleStage, StageStay, User
from accounts.models.events import Origin
from accounts.queries.rule_matches import names_of_rows
from accounts.rules import RuleFault, parse
from accounts.stage_rules import MOST_GOALS, StageFault, check, read_stage

# how an account does in its stage: goals met (keys), standing, when time alone may change it
Judged = tuple[Sequence[str], str, dt.datetime | None]
# a move by rule: account, the stage it was seen in, the stage it goes to
Move = tuple[int, str | None, str]

_REASONS = {Origin.IMPORT: StageStay.Reason.IMPORT, Origin.API: StageStay.Reason.API}

_CLOSE = """
UPDATE accounts_stagestay m SET valid_to = greatest(m.valid_from, coalesce(w.since, %(now)s)), left_for_id = a.lifecycle_stage_id
FROM accounts_account a JOIN unnest(%(ids)s::bigint[], %(sinces)s::timestamptz[]) w(id, since) ON w.id = a.id
WHERE m.account_id = a.id AND m.valid_to IS NULL AND m.stage_id IS DISTINCT FROM a.lifecycle_stage_id
"""
# a clock that went back never makes two stays overlap
_OPEN = """
INSERT INTO accounts_stagestay (account_id, stage_id, valid_from, reason, set_by_id, batch_id, goals_met, standing, turns_at, created_at)
SELECT a.id, a.lifecycle_stage_id, greatest(coalesce(w.since, %(now)s), (SELECT max(o.valid_to) FROM accounts_stagestay o WHERE o.account_id = a.id)),
    %(reason)s, %(actor)s, %(batch)s, coalesce(w.goals::text[], '{}'), coalesce(w.standing, ''), w.turns, %(now)s
FROM accounts_account a
JOIN unnest(%(ids)s::bigint[], %(sinces)s::timestamptz[], %(goals)s::text[], %(standings)s::text[], %(turns)s::timestamptz[]) w(id, since, goals, standing, turns) ON w.id = a.id
WHERE a.lifecycle_stage_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_stagestay o WHERE o.account_id = a.id AND o.valid_to IS NULL)
ORDER BY a.id
"""
# open stays that began at another instant than was told: the instant that fits behind where the stay before began, and that stay, which ends there
BEGUN_ELSEWHERE = """
SELECT * FROM (
    SELECT m.account_id, m.id, m.valid_from AS was, greatest(q.since, p.valid_from) AS at, p.id AS before_id, p.valid_to AS ended,
        CASE WHEN p.valid_to = m.valid_from OR p.valid_to > q.since THEN greatest(q.since, p.valid_from) ELSE p.valid_to END AS ends
    FROM {told} q(account_id, since) JOIN accounts_stagestay m ON m.account_id = q.account_id AND m.valid_to IS NULL
    JOIN accounts_account a ON a.id = q.account_id AND a.lifecycle_stage_id = m.stage_id
    LEFT JOIN LATERAL (SELECT o.id, o.valid_from, o.valid_to FROM accounts_stagestay o WHERE o.account_id = m.account_id AND o.id <> m.id
                       ORDER BY o.valid_from DESC, o.id DESC LIMIT 1) p ON true) told
WHERE was <> at
"""
# a boundary moves in three steps, because no two stays may overlap on the way
_EMPTIED = "UPDATE accounts_stagestay m SET valid_to = m.valid_from FROM unnest(%(ids)s::bigint[]) w(id) WHERE m.id = w.id AND m.valid_to IS NOT NULL"
_BEGUN = "UPDATE accounts_stagestay m SET valid_from = w.at FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[]) w(id, at) WHERE m.id = w.id"
_ENDED = "UPDATE accounts_stagestay m SET valid_to = w.at FROM unnest(%(ids)s::bigint[], %(at)s::timestamptz[]) w(id, at) WHERE m.id = w.id"
# what an import told of beginnings, for its undo
_BEGINNINGS = """
INSERT INTO accounts_importchange (batch_id, "table", row_key, created, before, after)
SELECT %(batch)s, 'accounts_stagestay', jsonb_build_object('stay', w.id, 'before', w.prior), false, jsonb_build_array(w.was, w.ended), jsonb_build_array(w.at, w.ends)
FROM unnest(%(stays)s::bigint[], %(was)s::timestamptz[], %(at)s::timestamptz[], %(priors)s::bigint[], %(ended)s::timestamptz[], %(ends)s::timestamptz[])
    w(id, was, at, prior, ended, ends)
"""
_TOLD = """
SELECT m.id, (c.after ->> 0)::timestamptz, (c.before ->> 0)::timestamptz, (c.row_key ->> 'before')::bigint, (c.after ->> 1)::timestamptz, (c.before ->> 1)::timestamptz
FROM accounts_importchange c JOIN accounts_stagestay m ON m.id = (c.row_key ->> 'stay')::bigint AND m.valid_from = (c.after ->> 0)::timestamptz
WHERE c.batch_id = %(batch)s AND c."table" = 'accounts_stagestay' AND c.row_key ? 'stay'
"""


def reason_of(origin: str) -> str:
    """Why a stay began, by where the change came from."""
    return str(_REASONS.get(origin, StageStay.Reason.HAND))  # type: ignore[call-overload]


def keep_stays(
    *, account_ids: Collection[int], reason: str, now: dt.datetime, actor_id: int | None = None, batch_id: Any = None,
    since: Mapping[int, dt.datetime] | None = None, judged: Mapping[int, Judged] | None = None,
) -> None:  # fmt: skip
    """Brings the history of these accounts in line with the stages they are in. Two statements, however many accounts.

    `since`: when those began, for accounts where it is told; no stay begins before the one it follows.
    `judged`: how accounts do there, for whoever knows already: a stay that is opened and judged afterwards is written twice.
    """
    if not account_ids:
        return
    ids = list(account_ids)
    values = {"ids": ids, "sinces": [(since or {}).get(one) for one in ids], "now": now, "reason": str(reason), "actor": actor_id, "batch": batch_id}
    known = [(judged or {}).get(one, ((), "", None)) for one in ids]
    values |= {
        "goals": [keys_array(goals) for goals, _standing, _turn in known],
        "standings": [told for _goals, told, _turn in known],
        "turns": [turn for _goals, _standing, turn in known],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLOSE, values)
        cursor.execute(_OPEN, values)


def keys_array(keys: Iterable[str]) -> str:
    """Keys of stages or goals as an array of PostgreSQL in a text, for statements over many rows."""
    # keys are letters, digits, hyphens and underscores; quoted, because an array reads a bare NULL as nothing
    return "{" + ",".join(f'"{key}"' for key in keys) + "}"


def begin_stays(*, since: Mapping[int, dt.datetime], batch_id: Any = None) -> None:
    """Says when the open stays of these accounts began: the ones they follow end there. None begins before the one it follows.

    The undo of the import `batch_id` brings back what this changes.
    """
    if not since:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        told = BEGUN_ELSEWHERE.format(told="unnest(%(ids)s::bigint[], %(sinces)s::timestamptz[])")
        cursor.execute(told, {"ids": list(since), "sinces": list(since.values())})
        moved = [row[1:] for row in cursor.fetchall()]
        _move_boundaries(moved)
        if moved and batch_id is not None:
            names = ("stays", "was", "at", "priors", "ended", "ends")
            cursor.execute(_BEGINNINGS, {"batch": batch_id} | {name: list(column) for name, column in zip(names, zip(*moved, strict=True), strict=True)})


def _move_boundaries(moved: Sequence[tuple[Any, ...]]) -> None:
    """Of each: the stay, when it began and begins; the one before, when it ended and ends."""
    if not moved:
        return
    priors = [row for row in moved if row[3] is not None and row[4] != row[5]]
    with connection.cursor() as cursor:
        cursor.execute(_EMPTIED, {"ids": [row[3] for row in priors]})
        cursor.execute(_BEGUN, {"ids": [row[0] for row in moved], "at": [row[2] for row in moved]})
        cursor.execute(_ENDED, {"ids": [row[3] for row in priors], "at": [row[5] for row in priors]})


def take_back_stays(*, account_ids: Collection[int], batch_id: Any, now: dt.datetime) -> None:
    """Stays that an import began go with it, and what it ended goes on."""
    values = {"ids": list(account_ids), "batch": batch_id}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_stagestay WHERE batch_id = %(batch)s", values)
        cursor.execute(_TOLD, values)
        _move_boundaries(cursor.fetchall())
        cursor.execute(
            "UPDATE accounts_stagestay m SET valid_to = NULL, left_for_id = NULL FROM accounts_account a, LATERAL "
            "(SELECT o.id FROM accounts_stagestay o WHERE o.account_id = a.id ORDER BY o.valid_from DESC, o.id DESC LIMIT 1) last "
            "WHERE a.id = ANY(%(ids)s) AND m.id = last.id AND m.valid_to IS NOT NULL AND m.stage_id = a.lifecycle_stage_id",
            values,
        )
        keep_stays(account_ids=account_ids, reason=StageStay.Reason.IMPORT, now=now)


def move_by_rules(moves: Sequence[Move], *, now: dt.datetime) -> list[int]:
    """Puts accounts into the stages that rules found for them, with history and events; returns who moved.

    An account that somebody moved since it was seen is left where it is.
    """
    if not moves:
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        values: dict[str, Any] = {"ids": [move[0] for move in moves], "seen": [move[1] for move in moves], "to": [move[2] for move in moves], "now": now}
        cursor.execute("SELECT count(*) FROM (SELECT id FROM accounts_account WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE) locked", values)
        cursor.execute(
            "UPDATE accounts_account a SET lifecycle_stage_id = w.stage, version = a.version + 1, updated_at = %(now)s "
            "FROM unnest(%(ids)s::bigint[], %(seen)s::text[], %(to)s::text[]) w(id, seen, stage) "
            "WHERE a.id = w.id AND a.lifecycle_stage_id IS NOT DISTINCT FROM w.seen RETURNING a.id, w.seen, w.stage",
            values,
        )
        moved = sorted(cursor.fetchall())
        ids = [row[0] for row in moved]
        keep_stays(account_ids=ids, reason=StageStay.Reason.RULE, now=now)
        record_events(
            NewEvent(
                account_id=account, kind="stage.changed", occurred_at=now, origin=Origin.APP, subject_type="account", subject_id=str(account),
                payload={"stage": stage, "stage_before": before, "reason": "rule"},
            )
            for account, before, stage in moved
        )  # fmt: skip
    return ids


def let_rules_decide(*, account: Account) -> bool:
    """What held already when somebody put the account where it is counts from now on, too; returns whether anything waited."""
    return bool(StageStay.objects.filter(account=account, valid_to__isnull=True).exclude(reason=StageStay.Reason.RULE).exclude(held=[]).update(held=[]))


# ── Editing ──────────────────────────────────────────────────────────────────

_KEY = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
# words that are addresses beside the stages
_TAKEN = frozenset({"new", "panel", "preview"})


def _rule(json: Any, field: str) -> None:
    if json is None:
        return
    try:
        # a rule for everybody would move everybody; nothing asked is no rule
        if parse(json, known=names_of_rows()).is_empty:
            raise StageFault(field, _("Give the rule a condition."))
    except RuleFault as fault:
        raise StageFault(field, fault.message, fault.path) from fault


def check_stage(stage: LifecycleStage) -> None:
    """Refuses a stage, stored or not, that cannot be among the others. Raises StageFault with the field."""
    if not stage.name.strip():
        raise StageFault("name", _("Give the stage a name."))
    if not _KEY.fullmatch(stage.key) or len(stage.key) > 40 or stage.key in _TAKEN:
        raise StageFault("key", _("Use small letters, digits and hyphens."))
    if stage.expected_days is not None and not 1 <= stage.expected_days <= 3660:
        raise StageFault("expected_days", _("Give a number of days from 1 to 3,660."))
    if len(stage.goals) > MOST_GOALS:
        raise StageFault("goals", _("A stage has at most %(count)s goals.") % {"count": MOST_GOALS})
    names: set[str] = set()
    for number, goal in enumerate(stage.goals):
        if not goal["name"].strip() or len(goal["name"]) > 120:
            raise StageFault(f"goals.{number}.name", _("Give the goal a name of at most 120 characters."))
        if goal["name"].casefold() in names:
            raise StageFault(f"goals.{number}.name", _("Another goal has this name."))
        names.add(goal["name"].casefold())
        if goal["rule"] is None:
            raise StageFault(f"goals.{number}.rule", _("Give the goal a condition."))
        _rule(goal["rule"], f"goals.{number}.rule")
    _rule(stage.start_rule, "start_rule")
    _rule(stage.end_rule, "end_rule")
    check([read_stage(row) for row in stages_with(stage)], stage.key)


def stages_with(edited: LifecycleStage) -> list[LifecycleStage]:
    """All stages in their order, one of them as it is being edited."""
    rows = [row for row in LifecycleStage.objects.all() if row.key != edited.key]
    if edited.next_stage_id is not None and edited.next_stage_id not in {row.key for row in rows}:
        raise StageFault("next_stage", _("There is no such stage."))
    return sorted([*rows, edited], key=lambda row: (row.position, row.key))


def save_stage(*, stage: LifecycleStage, version: int | None, now: dt.datetime) -> LifecycleStage:
    """Keeps a new stage (`version` None) or a changed one. Raises StageFault, StaleVersion where somebody else saved it meanwhile."""
    with transaction.atomic():
        # checked together: two who edit two stages at once could close a circle
        list(LifecycleStage.objects.select_for_update().order_by("key").values_list("key"))
        check_stage(stage)
        if version is None:
            stage.version = 1
            try:
                with transaction.atomic():
                    stage.save(force_insert=True)
            except IntegrityError as fault:
                raise StageFault("key", _("There is a stage with this key.")) from fault
            return stage
        if not LifecycleStage.objects.filter(pk=stage.pk, version=version).exists():
            raise StaleVersion
        stage.version = version + 1
        stage.save(force_update=True)
    return stage


def delete_stage(*, stage: LifecycleStage) -> None:
    """Takes away a stage that nobody is or was in. Raises StageFault for any other."""
    with transaction.atomic():
        used = StageStay.objects.filter(stage=stage).exists() or Account.objects.filter(lifecycle_stage=stage).exists()
        if used or StageStay.objects.filter(left_for=stage).exists():
            raise StageFault("key", _("Accounts are or were in this stage: its history needs it."))
        stage.delete()


def changeable_stages(user: User) -> bool:
    """Whether the user may change stages: admins and leads."""
    return user.role in {"admin", "manager"}
