"""One plain sentence on why: keys with values, put into words in the reader's language.

Rows store `{"key": …, "values": {…}}`, never a finished sentence, so that each reader gets it in his
own language. `say()` is the only way out.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# what may stand in a stored `why`; values are numbers, codes and days
SENTENCES: dict[str, Any] = {
    "low_score": _("Answered %(score)s of %(scale_max)s to the %(survey)s survey."),
    "low_score_ticket": _("Answered %(score)s of %(scale_max)s after ticket #%(ticket)s was solved."),
    "call_me": _("Answered %(score)s of %(scale_max)s and asked to be called."),
    "case_late": _("The answer to a score of %(score)s of %(scale_max)s in the %(survey)s survey is late."),
    "promoter": _("Answered %(score)s of %(scale_max)s to the %(survey)s survey: ask for a reference or a review."),
    "usage_trend": _("Use fell by %(percent)s %% in four weeks."),
    "last_nps": _("The last NPS answer was %(score)s of 10."),
    "csat_90d": _("Satisfaction after tickets averages %(mean)s of 5 in 90 days."),
    "severe_tickets": _("%(count)s severe tickets are open."),
    "days_to_renewal": _("The renewal is in %(days)s days."),
    "failed_payments": _("%(count)s payments failed in 90 days."),
    "days_since_seen": _("Nobody has used the product for %(days)s days."),
    "days_since_touch": _("The last touch was %(days)s days ago."),
    "active_days": _("Used on %(days)s of the last 28 days."),
    "pulse": _("Its CSM judges it %(score)s of 5."),
    "adoption": _("Of the features of its plan %(percent)s percent are used."),
    "seat_use": _("Of its seats %(percent)s percent are in use."),
    "band_changed": _("Health fell from %(before)s to %(score)s."),
    "from_ticket": _("Came of ticket #%(ticket)s."),
    "ticket_reply_near": _("Three quarters of the time promised for the first reply to ticket #%(ticket)s have passed."),
    "ticket_solution_near": _("Three quarters of the time promised for solving ticket #%(ticket)s have passed."),
    "ticket_reply_late": _("The first reply to ticket #%(ticket)s is later than promised."),
    "ticket_solution_late": _("Ticket #%(ticket)s is not solved in the time promised."),
    "reopen_wanted": _("The customer asks to open ticket #%(ticket)s again."),
    "reopen_refused": _("The customer asks to open ticket #%(ticket)s again, which cannot be done: it was cancelled or is not kept here."),
    "playbook": _("A step of the playbook “%(playbook)s”."),
    "plan_step_late": _("A step of the plan “%(plan)s” is late."),
    "plan_step_late_theirs": _("A step of the plan “%(plan)s” that is the customer's is late."),
    "success_review": _("A review of the objective “%(objective)s” is due."),
    "success_reached": _("The target is reached."),
    "success_overdue": _("The target date has passed at %(percent)s percent of the way."),
    "success_overdue_unmeasured": _("The target date has passed, and nothing was measured."),
    "success_unmeasured": _("Nothing was measured yet; %(time)s percent of the time have passed."),
    "success_course": _("%(percent)s percent of the way in %(time)s percent of the time."),
    "success_judged": _("%(text)s"),
    "manual": _("%(text)s"),
    "all_well": _("Nothing stands out."),
    "no_data": _("There is not enough data for a score yet."),
    "churned": _("The account has left."),
}


def why(key: str, **values: Any) -> dict[str, Any]:
    """What to store. Raises KeyError for a sentence that is not in the list."""
    if key not in SENTENCES:
        raise KeyError(key)
    return {"key": key, "values": values}


def say(stored: dict[str, Any] | None) -> str:
    """The sentence in the active language; empty for nothing stored."""
    if not stored or stored.get("key") not in SENTENCES:
        return ""
    values = dict(stored.get("values", {}))
    if values.get("survey"):
        # the surveys that Vefa ships have a name in each language; others keep the one they were given
        values["survey"] = gettext(str(values["survey"]))
    return str(SENTENCES[stored["key"]]) % values
