"""Events as readable sentences: what the timeline of an account says of each kind. Pure but for words.

A sentence is made for the reader at the moment of reading, from ids, codes and numbers in the
payload and from names looked up then; nothing personal is ever stored in an event.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.timeline import life, money, playbooks, voice, work
from accounts.timeline.kinds import GROUPS, ICONS, TOUCH_ICONS
from accounts.timeline.parts import Happening, Line, Said, by

_SAYS: dict[str, Callable[[Happening], Said]] = {**life.SAYS, **money.SAYS, **voice.SAYS, **work.SAYS, **playbooks.SAYS}


def line(event: Happening) -> Line:
    """The line of an event. Every kind has one, also with an empty payload."""
    say = _SAYS.get(event.kind)
    text, detail, tone = say(event) if say else (event.kind, "", "")
    icon = TOUCH_ICONS.get(str(event.payload.get("channel", "")).lower(), "phone") if event.kind == "touch.logged" else ICONS.get(event.kind, "circle-dot")
    return Line(text, detail or by(event), icon, tone)


__all__ = ["GROUPS", "ICONS", "Happening", "Line", "line"]
