"""The editor of programmes: what is wrong and what is odd, conflicts, proposals, the way to the end."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountSnapshot, Segment
from surveys.actions.programme_changes import make_programme
from surveys.actions.programme_values import plain_values
from surveys.models import Invitation, Survey, Touchpoint
from surveys.programme_forms import empty_values, read_condition
from tests.surveys.making import happens, planned
from tests.surveys.programme_pages import fields, of, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(cast):
    values = empty_values(Survey.objects.get(key="csat")) | {"name": "After a milestone", "event_kind": "usage.milestone"}
    return make_programme(values=values, actor=cast.mert, now=timezone.now())


# ── the editor ──────────────────────────────────────────────────────────────


def test_a_new_programme_is_saved_as_a_draft_with_what_was_written(client, cast):
    client.force_login(cast.mert)
    values = empty_values(Survey.objects.get(key="csat"))
    sent = fields(values, name="Severe tickets", delay_value=2, delay_unit="hour", condition_key_0="person_replied", condition_value_0="evet", condition_key_1="severity", condition_value_1="1, 2",
                  segments=["vip"], weekdays=["1", "2"], sampling_percent="25", daily_cap=50, reminder_after_days=3, respects_holidays="", do="save")  # fmt: skip
    answer = client.post(reverse("surveys:programme_new"), sent)
    row = Touchpoint.objects.get(name="Severe tickets")
    assert answer["Location"] == reverse("surveys:programme", args=["severe-tickets"])
    assert (row.delay_minutes, row.conditions, row.weekdays, float(row.sampling), row.daily_cap, row.reminder_after_days, row.respects_holidays) == (
        120, {"person_replied": True, "severity": [1, 2]}, [1, 2], 0.25, 50, 3, False,
    )  # fmt: skip
    assert [one.key for one in row.segments.all()] == ["vip"]
    assert row.state == "draft"


def test_a_copy_begins_with_everything_of_its_original(client, cast):
    client.force_login(cast.mert)
    form = page(client, "surveys:programme_new", copy="ticket-solved").context["form"]
    assert form.initial["name"] == "Copy of After a solved ticket"
    assert (form.initial["condition_key_0"], form.initial["condition_value_0"], form.initial["link_days"]) == ("person_replied", "yes", 14)


def test_a_rhythm_has_days_and_no_event(client, cast, draft):
    client.force_login(cast.mert)
    save(client, draft, event_kind="", every_days=90, audience="everybody")
    row = of(draft.key)
    assert (row.event_kind, row.every_days, row.delay_minutes) == ("", 90, 0)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"name": ""}, "name"),
        ({"event_kind": "", "every_days": ""}, "every_days"),
        ({"event_kind": "nonsense"}, "event_kind"),
        ({"window_until": "09:00"}, "window_until"),
        ({"window_until": "late"}, "window_until"),
        ({"delay_value": 10, "delay_unit": "day"}, "valid_value"),
        ({"sampling_percent": "101"}, "sampling_percent"),
        ({"sampling_percent": "-1"}, "sampling_percent"),
        ({"daily_cap": 0}, "daily_cap"),
        ({"link_days": 0}, "link_days"),
        ({"survey": "nope"}, "survey"),
        ({"segments": ["nope"]}, "segments"),
        ({"weekdays": ["8"]}, "weekdays"),
        ({"condition_key_0": "converted", "condition_value_0": "yes"}, "condition_key_0"),
        ({"condition_key_0": "severity", "condition_value_0": ""}, "condition_value_0"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(client, cast, draft, other, field):
    client.force_login(cast.mert)
    row = of(draft.key)
    Touchpoint.objects.filter(pk=row.pk).update(event_kind="ticket.solved")
    row = of(draft.key)
    before = Touchpoint.objects.filter(pk=row.pk).values().get()
    answer = save(client, row, **other)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert f'id="id_{field}_error"' in answer.content.decode() or field in {"segments", "weekdays"}
    assert Touchpoint.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("person_replied", "Yes", True),
        ("person_replied", "HAYIR", False),
        ("severity", "1", 1),
        ("severity", "1,2", [1, 2]),
        ("channel", "phone, web", ["phone", "web"]),
        ("channel", "yes", "yes"),
    ],
)
def test_conditions_are_read_as_they_are_meant(key, text, value):
    assert read_condition(key, text) == value


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"sampling_percent": "0"}, "nobody is asked"),
        ({"reminder_after_days": 14, "link_days": 14}, "The link is dead before the reminder leaves"),
        ({"window_from": "18:00", "window_until": "09:00"}, "past midnight"),
        ({"window_from": "09:00", "window_until": "09:30"}, "less than an hour"),
        ({"valid_value": 30, "valid_unit": "hour"}, "too late to be asked"),
        ({"cool_down_days": 5}, "change nothing"),
        ({"survey": "nps", "event_kind": "trial.ended"}, "NPS and CSAT on one event"),
        ({"survey": "csat", "event_kind": "trial.ended"}, "one person gets one of the two"),
    ],
)
def test_what_is_odd_is_said_and_saved_all_the_same(client, cast, draft, other, said):
    client.force_login(cast.mert)
    looked = client.post(reverse("surveys:programme", args=[draft.key]), fields(plain_values(draft), version=1, do="look", **other), headers={"HX-Request": "true"})
    assert said in looked.content.decode().replace("&#x27;", "'")
    assert of(draft.key).version == 1
    save(client, draft, **other)
    assert of(draft.key).version == 2


def test_looking_shows_the_sentence_of_what_was_typed_and_saves_nothing(client, cast):
    client.force_login(cast.mert)
    row = of()
    sent = fields(plain_values(row), version=row.version, do="look", delay_value=3, delay_unit="hour", seen_event="ticket.solved")
    live = client.post(reverse("surveys:programme", args=[row.key]), sent, headers={"HX-Request": "true"}).content.decode()
    assert ">3 hours</a>" in live
    assert "conditions" not in live.split("</div>")[-1]
    whole = client.post(reverse("surveys:programme", args=[row.key]), sent).content.decode()
    assert ">3 hours</a>" in whole
    assert "<html" in whole
    other = client.post(reverse("surveys:programme", args=[row.key]), sent | {"event_kind": "trial.ended"}, headers={"HX-Request": "true"}).content.decode()
    assert '<option value="converted">' in other
    assert of().delay_minutes == 1440


def test_of_two_saves_the_second_sees_both_values_and_may_put_its_own_over_it(client, cast, draft):
    first, second = Client(), Client()
    first.force_login(cast.ada)
    second.force_login(cast.mert)
    save(first, draft, name="Ada's", cool_down_days=60)
    answer = save(second, draft, name="Mert's")
    assert answer.status_code == 409
    said = answer.content.decode()
    assert "<td>Ada&#x27;s</td><td>Mert&#x27;s</td>" in said
    assert "<td>60 days</td><td>30 days</td>" in said
    assert of(draft.key).name == "Ada's"
    assert answer.context["version"] == 2
    assert 'value="Mert&#x27;s"' in said
    again = second.post(reverse("surveys:programme", args=[draft.key]), fields(plain_values(draft), version=2, do="save", name="Mert's"))
    assert again.status_code == 302
    assert of(draft.key).name == "Mert's"


def test_a_change_of_a_running_programme_waits_and_is_approved_by_another(client, cast):
    mert, ada = Client(), Client()
    mert.force_login(cast.mert)
    ada.force_login(cast.ada)
    save(mert, of(), survey="nps")
    assert of().survey.key == "csat"
    assert "Another person has to approve what you proposed." in page(mert).content.decode()
    mert.post("/surveys/programmes/ticket-solved/change/approve/", {"version": of().version})
    assert of().survey.key == "csat"
    assert "Approve the change" in page(ada).content.decode()
    ada.post("/surveys/programmes/ticket-solved/change/approve/", {"version": of().version})
    assert of().survey.key == "nps"
    assert "Change proposed" in page(ada).content.decode()


def test_the_way_from_draft_to_live_by_two_people(client, cast, draft):
    mert, ada = Client(), Client()
    mert.force_login(cast.mert)
    ada.force_login(cast.ada)
    path = f"/surveys/programmes/{draft.key}/"
    mert.post(path + "hand_in/", {"version": 1, "from": "page"})
    assert of(draft.key).state == "review"
    mert.post(path + "approve/", {"version": 2, "from": "page"})
    assert of(draft.key).state == "review"
    ada.post(path + "send_back/", {"version": 2, "note": "too often", "from": "page"})
    assert of(draft.key).state == "draft"
    assert "too often" in page(mert, "surveys:programme", draft.key).content.decode()
    mert.post(path + "hand_in/", {"version": 3})
    ada.post(path + "approve/", {"version": 4})
    assert of(draft.key).state == "active"


def test_the_end_asks_for_the_name_and_says_what_it_takes_back(client, cast):
    client.force_login(cast.mert)
    planned(cast.selin, at=timezone.now() + dt.timedelta(days=1))
    row = of()
    assert "1 planned mail will not be sent." in page(client).content.decode()
    client.post("/surveys/programmes/ticket-solved/end/", {"version": row.version, "name": "something"})
    assert of().state == "active"
    client.post("/surveys/programmes/ticket-solved/end/", {"version": row.version, "name": "after a SOLVED ticket"})
    assert of().state == "ended"
    assert Invitation.objects.get().skip_reason == "ended"
    assert page(client).status_code == 200
    assert save(client, of(), name="again").status_code == 302
    assert of().name == "After a solved ticket"


def test_the_reach_counts_people_of_the_last_28_days(client, cast):
    now = timezone.now()
    for days in (1, 2, 40):
        happens(cast.selin, "ticket.solved", at=now - dt.timedelta(days=days), ticket=days, resolution=1, person_replied=True)
    happens(cast.harry, "ticket.solved", at=now - dt.timedelta(days=1), ticket=9, resolution=1, person_replied=False)
    client.force_login(cast.ada)
    assert page(client).context["reach"].people == 1
    row = of()
    row.conditions = {}
    row.save()
    assert page(client).context["reach"].people == 2
    cast.boga.segment = Segment.objects.get(key="vip")
    cast.boga.save()
    assert AccountSnapshot.objects.filter(account=cast.boga).exists()
    row.segments.set([cast.boga.segment])
    assert page(client).context["reach"].people == 1
    cast.selin.opted_out = True
    cast.selin.save()
    assert page(client).context["reach"].people == 0
