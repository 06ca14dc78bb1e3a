"""What a change of segments would do to the whole base: who enters and leaves each, the MRR on either side, the largest who move, and why.

Reads alone. "Before" is where accounts are at this moment.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Segment
from metrics.moments import Moment
from metrics.segments.reading import SegmentRules, segment_rules
from metrics.segments.statements import LISTED, RANGE, placed

# accounts of one statement
SPAN = 50_000
NAMED = 25
# a segment that is not stored yet
NEW = 0


class Mover(NamedTuple):
    """An account that would move; ids of segments, None for none."""

    account_id: int
    before_id: int | None
    target_id: int | None
    mrr_micros: int


@dataclass
class Preview:
    """Accounts and MRR (millionths of the reporting currency) by (segment now, segment then); customers who left and test accounts are not counted."""

    accounts: Counter[tuple[int | None, int | None]] = field(default_factory=Counter)
    mrr_micros: Counter[tuple[int | None, int | None]] = field(default_factory=Counter)
    movers: list[Mover] = field(default_factory=list)
    # of those counted, how many a person, an import or the API holds where they are
    held: int = 0

    @property
    def moving(self) -> int:
        """Accounts that would change segment."""
        return sum(count for (before, after), count in self.accounts.items() if before != after)

    @property
    def total(self) -> tuple[int, int]:
        """Accounts and MRR of the whole base."""
        return sum(self.accounts.values()), sum(self.mrr_micros.values())

    def of(self, segment: int | None) -> dict[str, int]:
        """One segment: accounts and MRR before and after, how many enter and leave, and their MRR."""
        told = dict.fromkeys(("before", "after", "enter", "leave", "mrr_before", "mrr_after", "mrr_enter", "mrr_leave"), 0)
        for pair, count in self.accounts.items():
            was, becomes, mrr = pair[0] == segment, pair[1] == segment, self.mrr_micros[pair]
            for name, holds in (("before", was), ("after", becomes), ("enter", becomes and not was), ("leave", was and not becomes)):
                told[name] += count * holds
                told[f"mrr_{name}"] += mrr * holds
        return told


def _statement(rules: SegmentRules) -> tuple[str, dict[str, Any]]:
    inner, values = placed(rules, RANGE, extra="s.mrr_micros, NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at > %(now)s) AS counts, ")
    text = f"""
WITH places AS MATERIALIZED (SELECT account_id, before_id, target_id, mrr_micros, stands FROM ({inner} OFFSET 0) p WHERE counts)
SELECT
    (SELECT coalesce(jsonb_agg(jsonb_build_array(before_id, target_id, n, mrr, held)), '[]')
     FROM (SELECT before_id, target_id, count(*) AS n, sum(mrr_micros)::bigint AS mrr, count(*) FILTER (WHERE stands) AS held FROM places GROUP BY 1, 2) g),
    (SELECT coalesce(jsonb_agg(jsonb_build_array(account_id, before_id, target_id, mrr_micros)), '[]')
     FROM (SELECT * FROM places WHERE before_id IS DISTINCT FROM target_id ORDER BY mrr_micros DESC, account_id LIMIT {NAMED}) m)"""
    return text, values


def with_change(*, segment: Segment | None, rule: Any) -> list[Segment]:
    """All segments in their order as they would be with another rule of one; None is a new one at the end."""
    rows = list(Segment.objects.order_by("position", "pk"))
    if segment is None:
        return [*rows, Segment(pk=NEW, key="", name="", rule=rule)]
    for row in rows:
        if row.pk == segment.pk:
            row.rule = rule
    return rows


def preview(segments: Sequence[Segment] | None, *, now: dt.datetime) -> Preview:
    """Where everybody would be under these segments; None takes the stored ones."""
    moment = Moment.at(as_of=now, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    text, values = _statement(segment_rules(segments))
    found = Preview()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT min(id), max(id), set_config('work_mem', '64MB', true) FROM accounts_account")
        low, high, _set = cursor.fetchone()
        for start in range(low, high + 1, SPAN) if low is not None else ():
            cursor.execute(text, {**values, "now": now, "today": moment.t_date, "low": start, "high": start + SPAN - 1})
            groups, movers = (_decoded(value) for value in cursor.fetchone())
            for before, after, count, mrr, held in groups:
                found.accounts[before, after] += count
                found.mrr_micros[before, after] += mrr or 0
                found.held += held
            found.movers += [Mover(*row) for row in movers]
    found.movers = sorted(found.movers, key=lambda mover: (-mover.mrr_micros, mover.account_id))[:NAMED]
    return found


@dataclass(frozen=True)
class Place:
    """Where one account is, where the rules put it, and whether an override holds it."""

    before_id: int | None
    target_id: int | None
    stands: bool


def place_of(account_id: int, segments: Sequence[Segment] | None, *, now: dt.datetime) -> Place | None:
    """Where an account is and belongs under these segments (None: the stored ones); None for one that does not exist."""
    moment = Moment.at(as_of=now, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    inner, values = placed(segment_rules(segments), LISTED)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT before_id, target_id, stands FROM ({inner}) p", {**values, "now": now, "today": moment.t_date, "ids": [account_id]})
        row = cursor.fetchone()
    return Place(*row) if row else None


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
