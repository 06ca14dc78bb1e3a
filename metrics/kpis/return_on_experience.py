"""What keeping more customers would return. Definitions: `docs/metrics.md`, return on customer experience."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from metrics.formulas.lifetime_value import mean
from metrics.formulas.numbers import ratio
from metrics.formulas.returns import Return, gain, total_cost
from metrics.kpis.assumptions import margin
from metrics.kpis.bridge import bridges
from metrics.kpis.business_models import SUBSCRIPTION
from metrics.kpis.costs import Costs, People, people_of, spread
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, expression, fetch, narrow
from metrics.kpis.earning import earning_ranges
from metrics.kpis.figure import Figure
from metrics.kpis.lifetime_value import closed_months, months_within
from metrics.kpis.question import Question, pieces
from metrics.kpis.retention import arpa
from metrics.kpis.revenue import amount_column
from metrics.kpis.shoppers import visits
from metrics.ledger.prepare import with_bridges
from metrics.ledger.statements import HALF, fetch_in_two

Figures = dict[str | None, Figure]
Money = dict[str | None, Decimal | None]
TEAM, PROGRAMME = ("team",), ("programme", "tools", "marketing")
# months of closed history that the monthly churn is the mean of
CHURN_MONTHS = 6
# the length whose return is the value, where it is among those asked for
YEAR = 12


@dataclass(frozen=True)
class Inputs:
    """What the return of one group is worked out from; None where it is not known."""

    arpa: Decimal | None
    churn: Decimal | None
    programme: Decimal | None
    team: Decimal | None
    lost: Decimal | None


def cx_roi(question: Question, by: str | None) -> Figures:
    """Net gain / cost of keeping k customers more each month, for the first `k` over 12 months; all others in `rows`.

    What is not given is taken from the period: ARPA at its end, costs of its mean month; the churn is
    the mean of the last six closed months. `loss` tells what goes when nothing is done.
    """
    figures: Figures = {}
    margin_share, flags = margin(question)
    for key, (inputs, lacking) in inputs_of(question, by).items():
        figures[key] = _figure(question, inputs, margin_share, list(flags), lacking)
    return figures


def inputs_of(question: Question, by: str | None) -> dict[str | None, tuple[Inputs, list[str]]]:
    """What `cx_roi` rests on, by group: the inputs, given or found, and the currencies without a rate."""
    params = question.params
    values, missing = _arpas(question, by)
    people = None if params["programme_cost_per_month"] is not None and params["team_cost_per_month"] is not None else people_of(question)
    programme, without_programme = _per_month(question, by, PROGRAMME, params["programme_cost_per_month"], people)
    team, without_team = _per_month(question, by, TEAM, params["team_cost_per_month"], people)
    churn, lost = _churn(question, by), _lost_per_month(question, by)
    found: dict[str | None, tuple[Inputs, list[str]]] = {}
    keys = {None} if by is None else {*values, *programme, *team, *lost}
    for key in keys:
        inputs = Inputs(
            arpa=params["arpa"] if params["arpa"] is not None else values.get(key),
            churn=params["churn"] if params["churn"] is not None else churn.get(key),
            programme=_given(params["programme_cost_per_month"], programme, key),
            team=_given(params["team_cost_per_month"], team, key),
            lost=lost.get(key, Decimal(0)),
        )
        lacking = {*(missing.get(key, ()) if params["arpa"] is None else ()), *without_programme.get(key, ()), *without_team.get(key, ())}
        found[key] = inputs, sorted(lacking)
    return found


def _given(given: Decimal | None, found: Money, key: str | None) -> Decimal | None:
    """What was given, else what was found; a group without a cost line costs nothing."""
    return given if given is not None else found.get(key, Decimal(0))


def _arpas(question: Question, by: str | None) -> tuple[Money, dict[str | None, list[str]]]:
    """ARPA at the end by group, and the currencies without a rate."""
    figures = arpa(question, by)
    return {key: figure.value for key, figure in figures.items()}, {key: figure.missing for key, figure in figures.items()}


def _per_month(question: Question, by: str | None, categories: tuple[str, ...], given: Decimal | None, people: People | None) -> tuple[Money, dict[str | None, set[str]]]:
    """The cost of some categories in the mean month of the period, by group, and the currencies without a rate; nothing is read where it is given."""
    if given is not None or people is None:
        return {}, {}
    months = months_within(question)
    groups = spread(question, categories, by, people)
    if by is None:
        groups.setdefault(None, Costs())
    return {key: None if costs.missing else ratio(costs.total, months) for key, costs in groups.items()}, {key: costs.missing for key, costs in groups.items()}


Months = list[tuple[dt.datetime, dt.datetime]]
# of each part of time, in order: (customers lost, customers at its start)
Lost = dict[str | None, list[tuple[int, int]]]


def _there(question: Question, months: Months, *, halved: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """When accounts are customers, each by its own rule: a WITH clause that ends in `there(account_id, active)`, and what it binds with the months."""
    if not months:
        return []
    edges = {"begins": [begin for begin, _end in months], "ends": [end for _begin, end in months]}
    params, whole = question.params, question.between(months[0][0], months[-1][1])
    values = {"t0": whole.start, "t1": whole.until, "n": params["delinquency_days"], "zone": str(question.zone)}
    # what was over before the first of them keeps nobody
    subscribers = f"""WITH there AS (
        SELECT s.account_id, range_agg({earning_ranges(params)}) AS active FROM accounts_subscription s JOIN accounts_account o ON o.id = s.account_id
        WHERE {amount_column(params)} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) AND o.business_model = '{SUBSCRIPTION}' {f"AND s.{HALF}" if halved else ""}
        GROUP BY s.account_id)"""
    shops = Conditions({"t1": whole.until, "zone": str(question.zone)})
    orders = f"WITH there AS ({visits(question, shops)})"
    return [(subscribers, {**values, **edges}), (orders, {**shops.values, **edges})]


def lost_and_kept(question: Question) -> tuple[list[int], list[int]]:
    """The accounts lost in one of the months of the period, and those that are customers at its end and were never lost in it."""
    months = months_of(question)
    lost: list[int] = []
    kept: list[int] = []
    for read, (there, bound) in zip((fetch_in_two, fetch), _there(question, months, halved=True), strict=False):
        conditions = Conditions({**bound, "last": len(months), "first": months[0][0], "until": months[-1][1]})
        narrow(question, conditions, (ACCOUNT_SQL,), "piece.begins")
        sql = f"""{there}
            SELECT v.account_id, bool_or(v.active @> piece.begins AND NOT v.active @> piece.ends), bool_or(piece.turn = %(last)s AND v.active @> piece.ends)
            FROM (SELECT account_id, active, active @> tstzrange(%(first)s, %(until)s, '[]') AS throughout FROM there
                  WHERE active && tstzrange(%(first)s, %(until)s, '[]') OFFSET 0) v JOIN accounts_account a ON a.id = v.account_id
                 JOIN unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS piece (begins, ends, turn)
                      -- who was there throughout was lost in no month: one row tells that it still is
                      ON CASE WHEN v.throughout THEN piece.turn = %(last)s ELSE v.active && tstzrange(piece.begins, piece.ends, '[]') END
            WHERE NOT a.excluded AND {conditions.sql} GROUP BY 1"""
        for account, was_lost, is_there in read(sql, conditions.values):
            if was_lost:
                lost.append(account)
            elif is_there:
                kept.append(account)
    return sorted(lost), sorted(kept)


def lost_in(question: Question, by: str | None, months: Months) -> Lost:
    """Customers lost in each of the months, and those they began with, by their group at its start; each account by its own rule."""
    found: Lost = {}

    def add(key: str | None, place: int, lost: int, at_start: int) -> None:
        counts = found.setdefault(key, [(0, 0)] * len(months))
        counts[place] = (counts[place][0] + lost, counts[place][1] + at_start)

    # subscribers of whole months stand in the ledger
    each = with_bridges([question.between(start, end) for start, end in months], by, model=SUBSCRIPTION)
    told = [place for place, month in enumerate(each) if month.prepared]
    for place in told:
        for key, book in bridges(each[place], by, model=SUBSCRIPTION).items():
            if book.customers_start:
                add(key, place, book.customers_churned, book.customers_start)
    left = [place for place in range(len(months)) if place not in told]
    # the others by their spans, and shops by their orders
    for (there, bound), places in zip(_there(question, months), (left, list(range(len(months)))), strict=False):
        if not places:
            continue
        bound = {**bound, "begins": [months[place][0] for place in places], "ends": [months[place][1] for place in places]}
        conditions = Conditions(bound)
        narrow(question, conditions, (ACCOUNT_SQL,), "piece.begins")
        sql = f"""{there}
            SELECT {expression(by, (ACCOUNT_SQL,), "piece.begins") if by else "NULL::text"} AS key, piece.turn, count(*) FILTER (WHERE NOT v.active @> piece.ends), count(*)
            FROM there v JOIN accounts_account a ON a.id = v.account_id
                 JOIN unnest(%(begins)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS piece (begins, ends, turn) ON v.active @> piece.begins
            WHERE NOT a.excluded AND {conditions.sql} GROUP BY 1, 2"""
        for key, turn, lost, at_start in fetch(sql, conditions.values):
            add(key, places[turn - 1], lost, at_start)
    return found


def _churn(question: Question, by: str | None) -> Money:
    """The mean of the monthly rates at which customers leave, over the last closed months that have one."""
    if question.params["churn"] is not None:
        return {}
    return {key: mean(ratio(lost, start) for lost, start in counts) for key, counts in lost_in(question, by, closed_months(question, CHURN_MONTHS)).items()}


def _lost_per_month(question: Question, by: str | None) -> dict[str | None, Decimal]:
    """Customers lost in the mean month of the period: the losses of its single months, divided by their number."""
    months = months_within(question)
    if not months:
        return {}
    return {key: sum(lost for lost, _start in counts) / months for key, counts in lost_in(question, by, months_of(question)).items()}


def months_of(question: Question) -> Months:
    """The calendar months of the period, cut at its edges and at what is known."""
    return list(pieces(replace(question, end=question.until), "month"))


def _figure(question: Question, given: Inputs, share: Decimal, flags: list[str], missing: list[str]) -> Figure:
    params, variant = question.params, question.variant
    worth = None if given.arpa is None else given.arpa * share
    per_month = None if given.programme is None or given.team is None else given.programme + given.team
    lines = [
        Return(
            k=k, months=months, gain=gain(variant, k=k, months=months, worth=worth, churn=given.churn),
            cost=total_cost(months=months, per_month=per_month, one_off=params["one_off_cost"]),
        )
        for k in params["k"] for months in params["months"]
    ]  # fmt: skip
    loss = [{"months": months, "amount": None if given.lost is None else gain(variant, k=given.lost, months=months, worth=worth, churn=given.churn)} for months in params["months"]]
    chosen = next((line for line in lines if line.months == YEAR), lines[0])
    return Figure(
        value=chosen.roi, numerator=chosen.net, denominator=chosen.cost,
        parts={
            "arpa": given.arpa, "margin": share, "churn": given.churn, "programme_cost_per_month": given.programme, "team_cost_per_month": given.team,
            "one_off_cost": params["one_off_cost"], "customers_lost_per_month": given.lost,
        },
        flags=flags, missing=missing,
        shape={
            "rows": [{"k": line.k, "months": line.months, "gain": line.gain, "cost": line.cost, "net": line.net, "roi": line.roi, "multiple": line.multiple} for line in lines],
            "loss": loss,
        },
    )  # fmt: skip
