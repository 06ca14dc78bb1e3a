"""Whether, when, and if not why not, a contact is asked. Pure: facts and an instant in, a decision out.

The planner, the dry run, the forecast and the last look before a mail leaves all ask `decide()`, so that
what the dry run names is what is sent. Every decision says which rule made it, with the value and the
limit. Beside it: `fatigue` (limits), `decent_hours` and `days_off` (clocks), `spreading` (lots).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from surveys.days_off import NONE
from surveys.decent_hours import WORKING_HOURS, Window, day_after, first_decent_instant, zone_of
from surveys.fatigue import USUAL, Ask, Limits, account_limit, most_in_a_period, tired_account, tired_contact
from surveys.spreading import hash_share, phase, weekday_shift

__all__ = [
    "CLOCK_SKEW", "Ask", "Company", "Decision", "Limits", "Occasion", "Person", "Reason", "Rule", "account_limit", "decide", "hash_share", "meets",
    "most_in_a_period", "phase", "weekday_shift",
]  # fmt: skip

# an event may be dated this far ahead of our clock; later ones wait until their time has come
CLOCK_SKEW = dt.timedelta(minutes=10)


class Reason(StrEnum):
    """Why somebody is not asked; the same words as `Invitation.SkipReason`."""

    STALE = "stale"
    FATIGUE_CONTACT = "fatigue_contact"
    FATIGUE_ACCOUNT = "fatigue_account"
    QUIET = "quiet"
    SAMPLED_OUT = "sampled_out"
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no_consent"
    NO_ADDRESS = "no_address"
    NO_CONTACT = "no_contact"
    IMPORT = "import"
    DUPLICATE = "duplicate"
    SEGMENT = "segment"
    CONDITION = "condition"
    NOT_ACTIVE = "not_active"
    PAUSED = "paused"
    ENDED = "ended"
    REOPENED = "reopened"
    ACCOUNT_CHURNED = "account_churned"
    NOT_PUBLISHED = "not_published"
    STAFF = "staff"
    TICKET_GONE = "ticket_gone"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a touchpoint says (or a direct request, which has no touchpoint). `cool_down` adds to the installation's gap where it is longer."""

    salt: str
    survey_kind: str
    touchpoint: int | None = None
    published: bool = True
    delay: dt.timedelta = dt.timedelta(0)
    valid_for: dt.timedelta = dt.timedelta(hours=72)
    window: Window = WORKING_HOURS
    respects_holidays: bool = True
    sampling: Decimal = Decimal(1)
    cool_down: dt.timedelta = dt.timedelta(0)
    own_gap: dt.timedelta = dt.timedelta(0)
    daily_cap: int | None = None
    segments: frozenset[int] = frozenset()
    conditions: Mapping[str, Any] = field(default_factory=dict)
    activated_at: dt.datetime | None
    paused: bool = False
    ended: bool = False
    link_life: dt.timedelta = dt.timedelta(days=30)
    reminder_after: dt.timedelta | None = None


# What follows is made for every candidate of a wave: no frozen classes, which cost three times as much to make.
@dataclass(slots=True, kw_only=True)
class Occasion:
    """What happened: an event, the start of a contact's round, or a request."""

    occurred_at: dt.datetime
    period: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    reopened: bool = False
    imported: bool = False
    # the event itself names the contact, which makes a contact known from an import a real one
    names_contact: bool = False
    already_asked: bool = False
    # a round that starts on a day without a window waits for one that its lot chooses
    extra_delay: dt.timedelta = dt.timedelta(0)
    # at most so many of the touchpoint's mails a day, where its rule names no cap: the rate at which a backlog is worked off
    catch_up_cap: int | None = None


@dataclass(slots=True, kw_only=True)
class Person:
    """What is known of the contact. `asks` are those over all surveys."""

    contact_id: int
    address: str
    time_zone: str = ""
    days_off: Container[dt.date] = NONE
    opted_out: bool = False
    suppressed: bool = False
    bounced: bool = False
    # the address is one of a user of this installation: nobody here answers about the own work
    staff: bool = False
    surveyable_from: dt.datetime | None = None
    imported_unconfirmed: bool = False
    asks: Sequence[Ask] = ()


@dataclass(slots=True, kw_only=True)
class Company:
    """What is known of the account. `asks` are those of all its contacts."""

    time_zone: str = ""
    organisation_time_zone: str = "UTC"
    segment: int | None = None
    churned: bool = False
    contacts: int = 1
    asks: Sequence[Ask] = ()


@dataclass(slots=True, kw_only=True)
class Decision:
    """The outcome: `send` now, `hold` until `due_at`, or `skip` for a reason; with the evidence.

    Evidence is shared between decisions and must not be changed. The reason of a hold is `delay` (the touchpoint waits), `quiet_hours` (the contact's clock) or
    `daily_cap` (enough of the touchpoint's mails leave that day), that of a send `eligible`.
    """

    outcome: str
    reason: str = ""
    due_at: dt.datetime | None = None
    valid_until: dt.datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_skip(self) -> bool:
        """Whether nobody is asked."""
        return self.outcome == "skip"


def meets(conditions: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Whether the payload has all the values asked for; a list allows any of its values."""
    return all(payload.get(key) in wanted if isinstance(wanted, list) else payload.get(key) == wanted for key, wanted in conditions.items())


def decide(
    *, rule: Rule, occasion: Occasion, person: Person | None, company: Company, as_of: dt.datetime, limits: Limits = USUAL, taken: Callable[[dt.date], int] | None = None
) -> Decision:
    """The one decision about one contact. Rules are tried in a fixed order; the first that refuses names the reason.

    `taken` tells how many mails of this touchpoint leave on a day of the organisation's zone; without it no daily cap holds.
    """
    valid_until = occasion.occurred_at + rule.valid_for

    def skip(reason: Reason, value: Any = None, limit: Any = None) -> Decision:
        evidence = _bare(reason.value, as_of)
        if value is not None or limit is not None:
            evidence = {**evidence, "value": _plain(value), "limit": _plain(limit)}
        return Decision(outcome="skip", reason=reason.value, valid_until=valid_until, evidence=evidence)

    refusal = _refusal_of_occasion(rule, occasion)
    if refusal:
        return skip(*refusal)
    if rule.segments and company.segment not in rule.segments:
        return skip(Reason.SEGMENT, company.segment, sorted(rule.segments))
    if person is None:
        return skip(Reason.NO_CONTACT)
    unreachable = refusal_of_person(person)
    if unreachable:
        return skip(unreachable)
    if person.imported_unconfirmed and not occasion.names_contact:
        return skip(Reason.IMPORT, "unconfirmed")
    if company.churned and rule.survey_kind != "exit":
        return skip(Reason.ACCOUNT_CHURNED)
    if rule.sampling < 1:
        share = hash_share(rule.salt, person.contact_id, occasion.period)
        if share >= rule.sampling:
            return skip(Reason.SAMPLED_OUT, round(share, 4), rule.sampling)

    earliest = max(occasion.occurred_at + rule.delay + occasion.extra_delay, as_of)
    if earliest > valid_until:
        return skip(Reason.STALE, earliest, valid_until)
    zone = zone_of(person.time_zone, company.time_zone, company.organisation_time_zone)
    due = first_decent_instant(earliest, zone=zone, window=rule.window, days_off=person.days_off)
    if due is None or due > valid_until:
        return skip(Reason.QUIET, due, valid_until)
    waits_for = "eligible" if due <= as_of else "quiet_hours" if earliest == as_of else "delay"
    cap = rule.daily_cap if rule.daily_cap is not None else occasion.catch_up_cap
    if cap is not None and taken is not None:
        office = zone_of(company.organisation_time_zone)
        while taken(due.astimezone(office).date()) >= cap:
            waits_for = "daily_cap"
            moved = first_decent_instant(day_after(due, office), zone=zone, window=rule.window, days_off=person.days_off)
            if moved is None or moved > valid_until:
                return skip(Reason.STALE, {"daily_cap": cap}, valid_until)
            due = moved
    # the rest after an import keeps rhythms and guesses away; what happened to this very person ends it
    if person.surveyable_from is not None and due < person.surveyable_from and not occasion.names_contact:
        return skip(Reason.IMPORT, due, person.surveyable_from)
    if occasion.already_asked:
        return skip(Reason.DUPLICATE)
    tired: tuple[Any, Any] | None = tired_contact(
        person.asks, due=due, survey_kind=rule.survey_kind, touchpoint=rule.touchpoint, gap=rule.cool_down, own_gap=rule.own_gap, limits=limits
    )
    if tired:
        return skip(Reason.FATIGUE_CONTACT, *tired)
    tired = tired_account(company.asks, due=due, contacts=company.contacts, limits=limits)
    if tired:
        return skip(Reason.FATIGUE_ACCOUNT, *tired)
    evidence = _eligible(due, valid_until, as_of, zone.key, waits_for, cap)
    return Decision(outcome="send" if due <= as_of else "hold", reason=waits_for, due_at=due, valid_until=valid_until, evidence=evidence)


@functools.lru_cache(maxsize=1024)
def _eligible(due: dt.datetime, valid_until: dt.datetime, as_of: dt.datetime, zone: str, waits_for: str, cap: int | None) -> Mapping[str, Any]:
    """The evidence of a yes: one object for all people of a wave whom it is true of."""
    evidence: dict[str, Any] = {"rule": "eligible", "value": due.isoformat(), "limit": valid_until.isoformat(), "as_of": as_of.isoformat(), "zone": zone}
    if waits_for != "eligible":
        evidence["waits_for"] = waits_for
    if waits_for == "daily_cap":
        evidence["cap"] = cap
    return evidence


@functools.lru_cache(maxsize=1024)
def _bare(reason: str, as_of: dt.datetime) -> Mapping[str, Any]:
    """The evidence of a refusal that needs no figures; one object for a wave."""
    return {"rule": reason, "value": None, "limit": None, "as_of": as_of.isoformat()}


def _refusal_of_occasion(rule: Rule, occasion: Occasion) -> tuple[Any, ...] | None:
    if rule.ended:
        return (Reason.ENDED,)
    if rule.paused:
        return (Reason.PAUSED,)
    if rule.activated_at is None or occasion.occurred_at < rule.activated_at:
        return (Reason.NOT_ACTIVE, occasion.occurred_at, rule.activated_at)
    if not rule.published:
        return (Reason.NOT_PUBLISHED,)
    if occasion.imported:
        return (Reason.IMPORT, "event")
    if rule.conditions and not meets(rule.conditions, occasion.payload):
        return (Reason.CONDITION, {key: occasion.payload.get(key) for key in rule.conditions}, dict(rule.conditions))
    if occasion.reopened:
        return (Reason.REOPENED,)
    return None


def refusal_of_person(person: Person) -> Reason | None:
    """Why this person cannot or must not be written to at all; None where it is fine."""
    if not person.address:
        return Reason.NO_ADDRESS
    if person.staff:
        return Reason.STAFF
    if person.suppressed or person.bounced:
        return Reason.SUPPRESSED
    if person.opted_out:
        return Reason.NO_CONSENT
    return None


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
