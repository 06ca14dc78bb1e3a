"""Surveys, touchpoints, invitations and answers by the API."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import AccountEvent, Contact
from surveys.models import Invitation, Response, Survey, Touchpoint
from tests.api_client import ApiClient, fields_of

pytestmark = pytest.mark.django_db


def test_the_shipped_surveys_and_touchpoints_are_told(cast):
    client = ApiClient(cast.elif_, "surveys:read")
    surveys = client.get("/surveys/?kind=nps").json()["results"]
    assert [(one["key"], one["versions"][0]["scale_min"], one["versions"][0]["scale_max"], one["versions"][0]["languages"]) for one in surveys] == [("nps", 0, 10, ["en", "tr"])]
    assert client.get(f"/surveys/{surveys[0]['id']}/").json() == surveys[0]
    touchpoints = client.get("/touchpoints/").json()["results"]
    assert {one["key"] for one in touchpoints} == set(Touchpoint.objects.values_list("key", flat=True))
    assert client.get(f"/touchpoints/{touchpoints[0]['id']}/").json() == touchpoints[0]
    assert client.get("/touchpoints/999999/").status_code == 404


def test_asking_now_is_decided_by_the_rules_and_told(cast):
    client = ApiClient(cast.elif_, "invitations:write", "surveys:read")
    first = client.post("/invitations/", {"contact": "selin", "survey": "nps"})
    assert first.status_code == 201, first.content
    told = first.json()
    # at night or on a Sunday it waits for the contact's decent hours, else it goes at once
    assert told["outcome"] in {"send", "hold"}
    assert (told["status"], told["contact"], told["account"], told["survey"]) == ("planned", "selin", "boga", "nps")
    assert AccountEvent.objects.get(kind="survey.requested").origin == "api"
    second = client.post("/invitations/", {"contact": "selin", "survey": "csat"})
    assert (second.json()["outcome"], second.json()["skip_reason"], second.json()["status"]) == ("skip", "fatigue_contact", "skipped")
    page = client.get("/invitations/?contact=selin&ordering=decided_at").json()["results"]
    assert [one["id"] for one in page] == [told["id"], second.json()["id"]]
    assert client.get(f"/invitations/{told['id']}/").json() == page[0]
    assert client.get("/invitations/?status=skipped").json()["results"] == [page[1]]


def test_who_refused_is_not_asked(cast):
    Contact.objects.filter(pk=cast.selin.pk).update(opted_out=True)
    told = ApiClient(cast.ada).post("/invitations/", {"contact": "selin", "survey": "nps"}).json()
    assert (told["outcome"], told["skip_reason"]) == ("skip", "no_consent")


def test_the_same_request_is_one_invitation(cast):
    client = ApiClient(cast.ada)
    answers = [client.post("/invitations/", {"contact": "selin", "survey": "nps"}, Idempotency_Key="ask-1") for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"survey": "nps"}, "contact"),
        ({"contact": "harry", "survey": "nps"}, "contact"),
        ({"contact": "selin"}, "survey"),
        ({"contact": "selin", "survey": "nps", "touchpoint": "x"}, "touchpoint"),
        ({"contact": "selin", "survey": "mood"}, "survey"),
        ({"contact": "selin", "survey": "nps", "status": "sent"}, "status"),
    ],
)
def test_a_faulty_ask_is_refused(cast, body, field):
    answer = ApiClient(cast.elif_).post("/invitations/", body)
    assert (answer.status_code, list(fields_of(answer))) == (400, [field])
    assert Invitation.objects.count() == 0


def test_asking_is_a_scope_of_its_own_and_not_for_lookers(cast):
    assert ApiClient(cast.ada, "surveys:read").post("/invitations/", {"contact": "selin", "survey": "nps"}).status_code == 403
    assert ApiClient(cast.vera).post("/invitations/", {"contact": "selin", "survey": "nps"}).status_code == 403
    assert Invitation.objects.count() == 0


def test_the_dry_run_names_decisions_in_scope_and_writes_nothing(cast):
    touchpoint = Touchpoint.objects.filter(event_kind="onboarding.completed").first()
    assert touchpoint is not None
    admin = ApiClient(cast.ada)
    now = timezone.now()
    for key in ("boga", "north"):
        admin.post("/events/", {"account": key, "kind": "onboarding.completed", "occurred_at": now.isoformat()})
    path = f"/touchpoints/{touchpoint.pk}/plan/"
    told = admin.get(path).json()
    assert {(line["account"], line["contact"]) for line in told["results"]} == {("boga", "selin"), ("north", "harry")}
    assert {line["decision"] for line in told["results"]} <= {"send", "hold", "skip"}
    assert [line["account"] for line in ApiClient(cast.elif_).get(path).json()["results"]] == ["boga"]
    assert ApiClient(cast.ana).get(path).json()["results"] == []
    later = (now + dt.timedelta(days=60)).isoformat().replace("+", "%2B")
    assert admin.get(f"{path}?as_of={later}").status_code == 200
    assert fields_of(admin.get(f"{path}?as_of=soon")) == {"as_of": "invalid"}
    assert admin.get("/touchpoints/999999/plan/").status_code == 404
    assert Invitation.objects.count() == 0


def test_answers_are_read_by_those_who_may_see_the_account(cast):
    survey = Survey.objects.get(key="nps")
    answered = timezone.now()
    answer = Response.objects.create(survey=survey, kind="nps", account=cast.boga, contact=cast.selin, score=3, scale_min=0, scale_max=10, answered_at=answered, comment="Slow")
    client = ApiClient(cast.elif_)
    page = client.get("/responses/?kind=nps").json()["results"]
    assert [(one["id"], one["score"], one["comment"], one["contact"], one["survey"]) for one in page] == [(str(answer.pk), 3, "Slow", "selin", "nps")]
    first = client.get(f"/responses/{answer.pk}/")
    assert first.json() == page[0]
    assert client.get(f"/responses/{answer.pk}/", If_None_Match=first["ETag"]).status_code == 304
    for other in (cast.can, cast.ana):
        assert ApiClient(other).get("/responses/").json()["results"] == []
        assert ApiClient(other).get(f"/responses/{answer.pk}/").status_code == 404
