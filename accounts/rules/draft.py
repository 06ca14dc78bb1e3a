"""A rule while somebody writes it: what stands in the inputs of the builder, and the tree between those and the JSON. Pure.

A draft may be incomplete and keeps what was typed, so that a fault can be shown beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as filled
from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.rules.catalogue import ATTRIBUTE, EMPTINESS, NUMERIC, RELATIVE, WHOLE_MEASURES, Kind, field_of, payload_keys

JOINS = ("all", "any", "none", "not_all")
# what is no field of an account, but stands in the same list
USAGE, EVENT, CONTACTS, OTHER_ATTRIBUTE = "usage", "event", "contacts", "attributes."
_GROUPED = {".": re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?"), ",": re.compile(r"-?[0-9]{1,3}([.][0-9]{3})+(,[0-9]+)?")}
_NODE = re.compile(r"[0-9]{1,3}([.][0-9]{1,3}){0,8}")
MOST_NODES = 120


@dataclass
class Node:
    """A group or a condition of the builder. `number` is its place in the tree ("0.2.1"), `path` that in the JSON."""

    group: bool
    number: str = "0"
    path: str = ""
    of_contact: bool = False
    join: str = "all"
    field: str = ""
    op: str = ""
    values: list[str] = filled(default_factory=list)
    attribute: str = ""
    quantifier: str = "any"
    share: str = ""
    measure: str = "count"
    feature: str = ""
    days: str = "28"
    per: str = "total"
    event: str = ""
    payload: str = ""
    held: str = ""
    children: list[Node] = filled(default_factory=list)

    @property
    def is_contacts(self) -> bool:
        """Whether it is a condition on contacts, whose children are asked of each of them."""
        return not self.group and self.field == CONTACTS and not self.of_contact

    @property
    def is_usage(self) -> bool:
        """Whether it is a condition on use."""
        return not self.group and self.field == USAGE and not self.of_contact

    @property
    def is_event(self) -> bool:
        """Whether it is a condition on events."""
        return not self.group and self.field == EVENT and not self.of_contact

    @property
    def key(self) -> str:
        """The key of the field in the language; attributes with the name that was typed."""
        return ATTRIBUTE + self.attribute.strip() if self.field == OTHER_ATTRIBUTE else self.field


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


# ── between inputs and the tree ─────────────────────────────────────────────


def from_inputs(given: Callable[[str], Sequence[str]], name: str) -> Node:
    """The tree that the inputs of a builder hold. `given` hands out all values of an input, in their order on the page."""
    found: dict[str, Node] = {}
    for entry in given(f"{name}.node")[:MOST_NODES]:
        number, _sign, kind = entry.partition(":")
        parent = found.get(number.rpartition(".")[0])
        if not _NODE.fullmatch(number) or number in found or (parent is None and number != "0"):
            continue
        node = Node(group=kind == "group", number=number, of_contact=parent is not None and (parent.of_contact or parent.is_contacts))
        _fill(node, lambda part, at=number: [value.replace("\x00", "")[:500] for value in given(f"{name}.{at}.{part}")])  # type: ignore[misc]
        found[number] = node
        if parent is not None:
            parent.children.append(node)
    return found.get("0") or Node(group=True)


def _fill(node: Node, given: Callable[[str], Sequence[str]]) -> None:
    def last(part: str, otherwise: str = "") -> str:
        values = given(part)
        return values[-1] if values else otherwise

    node.join = last("join") if last("join") in JOINS else "all"
    if node.group:
        return
    node.field, node.op, node.attribute, node.values = last("field"), last("op"), last("attribute"), list(given("value"))[:200]
    node.quantifier, node.share = last("quantifier", "any"), last("share")
    node.measure, node.feature, node.days, node.per = last("measure", "count"), last("feature"), last("days", "28"), last("per", "total")
    node.event, node.payload, node.held = last("event"), last("payload"), last("held")


# ── between the tree and the JSON ───────────────────────────────────────────


def to_json(node: Node, decimal_sign: str = ".") -> dict[str, Any]:
    """The JSON of the tree; sets the path of every node on the way. `decimal_sign` is the one its numbers are typed with."""
    return _group_json(node, "", decimal_sign)


def _group_json(node: Node, path: str, sign: str) -> dict[str, Any]:
    node.path = path
    if node.join == "none" and len(node.children) == 1 and not node.children[0].group:
        return {"not": _entry_json(node.children[0], f"{path}.not" if path else "not", sign)}
    word = "all" if node.join in ("all", "not_all") else "any"
    negated = node.join in ("none", "not_all") and bool(node.children)
    if not node.children and node.number == "0":
        word = "all"
    inside = ".".join(part for part in (path, "not" if negated else "", word) if part)
    group = {word: [_entry_json(child, f"{inside}.{number}", sign) for number, child in enumerate(node.children)]}
    return {"not": group} if negated else group


def _entry_json(node: Node, path: str, sign: str) -> dict[str, Any]:
    node.path = path
    if node.group:
        return _group_json(node, path, sign)
    if node.is_contacts:
        asked: Any = {"share": _plain(node.share, sign, percent=True)} if node.quantifier == "share" else node.quantifier
        where = Node(group=True, number=node.number, join=node.join if node.children else "all", children=node.children)
        return {"contacts": asked, "where": _group_json(where, f"{path}.where", sign)}
    if node.is_usage:
        whole, feature = node.measure in WHOLE_MEASURES, "" if node.measure == "features" else node.feature.strip()
        usage = {"measure": node.measure, "feature": feature, "days": node.days.strip(), "per": "total" if whole else node.per}
        return {"usage": usage, "op": node.op, "value": _numbers(node.values, node.op, sign)}
    if node.is_event:
        return _event_json(node)
    json: dict[str, Any] = {"field": node.key, "op": node.op}
    if node.op not in EMPTINESS:
        json["value"] = _value_json(node, sign)
    return json


def _event_json(node: Node) -> dict[str, Any]:
    asked: dict[str, Any] = {"kind": node.event, "days": node.days.strip()}
    # what another event held has no place in this one
    if node.payload in payload_keys(node.event):
        asked |= {"key": node.payload, "value": node.held.strip()}
    times = {"value": (node.values or ["1"])[0].strip() or "1"} if node.op == "happened" else {}
    return {"event": asked, "op": node.op} | times


def _value_json(node: Node, sign: str) -> Any:
    known, first = field_of(node.key, of_contact=node.of_contact), (node.values or [""])[0]
    if known is None or node.op in RELATIVE or known.kind in (Kind.BOOLEAN, Kind.DATE, Kind.INSTANT):
        return first.strip()
    if known.kind in NUMERIC:
        return _numbers(node.values, node.op, sign, percent=known.kind is Kind.SHARE)
    if known.kind is Kind.ATTRIBUTE and node.op in ("gte", "gt", "lte", "lt", "between"):
        return _numbers(node.values, node.op, sign)
    if node.op in ("in", "not_in"):
        return [value for value in node.values if value.strip()] if known.kind is Kind.CHOICE else [part.strip() for part in first.split(",") if part.strip()]
    return first.strip()


def _numbers(values: Sequence[str], op: str, sign: str, *, percent: bool = False) -> Any:
    plain = [_plain(value, sign, percent=percent) for value in values]
    return [*plain, "", ""][:2] if op == "between" else (plain or [""])[0]


def _plain(text: str, sign: str, *, percent: bool = False) -> str:
    """A typed number as the language has it; what is no number stays as it was typed."""
    typed = text.replace("\u00a0", "").replace(" ", "").replace("−", "-").strip("%")
    if _GROUPED[sign].fullmatch(typed):
        typed = typed.replace("," if sign == "." else ".", "")
    typed = typed.replace(",", ".")
    try:
        number = Decimal(typed)
    except InvalidOperation:
        return text.strip()
    if not number.is_finite() or abs(number) > 10**15:
        return text.strip()
    return f"{(number / 100 if percent else number):f}"


def from_json(json: Mapping[str, Any], decimal_sign: str = ".") -> Node:
    """The tree of a rule that can be read (one that `parse` let through)."""
    return numbered(_node(json, decimal_sign, of_contact=False))


def numbered(root: Node, number: str = "0") -> Node:
    """The same tree with its places counted anew."""
    root.number = number
    for index, child in enumerate(root.children):
        numbered(child, f"{number}.{index}")
    return root


def _node(json: Mapping[str, Any], sign: str, of_contact: bool) -> Node:
    if "not" in json:
        inner = _node(json["not"], sign, of_contact)
        if not inner.group:
            return Node(group=True, join="none", of_contact=of_contact, children=[inner])
        inner.join = {"any": "none", "all": "not_all", "none": "any", "not_all": "all"}[inner.join]
        return inner
    for word in ("all", "any"):
        if word in json:
            return Node(group=True, join=word, of_contact=of_contact, children=[_node(entry, sign, of_contact) for entry in json[word]])
    if "contacts" in json:
        where, asked = _node(json["where"], sign, of_contact=True), json["contacts"]
        share = _typed(asked["share"], sign, percent=True) if isinstance(asked, dict) else ""
        return Node(group=False, field=CONTACTS, quantifier="share" if share else asked, share=share, join=where.join, children=where.children)
    if "usage" in json:
        asked = json["usage"]
        node = Node(group=False, field=USAGE, op=json["op"], measure=asked["measure"], feature=asked.get("feature", ""), days=str(asked["days"]), per=asked.get("per", "total"))
        node.values = [_typed(value, sign) for value in _listed(json.get("value"))]
        return node
    if "event" in json:
        asked = json["event"]
        node = Node(group=False, field=EVENT, op=json["op"], event=asked["kind"], days=str(asked["days"]), payload=asked.get("key") or "")
        node.held = "" if asked.get("value") is None else _said(asked["value"])
        node.values = [str(json.get("value") or "1")] if node.op == "happened" else []
        return node
    known = field_of(json["field"], of_contact=of_contact)
    node = Node(group=False, of_contact=of_contact, field=json["field"], op=json["op"])
    if known is not None and known.kind is Kind.ATTRIBUTE:
        node.field, node.attribute = OTHER_ATTRIBUTE, json["field"].removeprefix(ATTRIBUTE)
    values = _listed(json.get("value"))
    if known is not None and known.kind is Kind.CHOICE and node.op in ("eq", "neq"):
        node.op = "in" if node.op == "eq" else "not_in"
    if known is not None and known.kind in NUMERIC:
        node.values = [_typed(value, sign, percent=known.kind is Kind.SHARE) for value in values]
    elif node.op in ("in", "not_in") and known is not None and known.kind is not Kind.CHOICE:
        node.values = [", ".join(_said(value) for value in values)]
    else:
        node.values = [_said(value) for value in values]
    return node


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _said(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _typed(value: Any, sign: str, *, percent: bool = False) -> str:
    number = Decimal(str(value)) * (100 if percent else 1)
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", sign)


# ── changes by the builder's own buttons ────────────────────────────────────


def edit(root: Node, do: str) -> str:
    """Does what a button asks: "add:0.1", "group:0", "remove:0.2". Returns the place to go on at; an unknown one changes nothing."""
    word, _sign, number = do.partition(":")
    nodes = {node.number: node for node in walk(root)}
    node = nodes.get(number)
    parent = nodes.get(number.rpartition(".")[0])
    if node is None:
        return ""
    holds = node.group or node.is_contacts
    if word == "add" and holds and len(nodes) < MOST_NODES:
        node.children.append(Node(group=False, of_contact=node.of_contact or node.is_contacts))
    elif word == "group" and holds and len(nodes) < MOST_NODES:
        inside = node.of_contact or node.is_contacts
        node.children.append(Node(group=True, join="any" if node.join == "all" else "all", of_contact=inside, children=[Node(group=False, of_contact=inside)]))
    elif word == "remove" and parent is not None:
        parent.children.remove(node)
        numbered(root)
        return parent.number
    else:
        return ""
    numbered(root)
    added = node.children[-1]
    return added.children[-1].number if added.group else added.number
