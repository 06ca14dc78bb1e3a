"""How complete and fresh the facts about customers are: which kinds, what each is worth, one statement for one account or all of them.

A kind is missing, stale (older than its limit), fresh, or not expected of the account. Completeness is the share of
the weight of what is expected that is fresh. What filling the gaps settles is the yearly revenue that is judged without them:
12 x MRR x the share of the weight that is missing or stale.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from metrics.moments import Moment
from metrics.sql.health_inputs import LISTED

FRESH, STALE, MISSING, NOT_EXPECTED = "fresh", "stale", "missing", "na"


@dataclass(frozen=True)
class Kind:
    """A kind of facts: its weight of 100, its freshness limit, and over the row of `_ROWS` when it was there, whether it is, whether it is expected."""

    key: str
    weight: int
    fresh_days: int | None
    at: str
    there: str
    expected: str = "true"


_SUBSCRIBES = "a.business_model = 'subscription'"
KINDS = (
    Kind("usage", 25, 28, "s.last_seen_on::timestamptz", "s.last_seen_on IS NOT NULL"),
    Kind("answers", 20, 365, "r.answered_at", "r.answered_at IS NOT NULL"),
    Kind("contacts", 15, None, "c.contact_at", "c.contact_at IS NOT NULL"),
    Kind("revenue", 15, 365, f"CASE WHEN NOT {_SUBSCRIBES} THEN o.ordered_at END", f"CASE WHEN {_SUBSCRIBES} THEN s.mrr_micros > 0 ELSE o.ordered_at IS NOT NULL END"),
    # terms below three months roll on: they have no renewal that could be known
    Kind("renewal", 10, None, "s.renews_on::timestamptz", "s.renews_on >= %(t_date)s", f"{_SUBSCRIBES} AND NOT (s.mrr_micros > 0 AND s.renews_on IS NULL)"),
    Kind("owner", 10, None, "NULL::timestamptz", "a.owner_id IS NOT NULL"),
    Kind("touch", 5, 90, "s.last_touch_at", "s.last_touch_at IS NOT NULL"),
)
NAMES = {
    "usage": _("Usage"), "answers": _("Answers to surveys"), "contacts": _("A contact with a role"), "revenue": _("Subscription or order"),
    "renewal": _("Renewal date"), "owner": _("Owner"), "touch": _("A touch"),
}  # fmt: skip
HOW = {
    "usage": _("Send usage by import, API or webhook; where it arrives, nobody uses the product: call."),
    "answers": _("Ask a contact who may be asked, or log what they said."),
    "contacts": _("Give a contact a role or a job title."),
    "revenue": _("Import the subscription in force, or the orders."),
    "renewal": _("Import the subscription with its end or its term."),
    "owner": _("Give the account an owner."),
    "touch": _("Call or write, and log it."),
}  # fmt: skip


def _state(kind: Kind) -> str:
    stale = f"WHEN {kind.at} < %(as_of)s::timestamptz - interval '{kind.fresh_days} days' THEN '{STALE}'" if kind.fresh_days else ""
    return f"CASE WHEN NOT ({kind.expected}) THEN '{NOT_EXPECTED}' WHEN NOT coalesce({kind.there}, false) THEN '{MISSING}' {stale} ELSE '{FRESH}' END"


def _gap(key: str) -> str:
    return f"{key} IN ('{MISSING}', '{STALE}')"


def facts_select(scope: str) -> str:
    """Customers of the scope with completeness, gaps, what they settle, and state and instant of each kind, in the order of `KINDS`.

    Parameters: as_of, t_date and those of the scope. Reads the snapshot, which follows the facts within a minute.
    """
    states = ", ".join(f"{_state(kind)} AS {kind.key}, {kind.at} AS {kind.key}_at" for kind in KINDS)
    expected = " + ".join(f"CASE WHEN {kind.key} <> '{NOT_EXPECTED}' THEN {kind.weight} ELSE 0 END" for kind in KINDS)
    lacking = " + ".join(f"CASE WHEN {_gap(kind.key)} THEN {kind.weight} ELSE 0 END" for kind in KINDS)
    gaps = ", ".join(f"CASE WHEN {_gap(kind.key)} THEN '{kind.key}' END" for kind in KINDS)
    columns = ", ".join(f"{kind.key}, {kind.key}_at" for kind in KINDS)
    return f"""
SELECT account_id, ((200 * (expected - lacking) + expected) / (2 * expected))::smallint AS completeness, array_remove(ARRAY[{gaps}], NULL)::varchar[] AS gaps,
       (12 * mrr_micros / expected * lacking)::bigint AS settles_micros, {columns}
FROM (SELECT *, ({expected}) AS expected, ({lacking}) AS lacking
      FROM (SELECT a.id AS account_id, s.mrr_micros, {states}
            FROM accounts_account a
            JOIN accounts_accountsnapshot s ON s.account_id = a.id AND {scope.format("s.account_id")}
            LEFT JOIN (SELECT account_id, max(updated_at) AS contact_at FROM accounts_contact
                       WHERE {scope.format("account_id")} AND (role <> '' OR job_title <> '') GROUP BY account_id) c ON c.account_id = a.id
            LEFT JOIN (SELECT account_id, max(answered_at) AS answered_at FROM surveys_response
                       WHERE {scope.format("account_id")} AND answered_at < %(as_of)s AND NOT is_suspect AND NOT test GROUP BY account_id) r ON r.account_id = a.id
            LEFT JOIN LATERAL (SELECT max(t.occurred_at) AS ordered_at FROM accounts_transaction t
                               WHERE t.account_id = a.id AND t.status = 'succeeded' AND t.occurred_at < %(as_of)s AND NOT {_SUBSCRIBES}) o ON true
            WHERE {scope.format("a.id")} AND NOT a.excluded AND (a.churned_at IS NULL OR a.churned_at >= %(as_of)s)) told) weighed"""


@dataclass(frozen=True)
class KindTold:
    """One kind at one account."""

    key: str
    state: str
    at: dt.datetime | None
    fresh_days: int | None

    @property
    def name(self) -> str:
        """In the reader's language."""
        return str(NAMES[self.key])

    @property
    def how(self) -> str:
        """What would fill it."""
        return str(HOW[self.key])

    @property
    def is_gap(self) -> bool:
        """Whether it is missing or stale."""
        return self.state in {MISSING, STALE}


@dataclass(frozen=True)
class Completeness:
    """How complete the facts about one account are."""

    account_id: int
    percent: int
    settles_micros: int
    kinds: tuple[KindTold, ...]

    @property
    def gaps(self) -> list[KindTold]:
        """What is missing or stale, the weightiest first."""
        return [kind for kind in self.kinds if kind.is_gap]


def completeness_of(*, account_ids: Iterable[int], now: dt.datetime) -> dict[int, Completeness]:
    """By account, as of now; accounts that left or are excluded are absent. One statement."""
    moment = Moment.at(as_of=now, now=now, zone=settings.ORGANISATION_TIME_ZONE)
    with connection.cursor() as cursor:
        cursor.execute(facts_select(LISTED), {**moment.parameters, "ids": sorted(set(account_ids))})
        rows = cursor.fetchall()
    return {
        row[0]: Completeness(row[0], row[1], row[3], tuple(KindTold(kind.key, row[4 + 2 * n], row[5 + 2 * n], kind.fresh_days) for n, kind in enumerate(KINDS))) for row in rows
    }
