"""How the worklist's statements reach the database: prepared once a connection where one plan fits all values.

Half the time of a short statement is its planning. What reads the book of one person goes by the same
index whoever it is, so such a statement is planned once (PREPARE) and then only executed. Others are
sent as they are: their best plan depends on the values.
"""

from __future__ import annotations

import functools
import hashlib
import re
import weakref
from typing import Any

import psycopg
from django.db import ProgrammingError, connection
from django.db.utils import DatabaseError, NotSupportedError

# filters of every kind make a few dozen shapes; what comes beyond them is sent as it is
MOST = 64
_VALUE = re.compile(r"%\((\w+)\)s")
# by physical connection: the names prepared there, or None where preparing does not work (a pooler between)
_prepared: weakref.WeakKeyDictionary[Any, set[str] | None] = weakref.WeakKeyDictionary()


@functools.lru_cache(maxsize=256)
def _forms(sql: str) -> tuple[str, str, str]:
    """The name of a statement, how it is prepared and how it is executed."""
    names = list(dict.fromkeys(_VALUE.findall(sql)))
    places = {name: f"${number}" for number, name in enumerate(names, 1)}
    name = "work_" + hashlib.sha256(sql.encode()).hexdigest()[:24]
    values = ", ".join(f"%({value})s" for value in names)
    return name, f"PREPARE {name} AS {_VALUE.sub(lambda found: places[found[1]], sql)}", f"EXECUTE {name}({values})" if names else f"EXECUTE {name}"


def _lost(fault: DatabaseError) -> bool:
    """Whether a prepared statement is gone, is there already, or no longer has the columns it had."""
    return isinstance(fault.__cause__, (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement, psycopg.errors.FeatureNotSupported))


def fetch(sql: str, values: dict[str, Any], *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """All rows of a statement with named values. `prepared` says that one plan is right for all values.

    Where a prepared statement does not hold (a pooler that changes connections, a migration in
    between) the statement is sent as it is, from then on for that connection.
    """
    with connection.cursor() as cursor:
        names = _prepared.setdefault(connection.connection, set()) if prepared else None
        if names is not None:
            name, prepare, execute = _forms(sql)
            try:
                if name in names:
                    cursor.execute(execute, values)
                    return cursor.fetchall()
                if len(names) < MOST:
                    # both in one message: the first time costs no round trip more
                    cursor.execute(f"{prepare}; {execute}", values)
                    cursor.nextset()
                    names.add(name)
                    return cursor.fetchall()
            except (ProgrammingError, NotSupportedError) as fault:
                if connection.in_atomic_block or not _lost(fault):
                    raise
                _prepared[connection.connection] = None
        cursor.execute(sql, values)
        return cursor.fetchall()
