"""An installation's own reader of sentiment: trained on scored answers, measured, in use only when a person says so."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from accounts.actions.verbatim_sweeps import sweep_outdated
from accounts.models import TextClassifier, Verbatim
from accounts.text.classifier import TooFewAnswers
from surveys.actions.verbatims import read_answers, scored_counts, speaks_well, train_classifier, use_classifier
from surveys.models import Response, Survey
from tests.surveys.making import NOW

pytestmark = pytest.mark.django_db
GOOD = ["splendid zorbing experience", "the zorbing crew was quick", "zorbing again with joy"]
BAD = ["the quagga broke down", "quagga trouble every week", "no one mends the quagga"]


def answers(cast, each: int) -> None:
    """Comments whose words only this installation knows: zorbing is good here, quagga bad."""
    survey = Survey.objects.get(key="nps")
    common = {"survey": survey, "kind": "nps", "scale_min": 0, "scale_max": 10, "answered_at": NOW, "account": cast.north, "contact": cast.harry, "language": "en"}
    Response.objects.bulk_create(
        [Response(score=score, comment=f"{texts[number % 3]}, visit {number}", **common) for number in range(each) for score, texts in ((10, GOOD), (2, BAD))]
    )
    read_answers(now=dt.datetime.now(dt.UTC), since=None)


@pytest.mark.parametrize(
    ("kind", "score", "low", "high", "direction", "says"),
    [("nps", 9, 0, 10, "high_good", True), ("nps", 8, 0, 10, "high_good", None), ("nps", 6, 0, 10, "high_good", False), ("csat", 4, 1, 5, "high_good", True),
     ("csat", 3, 1, 5, "high_good", None), ("ces", 1, 1, 7, "low_good", True), ("csat", 9, 1, 5, "high_good", None)],
)  # fmt: skip
def test_what_a_score_says_of_its_comment(kind, score, low, high, direction, says):
    assert speaks_well(kind, score, low, high, direction) is says


def test_too_few_answers_teach_nothing(cast):
    answers(cast, 20)
    assert scored_counts("en") == (20, 20)
    with pytest.raises(TooFewAnswers):
        train_classifier(language="en", now=NOW, actor=cast.ada)
    assert not TextClassifier.objects.exists()


def test_a_trained_reader_knows_the_own_words_once_it_is_in_use(cast):
    answers(cast, 110)
    row = train_classifier(language="en", now=NOW, actor=cast.ada)
    assert (row.rows, row.active) == (220, False)
    assert row.measured["balanced_accuracy"] > 0.9
    assert sweep_outdated(now=NOW) == 0
    use_classifier(pk=row.pk, use=True)
    assert sweep_outdated(now=NOW) == 220
    assert set(Verbatim.objects.filter(text__contains="quagga").values_list("sentiment", flat=True)) == {"negative"}
    assert set(Verbatim.objects.filter(text__contains="zorbing").values_list("sentiment", flat=True)) == {"positive"}
    second = train_classifier(language="en", now=NOW + dt.timedelta(days=1), actor=cast.ada)
    use_classifier(pk=second.pk, use=True)
    assert list(TextClassifier.objects.filter(active=True)) == [second]


def test_pages_are_the_admins(cast):
    row = TextClassifier.objects.create(language="en", trained_at=NOW, rows=200, measured={"balanced_accuracy": 0.9, "low": 0.88, "high": 0.92}, weights=b"")
    for person, status in ((cast.ada, 200), (cast.mert, 403), (cast.ana, 403)):
        client = Client()
        client.force_login(person)
        assert client.get("/surveys/classifiers/").status_code == status
        if status == 403:
            assert client.post(f"/surveys/classifiers/{row.pk}/use/", {"use": "1"}).status_code == 403
            assert client.post("/surveys/classifiers/train/", {"language": "en"}).status_code == 403
    assert not TextClassifier.objects.filter(active=True).exists()
    assert Client().get("/surveys/classifiers/").status_code == 302
    admin = Client()
    admin.force_login(cast.ada)
    assert admin.post("/surveys/classifiers/train/", {"language": "xx"}).status_code == 400
