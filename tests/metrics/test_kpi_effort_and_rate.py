"""CES and response rate through the database and through imports: worked cases, populations, intervals, breakdowns."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from accounts.models import Segment, SegmentMembership
from config.imports import load_rows
from metrics.kpis.catalogue import CATALOGUE
from metrics.kpis.engine import WrongQuestion, answer
from surveys.models import Response, Survey
from surveys.scoring import nps_interval, t_interval, wilson_interval
from tests.metrics.test_kpi_voice import AT, NOW, ask, respond, scores_of
from tests.shared_data import cases
from tests.surveys.making import link_to, planned

pytestmark = pytest.mark.django_db
SEVEN = (1, 7)


@pytest.mark.parametrize("case", cases("ces"))
def test_effort_cases(case):
    for score in scores_of(case["input"]):
        respond("ces", score, scale=SEVEN)
    assert float(ask("ces", case["variant"])["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("ces"))
def test_effort_cases_through_an_import(case):
    scores = scores_of(case["input"])
    report = load_rows("responses", [{"external_id": f"e{n}", "kind": "ces", "score": score, "answered_at": "2024-03-01T12:00:00Z"} for n, score in enumerate(scores)], now=NOW)
    assert report.created == len(scores)
    assert float(ask("ces", case["variant"])["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])


# 2 hard (1, 3), 1 neutral (4), 3 that agree (5, 6, 7), of which two are easy by the index
SCORES = [1, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("variant", "value", "unit", "groups", "interval"),
    [
        ("mean_7", "4.33333333333", "scale", (3, 1, 2), t_interval({1: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1})),
        ("agree_share_7", "0.5", "fraction", (3, 1, 2), wilson_interval(3, 6)),
        ("index_7", "0", "points", (2, 2, 2), nps_interval(2, 2, 2)),
    ],
)
def test_effort_by_its_three_readings(variant, value, unit, groups, interval):
    for score in [*SCORES, 9]:
        respond("ces", score, scale=SEVEN)
    got = ask("ces", variant)
    assert (got["value"], got["unit"]) == (value, unit)
    assert tuple(got["parts"][name] for name in ("easy", "neutral", "hard")) == groups
    assert (got["parts"]["responses"], got["parts"]["invalid"], got["parts"]["score_7"]) == (6, 1, 1)
    assert [Decimal(edge).quantize(Decimal("1e-9")) for edge in got["interval_95"]] == [edge.quantize(Decimal("1e-9")) for edge in interval]


def test_effort_of_five_points_where_low_is_good_is_a_question_of_its_own():
    respond("ces", 2, scale=(1, 5), direction="low_good")
    respond("ces", 1, scale=(1, 5), direction="low_good")
    respond("ces", 5, scale=(1, 5))
    respond("ces", 7, scale=SEVEN)
    respond("ces", 1, scale=SEVEN, direction="low_good")
    got = ask("ces", "mean_5_effort")
    assert (got["value"], got["denominator"]) == ("1.5", "2")
    assert set(got["parts"]) == {"responses", "invalid", "score_1", "score_2", "score_3", "score_4", "score_5"}
    assert ask("ces")["value"] == "7"
    assert (CATALOGUE["ces"].good_of("mean_5_effort"), CATALOGUE["ces"].good_of("mean_7")) == ("down", "up")


def test_effort_over_nothing_is_null():
    for variant in CATALOGUE["ces"].variants:
        got = ask("ces", variant)
        assert (got["value"], got["interval_95"], got["denominator"]) == (None, None, "0")


def test_effort_counts_a_ticket_once_and_breaks_down_by_agent(cast):
    respond("ces", 1, scale=SEVEN, ticket_id=7, agent_id=cast.deniz.pk)
    respond("ces", 6, scale=SEVEN, ticket_id=7, at=AT + dt.timedelta(hours=1), agent_id=cast.deniz.pk)
    respond("ces", 2, scale=SEVEN, ticket_id=8, agent_email="out@side.test")
    got = ask("ces", by="agent")
    assert (got["value"], got["denominator"]) == ("4", "2")
    assert {group["key"]: group["value"] for group in got["groups"]} == {"deniz@vefa.test": "6", "out@side.test": "2"}


def sent(contact, number, **fields):
    """An invitation that left on the day of the tests."""
    return planned(contact, survey=fields.pop("survey", "nps"), touchpoint=None, at=AT, wave=f"w{number}", **{"status": "sent", "sent_at": AT, **fields})


def answered(contact, number, score=9, *, after=dt.timedelta(hours=2), **fields):
    """One that was answered."""
    invitation = sent(contact, number, status="answered", answered_at=AT + after)
    return respond("nps", score, scale=(0, 10), at=AT + after, contact=contact, account=contact.account, invitation=invitation, invited_at=AT, **fields)


@pytest.mark.parametrize("case", cases("response_rate"))
def test_response_rate_cases_through_an_import(case):
    given = case["input"]
    bounced = given["sent"] - given.get("delivered", given["sent"])
    rows = [
        {"external_id": f"r{n}", "kind": "nps", "invited_at": "2024-03-01T10:00:00Z", "bounced": "true" if n >= given["sent"] - bounced else "false"}
        | ({"score": 9, "answered_at": "2024-03-02T10:00:00Z"} if n < given["completed"] else {"score": None, "answered_at": None})
        for n in range(given["sent"])
    ]
    assert load_rows("responses", rows, now=NOW).created == given["sent"]
    got = ask("response_rate", case["variant"])
    assert float(got["value"]) == pytest.approx(case["expected"], abs=case["tolerance"])
    assert (got["parts"]["sent"], got["parts"]["bounced"], got["parts"]["completed"]) == (given["sent"], bounced, given["completed"])
    low, high = wilson_interval(given["completed"], int(got["denominator"]))
    assert [Decimal(edge).quantize(Decimal("1e-9")) for edge in got["interval_95"]] == [low.quantize(Decimal("1e-9")), high.quantize(Decimal("1e-9"))]


def test_invitations_and_imported_asks_are_one_population(cast):
    answered(cast.selin, 1)
    sent(cast.selin, 2)
    sent(cast.harry, 3, bounced_at=AT + dt.timedelta(hours=1))
    planned(cast.harry, at=AT, wave="never left")
    respond("nps", None, scale=(0, 10), at=None, contact=cast.harry, account=cast.north, invited_at=AT)
    got = ask("response_rate")
    assert got["parts"] == {"sent": 4, "bounced": 1, "delivered": 3, "completed": 1, "mean_of_mailings": got["parts"]["mean_of_mailings"]}
    assert (got["numerator"], got["denominator"]) == ("1", "3")
    assert ask("response_rate", "sent")["value"] == "0.25"


def test_answers_that_count_nowhere_are_no_completed_ones(cast):
    answered(cast.selin, 1, is_suspect=True)
    answered(cast.selin, 2, respondent="other")
    answered(cast.selin, 3, test=True)
    got = ask("response_rate")
    # a test mail was no ask at all
    assert (got["parts"]["sent"], got["parts"]["completed"]) == (2, 0)


def test_a_reminder_adds_no_ask_and_a_person_is_asked_once_about_an_object(cast):
    sent(cast.selin, 1, reminded_at=AT + dt.timedelta(days=3), ticket_id=5)
    sent(cast.selin, 2, ticket_id=5, sent_at=AT + dt.timedelta(days=4))
    sent(cast.selin, 3, ticket_id=6)
    assert ask("response_rate")["parts"]["sent"] == 2


def test_mailings_are_pooled_and_the_mean_of_their_rates_is_only_shown(cast):
    """One of one on the first day, one of four on the next: pooled 2 of 5, mean of 1 and 1/4."""
    answered(cast.selin, 1)
    second = AT + dt.timedelta(days=1)
    for number in range(2, 6):
        invitation = sent(cast.harry, number, sent_at=second)
        if number == 2:
            respond("nps", 3, scale=(0, 10), at=second, contact=cast.harry, account=cast.north, invitation=invitation)
    got = ask("response_rate")
    assert (got["value"], got["parts"]["mean_of_mailings"]) == ("0.4", "0.625")


def test_an_answer_after_the_period_still_belongs_to_the_survey_sent_in_it(cast):
    answered(cast.selin, 1, after=dt.timedelta(days=20))
    assert ask("response_rate", end="2024-03-05")["value"] == "1"
    early = ask("response_rate", end="2024-03-05", as_of="2024-03-10")
    assert (early["value"], early["flags"]) == ("0", ["settles_later"])


def test_it_settles_later_until_the_link_is_closed(cast):
    link_to(sent(cast.selin, 1), now=AT, days=14)
    assert ask("response_rate", as_of="2024-03-14")["flags"] == ["settles_later"]
    assert ask("response_rate", as_of="2024-03-16")["flags"] == []
    answered(cast.harry, 2)
    assert ask("response_rate", filters={"owner": "can@vefa.test"}, as_of="2024-03-14")["flags"] == []


def test_groups_by_segment_kind_and_language_add_up(cast):
    SegmentMembership.objects.create(account=cast.boga, segment=Segment.objects.get(key="vip"), valid_from=AT - dt.timedelta(days=30))
    answered(cast.selin, 1)
    sent(cast.harry, 2)
    sent(cast.harry, 3, survey="csat")
    for dimension, expected in (("segment", {"vip": 1, None: 2}), ("kind", {"nps": 2, "csat": 1}), ("language", {"tr": 1, "en": 2}), ("survey", {"nps": 2, "csat": 1})):
        groups = {group["key"]: group["parts"]["sent"] for group in ask("response_rate", by=dimension)["groups"]}
        assert groups == expected, dimension
    assert ask("response_rate", params={"kind": "csat"})["parts"]["sent"] == 1
    assert ask("response_rate", params={"survey": "nps"})["parts"]["sent"] == 2
    assert ask("response_rate", segment="vip")["value"] == "1"


def test_excluded_accounts_and_those_of_others_are_out(cast):
    answered(cast.selin, 1)
    sent(cast.harry, 2)
    assert ask("response_rate", accounts=[cast.boga.pk])["value"] == "1"
    cast.north.excluded = True
    cast.north.save()
    assert ask("response_rate")["value"] == "1"


def test_over_nothing_the_rate_is_null_and_counts_are_nought():
    got = ask("response_rate")
    assert (got["value"], got["interval_95"], got["flags"]) == (None, None, [])
    assert got["parts"] == {"sent": 0, "bounced": 0, "delivered": 0, "completed": 0, "mean_of_mailings": None}
    assert Response.objects.count() == 0
    assert Survey.objects.exists()


def test_a_wrong_kind_names_those_there_are():
    with pytest.raises(WrongQuestion, match="all, nps, csat, ces, exit, review"):
        answer(name="response_rate", start="2024-01-01", end="2024-07-01", now=NOW, params={"kind": "csats"})
