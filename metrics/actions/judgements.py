"""Writing down what people judge about an account's health."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.dirty import mark_dirty
from accounts.models import Account, User
from accounts.models.snapshots import Band
from metrics.models import Disagreement, DisagreementDecision, HealthOverride, Pulse

LONGEST = 500
# an override that nobody renews says nothing for ever
LONGEST_OVERRIDE = dt.timedelta(days=365)


class Refused(ValueError):
    """A judgement that cannot stand; `field` names where, the text says why."""

    def __init__(self, field: str, reason: str):
        self.field = field
        super().__init__(reason)


def _reason(text: str, field: str = "reason") -> str:
    text = text.strip()
    if not text:
        raise Refused(field, _("Say why in a sentence: others will act on it."))
    if len(text) > LONGEST:
        raise Refused(field, _("At most %(most)s signs.") % {"most": LONGEST})
    return text


@transaction.atomic
def give_pulse(*, account_id: int, value: int, reason: str, author: User, now: dt.datetime) -> Pulse:
    """Writes the CSM's judgement, 1 (lost) to 5 (safe); the score of a model that looks at it follows. Raises Refused."""
    if not 1 <= value <= 5:
        raise Refused("value", _("Choose a pulse from 1 to 5."))
    pulse = Pulse.objects.create(account_id=account_id, value=value, reason=_reason(reason), author=author, given_at=now)
    mark_dirty([account_id], reason="pulse")
    return pulse


@transaction.atomic
def override_health(*, account_id: int, band: str, reason: str, until: dt.datetime, author: User, now: dt.datetime) -> HealthOverride:
    """Puts a band beside the computed one until an instant; an earlier override ends. Raises Refused."""
    reason = _reason(reason)
    if band not in Band.values:
        raise Refused("band", _("Choose a band."))
    if until <= now:
        raise Refused("until", _("Choose a day that lies ahead."))
    if until > now + LONGEST_OVERRIDE:
        raise Refused("until", _("At most a year ahead: then somebody has to look again."))
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    HealthOverride.objects.filter(account_id=account_id, ended_at__isnull=True).update(ended_at=now)
    return HealthOverride.objects.create(account_id=account_id, band=band, reason=reason, author=author, made_at=now, until=until)


def end_override(*, override: HealthOverride, now: dt.datetime) -> bool:
    """Takes an override back; False where it was taken back already."""
    return bool(HealthOverride.objects.filter(pk=override.pk, ended_at__isnull=True).update(ended_at=now))


def decide(*, account_id: int, kind: str, trusts: str, note: str, first: str, second: str, user: User, now: dt.datetime) -> DisagreementDecision:
    """Keeps which of two signs a person trusts, as the signs stood. Raises Refused."""
    if kind not in Disagreement.values:
        raise Refused("kind", _("There is no such disagreement."))
    if trusts not in DisagreementDecision.Trusts.values:
        raise Refused("trusts", _("Choose which sign to trust."))
    return DisagreementDecision.objects.create(
        account_id=account_id, kind=kind, trusts=trusts, note=_reason(note, "note"), first=first, second=second, decided_by=user, decided_at=now
    )
