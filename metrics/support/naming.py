"""What values of a dimension are called on pages: agents by name, channels and segments in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Segment, User
from metrics import words
from tickets.models.tickets import Channel


def without(dimension: str) -> str:
    """What stands for no value."""
    named: dict[str, Any] = {
        "agent": _("Nobody"), "group": _("No group"), "segment": _("No segment"), "category": _("No category"), "severity": _("Without severity"),
    }  # fmt: skip
    return str(named.get(dimension) or _("without"))


def names_of(dimension: str, keys: Iterable[str | None]) -> dict[str | None, str]:
    """The names of the values; one statement for agents or segments."""
    wanted = {key for key in keys if key is not None}
    known: dict[str, str] = {}
    if dimension == "agent":
        known = dict(User.objects.filter(email__in=wanted).exclude(name="").values_list("email", "name"))
    elif dimension == "segment":
        known = {row.key: wording.segment_name(row) for row in Segment.objects.filter(key__in=wanted)}
    elif dimension == "channel":
        known = {key: str(label) for key, label in Channel.choices}
    elif dimension == "severity":
        known = {key: f"{key} {label}" for key, label in words.SEVERITIES.items()}
    return {None: without(dimension), **{key: known.get(key, key) for key in wanted}}
