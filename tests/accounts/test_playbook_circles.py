"""Playbooks that would start each other for ever are refused with the place, directly or through rules of segments and stages."""

import pytest

from accounts.actions.playbook_versions import activate, open_draft, publish_draft
from accounts.models import LifecycleStage, PlaybookVersion, Segment
from accounts.playbooks import PlaybookFaults, parse
from accounts.playbooks.circles import Actor, Ways, circle_of
from tests.accounts.playbook_ground import CALL, T0, make_playbook

TAG = {"key": "mark", "kind": "tag", "add": ["vip"]}
MOVE = {"key": "move", "kind": "field", "field": "lifecycle_stage", "value": "adoption"}
DATE = {"key": "day", "kind": "field", "field": "attributes.review_on", "value": "2026-05-01"}
ENTERS_STAGE = {"kind": "stage", "stage": "adoption", "idle_days": 0}
ENTERS_VIP = {"kind": "segment", "move": "enter", "segment": "vip"}
ON_DATE = {"kind": "date", "field": "attributes.review_on", "days": 0}
WAYS = Ways(segments=[("vip", frozenset({"tags"})), ("core", frozenset({"mrr"}))], stages=[("adoption", frozenset({"segment"}))])


def actor(key, trigger, *steps):
    return Actor(key, key.title(), parse(trigger=trigger, steps=list(steps)))


@pytest.mark.parametrize(
    ("trigger", "step", "ways", "circular"),
    [
        (ENTERS_STAGE, MOVE, Ways(), True),
        ({"kind": "stage", "stage": "onboarding", "idle_days": 0}, MOVE, Ways(), False),
        ({"kind": "event", "event": "stage.changed", "where": {"stage": ["adoption", "trial"]}}, MOVE, Ways(), True),
        ({"kind": "event", "event": "stage.changed", "where": {"stage": "trial"}}, MOVE, Ways(), False),
        (ON_DATE, DATE, Ways(), True),
        ({"kind": "date", "field": "attributes.other", "days": 0}, DATE, Ways(), False),
        # through a rule of a segment, and from there through one of a stage
        (ENTERS_VIP, TAG, WAYS, True),
        (ENTERS_VIP, TAG, Ways(segments=[("vip", frozenset({"mrr"}))]), False),
        # what the first segment takes is missing in the next
        ({"kind": "segment", "move": "leave", "segment": "core"}, TAG, WAYS, True),
        (ENTERS_STAGE, TAG, WAYS, True),
        ({"kind": "event", "event": "work.opened"}, CALL, Ways(), True),
        ({"kind": "event", "event": "payment.failed"}, TAG, WAYS, False),
        ({"kind": "manual"}, TAG, WAYS, False),
    ],
)
def test_a_step_that_starts_its_own_playbook(trigger, step, ways, circular):
    alone = actor("alone", trigger, CALL if step is not CALL else TAG, step)
    way = circle_of(alone, [], ways)
    assert [hop.place for hop in way] == ([1] if circular else [])


def test_a_circle_over_several_playbooks_is_found_and_a_chain_is_none():
    first, second, third = actor("first", ON_DATE, CALL, MOVE), actor("second", ENTERS_STAGE, TAG), actor("third", ENTERS_VIP, DATE)
    ways = Ways(segments=[("vip", frozenset({"tags"}))])
    assert circle_of(first, [second], ways) == []
    assert [(hop.source.key, hop.place, hop.target.key) for hop in circle_of(first, [second, third], ways)] == [
        ("first", 1, "second"), ("second", 0, "third"), ("third", 0, "first"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_neither_publishing_nor_switching_on_closes_a_circle_and_the_fault_names_both(client, cast):
    Segment.objects.filter(key="vip").update(rule={"all": [{"field": "tags", "op": "in", "value": ["vip"]}]}, position=1)
    LifecycleStage.objects.get(key="adoption")
    other = make_playbook("welcome", trigger=ENTERS_VIP, steps=[MOVE | {"title": "Move them on"}])
    mine = make_playbook("mark", trigger={"kind": "manual"}, steps=[TAG])
    draft = open_draft(playbook_id=mine.pk, actor=cast.mert, now=T0)
    PlaybookVersion.objects.filter(pk=draft.pk).update(trigger=ENTERS_STAGE, steps=[CALL, TAG])
    with pytest.raises(PlaybookFaults) as refused:
        publish_draft(playbook_id=mine.pk, version=None, actor=cast.mert, now=T0)
    [fault] = refused.value.faults
    assert fault.path == "steps.1"
    for named in ("“Welcome”", "“Move them on”", "“Mark”"):
        assert named in fault.message
    draft.refresh_from_db()
    assert draft.published_at is None
    client.force_login(cast.mert)
    assert "playbooks do not go in circles" in client.get("/playbooks/mark/edit/").content.decode()
    # while the other is off there is no circle; then it cannot be switched on
    type(other).objects.filter(pk=other.pk).update(active=False)
    publish_draft(playbook_id=mine.pk, version=None, actor=cast.mert, now=T0)
    with pytest.raises(PlaybookFaults):
        activate(playbook_id=other.pk, old_matches=False, actor=cast.mert, now=T0)
    page = client.post("/playbooks/welcome/activate/", follow=True).content.decode()
    assert "Not switched on" in page
    other.refresh_from_db()
    assert not other.active
