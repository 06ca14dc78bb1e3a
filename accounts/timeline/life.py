"""How the life of an account is told: it came, it moved, it did well or badly, it left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.timeline.parts import Happening, Said, by, joined, named, reason, word
from accounts.words import code


def _created(event: Happening) -> Said:
    return _("The account became known"), code(event.payload.get("source")), ""


def _churned(event: Happening) -> Said:
    voluntary = event.payload.get("voluntary")
    how = "" if voluntary is None else _("by choice") if voluntary else _("not by choice")
    return _("The customer left"), joined(reason(event), code(event.payload.get("reason_detail")), how), "risk"


def _reactivated(event: Happening) -> Said:
    return _("The customer came back"), reason(event), "good"


def _trial_started(event: Happening) -> Said:
    return _("A trial began"), word(event.payload.get("plan")), ""


def _trial_ended(event: Happening) -> Said:
    converted = event.payload.get("converted")
    text = _("The trial ended with a subscription") if converted else _("The trial ended without a subscription") if converted is False else _("The trial ended")
    return text, word(event.payload.get("plan")), "good" if converted else ""


def _onboarded(event: Happening) -> Said:
    days = event.payload.get("days")
    return _("Onboarding is done"), ngettext("after %(days)s day", "after %(days)s days", int(days)) % {"days": days} if isinstance(days, int) else "", "good"


def _band_changed(event: Happening) -> Said:
    band, score, before = str(event.payload.get("band") or ""), event.payload.get("score"), event.payload.get("score_before")
    values = {"band": wording.band_name(band), "score": _points(score), "before": _points(before)}
    if score is not None and before is not None:
        text = _("Health fell to %(score)s from %(before)s: %(band)s") if float(score) < float(before) else _("Health rose to %(score)s from %(before)s: %(band)s")
    else:
        text = _("Health is now %(score)s: %(band)s") if score is not None else _("Health is now: %(band)s")
    return text % values, "", {"healthy": "good", "at_risk": "risk"}.get(band, band)


def _points(score: Any) -> str:
    """Scores in payloads are hundredths, as they are stored."""
    return wording.points(int(score)) if isinstance(score, int) else wording.number(score) if isinstance(score, float) else wording.DASH


def _moved(event: Happening) -> Said:
    if event.kind == "segment.changed":
        names, key = event.segments, "segment"
        texts = _("Moved from %(before)s to %(after)s"), _("Now in the segment %(after)s"), _("Left its segment")
    else:
        names, key = event.stages, "stage"
        texts = _("Moved from %(before)s to %(after)s"), _("Now in the stage %(after)s"), _("Left its stage")
    after, before = named(names, event.payload.get(key)), named(names, event.payload.get(f"{key}_before"))
    text = texts[0] if after and before else texts[1] if after else texts[2]
    return text % {"before": before, "after": after}, joined(reason(event), by(event)), ""


def _owner(event: Happening) -> Said:
    after, before = named(event.people, event.payload.get("owner")), named(event.people, event.payload.get("owner_before"))
    if after and before:
        return _("%(after)s took over from %(before)s") % {"after": after, "before": before}, "", ""
    return (_("%(after)s is responsible now") % {"after": after} if after else _("Nobody is responsible now")), "", ""


def _milestone(event: Happening) -> Said:
    feature = word(event.payload.get("feature"))
    return (_("Reached a step in the product: %(feature)s") % {"feature": feature} if feature else _("Reached a step in the product")), "", "good"


SAYS: dict[str, Callable[[Happening], Said]] = {
    "account.created": _created, "account.churned": _churned, "account.reactivated": _reactivated, "trial.started": _trial_started, "trial.ended": _trial_ended,
    "onboarding.completed": _onboarded, "health.band_changed": _band_changed, "segment.changed": _moved, "stage.changed": _moved, "owner.changed": _owner,
    "usage.milestone": _milestone,
}  # fmt: skip
