"""Training churn risk and scoring every customer with it; both are replaced as a whole."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import Max

from metrics.actions.segment_sweeps import sweep_readers
from metrics.backtest.facts import Instant
from metrics.backtest.stays import read_stays
from metrics.churn_risk.features import read_features, read_standing
from metrics.churn_risk.reasons import reasons_of
from metrics.churn_risk.training import HORIZON_DAYS, Progress, TooFewChurned, train
from metrics.formulas.risk_model import RiskModel, UnreadableModel, digest
from metrics.models import ChurnModel, ChurnRisk

KEPT = 26
RETRAIN_AFTER = dt.timedelta(days=7)
# a model that did not tell better than chance on later dates is kept and says so
CHANCE = 0.5
_LOCK = "hashtext('vefa.churn_risk')"


def train_model(*, as_of: dt.datetime, now: dt.datetime, horizon_days: int = HORIZON_DAYS, progress: Progress = lambda _done, _all: None) -> ChurnModel:
    """Trains on what had happened before `as_of` and keeps the result under the next number; a refusal is kept too.

    The figures are those of rows that were not learnt from. Refusals before it go, of trained ones the last 26 stay.
    """
    started = time.monotonic()
    row = ChurnModel(trained_at=now, as_of=as_of, horizon_days=horizon_days)
    try:
        trained = train(as_of=as_of, now=now, horizon_days=horizon_days, progress=progress)
    except TooFewChurned as fault:
        row.refusal, row.churned = fault.stored, fault.churned
    else:
        tested = trained.figures["validation"]
        row.fitted = trained.model.dump()
        row.digest, row.algorithm = digest(row.fitted), trained.model.algorithm
        row.rows, row.accounts, row.churned, row.first_date, row.last_date = trained.rows, trained.accounts, trained.churned, trained.first, trained.last
        row.auc, row.auc_low, row.auc_high, row.brier = tested["auc"], tested["auc_low"], tested["auc_high"], tested["brier"]
        row.figures, row.features = trained.figures, [column["name"] for column in trained.model.columns]
    row.seconds = round(time.monotonic() - started, 2)
    with transaction.atomic():
        _alone()
        row.number = (ChurnModel.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        ChurnModel.objects.exclude(refusal={}).delete()
        row.save()
        kept = list(ChurnModel.objects.filter(refusal={}).order_by("-number").values_list("pk", flat=True)[:KEPT])
        ChurnModel.objects.filter(refusal={}).exclude(pk__in=kept).delete()
    return row


def current_model() -> ChurnModel | None:
    """The latest model that was not refused."""
    return ChurnModel.objects.filter(refusal={}).order_by("-number").first()


def tells(model: ChurnModel) -> bool:
    """Whether it told better than chance: the whole interval of its AUC lies above one half."""
    return model.auc_low is not None and model.auc_low > CHANCE


@dataclass(frozen=True)
class ScoredRisks:
    """What a scoring came to; `seconds` of computing and storing."""

    accounts: int
    seconds: float


def score_customers(*, model: ChurnModel, as_of: dt.datetime, now: dt.datetime) -> ScoredRisks:
    """The risk of every customer as of the instant with three reasons, in place of all that was stored. Raises UnreadableModel.

    Segments whose rules ask about it follow.
    """
    started = time.monotonic()
    fitted = RiskModel.load(model.fitted, model.digest)
    stays, standing = read_stays(known=as_of), read_standing()
    places = stays.customers(as_of)
    accounts = stays.accounts[places]
    table = read_features(instant=Instant.at(as_of=as_of, now=now), stays=stays, standing=standing, accounts=accounts)
    told = fitted.probabilities(table)
    reasons = reasons_of(fitted, table, told, float(model.figures.get("base_rate", 0.0)))
    mrr = np.round(np.nan_to_num(table.numbers["mrr"]) * 1e6).astype(np.int64)
    stake = np.round(told * mrr).astype(np.int64)
    with transaction.atomic(), connection.cursor() as cursor:
        _alone()
        cursor.execute("DELETE FROM metrics_churnrisk")
        rows = zip(accounts.tolist(), told.tolist(), mrr.tolist(), stake.tolist(), reasons, strict=True)
        with cursor.copy("COPY metrics_churnrisk (account_id, model_id, probability, mrr_micros, at_stake_micros, reasons, as_of) FROM STDIN") as copy:
            for account, probability, book, lost, why in rows:
                copy.write_row((account, model.pk, probability, book, lost, json.dumps(why, ensure_ascii=False), as_of))
        cursor.execute(_SNAPSHOTS)
        changed = [row[0] for row in cursor.fetchall()]
    sweep_readers(field="churn_risk", account_ids=changed, now=now)
    return ScoredRisks(int(accounts.size), round(time.monotonic() - started, 2))


_SNAPSHOTS = """
UPDATE accounts_accountsnapshot s SET churn_risk = told.risk
FROM (SELECT o.account_id, round(r.probability::numeric, 4) AS risk FROM accounts_accountsnapshot o LEFT JOIN metrics_churnrisk r ON r.account_id = o.account_id
      WHERE o.churn_risk IS DISTINCT FROM round(r.probability::numeric, 4)) told
WHERE s.account_id = told.account_id RETURNING s.account_id
"""


def refresh(*, now: dt.datetime, today_began: dt.datetime) -> str:
    """What is due: a training a week, a scoring a day. Answers `trained`, `refused`, `scored` or nothing."""
    last = ChurnModel.objects.order_by("-number").first()
    if last is None or last.trained_at < now - RETRAIN_AFTER:
        last = train_model(as_of=now, now=now)
        if last.refusal:
            return "refused"
        score_customers(model=last, as_of=now, now=now)
        return "trained"
    model = current_model()
    if model is None or ChurnRisk.objects.filter(as_of__gte=today_began).exists():
        return ""
    try:
        score_customers(model=model, as_of=now, now=now)
    except UnreadableModel:
        ChurnModel.objects.filter(pk=model.pk).update(refusal={"key": "unreadable", "values": {}})
        return ""
    return "scored"


def _alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
