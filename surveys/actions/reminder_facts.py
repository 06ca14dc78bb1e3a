"""Which sent surveys are due for a reminder, with the facts for all of a batch at once. Reads alone."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, QuerySet

from surveys.actions.facts import Facts
from surveys.actions.reconsidering import RELATED, candidates_of
from surveys.eligibility import Decision
from surveys.models import Invitation, Response
from surveys.reminding import Outstanding, decide_reminder

_DAY = dt.timedelta(days=1)


def unanswered(*, as_of: dt.datetime) -> QuerySet[Invitation]:
    """Sent surveys whose touchpoint reminds, whose time for it has come and whose link still lives; the oldest first.

    What only `reminders()` can see (hours, holidays, refusals, the gap to other reminders) is not looked at.
    """
    after, life = F("touchpoint__reminder_after_days") * _DAY, F("touchpoint__link_days") * _DAY
    rows = Invitation.objects.filter(
        status=Invitation.Status.SENT, reminded_at=None, sent_at__isnull=False, bounced_at=None, complained_at=None,
        touchpoint__reminder_after_days__gt=0, touchpoint__paused_at=None, touchpoint__ended_at=None,
        # the index of what is unanswered is by the instant of sending: a plain bound first, the touchpoint's own after it
        sent_at__lte=as_of - _DAY, sent_at__gt=as_of - 366 * _DAY,
    )  # fmt: skip
    rows = rows.filter(sent_at__lte=as_of - after, sent_at__gt=as_of - life)
    return rows.filter(~Exists(Response.objects.filter(invitation=OuterRef("pk")))).order_by("sent_at", "id").select_related(*RELATED)


def reminders(invitations: Iterable[Invitation], *, as_of: dt.datetime) -> list[tuple[Invitation, Decision, Facts]]:
    """The decision on a reminder for each, in the order given. A person decided to be reminded is reminded of no other survey
    of the batch within the gap. Pass rows loaded with `select_related(*RELATED)`.

    Call it under the planner's lock where the reminders are then queued, so that no other sweep decides at once;
    mark what is queued (`reminded_at`) in the same transaction.
    """
    rows = [row for row in invitations if row.contact_id is not None]
    candidates = candidates_of(rows)
    facts = Facts(candidates, as_of=as_of)
    reminded = _reminded([row.contact_id for row in rows if row.contact_id is not None], as_of - facts.limits.reminder_gap)
    answered = set(Response.objects.filter(invitation__in=rows).values_list("invitation_id", flat=True))
    found = []
    for row, candidate in zip(rows, candidates, strict=True):
        outstanding = Outstanding(
            status=row.status,
            sent_at=row.sent_at,
            reminded_at=row.reminded_at,
            answered=row.answered_at is not None or row.pk in answered,
            bounced=row.bounced_at is not None,
            complained=row.complained_at is not None,
            reopened=facts.is_reopened(candidate),
            reminders=reminded[row.contact_id or 0],
        )
        person, company = facts.person(candidate), facts.company(row.account_id)
        assert person is not None
        decision = decide_reminder(rule=candidate.programme.rule, invitation=outstanding, person=person, company=company, as_of=as_of, limits=facts.limits)
        if not decision.is_skip and decision.due_at is not None:
            reminded[row.contact_id or 0].append(decision.due_at)
        found.append((row, decision, facts))
    return found


def _reminded(contact_ids: list[int], since: dt.datetime) -> dict[int, list[dt.datetime]]:
    """When each of them was reminded of any survey since then."""
    found: dict[int, list[dt.datetime]] = defaultdict(list)
    rows = Invitation.objects.filter(contact_id__in=contact_ids, reminded_at__gt=since).exclude(status=Invitation.Status.SKIPPED)
    for contact, at in rows.values_list("contact_id", "reminded_at"):
        if at is not None:
            found[contact].append(at)
    return found
