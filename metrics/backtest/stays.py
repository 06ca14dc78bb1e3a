"""Who was a customer at an instant, and when each account left, from the facts known by another instant.

A customer is an account with MRR > 0 (subscription) or with a completed order within the months of activity
(e-commerce); where an installation knows neither subscriptions nor orders, one that has signed up. Never one that is
excluded or whose day of leaving has passed. It leaves where its service ends and none begins within 30 days, where
the months of activity pass without an order, on `churned_at`, and on every event `account.churned`.
State is the left limit, as everywhere: who leaves at an instant is still there at it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from metrics.kpis.assumptions import activity_months
from metrics.kpis.dimensions import fetch
from metrics.kpis.earning import earning_ranges
from metrics.kpis.orders import PAID_ORDER

# a pause of service of so many days is no leaving, as in the survival of tenures
GAP_DAYS = 30
# the conventions of recurring revenue that are the default everywhere
CONVENTIONS = {"cancellation": "service_end", "pause": "zero", "discount": "in_force", "delinquency_days": None}

_STAYS = f"""
WITH spans AS (
    SELECT s.account_id, range_agg({earning_ranges(CONVENTIONS)}) AS ranges FROM accounts_subscription s
    WHERE s.mrr_micros > 0 AND s.start < %(known)s GROUP BY s.account_id),
orders AS (
    SELECT x.account_id, range_agg(tstzrange(x.occurred_at, ((x.occurred_at AT TIME ZONE %(zone)s + make_interval(months => %(months)s)) AT TIME ZONE %(zone)s), '(]')) AS ranges
    FROM accounts_transaction x JOIN accounts_account a ON a.id = x.account_id
    WHERE a.business_model = 'ecommerce' AND x.occurred_at < %(known)s AND {PAID_ORDER} GROUP BY x.account_id),
neither AS (
    SELECT a.id AS account_id, tstzmultirange(tstzrange(coalesce(a.signed_up_at, a.created_at), a.churned_at, '(]')) AS ranges FROM accounts_account a
    WHERE coalesce(a.signed_up_at, a.created_at) < %(known)s AND (a.churned_at IS NULL OR a.churned_at > coalesce(a.signed_up_at, a.created_at))
      AND NOT (SELECT EXISTS (SELECT 1 FROM accounts_subscription WHERE mrr_micros > 0 AND start < %(known)s))
      AND NOT (SELECT EXISTS (SELECT 1 FROM accounts_transaction WHERE occurred_at < %(known)s)))
SELECT r.account_id, extract(epoch FROM lower(each))::float8, coalesce(extract(epoch FROM upper(each))::float8, 'infinity'::float8)
FROM (SELECT * FROM spans UNION ALL SELECT * FROM orders UNION ALL SELECT * FROM neither) r JOIN accounts_account a ON a.id = r.account_id, unnest(r.ranges) each
WHERE NOT a.excluded AND lower(each) < %(known)s ORDER BY 1, 2
"""
_TOLD = """
SELECT a.id, extract(epoch FROM a.churned_at)::float8, true FROM accounts_account a WHERE NOT a.excluded AND a.churned_at < %(known)s
UNION ALL
SELECT e.account_id, extract(epoch FROM e.occurred_at)::float8, false FROM accounts_accountevent e JOIN accounts_account a ON a.id = e.account_id
WHERE e.kind = 'account.churned' AND e.occurred_at < %(known)s AND NOT a.excluded
"""


@dataclass(frozen=True)
class Stays:
    """When accounts were customers and when they left, in seconds since 1970, as known before `known`.

    `accounts` are ids in order; the other arrays name accounts by their place in it.
    """

    known: float
    accounts: np.ndarray
    stay_of: np.ndarray
    began: np.ndarray
    ended: np.ndarray
    exit_of: np.ndarray
    exits: np.ndarray
    gone_since: np.ndarray
    first: np.ndarray

    def customers(self, at: dt.datetime, *, begun_at_it: bool = False) -> np.ndarray:
        """Places of the accounts that are customers at the instant; `begun_at_it` also counts those that begin right then."""
        t = at.timestamp()
        there = ((self.began < t) | ((self.began == t) & begun_at_it)) & (self.ended >= t)
        member = np.zeros(self.accounts.size, dtype=bool)
        member[self.stay_of[there]] = True
        return np.flatnonzero(member & (self.gone_since >= t))

    def next_exit(self, at: dt.datetime) -> np.ndarray:
        """By place: the first leaving at or after the instant; infinity where none is known."""
        following = np.full(self.accounts.size, np.inf)
        later = self.exits >= at.timestamp()
        np.minimum.at(following, self.exit_of[later], self.exits[later])
        return following

    @property
    def leavers(self) -> int:
        """Accounts that left at least once."""
        return int(np.unique(self.exit_of).size)


def read_stays(*, known: dt.datetime) -> Stays:
    """Reads all accounts; facts dated at or after `known` are as if they had not happened. Two statements, however many accounts."""
    values: dict[str, Any] = {"known": known, "zone": settings.ORGANISATION_TIME_ZONE, "n": None, "months": activity_months()}
    stays, told = fetch(_STAYS, values), fetch(_TOLD, values)
    limit = known.timestamp()
    accounts = np.unique(np.array([row[0] for row in stays] + [row[0] for row in told], dtype=np.int64))
    of = np.searchsorted(accounts, np.array([row[0] for row in stays], dtype=np.int64))
    began, ended = np.array([row[1] for row in stays], dtype=float), np.array([row[2] for row in stays], dtype=float)
    follows = np.full(began.size, np.inf)
    if began.size > 1:
        follows[:-1] = np.where(of[1:] == of[:-1], began[1:], np.inf)
    over = (ended < limit) & (follows > ended + GAP_DAYS * 86_400)
    told_of = np.searchsorted(accounts, np.array([row[0] for row in told], dtype=np.int64))
    told_at = np.array([row[1] for row in told], dtype=float)
    gone = np.full(accounts.size, np.inf)
    final = np.array([bool(row[2]) for row in told], dtype=bool)
    gone[told_of[final]] = told_at[final]
    first = np.full(accounts.size, np.inf)
    np.minimum.at(first, of, began)
    exit_of, exits = np.concatenate([of[over], told_of]).astype(np.int64), np.concatenate([ended[over], told_at])
    # who never was a customer (a trial that ran out) has not left
    was = first[exit_of] < exits
    return Stays(
        known=limit, accounts=accounts, stay_of=of, began=began, ended=ended, exit_of=exit_of[was], exits=exits[was], gone_since=gone, first=first,
    )  # fmt: skip
