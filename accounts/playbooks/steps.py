"""The steps of a playbook: each kind with what it may say, defaults filled in, jumps that go forward only. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from accounts.playbooks.plan import END, Step
from accounts.playbooks.reading import FIELDS, KEY, LONGEST_DAYS, Reader, is_attribute

MOST_STEPS = 60
MOST_BRANCHES = 4
MOST_TAGS = 20
# as `WorkItem.Type`
WORK_TYPES = ("risk", "lifecycle", "expansion", "objective", "activity", "close_loop", "renewal")
PRIORITIES = ("high", "normal", "low")
PEOPLE = ("main", "champion", "sponsor", "user", "billing")
OWNER = "owner"
SUBJECT_LENGTH, BODY_LENGTH, TITLE_LENGTH = 200, 20_000, 200
COMMON = ("key", "kind", "title", "if", "next")

Body = dict[str, Any]


def _work(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "type", "reason", "priority", "due_days", "assignee", "keep_on_exit"), path)
    assignee = data.get("assignee", OWNER)
    if assignee != OWNER:
        assignee = reader.existing(assignee, reader.known.people, f"{path}.assignee", _("Nobody who works here has this address."), longest=254)
    return {
        "title": reader.text(data.get("title"), TITLE_LENGTH, f"{path}.title"),
        "type": reader.one_of(data.get("type", "activity"), WORK_TYPES, f"{path}.type"),
        "reason": reader.line(data.get("reason", ""), 80, f"{path}.reason", blank=True),
        "priority": reader.one_of(data.get("priority", "normal"), PRIORITIES, f"{path}.priority"),
        "due_days": reader.whole(data.get("due_days", 1), 0, 365, f"{path}.due_days"),
        "assignee": assignee,
        "keep_on_exit": reader.flag(data.get("keep_on_exit", False), f"{path}.keep_on_exit"),
    }


def _mail(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "subject", "body", "to", "transactional", "gap_days", "reply_to"), path)
    transactional = reader.flag(data.get("transactional", False), f"{path}.transactional")
    return {
        "subject": reader.text(data.get("subject"), SUBJECT_LENGTH, f"{path}.subject"),
        "body": reader.text(data.get("body"), BODY_LENGTH, f"{path}.body"),
        "to": reader.one_of(data.get("to", "main"), PEOPLE, f"{path}.to"),
        "transactional": transactional,
        "gap_days": reader.whole(data.get("gap_days", 0 if transactional else 1), 0, 90, f"{path}.gap_days"),
        "reply_to": reader.one_of(data.get("reply_to", OWNER), (OWNER, ""), f"{path}.reply_to"),
    }


def _survey(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "survey", "touchpoint", "to"), path)
    made: Body = {"to": reader.one_of(data.get("to", "main"), PEOPLE, f"{path}.to")}
    if ("survey" in data) == ("touchpoint" in data):
        reader.fault(path, _("Name either a survey or a touchpoint."))
    elif "survey" in data:
        made["survey"] = reader.existing(data["survey"], reader.known.surveys, f"{path}.survey", _("There is no such survey."))
    else:
        made["touchpoint"] = reader.existing(data["touchpoint"], reader.known.touchpoints, f"{path}.touchpoint", _("There is no such touchpoint."))
    return made


def _field(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "field", "value"), path)
    name, value = data.get("field"), data.get("value", "")
    if not isinstance(name, str) or not (name in FIELDS or is_attribute(name)):
        reader.fault(f"{path}.field", _("A playbook cannot change this. It can change: %(known)s.") % {"known": ", ".join((*FIELDS, "attributes.…"))})
        return {"field": "", "value": ""}
    if is_attribute(name) and isinstance(value, bool | int | float):
        return {"field": name, "value": value}
    place = f"{path}.value"
    if name == "lifecycle_stage":
        return {"field": name, "value": reader.existing(value, reader.known.stages, place, _("There is no such stage."))}
    if name == "owner":
        return {"field": name, "value": reader.existing(value, reader.known.people, place, _("Nobody who works here has this address."), longest=254)}
    return {"field": name, "value": reader.line(value, 10 if name == "language" else 120, place, blank=True)}


def _tag(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "add", "remove"), path)
    made: Body = {}
    for name in ("add", "remove"):
        tags = data.get(name, [])
        if not isinstance(tags, list) or len(tags) > MOST_TAGS:
            reader.fault(f"{path}.{name}", _("Expected a list of at most %(most)s tags.") % {"most": MOST_TAGS})
            tags = []
        made[name] = [reader.line(tag, 80, f"{path}.{name}.{place}") for place, tag in enumerate(tags)]
    if not made["add"] and not made["remove"]:
        reader.fault(path, _("Name a tag to add or to take away."))
    return made


def _webhook(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "url"), path)
    url = reader.line(data.get("url", ""), 500, f"{path}.url")
    if url:
        try:
            parts = urlsplit(url)
            fits = parts.scheme in {"https", "http"} and bool(parts.hostname) and not parts.username and not parts.fragment and parts.port != 0 and url.isascii() and " " not in url
        except ValueError:
            fits = False
        if not fits:
            reader.fault(f"{path}.url", _("Expected an address as in https://example.com/path."))
    return {"url": url}


def _since(reader: Reader, data: Mapping[str, Any], path: str) -> str:
    return reader.one_of(data.get("since", "run"), ("run", "step"), f"{path}.since")


def _wait(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, (*COMMON, "days", "hours", "until", "event", "where", "longest_days", "otherwise", "since"), path)
    ways = [name for name in ("until", "event") if name in data] + (["days"] if "days" in data or "hours" in data else [])
    if len(ways) != 1:
        reader.fault(path, _("Say how long: days and hours, until a date, or until an event."))
        return {"days": 0, "hours": 0}
    if ways == ["days"]:
        for name in ("where", "longest_days", "otherwise", "since"):
            if name in data:
                reader.fault(f"{path}.{name}", _("This belongs to waiting for an event."))
        days, hours = reader.whole(data.get("days", 0), 0, LONGEST_DAYS, f"{path}.days"), reader.whole(data.get("hours", 0), 0, 24 * 31, f"{path}.hours")
        if not days and not hours:
            reader.fault(f"{path}.days", _("A wait has a length."))
        return {"days": days, "hours": hours}
    if ways == ["until"]:
        until = data["until"]
        if not isinstance(until, Mapping):
            reader.fault(f"{path}.until", _("Expected a date of the account, and days."))
            return {"until": {"field": "", "days": 0}}
        reader.only(until, ("field", "days"), f"{path}.until")
        made = {"field": reader.date_field(until.get("field"), f"{path}.until.field"), "days": reader.whole(until.get("days", 0), -730, 730, f"{path}.until.days")}
        return {"until": made}
    if "longest_days" not in data:
        reader.fault(f"{path}.longest_days", _("A wait has a length: say how long at most."))
    return {
        **reader.event(data, path),
        "since": _since(reader, data, path),
        "longest_days": reader.whole(data.get("longest_days", 1), 1, LONGEST_DAYS, f"{path}.longest_days"),
        "otherwise": data.get("otherwise", ""),
    }


def _branch(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, ("key", "kind", "title", "if", "branches", "otherwise", "longest_days"), path)
    given = data.get("branches")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_BRANCHES:
        reader.fault(f"{path}.branches", _("Expected one to %(most)s branches.") % {"most": MOST_BRANCHES})
        given = []
    longest = reader.whole(data.get("longest_days", 0), 0, LONGEST_DAYS, f"{path}.longest_days")
    branches = []
    for place, branch in enumerate(given):
        inside = f"{path}.branches.{place}"
        if not isinstance(branch, Mapping):
            reader.fault(inside, _("Expected when to go, and where."))
            continue
        reader.only(branch, ("when", "go"), inside)
        when = branch.get("when")
        if isinstance(when, Mapping) and "event" in when:
            reader.only(when, ("event", "where", "since"), f"{inside}.when")
            when = {**reader.event(when, f"{inside}.when"), "since": _since(reader, when, f"{inside}.when")}
        else:
            when = reader.rule(when, f"{inside}.when")
        branches.append({"when": when, "go": branch.get("go")})
    if "otherwise" not in data:
        reader.fault(f"{path}.otherwise", _("Say where to go when nothing fits."))
    return {"branches": branches, "otherwise": data.get("otherwise", END), "longest_days": longest}


def _stop(reader: Reader, data: Mapping[str, Any], path: str) -> Body:
    reader.only(data, ("key", "kind", "title", "if"), path)
    return {}


_KINDS: dict[str, Callable[[Reader, Mapping[str, Any], str], Body]] = {
    "work": _work, "mail": _mail, "survey": _survey, "field": _field, "tag": _tag, "webhook": _webhook, "wait": _wait, "branch": _branch, "stop": _stop,
}  # fmt: skip
STEP_KINDS = tuple(_KINDS)


def read_steps(reader: Reader, data: Any) -> tuple[Step, ...]:
    """The steps in order."""
    if not isinstance(data, list) or not data:
        reader.fault("steps", _("A playbook has at least one step."))
        return ()
    if len(data) > MOST_STEPS:
        reader.fault("steps", _("A playbook has at most %(most)s steps.") % {"most": MOST_STEPS})
        return ()
    places: dict[str, int] = {}
    for place, entry in enumerate(data):
        key = entry.get("key") if isinstance(entry, Mapping) else None
        if not isinstance(key, str) or not KEY.fullmatch(key) or key == END:
            reader.fault(f"steps.{place}.key", _("Expected a key of small letters, digits and hyphens that is not “end”."))
        elif key in places:
            reader.fault(f"steps.{place}.key", _("Two steps have this key."))
        else:
            places[key] = place
    made = []
    for place, entry in enumerate(data):
        path = f"steps.{place}"
        if not isinstance(entry, Mapping):
            reader.fault(path, _("Expected a step."))
            continue
        kind = reader.one_of(entry.get("kind"), STEP_KINDS, f"{path}.kind")
        if not kind:
            continue
        body = _KINDS[kind](reader, entry, path)
        jumps = _Jumps(reader, places, place)
        below = next((str(later["key"]) for later in data[place + 1 : place + 2] if isinstance(later, Mapping) and "key" in later), END)
        following = jumps.to(entry["next"], f"{path}.next") if "next" in entry and kind not in {"branch", "stop"} else below
        if kind == "branch":
            body["branches"] = [{**branch, "go": jumps.to(branch["go"], f"{path}.branches.{number}.go")} for number, branch in enumerate(body["branches"])]
            body["otherwise"] = jumps.to(body["otherwise"], f"{path}.otherwise")
        if kind == "wait" and body.get("otherwise"):
            body["otherwise"] = jumps.to(body["otherwise"], f"{path}.otherwise")
        made.append(
            Step(
                key=str(entry.get("key")),
                kind=kind,
                following=following,
                body=body,
                title="" if kind == "work" else reader.line(entry.get("title", ""), TITLE_LENGTH, f"{path}.title", blank=True),
                condition=reader.rule(entry["if"], f"{path}.if") if entry.get("if") else None,
            )
        )
    return tuple(made)


class _Jumps:
    """Where a step may lead: only on, so that no run can go in circles."""

    def __init__(self, reader: Reader, places: Mapping[str, int], place: int) -> None:
        self._reader, self._places, self._place = reader, places, place

    def to(self, target: Any, path: str) -> str:
        """The key of a later step, or the end."""
        if target == END:
            return END
        if not isinstance(target, str) or target not in self._places:
            self._reader.fault(path, _("There is no step “%(key)s”.") % {"key": str(target)[:40]})
        elif self._places[target] == self._place:
            self._reader.fault(path, _("“%(key)s” would lead to itself: a playbook only goes forward.") % {"key": target})
        elif self._places[target] < self._place:
            self._reader.fault(path, _("“%(key)s” stands before this step: a playbook only goes forward.") % {"key": target})
        else:
            return target
        return END
