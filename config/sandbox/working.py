"""Takes a sandbox from one state to the next. The row is the queue: asked for at a page, worked on by a worker, taken up again by a sweep."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Sandbox, Segment, User
from config.sandbox import building, clock, copying, place
from config.services import sandbox_web

State = Sandbox.State
# a worker that was not heard of for so long is gone
LEASE = {State.MAKING: dt.timedelta(minutes=10), State.MOVING: dt.timedelta(minutes=4), State.ENDING: dt.timedelta(minutes=2)}
# how long one turn may take, below the time limit of a task
TURN_SECONDS = 45
COMMAND_SECONDS = 120
LONGEST_DAYS = 400
# how much of its time may lie between two rounds of sweeps
MOST_HOURS = 24


class Refused(ValueError):
    """What was asked for cannot be done now; `field` is the part of the form that is at fault."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.field = field


def current() -> Sandbox | None:
    """The sandbox there is."""
    return Sandbox.objects.exclude(state=State.ENDED).select_related("made_by").first()


def ask(*, segment: str, order: str, most: int, user: User | None, now: dt.datetime) -> Sandbox:
    """Asks for a sandbox with copies of these accounts. Raises Refused."""
    if order not in copying.ORDERS:
        raise Refused(_("“%(given)s” cannot be used; expected one of %(expected)s.") % {"given": order, "expected": ", ".join(copying.ORDERS)}, "order")
    if not 1 <= most <= copying.MOST_ACCOUNTS:
        raise Refused(_("Expected a number from 1 to %(most)s.") % {"most": copying.MOST_ACCOUNTS}, "most")
    if segment and not Segment.objects.filter(key=segment).exists():
        raise Refused(_("There is no segment “%(given)s”.") % {"given": segment}, "segment")
    try:
        with transaction.atomic():
            return Sandbox.objects.create(choice={"segment": segment, "order": order, "most": most}, began_at=now, reached_at=now, made_by=user, created_at=now)
    except IntegrityError:
        raise Refused(_("There is a sandbox already; remove it first.")) from None


def move_on(*, days: int, now: dt.datetime, hours: int = 1) -> Sandbox:
    """Asks that its clock moves on by days, beyond what was asked for before, with a round of sweeps every so many hours. Raises Refused."""
    with transaction.atomic():
        row = Sandbox.objects.select_for_update(of=("self",)).exclude(state=State.ENDED).first()
        # what failed on its way may be tried again from the hour it was in
        if row is None or not (row.state in {State.READY, State.MOVING} or (row.state == State.FAILED and row.accounts)):
            raise Refused(_("There is no sandbox that could move on."))
        if days < 1:
            raise Refused(_("Expected a number from 1 to %(most)s.") % {"most": LONGEST_DAYS}, "days")
        if not 1 <= hours <= MOST_HOURS:
            raise Refused(_("Expected a number from 1 to %(most)s.") % {"most": MOST_HOURS}, "hours")
        # one that failed had not been everywhere it was to go
        ahead = row.target_at if row.state == State.MOVING else None
        # a clock that nobody moves goes on by itself
        stands = row.reached_at if ahead else clock.stands_at(now) or row.reached_at
        target = (ahead or max(stands, row.reached_at)) + dt.timedelta(days=days)
        if target - row.began_at > dt.timedelta(days=LONGEST_DAYS):
            raise Refused(_("A sandbox moves on by %(most)s days at most.") % {"most": LONGEST_DAYS}, "days")
        row.target_at, row.state, row.fault, row.choice = target, State.MOVING, "", {**row.choice, "hours": hours}
        row.save(update_fields=["target_at", "state", "fault", "choice"])
        return row


def stop() -> None:
    """Lets it stand where it is; the hour it is in is finished."""
    Sandbox.objects.filter(state=State.MOVING).update(state=State.READY, target_at=None)


def end() -> None:
    """Asks that it is removed with all that is in it."""
    Sandbox.objects.exclude(state=State.ENDED).update(state=State.ENDING, target_at=None, lease_until=None)


def claim(*, now: dt.datetime) -> Sandbox | None:
    """The sandbox if something is to be done for it and nobody is at it; leased to the caller."""
    with transaction.atomic():
        row = (
            Sandbox.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(state__in=[State.MAKING, State.MOVING, State.ENDING])
            .first()
        )  # fmt: skip
        if row is None or (row.lease_until and row.lease_until > now):
            return None
        row.lease_until = now + LEASE[State(row.state)]
        row.save(update_fields=["lease_until"])
        return row


def work(*, row: Sandbox, now: dt.datetime) -> None:
    """One stretch of what a claimed sandbox needs; gives the lease back. What fails is kept and shown."""
    try:
        if row.state == State.MAKING:
            _make(row, now)
        elif row.state == State.MOVING:
            _move(row)
        else:
            sandbox_web.marker(settings.VEFA_DATA).unlink(missing_ok=True)
            building.drop_database()
            Sandbox.objects.filter(pk=row.pk, state=State.ENDING).update(state=State.ENDED, ended_at=now)
    except Exception as fault:
        # stopped or asked to be removed meanwhile: that stands
        Sandbox.objects.filter(pk=row.pk, state=row.state).update(state=State.FAILED, fault=str(fault)[:500])
    finally:
        Sandbox.objects.filter(pk=row.pk).update(lease_until=None)


def _make(row: Sandbox, now: dt.datetime) -> None:
    accounts = copying.chosen(choice=row.choice, user=row.made_by)
    if not accounts:
        raise Refused(_("No account fits this choice."), "segment")
    building.make_database()
    rows = copying.fill(source=str(connection.settings_dict["NAME"]), accounts=accounts)
    Sandbox.objects.filter(pk=row.pk, state=State.MAKING).update(state=State.READY, accounts=len(accounts), rows=rows, began_at=now, reached_at=now)
    # `manage.py up` sees it and serves the pages inside
    marker = sandbox_web.marker(settings.VEFA_DATA)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def _move(row: Sandbox) -> None:
    assert row.target_at is not None
    asked = ("--until", row.target_at.isoformat(), "--hours", str(row.choice.get("hours", 1)), "--seconds", str(TURN_SECONDS))
    told: dict[str, Any] = json.loads(place.run("sandbox-turn", *asked, seconds=COMMAND_SECONDS).splitlines()[-1])
    reached = dt.datetime.fromisoformat(told["reached"])
    Sandbox.objects.filter(pk=row.pk).update(reached_at=reached)
    Sandbox.objects.filter(pk=row.pk, state=State.MOVING, target_at__lte=reached).update(state=State.READY, target_at=None)
