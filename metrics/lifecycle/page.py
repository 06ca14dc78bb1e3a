"""Page-shaped reads of the lifecycle: the stages side by side, the lists of one stage, an account's way, what a change of rules would do."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Aggregate, Count, DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum

from accounts.models import Account, LifecycleStage, StageStay, Standing, User
from accounts.queries.rule_matches import Reason, explain, names_of_rows
from accounts.roles import Role
from accounts.rules import sentence
from accounts.stage_rules import Stage, read_stage
from accounts.wording import goal_name
from metrics.lifecycle.statements import StageRules, look_alike

PAGE = 50
# stays that ended in this time tell how long a stage takes and how many went on
ENDED_WITHIN = dt.timedelta(days=365)
STANDINGS = (Standing.STUCK, Standing.STRUGGLING, Standing.ON_TRACK, Standing.SUCCESSFUL)
MOVERS = 20


class _Median(Aggregate):
    """The middle of the values; between two of them their mean."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()


@dataclass(frozen=True)
class Column:
    """One stage beside the others. Days are whole; `conversion` is None where no stay ended."""

    stage: LifecycleStage
    rules: Stage
    accounts: int
    mrr_micros: int
    standings: tuple[tuple[Standing, int], ...]
    unjudged: int
    median_days: int | None
    ended: int
    went_on: int

    @property
    def conversion(self) -> float | None:
        """The share of the stays that ended and went on."""
        return self.went_on / self.ended if self.ended else None

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """The standings as parts of a bar of length 100: standing, where it begins, how long it is."""
        total, start, parts = sum(count for _standing, count in self.standings), 0.0, []
        for standing, count in self.standings:
            if count:
                parts.append((standing.value, round(start, 2), round(100 * count / total, 2)))
                start += 100 * count / total
        return parts


def _stays(user: User) -> QuerySet[StageStay]:
    """The stays a reader's figures are about: analysts see figures of the whole base, though no rows."""
    rows = StageStay.objects.all() if user.role == Role.ANALYST else StageStay.objects.visible_to(user)
    return rows.filter(account__excluded=False)


def columns(user: User, *, now: dt.datetime) -> list[Column]:
    """All stages in their order. Three statements."""
    stages = list(LifecycleStage.objects.all())
    order = {stage.key: place for place, stage in enumerate(stages)}
    current: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    rows = _stays(user).filter(valid_to__isnull=True).order_by().values_list("stage_id", "standing").annotate(Count("id"), Sum("account__snapshot__mrr_micros"))
    for key, standing, count, mrr in rows:
        current[key][standing] = (count, int(mrr or 0))
    # a stay without any length was a correction
    over = _stays(user).filter(valid_to__gt=now - ENDED_WITHIN, valid_to__lte=now).exclude(valid_to=F("valid_from")).order_by()
    length = ExpressionWrapper(F("valid_to") - F("valid_from"), output_field=DurationField())
    medians = dict(over.values_list("stage_id").annotate(middle=_Median(length)))
    ways: dict[str, dict[str | None, int]] = defaultdict(dict)
    for key, left_for, count in over.values_list("stage_id", "left_for_id").annotate(Count("id")):
        ways[key][left_for] = count
    leaving = {stage.key for stage in stages if stage.is_leaving}
    found = []
    for stage in stages:
        here = current[stage.key]
        on = sum(n for key, n in ways[stage.key].items() if key and key not in leaving and (key == stage.next_stage_id or order[key] > order[stage.key]))
        median = medians.get(stage.key)
        found.append(
            Column(
                stage, read_stage(stage), sum(count for count, _mrr in here.values()), sum(mrr for _count, mrr in here.values()),
                tuple((standing, here.get(standing, (0, 0))[0]) for standing in STANDINGS), here.get("", (0, 0))[0],
                None if median is None else round(median.total_seconds() / 86400), sum(ways[stage.key].values()), on,
            )
        )  # fmt: skip
    return found


# ── One stage ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Row:
    """An account in a stage: whole days there, the names of goals that are met and missing."""

    stay: StageStay
    days: int
    met: list[str]
    missing: list[str]


@dataclass(frozen=True)
class Listed:
    """One page of a list, the longest in the stage first; `after` is what asks for the next."""

    rows: list[Row]
    after: str


def _row(stay: StageStay, goals: Sequence[Mapping[str, Any]], now: dt.datetime) -> Row:
    met = set(stay.goals_met)
    names = [(goal["key"] in met, goal_name(goal["name"])) for goal in goals]
    return Row(stay, max((now - stay.valid_from).days, 0), [name for is_met, name in names if is_met], [name for is_met, name in names if not is_met])


def listed(user: User, stage: LifecycleStage, standing: str, *, now: dt.datetime, after: tuple[dt.datetime, int] | None = None) -> Listed:
    """The accounts of a stage and standing that the reader may see."""
    rows = StageStay.objects.visible_to(user).filter(stage=stage, standing=standing, valid_to__isnull=True, account__excluded=False)
    if after is not None:
        rows = rows.filter(Q(valid_from__gt=after[0]) | Q(valid_from=after[0], account_id__gt=after[1]))
    rows = rows.select_related("account", "account__snapshot", "account__owner", "account__segment").order_by("valid_from", "account_id")
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return Listed([_row(stay, stage.goals, now) for stay in found[:PAGE]], f"{last.valid_from.isoformat()},{last.account_id}" if last else "")


def read_after(text: str) -> tuple[dt.datetime, int] | None:
    """The last row of the page before; None for none. Raises ValueError for anything else."""
    if not text:
        return None
    instant, _comma, account = text.partition(",")
    if len(text) > 60 or not account.isdecimal():
        raise ValueError(text)
    moment = DateTimeField().to_python(instant)
    if moment is None or moment.tzinfo is None:
        raise ValueError(text)
    return moment, int(account)


# ── One account ──────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Way:
    """An account's way: where it is, how it does, why a goal is or is not met, and where it was."""

    current: Row | None
    left_days: int | None
    goals: list[tuple[str, bool, list[Reason]]]
    history: list[tuple[StageStay, int]]
    waiting: list[str]


def way_of(account: Account, *, now: dt.datetime) -> Way:
    """The last twelve stays of an account, and its goals now."""
    stays = list(StageStay.objects.filter(account=account).select_related("stage", "left_for", "set_by").order_by("-valid_from", "-id")[:12])
    history = [(stay, max(((stay.valid_to or now) - stay.valid_from).days, 0)) for stay in stays]
    current = next((stay for stay in stays if stay.valid_to is None), None)
    if current is None:
        return Way(None, None, [], history, [])
    stage, today = read_stage(current.stage), now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    met, names = set(current.goals_met), names_of_rows() if stage.goals else {}
    goals = [(goal_name(goal.name), goal.key in met, explain(goal.rule, account.pk, now=now, today=today, names=names) if goal.rule else []) for goal in stage.goals]
    row = _row(current, current.stage.goals, now)
    return Way(row, None if stage.expected_days is None else stage.expected_days - row.days, goals, history, list(current.held or []))


# ── Rules in words, and what a change would do ───────────────────────────────


def told_rules(stage: Stage) -> dict[str, str]:
    """The rules and goals of a stage in the reader's language, by the names of the form."""
    names = names_of_rows()
    told = {"start_rule": sentence(stage.start, names) if stage.start else "", "end_rule": sentence(stage.end, names) if stage.end else ""}
    return told | {f"goal:{goal.key}": sentence(goal.rule, names) if goal.rule else "" for goal in stage.goals}


@dataclass
class Preview:
    """Who would move if the stage were saved as it stands in the form: ways with their counts, and some of the accounts."""

    ways: list[tuple[str | None, str, int]] = field(default_factory=list)
    moving: int = 0
    inside: int = 0
    movers: list[tuple[Account, str | None, str]] = field(default_factory=list)


def preview(user: User, rows: Iterable[LifecycleStage], edited: str, *, now: dt.datetime) -> Preview:
    """What the rules of these stages would do to the accounts that the edited one touches: those in it, and those that its start rule takes in.

    Counts are of all accounts; those named are the reader's, the most MRR first. What a person chose stands,
    as it would in the sweep.
    """
    rules = StageRules(tuple(read_stage(row) for row in rows), "")
    today = now.astimezone(zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    found = Preview()
    going: dict[int, tuple[str | None, str]] = {}
    inside = "NOT a.excluded AND a.lifecycle_stage_id IS NOT DISTINCT FROM %(edited)s"
    outside = "NOT a.excluded AND a.lifecycle_stage_id IS DISTINCT FROM %(edited)s"
    groups = look_alike(rules, inside, {"edited": edited}, now=now, today=today)
    found.inside = sum(len(ids) for _seen, ids in groups)
    if rules.by_key[edited].start is not None:
        groups += look_alike(rules, outside, {"edited": edited}, now=now, today=today, taken_in=edited)
    counts: dict[tuple[str | None, str], int] = defaultdict(int)
    for seen, ids in groups:
        there = seen.destination(rules.stages)
        if there is not None and there != seen.stage:
            counts[(seen.stage, there)] += len(ids)
            going |= dict.fromkeys(ids, (seen.stage, there))
    found.ways = sorted(((here, there, count) for (here, there), count in counts.items()), key=lambda way: -way[2])
    found.moving = len(going)
    largest = Account.objects.visible_to(user).filter(pk__in=list(going)).select_related("snapshot").order_by("-snapshot__mrr_micros", "pk")[:MOVERS]
    found.movers = [(account, *going[account.pk]) for account in largest]
    return found
