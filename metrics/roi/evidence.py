"""Why the lost left: reasons with the MRR that went, exit answers, and what the lost had said beside what the kept say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts import words
from accounts.models import Subscription
from metrics.formulas.daily import CHURNED
from metrics.kpis.business_models import SUBSCRIPTION
from metrics.kpis.changes import departures, histories, shop_histories
from metrics.kpis.dimensions import ACCOUNT_SQL, Conditions, fetch, narrow
from metrics.kpis.engine import answer, ask
from metrics.kpis.question import Question
from metrics.kpis.return_on_experience import lost_and_kept
from metrics.roi.live import Basis
from surveys.readings import FEW


@dataclass
class Reason:
    """One reason: customers lost by it, the MRR they took along, and the exit answers that name it."""

    code: str
    customers: int = 0
    mrr: Decimal = Decimal(0)
    answers: int = 0

    @property
    def name(self) -> str:
        """The reason in the reader's language; empty where none is known."""
        return words.code(self.code)


@dataclass(frozen=True)
class Said:
    """One score of one side: its figure, None where too few answered to show one."""

    value: Decimal | None
    count: int
    interval: tuple[Decimal, Decimal] | None

    @property
    def few(self) -> bool:
        """Whether too few answered to show a figure."""
        return self.count < FEW


@dataclass(frozen=True)
class Benchmark:
    """One score of those who left beside that of those who stayed."""

    kpi: str
    lost: Said
    kept: Said

    @property
    def sides(self) -> tuple[Said, Said]:
        """Both, the lost first."""
        return self.lost, self.kept


@dataclass
class Evidence:
    """All of step two. `surveys` are the exit surveys that were answered: key, name, answers."""

    start: str
    end: str
    reasons: list[Reason] = field(default_factory=list)
    customers: int = 0
    mrr: Decimal | None = Decimal(0)
    answers: int = 0
    surveys: list[tuple[str, str, int]] = field(default_factory=list)
    benchmarks: list[Benchmark] = field(default_factory=list)
    lost_accounts: int = 0
    kept_accounts: int = 0

    @property
    def last_day(self) -> str:
        """The last day of the period, which pages of answers name inclusively."""
        return (dt.date.fromisoformat(self.end) - dt.timedelta(days=1)).isoformat()


def evidence(*, basis: Basis, scope: Iterable[int] | None, now: dt.datetime) -> Evidence:
    """The reasons of all losses of the period, each when it happened, and what the lost had said. Raises WrongQuestion for an unknown segment."""
    start, end = basis.period(now)
    accounts = None if scope is None else list(scope)
    asked: dict[str, Any] = {"start": start, "end": end, "segment": basis.segment or None, "now": now}
    question = ask(name="cx_roi", accounts=accounts, **asked)
    found = Evidence(start, end)
    named: dict[str, Reason] = {}

    def of(code: str | None) -> Reason:
        key = code or ""
        return named.setdefault(key, Reason(key))

    # a currency without a rate leaves the sum open, whoever of those that changed has it
    foreign = Subscription.objects.exclude(currency=question.currency).exists()
    if foreign and any(history.missing for history in histories(question, None, model=SUBSCRIPTION)):
        found.mrr = None
    for left in departures(question, SUBSCRIPTION):
        reason = of(left.reason)
        reason.customers, reason.mrr = reason.customers + left.events, reason.mrr + left.amount
    for history in shop_histories(question, None):
        for entry in history.movements():
            of(entry.reason).customers += entry.kind == CHURNED
    found.answers, reasons, found.surveys = _exit_answers(question)
    for code, count in reasons.items():
        of(code).answers = count
    found.reasons = sorted(
        (reason for reason in named.values() if reason.customers or reason.mrr or reason.answers), key=lambda one: (-one.mrr, -one.customers, -one.answers, one.code)
    )
    found.customers = sum(reason.customers for reason in found.reasons)
    if found.mrr is not None:
        found.mrr = sum((reason.mrr for reason in found.reasons), Decimal(0))
    lost, kept = lost_and_kept(question)
    found.lost_accounts, found.kept_accounts = len(lost), len(kept)
    found.benchmarks = [Benchmark(name, _said(name, lost, start, end, now), _said(name, kept, start, end, now)) for name in ("nps", "csat")]
    return found


def _exit_answers(question: Question) -> tuple[int, dict[str, int], list[tuple[str, str, int]]]:
    """Exit answers of the period, how many name each reason (an answer may name several), and the surveys they came by."""
    conditions = Conditions({"s": question.start, "e": question.until})
    narrow(question, conditions, (ACCOUNT_SQL,), "r.answered_at")
    answers = f"""
        SELECT r.survey_id, r.reasons FROM surveys_response r LEFT JOIN accounts_account a ON a.id = r.account_id
        WHERE r.kind = 'exit' AND r.answered_at >= %(s)s AND r.answered_at < %(e)s
          AND NOT r.test AND NOT r.is_suspect AND r.respondent = 'contact' AND NOT coalesce(a.excluded, false) AND {conditions.sql}"""
    reasons = dict(fetch(f"SELECT reason, count(*) FROM ({answers}) x, unnest(x.reasons) AS reason GROUP BY 1", conditions.values))
    surveys = fetch(f"SELECT v.key, v.name, count(*) FROM ({answers}) x JOIN surveys_survey v ON v.id = x.survey_id GROUP BY 1, 2 ORDER BY 3 DESC, 1", conditions.values)
    return sum(count for _key, _name, count in surveys), reasons, [(key, name, count) for key, name, count in surveys]


def _said(name: str, accounts: list[int], start: str, end: str, now: dt.datetime) -> Said:
    figure = answer(name=name, start=start, end=end, now=now, accounts=accounts)
    count = int(Decimal(figure["denominator"] or 0))
    edges = figure["interval_95"]
    interval = (Decimal(edges[0]), Decimal(edges[1])) if edges else None
    value = None if figure["value"] is None or count < FEW else Decimal(figure["value"])
    return Said(value, count, interval if value is not None else None)
