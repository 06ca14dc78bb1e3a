"""The dry run as pages: worked out once for an instant, kept for a few minutes, cut by filter and mark."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from accounts.models import Account, User
from surveys.queries.dry_run import PlanLine, dry_run

PAGE = 50
# decisions that one dry run on a page looks at; the command and the API look at all
MOST = 20_000
_KEPT_SECONDS = 300
_ORDER = {"send": 0, "hold": 1, "skip": 2}
_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class PlanPage:
    """Some lines of a dry run, what all of them come to, and the mark of the next page (empty after the last)."""

    lines: Sequence[PlanLine]
    mark: str
    by_decision: Counter[str]
    by_reason: Counter[tuple[str, str]]
    is_cut: bool


def plan_page(user: User, *, as_of: dt.datetime, touchpoint: str = "", decision: str = "", reason: str = "", mark: str = "") -> PlanPage:
    """What would be decided at `as_of` about the accounts that the reader sees, whoever is asked first on top.

    The first page is worked out anew; the next ones show the same dry run. Nothing but the cache is written.
    """
    key = f"surveys:dry-run:{as_of.isoformat()}:{touchpoint}"
    lines: list[PlanLine] | None = cache.get(key) if mark else None
    if lines is None:
        lines = dry_run(as_of=as_of, touchpoint=touchpoint or None, most=MOST + 1)
        lines.sort(key=_place)
        cache.set(key, lines, _KEPT_SECONDS)
    seen = visible_lines(user, lines)
    shown = [line for line in seen if decision in ("", line.decision) and reason in ("", line.reason)]
    start = _start(shown, mark)
    page = shown[start : start + PAGE]
    more = len(shown) > start + PAGE
    return PlanPage(
        lines=page, mark=_mark(page[-1]) if more else "", by_decision=Counter(line.decision for line in seen),
        by_reason=Counter((line.decision, line.reason) for line in seen), is_cut=len(lines) > MOST,
    )  # fmt: skip


def visible_lines(user: User, lines: Sequence[PlanLine]) -> list[PlanLine]:
    """The lines about accounts that the user sees."""
    seen = set(Account.objects.visible_to(user).filter(pk__in={line.account_id for line in lines}).values_list("pk", flat=True))
    return [line for line in lines if line.account_id in seen]


def _place(line: PlanLine) -> tuple[Any, ...]:
    return _ORDER[line.decision], line.due_at or _NEVER, line.account_id, line.contact_id or 0, line.touchpoint


def _mark(line: PlanLine) -> str:
    return f"{line.decision}~{line.due_at.isoformat() if line.due_at else ''}~{line.account_id}~{line.contact_id or 0}~{line.touchpoint}"


def _start(lines: Sequence[PlanLine], mark: str) -> int:
    """The place after the line that a mark names; 0 for a mark that is none."""
    parts = mark.split("~")
    try:
        decision, due, account, contact, touchpoint = parts
        after = _ORDER[decision], dt.datetime.fromisoformat(due) if due else _NEVER, int(account), int(contact), touchpoint
        return next((place for place, line in enumerate(lines) if _place(line) > after), len(lines))
    except (ValueError, KeyError, TypeError):
        return 0
