"""What a person refused, as the page of preferences shows it."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.actions.suppressions import GLOBAL, suppressed_scopes, survey_scope
from accounts.models import Erasure
from surveys.actions.refusals import ALL, ONE, mailed_address, pressed_refusal
from surveys.models import Invitation


@dataclass(frozen=True)
class Preferences:
    """Which surveys the person of an invitation does not get, and what of it may be undone here."""

    all: bool
    survey: bool
    undo_all: bool
    undo_survey: bool
    erased: bool


def preferences_of(invitation: Invitation) -> Preferences:
    """How it stands now."""
    contact, version = invitation.contact, invitation.survey_version
    address = mailed_address(invitation)
    scopes = suppressed_scopes([address]).get(address, set()) if address else set()
    everything = bool(contact and contact.opted_out) or GLOBAL in scopes
    survey = bool(version and survey_scope(version.survey.key) in scopes)
    return Preferences(
        all=everything,
        survey=survey,
        undo_all=everything and pressed_refusal(invitation, ALL) is not None,
        undo_survey=survey and pressed_refusal(invitation, ONE) is not None,
        erased=contact is not None and Erasure.objects.filter(contact_id=contact.pk).exists(),
    )
