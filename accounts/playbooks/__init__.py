"""What a playbook is made of, and what it does next. Pure: no database, no clock.

`parse` reads a version and raises `PlaybookFaults` with every place that is wrong, `check` lists them;
`decide` says what becomes of a step. `docs/playbooks.md` states the shapes.
"""

from __future__ import annotations

from typing import Any

from accounts.playbooks.deciding import Decision, Facts, awaited, decide
from accounts.playbooks.faults import PlaybookFault, PlaybookFaults
from accounts.playbooks.plan import END, HELD_OUT_SQL, Caps, Plan, Step, is_held_out, words_for
from accounts.playbooks.reading import Known, Reader
from accounts.playbooks.steps import STEP_KINDS, read_steps
from accounts.playbooks.triggers import TRIGGER_KINDS, read_caps, read_exits, read_trigger

MOST_HELD_OUT = 90


def _read(
    trigger: Any, steps: Any, audience: Any = None, exits: Any = (), caps: Any = None, hold_out_percent: Any = 0, known: Known | None = None
) -> tuple[Plan, list[PlaybookFault]]:
    reader = Reader(known or Known())
    plan = Plan(
        trigger=read_trigger(reader, trigger),
        audience=reader.rule(audience, "audience") if audience else None,
        steps=read_steps(reader, steps),
        exits=read_exits(reader, list(exits) if isinstance(exits, tuple) else exits),
        caps=read_caps(reader, caps or {}),
        hold_out_percent=reader.whole(hold_out_percent, 0, MOST_HELD_OUT, "hold_out_percent"),
    )
    return plan, reader.faults


def check(*, trigger: Any, steps: Any, audience: Any = None, exits: Any = (), caps: Any = None, hold_out_percent: Any = 0, known: Known | None = None) -> list[PlaybookFault]:
    """Every fault of a version with its place; none: it can be published."""
    return _read(trigger, steps, audience, exits, caps, hold_out_percent, known)[1]


def parse(*, trigger: Any, steps: Any, audience: Any = None, exits: Any = (), caps: Any = None, hold_out_percent: Any = 0, known: Known | None = None) -> Plan:
    """The plan of a version. Raises PlaybookFaults."""
    plan, faults = _read(trigger, steps, audience, exits, caps, hold_out_percent, known)
    if faults:
        raise PlaybookFaults(faults)
    return plan


__all__ = [
    "END", "HELD_OUT_SQL", "STEP_KINDS", "TRIGGER_KINDS", "Caps", "Decision", "Facts", "Known", "Plan", "PlaybookFault", "PlaybookFaults", "Step",
    "awaited", "check", "decide", "is_held_out", "parse", "words_for",
]  # fmt: skip
