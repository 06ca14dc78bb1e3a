"""What time it is: the real clock, or that of a sandbox, which stands ahead of it.

Edges ask here and nowhere else, once, and pass the answer down. The offset is stored in the sandbox's
own database; an installation never reads one.
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection
from django.utils import timezone


def offset() -> dt.timedelta:
    """How far this process's clock stands ahead of the real one; 0 outside a sandbox."""
    if not settings.SANDBOX:
        return dt.timedelta()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_offset_seconds FROM accounts_installation WHERE id = 1")
        row = cursor.fetchone()
    return dt.timedelta(seconds=row[0] if row else 0)


def read_clock() -> dt.datetime:
    """The present instant, aware, of the machine's clock."""
    return timezone.now() + offset()


def database_now() -> dt.datetime:
    """The present instant of the database's clock, for what is compared with what other machines recorded."""
    with connection.cursor() as cursor:
        # named in full: in a sandbox's database a function of this name stands before it
        cursor.execute("SELECT pg_catalog.statement_timestamp()")
        return cursor.fetchone()[0] + offset()
