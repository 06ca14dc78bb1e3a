"""Writing usage: months, features, and rows added or replaced set-wise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from accounts.actions.dirty import mark_dirty
from accounts.models import Feature


def ensure_months(table: str, first: dt.date, last: dt.date) -> int:
    """Makes the monthly partitions of a partitioned table; returns how many were missing.

    Raises django.db.Error for a span of over a hundred years.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT vefa_ensure_months(%s, %s, %s)", [table, first, last])
        return cursor.fetchone()[0]


def feature_ids(keys: Iterable[str]) -> dict[str, int]:
    """The ids of features by key; unknown ones are created."""
    wanted = set(keys)
    known = dict(Feature.objects.filter(key__in=wanted).values_list("key", "id"))
    missing = sorted(wanted - known.keys())
    if missing:
        Feature.objects.bulk_create([Feature(key=key) for key in missing], ignore_conflicts=True)
        known = dict(Feature.objects.filter(key__in=wanted).values_list("key", "id"))
    return known


# (account_id, feature key, day, count, users, seconds, errors)
UsageRow = tuple[int, str, dt.date, int, int | None, int | None, int | None]


def put_usage(rows: Sequence[UsageRow]) -> int:
    """Sets the day's figures (a row that exists is replaced); returns the number of rows.

    The keys must be unique among `rows` and the accounts must exist. One COPY and one grouped
    upsert, in one transaction.
    """
    if not rows:
        return 0
    features = feature_ids({row[1] for row in rows})
    with transaction.atomic():
        ensure_months("accounts_usageday", min(row[2] for row in rows), max(row[2] for row in rows))
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE incoming_usage (account_id bigint, feature_id bigint, day date, count integer, "
                "users integer, seconds integer, errors integer) ON COMMIT DROP"
            )
            raw: Any = cursor.cursor
            with raw.copy("COPY incoming_usage FROM STDIN") as copy:
                for account, feature, day, *figures in rows:
                    copy.write_row((account, features[feature], day, *figures))
            cursor.execute(
                "INSERT INTO accounts_usageday AS u (account_id, feature_id, day, count, users, seconds, errors) "
                "SELECT * FROM incoming_usage ORDER BY account_id, feature_id, day "
                "ON CONFLICT (account_id, feature_id, day) DO UPDATE SET count = excluded.count, "
                "users = coalesce(excluded.users, u.users), seconds = coalesce(excluded.seconds, u.seconds), "
                "errors = coalesce(excluded.errors, u.errors) "
                "WHERE (u.count, u.users, u.seconds, u.errors) IS DISTINCT FROM "
                "(excluded.count, coalesce(excluded.users, u.users), coalesce(excluded.seconds, u.seconds), coalesce(excluded.errors, u.errors))"
            )
            cursor.execute("DROP TABLE incoming_usage")
        mark_dirty({row[0] for row in rows}, reason="usage")
    return len(rows)
