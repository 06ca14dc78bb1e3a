"""Maps: how the words of another system become ours, as data that cannot run away.

A map is a JSON object:

- `id`, `occurred_at`: fields (see below) that give the event's id and the instant it happened;
- `label`: a field that names the kind of event for people;
- `varies`: paths that differ between two deliveries of the same event;
- `signed_with`: the name of a header that stands before the body in what is signed;
- `tables`: words of theirs to words of ours;
- `rules`: a list of `{"when": [...], "each": path, "kind": ..., "fields": {...}}`. Every rule that fits makes a fact.

A condition is `{"path": ..., "is" | "in" | "starts" | "present": ...}`. A field is a path, or an object with
`path`, `first` (the first field that is there) or `value`, then `as` (steps, see `transforms`), `default`,
`required`. `join` puts fields together (`with`: between them). A path is names and places divided by dots; in
a rule with `each` it starts at the entry, or at the whole body when it begins with `/`. Pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.hooks.transforms import OBJECT_STEPS, STEPS, Unfit, Unknown, instant, run_step

KINDS = frozenset({"account.upsert", "contact.upsert", "ticket.upsert", "ticket.message", "event", "usage"})
_TESTS = frozenset({"is", "in", "starts", "present"})
_TOP = frozenset({"about", "id", "occurred_at", "label", "varies", "signed_with", "tables", "rules"})
_OF_RULE = frozenset({"about", "when", "each", "kind", "fields"})
_OF_FIELD = frozenset({"path", "first", "value", "join", "with", "as", "default", "required"})
MOST_ENTRIES = 500


class BadMap(ValueError):
    """A map that cannot be used; says where in the map, and what is expected there."""


class WrongBody(ValueError):
    """A body that the map does not fit; says the path, and what is expected there."""


@dataclass(frozen=True)
class Fact:
    """Something that a body says, in our words. `unknown` holds words that a table did not have, by field."""

    kind: str
    values: dict[str, Any]
    unknown: dict[str, str] = field(default_factory=dict)


# ── checking a map ──────────────────────────────────────────────────────────


def _expect(true: bool, place: str, what: str) -> None:
    if not true:
        raise BadMap(f"{place}: {what}")


def check_map(given: Any) -> None:
    """Raises BadMap for what is no map."""
    _expect(isinstance(given, Mapping), "the map", "an object is expected")
    strangers = sorted(given.keys() - _TOP)
    _expect(not strangers, strangers[0] if strangers else "", "there is no such part of a map")
    tables = given.get("tables", {})
    _expect(isinstance(tables, Mapping) and all(isinstance(table, Mapping) for table in tables.values()), "tables", "an object of objects is expected")
    for name in ("id", "occurred_at", "label"):
        if name in given:
            _check_field(given[name], name, tables)
    _expect(isinstance(given.get("varies", []), list) and all(isinstance(path, str) for path in given.get("varies", [])), "varies", "a list of paths is expected")
    _expect(isinstance(given.get("signed_with", ""), str), "signed_with", "the name of a header is expected")
    rules = given.get("rules")
    _expect(isinstance(rules, list) and bool(rules), "rules", "a list of rules is expected")
    for number, rule in enumerate(rules or []):
        _check_rule(rule, f"rules.{number}", tables)


def _check_rule(rule: Any, place: str, tables: Mapping[str, Any]) -> None:
    _expect(isinstance(rule, Mapping), place, "an object is expected")
    for name in sorted(rule.keys() - _OF_RULE):
        raise BadMap(f"{place}.{name}: there is no such part of a rule")
    _expect(rule.get("kind") in KINDS, f"{place}.kind", f"one of {', '.join(sorted(KINDS))} is expected")
    _expect(isinstance(rule.get("each", ""), str), f"{place}.each", "a path is expected")
    conditions = rule.get("when", [])
    _expect(isinstance(conditions, list), f"{place}.when", "a list of conditions is expected")
    for number, condition in enumerate(conditions):
        where = f"{place}.when.{number}"
        _expect(isinstance(condition, Mapping) and isinstance(condition.get("path"), str), where, "a condition with a path is expected")
        tests = condition.keys() - {"path"}
        _expect(len(tests) == 1 and tests <= _TESTS, where, f"one of {', '.join(sorted(_TESTS))} is expected")
        _expect(isinstance(condition.get("in", []), list), where, "a list is expected behind in")
        _expect(isinstance(condition.get("starts", ""), str), where, "a text is expected behind starts")
    fields = rule.get("fields")
    _expect(isinstance(fields, Mapping) and bool(fields), f"{place}.fields", "an object of fields is expected")
    for name, spec in (fields or {}).items():
        _check_field(spec, f"{place}.fields.{name}", tables)


def _check_field(spec: Any, place: str, tables: Mapping[str, Any]) -> None:
    if isinstance(spec, str):
        return
    _expect(isinstance(spec, Mapping), place, "a path or an object is expected")
    for name in sorted(spec.keys() - _OF_FIELD):
        raise BadMap(f"{place}.{name}: there is no such part of a field")
    _expect(len(spec.keys() & {"path", "first", "value", "join"}) == 1, place, "one of path, first, value, join is expected")
    _expect(isinstance(spec.get("path", ""), str), f"{place}.path", "a path is expected")
    for name in ("first", "join"):
        _expect(isinstance(spec.get(name, []), list), f"{place}.{name}", "a list of fields is expected")
        for number, inner in enumerate(spec.get(name, [])):
            _check_field(inner, f"{place}.{name}.{number}", tables)
    for step in _steps(spec):
        known = step in STEPS if isinstance(step, str) else isinstance(step, Mapping) and len(step) == 1 and next(iter(step)) in OBJECT_STEPS
        _expect(known, f"{place}.as", f"one of {', '.join(sorted({*STEPS, *OBJECT_STEPS}))} is expected")
        if isinstance(step, Mapping):
            name, argument = next(iter(step.items()))
            _expect(name != "table" or argument in tables, f"{place}.as", f"there is no table {argument!r}")
            _expect(isinstance(argument, int if name == "most" else str) and bool(argument), f"{place}.as", f"an argument is expected behind {name}")


def _steps(spec: Mapping[str, Any]) -> list[Any]:
    steps = spec.get("as", [])
    return steps if isinstance(steps, list) else [steps]


# ── reading a body ──────────────────────────────────────────────────────────


def find(data: Any, path: str) -> Any:
    """What stands at a path; None where there is nothing."""
    for name in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list) and name.isascii() and name.isdigit() and len(name) < 6:
            data = data[int(name)] if int(name) < len(data) else None
        else:
            return None
    return data


@dataclass(frozen=True)
class _Reading:
    """A body, the entry that a rule is at, and the tables of the map."""

    body: Any
    entry: Any
    tables: Mapping[str, Mapping[str, Any]]

    def at(self, path: str) -> Any:
        return find(self.body, path[1:]) if path.startswith("/") else find(self.entry, path)

    def holds(self, condition: Mapping[str, Any]) -> bool:
        found = self.at(condition["path"])
        if "present" in condition:
            return (found not in (None, "", [], {})) is bool(condition["present"])
        if "starts" in condition:
            return isinstance(found, str) and found.startswith(condition["starts"])
        wanted = condition["in"] if "in" in condition else [condition["is"]]
        return any(found == word and isinstance(found, bool) == isinstance(word, bool) for word in wanted)

    def value(self, spec: Any, place: str) -> Any:
        """The value of a field; None where it is missing. Raises WrongBody, Unknown."""
        if isinstance(spec, str):
            return self.at(spec)
        if "first" in spec:
            found = next((value for inner in spec["first"] if (value := self.value(inner, place)) not in (None, "")), None)
        elif "join" in spec:
            parts = [value for inner in spec["join"] if (value := self.value(inner, place)) not in (None, "")]
            found = spec.get("with", " ").join(str(part) for part in parts) or None
        else:
            found = spec["value"] if "value" in spec else self.at(spec["path"])
        for step in _steps(spec):
            if found is None or found == "":
                break
            try:
                found = run_step(found, step, tables=self.tables)
            except Unfit as fault:
                raise WrongBody(f"{spec.get('path', place)}: {fault}") from None
        if found in (None, ""):
            found = spec.get("default")
        if found in (None, "") and spec.get("required"):
            raise WrongBody(f"{spec.get('path', place)}: something is expected here, for {place}")
        return found


def read_facts(given: Mapping[str, Any], body: Any) -> list[Fact]:
    """What a body says by a (checked) map, in the order of its rules. Raises WrongBody."""
    facts = []
    for rule in given["rules"]:
        for entry in _entries(rule, body):
            reading = _Reading(body, entry, given.get("tables", {}))
            if all(reading.holds(condition) for condition in rule.get("when", [])):
                facts.append(_fact(rule, reading))
                if len(facts) > MOST_ENTRIES:
                    raise WrongBody(f"the body: at most {MOST_ENTRIES} facts are taken of one")
    return facts


def _entries(rule: Mapping[str, Any], body: Any) -> list[Any]:
    if not rule.get("each"):
        return [body]
    found = find(body, rule["each"])
    return found[: MOST_ENTRIES + 1] if isinstance(found, list) else []


def _fact(rule: Mapping[str, Any], reading: _Reading) -> Fact:
    values: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, spec in rule["fields"].items():
        try:
            found = reading.value(spec, name)
        except Unknown as fault:
            unknown[name] = fault.word[:200]
            continue
        if found is not None:
            values[name] = found
    return Fact(rule["kind"], values, unknown)


def event_id(given: Mapping[str, Any], body: Any) -> str:
    """The id of the event; empty where the body has none."""
    return _of_body(given, body, "id")


def label(given: Mapping[str, Any], body: Any) -> str:
    """What people call this kind of event; empty where the body does not say."""
    return _of_body(given, body, "label")


def _of_body(given: Mapping[str, Any], body: Any, name: str) -> str:
    if name not in given:
        return ""
    try:
        found = _Reading(body, body, given.get("tables", {})).value(given[name], name)
    except (WrongBody, Unknown):
        return ""
    return str(found)[:200] if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def occurred_at(given: Mapping[str, Any], body: Any) -> dt.datetime | None:
    """When it happened; None where the body does not say. Raises WrongBody."""
    if "occurred_at" not in given:
        return None
    found = _Reading(body, body, given.get("tables", {})).value(given["occurred_at"], "occurred_at")
    if found is None or isinstance(found, dt.datetime):
        return found
    try:
        return instant(found, "iso")
    except Unfit as fault:
        raise WrongBody(f"occurred_at: {fault}") from None


def constant_part(given: Mapping[str, Any], body: Any) -> Any:
    """The body without what differs between two deliveries of the same event."""
    for path in given.get("varies", []):
        body = _without(body, path.split("."))
    return body


def _without(data: Any, path: list[str]) -> Any:
    if not isinstance(data, Mapping) or path[0] not in data:
        return data
    if len(path) == 1:
        return {name: value for name, value in data.items() if name != path[0]}
    return {**data, path[0]: _without(data[path[0]], path[1:])}
