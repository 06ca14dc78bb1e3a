"""Who has to be called after an answer: an unhappy one, or one that asks for a call.

A moment passes before anybody is told, so that a slip of the finger can be corrected: the answer waits
in `PendingFollowUp`, a change to a better score takes it out again, and the sweep opens the work of
what has waited long enough. Work that is open already is dropped when the answer gets better.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.actions.work_items import close_work_item, open_work_item
from accounts.models import AccountEvent, WorkItem
from accounts.sentences import why
from surveys.actions.cases import deadline_of, open_case, take_back
from surveys.actions.submissions import scale_of
from surveys.models import PendingFollowUp, Response
from surveys.scoring import is_low

# how long an unhappy answer waits for its correction
ALERT_WAIT = dt.timedelta(seconds=60)
BATCH = 100
# what `follow_up_of` and the events of an answer read
RELATED = ("survey", "survey_version__survey", "touchpoint", "account")

_WAIT = """
INSERT INTO surveys_pendingfollowup (response_id, due_at) VALUES (%(response)s, %(due_at)s)
ON CONFLICT (response_id) DO UPDATE SET due_at = excluded.due_at WHERE %(restart)s
"""


@dataclass(frozen=True)
class FollowUp:
    """What an answer asks of us: why, in a sentence of `accounts.sentences`, by when and how urgently."""

    why: dict[str, object]
    due_at: dt.datetime
    priority: int


def follow_up_of(response: Response, *, now: dt.datetime) -> FollowUp | None:
    """The follow-up that the answer as it stands asks for; None for a good one, a test, a suspect one or somebody else's. Reads `RELATED`."""
    version = response.survey_version
    if version is None or response.account is None or response.score is None or response.test or response.is_suspect or response.respondent != "contact":
        return None
    if not (response.call_me or is_low(response.score, version.low_score, scale_of(version))):
        return None
    return FollowUp(_sentence(response), deadline_of(response=response, now=now), WorkItem.Priority.HIGH if response.call_me else WorkItem.Priority.NORMAL)


def wait_for_follow_up(*, response_id: uuid.UUID, now: dt.datetime, restart: bool) -> None:
    """Lets an answer wait for its follow-up; `restart` begins the wait anew where it waits already (its score was changed)."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, {"response": response_id, "due_at": now + ALERT_WAIT, "restart": restart})


def open_due_cases(*, now: dt.datetime) -> int:
    """Opens the work of every answer that waited long enough, each in a transaction of its own batch; returns how many. Safe to run at once."""
    opened = 0
    while True:
        with transaction.atomic():
            due = PendingFollowUp.objects.filter(due_at__lte=now).order_by("due_at", "response_id").values_list("response_id", flat=True)
            ids = list(due.select_for_update(skip_locked=True, no_key=True)[:BATCH])
            for row in Response.objects.filter(pk__in=ids).select_related(*RELATED).order_by("answered_at", "id"):
                opened += open_follow_up(response=row, now=now)
            PendingFollowUp.objects.filter(pk__in=ids).delete()
        if len(ids) < BATCH:
            return opened


def open_follow_up(*, response: Response, now: dt.datetime) -> bool:
    """Opens (or renews) the work of an answer as it stands now, and ends its waiting; False where it asks for none. Call it in a transaction."""
    PendingFollowUp.objects.filter(pk=response.pk).delete()
    needed = follow_up_of(response, now=now)
    if needed is None or response.account_id is None:
        return False
    event = AccountEvent.objects.filter(account_id=response.account_id, kind="survey.answered", subject_type="response", subject_id=str(response.pk)).order_by("-id").first()
    item, _new = open_work_item(
        account_id=response.account_id, type=WorkItem.Type.CLOSE_LOOP, reason=work_reason(response), why=needed.why, now=now, due_at=needed.due_at, priority=needed.priority,
        contact_id=response.contact_id, source=WorkItem.Source.SURVEY, event_id=event.pk if event else None, subject_type="response", subject_id=str(response.pk),
    )  # fmt: skip
    open_case(response=response, work_item=item, due_at=needed.due_at, now=now)
    return True


def cancel_follow_up(*, response: Response, now: dt.datetime) -> None:
    """The answer got better: nobody is told, and work that was opened is dropped. Call it in a transaction."""
    assert response.account_id is not None
    PendingFollowUp.objects.filter(pk=response.pk).delete()
    take_back(response=response, now=now)
    waiting = WorkItem.objects.filter(account_id=response.account_id, type=WorkItem.Type.CLOSE_LOOP, reason=work_reason(response), status__in=["open", "snoozed"])
    for item in waiting.select_related("owner"):
        # stored as a person's own remark would be, so in the language of the one whose work it was
        with translation.override(item.owner.language if item.owner else settings.LANGUAGE_CODE):
            outcome = _("The answer was changed to a better one.")
        close_work_item(item_id=item.pk, actor=None, now=now, dropped=True, outcome=outcome)


def work_reason(response: Response) -> str:
    """The identity of the work of an answer, beside its account and type."""
    return f"survey:{response.pk}"


def _sentence(response: Response) -> dict[str, object]:
    if response.call_me:
        return why("call_me", score=response.score, scale_max=response.scale_max)
    about = response.ticket_id if response.ticket_id is not None else response.rated_object or None
    if about is not None:
        return why("low_score_ticket", score=response.score, scale_max=response.scale_max, ticket=about)
    return why("low_score", score=response.score, scale_max=response.scale_max, survey=response.survey.name)
