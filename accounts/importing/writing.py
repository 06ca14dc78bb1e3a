"""From staged rows to the table: the complete rows, the difference, and how to undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, models

if TYPE_CHECKING:
    from accounts.importing.staging import Loading

# kept by this module itself on every table that has them
STAMPS = ("version", "created_at", "updated_at")
# so many written rows make statistics of the table out of date
MANY = 500


def _sql_type(field: models.Field) -> str:
    """The type of a column without its length, so that a cast never cuts or rounds."""
    kind = str(field.db_type(connection)).lower()
    array = kind.endswith("[]")
    base = kind.removesuffix("[]").split("(")[0]
    return base + ("[]" if array else "")


def _default(field: models.Field) -> Any:
    """What a new row holds where the file says nothing."""
    if field.null:
        return None
    if field.has_default():
        return field.get_db_prep_save(field.get_default(), connection)
    return field.get_db_prep_save("", connection) if field.empty_strings_allowed else None


def _managed(load: Loading) -> dict[str, models.Field]:
    """The columns of the table that a load writes, by name."""
    kind = load.kind
    return {
        str(field.column): field
        for field in kind.model._meta.concrete_fields
        if not isinstance(field, models.CompositePrimaryKey)
        and field.column not in STAMPS
        and field.column not in kind.unmanaged
        and not (field.primary_key and field.column == "id")
    }


def build_final(load: Loading) -> None:
    """Makes `final`: for each row of `incoming` the complete row, and the id of the one that exists."""
    kind = load.kind
    given = kind.targets(load)
    fields = _managed(load)
    parameters: dict[str, Any] = {}
    parts = []
    for number, (column, field) in enumerate(fields.items()):
        kind_sql = _sql_type(field)
        if column in given:
            expression = given[column]
            if not field.null:
                parameters[f"d{number}"] = _default(field)
                expression = f"coalesce({expression}, %(d{number})s::{kind_sql})"
            parts.append(f'({expression})::{kind_sql} AS "{column}"')
        else:
            parameters[f"d{number}"] = _default(field)
            parts.append(f'CASE WHEN t."{kind.key_targets[0]}" IS NULL AND t.id IS NULL THEN %(d{number})s::{kind_sql} ELSE t."{column}" END AS "{column}"')
    equal = [f't."{column}" IS NOT DISTINCT FROM ({given[column]})' if fields[column].null else f't."{column}" = ({given[column]})' for column in kind.key_targets]
    load.run(
        f"CREATE TEMPORARY TABLE final AS SELECT i.row, t.id AS target, NULL::text AS fate, NULL::jsonb AS before, {', '.join(parts)} "
        f'FROM incoming i LEFT JOIN "{kind.table}" t ON {" AND ".join(equal)}',
        parameters,
    )
    load.run("CREATE INDEX ON final (target)")
    load.run("ANALYZE final")


def fill_from_model(load: Loading, plain: dict[str, str] | None = None) -> dict[str, str]:
    """The targets of columns that go straight into a column of their name: `{column: i.column}`."""
    columns = {field.column for field in load.kind.model._meta.concrete_fields}
    found = {}
    for column in load.kind.columns:
        target = column.target or column.name
        if column.name in load.given and target in columns:
            found[target] = f'i."{column.name}"'
    for name, _type in load.kind.derived:
        if name in columns:
            found[name] = f'i."{name}"'
    if load.gives_attributes:
        found["attributes"] = "(coalesce(t.attributes, '{}'::jsonb) || i.attributes) - i.cleared"
    return {**found, **(plain or {})}


def write_final(load: Loading) -> None:
    """Inserts what is new, updates what differs, and sets `fate` and `before` of every row of `final`."""
    kind = load.kind
    columns = list(_managed(load))
    stamps = [name for name in STAMPS if name in {field.column for field in kind.model._meta.concrete_fields}]
    # the rows that exist are locked in one order, so that two writers never wait for each other
    load.run(f'SELECT count(*) FROM (SELECT t.id FROM "{kind.table}" t JOIN final f ON f.target = t.id ORDER BY t.id FOR NO KEY UPDATE OF t) AS locked')
    load.run("UPDATE final SET fate = 'created' WHERE target IS NULL")
    different = " OR ".join(f't."{column}" IS DISTINCT FROM f."{column}"' for column in columns)
    load.run(f"UPDATE final f SET fate = 'changed', before = to_jsonb(t) FROM \"{kind.table}\" t WHERE t.id = f.target AND f.fate IS NULL AND ({different})")
    kind.before_update(load)
    _insert(load, columns, stamps)
    kind.after_insert(load)
    kind.mark_changed(load)
    _update(load, columns, stamps)
    load.run("UPDATE final SET fate = 'unchanged' WHERE fate IS NULL")
    _tell_the_planner(load)


def _tell_the_planner(load: Loading) -> None:
    """Statistics of what was written: nobody else can see these rows yet, and what follows joins them by the thousand.

    Without them a join is planned for one row and takes minutes. A table in partitions is left alone: all of them would be read.
    """
    load.run("ANALYZE final")
    written = load.fetch("SELECT count(*) FROM final WHERE fate <> 'unchanged'")[0][0]
    if written >= MANY and load.fetch("SELECT relkind = 'r' FROM pg_class WHERE oid = %(table)s::regclass", {"table": f'"{load.kind.table}"'})[0][0]:
        load.run(f'ANALYZE "{load.kind.table}"')


def mark_rows_changed(load: Loading, condition: str, values: dict[str, Any] | None = None) -> None:
    """Marks rows of `final` (`f`) as changed that only differ in what a hook found; keeps what stands there."""
    load.run(f"UPDATE final f SET fate = 'changed', before = to_jsonb(t) FROM \"{load.kind.table}\" t WHERE t.id = f.target AND f.fate IS NULL AND ({condition})", values)


def _insert(load: Loading, columns: list[str], stamps: list[str]) -> None:
    """Writes the new rows and learns their ids."""
    kind = load.kind
    fields = kind.model._meta.concrete_fields
    # what other parts of the product write still needs its default
    others = {field.column: _default(field) for field in fields if field.column in kind.unmanaged and not field.null and not field.has_db_default()}
    values = [f'"{column}"' for column in columns]
    values += ["1" if name == "version" else "%(now)s" for name in stamps]
    values += [f"%(other_{column})s" for column in others]
    names = [f'"{column}"' for column in (*columns, *stamps, *others)]
    if isinstance(kind.model._meta.pk, models.UUIDField):
        names.append("id")
        values.append("gen_random_uuid()")
    load.run(
        f"INSERT INTO \"{kind.table}\" ({', '.join(names)}) SELECT {', '.join(values)} FROM final WHERE fate = 'created' ORDER BY row",
        {f"other_{column}": value for column, value in others.items()},
    )
    nullable = {field.column for field in fields if field.null}
    equal = " AND ".join(f't."{column}" IS NOT DISTINCT FROM f."{column}"' if column in nullable else f't."{column}" = f."{column}"' for column in kind.key_targets)
    load.run(f"UPDATE final f SET target = t.id FROM \"{kind.table}\" t WHERE f.fate = 'created' AND {equal}")


def _update(load: Loading, columns: list[str], stamps: list[str]) -> None:
    """Writes the changed rows."""
    sets = [f'"{column}" = f."{column}"' for column in columns]
    if "version" in stamps:
        sets.append("version = t.version + 1")
    if "updated_at" in stamps:
        sets.append("updated_at = %(now)s")
    load.run(f"UPDATE \"{load.kind.table}\" t SET {', '.join(sets)} FROM final f WHERE t.id = f.target AND f.fate = 'changed'")


def record_changes(load: Loading) -> None:
    """Keeps for each created or changed row what stood there before and what stands there now."""
    load.run(
        'INSERT INTO accounts_importchange (batch_id, "table", row_key, created, before, after) '
        "SELECT %(batch)s, %(table_name)s, jsonb_build_object('id', f.target), f.fate = 'created', f.before, to_jsonb(t) "
        f"FROM final f JOIN \"{load.kind.table}\" t ON t.id = f.target WHERE f.fate IN ('created', 'changed') ORDER BY f.row",
        {"table_name": load.kind.table},
    )


def record_side_rows(load: Loading, table: str, query: str, values: dict[str, Any] | None = None) -> None:
    """Keeps rows of another table for the undo: a query for (id, created, before, after)."""
    load.run(
        'INSERT INTO accounts_importchange (batch_id, "table", row_key, created, before, after) '
        f"SELECT %(batch)s, %(table_name)s, jsonb_build_object('id', q.id, 'side', true), q.created, q.before, q.after FROM ({query}) AS q (id, created, before, after)",
        {**(values or {}), "table_name": table},
    )
