"""What a kind of import is: its columns, its key, its table, and its own steps.

A kind is declared by the app that owns the table. The engine stages the file in the temporary table
`incoming` (one typed column a cell, plus `row`), lets the kind turn references into ids, builds
`final` (the complete rows as they shall stand, `target` being the id of the row that exists), and
writes the difference. Kinds only fill in the hooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from accounts.importing.field_types import FieldType
from accounts.importing.writing import build_final, record_changes, write_final

if TYPE_CHECKING:
    from accounts.importing.staging import Loading


@dataclass(frozen=True)
class Column:
    """One column of the file. Without a `target` of its name it is a reference that the kind resolves."""

    name: str
    type: FieldType
    required: bool = False
    target: str | None = None


@dataclass(frozen=True)
class LooseReference:
    """A reference that no foreign key guards: undoing rows of `table` looks here too."""

    table: str
    by_table: str
    column: str


@dataclass(frozen=True)
class DerivedRows:
    """Rows of `by_table` that are worked out from rows of `table`; `condition` over `c` keeps what people made."""

    table: str
    by_table: str
    column: str
    condition: str = "true"


class Kind:
    """A kind of import; subclasses are instantiated once, in the list of their app."""

    name: ClassVar[str]
    model: ClassVar[type[models.Model]]
    columns: ClassVar[tuple[Column, ...]]
    # columns of the file that make a row the same row, and the columns of the table that hold them
    key: ClassVar[tuple[str, ...]] = ("external_id",)
    key_targets: ClassVar[tuple[str, ...]] = ("external_id",)
    # columns that land in `attributes` when nobody knows them
    keeps_unknown: ClassVar[bool] = False
    # summed columns of `combine = "sum"`; empty: the kind cannot combine
    summed: ClassVar[tuple[str, ...]] = ()
    # columns computed in Python from the cells of one row: (name, SQL type)
    derived: ClassVar[tuple[tuple[str, str], ...]] = ()
    # columns of the table that other parts of the product write: no change of them blocks an undo
    unmanaged: ClassVar[frozenset[str]] = frozenset()
    # columns that rules change besides: an undo brings back what stood there, unless a person changed it since
    moved_by_rules: ClassVar[frozenset[str]] = frozenset()
    loose_references: tuple[LooseReference, ...] = ()
    # rows that another part derives from ours; an undo deletes them with their row
    derived_rows: ClassVar[tuple[DerivedRows, ...]] = ()

    @property
    def table(self) -> str:
        """The table that is written."""
        return self.model._meta.db_table

    @property
    def names(self) -> frozenset[str]:
        """The names of all columns of the file."""
        return frozenset(column.name for column in self.columns)

    def derive(self, cells: dict[str, Any]) -> tuple[Any, ...]:
        """The derived columns of one row, in the order of `derived`."""
        return ()

    def targets(self, load: Loading) -> dict[str, str]:
        """Column of the table -> SQL over `i` (incoming) and `t` (the row that exists, or nulls).

        Only of what the file gives; what it does not give keeps what is stored.
        """
        return {}

    def take_whole(self, load: Loading) -> dict[str, int] | None:
        """Loads a plain file in a few statements and counts rows by fate; None for kinds that have no such way.

        Must end like the careful way for every file it accepts. Raises NotPlain, or a fault of the
        database, for all others; what was written is then taken back.
        """
        return None

    def resolve(self, load: Loading) -> None:
        """Turns references of `incoming` into ids, rejecting rows that name nothing."""

    def build(self, load: Loading) -> None:
        """Makes `final`; only a kind whose table has no id does it in its own way."""
        build_final(load)

    def write(self, load: Loading) -> None:
        """Writes the difference between `final` and the table."""
        write_final(load)

    def record(self, load: Loading) -> None:
        """Keeps what the undo needs."""
        record_changes(load)

    def check(self, load: Loading) -> None:
        """Looks at the complete rows of `final`; rejects and warns."""

    def after_insert(self, load: Loading) -> None:
        """After new rows were written, before existing ones are compared (references inside the file)."""

    def before_update(self, load: Loading) -> None:
        """After new rows would be in the way of old ones, or old ones of each other: makes room first."""

    def mark_changed(self, load: Loading) -> None:
        """Marks rows of `final` as changed for what stands in other tables."""

    def finish(self, load: Loading) -> None:
        """Events, derived tables and marks for the rows of `final` whose fate is created or changed."""
