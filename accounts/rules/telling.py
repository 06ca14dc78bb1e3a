"""Rules in the reader's language: one sentence of a rule, one of a condition, and an account's own value in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from accounts.event_words import say_event
from accounts.rules.catalogue import FLAGS, Field, Kind
from accounts.rules.language import Condition, Contacts, Entry, Group, Happened, Leaf, Not, Rule, Usage

# names of rows by kind ("segment", "stage", "owner") and key
Names = Mapping[str, Mapping[str, str]]

# operators as the builder offers them
OPERATORS: dict[str, Any] = {
    "eq": gettext_lazy("is"),
    "neq": gettext_lazy("is not"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
    "gte": gettext_lazy("is at least"),
    "gt": gettext_lazy("is more than"),
    "lte": gettext_lazy("is at most"),
    "lt": gettext_lazy("is less than"),
    "between": gettext_lazy("is between"),
    "contains": gettext_lazy("contains"),
    "not_contains": gettext_lazy("does not contain"),
    "starts_with": gettext_lazy("begins with"),
    "is_empty": gettext_lazy("is empty"),
    "is_not_empty": gettext_lazy("is filled in"),
    "in_next_days": gettext_lazy("is within the next days"),
    "in_more_than_days": gettext_lazy("is later than in days"),
    "within_last_days": gettext_lazy("was within the last days"),
    "more_than_days_ago": gettext_lazy("was more than days ago"),
    "happened": gettext_lazy("happened"),
    "not_happened": gettext_lazy("did not happen"),
}
# days have words of their own for the same operators
DAY_OPERATORS: dict[str, Any] = {
    "eq": gettext_lazy("is on"),
    "gte": gettext_lazy("is on or after"),
    "gt": gettext_lazy("is after"),
    "lte": gettext_lazy("is on or before"),
    "lt": gettext_lazy("is before"),
}
_SAID: dict[str, Any] = {
    "eq": gettext_lazy("%(field)s is %(value)s"),
    "neq": gettext_lazy("%(field)s is not %(value)s"),
    "in": gettext_lazy("%(field)s is one of %(value)s"),
    "not_in": gettext_lazy("%(field)s is none of %(value)s"),
    "gte": gettext_lazy("%(field)s is at least %(value)s"),
    "gt": gettext_lazy("%(field)s is more than %(value)s"),
    "lte": gettext_lazy("%(field)s is at most %(value)s"),
    "lt": gettext_lazy("%(field)s is less than %(value)s"),
    "between": gettext_lazy("%(field)s is between %(value)s and %(second)s"),
    "contains": gettext_lazy("%(field)s contains “%(value)s”"),
    "not_contains": gettext_lazy("%(field)s does not contain “%(value)s”"),
    "starts_with": gettext_lazy("%(field)s begins with “%(value)s”"),
    "is_empty": gettext_lazy("%(field)s is empty"),
    "is_not_empty": gettext_lazy("%(field)s is filled in"),
}
_SAID_OF_DAYS: dict[str, Any] = {
    "eq": gettext_lazy("%(field)s is on %(value)s"),
    "gte": gettext_lazy("%(field)s is on or after %(value)s"),
    "gt": gettext_lazy("%(field)s is after %(value)s"),
    "lte": gettext_lazy("%(field)s is on or before %(value)s"),
    "lt": gettext_lazy("%(field)s is before %(value)s"),
}


def sentence(rule: Rule, names: Names | None = None) -> str:
    """The whole rule: conditions with "and" and "or", groups in brackets."""
    return _("every account") if rule.is_empty else say(rule.root, names)


def say(entry: Entry, names: Names | None = None, *, inner: bool = False) -> str:
    """One entry in words; a group of several stands in brackets where it is inside of another."""
    if isinstance(entry, Not):
        return _("not (%(what)s)") % {"what": say(entry.entry, names)}
    if isinstance(entry, Group):
        parts = [say(part, names, inner=True) for part in entry.entries]
        text = f" {_('and') if entry.every else _('or')} ".join(parts)
        return f"({text})" if inner and len(parts) > 1 else text
    if isinstance(entry, Contacts):
        return _contacts(entry, names)
    if isinstance(entry, Happened):
        return _happened(entry)
    if isinstance(entry, Usage):
        return _compared(usage_name(entry), entry.op, [wording.number(value) for value in _values(entry.value)], _SAID)
    return _condition(entry, names)


def usage_name(asked: Usage) -> str:
    """What is counted of use, with the feature and the window."""
    if asked.measure == "active_days":
        counted = _("Active days")
    elif asked.measure == "features":
        counted = _("Features used")
    elif asked.measure == "users":
        counted = _("People using it, average of a day") if asked.per_day else _("People using it on the best day")
    else:
        counted = _("Uses a day") if asked.per_day else _("Uses")
    feature = f" {asked.feature}" if asked.feature else ""
    days = ngettext("in %(days)s day", "in %(days)s days", asked.days) % {"days": asked.days}
    return f"{counted}{feature} {days}"


def _happened(asked: Happened) -> str:
    value: Any = asked.value == "true" if asked.key in FLAGS and asked.value in ("true", "false") else asked.value
    told = {"event": say_event(asked.kind, {asked.key: value} if asked.key else None), "days": asked.days, "times": asked.times}
    if asked.times == 0:
        return ngettext("not within the last %(days)s day: %(event)s", "not within the last %(days)s days: %(event)s", asked.days) % told
    if asked.times == 1:
        return ngettext("within the last %(days)s day: %(event)s", "within the last %(days)s days: %(event)s", asked.days) % told
    return ngettext("at least %(times)s times within the last %(days)s day: %(event)s", "at least %(times)s times within the last %(days)s days: %(event)s", asked.days) % told


def _contacts(asked: Contacts, names: Names | None) -> str:
    where = say(asked.where, names) or _("anybody")
    if asked.share is not None:
        return _("at least %(share)s of the contacts: %(where)s") % {"share": wording.percent(asked.share, 0 if asked.share * 100 == int(asked.share * 100) else 2), "where": where}
    said = {"any": _("at least one contact: %(where)s"), "all": _("every contact: %(where)s"), "none": _("no contact: %(where)s")}
    return said[asked.quantifier] % {"where": where}


def _condition(asked: Condition, names: Names | None) -> str:
    field, op, value = asked.field, asked.op, asked.value
    label = str(field.label)
    if field.kind is Kind.BOOLEAN:
        return (_("%(field)s: yes") if value else _("%(field)s: no")) % {"field": label}
    if op in ("in_next_days", "in_more_than_days", "within_last_days", "more_than_days_ago"):
        said = {
            "in_next_days": ngettext("%(field)s is within the next %(days)s day", "%(field)s is within the next %(days)s days", value),
            "in_more_than_days": ngettext("%(field)s is more than %(days)s day ahead", "%(field)s is more than %(days)s days ahead", value),
            "within_last_days": ngettext("%(field)s was within the last %(days)s day", "%(field)s was within the last %(days)s days", value),
            "more_than_days_ago": ngettext("%(field)s was more than %(days)s day ago", "%(field)s was more than %(days)s days ago", value),
        }
        return said[op] % {"field": label, "days": value}
    values = [told(field, entry, names) for entry in _values(value)]
    if field.kind is Kind.TAGS and values:
        return (_("has one of the tags %(value)s") if op == "in" else _("has none of the tags %(value)s")) % {"value": ", ".join(values)}
    if len(values) == 1 and op in ("in", "not_in"):
        op = "eq" if op == "in" else "neq"
    dated = field.kind in (Kind.DATE, Kind.INSTANT) or (values and isinstance(_values(value)[0], dt.date))
    return _compared(label, op, values, {**_SAID, **_SAID_OF_DAYS} if dated else _SAID)


def _compared(label: str, op: str, values: list[str], said: dict[str, Any]) -> str:
    if op == "between":
        return str(said[op]) % {"field": label, "value": values[0], "second": values[1]}
    return str(said[op]) % {"field": label, "value": ", ".join(values)}


def _values(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, tuple) else [value]


def told(field: Field, value: Any, names: Names | None = None) -> str:
    """A typed value of a field in words: money, points, percent, the name of a choice."""
    if isinstance(value, dt.date):
        return wording.day(value)
    if isinstance(value, Decimal):
        if field.kind is Kind.MONEY:
            return wording.money(int(value * field.scale), settings.REPORTING_CURRENCY)
        if field.kind is Kind.SHARE:
            return wording.percent(value, 0 if value * 100 == int(value * 100) else 2)
        return wording.number(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = str(value)
    if field.rows:
        return (names or {}).get(field.rows, {}).get(text, text)
    return str(dict(field.options).get(text, text))


def told_stored(leaf: Leaf, value: Any, names: Names | None = None) -> str:
    """What an account has, as the database hands it over, in words; a dash for nothing."""
    if isinstance(leaf, Contacts):
        return _("%(fitting)s of %(all)s contacts") % {"fitting": value[0], "all": value[1]}
    if isinstance(leaf, (Usage, Happened)):
        return wording.number(value)
    if value is None or value == []:
        return wording.DASH
    field = leaf.field
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and field.kind is not Kind.ATTRIBUTE:
        return told(field, Decimal(value) / field.scale, names)
    return told(field, value, names)
