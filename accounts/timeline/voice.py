"""How tickets, surveys, their answers and what became of mails are told."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.timeline.parts import Happening, Said, joined, who, word
from accounts.words import code


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
        joined(target, _severity(event), word(event.payload.get("category")), event.actor),
        tones.get(event.kind, ""),
    )


_SURVEYS = {"nps": "NPS", "csat": "CSAT", "ces": "CES"}


def _survey_name(event: Happening) -> str:
    kind = str(event.payload.get("survey_kind") or "")
    return _SURVEYS.get(kind) or (_("exit survey") if kind == "exit" else _("survey"))


def _survey_asked(event: Happening) -> Said:
    values = {"survey": _survey_name(event), "who": who(event)}
    if event.kind == "survey.requested":
        return _("A survey was asked for"), "", ""
    return (_("%(who)s was reminded of %(survey)s") if event.kind == "survey.reminded" else _("%(survey)s went to %(who)s")) % values, "", ""


def _case(event: Happening) -> Said:
    if event.kind == "case.late":
        return _("The answer to an unhappy customer is late"), "", "risk"
    return _("An unhappy answer was settled"), joined("" if event.payload.get("in_time", True) else _("late"), event.actor), "good"


def _answered(event: Happening) -> Said:
    score, top = event.payload.get("score"), event.payload.get("scale_max")
    values = {"who": who(event), "survey": _survey_name(event), "score": score, "top": top}
    if score is None:
        text = _("%(who)s answered the %(survey)s") % values
    elif top is None:
        text = _("%(who)s answered %(survey)s with %(score)s") % values
    else:
        text = _("%(who)s answered %(survey)s with %(score)s of %(top)s") % values
    ticket = event.payload.get("ticket")
    wishes = _("asked to be called") if event.payload.get("call_me") else ""
    after = _("after ticket #%(ticket)s") % {"ticket": ticket} if ticket else ""
    return text, joined(after, wishes, code(event.payload.get("reason"))), "risk" if event.payload.get("low") else ""


def _unsubscribed(event: Happening) -> Said:
    return _("%(who)s refused further surveys") % {"who": who(event)}, word(event.payload.get("scope")), "watch"


def _bounced(event: Happening) -> Said:
    return _("A mail to %(who)s could not be delivered") % {"who": who(event)}, _("the address does not exist") if event.payload.get("hard") else "", "watch"


def _complained(event: Happening) -> Said:
    return _("%(who)s reported a mail as unwanted") % {"who": who(event)}, "", "risk"


def _erased(event: Happening) -> Said:
    return _("Everything personal about a contact was erased"), "", ""


SAYS: dict[str, Callable[[Happening], Said]] = {
    "ticket.opened": _ticket, "ticket.solved": _ticket, "ticket.reopened": _ticket, "ticket.sla_breached": _ticket, "ticket.sla_near": _ticket,
    "ticket.reopen_wanted": _ticket, "case.late": _case, "case.closed": _case, "survey.requested": _survey_asked, "survey.sent": _survey_asked,
    "survey.reminded": _survey_asked, "survey.answered": _answered, "contact.unsubscribed": _unsubscribed, "contact.erased": _erased, "mail.bounced": _bounced,
    "mail.complained": _complained,
}  # fmt: skip
