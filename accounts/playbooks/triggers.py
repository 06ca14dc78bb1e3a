"""What starts a playbook, whom it is for, how often, and what ends it early: checked and filled with defaults. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.playbooks.plan import Caps
from accounts.playbooks.reading import Reader

BANDS = ("healthy", "watch", "at_risk")
GROUPS = ("promoter", "passive", "detractor", "high", "middle", "low")
MOST_EXITS = 8
FURTHEST_DAYS = 730
# what may start a run at any time is bounded: nobody is worked on more often by one playbook
_CAPS = ("per_account", "days", "per_day", "at_once")


def _event(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "event", "where"), path)
    return reader.event(data, path)


def _segment(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "move", "segment"), path)
    return {
        "move": reader.one_of(data.get("move"), ("enter", "leave"), f"{path}.move"),
        "segment": reader.existing(data.get("segment"), reader.known.segments, f"{path}.segment", _("There is no such segment.")),
    }


def _bands(reader: Reader, value: Any, path: str) -> list[str]:
    chosen = value if isinstance(value, list) else [value]
    if not chosen:
        reader.fault(path, _("Choose at least one value."))
    return [reader.one_of(band, BANDS, path) for band in chosen]


def _band(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "to", "from"), path)
    made: dict[str, Any] = {"to": _bands(reader, data.get("to", []), f"{path}.to")}
    if "from" in data:
        made["from"] = _bands(reader, data["from"], f"{path}.from")
    return made


def _answer(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "survey_kind", "group", "survey"), path)
    made: dict[str, Any] = {"survey_kind": reader.line(data.get("survey_kind", ""), 20, f"{path}.survey_kind", blank="survey" in data)}
    groups = data.get("group", [])
    made["group"] = [reader.one_of(group, GROUPS, f"{path}.group") for group in (groups if isinstance(groups, list) else [groups])]
    if "survey" in data:
        made["survey"] = reader.existing(data["survey"], reader.known.surveys, f"{path}.survey", _("There is no such survey."))
    return made


def _stage(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "stage", "idle_days"), path)
    return {
        "stage": reader.existing(data.get("stage"), reader.known.stages, f"{path}.stage", _("There is no such stage.")),
        "idle_days": reader.whole(data.get("idle_days", 0), 0, LONGEST_IDLE, f"{path}.idle_days"),
    }


LONGEST_IDLE = 366


def _date(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind", "field", "days"), path)
    return {
        "field": reader.date_field(data.get("field"), f"{path}.field"),
        "days": reader.whole(data.get("days", 0), -FURTHEST_DAYS, FURTHEST_DAYS, f"{path}.days"),
    }


def _manual(reader: Reader, data: Mapping[str, Any], path: str) -> dict[str, Any]:
    reader.only(data, ("kind",), path)
    return {}


_KINDS: dict[str, Callable[[Reader, Mapping[str, Any], str], dict[str, Any]]] = {
    "event": _event, "segment": _segment, "band": _band, "answer": _answer, "stage": _stage, "date": _date, "manual": _manual,
}  # fmt: skip
TRIGGER_KINDS = tuple(_KINDS)


def read_trigger(reader: Reader, data: Any) -> dict[str, Any]:
    """The trigger; `{"kind": "manual"}` where it cannot be read."""
    if not isinstance(data, Mapping) or not data:
        reader.fault("trigger", _("Say what starts it."))
        return {"kind": "manual"}
    kind = reader.one_of(data.get("kind"), TRIGGER_KINDS, "trigger.kind")
    return {"kind": kind, **_KINDS[kind](reader, data, "trigger")} if kind else {"kind": "manual"}


def read_exits(reader: Reader, data: Any) -> tuple[dict[str, Any], ...]:
    """What ends a run early."""
    if not isinstance(data, list):
        reader.fault("exits", _("Expected a list."))
        return ()
    if len(data) > MOST_EXITS:
        reader.fault("exits", _("There may be at most %(most)s.") % {"most": MOST_EXITS})
    made = []
    for place, entry in enumerate(data[:MOST_EXITS]):
        path = f"exits.{place}"
        if not isinstance(entry, Mapping) or ("event" in entry) == ("rule" in entry):
            reader.fault(path, _("Expected either an event or a rule."))
        elif "event" in entry:
            reader.only(entry, ("event", "where"), path)
            made.append(reader.event(entry, path))
        else:
            reader.only(entry, ("rule",), path)
            made.append({"rule": reader.rule(entry["rule"], f"{path}.rule")})
    return tuple(made)


def read_caps(reader: Reader, data: Any) -> Caps:
    """How often it may start."""
    if not isinstance(data, Mapping):
        reader.fault("caps", _("Expected numbers by name."))
        return Caps()
    reader.only(data, _CAPS, "caps")
    plain = Caps()
    per_day = data.get("per_day")
    return Caps(
        per_account=reader.whole(data.get("per_account", plain.per_account), 1, 1000, "caps.per_account"),
        days=reader.whole(data.get("days", plain.days), 1, FURTHEST_DAYS, "caps.days"),
        per_day=None if per_day is None else reader.whole(per_day, 1, 1_000_000, "caps.per_day"),
        at_once=reader.whole(data.get("at_once", plain.at_once), 1, 100, "caps.at_once"),
    )
