"""What a playbook would have started in a year, what it changed beside those held out, and what that advises."""

import datetime as dt

import pytest

from accounts.actions.event_log import record_event
from accounts.models import Account, AccountSnapshot, Playbook, PlaybookRun, Segment, SegmentMembership
from accounts.playbooks import parse
from metrics.playbook_history.back_run import back_run
from metrics.playbook_history.effect import Effect, Group, effect_of, share_difference
from metrics.playbook_history.moments import CannotTell
from metrics.playbook_history.recovered import recovered

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
STEPS = [{"key": "call", "kind": "work", "title": "Call"}]


def plan(trigger, **rest):
    return parse(trigger=trigger, steps=STEPS, **rest)


def ago(days: float) -> dt.datetime:
    return NOW - dt.timedelta(days=days)


def failed(account, days):
    record_event(account_id=account.pk, kind="payment.failed", occurred_at=ago(days), origin="import", payload={"attempt": 1}, dedupe_key=str(days))


def test_a_back_run_counts_months_and_people_and_lets_the_caps_pass(cast):
    for days in (400, 100, 90, 50, 10):
        failed(cast.boga, days)
    failed(cast.north, 9)
    found = back_run(plan=plan({"kind": "event", "event": "payment.failed"}, caps={"per_account": 1, "days": 30}), now=NOW, scope=None)
    # of Boğaziçi: 100, then 90 is too soon, 50, 10; 400 days are more than a year
    assert (found.moments, found.starts, found.accounts) == (5, 4, 2)
    assert [(str(person), starts, accounts) for person, starts, accounts in found.people] == [("Elif Yıldız", 3, 1), ("Can Polat", 1, 1)]
    assert next(iter(found.months)) == dt.date(2025, 7, 1)
    assert (len(found.months), found.months[dt.date(2026, 6, 1)]) == (12, 2)
    assert back_run(plan=plan({"kind": "event", "event": "payment.failed"}), now=NOW, scope=[cast.north.pk]).starts == 1
    with pytest.raises(CannotTell):
        back_run(plan=plan({"kind": "manual"}), now=NOW, scope=None)


def test_the_history_of_segments_answers_and_dates_tells_of_moments_too(cast):
    vip = Segment.objects.get(key="vip")
    SegmentMembership.objects.create(account=cast.boga, segment=vip, valid_from=ago(80), valid_to=ago(20))
    record_event(
        account_id=cast.boga.pk,
        kind="survey.answered",
        occurred_at=ago(5),
        origin="import",
        payload={"response": "r", "survey_kind": "nps", "score": 6, "scale_min": 0, "scale_max": 10},
    )
    Account.objects.filter(pk=cast.boga.pk).update(signed_up_at=ago(30))

    def starts(trigger, **rest):
        return back_run(plan=plan(trigger, **rest), now=NOW, scope=None).starts

    assert starts({"kind": "segment", "move": "enter", "segment": "vip"}) == 1
    assert starts({"kind": "segment", "move": "leave", "segment": "vip"}) == 1
    assert starts({"kind": "answer", "survey_kind": "nps", "group": ["detractor"]}) == 1
    assert starts({"kind": "answer", "survey_kind": "nps", "group": ["promoter"]}) == 0
    assert starts({"kind": "date", "field": "signed_up_at", "days": 7}) == 1
    assert starts({"kind": "date", "field": "signed_up_at", "days": 7}, audience={"all": [{"field": "country", "op": "eq", "value": "GB"}]}) == 0


def test_two_shares_differ_by_newcombes_interval():
    # 56 of 70 beside 48 of 80, the example of the paper of 1998: 0.2000, 0.0524 to 0.3339
    gap, (low, high) = share_difference(56, 70, 48, 80)
    assert (round(gap, 4), round(low, 4), round(high, 4)) == (0.2, 0.0524, 0.3339)
    assert share_difference(1, 2, 0, 0) is None


@pytest.mark.parametrize(
    ("treated", "held_out", "advice"),
    [
        (Group(20, 20, 1), Group(20, 20, 9), "few"),
        (Group(200, 200, 10), Group(200, 200, 50), "keep"),
        (Group(200, 200, 50), Group(200, 200, 10), "stop"),
        (Group(60, 60, 6), Group(60, 60, 7), "unclear"),
        (Group(900, 900, 90), Group(900, 900, 91), "no_difference"),
    ],
)
def test_the_advice_follows_the_interval(treated, held_out, advice):
    assert Effect(treated, held_out).advice == advice


def test_an_account_counts_once_by_its_first_run_and_only_after_90_days(cast):
    book = Playbook.objects.create(key="save", name="Save")
    for account, status, days, started_by in (
        (cast.boga, "done", 120, None), (cast.boga, "done", 20, None), (cast.north, "held_out", 100, None),
        (Account.objects.create(external_id="late", name="Late"), "running", 30, None), (Account.objects.create(external_id="hand", name="Hand"), "done", 120, cast.ada),
    ):  # fmt: skip
        PlaybookRun.objects.create(playbook=book, account=account, status=status, started_at=ago(days), started_by=started_by, occasion=f"x:{days}")
    record_event(account_id=cast.north.pk, kind="account.churned", occurred_at=ago(50), origin="app", payload={})
    found = effect_of(playbook_id=book.pk, now=NOW, scope=None)
    assert (found.treated.accounts, found.treated.settled, found.treated.left) == (2, 1, 0)
    assert (found.held_out.accounts, found.held_out.settled, found.held_out.left) == (1, 1, 1)
    assert effect_of(playbook_id=book.pk, now=NOW, scope=[cast.boga.pk]).held_out.accounts == 0


def test_recovered_mrr_is_what_those_who_paid_pay_today(cast):
    book = Playbook.objects.create(key="pay", name="Pay")
    AccountSnapshot.objects.filter(account=cast.boga).update(mrr_micros=900_000_000)
    for account in (cast.boga, cast.north):
        PlaybookRun.objects.create(playbook=book, account=account, status="done", started_at=ago(100), occasion="x:1")
    record_event(account_id=cast.boga.pk, kind="payment.recovered", occurred_at=ago(95), origin="app", payload={})
    found = recovered(playbook_id=book.pk, trigger={"kind": "event", "event": "payment.failed"}, now=NOW, scope=None)
    assert (found.goal, found.accounts, found.reached, found.mrr_micros) == ("recovered", 2, 1, 900_000_000)
    assert recovered(playbook_id=book.pk, trigger={"kind": "manual"}, now=NOW, scope=None) is None


@pytest.mark.parametrize("name", ["back-run", "effect"])
def test_the_fragments_are_for_who_reads_customers(client, cast, name):
    address = f"/metrics/playbooks/dunning/{name}/"
    assert client.get(address).headers["Location"].startswith("/login/")
    for user, status in ((cast.ada, 200), (cast.can, 200), (cast.ana, 404)):
        client.force_login(user)
        assert client.get(address).status_code == status
    client.force_login(cast.ada)
    assert client.get(f"/metrics/playbooks/no-such/{name}/").status_code == 404
    assert client.get("/metrics/playbooks/effects/").content.decode().count("nobody held out") >= 5
