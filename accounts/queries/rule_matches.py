"""Which accounts fit a rule, how many, and why one does or does not, with its own values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import LifecycleStage, Segment, User
from accounts.rules import Rule, compile_leaf, compile_where, leaves, parse, value_expression
from accounts.rules.telling import Names, say, told_stored
from accounts.wording import segment_name, stage_name

COUNT_LIMIT = 1000
# up to so many accounts are looked up one by one
FEW = 20_000
_FROM = "FROM accounts_account a JOIN accounts_accountsnapshot s ON s.account_id = a.id"


class Reason(NamedTuple):
    """One condition of a rule and one account: the condition in words, what the account has, whether it is met, its place in the rule."""

    sentence: str
    value: str
    met: bool
    path: str


def names_of_rows() -> Names:
    """What choices of a rule are called by kind of row and key: segments, stages, people who own accounts."""
    return {
        "segment": {segment.key: segment_name(segment) for segment in Segment.objects.all()},
        "stage": {stage.key: stage_name(stage) for stage in LifecycleStage.objects.all()},
        "owner": {str(pk): name or email for pk, name, email in User.objects.exclude(role="analyst").order_by("name", "id").values_list("pk", "name", "email")},
    }


def read_rule(json: Any, names: Mapping[str, Collection[str]] | None = None) -> Rule:
    """A rule whose segments, stages and owners exist. Raises RuleFault with the place."""
    return parse(json, known=names_of_rows() if names is None else names)


def matching_statement(rule: Rule, *, account_ids: Sequence[int] | None = None, prefix: str = "r") -> tuple[str, dict[str, Any]]:
    """`SELECT a.id …` over all accounts, or over those given, and its parameters; the caller adds `now` and `today`."""
    where, params = compile_where(rule, prefix=prefix, few=account_ids is not None and len(account_ids) <= FEW)
    if account_ids is not None:
        where += f" AND a.id = ANY(%({prefix}_accounts)s::bigint[])"
        params[f"{prefix}_accounts"] = list(account_ids)
    return f"SELECT a.id {_FROM} WHERE {where}", params


def matching(rule: Rule, *, now: dt.datetime, today: dt.date, account_ids: Sequence[int] | None = None, limit: int | None = None) -> list[int]:
    """Ids of the accounts that fit, in order; with `account_ids` only those are looked at, with `limit` no more are returned."""
    sql, params = matching_statement(rule, account_ids=account_ids)
    return [row[0] for row in _fetch(f"{sql} ORDER BY a.id" + (" LIMIT %(rule_limit)s" if limit is not None else ""), params | {"now": now, "today": today, "rule_limit": limit})]


def count_matching(rule: Rule, *, now: dt.datetime, today: dt.date, limit: int = COUNT_LIMIT) -> int:
    """How many accounts fit; stops at the limit + 1."""
    sql, params = matching_statement(rule)
    return _fetch(f"SELECT count(*) FROM ({sql} LIMIT %(rule_limit)s) fitting", params | {"now": now, "today": today, "rule_limit": limit + 1})[0][0]


def explain(rule: Rule, account_id: int, *, now: dt.datetime, today: dt.date, names: Names | None = None) -> list[Reason]:
    """Every condition of the rule and how the account stands to it; empty for an account that does not exist."""
    return explain_many(rule, [account_id], now=now, today=today, names=names).get(account_id, [])


def explain_many(rule: Rule, account_ids: Iterable[int], *, now: dt.datetime, today: dt.date, names: Names | None = None) -> dict[int, list[Reason]]:
    """`explain` of some accounts in one statement. Meant for a page of them, not for a book."""
    wanted, names = list(account_ids), names_of_rows() if names is None else names
    conditions = list(leaves(rule.root))
    columns, params = ["a.id"], {"now": now, "today": today, "rule_accounts": wanted}
    for number, leaf in enumerate(conditions):
        for sql, given in (compile_leaf(leaf, prefix=f"m{number}_"), value_expression(leaf, prefix=f"v{number}_")):
            columns.append(sql)
            params |= given
    rows = _fetch(f"SELECT {', '.join(columns)} {_FROM} WHERE a.id = ANY(%(rule_accounts)s::bigint[])", params)
    texts = [say(leaf, names) for leaf in conditions]
    return {
        row[0]: [
            Reason(text, told_stored(leaf, row[2 + 2 * number], names), row[1 + 2 * number], leaf.path) for number, (leaf, text) in enumerate(zip(conditions, texts, strict=True))
        ]
        for row in rows
    }


def _fetch(sql: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def names_to_offer() -> tuple[list[str], list[str]]:
    """Features and attributes to choose from: the first 200 features, and the attributes of the latest 500 accounts."""
    features = [row[0] for row in _fetch("SELECT key FROM accounts_feature WHERE key <> '' ORDER BY key LIMIT 200", {})]
    latest = "SELECT attributes FROM accounts_account ORDER BY id DESC LIMIT 500"
    keys = f"SELECT DISTINCT jsonb_object_keys(attributes) AS key FROM ({latest}) latest WHERE jsonb_typeof(attributes) = 'object'"
    return features, [row[0] for row in _fetch(f"{keys} ORDER BY key LIMIT 200", {})]
