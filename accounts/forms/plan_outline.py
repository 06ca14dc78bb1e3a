"""The milestones of a template as plain inputs: read from what was sent, changed by its buttons, drawn again.

Names are `m-<milestone>-name` and `m-<milestone>-s-<step>-<part>`; a button sends `do`, for instance `add-step-0`,
and the form comes back with the change and nothing saved. A step's rule travels along as JSON in a hidden input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from accounts.plan_outline import MOST_MILESTONES, MOST_STEPS

_NEW_STEP: dict[str, Any] = {"name": "", "details": "", "required": True, "side": "us", "visible": True, "due_days": None, "rule": None}
_WISH = re.compile(r"(add-milestone|add-step|remove-milestone|remove-step|up-milestone|up-step)((?:-\d{1,2})*)")


def new_outline() -> list[dict[str, Any]]:
    """What an empty form opens with: one milestone with one step."""
    return [{"name": "", "steps": [dict(_NEW_STEP)]}]


def read_inputs(sent: Mapping[str, str]) -> list[dict[str, Any]]:
    """The milestones as they stand in the inputs, unchecked; numbers that are none stay as they were typed."""
    found: list[dict[str, Any]] = []
    for milestone in range(MOST_MILESTONES):
        if f"m-{milestone}-name" not in sent:
            break
        steps = []
        for number in range(MOST_STEPS):
            at = f"m-{milestone}-s-{number}"
            if f"{at}-name" not in sent:
                break
            steps.append(
                {
                    "name": sent[f"{at}-name"], "details": sent.get(f"{at}-details", ""), "required": f"{at}-required" in sent, "side": sent.get(f"{at}-side", "us"),
                    "visible": f"{at}-visible" in sent, "due_days": _days(sent.get(f"{at}-due_days", "")), "rule": _rule(sent.get(f"{at}-rule", "")),
                }
            )  # fmt: skip
        found.append({"name": sent[f"m-{milestone}-name"], "steps": steps})
    return found


def _days(text: str) -> Any:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else (text or None)


def _rule(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def apply_wish(outline: list[dict[str, Any]], wish: str) -> bool:
    """Does what a button asks for; whether there was one that could be done."""
    match = _WISH.fullmatch(wish)
    if match is None:
        return False
    what, places = match[1], [int(part) for part in match[2].split("-") if part]
    if what == "add-milestone" and len(outline) < MOST_MILESTONES:
        outline.extend(new_outline())
        return True
    if not places or places[0] >= len(outline):
        return False
    rows: list[Any] = outline[places[0]]["steps"] if what.endswith("step") else outline
    if what == "add-step" and len(rows) < MOST_STEPS:
        rows.append(dict(_NEW_STEP))
        return True
    if what == "add-step" or (what.endswith("step") and len(places) < 2):
        return False
    place = places[-1]
    if place >= len(rows):
        return False
    if what.startswith("remove"):
        rows.pop(place)
    elif what.startswith("up") and place:
        rows[place - 1], rows[place] = rows[place], rows[place - 1]
    return True


def drawn(outline: list[dict[str, Any]], *, path: str = "", message: str = "", words: Any = None) -> list[dict[str, Any]]:
    """The outline for the template: each milestone and step with its prefix, its rule in words, and the fault that stands there."""
    shown = []
    for number, milestone in enumerate(outline):
        steps = [
            {
                **step, "at": f"m-{number}-s-{place}", "place": place, "rule_json": json.dumps(step["rule"]) if step.get("rule") else "",
                "rule_words": words(step["rule"]) if words and step.get("rule") else "", "fault": message if f"{path}.".startswith(f"{number}.steps.{place}.") else "",
            }
            for place, step in enumerate(milestone["steps"])
        ]  # fmt: skip
        own = path in {f"{number}", f"{number}.name", f"{number}.steps"}
        shown.append({"name": milestone["name"], "at": f"m-{number}", "number": number, "place": number + 1, "steps": steps, "fault": message if own else ""})
    return shown
