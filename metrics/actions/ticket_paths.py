"""Keeping the paths of tickets: of those that were touched, a batch at a time, worked out from the log."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from metrics.kpis.ticket_log import BUILT, COLUMNS, STALE, path_tables

TICKETS_A_TURN = 5_000
# the marks that are taken away are those seen here; what is marked from now on stays for the next turn
_TAKE = """
WITH first AS (SELECT id, ticket_id FROM metrics_staleticket ORDER BY id LIMIT %s),
gone AS (DELETE FROM metrics_staleticket s USING first f WHERE s.id = f.id)
SELECT array_agg(DISTINCT ticket_id) FROM first"""
_TOUCHED = "touched AS MATERIALIZED (SELECT unnest(%(ids)s::bigint[]) AS ticket_id)"
_FORGET = f"WITH {_TOUCHED}, {STALE.format(source='touched')} DELETE FROM metrics_ticketpath p USING stale s WHERE p.ticket_id = s.id"
_KEEP = f"""
WITH RECURSIVE {_TOUCHED}, {STALE.format(source="touched")}, {path_tables("stale")}
INSERT INTO metrics_ticketpath (ticket_id, {", ".join(COLUMNS)}) {BUILT}"""


def keep_paths() -> Iterator[int]:
    """Works out the paths of touched tickets, turn after turn, each in a transaction of its own: how many marks it took.

    One process does it at a time; another one finds nothing to do. A ticket that is touched while its path is
    worked out stays marked, and figures read its log until the next turn.
    """
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('vefa.ticket_paths'))")
            if not cursor.fetchone()[0]:
                return
            cursor.execute(_TAKE, [TICKETS_A_TURN])
            ids = cursor.fetchone()[0]
            if ids is None:
                return
            cursor.execute(_FORGET, {"ids": ids})
            cursor.execute(_KEEP, {"ids": ids})
        yield len(ids)
