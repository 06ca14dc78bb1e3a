"""How touches, notes and work are told."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from accounts.timeline.parts import Happening, Said, joined, word

_CHANNELS = {
    "call": gettext_lazy("%(actor)s called %(who)s"),
    "phone": gettext_lazy("%(actor)s called %(who)s"),
    "mail": gettext_lazy("%(actor)s wrote to %(who)s"),
    "email": gettext_lazy("%(actor)s wrote to %(who)s"),
    "review": gettext_lazy("%(actor)s held a review with %(who)s"),
    "meeting": gettext_lazy("%(actor)s met %(who)s"),
    "visit": gettext_lazy("%(actor)s visited %(who)s"),
    "chat": gettext_lazy("%(actor)s chatted with %(who)s"),
    "training": gettext_lazy("%(actor)s trained %(who)s"),
}


def _touch(event: Happening) -> Said:
    channel = str(event.payload.get("channel") or "").lower()
    sentence = _CHANNELS.get(channel, gettext_lazy("%(actor)s was in touch with %(who)s"))
    text = str(sentence) % {"actor": event.actor or _("Somebody"), "who": event.contact or _("the customer")}
    minutes = event.payload.get("minutes")
    spent = ngettext("%(minutes)s minute", "%(minutes)s minutes", int(minutes)) % {"minutes": minutes} if isinstance(minutes, int) and minutes else ""
    outcome = word(event.payload.get("outcome"))
    return text, joined(spent, _("outcome: %(outcome)s") % {"outcome": outcome} if outcome else "") or " ", ""


def _note(event: Happening) -> Said:
    return (_("%(actor)s wrote a note") % {"actor": event.actor} if event.actor else _("A note was written")), " ", ""


_WORK = {
    "risk": gettext_lazy("Risk"), "lifecycle": gettext_lazy("Lifecycle"), "expansion": gettext_lazy("Expansion"), "objective": gettext_lazy("Objective"),
    "activity": gettext_lazy("Activity"), "close_loop": gettext_lazy("Close the loop"), "renewal": gettext_lazy("Renewal"),
}  # fmt: skip


def _work(event: Happening) -> Said:
    kind = str(_WORK.get(str(event.payload.get("type")), word(event.payload.get("type"))))
    told = {
        "work.opened": _("Work was opened: %(type)s"), "work.reopened": _("Work was opened again: %(type)s"),
        "work.handed_over": _("Work was handed over to support: %(type)s"), "work.came_back": _("Work came back from support: %(type)s"),
        "dropped": _("Work was dropped: %(type)s"),
    }  # fmt: skip
    outcome = str(event.payload.get("outcome"))
    why = wording.recovery(outcome) if event.kind == "work.done" else ""
    words = _("Work closed itself: %(type)s") if why else told.get(event.kind) or told.get(outcome) or _("Work was done: %(type)s")
    return words % {"type": kind}, why or event.actor, ""


SAYS: dict[str, Callable[[Happening], Said]] = {
    "touch.logged": _touch, "note.added": _note, "work.opened": _work, "work.reopened": _work, "work.handed_over": _work, "work.came_back": _work, "work.done": _work,
}  # fmt: skip
