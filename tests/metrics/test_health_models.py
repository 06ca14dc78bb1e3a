"""Drafts of health models: the editor, what a draft would change, and activating it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountDirty, AccountSnapshot, Segment, SegmentMembership
from metrics.actions.health_drafts import Frozen, StaleDraft, make_draft, mark_of, save_draft
from metrics.actions.health_models import activate, rule_of
from metrics.actions.recompute import recompute_all, recompute_marked
from metrics.forms.health_models import HealthModelForm, initial_of, sources_of
from metrics.health.preview import contenders, preview
from metrics.models import HealthModel, HealthScore
from tests.metrics.health_facts import answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def scored(facts):
    """Boğaziçi and Northgate with scores of this moment."""
    now = timezone.now()
    recompute_all(as_of=now, now=now)
    return facts


def standard() -> HealthModel:
    return HealthModel.objects.get(key="standard", number=1)


def posted(model: HealthModel, **changes: object) -> dict[str, object]:
    return {**{name: value for name, value in initial_of(model).items() if value is not None}, "mark": mark_of(model), **changes}


def draft_of(cast) -> HealthModel:
    return make_draft(model=standard(), actor=cast.ada, now=timezone.now())


def test_a_version_in_use_is_read_and_never_changed(client, cast):
    client.force_login(cast.ada)
    model = standard()
    html = client.get(reverse("metrics:health_model", args=[model.pk])).content.decode()
    assert "less is better" in html
    assert "Save the draft" not in html
    answered = client.post(reverse("metrics:health_model", args=[model.pk]), posted(model, weight_last_nps=99), follow=True)
    assert "Make a new version" in answered.content.decode()
    assert standard().components.get(source="last_nps").weight == 20
    with pytest.raises(Frozen):
        save_draft(model=model, mark=mark_of(model), name="x", position=1, segments=[], healthy_from=75, watch_from=50, components=[], actor=cast.ada, now=timezone.now())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({f"weight_{source}": 0 for source in ("usage_trend", "last_nps", "csat_90d", "severe_tickets", "days_to_renewal", "failed_payments")}, "The weights sum to nothing"),
        ({"worst_last_nps": 5, "best_last_nps": 5}, "Worst and best are the same"),
        ({"watch_from": 75, "healthy_from": 75}, "Watch has to begin below healthy"),
        ({"best_csat_90d": ""}, "needs its worst and its best value"),
        ({"weight_last_nps": -1}, "greater than or equal to 0"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused_at_its_field_and_keeps_what_was_typed(client, cast, changes, said):
    draft = draft_of(cast)
    client.force_login(cast.mert)
    answered = client.post(reverse("metrics:health_model", args=[draft.pk]), posted(draft, name="Typed before", **changes))
    html = answered.content.decode()
    assert answered.status_code == 422
    assert said in html
    assert 'value="Typed before"' in html
    assert rule_of(HealthModel.objects.get(pk=draft.pk)) == rule_of(standard())
    assert said in client.get(reverse("metrics:health_model_preview", args=[draft.pk]), posted(draft, **changes)).content.decode()


def test_the_preview_says_what_a_recompute_under_the_draft_then_does(client, scored, django_assert_max_num_queries):
    draft = draft_of(scored)
    changes = {"weight_last_nps": 500, "weight_severe_tickets": 0, "weight_days_to_renewal": 0, "weight_failed_payments": 0, "healthy_from": 90, "watch_from": 60}
    form = HealthModelForm(posted(draft, **changes), sources=sources_of(draft))
    assert form.is_valid(), form.errors
    now = timezone.now()
    before = {row.account_id: row.band for row in AccountSnapshot.objects.all()}
    rows_before = list(HealthScore.objects.order_by("account_id", "day").values())
    with CaptureQueriesContext(connection) as queries:
        found = preview(models=contenders(draft=form.rule(), model=draft, segment_ids=[], now=now), now=now)
    assert len(queries) <= 9
    assert not [query for query in queries if query["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert list(HealthScore.objects.order_by("account_id", "day").values()) == rows_before

    client.force_login(scored.ada)
    assert client.post(reverse("metrics:health_model", args=[draft.pk]), posted(draft, **changes)).status_code == 302
    draft = HealthModel.objects.get(pk=draft.pk)
    client.post(reverse("metrics:health_model_activate", args=[draft.pk]), {"mark": mark_of(draft)})
    assert HealthModel.objects.get(key="standard", activated_at__isnull=False, retired_at__isnull=True).pk == draft.pk
    assert AccountDirty.objects.filter(reason="model").count() == len(before)
    recompute_marked(now=timezone.now())
    after = {row.account_id: (row.band, row.health) for row in AccountSnapshot.objects.all()}
    changed = {account for account, band in before.items() if band != after[account][0]}
    assert changed
    assert {mover.account_id for mover in found.movers} == changed
    assert {mover.account_id: (mover.new_band, mover.new_score) for mover in found.movers} == {account: after[account] for account in changed}
    assert found.total == len(before)
    assert found.changing == len(changed)


def test_a_draft_for_a_segment_is_tried_in_its_place_and_leaves_the_others_alone(scored):
    segment = Segment.objects.get(key="vip")
    SegmentMembership.objects.filter(account=scored.north).delete()
    SegmentMembership.objects.create(account=scored.north, segment=segment, valid_from=timezone.now() - dt.timedelta(days=9))
    other = HealthModel.objects.create(key="vip", number=1, name="VIP", position=1)
    now = timezone.now()
    nps_alone = HealthModelForm(
        posted(standard(), **{f"weight_{source}": 0 for source in ("usage_trend", "csat_90d", "severe_tickets", "days_to_renewal", "failed_payments")}),
        sources=sources_of(standard()),
    )
    assert nps_alone.is_valid(), nps_alone.errors
    found = preview(models=contenders(draft=nps_alone.rule(), model=other, segment_ids=[segment.pk], now=now), now=now)
    assert (found.judged_by_draft, found.total) == (1, 2)


def test_two_people_at_one_draft_notice_each_other(client, cast):
    draft = draft_of(cast)
    read = posted(draft, name="Second")
    client.force_login(cast.ada)
    assert client.post(reverse("metrics:health_model", args=[draft.pk]), posted(draft, name="First")).status_code == 302
    client.force_login(cast.mert)
    answered = client.post(reverse("metrics:health_model", args=[draft.pk]), read)
    assert answered.status_code == 409
    assert 'value="Second"' in answered.content.decode()
    assert HealthModel.objects.get(pk=draft.pk).name == "First"
    # what stands in the answer is the mark of what stands now, so saving once more is meant
    again = client.post(reverse("metrics:health_model", args=[draft.pk]), {**read, "mark": mark_of(HealthModel.objects.get(pk=draft.pk))})
    assert again.status_code == 302
    assert HealthModel.objects.get(pk=draft.pk).name == "Second"
    stale = client.post(reverse("metrics:health_model_activate", args=[draft.pk]), {"mark": "old"}, follow=True)
    assert "Somebody changed the draft" in stale.content.decode()
    with pytest.raises(StaleDraft):
        save_draft(model=draft, mark="old", name="x", position=1, segments=[], healthy_from=75, watch_from=50, components=[], actor=cast.ada, now=timezone.now())


def test_one_draft_a_model_and_throwing_it_away_leaves_what_scores(client, cast):
    client.force_login(cast.ada)
    for _turn in range(2):
        client.post(reverse("metrics:health_model_draft", args=[standard().pk]))
    draft = HealthModel.objects.get(key="standard", number=2)
    client.post(reverse("metrics:health_model_discard", args=[draft.pk]))
    assert list(HealthModel.objects.filter(key="standard").values_list("number", "retired_at")) == [(1, None)]
    html = client.get(reverse("metrics:health_models")).content.decode()
    assert "draft thrown away" in html


def test_only_leads_and_admins_change_models_and_strangers_sign_in(client, cast):
    draft = draft_of(cast)
    names = ("health_model_draft", "health_model_discard", "health_model_activate")
    for user in (cast.elif_, cast.ana, cast.vera, cast.deniz):
        client.force_login(user)
        assert client.get(reverse("metrics:health_model", args=[draft.pk])).status_code == 200
        assert client.get(reverse("metrics:health_model_preview", args=[draft.pk])).status_code == 403
        assert client.post(reverse("metrics:health_model", args=[draft.pk]), posted(draft, name="x")).status_code == 403
        assert [client.post(reverse(f"metrics:{name}", args=[draft.pk])).status_code for name in names] == [403, 403, 403]
    client.logout()
    assert client.get(reverse("metrics:health_models")).headers["Location"].startswith("/login/")
    assert HealthModel.objects.get(pk=draft.pk).name == standard().name


def test_a_lead_sees_the_names_of_the_own_book_alone(client, scored):
    answer(scored.north, 10)
    draft = draft_of(scored)
    client.force_login(scored.mert)
    html = client.get(reverse("metrics:health_model_preview", args=[draft.pk]), posted(draft, healthy_from=3, watch_from=2)).content.decode()
    assert "Northgate" not in html
    activate(model=draft, now=timezone.now())
    assert client.get(reverse("metrics:health_model", args=[draft.pk])).status_code == 200


@pytest.mark.parametrize(("changes", "said"), [({"weight": 0}, "The weights sum to nothing"), ({"worst": 5, "best": 5}, "Worst and best are the same")])
def test_the_administration_refuses_what_the_page_refuses_at_the_field(client, cast, changes, said):
    draft = draft_of(cast)
    draft.components.exclude(source="last_nps").delete()
    part = draft.components.get()
    client.force_login(cast.ada)
    fields = {"id": part.pk, "model": draft.pk, "position": 1, "source": "last_nps", "worst": 0, "best": 10, "weight": 20, "missing": "leave_out", "fresh_days": "", **changes}
    form = {"key": "standard", "name": "Typed", "position": 1, "healthy_from": 75, "watch_from": 50, "components-TOTAL_FORMS": 1, "components-INITIAL_FORMS": 1}
    answered = client.post(reverse("admin:metrics_healthmodel_change", args=[draft.pk]), form | {f"components-0-{name}": value for name, value in fields.items()})
    assert answered.status_code == 200
    assert said in answered.content.decode()
    part.refresh_from_db()
    assert (part.weight, part.worst, part.best, HealthModel.objects.get(pk=draft.pk).name) == (20, 0, 10, standard().name)
