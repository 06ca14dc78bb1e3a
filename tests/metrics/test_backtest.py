"""Backtests over histories made by hand: what is counted, that nothing looks ahead, the command, the queue, the pages."""

import datetime as dt
import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import Account
from metrics.actions.backtests import LOST_AFTER, ask, claim, work_off
from metrics.actions.health_models import models_at
from metrics.actions.recompute import recompute_all
from metrics.backtest.facts import Instant, judge, read_inputs
from metrics.backtest.question import question
from metrics.backtest.running import run
from metrics.backtest.stays import read_stays
from metrics.models import BacktestRun, HealthModel, HealthScore
from tests.metrics.health_facts import NOW, answer, days, failed_payment, subscription, ticket, usage

pytestmark = pytest.mark.django_db
UTC = dt.UTC
START, END = dt.date(2025, 6, 1), dt.date(2026, 1, 1)


def account(name, *, left=None, nps, began=dt.datetime(2025, 1, 1, tzinfo=UTC)):
    made = Account.objects.create(external_id=name, name=name, signed_up_at=began)
    subscription(made, start=began, end=left, amount=100, interval="month")
    answer(made, nps, at=dt.datetime(2025, 5, 20, tzinfo=UTC))
    return made


@pytest.fixture
def history(db):
    """One unhappy account leaves in August, one only in the new year, a happy one stays."""
    return {
        "gone": account("gone", nps=1, left=dt.datetime(2025, 8, 15, tzinfo=UTC)), "late": account("late", nps=1, left=dt.datetime(2026, 1, 15, tzinfo=UTC)),
        "happy": account("happy", nps=9),
    }  # fmt: skip


def figures(**more):
    asked = {"model": None, "start": START, "end": END, "now": NOW, **more}
    return run(question(**asked), now=NOW)


def test_rows_and_outcomes_are_those_of_the_history(history):
    found = figures()
    # the first of June to October: 1 January less 90 days is the third of October
    assert found["dates"] == ["2025-06-01", "2025-07-01", "2025-08-01", "2025-09-01", "2025-10-01"]
    assert (found["rows"], found["accounts"], found["churned_rows"], found["churned_accounts"]) == (13, 3, 3, 1)
    # three rows of who left against five of the happy one and five, as unhappy, of the one that left too late to count
    assert found["auc"]["value"] == pytest.approx((3 * 5 + 3 * 5 / 2) / (3 * 10))
    bands = {each["band"]: each for each in found["bands"]}
    # no ticket and no failed payment are points: an NPS of 1 alone is watch
    assert (bands["watch"]["rows"], bands["watch"]["precision"], bands["watch"]["recall"]) == (8, 0.375, 1)
    assert bands["healthy"]["churned"] == 0
    assert found["lead_days"]["at_risk_or_watch"] == {"count": 1, "median": 75.0, "quarter": 75.0, "three_quarters": 75.0, "leavings": 1, "warned": 1.0}
    assert sum(each["churned"] for each in found["deciles"]) == pytest.approx(3, abs=0.05)
    assert found["flags"] == ["few_churned"]
    assert found["weights"]["refused"] == "too_few"


def test_the_span_ends_what_is_known(history):
    assert figures(end=dt.date(2026, 2, 1))["churned_accounts"] == 2
    assert figures(end=dt.date(2025, 8, 30), start=dt.date(2025, 6, 1))["dates"] == ["2025-06-01"]
    with pytest.raises(ValueError, match="shorter than the horizon"):
        figures(start=dt.date(2025, 8, 1), end=dt.date(2025, 9, 1)).keys()


def test_facts_after_the_last_date_change_nothing_but_what_became_of_it(history):
    before = figures()
    for name, made in history.items():
        answer(made, 10 if name != "happy" else 0, at=dt.datetime(2025, 10, 1, tzinfo=UTC))
        ticket(made, opened=dt.datetime(2025, 10, 1, tzinfo=UTC))
        failed_payment(made, at=dt.datetime(2025, 11, 1, tzinfo=UTC))
        usage(made, before=10, after=1)
    recompute_all(as_of=NOW, now=NOW)
    assert figures() == before


def test_a_fact_counts_from_the_date_after_it(history):
    answer(history["happy"], 0, at=dt.datetime(2025, 9, 15, tzinfo=UTC))
    scores = {}
    for month in (9, 10):
        inputs = read_inputs(instant=Instant.at(as_of=dt.datetime(2025, month, 1, tzinfo=UTC), now=NOW), models=models_at(NOW))
        judged = judge(inputs, models_at(NOW))
        scores[month] = dict(zip(inputs.accounts.tolist(), judged.score.tolist(), strict=True))[history["happy"].pk]
    assert scores[9] > scores[10]


def test_scores_are_those_the_recompute_stores_and_nothing_is_written(facts):
    then = NOW - days(20)
    inputs = read_inputs(instant=Instant.at(as_of=then, now=NOW), models=models_at(NOW))
    judged = judge(inputs, models_at(NOW))
    assert not HealthScore.objects.exists()
    recompute_all(as_of=then, now=NOW)
    stored = dict(HealthScore.objects.values_list("account_id", "score"))
    assert {pk: score for pk, score in zip(inputs.accounts.tolist(), judged.score.tolist(), strict=True) if score >= 0} == stored
    assert stored


def test_who_is_a_customer_and_who_left(db):
    began, end = dt.datetime(2025, 1, 1, tzinfo=UTC), dt.datetime(2025, 3, 1, tzinfo=UTC)
    gap = account("gap", nps=5, left=end)
    subscription(gap, start=end + days(20), amount=100, interval="month", end=end + days(60))
    trial = Account.objects.create(external_id="trial", name="trial", signed_up_at=began, trial_started_at=began, churned_at=began + days(14))
    Account.objects.create(external_id="test", name="test", excluded=True)
    stays = read_stays(known=NOW)
    place = {int(pk): at for at, pk in enumerate(stays.accounts)}
    assert trial.pk not in place or trial.pk not in stays.accounts[np.unique(stays.exit_of)]
    # twenty days without service are no leaving; the second end is one
    assert stays.exits.tolist() == [(end + days(60)).timestamp()]
    assert stays.accounts[stays.customers(end)].tolist() == [gap.pk]
    assert stays.customers(end + days(1)).size == 0
    shop = Account.objects.create(external_id="shop", name="shop", business_model="ecommerce")
    shop.transactions.create(occurred_at=began, amount=10, currency="EUR", kind="order")
    shop.transactions.create(occurred_at=began + days(30), amount=10, currency="EUR", kind="order", status="failed")
    again = read_stays(known=NOW)
    here = again.accounts.tolist().index(shop.pk)
    # six months without a completed order
    assert dt.datetime.fromtimestamp(again.exits[again.exit_of == here][0], UTC) == dt.datetime(2025, 7, 1, tzinfo=UTC)


def command(*arguments):
    out = StringIO()
    call_command("backtest", *arguments, stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_the_command_prints_json_and_the_run_is_kept(history):
    found = command("--model", "standard", "--start", "2025-06-01", "--end", "2026-01-01")
    assert found["churned_accounts"] == 1
    assert BacktestRun.objects.get().figures["auc"] == found["auc"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--model", "nobody", "--start", "2025-06-01", "--end", "2026-01-01"), 2),
        (("--start", "2025-06-31", "--end", "2026-01-01"), 2),
        (("--start", "2026-01-01", "--end", "2025-06-01"), 2),
        (("--start", "2025-06-01", "--end", "2025-07-01"), 2),
        (("--start", "2025-06-01", "--end", "2026-01-01", "--horizon", "0"), 2),
        (("--start", "2020-06-01", "--end", "2021-01-01"), 1),
    ],
)
def test_a_wrong_question_ends_with_2_and_thin_data_with_1(history, arguments, code):
    with pytest.raises(CommandError) as refused:
        command(*arguments)
    assert refused.value.returncode == code
    assert not BacktestRun.objects.exists()


def asked(user=None):
    return ask(model=None, start=START, end=END, horizon_days=90, user=user, now=NOW)


def test_a_run_is_claimed_once_and_again_where_its_worker_was_lost(history):
    row = asked()
    assert claim(now=NOW).pk == row.pk
    assert claim(now=NOW) is None
    assert claim(now=NOW + LOST_AFTER + days(1)).pk == row.pk
    done = work_off(row=claim(now=NOW + days(2)), now=NOW)
    assert (done.status, done.steps_done, done.figures["rows"]) == ("done", 0, 13)
    assert BacktestRun.objects.get().steps_done == 5
    assert claim(now=NOW + days(9)) is None


def test_a_refusal_is_kept_with_its_reason(history):
    row = ask(model=None, start=dt.date(2020, 1, 1), end=dt.date(2020, 6, 1), horizon_days=90, user=None, now=NOW)
    assert work_off(row=claim(now=NOW), now=NOW).refusal["key"] == "no_customers"
    assert BacktestRun.objects.get(pk=row.pk).status == "refused"


FORM = {"model": "", "start": "2025-06-01", "end": "2026-01-01", "horizon_days": "90"}


def test_pages_ask_follow_and_show(client, cast, history):
    here = reverse("metrics:backtests")
    assert client.get(here)["Location"].startswith("/login/")
    client.force_login(cast.deniz)
    assert client.get(here).status_code == 403
    for reader in (cast.vera, cast.ana, cast.elif_):
        client.force_login(reader)
        assert b"None yet" in client.get(here).content
        assert client.post(here, FORM).status_code == 403
    assert not BacktestRun.objects.exists()
    client.force_login(cast.mert)
    short = client.post(here, FORM | {"end": "2025-06-20"})
    assert short.status_code == 400
    assert b"shorter than the horizon" in short.content
    assert b'value="2025-06-20"' in short.content
    there = client.post(here, FORM)["Location"]
    assert b"It waits for a worker" in client.get(there).content
    assert b"every 2s" in client.get(there, headers={"HX-Request": "true"}).content
    work_off(row=claim(now=NOW), now=NOW)
    assert client.get(there, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    page = client.get(there).content.decode()
    assert "Of a customer who left and one who stayed" in page
    assert "Only 1 account left" in page
    assert client.get(there, {"export": "csv", "chart": "lift"}).status_code == 200
    assert client.get(there, {"export": "csv", "chart": "nothing"}).status_code == 404
    assert "1 of 3" in client.get(here).content.decode()


def test_proposed_weights_become_a_draft_that_does_not_score(client, cast):
    model = HealthModel.objects.get(key="standard")
    sources = list(model.components.values_list("source", flat=True))
    before = dict(model.components.values_list("source", "weight"))
    row = BacktestRun.objects.create(model=model, model_label=str(model), start=START, end=END, status="done", created_at=NOW)
    row.figures = {"weights": {"components": [{"component": source, "proposed": 100 if source == "last_nps" else 0} for source in sources]}}
    row.save()
    there = reverse("metrics:backtest_draft", args=[row.pk])
    for reader in (cast.vera, cast.elif_, cast.ana):
        client.force_login(reader)
        assert client.post(there).status_code == 403
    assert HealthModel.objects.filter(key="standard").count() == 1
    client.force_login(cast.mert)
    assert client.get(there).status_code == 405
    client.post(there)
    draft = HealthModel.objects.get(key="standard", number=model.number + 1)
    assert draft.activated_at is None
    assert dict(draft.components.values_list("source", "weight"))["last_nps"] == 100
    assert dict(model.components.values_list("source", "weight")) == before
    # an open draft is not written over
    client.post(there)
    assert HealthModel.objects.filter(key="standard").count() == 2
