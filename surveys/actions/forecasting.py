"""What the coming days bring: the planner's own decisions on what can be foreseen, none of them stored.

Foreseen are the turns of rhythms (each contact's day is fixed by its hash) and renewals that come near.
They are decided in the order of time with the facts of now, each taken for an ask by those after it, as
`planning.plan()` will decide them when their time has come. What happens by chance (a solved ticket) is
not foreseen.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.actions.renewals import DAYS_BEFORE, renewals_to_tell
from surveys.actions.candidates import EPOCH, PHASE, Candidate, Programme, people_of, programmes, turns
from surveys.actions.facts import Facts, Memory
from surveys.actions.planning import rehearse
from surveys.eligibility import Decision

# decisions that a forecast makes; for more it looks at a share of the accounts and says so
MOST = 40_000
_BATCH = 10_000
_DAY = dt.timedelta(days=1)
RENEWAL = "subscription.renewal_due"

_TURNS = f"""
SELECT c.id, c.account_id, {PHASE} AS phase FROM accounts_contact c
WHERE ({PHASE} = ANY(%(phases)s) OR %(whole)s) AND c.account_id %% %(share)s = 0 AND (%(accounts)s::bigint[] IS NULL OR c.account_id = ANY(%(accounts)s::bigint[]))
ORDER BY c.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Scope:
    """Whose asks are foreseen: those of some accounts (None: of all), of every `share`-th of them."""

    accounts: frozenset[int] | None = None
    share: int = 1

    def holds(self, account_id: int) -> bool:
        """Whether the account is looked at."""
        return account_id % self.share == 0 and (self.accounts is None or account_id in self.accounts)


def foresee(*, now: dt.datetime, days: int, scope: Scope) -> Iterator[tuple[Candidate, Decision, Facts]]:
    """The decisions of the coming days, those that wait to be made now first; writes nothing."""
    memory = Memory()
    for candidate, decision, facts in rehearse(as_of=now, memory=memory):
        if scope.holds(candidate.account_id):
            yield candidate, decision, facts
    known = programmes()
    coming = [candidate for programme in known if _asks(programme) for candidate in _coming(programme, now, days, scope)]
    order = {programme.key: place for place, programme in enumerate(known)}
    coming.sort(key=lambda candidate: (candidate.occurred_at.date(), order[candidate.programme.key], candidate.occurred_at, candidate.contact_id or 0))
    for start in range(0, len(coming), _BATCH):
        batch = coming[start : start + _BATCH]
        facts = Facts(batch, as_of=now, carried=memory)
        for candidate in batch:
            yield candidate, facts.decide(candidate, as_of=max(now, candidate.occurred_at)), facts


def share_of(*, now: dt.datetime, days: int, contacts: int) -> int:
    """Of so many accounts one is looked at, so that a forecast stays within its bound; 1 where all are."""
    rounds = sum(days / programme.every_days for programme in programmes() if _asks(programme) and programme.every_days)
    return max(1, -(-int(contacts * rounds) // MOST))


def _asks(programme: Programme) -> bool:
    rule = programme.rule
    return rule.activated_at is not None and not rule.paused and not rule.ended and rule.published


def _coming(programme: Programme, now: dt.datetime, days: int, scope: Scope) -> Iterator[Candidate]:
    if not programme.event_kind:
        return _turns(programme, now, days, scope)
    return _renewals(programme, now, days, scope) if programme.event_kind == RENEWAL else iter(())


def _turns(programme: Programme, now: dt.datetime, days: int, scope: Scope) -> Iterator[Candidate]:
    """The turns from tomorrow on; those until today are what a dry run of now names."""
    every, first = programme.every_days, (now - EPOCH).days + 1
    values: dict[str, Any] = {
        "salt": programme.rule.salt, "every": every, "whole": every <= days, "phases": [day % every for day in range(first, first + min(days, every))],
        "share": scope.share, "accounts": sorted(scope.accounts) if scope.accounts is not None else None, "most": 4 * MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TURNS, values)
        rows = cursor.fetchall()
    return turns(programme, ((contact, account, day) for contact, account, phase in rows for day in range(first + (phase - first) % every, first + days, every)))


def _renewals(programme: Programme, now: dt.datetime, days: int, scope: Scope) -> Iterator[Candidate]:
    """The people of renewals, each on the day on which it will be told; told of now where it should have been already."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    found: dict[tuple[int, str, dt.date], int] = {}
    steps = [*range(0, days, DAYS_BEFORE), days]
    for step in steps:
        then = now + step * _DAY
        for account, subscription, span, renews_on in renewals_to_tell(now=then, today=then.astimezone(zone).date(), most=MOST):
            if scope.holds(account):
                found.setdefault((account, subscription, renews_on), span)
    events = []
    for (account, subscription, renews_on), _span in sorted(found.items(), key=lambda item: (item[0][2], item[0][0], item[0][1])):
        told = renews_on - DAYS_BEFORE * _DAY
        at = now + max(0, (told - now.astimezone(zone).date()).days) * _DAY
        if at < now + days * _DAY:
            events.append((None, account, None, at, {"subscription": subscription, "renews_at": renews_on.isoformat(), "days": (renews_on - at.astimezone(zone).date()).days}))
    return people_of(programme, events) if events else iter(())
