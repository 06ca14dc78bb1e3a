"""Closing the loop: a case per unhappy answer, its deadline, who escalates, and what came of it.

Whose turn it is and when it sleeps is the work item's; the case holds what the loop is measured by. The
two follow each other: closing a case closes its work, and work that is done in the worklist closes its case.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.actions.event_log import record_event
from accounts.actions.work_items import StaleVersion, WorkItemClosed, close_work_item, open_work_item
from accounts.models import User, WorkItem
from accounts.roles import Role
from accounts.sentences import why
from surveys.decent_hours import one_working_day_later, zone_of
from surveys.models import LoopCase, LoopDeadline, Response
from surveys.working_time import working_hours_later

BATCH = 200
# where nobody set a deadline
DEFAULT_HOURS = 18


class CaseClosed(ValueError):
    """The case is closed already."""


def deadline_hours(segment_id: int | None) -> int:
    """Within how many working hours an unhappy customer of this segment is answered."""
    found: dict[int | None, int] = dict(LoopDeadline.objects.values_list("segment_id", "working_hours"))
    return found.get(segment_id) or found.get(None) or DEFAULT_HOURS


def deadline_of(*, response: Response, now: dt.datetime) -> dt.datetime:
    """When the case of an answer is due: the segment's working hours, counted in the account's own time."""
    account = response.account
    assert account is not None
    return working_hours_later(now, deadline_hours(account.segment_id), zone=zone_of(account.time_zone, settings.ORGANISATION_TIME_ZONE))


def open_case(*, response: Response, work_item: WorkItem, due_at: dt.datetime, now: dt.datetime) -> LoopCase:
    """The case of an answer, opened once; an answer that was taken back and is low again opens it anew. Call it in a transaction."""
    assert response.account_id is not None
    case, made = LoopCase.objects.get_or_create(
        response=response,
        defaults={"work_item": work_item, "account_id": response.account_id, "contact_id": response.contact_id, "opened_at": now, "due_at": due_at},
    )
    if not made:
        case.work_item, case.version = work_item, case.version + 1
        if case.closed_at is not None:
            case.closed_at, case.closed_by, case.resolution, case.escalated_at, case.due_at = None, None, "", None, due_at
        case.save()
    return case


def take_back(*, response: Response, now: dt.datetime) -> None:
    """The answer was changed to a better one: its open case ends so."""
    LoopCase.objects.filter(response=response, closed_at=None).update(closed_at=now, resolution=LoopCase.Resolution.TAKEN_BACK, version=F("version") + 1)


def close_case(*, case_id: int, actor: User, resolution: str, note: str, now: dt.datetime, version: int | None = None) -> LoopCase:
    """Closes a case with what came of it, and its work. Raises CaseClosed, StaleVersion, ValueError for an unknown resolution."""
    if resolution not in LoopCase.Resolution.values or resolution == LoopCase.Resolution.TAKEN_BACK:
        raise ValueError(resolution)
    with transaction.atomic():
        case = _locked(case_id, version)
        if case.closed_at is not None:
            raise CaseClosed
        _close(case, actor=actor, resolution=resolution, note=note, now=now)
        if case.work_item_id is not None:
            words = " – ".join(part for part in (str(LoopCase.Resolution(resolution).label), note) if part)
            try:
                close_work_item(item_id=case.work_item_id, actor=actor, now=now, outcome=words)
            except WorkItemClosed:
                pass
    return case


def amend_case(*, case_id: int, resolution: str, note: str, version: int) -> LoopCase:
    """Writes down better what came of a closed case. Raises StaleVersion, ValueError for an unknown resolution or an open case."""
    if resolution not in LoopCase.Resolution.values:
        raise ValueError(resolution)
    with transaction.atomic():
        case = _locked(case_id, version)
        if case.closed_at is None:
            raise ValueError("The case is open.")
        case.resolution, case.note, case.version = resolution, note[:1000], case.version + 1
        case.save(update_fields=["resolution", "note", "version"])
    return case


def follow_work(*, now: dt.datetime) -> int:
    """Closes cases whose work was done or dropped in the worklist, and opens those whose work was opened again; returns how many."""
    moved = 0
    with transaction.atomic():
        done = LoopCase.objects.filter(closed_at=None, work_item__status__in=["done", "dropped"]).select_related("work_item__closed_by")
        for case in done.select_for_update(of=("self",), skip_locked=True, no_key=True)[:BATCH]:
            work = case.work_item
            assert work is not None
            _close(case, actor=work.closed_by, resolution=LoopCase.Resolution.OTHER, note=work.outcome, now=work.closed_at or now)
            moved += 1
        again = LoopCase.objects.filter(closed_at__isnull=False, work_item__status__in=["open", "snoozed"])
        for case in again.select_for_update(of=("self",), skip_locked=True, no_key=True)[:BATCH]:
            case.closed_at, case.closed_by, case.resolution, case.version = None, None, "", case.version + 1
            case.save()
            moved += 1
    return moved


def escalate_late(*, now: dt.datetime) -> int:
    """Cases past their deadline: written down once, their work made urgent, and the owner's manager told by work of his own. Returns how many."""
    late = 0
    with transaction.atomic():
        rows = LoopCase.objects.filter(closed_at=None, escalated_at=None, due_at__lte=now).select_related("account__owner__team", "work_item__owner", "response__survey")
        for case in rows.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("due_at", "id")[:BATCH]:
            owner = case.work_item.owner if case.work_item and case.work_item.owner else case.account.owner
            case.escalated_at = now
            case.save(update_fields=["escalated_at"])
            WorkItem.objects.filter(pk=case.work_item_id or 0).exclude(priority=WorkItem.Priority.HIGH).update(
                priority=WorkItem.Priority.HIGH, version=F("version") + 1, updated_at=now
            )
            record_event(
                account_id=case.account_id, contact_id=case.contact_id, kind="case.late", occurred_at=now, origin="app", subject_type="case", subject_id=str(case.pk),
                payload={"case": case.pk, "response": str(case.response_id), "due_at": case.due_at.isoformat(), **({"owner": owner.pk} if owner else {})},
            )  # fmt: skip
            manager = _manager_of(owner)
            if manager is not None:
                zone = zone_of(case.account.time_zone, settings.ORGANISATION_TIME_ZONE)
                open_work_item(
                    account_id=case.account_id, type=WorkItem.Type.RISK, reason=f"case:{case.pk}", now=now, due_at=one_working_day_later(now, zone),
                    why=why("case_late", score=case.response.score, scale_max=case.response.scale_max, survey=case.response.survey.name), owner_id=manager.pk,
                    priority=WorkItem.Priority.HIGH, contact_id=case.contact_id, source=WorkItem.Source.SURVEY, subject_type="case", subject_id=str(case.pk),
                )  # fmt: skip
            late += 1
    return late


def _manager_of(owner: User | None) -> User | None:
    """Who leads the owner's team; of an account without owner or team, an admin. Never the owner himself."""
    people = User.objects.filter(is_active=True).order_by("pk")
    if owner is not None and owner.team_id is not None:
        found = people.filter(role=Role.MANAGER, team_id=owner.team_id).exclude(pk=owner.pk).first()
        if found is not None:
            return found
    admins = people.filter(role=Role.ADMIN)
    return (admins.exclude(pk=owner.pk) if owner else admins).first()


def _locked(case_id: int, version: int | None) -> LoopCase:
    case = LoopCase.objects.select_for_update(of=("self",), no_key=True).get(pk=case_id)
    if version is not None and case.version != version:
        raise StaleVersion
    return case


def _close(case: LoopCase, *, actor: User | None, resolution: str, note: str, now: dt.datetime) -> None:
    case.closed_at, case.closed_by, case.resolution, case.note, case.version = now, actor, resolution, note[:1000], case.version + 1
    case.save()
    # whatever the manager was asked to look at is settled
    for item in WorkItem.objects.filter(account_id=case.account_id, type=WorkItem.Type.RISK, reason=f"case:{case.pk}", status__in=["open", "snoozed"]):
        close_work_item(item_id=item.pk, actor=actor, now=now, dropped=True)
    record_event(
        account_id=case.account_id, contact_id=case.contact_id, kind="case.closed", occurred_at=now, origin="app", actor_id=actor.pk if actor else None,
        subject_type="case", subject_id=str(case.pk), dedupe_key=f"{case.pk}:{uuid.uuid4()}",
        payload={"case": case.pk, "resolution": resolution, "response": str(case.response_id), "in_time": now <= case.due_at},
    )  # fmt: skip
