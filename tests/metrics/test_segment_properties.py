"""Whatever the accounts, rules, overrides and changes: the sweep says what each account says alone, and history tells the same story as the events."""

import datetime as dt
import itertools
import random

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actions.segments import override_segments
from accounts.models import Account, AccountEvent, AccountSnapshot, Segment, SegmentMembership
from accounts.queries.rule_matches import matching
from accounts.rules import moves_with_time, parse
from metrics.actions.segment_sweeps import sweep_accounts, sweep_everybody, sweep_turned
from tests.metrics.health_facts import NOW

pytestmark = pytest.mark.django_db

STEPS = 5


def some_rule(dice, depth=0):
    if depth < 2 and dice.random() < 0.4:
        return {dice.choice(("all", "any")): [some_rule(dice, depth + 1) for _ in range(dice.randint(1, 3))]}
    if depth and dice.random() < 0.2:
        return {"not": some_rule(dice, depth + 1)} if depth < 3 else some_rule(dice, 3)
    leaf = dice.choice(
        [
            {"field": "mrr", "op": dice.choice(("gte", "lt", "eq", "neq")), "value": str(dice.randint(0, 5) * 100)},
            {"field": "churn_risk", "op": dice.choice(("gt", "lte", "is_empty")), "value": "0.5"},
            {"field": "plan", "op": dice.choice(("eq", "neq", "contains")), "value": dice.choice(("fleet", "start"))},
            {"field": "stage", "op": dice.choice(("in", "not_in")), "value": ["trial", "renewal"]},
            {"field": "renews_on", "op": dice.choice(("in_next_days", "within_last_days")), "value": str(dice.randint(1, 9))},
            {"field": "attributes.size", "op": dice.choice(("gte", "is_empty")), "value": "5"},
        ]
    )
    if leaf["op"] == "is_empty":
        del leaf["value"]
    return leaf if depth else {"all": [leaf]}


def shake(dice, account):
    Account.objects.filter(pk=account.pk).update(
        plan=dice.choice(("", "Fleet", "Fleet Pro", "Start")), lifecycle_stage_id=dice.choice((None, "trial", "renewal", "adoption")), attributes=dice.choice(({}, {"size": 4}, {"size": "7"})),
    )  # fmt: skip
    AccountSnapshot.objects.filter(pk=account.pk).update(
        mrr_micros=dice.randint(0, 5) * 100_000_000,
        churn_risk=dice.choice((None, "0.2", "0.5", "0.9")),
        renews_on=dice.choice((None, NOW.date() + dt.timedelta(days=dice.randint(-9, 20)))),
    )


def alone(account, at):
    """Where one account belongs, each rule asked for itself."""
    stretch = SegmentMembership.objects.filter(account=account, is_override=True, valid_from__lte=at).exclude(valid_to__lte=at).exclude(override_until__lte=at).first()
    if stretch is not None:
        return stretch.segment_id
    for segment in Segment.objects.exclude(rule=None).order_by("position", "pk"):
        if matching(parse(segment.rule), now=at, today=at.date(), account_ids=[account.pk]):
            return segment.pk
    return None


def told_story(account):
    """(instant, segment) of every move, by the events."""
    events = list(AccountEvent.objects.filter(account=account, kind="segment.changed").order_by("occurred_at", "pk"))
    keys = {segment.key: segment.pk for segment in Segment.objects.all()}
    before = None
    for event in events:
        assert keys.get(event.payload.get("segment_before")) == before
        before = keys.get(event.payload.get("segment"))
    return [(event.occurred_at, keys.get(event.payload.get("segment"))) for event in events]


def kept_story(account):
    """The same by the history: stretches in order that never overlap."""
    rows = list(SegmentMembership.objects.filter(account=account).order_by("valid_from"))
    assert all(one.valid_to is not None and one.valid_to <= other.valid_from for one, other in itertools.pairwise(rows))
    assert all(row.valid_to is None or row.valid_to > row.valid_from for row in rows)
    story, current, end = [], None, None
    for row in rows:
        if end is not None and end < row.valid_from and current is not None:
            story.append((end, None))
            current = None
        if row.segment_id != current:
            story.append((row.valid_from, row.segment_id))
        current, end = row.segment_id, row.valid_to
    if end is not None:
        story.append((end, None))
    return story


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_sweep_says_what_each_account_says_alone_and_history_and_events_tell_one_story(cast, seed):
    undo = transaction.savepoint()
    try:
        _live(random.Random(seed))
    finally:
        transaction.savepoint_rollback(undo)


def _live(dice):
    """Some days in the life of twelve accounts: six that full sweeps place, and a twin of each that is looked at only where something could turn it."""
    accounts = [Account.objects.create(external_id=f"p{number}", name=f"P {number}") for number in range(6)]
    twins = [Account.objects.create(external_id=f"t{number}", name=f"T {number}") for number in range(6)]
    for step in range(STEPS):
        morning = NOW + dt.timedelta(days=step)
        at = morning + dt.timedelta(hours=1)
        if step in (0, 3):
            for segment in Segment.objects.all():
                segment.rule = some_rule(dice) if dice.random() < 0.85 else None
                segment.position = dice.randint(1, 50)
                segment.save()
        touched = [number for number in range(6) if dice.random() < 0.6]
        for number in touched:
            state = dice.getstate()
            for account in (accounts[number], twins[number]):
                dice.setstate(state)
                shake(dice, account)
                if dice.random() < 0.3:
                    segment = dice.choice([None, *Segment.objects.order_by("pk")])
                    until = dice.choice((None, at + dt.timedelta(hours=dice.randint(1, 60))))
                    override_segments(overrides=[(account.pk, segment and segment.pk, morning)], reason="override", now=morning, until=until)
        turns = step in (0, 3) or any(moves_with_time(parse(segment.rule)) for segment in Segment.objects.exclude(rule=None))
        sweep_turned(now=at)
        sweep_accounts(account_ids=[twins[number].pk for number in (range(6) if turns else touched)], as_of=at, now=at)
        expected = [alone(account, at) for account in accounts]
        assert places(twins) == expected
        sweep_everybody(as_of=at, now=at)
        assert places(accounts) == expected
        was = SegmentMembership.objects.count(), AccountEvent.objects.count()
        assert sweep_everybody(as_of=at, now=at) == 0
        assert (SegmentMembership.objects.count(), AccountEvent.objects.count()) == was
    for account in (*accounts, *twins):
        assert told_story(account) == kept_story(account)


def places(accounts):
    found = dict(Account.objects.filter(pk__in=[account.pk for account in accounts]).values_list("pk", "segment_id"))
    return [found[account.pk] for account in accounts]
