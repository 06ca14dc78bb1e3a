"""Churn risk: refused where too few left, learnt where the truth is known, without looking ahead; its pages and API."""

import datetime as dt
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import Account, AccountSnapshot, Subscription, Team, User
from metrics.actions.churn_models import current_model, refresh, score_customers, tells, train_model
from metrics.backtest.facts import Instant
from metrics.backtest.stays import read_stays
from metrics.churn_risk.features import read_features, read_standing
from metrics.churn_risk.training import TooFewChurned, train
from metrics.churn_risk.wording import say_reasons, say_refusal
from metrics.models import ChurnModel, ChurnRisk
from tests.api_client import ApiClient
from tests.metrics.health_facts import NOW, answer, days, failed_payment, ticket, usage

pytestmark = pytest.mark.django_db
UTC = dt.UTC
MIDNIGHT = NOW.replace(hour=0)


def make_history(*, leavers, stayers, seed=0):
    """Accounts on paper leave far more often than those on disk; nothing else tells. Leaving is spread over 2025."""
    dice, began = np.random.default_rng(seed), dt.datetime(2024, 11, 1, tzinfo=UTC)
    made = []
    for number in range(leavers + stayers):
        leaves = number < leavers
        colour = "paper" if dice.random() < (0.85 if leaves else 0.2) else "disk"
        row = Account(external_id=f"a{number}", name=f"Account {number}", signed_up_at=began, attributes={"medium": colour, "left_on": "2025" if leaves else ""})
        row.spell()
        made.append(row)
    made = Account.objects.bulk_create(made)
    spans = []
    for number, row in enumerate(made):
        end = began + days(60 + int(dice.integers(0, 420))) if number < leavers else None
        span = Subscription(external_id=f"s{number}", account=row, start=began, end=end, amount=int(dice.integers(50, 500)), currency="EUR", interval="month")
        span.normalise()
        spans.append(span)
    Subscription.objects.bulk_create(spans)
    return made


def test_fewer_than_fifty_that_left_are_refused_and_the_refusal_says_how_many():
    make_history(leavers=49, stayers=20)
    row = train_model(as_of=NOW, now=NOW)
    assert "50" in say_refusal(row.refusal)
    assert "49" in say_refusal(row.refusal)
    assert current_model() is None
    with pytest.raises(CommandError, match="49") as refused:
        call_command("churn-risk", stdout=StringIO(), stderr=StringIO())
    assert refused.value.returncode == 1
    # one refusal is kept, not a heap of them
    assert ChurnModel.objects.count() == 1


def test_the_trial_that_ran_out_is_no_customer_that_left():
    make_history(leavers=49, stayers=5)
    Account.objects.create(external_id="trial", name="trial", signed_up_at=NOW - days(300), trial_started_at=NOW - days(300), churned_at=NOW - days(200))
    with pytest.raises(TooFewChurned):
        train(as_of=NOW, now=NOW)


@pytest.fixture
def trained(db):
    make_history(leavers=90, stayers=110)
    row = train_model(as_of=NOW, now=NOW)
    score_customers(model=row, as_of=NOW, now=NOW)
    return row


def test_what_tells_is_found_and_tested_on_later_dates(trained):
    tested = trained.figures["validation"]
    assert tested["how"] == "later_dates"
    assert dt.date.fromisoformat(tested["tested_from"]) > trained.first_date
    assert trained.auc > 0.7
    assert trained.auc_low < trained.auc < trained.auc_high
    assert tells(trained)
    assert trained.brier < tested["brier_of_base_rate"]
    assert trained.figures["importance"][0]["feature"] == "attribute:medium"
    assert trained.figures["left_out"]["attribute:left_on"] == "name"
    assert "attribute:left_on" not in trained.features


def test_every_customer_has_a_risk_with_at_most_three_reasons_and_nobody_else(trained):
    customers = Account.objects.filter(subscriptions__end__isnull=True)
    assert set(ChurnRisk.objects.values_list("account_id", flat=True)) == set(customers.values_list("pk", flat=True))
    paper, disk = (ChurnRisk.objects.filter(account__attributes__medium=medium).order_by("-probability") for medium in ("paper", "disk"))
    mean = [sum(found.values_list("probability", flat=True)) / found.count() for found in (paper, disk)]
    assert mean[0] > 2 * mean[1]
    for risk in ChurnRisk.objects.select_related("account__snapshot"):
        assert len(risk.reasons) <= 3
        assert risk.at_stake_micros == pytest.approx(risk.probability * risk.mrr_micros, abs=1)
        assert float(risk.account.snapshot.churn_risk) == pytest.approx(risk.probability, abs=0.00006)
    reason = say_reasons(paper.first().reasons)[0]
    assert (str(reason), reason.raises) == ("medium: paper", True)
    gone = Account.objects.filter(subscriptions__end__isnull=False).first()
    assert AccountSnapshot.objects.get(account=gone).churn_risk is None


def features(as_of, now=NOW):
    stays = read_stays(known=as_of)
    accounts = stays.accounts[stays.customers(as_of)]
    return read_features(instant=Instant.at(as_of=as_of, now=now), stays=stays, standing=read_standing(), accounts=accounts)


def test_nothing_that_happened_after_the_instant_is_in_the_features():
    made = make_history(leavers=0, stayers=6)
    then = NOW - days(100)
    before = features(then)
    for row in made[:3]:
        usage(row, before=5, after=50)
        answer(row, 0)
        answer(row, 1, kind="csat")
        ticket(row, opened=then)
        failed_payment(row, at=then)
        Subscription.objects.create(account=row, start=then, amount=900, currency="EUR", interval="year")
        Subscription.objects.filter(external_id=f"s{made.index(row)}").update(end=NOW - days(2), cancelled_at=NOW - days(3))
    after = features(then)
    assert set(before.numbers) == set(after.numbers)
    for name, values in before.numbers.items():
        np.testing.assert_array_equal(values, after.numbers[name], err_msg=name)
    for name, texts in before.texts.items():
        assert texts.tolist() == after.texts[name].tolist(), name
    later = features(NOW - days(1))
    assert later.numbers["tickets_90d"].sum() == 0
    assert np.nansum(later.numbers["uses"]) > 0


def test_the_same_history_gives_the_same_model(trained):
    again = train_model(as_of=NOW, now=NOW)
    assert again.number == trained.number + 1
    assert again.fitted == trained.fitted


def test_a_model_that_was_tampered_with_scores_nobody(trained):
    ChurnRisk.objects.all().delete()
    ChurnModel.objects.filter(pk=trained.pk).update(fitted=trained.fitted.replace("medium", "colour"))
    assert refresh(now=NOW + days(1), today_began=MIDNIGHT + days(1)) == ""
    assert not ChurnRisk.objects.exists()
    assert "Train it again" in say_refusal(ChurnModel.objects.get(pk=trained.pk).refusal)


def test_it_is_trained_once_a_week_and_scored_once_a_day(trained):
    assert refresh(now=NOW + days(1), today_began=MIDNIGHT) == ""
    assert refresh(now=NOW + days(1), today_began=MIDNIGHT + days(1)) == "scored"
    assert refresh(now=NOW + days(8), today_began=MIDNIGHT + days(8)) == "trained"


def test_the_page_lists_what_its_reader_may_see(client, trained):
    team = Team.objects.create(name="T")
    people = {
        role: User.objects.create_user(email=f"{role}@vefa.test", password="correct horse battery", name=role, role=role, team=team)
        for role in ("admin", "csm", "agent", "analyst")
    }
    mine = ChurnRisk.objects.order_by("-at_stake_micros").first().account
    Account.objects.filter(pk=mine.pk).update(owner=people["csm"])
    here = reverse("metrics:churn_risk")
    assert client.get(here)["Location"].startswith("/login/")
    client.force_login(people["agent"])
    assert client.get(here).status_code == 403
    client.force_login(people["csm"])
    html = client.get(here).content.decode()
    assert mine.name in html
    assert html.count("data-row") == 1
    client.force_login(people["analyst"])
    html = client.get(here).content.decode()
    assert "data-row" not in html
    assert "Of a customer who left" in html
    client.force_login(people["admin"])
    html = client.get(here).content.decode()
    assert html.count("data-row") == 50
    assert "medium: paper" in html
    seen, address = [], "?"
    while address:
        page = client.get(here + address).context["page"]
        seen += [row.risk.account_id for row in page.rows]
        address = f"?after={page.after}" if page.after else ""
    expected = ChurnRisk.objects.order_by("-at_stake_micros", "account_id").values_list("account_id", flat=True)
    assert seen == list(expected)
    Account.objects.filter(pk=mine.pk).update(plan="Gold", country="TR")
    for chosen in ({"plan": "Gold"}, {"country": "tr"}, {"q": mine.name}, {"owner": str(people["csm"].pk)}):
        assert [row.risk.account_id for row in client.get(here, chosen).context["page"].rows] == [mine.pk]
    assert client.get(here, {"after": "nonsense~x", "sort": "risk", "owner": "me", "country": "1?"}).status_code == 200
    assert client.get(here, {"export": "csv", "chart": "calibration"}).status_code == 200


def test_the_account_shows_its_risk_on_its_panel_and_in_the_api(client, trained):
    ada = User.objects.create_user(email="ada@vefa.test", password="correct horse battery", name="Ada", role="admin")
    client.force_login(ada)
    risk = ChurnRisk.objects.order_by("-probability").first()
    html = client.get(reverse("metrics:account_panel", args=[risk.account_id])).content.decode()
    assert "to leave within 90 days" in html
    assert "medium: paper" in html
    api = ApiClient(ada, "accounts:read")
    body = api.get(f"/accounts/{risk.account_id}/health/").json()
    assert body["churn_risk"]["probability"] == round(risk.probability, 4)
    assert body["churn_risk"]["reasons"][0] == "medium: paper"
    assert body["churn_risk"]["told_better_than_chance"] is True
    gone = Account.objects.filter(subscriptions__end__isnull=False).first()
    assert api.get(f"/accounts/{gone.pk}/health/").json()["churn_risk"] is None


def test_without_a_model_the_page_says_what_would_make_one(client, cast):
    client.force_login(cast.mert)
    assert b"as soon as 50 accounts have left" in client.get(reverse("metrics:churn_risk")).content
