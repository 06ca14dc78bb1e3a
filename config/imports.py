"""Every kind of import, by name, and the way in for programs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from accounts.importing.bundles import Profile, read_profile
from accounts.importing.engine import Report, load
from accounts.importing.faults import WrongMap
from accounts.importing.kinds import DerivedRows, Kind
from accounts.importing.mapping import Mapping
from accounts.importing.reader import CsvFile, RowList
from accounts.importing.staging import Listener
from accounts.imports import KINDS as ACCOUNT_KINDS
from accounts.models import Account
from metrics.models import ChurnRisk, HealthScore, KnownFacts
from surveys.imports.responses import Responses
from tickets.imports import KINDS as TICKET_KINDS
from tickets.models import Ticket

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*ACCOUNT_KINDS, *TICKET_KINDS, Responses(Ticket._meta.db_table))}

# what metrics works out of accounts goes with them when a batch is undone
DERIVED = tuple(DerivedRows(Account._meta.db_table, model._meta.db_table, "account_id") for model in (HealthScore, ChurnRisk, KnownFacts))


class UnknownKind(ValueError):
    """A kind that nobody declared."""

    def __init__(self, name: str):
        super().__init__(f"“{name}” is no kind of import; known are {', '.join(KINDS)}")


def kind_named(name: str) -> Kind:
    """The kind of a name. Raises UnknownKind."""
    if name not in KINDS:
        raise UnknownKind(name)
    return KINDS[name]


def load_rows(
    kind: str, rows: Iterable[dict[str, Any]], *, now: dt.datetime, name: str = "rows", mapping: Mapping | None = None, dry_run: bool = False,
    good_rows_only: bool = False, profile: str = "", actor_id: int | None = None, listener: Listener | None = None,
) -> Report:  # fmt: skip
    """Loads dictionaries as if they were the rows of a CSV file of this kind.

    All rows have the keys of the first. Values may be texts as in a file or plain Python values
    (numbers, Decimal, dates, aware datetimes, booleans, lists of tags, dictionaries for JSON; None
    clears). `name` stands in the batch and in messages. Raises UnknownKind; a refused load raises
    nothing, its report says `refused`.
    """
    return load(
        kind=kind_named(kind), source=RowList(rows, name=name), now=now, mapping=mapping, dry_run=dry_run, good_rows_only=good_rows_only,
        profile=profile, actor_id=actor_id, listener=listener,
    )  # fmt: skip


def load_file(
    kind: str, path: Path | str, *, now: dt.datetime, mapping: Mapping | None = None, dry_run: bool = False, good_rows_only: bool = False,
    profile: str = "", actor_id: int | None = None, listener: Listener | None = None,
) -> Report:  # fmt: skip
    """Loads a `.csv` or `.csv.gz` file of this kind. Raises UnknownKind, WrongMap."""
    mapping = mapping or Mapping()
    return load(
        kind=kind_named(kind), source=CsvFile(path, mapping.dialect), now=now, mapping=mapping, dry_run=dry_run, good_rows_only=good_rows_only,
        profile=profile, actor_id=actor_id, listener=listener,
    )  # fmt: skip


PROFILES = Path(__file__).resolve().parent / "profiles"


def find_profile(name: str) -> Profile:
    """A shipped profile by name (that of its data folder will do, too), or one of a file. Raises WrongMap."""
    shipped = PROFILES / f"{name.removesuffix('_export').removesuffix('_saas')}.toml"
    if "/" not in name and shipped.is_file():
        return read_profile(shipped)
    if Path(name).is_file():
        return read_profile(Path(name))
    raise WrongMap(f"“{name}” is neither a shipped profile ({', '.join(sorted(path.stem for path in PROFILES.glob('*.toml')))}) nor a file")
