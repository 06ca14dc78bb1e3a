"""The page of the catalogue: entries by group as they are searched for, last month's values, variants that contradict each other."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from accounts.models import User
from metrics import words
from metrics.catalogue import targets
from metrics.catalogue.asked import Asked
from metrics.catalogue.page import Variant, variants
from metrics.catalogue.telling import say, side_unit, value_of
from metrics.dashboards import last_months, scope_of
from metrics.kpis.catalogue import CATALOGUE, Kpi, told
from metrics.kpis.engine import answer
from metrics.kpis.entry import Told
from metrics.kpis.question import WrongQuestion
from metrics.kpis.told import GROUPS, names

# where the sources, or the field, count one word in several ways: what is meant, and the KPIs to look at side by side
CONTRADICTIONS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("NPS is asked from 0 or from 1. At most 6 detracts in both, but answers of the two scales never stand in one figure; it is a number, not a percentage."), ("nps",)),
    (_("CSAT is a mean for some and a share of the satisfied for others. Both are right and neither is the other."), ("csat",)),
    (
        _("Churn is what was lost of those who were there. Others divide by those who were won, or add the new ones to the base."),
        ("logo_churn", "gross_mrr_churn", "net_mrr_churn"),
    ),
    (_("First contact resolution counts issues. Whether open ones and those for the second level are among them makes the difference."), ("fcr",)),
    (_("Time to resolution: over cases, to the last resolution or the first, with or without the time it stood solved."), ("resolution_time",)),
    (_("The cost of keeping a customer: over everybody there is, or over those who were kept."), ("crc",)),
    (_("Revenue per customer, per sale and per contract are three figures, never one name."), ("arpu", "aov", "acv")),
    (_("Lifetime value rests on its assumptions. The variants show how far they carry; without churn there is none."), ("clv",)),
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue."""

    kpi: Kpi
    told: Told
    kind: str
    timing: str
    good: str
    href: str
    value: str = ""
    band: str = ""
    target: str = ""
    owner: str = ""
    size: str = ""


@dataclass(frozen=True)
class Group:
    """One group of the catalogue."""

    key: str
    title: str
    entries: list[Entry]


def _folded(text: str) -> str:
    """Text for comparing: without case, and without the difference of the Turkish dots."""
    return text.casefold().replace("\u0307", "").replace("ı", "i")


def _matches(kpi: Kpi, said: Told, text: str) -> bool:
    """Whether all words stand in name, meaning, formula or key; in the reader's language or, the name, in English."""
    pile = " ".join(str(one) for one in (kpi.name, kpi.title, kpi.meaning, *(way.formula for way in said.ways.values())))
    with override("en"):
        pile = _folded(f"{pile} {kpi.title}")
    return all(word in pile for word in _folded(text).split())


def groups(text: str) -> list[Group]:
    """The catalogue as it is searched for; groups without an entry are left out."""
    found: dict[str, list[Entry]] = {key: [] for key in GROUPS}
    for name, kpi in CATALOGUE.items():
        said = told(name)
        if _matches(kpi, said, text[:100]):
            found[said.group].append(_entry(kpi, said))
    return [Group(key, str(GROUPS[key]), entries) for key, entries in found.items() if entries]


def _entry(kpi: Kpi, said: Told, **more: str) -> Entry:
    return Entry(kpi, said, str(names.KINDS[kpi.kind]), str(names.TIMINGS[kpi.timing]), str(names.GOOD[kpi.good]), reverse("metrics:kpi", args=[kpi.name]), **more)


def with_values(entries: list[Entry], *, user: User, now: dt.datetime) -> list[Entry]:
    """The entries with their values of the last closed month, targets and owners."""
    scope, (start, end) = scope_of(user), last_months(now, 1)
    wanted = targets.in_force(targets.today_of(now), *(entry.kpi.name for entry in entries))
    found = []
    for entry in entries:
        kpi = entry.kpi
        try:
            figure = answer(name=kpi.name, start=start, end=end, now=now, accounts=scope)
        except WrongQuestion:
            found.append(entry)
            continue
        variant = figure["variant"]
        setting = targets.of(wanted, kpi, variant)
        comparable = kpi.unit_of(variant) not in {"money", "count"} or scope is None
        value = None if figure["value"] is None else Decimal(figure["value"])
        found.append(
            _entry(
                kpi, entry.told, value=value_of(kpi, variant, figure["value"]), target="" if setting.target is None else value_of(kpi, variant, str(setting.target)),
                owner=str(setting.owner) if setting.owner else "", band=setting.band(value, kpi.good_of(variant)) if comparable else "", size=size_of(kpi, variant, figure),
            )
        )  # fmt: skip
    return found


def size_of(kpi: Kpi, variant: str, figure: dict[str, Any]) -> str:
    """What a value rests on, in words: its denominator, else the count among its parts."""
    if figure["denominator"] is not None:
        return f"{told(kpi.name).ways[variant].denominator}: {say(figure['denominator'], side_unit(kpi, variant, 'denominator'))}"
    name = next((name for name in ("customers", "customers_start", "tickets", "open", "closing", "subjects", "accounts") if name in figure["parts"]), "")
    return f"{words.part(name)}: {say(figure['parts'][name], 'number')}" if name else ""


def contradictions(*, user: User, now: dt.datetime) -> list[tuple[str, list[tuple[Kpi, list[Variant]]]]]:
    """What is counted in several ways, each with the values of the last closed month beside each other."""
    return [(str(text), [(CATALOGUE[name], variants(Asked.read(name, QueryDict(""), now=now), user=user, now=now)) for name in names_of]) for text, names_of in CONTRADICTIONS]
