"""The rule builder: a form field whose value is a rule's JSON, drawn as plain inputs, with every fault at its condition."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.event_words import EVENTS, PAYLOAD
from accounts.queries.rule_matches import names_of_rows, names_to_offer
from accounts.rules import RuleFault, catalogue, faults_of, parse, refuse_fields, sentence
from accounts.rules.catalogue import ACCOUNT_FIELDS, CONTACT_FIELDS, DATED, EMPTINESS, FLAGS, HAPPENINGS, MEASURES, NUMERIC, RELATIVE, Field, Kind, field_of, payload_keys
from accounts.rules.draft import CONTACTS, EVENT, OTHER_ATTRIBUTE, USAGE, Node, edit, from_inputs, from_json, numbered, to_json, walk
from accounts.rules.language import TOLD_BY
from accounts.rules.telling import DAY_OPERATORS, Names
from accounts.rules.telling import OPERATORS as OPERATOR_NAMES

JOIN_NAMES = (("all", _("all of these")), ("any", _("one of these")), ("none", _("none of these")), ("not_all", _("not all of these")))
QUANTIFIER_NAMES = (("any", _("at least one contact")), ("all", _("every contact")), ("none", _("no contact")), ("share", _("at least a share of the contacts")))
PER_NAMES = (("total", _("in total")), ("day", _("a day, on average")))
# groups may be added down to here; rules written elsewhere may go deeper and are shown as they are
DEEPEST_OFFERED = 4
_TAG_OPERATORS = {"in": _("has one of"), "not_in": _("has none of")}


def decimal_sign() -> str:
    """The sign between units and decimals as the reader writes numbers."""
    return "," if wording.locale() == "tr" else "."


class RuleWidget(forms.Widget):
    """The builder. Works without script: its buttons submit the form, which comes back with the change and asks to go on."""

    template_name = "accounts/_rule_builder.html"

    def __init__(self, *, without: Collection[str] = ()) -> None:
        super().__init__()
        self.without = tuple(without)
        self.faults: Mapping[str, str] = {}

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """The tree that the inputs hold, with what the builder's own buttons ask already done."""
        given = data.getlist if hasattr(data, "getlist") else lambda key: data.get(key, [])
        if not given(f"{name}.node"):
            return data.get(name)
        root = from_inputs(given, name)
        wish = given(f"{name}.do")
        root_edit = wish[-1] if wish else ""
        return _Given(root, edit(root, root_edit) if root_edit else "", bool(root_edit))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Whether the form came without the builder."""
        return f"{name}.node" not in data and name not in data

    def id_for_label(self, id_: str | None) -> str:
        """No single input carries the label: the builder is a group with a name of its own."""
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The builder's HTML."""
        given = value if isinstance(value, _Given) else _Given(_stored(value), "", False)
        return render_builder(given.root, name=name, without=self.without, faults=self.faults, focus=given.focus)


class _Given:
    """What came from the inputs: the tree, the place to go on at, whether a button of the builder was pressed."""

    def __init__(self, root: Node, focus: str, edited: bool) -> None:
        self.root, self.focus, self.edited = root, focus, edited


class RuleBoundField(forms.BoundField):
    """Hands the faults of what was sent to the builder."""

    def as_widget(self, widget: Any = None, attrs: Any = None, only_initial: bool = False) -> SafeString:
        """The builder with its faults."""
        field: Any = self.field
        if self.form.is_bound and self.errors:
            field.widget.faults = field.faults
        return super().as_widget(widget, attrs, only_initial)


class RuleField(forms.Field):
    """A rule as JSON (None for nothing asked). `without`: fields it may not ask about, as a segment's rule may not ask for the segment.

    A fault stands at its condition in the builder; the form's own error only says that there is one. Of the field that was cleaned,
    `faults` tells each by its path.
    """

    widget = RuleWidget
    default_error_messages = {"required": _("Add at least one condition.")}

    def __init__(self, *, without: Collection[str] = (), **rest: Any) -> None:
        super().__init__(widget=RuleWidget(without=without), **rest)
        self.without = tuple(without)
        self.faults: dict[str, str] = {}

    def get_bound_field(self, form: Any, field_name: str) -> RuleBoundField:
        """The field on the page."""
        return RuleBoundField(form, self, field_name)

    def clean(self, value: Any) -> dict[str, Any] | None:
        """The rule's JSON. Raises ValidationError; where a button of the builder was pressed it asks to go on."""
        if isinstance(value, _Given) and value.edited:
            raise ValidationError(_now("Go on with the rule, then save."), code="editing")
        json = to_json(value.root, decimal_sign()) if isinstance(value, _Given) else value
        if not json or json == {"all": []}:
            if self.required:
                raise ValidationError(self.error_messages["required"], code="required")
            return None
        return self.checked(json)

    def checked(self, json: Any) -> dict[str, Any]:
        """The JSON once it can be read. Raises ValidationError with every fault's place and text kept in `faults`."""
        known = names_of_rows()
        self.faults = faults_of(json, known=known)
        if not self.faults:
            try:
                refuse_fields(parse(json, known=known), self.without)
                return json
            except RuleFault as fault:
                self.faults = {fault.path: fault.message}
        raise ValidationError(
            ngettext("The rule has %(count)s fault; it is named at its condition.", "The rule has %(count)s faults; each is named at its condition.", len(self.faults))
            % {"count": len(self.faults)},
            code="rule",
        )

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether another rule stands in the builder than before."""
        json = to_json(data.root, decimal_sign()) if isinstance(data, _Given) else data
        return (json or None) != (initial or None)


def _stored(value: Any) -> Node:
    """The tree of a stored rule; one that cannot be read any more opens empty."""
    try:
        if value:
            parse(value)
            return from_json(value, decimal_sign())
    except RuleFault:
        pass
    return Node(group=True)


# ── drawing ─────────────────────────────────────────────────────────────────


def render_builder(root: Node, *, name: str, without: Collection[str] = (), faults: Mapping[str, str] | None = None, focus: str = "") -> SafeString:
    """The builder's HTML for a tree; `focus` is the node whose first control takes the focus."""
    numbered(root)
    json = to_json(root, decimal_sign())
    at: dict[str, list[str]] = {}
    for path, message in (faults or {}).items():
        # the deepest node around the place bears the fault
        bearer = max((node for node in walk(root) if path == node.path or path.startswith(f"{node.path}.") or not node.path), key=lambda node: len(node.path))
        at.setdefault(bearer.number, []).append(message)
    # the first fault takes the focus, so that it is in sight wherever the page stood
    focus = focus or next((node.number for node in walk(root) if node.number in at), "")
    names, features, attributes = names_of_rows(), *names_to_offer()
    drawer = _Drawer(name, tuple(without), names, attributes, at, focus)
    readable = root.children and not faults_of(json, known=names)
    context = {
        "name": name, "currency": settings.REPORTING_CURRENCY, "root": drawer.node(root, 0), "features": features, "attributes": attributes,
        "joins": JOIN_NAMES, "quantifiers": QUANTIFIER_NAMES, "pers": PER_NAMES, "measures": MEASURES.items(),
        "sentence": sentence(parse(json), names) if readable else "",
        "address": f"{reverse('accounts:rule_builder')}?{urlencode([('name', name), *(('without', key) for key in without)])}",
    }  # fmt: skip
    return SafeString(render_to_string("accounts/_rule_builder.html", context))


class _Drawer:
    """Turns nodes into what the template shows."""

    def __init__(self, name: str, without: tuple[str, ...], names: Names, attributes: list[str], faults: Mapping[str, list[str]], focus: str) -> None:
        self.name, self.without, self.names, self.attributes, self.faults, self.focus = name, without, names, attributes, faults, focus

    def node(self, node: Node, depth: int) -> dict[str, Any]:
        """One node with all its controls, and its children."""
        shown: dict[str, Any] = {
            "node": node, "at": f"{self.name}.{node.number}", "id": f"{self.name}-{node.number.replace('.', '-')}", "faults": self.faults.get(node.number, []),
            "focus": self.focus == node.number, "may_group": depth < DEEPEST_OFFERED, "may_remove": node.number != "0",
            "children": [self.node(child, depth + 1) for child in node.children],
        }  # fmt: skip
        if node.group:
            return shown
        shown["fields"] = self.fields(node.of_contact)
        if node.is_usage:
            return shown | {"operators": [(op, OPERATOR_NAMES[op]) for op in ("gte", "gt", "lte", "lt", "eq", "between")], "value": _inputs(node, "number")}
        if node.is_event:
            return shown | self.event(node)
        known = field_of(node.key, of_contact=node.of_contact) if node.field != OTHER_ATTRIBUTE else Field(OTHER_ATTRIBUTE, "", Kind.ATTRIBUTE, "")
        if known is None or node.is_contacts:
            return shown
        operators = operators_of(known)
        if node.op not in {op for op, _name in operators}:
            node.op, node.values = operators[0][0], []
        return shown | {"operators": operators, "value": self.value(node, known)}

    def fields(self, of_contact: bool) -> list[tuple[str, list[tuple[str, Any]]]]:
        """The list of fields by group."""
        if of_contact:
            return [("", [(key, known.label) for key, known in CONTACT_FIELDS.items()] + [(OTHER_ATTRIBUTE, _now("Another attribute"))])]
        groups: list[tuple[str, list[tuple[str, Any]]]] = [
            (str(label), [(key, known.label) for key, known in ACCOUNT_FIELDS.items() if known.group == group and key not in self.without]) for group, label in catalogue.GROUPS
        ]
        more: list[tuple[str, Any]] = [] if USAGE in self.without else [(USAGE, _now("Use in a number of days"))]
        more += [] if EVENT in self.without else [(EVENT, _now("Something that happened"))]
        more += [] if CONTACTS in self.without else [(CONTACTS, _now("Contacts"))]
        return [*groups, (_now("Use and people"), more), (_now("Attributes"), [(OTHER_ATTRIBUTE, _now("An attribute"))])]

    def event(self, node: Node) -> dict[str, Any]:
        """The lists of a condition on events. One that tells of a field this rule may not ask about is not offered, one chosen elsewhere stays."""
        kinds = [(kind, name) for kind, name in EVENTS.items() if TOLD_BY.get(kind) not in self.without]
        if node.event and node.event not in dict(kinds):
            kinds.append((node.event, EVENTS.get(node.event, node.event)))
        if node.op not in HAPPENINGS:
            node.op = HAPPENINGS[0]
        return {
            "kinds": kinds, "keys": [(key, PAYLOAD.get(key, key.replace("_", " "))) for key in payload_keys(node.event)], "held_flag": node.payload in FLAGS,
            "flags": (("true", _now("yes")), ("false", _now("no"))), "operators": [(op, OPERATOR_NAMES[op]) for op in HAPPENINGS],
            "times": (node.values or ["1"])[0] or "1" if node.op == HAPPENINGS[0] else "",
        }  # fmt: skip

    def value(self, node: Node, known: Field) -> dict[str, Any]:
        """The inputs of the value: kind of input, what stands in them, what may be chosen."""
        if node.op in EMPTINESS:
            return {"kind": "none"}
        if node.op in RELATIVE:
            return _inputs(node, "days")
        if known.kind is Kind.BOOLEAN:
            return {"kind": "select", "values": node.values[:1] or ["true"], "options": [("true", _now("yes")), ("false", _now("no"))]}
        if known.kind in DATED:
            return _inputs(node, "date")
        if known.kind is Kind.CHOICE:
            options = list(known.options) or list(self.names.get(known.rows, {}).items())
            return {"kind": "choices", "values": node.values, "options": options}
        if known.kind in NUMERIC:
            return _inputs(node, {Kind.MONEY: "money", Kind.SHARE: "percent"}.get(known.kind, "number"))
        if node.op in ("in", "not_in"):
            return {"kind": "list", "values": node.values[:1] or [""]}
        return _inputs(node, "text")


def operators_of(known: Field) -> list[tuple[str, Any]]:
    """The operators that the builder offers for a field, with their names there."""
    offered = catalogue.OPERATORS[known.kind]
    if known.kind is Kind.CHOICE:
        offered = tuple(op for op in offered if op not in ("eq", "neq"))
    named: dict[str, Any] = OPERATOR_NAMES
    if known.kind in DATED:
        named = {**OPERATOR_NAMES, **DAY_OPERATORS}
    elif known.kind is Kind.TAGS:
        named = {**OPERATOR_NAMES, **_TAG_OPERATORS}
    elif known.kind is Kind.CHOICE:
        named = {**OPERATOR_NAMES, "in": _("is"), "not_in": _("is not")}
    return [(op, named[op]) for op in offered]


def _inputs(node: Node, kind: str) -> dict[str, Any]:
    wanted = 2 if node.op == "between" else 1
    return {"kind": kind, "values": [*node.values, "", ""][:wanted]}
