"""Tickets for the tests of support figures, loaded as an import would, and questions about them."""

from __future__ import annotations

import datetime as dt
import itertools

from accounts.models import Account
from config.imports import load_rows
from metrics.kpis.engine import answer

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_NUMBERS = itertools.count(1)


def load(kind, rows):
    """Loads rows and insists that every one arrived; rows may lack columns of others."""
    columns = dict.fromkeys(name for row in rows for name in row)
    report = load_rows(kind, [{name: row.get(name) for name in columns} for row in rows], now=NOW)
    assert not report.refused, report
    assert report.created == len(rows), report
    return report


def account(key="acme", **fields):
    """An account of the tests."""
    return Account.objects.get_or_create(external_id=key, defaults={"name": key.title(), **fields})[0]


def ticket(key, opened_at, *events, account_key="acme", **fields):
    """One ticket with its log; an event is (instant, kind, value, actor kind), the last two may be left out."""
    account(account_key)
    load("tickets", [{"external_id": key, "account": account_key, "opened_at": opened_at, "channel": "email", **fields}])
    rows = []
    for at, kind, *more in events:
        value, actor = (*more, None, None)[:2]
        rows.append({"external_id": f"{key}-{next(_NUMBERS)}", "ticket": key, "occurred_at": at, "kind": kind, "value": value, "actor_kind": actor})
    for row in rows:
        if row["actor_kind"] is None:
            row["actor_kind"] = "customer" if row["kind"] in ("customer_reply", "created") else "agent"
    if rows:
        load("ticket_events", rows)


def contact(key, ended_at, channel, **fields):
    """One handled call, session or piece of work."""
    load("interactions", [{"external_id": key, "ended_at": ended_at, "channel": channel, **fields}])


def ask(name, variant=None, start="2024-06-01", end="2024-07-01", **more):
    """The figure of June 2024, unless asked for otherwise."""
    return answer(name=name, variant=variant, start=start, end=end, now=NOW, **more)


def groups(told):
    """Values by key."""
    return {group["key"]: group["value"] for group in told["groups"]}
