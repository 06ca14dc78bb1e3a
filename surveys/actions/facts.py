"""Gathering what `eligibility.decide()` needs, for a whole batch at once and never a row at a time."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.actions.suppressions import GLOBAL, suppressed_scopes, survey_scope
from surveys.decent_hours import WORKING_HOURS, Window
from surveys.eligibility import Ask, Company, Decision, Occasion, Person, Rule, decide
from surveys.models import SurveyVersion, Touchpoint

# how far back asks matter: an NPS rests 90 days, a cool-down is at most this long
_LOOK_BACK = dt.timedelta(days=400)
PLANNED_AND_LATER = ("planned", "queued", "sent", "answered", "unknown")
QUEUED_AND_LATER = ("queued", "sent", "answered", "unknown")


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A touchpoint (or a direct request) with the survey version it sends."""

    rule: Rule
    survey_key: str
    touchpoint_id: int | None = None
    key: str = ""
    event_kind: str = ""
    version_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One contact to decide about; without a contact, the account had nobody to ask."""

    programme: Programme
    account_id: int
    contact_id: int | None
    occurred_at: dt.datetime
    period: str
    event_id: int | None = None
    wave: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    names_contact: bool = False
    extra_delay: dt.timedelta = dt.timedelta(0)
    # the invitation that is looked at again; its own row is no ask
    invitation_id: str | None = None

    @property
    def about(self) -> str:
        """The ticket it asks about, as text; empty for none."""
        ticket = self.payload.get("ticket")
        return "" if ticket is None else str(ticket)


@dataclass(frozen=True)
class Asked:
    """A survey that counts for fatigue."""

    invitation_id: str | None
    account_id: int | None
    touchpoint_id: int | None
    about: str
    ask: Ask


def programme_of(touchpoint: Touchpoint, version: SurveyVersion | None) -> Programme:
    """The rules of a touchpoint in the terms of the pure module."""
    rule = Rule(
        salt=touchpoint.key,
        survey_kind=touchpoint.survey.kind,
        published=version is not None,
        delay=dt.timedelta(minutes=touchpoint.delay_minutes),
        valid_for=dt.timedelta(hours=touchpoint.valid_hours),
        window=Window(touchpoint.window_from, touchpoint.window_until, frozenset(touchpoint.weekdays) or WORKING_HOURS.weekdays),
        sampling=Decimal(touchpoint.sampling),
        cool_down=dt.timedelta(days=touchpoint.cool_down_days),
        segments=frozenset(segment.pk for segment in touchpoint.segments.all()),
        conditions=touchpoint.conditions,
        activated_at=touchpoint.activated_at,
        paused=touchpoint.paused_at is not None,
    )
    return Programme(
        rule=rule, survey_key=touchpoint.survey.key, touchpoint_id=touchpoint.pk, key=touchpoint.key, event_kind=touchpoint.event_kind, version_id=version.pk if version else None
    )


def published_versions(survey_ids: Iterable[int]) -> dict[int, SurveyVersion]:
    """The newest published version of each survey."""
    rows = SurveyVersion.objects.filter(survey_id__in=set(survey_ids), published_at__isnull=False).order_by("survey_id", "number")
    return {version.survey_id: version for version in rows}


def programmes(*, keys: Iterable[str] | None = None) -> list[Programme]:
    """All touchpoints as programmes; events first, rhythms last, so that what just happened is asked about first."""
    rows = Touchpoint.objects.select_related("survey").prefetch_related("segments").order_by("id")
    touchpoints = [row for row in rows if keys is None or row.key in set(keys)]
    versions = published_versions(row.survey_id for row in touchpoints)
    found = [programme_of(row, versions.get(row.survey_id)) for row in touchpoints]
    return sorted(found, key=lambda programme: not programme.event_kind)


class Facts:
    """The facts about the candidates of one batch, and the decisions on them in order.

    An eligible candidate counts as an ask for those that follow, here and (through `carried`) in the
    batches after it: a dry run, which writes nothing, decides exactly as a run that writes.
    """

    def __init__(self, candidates: Sequence[Candidate], *, as_of: dt.datetime, statuses: Sequence[str] = PLANNED_AND_LATER, carried: list[Asked] | None = None):
        self.as_of = as_of
        contact_ids = sorted({candidate.contact_id for candidate in candidates if candidate.contact_id is not None})
        account_ids = sorted({candidate.account_id for candidate in candidates})
        self.contacts = _contacts(contact_ids)
        self.accounts = _accounts(account_ids)
        self._scopes = suppressed_scopes(row["email"] for row in self.contacts.values())
        self._reopened = _reopened([candidate.event_id for candidate in candidates if candidate.event_id is not None and candidate.programme.event_kind == "ticket.solved"])
        self._by_contact: dict[int, list[Asked]] = defaultdict(list)
        self._by_account: dict[int, list[Asked]] = defaultdict(list)
        self._carried = carried
        for asked in _asked(contact_ids, account_ids, as_of - _LOOK_BACK, statuses):
            self._remember(asked)
        for asked in carried or ():
            self._remember(asked)

    def _remember(self, asked: Asked) -> None:
        self._by_contact[asked.ask.contact_id].append(asked)
        if asked.account_id is not None:
            self._by_account[asked.account_id].append(asked)

    def decide(self, candidate: Candidate) -> Decision:
        """The decision on one candidate; an eligible one is remembered as an ask."""
        programme, account = candidate.programme, self.accounts[candidate.account_id]
        contact = self.contacts.get(candidate.contact_id) if candidate.contact_id is not None else None
        rule = replace(programme.rule, delay=programme.rule.delay + candidate.extra_delay)
        others = [asked for asked in self._by_contact[candidate.contact_id or 0] if asked.invitation_id is None or asked.invitation_id != candidate.invitation_id]
        occasion = Occasion(
            occurred_at=candidate.occurred_at,
            period=candidate.period,
            payload=candidate.payload,
            reopened=candidate.event_id in self._reopened,
            names_contact=candidate.names_contact,
            already_asked=bool(candidate.about) and any(asked.about == candidate.about and asked.touchpoint_id == programme.touchpoint_id for asked in others),
        )
        person = None
        if contact is not None:
            scopes = self._scopes.get(contact["email"], set())
            person = Person(
                contact_id=contact["id"],
                address=contact["email"],
                time_zone=contact["time_zone"],
                opted_out=contact["opted_out"],
                suppressed=bool(scopes & {GLOBAL, survey_scope(programme.survey_key)}),
                bounced=contact["bounced_at"] is not None,
                surveyable_from=contact["surveyable_from"],
                imported_unconfirmed=contact["imported_unconfirmed"],
                asks=[asked.ask for asked in others],
            )
        churned_at = account["churned_at"]
        company = Company(
            time_zone=account["time_zone"],
            organisation_time_zone=settings.ORGANISATION_TIME_ZONE,
            segment=account["segment_id"],
            churned=churned_at is not None and churned_at <= self.as_of,
            contacts=account["contacts"],
            asks=[asked.ask for asked in self._by_account[candidate.account_id] if asked.invitation_id is None or asked.invitation_id != candidate.invitation_id],
        )
        decision = decide(rule=rule, occasion=occasion, person=person, company=company, as_of=self.as_of)
        if not decision.is_skip and person is not None and decision.due_at is not None:
            ask = Ask(at=decision.due_at, survey_kind=programme.rule.survey_kind, contact_id=person.contact_id)
            asked = Asked(candidate.invitation_id, candidate.account_id, programme.touchpoint_id, candidate.about, ask)
            self._remember(asked)
            if self._carried is not None:
                self._carried.append(asked)
        return decision

    def language(self, candidate: Candidate) -> str:
        """The contact's language, else the account's, else English."""
        contact = self.contacts.get(candidate.contact_id) if candidate.contact_id is not None else None
        return (contact["language"] if contact else "") or self.accounts[candidate.account_id]["language"] or "en"


def _rows(sql: str, values: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _contacts(ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = _rows(
        "SELECT id, account_id, external_id, email, time_zone, language, opted_out, bounced_at, surveyable_from, imported_unconfirmed FROM accounts_contact WHERE id = ANY(%s)",
        [ids],
    )
    return {row["id"]: row for row in rows}


def _accounts(ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = _rows(
        "SELECT a.id, a.external_id, a.time_zone, a.language, a.segment_id, a.churned_at, "
        "(SELECT count(*) FROM accounts_contact c WHERE c.account_id = a.id) AS contacts FROM accounts_account a WHERE a.id = ANY(%s)",
        [ids],
    )
    return {row["id"]: row for row in rows}


def _reopened(event_ids: list[int]) -> set[int]:
    """Of these events of solved tickets, those whose ticket was opened again afterwards."""
    if not event_ids:
        return set()
    rows = _rows(
        "SELECT e.id FROM accounts_accountevent e WHERE e.id = ANY(%s) AND EXISTS (SELECT 1 FROM accounts_accountevent r WHERE r.account_id = e.account_id "
        "AND r.kind = 'ticket.reopened' AND r.occurred_at >= e.occurred_at AND r.payload->>'ticket' = e.payload->>'ticket')",
        [event_ids],
    )
    return {row["id"] for row in rows}


# what was sent counts from when it left, what is planned from when it is due; answers brought in
# from elsewhere show that somebody was asked, too
_ASKED = """
SELECT i.id::text AS invitation_id, i.contact_id, i.account_id, i.touchpoint_id, coalesce(nullif(i.rated_object, ''), i.ticket_id::text, '') AS about,
       greatest(i.not_before, i.sent_at) AS at, s.kind
FROM surveys_invitation i JOIN surveys_surveyversion v ON v.id = i.survey_version_id JOIN surveys_survey s ON s.id = v.survey_id
WHERE i.contact_id = ANY(%(contacts)s) AND i.status <> 'skipped' AND i.status = ANY(%(statuses)s) AND i.not_before > %(since)s
UNION
SELECT i.id::text, i.contact_id, i.account_id, i.touchpoint_id, coalesce(nullif(i.rated_object, ''), i.ticket_id::text, ''), greatest(i.not_before, i.sent_at), s.kind
FROM surveys_invitation i JOIN surveys_surveyversion v ON v.id = i.survey_version_id JOIN surveys_survey s ON s.id = v.survey_id
WHERE i.account_id = ANY(%(accounts)s) AND i.status <> 'skipped' AND i.status = ANY(%(statuses)s) AND i.not_before > %(lately)s
UNION ALL
SELECT NULL, r.contact_id, NULL, r.touchpoint_id, coalesce(nullif(r.rated_object, ''), r.ticket_id::text, ''), coalesce(r.invited_at, r.answered_at), r.kind
FROM surveys_response r WHERE r.contact_id = ANY(%(contacts)s) AND r.invitation_id IS NULL AND NOT r.test AND coalesce(r.invited_at, r.answered_at) > %(since)s
"""


def _asked(contact_ids: list[int], account_ids: list[int], since: dt.datetime, statuses: Sequence[str]) -> list[Asked]:
    lately = since + _LOOK_BACK - dt.timedelta(days=15)
    rows = _rows(_ASKED, {"contacts": contact_ids, "accounts": account_ids, "since": since, "lately": lately, "statuses": list(statuses)})  # type: ignore[arg-type]
    return [
        Asked(row["invitation_id"], row["account_id"], row["touchpoint_id"], row["about"], Ask(at=row["at"], survey_kind=row["kind"], contact_id=row["contact_id"])) for row in rows
    ]
