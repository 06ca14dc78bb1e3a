"""What the readers are worth on real, scored answers (which lie beside the project, or the tests are skipped)."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.text.evaluation import LEARNT_BAR, LISTS_BAR, SETS, by_learning, by_lists, held_back
from tests.shared_data import data_folder

BY_NAME = {chosen.name: chosen for chosen in SETS}


def rows_of(name):
    return BY_NAME[name].read(data_folder(name).parent)


@pytest.mark.parametrize(("name", "good", "bad"), [("nps_verbatims_en", 465, 849), ("csat_verbatims_en_nhs", 4229, 502), ("reviews_tr", 2767, 2838)])
def test_each_set_has_the_rows_its_origin_counts(name, good, bad):
    rows = rows_of(name)
    assert (sum(row.good for row in rows), sum(not row.good for row in rows)) == (good, bad)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_shipped_lists_reach_their_bar_on_all_answers(name):
    result = by_lists(BY_NAME[name], rows_of(name))[0]
    assert result.rates.balanced >= LISTS_BAR, result.as_dict()


# learning from thousands of long texts takes minutes
@pytest.mark.parametrize("name", ["nps_verbatims_en", pytest.param("reviews_tr", marks=pytest.mark.soak)])
def test_a_classifier_reaches_its_bar_on_answers_it_has_not_seen(name):
    (result,) = by_learning(BY_NAME[name], rows_of(name))
    assert result.rates.balanced >= LEARNT_BAR, result.as_dict()


@pytest.mark.soak
def test_where_the_score_is_not_in_the_text_the_classifier_comes_as_near_as_a_person():
    # people who read these comments tell the score with 0.86; the text has no more to say
    by_score, by_person = by_learning(BY_NAME["csat_verbatims_en_nhs"], rows_of("csat_verbatims_en_nhs"))
    person = next(result for result in by_lists(BY_NAME["csat_verbatims_en_nhs"], rows_of("csat_verbatims_en_nhs")) if result.reader == "a person, against the score")
    assert person.rates.balanced < LEARNT_BAR
    assert by_score.rates.balanced >= person.rates.balanced - 0.05
    assert by_person.rates.balanced >= LEARNT_BAR


def test_the_split_is_fixed_by_the_text_alone():
    assert held_back("Very  good") == held_back("very good")
    assert 150 < sum(held_back(f"text {number}") for number in range(1000)) < 250


def test_the_command_prints_a_line_for_each_set_and_reader(tmp_path):
    folder = data_folder("reviews_tr").parent
    out = StringIO()
    call_command("evaluate-text", data=folder, json=True, lists_only=True, stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {line["set"] for line in lines} == set(BY_NAME)
    assert all(line["low"] < line["balanced_accuracy"] < line["high"] for line in lines)
    assert {line["met"] for line in lines if line["bar"]} == {True}
    with pytest.raises(CommandError):
        call_command("evaluate-text", data=tmp_path, stdout=StringIO())
