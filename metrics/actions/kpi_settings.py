"""Changing what the organisation wants of a KPI."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from accounts.models import Segment, User
from accounts.roles import Role
from metrics.models import KpiSetting

# who sets targets and owners
SETS_TARGETS = frozenset({Role.ADMIN, Role.MANAGER})


def set_target(
    *,
    kpi: str,
    variant: str,
    segment: Segment | None,
    target: Decimal | None,
    warn: Decimal | None,
    owner: User | None,
    note: str,
    valid_from: dt.date,
    actor: User,
) -> KpiSetting:
    """Writes what holds from a day on; what held before stays as history. Raises ValidationError for what cannot hold."""
    row = KpiSetting(kpi=kpi, variant=variant, segment=segment, target=target, warn=warn, owner=owner, note=note, valid_from=valid_from, changed_by=actor)
    row.full_clean()
    row.save()
    return row
