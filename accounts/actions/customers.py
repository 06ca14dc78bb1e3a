"""Creating and changing accounts; what changed is told as events in the same transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from accounts.actions.dirty import mark_dirty
from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.rows import assign, insert_or_lock, locked, save_changes
from accounts.actions.segments import override_segments
from accounts.actions.stages import begin_stays, keep_stays, reason_of
from accounts.models import Account, Segment, SegmentMembership, User
from accounts.models.events import Origin

Fields = Mapping[str, Any]


def create_account(*, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP) -> Account:
    """A new account. `fields` are columns of the model; `segment` is set by hand, over the rules, `stage_since` says when its stage began.

    Raises IntegrityError where the external id is taken.
    """
    values = dict(fields)
    segment, since = values.pop("segment", None), values.pop("stage_since", None)
    with transaction.atomic():
        account = Account(**values)
        account.save(force_insert=True)
        _born(account, segment=segment, since=since, actor=actor, now=now, origin=origin)
    return account


def change_account(*, account_id: int, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> Account:
    """Changes what differs; nothing differs, nothing happens. Raises DoesNotExist, StaleVersion."""
    with transaction.atomic():
        account = locked(Account, actor=actor, version=version, pk=account_id)
        _change(account, fields=fields, actor=actor, now=now, origin=origin)
    return account


def put_account(*, external_id: str, fields: Fields, actor: User | None, now: dt.datetime, origin: str = Origin.APP, version: int | None = None) -> tuple[Account, bool]:
    """Creates the account or changes what differs; returns it and whether it is new. Raises Taken, StaleVersion."""
    values = {name: value for name, value in fields.items() if name != "external_id"}
    segment = values.get("segment")
    with transaction.atomic():
        found = Account.objects.filter(external_id=external_id).exists()
        if not found:
            fresh = Account(external_id=external_id, **{name: value for name, value in values.items() if name not in ("segment", "stage_since")})
            account, new = insert_or_lock(fresh, actor=actor)
            if new:
                _born(account, segment=segment, since=values.get("stage_since"), actor=actor, now=now, origin=origin)
                return account, True
        else:
            account = locked(Account, actor=actor, version=version, external_id=external_id)
        _change(account, fields=values, actor=actor, now=now, origin=origin)
    return account, False


def _born(account: Account, *, segment: Segment | None, since: dt.datetime | None, actor: User | None, now: dt.datetime, origin: str) -> None:
    known_since = account.signed_up_at if account.signed_up_at and account.signed_up_at <= now else now
    facts = [("account.created", known_since, {"source": str(origin)}), *_turning_points(account, set(_TURNS), now)]
    _tell(account, facts, actor=actor, origin=origin)
    if account.lifecycle_stage_id:
        keep_stays(account_ids=[account.pk], reason=reason_of(origin), now=now, actor_id=actor.pk if actor else None, since=_begins(account, since))
    if segment is not None:
        set_segment(account=account, segment=segment, actor=actor, now=now, origin=origin)
    mark_dirty([account.pk], reason="account")


def _change(account: Account, *, fields: Fields, actor: User | None, now: dt.datetime, origin: str) -> None:
    values = dict(fields)
    segment, since = values.pop("segment", account.segment), values.pop("stage_since", None)
    owner_before, stage_before = account.owner_id, account.lifecycle_stage_id
    differing = assign(account, values)
    if differing:
        save_changes(account, differing, now=now)
        facts: list[tuple[str, dt.datetime, dict[str, Any]]] = []
        if "owner" in differing:
            facts.append(("owner.changed", now, {"owner": account.owner_id, "owner_before": owner_before}))
        if "lifecycle_stage" in differing:
            facts.append(("stage.changed", since or now, {"stage": account.lifecycle_stage_id, "stage_before": stage_before}))
            keep_stays(account_ids=[account.pk], reason=reason_of(origin), now=now, actor_id=actor.pk if actor else None, since=_begins(account, since))
        facts += _turning_points(account, set(differing), now)
        if "churned_at" in differing and account.churned_at is None:
            facts.append(("account.reactivated", now, {}))
        _tell(account, facts, actor=actor, origin=origin)
    if segment != account.segment:
        set_segment(account=account, segment=segment, actor=actor, now=now, origin=origin)
    if since is not None:
        begin_stays(since=_begins(account, since))
    if differing or since is not None:
        mark_dirty([account.pk], reason="account")


def _begins(account: Account, since: dt.datetime | None) -> dict[int, dt.datetime]:
    return {} if since is None else {account.pk: since}


# columns that hold an instant of a customer's life, and the event each of them is
_TURNS = {"trial_started_at": "trial.started", "trial_ended_at": "trial.ended", "churned_at": "account.churned"}


def _turning_points(account: Account, names: set[str], now: dt.datetime) -> list[tuple[str, dt.datetime, dict[str, Any]]]:
    """The events of the instants among `names` that have come; one that lies ahead is none yet."""
    facts: list[tuple[str, dt.datetime, dict[str, Any]]] = []
    for name, kind in _TURNS.items():
        instant = getattr(account, name)
        if name not in names or instant is None or instant > now:
            continue
        payload: dict[str, Any] = {}
        if kind == "account.churned" and account.churn_reason:
            payload["reason"] = account.churn_reason
        elif kind != "account.churned" and account.plan:
            payload["plan"] = account.plan
        facts.append((kind, instant, payload))
    return facts


def _tell(account: Account, facts: list[tuple[str, dt.datetime, dict[str, Any]]], *, actor: User | None, origin: str) -> None:
    record_events(
        NewEvent(
            account_id=account.pk, kind=kind, occurred_at=instant, origin=origin, actor_id=actor.pk if actor else None,
            subject_type="account", subject_id=str(account.pk), payload=payload,
            # a date set, cleared and set again is the same fact
            dedupe_key=f"{kind}:{instant.isoformat()}" if kind in _TURNS.values() else "created" if kind == "account.created" else None,
        )
        for kind, instant, payload in facts
    )  # fmt: skip


def set_segment(*, account: Account, segment: Segment | None, actor: User | None, now: dt.datetime, origin: str = Origin.APP, note: str = "") -> bool:
    """Puts the account in a segment by hand, over the rules, until somebody clears it; None clears it.

    Returns whether anything changed.
    """
    reason = SegmentMembership.Reason.API if origin == Origin.API else SegmentMembership.Reason.OVERRIDE
    with transaction.atomic():
        override = (account.pk, segment.pk if segment else None, now)
        changes = override_segments(overrides=[override], reason=reason, now=now, origin=origin, actor_id=actor.pk if actor else None, note=note)
        if not changes.accounts:
            return False
        account.segment = segment
        account.version += 1
        account.updated_at = now
        account.save(update_fields=["version", "updated_at"])
    return True
