"""What may go wrong, as of now: renewals with weak health, cases not closed, late severe tickets, failed payments, silence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.models import AccountSnapshot, User
from accounts.models.snapshots import Band
from accounts.roles import Role
from metrics.dashboards.base import narrowed, snapshots
from metrics.dashboards.figures import sees_rows
from metrics.filters import Filters
from surveys.models import LoopCase
from tickets.models import Ticket
from tickets.state import OPEN_STATES

SHOWN = 4
AHEAD_DAYS, SILENT_DAYS = 90, 365
SEVERE = 3


@dataclass(frozen=True)
class AtStake:
    """One account of a risk, why it is there, and where to go on."""

    account: int
    name: str
    note: str
    href: str


@dataclass(frozen=True)
class Risk:
    """One kind of risk: how many, their MRR in millionths (None where it says nothing), the first of them, where all are."""

    key: str
    title: str
    count: str
    any: bool
    mrr_micros: int | None
    rows: list[AtStake]
    href: str = ""
    told: str = ""


def risks(user: User, chosen: Filters) -> list[Risk]:
    """All kinds, each by two statements; those with nothing to tell say so."""
    base = snapshots(user, chosen)
    today = chosen.now.astimezone(chosen.period.zone).date()
    renewing = base.filter(renews_on__gte=today, renews_on__lte=today + dt.timedelta(days=AHEAD_DAYS), band__in=[Band.WATCH, Band.AT_RISK])
    paying = base.filter(mrr_micros__gt=0)
    silent = paying.filter(Q(nps_at__isnull=True) | Q(nps_at__lt=chosen.now - dt.timedelta(days=SILENT_DAYS)), csat_count=0)

    def renewal(row: AccountSnapshot) -> str:
        assert row.renews_on is not None
        return _("%(band)s, renews on %(day)s") % {"band": wording.band_name(row.band), "day": wording.day(row.renews_on)}

    def failed(row: AccountSnapshot) -> str:
        return ngettext("%(count)s failed payment in 90 days", "%(count)s failed payments in 90 days", row.failed_payments) % {"count": wording.number(row.failed_payments)}

    def quiet(row: AccountSnapshot) -> str:
        return _("last answer %(day)s") % {"day": wording.day(row.nps_at)} if row.nps_at else _("never answered")

    return [
        _of_accounts("renewals", _("Renewals ahead with weak health"), renewing, user, renewal, told=_("Within 90 days, in watch or at risk.")),
        _cases(user, chosen),
        _tickets(user, chosen),
        _of_accounts("payments", _("Failed payments"), base.filter(failed_payments__gt=0), user, failed, told=_("In the last 90 days.")),
        _of_accounts("silent", _("Silent in surveys"), silent, user, quiet, told=_("They pay, and gave no NPS in a year and no CSAT in 90 days.")),
    ]


def _of_accounts(key: str, title: str, rows: QuerySet[AccountSnapshot], user: User, note: Callable[[AccountSnapshot], str], told: str) -> Risk:
    whole: dict[str, Any] = rows.aggregate(count=Count("pk"), mrr=Sum("mrr_micros"))
    first: Any = rows.select_related("account").order_by("-mrr_micros", "pk")[:SHOWN] if sees_rows(user) else []
    stake = [AtStake(row.pk, row.account.name, note(row), reverse("accounts:account", args=[row.pk])) for row in first]
    return Risk(key, title, wording.number(whole["count"]), bool(whole["count"]), whole["mrr"] or 0, stake, told=told)


def _cases(user: User, chosen: Filters) -> Risk:
    """Unhappy answers whose loop is open, the most overdue first."""
    rows = LoopCase.objects.all() if user.role == Role.ANALYST else LoopCase.objects.visible_to(user)
    rows = narrowed(rows.filter(closed_at__isnull=True), chosen)
    late = rows.filter(due_at__lt=chosen.now).order_by().values("pk")[:1001].count()
    count = rows.order_by().values("pk")[:1001].count()
    first: Any = rows.select_related("account").order_by("due_at", "pk")[:SHOWN] if sees_rows(user) else []
    stake = [AtStake(row.account_id, row.account.name, _due(row.due_at, chosen.now), reverse("accounts:account", args=[row.account_id])) for row in first]
    told = ngettext("%(count)s is overdue.", "%(count)s are overdue.", late) % {"count": wording.capped(late)} if late else _("None is overdue.")
    return Risk("cases", _("Unhappy answers not closed"), wording.capped(count), bool(count), None, stake, told=told)


def _tickets(user: User, chosen: Filters) -> Risk:
    """Severe tickets past a promise, the longest first."""
    tickets = Ticket.objects.all() if user.role == Role.ANALYST else Ticket.objects.visible_to(user)
    late = Q(resolution_due_at__lt=chosen.now) | Q(first_reply_due_at__lt=chosen.now, first_replied_at__isnull=True)
    rows = narrowed(tickets.filter(late, spam=False, test=False, deleted_at__isnull=True, merged_into__isnull=True, status__in=OPEN_STATES, severity__gte=SEVERE), chosen)
    count = rows.order_by().values("pk")[:1001].count()
    first: Any = rows.select_related("account").order_by(F("resolution_due_at").asc(nulls_last=True), "pk")[:SHOWN] if sees_rows(user) else []
    stake = [
        AtStake(row.account_id, row.account.name, row.subject or row.external_id, reverse("tickets:ticket", args=[row.pk])) for row in first
    ]  # fmt: skip
    href = f"{reverse('tickets:queue')}?view=late" if sees_rows(user) else ""
    return Risk("tickets", _("Severe tickets past their promise"), wording.capped(count), bool(count), None, stake, href, _("Severity high or urgent."))


def _due(due: dt.datetime, now: dt.datetime) -> str:
    return (_("was due %(when)s") if due < now else _("due %(when)s")) % {"when": wording.relative(due, now)}
