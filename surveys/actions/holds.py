"""What keeps surveys back until a person looks: too many due at once, bad first mails, bounces and complaints.

Held invitations stay planned. A survey that a person or the API asked for passes every hold but those
for bounces and complaints.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import Installation, OutgoingMail, User
from surveys.actions.letters import sender_address
from surveys.models import Invitation, SendingHold, Survey, Touchpoint

Reason = SendingHold.Reason

LOOKS_BACK = dt.timedelta(hours=24)
BREAKER_AT_LEAST = 100
MOST_BOUNCES, MOST_COMPLAINTS = Decimal("0.05"), Decimal("0.001")
USUAL_DAYS, TIMES_USUAL, FEWEST_UNUSUAL = 28, 3, 50
CANARY_MAILS, CANARY_PAUSE = 50, dt.timedelta(minutes=10)
HELD_FOR = dt.timedelta(minutes=5)
BREAKERS = frozenset({Reason.BOUNCES, Reason.COMPLAINTS})

DIRECT = Q(event__isnull=True, wave__startswith="request:")
_NOT_DIRECT = "NOT (i.event_id IS NULL AND i.wave LIKE 'request:%%')"


def is_direct(row: Invitation) -> bool:
    """Whether somebody asked for this very survey."""
    return row.event_id is None and row.wave.startswith("request:")


def sender_domain(survey: Survey) -> str:
    """The domain the survey's mails come from."""
    return sender_address(survey).rpartition("@")[2].lower()


@dataclass
class Gate:
    """What may pass now: touchpoints closed for all or but for direct requests, closed sender domains, and room for first mails."""

    broken: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    room: dict[int, int] = field(default_factory=dict)
    survey_domains: dict[int, str] = field(default_factory=dict)

    @property
    def closed_surveys(self) -> list[int]:
        """Surveys whose sender's domain is held."""
        return [pk for pk, domain in self.survey_domains.items() if domain in self.domains]

    def passing(self) -> Q:
        """The condition on invitations that lets through what no hold keeps back."""
        full = {pk for pk, room in self.room.items() if room <= 0}
        passing = Q(touchpoint__isnull=True) | DIRECT | ~Q(touchpoint__in=self.held | full)
        if self.broken:
            passing &= Q(touchpoint__isnull=True) | ~Q(touchpoint__in=self.broken)
        if closed := self.closed_surveys:
            passing &= ~Q(survey_version__survey__in=closed)
        return passing

    def lets_pass(self, row: Invitation) -> bool:
        """The same for one invitation with its version and survey; takes no room."""
        if row.touchpoint_id in self.broken or (row.survey_version and self.survey_domains.get(row.survey_version.survey_id) in self.domains):
            return False
        return row.touchpoint_id is None or row.touchpoint_id not in self.held or is_direct(row)

    def take(self, row: Invitation) -> bool:
        """Takes room for a first mail; false where there is none left."""
        if row.touchpoint_id not in self.room or is_direct(row):
            return True
        if self.room[row.touchpoint_id] <= 0:
            return False
        self.room[row.touchpoint_id] -= 1
        return True

    def give_back(self, row: Invitation) -> None:
        """The room that an invitation took and does not need."""
        if row.touchpoint_id in self.room and not is_direct(row):
            self.room[row.touchpoint_id] += 1


def open_gate() -> Gate:
    """The holds as they are, without looking for new ones."""
    gate = Gate(survey_domains={survey.pk: sender_domain(survey) for survey in Survey.objects.all()})
    for touchpoint, domain, reason in SendingHold.objects.filter(released_at=None).values_list("touchpoint_id", "domain", "reason"):
        if touchpoint is None:
            gate.domains.add(domain)
        else:
            (gate.broken if reason in BREAKERS else gate.held).add(touchpoint)
    return gate


def watch(*, as_of: dt.datetime, now: dt.datetime) -> Gate:
    """Looks at what is due and at what became of the last mails; holds what must wait. Returns what may pass."""
    with transaction.atomic():
        _look_at_breakers(as_of=as_of, now=now)
        _look_at_rush(as_of=as_of, now=now)
        room = _look_at_first_mails(as_of=as_of, now=now)
    gate = open_gate()
    gate.room = room
    return gate


def _hold(*, reason: str, value: Decimal, limit: Decimal, now: dt.datetime, touchpoint_id: int | None = None, domain: str = "") -> None:
    values = {"value": value, "limit": limit, "held_at": now}
    touchpoint = Touchpoint.objects.get(pk=touchpoint_id) if touchpoint_id is not None else None
    SendingHold.objects.get_or_create(touchpoint=touchpoint, domain=domain, reason=reason, released_at=None, defaults=values)


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


# what left, and what was refused as undeliverable in the very conversation
_LATELY = """
SELECT i.touchpoint_id, v.survey_id, count(*), count(i.bounced_at), count(i.complained_at)
FROM (SELECT touchpoint_id, survey_version_id, bounced_at, complained_at FROM surveys_invitation WHERE sent_at > %(since)s
      UNION ALL SELECT touchpoint_id, survey_version_id, bounced_at, complained_at FROM surveys_invitation WHERE bounced_at > %(since)s AND sent_at IS NULL) i
JOIN surveys_surveyversion v ON v.id = i.survey_version_id GROUP BY 1, 2
"""


@dataclass
class _Tally:
    sent: int = 0
    bounced: int = 0
    complained: int = 0

    def add(self, sent: int, bounced: int, complained: int) -> None:
        self.sent, self.bounced, self.complained = self.sent + sent, self.bounced + bounced, self.complained + complained

    def verdicts(self) -> list[tuple[str, Decimal, Decimal]]:
        """The breakers that trip: reason, share and limit."""
        if self.sent < BREAKER_AT_LEAST:
            return []
        shares = ((Reason.BOUNCES, Decimal(self.bounced) / self.sent, MOST_BOUNCES), (Reason.COMPLAINTS, Decimal(self.complained) / self.sent, MOST_COMPLAINTS))
        return [(reason, share, limit) for reason, share, limit in shares if share >= limit]


def _tallies(since: dt.datetime) -> tuple[dict[int, _Tally], dict[str, _Tally]]:
    """What became of the mails since then, by touchpoint and by the sender's domain."""
    rows = _rows(_LATELY, {"since": since})
    domains = {survey.pk: sender_domain(survey) for survey in Survey.objects.filter(pk__in={row[1] for row in rows})}
    by_touchpoint: dict[int, _Tally] = defaultdict(_Tally)
    by_domain: dict[str, _Tally] = defaultdict(_Tally)
    for touchpoint, survey, *counts in rows:
        if touchpoint is not None:
            by_touchpoint[touchpoint].add(*counts)
        by_domain[domains[survey]].add(*counts)
    return by_touchpoint, by_domain


def _look_at_breakers(*, as_of: dt.datetime, now: dt.datetime) -> None:
    since = as_of - LOOKS_BACK
    by_touchpoint, by_domain = _tallies(since)
    tripped: list[tuple[int | None, str, tuple[str, Decimal, Decimal]]] = [(touchpoint, "", verdict) for touchpoint, tally in by_touchpoint.items() for verdict in tally.verdicts()]
    tripped += [(None, domain, verdict) for domain, tally in by_domain.items() for verdict in tally.verdicts() if domain]
    for touchpoint, domain, (reason, share, limit) in tripped:
        # after a person let it go on, only what left since counts
        last = SendingHold.objects.filter(touchpoint=touchpoint, domain=domain, reason=reason, released_at__gt=since).order_by("-released_at").first()
        if last is not None and last.released_at is not None:
            later = _tallies(last.released_at)
            found = [one for one in (later[0][touchpoint] if touchpoint is not None else later[1][domain]).verdicts() if one[0] == reason]
            if not found:
                continue
            share = found[0][1]
        _hold(reason=reason, value=share, limit=limit, now=now, touchpoint_id=touchpoint, domain=domain)


_DUE = f"""
SELECT i.touchpoint_id, count(*) FROM surveys_invitation i
WHERE i.status = 'planned' AND i.not_before <= %(as_of)s AND i.touchpoint_id IS NOT NULL AND {_NOT_DIRECT} AND NOT i.decision ? 'released'
GROUP BY 1 HAVING count(*) > %(fewest)s
"""
_USUAL = "SELECT touchpoint_id, count(*) FROM surveys_invitation WHERE sent_at > %(since)s AND touchpoint_id = ANY(%(touchpoints)s) GROUP BY 1"


def _look_at_rush(*, as_of: dt.datetime, now: dt.datetime) -> None:
    many = Installation.current().many_at_once
    due = dict(_rows(_DUE, {"as_of": as_of, "fewest": min(many, FEWEST_UNUSUAL)}))
    if not due:
        return
    usual = dict(_rows(_USUAL, {"since": as_of - dt.timedelta(days=USUAL_DAYS), "touchpoints": list(due)}))
    for touchpoint, count in due.items():
        limit = Decimal(many)
        unusual = Decimal(TIMES_USUAL * usual.get(touchpoint, 0)) / USUAL_DAYS
        if unusual >= FEWEST_UNUSUAL:
            limit = min(limit, unusual)
        if count > limit:
            _hold(reason=Reason.MANY_DUE, value=Decimal(count), limit=limit.quantize(Decimal("0.01")), now=now, touchpoint_id=touchpoint)


_FIRST = f"""
SELECT count(*), count(*) FILTER (WHERE f.status = 'queued'), count(f.bounced_at), max(coalesce(f.sent_at, f.bounced_at))
FROM (SELECT i.status, i.bounced_at, i.sent_at FROM surveys_invitation i
      WHERE i.touchpoint_id = %(touchpoint)s AND i.decided_at >= %(since)s AND {_NOT_DIRECT} AND i.status IN ('queued', 'sent', 'answered', 'unknown', 'expired', 'failed')
      ORDER BY coalesce(i.sent_at, i.bounced_at), i.id LIMIT %(limit)s) f
"""


def _look_at_first_mails(*, as_of: dt.datetime, now: dt.datetime) -> dict[int, int]:
    """How many first mails each touchpoint under observation may still send; lets go, or holds, what was watched long enough."""
    waiting = Invitation.objects.filter(status=Invitation.Status.PLANNED, not_before__lte=as_of).exclude(DIRECT)
    watched = Touchpoint.objects.filter(canary_passed_at=None).filter(Q(canary_until__isnull=False) | Q(pk__in=waiting.values("touchpoint_id")))
    room: dict[int, int] = {}
    for row in watched.only("pk", "activated_at", "canary_until"):
        since = row.activated_at or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        count, queued, bounced, last = _rows(_FIRST, {"touchpoint": row.pk, "since": since, "limit": CANARY_MAILS})[0]
        if count < CANARY_MAILS:
            room[row.pk] = CANARY_MAILS - count
            continue
        room[row.pk] = 0
        if queued > CANARY_MAILS // 10:
            continue
        if row.canary_until is None:
            row.canary_until = (last or as_of) + CANARY_PAUSE
            Touchpoint.objects.filter(pk=row.pk).update(canary_until=row.canary_until)
        if as_of < row.canary_until:
            continue
        share = Decimal(bounced) / count
        if share < MOST_BOUNCES:
            Touchpoint.objects.filter(pk=row.pk).update(canary_passed_at=now)
            del room[row.pk]
        else:
            _hold(reason=Reason.CANARY, value=share, limit=MOST_BOUNCES, now=now, touchpoint_id=row.pk)
    return room


class NotHeld(ValueError):
    """The hold was released already."""


def release_hold(*, hold_id: Any, actor: User, now: dt.datetime) -> SendingHold:
    """Lets go what was held; what is due by now is not held for its number again. Raises NotHeld."""
    with transaction.atomic():
        hold = SendingHold.objects.select_for_update(of=("self",)).filter(pk=hold_id, released_at=None).first()
        if hold is None:
            raise NotHeld
        hold.released_at, hold.released_by = now, actor
        hold.save(update_fields=["released_at", "released_by"])
        if hold.reason == Reason.CANARY:
            Touchpoint.objects.filter(holds=hold.pk).update(canary_passed_at=now)
        elif hold.reason == Reason.MANY_DUE:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE surveys_invitation SET decision = decision || jsonb_build_object('released', %s::text) "
                    "WHERE status = 'planned' AND not_before <= %s AND touchpoint_id = %s",
                    [now.isoformat(), now, hold.touchpoint_id],
                )
        OutgoingMail.objects.filter(status=OutgoingMail.Status.QUEUED, reason="held").update(next_attempt_at=now, reason="")
    return hold


def held_waiting(holds: Iterable[SendingHold], *, now: dt.datetime, most: int = 1001) -> dict[int, int]:
    """How many due invitations wait behind each of these holds, counted up to `most`."""
    found: dict[int, int] = {}
    due = Invitation.objects.filter(status=Invitation.Status.PLANNED, not_before__lte=now)
    domains = {survey.pk: sender_domain(survey) for survey in Survey.objects.all()}
    for hold in holds:
        mine = (
            due.filter(touchpoint=hold.touchpoint_id) if hold.touchpoint_id else due.filter(survey_version__survey__in=[pk for pk, name in domains.items() if name == hold.domain])
        )
        found[hold.pk] = mine.order_by().values("pk")[:most].count()
    return found
