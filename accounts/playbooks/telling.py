"""A playbook in the reader's language: its name, one sentence of what it does, every step as it is drawn. Pure but for words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.event_words import say_event
from accounts.playbooks.moments import date_name, say_trigger
from accounts.playbooks.plan import END, words_for
from accounts.rules import RuleFault, parse, sentence
from accounts.rules.telling import Names

KINDS: dict[str, Any] = {
    "work": lazy("Work for a person"), "mail": lazy("Mail"), "survey": lazy("Survey"), "wait": lazy("Wait"), "branch": lazy("Branch"), "field": lazy("Change a field"),
    "tag": lazy("Change tags"), "webhook": lazy("Call another system"), "stop": lazy("Stop here"),
}  # fmt: skip
ICONS = {
    "work": "list-checks", "mail": "mail", "survey": "message-square-text", "wait": "hourglass", "branch": "split", "field": "square-pen", "tag": "tag", "webhook": "webhook",
    "stop": "circle-stop",
}  # fmt: skip
PEOPLE: dict[str, Any] = {
    "main": lazy("the main contact"), "champion": lazy("the champion"), "sponsor": lazy("the sponsor"), "user": lazy("a user"), "billing": lazy("the person for billing"),
}  # fmt: skip
FIELDS: dict[str, Any] = {
    "lifecycle_stage": lazy("lifecycle stage"), "owner": lazy("owner"), "plan": lazy("plan"), "industry": lazy("industry"), "language": lazy("language"),
}  # fmt: skip
WORK_TYPES: dict[str, Any] = {
    "activity": lazy("Activity"), "risk": lazy("Risk"), "lifecycle": lazy("Lifecycle"), "expansion": lazy("Expansion"), "objective": lazy("Objective"),
    "close_loop": lazy("Close the loop"), "renewal": lazy("Renewal"),
}  # fmt: skip
# why a run ended, why a step or an occasion was passed over
REASONS: dict[str, Any] = {
    "churned": lazy("the customer has left"), "excluded": lazy("no figure counts the account"), "audience": lazy("it is not for this account"),
    "running": lazy("it runs there already"), "cap": lazy("it ran there often enough"), "per_day": lazy("enough started that day"),
    "held_out": lazy("held out, to measure the effect"),
    "condition": lazy("its condition was not met"), "no_date": lazy("the account has no such date"), "time": lazy("the time was over"), "date": lazy("the day had come"),
    "event": lazy("what it waited for happened"), "longest_wait": lazy("it did not happen in time"), "otherwise": lazy("nothing fitted"),
    "branch_1": lazy("the first branch fitted"), "branch_2": lazy("the second branch fitted"), "branch_3": lazy("the third branch fitted"),
    "branch_4": lazy("the fourth branch fitted"),
    "stop": lazy("stopped here"), "end": lazy("all steps are through"), "done": lazy("all steps are through"), "exit": lazy("an exit rule fitted"), "by_hand": lazy("by hand"),
    "no_contact": lazy("there is nobody to write to"), "no_address": lazy("there is no address"), "bounced": lazy("mails to this address come back"),
    "refused": lazy("the person wants no mails"), "suppressed": lazy("mails to this address are stopped"), "gap": lazy("another playbook wrote a short time ago"),
    "open_already": lazy("this work was open already"), "same_already": lazy("it was so already"), "assignee_gone": lazy("who it was for has left; it went to the owner"),
    "person_gone": lazy("the person works here no more"), "stage_gone": lazy("there is no such stage any more"), "inactive": lazy("the playbook is switched off"),
    "later": lazy("enough started today"), "playbook_ended": lazy("the run had ended"), "sandbox": lazy("a sandbox calls nobody"),
    "stale": lazy("it was too late to send it"), "moved": lazy("the address has changed"), "not_allowed": lazy("this installation does not write there"),
    "unsendable": lazy("no mail can reach the address"), "mail_failed": lazy("the mail server refused it"),
}  # fmt: skip


def shown_name(playbook: Any) -> str:
    """A playbook's name: the shipped ones in the reader's language, others as they were named."""
    return _(str(playbook.name)) if playbook.name else ""


def shown_description(playbook: Any) -> str:
    """A playbook's description, likewise."""
    return _(str(playbook.description)) if playbook.description else ""


def say_reason(reason: str) -> str:
    """A reason of the log in words; what a person typed as it was typed."""
    if reason.startswith("ended:"):
        return _("the run ended before: %(reason)s") % {"reason": say_reason(reason.removeprefix("ended:"))}
    if reason.startswith("exit_"):
        return str(REASONS["exit"])
    return str(REASONS.get(reason, reason.replace("_", " ") if reason.isascii() and reason.isidentifier() else reason))


def say_rule(data: Any, names: Names) -> str:
    """A rule as a sentence; a dash where it cannot be read."""
    try:
        return sentence(parse(data), names)
    except RuleFault:
        return "–"


def say_when(when: Mapping[str, Any] | None, names: Names) -> str:
    """What a branch or an exit asks: an event or a rule."""
    if when and "event" in when:
        return say_event(str(when["event"]), when.get("where"))
    return say_rule(when or {}, names)


def say_summary(playbook: Any, version: Any, names: Names) -> str:
    """One sentence: what starts it and what it does; a playbook to read by its description."""
    if version is None:
        return shown_description(playbook)
    counts = Counter(str(step.get("kind")) for step in version.steps if isinstance(step, Mapping))
    does = [
        text
        for count, text in (
            (counts["work"], ngettext("%(count)s piece of work", "%(count)s pieces of work", counts["work"])),
            (counts["mail"], ngettext("%(count)s mail", "%(count)s mails", counts["mail"])),
            (counts["survey"], ngettext("%(count)s survey", "%(count)s surveys", counts["survey"])),
            (counts["field"] + counts["tag"], ngettext("%(count)s change", "%(count)s changes", counts["field"] + counts["tag"])),
            (counts["webhook"], ngettext("%(count)s call of another system", "%(count)s calls of other systems", counts["webhook"])),
        )
        if count
        for text in [text % {"count": count}]
    ]
    days = longest_days(version.steps)
    said = _("It starts %(trigger)s: %(does)s") % {"trigger": say_trigger(version.trigger, names), "does": ", ".join(does) or _("nothing yet")}
    if days:
        said += " " + ngettext("over %(days)s day at most", "over %(days)s days at most", days) % {"days": days}
    ends = [say_when(entry if "event" in entry else entry.get("rule"), names) for entry in version.exits if isinstance(entry, Mapping)]
    if ends:
        said += _("; it ends when %(ends)s") % {"ends": _(" or ").join(ends)}
    description = shown_description(playbook)
    return f"{description} {said}." if description else f"{said}."


def longest_days(steps: Sequence[Any]) -> int:
    """How many days the longest way through may take; waits for a date of the account are not counted."""
    rows = [step for step in steps if isinstance(step, Mapping)]
    places = {str(step.get("key")): place for place, step in enumerate(rows)}
    lengths = [0] * (len(rows) + 1)
    # jumps lead forward only, so what comes after a step is known before it
    for place in range(len(rows) - 1, -1, -1):
        step, kind = rows[place], rows[place].get("kind")
        ways = (
            [arm.get("go") for arm in step.get("branches", []) if isinstance(arm, Mapping)] + [step.get("otherwise")]
            if kind == "branch"
            else [step.get("next"), step.get("otherwise")]
        )
        after = [places.get(str(way), len(rows)) for way in ways if way]
        if kind != "branch" and not step.get("next"):
            after.append(place + 1)
        own = _number(step.get("days")) + _number(step.get("longest_days")) if kind in {"wait", "branch"} else 0
        lengths[place] = own + (0 if kind == "stop" else max((lengths[way] for way in after if way > place), default=0))
    return lengths[0]


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def say_audience(version: Any, names: Names) -> str:
    """Whom it is for."""
    said = say_rule(version.audience, names) if version.audience else _("every account")
    if version.includes_churned:
        said += "; " + _("customers who left too")
    return said


def say_caps(version: Any, names: Names) -> list[tuple[str, str]]:
    """Caps, hold-out and exits as pairs of word and value."""
    caps = {"per_account": 1, "days": 30, "at_once": 1, **{key: value for key, value in version.caps.items() if value is not None}}
    often = ngettext("%(count)s time an account in %(days)s days", "%(count)s times an account in %(days)s days", caps["per_account"])
    told = [(_("At most"), often % {"count": caps["per_account"], "days": caps["days"]})]
    if caps.get("per_day"):
        told.append((_("A day"), ngettext("%(count)s start", "%(count)s starts", caps["per_day"]) % {"count": caps["per_day"]}))
    told.append((_("Held out"), _("%(percent)s of a hundred accounts") % {"percent": version.hold_out_percent} if version.hold_out_percent else _("nobody")))
    told += [(_("Ends when"), say_when(entry if "event" in entry else entry.get("rule"), names)) for entry in version.exits]
    return told


def outline(steps: Sequence[Any], names: Names) -> list[dict[str, Any]]:
    """The steps as they are drawn: icon, title, detail, letters of mails, and where branches lead."""
    rows = [step for step in steps if isinstance(step, Mapping)]
    titles = {str(step.get("key")): step_title(step, names) for step in rows}

    def target(key: Any) -> str:
        return _("the end") if key == END else titles.get(str(key), str(key))

    drawn = []
    for place, step in enumerate(rows):
        kind = str(step.get("kind"))
        arms = [{"when": _("if %(what)s") % {"what": say_when(arm.get("when"), names)}, "go": arm.get("go"), "to": target(arm.get("go"))} for arm in step.get("branches", [])]
        if kind == "branch":
            arms.append({"when": _("otherwise"), "go": step.get("otherwise", END), "to": target(step.get("otherwise", END))})
        if kind == "wait" and step.get("otherwise"):
            arms.append({"when": _("if it does not happen"), "go": step["otherwise"], "to": target(step["otherwise"])})
        below = rows[place + 1].get("key") if place + 1 < len(rows) else END
        if step.get("next") and step["next"] != below:
            arms.append({"when": _("then"), "go": step["next"], "to": target(step["next"])})
        drawn.append(
            {
                "key": step.get("key"),
                "kind": kind,
                "icon": ICONS.get(kind, "circle"),
                "title": titles[str(step.get("key"))],
                "detail": _detail(step, names),
                "letters": _letters(step),
                "arms": arms,
            }
        )
    return drawn


def step_title(step: Mapping[str, Any], names: Names) -> str:
    """What a step does in a few words."""
    kind, given = str(step.get("kind")), words_for(step.get("title") or "", get_language() or "en")
    if given:
        return given
    if kind == "mail":
        return _("Mail: %(subject)s") % {"subject": words_for(step.get("subject") or "", get_language() or "en")}
    if kind == "survey":
        return _("Ask the %(survey)s survey") % {"survey": str(step.get("survey") or step.get("touchpoint") or "").upper()}
    if kind == "wait":
        return _say_wait(step)
    if kind == "field":
        field, value = str(step.get("field", "")), step.get("value", "")
        if field == "lifecycle_stage":
            value = names.get("stage", {}).get(str(value), value)
        return _("Set %(field)s to %(value)s") % {"field": FIELDS.get(field, field.removeprefix("attributes.")), "value": value}
    if kind == "tag":
        told = [_("add %(tags)s") % {"tags": ", ".join(step["add"])}] if step.get("add") else []
        told += [_("take away %(tags)s") % {"tags": ", ".join(step["remove"])}] if step.get("remove") else []
        return _("Tags: %(what)s") % {"what": "; ".join(told)}
    return str(KINDS.get(kind, kind))


def _say_wait(step: Mapping[str, Any]) -> str:
    if "event" in step:
        days = int(step.get("longest_days") or 0)
        return ngettext("Wait at most %(days)s day until %(event)s", "Wait at most %(days)s days until %(event)s", days) % {
            "days": days, "event": say_event(str(step["event"]), step.get("where")),
        }  # fmt: skip
    if isinstance(step.get("until"), Mapping):
        days, date = int(step["until"].get("days") or 0), date_name(str(step["until"].get("field", "")))
        if not days:
            return _("Wait until the %(date)s") % {"date": date}
        said = ngettext("%(days)s day", "%(days)s days", abs(days)) % {"days": abs(days)}
        return (_("Wait until %(days)s before the %(date)s") if days < 0 else _("Wait until %(days)s after the %(date)s")) % {"days": said, "date": date}
    days, hours = int(step.get("days") or 0), int(step.get("hours") or 0)
    told = [ngettext("%(days)s day", "%(days)s days", days) % {"days": days}] if days else []
    told += [ngettext("%(hours)s hour", "%(hours)s hours", hours) % {"hours": hours}] if hours or not days else []
    return _("Wait %(time)s") % {"time": " ".join(told)}


def _detail(step: Mapping[str, Any], names: Names) -> str:
    kind, told = str(step.get("kind")), []
    if kind == "work":
        days = int(step.get("due_days", 1))
        told.append(str(WORK_TYPES.get(str(step.get("type", "activity")), "")))
        told.append(_("due at once") if not days else ngettext("due in %(days)s day", "due in %(days)s days", days) % {"days": days})
        if step.get("priority") == "high":
            told.append(_("high priority"))
        told.append(_("for the account's owner") if step.get("assignee", "owner") == "owner" else str(step["assignee"]))
    if kind in {"mail", "survey"}:
        told.append(_("to %(person)s") % {"person": PEOPLE.get(str(step.get("to", "main")), "")})
    if kind == "mail" and step.get("transactional"):
        told.append(_("about the contract, so also to those who want no other mails"))
    if kind == "webhook":
        told.append(str(step.get("url", "")))
    if kind == "branch" and step.get("longest_days"):
        told.append(ngettext("waits at most %(days)s day", "waits at most %(days)s days", step["longest_days"]) % {"days": step["longest_days"]})
    if step.get("if"):
        told.append(_("only if %(rule)s") % {"rule": say_rule(step["if"], names)})
    return " · ".join(part for part in told if part)


def _letters(step: Mapping[str, Any]) -> list[dict[str, str]]:
    """The texts of a mail, one a language."""
    if step.get("kind") != "mail":
        return []
    subject, body = step.get("subject") or "", step.get("body") or ""
    codes = list(body) if isinstance(body, Mapping) else ["en"]
    return [{"language": code, "subject": words_for(subject, code), "body": words_for(body, code)} for code in codes]
