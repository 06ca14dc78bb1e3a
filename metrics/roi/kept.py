"""Live figures and evidence, kept a scope while the facts behind them stand, so that trying out inputs is quick. Never needed: without a cache they are read anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import connection

from accounts.models import User
from metrics.actions.cached import cached, keep
from metrics.actions.figure_stamps import REVENUE_FACTS, stamp_of
from metrics.dashboards import scope_of
from metrics.models.scenarios import WHOLE
from metrics.roi.evidence import Evidence, evidence
from metrics.roi.live import Basis, LiveFigures, live_figures
from metrics.roi.realised import Realised, realised

SECONDS = 180
FACTS = (*REVENUE_FACTS, "voice", "work", "health")
_Kept = tuple[Any, dt.datetime]


def live_for(user: User, *, basis: Basis, now: dt.datetime) -> tuple[LiveFigures, dt.datetime]:
    """The live figures within the reader's scope, and when they were read. Raises WrongQuestion for an unknown segment."""
    return _kept("live", user, basis, now, lambda: live_figures(basis=basis, scope=scope_of(user), now=now))


def evidence_for(user: User, *, basis: Basis, now: dt.datetime) -> tuple[Evidence, dt.datetime]:
    """Why the lost left, within the reader's scope, and when it was read. Raises WrongQuestion for an unknown segment."""
    return _kept("evidence", user, basis, now, lambda: evidence(basis=basis, scope=scope_of(user), now=now))


def realised_for(user: User, *, basis: Basis, now: dt.datetime) -> tuple[Realised, dt.datetime]:
    """Planned against realised within the reader's scope, and when it was read."""
    return _kept("realised", user, basis, now, lambda: realised(basis=basis, scope=scope_of(user), now=now))


def _kept(what: str, user: User, basis: Basis, now: dt.datetime, read: Callable[[], Any]) -> _Kept:
    whose = "all" if user.role in WHOLE else f"{user.pk}:{user.role}:{user.team_id}"
    start, end = basis.period(now)
    key = f"roi:{what}:{connection.settings_dict['NAME']}:{whose}:{start}:{end}:{basis.segment}:{stamp_of(FACTS)}"
    found: _Kept | None = cached(key)
    if found is None:
        found = read(), now
        keep(key, found, SECONDS)
    return found
