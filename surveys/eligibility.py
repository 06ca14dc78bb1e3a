"""Whether, when, and if not why not, a contact is asked. Pure: facts and an instant in, a decision out.

The planner, the dry run and the last look before a mail leaves all ask `decide()`, so that what the
dry run names is what is sent. Every decision says which rule made it, with the value and the limit.
"""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from surveys.decent_hours import WORKING_HOURS, Window, first_decent_instant, zone_of

NPS_PAUSE = dt.timedelta(days=90)
ACCOUNT_PERIOD = dt.timedelta(days=7)
ACCOUNT_LEAST = 3
ACCOUNT_SHARE = Decimal("0.2")
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
    REOPENED = "reopened"
    ACCOUNT_CHURNED = "account_churned"
    NOT_PUBLISHED = "not_published"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a touchpoint says (or a direct request, which has no touchpoint)."""

    salt: str
    survey_kind: str
    published: bool = True
    delay: dt.timedelta = dt.timedelta(0)
    valid_for: dt.timedelta = dt.timedelta(hours=72)
    window: Window = WORKING_HOURS
    sampling: Decimal = Decimal(1)
    cool_down: dt.timedelta = dt.timedelta(days=30)
    segments: frozenset[int] = frozenset()
    conditions: Mapping[str, Any] = field(default_factory=dict)
    activated_at: dt.datetime | None
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A survey that a contact got or will get, at this instant."""

    at: dt.datetime
    survey_kind: str
    contact_id: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """What is known of the contact. `asks` are those over all surveys."""

    contact_id: int
    address: str
    time_zone: str = ""
    opted_out: bool = False
    suppressed: bool = False
    bounced: bool = False
    surveyable_from: dt.datetime | None = None
    imported_unconfirmed: bool = False
    asks: Sequence[Ask] = ()


@dataclass(frozen=True, kw_only=True)
class Company:
    """What is known of the account. `asks` are those of all its contacts."""

    time_zone: str = ""
    organisation_time_zone: str = "UTC"
    segment: int | None = None
    churned: bool = False
    contacts: int = 1
    asks: Sequence[Ask] = ()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The outcome: `send` now, `hold` until `due_at`, or `skip` for a reason; with the evidence.

    The reason of a hold is `delay` (the touchpoint waits) or `quiet_hours` (the contact's clock), that
    of a send `eligible`.
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


def account_limit(contacts: int) -> int:
    """How many contacts of an account may be asked in seven days: 3, or a fifth where that is more."""
    return max(ACCOUNT_LEAST, math.floor(ACCOUNT_SHARE * contacts))


def hash_share(salt: str, contact_id: int, period: str) -> Decimal:
    """A number in [0, 1), the same on every run for the same salt, contact and period."""
    digest = hashlib.sha256(f"{salt}:{contact_id}:{period}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big")) / Decimal(2**64)


def phase(salt: str, contact_id: int, every_days: int) -> int:
    """The day of a recurring touchpoint's round on which this contact's turn is; spreads a base evenly."""
    digest = hashlib.md5(f"{salt}:{contact_id}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:7], 16) % every_days


def weekday_shift(salt: str, contact_id: int, starts_on: dt.date, weekdays: frozenset[int]) -> dt.timedelta:
    """How long a round that starts on a day without a window waits, so that its people spread over the days that have one."""
    if starts_on.isoweekday() in weekdays or not weekdays:
        return dt.timedelta(0)
    choices = [days for days in range(1, 8) if (starts_on + dt.timedelta(days=days)).isoweekday() in weekdays]
    return dt.timedelta(days=choices[int(hash_share(salt, contact_id, f"weekday {starts_on}") * len(choices))])


def meets(conditions: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """Whether the payload has all the values asked for; a list allows any of its values."""
    return all(payload.get(key) in wanted if isinstance(wanted, list) else payload.get(key) == wanted for key, wanted in conditions.items())


def most_in_a_period(instants: Iterable[dt.datetime], including: dt.datetime, period: dt.timedelta) -> int:
    """The largest number of instants, `including` among them, that lie within one half-open period of this length."""
    near = sorted([including, *(at for at in instants if abs(at - including) < period)])
    most = 1
    for first, start in enumerate(near):
        if start > including:
            break
        if including - start < period:
            most = max(most, bisect.bisect_left(near, start + period) - first)
    return most


def decide(*, rule: Rule, occasion: Occasion, person: Person | None, company: Company, as_of: dt.datetime) -> Decision:
    """The one decision about one contact. Rules are tried in a fixed order; the first that refuses names the reason."""
    valid_until = occasion.occurred_at + rule.valid_for

    def skip(reason: Reason, value: Any = None, limit: Any = None) -> Decision:
        evidence = {"rule": str(reason), "value": _plain(value), "limit": _plain(limit), "as_of": as_of.isoformat()}
        return Decision(outcome="skip", reason=str(reason), valid_until=valid_until, evidence=evidence)

    refusal = _refusal_of_occasion(rule, occasion)
    if refusal:
        return skip(*refusal)
    if rule.segments and company.segment not in rule.segments:
        return skip(Reason.SEGMENT, company.segment, sorted(rule.segments))
    if person is None:
        return skip(Reason.NO_CONTACT)
    unreachable = _refusal_of_person(person)
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

    earliest = max(occasion.occurred_at + rule.delay, as_of)
    if earliest > valid_until:
        return skip(Reason.STALE, earliest, valid_until)
    zone = zone_of(person.time_zone, company.time_zone, company.organisation_time_zone)
    due = first_decent_instant(earliest, zone=zone, window=rule.window)
    if due is None or due > valid_until:
        return skip(Reason.QUIET, due, valid_until)
    # the rest after an import keeps rhythms and guesses away; what happened to this very person ends it
    if person.surveyable_from is not None and due < person.surveyable_from and not occasion.names_contact:
        return skip(Reason.IMPORT, due, person.surveyable_from)
    if occasion.already_asked:
        return skip(Reason.DUPLICATE)
    tired = _tired(rule, person, company, due)
    if tired:
        return skip(*tired)
    evidence = {"rule": "eligible", "value": due.isoformat(), "limit": valid_until.isoformat(), "as_of": as_of.isoformat(), "zone": zone.key}
    outcome, waits_for = ("send", "eligible") if due <= as_of else ("hold", "quiet_hours" if earliest == as_of else "delay")
    return Decision(outcome=outcome, reason=waits_for, due_at=due, valid_until=valid_until, evidence=evidence)


def _refusal_of_occasion(rule: Rule, occasion: Occasion) -> tuple[Any, ...] | None:
    if rule.paused:
        return (Reason.PAUSED,)
    if rule.activated_at is None or occasion.occurred_at < rule.activated_at:
        return (Reason.NOT_ACTIVE, occasion.occurred_at, rule.activated_at)
    if not rule.published:
        return (Reason.NOT_PUBLISHED,)
    if occasion.imported:
        return (Reason.IMPORT, "event")
    if not meets(rule.conditions, occasion.payload):
        return (Reason.CONDITION, {key: occasion.payload.get(key) for key in rule.conditions}, dict(rule.conditions))
    if occasion.reopened:
        return (Reason.REOPENED,)
    return None


def _refusal_of_person(person: Person) -> Reason | None:
    if not person.address:
        return Reason.NO_ADDRESS
    if person.suppressed or person.bounced:
        return Reason.SUPPRESSED
    if person.opted_out:
        return Reason.NO_CONSENT
    return None


def _tired(rule: Rule, person: Person, company: Company, due: dt.datetime) -> tuple[Any, ...] | None:
    """Fatigue looks both ways: a survey that is planned for later tires as one that was sent before."""
    for ask in person.asks:
        if abs(due - ask.at) < rule.cool_down:
            return (Reason.FATIGUE_CONTACT, ask.at, f"1 in {rule.cool_down.days} days")
        if rule.survey_kind == "nps" and ask.survey_kind == "nps" and abs(due - ask.at) < NPS_PAUSE:
            return (Reason.FATIGUE_CONTACT, ask.at, f"1 NPS in {NPS_PAUSE.days} days")
    limit = account_limit(company.contacts)
    most = most_in_a_period([ask.at for ask in company.asks], due, ACCOUNT_PERIOD)
    if most > limit:
        return (Reason.FATIGUE_ACCOUNT, most - 1, limit)
    return None


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
