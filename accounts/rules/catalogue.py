"""What a rule may ask about: the closed list of fields, how each is compared, where each stands. Pure.

A template names the account `{a}`, its snapshot `{s}` and a contact `{c}`; what a reader types never becomes part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.event_kinds import EVENT_KINDS


class Kind(StrEnum):
    """How values of a field are read and compared."""

    MONEY = "money"  # units of the reporting currency
    NUMBER = "number"
    POINTS = "points"  # 0 to 100
    SHARE = "share"  # a fraction: 0.25 is 25 %
    CHOICE = "choice"  # keys of a list
    TEXT = "text"  # compared without regard to case and the accents of Turkish letters
    TAGS = "tags"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"  # compared by its day in the organisation's zone
    ATTRIBUTE = "attribute"  # a value somebody imported: text, number or day, whatever the condition asks for


EMPTINESS = ("is_empty", "is_not_empty")
ORDERED = ("gte", "gt", "lte", "lt", "eq", "neq", "between")
SETS = ("eq", "neq", "in", "not_in")
TEXTS = ("contains", "not_contains", "starts_with")
# operators whose value is a number of days, counted from today
RELATIVE = ("in_next_days", "in_more_than_days", "within_last_days", "more_than_days_ago")
_NUMERIC = (*ORDERED, *EMPTINESS)
_DATED = ("gte", "gt", "lte", "lt", "eq", *RELATIVE, *EMPTINESS)
OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.MONEY: _NUMERIC,
    Kind.NUMBER: _NUMERIC,
    Kind.POINTS: _NUMERIC,
    Kind.SHARE: _NUMERIC,
    Kind.CHOICE: (*SETS, *EMPTINESS),
    Kind.TEXT: (*SETS, *TEXTS, *EMPTINESS),
    Kind.TAGS: ("in", "not_in", *EMPTINESS),
    Kind.BOOLEAN: ("eq",),
    Kind.DATE: _DATED,
    Kind.INSTANT: _DATED,
    Kind.ATTRIBUTE: (*SETS, "gte", "gt", "lte", "lt", "between", *TEXTS, *RELATIVE, *EMPTINESS),
}
NUMERIC = frozenset({Kind.MONEY, Kind.NUMBER, Kind.POINTS, Kind.SHARE})
DATED = frozenset({Kind.DATE, Kind.INSTANT})


@dataclass(frozen=True)
class Field:
    """A field of the list. `scale`: stored = typed x scale; `places`: decimals that may be typed; `low`, `high`: bounds of a typed value.

    `options` are the keys of a choice with their names; "segment", "stage", "owner" stand for rows of that kind.
    """

    key: str
    label: Any
    kind: Kind
    expression: str
    scale: int = 1
    places: int = 0
    low: int | None = None
    high: int | None = None
    options: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    rows: str = ""
    # the column is a whole number, so that the value is handed over as one and an index may be used
    whole: bool = False
    # counts days or years from today: what it says changes while nothing happens
    ages: bool = False
    group: str = "account"


def _money(key: str, label: Any, expression: str, group: str = "revenue") -> Field:
    return Field(key, label, Kind.MONEY, expression, scale=1_000_000, places=6, whole=True, group=group)


def _count(key: str, label: Any, expression: str, group: str, low: int = 0, high: int | None = None) -> Field:
    return Field(key, label, Kind.NUMBER, expression, low=low, high=high, whole=True, group=group)


_SEGMENT = "(SELECT rg.key FROM accounts_segment rg WHERE rg.id = {a}.segment_id)"
# a month's potential in the reporting currency, in millionths; unknown without a rate
_POTENTIAL = (
    "({a}.revenue_potential * 1000000 * CASE WHEN {a}.currency IN ('', %(rule_currency)s) THEN 1 ELSE (SELECT rr.rate FROM accounts_exchangerate rr"
    " WHERE rr.currency = {a}.currency AND rr.day <= %(today)s::date ORDER BY rr.day DESC LIMIT 1) END)"
)
_STAGE_SINCE = "(SELECT rs.valid_from FROM accounts_stagestay rs WHERE rs.account_id = {a}.id AND rs.valid_to IS NULL)"
_BANDS = (("healthy", _("Healthy")), ("watch", _("Watch")), ("at_risk", _("At risk")))
_MODELS = (("subscription", _("Subscription")), ("ecommerce", _("E-commerce")))
_ROLES = (("champion", _("Champion")), ("sponsor", _("Sponsor")), ("user", _("User")), ("billing", _("Billing")))

GROUPS: tuple[tuple[str, Any], ...] = (
    ("account", _("Account")), ("revenue", _("Revenue")), ("health", _("Health and voice")), ("support", _("Support and payments")), ("dates", _("Dates")),
)  # fmt: skip

ACCOUNT_FIELDS: dict[str, Field] = {
    entry.key: entry
    for entry in (
        Field("segment", _("Segment"), Kind.CHOICE, _SEGMENT, rows="segment"),
        Field("stage", _("Lifecycle stage"), Kind.CHOICE, "{a}.lifecycle_stage_id", rows="stage"),
        Field("owner", _("Owner"), Kind.CHOICE, "{a}.owner_id::text", rows="owner"),
        Field("name", _("Name"), Kind.TEXT, "{a}.name"),
        Field("plan", _("Plan"), Kind.TEXT, "{a}.plan"),
        Field("industry", _("Industry"), Kind.TEXT, "{a}.industry"),
        Field("country", _("Country"), Kind.TEXT, "{a}.country"),
        Field("language", _("Language"), Kind.TEXT, "{a}.language"),
        Field("currency", _("Currency"), Kind.TEXT, "{a}.currency"),
        Field("domain", _("Domain"), Kind.TEXT, "{a}.domain"),
        Field("tags", _("Tags"), Kind.TAGS, "{a}.tags"),
        Field("business_model", _("Business model"), Kind.CHOICE, "{a}.business_model", options=_MODELS),
        Field("churned", _("Has left"), Kind.BOOLEAN, "coalesce({a}.churned_at <= %(now)s, false)", ages=True),
        Field("churn_reason", _("Churn reason"), Kind.TEXT, "{a}.churn_reason"),
        Field("excluded", _("Excluded from figures"), Kind.BOOLEAN, "{a}.excluded"),
        _money("mrr", _("MRR"), "{s}.mrr_micros"),
        Field("revenue_potential", _("Revenue potential a month"), Kind.MONEY, _POTENTIAL, scale=1_000_000, places=6, group="revenue", ages=True),
        _money("stake", _("Value at risk"), "{s}.stake_micros"),
        Field("health", _("Health"), Kind.POINTS, "{s}.health", scale=100, places=2, low=0, high=100, whole=True, group="health"),
        Field("band", pgettext_lazy("health", "Band"), Kind.CHOICE, "{s}.band", options=_BANDS, group="health"),
        Field(
            "health_change", _("Change of health in 28 days"), Kind.POINTS, "({s}.health - {s}.health_before)", scale=100, places=2, low=-100, high=100, whole=True, group="health"
        ),
        Field("confidence", _("Confidence of the score"), Kind.SHARE, "{s}.confidence", scale=100, places=2, low=0, high=1, whole=True, group="health"),
        Field("churn_risk", _("Churn risk"), Kind.SHARE, "{s}.churn_risk", places=4, low=0, high=1, group="health"),
        Field("usage_trend", _("Trend of use, 28 days"), Kind.SHARE, "{s}.usage_trend", places=4, low=-1, group="health"),
        _count("nps", _("Last NPS answer"), "{s}.nps", "health", high=10),
        Field("csat", _("CSAT, 90 days"), Kind.NUMBER, "{s}.csat_mean", places=2, low=1, high=5, group="health"),
        _count("open_tickets", _("Open tickets"), "{s}.open_tickets", "support"),
        _count("severe_tickets", _("Severe open tickets"), "{s}.severe_tickets", "support"),
        _count("failed_payments", _("Failed payments, 90 days"), "{s}.failed_payments", "support"),
        Field("signed_up_at", _("Signed up"), Kind.INSTANT, "{a}.signed_up_at", group="dates"),
        Field("trial_started_at", _("Trial started"), Kind.INSTANT, "{a}.trial_started_at", group="dates"),
        Field("trial_ended_at", _("Trial ended"), Kind.INSTANT, "{a}.trial_ended_at", group="dates"),
        Field("stage_since", _("In its stage since"), Kind.INSTANT, _STAGE_SINCE, group="dates"),
        Field("churned_at", _("Left"), Kind.INSTANT, "{a}.churned_at", group="dates"),
        Field("renews_on", _("Renewal"), Kind.DATE, "{s}.renews_on", group="dates"),
        Field("last_seen_on", _("Last seen"), Kind.DATE, "{s}.last_seen_on", group="dates"),
        Field("last_touch_at", _("Last touch"), Kind.INSTANT, "{s}.last_touch_at", group="dates"),
        Field("nps_at", _("Last NPS answer given"), Kind.INSTANT, "{s}.nps_at", group="dates"),
        Field("created_at", _("Known since"), Kind.INSTANT, "{a}.created_at", group="dates"),
    )
}
CONTACT_FIELDS: dict[str, Field] = {
    entry.key: entry
    for entry in (
        Field("job_title", _("Job title"), Kind.TEXT, "{c}.job_title", group="contacts"),
        Field("role", _("Role"), Kind.CHOICE, "{c}.role", options=_ROLES, group="contacts"),
        Field("age", _("Age"), Kind.NUMBER, "(date_part('year', %(today)s::date)::integer - {c}.birth_year)", low=0, high=150, whole=True, ages=True, group="contacts"),
        Field("language", _("Language"), Kind.TEXT, "{c}.language", group="contacts"),
        Field("country", _("Country"), Kind.TEXT, "{c}.country", group="contacts"),
        Field("opted_out", _("Opted out of surveys"), Kind.BOOLEAN, "{c}.opted_out", group="contacts"),
        Field("created_at", _("Known since"), Kind.INSTANT, "{c}.created_at", group="contacts"),
    )
}
ATTRIBUTE = "attributes."
HAPPENINGS = ("happened", "not_happened")
# keys of payloads that hold lists, and those that hold yes or no
_LISTS = frozenset({"causes"})
FLAGS = frozenset({
    "voluntary", "preceding_upgrade", "preceding_downgrade", "is_reactivation", "converted", "hard_decline", "person_replied", "low", "call_me", "is_suspect", "override",
    "hard", "in_time",
})  # fmt: skip
MEASURES: dict[str, Any] = {"count": _("Uses"), "users": _("People using it"), "active_days": _("Active days"), "features": _("Features used")}
# counted over the whole window, never a day on average
WHOLE_MEASURES = frozenset({"active_days", "features"})


def field_of(key: str, *, of_contact: bool = False) -> Field | None:
    """The field of a key, among it any attribute somebody imported; None for what is not on the list."""
    found = (CONTACT_FIELDS if of_contact else ACCOUNT_FIELDS).get(key)
    if found is None and key.startswith(ATTRIBUTE) and 0 < len(key) - len(ATTRIBUTE) <= 80:
        return Field(key, key.removeprefix(ATTRIBUTE), Kind.ATTRIBUTE, "{c}.attributes" if of_contact else "{a}.attributes", group="contacts" if of_contact else "attributes")
    return found


def payload_keys(kind: str) -> tuple[str, ...]:
    """What may be asked of the payload of an event of a kind; empty for a kind that is not in the vocabulary."""
    known = EVENT_KINDS.get(kind)
    return () if known is None else tuple(key for key in (*known.required, *known.optional) if key not in _LISTS)


# letters that are one for a reader who looks for a text; the same table in SQL and here
FOLD_FROM, FOLD_TO = "İIıŞşĞğÜüÖöÇçÂâÎîÛû", "iiissgguuooccaaiiuu"
_FOLD = str.maketrans(FOLD_FROM, FOLD_TO)
_ASCII = str.maketrans("ABCDEFGHJKLMNOPQRSTUVWXYZ", "abcdefghjklmnopqrstuvwxyz")


def fold(text: str) -> str:
    """A text as rules compare it: no case of Latin letters, no accents of Turkish ones. `sql.folded` does the same in the database."""
    return text.translate(_FOLD).translate(_ASCII)
