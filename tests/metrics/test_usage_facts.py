"""Facts of use as of an instant, adoption and seats as inputs of health, and what plans include."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions.usage import put_usage
from accounts.models import Account, Feature, PastPlan
from metrics.actions.health_models import rule_of
from metrics.actions.plan_features import choose_features, observe_plans
from metrics.models import HealthComponent, HealthModel, PlanFeature
from metrics.sql.health import LISTED, ScoredBy, health_statement
from metrics.usage.facts import feature_uses, usage_facts, weekly_uses
from tests.metrics.health_facts import DAY, NOW, days, run, stored, subscription

pytestmark = pytest.mark.django_db


def put(account, feature, ago, count=1, users=None):
    """Use on the day so many days before the instant's date."""
    put_usage([(account.pk, feature, DAY - days(ago), count, users, None, None)])


@pytest.fixture
def used(cast):
    """Both on one plan: Boğaziçi used two of its four features lately on three days, Northgate the other two."""
    Account.objects.filter(pk__in=[cast.boga.pk, cast.north.pk]).update(plan="Pro")
    for ago, count, users in ((1, 30, 4), (2, 20, 6), (28, 10, 5), (29, 40, 9), (56, 40, 9), (57, 1000, 99)):
        put(cast.boga, "", ago, count, users)
    put(cast.boga, "reports", 1, 5)
    put(cast.boga, "reports", 2, 5)
    put(cast.boga, "export", 3, 2)
    put(cast.north, "api", 4, 1)
    put(cast.north, "alerts", 5, 1)
    subscription(cast.boga, start=NOW - days(90), kind="seats", quantity=12)
    subscription(cast.boga, start=NOW - days(90), kind="plan", quantity=40)
    observe_plans(now=NOW)
    return cast


def looks_at(source, worst, best, **more):
    model = HealthModel.objects.get(key="standard")
    model.components.all().delete()
    HealthComponent.objects.create(model=model, position=1, source=source, worst=worst, best=best, weight=10, **more)
    return model


def test_the_figures_of_the_28_days_and_what_stands_behind_them(used):
    facts = usage_facts(account_ids=[used.boga.pk], as_of=NOW)[used.boga.pk]
    assert (facts.seen_on, facts.days_since_seen) == (DAY - days(1), 1)
    # 30 + 20 + 10 as a whole, 12 by feature; the whole and the features are different rows of one use
    assert (facts.uses, facts.uses_before, facts.rows, facts.rows_before) == (72, 80, 6, 2)
    assert (facts.active_days, facts.active_days_before, facts.frequency) == (4, 2, 1.0)
    assert facts.trend == pytest.approx(-0.1)
    assert (facts.adopted, facts.offered, facts.adoption) == (2, 4, 0.5)
    # seats of their own before the quantity of a plan; six people on the fullest day
    assert (facts.users, facts.seats, facts.seat_use) == (6, 12.0, 0.5)


def test_what_is_dated_after_the_instant_has_not_happened(used):
    then = NOW - days(20)
    facts = usage_facts(account_ids=[used.boga.pk], as_of=then)[used.boga.pk]
    assert (facts.seen_on, facts.uses, facts.active_days) == (DAY - days(28), 50, 2)
    # no feature had been used on the plan by then
    assert (facts.offered, facts.adoption) == (0, None)


def test_never_seen_is_unknown_and_unused_is_nought(used, cast):
    other = Account.objects.create(name="Sessiz", plan="Pro")
    long_ago = Account.objects.create(name="Eskiden", plan="Pro")
    put(long_ago, "", 90)
    subscription(long_ago, start=NOW - days(90), kind="seats", quantity=4)
    found = usage_facts(account_ids=[other.pk, long_ago.pk], as_of=NOW)
    assert (found[other.pk].adoption, found[other.pk].seat_use, found[other.pk].frequency, found[other.pk].trend) == (None, None, None, None)
    assert (found[long_ago.pk].adoption, found[long_ago.pk].seat_use, found[long_ago.pk].frequency) == (0.0, 0.0, 0.0)


def test_use_that_names_no_feature_or_no_people_says_nothing_about_them(used):
    whole = Account.objects.create(name="Bütün", plan="Pro")
    put(whole, "", 3, 7)
    subscription(whole, start=NOW - days(90), kind="plan", quantity=5)
    facts = usage_facts(account_ids=[whole.pk], as_of=NOW)[whole.pk]
    assert (facts.seats, facts.adoption, facts.seat_use) == (5.0, None, None)
    flat = Account.objects.create(name="Düz", plan="Pro")
    put(flat, "", 3, 7, 2)
    subscription(flat, start=NOW - days(90), kind="plan", quantity=1)
    assert usage_facts(account_ids=[flat.pk], as_of=NOW)[flat.pk].seats is None


def test_weeks_and_features_add_up_to_the_rows(used):
    weeks = weekly_uses(account_id=used.boga.pk, as_of=NOW)
    assert len(weeks) == 12
    assert weeks[-1] == (DAY - days(7), 62, 3)
    assert weeks[-4] == (DAY - days(28), 10, 1)
    assert weeks[0] == (DAY - days(84), None, 0)
    features = feature_uses(account_id=used.boga.pk, plan="Pro", as_of=NOW)
    assert [(one.key, one.uses, one.days, one.in_plan) for one in features] == [("reports", 10, 2, True), ("export", 2, 1, True), ("alerts", 0, 0, True), ("api", 0, 0, True)]


@pytest.mark.parametrize(("source", "figure"), [("adoption", "adoption"), ("seat_use", "seat_use")])
def test_health_reads_the_same_figure_that_the_panel_shows(used, source, figure):
    looks_at(source, 0, 100)
    Account.objects.create(name="Sessiz", plan="Pro")
    run()
    found = usage_facts(account_ids=Account.objects.values_list("pk", flat=True), as_of=NOW)
    for account in Account.objects.all():
        row, shown = stored(account), getattr(found[account.pk], figure)
        assert (row and row.raws) == (None if shown is None else [100 * shown])
        assert (row and row.score) == (None if shown is None else 10_000 * shown)


def test_what_no_model_looks_at_is_not_in_the_statement(cast):
    def statement():
        model = HealthModel.objects.prefetch_related("components").get(key="standard")
        return health_statement([ScoredBy(model.pk, rule_of(model))], scope=LISTED, live=True, replace=True, currencies=False, history="metrics_healthscore_202603")

    assert "metrics_planfeature" not in statement()
    assert "max(users)" not in statement()
    looks_at("adoption", 0, 100)
    assert "metrics_planfeature" in statement()
    assert "max(users)" not in statement()


def test_a_plan_is_what_was_used_on_it_until_28_days_without(used):
    assert set(PlanFeature.objects.filter(valid_to=None).values_list("feature__key", flat=True)) == {"reports", "export", "api", "alerts"}
    assert PlanFeature.objects.get(feature__key="reports").valid_from.date() == DAY - days(1)
    assert observe_plans(now=NOW) == 0
    later = NOW + days(25)
    put_usage([(used.boga.pk, "reports", later.date() - days(1), 1, None, None, None)])
    assert observe_plans(now=later) == 2
    assert set(PlanFeature.objects.filter(valid_to=None).values_list("feature__key", flat=True)) == {"reports", "export"}
    # and what the plan included before stays true of the past
    assert usage_facts(account_ids=[used.boga.pk], as_of=NOW)[used.boga.pk].adoption == 0.5


def moves_to(account, plan, at):
    Account.objects.filter(pk=account.pk).update(updated_at=at - days(1))
    Account.objects.filter(pk=account.pk).update(plan=plan, updated_at=at)


def test_a_past_day_knows_the_plan_that_the_account_had_then(used):
    choose_features(plan="Max", feature_ids=[Feature.objects.get(key="reports").pk], actor=used.ada, now=NOW - days(300))
    before = usage_facts(account_ids=[used.boga.pk], as_of=NOW)[used.boga.pk]
    moves_to(used.boga, "Max", NOW)
    assert list(PastPlan.objects.values_list("account", "plan", "valid_from", "valid_to")) == [(used.boga.pk, "Pro", None, NOW)]
    assert usage_facts(account_ids=[used.boga.pk], as_of=NOW)[used.boga.pk] == before
    later = usage_facts(account_ids=[used.boga.pk], as_of=NOW + days(1))[used.boga.pk]
    assert (later.plan, later.adopted, later.offered, later.adoption) == ("Max", 1, 1, 1.0)
    # the night counts use for the plan of its day: nothing that was used before is new on Max
    observe_plans(now=NOW + days(1))
    assert not PlanFeature.objects.filter(plan="Max", by_hand=False).exists()
    moves_to(used.boga, "Basic", NOW + days(10))
    moves_to(used.boga, "Max", NOW + days(20))
    assert [usage_facts(account_ids=[used.boga.pk], as_of=NOW + days(day))[used.boga.pk].plan for day in (0, 9, 10, 11, 20, 21)] == ["Pro", "Max", "Max", "Basic", "Basic", "Max"]


def test_a_plan_that_becomes_known_is_no_change_of_plan(cast):
    moves_to(cast.boga, "Pro", NOW)
    assert not PastPlan.objects.exists()
    cast.boga.refresh_from_db()
    cast.boga.save()
    assert not PastPlan.objects.exists()


def test_what_somebody_chose_counts_from_then_on_alone(used, cast):
    ids = dict(Feature.objects.values_list("key", "pk"))
    choose_features(plan="Pro", feature_ids=[ids["reports"], ids[""], 999_999], actor=cast.ada, now=NOW + days(1))
    assert usage_facts(account_ids=[used.boga.pk], as_of=NOW + days(1))[used.boga.pk].adoption == 0.5
    assert usage_facts(account_ids=[used.boga.pk], as_of=NOW + days(2))[used.boga.pk].adoption == 1.0
    choose_features(plan="Pro", feature_ids=[], actor=cast.ada, now=NOW + days(3))
    assert usage_facts(account_ids=[used.boga.pk], as_of=NOW + days(4))[used.boga.pk].offered == 4


def test_the_panel_shows_each_figure_with_its_days_and_rows(client, cast):
    today = timezone.localdate()
    put_usage([(cast.boga.pk, "", today - days(1), 12, 3, None, None)])
    client.force_login(cast.elif_)
    html = client.get(reverse("metrics:use", args=[cast.boga.pk]), headers={"HX-Request": "true"}).content.decode()
    assert "28 days, 1 row" in html
    assert "Uses by week" in html
    assert client.get(reverse("metrics:use", args=[cast.boga.pk])).status_code == 200
    csv = client.get(reverse("metrics:use", args=[cast.boga.pk]), {"export": "csv", "chart": "use"})
    assert b"12" in b"".join(csv.streaming_content)
    assert client.get(reverse("metrics:use", args=[cast.north.pk])).status_code == 404
    client.logout()
    assert client.get(reverse("metrics:use", args=[cast.boga.pk])).headers["Location"].startswith("/login/")


def test_leads_choose_what_a_plan_includes_and_others_read_it(client, used):
    address, pk = reverse("metrics:plan_features"), Feature.objects.get(key="api").pk
    client.force_login(used.elif_)
    assert "Leads and admins choose." in client.get(address, {"plan": "Pro"}).content.decode()
    assert client.post(address, {"plan": "Pro", "feature": pk}).status_code == 403
    assert not PlanFeature.objects.filter(by_hand=True).exists()
    client.force_login(used.mert)
    assert client.post(address, {"plan": "Pro", "feature": pk}).status_code == 302
    assert list(PlanFeature.objects.filter(by_hand=True).values_list("plan", "feature__key")) == [("Pro", "api")]
    assert "No account has this plan" in client.post(address, {"plan": "Gone", "feature": pk}, follow=True).content.decode()
    client.logout()
    assert client.get(address).headers["Location"].startswith("/login/")
    assert dt.datetime.now(dt.UTC) - PlanFeature.objects.get(by_hand=True).valid_from < dt.timedelta(minutes=1)
