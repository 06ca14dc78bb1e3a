"""Whom a playbook fits now: the occasions of the last days that have no run yet, within what a reader sees."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Account, Playbook, PlaybookVersion, User
from accounts.playbooks import Plan
from accounts.queries.playbook_candidates import Window, occasions, zone
from accounts.queries.playbook_plans import plan_of
from accounts.queries.playbooks import scope_of
from accounts.rules import compile_where, parse

SHOWN, COUNTED = 50, 1000
# old matches that are taken reach back so far at most: what is older is no occasion any more
REACH = dt.timedelta(days=30)


@dataclass(frozen=True)
class Match:
    """An account with the moment that would start the playbook (None: fits its audience, and somebody has to start it)."""

    account: Account
    at: dt.datetime | None


@dataclass(frozen=True)
class Matches:
    """How many (stops above 1000), the latest of them, and since when occasions count."""

    count: int
    rows: list[Match]
    since: dt.datetime | None


def old_since(now: dt.datetime) -> dt.datetime:
    """From when on occasions are taken by a playbook that is switched on with those it fits already."""
    return now - REACH


# an account counts once, by its latest occasion
_MATCHES = """
SELECT f.account_id, max(f.at)
FROM ({found}) f JOIN accounts_account a ON a.id = f.account_id JOIN accounts_accountsnapshot s ON s.account_id = a.id
WHERE (%(churned)s OR a.churned_at IS NULL OR a.churned_at > %(now)s) AND (%(excluded)s OR NOT a.excluded) AND {audience} AND (%(whole)s OR a.id = ANY(%(scope)s))
  AND NOT EXISTS (SELECT 1 FROM accounts_playbookrun r WHERE r.playbook_id = %(playbook)s AND r.account_id = f.account_id AND (r.occasion = f.occasion OR r.status = 'running'))
GROUP BY f.account_id"""


def matches(user: User, playbook: Playbook, version: PlaybookVersion, *, now: dt.datetime) -> Matches:
    """Whom the version fits now. Raises PlaybookFaults for a draft that cannot run."""
    plan = plan_of(version)
    sql, values = _statement(user, playbook, version, plan, now=now)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql} LIMIT {COUNTED + 1}) few", values)
        count: int = cursor.fetchone()[0]
        cursor.execute(f"{sql} ORDER BY 2 DESC NULLS LAST, 1 LIMIT {SHOWN}", values)
        found = cursor.fetchall()
    accounts = Account.objects.visible_to(user).select_related("segment", "owner").in_bulk([pk for pk, _at in found])
    by_hand = plan.trigger["kind"] == "manual"
    return Matches(count, [Match(accounts[pk], at) for pk, at in found if pk in accounts], None if by_hand else old_since(now))


def _statement(user: User, playbook: Playbook, version: PlaybookVersion, plan: Plan, *, now: dt.datetime) -> tuple[str, dict[str, Any]]:
    found, given = "", dict[str, Any]()
    audience, params = ("true", {}) if plan.audience is None else compile_where(parse(plan.audience), prefix="au")
    if plan.trigger["kind"] == "manual":
        found = "SELECT id AS account_id, NULL::timestamptz AS at, ''::text AS occasion FROM accounts_account"
    else:
        found, given = occasions(plan.trigger, Window(since=old_since(now), until=now, imports=True))
    scope = scope_of(user)
    values: dict[str, Any] = {
        "playbook": playbook.pk, "now": now, "today": now.astimezone(zone()).date(), "churned": version.includes_churned, "excluded": version.includes_excluded,
        "whole": scope is None, "scope": scope or [],
    }  # fmt: skip
    return _MATCHES.format(found=found, audience=f"({audience})"), values | dict(params) | given
