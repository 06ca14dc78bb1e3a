"""Lifecycle stages: the history of stays, moves by rule, and the editing of a stage.

Whoever changes `Account.lifecycle_stage` calls `keep_stays` afterwards in the same transaction; it looks
at what the accounts hold and closes and opens what differs, so that calling it twice is calling it once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
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

# a move by rule: account, the stage it was seen in, the stage it goes to
Move = tuple[int, str | None, str]

_REASONS = {Origin.IMPORT: StageStay.Reason.IMPORT, Origin.API: StageStay.Reason.API}

_CLOSE = """
UPDATE accounts_stagestay m SET valid_to = greatest(m.valid_from, %(now)s), left_for_id = a.lifecycle_stage_id
FROM accounts_account a WHERE a.id = ANY(%(ids)s) AND m.account_id = a.id AND m.valid_to IS NULL AND m.stage_id IS DISTINCT FROM a.lifecycle_stage_id
"""
# a clock that went back never makes two stays overlap
_OPEN = """
INSERT INTO accounts_stagestay (account_id, stage_id, valid_from, reason, set_by_id, batch_id, goals_met, standing, created_at)
SELECT a.id, a.lifecycle_stage_id, greatest(%(now)s, (SELECT max(o.valid_to) FROM accounts_stagestay o WHERE o.account_id = a.id)),
    %(reason)s, %(actor)s, %(batch)s, '{}', '', %(now)s
FROM accounts_account a
WHERE a.id = ANY(%(ids)s) AND a.lifecycle_stage_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_stagestay o WHERE o.account_id = a.id AND o.valid_to IS NULL)
ORDER BY a.id
"""


def reason_of(origin: str) -> str:
    """Why a stay began, by where the change came from."""
    return str(_REASONS.get(origin, StageStay.Reason.HAND))  # type: ignore[call-overload]


def keep_stays(*, account_ids: Collection[int], reason: str, now: dt.datetime, actor_id: int | None = None, batch_id: Any = None) -> None:
    """Brings the history of these accounts in line with the stages they are in. Two statements, however many accounts."""
    if not account_ids:
        return
    values = {"ids": list(account_ids), "now": now, "reason": str(reason), "actor": actor_id, "batch": batch_id}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLOSE, values)
        cursor.execute(_OPEN, values)


def take_back_stays(*, account_ids: Collection[int], batch_id: Any, now: dt.datetime) -> None:
    """Stays that an import began go with it, and what it ended goes on."""
    values = {"ids": list(account_ids), "batch": batch_id}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_stagestay WHERE batch_id = %(batch)s", values)
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
