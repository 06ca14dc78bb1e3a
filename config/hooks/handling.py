"""From a proven call to what it changes: kept first, then worked on, again whenever a person asks.

The row is the acknowledgement (see `accounts.actions.inbound_events`). What a body means is read when it is
worked on, so that a better map, and a replay, make more of it.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from accounts.actions.inbound_events import CannotWork, Kept, NewInbound, Worked, body_digest, keep_inbound, waiting, work_on
from accounts.actions.incoming_hooks import SOURCE, Telling
from accounts.models import InboundEvent, IncomingHook, OutsideObject
from config.hooks import stripe
from config.hooks.billing import WAITS, apply_stripe
from config.hooks.effects import Came, apply_facts
from config.hooks.mapping import BadMap, WrongBody, constant_part, event_id, label, occurred_at, read_facts
from config.hooks.ours import TYPES, told_at, type_of, work_on_ours
from config.hooks.shipped import map_of
from config.hooks.transforms import Unfit
from tickets.actions.from_outside import kept_unplaced

logger = logging.getLogger(__name__)
Status = InboundEvent.Status
# rounds in which what waited for a place is looked at once more
MOST_ROUNDS = 5


def source_of(hook: IncomingHook) -> str:
    """The source that a hook's events are kept under."""
    return f"{SOURCE}{hook.name}"


def keep_call(hook: IncomingHook, *, headers: Mapping[str, str], body: Any, now: dt.datetime) -> tuple[Kept, bool]:
    """Keeps a proven call; returns what became of it, and whether there is work to do."""
    new = _as_inbound(hook, headers=headers, body=body)
    kept = keep_inbound(events=[new], now=now)[0]
    return kept, kept.outcome == "new" and new.status == Status.NEW


def _as_inbound(hook: IncomingHook, *, headers: Mapping[str, str], body: Any) -> NewInbound:
    # a header that is not signed could be changed to send the same again
    signed_id = headers.get("webhook-id", "") if hook.proof == IncomingHook.Proof.STANDARD else ""
    same: Any = body
    own, kind, happened, nothing, note = "", "", None, False, ""
    try:
        given = map_of(hook)
        if hook.proof == IncomingHook.Proof.STRIPE:
            # two deliveries of one event differ in how many are still to come
            same = {name: value for name, value in body.items() if name != "pending_webhooks"}
            kind, own, happened = stripe.type_of(body), stripe.event_id(body), stripe.instant(stripe.seconds(body))
            nothing, note = not stripe.noun_of(body), "nothing is made of this type"
        elif given is None:
            kind, happened = type_of(body), told_at(body)
            nothing, note = kind not in TYPES, "no such type"
        else:
            same, own, kind = constant_part(given, body), event_id(given, body), label(given, body)
            happened = occurred_at(given, body)
            nothing, note = not read_facts(given, body), "the map makes nothing of it"
    except (WrongBody, BadMap, Unfit, LookupError):
        # it is kept, and says what is wrong when it is worked on
        nothing = False
    external_id = signed_id or own or f"body:{body_digest(same).hex()}"
    return NewInbound(
        source=source_of(hook), external_id=external_id, kind=kind, body=same, occurred_at=happened, payload={"body": body},
        status=Status.IGNORED if nothing else Status.NEW, note=note if nothing else "",
    )  # fmt: skip


def handle_event(*, event_id: int, now: dt.datetime, again: bool = False) -> tuple[str, int]:
    """Works on one kept event; returns its status after it ("" where there was nothing to do), and how many rows it made."""
    made: list[int] = []

    def work(row: InboundEvent) -> Worked:
        try:
            came = _work(row, now)
        except (CannotWork, DatabaseError):
            raise
        except Exception as fault:
            # one event that nobody foresaw must not hold up those behind it
            logger.exception("A webhook could not be worked on: event %s", row.pk)
            raise CannotWork(f"unforeseen: {type(fault).__name__}") from fault
        made.append(came.made)
        return Worked("; ".join(came.notes))

    return work_on(event_id=event_id, handle=work, again=again), sum(made)


def sweep_hooks(*, now: dt.datetime) -> int:
    """Works on what waits, the oldest first, one process at a time; returns how many were done."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('vefa incoming hooks'))")
        if not cursor.fetchone()[0]:
            return 0
    try:
        return _sweep(now)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('vefa incoming hooks'))")


def _sweep(now: dt.datetime) -> int:
    done = 0
    grown: set[str] = set()
    for pk in waiting(source_prefix=SOURCE, now=now):
        status, made = handle_event(event_id=pk, now=now)
        done += status == Status.DONE
        if made:
            grown.add(InboundEvent.objects.values_list("source", flat=True).get(pk=pk))
    for source in sorted(grown):
        _place_what_waits(source, now)
    return done


def _place_what_waits(source: str, now: dt.datetime) -> None:
    """Looks once more at what had no place, now that there are more accounts, contacts or tickets."""
    for _round in range(MOST_ROUNDS):
        made = 0
        for pk in InboundEvent.objects.filter(source=source, external_id__in=kept_unplaced(source)).order_by("received_at", "pk").values_list("pk", flat=True):
            made += handle_event(event_id=pk, now=now, again=True)[1]
        for pk in _waiting_for_customers(source):
            made += handle_event(event_id=pk, now=now)[1]
        if not made:
            return


def _waiting_for_customers(source: str) -> list[int]:
    """Events that came before a customer who is known by now."""
    rows = InboundEvent.objects.filter(source=source, status=Status.FAILED, note__startswith=WAITS)
    names = {note.removeprefix(WAITS) for note in rows.values_list("note", flat=True).distinct()[:5000]}
    known = OutsideObject.objects.filter(source=source, kind=OutsideObject.Kind.ACCOUNT, external_id__in=names, row_id__isnull=False).values_list("external_id", flat=True)
    return list(rows.filter(note__in=[f"{WAITS}{name}" for name in known]).order_by("received_at", "pk").values_list("pk", flat=True)[:1000])


def _work(row: InboundEvent, now: dt.datetime) -> Came:
    if row.payload.get("erased"):
        return Came(["what it said was erased"])
    hook = IncomingHook.objects.select_related("acts_for").filter(name=row.source.removeprefix(SOURCE)).first()
    if hook is None:
        raise CannotWork("there is no such incoming webhook any more")
    # what happened cannot have happened after we heard of it
    at = min(row.occurred_at or row.received_at, row.received_at)
    return do(hook, body=row.payload["body"], event=row.external_id, at=at, received_at=row.received_at, now=now)


def do(hook: IncomingHook, *, body: Any, event: str, at: dt.datetime, received_at: dt.datetime, now: dt.datetime) -> Came:
    """Does what a body says, in the caller's transaction. Raises CannotWork with what is wrong in a sentence."""
    telling = Telling(source=source_of(hook), prefix=hook.name, event=event, at=at.astimezone(dt.UTC), received_at=received_at, user=hook.acts_for, now=now)
    if not hook.acts_for.is_active:
        raise CannotWork("the user whom the webhook acts for is not active")
    try:
        if hook.proof == IncomingHook.Proof.STRIPE:
            return apply_stripe(telling, body)
        given = map_of(hook)
        if given is None:
            if type_of(body) not in TYPES:
                return Came(["no such type"])
            return Came([work_on_ours(telling, body)], made=1)
        return apply_facts(telling, hook, read_facts(given, body))
    except (WrongBody, BadMap, Unfit) as fault:
        raise CannotWork(str(fault)) from fault
    except ValidationError as fault:
        raise CannotWork(
            "; ".join(f"{name}: {' '.join(texts)}" for name, texts in fault.message_dict.items()) if hasattr(fault, "error_dict") else " ".join(fault.messages)
        ) from fault


@dataclass(frozen=True)
class Rehearsal:
    """What a body would do: the event it is, what it says, what would come of it or why nothing can."""

    external_id: str
    kind: str
    happened: dt.datetime | None
    says: list[str]
    notes: list[str]
    fault: str = ""


def rehearse(hook: IncomingHook, *, body: Any, now: dt.datetime) -> Rehearsal:
    """Does what a body says and takes all of it back."""
    new = _as_inbound(hook, headers={}, body=body)
    says, notes, fault = [], [], ""
    try:
        given = None if hook.proof == IncomingHook.Proof.STRIPE else map_of(hook)
        if given is not None:
            says = [f"{fact.kind}: " + ", ".join(f"{name}={value}" for name, value in fact.values.items())[:500] for fact in read_facts(given, body)]
    except (WrongBody, BadMap, Unfit, LookupError) as wrong:
        fault = str(wrong)
    if not fault:
        with transaction.atomic():
            try:
                notes = do(hook, body=body, event=new.external_id, at=min(new.occurred_at or now, now), received_at=now, now=now).notes
            except (CannotWork, LookupError, TypeError, ValueError) as wrong:
                fault = str(wrong) or type(wrong).__name__
            transaction.set_rollback(True)
    return Rehearsal(new.external_id, new.kind, new.occurred_at, says, notes, fault)
