"""Stamps of the facts that figures are made from: equal stamps, equal facts. One cheap statement; nobody who writes has to think of it.

PostgreSQL counts for every table the rows that were inserted, updated and deleted. The counts only grow, so their
sum over a group of tables moves with whatever changes one of them: an import, an answer, a ticket, a recompute, a restatement,
a person at the keyboard, a hand in psql. Writing costs nothing, no row is locked and no trigger can be forgotten.
A session tells its counts when it comes to rest, at most once a second and after ten seconds at the latest; what was
worked out in between is kept under the older stamp and falls with the next one. Use of the product is left out on purpose:
it arrives all the time and no figure of the dashboards is about it, scores that it moves come with the recompute.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

GROUPS: dict[str, tuple[str, ...]] = {
    "money": ("accounts_subscription", "accounts_transaction", "accounts_exchangerate", "accounts_costentry"),
    "customers": ("accounts_account", "accounts_segment", "accounts_segmentmembership", "accounts_lifecyclestage", "accounts_user", "accounts_team", "accounts_cover"),
    "voice": ("surveys_response", "surveys_invitation", "surveys_loopcase", "surveys_survey", "accounts_topictag", "accounts_topic"),
    "tickets": ("tickets_ticket", "tickets_ticketchange", "tickets_ticketmessage", "tickets_interaction", "tickets_servicelevel", "tickets_businesshours"),
    "health": ("accounts_accountsnapshot", "metrics_healthrun", "metrics_healthmodel", "metrics_healthoverride"),
    "work": ("accounts_workitem", "accounts_accountevent"),
    "settings": (
        "metrics_assumption", "metrics_kpisetting", "metrics_performancetarget", "metrics_lossreason", "metrics_initiative", "metrics_budgetline", "metrics_budgetcategory",
        "metrics_closedfigure", "metrics_restatement",
    ),
}  # fmt: skip
EVERYTHING = tuple(GROUPS)
# what revenue, its rates and its bridges are made from
REVENUE_FACTS = ("money", "customers", "settings")

_STAMP = """
SELECT string_agg((SELECT coalesce(sum(pg_stat_get_tuples_inserted(t.oid) + pg_stat_get_tuples_updated(t.oid) + pg_stat_get_tuples_deleted(t.oid)), 0)::text
                   FROM unnest(string_to_array(tables, ' ')) AS name, LATERAL (SELECT to_regclass(name)::oid AS oid) t), '.' ORDER BY place)
FROM unnest(%s::text[]) WITH ORDINALITY AS groups (tables, place)"""


def stamp_of(groups: Iterable[str] = EVERYTHING) -> str:
    """The stamp of these groups of facts. Raises KeyError for a group that is not there. Ask before the figures are worked out."""
    with connection.cursor() as cursor:
        cursor.execute(_STAMP, [[" ".join(GROUPS[name]) for name in groups]])
        return cursor.fetchone()[0]
