"""Gathering what `eligibility.decide()` needs, for a whole batch at once and never a row at a time."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.actions.suppressions import GLOBAL, suppressed_scopes, survey_scope
from accounts.models import Installation
from surveys.actions.candidates import Candidate, Programme
from surveys.days_off import NONE, days_off_of
from surveys.decent_hours import instant_of, zone_of
from surveys.eligibility import Ask, Company, Decision, Limits, Occasion, Person, decide

# how far back it matters that the same thing was asked about
_ABOUT_BACK = dt.timedelta(days=400)
# what was planned may have left so much later, and counts from then
_WAITED = dt.timedelta(days=31)
_DAY = dt.timedelta(days=1)
PLANNED_AND_LATER = ("planned", "queued", "sent", "answered", "unknown", "expired")
QUEUED_AND_LATER = ("queued", "sent", "answered", "unknown", "expired")


@dataclass(slots=True)
class Asked:
    """A survey that counts for fatigue."""

    invitation_id: str | None
    account_id: int | None
    touchpoint_id: int | None
    about: str
    ask: Ask


@dataclass(slots=True)
class Memory:
    """What was decided and is stored nowhere: a dry run keeps it from batch to batch, where a run reads its own rows again."""

    by_contact: dict[int, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    by_account: dict[int, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    by_day: Counter[tuple[int, dt.date]] = field(default_factory=Counter)

    def keep(self, asked: Asked, day: dt.date) -> None:
        """Remembers one ask."""
        self.by_contact[asked.ask.contact_id].append(asked)
        if asked.account_id is not None:
            self.by_account[asked.account_id].append(asked)
        if asked.touchpoint_id is not None:
            self.by_day[asked.touchpoint_id, day] += 1


def installation_limits() -> Limits:
    """The limits that this installation's settings name."""
    row = Installation.objects.filter(pk=1).first() or Installation()
    return Limits(
        contact_gap=row.contact_gap_days * _DAY,
        nps_gap=row.nps_gap_days * _DAY,
        account_period=row.account_days * _DAY,
        account_people=row.account_people,
        account_share=row.account_share,
        reminder_gap=row.reminder_gap_days * _DAY,
    )


class Facts:
    """The facts about the candidates of one batch, and the decisions on them in order.

    An eligible candidate counts as an ask for those that follow, here and (through `carried`) in the
    batches after it: a dry run, which writes nothing, decides exactly as a run that writes.
    """

    def __init__(self, candidates: Sequence[Candidate], *, as_of: dt.datetime, statuses: Sequence[str] = PLANNED_AND_LATER, carried: Memory | None = None):
        self.as_of = as_of
        self.limits = installation_limits()
        contact_ids = sorted({candidate.contact_id for candidate in candidates if candidate.contact_id is not None})
        account_ids = sorted({candidate.account_id for candidate in candidates})
        self.contacts = _contacts(contact_ids)
        self.accounts = _accounts(account_ids)
        self._scopes = suppressed_scopes((row["email"] for row in self.contacts.values()), as_of=as_of)
        self._reopened = _reopened([candidate.event_id for candidate in candidates if candidate.event_id is not None and candidate.programme.event_kind == "ticket.solved"])
        self._by_contact: dict[int, list[Asked]] = defaultdict(list)
        self._by_account: dict[int, list[Asked]] = defaultdict(list)
        self._carried = carried
        self._home = settings.ORGANISATION_TIME_ZONE
        self._office = zone_of(self._home)
        for asked in _asked(contact_ids, account_ids, as_of, self._longest_gap(candidates), self.limits.account_period, statuses):
            self._remember(asked)
        if carried is not None:
            for known, mine, ids in ((carried.by_contact, self._by_contact, contact_ids), (carried.by_account, self._by_account, account_ids)):
                for pk in ids:
                    if pk in known:
                        mine[pk].extend(known[pk])
        self._by_day = self._taken(candidates, statuses)
        # those without a cap take places on a day from those with one
        self._counts_days = bool(_capped(candidates))

    def _longest_gap(self, candidates: Sequence[Candidate]) -> dt.timedelta:
        rules = {candidate.programme.touchpoint_id: candidate.programme.rule for candidate in candidates}.values()
        return max(self.limits.contact_gap, self.limits.nps_gap, *(rule.cool_down for rule in rules), *(rule.own_gap for rule in rules), _DAY)

    def _taken(self, candidates: Sequence[Candidate], statuses: Sequence[str]) -> Counter[tuple[int, dt.date]]:
        """How many mails of touchpoints with a cap leave on each day from today on."""
        capped = _capped(candidates)
        capped_ids = [programme.touchpoint_id for programme in capped if programme.touchpoint_id is not None]
        if not capped_ids:
            return Counter()
        today = instant_of(dt.datetime.combine(self.as_of.astimezone(self._office).date(), dt.time()), self._office)
        longest = max(programme.rule.valid_for for programme in capped)
        values = {
            "touchpoints": capped_ids, "zone": self._office.key, "as_of": self.as_of, "today": today, "since": today - longest - 2 * _DAY, "statuses": list(statuses),
        }  # fmt: skip
        found: Counter[tuple[int, dt.date]] = Counter({(row["touchpoint_id"], row["day"]): row["count"] for row in _rows(_TAKEN, values)})
        if self._carried is not None:
            found.update({key: count for key, count in self._carried.by_day.items() if key[0] in capped_ids})
        return found

    def _remember(self, asked: Asked) -> None:
        self._by_contact[asked.ask.contact_id].append(asked)
        if asked.account_id is not None:
            self._by_account[asked.account_id].append(asked)

    def decide(self, candidate: Candidate, *, as_of: dt.datetime | None = None) -> Decision:
        """The decision on one candidate; an eligible one is remembered as an ask. `as_of` looks from another instant (a forecast)."""
        programme, account, own = candidate.programme, self.accounts[candidate.account_id], candidate.invitation_id
        contact = self.contacts.get(candidate.contact_id) if candidate.contact_id is not None else None
        rule, about = programme.rule, candidate.about
        others = self._by_contact.get(candidate.contact_id or 0, ())
        around = self._by_account.get(candidate.account_id, ())
        if own is not None:
            others, around = [one for one in others if one.invitation_id != own], [one for one in around if one.invitation_id != own]
        occasion = Occasion(
            occurred_at=candidate.occurred_at,
            period=candidate.period,
            payload=candidate.payload,
            reopened=candidate.event_id in self._reopened,
            names_contact=candidate.names_contact,
            already_asked=bool(about) and any(one.about == about and one.touchpoint_id == programme.touchpoint_id and one.ask.at >= candidate.asks_about_since for one in others),
            extra_delay=candidate.extra_delay,
            catch_up_cap=candidate.catch_up_cap,
        )
        person = None if contact is None else self._person(contact, account, candidate, [asked.ask for asked in others] if others else ())
        company = self.company(candidate.account_id, asks=[asked.ask for asked in around] if around else ())
        taken = None
        if programme.touchpoint_id is not None and (rule.daily_cap is not None or candidate.catch_up_cap is not None):
            days, touchpoint = self._by_day, programme.touchpoint_id

            def taken(day: dt.date) -> int:
                return days[touchpoint, day]

        decision = decide(rule=rule, occasion=occasion, person=person, company=company, as_of=as_of or self.as_of, limits=self.limits, taken=taken)
        if decision.outcome != "skip" and person is not None and decision.due_at is not None:
            ask = Ask(at=decision.due_at, survey_kind=rule.survey_kind, contact_id=person.contact_id, touchpoint=programme.touchpoint_id)
            asked = Asked(own, candidate.account_id, programme.touchpoint_id, about, ask)
            self._remember(asked)
            if self._counts_days or self._carried is not None:
                day = decision.due_at.astimezone(self._office).date()
                self._by_day[programme.touchpoint_id or 0, day] += 1
                if self._carried is not None:
                    self._carried.keep(asked, day)
        return decision

    def is_reopened(self, candidate: Candidate) -> bool:
        """Whether the ticket that the candidate is asked about was opened again since it was solved."""
        return candidate.event_id in self._reopened

    def person(self, candidate: Candidate) -> Person | None:
        """What is known of a candidate's contact, without what the contact was asked."""
        contact = self.contacts.get(candidate.contact_id or 0)
        return None if contact is None else self._person(contact, self.accounts[candidate.account_id], candidate, ())

    def _person(self, contact: dict[str, Any], account: dict[str, Any], candidate: Candidate, asks: Sequence[Ask]) -> Person:
        scopes = self._scopes.get(contact["email"])
        return Person(
            contact_id=contact["id"],
            address=contact["email"],
            time_zone=contact["time_zone"],
            days_off=days_off_of(contact["country"], account["country"]) if candidate.programme.rule.respects_holidays else NONE,
            opted_out=contact["opted_out"],
            suppressed=scopes is not None and bool(scopes & {GLOBAL, survey_scope(candidate.programme.survey_key)}),
            bounced=contact["bounced_at"] is not None,
            staff=contact["staff"],
            surveyable_from=contact["surveyable_from"],
            imported_unconfirmed=contact["imported_unconfirmed"],
            asks=asks,
        )

    def company(self, account_id: int, *, asks: Sequence[Ask] = ()) -> Company:
        """What is known of an account of the batch."""
        account = self.accounts[account_id]
        churned_at = account["churned_at"]
        return Company(
            time_zone=account["time_zone"],
            organisation_time_zone=self._home,
            segment=account["segment_id"],
            churned=churned_at is not None and churned_at <= self.as_of,
            contacts=account["contacts"],
            asks=asks,
        )

    def language(self, candidate: Candidate) -> str:
        """The contact's language, else the account's, else English."""
        contact = self.contacts.get(candidate.contact_id) if candidate.contact_id is not None else None
        return (contact["language"] if contact else "") or self.accounts[candidate.account_id]["language"] or "en"

    def zone(self, candidate: Candidate) -> str:
        """The name of the zone by whose clock the candidate is written to."""
        contact = self.contacts.get(candidate.contact_id) if candidate.contact_id is not None else None
        return zone_of(contact["time_zone"] if contact else "", self.accounts[candidate.account_id]["time_zone"], self._home).key


def _capped(candidates: Sequence[Candidate]) -> list[Programme]:
    """The touchpoints among them that have a cap, of their own or to work off a backlog."""
    found = {
        candidate.programme.touchpoint_id: candidate.programme for candidate in candidates if candidate.programme.rule.daily_cap is not None or candidate.catch_up_cap is not None
    }
    return list(found.values())


def _rows(sql: str, values: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]  # noqa: B905


def _array(ids: list[int]) -> str:
    """The ids as an array's text, which is written many times faster than a list of parameters."""
    return "{" + ",".join(map(str, ids)) + "}"


def _contacts(ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = _rows(
        "SELECT id, account_id, external_id, name, email, time_zone, country, language, opted_out, bounced_at, surveyable_from, imported_unconfirmed, "
        "email IN (SELECT u.email FROM accounts_user u) AS staff "
        "FROM accounts_contact WHERE id = ANY(%s::bigint[])",
        [_array(ids)],
    )
    return {row["id"]: row for row in rows}


def _accounts(ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = _rows(
        "SELECT a.id, a.external_id, a.name, a.time_zone, a.country, a.language, a.segment_id, a.churned_at, "
        "(SELECT count(*) FROM accounts_contact c WHERE c.account_id = a.id) AS contacts FROM accounts_account a WHERE a.id = ANY(%s::bigint[])",
        [_array(ids)],
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


# what was sent counts from when it left, what is planned from when it is due, what is overdue from now; answers brought
# in from elsewhere show that somebody was asked, too. Old asks count only where they name what they asked about.
_AT = "CASE WHEN i.sent_at IS NULL AND i.status IN ('planned', 'queued') THEN greatest(i.not_before, %(as_of)s) ELSE greatest(i.not_before, i.sent_at) END"
_INVITED = f"""
SELECT i.id::text AS invitation_id, i.contact_id, i.account_id, i.touchpoint_id, coalesce(nullif(i.rated_object, ''), i.ticket_id::text, '') AS about,
       {_AT} AS at, s.kind
FROM surveys_invitation i JOIN surveys_surveyversion v ON v.id = i.survey_version_id JOIN surveys_survey s ON s.id = v.survey_id
WHERE i.status <> 'skipped' AND i.status = ANY(%(statuses)s)"""
_ASKED = f"""
{_INVITED} AND i.contact_id = ANY(%(contacts)s::bigint[]) AND i.not_before > %(since)s
  AND ({_AT} > %(rested)s OR i.rated_object <> '' OR i.ticket_id IS NOT NULL)
UNION
{_INVITED} AND i.account_id = ANY(%(accounts)s::bigint[]) AND i.not_before > %(lately)s AND {_AT} > %(around)s
UNION ALL
SELECT NULL, r.contact_id, NULL, r.touchpoint_id, coalesce(nullif(r.rated_object, ''), r.ticket_id::text, ''), coalesce(r.invited_at, r.answered_at), r.kind
FROM surveys_response r WHERE r.contact_id = ANY(%(contacts)s::bigint[]) AND r.invitation_id IS NULL AND NOT r.test AND coalesce(r.invited_at, r.answered_at) > %(since)s
"""

# by the day on which it left or will leave; what is overdue leaves today at the earliest
_TAKEN = """
SELECT touchpoint_id, (coalesce(sent_at, greatest(not_before, %(as_of)s)) AT TIME ZONE %(zone)s)::date AS day, count(*) AS count
FROM surveys_invitation
WHERE touchpoint_id = ANY(%(touchpoints)s) AND decided_at > %(since)s AND (status = ANY(%(statuses)s) OR (status = 'planned' AND not_before > %(as_of)s))
  AND coalesce(sent_at, greatest(not_before, %(as_of)s)) >= %(today)s
GROUP BY 1, 2
"""


def _asked(contact_ids: list[int], account_ids: list[int], as_of: dt.datetime, gap: dt.timedelta, account_period: dt.timedelta, statuses: Sequence[str]) -> list[Asked]:
    """Asks of these people as far back as a gap reaches, and those of their accounts."""
    values: dict[str, Any] = {
        "contacts": _array(contact_ids), "accounts": _array(account_ids), "since": as_of - max(gap + _WAITED, _ABOUT_BACK), "rested": as_of - gap,
        "lately": as_of - account_period - _WAITED, "around": as_of - account_period, "as_of": as_of, "statuses": list(statuses),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ASKED, values)
        rows = cursor.fetchall()
    return [
        Asked(invitation, account, touchpoint, about, Ask(at=at, survey_kind=kind, contact_id=contact, touchpoint=touchpoint))
        for invitation, contact, account, touchpoint, about, at, kind in rows
    ]
