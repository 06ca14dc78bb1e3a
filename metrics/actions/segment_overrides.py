"""Putting one account into a segment by hand, over the rules, with a reason and an end; and giving it back to the rules."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.segments import override_segments
from accounts.models import Account, Segment, SegmentMembership, User
from metrics.actions.segment_rules import Refused
from metrics.actions.segment_sweeps import sweep_accounts

LONGEST = 500


def override_segment(*, account_id: int, segment: Segment | None, reason: str, until: dt.datetime | None, author: User, now: dt.datetime) -> None:
    """Holds the account in a segment from now on, until an instant or until somebody takes it back. Raises Refused."""
    reason = reason.strip()
    if segment is None:
        raise Refused("segment", _("Choose a segment."))
    if not reason:
        raise Refused("reason", _("Say why in a sentence: others will act on it."))
    if len(reason) > LONGEST:
        raise Refused("reason", _("At most %(most)s signs.") % {"most": LONGEST})
    if until is not None and until <= now:
        raise Refused("until", _("Choose a day that lies ahead."))
    override_segments(
        overrides=[(account_id, segment.pk, now)], reason=SegmentMembership.Reason.OVERRIDE, now=now, actor_id=author.pk, note=reason, until=until
    )  # fmt: skip


def clear_override(*, account_id: int, author: User, now: dt.datetime) -> bool:
    """Ends the account's standing override at this moment and lets the rules place it; returns whether one stood.

    Two transactions: should the second not happen, the sweep finds the override that ended.
    """
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True, of=("self",)).get(pk=account_id)
        rows = SegmentMembership.objects.filter(account_id=account_id, is_override=True, valid_from__lte=now).exclude(valid_to__lte=now).exclude(override_until__lte=now)
        ended = rows.update(override_until=now)
    if ended:
        sweep_accounts(account_ids=[account_id], as_of=now, now=now, actor_id=author.pk, marks=True)
    return bool(ended)
