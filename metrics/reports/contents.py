"""What a weekly report says to one reader: figures of the own scope with change and count, what changed, what may go wrong."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts import sentences, wording
from accounts.models import Account, Segment, User
from accounts.queries.work import rows_of
from accounts.queries.work_filter import SCOPES, WorkFilter, days_of, reader_of
from accounts.roles import Role
from metrics.catalogue.overview import size_of
from metrics.catalogue.telling import difference, plain_value
from metrics.dashboards import scope_of
from metrics.kpis.catalogue import CATALOGUE, Kpi, told
from metrics.kpis.engine import answer
from metrics.kpis.question import WrongQuestion
from metrics.reports.due import zone_of

# figures that one week says something about; all others look at four
A_WEEK = frozenset({"mrr", "arr", "arpa", "ticket_volume", "ticket_backlog", "first_response_time", "resolution_time", "fcr", "aht", "ats"})
STATES = frozenset({"mrr", "arr", "arpa", "ticket_backlog"})
# a curve, a table and a model are no figures of a week
NO_CARDS = frozenset({"cohort_retention", "tenure_survival", "cx_roi", "team_performance", "acv"})
FEW = 20
MOVEMENTS, WORK = 6, 5
_MONEY = ("mrr", "nrr", "logo_churn", "nps", "csat", "ticket_backlog")
_WORK = ("ticket_volume", "first_response_time", "resolution_time", "ticket_backlog", "csat")


def may_choose(user: User) -> list[Kpi]:
    """The KPIs a reader may put into the report: agents see no money."""
    kpis = [kpi for name, kpi in CATALOGUE.items() if name not in NO_CARDS]
    return [kpi for kpi in kpis if told(kpi.name).group in {"support", "voice"}] if user.role == Role.AGENT else kpis


def usual(user: User) -> tuple[str, ...]:
    """The figures of a role that has chosen none."""
    return _WORK if user.role == Role.AGENT else _MONEY


def has_scope(user: User) -> bool:
    """Whether there is anything the reader's figures are about."""
    scope = _scope(user)
    return scope is None or bool(scope)


def _scope(user: User) -> list[int] | None:
    # agents work every ticket, as on the page of support
    return None if user.role == Role.AGENT else scope_of(user)


@dataclass(frozen=True)
class ReportCard:
    """One figure: over which days, its change against as many days before, what it rests on."""

    title: str
    value: str
    change: str
    better: bool | None
    size: str
    span: str
    href: str


@dataclass(frozen=True)
class ReportRow:
    """One account or piece of work: what happened to it or is to be done."""

    name: str
    text: str
    href: str


@dataclass(frozen=True)
class Report:
    """All of it. `sees_rows` is False for readers of figures alone: then no account is named."""

    first: dt.date
    last: dt.date
    cards: list[ReportCard]
    changed: list[ReportRow]
    ahead: list[ReportRow]
    sees_rows: bool
    narrowed: str


def report_of(user: User, *, cards: list[str], segment: Segment | None, owner: User | None, now: dt.datetime, base: str = "") -> Report:
    """The report as of now; `base` stands before every link. Texts are in the active language."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    today = now.astimezone(zone).date()
    names = [name for name in (cards or usual(user)) if name in {kpi.name for kpi in may_choose(user)}]
    scope = _scope(user)
    narrowed = _narrowed(segment, owner)
    found = [one for name in names if (one := _card(CATALOGUE[name], user, scope, narrowed, today, now, base))]
    sees_rows = user.role != Role.ANALYST
    return Report(
        first=today - dt.timedelta(days=7), last=today - dt.timedelta(days=1), cards=found,
        changed=_changed(user, scope, narrowed, today, now, base) if sees_rows and user.role != Role.AGENT else [],
        ahead=_ahead(user, segment, owner, now, base) if sees_rows else [], sees_rows=sees_rows,
        narrowed=", ".join([*([wording.segment_name(segment)] if segment else []), *([str(owner)] if owner else [])]),
    )  # fmt: skip


def _narrowed(segment: Segment | None, owner: User | None) -> dict[str, str]:
    chosen = {"segment": segment.key} if segment else {}
    return {**chosen, "owner": owner.email} if owner else chosen


def _card(kpi: Kpi, user: User, scope: list[int] | None, narrowed: dict[str, str], today: dt.date, now: dt.datetime, base: str) -> ReportCard | None:
    length = dt.timedelta(days=7 if kpi.name in A_WEEK else 28)
    start, before = today - length, today - 2 * length
    filters = {name: value for name, value in narrowed.items() if name in kpi.dimensions}
    try:
        latest = answer(name=kpi.name, start=start.isoformat(), end=today.isoformat(), filters=filters, now=now, accounts=scope)
        earlier = answer(name=kpi.name, start=before.isoformat(), end=start.isoformat(), filters=filters, now=now, accounts=scope)
    except WrongQuestion:
        return None
    variant = latest["variant"]
    few = told(kpi.name).group == "voice" and any(piece["denominator"] is not None and Decimal(piece["denominator"]) < FEW for piece in (latest, earlier))
    change = "" if few else difference(kpi, variant, latest["value"], earlier["value"])
    better = None
    if change and latest["value"] != earlier["value"]:
        better = (Decimal(latest["value"]) > Decimal(earlier["value"])) == (kpi.good_of(variant) == "up")
    yesterday = wording.day(today - dt.timedelta(days=1))
    span = _("at the end of %(day)s") % {"day": yesterday} if kpi.name in STATES else _("the last %(days)s days") % {"days": length.days}
    query = urlencode({"start": start.isoformat(), "end": today.isoformat(), **{f"filter.{name}": value for name, value in filters.items()}})
    # an agent's figures are those of the page of support
    path = reverse("metrics:support") if user.role == Role.AGENT else f"{reverse('metrics:kpi', args=[kpi.name])}?{query}"
    size = size_of(kpi, variant, latest)
    if few:
        size = _("%(size)s, too few to compare") % {"size": size}
    return ReportCard(str(kpi.title), plain_value(kpi, variant, latest["value"]), change, better, size, span, f"{base}{path}")


def _changed(user: User, scope: list[int] | None, narrowed: dict[str, str], today: dt.date, now: dt.datetime, base: str) -> list[ReportRow]:
    """The largest movements of MRR of the last seven days."""
    start = (today - dt.timedelta(days=7)).isoformat()
    figure = answer(name="mrr_movements", variant="event_log", start=start, end=today.isoformat(), filters=narrowed, now=now, accounts=scope)
    rows = sorted(figure.get("rows", []), key=lambda row: -abs(Decimal(row["amount"])))[:MOVEMENTS]
    known = {external_id: (pk, name) for pk, external_id, name in _accounts(user, {row["account"] for row in rows})}
    words = {
        "new": _("new"), "expansion": _("expansion"), "contraction": _("contraction"), "churned": _("lost"), "reactivation": _("came back"),
    }  # fmt: skip
    found = []
    for row in rows:
        if row["account"] not in known:
            continue
        pk, name = known[row["account"]]
        sign = "−" if row["movement"] in {"contraction", "churned"} else "+"
        money = wording.money(int(abs(Decimal(row["amount"])) * 1_000_000), settings.REPORTING_CURRENCY)
        text = _("%(what)s, %(money)s a month") % {"what": words.get(row["movement"], row["movement"]), "money": f"{sign}{money}"}
        found.append(ReportRow(name, text, f"{base}{reverse('accounts:account', args=[pk])}"))
    return found


def _accounts(user: User, external_ids: set[str]) -> list[tuple[int, str, str]]:
    return list(Account.objects.visible_to(user).filter(external_id__in=external_ids).values_list("pk", "external_id", "name"))


def _ahead(user: User, segment: Segment | None, owner: User | None, now: dt.datetime, base: str) -> list[ReportRow]:
    """The first pieces of work of the reader's list."""
    scopes = SCOPES[user.role]
    if not scopes:
        return []
    days = days_of(now=now, zone=zone_of(user), organisation_zone=zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE))
    scope = "team" if "team" in scopes else scopes[0]
    asked = WorkFilter(scope=scope, segment=segment.key if segment else "", owner=owner.pk if owner and scope != "mine" else None)
    rows, _next = rows_of(asked, reader_of(user, now=now), days)
    found = []
    for row in rows[:WORK]:
        due = wording.day(row.due_at) if row.due_at else ""
        parts = [row.title or _said(row.why), _("due on %(day)s") % {"day": due} if due else ""]
        if row.stake_micros and user.role != Role.AGENT:
            parts.append(_("%(money)s a year at stake") % {"money": wording.money(row.stake_micros, settings.REPORTING_CURRENCY)})
        found.append(ReportRow(row.name, " · ".join(part for part in parts if part), f"{base}{reverse('accounts:account', args=[row.account_id])}"))
    return found


def _said(why: Any) -> str:
    """The reason of a piece of work as a sentence."""
    try:
        stored = json.loads(why) if isinstance(why, str) else why
    except ValueError:
        return ""
    return sentences.say(stored) if isinstance(stored, dict) else ""
