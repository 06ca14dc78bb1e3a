"""The banner above the pages of surveys while something keeps mails back."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.actions.instances import DOUBTS
from accounts.models import Installation
from accounts.roles import READS_PROGRAMMES, Role
from surveys.models import SendingHold
from surveys.wording import shipped_name

register = template.Library()
SHOWN = 3


@register.inclusion_tag("surveys/_sending_banner.html", takes_context=True)
def sending_banner(context: dict[str, Any]) -> dict[str, Any]:
    """Whether this may be a copy, whether sending is off, and what is held for a person."""
    request = context.get("request")
    user = getattr(request, "user", None)
    role = getattr(user, "role", "")
    rows = list(SendingHold.objects.filter(released_at=None).select_related("touchpoint").order_by("held_at", "id")[: SHOWN + 1])
    held = [(shipped_name(row.touchpoint) if row.touchpoint else row.domain, row.get_reason_display(), row.held_at) for row in rows[:SHOWN]]
    installation = Installation.current()
    return {
        "installation": installation,
        "doubt": DOUBTS.get(installation.doubt, ""),
        "held": held,
        "more": len(rows) > SHOWN,
        "may_switch": role == Role.ADMIN,
        "reads": role in READS_PROGRAMMES,
        "csrf_token": context.get("csrf_token"),
    }
