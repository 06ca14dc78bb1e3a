"""Which accounts moved MRR in a period, by the same bridge as the figure, so that a list adds up to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Q

from accounts.models import Account, Subscription, User
from metrics.dashboards.figures import scope_of
from metrics.filters import Filters
from metrics.formulas.daily import CHURNED
from metrics.kpis.bridge import Bridge, bridges
from metrics.kpis.changes import histories
from metrics.kpis.engine import ask
from metrics.kpis.question import Question

MOVEMENTS = ("new", "expansion", "contraction", "churned", "reactivation")
MOST = 500
_EDGES = ("start", "end", "trial_until", "unpaid_at", "paused_from", "paused_until")


@dataclass(frozen=True)
class Move:
    """What one account moved, in units of the reporting currency: its movement, the amount (signed), opening and closing."""

    account: int
    name: str
    movement: str
    amount: Decimal
    opening: Decimal
    closing: Decimal


@dataclass(frozen=True)
class Moves:
    """The accounts of a movement, the largest first; `total` and `count` are of all of them, also where more than are shown."""

    rows: list[Move]
    count: int
    total: Decimal
    missing: tuple[str, ...] = ()


def movements_question(user: User, chosen: Filters) -> Question:
    """The question of the period's movements for a reader."""
    return ask(name="mrr_movements", accounts=scope_of(user), **chosen.question())


def touched(question: Question) -> Question:
    """The same question of the accounts alone that have a span with an edge inside the period: no other one moves."""
    inside = Q()
    for edge in _EDGES:
        inside |= Q(**{f"{edge}__gte": question.start - dt.timedelta(days=1), f"{edge}__lt": question.until})
    rows = Subscription.objects.filter(inside)
    if question.scope is not None:
        rows = rows.filter(account__in=question.scope)
    return replace(question, scope=tuple(rows.order_by().values_list("account_id", flat=True).distinct()))


def moves(question: Question, *, movement: str = "", reason: str | None = None, most: int = MOST) -> Moves:
    """The accounts that moved MRR, all movements or one of them; of lost ones with a reason (an empty text: without)."""
    books = {key: book for key, book in bridges(touched(question), "account").items() if key}
    wanted = None if reason is None else lost_for(question, reason)
    found: list[tuple[str, str, Decimal, Bridge]] = []
    for key, book in books.items():
        for kind in MOVEMENTS if not movement else (movement,):
            amount = getattr(book, kind)
            if amount and (wanted is None or key in wanted):
                found.append((key, kind, -amount if kind in {"contraction", "churned"} else amount, book))
    found.sort(key=lambda row: (-abs(row[2]), int(row[0])))
    names = dict(Account.objects.filter(pk__in=[int(row[0]) for row in found[:most]]).values_list("pk", "name"))
    rows = [Move(int(key), names[int(key)], kind, amount, book.opening, book.closing) for key, kind, amount, book in found[:most]]
    missing: dict[str, Any] = dict.fromkeys(currency for book in books.values() for currency in book.missing)
    return Moves(rows, len(found), sum((row[2] for row in found), Decimal(0)), tuple(missing))


def lost_for(question: Question, reason: str) -> set[str]:
    """The ids of the accounts lost for a reason, as texts; for an empty one those lost without."""
    found: dict[str, str | None] = {}
    for history in histories(question, None):
        if history.spans and not history.spans + sum(step.spans for step in history.steps):
            last = [entry for entry in history.movements() if entry.kind == CHURNED][-1:]
            found[history.account] = last[0].reason if last else None
    external = [account for account, why in found.items() if (why or "") == reason]
    return {str(pk) for pk in Account.objects.filter(external_id__in=external).values_list("pk", flat=True)}
