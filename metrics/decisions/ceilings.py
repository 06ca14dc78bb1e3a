"""What keeping an account may cost at most: its remaining value less what serving it costs. Definitions: `docs/metrics.md`, ceilings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from metrics.decisions.reader import Reader
from metrics.formulas.comparison import monthly_of_yearly, remaining_months
from metrics.formulas.numbers import ratio
from metrics.kpis.assumptions import margin
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.question import add_months
from metrics.kpis.revenue import amount_column, in_force, paying
from metrics.kpis.support_contacts import told_contacts
from metrics.kpis.support_cost import whole_amount
from metrics.kpis.support_load import volume_of_accounts

SHOWN = 25
SORTS = ("ceiling", "value", "mrr", "cost", "months")
# fewer customers than this in a segment: its rate of leaving is that of all
FEW = 20
MICROS = Decimal(1_000_000)


@dataclass(frozen=True)
class Line:
    """One account. Money in millionths of the reporting currency; months still expected."""

    account: int
    external_id: str
    name: str
    segment: str | None
    mrr: int
    months: Decimal
    value: int
    cost: int | None
    ceiling: int | None
    sort: int


@dataclass(frozen=True)
class Leaving:
    """How fast the customers of a segment leave: a month's rate from the last twelve, and the months that leaves (None: not known)."""

    customers: int
    lost: int
    monthly: Decimal | None
    months: Decimal | None
    # whether it is the rate of all, since the segment has too few customers
    of_all: bool = False


@dataclass(frozen=True)
class Ceilings:
    """A page of accounts, the highest first, what they all come to, and what it rests on."""

    lines: list[Line]
    accounts: int
    mrr: int
    value: int
    ceiling: int | None
    leaving: dict[str | None, Leaving]
    margin: Decimal
    with_margin: bool
    by_time: bool
    missing: list[str] = field(default_factory=list)
    next_after: str = ""


def leaving(reader: Reader) -> dict[str | None, Leaving]:
    """By the segment at the opening, and under "" for all customers: logo churn of the last twelve months as a monthly rate."""
    question = reader.question("logo_churn", first=add_months(reader.today, -12), after=reader.today, filtered=False)
    params = question.params
    conditions = Conditions({"t0": question.start, "t1": question.until, "n": params["delinquency_days"]})
    narrow(question, conditions, (ACCOUNT_SQL,), "%(t0)s")

    def pays(name: str) -> str:
        return f"{in_force(params)} AND {paying(params)}".replace("%(t)s", f"%({name})s")

    sql = f"""
        WITH paid AS (
            SELECT s.account_id, bool_or({pays("t1")}) AS still FROM accounts_subscription s
            WHERE {amount_column(params)} > 0 AND s.start < %(t1)s AND (s.end IS NULL OR s.end >= %(t0)s) GROUP BY s.account_id HAVING bool_or({pays("t0")}))
        SELECT sg.key, count(*), count(*) FILTER (WHERE NOT p.still) FROM paid p JOIN accounts_account a ON a.id = p.account_id
        LEFT JOIN accounts_segmentmembership sm ON sm.account_id = a.id AND sm.valid_from <= %(t0)s AND (sm.valid_to IS NULL OR sm.valid_to > %(t0)s)
        LEFT JOIN accounts_segment sg ON sg.id = sm.segment_id WHERE NOT a.excluded AND {conditions.sql} GROUP BY sg.key"""
    found = {key: (customers, lost) for key, customers, lost in fetch(sql, conditions.values)}
    customers, lost = sum(each[0] for each in found.values()), sum(each[1] for each in found.values())
    whole = monthly_of_yearly(ratio(lost, customers))
    rates: dict[str | None, Leaving] = {"": Leaving(customers, lost, whole, remaining_months(whole))}
    for key, (count, gone) in found.items():
        own = monthly_of_yearly(ratio(gone, count)) if count >= FEW else whole
        rates[key] = Leaving(count, gone, own, remaining_months(own), count < FEW)
    return rates


def read_after(text: str) -> tuple[int, int] | None:
    """The place in the list that an address names: value and account of the last row before."""
    left, _mark, right = text.partition("~")
    try:
        place = int(left), int(right)
    except ValueError:
        return None
    return place if all(abs(number) < 2**62 for number in place) else None


def ceilings(reader: Reader, *, sort: str = "ceiling", after: tuple[int, int] | None = None) -> Ceilings:
    """The accounts that pay now by what keeping them may cost, a page by key. Raises WrongQuestion."""
    asked = _Asked(reader, sort)
    rows, (count, mrr, value, ceiling) = asked.page(after=after, most=SHOWN + 1)
    lines = rows[:SHOWN]
    return Ceilings(
        lines, count, mrr, value, ceiling, asked.rates, asked.margin, asked.with_margin, asked.by_time, asked.missing,
        f"{lines[-1].sort}~{lines[-1].account}" if len(rows) > SHOWN else "",
    )  # fmt: skip


def every_line(reader: Reader, *, sort: str = "ceiling") -> Iterator[Line]:
    """All of them in order, for an export; a thousand at a time."""
    asked, after = _Asked(reader, sort), None
    while rows := asked.rows(after=after, most=1000):
        yield from rows
        after = (rows[-1].sort, rows[-1].account)


class _Asked:
    """The statement of the list and what it binds; the rates and costs behind it are read once."""

    def __init__(self, reader: Reader, sort: str):
        self.sort = sort if sort in SORTS else SORTS[0]
        # the last twelve months up to today, whatever else is chosen
        first, last = add_months(reader.today, -12), reader.today
        self.rates = leaving(reader)
        self.margin, flags = margin(reader.question("clv", filtered=False))
        self.with_margin = not flags
        # work of everybody: what a second of it costs does not depend on who looks
        worked = replace(reader.question("aht", first=first, after=last, filtered=False), scope=None)
        cost, self.missing = whole_amount(reader.question("support_cost", first=first, after=last, filtered=False))
        told, conditions = told_contacts(worked, "account")
        self.by_time = bool(fetch(f"{told} SELECT EXISTS (SELECT FROM told WHERE handled AND seconds > 0)", conditions.values)[0][0])
        if self.by_time:
            served = f"{told}, served AS (SELECT key::bigint AS account_id, sum(seconds) AS work FROM told WHERE handled GROUP BY 1)"
        else:
            tickets, conditions = volume_of_accounts(replace(reader.question("ticket_volume", first=first, after=last, filtered=False), scope=None))
            served = f"{tickets}, served AS (SELECT account_id, tickets::numeric AS work FROM volume)"
        served += ", whole AS (SELECT sum(work) AS work FROM served)"
        self.values = conditions.values
        self.values |= {
            "months": json.dumps({key or "-": str(rate.months) for key, rate in self.rates.items() if key != "" and rate.months is not None}),
            "months_of_all": self.rates[""].months, "margin": self.margin, "cost": None if cost is None else cost * MICROS,
        }  # fmt: skip
        chosen = Conditions(self.values)
        narrow(reader.question("mrr"), chosen, (ACCOUNT_SQL | {"segment": "sg.key"},), "now()")
        self.sql = f"""
            {served},
            base AS (
                SELECT a.id, a.external_id, a.name, sg.key AS segment, p.mrr_micros AS mrr,
                       coalesce((%(months)s::jsonb ->> coalesce(sg.key, '-'))::numeric, %(months_of_all)s) AS months,
                       -- nothing was done for anybody: serving costs nothing, unless the costs themselves are not known
                       coalesce(v.work, 0) * %(cost)s::numeric / coalesce(nullif(whole.work, 0), 1) AS cost
                FROM accounts_accountsnapshot p CROSS JOIN whole JOIN accounts_account a ON a.id = p.account_id LEFT JOIN accounts_segment sg ON sg.id = a.segment_id
                LEFT JOIN served v ON v.account_id = a.id
                WHERE NOT a.excluded AND p.mrr_micros > 0 AND {chosen.sql}),
            valued AS (SELECT *, round(mrr * months * %(margin)s)::bigint AS value, round(cost)::bigint AS served FROM base WHERE months IS NOT NULL),
            lines AS (SELECT *, CASE WHEN cost IS NOT NULL THEN greatest(value - round(cost / 12 * months), 0)::bigint END AS ceiling FROM valued),
            sorted AS (SELECT *, {_SORT[self.sort]} AS sort FROM lines)"""

    def rows(self, *, after: tuple[int, int] | None, most: int) -> list[Line]:
        """A page after a place in the list."""
        return self.page(after=after, most=most)[0]

    def page(self, *, after: tuple[int, int] | None, most: int) -> tuple[list[Line], tuple[int, int, int, int | None]]:
        """A page after a place in the list; and of all accounts together their number, MRR, remaining value and ceilings."""
        bound: dict[str, Any] = {**self.values, "most": most}
        beyond = "TRUE"
        if after is not None:
            bound |= {"after_sort": after[0], "after_id": after[1]}
            beyond = "(sort, id) < (%(after_sort)s, %(after_id)s)"
        sql = f"""{self.sql}, sums AS (SELECT count(*) AS n, coalesce(sum(mrr), 0) AS mrrs, coalesce(sum(value), 0) AS valued, sum(ceiling) AS ceilings FROM sorted),
            page AS (SELECT id, external_id, name, segment, mrr, months, value, served, ceiling, sort FROM sorted WHERE {beyond} ORDER BY sort DESC, id DESC LIMIT %(most)s)
            SELECT sums.*, page.* FROM sums LEFT JOIN page ON TRUE ORDER BY page.sort DESC, page.id DESC"""
        found = fetch(sql, bound)
        count, mrr, value, ceiling = found[0][:4]
        return [Line(*row[4:]) for row in found if row[4] is not None], (count, int(mrr), int(value), None if ceiling is None else int(ceiling))


_SORT = {"ceiling": "coalesce(ceiling, 0)", "value": "value", "mrr": "mrr", "cost": "coalesce(served, 0)", "months": "(months * 1000000)::bigint"}
