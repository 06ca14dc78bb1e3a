"""The pages of programmes: who sees and steers what, the form with its faults and oddities, conflicts, in place with undo."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountSnapshot, Installation, Segment
from surveys.actions.programme_changes import make_programme
from surveys.actions.programme_values import plain_values
from surveys.actions.programmes import take_step
from surveys.models import Invitation, Response, SendingHold, Survey, Touchpoint
from surveys.programme_forms import empty_values, initial_of, read_condition
from tests.surveys.making import happens, planned

pytestmark = pytest.mark.django_db
PAGE = ["surveys:programme", ["ticket-solved"]]
READ = ("ada", "mert", "elif_", "vera")


def page(client, name="surveys:programme", *args, **query):
    return client.get(reverse(name, args=args or (["ticket-solved"] if name == "surveys:programme" else [])), query)


def fields(values, **other):
    """What the form of these values sends."""
    sent = {name: value for name, value in initial_of(values).items() if value is not None and value is not False}
    return {**sent, "window_from": values["window_from"], "window_until": values["window_until"], "segments": values["segments"], **other}


def of(key="ticket-solved"):
    return Touchpoint.objects.get(key=key)


def save(client, row, **other):
    return client.post(reverse("surveys:programme", args=[row.key]), fields(plain_values(row), version=row.version, do="save", **other))


@pytest.fixture
def draft(cast):
    values = empty_values(Survey.objects.get(key="csat")) | {"name": "After a milestone", "event_kind": "usage.milestone"}
    return make_programme(values=values, actor=cast.mert, now=timezone.now())


# ── who ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/surveys/", "/surveys/programmes/new/", "/surveys/programmes/ticket-solved/", "/surveys/settings/"])
def test_strangers_are_sent_to_the_login(client, path):
    assert client.get(path)["Location"].startswith("/login/")


@pytest.mark.parametrize(
    "path", ["/surveys/programmes/ticket-solved/", "/surveys/programmes/ticket-solved/pause/", "/surveys/programmes/ticket-solved/change/approve/", "/surveys/settings/"]
)
def test_posts_of_strangers_change_nothing(client, db, path):
    before = Touchpoint.objects.filter(key="ticket-solved").values().get()
    assert client.post(path)["Location"].startswith("/login/")
    assert Touchpoint.objects.filter(key="ticket-solved").values().get() == before


@pytest.mark.parametrize("who", READ)
@pytest.mark.parametrize("language", ["en", "tr"])
def test_readers_open_the_overview_and_every_programme(client, cast, who, language):
    user = getattr(cast, who)
    user.language = language
    user.save()
    client.force_login(user)
    assert page(client, "surveys:overview").status_code == 200
    for row in Touchpoint.objects.all():
        assert page(client, "surveys:programme", row.key).status_code == 200


def test_analysts_see_figures_alone_and_agents_nothing(client, cast):
    client.force_login(cast.ana)
    assert page(client, "surveys:overview").status_code == 200
    assert b"/surveys/programmes/" not in page(client, "surveys:overview").content
    assert page(client).status_code == 404
    client.force_login(cast.deniz)
    assert page(client, "surveys:overview").status_code == 404
    assert page(client).status_code == 404
    assert b'href="/surveys/"' not in client.get("/tickets/").content


def test_an_unknown_programme_is_404(client, cast):
    client.force_login(cast.ada)
    assert page(client, "surveys:programme", "nope").status_code == 404
    assert client.post("/surveys/programmes/ticket-solved/nonsense/").status_code == 404
    assert client.post("/surveys/programmes/ticket-solved/change/nonsense/").status_code == 404


@pytest.mark.parametrize(("who", "status"), [("elif_", 403), ("vera", 403), ("ana", 404), ("deniz", 404)])
def test_who_only_reads_changes_nothing(client, cast, who, status):
    client.force_login(getattr(cast, who))
    row = of()
    before = Touchpoint.objects.filter(pk=row.pk).values().get()
    assert save(client, row, name="Mine").status_code == status
    for path in ("pause", "end", "change/approve", "change/drop"):
        assert client.post(f"/surveys/programmes/{row.key}/{path}/", {"version": row.version, "name": "After a solved ticket"}).status_code == status
    assert client.post(reverse("surveys:programme_new"), {"quick": 1, "event": "usage.milestone"}).status_code == status
    assert Touchpoint.objects.filter(pk=row.pk).values().get() == before
    assert Touchpoint.objects.count() == 7
    assert row.steps.count() == 0


def test_getting_never_changes_anything(client, cast, draft):
    client.force_login(cast.ada)
    before = list(Touchpoint.objects.order_by("id").values())
    for path in ("/surveys/", f"/surveys/programmes/{draft.key}/", "/surveys/programmes/new/?copy=ticket-solved", "/surveys/settings/"):
        assert client.get(path).status_code == 200
    for path in ("pause", "end", "approve", "change/approve"):
        assert client.get(f"/surveys/programmes/{draft.key}/{path}/").status_code == 405
    assert list(Touchpoint.objects.order_by("id").values()) == before


# ── the overview ────────────────────────────────────────────────────────────


def test_programmes_stand_as_sentences_with_state_figures_and_what_comes_next(client, cast):
    now = timezone.now()
    sent = planned(cast.selin, at=now, status="answered", sent_at=now, answered_at=now)
    Response.objects.create(
        invitation=sent, survey=of().survey, kind="csat", touchpoint=of(), account=cast.boga, contact=cast.selin, answered_at=now, score=5, scale_min=1, scale_max=5
    )
    planned(cast.selin, at=now + dt.timedelta(days=3), wave="soon")
    planned(cast.selin, at=now + dt.timedelta(days=9), wave="later")
    SendingHold.objects.create(touchpoint=of("trial-ended"), reason="bounces", held_at=now)
    client.force_login(cast.ada)
    text = page(client, "surveys:overview").content.decode()
    assert "1 day after a ticket is solved, ask the person who opened it the “Satisfaction (CSAT)” survey" in text
    assert "Mails wait: too many bounces" in text
    entry = next(one for one in page(client, "surveys:overview").context["entries"] if one["row"].key == "ticket-solved")["entry"]
    assert (entry.flow.sent, entry.flow.answered, entry.score.answers, entry.score.few, entry.next_week) == (1, 1, 1, True, 1)


def test_a_csm_counts_the_own_book_alone(client, cast):
    now = timezone.now()
    planned(cast.selin, at=now, status="sent", sent_at=now)
    planned(cast.harry, at=now, status="sent", sent_at=now)
    client.force_login(cast.can)
    entry = next(one for one in page(client, "surveys:overview").context["entries"] if one["row"].key == "ticket-solved")["entry"]
    assert entry.flow.sent == 1


def test_nps_counts_the_latest_answer_of_a_contact_once(client, cast):
    now, row = timezone.now(), of("relationship-nps")
    for days, score in ((50, 0), (3, 10)):
        Response.objects.create(
            survey=row.survey, kind="nps", touchpoint=row, account=cast.boga, contact=cast.selin, answered_at=now - dt.timedelta(days=days), score=score, scale_min=0, scale_max=10
        )
    client.force_login(cast.ada)
    entry = next(one for one in page(client, "surveys:overview").context["entries"] if one["row"].key == "relationship-nps")["entry"]
    assert entry.score.answers == 1


def test_answers_on_another_scale_are_no_part_of_the_score(client, cast):
    now, row = timezone.now(), of()
    for number in range(6):
        Response.objects.create(survey=row.survey, kind="csat", touchpoint=row, account=cast.boga, answered_at=now, score=5, scale_min=1, scale_max=5, external_id=f"five-{number}")
        Response.objects.create(
            survey=row.survey, kind="csat", touchpoint=row, account=cast.boga, answered_at=now, score=3, scale_min=1, scale_max=3, external_id=f"three-{number}"
        )
    client.force_login(cast.ada)
    entry = next(one for one in page(client, "surveys:overview").context["entries"] if one["row"].key == "ticket-solved")["entry"]
    assert (entry.score.answers, entry.score.value) == (6, "100%")


def test_moments_nobody_asks_about_become_a_draft_at_one_press(client, cast):
    for _number in range(3):
        happens(cast.selin, "usage.milestone", at=timezone.now() - dt.timedelta(days=2))
    happens(cast.selin, "payment.recovered", at=timezone.now() - dt.timedelta(days=100))
    client.force_login(cast.mert)
    assert [(gap["kind"], gap["count"]) for gap in page(client, "surveys:overview").context["gaps"]] == [("usage.milestone", 3)]
    answer = client.post(reverse("surveys:programme_new"), {"quick": 1, "event": "usage.milestone"})
    row = Touchpoint.objects.get(event_kind="usage.milestone")
    assert answer["Location"] == reverse("surveys:programme", args=[row.key])
    assert (row.state, row.author, row.name, row.survey.kind) == ("draft", cast.mert, "A milestone in the product is reached", "csat")
    assert page(client, "surveys:overview").context["gaps"] == []
    assert client.post(reverse("surveys:programme_new"), {"quick": 1, "event": "mail.bounced"}).status_code == 404
    client.force_login(cast.vera)
    assert page(client, "surveys:overview").context["gaps"] == []


def test_pausing_in_place_answers_with_the_row_and_can_be_taken_back(client, cast):
    client.force_login(cast.mert)
    row = of()
    answer = client.post(f"/surveys/programmes/{row.key}/pause/", {"version": row.version}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert b'data-state="paused"' in answer.content
    undo = json.loads(answer["HX-Trigger"])["toast"]["undo"]
    assert of().state == "paused"
    back = client.post(undo, headers={"HX-Request": "true"})
    assert (back["HX-Refresh"], of().state) == ("true", "active")
    assert client.post(undo, headers={"HX-Request": "true"}).status_code == 200
    assert of().steps.count() == 2


def test_a_step_on_what_was_seen_too_long_ago_is_refused(client, cast):
    client.force_login(cast.mert)
    row = of()
    Touchpoint.objects.filter(pk=row.pk).update(version=9)
    answer = client.post(f"/surveys/programmes/{row.key}/pause/", {"version": row.version}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert of().state == "active"
    assert client.post(f"/surveys/programmes/{row.key}/pause/").status_code == 302
    assert of().state == "active"


QUERIES = {"/surveys/": 18, "/surveys/programmes/ticket-solved/": 26, "/surveys/programmes/new/": 13, "/surveys/settings/": 5}


def asked(client, path):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_pages_ask_a_fixed_number_of_questions(client, cast):
    now = timezone.now()
    client.force_login(cast.ada)
    client.get("/surveys/")
    assert {path: asked(client, path) for path in QUERIES} == QUERIES
    for number in range(12):
        values = empty_values(Survey.objects.get(key="csat")) | {"name": f"P {number}", "segments": ["vip"]}
        row = make_programme(values=values, actor=cast.mert, now=now)
        planned(cast.selin, at=now, touchpoint=row.key, status="sent", sent_at=now)
    assert {path: asked(client, path) for path in QUERIES} == QUERIES


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
    from django.contrib.admin.models import LogEntry

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
