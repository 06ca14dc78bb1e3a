"""The settings of surveys, and what the administration may do to programmes."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from accounts.models import Installation
from surveys.actions.programme_changes import make_programme
from surveys.actions.programmes import take_step
from surveys.models import Survey
from surveys.programme_forms import empty_values
from tests.surveys.programme_pages import of

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(cast):
    values = empty_values(Survey.objects.get(key="csat")) | {"name": "After a milestone", "event_kind": "usage.milestone"}
    return make_programme(values=values, actor=cast.mert, now=timezone.now())


# ── administration and the switch ───────────────────────────────────────────


def test_what_the_administration_changes_stands_in_the_history(client, cast, draft):
    client.force_login(cast.ada)
    address = reverse("admin:surveys_touchpoint_change", args=[draft.pk])
    form = client.get(address).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value is not None and value is not False} | {
        "activated_at_0": "2026-03-01",
        "activated_at_1": "10:00:00",
        "conditions": "{}",
        "weekdays": "1,2,3,4,5",
    }
    answer = client.post(address, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    step = of(draft.key).steps.first()
    assert (step.action, step.actor, step.note) == ("activated", cast.ada, "administration")
    assert step.changes["activated_at"][0] is None
    assert of(draft.key).version == 2


def test_only_admins_open_the_settings_and_a_refusal_changes_nothing(client, cast):
    before = Installation.current().approval_needed
    for who in ("mert", "elif_", "vera", "ana", "deniz"):
        client.force_login(getattr(cast, who))
        assert client.get("/surveys/settings/").status_code == 403
        assert client.post("/surveys/settings/", {}).status_code == 403
    assert Installation.current().approval_needed == before


def settings_fields(client, **other):
    found = client.get("/surveys/settings/").context
    sent = {name: found["form"][name].value() for name in found["form"].fields}
    return {name: value for name, value in {**sent, "mark": found["mark"], **other}.items() if value is not None and value is not False}


def test_an_admin_switches_approval_off_and_it_is_written_down(client, cast, draft):
    client.force_login(cast.ada)
    assert client.post("/surveys/settings/", settings_fields(client, approval_needed=False, rate_per_day=500)).status_code == 302
    assert (Installation.current().approval_needed, Installation.current().rate_per_day) == (False, 500)
    assert "approval_needed" in LogEntry.objects.get(user=cast.ada).change_message
    assert take_step(step="activate", touchpoint_id=draft.pk, actor=cast.mert, now=timezone.now(), version=1).state == "active"


@pytest.mark.parametrize(("field", "value"), [("contact_gap_days", 0), ("account_share", "1.5"), ("rate_per_second", "0"), ("many_at_once", -1), ("nps_gap_days", "often")])
def test_settings_off_their_limits_are_refused_at_their_field(client, cast, field, value):
    client.force_login(cast.ada)
    before = Installation.objects.values().get(pk=Installation.current().pk)
    answer = client.post("/surveys/settings/", settings_fields(client, **{field: value}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert Installation.objects.values().get(pk=1) == before


def test_of_two_admins_the_second_sees_both_values(client, cast):
    client.force_login(cast.ada)
    Installation.current()
    mine = settings_fields(client, contact_gap_days=45)
    Installation.objects.update(contact_gap_days=60)
    answer = client.post("/surveys/settings/", mine)
    assert answer.status_code == 409
    assert "<td>60</td><td>45</td>" in answer.content.decode()
    assert Installation.current().contact_gap_days == 60
    assert client.post("/surveys/settings/", mine | {"mark": answer.context["mark"]}).status_code == 302
    assert Installation.current().contact_gap_days == 45
