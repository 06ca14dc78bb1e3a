"""Statements that are planned once a connection: for the few that run with every answer.

Planning a join of nine tables takes ten times as long as running it. Django sends every statement
as text to be planned anew; here the values are bound by the server, so that it keeps the plan.
"""

from __future__ import annotations

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

# from the second use on a connection
_PREPARED_AFTER = 1


def prepared_cursor() -> CursorWrapper:
    """A cursor of the current connection (and its transaction) whose statements are kept prepared; close it, or use it in a `with`."""
    connection.ensure_connection()
    server = connection.connection
    if server.prepare_threshold != _PREPARED_AFTER:
        # Django's own cursors never prepare, whatever stands here
        server.prepare_threshold = _PREPARED_AFTER
    cursor = ServerBindingCursor(server)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)
