"""Promises that come near and promises that are broken: told once each, and turned into work.

Near is when three quarters of a promised time have passed by the clock of its own level; then the
assignee hears of it, if he works accounts, else the owner of the account. A broken promise is work of
the account's owner. Both end by themselves once the ticket is solved or the promise is kept.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.actions.event_log import NewEvent, record_events
from accounts.actions.work_batches import change_work_items
from accounts.actions.work_sets import SubjectNeed, open_work_on_subjects
from accounts.models import Account, AccountEvent, User, WorkItem
from accounts.models.events import Origin
from accounts.roles import WRITES_ACCOUNTS
from accounts.sentences import why
from tickets.actions.clocks import DUE, Promises
from tickets.clock import elapsed
from tickets.models import Ticket
from tickets.models.tickets import Severity
from tickets.state import OPEN_STATES

BATCH = 500
BATCHES = 20
# a promise broken longer ago is told, and stands in the queue; work of it would bury a first import
WORK_WITHIN = dt.timedelta(days=7)
NEAR, LATE = "ticket.sla_near", "ticket.sla_breached"
# the beginning of the reason of a work item; the number of the ticket follows
REASONS = {NEAR: "ticket_near:", LATE: "ticket_late:"}
_SENTENCES = {
    (NEAR, "first_reply"): "ticket_reply_near", (NEAR, "resolution"): "ticket_solution_near",
    (LATE, "first_reply"): "ticket_reply_late", (LATE, "resolution"): "ticket_solution_late",
}  # fmt: skip


def record_near(*, now: dt.datetime, limit: int = BATCH) -> int:
    """Records the promises that are near and still can be kept, once each, and opens work; returns how many are new."""
    promises = Promises()
    return sum(_tell(NEAR, target, promises.near(target, now=now), promises, now=now, limit=limit) for target in DUE)


def record_breaches(*, since: dt.datetime, now: dt.datetime, limit: int = BATCH) -> int:
    """Records the promises that passed in `[since, now)`, once each, and opens work; returns how many are new."""
    promises, made = Promises(), 0
    for target, column in DUE.items():
        unkept = Q(first_replied_at__isnull=True) if target == "first_reply" else Q()
        passed = unkept & Q(status__in=OPEN_STATES, **{f"{column}__gte": since, f"{column}__lt": now})
        made += _tell(LATE, target, passed, promises, now=now, limit=limit)
    return made


def _tell(kind: str, target: str, condition: Q, promises: Promises, *, now: dt.datetime, limit: int) -> int:
    """Tells of all tickets that fit, batch by batch; each batch with its work in one transaction."""
    made = 0
    for _batch in range(BATCHES):
        with transaction.atomic():
            rows = list(_untold(kind, target, condition)[:limit])
            if not rows:
                break
            ids = record_events(_event(kind, target, row, promises, now=now) for row in rows)
            # only what this run recorded: the one beside it opens the work of the rest
            events = dict(AccountEvent.objects.filter(pk__in=ids).values_list("subject_id", "pk"))
            _open_work(kind, target, [(row, events[str(row.pk)]) for row in rows if str(row.pk) in events], now=now)
        made += len(ids)
        if len(rows) < limit:
            break
    return made


def _untold(kind: str, target: str, condition: Q) -> QuerySet[Any]:
    """The tickets of every figure that fit and that no event speaks of, the earliest due first."""
    key = Concat(Value("ticket:"), Cast(OuterRef("pk"), CharField()), Value(f":{target}:"), Cast(OuterRef("resolutions"), CharField()), output_field=CharField())
    told = AccountEvent.objects.filter(account=OuterRef("account"), kind=kind, dedupe_key=key)
    tickets = Ticket.objects.counted().filter(condition).exclude(Exists(told))
    return tickets.annotate(segment_id=F("account__segment_id"), account_owner=F("account__owner_id")).order_by(DUE[target], "pk")


def _event(kind: str, target: str, ticket: Ticket, promises: Promises, *, now: dt.datetime) -> NewEvent:
    due_at, segment_id = getattr(ticket, DUE[target]), ticket.segment_id  # type: ignore[attr-defined]
    if kind == NEAR:
        occurred_at = min(now, promises.near_from(ticket, target, segment_id=segment_id) or now)
        told = {"due_at": due_at.isoformat()}
    else:
        level = promises.level(ticket.severity, segment_id)
        hours = promises.hours_of(level, ticket.opened_at) if level else None
        occurred_at, told = due_at, {"seconds_over": elapsed(due_at, now, hours=hours)}
    return NewEvent(
        account_id=ticket.account_id, kind=kind, occurred_at=occurred_at, origin=Origin.APP, contact_id=ticket.contact_id, subject_type="ticket",
        subject_id=str(ticket.pk), dedupe_key=f"ticket:{ticket.pk}:{target}:{ticket.resolutions}", payload={"ticket": ticket.pk, "target": target, **told},
    )  # fmt: skip


def _open_work(kind: str, target: str, rows: Sequence[tuple[Ticket, int]], *, now: dt.datetime) -> None:
    rows = [(ticket, event) for ticket, event in rows if getattr(ticket, DUE[target]) >= now - WORK_WITHIN]
    theirs = _accounts_of_assignees([ticket for ticket, _event_id in rows])
    needs = []
    for ticket, event_id in rows:
        assignee = ticket.assignee_id if (ticket.assignee_id, ticket.account_id) in theirs else None
        # a broken promise is the owner's; where an account has none, whoever has the ticket
        owned = kind == LATE and ticket.account_owner is not None  # type: ignore[attr-defined]
        needs.append(
            SubjectNeed(
                account_id=ticket.account_id, contact_id=ticket.contact_id, reason=f"{REASONS[kind]}{ticket.pk}", subject_id=str(ticket.pk),
                why=why(_SENTENCES[kind, target], ticket=ticket.pk, target=target), due_at=getattr(ticket, DUE[target]) if kind == NEAR else now,
                owner_id=None if owned else assignee, event_id=event_id,
                priority=WorkItem.Priority.HIGH if (ticket.severity or 0) >= Severity.HIGH else WorkItem.Priority.NORMAL,
            )
        )  # fmt: skip
    open_work_on_subjects(needs=needs, type=WorkItem.Type.RISK, subject_type="ticket", now=now)


def _accounts_of_assignees(tickets: Sequence[Ticket]) -> set[tuple[int | None, int]]:
    """(assignee, account) where the assignee works accounts and sees this one; one query per person."""
    accounts = defaultdict(set)
    for ticket in tickets:
        if ticket.assignee_id is not None:
            accounts[ticket.assignee_id].add(ticket.account_id)
    people = User.objects.filter(pk__in=accounts, is_active=True, role__in=WRITES_ACCOUNTS)
    return {(person.pk, pk) for person in people for pk in Account.objects.visible_to(person).filter(pk__in=accounts[person.pk]).values_list("pk", flat=True)}


@dataclass(frozen=True)
class _Ended:
    """Why work of a promise ended: the mark it gets and the words it leaves."""

    do: str
    words: object


_ENDS = {
    "gone": _Ended("drop", _("The ticket counts no more.")),
    "cancelled": _Ended("drop", _("The ticket was cancelled.")),
    "solved": _Ended("done", _("The ticket was solved.")),
    "kept": _Ended("done", _("The first reply was sent.")),
    "passed": _Ended("drop", _("The promised time passed.")),
    "unpromised": _Ended("drop", _("Nothing is promised any more.")),
}
# the columns say how each ticket stands now; `why` says which promise the work is about
_ENDING = """
WITH work AS MATERIALIZED (
    SELECT id, version, owner_id, reason, why -> 'values' ->> 'target' AS target, substring(reason FROM '^ticket_(?:near|late):([0-9]{1,18})$')::bigint AS ticket_id
    FROM accounts_workitem WHERE status IN ('open', 'snoozed') AND type = 'risk' AND subject_type = 'ticket' AND reason ~ '^ticket_(near|late):[0-9]{1,18}$')
SELECT * FROM (
    SELECT w.id, w.version, u.language, CASE
        WHEN t.id IS NULL OR t.deleted_at IS NOT NULL OR t.merged_into_id IS NOT NULL OR t.spam OR t.test THEN 'gone'
        WHEN t.status IN ('solved', 'closed') THEN 'solved'
        WHEN t.status = 'cancelled' THEN 'cancelled'
        WHEN w.target = 'first_reply' AND t.first_replied_at IS NOT NULL THEN 'kept'
        WHEN t.clocks_set_at IS NULL THEN NULL
        WHEN w.target = 'first_reply' AND t.first_reply_due_at IS NULL THEN 'unpromised'
        WHEN w.target = 'resolution' AND t.resolution_due_at IS NULL AND t.resolution_left_seconds IS NULL THEN 'unpromised'
        WHEN w.reason LIKE 'ticket\\_near:%%' AND CASE w.target WHEN 'first_reply' THEN t.first_reply_due_at ELSE t.resolution_due_at END < %(now)s THEN 'passed'
        END AS ended
    FROM work w LEFT JOIN tickets_ticket t ON t.id = w.ticket_id LEFT JOIN accounts_user u ON u.id = w.owner_id) found
WHERE ended IS NOT NULL ORDER BY id LIMIT %(limit)s
"""


def close_kept(*, now: dt.datetime, limit: int = BATCH) -> int:
    """Ends the work of promises that are kept, passed or gone; returns how many items. What somebody closed or changed meanwhile stays as it is."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDING, {"now": now, "limit": limit})
        groups: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for item, version, language, ended in cursor.fetchall():
            groups[ended, language or settings.LANGUAGE_CODE][item] = version
    closed = 0
    for (ended, language), versions in groups.items():
        # stored as a person's own remark would be, so in the language of the one whose work it was
        with translation.override(language):
            words = str(_ENDS[ended].words)
        closed += len(change_work_items(do=_ENDS[ended].do, versions=versions, actor=None, now=now, text=words).ids)
    return closed
