"""The pages of programmes: who sees and steers what, the overview, in place with undo."""

import datetime as dt
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from surveys.actions.programme_changes import make_programme
from surveys.models import Response, SendingHold, Survey, Touchpoint
from surveys.programme_forms import empty_values
from tests.surveys.making import happens, planned
from tests.surveys.programme_pages import of, page, save

pytestmark = pytest.mark.django_db
READ = ("ada", "mert", "elif_", "vera")


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


MOST = {"/surveys/": 19, "/surveys/programmes/ticket-solved/": 28, "/surveys/programmes/new/": 15, "/surveys/settings/": 7}


def asked(client, path):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def test_pages_ask_a_fixed_number_of_questions(client, cast):
    now = timezone.now()
    client.force_login(cast.ada)
    client.get("/surveys/")
    few = {path: asked(client, path) for path in MOST}
    assert {path: count for path, count in few.items() if count > MOST[path]} == {}
    for number in range(12):
        values = empty_values(Survey.objects.get(key="csat")) | {"name": f"P {number}", "segments": ["vip"]}
        row = make_programme(values=values, actor=cast.mert, now=now)
        planned(cast.selin, at=now, touchpoint=row.key, status="sent", sent_at=now)
    assert {path: asked(client, path) for path in MOST} == few
