"""Which accounts moved MRR in a period, by the same bridge as the figure, so that a list adds up to it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from django.db.models import Q

from accounts.models import Account, Subscription, User
from metrics.dashboards.figures import scope_of
from metrics.filters import Filters
from metrics.formulas.daily import CHURNED
from metrics.kpis.bridge import BRIDGE_COLUMNS, bridge_sql
from metrics.kpis.changes import histories
from metrics.kpis.engine import ask
from metrics.kpis.question import Question
from metrics.kpis.revenue import MICROS
from metrics.ledger.statements import fetch_in_two

MOVEMENTS = ("new", "expansion", "contraction", "churned", "reactivation")
MOST = 500
_DOWN = frozenset({"contraction", "churned"})
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


def _touched() -> str:
    """SQL: span `s` is of an account that `touched` keeps."""
    inside = " OR ".join(f"(e.{edge} >= %(t0)s::timestamptz - interval '1 day' AND e.{edge} < %(t1)s)" for edge in _EDGES)
    return f"s.account_id IN (SELECT e.account_id FROM accounts_subscription e WHERE {inside})"


def moves(question: Question, *, movement: str = "", reason: str | None = None, most: int = MOST) -> Moves:
    """The accounts that moved MRR, all movements or one of them; of lost ones with a reason (an empty text: without).

    Sums and the largest come from the database: over years nearly every account has moved.
    """
    sql, conditions = bridge_sql(question, "account", None, extra=_touched())
    kinds = MOVEMENTS if not movement else (movement,)
    values = ", ".join(f"({place}, '{kind}', {'-' if kind in _DOWN else ''}b.{kind})" for place, kind in enumerate(kinds))
    wanted = "" if reason is None else f" AND b.key = ANY({conditions.bind(sorted(lost_for(question, reason)))}::text[])"
    text = f"""
        WITH books AS MATERIALIZED (SELECT * FROM ({sql}) AS b({", ".join(BRIDGE_COLUMNS)}) WHERE b.key IS NOT NULL),
        moved AS MATERIALIZED (
            SELECT b.key::bigint AS account, v.place, v.kind, v.amount, b.opening, b.closing
            FROM books b CROSS JOIN LATERAL (VALUES {values}) AS v(place, kind, amount) WHERE v.amount <> 0{wanted})
        (SELECT NULL::bigint, -1, count(*)::text, coalesce(sum(amount), 0), NULL::numeric, NULL::numeric,
                (SELECT array_agg(DISTINCT c.currency) FROM books b, unnest(b.missing) AS c(currency)) FROM moved)
        UNION ALL
        (SELECT account, place, kind, amount, opening, closing, NULL FROM moved ORDER BY abs(amount) DESC, account, place LIMIT {conditions.bind(most)})"""
    count, total, missing, found = 0, Decimal(0), set[str](), []
    for account, place, kind, amount, opening, closing, lacking in fetch_in_two(text, conditions.values):
        if account is None:
            count, total, missing = count + int(kind), total + amount / MICROS, missing | set(lacking or [])
        else:
            found.append((account, place, kind, *(Decimal(value or 0) / MICROS for value in (amount, opening, closing))))
    found.sort(key=lambda row: (-abs(row[3]), row[0], row[1]))
    names = dict(Account.objects.filter(pk__in=[row[0] for row in found[:most]]).values_list("pk", "name"))
    rows = [Move(account, names[account], kind, amount, opening, closing) for account, _place, kind, amount, opening, closing in found[:most]]
    return Moves(rows, count, total, tuple(sorted(missing)))


def lost_for(question: Question, reason: str) -> set[str]:
    """The ids of the accounts lost for a reason, as texts; for an empty one those lost without."""
    found: dict[str, str | None] = {}
    for history in histories(question, None):
        if history.spans and not history.spans + sum(step.spans for step in history.steps):
            last = [entry for entry in history.movements() if entry.kind == CHURNED][-1:]
            found[history.account] = last[0].reason if last else None
    external = [account for account, why in found.items() if (why or "") == reason]
    return {str(pk) for pk in Account.objects.filter(external_id__in=external).values_list("pk", flat=True)}
