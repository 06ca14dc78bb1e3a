"""Events as readable sentences: what the timeline of an account says of each kind. Pure but for words.

A sentence is made for the reader at the moment of reading, from ids, codes and numbers in the
payload and from names looked up then; nothing personal is ever stored in an event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import wording
from accounts.money import to_micros
from accounts.words import code

# what the filter of the timeline offers; the kinds of each
GROUPS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "touches": (gettext_lazy("Touches"), ("touch.logged", "note.added", "work.opened", "work.reopened", "work.handed_over", "work.came_back", "work.done")),
    "answers": (
        gettext_lazy("Answers"),
        (
            "survey.requested", "survey.sent", "survey.reminded", "survey.answered", "case.late", "case.closed", "contact.unsubscribed", "contact.erased",
            "mail.bounced", "mail.complained",
        ),
    ),
    "tickets": (gettext_lazy("Tickets"), ("ticket.opened", "ticket.solved", "ticket.reopened", "ticket.reopen_wanted", "ticket.sla_near", "ticket.sla_breached")),
    "money": (
        gettext_lazy("Money"),
        (
            "subscription.started", "subscription.changed", "subscription.cancelled", "subscription.ended", "subscription.renewal_due",
            "purchase.completed", "payment.failed", "payment.recovered",
        ),
    ),
    "life": (
        gettext_lazy("Life"),
        (
            "account.created", "account.churned", "account.reactivated", "trial.started", "trial.ended", "onboarding.completed",
            "health.band_changed", "segment.changed", "stage.changed", "owner.changed", "usage.milestone",
        ),
    ),
}  # fmt: skip

ICONS = {
    "account.created": "building-2", "account.churned": "door-open", "account.reactivated": "heart-handshake", "trial.started": "hourglass",
    "trial.ended": "hourglass", "onboarding.completed": "graduation-cap", "purchase.completed": "shopping-cart", "subscription.started": "credit-card",
    "subscription.changed": "credit-card", "subscription.cancelled": "calendar-x", "subscription.ended": "calendar-x", "subscription.renewal_due": "calendar-clock",
    "payment.failed": "triangle-alert", "payment.recovered": "check", "ticket.opened": "ticket", "ticket.solved": "ticket-check", "ticket.reopened": "rotate-ccw",
    "ticket.sla_breached": "clock-alert", "ticket.sla_near": "clock", "ticket.reopen_wanted": "message-square-warning", "survey.requested": "mail",
    "survey.sent": "mail", "survey.reminded": "mail", "case.late": "clock-alert", "case.closed": "check", "survey.answered": "message-square-text",
    "segment.changed": "layers", "stage.changed": "signpost", "owner.changed": "user-round-cog", "touch.logged": "phone", "note.added": "square-pen",
    "health.band_changed": "activity", "work.opened": "list-plus", "work.done": "list-checks", "contact.unsubscribed": "bell-off", "mail.bounced": "mail-x",
    "usage.milestone": "flag", "work.reopened": "rotate-ccw", "work.handed_over": "ticket", "work.came_back": "rotate-ccw",
    "contact.erased": "user-x", "mail.complained": "mail-warning",
}  # fmt: skip
_TOUCH_ICONS = {"mail": "mail", "email": "mail", "review": "presentation", "meeting": "users", "visit": "map-pin", "chat": "message-circle", "training": "graduation-cap"}


@dataclass(frozen=True)
class Happening:
    """One event with the names it needs, as plain values."""

    kind: str
    payload: Mapping[str, Any]
    occurred_at: dt.datetime
    contact: str = ""
    actor: str = ""
    origin: str = "app"
    # names of segments, stages and people by their key or id, as payloads hold them
    segments: Mapping[str, str] | None = None
    stages: Mapping[str, str] | None = None
    people: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Line:
    """One line of the timeline: a sentence, a quieter detail, an icon, and a tone (good, watch, risk or none)."""

    text: str
    detail: str
    icon: str
    tone: str = ""


def line(event: Happening) -> Line:
    """The line of an event. Every kind has one, also with an empty payload."""
    say = _SAYS.get(event.kind)
    text, detail, tone = say(event) if say else (event.kind, "", "")
    icon = _TOUCH_ICONS.get(str(event.payload.get("channel", "")).lower(), "phone") if event.kind == "touch.logged" else ICONS.get(event.kind, "circle-dot")
    return Line(text, detail or _by(event), icon, tone)


def _by(event: Happening) -> str:
    if event.actor:
        return event.actor
    return {"api": _("by the API"), "webhook": _("by a webhook"), "import": _("by import")}.get(event.origin, "")


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _who(event: Happening) -> str:
    return event.contact or _("A contact")


def _money(event: Happening, key: str) -> str:
    value = event.payload.get(key)
    if value in (None, ""):
        return ""
    try:
        return wording.money(to_micros(Decimal(str(value))), str(event.payload.get("currency") or "EUR"))
    except (InvalidOperation, ValueError):
        return str(value)


def _word(value: Any) -> str:
    """A code as words: `too_expensive` reads as “too expensive”."""
    return str(value or "").replace("_", " ").strip()


def _named(names: Mapping[str, str] | None, key: Any) -> str:
    return (names or {}).get(str(key), "") or _word(key) if key not in (None, "") else ""


def _reason(event: Happening) -> str:
    reason = code(event.payload.get("reason"))
    return _("reason: %(reason)s") % {"reason": reason} if reason else ""


Said = tuple[str, str, str]


def _created(event: Happening) -> Said:
    return _("The account became known"), code(event.payload.get("source")), ""


def _churned(event: Happening) -> Said:
    voluntary = event.payload.get("voluntary")
    how = "" if voluntary is None else _("by choice") if voluntary else _("not by choice")
    return _("The customer left"), _joined(_reason(event), code(event.payload.get("reason_detail")), how), "risk"


def _reactivated(event: Happening) -> Said:
    return _("The customer came back"), _reason(event), "good"


def _trial_started(event: Happening) -> Said:
    return _("A trial began"), _word(event.payload.get("plan")), ""


def _trial_ended(event: Happening) -> Said:
    converted = event.payload.get("converted")
    text = _("The trial ended with a subscription") if converted else _("The trial ended without a subscription") if converted is False else _("The trial ended")
    return text, _word(event.payload.get("plan")), "good" if converted else ""


def _onboarded(event: Happening) -> Said:
    days = event.payload.get("days")
    return _("Onboarding is done"), ngettext("after %(days)s day", "after %(days)s days", int(days)) % {"days": days} if isinstance(days, int) else "", "good"


def _purchase(event: Happening) -> Said:
    amount = _money(event, "amount")
    return (_("Paid an order of %(amount)s") % {"amount": amount} if amount else _("Paid an order")), "", ""


def _subscribed(event: Happening) -> Said:
    product, mrr = _word(event.payload.get("product")), _money(event, "mrr")
    text = _("Subscription to %(product)s began") % {"product": product} if product else _("A subscription began")
    return text, _("MRR %(mrr)s") % {"mrr": mrr} if mrr else "", "good"


def _subscription_changed(event: Happening) -> Said:
    before, after = _money(event, "mrr_before"), _money(event, "mrr")
    text = _("MRR went from %(before)s to %(after)s") % {"before": before, "after": after} if before and after else _("Terms of a subscription changed")
    try:
        rise = Decimal(str(event.payload.get("mrr"))) - Decimal(str(event.payload.get("mrr_before")))
    except InvalidOperation:
        rise = Decimal(0)
    return text, _joined(_word(event.payload.get("product")), _by(event)), "good" if rise > 0 else "watch" if rise < 0 else ""


def _cancelled(event: Happening) -> Said:
    product = _word(event.payload.get("product"))
    text = _("Gave notice for %(product)s") % {"product": product} if product else _("Gave notice")
    return text, _joined(_ends(event), _reason(event)), "risk"


def _ends(event: Happening) -> str:
    day = _as_day(event.payload.get("ends_at"))
    return _("ends on %(day)s") % {"day": wording.day(day)} if day else ""


def _as_day(value: Any) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(str(value)).date() if value else None
    except ValueError:
        return None


def _ended(event: Happening) -> Said:
    product = _word(event.payload.get("product"))
    return (_("Service of %(product)s ended") % {"product": product} if product else _("Paid service ended")), _reason(event), "risk"


def _renewal_due(event: Happening) -> Said:
    days, day = event.payload.get("days"), _as_day(event.payload.get("renews_at"))
    text = ngettext("Renews in %(days)s day", "Renews in %(days)s days", int(days)) % {"days": days} if isinstance(days, int) else _("A renewal comes near")
    return text, wording.day(day) if day else "", ""


def _payment_failed(event: Happening) -> Said:
    amount, attempt = _money(event, "amount"), event.payload.get("attempt")
    tried = _("try %(number)s") % {"number": attempt} if attempt else ""
    return (_("A payment of %(amount)s failed") % {"amount": amount} if amount else _("A payment failed")), _joined(code(event.payload.get("failure_code")), tried), "risk"


def _payment_recovered(event: Happening) -> Said:
    amount = _money(event, "amount")
    return (_("A failed payment of %(amount)s was made good") % {"amount": amount} if amount else _("A failed payment was made good")), "", "good"


def _severity(event: Happening) -> str:
    severity = event.payload.get("severity")
    return _("severity %(severity)s") % {"severity": severity} if severity not in (None, "") else ""


def _ticket(event: Happening) -> Said:
    number = event.payload.get("ticket", "")
    texts = {
        "ticket.opened": _("%(who)s opened ticket #%(ticket)s") if event.contact else _("Ticket #%(ticket)s was opened"),
        "ticket.solved": _("Ticket #%(ticket)s was solved"),
        "ticket.reopened": _("Ticket #%(ticket)s was opened again"),
        "ticket.reopen_wanted": _("%(who)s asks to open ticket #%(ticket)s again") if event.contact else _("The customer asks to open ticket #%(ticket)s again"),
        "ticket.sla_near": _("Ticket #%(ticket)s comes near a promised time"),
        "ticket.sla_breached": _("Ticket #%(ticket)s passed a promised time"),
    }
    tones = {"ticket.solved": "good", "ticket.reopened": "watch", "ticket.reopen_wanted": "watch", "ticket.sla_near": "watch", "ticket.sla_breached": "risk"}
    target = {"first_reply": _("first answer"), "resolution": _("solution")}.get(str(event.payload.get("target")), "")
    return (
        texts[event.kind] % {"ticket": number, "who": event.contact},
        _joined(target, _severity(event), _word(event.payload.get("category")), event.actor),
        tones.get(event.kind, ""),
    )


_SURVEYS = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}


def _survey_name(event: Happening) -> str:
    kind = str(event.payload.get("survey_kind") or "")
    return _SURVEYS.get(kind) or (_("exit survey") if kind == "exit" else _("survey"))


def _survey_asked(event: Happening) -> Said:
    values = {"survey": _survey_name(event), "who": _who(event)}
    if event.kind == "survey.requested":
        return _("A survey was asked for"), "", ""
    return (_("%(who)s was reminded of %(survey)s") if event.kind == "survey.reminded" else _("%(survey)s went to %(who)s")) % values, "", ""


def _case(event: Happening) -> Said:
    if event.kind == "case.late":
        return _("The answer to an unhappy customer is late"), "", "risk"
    return _("An unhappy answer was settled"), _joined("" if event.payload.get("in_time", True) else _("late"), event.actor), "good"


def _answered(event: Happening) -> Said:
    score, top = event.payload.get("score"), event.payload.get("scale_max")
    values = {"who": _who(event), "survey": _survey_name(event), "score": score, "top": top}
    if score is None:
        text = _("%(who)s answered the %(survey)s") % values
    elif top is None:
        text = _("%(who)s answered %(survey)s with %(score)s") % values
    else:
        text = _("%(who)s answered %(survey)s with %(score)s of %(top)s") % values
    ticket = event.payload.get("ticket")
    wishes = _("asked to be called") if event.payload.get("call_me") else ""
    after = _("after ticket #%(ticket)s") % {"ticket": ticket} if ticket else ""
    return text, _joined(after, wishes, code(event.payload.get("reason"))), "risk" if event.payload.get("low") else ""


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
    after, before = _named(names, event.payload.get(key)), _named(names, event.payload.get(f"{key}_before"))
    text = texts[0] if after and before else texts[1] if after else texts[2]
    return text % {"before": before, "after": after}, _joined(_reason(event), _by(event)), ""


def _owner(event: Happening) -> Said:
    after, before = _named(event.people, event.payload.get("owner")), _named(event.people, event.payload.get("owner_before"))
    if after and before:
        return _("%(after)s took over from %(before)s") % {"after": after, "before": before}, "", ""
    return (_("%(after)s is responsible now") % {"after": after} if after else _("Nobody is responsible now")), "", ""


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
    outcome = _word(event.payload.get("outcome"))
    return text, _joined(spent, _("outcome: %(outcome)s") % {"outcome": outcome} if outcome else "") or " ", ""


def _note(event: Happening) -> Said:
    return (_("%(actor)s wrote a note") % {"actor": event.actor} if event.actor else _("A note was written")), " ", ""


_WORK = {
    "risk": gettext_lazy("Risk"), "lifecycle": gettext_lazy("Lifecycle"), "expansion": gettext_lazy("Expansion"), "objective": gettext_lazy("Objective"),
    "activity": gettext_lazy("Activity"), "close_loop": gettext_lazy("Close the loop"), "renewal": gettext_lazy("Renewal"),
}  # fmt: skip


def _work(event: Happening) -> Said:
    kind = str(_WORK.get(str(event.payload.get("type")), _word(event.payload.get("type"))))
    told = {
        "work.opened": _("Work was opened: %(type)s"), "work.reopened": _("Work was opened again: %(type)s"), "recovered": _("Work closed itself, the account recovered: %(type)s"),
        "work.handed_over": _("Work was handed over to support: %(type)s"), "work.came_back": _("Work came back from support: %(type)s"),
        "dropped": _("Work was dropped: %(type)s"),
    }  # fmt: skip
    words = told.get(event.kind) or told.get(str(event.payload.get("outcome"))) or _("Work was done: %(type)s")
    return words % {"type": kind}, event.actor, ""


def _unsubscribed(event: Happening) -> Said:
    return _("%(who)s refused further surveys") % {"who": _who(event)}, _word(event.payload.get("scope")), "watch"


def _bounced(event: Happening) -> Said:
    return _("A mail to %(who)s could not be delivered") % {"who": _who(event)}, _("the address does not exist") if event.payload.get("hard") else "", "watch"


def _complained(event: Happening) -> Said:
    return _("%(who)s reported a mail as unwanted") % {"who": _who(event)}, "", "risk"


def _erased(event: Happening) -> Said:
    return _("Everything personal about a contact was erased"), "", ""


def _milestone(event: Happening) -> Said:
    feature = _word(event.payload.get("feature"))
    return (_("Reached a step in the product: %(feature)s") % {"feature": feature} if feature else _("Reached a step in the product")), "", "good"


_SAYS: dict[str, Callable[[Happening], Said]] = {
    "account.created": _created, "account.churned": _churned, "account.reactivated": _reactivated, "trial.started": _trial_started, "trial.ended": _trial_ended,
    "onboarding.completed": _onboarded, "purchase.completed": _purchase, "subscription.started": _subscribed, "subscription.changed": _subscription_changed,
    "subscription.cancelled": _cancelled, "subscription.ended": _ended, "subscription.renewal_due": _renewal_due, "payment.failed": _payment_failed,
    "payment.recovered": _payment_recovered, "ticket.opened": _ticket, "ticket.solved": _ticket, "ticket.reopened": _ticket, "ticket.sla_breached": _ticket,
    "ticket.sla_near": _ticket, "ticket.reopen_wanted": _ticket, "case.late": _case, "case.closed": _case, "work.reopened": _work, "work.handed_over": _work,
    "work.came_back": _work, "contact.erased": _erased,
    "mail.complained": _complained, "survey.requested": _survey_asked, "survey.sent": _survey_asked, "survey.reminded": _survey_asked, "survey.answered": _answered,
    "health.band_changed": _band_changed, "segment.changed": _moved,
    "stage.changed": _moved, "owner.changed": _owner, "touch.logged": _touch, "note.added": _note, "work.opened": _work, "work.done": _work,
    "contact.unsubscribed": _unsubscribed, "mail.bounced": _bounced, "usage.milestone": _milestone,
}  # fmt: skip
