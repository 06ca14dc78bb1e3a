"""Weekly reports: ordering and stopping them, putting the due ones into the outbox, exactly one a person and week."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import OutgoingMail, Segment, User
from metrics.models import ReportOrder, ReportWeek
from metrics.reports.contents import has_scope
from metrics.reports.due import last_due, next_due, week_of, zone_of
from metrics.reports.letters import letter

KIND = OutgoingMail.Kind.REPORT
WEEKLY, ASKED_FOR = "report_week", "report_now"
# a report that could not leave for so long says nothing new any more
VALID = dt.timedelta(days=3)
MOST_A_MINUTE, AT_ONCE = 3, 200
log = logging.getLogger("vefa.reports")


class TooManyReports(ValueError):
    """Enough reports asked for in the last minute."""


def order_report(*, user: User, weekday: int, hour: int, cards: list[str], segment: Segment | None, owner: User | None, active: bool, now: dt.datetime) -> ReportOrder:
    """Writes down what a person wants and when; the first one comes at the next such hour. Raises ValidationError."""
    order = ReportOrder.objects.filter(user=user).first() or ReportOrder(user=user)
    order.weekday, order.hour, order.cards, order.segment, order.owner, order.active = weekday, hour, cards, segment, owner, active
    order.due_at = next_due(weekday=weekday, hour=hour, zone=zone_of(user), now=now) if active else None
    order.full_clean(exclude=["user"])
    order.save()
    return order


def stop_report(*, user: User) -> bool:
    """No more weekly reports for a person, the one that waits in the outbox neither; whether there was an order."""
    with transaction.atomic():
        stopped = ReportOrder.objects.filter(user=user, active=True).update(active=False, due_at=None)
        _waiting().filter(subject_type=WEEKLY, to_address=user.email).update(status=OutgoingMail.Status.ABORTED, reason="stopped")
    return bool(stopped)


def queue_due(*, now: dt.datetime, limit: int = AT_ONCE) -> Counter[str]:
    """Puts the reports that are due into the outbox; counts by what became of them.

    Each order is taken by one process alone. What was due while nothing ran comes once. A week that was taken care of gets
    no second mail, whatever its order says. A report that cannot be made stays due and holds up no other.
    """
    made: Counter[str] = Counter()
    due = list(ReportOrder.objects.filter(active=True, due_at__lte=now).order_by("due_at", "pk").values_list("pk", flat=True)[:limit])
    for pk in due:
        try:
            made[_queue_one(pk, now)] += 1
        except Exception:
            log.exception("the weekly report of order %s could not be made", pk)
            made["failed"] += 1
    return made


def _queue_one(pk: int, now: dt.datetime) -> str:
    with transaction.atomic():
        order = ReportOrder.objects.select_for_update(skip_locked=True, of=("self",)).select_related("user", "segment", "owner").filter(pk=pk, active=True, due_at__lte=now).first()
        if order is None:
            return "taken"
        user = order.user
        zone = zone_of(user)
        week = week_of(last_due(weekday=order.weekday, hour=order.hour, zone=zone, now=now), zone)
        order.due_at = next_due(weekday=order.weekday, hour=order.hour, zone=zone, now=now)
        order.save(update_fields=["due_at"])
        if not user.is_active or not has_scope(user):
            return "withheld"
        done, new = ReportWeek.objects.get_or_create(user=user, week=week, defaults={"made_at": now})
        if not new:
            return "again"
        done.mail = _put(order, user, subject=WEEKLY, subject_id=f"{user.pk}:{week.isoformat()}", now=now)
        done.save(update_fields=["mail"])
    return "queued"


def _put(order: ReportOrder, user: User, *, subject: str, subject_id: str, now: dt.datetime) -> OutgoingMail:
    made = letter(user, cards=list(order.cards), segment=order.segment, owner=order.owner, now=now)
    return OutgoingMail.objects.create(
        kind=KIND, subject_type=subject, subject_id=subject_id, to_address=user.email, from_address=settings.DEFAULT_FROM_EMAIL, language=made.language,
        mail_subject=made.subject[:300], body_text=made.text, body_html=made.html, headers={"Auto-Submitted": "auto-generated"}, next_attempt_at=now, valid_until=now + VALID,
    )  # fmt: skip


def send_now(*, user: User, now: dt.datetime) -> OutgoingMail:
    """Puts one report for the person's own address into the outbox, beside the weekly ones. Raises TooManyReports."""
    with transaction.atomic():
        # presses of one person's button wait for each other
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        recent = OutgoingMail.objects.filter(kind=KIND, subject_type=ASKED_FOR, to_address=user.email, created_at__gt=now - dt.timedelta(minutes=1))
        if recent.count() >= MOST_A_MINUTE:
            raise TooManyReports
        order = ReportOrder.objects.select_related("segment", "owner").filter(user=user).first() or ReportOrder(user=user)
        return _put(order, user, subject=ASKED_FOR, subject_id=f"{user.pk}:{now.isoformat()}", now=now)


def withdraw(*, now: dt.datetime) -> int:
    """Takes reports out of the outbox whose readers have been deactivated since, or have another address; returns how many."""
    waiting = _waiting().filter(next_attempt_at__lte=now)
    gone = set(waiting.values_list("to_address", flat=True)) - set(
        User.objects.filter(is_active=True, email__in=waiting.values("to_address")).values_list("email", flat=True)
    )  # fmt: skip
    return _waiting().filter(to_address__in=gone).update(status=OutgoingMail.Status.ABORTED, reason="reader_gone") if gone else 0


def _waiting() -> QuerySet[OutgoingMail]:
    return OutgoingMail.objects.filter(kind=KIND, status__in=[OutgoingMail.Status.QUEUED, OutgoingMail.Status.RETRY])
