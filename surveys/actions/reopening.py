"""Whether a customer is asked "shall we open it again?" after an answer about a ticket, and what a yes becomes.

The wish is an event, told once for an answer; those who work on tickets act on it. Surveys and tickets
never meet otherwise. What the customer wrote travels as the verbatim of the answer.
"""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.actions.event_log import record_event
from accounts.models import AccountEvent
from surveys.actions.verbatims import read_answer
from surveys.looks import offered_scores
from surveys.models import Response, SurveyLink, SurveyVersion
from surveys.models.surveys import SurveyKind
from surveys.queries.links import Opened

KIND = "ticket.reopen_wanted"


class NotOffered(ValueError):
    """Nobody asked whether the ticket should be opened again: no answer that counts, the best one, or none about a ticket."""


def offers_reopening(link: Opened, version: SurveyVersion) -> bool:
    """Whether the question is asked: satisfaction with a ticket, answered by the contact with anything but the best score."""
    if link.kind == SurveyLink.Kind.TEST or link.response_kind != SurveyKind.CSAT or link.score is None or link.is_suspect or link.respondent != "contact":
        return False
    return bool(about(link)) and link.score != best_score(version)


def best_score(version: SurveyVersion) -> int:
    """The best of the scores that the survey offers."""
    scores = offered_scores(version.scale_min, version.scale_max, version.offered)
    return max(scores) if version.direction == "high_good" else min(scores)


def about(link: Opened) -> int | str:
    """The ticket that was asked about: its number here, or the name another system gave it."""
    return link.ticket_id if link.ticket_id is not None else link.rated_object


def is_wanted(link: Opened) -> bool:
    """Whether the customer has asked for it already."""
    return AccountEvent.objects.filter(account_id=link.account_id, kind=KIND, dedupe_key=str(link.response_id)).exists()


def want_reopening(*, link: Opened, version: SurveyVersion, now: dt.datetime) -> bool:
    """Records that the customer wants the ticket opened again; False where that was recorded before. Raises NotOffered."""
    if link.response_id is None or not offers_reopening(link, version):
        raise NotOffered
    with transaction.atomic():
        response = Response.objects.select_for_update(no_key=True).get(pk=link.response_id)
        told = record_event(
            account_id=link.account_id, contact_id=link.contact_id, kind=KIND, occurred_at=now, origin="app", subject_type="response", subject_id=str(response.pk),
            dedupe_key=str(response.pk), payload={"ticket": about(link), "response": str(response.pk)},
        )  # fmt: skip
        # the sweep reads comments a moment later; the ticket wants this one with the wish
        read_answer(response_id=response.pk, now=now)
    return told is not None
