"""Codes that events and rows carry, as people read them: reasons, causes of failed payments, sources. Pure.

Codes are free text of other systems; the usual ones and those of the shipped surveys have words in
the reader's language, all others are shown as they came, with their underscores taken out.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

CODES: dict[str, Any] = {
    # why somebody answered or left as he did
    "price": _("price"),
    "too_expensive": _("too expensive"),
    "budget": _("budget"),
    "budget_cut": _("budget was cut"),
    "cheaper_elsewhere": _("cheaper elsewhere"),
    "product": _("product"),
    "feature": _("features"),
    "features": _("features"),
    "missing_feature": _("a feature is missing"),
    "hard_to_use": _("hard to use"),
    "unreliable": _("slow or unreliable"),
    "reliability": _("speed and reliability"),
    "speed": _("speed"),
    "quality": _("quality"),
    "ease": _("ease of use"),
    "value": _("usefulness"),
    "service": _("service"),
    "support": _("support"),
    "slow_support": _("slow support"),
    "unsolved": _("problems stayed unsolved"),
    "poor_start": _("never got started properly"),
    "need": _("no longer needed"),
    "project_over": _("the project is over"),
    "hardly_used": _("hardly used"),
    "own_solution": _("built their own"),
    "closing_down": _("is closing down"),
    "out_of_business": _("out of business"),
    "champion_left": _("the champion left"),
    "competitor": _("went to a competitor"),
    "no_conversion": _("did not convert after the trial"),
    "payment": _("payment failed"),
    "slow": _("took too long"),
    "unclear": _("unclear answer"),
    "repeat": _("had to explain again"),
    "tone": _("tone was not right"),
    "fast": _("was fast"),
    "solved": _("problem was solved"),
    "clear": _("clear explanation"),
    "friendly": _("friendly people"),
    "steps": _("too many steps"),
    "hidden": _("hard to find"),
    "faults": _("something did not work"),
    "waiting": _("had to wait"),
    "contact": _("had to ask for help"),
    "simple": _("few steps"),
    "guidance": _("clear guidance"),
    "help": _("quick help"),
    "other": _("something else"),
    "unknown": _("unknown"),
    # why a payment failed
    "insufficient_funds": _("insufficient funds"),
    "card_expired": _("card expired"),
    "expired_card": _("card expired"),
    "card_declined": _("card declined"),
    "do_not_honor": _("declined by the bank"),
    "lost_card": _("card lost"),
    "stolen_card": _("card stolen"),
    "fraudulent": _("suspected fraud"),
    "processing_error": _("error at the payment service"),
    # where something came from, what set it
    "import": _("by import"),
    "api": _("by the API"),
    "rule": _("by rule"),
    "manual": _("by hand"),
    "override": _("set by hand"),
}


def code(value: Any) -> str:
    """A code in words; one with a dot by its last part; empty for nothing."""
    text = str(value or "").strip()
    known = CODES.get(text) or CODES.get(text.rpartition(".")[2])
    return str(known) if known else text.replace("_", " ")
