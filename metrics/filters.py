"""The common filters of the dashboards: period, comparison, segment, owner, plan, country; read from the address and written back into it.

One reading for every page. What cannot be read is a fault with the name of its field, never silently something else.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import wording
from accounts.models import Account, Segment, User
from accounts.roles import Role
from metrics.kpis.question import add_months
from surveys.periods import Period, midnight

PRESETS = ("month", "last_month", "last_quarter", "last_12_months", "year")
# so many months up to the running one; the longer ones are presets of few pages
LAST_MONTHS = {"last_12_months": 12, "last_24_months": 24, "last_36_months": 36}
CUSTOM = "custom"
COMPARE = ("before", "year", "none")
DIMENSIONS = ("segment", "owner", "plan", "country")
# of an address: without that value
NONE = "none"
# of a choice, so many values at most
MOST = 200
_EARLIEST, _LATEST = dt.date(2000, 1, 1), dt.date(2200, 1, 1)
_LONGEST_DAYS = 366 * 20


def named_period(name: str, *, today: dt.date, zone: zoneinfo.ZoneInfo) -> Period | None:
    """A period by its name, with the one before it: half-open days of the organisation's zone. None for an unknown name.

    Besides the presets, `28d` and the like: so many days up to and with today.
    """
    month = today.replace(day=1)
    if name == "month":
        return _months(name, month, 1, zone)
    if name == "last_month":
        return _months(name, add_months(month, -1), 1, zone)
    if name == "last_quarter":
        return _months(name, add_months(month, -3 - (month.month - 1) % 3), 3, zone)
    if name in LAST_MONTHS:
        return _months(name, add_months(month, -LAST_MONTHS[name]), LAST_MONTHS[name], zone)
    if name == "year":
        return _months(name, month.replace(month=1), 12, zone)
    if name.endswith("d") and name[:-1].isdecimal() and 0 < int(name[:-1]) < 1000:
        days, after = dt.timedelta(days=int(name[:-1])), today + dt.timedelta(days=1)
        return Period(name, after - days, after, (after - 2 * days, after - days), zone)
    return None


def _months(name: str, first: dt.date, count: int, zone: zoneinfo.ZoneInfo) -> Period:
    return Period(name, first, add_months(first, count), (add_months(first, -count), first), zone)


def days_compared(period: Period, compare: str) -> tuple[dt.date, dt.date] | None:
    """The whole period that a period is compared with, half-open; None for no comparison."""
    if compare == "none":
        return None
    return (add_months(period.first, -12), add_months(period.after, -12)) if compare == "year" else period.before


@dataclass(frozen=True)
class Filters:
    """What a reader chose. `faults` tells of each field that could not be read; figures must not be shown then."""

    period: Period
    now: dt.datetime
    compare: str = "before"
    segment: str = ""
    owner: str = ""
    plan: str = ""
    country: str = ""
    usual: str = "last_month"
    faults: Mapping[str, str] = field(default_factory=dict)
    # the days as they were typed, kept beside their fault
    typed: Mapping[str, str] = field(default_factory=dict)
    # what a page compares with where the address does not say
    usual_compare: str = "before"

    @property
    def start(self) -> str:
        """The first day, as questions take it."""
        return self.period.first.isoformat()

    @property
    def end(self) -> str:
        """The day after the last, as questions take it."""
        return self.period.after.isoformat()

    @property
    def running(self) -> bool:
        """Whether the period is not over yet."""
        return self.now < self.period.span[1]

    @property
    def filters(self) -> dict[str, str]:
        """The dimensions chosen, as questions take them: an empty text is without."""
        return {name: "" if getattr(self, name) == NONE else getattr(self, name) for name in DIMENSIONS if getattr(self, name)}

    def question(self, **more: Any) -> dict[str, Any]:
        """Arguments of `answer` and `ask`: the period, the filters, the instant; with more, which win."""
        return {"start": self.start, "end": self.end, "filters": self.filters, "now": self.now, **more}

    @property
    def compared(self) -> tuple[str, str] | None:
        """The period compared with, as questions take it; as much of it as the running one has; None for no comparison."""
        days = days_compared(self.period, self.compare)
        if days is None or days[0] >= days[1]:
            return None
        start = self.period.span[0]
        if not start <= self.now < self.period.span[1]:
            return days[0].isoformat(), days[1].isoformat()
        first, last = midnight(days[0], self.period.zone), midnight(days[1], self.period.zone)
        cut = min(last, first + (self.now - start))
        return (days[0].isoformat(), cut.isoformat(timespec="seconds")) if cut > first else None

    def question_before(self, **more: Any) -> dict[str, Any] | None:
        """The same of the period compared with; None where nothing is compared."""
        days = self.compared
        return None if days is None else self.question(start=days[0], end=days[1], **more)

    def months(self, count: int = 13) -> tuple[str, str]:
        """The last so many calendar months up to and with the month of the period's last day that has begun, for a line over time."""
        today = self.now.astimezone(self.period.zone).date()
        last = min(self.period.last, today).replace(day=1)
        return add_months(last, 1 - count).isoformat(), add_months(last, 1).isoformat()

    def query(self, **changes: Any) -> str:
        """The query string of these choices, with changes and more; what is usual is left out. `period` is the name of a preset."""
        parts: dict[str, Any] = {}
        if self.period.name == CUSTOM:
            parts |= {"period": CUSTOM, "from": self.start, "until": self.period.last.isoformat()}
        elif self.period.name != self.usual:
            parts["period"] = self.period.name
        parts["compare"] = "" if self.compare == self.usual_compare else self.compare
        parts |= {name: getattr(self, name) for name in DIMENSIONS}
        if "period" in changes and changes["period"] != CUSTOM:
            parts.pop("from", None), parts.pop("until", None)
        parts |= changes
        return urlencode({name: value for name, value in parts.items() if value not in ("", None)})

    @property
    def narrows(self) -> bool:
        """Whether anything but the period and the comparison is chosen."""
        return any(getattr(self, name) for name in DIMENSIONS)

    @property
    def key(self) -> str:
        """What makes a kept fragment another one: the address of these choices and the day."""
        return f"{self.start}:{self.end}:{self.query()}:{self.now.astimezone(self.period.zone).date()}"


def reachable(user: User) -> QuerySet[Account]:
    """The accounts whose values a reader may choose among: analysts all, others what they see."""
    return Account.objects.all() if user.role == Role.ANALYST else Account.objects.visible_to(user)


def read_filters(
    request: HttpRequest, *, now: dt.datetime, usual: str = "last_month", presets: Sequence[str] = PRESETS, usual_compare: str = "before"
) -> Filters:  # fmt: skip
    """The choices of an address. Faults are in `faults`, by field.

    `usual` is the preset where none is named, `usual_compare` the comparison, `presets` are those of the page.
    """
    given = {name: request.GET.get(name, "").replace("\x00", "")[:200].strip() for name in ("period", "from", "until", "compare", *DIMENSIONS)}
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    today = now.astimezone(zone).date()
    standard = named_period(usual, today=today, zone=zone)
    if standard is None:
        raise ValueError(f"no preset {usual!r}")
    faults: dict[str, str] = {}
    period = read_period(given, standard, today, faults, presets)
    compare = read_compare(given, faults, usual_compare)
    if isinstance(request.user, User):
        faults |= unknown_values(request.user, given)
    return Filters(
        period, now, compare, **{name: given[name] for name in DIMENSIONS}, usual=usual, faults=faults, typed={"from": given["from"], "until": given["until"]},
        usual_compare=usual_compare,
    )  # fmt: skip


def read_period(given: Mapping[str, str], standard: Period, today: dt.date, faults: dict[str, str], presets: Sequence[str] = PRESETS) -> Period:
    """The period of an address (`period`, `from`, `until`), else the standard one; what cannot be read is put into the faults by its field."""
    name = given["period"] or (CUSTOM if given["from"] or given["until"] else standard.name)
    if name != CUSTOM:
        period = named_period(name, today=today, zone=standard.zone) if name in presets or name == standard.name else None
        if period is None:
            faults["period"] = _("Period “%(given)s” is unknown; there are %(allowed)s.") % {"given": name, "allowed": ", ".join((*presets, CUSTOM))}
        return period or standard
    days: dict[str, dt.date] = {"from": standard.first, "until": standard.last}
    for which in ("from", "until"):
        if given[which]:
            try:
                days[which] = dt.date.fromisoformat(given[which])
                if not _EARLIEST <= days[which] < _LATEST:
                    raise ValueError
            except ValueError:
                faults[which] = _("“%(given)s” is no day between 2000 and 2199 (YYYY-MM-DD).") % {"given": given[which]}
    first, last = days["from"], days["until"]
    if not faults and last < first:
        faults["until"] = _("The last day lies before the first.")
    elif not faults and (last - first).days >= _LONGEST_DAYS:
        faults["until"] = _("A period has twenty years at most.")
    if faults:
        return replace(standard, name=CUSTOM)
    after = last + dt.timedelta(days=1)
    return Period(CUSTOM, first, after, (first - (after - first), first), standard.zone)


def read_compare(given: Mapping[str, str], faults: dict[str, str], usual: str = "before") -> str:
    """What an address compares with, the usual where it does not say; an unknown one is put into the faults."""
    compare = given["compare"] or usual
    if compare in COMPARE:
        return compare
    faults["compare"] = _("Compare with “%(given)s” is unknown; there are %(allowed)s.") % {"given": compare, "allowed": ", ".join(COMPARE)}
    return usual


def unknown_values(user: User, given: Mapping[str, str]) -> dict[str, str]:
    """What segment, owner, plan and country of an address the reader's accounts do not know: a sentence by field."""
    return {name: _unknown(name, given[name]) for name in DIMENSIONS if given[name] and given[name] != NONE and not _exists(user, name, given[name])}


def _exists(user: User, name: str, value: str) -> bool:
    if name == "segment":
        return Segment.objects.filter(key=value).exists()
    return reachable(user).filter(**{"owner__email" if name == "owner" else name: value}).exists()


def _unknown(name: str, value: str) -> str:
    told = {
        "segment": _("There is no segment “%(given)s”."), "owner": _("“%(given)s” owns none of the accounts you see."),
        "plan": _("No account you see has the plan “%(given)s”."), "country": _("No account you see is in the country “%(given)s”."),
    }  # fmt: skip
    return told[name] % {"given": value}


@dataclass(frozen=True)
class Select:
    """One choice of the bar: its name, its word, what is chosen, what there is, its fault."""

    name: str
    word: str
    value: str
    choices: tuple[tuple[str, str], ...]
    fault: str = ""


@dataclass(frozen=True)
class Bar:
    """The bar of filters as the template shows it."""

    chosen: Filters
    periods: Select
    compare: Select
    selects: tuple[Select, ...]
    clear: str
    # further parts of the address that a change of filters keeps
    keep: tuple[tuple[str, str], ...] = ()
    without_compare: bool = False

    @property
    def custom(self) -> bool:
        """Whether days are picked."""
        return self.chosen.period.name == CUSTOM

    @property
    def first(self) -> str:
        """The first day as it stands in its field."""
        return self.chosen.typed.get("from") or self.chosen.start

    @property
    def last(self) -> str:
        """The last day as it stands in its field."""
        return self.chosen.typed.get("until") or self.chosen.period.last.isoformat()


def filter_bar(
    chosen: Filters, user: User, *, address: str, keep: Mapping[str, str] | None = None, without_compare: bool = False, more: Sequence[str] = ()
) -> Bar:  # fmt: skip
    """The bar of a page at `address`: choices are values in use among what the reader may see, at most 200 of each; four reads.

    `more` are presets that this page has besides those of all.
    """
    accounts = reachable(user)
    used: dict[str, list[tuple[str, str]]] = {"segment": [(row.key, wording.segment_name(row)) for row in Segment.objects.all()]}
    owners = User.objects.filter(pk__in=accounts.filter(owner__isnull=False).values("owner")).order_by("name", "pk")
    used["owner"] = [(email, name or email) for email, name in owners.values_list("email", "name")[:MOST]]
    used["plan"] = [(plan, plan) for plan in _in_use(accounts, "plan")]
    used["country"] = sorted(((code, wording.country_name(code)) for code in _in_use(accounts, "country")), key=lambda choice: choice[1])
    words = {"segment": _("Segment"), "owner": _("Owner"), "plan": _("Plan"), "country": _("Country")}
    missing = {"segment": _("without a segment"), "owner": _("without an owner"), "plan": _("without a plan"), "country": _("without a country")}
    selects = []
    for name in DIMENSIONS:
        value, choices = getattr(chosen, name), [*used[name], (NONE, missing[name])]
        if value and value not in {key for key, _word in choices}:
            choices.append((value, value))
        selects.append(Select(name, words[name], value, tuple(choices), chosen.faults.get(name, "")))
    return Bar(
        chosen,
        Select("period", _("Period"), chosen.period.name, tuple(period_names(*(more or (chosen.usual,))).items()), chosen.faults.get("period", "")),
        Select("compare", _("Compare with"), chosen.compare, tuple(compare_names().items()), chosen.faults.get("compare", "")),
        tuple(selects),
        address,
        tuple((name, value) for name, value in (keep or {}).items() if value),
        without_compare,
    )


def _in_use(accounts: QuerySet[Account], name: str) -> list[str]:
    # ordered by the value alone, or the order of the model would make every row distinct
    return list(accounts.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:MOST])


def period_names(*more: str) -> dict[str, str]:
    """The presets in words, in order; with those of the page that count days ("28d") before them, and its longer ones behind."""
    names = {
        "month": _("This month"), "last_month": _("Last month"), "last_quarter": _("Last quarter"), "last_12_months": _("Last 12 months"), "year": _("This year"),
    }  # fmt: skip
    longer = {"last_24_months": _("Last 24 months"), "last_36_months": _("Last 36 months")}
    days = {name: _("%(days)s days") % {"days": name[:-1]} for name in more if name and name not in {**names, **longer}}
    return {**days, **names, **{name: word for name, word in longer.items() if name in more}, CUSTOM: _("Days…")}


def compare_names() -> dict[str, str]:
    """What a period is compared with, in words."""
    return {"before": _("against the period before"), "year": _("against the year before"), "none": _("without comparison")}
