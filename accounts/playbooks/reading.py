"""Reading the JSON of a playbook piece by piece, noting each fault with its place instead of stopping at the first. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.event_kinds import EVENT_KINDS
from accounts.placeholders import unknown, used
from accounts.playbooks.faults import PlaybookFault
from accounts.rules import RuleFault, parse

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
ATTRIBUTE = "attributes."
# what a date trigger and a wait may count from
DATES = ("renews_on", "signed_up_at", "trial_started_at", "trial_ended_at", "churned_at")
# what mails and titles of playbooks may fill in
PLACEHOLDERS = ("name", "first_name", "account", "sender", "csm", "csm_email", "product", "renews_on")
# what a person sets, or a machine works out, is no field of a step; attributes are always allowed
FIELDS = ("lifecycle_stage", "owner", "plan", "industry", "language")
LONGEST_DAYS = 366


@dataclass(frozen=True)
class Known:
    """Keys that exist, by kind; None where that is not known here and so not checked."""

    stages: Collection[str] | None = None
    segments: Collection[str] | None = None
    # addresses of people who work here now
    people: Collection[str] | None = None
    surveys: Collection[str] | None = None
    touchpoints: Collection[str] | None = None
    # as `accounts.rules.parse` takes them
    rule_rows: Mapping[str, Collection[str]] | None = None


class Reader:
    """One pass over a version."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.faults: list[PlaybookFault] = []

    def fault(self, path: str, message: str) -> None:
        """Notes that something is wrong at a place."""
        self.faults.append(PlaybookFault(path, message))

    def only(self, data: Mapping[str, Any], allowed: Collection[str], path: str) -> None:
        """Notes keys that have no place there."""
        for key in data:
            if key not in allowed:
                self.fault(f"{path}.{str(key)[:60]}", _("This has no place here. There are: %(known)s.") % {"known": ", ".join(allowed)})

    def one_of(self, value: Any, allowed: Collection[str], path: str) -> str:
        """One of a few words; empty where it is none of them."""
        if isinstance(value, str) and value in allowed:
            return value
        self.fault(path, _("Expected one of: %(names)s.") % {"names": ", ".join(allowed)})
        return ""

    def whole(self, value: Any, low: int, high: int, path: str) -> int:
        """A whole number within bounds, else the lower one."""
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(path, _("Expected a whole number from %(low)s to %(high)s.") % {"low": low, "high": high})
        return low

    def flag(self, value: Any, path: str) -> bool:
        """Yes or no."""
        if not isinstance(value, bool):
            self.fault(path, _("Expected yes or no."))
        return bool(value)

    def line(self, value: Any, longest: int, path: str, *, blank: bool = False) -> str:
        """A plain text of one line."""
        if isinstance(value, str) and len(value) <= longest and (value.strip() or blank) and "\n" not in value and "\0" not in value:
            return value.strip()
        self.fault(path, _("Expected a text of at most %(most)s characters.") % {"most": longest})
        return ""

    def text(self, value: Any, longest: int, path: str) -> Any:
        """A text with placeholders, or one for each language."""
        if isinstance(value, Mapping):
            if not value:
                self.fault(path, _("Write the text in at least one language."))
            for code, words in value.items():
                if not re.fullmatch(r"[a-z]{2,3}(-[a-zA-Z]{2,8})?", str(code)):
                    self.fault(f"{path}.{str(code)[:20]}", _("Expected the code of a language, as in “en” or “tr”."))
                self._words(words, longest, f"{path}.{str(code)[:20]}")
            return dict(value)
        self._words(value, longest, path)
        return value

    def _words(self, value: Any, longest: int, path: str) -> None:
        if not isinstance(value, str) or not value.strip() or len(value) > longest or "\0" in value:
            self.fault(path, _("Expected a text of at most %(most)s characters.") % {"most": longest})
            return
        strangers = unknown(value) + sorted(name for name in used(value) if name not in PLACEHOLDERS)
        if strangers:
            names = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            self.fault(path, _("{%(name)s} is no placeholder. There are: %(known)s.") % {"name": strangers[0], "known": names})

    def rule(self, value: Any, path: str) -> Any:
        """A rule over accounts."""
        try:
            parse(value, known=self.known.rule_rows)
        except RuleFault as fault:
            self.fault(f"{path}.{fault.path}" if fault.path else path, fault.message)
        return value

    def event(self, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        """`event` and `where`: a kind there is, and keys that its payload may have."""
        kind = self.one_event(data.get("event"), f"{path}.event")
        where = data.get("where", {})
        if not isinstance(where, Mapping):
            self.fault(f"{path}.where", _("Expected names of the payload with their values."))
            return {"event": kind, "where": {}}
        keys = (*EVENT_KINDS[kind].required, *EVENT_KINDS[kind].optional) if kind else ()
        for key, wanted in where.items():
            if kind and key not in keys:
                self.fault(f"{path}.where.{str(key)[:40]}", _("“%(kind)s” says nothing of that. It tells: %(known)s.") % {"kind": kind, "known": ", ".join(keys) or "–"})
            values = wanted if isinstance(wanted, list) else [wanted]
            if not values or len(values) > 50 or not all(isinstance(value, str | int | bool) and len(str(value)) <= 200 for value in values):
                self.fault(f"{path}.where.{str(key)[:40]}", _("Expected a value, or a list of values."))
        return {"event": kind, "where": dict(where)}

    def one_event(self, value: Any, path: str) -> str:
        """A kind of event; empty where there is none of that name."""
        # what playbooks do starts and ends none: they would go in circles
        if isinstance(value, str) and value in EVENT_KINDS and not value.startswith("playbook."):
            return value
        self.fault(path, _("There is no such event."))
        return ""

    def existing(self, value: Any, known: Collection[str] | None, path: str, message: str, longest: int = 80) -> str:
        """A key that exists, where that is known here."""
        key = self.line(value, longest, path)
        if key and known is not None and key not in known:
            self.fault(path, message)
        return key

    def date_field(self, value: Any, path: str) -> str:
        """A date of an account: a column, or an attribute."""
        if isinstance(value, str) and (value in DATES or is_attribute(value)):
            return value
        self.fault(path, _("There is no such date. There are: %(known)s.") % {"known": ", ".join((*DATES, "attributes.…"))})
        return ""


def is_attribute(name: str) -> bool:
    """Whether a field is an attribute somebody gave the account."""
    return name.startswith(ATTRIBUTE) and 0 < len(name) - len(ATTRIBUTE) <= 80 and "\0" not in name
