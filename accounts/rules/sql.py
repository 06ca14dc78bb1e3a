"""Rules as conditions of SQL over `accounts_account` and `accounts_accountsnapshot`. Values travel as parameters, always. Pure.

Every condition is true or not: a missing value fits no comparison, and fits "is not", "is none of" and "does not contain".
Negation is `IS NOT TRUE`, so that a missing value inside never makes an account fall between the chairs.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

from django.conf import settings

from accounts.rules.catalogue import ATTRIBUTE, FOLD_FROM, FOLD_TO, NUMERIC, Field, Kind, fold
from accounts.rules.language import Condition, Contacts, Entry, Group, Happened, Leaf, Not, Rule, Usage

_SIGNS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "="}
_NUMBER = "^-?[0-9]{1,15}([.][0-9]{1,12})?$"
_DAY = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
# somebody who was forgotten by law is no contact any more
_KNOWN_CONTACT = "left({c}.external_id, 7) <> 'erased-'"


def folded(expression: str) -> str:
    """A text of the database as `catalogue.fold` makes it."""
    return f"lower(translate({expression}, '{FOLD_FROM}', '{FOLD_TO}') COLLATE \"C\")"


class _Compiler:
    """One statement's worth of parameters."""

    def __init__(self, alias: str, snapshot: str, prefix: str, *, few: bool = False) -> None:
        self.names = {"{a}": alias, "{s}": snapshot, "{c}": f"{prefix}_c", "{u}": f"{prefix}_u", "{e}": f"{prefix}_e"}
        self.prefix = prefix
        # of a few accounts each one's contacts are looked up by index; without the fence the planner may read everybody's
        self.fence = " OFFSET 0" if few else ""
        self.params: dict[str, Any] = {"rule_zone": settings.ORGANISATION_TIME_ZONE, "rule_currency": settings.REPORTING_CURRENCY}

    def at(self, template: str) -> str:
        """A template of the catalogue with the names of this statement."""
        for mark, name in self.names.items():
            template = template.replace(mark, name)
        return template

    def give(self, value: Any, cast: str = "") -> str:
        """A parameter's place."""
        name = f"{self.prefix}{len(self.params)}"
        self.params[name] = value
        return f"%({name})s" + (f"::{cast}" if cast else "")

    def entry(self, entry: Entry) -> str:
        """A condition of SQL in brackets; NULL counts as not."""
        if isinstance(entry, Group):
            if not entry.entries:
                return "(true)"
            return "(" + (" AND " if entry.every else " OR ").join(self.entry(part) for part in entry.entries) + ")"
        if isinstance(entry, Not):
            return f"({self.entry(entry.entry)} IS NOT TRUE)"
        if isinstance(entry, Usage):
            return self.compared(self.usage(entry), entry.op, entry.value, "numeric")
        if isinstance(entry, Happened):
            return self.happened(entry)
        if isinstance(entry, Contacts):
            return self.contacts(entry)
        return self.condition(entry)

    # ── values ──

    def value(self, field: Field) -> str:
        """What a field holds, NULL where it holds nothing."""
        if field.kind is Kind.ATTRIBUTE:
            return f"nullif({self.at(field.expression)} ->> {self.give(field.key.removeprefix(ATTRIBUTE), 'text')}, '')"
        expression = self.at(field.expression)
        if field.kind is Kind.INSTANT:
            return f"({expression} AT TIME ZONE %(rule_zone)s)::date"
        if field.kind in (Kind.TEXT, Kind.CHOICE):
            return f"nullif({expression}, '')"
        if field.kind is Kind.TAGS:
            return f"nullif({expression}, '{{}}')"
        return expression

    def usage(self, asked: Usage) -> str:
        """The measure over the window that ends before today, per account; 0 without any use."""
        rows = f"FROM accounts_usageday {self.names['{u}']} WHERE {self.at('{u}.account_id = {a}.id')}"
        rows += self.at(f" AND {{u}}.day >= %(today)s::date - {self.give(asked.days, 'integer')} AND {{u}}.day < %(today)s::date")
        if asked.feature:
            rows += self.at(f" AND {{u}}.feature_id = (SELECT rf.id FROM accounts_feature rf WHERE rf.key = {self.give(asked.feature, 'text')})")
        if asked.measure == "features":
            return self.at(
                f"(SELECT count(DISTINCT {{u}}.feature_id) {rows} AND {{u}}.count > 0 AND {{u}}.feature_id <> ALL(ARRAY(SELECT rf.id FROM accounts_feature rf WHERE rf.key = '')))"
            )
        if asked.measure == "active_days":
            return self.at(f"(SELECT count(DISTINCT {{u}}.day) {rows} AND {{u}}.count > 0)")
        if asked.measure == "count":
            total = self.at(f"(SELECT coalesce(sum({{u}}.count), 0) {rows})")
            return f"({total}::numeric / {self.give(asked.days, 'integer')})" if asked.per_day else total
        # how far the people of two features are the same ones nobody knows: the larger number stands for the day
        daily = self.at(f"(SELECT max({{u}}.users) AS people {rows} GROUP BY {{u}}.day) {self.prefix}_d")
        if asked.per_day:
            return f"(SELECT coalesce(sum(people), 0)::numeric / {self.give(asked.days, 'integer')} FROM {daily})"
        return f"(SELECT coalesce(max(people), 0) FROM {daily})"

    def events(self, asked: Happened) -> str:
        """`FROM … WHERE` over the account's events in the window, which ends now; the key of the log begins with account and kind."""
        rows = f"FROM accounts_accountevent {self.names['{e}']} WHERE {self.at('{e}.account_id = {a}.id')} AND {self.at('{e}.kind')} = {self.give(asked.kind, 'text')}"
        rows += self.at(f" AND {{e}}.occurred_at >= (%(today)s::date - {self.give(asked.days, 'integer')})::timestamp AT TIME ZONE %(rule_zone)s AND {{e}}.occurred_at <= %(now)s")
        if not asked.key:
            return rows
        held = self.at(f"{{e}}.payload ->> {self.give(asked.key, 'text')}")
        if not re.fullmatch(_NUMBER, asked.value):
            return f"{rows} AND {held} = {self.give(asked.value, 'text')}"
        # 2 and 2.00 are one number
        return f"{rows} AND (CASE WHEN {held} ~ '{_NUMBER}' THEN ({held})::numeric END) = {self.give(Decimal(asked.value), 'numeric')}"

    def contact_counts(self, asked: Contacts) -> tuple[str, str]:
        """How many contacts of the account fit, and how many there are, as expressions of SQL."""
        rows = self.at(f"FROM accounts_contact {{c}} WHERE {{c}}.account_id = {{a}}.id AND {_KNOWN_CONTACT}")
        return f"(SELECT count(*) FILTER (WHERE {self.entry(asked.where)}) {rows})", f"(SELECT count(*) {rows})"

    # ── conditions ──

    def happened(self, asked: Happened) -> str:
        """Whether it did, at least so often; with 0 times whether it did not."""
        rows = self.events(asked)
        if asked.times > 1:
            return f"((SELECT count(*) FROM (SELECT 1 {rows} LIMIT {self.give(asked.times, 'integer')}) {self.prefix}_h) = {self.give(asked.times, 'integer')})"
        return f"({'' if asked.times else 'NOT '}EXISTS (SELECT 1 {rows}{self.fence}))"

    def contacts(self, asked: Contacts) -> str:
        """Any, all, none or a share; without a contact only "none" holds."""
        rows = self.at(f"FROM accounts_contact {{c}} WHERE {{c}}.account_id = {{a}}.id AND {_KNOWN_CONTACT}")
        where = self.entry(asked.where)
        if asked.quantifier in ("any", "none"):
            return f"({'NOT ' if asked.quantifier == 'none' else ''}EXISTS (SELECT 1 {rows} AND {where}{self.fence}))"
        share = self.give(Decimal(1) if asked.share is None else asked.share, "numeric")
        return f"(SELECT count(*) > 0 AND count(*) FILTER (WHERE {where}) >= {share} * count(*) {rows})"

    def condition(self, asked: Condition) -> str:
        """One field compared."""
        field, op, value = asked.field, asked.op, asked.value
        if op == "is_empty":
            return f"({self.value(field)} IS NULL)"
        if op == "is_not_empty":
            return f"({self.value(field)} IS NOT NULL)"
        if field.kind in NUMERIC:
            return self.compared(self.value(field), op, _stored(value, field), "bigint" if field.whole else "numeric")
        if field.kind is Kind.BOOLEAN:
            return f"({self.value(field)} = {self.give(value, 'boolean')})"
        if field.kind is Kind.TAGS:
            return self.negated(op, f"{self.at(field.expression)} && {self.give(list(value), 'varchar[]')}")
        if field.kind in (Kind.DATE, Kind.INSTANT):
            return self.dated(self.value(field), op, value, "date", "%(today)s::date{shift}")
        if field.kind is Kind.ATTRIBUTE:
            return self.attribute(field, op, value)
        if field.rows == "segment":
            # the ids first, once: the column is compared with them and not a key looked up for each row
            return self.negated(op, self.at(f"{{a}}.segment_id = ANY(ARRAY(SELECT rg.id FROM accounts_segment rg WHERE rg.key = ANY({self.give(_list(value), 'text[]')})))"))
        if field.kind is Kind.CHOICE:
            return self.negated(op, f"{self.value(field)} = ANY({self.give(_list(value), 'text[]')})")
        return self.text(self.value(field), op, value)

    def negated(self, op: str, positive: str) -> str:
        """The condition itself, or its opposite for "is not" and its like."""
        return f"(({positive}) IS NOT TRUE)" if op in ("neq", "not_in", "not_contains") else f"({positive})"

    def compared(self, expression: str, op: str, value: Any, cast: str) -> str:
        """Numbers."""
        if op == "between":
            return f"({expression} BETWEEN {self.give(value[0], cast)} AND {self.give(value[1], cast)})"
        return self.negated(op, f"{expression} {_SIGNS.get(op, '=')} {self.give(value, cast)}")

    def dated(self, expression: str, op: str, value: Any, cast: str, today: str) -> str:
        """Days: absolute, or counted from today."""
        if op in _SIGNS:
            return f"({expression} {_SIGNS[op]} {self.give(value, cast)})"
        days = self.give(value, "integer")
        now, later, before = today.replace("{shift}", ""), today.replace("{shift}", f" + {days}"), today.replace("{shift}", f" - {days}")
        return {
            "in_next_days": f"({expression} BETWEEN {now} AND {later})",
            "in_more_than_days": f"({expression} > {later})",
            "within_last_days": f"({expression} BETWEEN {before} AND {now})",
            "more_than_days_ago": f"({expression} < {before})",
        }[op]

    def text(self, expression: str, op: str, value: Any) -> str:
        """Texts, folded on both sides."""
        if op in ("contains", "not_contains"):
            return self.negated(op, f"strpos({folded(expression)}, {self.give(fold(value), 'text')}) > 0")
        if op == "starts_with":
            return f"(starts_with({folded(expression)}, {self.give(fold(value), 'text')}))"
        return self.negated(op, f"{folded(expression)} = ANY({self.give([fold(entry) for entry in _list(value)], 'text[]')})")

    def attribute(self, field: Field, op: str, value: Any) -> str:
        """An attribute as text; as a number or a day where the condition asks for one and the text is one."""
        text = self.value(field)
        sample = value[0] if op == "between" else value
        if isinstance(sample, Decimal):
            return self.compared(f"(CASE WHEN {text} ~ '{_NUMBER}' THEN ({text})::numeric END)", op, value, "numeric")
        day = f"((CASE WHEN {text} ~ '{_DAY}' THEN left({text}, 10) END) COLLATE \"C\")"
        if isinstance(sample, dt.date):
            iso = tuple(entry.isoformat() for entry in value) if op == "between" else value.isoformat()
            return self.compared(day, op, iso, "text")
        if isinstance(sample, int):
            return self.dated(day, op, value, "text", "to_char(%(today)s::date{shift}, 'YYYY-MM-DD')")
        return self.text(text, op, value)


def _list(value: Any) -> list[str]:
    return list(value) if isinstance(value, tuple) else [value]


def _stored(value: Any, field: Field) -> Any:
    if isinstance(value, tuple):
        return tuple(_stored(entry, field) for entry in value)
    scaled = value * field.scale
    return int(scaled) if field.whole else scaled


def compile_where(rule: Rule, alias: str = "a", snapshot: str = "s", *, prefix: str = "r", few: bool = False) -> tuple[str, dict[str, Any]]:
    """The condition over `accounts_account {alias} JOIN accounts_accountsnapshot {snapshot}` and its parameters.

    `few`: the statement asks it of some thousand accounts at most.

    The caller adds `now` (an instant) and `today` (a day of the organisation's zone) to the parameters. Rules that
    stand in one statement get prefixes of their own. `alias`, `snapshot` and `prefix` are names of the caller's code.
    """
    compiler = _Compiler(alias, snapshot, prefix, few=few)
    return compiler.entry(rule.root), compiler.params


def compile_leaf(leaf: Leaf, alias: str = "a", snapshot: str = "s", *, prefix: str = "r") -> tuple[str, dict[str, Any]]:
    """One condition of a rule for itself, as `compile_where` has it."""
    compiler = _Compiler(alias, snapshot, prefix)
    return f"({compiler.entry(leaf)} IS TRUE)", compiler.params


def value_expression(leaf: Leaf, alias: str = "a", snapshot: str = "s", *, prefix: str = "v") -> tuple[str, dict[str, Any]]:
    """What an account has where a condition looks, as an expression of SQL; for events how many, for contacts an array of those that fit and all."""
    compiler = _Compiler(alias, snapshot, prefix)
    if isinstance(leaf, Contacts):
        fitting, everybody = compiler.contact_counts(leaf)
        return f"ARRAY[{fitting}, {everybody}]", compiler.params
    if isinstance(leaf, Happened):
        return f"(SELECT count(*) {compiler.events(leaf)})", compiler.params
    return (compiler.usage(leaf) if isinstance(leaf, Usage) else compiler.value(leaf.field)), compiler.params
