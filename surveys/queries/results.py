"""Results of a survey: figures by scale, trend, breakdown, response rate, account-level and revenue-weighted NPS."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from accounts.models import User
from surveys.models import Survey
from surveys.queries.population import Counted, answers, asks, counted
from surveys.queries.results_filter import ResultsFilter, read_scale, scale_name
from surveys.readings import FEW, Reading, names_of, reading, readings
from surveys.scoring import Interval, Scale, share, wilson_interval
from surveys.weighting import Moments, Weighted, account_nps, weighted_nps

# the last pieces of a long trend
PIECES = 130
ASK_COLUMNS = """count(*), count(*) FILTER (WHERE bounced), count(*) FILTER (WHERE completed), count(*) FILTER (WHERE partial),
    count(*) FILTER (WHERE reminded_at IS NOT NULL AND NOT bounced), count(*) FILTER (WHERE completed AND answered_at > reminded_at)"""


@dataclass(frozen=True)
class Asked:
    """What became of the asks of a period, answered up to now. `partial` are answers without a word after the score."""

    sent: int = 0
    bounced: int = 0
    answered: int = 0
    partial: int = 0
    reminded: int = 0
    after_reminder: int = 0

    @property
    def delivered(self) -> int:
        """Sent less bounced."""
        return self.sent - self.bounced

    @property
    def unanswered(self) -> int:
        """Delivered and not answered so far."""
        return self.delivered - self.answered

    @property
    def rate(self) -> Decimal | None:
        """Answered / delivered."""
        return share(self.answered, self.delivered)

    @property
    def interval(self) -> Interval | None:
        """Wilson's, of the rate."""
        return wilson_interval(self.answered, self.delivered)

    @property
    def reminder_rate(self) -> Decimal | None:
        """Answered after the reminder / reminded."""
        return share(self.after_reminder, self.reminded)


@dataclass
class ScaleGroup:
    """The answers on one scale: counts by score of now and before, and how many were off the scale."""

    kind: str
    scale: Scale
    now: dict[int, int] = field(default_factory=dict)
    before: dict[int, int] = field(default_factory=dict)
    invalid: int = 0

    @property
    def name(self) -> str:
        """As it stands in an address."""
        return scale_name(self.scale)

    @property
    def answers(self) -> int:
        """Valid answers of now."""
        return sum(self.now.values())

    @property
    def readings(self) -> list[Reading]:
        """Its figures."""
        return readings(self.kind, self.now, self.scale)


@dataclass(frozen=True)
class Piece:
    """One piece of the trend: its days, its main figure."""

    first: dt.date
    after: dt.date
    reading: Reading


@dataclass(frozen=True)
class Group:
    """One value of a breakdown (None: without one): figures and asks."""

    key: str | None
    readings: Sequence[Reading]
    asked: Asked


def hidden_keys(groups: Sequence[Group]) -> set[str | None]:
    """The groups that readers of figures alone must not see: those under 5 answers.

    Of one hidden group alone the rest and the total would tell its answers, so the next smallest is hidden with it.
    """
    secret = {group.key for group in groups if 0 < group.readings[0].answers < FEW}
    others = [group for group in groups if group.key not in secret and group.readings[0].answers]
    if others and 0 < sum(group.readings[0].answers for group in groups if group.key in secret) < FEW:
        secret.add(min(others, key=lambda group: group.readings[0].answers).key)
    return secret


def scale_of(version_scale: Scale | None, groups: Mapping[str, ScaleGroup], wanted: str, kind: str) -> ScaleGroup:
    """The scale to show: the one asked for, that of the newest version, else the one with most answers."""
    for name in (wanted, scale_name(version_scale) if version_scale else ""):
        if name in groups and (name == wanted or groups[name].answers or len(groups) == 1):
            return groups[name]
    if groups:
        return max(groups.values(), key=lambda found: found.answers)
    return ScaleGroup(kind, read_scale(wanted) or version_scale or Scale(0, 10))


def scale_groups(user: User, chosen: ResultsFilter, *, survey: Survey) -> dict[str, ScaleGroup]:
    """The answers of a survey by scale, with those of the period before; one statement. Scales are never mixed."""
    rows = _with_before(user, chosen, survey)
    return _grouped(survey, rows.fetch(f"{_BY_SCALE} FROM counted GROUP BY 1, 2, 3, 4, 5"))


def main_figures(user: User, chosen: ResultsFilter, *, survey: Survey) -> tuple[dict[str, ScaleGroup], dict[str, Accounts]]:
    """What `scale_groups` and, of an NPS, `accounts` say of each scale (by its name), from one look at the answers; one statement."""
    if survey.kind != "nps":
        return scale_groups(user, chosen, survey=survey), {}
    rows = _with_before(user, chosen, survey)
    found = rows.fetch(f"{_KEPT}{_BOOKS.format(rows='kept', where='now AND is_valid')}{_BY_SCALE}, {_NO_SUMS} FROM kept GROUP BY 1, 2, 3, 4, 5 UNION ALL {_MOMENTS}")
    groups = _grouped(survey, [row[:6] for row in found if row[6] is None])
    of_accounts = {scale_name(Scale(low, high, direction == "high_good")): _accounts(sums) for low, high, direction, _now, _score, _count, *sums in found if sums[0] is not None}
    return groups, of_accounts


_BY_SCALE = "SELECT scale_min, scale_max, direction, now, CASE WHEN is_valid THEN score END, count(*)"


def _with_before(user: User, chosen: ResultsFilter, survey: Survey) -> Counted:
    start, end = chosen.period.span
    before = chosen.period.span_before
    return counted(answers(user, chosen, (before[0] if before else start, end), survey=survey), split_at=start if before else None, off_scale=True)


def _grouped(survey: Survey, rows: Sequence[tuple[Any, ...]]) -> dict[str, ScaleGroup]:
    groups: dict[str, ScaleGroup] = {}
    for low, high, direction, now, score, count in rows:
        scale = Scale(low, high, direction == "high_good")
        group = groups.setdefault(scale_name(scale), ScaleGroup(survey.kind, scale))
        if score is None:
            group.invalid += count if now else 0
        else:
            (group.now if now else group.before)[score] = count
    return groups


_ON_SCALE = "scale_min = %s AND scale_max = %s AND direction = %s"


def _scale_values(scale: Scale) -> list[Any]:
    return [scale.low, scale.high, "high_good" if scale.high_good else "low_good"]


def trend(user: User, chosen: ResultsFilter, *, survey: Survey, scale: Scale) -> list[Piece]:
    """The main figure by week or month, oldest first; empty pieces between two that are not stand without a figure."""
    zone, step = chosen.period.zone, chosen.steps
    found = counted(answers(user, chosen, chosen.period.span, survey=survey), step=step, zone=str(zone)).fetch(
        f"SELECT piece, score, count(*) FROM counted WHERE {_ON_SCALE} GROUP BY 1, 2", _scale_values(scale)
    )
    pieces: dict[dt.date, dict[int, int]] = defaultdict(dict)
    for first, score, count in found:
        pieces[first][score] = count
    if not pieces:
        return []
    name = names_of(survey.kind, scale)[0]
    days, last, shown = min(pieces), max(pieces), []
    while days <= last:
        following = next_piece(days, step)
        shown.append(Piece(max(days, chosen.period.first), min(following, chosen.period.after), reading(name, survey.kind, pieces.get(days, {}), scale)))
        days = following
    return shown[-PIECES:]


def next_piece(first: dt.date, step: str) -> dt.date:
    """The first day of the next week or month."""
    if step == "week":
        return first + dt.timedelta(days=7)
    return dt.date(first.year + first.month // 12, first.month % 12 + 1, 1)


def breakdown(user: User, chosen: ResultsFilter, *, survey: Survey, scale: Scale) -> list[Group]:
    """Figures and response rate by the chosen dimension, most answers first; two statements."""
    span = chosen.period.span
    scores: dict[str | None, dict[int, int]] = defaultdict(dict)
    for key, score, count in counts_by(user, chosen, survey=survey, scale=scale, by=chosen.by):
        scores[key][score] = count
    asked = {key: Asked(*counts) for key, *counts in asks(user, chosen, span, survey=survey, by=chosen.by).fetch(f"SELECT key, {ASK_COLUMNS} FROM once GROUP BY 1")}
    groups = [Group(key, readings(survey.kind, scores.get(key, {}), scale), asked.get(key, Asked())) for key in scores.keys() | asked.keys()]
    return sorted(groups, key=lambda group: (-group.readings[0].answers, -group.asked.sent, group.key or "~"))


def counts_by(user: User, chosen: ResultsFilter, *, survey: Survey, scale: Scale, by: str) -> list[tuple[Any, ...]]:
    """(key, score, answers) on a scale by a dimension; one statement."""
    rows = counted(answers(user, chosen, chosen.period.span, survey=survey), by=by)
    return rows.fetch(f"SELECT key, score, count(*) FROM counted WHERE {_ON_SCALE} GROUP BY 1, 2", _scale_values(scale))


def together(groups: Sequence[Group]) -> Asked:
    """The asks of all groups of a breakdown: each ask stands in one group, so they add up to the whole."""
    return Asked(*(sum(getattr(group.asked, each.name) for group in groups) for each in fields(Asked)))


def asked(user: User, chosen: ResultsFilter, span: tuple[dt.datetime, dt.datetime] | None, *, survey: Survey) -> Asked:
    """What became of the asks of a span; one statement."""
    if span is None:
        return Asked()
    found = asks(user, chosen, span, survey=survey).fetch(f"SELECT {ASK_COLUMNS} FROM once")
    return Asked(*found[0]) if found else Asked()


@dataclass(frozen=True)
class Accounts:
    """NPS with the account as its unit: each one vote, and each as heavy as its MRR of now."""

    answered: int
    with_revenue: int
    each: Weighted | None
    by_revenue: Weighted | None


NO_ACCOUNTS = Accounts(0, 0, None, None)

# an account's value is the mean of its contacts' latest answers; its MRR is that of the snapshot, so that
# the figure speaks of the revenue there is to lose today: who has left weighs nothing
_KEPT = ", kept AS MATERIALIZED (SELECT scale_min, scale_max, direction, now, is_valid, score, account_id FROM counted)"
_BOOKS = """
    , books AS (
        SELECT c.scale_min, c.scale_max, c.direction, c.account_id, avg(CASE WHEN c.score >= 9 THEN 1 WHEN c.score >= 7 THEN 0 ELSE -1 END::numeric) AS x
        FROM {rows} c WHERE {where} AND c.account_id IS NOT NULL GROUP BY 1, 2, 3, 4),
    heavy AS (SELECT b.*, greatest(coalesce(s.mrr_micros, 0), 0)::numeric / 1000000 AS w FROM books b LEFT JOIN accounts_accountsnapshot s ON s.account_id = b.account_id)
"""
_SUMS = """count(*), coalesce(sum(x), 0), coalesce(sum(x * x), 0), count(*) FILTER (WHERE w > 0), coalesce(sum(w), 0), coalesce(sum(w * x), 0), coalesce(sum(w * w), 0),
           coalesce(sum(w * w * x), 0), coalesce(sum(w * w * x * x), 0)"""
_NO_SUMS = ", ".join(f"NULL::{kind}" for kind in ("bigint", "numeric", "numeric", "bigint", *["numeric"] * 5))
_MOMENTS = f"SELECT scale_min, scale_max, direction, NULL::boolean, NULL::smallint, NULL::bigint, {_SUMS} FROM heavy GROUP BY 1, 2, 3"


def accounts(user: User, chosen: ResultsFilter, *, survey: Survey, scale: Scale) -> Accounts:
    """Account-level and revenue-weighted NPS; one statement that adds up moments, however many accounts."""
    rows: Counted = counted(answers(user, chosen, chosen.period.span, survey=survey))
    found = rows.fetch(f"{_BOOKS.format(rows='counted', where=_ON_SCALE)} SELECT {_SUMS} FROM heavy", _scale_values(scale))
    return _accounts(found[0]) if found else NO_ACCOUNTS


def _accounts(sums_of_all: Sequence[Any]) -> Accounts:
    number, total, squares, heavy, *sums = sums_of_all
    if not number:
        return NO_ACCOUNTS
    plain = Moments(number, Decimal(number), total, Decimal(number), total, squares)
    return Accounts(number, heavy, account_nps(plain), weighted_nps(Moments(heavy, *sums)))
