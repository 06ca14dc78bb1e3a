"""NPS and CSAT through the database: other people's worked cases, populations, intervals, breakdowns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from metrics.kpis.engine import WrongQuestion, answer
from surveys.models import Response, Survey
from tests.shared_data import cases

pytestmark = pytest.mark.django_db
AT = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def respond(kind, score, *, scale, at=AT, contact=None, account=None, **more):
    survey, _ = Survey.objects.get_or_create(key=f"t-{kind}", defaults={"name": kind, "kind": kind})
    return Response.objects.create(survey=survey, kind=kind, score=score, scale_min=scale[0], scale_max=scale[1], answered_at=at, contact=contact, account=account, **more)


def ask(name, variant=None, start="2024-01-01", end="2024-07-01", **more):
    return answer(name=name, variant=variant, start=start, end=end, now=NOW, **more)


def scores_of(given):
    """The scores a case gives, in whichever shape."""
    if "scores" in given:
        return given["scores"]
    if "score_counts" in given:
        return [int(score) for score, count in given["score_counts"].items() for _ in range(count)]
    if "promoters" in given:
        return [9] * given["promoters"] + [7] * given["passives"] + [2] * given["detractors"]
    if "promoter_share" in given:
        promoters, detractors = round(given["promoter_share"] * 100), round(given["detractor_share"] * 100)
        return [9] * promoters + [2] * detractors + [8] * (100 - promoters - detractors)
    if "satisfied" in given:
        return [5] * given["satisfied"] + [1] * (given["responses"] - given["satisfied"])
    return None


@pytest.mark.parametrize("case", cases("nps"))
def test_nps_cases(case, cast):
    given, expected = case["input"], case["expected"]
    if "responses" in given:
        for row in given["responses"]:
            respond("nps", row["score"], scale=(0, 10), at=dt.datetime.fromisoformat(row["at"]), contact=cast.selin, account=cast.boga)
        latest = ask("nps")
        assert float(latest["value"]) == expected["nps"]
        assert latest["parts"]["respondents"] == expected["respondents"]
        assert float(ask("nps", params={"answers": "all_responses"})["value"]) == expected["nps_all_responses"]
        return
    variant = case["variant"]
    for score in scores_of(given):
        respond("nps", score, scale=(1 if variant == "nps_1_10" else 0, 10))
    value = ask("nps", variant)["value"]
    if expected is None:
        assert value is None
    else:
        assert float(value) == pytest.approx(expected, abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("csat"))
def test_csat_cases(case):
    for score in scores_of(case["input"]):
        respond("csat", score, scale=(1, 5))
    expected = case["expected"]
    expected = expected["csat"] if isinstance(expected, dict) else expected
    assert float(ask("csat", case["variant"])["value"]) == pytest.approx(expected, abs=case["tolerance"])


def test_the_documented_answer_to_the_letter():
    for score in [9] * 100 + [7] * 80 + [2] * 20:
        respond("nps", score, scale=(0, 10), at=dt.datetime(2026, 1, 10, tzinfo=dt.UTC))
    got = answer(name="nps", start="2026-01-01", end="2026-02-01", now=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    low, high = got.pop("interval_95")
    assert [Decimal(edge).quantize(Decimal("1e-8")) for edge in (low, high)] == [Decimal("30.80678511"), Decimal("49.19321489")]
    assert got == {
        "kpi": "nps", "variant": "nps_0_10", "params": {}, "start": "2026-01-01", "end": "2026-02-01", "segment": None, "filters": {}, "as_of": None,
        "value": "40", "unit": "points", "numerator": "80", "denominator": "200",
        "parts": {"promoters": 100, "passives": 80, "detractors": 20, "responses": 200, "respondents": 200, "invalid": 0},
        "partial": False, "flags": [], "missing": [],
    }  # fmt: skip


def test_scales_are_never_pooled():
    respond("nps", 10, scale=(0, 10))
    respond("nps", 1, scale=(1, 10))
    assert ask("nps", "nps_0_10")["value"] == "100"
    assert ask("nps", "nps_1_10")["value"] == "-100"


def test_a_zero_is_invalid_on_the_scale_from_one():
    respond("nps", 0, scale=(1, 10))
    respond("nps", 9, scale=(1, 10))
    got = ask("nps", "nps_1_10")
    assert (got["value"], got["parts"]["invalid"]) == ("100", 1)


def test_suspected_automatic_other_people_and_test_answers_do_not_count():
    respond("nps", 10, scale=(0, 10))
    respond("nps", 0, scale=(0, 10), is_suspect=True)
    respond("nps", 0, scale=(0, 10), respondent="other")
    respond("nps", 0, scale=(0, 10), test=True)
    got = ask("nps")
    assert (got["value"], got["parts"]["responses"], got["parts"]["invalid"]) == ("100", 1, 0)


def test_excluded_accounts_never_count(cast):
    respond("nps", 0, scale=(0, 10), account=cast.north)
    cast.north.excluded = True
    cast.north.save()
    assert ask("nps")["value"] is None


def test_an_answer_at_the_start_counts_and_one_at_the_end_does_not():
    respond("nps", 10, scale=(0, 10), at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    respond("nps", 0, scale=(0, 10), at=dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
    assert ask("nps")["parts"]["detractors"] == 0
    assert ask("nps")["parts"]["promoters"] == 1


def test_days_are_cut_in_the_organisations_zone(settings):
    settings.ORGANISATION_TIME_ZONE = "Europe/Istanbul"
    respond("nps", 10, scale=(0, 10), at=dt.datetime(2023, 12, 31, 21, 0, tzinfo=dt.UTC))
    respond("nps", 0, scale=(0, 10), at=dt.datetime(2023, 12, 31, 20, 59, 59, tzinfo=dt.UTC))
    assert ask("nps", start="2024-01-01", end="2024-01-02")["value"] == "100"


def test_a_ticket_rated_twice_counts_once_by_the_latest():
    respond("csat", 1, scale=(1, 5), ticket_id=7)
    respond("csat", 5, scale=(1, 5), ticket_id=7, at=AT + dt.timedelta(hours=1))
    got = ask("csat")
    assert (got["value"], got["denominator"]) == ("1", "1")


def test_a_scale_with_the_good_end_low_is_mirrored():
    respond("csat", 1, scale=(1, 5), direction="low_good")
    assert ask("csat")["parts"]["score_5"] == 1


def test_as_of_stops_the_count_and_marks_the_figure_partial():
    respond("nps", 10, scale=(0, 10))
    respond("nps", 0, scale=(0, 10), at=AT + dt.timedelta(days=10))
    got = ask("nps", as_of="2024-03-02")
    assert (got["value"], got["partial"], got["as_of"]) == ("100", True, "2024-03-02")


def test_groups_and_filters_agree(cast):
    respond("nps", 10, scale=(0, 10), account=cast.boga, language="tr")
    respond("nps", 0, scale=(0, 10), account=cast.north, language="en")
    respond("nps", 8, scale=(0, 10))
    groups = {group["key"]: group for group in ask("nps", by="language")["groups"]}
    assert {key: group["value"] for key, group in groups.items()} == {"tr": "100", "en": "-100", None: "0"}
    assert ask("nps", filters={"language": "tr"})["value"] == "100"
    assert ask("nps", filters={"language": ""})["value"] == "0"
    assert ask("nps", filters={"owner": "elif@vefa.test"})["value"] == "100"


def test_intervals_cut_the_period_at_calendar_boundaries():
    respond("nps", 10, scale=(0, 10), at=dt.datetime(2024, 1, 31, 23, tzinfo=dt.UTC))
    series = ask("nps", start="2024-01-15", end="2024-03-10", interval="month")["series"]
    assert [(piece["start"], piece["end"], piece["value"]) for piece in series] == [
        ("2024-01-15", "2024-02-01", "100"), ("2024-02-01", "2024-03-01", None), ("2024-03-01", "2024-03-10", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ({"name": "npss"}, "csat, .*mrr, .*nps"),
        ({"name": "nps", "variant": "nps_2"}, "nps_0_10, nps_1_10"),
        ({"name": "nps", "params": {"answers": "some"}}, "latest_per_contact"),
        ({"name": "nps", "params": {"x": "1"}}, "survey, answers"),
        ({"name": "nps", "by": "moon"}, "lifecycle_stage"),
        ({"name": "nps", "filters": {"moon": "full"}}, "lifecycle_stage"),
        ({"name": "nps", "segment": "gold"}, "vip"),
        ({"name": "nps", "start": "2024-13-01"}, "YYYY-MM-DD"),
        ({"name": "nps", "start": "2024-07-01"}, "not after"),
    ],
)
def test_wrong_questions_name_what_is_allowed(question, names):
    with pytest.raises(WrongQuestion, match=names):
        answer(**{"start": "2024-01-01", "end": "2024-07-01", "now": NOW, **question})
