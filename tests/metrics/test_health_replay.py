"""Any stored day is reproduced from its version and inputs, and from the facts unless they came late; what differs is told with its cause."""

import io
import json
import random

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.actions.touches import log_touch
from accounts.actions.usage import put_usage
from accounts.models import Account, Subscription
from metrics.actions.health_models import activate, new_version
from metrics.actions.judgements import give_pulse
from metrics.actions.plan_features import observe_plans
from metrics.actions.recompute import recompute_accounts, recompute_all
from metrics.health.replay import replay
from metrics.models import HealthComponent, HealthModel, HealthScore
from tests.metrics.health_facts import DAY, NOW, answer, days, failed_payment, moved, run, stored, subscription, ticket

pytestmark = pytest.mark.django_db
ENDS = {"active_days": (0, 28), "pulse": (1, 5), "adoption": (0, 100), "seat_use": (0, 100), "days_since_touch": (90, 0), "days_since_seen": (30, 0)}


def replayed(*arguments):
    out = io.StringIO()
    call_command("replay", *arguments, stdout=out)
    return json.loads(out.getvalue())


def looks_at_everything():
    """A version that has every input there is."""
    HealthModel.objects.update(activated_at=NOW - days(900))
    model = HealthModel.objects.get(key="standard")
    for position, (source, (worst, best)) in enumerate(ENDS.items(), start=7):
        HealthComponent.objects.create(model=model, position=position, source=source, worst=worst, best=best, weight=3 * position)
    assert set(model.components.values_list("source", flat=True)) == set(HealthComponent.Source.values)


def lives(cast, dice, at):
    """Something happens to somebody, now."""
    account = dice.choice([cast.boga, cast.north])
    kind = dice.randrange(8)
    if kind == 0:
        answer(account, dice.randint(0, 10), at=at)
    elif kind == 1:
        answer(account, dice.randint(1, 5), at=at, kind="csat")
    elif kind == 2:
        failed_payment(account, at=at)
    elif kind == 3:
        made = ticket(account, opened=at, severity=dice.choice([None, 2, 3, 4]))
        moved(made, at, "", "open")
    elif kind == 4:
        for one in account.tickets.filter(status="open")[:1]:
            one.status, one.solved_at = "solved", at
            one.save()
            moved(one, at, "open", "solved")
    elif kind == 5:
        for one in account.tickets.filter(status="solved")[:1]:
            one.status, one.reopened_at, one.solved_at = "open", at, None
            one.save()
            moved(one, at, "solved", "open")
    elif kind == 6:
        give_pulse(account_id=account.pk, value=dice.randint(1, 5), reason="Met them", author=cast.ada, now=at)
    else:
        log_touch(account_id=account.pk, actor=cast.ada, channel="call", minutes=5, occurred_at=at, now=at)
    if dice.random() < 0.1:
        Account.objects.filter(pk=account.pk).update(plan=dice.choice(["Pro", "Max"]), updated_at=at)
    put_usage([(account.pk, dice.choice(["", "reports", "export", "api"]), (at - days(1)).date(), dice.randint(0, 50), dice.choice([None, 1, 4]), None, None)])


@pytest.mark.parametrize("seed", [1, 2])
def test_every_day_of_a_random_history_is_reproduced(cast, seed):
    dice = random.Random(seed)
    looks_at_everything()
    Account.objects.update(plan="Pro", updated_at=NOW - days(900))
    subscription(cast.boga, start=NOW - days(300), kind="seats", quantity=5)
    begin = NOW - days(40)
    for day in range(40):
        at = begin + days(day)
        for _turn in range(dice.randint(0, 3)):
            lives(cast, dice, at - days(1) / dice.randint(2, 20))
        observe_plans(now=at)
        if day == 25:
            version = new_version(model=HealthModel.objects.get(key="standard", number=1))
            version.components.filter(source="last_nps").update(weight=77)
            activate(model=version, now=at - days(1) / 3)
        recompute_all(as_of=at, now=at, workers=1)
    rows = 0
    for day in HealthScore.objects.order_by("day").values_list("day", flat=True).distinct():
        found = replay(day=day, now=NOW)
        assert found.differing == []
        assert found.rows == found.from_inputs == found.from_facts
        rows += found.rows
    assert rows == HealthScore.objects.count() > 40


def test_what_was_recorded_late_is_a_restatement_with_the_input_that_differs(facts):
    run()
    before = list(HealthScore.objects.order_by("account_id").values())
    answer(facts.boga, 10, at=NOW - days(1))
    told = replayed(DAY.isoformat())
    assert (told["rows"], told["from_inputs"], told["from_facts"], told["causes"]) == (2, 2, 1, {"late_data": 1})
    assert told["restatements"] == [
        {"account": facts.boga.pk, "day": "2026-03-02", "stored": 5071, "recomputed": 6271, "cause": "late_data", "inputs": [{"input": "last_nps", "then": 4.0, "now": 10.0}]}
    ]
    assert list(HealthScore.objects.order_by("account_id").values()) == before
    assert replayed(DAY.isoformat(), "--account", str(facts.north.pk))["causes"] == {}


def test_each_row_is_replayed_as_of_its_own_instant(facts):
    run()
    answer(facts.boga, 10, at=NOW + days(1) / 24)
    later = NOW + days(1) / 12
    recompute_accounts(account_ids=[facts.boga.pk], as_of=later, now=later)
    assert stored(facts.boga).score == 6271
    assert replay(day=DAY, now=NOW + days(9)).differing == []


def test_a_fact_that_was_taken_back_and_another_version_are_told_apart(facts):
    subscription(facts.north, start=NOW - days(300))
    run()
    Subscription.objects.filter(account=facts.boga).delete()
    HealthModel.objects.update(activated_at=NOW + days(1))
    other = HealthModel.objects.create(key="before", name="Before", position=1, activated_at=NOW - days(900), retired_at=NOW + days(1))
    HealthComponent.objects.create(model=other, position=1, source="last_nps", worst=0, best=10, weight=1)
    assert {row.cause for row in replay(day=DAY, now=NOW + days(2)).differing} == {"model"}
    other.delete()
    HealthModel.objects.update(activated_at=NOW - days(900))
    assert [(row.account_id, row.cause, [part[0] for part in row.parts]) for row in replay(day=DAY, now=NOW + days(2)).differing] == [
        (facts.boga.pk, "late_data", ["days_to_renewal"])
    ]


def test_a_row_that_was_altered_by_hand_is_found(facts):
    run()
    HealthScore.objects.filter(account_id=facts.boga.pk).update(score=9999)
    out = io.StringIO()
    with pytest.raises(CommandError, match="do not follow from their stored inputs"):
        call_command("replay", DAY.isoformat(), stdout=out)
    assert json.loads(out.getvalue())["causes"] == {"altered": 1}


@pytest.mark.parametrize("arguments", [["soon"], ["2026-13-01"], ["2026-03-02", "--account", "nobody"]])
def test_wrong_usage_ends_with_two(facts, arguments):
    with pytest.raises(CommandError) as refused:
        call_command("replay", *arguments)
    assert refused.value.returncode == 2


def page(client, account, **asked):
    return client.get(reverse("metrics:account_panel", args=[account.pk]), asked)


def test_the_page_of_an_account_tells_whether_a_stored_day_is_still_the_same(client, facts):
    run()
    client.force_login(facts.ada)
    assert "equal, in all inputs" in page(client, facts.boga, day=DAY.isoformat()).content.decode()
    answer(facts.boga, 10, at=NOW - days(1))
    before = list(HealthScore.objects.order_by("account_id").values())
    shown = page(client, facts.boga, day=DAY.isoformat())
    assert (shown.context["replayed"].score, shown.context["replayed"].again) == ("50.71", "62.71")
    assert [(part.name, part.then, part.now) for part in shown.context["replayed"].parts] == [("Last NPS", "4 of 10", "10 of 10")]
    assert "recorded, changed or taken back since" in shown.content.decode()
    assert list(HealthScore.objects.order_by("account_id").values()) == before


@pytest.mark.parametrize(
    ("day", "said"), [("soon", "Expected a day"), ("2026-13-01", "Expected a day"), ("", "Expected a day"), ("2020-01-01", "No score is stored for this day.")]
)
def test_a_day_that_is_none_or_has_no_score_is_told_at_its_field(client, facts, day, said):
    run()
    client.force_login(facts.ada)
    shown = page(client, facts.boga, day=day)
    assert said in shown.content.decode()
    assert 'aria-invalid="true"' in shown.content.decode()


def test_who_does_not_see_the_account_replays_nothing(client, facts):
    run()
    assert page(client, facts.boga, day=DAY.isoformat()).status_code == 302
    client.force_login(facts.can)
    assert page(client, facts.boga, day=DAY.isoformat()).status_code == 404
