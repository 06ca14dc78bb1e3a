"""Learning churn risk from the installation's own history: rows of past dates, later dates to test on, the fitted model.

Where there is history, the model is learnt on earlier dates and tested on later ones; no outcome of the first reaches into the
second. Where all who left did so on one day there is nothing to part by time: five folds of accounts, pooled, seed 0.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings

from metrics.backtest.facts import Instant
from metrics.backtest.running import split_by_time
from metrics.backtest.stays import Stays, read_stays
from metrics.churn_risk.features import read_features, read_standing
from metrics.formulas.risk_columns import ATTRIBUTE, FeatureTable
from metrics.formulas.risk_fitting import SEED, Tried, choose, fit_model, measured, one_thread, same_again, too_good
from metrics.formulas.risk_model import RiskModel
from metrics.kpis.question import add_months

DAY = 86_400.0
HORIZON_DAYS = 90
# accounts that must have left before anything is learnt; of those, in the rows to test on
NEEDED, NEEDED_TESTED = 50, 10
MONTHS_AT_MOST = 36
ROWS_AT_MOST = 60_000
Progress = Callable[[int, int], None]


class TooFewChurned(ValueError):
    """Not enough accounts have left to learn from."""

    def __init__(self, churned: int):
        super().__init__(f"Churn risk needs {NEEDED} accounts that churned to learn from; there are {churned}.")
        self.churned = churned

    @property
    def stored(self) -> dict[str, Any]:
        """For a row."""
        return {"key": "too_few_churned", "values": {"churned": self.churned, "needed": NEEDED}}


@dataclass
class Gathered:
    """Rows to learn from: features, who left, whose row, of which date (seconds since 1970)."""

    table: FeatureTable
    left: np.ndarray
    subject: np.ndarray
    date: np.ndarray
    dates: list[dt.datetime]
    left_out: dict[str, str]
    snapshot: bool
    share: float = 1.0


@dataclass
class Trained:
    """A fitted model with all that is told of it."""

    model: RiskModel
    figures: dict[str, Any]
    rows: int
    accounts: int
    churned: int
    first: dt.date
    last: dt.date


def dates_to_learn(as_of: dt.datetime, stays: Stays, horizon_days: int) -> list[dt.datetime]:
    """Firsts of months whose horizon ended by `as_of`, the latest 36, from the first on which somebody was a customer."""
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    day = (as_of - dt.timedelta(days=horizon_days)).astimezone(zone).date().replace(day=1)
    found: list[dt.datetime] = []
    begun = float(stays.began.min()) if stays.began.size else np.inf
    while len(found) < MONTHS_AT_MOST:
        instant = dt.datetime.combine(day, dt.time(), zone)
        if instant.timestamp() <= begun:
            break
        found.append(instant)
        day = add_months(day, -1)
    return found[::-1]


def gather(*, as_of: dt.datetime, now: dt.datetime, horizon_days: int, progress: Progress) -> Gathered:
    """Reads the rows. Raises TooFewChurned. Nothing dated at or after `as_of` counts."""
    stays, standing = read_stays(known=as_of), read_standing()
    churn_days = np.unique(np.floor(stays.exits / DAY))
    if stays.leavers < NEEDED:
        raise TooFewChurned(stays.leavers)
    snapshot = churn_days.size == 1
    dates = [dt.datetime.fromtimestamp(float(stays.exits.min()), dt.UTC)] if snapshot else dates_to_learn(as_of, stays, horizon_days)
    chosen, share = _sample(stays, dates)
    tables, lefts, subjects, stamps = [], [], [], []
    for number, instant in enumerate(dates):
        places = stays.customers(instant, begun_at_it=snapshot)
        places = places[chosen[places]]
        tables.append(read_features(instant=Instant.at(as_of=instant, now=now), stays=stays, standing=standing, accounts=stays.accounts[places]))
        exits = stays.next_exit(instant)[places]
        lefts.append(exits < instant.timestamp() + (DAY if snapshot else horizon_days * DAY))
        subjects.append(places)
        stamps.append(np.full(places.size, instant.timestamp()))
        progress(number + 1, len(dates))
    if not tables:
        raise TooFewChurned(0)
    gathered = Gathered(
        table=FeatureTable.join(tables), left=np.concatenate(lefts), subject=np.concatenate(subjects), date=np.concatenate(stamps), dates=dates,
        left_out={ATTRIBUTE + key: why for key, why in standing.left_out.items()}, snapshot=snapshot, share=share,
    )  # fmt: skip
    churned = int(np.unique(gathered.subject[gathered.left]).size)
    if churned < NEEDED:
        raise TooFewChurned(churned)
    for name in sorted(too_good(gathered.table, gathered.left, gathered.subject)):
        gathered.left_out[name] = "too_good"
    for name in same_again(gathered.table):
        gathered.left_out.setdefault(name, "same")
    gathered.table = gathered.table.without(set(gathered.left_out))
    return gathered


def _sample(stays: Stays, dates: list[dt.datetime]) -> tuple[np.ndarray, float]:
    """Which accounts are learnt from: all, or where the rows would be too many, a share of the accounts drawn with seed 0."""
    rows = sum(int(stays.customers(instant).size) for instant in dates)
    share = min(1.0, ROWS_AT_MOST / rows) if rows else 1.0
    if share == 1.0:
        return np.ones(stays.accounts.size, dtype=bool), 1.0
    return np.random.default_rng(SEED).random(stays.accounts.size) < share, share


def train(*, as_of: dt.datetime, now: dt.datetime, horizon_days: int = HORIZON_DAYS, progress: Progress = lambda _done, _all: None) -> Trained:
    """Learns, tests and fits. Raises TooFewChurned."""
    rows = gather(as_of=as_of, now=now, horizon_days=horizon_days, progress=progress)
    with one_thread():
        tested, how = _test_on_later_dates(rows, horizon_days)
        by_time = tested is not None
        final = choose(rows.table, rows.left, rows.subject, rows.date if by_time else None, horizon_days * DAY)
        model = fit_model(rows.table, rows.left, rows.subject, final)
    if tested is None:
        rate = float(rows.left.mean())
        tested, how = measured(final.told, rows.left, rows.subject, base_rate=rate), {"how": "five_folds", "folds": 5, "seed": SEED}
    churned = int(np.unique(rows.subject[rows.left]).size)
    figures = {
        "validation": _rounded({**how, **tested}), "candidates": _rounded(final.losses), "chosen": final.candidate.name, "importance": _importance(model, rows),
        "left_out": rows.left_out, "snapshot": rows.snapshot, "sampled": round(rows.share, 4), "base_rate": round(float(rows.left.mean()), 6),
    }  # fmt: skip
    zone = zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)
    return Trained(
        model=model, figures=figures, rows=rows.table.rows, accounts=int(np.unique(rows.subject).size), churned=churned,
        first=rows.dates[0].astimezone(zone).date(), last=rows.dates[-1].astimezone(zone).date(),
    )  # fmt: skip


def _test_on_later_dates(rows: Gathered, horizon_days: int) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Learns on the earlier dates alone and measures on the last third; None where too few left in one of them."""
    split = split_by_time(rows.date, [instant.timestamp() for instant in rows.dates], horizon_days)
    if split is None or not split.apart:
        return None, {}
    learn, test = rows.left[split.learn], rows.left[split.test]
    learnt_churned = int(np.unique(rows.subject[split.learn][learn]).size)
    if learnt_churned < NEEDED // 2 or np.unique(rows.subject[split.test][test]).size < NEEDED_TESTED or learn.all() or test.all():
        return None, {}
    earlier = rows.table.take(split.learn)
    subjects = rows.subject[split.learn]
    tried: Tried = choose(earlier, learn, subjects, rows.date[split.learn], horizon_days * DAY)
    told = fit_model(earlier, learn, subjects, tried).probabilities(rows.table.take(split.test))
    day = dt.datetime.fromtimestamp(split.tested_from, zoneinfo.ZoneInfo(settings.ORGANISATION_TIME_ZONE)).date()
    how = {"how": "later_dates", "tested_from": day.isoformat(), "learnt_on_rows": int(split.learn.sum()), "learnt_churned": learnt_churned, "chosen": tried.candidate.name}
    return measured(told, test, rows.subject[split.test], base_rate=float(learn.mean())), how


def _importance(model: RiskModel, rows: Gathered, at_most: int = 5_000) -> list[dict[str, Any]]:
    """What each feature does to the log-odds, on average over accounts, the strongest first."""
    table = rows.table if rows.table.rows <= at_most else rows.table.take(np.sort(np.random.default_rng(SEED).permutation(rows.table.rows)[:at_most]))
    strength = np.abs(model.effects(table)).mean(axis=0) if table.rows else np.zeros(len(model.columns))
    order = sorted(range(len(model.columns)), key=lambda place: (-strength[place], place))
    return [{"feature": model.columns[place]["name"], "strength": round(float(strength[place]), 4)} for place in order if strength[place] > 0.0005]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
