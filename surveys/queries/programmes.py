"""Reads of the programmes' pages: what came of each, what comes next, what waits, and where nobody is asked. Few statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Prefetch, Q, QuerySet

from accounts.models import Installation, Segment, User
from surveys.actions.programme_changes import pending_proposals
from surveys.models import Invitation, ProgrammeStep, Response, SendingHold, Survey, SurveyLink, SurveyVersion, Touchpoint
from surveys.programme_checks import Around
from surveys.queries.figures import PERIOD, Flow, Score, flows, invitations_for, responses_for, score_of
from surveys.scoring import Scale

NEXT = dt.timedelta(days=7)
REACH = dt.timedelta(days=28)
MOST = 1000
# moments of a customer's life that are worth asking about, and what is usually asked
JOURNEY = {
    "onboarding.completed": "ces", "trial.ended": "csat", "purchase.completed": "csat", "usage.milestone": "csat", "ticket.solved": "csat", "subscription.renewal_due": "nps",
    "subscription.changed": "csat", "subscription.cancelled": "exit", "account.reactivated": "csat", "payment.recovered": "ces", "touch.logged": "csat", "case.closed": "csat",
}  # fmt: skip


@dataclass(frozen=True)
class Programme:
    """A touchpoint with what its row on a page shows."""

    row: Touchpoint
    flow: Flow
    score: Score
    # planned for the next seven days; 1001 says more than a thousand
    next_week: int
    holds: list[SendingHold] = field(default_factory=list)
    proposal: ProgrammeStep | None = None


def programme_rows(user: User, *, now: dt.datetime, key: str = "") -> list[Programme]:
    """All programmes (or the one of a key) with their flow and score over 90 days; a fixed number of statements."""
    rows = list(_touchpoints().filter(**({"key": key} if key else {})))
    ids = [row.pk for row in rows]
    by_touchpoint = flows(invitations_for(user).filter(touchpoint_id__in=ids), since=now - PERIOD)
    scales = {row.pk: _scale(row.survey) for row in rows}
    counts = _counts(responses_for(user).filter(touchpoint_id__in=ids), scales, since=now - PERIOD)
    coming = _coming(invitations_for(user).filter(touchpoint_id__in=ids), until=now + NEXT)
    holds: dict[int | None, list[SendingHold]] = defaultdict(list)
    for hold in SendingHold.objects.filter(touchpoint_id__in=ids, released_at=None):
        holds[hold.touchpoint_id].append(hold)
    proposals = pending_proposals(ids)
    return [
        Programme(row, by_touchpoint.get(row.pk, Flow()), score_of(row.survey.kind, counts[row.pk], scales[row.pk]), coming.get(row.pk, 0), holds[row.pk], proposals.get(row.pk))
        for row in rows
    ]


def _touchpoints() -> QuerySet[Touchpoint]:
    versions = Prefetch("survey__versions", SurveyVersion.objects.order_by("-number"), to_attr="all_versions")
    return Touchpoint.objects.select_related("survey", "author", "submitted_by", "approved_by").prefetch_related("segments", versions).order_by("id")


def _scale(survey: Survey) -> Scale:
    versions: list[SurveyVersion] = survey.all_versions  # type: ignore[attr-defined]
    version = next((one for one in versions if one.is_frozen), versions[0] if versions else None)
    return Scale(version.scale_min, version.scale_max, version.direction == "high_good") if version else Scale(0, 10)


def _counts(responses: QuerySet[Response], scales: dict[int, Scale], *, since: dt.datetime) -> dict[int, dict[int, int]]:
    """By touchpoint, how many answers on its scale of today gave each score. NPS counts the latest answer of each contact."""
    rows = responses.filter(answered_at__gte=since)
    found: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    named_nps = Q(kind="nps", contact_id__isnull=False)
    latest = rows.filter(named_nps).order_by("touchpoint_id", "contact_id", "-answered_at", "-id").distinct("touchpoint_id", "contact_id")
    for part in (Response.objects.filter(pk__in=latest.values("pk")), rows.exclude(named_nps)):
        by_scale = part.order_by().values_list("touchpoint_id", "scale_min", "scale_max", "direction", "score").annotate(count=Count("pk"))
        for touchpoint, low, high, direction, score, count in by_scale:
            # answers on another scale are no part of this figure
            if Scale(low, high, direction == "high_good") == scales[touchpoint]:
                found[touchpoint][score] += count
    return found


def _coming(invitations: QuerySet[Invitation], *, until: dt.datetime) -> dict[int, int]:
    """By touchpoint, what is planned or queued until then."""
    rows = invitations.filter(status__in=["planned", "queued"], not_before__lt=until).order_by().values_list("touchpoint_id")
    return dict(rows.annotate(count=Count("pk")))


_GAPS = (
    "SELECT kind, (SELECT count(*) FROM (SELECT 1 FROM accounts_accountevent e WHERE e.kind = k.kind AND e.occurred_at >= %s LIMIT %s) found) FROM unnest(%s::text[]) AS k(kind)"
)


def journey_gaps(*, now: dt.datetime) -> list[dict[str, Any]]:
    """Moments that happened in 90 days and about which no programme asks, the most frequent first: `kind`, `count` (1001: more), `survey`."""
    taken = set(Touchpoint.objects.filter(ended_at=None).values_list("event_kind", flat=True))
    free = [kind for kind in JOURNEY if kind not in taken]
    if not free:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_GAPS, [now - PERIOD, MOST + 1, free])
        rows = cursor.fetchall()
    return sorted(({"kind": kind, "count": count, "survey": JOURNEY[kind]} for kind, count in rows if count), key=lambda gap: -gap["count"])


# whom the events of four weeks concern and can be written to; fatigue and the window are not looked at
_REACH_EVENTS = """
SELECT count(*) FROM (
    SELECT DISTINCT {who} FROM accounts_accountevent e JOIN accounts_account a ON a.id = e.account_id
    JOIN accounts_contact c ON c.account_id = a.id {whom}
    WHERE e.kind = %(kind)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(now)s AND e.origin <> 'import' AND {reachable} {matches} {segments}
    LIMIT %(limit)s) found
"""
_REACH_ROUNDS = """
SELECT count(*) FROM (
    SELECT DISTINCT {who} FROM accounts_contact c JOIN accounts_account a ON a.id = c.account_id WHERE {reachable} {segments} LIMIT %(limit)s) found
"""
_REACHABLE = "c.email <> '' AND NOT c.opted_out AND c.bounced_at IS NULL"
# of an event without a contact the account's main contact is asked, so the account counts once
_WHO = {"requester": "coalesce(e.contact_id, -a.id)", "main": "a.id", "everybody": "c.id"}
_WHOM = {"requester": "AND (e.contact_id IS NULL OR c.id = e.contact_id)"}


@dataclass(frozen=True)
class Reach:
    """How many people a programme would have asked in 28 days at most, before fatigue; `more` where counting stopped."""

    people: int
    more: bool


def reach(values: dict[str, Any], *, now: dt.datetime) -> Reach:
    """The estimate for plain values, saved or not: people concerned in the last 28 days, times the sample, cut at the daily cap."""
    segments = list(Segment.objects.filter(key__in=values["segments"]).values_list("pk", flat=True))
    matches, asked = "", {"limit": MOST + 1, "segments": segments, "since": now - REACH, "now": now, "kind": values["event_kind"]}
    for number, (key, value) in enumerate(values["conditions"].items()):
        matches += f" AND e.payload->>%(key{number})s = ANY(%(values{number})s)"
        asked |= {f"key{number}": key, f"values{number}": [_as_text(one) for one in (value if isinstance(value, list) else [value])]}
    sql = _REACH_EVENTS if values["event_kind"] else _REACH_ROUNDS
    with connection.cursor() as cursor:
        who = _WHO[values["audience"]] if values["event_kind"] else "c.id" if values["audience"] == "everybody" else "a.id"
        within = " AND a.segment_id = ANY(%(segments)s)" if values["segments"] else ""
        cursor.execute(sql.format(who=who, whom=_WHOM.get(values["audience"], ""), reachable=_REACHABLE, matches=matches, segments=within), asked)
        people = cursor.fetchone()[0]
    more = people > MOST
    share = float(values["sampling"]) * (1 if values["event_kind"] else min(1, REACH.days / (values["every_days"] or REACH.days)))
    most = values["daily_cap"] * REACH.days if values["daily_cap"] else MOST
    return Reach(min(round(min(people, MOST) * share), most), more and values["daily_cap"] is None)


def _as_text(value: Any) -> str:
    """As `->>` writes a value of JSON."""
    return "true" if value is True else "false" if value is False else str(value)


def around(values: dict[str, Any], *, but: int | None) -> Around:
    """What the oddities of a programme are judged by. `but` is the programme itself."""
    survey = Survey.objects.filter(key=values["survey"]).annotate(published=Count("versions", filter=Q(versions__published_at__isnull=False))).first()
    installation = Installation.current()
    neighbours: Iterable[Touchpoint] = []
    if values["event_kind"]:
        neighbours = (
            Touchpoint.objects.filter(event_kind=values["event_kind"], ended_at=None, activated_at__isnull=False, paused_at=None).exclude(pk=but or 0).select_related("survey")
        )
    return Around(
        survey_kind=survey.kind if survey else "", published=bool(survey and survey.published), contact_gap_days=installation.contact_gap_days,
        nps_gap_days=installation.nps_gap_days, neighbours=[(row.name, row.survey.kind) for row in neighbours],
    )  # fmt: skip


def history(touchpoint: Touchpoint, *, most: int = 50) -> list[ProgrammeStep]:
    """The latest steps of a programme, the newest first."""
    return list(touchpoint.steps.select_related("actor").order_by("-id")[:most])


def would_end(touchpoint: Touchpoint, *, now: dt.datetime) -> dict[str, int]:
    """What ending a programme takes back: planned mails and open links, each counted up to 1001."""
    waiting = Invitation.objects.filter(touchpoint=touchpoint, status__in=["planned", "queued"])
    links = SurveyLink.objects.filter(invitation__touchpoint=touchpoint, invitation__answered_at=None, kind__in=["invite", "reminder"], revoked_at=None, expires_at__gt=now)
    return {"unsent": waiting[: MOST + 1].count(), "links": links[: MOST + 1].count()}
