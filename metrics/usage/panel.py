"""The panel Use of an account: figures in words, each with its days and rows, weeks as a chart, features against the plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import wording
from accounts.models import Account
from metrics.charts import Chart, Series, bars
from metrics.moments import WINDOW_DAYS
from metrics.usage.facts import FeatureUse, UsageFacts, feature_uses, usage_facts, weekly_uses

FEATURES_SHOWN = 40


@dataclass(frozen=True)
class Figure:
    """One figure: its name, its value in words, and what stands behind it."""

    key: str
    name: str
    value: str
    behind: str
    # of the trend: down, up or nothing
    direction: str = ""


@dataclass(frozen=True)
class UsePanel:
    """All that the panel shows."""

    facts: UsageFacts
    figures: list[Figure]
    features: list[FeatureUse]
    chart: Chart
    span: tuple[dt.date, dt.date]


def _rows(count: int) -> str:
    return ngettext("%(count)s row", "%(count)s rows", count) % {"count": wording.number(count)}


def _trimmed(value: float) -> Decimal:
    return Decimal(str(round(value, 2))).normalize() + 0


def _share(value: float | None) -> str:
    return wording.DASH if value is None else wording.percent(value)


def figures(facts: UsageFacts) -> list[Figure]:
    """The six figures; a dash with the reason where one cannot be told."""
    days = _("%(days)s days, %(rows)s") % {"days": WINDOW_DAYS, "rows": _rows(facts.rows)}
    both = _("%(days)s days and the %(days)s before, %(rows)s") % {"days": WINDOW_DAYS, "rows": _rows(facts.rows + facts.rows_before)}
    trend, frequency, since = facts.trend, facts.frequency, facts.days_since_seen
    if trend is None:
        told_trend = wording.DASH
        both = _("no use in the %(days)s days before") % {"days": WINDOW_DAYS}
    else:
        # what rounds to nothing has no direction
        trend = 0 if abs(trend) < 0.005 else trend
        told_trend = ("−" if trend < 0 else "+" if trend else "") + wording.percent(abs(trend))
    if facts.adoption is not None:
        adopted = _("%(used)s of %(offered)s features of the plan, %(behind)s") % {"used": facts.adopted, "offered": facts.offered, "behind": days}
    elif not facts.offered:
        adopted = _("nobody on this plan has used a feature by name")
    else:
        adopted = _("its usage names no feature")
    if facts.seat_use is not None:
        seats = _("%(users)s people on the fullest day, %(seats)s seats in force, %(behind)s") % {
            "users": wording.number(facts.users or 0), "seats": wording.number(_trimmed(facts.seats or 0)), "behind": days,
        }  # fmt: skip
    elif not facts.seats:
        seats = _("no subscription in force is sold by seats")
    else:
        seats = _("its usage names no people")
    return [
        Figure(
            "seen", _("Last seen"), wording.DASH if since is None else ngettext("%(count)s day ago", "%(count)s days ago", since) % {"count": wording.number(since)},
            wording.day(facts.seen_on) if facts.seen_on else _("not within a year"),
        ),
        Figure("days", _("Active days"), _("%(count)s of %(days)s") % {"count": facts.active_days or 0, "days": WINDOW_DAYS} if facts.known else wording.DASH, days),
        Figure("frequency", _("Days a week"), wording.DASH if frequency is None else wording.number(_trimmed(frequency)), _("on average, %(behind)s") % {"behind": days}),
        Figure("trend", _("Uses, trend"), told_trend, both, "down" if trend and trend < 0 else "up" if trend else ""),
        Figure("adoption", _("Features adopted"), _share(facts.adoption), adopted),
        Figure("seats", _("Seats in use"), _share(facts.seat_use), seats),
    ]  # fmt: skip


def use_panel(*, account: Account, as_of: dt.datetime) -> UsePanel:
    """The panel of an account as of an instant; three statements."""
    facts = usage_facts(account_ids=[account.pk], as_of=as_of)[account.pk]
    weeks = weekly_uses(account_id=account.pk, as_of=as_of)
    chart = bars(
        name="use", title=_("Uses by week"), steps=[wording.short_day(start) for start, _uses, _days in weeks], unit="count", head=_("Week from"), height=200,
        series=[Series(_("Uses"), [uses for _start, uses, _days in weeks])], note=_("Weeks of seven complete days; a week without a row stays empty."),
        description=_("All features together, the last twelve weeks."), empty=_("No use in the last twelve weeks."),
    )  # fmt: skip
    features = feature_uses(account_id=account.pk, plan=facts.plan, as_of=as_of, most=FEATURES_SHOWN)
    return UsePanel(facts, figures(facts), features, chart, (facts.start, facts.end - dt.timedelta(days=1)))
