"""The way to the unsorted messages, for pages of tickets."""

from __future__ import annotations

from typing import Any

from django import template

from accounts.models import User
from tickets.queries.unsorted import unsorted_count
from tickets.querysets import WORKS_TICKETS

register = template.Library()


@register.inclusion_tag("tickets/_unsorted_link.html")
def unsorted_link(user: User) -> dict[str, Any]:
    """A link with how many wait; nothing for those who do not work tickets."""
    works = user.is_authenticated and user.role in WORKS_TICKETS
    return {"works": works, "waiting": unsorted_count(user) if works else 0}
