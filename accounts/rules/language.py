"""Reading a rule: JSON in, a checked tree out. A fault names the place in the JSON and what was expected there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.event_kinds import EVENT_KINDS
from accounts.rules.catalogue import DATED, EMPTINESS, HAPPENINGS, MEASURES, NUMERIC, OPERATORS, RELATIVE, WHOLE_MEASURES, Field, Kind, field_of, payload_keys
from accounts.rules.values import LONGEST_TEXT, RuleFault, bounded, clean, only, read_day, read_number, read_number_or_day, read_operator, read_whole

DEEPEST, MOST_CONDITIONS, MOST_VALUES, MOST_DAYS, MOST_TIMES = 5, 50, 200, 3660, 1000
QUANTIFIERS = ("any", "all", "none")
# what a payload holds is read as attributes are: texts, numbers and yes or no
_OF_PAYLOAD = Field("event", "", Kind.ATTRIBUTE, "")


@dataclass(frozen=True)
class Condition:
    """One field compared with a value: Decimals, days, lists of texts, as the field's kind has it; None where nothing is compared."""

    path: str
    field: Field
    op: str
    value: Any


@dataclass(frozen=True)
class Usage:
    """Use in the days before today: a sum (or the average of a day) compared with a number. An empty feature is all use."""

    path: str
    measure: str
    feature: str
    days: int
    per_day: bool
    op: str
    value: Any


@dataclass(frozen=True)
class Happened:
    """An event of a kind that is known to have happened at least `times` times within the last days, or not at all (`times` 0).

    Where `key` is not empty only events count whose payload holds `value` there, as text.
    """

    path: str
    kind: str
    days: int
    key: str
    value: str
    times: int


@dataclass(frozen=True)
class Contacts:
    """How many of an account's contacts fit: "any", "all" (of at least one), "none", or at least a share of them."""

    path: str
    quantifier: str
    share: Decimal | None
    where: Group


@dataclass(frozen=True)
class Group:
    """Entries that all must hold, or one of them. An empty "all" holds for everybody."""

    path: str
    every: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    path: str
    entry: Entry


Leaf = Condition | Usage | Happened | Contacts
Entry = Group | Not | Leaf


@dataclass(frozen=True)
class Rule:
    """A checked rule: its tree, and the JSON it came from."""

    root: Group | Not
    json: Mapping[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, so that every account fits."""
        return isinstance(self.root, Group) and not self.root.entries


class _Reader:
    """One pass over the JSON; counts conditions on the way."""

    def __init__(self, known: Mapping[str, Collection[str]], faults: dict[str, str] | None = None) -> None:
        self.known = known
        self.faults = faults
        self.conditions = 0

    def entries(self, entries: list[Any], inside: str, depth: int, of_contact: bool) -> Iterator[Entry]:
        """The entries of a group; where faults are gathered, one with a fault is noted and left out."""
        for number, entry in enumerate(entries):
            try:
                yield self.entry(entry, f"{inside}.{number}", depth, of_contact)
            except RuleFault as fault:
                if self.faults is None:
                    raise
                self.faults[fault.path] = fault.message

    def entry(self, data: Any, path: str, depth: int, of_contact: bool) -> Entry:
        """A group, a negation or a condition."""
        if not isinstance(data, dict):
            raise RuleFault(path, _("Expected a group or a condition."))
        if "all" in data or "any" in data or "not" in data:
            return self.group(data, path, depth, of_contact)
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise RuleFault(path, _("A rule holds at most %(most)s conditions.") % {"most": MOST_CONDITIONS})
        if "usage" in data and not of_contact:
            return self.usage(data, path)
        if "event" in data and not of_contact:
            return self.happened(data, path)
        if "contacts" in data and not of_contact:
            return self.contacts(data, path, depth)
        return self.condition(data, path, of_contact)

    def group(self, data: Any, path: str, depth: int, of_contact: bool) -> Group | Not:
        """{"all": […]}, {"any": […]} or {"not": {…}}."""
        if not isinstance(data, dict) or len(data) != 1 or not set(data) <= {"all", "any", "not"}:
            raise RuleFault(path, _("Expected one of “all”, “any” and “not”, and nothing beside it."))
        if depth > DEEPEST:
            raise RuleFault(path, _("Groups stand at most %(most)s deep.") % {"most": DEEPEST})
        word = next(iter(data))
        inside = f"{path}.{word}" if path else word
        if word == "not":
            return Not(path, self.entry(data["not"], inside, depth + 1, of_contact))
        entries = data[word]
        if not isinstance(entries, list):
            raise RuleFault(inside, _("Expected a list of conditions."))
        if not entries and (word == "any" or (depth > 1 and not path.endswith("where"))):
            raise RuleFault(inside, _("Add a condition, or take the group away."))
        return Group(path, word == "all", tuple(self.entries(entries, inside, depth + 1, of_contact)))

    def condition(self, data: dict[str, Any], path: str, of_contact: bool) -> Condition:
        """{"field", "op", "value"}."""
        only(data, {"field", "op", "value"}, path)
        key = data.get("field")
        field = field_of(key, of_contact=of_contact) if isinstance(key, str) and clean(key) else None
        if field is None:
            raise RuleFault(f"{path}.field", _("This field cannot be asked about.") if key else _("Choose a field."))
        op = read_operator(data.get("op"), OPERATORS[field.kind], path)
        return Condition(path, field, op, self.value(field, op, data.get("value"), f"{path}.value"))

    def usage(self, data: dict[str, Any], path: str) -> Usage:
        """{"usage": {"measure", "feature", "days", "per"}, "op", "value"}."""
        only(data, {"usage", "op", "value"}, path)
        asked, inside = data["usage"], f"{path}.usage"
        if not isinstance(asked, dict):
            raise RuleFault(inside, _("Expected measure, feature, days and per."))
        only(asked, {"measure", "feature", "days", "per"}, inside)
        measure, feature, per = asked.get("measure"), asked.get("feature", ""), asked.get("per", "total")
        if not isinstance(measure, str) or measure not in MEASURES:
            raise RuleFault(f"{inside}.measure", _("Expected one of: %(names)s.") % {"names": ", ".join(MEASURES)})
        if not isinstance(feature, str) or not clean(feature, 120):
            raise RuleFault(f"{inside}.feature", _("Expected the name of a feature, or nothing for all use."))
        if measure == "features" and feature:
            raise RuleFault(f"{inside}.feature", _("Nothing is compared here: leave the value out."))
        if per not in ("total", "day") or (measure in WHOLE_MEASURES and per == "day"):
            raise RuleFault(f"{inside}.per", _("This is counted in total.") if measure in WHOLE_MEASURES and per == "day" else _("Expected “total” or “day”."))
        days = read_whole(asked.get("days"), 1, 366, f"{inside}.days")
        op = read_operator(data.get("op"), ("gte", "gt", "lte", "lt", "eq", "neq", "between"), path)
        number = Field("usage", "", Kind.NUMBER, "", places=4, low=0)
        return Usage(path, measure, feature, days, per == "day", op, self.value(number, op, data.get("value"), f"{path}.value"))

    def happened(self, data: dict[str, Any], path: str) -> Happened:
        """{"event": {"kind", "days", "key", "value"}, "op": "happened" | "not_happened", "value": at least so often}."""
        only(data, {"event", "op", "value"}, path)
        asked, inside = data["event"], f"{path}.event"
        if not isinstance(asked, dict):
            raise RuleFault(inside, _("Expected kind and days."))
        only(asked, {"kind", "days", "key", "value"}, inside)
        kind, key, wanted = asked.get("kind"), asked.get("key") or "", asked.get("value")
        if not isinstance(kind, str) or kind not in EVENT_KINDS:
            raise RuleFault(f"{inside}.kind", _("This event cannot be asked about.") if kind else _("Choose an event."))
        if not isinstance(key, str) or (key and key not in payload_keys(kind)):
            raise RuleFault(f"{inside}.key", _("Expected one of: %(names)s.") % {"names": ", ".join(payload_keys(kind)) or "–"})
        if not key and wanted not in (None, ""):
            raise RuleFault(f"{inside}.value", _("Nothing is compared here: leave the value out."))
        days = read_whole(asked.get("days"), 1, MOST_DAYS, f"{inside}.days")
        op, times = read_operator(data.get("op"), HAPPENINGS, path), data.get("value")
        if op == "not_happened" and times not in (None, ""):
            raise RuleFault(f"{path}.value", _("Nothing is compared here: leave the value out."))
        value = self.text(_OF_PAYLOAD, wanted, f"{inside}.value").strip() if key else ""
        return Happened(path, kind, days, key, value, 0 if op == "not_happened" else read_whole(1 if times in (None, "") else times, 1, MOST_TIMES, f"{path}.value"))

    def contacts(self, data: dict[str, Any], path: str, depth: int) -> Contacts:
        """{"contacts": "any" | "all" | "none" | {"share": "0.5"}, "where": {…}}."""
        only(data, {"contacts", "where"}, path)
        asked, share = data["contacts"], None
        if isinstance(asked, dict):
            only(asked, {"share"}, f"{path}.contacts")
            share = read_number(asked.get("share"), f"{path}.contacts.share")
            if not 0 < share <= 1:
                raise RuleFault(f"{path}.contacts.share", _("Expected a share above 0 and at most 1."))
        elif asked not in QUANTIFIERS:
            raise RuleFault(f"{path}.contacts", _("Expected “any”, “all”, “none” or a share."))
        where = data.get("where")
        if not isinstance(where, dict):
            raise RuleFault(f"{path}.where", _("Expected a group of conditions on contacts."))
        group = self.group(where, f"{path}.where", depth + 1, of_contact=True)
        if isinstance(group, Not):
            group = Group(f"{path}.where", True, (group,))
        return Contacts(path, "share" if share is not None else asked, share, group)

    def value(self, field: Field, op: str, value: Any, path: str) -> Any:
        """The value of a condition, read as its field's kind and its operator have it."""
        if op in EMPTINESS:
            if value not in (None, ""):
                raise RuleFault(path, _("Nothing is compared here: leave the value out."))
            return None
        if op in RELATIVE:
            return read_whole(value, 0, MOST_DAYS, path)
        if field.kind is Kind.BOOLEAN:
            if not isinstance(value, bool) and value not in ("true", "false"):
                raise RuleFault(path, _("Expected yes or no."))
            return value in (True, "true")
        if field.kind in DATED:
            return read_day(value, path)
        if op == "between":
            return self.pair(field, value, path)
        if field.kind in NUMERIC:
            return bounded(read_number(value, path), field, path)
        if field.kind is Kind.ATTRIBUTE and op in ("gte", "gt", "lte", "lt"):
            return read_number_or_day(value, path)
        if op in ("in", "not_in"):
            if not isinstance(value, list) or not value:
                raise RuleFault(path, _("Choose at least one value."))
            if len(value) > MOST_VALUES:
                raise RuleFault(path, _("A list holds at most %(most)s values.") % {"most": MOST_VALUES})
            return tuple(self.text(field, entry, f"{path}.{number}") for number, entry in enumerate(value))
        return self.text(field, value, path)

    def pair(self, field: Field, value: Any, path: str) -> tuple[Any, Any]:
        """Two bounds, both inside; for attributes two numbers or two days."""
        if not isinstance(value, list) or len(value) != 2:
            raise RuleFault(path, _("Expected two values: from and to."))
        read = read_number_or_day if field.kind is Kind.ATTRIBUTE else read_number
        low, high = (read(entry, f"{path}.{number}") for number, entry in enumerate(value))
        if type(low) is not type(high):
            raise RuleFault(f"{path}.1", _("Expected two numbers or two days."))
        if isinstance(low, Decimal):
            bounded(low, field, f"{path}.0")
        if isinstance(high, Decimal):
            bounded(high, field, f"{path}.1")
        if low > high:  # type: ignore[operator] # both are of one type
            raise RuleFault(f"{path}.1", _("The second value lies below the first."))
        return low, high

    def text(self, field: Field, value: Any, path: str) -> str:
        """A text, or a key of the field's list."""
        if field.kind is Kind.ATTRIBUTE and isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
            value = str(value)
        if not isinstance(value, str) or not value.strip() or not clean(value, LONGEST_TEXT):
            raise RuleFault(path, _("Expected a text of at most %(most)s characters.") % {"most": LONGEST_TEXT})
        allowed: Collection[str] | None = [key for key, _label in field.options] if field.options else self.known.get(field.rows)
        if field.kind is Kind.CHOICE and allowed is not None and value not in allowed:
            raise RuleFault(path, _("“%(value)s” is not one of the choices.") % {"value": value})
        return value


def parse(json: Any, *, known: Mapping[str, Collection[str]] | None = None) -> Rule:
    """The rule of a JSON value. Raises RuleFault with the place.

    `known`: keys that exist by kind of row ("segment", "stage", "owner"); without it any key of those is let through
    and simply fits nobody. {"all": []} is the rule that every account fits.
    """
    if not isinstance(json, dict):
        raise RuleFault("", _("Expected a group of conditions."))
    return Rule(_Reader(known or {}).group(json, "", 1, of_contact=False), json)


def faults_of(json: Any, *, known: Mapping[str, Collection[str]] | None = None) -> dict[str, str]:
    """Every fault of a rule by its place; empty for a rule that can be read."""
    faults: dict[str, str] = {}
    try:
        _Reader(known or {}, faults).group(json, "", 1, of_contact=False)
    except RuleFault as fault:
        faults[fault.path] = fault.message
    return faults


def leaves(entry: Entry) -> Iterator[Leaf]:
    """The conditions of a tree from the first to the last; one on contacts is one, whatever it holds."""
    if isinstance(entry, Group):
        for part in entry.entries:
            yield from leaves(part)
    elif isinstance(entry, Not):
        yield from leaves(entry.entry)
    else:
        yield entry


def fields_of(rule: Rule) -> frozenset[str]:
    """The fields a rule reads: keys of accounts, "usage", "event" and "event.payment.failed", "contacts" and "contacts.job_title", "attributes.x"."""
    found: set[str] = set()
    for leaf in leaves(rule.root):
        if isinstance(leaf, Usage):
            found.add("usage")
        elif isinstance(leaf, Happened):
            found |= {"event", f"event.{leaf.kind}"}
        elif isinstance(leaf, Contacts):
            found |= {"contacts"} | {f"contacts.{inner.field.key}" for inner in leaves(leaf.where) if isinstance(inner, Condition)}
        else:
            found.add(leaf.field.key)
    return frozenset(found)


# what an event tells, by the field that it changes
TOLD_BY = {"segment.changed": "segment", "stage.changed": "stage", "owner.changed": "owner"}


def field_read(leaf: Leaf) -> str:
    """The key of the field that a condition reads; an event that tells of a field's changes reads that field."""
    if isinstance(leaf, Condition):
        return leaf.field.key
    if isinstance(leaf, Happened):
        return TOLD_BY.get(leaf.kind, "event")
    return "usage" if isinstance(leaf, Usage) else "contacts"


def refuse_fields(rule: Rule, refused: Collection[str]) -> None:
    """Raises RuleFault at the first condition that reads one of these fields: a segment's rule may not read `segment`."""
    for leaf in leaves(rule.root):
        if (key := field_read(leaf)) in refused:
            place = {Condition: ".field", Happened: ".event.kind"}.get(type(leaf), "")
            raise RuleFault(f"{leaf.path}{place}", _("This rule may not ask about “%(field)s”: it would depend on itself.") % {"field": key})


def moves_with_time(rule: Rule) -> bool:
    """Whether the passing of days alone can change who fits: days counted from today, windows of use and of events, ages."""
    return any(_ages(leaf) for leaf in leaves(rule.root))


def _ages(leaf: Leaf) -> bool:
    if isinstance(leaf, Contacts):
        return any(_ages(inner) for inner in leaves(leaf.where))
    return isinstance(leaf, (Usage, Happened)) or leaf.op in RELATIVE or leaf.field.ages
