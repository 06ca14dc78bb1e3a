"""How playbooks are told: they began, wrote, ended, went on."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.playbooks.telling import say_reason
from accounts.timeline.parts import Happening, Said, by, joined, named, who


def _playbook(event: Happening) -> str:
    name = named(event.playbooks, event.payload.get("playbook"))
    return _("Playbook “%(name)s”") % {"name": name} if name else _("A playbook")


def _started(event: Happening) -> Said:
    return _("%(playbook)s began") % {"playbook": _playbook(event)}, by(event), ""


def _mailed(event: Happening) -> Said:
    return _("%(playbook)s wrote to %(who)s") % {"playbook": _playbook(event), "who": who(event)}, " ", ""


def _ended(event: Happening) -> Said:
    reason = str(event.payload.get("reason") or "")
    return _("%(playbook)s ended") % {"playbook": _playbook(event)}, joined(say_reason(reason) if reason else "", event.actor) or " ", ""


def _resumed(event: Happening) -> Said:
    return _("%(playbook)s goes on") % {"playbook": _playbook(event)}, by(event), ""


SAYS: dict[str, Callable[[Happening], Said]] = {
    "playbook.started": _started, "playbook.mailed": _mailed, "playbook.ended": _ended, "playbook.resumed": _resumed,
}  # fmt: skip
