"""Transforms of profiles: small pure steps over rows of texts, between the reader and the map. Pure.

A step takes numbered rows (dictionaries of texts under the names of the foreign file) and gives
numbered rows back, lazily where it can. A step that must see all rows before the first comes out
(`combine`, `diff_rows`) says so. Days are compared as texts, so they must be written as ISO 8601.

| step | does |
|---|---|
| `lookup` | takes columns from the row of another file that has the same key |
| `combine` | makes one row of all rows with one key, summing some columns |
| `unpivot` | makes a row of each of several columns |
| `scale` | multiplies numbers, exactly |
| `add_time` | an instant plus so many minutes, hours or days |
| `months_before` | a day so many months before a fixed one |
| `constant` | one value for every row |
| `copy` | a column under a second name, possibly through a value map |
| `concat_key` | one key from several columns, numbered where it repeats |
| `pack` | a JSON object from several columns (the payload of events) |
| `diff_rows` | from the successive states of a thing, what changed when |
| `keep`, `drop` | only the rows that meet (do not meet) a condition |
| `placeholder` | a fixed value where a reference leads nowhere |
| `warn_if`, `warn_repeated` | counts rows without touching them |
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from accounts.importing.faults import FileFault, WrongMap

Cells = dict[str, str]
Row = tuple[int, Cells]
Rows = Iterable[Row]
Tables = Callable[[str], Iterable[Cells]]
Options = dict[str, Any]


class Context:
    """What steps may look at besides their rows: the other files of the bundle, and a counter of warnings."""

    def __init__(self, tables: Tables):
        self.tables = tables
        self.warnings: Counter[str] = Counter()


def _listed(options: Options, name: str) -> list[str]:
    value = options.get(name, [])
    return [value] if isinstance(value, str) else list(value)


def _take(cells: Cells, column: str, number: int) -> str:
    try:
        return cells[column]
    except KeyError as fault:
        raise WrongMap(f"a step asks for the column “{column}”, which row {number} does not have") from fault


def meets(cells: Cells, condition: dict[str, Any], number: int = 0) -> bool:
    """Whether a row meets a condition: `{column = value or list}`; `{before = [a, b]}`, `{after = [a, b]}`; `{empty = column}`, `{filled = column}`; `{not = {...}}`.

    All parts must hold. `before` holds where both are filled and the first comes earlier, `after` where it comes later.
    """
    for name, wanted in condition.items():
        if name == "not":
            if meets(cells, wanted, number):
                return False
        elif name in {"before", "after"}:
            left, right = (_take(cells, column, number) for column in wanted)
            if not left or not right or left == right or (left < right) != (name == "before"):
                return False
        elif name in {"empty", "filled"}:
            if any((_take(cells, column, number) == "") != (name == "empty") for column in _listed({"columns": wanted}, "columns")):
                return False
        elif _take(cells, name, number) not in ({wanted} if isinstance(wanted, str) else set(wanted)):
            return False
    return True


def lookup(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`file`, `by` (our column), `key` (theirs), `take = {new = theirs}`; `missing` = empty (default), drop, or a value for every new column; `warn` names a warning.

    Keeps the asked columns of the other file in memory. Of rows with one key the first counts; with
    `take` of `{n = "#"}` the number of rows of that key is taken.
    """
    take = dict(options["take"])
    found: dict[str, Cells] = {}
    counts: Counter[str] = Counter()
    condition = options.get("where", {})
    for row in context.tables(options["file"]):
        if not meets(row, condition):
            continue
        key = row[options["key"]]
        counts[key] += 1
        if key not in found:
            found[key] = {ours: row[theirs] for ours, theirs in take.items() if theirs != "#"}
    missing = options.get("missing", "empty")
    for number, cells in rows:
        key = _take(cells, options["by"], number)
        hit = found.get(key)
        if hit is None:
            if key and "warn" in options:
                context.warnings[options["warn"]] += 1
            if missing == "drop":
                continue
            filler = "" if missing == "empty" else missing
            hit = {ours: filler for ours, theirs in take.items() if theirs != "#"}
        counted = {ours: str(counts[key]) for ours, theirs in take.items() if theirs == "#"}
        yield number, {**cells, **hit, **counted}


def combine(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`key` (columns), `sum` (columns): one row a key; other columns are those of its first row. Sees all rows first."""
    made: dict[tuple[str, ...], tuple[int, Cells]] = {}
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for number, cells in rows:
        key = tuple(_take(cells, column, number) for column in options["key"])
        made.setdefault(key, (number, cells))
        total = sums.setdefault(key, defaultdict(Decimal))
        for column in options["sum"]:
            total[column] += _number(cells[column] or "0", number, column)
    for key, (number, cells) in made.items():
        yield number, {**cells, **{column: format(value, "f") for column, value in sums[key].items()}}


def unpivot(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`columns` (or `except`), `name`, `value`: a row of each column; `drop` lists values that make no row."""
    dropped = set(_listed(options, "drop"))
    for number, cells in rows:
        names = options.get("columns") or [column for column in cells if column not in set(options["except"])]
        rest = {column: value for column, value in cells.items() if column not in set(names)}
        for column in names:
            value = _take(cells, column, number)
            if value not in dropped:
                yield number, {**rest, options["name"]: column, options["value"]: value}


def scale(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`columns`, `by`: numbers times a factor, as exact decimals; empty cells stay empty; possibly only `where` a condition holds."""
    factor = Decimal(str(options["by"]))
    for number, cells in rows:
        if not meets(cells, options.get("where", {}), number):
            yield number, cells
            continue
        scaled = {column: format((_number(cells[column], number, column) * factor).normalize(), "f") for column in options["columns"] if cells[column]}
        yield number, {**cells, **scaled}


def add_time(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`to` (a column with an ISO day or instant), one of `minutes`, `hours`, `days` (a column with a number), `into`."""
    unit = next(name for name in ("minutes", "hours", "days") if name in options)
    for number, cells in rows:
        begun, amount = _take(cells, options["to"], number), _take(cells, options[unit], number)
        result = ""
        if begun and amount:
            moment = _moment(begun, number, options["to"]) + dt.timedelta(**{unit: float(_number(amount, number, options[unit]))})
            result = moment.isoformat()
        yield number, {**cells, options["into"]: result}


def months_before(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`day` (a fixed ISO day), `months` (a column with a whole number), `into`: the day so many months earlier, at the end of shorter months."""
    fixed = dt.date.fromisoformat(str(options["day"]))
    for number, cells in rows:
        months = int(_number(_take(cells, options["months"], number), number, options["months"]))
        year, month = divmod(fixed.year * 12 + fixed.month - 1 - months, 12)
        following = dt.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
        last = (following - dt.timedelta(days=1)).day
        yield number, {**cells, options["into"]: dt.date(year, month + 1, min(fixed.day, last)).isoformat()}


def constant(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`set = {column = value}`, possibly only `where` a condition holds."""
    for number, cells in rows:
        yield number, {**cells, **options["set"]} if meets(cells, options.get("where", {}), number) else cells


def copy(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`column`, `into`; with `values = {theirs = ours}` translated (others stay), possibly only `where` a condition holds."""
    values = options.get("values", {})
    for number, cells in rows:
        if meets(cells, options.get("where", {}), number):
            value = _take(cells, options["column"], number)
            cells = {**cells, options["into"]: values.get(value, value)}
        yield number, cells


def concat_key(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`columns`, `into`, `separator` (default `-`): one key; with `number = true` the second of a key gets `-2` and so on."""
    separator, seen = options.get("separator", "-"), Counter[str]()
    for number, cells in rows:
        key = separator.join(_take(cells, column, number) for column in options["columns"])
        if options.get("number"):
            seen[key] += 1
            key = key if seen[key] == 1 else f"{key}{separator}{seen[key]}"
        yield number, {**cells, options["into"]: key}


def pack(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`into`, `take = {key = column}`: a JSON object; columns in `numbers` become numbers (decimals as texts), in `booleans` true or false; empty cells are left out."""
    numbers, booleans = set(_listed(options, "numbers")), set(_listed(options, "booleans"))
    for number, cells in rows:
        packed: dict[str, Any] = {}
        for key, column in options["take"].items():
            value = _take(cells, column, number)
            if value == "":
                continue
            if column in numbers:
                exact = _number(value, number, column)
                packed[key] = int(exact) if exact == exact.to_integral_value() else str(exact)
            elif column in booleans:
                packed[key] = value.lower() in {"true", "1", "yes"}
            else:
                packed[key] = value
        yield number, {**cells, options["into"]: json.dumps(packed, ensure_ascii=False)}


def diff_rows(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`key`, `order` (columns), `watch = {column = kind}`: a row `{key…, kind, value, before}` for each change of a watched column.

    With `first = "created"` the first state of a thing makes one row of that kind. Sees all rows first.
    """
    things: dict[tuple[str, ...], list[Row]] = {}
    for number, cells in rows:
        things.setdefault(tuple(_take(cells, column, number) for column in options["key"]), []).append((number, cells))
    for states in things.values():
        states.sort(key=lambda state: tuple(state[1][column] for column in options["order"]))
        before: Cells | None = None
        for number, cells in states:
            if before is None and "first" in options:
                yield number, {**cells, "kind": options["first"], "value": "", "before": ""}
            for column, kind in options["watch"].items():
                earlier = before[column] if before else ""
                if cells[column] != earlier:
                    yield number, {**cells, "kind": kind, "value": cells[column], "before": earlier}
            before = cells


def keep(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """Only rows that meet `where`; `warn` counts the others."""
    for number, cells in rows:
        if meets(cells, options["where"], number):
            yield number, cells
        elif "warn" in options:
            context.warnings[options["warn"]] += 1


def drop(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """Only rows that do not meet `where`; `warn` counts the others."""
    for number, cells in rows:
        if not meets(cells, options["where"], number):
            yield number, cells
        elif "warn" in options:
            context.warnings[options["warn"]] += 1


def placeholder(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """`column`, `file`, `key`, `value`: where the column names nothing in the other file (or is empty), the value stands; `warn` counts."""
    known = {row[options["key"]] for row in context.tables(options["file"])}
    for number, cells in rows:
        if _take(cells, options["column"], number) not in known:
            if "warn" in options:
                context.warnings[options["warn"]] += 1
            cells = {**cells, options["column"]: options["value"]}
        yield number, cells


def warn_if(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """Counts the rows that meet `where` under `name`."""
    for number, cells in rows:
        if meets(cells, options["where"], number):
            context.warnings[options["name"]] += 1
        yield number, cells


def warn_repeated(rows: Rows, options: Options, context: Context) -> Iterator[Row]:
    """Counts under `name` how many values of `columns` stand more than once. Keeps the values in memory."""
    seen: Counter[tuple[str, ...]] = Counter()
    for number, cells in rows:
        seen[tuple(_take(cells, column, number) for column in options["columns"])] += 1
        yield number, cells
    repeated = sum(1 for count in seen.values() if count > 1)
    if repeated:
        context.warnings[options["name"]] += repeated


STEPS: dict[str, Callable[[Rows, Options, Context], Iterator[Row]]] = {
    step.__name__: step
    for step in (lookup, combine, unpivot, scale, add_time, months_before, constant, copy, concat_key, pack, diff_rows, keep, drop, placeholder, warn_if, warn_repeated)
}
# what each step must be told
REQUIRED: dict[str, tuple[str, ...]] = {
    "lookup": ("file", "by", "key", "take"), "combine": ("key", "sum"), "unpivot": ("name", "value"), "scale": ("columns", "by"), "add_time": ("to", "into"),
    "months_before": ("day", "months", "into"), "constant": ("set",), "copy": ("column", "into"), "concat_key": ("columns", "into"), "pack": ("into", "take"),
    "diff_rows": ("key", "order", "watch"),
    "keep": ("where",), "drop": ("where",), "placeholder": ("column", "file", "key", "value"), "warn_if": ("name", "where"), "warn_repeated": ("name", "columns"),
}  # fmt: skip


def apply_steps(rows: Rows, steps: list[Options], context: Context) -> Rows:
    """The rows after all steps, in order. Raises WrongMap for a step that is not known or lacks an option."""
    for step in steps:
        name = step.get("do", "")
        if name not in STEPS:
            raise WrongMap(f"“{name}” is no step; known are {', '.join(sorted(STEPS))}")
        lacking = [option for option in REQUIRED[name] if option not in step]
        if lacking:
            raise WrongMap(f"the step “{name}” needs “{lacking[0]}”")
        rows = STEPS[name](rows, step, context)
    return rows


def _number(text: str, row: int, column: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as fault:
        raise FileFault(_("“%(text)s” is no number") % {"text": text[:80]}, row=row, column=column) from fault
    if not value.is_finite():
        raise FileFault(_("“%(text)s” is no number") % {"text": text[:80]}, row=row, column=column)
    return value


def _moment(text: str, row: int, column: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as fault:
        raise FileFault(_("“%(text)s” is no date; expected YYYY-MM-DD, possibly with a time (ISO 8601)") % {"text": text[:80]}, row=row, column=column) from fault
