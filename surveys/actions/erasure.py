"""Forgetting a person in surveys: links are closed, what was planned stays unsent, comments go; scores stay, for they are counted."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from accounts.actions.erasure import Person, allow_corrections, blot, forget_imported, forget_verbatims
from surveys.models import Invitation, Response, ResponseRevision, SurveyLink


def erase_in_surveys(*, person: Person, now: dt.datetime) -> None:
    """Does it; twice is once. Call it before the contact itself is forgotten."""
    mine = Invitation.objects.filter(contact__in=person.contact_ids)
    SurveyLink.objects.filter(invitation__in=mine, revoked_at=None).update(revoked_at=now)
    waiting = mine.filter(status__in=[Invitation.Status.PLANNED, Invitation.Status.QUEUED])
    waiting.update(
        status=Invitation.Status.SKIPPED, skip_reason=Invitation.SkipReason.NO_CONSENT, decision={"rule": "no_consent", "value": "erased", "limit": None, "as_of": now.isoformat()}
    )
    given = Response.objects.filter(Q(contact__in=person.contact_ids) | Q(invitation__contact__in=person.contact_ids))
    answers = list(given.values_list("pk", flat=True))
    # not through save(): nothing about the answer is newer than it was
    Response.objects.filter(pk__in=answers).update(comment="", reason_detail="", respondent_key="")
    allow_corrections(True)
    ResponseRevision.objects.filter(response__in=answers).exclude(comment="", reason_detail="").update(comment="", reason_detail="")
    allow_corrections(False)
    subjects = [str(pk) for pk in answers]
    forget_verbatims(contact_ids=[], sources={"answer": subjects, "review": subjects})
    forget_imported(table="surveys_response", ids=answers, keys=["comment", "reason_detail", "respondent_key"])
    blot(
        "surveys_loopcase", ["note"], where="account_id = ANY(%(accounts)s)", values={"accounts": list(person.account_ids)}, patterns=person.patterns, nearby=True
    )  # fmt: skip
